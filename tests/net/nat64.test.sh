#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# nat64d between a host that has IPv4 only and one that has IPv6 only: what gets through, and that nothing is lost when it
# is told something new, or another takes its place.
. "$(dirname "$0")/lib.sh"

# shellcheck source=tests/net/nat64-hosts.sh
. "$(dirname "$0")/nat64-hosts.sh"
need_programs "$nat64d" "$ctl" "$tools/nat64_echo" "$top_builddir/bench/traffic"
command -v node >/dev/null || skip_all "node is not installed"

ready() { says "$1" 'mappings are in force'; }
run() { # NAME [OPTION]...: options count more than what the file says
	local name=$1
	shift
	start "$name" xlat "$nat64d" --config "$scratch/nat64d.conf" --control "$scratch/$name.sock" \
		--metrics "127.0.0.1:$metrics_port" --drain-seconds 5 "$@"
	within 10 ready "$name"
}
ask() { "$ctl" nat64 --socket "$scratch/nat64d.sock" "$@"; }
health() { on xlat curl -s -o "$scratch/health" -w '%{http_code}' "http://127.0.0.1:$metrics_port/health"; }
healthy() { [ "$(health)" = "$1" ]; }
pinged() { on "$1" "$tools/nat64_echo" "$2" "${@:3}"; }	# HOST ADDRESS [COUNT [PER-SECOND [SIZE]]]: none is lost

ok "two hosts and a router" eval "client_and_xlat && server_behind xlat"
configure
ok "it starts" run nat64d
ok "says what offload it got" says nat64d 'segmentation'
ok "ping from IPv4" within 5 pinged client4 $server6_by4
ok "ping from IPv6" pinged server6 $client4_by6
ok "ping of 1400 bytes" pinged client4 $server6_by4 5 50 1400
ok "ping of 1400 bytes from IPv6" pinged server6 $client4_by6 5 50 1400
ok "it is healthy" within 5 healthy 200

# --- TCP and UDP ----------------------------------------------------------------------------------------------
ok "servers on both" serve_all server6 client4
ok "TCP from IPv6 to IPv4: byte for byte" download client4 $server6_by4
ok "TCP from IPv4 to IPv6" upload client4 $server6_by4
ok "TCP, opened from the other side" download server6 "[$client4_by6]"
ok "TCP, opened from the other side, back" upload server6 "[$client4_by6]"
ok "large packets were translated whole" test "$(metric xlat koshien_nat64_worker_gso_reads_total)" -gt 100
figure "$(metric xlat koshien_nat64_packets_total) packets in $(metric xlat koshien_nat64_units_total) units"
ok "UDP from IPv4, 20000 datagrams of 32 bytes" echoed client4 $server6_by4 20000 10000 32
ok "UDP from IPv6" echoed server6 $client4_by6 20000 10000 1200
ok "small ones were merged" test "$(metric xlat koshien_nat64_worker_merged_total)" -gt 0
figure "merged $(metric xlat koshien_nat64_worker_merged_total) into $(metric xlat koshien_nat64_worker_trains_total)"
ok "no write failed" test "$(metric xlat koshien_nat64_worker_write_errors_total)" = 0

# --- what is asked ------------------------------------------------------------------------------------------------
says_ask() { local what=$1; shift; ask "$@" | grep -q -e "$what"; }
ok "lookup: a mapping" says_ask 'is 2001:db8:1::1, by the mapping' lookup 192.0.2.1
ok "lookup: the prefix" says_ask "is $client4_by6, by the prefix" lookup 198.51.100.7
ok "lookup: the other way" says_ask 'is 192.0.2.1' lookup 2001:db8:1::1
ok "lookup: nothing" says_ask 'is nothing' lookup 2001:db8:2::1
ok "reasons" says_ask '^ttl4 .*time to live' reasons
ok "status" says_ask '^healthy *true' status
ask trace 198.51.100.7 2 --seconds 10 >"$scratch/trace" &
tracer=$!
ok "pings while it is traced" within 5 pinged client4 $server6_by4 3 10
wait $tracer
ok "trace: in and out" grep -q 'out 64:ff9b:1::c633:6407 > 2001:db8:1::1 ICMPv6 128/0' "$scratch/trace"
ok "a mapping more" ask map add 192.0.2.9 2001:db8:1::1:9
ip -n "$prefix-server6" addr add 2001:db8:1::1:9/64 dev xlat nodad
ok "which is there at once" within 5 pinged client4 192.0.2.9
ok "and after a reload" ask reload
ok "still is" pinged client4 192.0.2.9
ip -n "$prefix-server6" addr del 2001:db8:1::1:9/64 dev xlat
ok "a mapping less" ask map remove 192.0.2.9
ok "is one less" says_ask 'by the prefix' lookup 192.0.2.9
ok "counted per mapping" test "$(metric xlat koshien_nat64_mapping_packets_total 192.0.2.1)" -gt 20000

# --- reload ------------------------------------------------------------------------------------------------------
mappings=()
for ((i = 0; i < 2000; i++)); do
	mappings+=("map-static 10.1.$((i / 250)).$((i % 250 + 1)) 2001:db8:2::$(printf %x $((i + 1)))")
done
echoed client4 $server6_by4 60000 10000 64 >"$scratch/stream" 2>&1 &
stream=$!
reloads() { metric xlat koshien_nat64_reloads_total good; }
before=$(reloads)
reload_often() {
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		if [ $((i % 2)) = 1 ]; then configure "${mappings[@]}"; else configure; fi
		ask reload || return 1
	done
}
ok "ten reloads, with 2000 mappings and without" reload_often
ok "ten more than before" test "$(reloads)" = $((before + 10))
ok "under 10 000 datagrams/s none was lost" wait $stream
figure "$(tail -n 1 "$scratch/stream")"
echo "map-static 192.0.2.1" >>"$scratch/nat64d.conf"
reload nat64d
ok "a broken file is refused, with its line" within 5 says nat64d "nat64d.conf:6: "
ok "and counted" within 5 test "$(metric xlat koshien_nat64_reloads_total failed)" -ge 1
ok "what was in force still is" pinged client4 $server6_by4
configure "workers 2"
reload nat64d
ok "what needs a restart says so" within 5 says nat64d "workers is taken over only by a restart"
configure

# --- one takes the place of another -----------------------------------------------------------------------------------
echoed client4 $server6_by4 60000 10000 64 >"$scratch/stream" 2>&1 &
stream=$!
ok "a second one, at the same control socket" run second --control "$scratch/nat64d.sock"
ok "it has the first one's queues" within 5 says second 'from the daemon that runs'
began=$SECONDS
stop nat64d
ok "the first ends at once" test $((SECONDS - began)) -le 2
ok "while one took the other's place none of 60 000 was lost" wait $stream
figure "$(tail -n 1 "$scratch/stream")"
ok "the second goes on" pinged client4 $server6_by4
ok "and is the one that is asked" says_ask '^healthy *true' status
ok "with metrics, as soon as the first is gone" within 3 healthy 200
echoed client4 $server6_by4 60000 10000 64 >"$scratch/stream" 2>&1 &
stream=$!
ok "a third, which knows nothing of it" run third --metrics 127.0.0.1:9399
began=$SECONDS
stop second
ok "the second drains for its 5 s" test $((SECONDS - began)) -ge 4
wait $stream
ok "at most 1000 of 60 000 were lost" awk '/lost/ { good = $(NF - 1) <= 1000 } END { exit !good }' "$scratch/stream"
figure "$(tail -n 1 "$scratch/stream")"
stop third

# --- the end -------------------------------------------------------------------------------------------------------------
: >"$scratch/nat64d.log"
ok "again, as nobody" run nat64d --user nobody \
	--withdraw-hook "echo withdrawn >$scratch/hook/said"
mkdir -m 777 "$scratch/hook" && chmod 755 "$scratch"
ok "it is healthy" within 5 healthy 200
ok "has no rights but that to its routes" grep -q 'CapEff:[[:space:]]*0*1000$' "/proc/${pid[nat64d]}/status"
ok "and is nobody" test "$(stat -c %U "/proc/${pid[nat64d]}")" = nobody
kill -TERM "${pid[nat64d]}"
ok "SIGTERM: health says no" within 4 healthy 503
ok "the hook has run" within 4 test -s "$scratch/hook/said"
ok "it still translates" pinged client4 $server6_by4
ok "and ends" within 15 ended nat64d
done_testing
