# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # variables of script/demo
#
# What script/demo --nat64 adds: network namespaces instead of one machine. Two relays, the proxy and the capture daemon on
# hosts that have IPv6 only; a viewer that has IPv4 only; between them two translators, over which both sides spread
# flows (ECMP). Sourced by script/demo.
#
#	viewer ── v4net ═╤═ xlat-1 ═╤═ v6net ── front, relay-a, relay-b, studio
#	                 ╘═ xlat-2 ═╛
#
# An IPv4 viewer reaches front at 192.0.2.10, relay-a at .11, relay-b at .12, which both translators' tables say.

hosts='v4net v6net xlat-1 xlat-2 front relay-a relay-b studio viewer'
declare -A net6=([front]=f [relay-a]=a [relay-b]=b [studio]=c [xlat-1]=1 [xlat-2]=2)
declare -A net4=([xlat-1]=1 [xlat-2]=2 [viewer]=9)
nat64d=$build/nat64/nat64d
host_prefix=kd$$
host_device=kd$$

[ "$(id -u)" = 0 ] || die "--nat64 needs root, for network namespaces"
command -v ip >/dev/null || die "--nat64 needs ip; install iproute2"
[ -c /dev/net/tun ] || die "--nat64 needs /dev/net/tun; load the module: modprobe tun"
[ -x "$nat64d" ] || die "$nat64d is missing; run script/bootstrap"

on_host() { # HOST COMMAND...
	local host=$1
	shift
	ip netns exec "$host_prefix-$host" "$@"
}
# Where a part of the chain runs.
host_of() {
	case $1 in
	relay-?-httpd) echo "${1%-httpd}" ;;
	sentryd) echo studio ;;
	watch) echo viewer ;;
	*) echo "$1" ;;
	esac
}
address6() { echo "fd77:${net6[$1]}::2"; }

cleanup_hosts() {
	local host
	for host in $hosts; do ip netns del "$host_prefix-$host" 2>/dev/null || true; done
	ip link del "$host_device" 2>/dev/null || true
}

# A link between a host and a router, whose end has the host's name.
link_up() { # HOST ROUTER HOST-DEVICE
	ip link add "$1" netns "$host_prefix-$2" type veth peer name "$3" netns "$host_prefix-$1"
	ip -n "$host_prefix-$2" link set "$1" up
	ip -n "$host_prefix-$1" link set "$3" up
}
join6() { # HOST
	link_up "$1" v6net v6
	ip -n "$host_prefix-v6net" addr add "fd77:${net6[$1]}::1/64" dev "$1" nodad
	ip -n "$host_prefix-$1" addr add "$(address6 "$1")/64" dev v6 nodad
	ip -n "$host_prefix-$1" -6 route add default via "fd77:${net6[$1]}::1"
}
join4() { # HOST
	link_up "$1" v4net v4
	ip -n "$host_prefix-v4net" addr add "10.77.${net4[$1]}.1/24" dev "$1"
	ip -n "$host_prefix-$1" addr add "10.77.${net4[$1]}.2/24" dev v4
	ip -n "$host_prefix-$1" route add default via "10.77.${net4[$1]}.1"
}
forwards() { # HOST
	on_host "$1" sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.fib_multipath_hash_policy=1 net.ipv6.fib_multipath_hash_policy=1 \
		net.ipv4.conf.all.ignore_routes_with_linkdown=1 net.ipv6.conf.all.ignore_routes_with_linkdown=1
}
build_hosts() {
	local host
	for host in $hosts; do
		ip netns add "$host_prefix-$host"
		on_host "$host" sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
		ip -n "$host_prefix-$host" link set lo up
	done
	for host in v4net v6net xlat-1 xlat-2; do forwards "$host"; done
	for host in xlat-1 xlat-2 front relay-a relay-b studio; do join6 "$host"; done
	for host in xlat-1 xlat-2 viewer; do join4 "$host"; done
	# On the last hop to the viewer only 1280 bytes get through, which nobody knows until it is said.
	ip -n "$host_prefix-v4net" link set viewer mtu 1280
	ip -n "$host_prefix-v4net" route add 192.0.2.0/24 nexthop via 10.77.1.2 nexthop via 10.77.2.2
	ip -n "$host_prefix-v6net" -6 route add fd64::/96 nexthop via fd77:1::2 nexthop via fd77:2::2
}
# So that a browser on this machine can watch; taken away at the end.
join_this_machine() {
	ip link add "$host_device" type veth peer name machine netns "$host_prefix-v4net" || return 1
	ip -n "$host_prefix-v4net" link set machine up
	ip -n "$host_prefix-v4net" addr add 10.77.8.1/24 dev machine
	ip addr add 10.77.8.2/24 dev "$host_device" && ip link set "$host_device" up &&
		ip route add 192.0.2.0/28 via 10.77.8.1
}

nat64d_conf() { # HOST
	cat <<EOF
# Which IPv4 address is which host; all other IPv4 addresses are behind the prefix.
mapping-prefix fd64::/96
map-static 192.0.2.10 $(address6 front)
map-static 192.0.2.11 $(address6 relay-a)
map-static 192.0.2.12 $(address6 relay-b)
icmp-source4 192.0.2.${net4[$1]}
icmp-source6 fd77:64::${net4[$1]}
tun nat64
control $work/$1.control
metrics 127.0.0.1:9304
EOF
}
start_translators() {
	local host
	for host in xlat-1 xlat-2; do
		nat64d_conf "$host" >"$work/$host.conf"
		spawn "$host" "$nat64d" --config "$work/$host.conf"
	done
}
kill_translator() { # HOST: as a machine dies, its links with it
	say "killing $1"
	kill -KILL -- "-${pid[$1]}"
	{ wait "${pid[$1]}" || true; } 2>/dev/null
	unset "pid[$1]"
	ip -n "$host_prefix-$1" link set v4 down
	ip -n "$host_prefix-$1" link set v6 down
}
