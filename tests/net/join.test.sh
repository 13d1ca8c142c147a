#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Relays that come by themselves, with a key and an address; then everything at 10 % loss, byte for byte.
. "$(dirname "$0")/lib.sh"

relays=(relay-1 relay-2 relay-3 relay-4)
build_topology
ok "keys" make_keys "${relays[@]}"
for name in "${relays[@]}"; do faults "$name" 'both delay 10ms'; done >/dev/null
for name in parent-a parent-b; do faults "$name" 'both delay 5ms'; done >/dev/null
rtt_ms=30 spread_ms=$((period_ms / 4 < 200 ? period_ms / 4 : 200))
camera camera
parent parent-a camera
parent parent-b camera
ok "the parents have frames" within 20 all_hold 4 parent-a parent-b

# --- joining ------------------------------------------------------------------------------------------
# What a process takes until it is ready to send: the same program with the same settings, that only checks them.
start_ms() {
	local began ended
	began=$(mono_us)
	on "$1" "$sentryc" --check-config --trust "$scratch/camera.pub" \
		--parent "$(parent_of parent-a $relay_port "$1" "$2")" >/dev/null 2>&1
	ended=$(mono_us)
	echo $(((ended - began) / 1000))
}
for name in "${relays[@]}"; do
	by=${host_family[$name]}
	[ "$by" != dual ] || by=v4
	takes_ms=$(start_ms "$name" "$by")
	began=$(mono_us)
	relay "$name" 'parent-a parent-b'
	ok "$name ($by): a frame in the store" within 10 holds_at_least "$name" 1
	joined_ms=$(first_after_ms "$name" "$began")
	limit_ms=$((3 * rtt_ms + spread_ms + takes_ms + 100))
	figure "$name: first frame after ${joined_ms:-no} ms; limit: 3 round trips $((3 * rtt_ms)) + spread $spread_ms" \
		"+ program start $takes_ms + 100"
	ok "$name: within 3 round trips and the spread" test "${joined_ms:-999999}" -le "$limit_ms"
done

# --- loss ---------------------------------------------------------------------------------------------
for name in "${relays[@]}"; do
	faults "$name" 'both delay 10ms 2ms; ba loss 8%; ab loss 5%; ba reorder 1%; ba duplicate 1%' >/dev/null
done
for name in parent-a parent-b; do faults "$name" 'both loss 2%'; done >/dev/null
faults camera 'both loss 3%' >/dev/null
began=$(mono_us)
frames=$((12000 / period_ms))
ok "frames go on at 10 % loss" within 40 all_hold $((frames + $(count_held relay-4))) relay-4
ended=$(mono_us)
ok "to all relays" within 10 captured_after "$ended" "${relays[@]}"
for name in "${relays[@]}"; do
	missing=$(missing "$began" "$ended" "$name" parent-a parent-b "${relays[@]}")
	figure "$name: $(wc -l <"$scratch/expected") frames at 10 % loss, $missing missing;" \
		"datagrams to it: $(carried "$name" -c '.ba | {packets, loss}')"
	ok "$name: at most one is missing" test "$missing" -le 1
	ok "$name: never backwards" never_backwards "$name"
done
ok "byte for byte the same in every store" byte_for_byte parent-a parent-b "${relays[@]}"
for name in camera parent-a parent-b "${relays[@]}"; do ok "$name still runs" running "$name"; done
done_testing
