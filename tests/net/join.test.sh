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
# A busy machine adds to what a join takes, and never takes off: the protocol is as fast as the fastest of some tries.
join() { # RELAY FAMILY: true when its first frame was in the store in time
	local name=$1 takes_ms began joined_ms limit_ms
	takes_ms=$(start_ms "$name" "$2")
	began=$(mono_us)
	relay "$name" 'parent-a parent-b'
	within 10 eval '[ -n "$(first_after_ms "$name" "$began")" ]' || return 1
	joined_ms=$(first_after_ms "$name" "$began")
	limit_ms=$((3 * rtt_ms + spread_ms + takes_ms + 100))
	echo "$name: first frame after $joined_ms ms; limit $limit_ms: 3 round trips $((3 * rtt_ms)) + spread" \
		"$spread_ms + program start $takes_ms + 100" >>"$scratch/joins"
	[ "$joined_ms" -le "$limit_ms" ]
}
joins_in_time() { # RELAY FAMILY
	local try
	for ((try = 0; try < tries; try++)); do
		! join "$1" "$2" || return 0
		stop "$1"
	done
	relay "$1" 'parent-a parent-b'
	return 1
}
tries=8 busy_ms=90	# what a quiet machine is well below
too_busy() { [ "$(sed 's/.*program start \([0-9]*\).*/\1/' "$scratch/joins" | sort -n | head -n 1)" -gt $busy_ms ]; }
for name in "${relays[@]}"; do
	by=${host_family[$name]}
	[ "$by" != dual ] || by=v4
	: >"$scratch/joins"
	what="$name ($by): a frame in the store within 3 round trips and the spread"
	if joins_in_time "$name" "$by"; then
		ok "$what" true
	elif too_busy; then
		skip "$what" "a program takes over $busy_ms ms to start here: this machine is too busy to tell"
	else
		ok "$what" false
	fi
	ok "$name: a frame in the store" within 20 holds_at_least "$name" 1
	while IFS= read -r line; do figure "$line"; done <"$scratch/joins"
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
