#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The whole chain as a viewer behind the proxy sees it.
. "$(dirname "$0")/lib.sh"
ok "demo --smoke 20 ends well" demo --smoke 20
ok "at least 18 pictures, all different" holds '.frames >= 18 and .distinct == .frames'
ok "none broken, none older than the one before" holds '.bad == 0 and .backwards == 0 and .errors == 0'
ok "no gap above two periods" holds '.gap_ms > 500 and .gap_ms <= 2000'
ok "pictures arrive within a period of being taken" holds '.age_ms.p50 > 0 and .age_ms.p50 < 1000 and .age_ms.p99 < 2000'
ok "shares within 5 points of the weights" \
	holds '(.share["relay-a"] - 0.5 | fabs) <= 0.05 and (.share["relay-b"] - 0.5 | fabs) <= 0.05'
done_testing
