#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# sentryd without a relay: what it refuses and how it says so, outages, reload of each kind, a clean end.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
sentryd=${top_builddir:-build}/capture/sentryd
ctl=${top_builddir:-build}/koshienctl/koshienctl
[ -x "$ctl" ] || skip_all "koshienctl is not built"
command -v curl >/dev/null || skip_all "curl is not installed"
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$scratch"' EXIT
shown="$scratch/said $scratch/log"

leaves() { # STATUS TEXT ARGUMENT...: the exit status, and TEXT in what it says
	wanted=$1 text=$2
	shift 2
	status=0
	timeout 20 "$sentryd" --config "$scratch/conf" "$@" >"$scratch/said" 2>&1 || status=$?
	[ "$status" -eq "$wanted" ] && grep -qF -e "$text" "$scratch/said"
}
says() { grep -qF -e "$1" "$scratch/log"; }
never() { ! "$@"; }
counts() { [ "$(grep -cF -e "$1" "$scratch/log")" -eq "$2" ]; }
listening() { grep -qi ":$(printf %04X "$1") 0\{8\}:0000 0A" /proc/net/tcp; }
metric() {
	curl -gs "http://127.0.0.1:$port/metrics" | sed -n "s/^koshien_capture_$1 \([0-9.]*\)$/\1/p"
}
metric_is() { [ "$(metric "$1")" = "$2" ]; }
metric_above() { value=$(metric "$1") && [ "${value%.*}" -gt "$2" ]; }
configure() { # LINE...: the configuration file
	cat >"$scratch/conf" <<-END
	signing-key = "$scratch/camera.key"
	state-dir = "$scratch/state"
	metrics = "127.0.0.1:$port"
	relay "nobody" { address = "127.0.0.1:9" key = "$scratch/relay.psk" }
	END
	printf '%s\n' "$@" >>"$scratch/conf"
}
start() {
	"$sentryd" --config "$scratch/conf" "$@" >"$scratch/log" 2>&1 &
	pid=$!
	within 20 listening "$port"
}
ends_with() { # STATUS: of the sentryd that runs, after SIGTERM
	kill "$pid"
	status=0
	wait "$pid" || status=$?
	pid=
	[ "$status" -eq "$1" ]
}

port=$(free_port tcp)
"$ctl" keygen --dir "$scratch" source camera >/dev/null
"$ctl" keygen --dir "$scratch" relay relay >/dev/null
"$ctl" keygen --dir "$scratch" master up >/dev/null
configure 'period = 50' 'resolution = 320x240'

ok "a configuration that is right" leaves 0 "" --check-config
ok "a source of no kind" leaves 2 "--source: expected test, v4l2:DEVICE" --source camera
ok "a resolution of no size" leaves 2 "--resolution: expected WIDTHxHEIGHT" --resolution 10x10
ok "a rendition with a bad name" leaves 2 "--rendition: expected 1 to 8 lower-case letters" --rendition Low
ok "a rendition of no size" leaves 2 "--rendition: expected WIDTHxHEIGHT" --rendition low,resolution=640
ok "a rendition twice" leaves 2 "--rendition: expected each title once" --rendition std --rendition std,quality=5
# shellcheck disable=SC2046
ok "more renditions than there can be" leaves 2 "rendition: expected at most 8, got 9" \
	$(for i in 1 2 3 4 5 6 7 8 9; do echo "--rendition r$i"; done)
configure 'rendition "std" { }' 'rendition "low" {' '	quality = none' '}'
ok "a rendition's line of the file that is wrong" leaves 2 "$scratch/conf:7: quality: expected a whole number"
configure 'period = 50' 'resolution = 320x240'
ok "a format of no camera" leaves 2 "--format: expected YUYV" --format RGB
ok "a channel with a bad name" leaves 2 "--channel: expected" --channel Main/1
ok "a key that is none" leaves 2 "expected a line 'koshien-source-secret" --signing-key "$scratch/relay.psk"
ok "a relay's key that is not there" leaves 2 "$scratch/none: No such file" --relay "a,address=b:1,key=$scratch/none"
ok "a relay without a port" leaves 2 "expected HOST:PORT like" --relay "a,address=b,key=$scratch/relay.psk"
ok "a relay without a key" leaves 2 "relay a: expected key=FILE, or a master key" --relay a,address=b:1
ok "a relay with a key from the master key" leaves 0 "" --relay a,address=b:1 --master "$scratch/up.master" --check-config
ok "a relay that answers never" leaves 0 "" --relay "a,address=b:1,key=$scratch/relay.psk,blind=yes" --check-config
ok "a relay's name that cannot be in a key" leaves 2 "at most 31 lower-case letters" --relay A,address=b:1
ok "a master key that is none" leaves 2 "it is a key of another kind" --master "$scratch/relay.psk"
ok "revoked without a master key" leaves 2 "revoked: expected a master key" --revoked "$scratch/list"
printf '# nobody yet\nA Name\n' >"$scratch/list"
ok "a revocation list that is none" leaves 2 "$scratch/list:2: expected the name of a relay" \
	--master "$scratch/up.master" --revoked "$scratch/list"
ok "a listening address without a port" leaves 2 "--listen: expected ADDRESS:PORT" --listen ::1
ok "a source to trust that is none" leaves 2 "it is a key of another kind" --trust "$scratch/relay.psk"
ok "more relays than there can be" leaves 2 "--relays-max: expected a whole number from 1 to" --relays-max 1000000
configure 'relay "a" {' '	address = "b"' '	key = "k"' '}'
ok "an address of the file that is wrong" leaves 2 "$scratch/conf:6: address: expected HOST:PORT"
configure 'period = 50' 'resolution = 320x240'
ok "dir-once without a folder" leaves 2 "dir-once: expected a source dir:FOLDER" --dir-once
ok "a missing camera, on request" leaves 1 "exiting, as exit-on-device-error asks for" \
	--exit-on-device-error --source v4l2:/dev/no-such-camera
configure 'period = soon'
ok "a line of the file that is wrong" leaves 2 "$scratch/conf:5: period: expected a whole number"
: >"$scratch/conf"
ok "no relay at all" leaves 2 "relay: expected at least one"

configure 'period = 50' 'resolution = 320x240'
mkdir -p "$scratch/bad"
echo garbage >"$scratch/bad/epoch.main.0"
ok "a damaged epoch is fatal" leaves 1 "$scratch/bad/epoch.main.0: is damaged" --state-dir "$scratch/bad"

ok "it starts" start
ok "frames flow without a relay" within 20 metric_above frames_total 5
first=$(cat "$scratch/state/epoch.main.0")

configure 'period = 40' 'resolution = 640x480' 'channel = other'
kill -HUP "$pid"
ok "SIGHUP reads the file again" within 20 says "the configuration was reloaded"
ok "the period has changed" within 20 metric_is period_seconds 0.040000
ok "what needs a restart says so" says "channel is taken over only by a restart"
configure 'period = 0'
kill -HUP "$pid"
ok "a wrong file changes nothing" within 20 says "the one before stays in force"
ok "and it runs on as before" metric_is period_seconds 0.040000
configure 'period = 40' "source = \"dir:$scratch/nothing\"" 'device-error-delay = 100'
kill -HUP "$pid"
ok "another source, which is missing: placeholders" within 20 metric_above placeholders_total 3
ok "the outage is told" says "no device: $scratch/nothing"
mkdir "$scratch/nothing"
ok "a changed fault is not told again" within 20 metric_above placeholders_total 10
ok "one line per outage" counts "error source:" 1
configure 'period = 40' 'quality = 30'
kill -HUP "$pid"
ok "the source can be changed back" within 20 metric_is source_up 1
rendered() { value=$(metric "rendition_frames_total{rendition=\"$1\"}") && [ "$value" -gt "${2:-0}" ]; }
ok "one rendition by default" rendered std
configure 'period = 40' 'rendition "std" { }' 'rendition "rough" { quality = 10 }'
kill -HUP "$pid"
ok "SIGHUP takes over another rendition" within 20 rendered rough 5
count=$(metric 'rendition_frames_total{rendition="std"}')
ok "the first one goes on counting" [ "$count" -gt "$(metric 'rendition_frames_total{rendition="rough"}')" ]
before=$(metric frames_total)
ok "and frames flow again" within 20 metric_above frames_total "$before"
configure 'period = 40' "master = \"$scratch/up.master\"" 'loss = 20'
kill -HUP "$pid"
ok "listening needs a restart, and says so" within 20 says "listen is taken over only by a restart"
ok "nothing else does" never says "loss is taken over only by a restart"
configure 'period = 40' 'loss = 40'
cat >>"$scratch/conf" <<END
relay "blind" { address = "127.0.0.1:9" key = "$scratch/relay.psk" blind = yes }
END
parity_above() { value=$(curl -gs "http://127.0.0.1:$port/metrics" |
	sed -n 's/^koshien_wire_parity_ratio{relay="blind"} \([0-9.]*\)$/\1/p') && awk -v a="$value" -v b="$1" 'BEGIN { exit !(a > b) }'; }
kill -HUP "$pid"
ok "SIGHUP takes over the loss that is made up for" within 20 parity_above 0.7
ok "SIGTERM ends it with 0" ends_with 0

configure 'period = 50' 'resolution = 320x240'
ok "it starts again" start
ok "with a later epoch" [ "$(cat "$scratch/state/epoch.main.0")" -gt "$first" ]
ok "a taken port names the option" leaves 1 "choose another with --metrics"
ok "and ends with 0" ends_with 0
done_testing
