#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A parent dies, a capture daemon dies and comes back: what relays show meanwhile.
# A source is given up after 1.5 periods: so long no busy machine is to stop one.
period_ms=500
. "$(dirname "$0")/lib.sh"

relays=(relay-1 relay-2 relay-3 relay-4)
build_topology
ok "keys" make_keys "${relays[@]}"
for name in "${relays[@]}"; do faults "$name" 'both delay 10ms 2ms; both loss 2%'; done >/dev/null
primary() { camera camera --source-id 0 --priority 0 --trust "$scratch/spare.pub"; }
primary
parent parent-a 'camera spare'
parent parent-b 'camera spare'
# The spare only then: a parent that met it first would show it until the primary had been good for 10 s.
ok "the parents have frames of the primary" within 20 all_hold 4 parent-a parent-b
camera spare --source-id 1 --priority 1 --trust "$scratch/camera.pub"
for name in "${relays[@]}"; do relay "$name" 'parent-a parent-b'; done
ok "frames everywhere" within 30 all_hold 8 "${relays[@]}"

newest_is_of() { [ "$(held "$1" | tail -n 1 | cut -d ' ' -f 2)" = "$2" ]; }	# HOST SOURCE
all_show() { local name; for name in "${relays[@]}"; do newest_is_of "$name" "$1" || return 1; done; }
ok "of the primary" within 20 all_show 0

# --- a parent --------------------------------------------------------------------------------------------
began=$(($(mono_us) - 2000000))
killed=$(mono_us)
stop parent-a KILL
ok "frames go on without parent-a" within 20 captured_after $((killed + 6000000)) "${relays[@]}"
for name in "${relays[@]}"; do
	missing=$(missing "$began" $((killed + 5000000)) "$name" parent-b "${relays[@]}")
	figure "$name: parent-a killed: $missing missing of $(wc -l <"$scratch/expected")," \
		"longest pause $(longest_gap_ms "$name" "$began" $((killed + 5000000))) ms"
	ok "$name: at most one frame lost with a parent" test "$missing" -le 1
done
said_once() { [ "$(grep -c -e "$2" "$scratch/$1.log")" = 1 ]; }	# NAME PATTERN
for name in "${relays[@]}"; do
	ok "$name says once that it cannot reach parent-a" within 10 said_once "$name" 'parent parent-a (.*cannot be reached'
done
parent parent-a 'camera spare'
ok "parent-a is back" within 20 captured_after "$(mono_us)" parent-a

# --- a source ----------------------------------------------------------------------------------------------
killed=$(mono_us)
stop camera KILL
ok "the spare takes over" within 10 all_show 1
for name in "${relays[@]}"; do
	gap_ms=$(held "$name" | awk -v killed="$killed" '
		$5 < killed || $2 == 0 { last = $5; next }
		{ printf "%.0f\n", ($5 - last) / 1000; exit }')
	figure "$name: capture daemon killed: next frame ${gap_ms:-never} ms after the last"
	ok "$name: within 2.5 periods" test "${gap_ms:-999999}" -le $((period_ms * 5 / 2))
	ok "$name: never backwards" never_backwards "$name"
done
spare_pauses() { cat "$scratch"/parent-?.log | grep -c 'source 0 after source 1, which has sent no picture for'; }
pauses_before=$(spare_pauses)
back=$(mono_us)
primary
ok "the primary comes back" within 25 all_show 0
# A spare that pauses is taken over from at once, which is right, and on a busy machine it may.
spare_paused() { [ "$(spare_pauses)" -gt "$pauses_before" ]; }
for name in "${relays[@]}"; do
	handed_ms=$(first_after_ms "$name" "$back" 0)
	figure "$name: shown again ${handed_ms:-never} ms after its start"
	if spare_paused; then
		skip "$name: after 10 s of good frames" "to a parent the spare had paused: this machine is too busy"
		skip "$name: without a pause" "likewise"
		ok "$name: never backwards" never_backwards "$name"
		continue
	else
		ok "$name: after 10 s of good frames" test "${handed_ms:-0}" -ge 10000 -a "${handed_ms:-0}" -le 14000
	fi
	changes=$(held "$name" | awk -v back="$back" '
		$5 < back { next }
		{ n += source != "" && $2 != source; source = $2 } END { print n + 0 }')
	figure "$name: changes of source since: $changes"
	ok "$name: without a pause" test "$(longest_gap_ms "$name" "$back" "$(mono_us)")" -le $((period_ms * 5 / 2))
	ok "$name: never backwards" never_backwards "$name"
done
believes_relays() { [ "$(metric "$1" koshien_capture_heads_total signature malformed)" = 0 ]; }
for name in camera spare; do ok "$name believes what relays say that they show" believes_relays "$name"; done
ok "byte for byte the same in every store" byte_for_byte "${relays[@]}"
done_testing
