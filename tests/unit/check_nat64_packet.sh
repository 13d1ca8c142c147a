#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# nat64d --packet: one raw packet through the core, without rights.
set -u
nat64d=$top_builddir/nat64/nat64d
scratch=$(mktemp -d "${TMPDIR:-/tmp}/koshien-packet-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
tests=0
ok() { # NAME COMMAND...
	local name=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$scratch/out" 2>&1; then
		echo "ok $tests - $name"
	else
		echo "not ok $tests - $name"
		sed 's/^/# /' "$scratch/out"
	fi
}
packet() { # HEX...: to $scratch/in
	local hex
	hex=$(printf '%s' "$*" | tr -d ' ')
	# shellcheck disable=SC2059
	printf "$(sed 's/../\\x&/g' <<<"$hex")" >"$scratch/in"
}
# shellcheck disable=SC2120
run() { # [OPTION]...: what is said, and $scratch/packets
	"$nat64d" --packet "$scratch/in" "$scratch/packets" --config "$scratch/conf" "$@"
}
says() { run 2>&1 | grep -q -e "$1"; }
size() { [ "$(wc -c <"$scratch/packets")" = "$1" ]; }
status() { # STATUS COMMAND...
	local want=$1
	shift
	"$@"
	[ $? = "$want" ]
}
printf 'mapping-prefix 64:ff9b:1::/96\nmap-static 192.0.2.1 2001:db8:1::1\n' >"$scratch/conf"

# UDP from 198.51.100.7 port 1 to 192.0.2.1 port 2, "hello!"
packet 45000022 00070000 4011 8e88 c6336407 c0000201 00010002 000e cf9f 68656c6c6f21
ok "a packet is translated" says '^translated'
ok "which makes one of 20 bytes more" size 54
ok "and says what it is" says '^out: \[64:ff9b:1::c633:6407\]:1 > \[2001:db8:1::1\]:2 UDP, 54 bytes'
ok "exit status 0" status 0 run
packet 45000022 00070000 4011 0000 c6336407 c0000201 00010002 000e cf9f 68656c6c6f21
ok "a wrong header checksum: dropped, with the reason" says '^dropped: bad_hdr4: an IPv4 header'
ok "and nothing comes of it" size 0
ok "exit status 0 too" status 0 run
packet 45 00
ok "not even a header" says "^dropped: [a-z0-9_]*: "
: >"$scratch/in"
ok "nothing at all" says '^dropped: version: '
ok "without files: usage" status 2 "$nat64d" --packet
ok "a file that is not there" status 1 "$nat64d" --packet "$scratch/none" "$scratch/packets" --config "$scratch/conf"
ok "a broken configuration" status 2 run --mtu6 17
echo "1..$tests"
