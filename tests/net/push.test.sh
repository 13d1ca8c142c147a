#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A capture daemon that sends without being asked: to a relay that answers, and to one from which nothing comes back.
. "$(dirname "$0")/lib.sh"

relays=(relay-1 relay-2)
need_programs "$sentryd" "$sentryc" "$ctl"
wan
host camera 1 dual
host relay-1 21 v4
host relay-2 22 v6
ok "keys" make_keys "${relays[@]}"
faults relay-1 'both delay 10ms 2ms; both loss 5%' >/dev/null
faults relay-2 'ba delay 10ms 2ms; ba loss 5%; ab down' >/dev/null
before=$(carried relay-2 .ab.passed)
listen() { # RELAY
	# shellcheck disable=SC2046
	start "$1" "$1" "$sentryc" $(common "$1") --key "$scratch/$1.psk" --listen "$(url "$1" $relay_port)"
}
camera camera --relay "relay-1,address=$(url relay-1 $relay_port),key=$scratch/relay-1.psk" \
	--relay "relay-2,address=$(url relay-2 $relay_port),key=$scratch/relay-2.psk,blind=yes"
ok "the camera is there" within 10 listening camera $camera_port
for name in "${relays[@]}"; do
	began=$(mono_us)
	listen "$name"
	ok "$name: frames" within 20 published_after "$name" "$began" 4
	figure "$name: first frame after $(first_after_ms "$name" "$began") ms"
done

began=$(mono_us)
ok "frames at 5 % loss" within 30 captured_after $((began + 10000000)) "${relays[@]}"
for name in "${relays[@]}"; do
	missing=$(missing "$began" $((began + 10000000)) "$name" "${relays[@]}")
	figure "$name: $(wc -l <"$scratch/expected") frames, $missing missing;" \
		"from it: $(carried "$name" .ab.passed), to it: $(carried "$name" -c '.ba | {packets, loss}')"
	ok "$name: at most one is missing" test "$missing" -le 1
done
ok "nothing came back from relay-2" test "$(carried relay-2 .ab.passed)" = "$before"

for name in "${relays[@]}"; do
	stop "$name"
	began=$(mono_us)
	listen "$name"
	ok "$name: frames after it was started again" within 20 published_after "$name" "$began" 2
	figure "$name: started again: first frame after $(first_after_ms "$name" "$began") ms"
	ok "$name: within 6 s" test "$(first_after_ms "$name" "$began")" -le 6000
	ok "$name: never backwards" never_backwards "$name"
done
ok "byte for byte the same in both stores" byte_for_byte "${relays[@]}"
done_testing
