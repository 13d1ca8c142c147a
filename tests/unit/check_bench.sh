#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What bench/summary.awk makes of a benchmark's findings.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
trap 'rm -rf "$scratch"' EXIT
shown="$scratch/table $scratch/json"

finding() { (IFS='	'; echo "$*") >>"$scratch/findings"; }
in_table() { grep -qE -e "$1" "$scratch/table"; }
in_json() { tr -d '\n' <"$scratch/json" | grep -qF -e "$1"; }

# Runs of 10, 30 and 20 against 10, 10 and 40: the ratio of the medians would be 2, the median of the ratios is 1.
finding sample 'conns=1' ours cost 0 10
finding sample 'conns=1' theirs cost 0 10
finding sample 'conns=1' ours cost 1 30
finding sample 'conns=1' theirs cost 1 10
finding sample 'conns=1' ours cost 2 20
finding sample 'conns=1' theirs cost 2 40
finding skipped 'conns=1' absent cost 'it has no "binary"'
finding ratio 'conns=1' cost ours theirs 0.9
finding ratio 'conns=1' cost ours absent 0
finding goal 'conns=1' ours cost 20
finding goal 'conns=1' theirs cost 9
finding sample 'conns=1' ours errors 0 0
finding sample 'conns=1' theirs errors 0 1
finding goal 'conns=1' ours errors 0
finding goal 'conns=1' theirs errors 0
finding ratio 'conns=1' cost theirs ours 0
finding sample 'tcp' ours rate 0 30
finding sample 'tcp' theirs rate 0 10
finding least 'tcp' rate ours theirs 3
finding least 'tcp' rate theirs ours 0.5
finding note ours 'with its defaults'
awk -f "${top_srcdir:-.}/bench/summary.awk" -v bench=try -v cpu='A "fast" one' -v cores=2 -v kernel=6.1 \
	-v json="$scratch/json" "$scratch/findings" >"$scratch/table"

ok 'the median of a subject, its least and its most' in_table '^conns=1 +ours +cost +20 +10 +30'
ok 'a goal that is met' in_table '^conns=1 +ours .*goal 20: met$'
ok 'a goal that is missed' in_table '^conns=1 +theirs .*goal 9: MISSED$'
ok 'a goal of none that is met' in_table '^conns=1 +ours +errors .*goal 0: met$'
ok 'a goal of none that is missed' in_table '^conns=1 +theirs +errors .*goal 0: MISSED$'
ok 'a ratio without a goal' in_table '^conns=1 +theirs / ours +1\.000 +0\.333 +2\.000$'
ok 'a subject that could not run' in_table '^conns=1 +absent +cost +skipped: it has no "binary"$'
ok 'a ratio is the median of the ratios of each run' in_table \
	'^conns=1 +ours / theirs +1\.000 +0\.500 +3\.000 +goal 0\.9: MISSED$'
ok 'a ratio that is high enough' in_table '^tcp +ours / theirs +3\.000 .*goal at least 3: met$'
ok 'a ratio that is too low' in_table '^tcp +theirs / ours +0\.333 .*goal at least 0\.5: MISSED$'
ok 'no ratio to what could not run' sh -c "! grep -q 'ours / absent' '$scratch/table'"
ok 'notes' in_table '^ours: with its defaults$'
ok 'JSON: machine and runs' in_json \
	'{"bench":"try","machine":{"cpu":"A \"fast\" one","cores":2,"kernel":"6.1"},"runs":3,"rows":['
ok 'JSON: a row' in_json '{"case":"conns=1","subject":"ours","metric":"cost","median":20,"min":10,"max":30}'
ok 'JSON: a subject that could not run' in_json \
	'{"case":"conns=1","subject":"absent","metric":"cost","skipped":"it has no \"binary\""}'
ok 'JSON: a ratio' in_json \
	'"ratios":[{"case":"conns=1","metric":"cost","of":"ours","to":"theirs","median":1,"min":0.5,"max":3},'
if command -v jq >/dev/null; then
	ok 'JSON: it is JSON' jq -e '.notes.ours == "with its defaults"' "$scratch/json"
else
	skip 'JSON: it is JSON' 'no jq'
fi
done_testing
