#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The network goes away and comes back, or a relay's address changes under it: nobody restarts anything.
. "$(dirname "$0")/lib.sh"

relays=(relay-1 relay-2)
need_programs "$sentryd" "$sentryc" "$ctl"
wan
host camera 1 dual
host parent-a 11 dual
host relay-1 21 v4
host relay-2 22 v6
ok "keys" make_keys "${relays[@]}"
for name in "${relays[@]}"; do faults "$name" 'both delay 10ms 2ms; both loss 2%'; done >/dev/null
camera camera
parent parent-a camera
for name in "${relays[@]}"; do relay "$name" parent-a; done
ok "frames at both relays" within 30 all_hold 8 "${relays[@]}"

passed() { [ "$(mono_us)" -ge "$1" ]; }

# --- blackout ------------------------------------------------------------------------------------------------
blackout() { # LINK RELAY...
	local link=$1 cut mended name
	shift
	cut=$(mono_us)
	faults "$link" 'both down' >/dev/null
	within 10 passed $((cut + 3000000))
	faults "$link" 'both up' >/dev/null
	mended=$(mono_us)
	for name; do
		ok "$link cut for 3 s: $name goes on" within 10 published_after "$name" "$mended"
		figure "$link cut for 3 s: $name has a frame $(first_after_ms "$name" "$mended") ms after it came back"
		ok "$name: within 2.5 s" test "$(first_after_ms "$name" "$mended")" -le 2500
		ok "$name: none in between" test "$(longest_gap_ms "$name" $((cut - 1000000)) "$(mono_us)")" -ge 2500
	done
}
blackout relay-1 relay-1
blackout relay-2 relay-2
blackout parent-a relay-1 relay-2
blackout camera relay-1 relay-2

# --- an address that changes -----------------------------------------------------------------------------------
# Its own, which takes a new socket, and one that a NAT on the way gives it and forgets.
moves() { # RELAY WHAT LIMIT-MS, after it was done at $moved
	local pause_ms
	ok "$1, $2: frames go on" within 15 published_after "$1" $((moved + 3 * period_ms * 1000))
	pause_ms=$(longest_gap_ms "$1" $((moved - 1000000)) "$(mono_us)")
	figure "$1, $2: longest pause $pause_ms ms"
	ok "$1, $2: a pause of at most $3 ms" test "$pause_ms" -le "$3"
}
for name in "${relays[@]}"; do
	moved=$(mono_us)
	faults "$name" 'both ports 1000' >/dev/null
	moves "$name" "another port by a NAT" 3000
	before=${host_number[$name]}
	moved=$(mono_us)
	give_address "$name" $((before + 100))
	take_address "$name" "$before"
	moves "$name" "another address of its own" 5000
done
for name in "${relays[@]}"; do
	ok "$name: never backwards" never_backwards "$name"
	ok "$name still runs" running "$name"
done
ok "parent-a still runs" running parent-a
ok "byte for byte the same in every store" byte_for_byte parent-a "${relays[@]}"
done_testing
