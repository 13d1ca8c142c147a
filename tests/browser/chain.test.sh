#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The event page in Chromium on the whole chain, while a relay dies.
. "$(dirname "$0")/../demo/lib.sh"
command -v node >/dev/null || skip_all "node is not installed"
port=$(free_ports)
setsid "$top_srcdir/script/demo" --build "$top_builddir" --port "$port" >"$scratch/out" 2>"$scratch/err" </dev/null &
demo=$!
end_demo() {
	kill -TERM "$demo" 2>/dev/null
	wait "$demo" 2>/dev/null
	rm -rf "$scratch"
}
trap end_demo EXIT
deadline=$((SECONDS + 60))
until [ -s "$scratch/out" ]; do
	if ! kill -0 "$demo" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
		sed 's/^/# /' "$scratch/err"
		echo "Bail out! the demo does not run"
		exit 1
	fi
	sleep 0.1
done
export top_srcdir top_builddir
KOSHIEN_URL=http://127.0.0.1:$port/ KOSHIEN_KILL_CMD="kill -USR1 $demo" node "$(dirname "$0")/chain.mjs"
