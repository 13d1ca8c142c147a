#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Paths that are narrower than the datagrams: told by ICMP, or not told at all, and through a translator.
. "$(dirname "$0")/lib.sh"

relays=(relay-1 relay-2 relay-3 relay-4)
need_programs "$sentryd" "$sentryc" "$ctl"
wan
host camera 1 dual
host parent-a 11 dual
host relay-1 21 v4
host relay-2 22 v6
host relay-3 23 v4
host relay-4 24 v6
ok "keys" make_keys "${relays[@]}" translated
for name in "${relays[@]}"; do faults "$name" 'both delay 10ms'; done >/dev/null
camera camera --datagram 1432
parent parent-a camera --datagram 1432
for name in "${relays[@]}"; do relay "$name" parent-a --datagram 1432; done
ok "frames everywhere" within 30 all_hold 8 "${relays[@]}"

narrow() { # HOST COMMAND WHAT LIMIT-MS: from now on; frames have to come again
	local name=$1 began pause_ms
	began=$(mono_us)
	faults "$name" "$2" >/dev/null
	ok "$name, $3: frames go on" within 15 published_after "$name" $((began + period_ms * 2000)) 4
	pause_ms=$(longest_gap_ms "$name" $((began - 1000000)) "$(mono_us)")
	figure "$name, $3: longest pause $pause_ms ms," \
		"too long: $(carried "$name" .ba.mtu), told: $(carried "$name" .ba.too_big_sent)"
	ok "$name, $3: a pause of at most $4 ms" test "$pause_ms" -le "$4"
	ok "$name, $3: it was the MTU" test "$(carried "$name" .ba.mtu)" -ge 1
}
narrow relay-1 'ba mtu 1280' 'IPv4, 1280, told' 2000
narrow relay-2 'ba mtu 1280' 'IPv6, 1280, told' 2000
# Silence takes its time to be sure of: about 2.5 s for each step down.
narrow relay-3 'ba mtu 900 silent' 'IPv4, 900, silent' 11000
narrow relay-4 'ba mtu 1280 silent' 'IPv6, 1280, silent' 5000
narrow relay-1 'ba mtu 700' 'IPv4, 700, told' 2000

# From the beginning: the path is narrow before the first datagram.
stop relay-4
rm -f "$scratch/relay-4.store"/*
began=$(mono_us)
relay relay-4 parent-a --datagram 1432
ok "relay-4 joins over a narrow, silent path" within 15 published_after relay-4 "$began" 4
figure "relay-4: first frame after $(first_after_ms relay-4 "$began") ms"

# And the first hop.
began=$(mono_us)
faults camera 'ab mtu 1000 silent' >/dev/null
ok "the camera's own link, 1000, silent: frames go on" within 15 published_after relay-1 $((began + period_ms * 2000)) 4
figure "camera, 1000, silent: longest pause $(longest_gap_ms relay-1 $((began - 1000000)) "$(mono_us)") ms"

# --- through a translator ------------------------------------------------------------------------------------------
tayga=$(command -v tayga || echo "$tools/tayga/usr/sbin/tayga")
# An IPv6 relay whose parent has IPv4: fd64::/96 stands for all of IPv4, as behind a NAT64.
translator() {
	cat >"$scratch/tayga.conf" <<-END
	tun-device nat64
	ipv4-addr 192.168.64.1
	ipv6-addr fd64:0:0:1::1
	prefix fd64::/96
	dynamic-pool 192.168.64.0/24
	data-dir $scratch
	END
	on wan "$tayga" --mktun --config "$scratch/tayga.conf" || return 1
	quiet_device wan nat64
	ip -n "$prefix-wan" link set nat64 up mtu 1500
	ip -n "$prefix-wan" route add 192.168.64.0/24 dev nat64
	ip -n "$prefix-wan" -6 route add fd64::/96 dev nat64
	start tayga wan "$tayga" --nodetach --config "$scratch/tayga.conf"
}
if [ -x "$tayga" ]; then
	host translated 31 v6
	faults translated 'both delay 10ms; ba mtu 1280' >/dev/null
	ok "a translator" translator
	# shellcheck disable=SC2046
	start translated translated "$sentryc" $(common translated) --datagram 1432 \
		--parent "parent-a,address=[fd64::$(address parent-a v4)]:$relay_port,key=$scratch/translated.psk"
	ok "frames through a translator and 1280" within 20 all_hold 8 translated
	figure "translated: too long for its link: $(carried translated .ba.mtu)"
	ok "its path was too narrow for the longest" test "$(carried translated .ba.mtu)" -ge 1
	ok "translated: never backwards" never_backwards translated
	relays+=(translated)
else
	skip "frames through a translator" "tayga is not here; script/test fetches it"
fi
ok "byte for byte the same in every store" byte_for_byte parent-a "${relays[@]}"
done_testing
