#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A path through nat64d that is narrow further on, and how an IPv4 sender gets to know it: its sockets' errors.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/nat64-hosts.sh"
probe=$tools/nat64_probe
need_programs "$nat64d" "$tools/nat64_echo" "$probe" "$top_builddir/bench/traffic"
command -v node >/dev/null || skip_all "node is not installed"

# client4 - xlat - near - far - server6; near is 192.0.2.3, far has no IPv4 address, so it shares icmp-pool4.
topology() {
	client_and_xlat && namespace near && namespace far && forwards near && forwards far && server_behind far &&
		joined xlat near && give6 xlat near 2001:db8:a::1/64 && give6 near xlat 2001:db8:a::2/64 &&
		joined near far && give6 near far 2001:db8:b::1/64 && give6 far near 2001:db8:b::2/64 &&
		ip -n "$prefix-xlat" route add 2001:db8:1::/64 via 2001:db8:a::2 &&
		ip -n "$prefix-near" route add 2001:db8:1::/64 via 2001:db8:b::2 &&
		ip -n "$prefix-near" route add 64:ff9b:1::/96 via 2001:db8:a::1 &&
		ip -n "$prefix-far" route add 64:ff9b:1::/96 via 2001:db8:b::1
}
told() { # TEXT PROBE...: an error that says this
	local text=$1
	shift
	on client4 "$probe" "$@" >"$scratch/told"
	cat "$scratch/told"
	[ "$(cat "$scratch/told")" = "$text" ]
}
ok "hosts" topology
ok "servers" serve_all client4 server6
ok "a translator" translator 'map-static 192.0.2.3 2001:db8:a::2' 'icmp-source4 192.0.2.254' 'icmp-pool4 192.0.2.64'
ok "the path is there" within 20 on client4 "$probe" echo $server6_by4 $echo_port 100

# --- hop by hop ----------------------------------------------------------------------------------------------------
unused_port=9
ok "1 hop: the translator's host, which forwards" told '198.51.100.1 11 0' ttl $server6_by4 $unused_port 1
ok "2 hops: the translator" told '192.0.2.254 11 0' ttl $server6_by4 $unused_port 2
ok "3 hops: its host again, as what forwards IPv6; it has the pool's address" told '192.0.2.64 11 0' \
	ttl $server6_by4 $unused_port 3
ok "4 hops: the next router, which has a mapping" told '192.0.2.3 11 0' ttl $server6_by4 $unused_port 4
ok "5 hops: the one behind it, which has none" told '192.0.2.64 11 0' ttl $server6_by4 $unused_port 5
ok "6 hops: the host, where nobody listens" told '192.0.2.1 3 3' ttl $server6_by4 $unused_port 6

# --- a narrow link ----------------------------------------------------------------------------------------------------
ip -n "$prefix-near" link set far mtu 1280
ip -n "$prefix-far" link set near mtu 1280
# 1400 bytes and their IPv4 header, in IPv6, are more than 1280, of which IPv4 has 20 less.
ok "DF and too big: its sender is told by the router, and which size fits" told '192.0.2.3 1260' \
	mtu $server6_by4 $echo_port 1400
keeps_to() { on client4 ip route get $server6_by4 | tee "$scratch/route" | grep -q "mtu $1"; }
ok "which its kernel keeps to" keeps_to 1260
flushed() { on client4 ip route flush cache && on server6 ip -6 route flush cache; }
ok "nobody knows of it" flushed
before=$(metric xlat koshien_nat64_icmp_errors_translated_total)
ok "TCP to IPv6 gets over it" upload client4 $server6_by4
ok "as it was told" test "$(metric xlat koshien_nat64_icmp_errors_translated_total)" -gt "$before"
ok "TCP to IPv4 gets over it" download client4 $server6_by4
ok "TCP to IPv4, opened from IPv6" upload server6 "[$client4_by6]"
ok "nobody knows of it, again" flushed
ok "1400 bytes without DF arrive, and come back" on client4 "$probe" echo $server6_by4 $echo_port 1400
ok "fragments of it were made" test "$(metric xlat koshien_nat64_fragments_total)" -ge 2
ok "3000 bytes, in fragments already" on client4 "$probe" echo $server6_by4 $echo_port 3000
ok "8000 bytes" on client4 "$probe" echo $server6_by4 $echo_port 8000

# The translator itself: its mtu6 is less than the device's.
stop nat64d
ok "a translator with an MTU of its own" translator 'mtu6 1400' 'icmp-source4 192.0.2.254'
ok "nobody knows of anything" flushed
ok "DF and too big for it: it says so itself" told '192.0.2.254 1380' mtu $server6_by4 $echo_port 1450
done_testing
