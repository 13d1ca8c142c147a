#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Pictures from a program's standard output: once as fast as it can make them, once as a camera would.
. "$(dirname "$0")/lib.sh"
command -v ffmpeg >/dev/null || skip_all "ffmpeg is not installed"
from_ffmpeg() {
	ffmpeg -nostdin -loglevel error "$@" -f mjpeg - 2>"$scratch/ffmpeg.err" | {
		demo --smoke 15 --source pipe:-
		status=$?
		cat >/dev/null
		echo "$json" >"$scratch/json"
		return "$status"
	}
	local status=${PIPESTATUS[1]}
	json=$(cat "$scratch/json")
	return "$status"
}
input='testsrc2=size=1280x720:rate=5'
ok "a generator that is faster than the clock" from_ffmpeg -f lavfi -i "$input" -t 20
ok "one picture a period, none broken" holds '.distinct >= 13 and .bad == 0 and .backwards == 0'
ok "a camera-like producer at 5 pictures a second" from_ffmpeg -re -f lavfi -i "$input" -t 25
ok "one picture a period, none broken, none older" holds '.distinct >= 13 and .bad == 0 and .backwards == 0'
ok "the newest picture is the one shown" holds '.age_ms.p50 < 1000'
done_testing
