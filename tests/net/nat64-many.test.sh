#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two translators side by side, one of which dies; ten thousand mappings that are read again and again.
. "$(dirname "$0")/lib.sh"

nat64d=$top_builddir/nat64/nat64d traffic=$top_builddir/bench/traffic
need_programs "$nat64d" "$traffic" "$ctl"

# --- hosts: client (IPv4) - v4 - xlat-1, xlat-2 - v6 - server (IPv6) -------------------------------------------------
joined() { # HOST ROUTER DEVICE: a link, whose end at the router has the host's name
	ip link add "$1" netns "$prefix-$2" type veth peer name "$3" netns "$prefix-$1" &&
		ip -n "$prefix-$2" link set "$1" up && ip -n "$prefix-$1" link set "$3" up
}
join4() { # HOST NET
	joined "$1" v4 4 && ip -n "$prefix-v4" addr add "10.77.$2.1/24" dev "$1" &&
		ip -n "$prefix-$1" addr add "10.77.$2.2/24" dev 4 && ip -n "$prefix-$1" route add default via "10.77.$2.1"
}
join6() { # HOST NET
	joined "$1" v6 6 && ip -n "$prefix-v6" addr add "fd77:$2::1/64" dev "$1" nodad &&
		ip -n "$prefix-$1" addr add "fd77:$2::2/64" dev 6 nodad &&
		ip -n "$prefix-$1" -6 route add default via "fd77:$2::1"
}
build_hosts() {
	local host
	for host in client v4 xlat-1 xlat-2 v6 server; do
		namespace "$host" || return 1
		on "$host" sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
			net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 \
			net.ipv4.fib_multipath_hash_policy=1 net.ipv6.fib_multipath_hash_policy=1 \
			net.ipv4.conf.all.ignore_routes_with_linkdown=1 net.ipv6.conf.all.ignore_routes_with_linkdown=1
	done
	join4 client 9 && join4 xlat-1 1 && join4 xlat-2 2 && join6 server 9 && join6 xlat-1 1 && join6 xlat-2 2 &&
		ip -n "$prefix-v4" route add 192.0.2.0/24 nexthop via 10.77.1.2 nexthop via 10.77.2.2 &&
		ip -n "$prefix-v6" -6 route add fd64::/96 nexthop via fd77:1::2 nexthop via fd77:2::2
}
translator() { # HOST [LINE]...
	local host=$1
	shift
	printf '%s\n' 'mapping-prefix fd64::/96' 'map-static 192.0.2.10 fd77:9::2' 'tun xlat' "control $scratch/$host.sock" \
		"metrics 127.0.0.1:$metrics_port" 'icmp-source4 192.0.2.1' 'icmp-source6 fd77:64::1' "$@" >"$scratch/$host.conf"
	start "$host" "$host" "$nat64d" --config "$scratch/$host.conf"
}
is_up() { metric "$1" koshien_nat64_mappings >/dev/null 2>&1 && ip -n "$prefix-$1" link show xlat up | grep -q xlat; }
ok "hosts" build_hosts
start serve server "$traffic" serve 5001
ok "a server" within 10 says serve ready
translator xlat-1
translator xlat-2
ok "two translators" within 20 eval 'is_up xlat-1 && is_up xlat-2'

# --- one dies -------------------------------------------------------------------------------------------------------
streams=12
start tcp client "$traffic" tcp 192.0.2.10 5001 $streams 6000
carried_packets() { metric "$1" koshien_nat64_packets_total; }
carries() { [ "$(carried_packets "$1")" -ge "$2" ]; }
ok "both carry packets" within 10 eval 'carries xlat-1 500 && carries xlat-2 500'
before=$(carried_packets xlat-2)
stop xlat-1 KILL
# Its links with it, as with a machine that dies, so that both routers know.
ip -n "$prefix-xlat-1" link set 4 down
ip -n "$prefix-xlat-1" link set 6 down
goes_on() { carries xlat-2 $((before + 5000)); }
ok "the other goes on" within 10 goes_on
wait "${pid[tcp]}"
status=$?
unset "pid[tcp]"
figure "$streams streams, one of two translators killed: $(awk '{ printf "%.0f Mbit/s", $1 * 8 / $2 }' "$scratch/tcp.log")"
ok "all $streams streams live to their end" test "$status" -eq 0

# --- reloads under load ------------------------------------------------------------------------------------------------
mappings=10000 reloads=20 per_s=20000
many() { # FIRST-BYTE: as many mappings; the one that is used is always there
	awk -v n="$mappings" -v net="$1" 'BEGIN {
		for (i = 0; i < n; i++) printf "map-static 100.%d.%d.%d fd77:a:%x::%x\n", net, i / 256, i % 256, net, i + 1
	}' >"$scratch/many.new" && mv "$scratch/many.new" "$scratch/many.conf"
}
many 64
stop xlat-2
ip -n "$prefix-v4" route replace 192.0.2.0/24 via 10.77.2.2
ip -n "$prefix-v6" -6 route del fd64::/96
ip -n "$prefix-v6" -6 route add fd64::/96 via fd77:2::2
translator xlat-2 "include many.conf" "routes off"
has_many() { [ "$(metric xlat-2 koshien_nat64_mappings)" -eq $((mappings + 1)) ]; }
ok "a translator with $mappings mappings" within 20 has_many
# What the kernel holds for a translator that the machine does not let run for a while.
ip -n "$prefix-xlat-2" link set xlat up txqueuelen 20000
ip -n "$prefix-xlat-2" route replace 192.0.2.0/24 dev xlat
ip -n "$prefix-xlat-2" -6 route replace fd64::/96 dev xlat
start udp client "$traffic" udp 192.0.2.10 5001 100 1 8000 $per_s
reloaded() { [ "$(metric xlat-2 koshien_nat64_reloads_total good)" -ge "$1" ]; }
all_reload() {
	local i
	for ((i = 1; i <= reloads; i++)); do
		many $((64 + i % 2))
		reload xlat-2
		within 10 reloaded "$i" || return 1
	done
}
ok "$reloads reloads" all_reload
ok "within the load" running udp
wait "${pid[udp]}"
status=$?
unset "pid[udp]"
read -r sent arrived us <"$scratch/udp.log"
figure "$reloads reloads of $mappings mappings under $((sent * 1000 / (us / 1000))) packets/s: $sent sent, $arrived arrived"
ok "packets came through" test "$status" -eq 0 -a "${arrived:-0}" -gt $((per_s))
ok "item_175_reloads_lose_no_packet" test "${sent:-0}" -eq "${arrived:-1}"

# --- a table that is wrong -----------------------------------------------------------------------------------------------
echo 'map-static 192.0.2.300 fd77:9::3' >>"$scratch/xlat-2.conf"
reload xlat-2
ok "a broken file: it says which line" within 10 says xlat-2 "xlat-2.conf:$(wc -l <"$scratch/xlat-2.conf")"
ok "the table from before stays" has_many
ok "and translates" on client "$traffic" udp 192.0.2.10 5001 100 1 100 1000
done_testing
