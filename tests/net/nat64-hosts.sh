# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# nat64d on the host xlat, between client4 (198.51.100.7) and server6 (2001:db8:1::1, which is 192.0.2.1 there); all of
# IPv4 is behind 64:ff9b:1::/96. Sourced behind lib.sh by tests that want other paths than nat64.test.sh has.
nat64d=$top_builddir/nat64/nat64d
# shellcheck disable=SC2034
server6_by4=192.0.2.1 client4_by6=64:ff9b:1::c633:6407
# Port 7 echoes datagrams, 8080 has files, 5001 counts.
echo_port=7 http_port=8080 count_port=5001

joined() { # HOST HOST: a veth pair, each end named after the other's host
	local a=$1 b=$2
	ip link add "$b" netns "$prefix-$a" type veth peer name "$a" netns "$prefix-$b" &&
		on "$a" sysctl -q -w "net.ipv6.conf.$b.accept_ra=0" "net.ipv6.conf.$b.dad_transmits=0" &&
		on "$b" sysctl -q -w "net.ipv6.conf.$a.accept_ra=0" "net.ipv6.conf.$a.dad_transmits=0" &&
		ip -n "$prefix-$a" link set "$b" up && ip -n "$prefix-$b" link set "$a" up
}
forwards() { # HOST
	on "$1" sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0
}
give4() { ip -n "$prefix-$1" addr add "$3" dev "$2"; }	# HOST DEVICE ADDRESS/LENGTH
give6() { ip -n "$prefix-$1" addr add "$3" dev "$2" nodad; }
client_and_xlat() {
	namespace client4 && namespace xlat && forwards xlat && joined client4 xlat &&
		give4 client4 xlat 198.51.100.7/24 && give4 xlat client4 198.51.100.1/24 &&
		ip -n "$prefix-client4" route add default via 198.51.100.1
}
server_behind() { # HOST
	namespace server6 && joined server6 "$1" && give6 server6 "$1" 2001:db8:1::1/64 &&
		give6 "$1" server6 2001:db8:1::fe/64 &&
		ip -n "$prefix-server6" route add default via 2001:db8:1::fe
}

# --- servers and what is asked of them ---------------------------------------------------------------------------
serve_all() { # HOST...
	local host
	cat >"$scratch/serve.js" <<-'END'
		// GET gives the file; PUT takes one and says its digest.
		const http = require("http"), fs = require("fs"), crypto = require("crypto");
		http.createServer((request, response) => {
			if (request.method === "GET") return fs.createReadStream(process.argv[2]).pipe(response);
			const hash = crypto.createHash("sha256");
			request.on("data", (chunk) => hash.update(chunk)).on("end", () => response.end(hash.digest("hex")));
		}).listen(Number(process.argv[3]), () => console.log("listening"));
	END
	head -c 8000000 /dev/urandom >"$scratch/body"
	digest=$(sha256sum "$scratch/body" | cut -d ' ' -f 1)
	for host; do
		start "$host.http" "$host" node "$scratch/serve.js" "$scratch/body" $http_port
		start "$host.echo" "$host" "$tools/nat64_echo" --serve $echo_port
		start "$host.count" "$host" "$top_builddir/bench/traffic" serve $count_port
	done
	for host; do
		within 20 says "$host.http" listening && within 10 says "$host.count" ready || return 1
	done
}
download() { on "$1" curl -sS --max-time 30 "http://$2:$http_port/" | cmp - "$scratch/body"; }	# HOST ADDRESS
upload() { [ "$(on "$1" curl -sS --max-time 30 -T "$scratch/body" "http://$2:$http_port/")" = "$digest" ]; }
echoed() { on "$1" "$tools/nat64_echo" --udp $echo_port "$2" "${@:3}"; }	# HOST ADDRESS COUNT PER-SECOND SIZE
# HOST ADDRESS SIZE BATCH: datagrams cut from larger ones (UDP_SEGMENT) all arrive
segmented() {
	on "$1" "$top_builddir/bench/traffic" udp "$2" $count_port "$3" "$4" 300 6000 >"$scratch/counted" || return 1
	cat "$scratch/counted"
	awk '{ exit !($1 > 0 && $1 == $2) }' "$scratch/counted"
}

# --- the translator -------------------------------------------------------------------------------------------------
configure() { # LINE...
	printf '%s\n' 'mapping-prefix 64:ff9b:1::/96' 'map-static 192.0.2.1 2001:db8:1::1' 'drain-seconds 0' \
		"control $scratch/nat64d.sock" "metrics 127.0.0.1:$metrics_port" "$@" >"$scratch/nat64d.conf"
}
in_force() { says nat64d 'mappings are in force'; }
translator() { # LINE...
	configure "$@"
	: >"$scratch/nat64d.log"
	start nat64d xlat "$nat64d" --config "$scratch/nat64d.conf"
	within 20 in_force
}
