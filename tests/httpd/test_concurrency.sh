# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Many viewers at once while frames of random sizes come 200 times a second: every picture is whole, is the one its
# ETag names, and none comes before the one before. Slow viewers, HTTP/2, TLS, a restart in the middle; and
# viewers who take nothing hold no thread.
. "$(dirname "$0")/httpd.sh"

tls_server
feed --epoch 7 --seq 0 "$store" main std >/dev/null
feed --epoch 7 --age-ms 60000 "$store" main dead >/dev/null
httpd_start "Include \"$top_srcdir/conf/relay-httpd.conf\"
<Location \"/live\">
	SetHandler sentry
</Location>
$tls_lines"

viewer() { # NAME REQUESTS ORIGIN [CURL OPTION...]: one connection, one answer after another
	local name=$1 n=$2 origin=$3
	shift 3
	mkdir "$work/$name"
	curl -sk -m 100 "$@" -o "$work/$name/#1" -w '%{http_code} %header{etag} %{filename_effective}\n' \
		"$origin/live/main/std/latest.jpg?n=[1-$n]" >"$work/$name.lines" &
	viewers+=("$!")
	names+=("$name")
}
collect() { # waits for all viewers, checks what each got
	local name said
	wait "${viewers[@]}"
	for name in "${names[@]}"; do
		said=$(bodies <"$work/$name.lines")
		is "$name: all whole, in order" "${said%% good*}" "$(wc -l <"$work/$name.lines")"
		is "$name: none missing" "$(wc -l <"$work/$name.lines")" "${name##*-}"
		rm -rf "${work:?}/$name"
	done
	viewers=() names=()
}
viewers=() names=()

start_feed() { # SEQ
	# Not the function: its process would be a shell around the one to end.
	"$top_builddir/tests/httpd/feed" --epoch 7 --seq "$1" --count 4000 --every-ms 5 --size 4096-60000 \
		"$store" main std >"$work/ids" &
	feeder=$!
}
stop_feed() {
	kill "$feeder" 2>/dev/null
	wait "$feeder" 2>/dev/null
}

start_feed 1
for i in 1 2 3 4 5 6 7 8; do viewer "fast-$i-200" 200 "$base"; done
for i in 1 2 3 4; do viewer "slow-$i-10" 10 "$base" --limit-rate 150k; done
if [ -n "$tls_port" ]; then
	for i in 1 2 3; do viewer "tls-$i-100" 100 "https://127.0.0.1:$tls_port" --http1.1; done
	viewer tls-slow-8 8 "https://127.0.0.1:$tls_port" --http1.1 --limit-rate 150k
fi
# Over TLS: curl 7.88 loses the second request of a cleartext HTTP/2 connection, whatever the server.
if [ -n "$h2" ]; then
	for i in 1 2 3; do viewer "h2-$i-100" 100 "https://127.0.0.1:$tls_port" --http2; done
	viewer h2-slow-8 8 "https://127.0.0.1:$tls_port" --http2 --limit-rate 150k
fi
collect
[ -n "$h2" ] || skip 'HTTP/2' 'no mod_http2, or a curl without it'
[ -n "$tls_port" ] || skip 'TLS' 'no mod_ssl, or no openssl'
if [ -n "$h2" ]; then
	# Streams side by side on one connection, in no order.
	mkdir "$work/streams"
	curl -sk --no-progress-meter -Z --parallel-max 20 --http2 -o "$work/streams/#1" \
		-w '%{http_version} %{http_code} %header{etag} %{filename_effective}\n' \
		"https://127.0.0.1:$tls_port/live/main/std/latest.jpg?n=[1-100]" >"$work/lines"
	cut -d' ' -f2- "$work/lines" | sort -V -k2 >"$work/sorted"
	like 'twenty streams at once' "$(bodies <"$work/sorted")" '^100 good, '
	is 'really HTTP/2' "$(cut -d' ' -f1 "$work/lines" | sort -u)" 2
	is '503 over HTTP/2' "$(curl -sk --http2 -o /dev/null -w '%{http_version} %{http_code}' \
		"https://127.0.0.1:$tls_port/live/main/dead/latest.jpg")" '2 503'
fi
ok 'frames came all the while' kill -0 "$feeder"

# By name, while the store turns over. On a busy machine the oldest may fall out before it is asked for.
by_name() {
	get /live/main/index.json
	grep -oE '"id":"[0-9-]+"' "$work/body" | tail -50 | sed 's/.*:"//; s/"//' >"$work/names"
	curl -s -o "$work/named-#1" -w '%{http_code} %header{etag} %{filename_effective}\n' \
		"$base/live/main/std/{$(paste -sd, "$work/names")}.jpg" >"$work/lines"
	! grep -q '^404 ' "$work/lines"
}
ok 'fifty by name: all there' wait_for 30 by_name
is 'fifty by name: all whole' "$(bodies <"$work/lines")" '50 good, 50 distinct'

# A restart while viewers are served: they see whole pictures and clean closes.
for i in 1 2 3 4; do viewer "restart-$i-400" 400 "$base"; done
for i in 1 2; do viewer "restart-slow-$i-8" 8 "$base" --limit-rate 100k; done
sleep 0.3
kill -USR1 "$server_pid"
collect
ok 'the new children serve' wait_for 10 status_is /live/main/std/latest.jpg 200
stop_feed
ok 'httpd was restarted' grep -qi 'graceful restart' "$work/error.log"

# Sixteen threads, forty viewers who do not take their large pictures.
httpd_stop
sed -i '/^Include/d' "$work/httpd.conf"
printf 'FlushMaxThreshold 4194304\nSendBufferSize 65536\nAsyncRequestWorkerFactor 20\n' >>"$work/httpd.conf"
feed --epoch 8 --seq 1 --size 1500000 "$store" main std >/dev/null
feed --epoch 8 --seq 1 "$store" main low >/dev/null
httpd_run
stalled=()
for _ in $(seq 40); do
	curl -s -m 30 --limit-rate 20k -o /dev/null "$base/live/main/std/8-1.jpg" &
	stalled+=("$!")
done
all_connected() {
	get /live/metrics
	[ "$(awk '/^koshien_serve_responses_total.*"main".*"std".*"200"/ { print $NF }' "$work/body")0" -ge 400 ]
}
ok 'forty stalled viewers have been answered by sixteen threads' wait_for 10 all_connected
is 'a viewer beside them is served within a second' \
	"$(curl -s -o /dev/null -m 1 -w '%{http_code}' "$base/live/main/low/8-1.jpg")" 200
kill "${stalled[@]}" 2>/dev/null
wait "${stalled[@]}" 2>/dev/null

httpd_done
