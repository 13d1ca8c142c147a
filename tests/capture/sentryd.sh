#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sentryd as a program, with a real sentryc behind it: pictures of real cameras arrive byte for byte, malformed ones
# are dropped with a reason each; a missing camera, a reload and the end.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
build=${top_builddir:-build}
sentryd=$build/capture/sentryd sentryc=$build/relay/sentryc ctl=$build/koshienctl/koshienctl
data=${KOSHIEN_TEST_DATA:-${top_srcdir:-.}/../shared/data}
relay= daemon=
trap 'kill $relay $daemon 2>/dev/null; wait; rm -rf "$scratch"' EXIT
shown="$scratch/log $scratch/relay.log"

(cd "$scratch" && "$ctl" keygen source camera && "$ctl" keygen relay relay) >"$scratch/keygen.log" || exit 1
port=$(free_port udp)
mkdir "$scratch/stores"
"$sentryc" --listen "127.0.0.1:$port" --key "$scratch/relay.psk" --trust "$scratch/camera.pub" \
	--store-dir "$scratch/stores" --history 600 >"$scratch/relay.log" 2>&1 &
relay=$!
ok "the relay listens" within 20 taken "$port" udp

common=(--signing-key "$scratch/camera.key" --state-dir "$scratch" --relay "relay,address=127.0.0.1:$port,key=$scratch/relay.psk")
run() { "$sentryd" "${common[@]}" "$@" >"$scratch/log" 2>&1 </dev/null; }
exits() { # STATUS ARGUMENT...
	local wanted=$1 status=0
	shift
	run "$@" || status=$?
	[ "$status" = "$wanted" ]
}
says() { grep -q -e "$1" "$scratch/log"; }
start() { # ARGUMENT...: in the background, with metrics
	metrics=127.0.0.1:$(free_port tcp)
	"$sentryd" "${common[@]}" --metrics "$metrics" "$@" >"$scratch/log" 2>&1 </dev/null &
	daemon=$!
	within 20 taken "${metrics##*:}" tcp
}
ends() { # STATUS, after SIGTERM
	local status=0
	kill -TERM "$daemon"
	wait "$daemon" || status=$?
	daemon=
	[ "$status" = "$1" ]
}
metric() { curl -sS "http://$metrics/metrics" | sed -n "s/^$1 //p"; }
counted() { # METRIC AT-LEAST
	local n
	n=$(metric "$1")
	[ -n "$n" ] && [ "$n" -ge "$2" ]
}

# --- real cameras --------------------------------------------------------------------------------------
# The stored picture with its stamp, the first segment after SOI, cut out.
without_stamp() {
	local high low
	read -r high low < <(od -An -tu1 -j4 -N2 "$1")
	head -c 2 "$1"
	tail -c +$((2 + 2 + high * 256 + low + 1)) "$1"
}
arrived() { # CHANNEL FILE NUMBER
	"$ctl" frames "$scratch/stores" "$1" std --id "$(cat "$scratch/epoch.$1.0")-$3" --save "$scratch/arrived.jpg" &&
		without_stamp "$scratch/arrived.jpg" | cmp - "$2"
}
if [ -d "$data/jpeg/camera" ]; then
	ok "all pictures of real cameras are sent" exits 0 --channel cameras --source "dir:$data/jpeg/camera" --dir-once --period 250
	number=0
	for file in "$data"/jpeg/camera/*; do
		ok "$(basename "$file") arrives byte for byte" within 10 arrived cameras "$file" "$number"
		number=$((number + 1))
	done
else
	skip "pictures of real cameras" "none in ../shared/data or \$KOSHIEN_TEST_DATA"
fi

if [ ! -d "$data/jpeg/malformed" ]; then
	skip "malformed pictures" "none in ../shared/data or \$KOSHIEN_TEST_DATA"
elif ! command -v curl >/dev/null; then
	skip "malformed pictures" "curl is not installed"
else
	files=$(find "$data/jpeg/malformed" -name '*.jpg' | wc -l)
	ok "a folder of malformed pictures is no reason not to start" start --channel malformed --period 50 \
		--source "dir:$data/jpeg/malformed"
	dropped() {
		curl -sS "http://$metrics/metrics" | awk '/^koshien_capture_dropped_total\{/ { sum += $2 } END { print sum + 0 }'
	}
	all_dropped() { [ "$(dropped)" -ge "$files" ]; }
	ok "every one of the $files is dropped and counted" within 60 all_dropped
	reasons() { curl -sS "http://$metrics/metrics" | grep -c '^koshien_capture_dropped_total{.*} [1-9]'; }
	ok "by at least six different reasons" eval '[ "$(reasons)" -ge 6 ]'
	ok "none of them was sent" eval '[ "$(metric koshien_capture_frames_total)" = 0 ]'
	ok "a placeholder says so meanwhile" within 20 counted koshien_capture_placeholders_total 1
	ok "it ends well" ends 0
fi

# --- several renditions ----------------------------------------------------------------------------------
held() { "$ctl" frames "$scratch/stores" --json | jq -e "[.[] | select(.channel == \"$1\")] | $2"; }
if ! "$sentryd" "${common[@]}" --check-config --rendition low,resolution=64x48 >"$scratch/log" 2>&1; then
	ok "a build that cannot make pictures smaller says what to install" says "libyuv-dev"
	skip "several renditions" "this build has no libyuv"
elif ! command -v jq >/dev/null; then
	skip "several renditions" "jq is not installed"
else
	sizes=(--rendition std --rendition 'low,resolution=640x360,quality=60' --rendition 'thumb,resolution=320x180')
	ok "three renditions at once" start --channel sizes --period 200 "${sizes[@]}"
	one_group() { held sizes '(map(.rendition) | sort) == ["low", "std", "thumb"] and (map(.newest) | unique | length) == 1'; }
	ok "arrive under one id" within 20 one_group
	ok "and on and on" within 20 held sizes 'all(.frames >= 5)'
	rendered() { metric "koshien_capture_rendition_$1_total{rendition=\"$2\"}"; }
	ok "the smaller it is, the fewer bytes" \
		eval '[ "$(rendered bytes thumb)" -lt "$(rendered bytes low)" ] && [ "$(rendered bytes low)" -lt "$(rendered bytes std)" ]'
	size_is() { # RENDITION WxH
		"$ctl" frames "$scratch/stores" sizes "$1" --save "$scratch/size.jpg" &&
			[ "$(rdjpgcom -verbose "$scratch/size.jpg" | sed -n 's/^JPEG image is \([0-9]*\)w \* \([0-9]*\)h.*/\1x\2/p')" = "$2" ]
	}
	if command -v rdjpgcom >/dev/null; then
		ok "std has the source's size" size_is std 1280x720
		ok "low is smaller" size_is low 640x360
		ok "thumb is smaller still" size_is thumb 320x180
	else
		skip "sizes" "rdjpgcom is not installed"
	fi
	ok "it ends well" ends 0
	start --channel placeholder --period 200 --source "v4l2:/dev/video-that-is-not-there" "${sizes[@]}"
	ok "a placeholder comes in all three" within 20 held placeholder 'length == 3 and all(.placeholder) and all(.frames >= 2)'
	ok "and that ends well" ends 0
	if [ -d "$data/jpeg/camera" ]; then
		ok "real cameras' pictures in two sizes" exits 0 --channel cameras-2 --source "dir:$data/jpeg/camera" --dir-once \
			--period 250 --rendition std --rendition low,resolution=64x64
		files=$(find "$data/jpeg/camera" -type f | wc -l)
		ok "each of them has a small one" within 10 held cameras-2 "length == 2 and all(.frames == $files)"
		file=$(find "$data/jpeg/camera" -type f | sort | tail -n 1)
		ok "and the large one is byte for byte the camera's" arrived cameras-2 "$file" $((files - 1))
	else
		skip "real cameras' pictures in two sizes" "none in ../shared/data or \$KOSHIEN_TEST_DATA"
	fi
fi

# --- a camera that is not there -------------------------------------------------------------------------
ok "a missing camera and --exit-on-device-error: exit 1" \
	exits 1 --channel none --source v4l2:/dev/video-that-is-not-there --exit-on-device-error
ok "the error names the device" says "/dev/video-that-is-not-there"

# --- reload ---------------------------------------------------------------------------------------------
if command -v curl >/dev/null; then
	cat >"$scratch/conf" <<-END
	channel = "reload"
	period = 100
	END
	ok "starts from a file" start --config "$scratch/conf"
	ok "frames flow" within 20 counted koshien_capture_frames_total 3
	echo 'period = 50' >"$scratch/conf"
	echo 'channel = "reload"' >>"$scratch/conf"
	kill -HUP "$daemon"
	period_is() { [ "$(metric koshien_capture_period_seconds | cut -c1-4)" = "$1" ]; }
	ok "SIGHUP takes over a new period" within 20 period_is 0.05
	echo 'period = now' >"$scratch/conf"
	kill -HUP "$daemon"
	ok "a broken file is named with its line" within 20 says "conf:1: period: expected a whole number"
	ok "and what was in force stays" period_is 0.05
	ok "SIGTERM ends it with 0" ends 0
else
	skip "reload" "curl is not installed"
fi
done_testing
