# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# What has a limit for the whole server, and the pump's lines in the access log.
. "$(dirname "$0")/httpd.sh"

feed --epoch 7 --count 3 "$store" main std >/dev/null
location() { # PATH LINE...
	echo "<Location \"$1\">"
	printf '%s\n' 'SetHandler sentry' 'SentryDeadAfter 1h' 'SentryStaleAfter 1000' "${@:2}" '</Location>'
}
httpd_start "
KeepAliveTimeout 60
LogFormat \"%h %>s %b %m %U%q %H %{Frame-Id}o %{User-Agent}i\" ours
CustomLog $work/access.log ours
SentryViewers 3
SentryWaiters 1
SentryLogEvery 1
$(location /live)
$(location /rest 'SentryPump Off')"

metric() { curl -s -m 5 "$base/rest/metrics" | awk -v name="koshien_serve_$1" '$1 == name { print $2 }'; }
metric_is() { [ "$(metric "$1")" = "$2" ]; }
# The second request of a connection is the pump's; what comes stays in the socket.
watch() { # FD
	eval "exec $1<>/dev/tcp/127.0.0.1/$port"
	ask "$1" latest.jpg
	ask "$1" latest.jpg
}
ask() { # FD FILE
	printf 'GET /live/main/std/%s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: fd%s\r\n\r\n' "$2" "$1" >&"$1"
}
get /live/main/std/latest.jpg
length=$(header Content-Length)

# --- the log -----------------------------------------------------------------------------------------------------
watch 5
ok 'one is in the pump' wait_for 10 metric_is viewers 1
logged() { [ "$(grep -cxF -e "$1" "$work/access.log")" = "$2" ]; }
line="127.0.0.1 200 $length GET /live/main/std/latest.jpg HTTP/1.1"
both_logged() { [ "$(grep 'fd5$' "$work/access.log" | cut -d ' ' -f 1-6 | grep -cxF -e "$line")" = 2 ]; }
ok 'both of its pictures are logged, by httpd and by the pump' wait_for 10 both_logged
ask 5 'latest.jpg?after=7-2'
ok 'that there is nothing new' wait_for 10 logged '127.0.0.1 204 - GET /live/main/std/latest.jpg?after=7-2 HTTP/1.1 - fd5' 1

# --- who waits -------------------------------------------------------------------------------------------------------
watch 6
ok 'two are in the pump' wait_for 10 metric_is viewers 2
ask 5 'latest.jpg?after=7-2&wait=20000'
ok 'one waits' wait_for 10 metric_is waiting 1
# As soon as the pump has looked at how many there are.
turned_away() {
	ask 6 'latest.jpg?after=7-2&wait=20001'
	wait_for 2 grep -qF 'wait=20001' "$work/access.log"
}
ok 'another one is turned away at once' wait_for 10 turned_away
ok 'with a 204' grep -qF '204 - GET /live/main/std/latest.jpg?after=7-2&wait=20001 HTTP/1.1' "$work/access.log"
ok 'and the first one waits' metric_is waiting 1

# --- who watches ------------------------------------------------------------------------------------------------------
watch 7
ok 'three are in the pump' wait_for 10 metric_is viewers 3
ok 'a new one is refused' wait_for 10 status_is /live/main/std/latest.jpg 503
like 'for how long' "$(header Retry-After)" '^[2-8]$'
like 'in words' "$(body)" 'as many viewers as it can serve'
ask 6 latest.jpg
seen_twice() { [ "$(grep -c 'GET /live/main/std/latest.jpg HTTP/1.1 .*fd6$' "$work/access.log")" -ge 3 ]; }
ok 'who is there goes on' wait_for 10 seen_twice
exec 7>&-
ok 'one goes' wait_for 10 metric_is viewers 2
ok 'another may come' wait_for 10 status_is /live/main/std/latest.jpg 200
exec 5>&- 6>&-

httpd_done
