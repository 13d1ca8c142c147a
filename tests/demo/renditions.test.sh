#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Three sizes of every picture, under one id, at both relays and through the proxy.
. "$(dirname "$0")/lib.sh"
command -v curl >/dev/null || skip_all "curl is not installed"
"$top_builddir/capture/sentryd" --check-config --signing-key - --rendition low,resolution=64x48 2>&1 | grep -q libyuv &&
	skip_all "this build has no libyuv"

begin_demo --renditions
until_it() { # COMMAND...: true within half a minute
	local deadline=$((SECONDS + 30))
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] && kill -0 "$demo" 2>/dev/null || return 1
		sleep 0.1
	done
}
index_holds() { curl -gsf "http://127.0.0.1:$port/live/main/index.json" 2>/dev/null | jq -e ".renditions | $1" >/dev/null 2>&1; }
ok "three renditions" until_it index_holds 'keys == ["low", "std", "thumb"]'
ok "of one id" until_it index_holds '(map(.latest) | unique | length) == 1'
ok "in three sizes" index_holds 'map_values([.width, .height]) == { low: [640, 360], std: [1280, 720], thumb: [320, 180] }'
ok "all of them live" until_it index_holds 'all(.state == "live")'
ok "Ctrl-C ends it" interrupt "$demo"
ok "with its exit status" [ "$status" = 130 ]
done_testing
