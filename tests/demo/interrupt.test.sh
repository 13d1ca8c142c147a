#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Ctrl-C ends the show at any moment of its start, and nothing stays behind.
. "$(dirname "$0")/lib.sh"

# ends_after SECONDS: interrupted then, the show ends with everything that it has started and made.
ends_after() {
	local demo status=0 port
	port=$(free_ports)
	TMPDIR=$scratch/tmp setsid env --default-signal=INT "$top_srcdir/script/demo" --build "$top_builddir" --port "$port" \
		>"$scratch/out" 2>"$scratch/err" </dev/null &
	demo=$!
	# Until it is the demo's own, a signal would find this shell's copy.
	until [[ $(tr '\0' ' ' <"/proc/$demo/cmdline") = bash*script/demo\ * ]]; do kill -0 "$demo" || return 1; done
	sleep "$1"
	interrupt "$demo" || echo "# still there half a minute later"
	# All that it starts has a file of its folder on the command line.
	if pgrep -f "$scratch/tmp/koshien-demo"; then
		kill -KILL "$demo" 2>/dev/null
		pkill -KILL -f "$scratch/tmp/koshien-demo"
		return 1
	fi
	# Not 130 alone: a trap that comes while bash parses makes it exit with 2.
	[ "$status" != 0 ] && [ -z "$(ls -A "$scratch/tmp")" ]
}
mkdir "$scratch/tmp"
for moment in 0 0.02 0.05 0.1 0.15 0.2 0.25 0.3 0.35 0.4 0.5 0.6 0.8; do
	ok "interrupted after $moment s" ends_after "$moment"
done
done_testing
