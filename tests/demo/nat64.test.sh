#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A viewer of IPv4 only, relays of IPv6 only, and one of the two translators between them dies.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip_all "needs root for network namespaces"
[ -c /dev/net/tun ] || skip_all "needs /dev/net/tun"
ip netns add "ks$$" 2>/dev/null || skip_all "this kernel or container allows no network namespaces"
ip netns del "ks$$"
ok "demo --nat64 --smoke 14 --kill xlat-1 ends well" demo --nat64 --smoke 14 --kill xlat-1
ok "none broken, none older than the one before" holds '.bad == 0 and .backwards == 0'
ok "no gap above two periods" holds '.gap_ms <= 2000'
ok "at least 12 pictures" holds '.distinct >= 12'
ok "of both relays" holds '.share["relay-a"] > 0.3 and .share["relay-b"] > 0.3'
hosts=$(sed -n 's/.*ip netns exec \(.*\)-viewer .*/\1/p' "$scratch/err")
ok "it says how to look from the viewer's host" test -n "$hosts"
ok "nothing of it is left" sh -c "! ip netns list | grep -q '^$hosts-'"
ok "--kill xlat-1 goes with --nat64 only" sh -c "! '$top_srcdir/script/demo' --build '$top_builddir' --smoke 4 --kill xlat-1"
done_testing
