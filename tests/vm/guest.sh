#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The first and only program of the guest of v4l2.test.sh: sends vivid's pictures through sentryd to sentryc and
# reports over the serial console, a line "@@ ok WHAT" or "@@ not ok WHAT" per test.
PATH=/bin
mount -t devtmpfs dev /dev
exec </dev/console >/dev/console 2>&1
echo	# the firmware left the cursor somewhere
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
ip link set lo up
while read -r module options; do
	insmod "/modules/$module" $options || echo "# insmod $module failed"
done </modules/order

metrics=http://127.0.0.1:9301/metrics
# metric NAME: its value; 0 while nobody answers.
metric() {
	value=$(wget -qO- "$metrics" 2>/dev/null | sed -n "s/^koshien_capture_$1 \([0-9]*\).*/\1/p")
	echo "${value:-0}"
}
# reaches NAME VALUE: within 30 s.
reaches() {
	n=0
	while [ "$(metric "$1")" -lt "$2" ]; do
		n=$((n + 1))
		[ "$n" -lt 300 ] || return 1
		usleep 100000
	done
}
report() {
	if [ "$1" -eq 0 ]; then
		echo "@@ ok $2"
	else
		echo "@@ not ok $2"
		sed 's/^/# sentryd: /' /run/sentryd.log | tail -n 5
		sed 's/^/# sentryc: /' /run/sentryc.log | tail -n 5
	fi
}
start() { # FORMAT
	sentryd --source v4l2:/dev/video0 --format "$1" --resolution 640x360 --period 200 --state-dir /run/state \
		--signing-key /keys/camera.key --relay guest,address=127.0.0.1:7510,key=/keys/guest.psk \
		--metrics 127.0.0.1:9301 >/run/sentryd.log 2>&1 &
	sentryd=$!
}
# The newest picture that the relay has verified and stored, saved for the host to look at.
arrived() {
	n=0
	until koshienctl frames --json --save "/run/$1.jpg" /run/store main std >/run/frames 2>&1 && [ -s "/run/$1.jpg" ]; do
		n=$((n + 1))
		[ "$n" -lt 100 ] || return 1
		usleep 100000
	done
}
outage() { # BUTTON WHAT N: the how manieth it is
	frames=$(metric frames_total)
	placeholders=$(metric placeholders_total)
	press /dev/video0 "$1"
	reaches placeholders_total $((placeholders + 2))
	report $? "$2: placeholders are sent"
	reaches frames_total $((frames + 5))
	report $? "$2: pictures again by itself"
	[ "$(grep -c '^error source:' /run/sentryd.log)" -eq "$3" ] && [ "$(grep -c 'pictures again' /run/sentryd.log)" -eq "$3" ]
	report $? "$2: told once, and once that it is over"
}

mkdir -p /run/store
sentryc --key /keys/guest.psk --trust /keys/camera.pub --store-dir /run/store --listen 127.0.0.1:7510 >/run/sentryc.log 2>&1 &

start YUYV
reaches frames_total 5
report $? "YUYV: pictures are sent"
outage Disconnect "the camera is unplugged and plugged in" 1
outage "Inject Fatal Streaming Error" "the stream breaks" 2
arrived YUYV
report $? "YUYV: they arrive"
kill "$sentryd"
wait "$sentryd"
report $? "SIGTERM ends it with 0"

for format in NV12 UYVY; do
	start "$format"
	reaches frames_total 5
	report $? "$format: pictures are sent"
	arrived "$format"
	report $? "$format: they arrive"
	kill "$sentryd"
	wait "$sentryd"
done
for format in YUYV NV12 UYVY; do
	echo "@@ begin $format"
	base64 "/run/$format.jpg"
	echo "@@ end $format"
done
echo "@@ done"
poweroff -f
