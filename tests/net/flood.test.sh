#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Forged load at a relay and at a parent: 100 000 datagrams a second, for 8 s each or, with NET_LONG=1, for 30.
# Alone among those that look at the clock: one processor is the attacker's, the other the victim's.
period_ms=100
. "$(dirname "$0")/lib.sh"

# A busy machine may not get as far; the long run is for one that is not.
seconds=8 reached=75
[ -z "${NET_LONG:-}" ] || seconds=30 reached=95
rate=100000
need_programs "$sentryd" "$sentryc" "$ctl"
wan
host camera 1 dual
host parent-a 11 dual
host relay-1 21 v4
# The attacker is next to its victims, over an ordinary pair of devices: no emulated link slows it down.
namespace attacker
neighbour() { # HOST NUMBER
	ip -n "$prefix-attacker" link add name "to-$1" type veth peer name evil netns "$prefix-$1" &&
		ip -n "$prefix-attacker" addr add "10.66.$2.1/24" dev "to-$1" &&
		ip -n "$prefix-attacker" link set "to-$1" up &&
		ip -n "$prefix-$1" addr add "10.66.$2.2/24" dev evil && ip -n "$prefix-$1" link set evil up
}
ok "keys" make_keys relay-1
for name in camera parent-a relay-1; do faults "$name" 'both delay 5ms'; done >/dev/null
camera camera
parent parent-a camera
relay relay-1 parent-a --key "$scratch/relay-1.psk" --listen "0.0.0.0:$relay_port"
neighbour parent-a 1
neighbour relay-1 2
ok "frames at the relay" within 30 all_hold 20 relay-1

# --- what somebody on the path could record --------------------------------------------------------------------------
ok "datagrams recorded" on relay-1 "$tools/flood" --record "$scratch/recorded" --device wan --port $relay_port \
	--seconds 2

dropped() { echo $(($(metric "$1" koshien_wire_drops_total) + $(metric "$1" koshien_wire_reply_drops_total))); }
ticks() { awk '{ print $14 + $15 }' "/proc/${pid[$1]}/stat"; }
flood() { # NUMBER PORT
	on attacker "$tools/flood" --rate $rate --seconds $seconds --key "$scratch/relay-1.psk" \
		--recorded "$scratch/recorded" "10.66.$1.2" "$2" >"$scratch/flood.json"
}
bytes() { ip -n "$prefix-attacker" -j -s link show "to-$1" | jq ".[0].stats64.$2.bytes"; }	# VICTIM rx|tx
attack() { # VICTIM NUMBER PORT
	local victim=$1 before after rss overflows answers asked began ended expected missing drops cpu
	before=$(own_kib "$victim")
	rss=$(rss_kib "$victim")
	drops=$(dropped "$victim")
	cpu=$(ticks "$victim")
	answers=$(bytes "$victim" rx) asked=$(bytes "$victim" tx)
	overflows=$(metric "$victim" koshien_wire_receive_overflows_total)
	began=$(mono_us)
	ok "$victim: the attack" flood "$2" "$3"
	ended=$(mono_us)
	answers=$(($(bytes "$victim" rx) - answers)) asked=$(($(bytes "$victim" tx) - asked))
	figure "$victim: $(jq -c . "$scratch/flood.json")"
	after=$(own_kib "$victim")
	ok "$victim: frames after it" within 10 captured_after "$ended" relay-1
	drops=$(($(dropped "$victim") - drops))
	cpu=$(($(ticks "$victim") - cpu))
	missing=$(missing "$began" "$ended" relay-1 parent-a)
	expected=$(wc -l <"$scratch/expected")
	figure "$victim: own memory $before KiB before, $after after (VmRSS, with the store: $rss, $(rss_kib "$victim"))"
	overflows=$(($(metric "$victim" koshien_wire_receive_overflows_total) - overflows))
	figure "$victim: $drops datagrams dropped for a reason, $overflows before they were read; CPU $((cpu * 10 / seconds)) ms a second"
	figure "$victim: $expected frames meanwhile, $missing missing"
	ok "$victim: at $((rate / 1000)) 000 a second, and $reached % of that at least" \
		jq -e ".per_s * 100 >= $reached * $rate" "$scratch/flood.json"
	figure "$victim: $answers bytes sent back for $asked bytes"
	ok "$victim: less goes back than came" test "$answers" -le "$asked"
	if grep -q __asan_init "$sentryc"; then
		skip "$victim: memory flat" "the address sanitizer keeps what was freed"
	else
		ok "$victim: memory flat" test $((after - before)) -le 512
	fi
	# What overflows before it is read shows that the machine had no time for the victim; that may take one frame with it.
	ok "$victim: 99.9 % of the frames arrive" test $(((missing - (overflows > 0)) * 1000)) -le "$expected"
	ok "$victim still runs" running "$victim"
}
attack relay-1 2 $relay_port
attack parent-a 1 $relay_port
ok "byte for byte the same in both stores" byte_for_byte parent-a relay-1
ok "never backwards" never_backwards relay-1
done_testing
