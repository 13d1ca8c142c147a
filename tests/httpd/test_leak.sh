# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Nothing is left of any request: after many of all kinds, right, rude and wrong, to the pump and to httpd's threads,
# the child has the descriptors that it had, no more memory than after the first tenth of them, all its threads idle,
# and nobody who watches or waits.
. "$(dirname "$0")/httpd.sh"
. "$(dirname "$0")/audience.sh"

requests=20000
[ -z "$long" ] || requests=1000000
leak_max_kib=4096	# threads' pools go on filling for a while; at full size it is 5 bytes a request
export MALLOC_ARENA_MAX=1	# httpd's, or each thread would fill one of its own

httpd_start "
$(load status)
Timeout 10
KeepAliveTimeout 10
MaxKeepAliveRequests 0
AsyncRequestWorkerFactor 20
MaxMemFree 256
SendBufferSize 131072
ErrorDocument 404 \"gone fishing\"
$both_ways
<Location \"/server-status\">
	SetHandler server-status
</Location>"
allow_log 'AH[0-9]+: .*(Client sent|[Ii]nvalid|hostname|Host)'
allow_log 'AH00484: server reached MaxRequestWorkers'
feed_begin --epoch 7 --every-ms 40 --size 4096-60000 main std
ok 'pictures come' wait_for 10 status_is /live/main/std/7-5.jpg 200

# Without the store's pages, which come in as they are read.
resident_kib() { awk '$1 == "RssAnon:" { print $2 }' "/proc/$child/status"; }
threads_of() { find "/proc/$1/task" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l; }
idle_again() { [ "$(curl -s -m 5 "$base/server-status?auto" | awk '$1 == "BusyWorkers:" { print $2 }')" = 1 ]; }
descriptors_are() { [ "$(descriptors "$child")" -le "$1" ]; }

# A fifth of them rude; each of these asks twice, about.
burst() { # REQUESTS
	local rest=$1 n where said
	while [ "$rest" -gt 0 ]; do
		n=$((rest > 50000 ? 50000 : rest))
		rest=$((rest - n))
		for where in /live /rest; do
			said=$("$top_builddir/tests/httpd/mixed" "$port" 40 $((n * 4 / 5 / 2 / 40)) "$where" 2>&1)
			[[ $said =~ ' right, 0 wrong, ' ]] || { echo "# mixed $where: $said"; return 1; }
			said=$("$top_builddir/tests/httpd/rude" "$port" "$where" $((n / 5 / 2 / 2)) 2>&1)
			[[ $said =~ ', 0 of ' ]] || { echo "# rude $where: $said"; return 1; }
		done
	done
}
settled() { # WHEN
	ok "$1: nobody watches" wait_for 30 metric_is viewers 0
	ok "$1: nobody waits" wait_for 10 metric_is waiting 0
	ok "$1: all threads are idle" wait_for 30 idle_again
}

child=$(children_of)
ok 'some, so that all that is made once is there' burst $((requests / 20))
settled 'some'
base_descriptors=$(descriptors "$child")
ok 'the first tenth' burst $((requests / 10))
settled 'the first tenth'
first_kib=$(resident_kib) first_threads=$(threads_of "$child")
ok 'the others' burst $((requests * 9 / 10))
settled 'the others'
last_kib=$(resident_kib)
echo "# descriptors $base_descriptors, then $(descriptors "$child"); resident $first_kib KiB, then $last_kib KiB;" \
	"threads $first_threads, then $(threads_of "$child")"
ok 'descriptors are what they were' wait_for 20 descriptors_are "$base_descriptors"
ok 'threads are what they were' [ "$(threads_of "$child")" -le "$first_threads" ]
if [ -n "$(sanitizer)" ]; then
	skip 'memory has not grown' 'a sanitizer keeps what was freed'
else
	ok 'memory has not grown' [ $((last_kib - first_kib)) -le "$leak_max_kib" ]
fi
is 'it is the same child' "$(children_of)" "$child"

httpd_done
