#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Two capture daemons of one channel: the one that stands by takes over when the other dies, stays below nobody, and gives
# way when the first is back, though that has lost its state and begins with lower ids.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
build=$(cd "${top_builddir:-build}" && pwd)
sentryd=$build/capture/sentryd sentryc=$build/relay/sentryc ctl=$build/koshienctl/koshienctl
command -v curl >/dev/null || skip_all "curl is not installed"
cd "$scratch" || exit 1
first='' second='' relay=''
# shellcheck disable=SC2086 # lists
trap 'kill $first $second $relay 2>/dev/null; wait; cd /; rm -rf "$scratch"' EXIT
shown="$scratch/first.log $scratch/again.log $scratch/second.log $scratch/relay.log"

for name in first second; do
	"$ctl" keygen source "$name" >/dev/null && "$ctl" keygen master "$name" >/dev/null &&
		"$ctl" keygen relay "to-$name" --master "$name.master" >/dev/null || exit 1
done
numbers=$(free_port tcp)
capture() { # NAME ID OTHER PORT
	cat >"$1.conf" <<-END
	period = 200
	resolution = "320x240"
	source-id = $2
	priority = $2
	signing-key = "$1.key"
	trust = { "$3.pub" }
	state-dir = "$1.state"
	master = "$1.master"
	listen = { "127.0.0.1:$4" }
	END
}
first_port=$(free_port udp)
second_port=$(free_port udp)
capture first 0 second "$first_port"
capture second 1 first "$second_port"
cat >relay.conf <<END
parent "one" { address = "127.0.0.1:$first_port" key = "to-first.psk" }
parent "two" { address = "127.0.0.1:$second_port" key = "to-second.psk" }
trust = { "first.pub", "second.pub" }
store-dir = "stores"
history = 2000
metrics = "127.0.0.1:$numbers"
END
# An hour ahead, so that the second begins below it.
mkdir first.state && echo $(($(date +%s) + 3600)) >first.state/epoch.main.0
start_first() { "$sentryd" --config first.conf >"$1.log" 2>&1 & first=$!; }
start_first first
"$sentryc" --config relay.conf >relay.log 2>&1 &
relay=$!

metric() { curl -gs "http://127.0.0.1:$numbers/metrics" | sed -n "s/^koshien_relay_$1 \([-0-9]*\)\$/\1/p"; }
shows() { [ "$(metric 'source{channel="main"}')" = "$1" ]; }
says() { grep -qE -e "$2" "$1.log"; }
published() { metric 'frames_total{channel="main",rendition="std"}'; }
goes_on() { within 20 more_than "$(published)"; }
more_than() { [ "$(published)" -gt "$1" ]; }

ok "the first is shown" within 20 shows 0
"$sentryd" --config second.conf >second.log 2>&1 &
second=$!
ok "the second goes above it" within 20 says second "of source 0; going on above it"
ok "and stands by" shows 0
kill -KILL "$first"
wait "$first" 2>/dev/null
ok "it takes over" within 10 shows 1
ok "after 1.5 periods" says relay "source 1 after source 0, which has sent no picture for 3[0-9][0-9] ms"
ok "frames go on" goes_on
rm first.state/epoch.main.0
start_first again
# What it is told of is the other's newest, or its own last when that was higher.
ok "the first is back, and goes above what there was" within 20 says again "of source [01]; going on above it"
ok "it is shown again" within 30 shows 0
ok "frames go on" goes_on
ok "twice in all" [ "$(metric source_changes_total)" = 2 ]
for pid in "$first" "$second" "$relay"; do
	kill "$pid"
	ok "an end with status 0" wait "$pid"
done
first='' second='' relay=''
done_testing
