#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A relay and its httpd die while a viewer watches.
. "$(dirname "$0")/lib.sh"
ok "demo --smoke 20 --kill relay-b ends well" demo --smoke 20 --kill relay-b
ok "none broken, none older than the one before" holds '.bad == 0 and .backwards == 0'
ok "no gap above two periods" holds '.gap_ms <= 2000'
ok "at least 18 pictures" holds '.distinct >= 18'
ok "the other relay took over" holds '.share["relay-a"] > 0.6 and .share["relay-b"] > 0.1'

# Only its sentryc: the httpd beside it goes on with old pictures, which nobody must be shown.
kill_sentryc() {
	local deadline=$((SECONDS + 30)) pid=
	until [ -n "$pid" ] || [ "$SECONDS" -ge "$deadline" ]; do
		grep -q '  frames 5 ' "$scratch/out" 2>/dev/null && pid=$(pgrep -f "sentryc --config $(sed -n 's/.*logs: //p' "$scratch/err")/relay-b.conf")
		sleep 0.1
	done
	kill -KILL "$pid"
}
: >"$scratch/out"
kill_sentryc &
ok "demo --smoke 14 ends well though a sentryc is killed from outside" demo --smoke 14
ok "none broken, none older than the one before" holds '.bad == 0 and .backwards == 0'
ok "no gap above two periods" holds '.gap_ms <= 2000'
ok "the demo says which part was stopped" grep -q "relay-b was stopped" "$scratch/err"
wait
done_testing
