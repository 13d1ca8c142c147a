# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# No picture is ever torn: while frames of random sizes come 200 times a second, viewers that are as fast as they can
# be, that wait, stream, and read slowly take them from the pump, from httpd's threads, over TLS and over HTTP/2. Each
# picture is held against its length, its marks, its stamp, its names in the head and its digest.
. "$(dirname "$0")/httpd.sh"
. "$(dirname "$0")/audience.sh"

pictures=800 minimum=$((4 * 60000000))	# for the fast ones, each way; bytes of all
if [ -n "$long" ]; then
	pictures=24000 minimum=10000000000
fi

tls_server
httpd_start "
Include \"$top_srcdir/conf/relay-httpd.conf\"
StartServers 2
MinSpareThreads 1
$both_ways
$tls_lines"
feed_begin --epoch 7 --every-ms 5 --period-ms 20 --size 4096-200000 main std
ok 'pictures come' wait_for 10 status_is /live/main/std/7-1.jpg 200

total=0
newest() {
	get /rest/main/std/latest.jpg
	header Frame-Id
}
said_of() { # WAY BYTES: and what has come meanwhile
	local now seconds=$((SECONDS - began))
	now=$(newest)
	total=$((total + $2))
	echo "# $1: $2 bytes, $((${now#*-} - ${first#*-})) frames in $seconds s"
}
begin() { first=$(newest) began=$SECONDS; }

swarms() { # WAY ORIGIN
	local watched=$2 slow=(--slow-bytes-per-s 300000) name names=("$1"-{flat,wait,stream}) bytes
	begin
	# The slow ones need several seconds for some; the fast ones decide when it is enough.
	audience "$1-wait" --mode wait --viewers 12 --slow 4 "${slow[@]}" --seconds 3600
	audience "$1-stream" --mode stream --viewers 4 --slow 2 "${slow[@]}" --seconds 3600
	audience "$1-flat" --mode flat --viewers 8 --slow 4 "${slow[@]}" --seconds 600 --pictures "$pictures"
	audience_end "$1-flat"
	audience_stop "$1-wait" "$1-stream"
	for name in "${names[@]}"; do
		is "$name: nothing wrong" "$(faults "$name")" none
		is "$name: none older than the one before" "$(sum backwards "$name") $(sum slow.backwards "$name")" '0 0'
		ok "$name: new ones all the while" [ "$(sum distinct "$name")" -ge 20 ]
	done
	bytes=$(($(sum bytes "${names[@]}") + $(sum slow.bytes "${names[@]}")))
	echo "# $1: $(sum pictures "${names[@]}") pictures, $(sum slow.pictures "${names[@]}") by slow viewers"
	said_of "$1" "$bytes"
}

# bench/swarm speaks HTTP/1.1. Each curl has one connection.
h2_viewers=()
h2_viewer() { # NAME REQUESTS BODIES-OPTION CURL-OPTION...
	local name=$1 n=$2 option=$3
	shift 3
	h2_viewers+=("$name")
	mkdir "$work/$name"
	curl -sk --no-progress-meter -m 600 --http2 "$@" -o "$work/$name/#1" \
		-w '%{http_code} %header{etag} %{filename_effective} %header{frame-id}\n' \
		"https://127.0.0.1:$tls_port/live/main/std/latest.jpg?n=[1-$n]" |
		bodies --remove ${option:+"$option"} >"$work/$name.said" 2>&1 &
	audience_pid[$name]=$!
}
http2() {
	local name bytes=0 good
	begin
	for name in a b c; do h2_viewer "h2-$name" $((pictures / 3)) ''; done
	h2_viewer h2-slow $((pictures / 60)) '' --limit-rate 1m
	h2_viewer h2-streams $((pictures / 2)) --any-order -Z --parallel-max 20
	for name in "${h2_viewers[@]}"; do
		wait "${audience_pid[$name]}"
		unset "audience_pid[$name]"
		good=$(cat "$work/$name.said")
		like "$name: nothing wrong" "$good" '^[0-9]+ good, [0-9]+ distinct, [0-9]+ bytes$'
		good=${good% bytes}
		bytes=$((bytes + ${good##* }))
	done
	is 'really HTTP/2' "$(curl -sk --http2 -o /dev/null -w '%{http_version}' \
		"https://127.0.0.1:$tls_port/live/main/std/latest.jpg")" 2
	said_of http2 "$bytes"
}

swarms pump "$base/live"
swarms handler "$base/rest"
if [ -n "$tls_port" ]; then
	swarms tls "https://127.0.0.1:$tls_port/live"
else
	skip 'TLS' 'no mod_ssl, or no openssl'
fi
if [ -n "$h2" ]; then
	http2
else
	skip 'HTTP/2' 'no mod_http2, or a curl without it'
fi
echo "# all: $total bytes of pictures"
[ -z "$h2" ] || ok 'enough' [ "$total" -ge "$minimum" ]

httpd_done
