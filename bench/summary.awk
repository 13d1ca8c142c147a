#!/usr/bin/awk -f
# SPDX-License-Identifier: Apache-2.0
#
# Turns the findings that a benchmark prints (bench/bench.h) into a table on standard output and, with -v json=FILE,
# into JSON. A ratio is the median of the ratios of each run. Wants -v bench=NAME, cpu=TEXT, cores=N, kernel=TEXT.
BEGIN { FS = "\t" }

$1 == "sample" {
	row = $2 FS $3 FS $4
	if (!(row in n)) { rows[++n_rows] = row; n[row] = 0 }
	value[row, $5] = $6 + 0
	n[row]++
	if ($5 + 1 > runs) runs = $5 + 1
}
$1 == "skipped" { row = $2 FS $3 FS $4; rows[++n_rows] = row; n[row] = 0; skipped[row] = $5 }
$1 == "ratio" || $1 == "least" {
	ratios[++n_ratios] = $2 FS $3 FS $4 FS $5
	limit_of[ratios[n_ratios]] = $6 + 0
	least[ratios[n_ratios]] = $1 == "least"
}
$1 == "goal" { goal[$2 FS $3 FS $4] = $5 + 0 }
$1 == "note" { notes[++n_notes] = $2; note[n_notes] = $3 }

# median, min and max of list[1..count]
function spread(count,    i, j, t) {
	for (i = 2; i <= count; i++) {
		t = list[i]
		for (j = i - 1; j >= 1 && list[j] > t; j--) list[j + 1] = list[j]
		list[j + 1] = t
	}
	min = list[1]; max = list[count]
	median = count % 2 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
}
function spread_row(row,    i, count) {
	count = 0
	for (i = 0; i < runs; i++) if ((row, i) in value) list[++count] = value[row, i]
	spread(count)
}
# 0 when a subject could not run
function spread_ratio(ratio,    part, a, b, i, count) {
	split(ratio, part, FS)
	a = part[1] FS part[3] FS part[2]
	b = part[1] FS part[4] FS part[2]
	count = 0
	for (i = 0; i < runs; i++)
		if ((a, i) in value && (b, i) in value && value[b, i] > 0) list[++count] = value[a, i] / value[b, i]
	if (count > 0) spread(count)
	return count
}
function text(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); gsub(/[[:cntrl:]]/, " ", s); return "\"" s "\"" }
function number(x) { return sprintf("%.6g", x) }
function three() { return "\"median\":" number(median) ",\"min\":" number(min) ",\"max\":" number(max) }
function verdict(limit, at_least) {
	return sprintf("  goal %s%.6g: %s", at_least ? "at least " : "", limit,
		(at_least ? median >= limit : median <= limit) ? "met" : "MISSED")
}
function put(s) { if (json != "") printf "%s", s > json }

END {
	put("{\"bench\":" text(bench) ",\"machine\":{\"cpu\":" text(cpu) ",\"cores\":" cores + 0)
	put(",\"kernel\":" text(kernel) "},\"runs\":" runs + 0 ",\"rows\":[")
	printf "%s on %s, %d cores, Linux %s; %d runs\n\n", bench, cpu, cores, kernel, runs
	printf "%-36s %-11s %-22s %12s %12s %12s\n", "case", "subject", "metric", "median", "min", "max"
	for (r = 1; r <= n_rows; r++) {
		split(rows[r], part, FS)
		put((r > 1 ? "," : "") "\n{\"case\":" text(part[1]) ",\"subject\":" text(part[2]))
		put(",\"metric\":" text(part[3]))
		printf "%-36s %-11s %-22s", part[1], part[2], part[3]
		if (n[rows[r]] == 0) {
			put(",\"skipped\":" text(skipped[rows[r]]) "}")
			printf " skipped: %s\n", skipped[rows[r]]
			continue
		}
		spread_row(rows[r])
		put("," three() "}")
		printf " %12s %12s %12s%s\n", number(median), number(min), number(max),
			(rows[r] in goal ? verdict(goal[rows[r]]) : "")
	}
	put("],\"ratios\":[")
	printf "\n%-36s %-32s %12s %12s %12s\n", "case", "ratio", "median", "min", "max"
	for (r = 1; r <= n_ratios; r++) {
		if (spread_ratio(ratios[r]) == 0) continue
		split(ratios[r], part, FS)
		put((put_one++ ? "," : "") "\n{\"case\":" text(part[1]) ",\"metric\":" text(part[2]))
		put(",\"of\":" text(part[3]) ",\"to\":" text(part[4]) "," three() "}")
		printf "%-36s %-32s %12.3f %12.3f %12.3f%s\n", part[1], part[3] " / " part[4], median, min, max,
			(limit_of[ratios[r]] > 0 ? verdict(limit_of[ratios[r]], least[ratios[r]]) : "")
	}
	put("],\"notes\":{")
	print ""
	for (i = 1; i <= n_notes; i++) {
		put((i > 1 ? "," : "") "\n" text(notes[i]) ":" text(note[i]))
		printf "%s: %s\n", notes[i], note[i]
	}
	put("}}\n")
}
