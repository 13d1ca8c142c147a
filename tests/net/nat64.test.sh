#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# nat64d between a host that has IPv4 only and one that has IPv6 only: what gets through, and that nothing is lost when it
# is told something new, or another takes its place.
. "$(dirname "$0")/lib.sh"

nat64d=$top_builddir/nat64/nat64d
need_programs "$nat64d" "$ctl" "$tools/nat64_echo"
command -v node >/dev/null || skip_all "node is not installed"

# client4 198.51.100.7 - router - server6 2001:db8:1::1, which is 192.0.2.1 there. All of IPv4 is behind 64:ff9b:1::/96.
# Link-local addresses are used at once: neighbours are asked from there.
hasty() { on "$1" sysctl -q -w "net.ipv6.conf.$2.accept_ra=0" "net.ipv6.conf.$2.dad_transmits=0"; }	# HOST DEVICE
join() { # HOST: a veth pair to the router, named after the host there
	namespace "$1" && ip -n "$prefix-router" link add "$1" type veth peer name wire netns "$prefix-$1" &&
		hasty "$1" wire && hasty router "$1" &&
		ip -n "$prefix-$1" link set wire up && ip -n "$prefix-router" link set "$1" up
}
topology() {
	namespace router && join client4 && join server6 &&
		on router sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 &&
		ip -n "$prefix-client4" addr add 198.51.100.7/24 dev wire &&
		ip -n "$prefix-router" addr add 198.51.100.1/24 dev client4 &&
		ip -n "$prefix-client4" route add default via 198.51.100.1 &&
		ip -n "$prefix-server6" addr add 2001:db8:1::1/64 dev wire nodad &&
		ip -n "$prefix-router" addr add 2001:db8:1::fe/64 dev server6 nodad &&
		ip -n "$prefix-server6" route add default via 2001:db8:1::fe
}
server6_by4=192.0.2.1 client4_by6=64:ff9b:1::c633:6407
configure() { # LINE...
	{
		echo "mapping-prefix 64:ff9b:1::/96"
		echo "map-static 192.0.2.1 2001:db8:1::1"
		[ $# = 0 ] || printf '%s\n' "$@"
	} >"$scratch/nat64d.conf"
}
ready() { says "$1" 'mappings are in force'; }
translator() { # NAME [OPTION]...
	local name=$1
	shift
	start "$name" router "$nat64d" --config "$scratch/nat64d.conf" --control "$scratch/$name.sock" \
		--metrics "127.0.0.1:$metrics_port" "$@"
	within 10 ready "$name"
}
ask() { "$ctl" nat64 --socket "$scratch/nat64d.sock" "$@"; }
health() { on router curl -s -o "$scratch/health" -w '%{http_code}' "http://127.0.0.1:$metrics_port/health"; }
healthy() { [ "$(health)" = "$1" ]; }
echoed() { on "$1" "$tools/nat64_echo" "$2" "${@:3}"; }	# HOST ADDRESS [COUNT [PER-SECOND [SIZE]]]: none is lost

ok "two hosts and a router" topology
configure
ok "it starts" translator nat64d
ok "says what offload it got" says nat64d 'segmentation'
ok "ping from IPv4" within 5 echoed client4 $server6_by4
ok "ping from IPv6" echoed server6 $client4_by6
ok "ping of 1400 bytes" echoed client4 $server6_by4 5 50 1400
ok "ping of 1400 bytes from IPv6" echoed server6 $client4_by6 5 50 1400
ok "it is healthy" within 5 healthy 200

# --- TCP and UDP ----------------------------------------------------------------------------------------------
head -c 20000000 /dev/urandom >"$scratch/body"
cat >"$scratch/serve.js" <<-'END'
	// GET gives the file; PUT takes one and says its digest.
	const http = require("http"), fs = require("fs"), crypto = require("crypto");
	http.createServer((request, response) => {
		if (request.method === "GET") return fs.createReadStream(process.argv[2]).pipe(response);
		const hash = crypto.createHash("sha256");
		request.on("data", (chunk) => hash.update(chunk)).on("end", () => response.end(hash.digest("hex")));
	}).listen(8080, () => console.log("listening"));
END
digest=$(sha256sum "$scratch/body" | cut -d ' ' -f 1)
start server6.http server6 node "$scratch/serve.js" "$scratch/body"
start client4.http client4 node "$scratch/serve.js" "$scratch/body"
download() { on "$1" curl -sS --max-time 20 "http://$2:8080/" | cmp - "$scratch/body"; }
upload() { [ "$(on "$1" curl -sS --max-time 20 -T "$scratch/body" "http://$2:8080/")" = "$digest" ]; }
ok "a server" within 10 says server6.http listening
ok "another" within 10 says client4.http listening
ok "TCP from IPv6 to IPv4: 20 MB byte for byte" download client4 $server6_by4
ok "TCP from IPv4 to IPv6" upload client4 $server6_by4
ok "TCP, opened from the other side" download server6 "[$client4_by6]"
ok "TCP, opened from the other side, back" upload server6 "[$client4_by6]"
ok "large packets were translated whole" test "$(metric router koshien_nat64_worker_gso_reads_total)" -gt 100
figure "$(metric router koshien_nat64_packets_total) packets in $(metric router koshien_nat64_units_total) units"
start server6.echo server6 "$tools/nat64_echo" --serve 7
start client4.echo client4 "$tools/nat64_echo" --serve 7
ok "UDP from IPv4, 20000 datagrams of 32 bytes" \
	on client4 "$tools/nat64_echo" --udp 7 $server6_by4 20000 10000 32
ok "UDP from IPv6" on server6 "$tools/nat64_echo" --udp 7 $client4_by6 20000 10000 1200
ok "small ones were merged" test "$(metric router koshien_nat64_worker_merged_total)" -gt 0
figure "merged $(metric router koshien_nat64_worker_merged_total) into $(metric router koshien_nat64_worker_trains_total)"
ok "no write failed" test "$(metric router koshien_nat64_worker_write_errors_total)" = 0

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
ok "pings while it is traced" within 5 echoed client4 $server6_by4 3 10
wait $tracer
ok "trace: in and out" grep -q 'out 64:ff9b:1::c633:6407 > 2001:db8:1::1 ICMPv6 128/0' "$scratch/trace"
ok "a mapping more" ask map add 192.0.2.9 2001:db8:1::1:9
ip -n "$prefix-server6" addr add 2001:db8:1::1:9/64 dev wire nodad
ok "which is there at once" within 5 echoed client4 192.0.2.9
ok "and after a reload" ask reload
ok "still is" echoed client4 192.0.2.9
ip -n "$prefix-server6" addr del 2001:db8:1::1:9/64 dev wire
ok "a mapping less" ask map remove 192.0.2.9
ok "is one less" says_ask 'by the prefix' lookup 192.0.2.9
ok "counted per mapping" test "$(metric router koshien_nat64_mapping_packets_total 192.0.2.1)" -gt 20000

# --- reload ------------------------------------------------------------------------------------------------------
mappings=()
for ((i = 0; i < 2000; i++)); do
	mappings+=("map-static 10.1.$((i / 250)).$((i % 250 + 1)) 2001:db8:2::$(printf %x $((i + 1)))")
done
on client4 "$tools/nat64_echo" --udp 7 $server6_by4 60000 10000 64 >"$scratch/stream" 2>&1 &
stream=$!
reloads() { metric router koshien_nat64_reloads_total good; }
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
ok "a broken file is refused, with its line" within 5 says nat64d "nat64d.conf:3: "
ok "and counted" within 5 test "$(metric router koshien_nat64_reloads_total failed)" -ge 1
ok "what was in force still is" echoed client4 $server6_by4
configure

# --- one takes the place of another -----------------------------------------------------------------------------------
on client4 "$tools/nat64_echo" --udp 7 $server6_by4 60000 10000 64 >"$scratch/stream" 2>&1 &
stream=$!
ok "a second one, at the same control socket" translator second --control "$scratch/nat64d.sock"
ok "it has the first one's queues" within 5 says second 'from the daemon that runs'
began=$SECONDS
stop nat64d
ok "the first ends at once" test $((SECONDS - began)) -le 2
ok "while one took the other's place none of 60 000 was lost" wait $stream
figure "$(tail -n 1 "$scratch/stream")"
ok "the second goes on" echoed client4 $server6_by4
ok "and is the one that is asked" says_ask '^healthy *true' status
ok "with metrics, as soon as the first is gone" within 3 healthy 200
on client4 "$tools/nat64_echo" --udp 7 $server6_by4 60000 10000 64 >"$scratch/stream" 2>&1 &
stream=$!
ok "a third, which knows nothing of it" translator third --metrics 127.0.0.1:9399
began=$SECONDS
stop second
ok "the second drains for its 5 s" test $((SECONDS - began)) -ge 4
wait $stream
ok "at most 1000 of 60 000 were lost" awk '/lost/ { good = $(NF - 1) <= 1000 } END { exit !good }' "$scratch/stream"
figure "$(tail -n 1 "$scratch/stream")"
stop third

# --- the end -------------------------------------------------------------------------------------------------------------
: >"$scratch/nat64d.log"
ok "again, as nobody" translator nat64d --user nobody --drain-seconds 2 \
	--withdraw-hook "echo withdrawn >$scratch/hook/said"
mkdir -m 777 "$scratch/hook" && chmod 755 "$scratch"
ok "it is healthy" within 5 healthy 200
ok "has no rights but that to its routes" grep -q 'CapEff:[[:space:]]*0*1000$' "/proc/${pid[nat64d]}/status"
ok "and is nobody" test "$(stat -c %U "/proc/${pid[nat64d]}")" = nobody
kill -TERM "${pid[nat64d]}"
ok "SIGTERM: health says no" within 1 healthy 503
ok "the hook has run" within 2 test -s "$scratch/hook/said"
ok "it still translates" echoed client4 $server6_by4
ok "and ends" within 5 ended nat64d
done_testing
