#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The link emulator itself, between two hosts, by a program that counts what comes back.
. "$(dirname "$0")/lib.sh"

wan
host left 1 dual
host right 2 dual
start echo4 right "$tools/probe" serve 10.77.0.2 7777
start echo6 right "$tools/probe" serve fd77::2 7777
ok "both hosts are there" within 10 eval '[ "$(on right cat /proc/net/udp /proc/net/udp6 | grep -c -i :1E61)" = 2 ]'

ask() { # v4|v6 OPTION...: the answer in $json
	local family=$1
	shift
	json=$(on left "$tools/probe" ask "$@" "$(address right "$family")" 7777)
	echo "$json"
}
is() { jq -e "$1" <<<"$json"; }
all_of() {
	ask "$1" --count 100 --every 1000 --wait 300 && is '.received == 100 and .damaged == 0 and .duplicated == 0'
}
ok "IPv4 crosses whole" all_of v4
ok "IPv6 crosses whole" all_of v6

suffers() { # NAME COMMAND FAMILY JQ-FILTER PROBE-OPTION...
	faults left "both clear; $2" >/dev/null
	ok "$1" suffered "$3" "$4" "${@:5}"
}
suffered() { ask "$1" "${@:3}" && is "$2"; }
suffers "a delay of 10 ms each way" 'both delay 10ms' v6 \
	'.rtt_us.min >= 20000 and .rtt_us.p50 < 30000 and .reordered == 0' --every 2000
figure "round trip of 20 ms: $(jq -c .rtt_us <<<"$json") us"
suffers "jitter, reordering and duplicates" 'both delay 10ms 5ms; ab reorder 20% 30ms; ba duplicate 20%' v4 \
	'.received == 300 and .reordered > 30 and .duplicated > 30 and .duplicated < 90 and .damaged == 0' \
	--count 300 --every 2000
suffers "losses of both directions add up" 'ab loss 20%; ba loss 10%' v6 \
	'.received > 670 and .received < 770' --count 1000 --every 500 --wait 200
figure "20 % and 10 % lost: $(jq .received <<<"$json") of 1000 came back, 720 expected"
suffers "damage that the checksum finds is loss" 'ab corrupt 30%' v4 \
	'.received < 240 and .damaged == 0' --count 300 --every 500 --wait 200
suffers "damage that it does not find arrives" 'ab corrupt 30% mended' v6 \
	'.received < 240 and .damaged > 60' --count 300 --every 500 --wait 200
suffers "a rate of 1 Mbit/s" 'ab rate 1M 20k' v4 \
	'.received > 30 and .received < 60' --count 200 --size 1200 --every 1000 --wait 400
suffers "a NAT" 'both ports 1000' v6 '.received == 100 and .damaged == 0' --every 1000 --wait 100
suffers "a cut link" 'ab down' v6 '.received == 0' --count 10 --every 1000 --wait 100
faults left 'both clear' >/dev/null
ok "and mended again" all_of v6

# --- path MTU ---------------------------------------------------------------------------------------------
path_mtu() { ip -n "$prefix-left" -o route get "$1" | grep -o 'mtu [0-9]*'; }
faults left 'ab mtu 1300' >/dev/null
few='--count 10 --every 1000 --wait 100'
# shellcheck disable=SC2086
for family in v4 v6; do
	# Again and again, until what the first datagrams provoked is back; a busy machine takes its time.
	ok "$family: a sender is told of a path of 1300 bytes" within 20 suffered $family \
		'.received == 0 and .too_big >= 1' $few --size 1400
	ok "$family: and its kernel knows" test "$(path_mtu "$(address right $family)")" = "mtu 1300"
	ok "$family: what fits crosses" suffered $family '.received == 10' $few --size 1200
done
ok "each was told once" eval '[ "$(carried left .ab.too_big_sent)" = "$(carried left .ab.mtu)" ]'
faults left 'ab mtu 900 silent' >/dev/null
# shellcheck disable=SC2086
ok "a silent one says nothing" suffered v4 '.received == 0 and .too_big == 0' $few --size 1000
# shellcheck disable=SC2086
ok "and swallows what is too long" suffered v4 '.received == 10' $few --size 800
ok "a wrong command is refused" eval '! faults left "ab los 5%"'
done_testing
