# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Alone: it compares what viewers see with and without those who harm.
#
# Peers that never end a request (as Slowloris does) and peers that ask for much and read nothing, several times as many
# as httpd has threads: those who watch see each picture, those who come find a thread, and at full size neither sees
# pictures later than without. A process that has N such peers needs N descriptors.
. "$(dirname "$0")/httpd.sh"
. "$(dirname "$0")/audience.sh"

good=100 newcomers=50 loris=300 stalled=100 seconds=3
if [ -n "$long" ]; then
	good=1000 newcomers=100 loris=5000 stalled=5000 seconds=60
fi
# Each process of the audience, and each child of httpd if all come to one.
needed=$((good + newcomers + loris + stalled + 200))
[ "$needed" -le "$descriptors_max" ] ||
	skip_all "this needs $needed descriptors in a process, and there are $descriptors_max: raise ulimit -n"

threads=128
httpd_start "
Include \"$top_srcdir/conf/relay-httpd.conf\"
Timeout 60
ServerLimit 2
StartServers 2
MaxRequestWorkers $threads
MinSpareThreads 1
$(load status)
$both_ways
<Location \"/server-status\">
	SetHandler server-status
</Location>"
allow_log 'AH00484: server reached MaxRequestWorkers'	# for a moment
feed_begin --epoch 7 --every-ms 500 --period-ms 500 --size 20000-30000 main std
ok 'pictures come' wait_for 10 status_is /live/main/std/7-1.jpg 200

watch() { # NAME
	audience "$1" --mode wait --viewers "$good" --ramp 1 --warmup 2 --seconds "$seconds" --stall-ms 5000
}
idle_threads() { curl -s -m 5 "$base/server-status?auto" | awk '$1 == "IdleWorkers:" { print $2 }'; }
# Once both children are there: how the first of many fare while a server starts is another matter.
all_threads_are_there() { [ "$(idle_threads)" -ge $((threads - 4)) ]; }
threads_are_idle() { [ "$(idle_threads)" -ge $((threads / 4)) ]; }
viewers_are_at_least() { [ "$(metric koshien_serve_viewers)" -ge "$1" ]; }
sees_all() { # NAME
	is "$1: nothing wrong" "$(faults "$1")" none
	is "$1: all see new pictures" "$(figure "$1" without_picture) $(figure "$1" stalls)" '0 0'
	echo "# $1: $(figure "$1" pictures) pictures, $(figure "$1" skips) missed, age $(figure "$1" age_ms.p99) ms," \
		"latency $(figure "$1" latency_ms.p99) ms (99th percentiles)"
}

ok 'all threads are there' wait_for 60 all_threads_are_there
watch alone
audience_end alone
sees_all alone

old=$(children_of)
audience harm --mode wait --viewers 0 --loris "$loris" --stalled "$stalled" --loris-interval 1 --seconds 3600
# Half of httpd's threads are theirs, at most: the pump has the others.
ok 'they are there' wait_for 120 viewers_are_at_least $(((loris + stalled - threads / 2) * 9 / 10))
watch beside
audience new --mode wait --viewers "$newcomers" --ramp 1 --warmup 1 --seconds "$seconds" --stall-ms 5000
ok 'threads are idle all the same' wait_for 10 threads_are_idle
echo "# $(idle_threads) of $threads threads are idle, $(metric koshien_serve_viewers) connections are in the pump"

# One that connects, and asks later, and not at once: with the next request it is a viewer like any other.
request=$'GET /live/main/std/latest.jpg HTTP/1.1\r\nHost: localhost\r\n\r\n'
late() {
	exec 5<>"/dev/tcp/127.0.0.1/$port"
	printf '%s' "${request:0:20}" >&5
	sleep 1	# what this peer is like; nothing is waited for
	printf '%s' "${request:20}$request${request%$'\r\n'}"$'Connection: close\r\n\r\n' >&5
	timeout 10 cat <&5 | grep -ao 'HTTP/1.1 200 OK' | wc -l
	exec 5>&-
}
is 'who asks late is answered' "$(late)" 3

audience_end beside new
sees_all beside
sees_all new
audience_stop harm
ok 'those who never end a request were as many' [ "$(sum loris.connects harm)" -ge "$loris" ]
ok 'and those who never read' [ "$(sum stalled.connects harm)" -ge "$stalled" ]
is 'no child has died' "$(children_of)" "$old"
ok 'none is left' wait_for 60 metric_is viewers 0
ratio() { awk -v a="$(figure alone "$1")" -v b="$(figure beside "$1")" 'BEGIN { printf "%.3f", b / a }'; }
echo "# beside those who harm, against alone: age $(ratio age_ms.p99), latency $(ratio latency_ms.p99)" \
	"(99th percentiles)"

httpd_done
