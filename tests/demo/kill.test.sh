#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A relay and its httpd die while a viewer watches.
. "$(dirname "$0")/lib.sh"
ok "demo --smoke 20 --kill relay-b ends well" demo --smoke 20 --kill relay-b
ok "none broken, none older than the one before" holds '.bad == 0 and .backwards == 0'
ok "no gap above two periods" holds '.gap_ms <= 2000'
ok "at least 18 pictures" holds '.distinct >= 18'
ok "the other relay took over" holds '.share["relay-a"] > 0.6 and .share["relay-b"] > 0.1'
done_testing
