#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From capture to viewer without IPv4.
. "$(dirname "$0")/lib.sh"
[ -e /proc/net/if_inet6 ] && grep -q ' lo$' /proc/net/if_inet6 || skip_all "no ::1 on this machine"
ok "demo --ipv6 --smoke 8 ends well" demo --ipv6 --smoke 8
ok "pictures every second, none broken" holds '.distinct >= 7 and .bad == 0 and .backwards == 0 and .errors == 0'
ok "shares within 5 points of the weights" holds '(.share["relay-a"] - 0.5 | fabs) <= 0.05'
done_testing
