#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The event page in Chromium on a host of IPv4 only, from relays of IPv6 only, through two translators, over a path of 1280
# bytes.
. "$(dirname "$0")/../demo/lib.sh"
command -v node >/dev/null || skip_all "node is not installed"
[ "$(id -u)" = 0 ] || skip_all "needs root for network namespaces"
[ -c /dev/net/tun ] || skip_all "needs /dev/net/tun"
ip netns add "ks$$" 2>/dev/null || skip_all "this kernel or container allows no network namespaces"
ip netns del "ks$$"
begin_demo --nat64
hosts=$(sed -n 's/.*ip netns exec \(.*\)-viewer .*/\1/p' "$scratch/show.err")
export top_srcdir top_builddir
KOSHIEN_URL=http://192.0.2.10:$port/ KOSHIEN_KILL_CMD="kill -USR1 $demo" KOSHIEN_SECONDS=6 KOSHIEN_NAME=nat64 \
	ip netns exec "$hosts-viewer" node "$(dirname "$0")/chain.mjs" >"$scratch/chain"
status=$?
sed '/^1\.\./d' "$scratch/chain"
tests=$(grep -c '^\(not \)\?ok ' "$scratch/chain")
ok "the browser was content" test "$status" -eq 0

# Both carried packets, and one of them the word that the path is narrow.
numbers() { # METRIC [LABEL]: of both translators
	local host
	for host in xlat-1 xlat-2; do
		ip netns exec "$hosts-$host" curl -sS --max-time 5 http://127.0.0.1:9304/metrics |
			awk -v name="$1" -v label="${2:-}" 'index($1, name "{") == 1 && index($0, label) { n += $NF } END { print n + 0 }'
	done
}
all_positive() { [ "$(awk '$1 > 0' | wc -l)" = 2 ]; }
numbers koshien_nat64_packets_total >"$scratch/packets"
ok "both translators carried packets" all_positive <"$scratch/packets"
numbers koshien_nat64_icmp_errors_translated_total >"$scratch/icmp"
ok "one told a relay of IPv6 that the path takes 1280" test "$(awk '{ n += $1 } END { print n }' "$scratch/icmp")" -ge 1
done_testing
