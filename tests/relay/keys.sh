#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Keys of a running chain: a relay comes by itself with a key made from the master key; both are changed step by step
# and no picture is lost; revoked, it gets no more.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
build=$(cd "${top_builddir:-build}" && pwd)
sentryd=$build/capture/sentryd sentryc=$build/relay/sentryc ctl=$build/koshienctl/koshienctl
command -v curl >/dev/null || skip_all "curl is not installed"
cd "$scratch" || exit 1
daemon='' relay=''
# shellcheck disable=SC2086 # lists
trap 'kill $daemon $relay 2>/dev/null; wait; cd /; rm -rf "$scratch"' EXIT
shown="$scratch/sentryd.log $scratch/sentryc.log"

"$ctl" keygen source camera >/dev/null && "$ctl" keygen master up >/dev/null &&
	"$ctl" keygen relay far --master up.master >/dev/null || exit 1
: >revoked
port=$(free_port udp) numbers=$(free_port tcp)
cat >sentryd.conf <<END
period = 50
resolution = "320x240"
signing-key = "camera.key"
state-dir = "state"
master = "up.master"
revoked = "revoked"
listen = { "127.0.0.1:$port" }
metrics = "127.0.0.1:$numbers"
END
cat >sentryc.conf <<END
parent "home" { address = "127.0.0.1:$port" key = "far.psk" }
trust = { "camera.pub" }
store-dir = "stores"
history = 20000
END
"$sentryd" --config sentryd.conf >sentryd.log 2>&1 &
daemon=$!
NOTIFY_SOCKET='' "$sentryc" --config sentryc.conf >sentryc.log 2>&1 &
relay=$!

says() { grep -qF -e "$2" "$1.log"; }
never() { ! says "$@"; }
# "NEWEST FRAMES": the number of the newest frame that the relay holds, and how many it holds.
held() {
	"$ctl" frames stores main std --json 2>/dev/null |
		sed -n 's/.*"frames":\([0-9]*\).*"newest":"[0-9]*-\([0-9]*\)".*/\2 \1/p'
}
newest() { held | cut -d ' ' -f 1; }
beyond() { # NUMBER: the relay holds a frame with a higher one
	at=$(newest)
	[ -n "$at" ] && [ "$at" -gt "$1" ]
}
frames_go_on() { within 20 beyond $(($(newest) + 20)); }
none_lost() { # NEWEST FRAMES: at an earlier moment
	held >now && read -r later held_later <now
	# A frame may come between the two numbers of a reading, and is then in one of them only.
	echo "$((later - $1)) sent, $((held_later - $2)) here"
	[ $((later - $1)) -gt 0 ] && [ $((later - $1)) -le $((held_later - $2)) ]
}
more_reloads() { [ "$(grep -c 'reload' "$1.log")" -gt "$2" ]; }
reload() { # sentryd|sentryc PID: takes effect, without a word against it
	before=$(grep -c 'reload' "$1.log")
	kill -HUP "$2"
	within 10 more_reloads "$1" "$before" && ! grep 'reload' "$1.log" | grep -q 'not reloaded\|failed'
}
made() { curl -gs "http://127.0.0.1:$numbers/metrics" | sed -n 's/^koshien_capture_frames_total \([0-9]*\)$/\1/p'; }
made_more() { [ "$(made)" -gt "$1" ]; }

ok "a relay comes by itself" within 20 beyond 5
held >start

# The order of koshienctl(1).
ok "the master key's first step" "$ctl" key rotate up.master
ok "the parent takes it" reload sentryd "$daemon"
ok "the relay's first step" "$ctl" key rotate far.psk --master up.master
ok "the relay takes it" reload sentryc "$relay"
ok "frames go on" frames_go_on
ok "the master key's second step" "$ctl" key rotate up.master
ok "the parent takes it" reload sentryd "$daemon"
ok "frames go on" frames_go_on
ok "the relay's second step" "$ctl" key rotate far.psk --master up.master
ok "the relay takes it" reload sentryc "$relay"
ok "frames go on" frames_go_on
ok "the relay's last step" "$ctl" key rotate far.psk --master up.master
ok "the relay takes it" reload sentryc "$relay"
ok "frames go on" frames_go_on
ok "the master key's last step" "$ctl" key rotate up.master
ok "the parent takes it" reload sentryd "$daemon"
ok "frames go on" frames_go_on
# shellcheck disable=SC2046 # two numbers
ok "no frame was lost" none_lost $(cat start)

# Settings of the wire, on both sides.
datagram() { curl -gs "http://127.0.0.1:$numbers/metrics" | grep -q "^koshien_wire_datagram_bytes{relay=\"far\"} $1\$"; }
low() { "$ctl" frames stores main low --json 2>/dev/null | sed -n 's/.*"newest":"[0-9]*-\([0-9]*\)".*/\1/p'; }
low_beyond() { at=$(low) && [ -n "$at" ] && [ "$at" -gt "$1" ]; }
cat >>sentryd.conf <<END
rendition "std" { }
rendition "low" { quality = 30 }
END
cp sentryc.conf all.conf
echo 'rendition = { "std" }' >>sentryc.conf
ok "the relay wants one rendition" reload sentryc "$relay"
ok "frames go on" frames_go_on
ok "the parent makes two" reload sentryd "$daemon"
ok "frames go on" frames_go_on
ok "the other one does not come" [ ! -e stores/main.low.frames ]
held >start
cp all.conf sentryc.conf
ok "the relay wants all" reload sentryc "$relay"
ok "the other one comes" within 20 low_beyond 0
printf '%s\n' 'datagram = 1000' 'loss = 30' >>sentryd.conf
ok "the parent sends shorter datagrams" reload sentryd "$daemon"
ok "and says so" within 10 datagram 1000
ok "frames go on" frames_go_on
echo 'datagram = 600' >>sentryc.conf
ok "the relay wants even shorter ones" reload sentryc "$relay"
ok "and gets them" within 10 datagram 576
ok "frames go on" frames_go_on
printf '%s\n' 'rendition = { "std" }' 'nack = no' >>sentryc.conf
ok "the relay wants one rendition, and asks for nothing" reload sentryc "$relay"
ok "frames go on" frames_go_on
last=$(low)
ok "frames go on" frames_go_on
ok "of this one only" [ "$(low)" = "$last" ]
cp all.conf sentryc.conf
ok "the relay wants all as before" reload sentryc "$relay"
ok "and gets it" within 20 low_beyond "$last"
ok "in datagrams of the parent's size" within 20 datagram 1000
# shellcheck disable=SC2046 # two numbers
ok "no frame was lost" none_lost $(cat start)

ok "the relay is revoked" "$ctl" key revoke far --list revoked
ok "the parent takes it" reload sentryd "$daemon"
ok "the relay is told" within 10 says sentryc "revoked"
last=$(newest)
ok "while pictures go on" within 10 made_more $(($(made) + 20))
ok "it gets no more" [ "$(newest)" = "$last" ]
ok "another name" "$ctl" keygen relay near --master up.master
sed -i 's/far.psk/near.psk/' sentryc.conf
ok "the relay takes it" reload sentryc "$relay"
ok "and gets pictures again" within 20 beyond "$last"
ok "no source was taken for a stranger" never sentryd "no trusted source"
for pid in "$daemon" "$relay"; do
	kill "$pid"
	ok "an end with status 0" wait "$pid"
done
daemon='' relay=''
done_testing
