# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The frame pump inside httpd: which connections it gets, that its answers are those of httpd's threads, that what it
# gives back is answered by httpd and comes back to it; and that restarts and stops leave nobody with half an answer.
. "$(dirname "$0")/httpd.sh"

printf 'fan:%s\n' "$(openssl passwd -apr1 tigers)" >"$work/users"
chmod a+r "$work/users"
feed --epoch 7 --count 3 "$store" main std >/dev/null
feed --epoch 7 "$store" main low >/dev/null
common='
	SetHandler sentry
	SentryDeadAfter 1h
	SentryStaleAfter 1000'
server="
$(load status ratelimit env)
ExtendedStatus On
Timeout 40
KeepAliveTimeout 30
MaxKeepAliveRequests 0
CustomLog $work/access.log \"%>s %m %U%q\"
Header set X-Relay relay-a
ErrorDocument 404 \"gone fishing\"
<Location \"/live\">$common
</Location>
<Location \"/live/main/low\">
	Header set X-Low yes
</Location>
<Location \"/rest\">$common
	SentryPump Off
</Location>
<Location \"/fades\">
	SetHandler sentry
	SentryDeadAfter 1s
</Location>
<Location \"/withers\">
	SetHandler sentry
	SentryDeadAfter 1s
	SentryPump Off
</Location>
<Location \"/here\">$common
	Require ip 127.0.0.1
</Location>
<Location \"/members\">$common
	AuthType Basic
	AuthName members
	AuthBasicProvider file
	AuthUserFile \"$work/users\"
	Require valid-user
</Location>
<Location \"/judged\">$common
	<If \"%{HTTP_USER_AGENT} =~ /bad/\">
		Require all denied
	</If>
</Location>
<Location \"/varied\">$common
	Header set X-Time \"%t\"
</Location>
<Location \"/slow\">$common
	SetOutputFilter RATE_LIMIT
	SetEnv rate-limit 10000
</Location>
<Location \"/server-status\">
	SetHandler server-status
</Location>"
expect_log 'AH01630: client denied by server configuration'
httpd_start "$server"

metric() { # NAME: of the location that the pump has no part in
	curl -s -m 5 "$base/rest/metrics" | awk -v name="$1" '$1 == name { print $2 }'
}
viewers_are() { [ "$(metric koshien_serve_viewers)" = "$1" ]; }
children_of() { pgrep -P "$server_pid"; }
descriptors() { find "/proc/$1/fd" 2>/dev/null | wc -l; } # PID
talk() { "$top_builddir/tests/httpd/talk" "$port"; }
mixed() { "$top_builddir/tests/httpd/mixed" "$port" "$@"; } # CONNECTIONS REQUESTS

# --- which connections go -------------------------------------------------------------------------------------
# A connection on which a picture of the location has been asked for twice: who goes is gone after that.
watch() { # LOCATION [HEADER]
	exec 5<>"/dev/tcp/127.0.0.1/$port"
	printf 'GET %s/main/std/latest.jpg HTTP/1.1\r\nHost: localhost\r\n%b\r\n' "$1" "${2:-}" "$1" "${2:-}" >&5
}
watch_ends() { exec 5>&-; }
goes() {
	watch "$@"
	wait_for 10 viewers_are 1 && watch_ends && wait_for 10 viewers_are 0
}
stays() { # PATTERN LOCATION [HEADER]
	local pattern=$1
	shift
	watch "$@"
	wait_for 10 grep -qE "$pattern" "$work/error.log" || return 1
	# As long as it takes for another one to be seen there.
	exec 6<>"/dev/tcp/127.0.0.1/$port"
	printf 'GET /live/main/std/latest.jpg HTTP/1.1\r\nHost: localhost\r\n\r\n' >&6
	wait_for 10 viewers_are 1 || return 1
	exec 6>&-
	wait_for 10 viewers_are 0
	watch_ends
}
keeps_out() { echo ":notice\\].*pump: viewers of $1/ are served by httpd's threads: $2"; }

get /live/main/std/latest.jpg
get /rest/main/std/latest.jpg
ok 'a plain location goes' goes /live
ok 'Require ip goes' goes /here
ok 'Basic authentication stays, and says so' stays "$(keeps_out /members AuthType)" /members \
	"Authorization: Basic $(printf 'fan:tigers' | base64)\\r\\n"
ok '<If> stays, and says so' stays "$(keeps_out /judged '<If')" /judged
ok 'Header with a format stays, and says so' stays "$(keeps_out /varied Header)" /varied
is 'and what it decides is decided' "$(curl -s -o /dev/null -w '%{http_code}' -A bad "$base/judged/main/std/latest.jpg")" 403
if [ -e "$modules/mod_ratelimit.so" ]; then
	ok 'a filter stays, and says so' stays "$(keeps_out /slow '')" /slow
else
	skip 'a filter stays, and says so' 'no mod_ratelimit'
fi

# --- the same answers ------------------------------------------------------------------------------------------
# First a picture, so that the pump has the connection; last one that ends it.
same() { # NAME REQUEST-LINE [FIELDS]: with @ for the location
	local where name=$1 line=$2 fields=${3:-}
	for where in live rest; do
		printf '%b' "GET /$where/main/std/latest.jpg HTTP/1.1\r\nHost: localhost\r\n\r\n" \
			"${line//@//$where} HTTP/1.1\r\nHost: localhost\r\n${fields//@//$where}\r\n" \
			"GET /$where/main/std/latest.jpg HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" |
			talk | sed "s#/rest#/live#g" >"$work/$where.said"
	done
	is "$name" "$(cat "$work/live.said")" "$(cat "$work/rest.said")"
	is "$name: all answers" "$(grep -c '^HTTP' "$work/live.said") $(tail -1 "$work/live.said")" "${answers:-3} closed"
}
get /live/main/std/latest.jpg
etag=$(header ETag)
same 'latest' 'GET @/main/std/latest.jpg'
same 'latest, keep-alive in words' 'GET @/main/std/latest.jpg' 'Connection: keep-alive\r\n'
same 'latest, HEAD' 'HEAD @/main/std/latest.jpg'
same 'after' 'GET @/main/std/latest.jpg?after=7-1'
same 'nothing new' 'GET @/main/std/latest.jpg?after=7-2'
same 'nothing new, after a wait' 'GET @/main/std/latest.jpg?after=7-2&wait=20'
same 'not modified' 'GET @/main/std/latest.jpg' "If-None-Match: $etag\\r\\n"
same 'not modified, HEAD' 'HEAD @/main/std/latest.jpg' "If-None-Match: $etag\\r\\n"
same 'modified' 'GET @/main/std/latest.jpg' 'If-None-Match: "7-1-00000000"\r\n'
same 'a list of tags' 'GET @/main/std/latest.jpg' "If-None-Match: \"a\", $etag\\r\\n"
same 'by id' 'GET @/main/std/7-1.jpg'
same 'by id, HEAD' 'HEAD @/main/std/7-1.jpg'
same 'by id, not modified' 'GET @/main/std/7-2.jpg' "If-None-Match: $etag\\r\\n"
same 'not yet' 'GET @/main/std/8-1.jpg'
same 'gone' 'GET @/main/std/6-1.jpg'
answers=2	# a stream's connection ends with it, were it empty
same 'a stream, HEAD' 'HEAD @/main/std/stream.mjpg'
answers=2	# httpd closes after 400
same 'no id' 'GET @/main/std/01-1.jpg'
same 'a bad argument' 'GET @/main/std/latest.jpg?after=1'
answers=3
same 'no channel' 'GET @/none/std/latest.jpg'
same 'no rendition' 'GET @/main/none/latest.jpg'
same 'nothing of ours' 'GET @/main/std/picture.png'
same 'deeper than the location' 'GET @/deep/main/std/latest.jpg'
same 'another method' 'DELETE @/main/std/latest.jpg'
same 'preflight' 'OPTIONS @/main/std/latest.jpg' 'Origin: http://a\r\nAccess-Control-Request-Method: GET\r\n'
same 'index' 'GET @/main/index.json'
same 'health' 'GET @/health'
same 'a file' 'GET /plain.txt'
same 'a range of a file' 'GET /plain.txt' 'Range: bytes=1-2\r\n'
same 'no file' 'GET /nothing'
same 'another Host' 'GET @/main/std/latest.jpg' 'X: y\r\n'
same 'a range' 'GET @/main/std/latest.jpg' 'Range: bytes=0-9\r\n'
same 'escapes' 'GET @/m%61in/std/latest.jpg'
get /server-status
is 'server-status' "$status" 200

# --- streams --------------------------------------------------------------------------------------------------------
stream() { # LOCATION ACCEPT: the body of one, as far as it is there
	curl -s -m 1 -H "Accept: $2" "$base/$1/main/std/stream.mjpg" | grep -av '^Frame-Age:' >"$work/$1.stream"
}
for accept in '*/*' 'image/webp,image/*,*/*;q=0.8'; do
	stream live "$accept"
	stream rest "$accept"
	ok "a stream, Accept: $accept" same_file "$work/live.stream" "$work/rest.stream"
done
is 'to images with the next head behind the picture' "$(tail -c 45 "$work/live.stream" | tr -d '\r' | tr '\n' '|')" \
	'--koshien-frame|Content-Type: image/jpeg||'

# --- a wait that outlives its picture --------------------------------------------------------------------------
"$top_builddir/tests/httpd/feed" --epoch 7 --count 100000 --every-ms 100 --period-ms 100 "$store" brief std >/dev/null &
source=$!
ok 'a channel that will die' wait_for 10 status_is /fades/brief/std/latest.jpg 200
outlive() { # LOCATION
	local url="/$1/brief/std" ends=' HTTP/1.1\r\nHost: localhost\r\n'
	printf '%b' "GET $url/latest.jpg$ends\r\n" "GET $url/latest.jpg?after=9-0&wait=9000$ends\r\n" \
		"GET $url/latest.jpg$ends\r\n" "GET $url/latest.jpg?after=9-0&wait=20000$ends\r\n" \
		"GET $url/stream.mjpg$ends\r\n" "HEAD $url/latest.jpg${ends}Connection: close\r\n\r\n" |
		talk | awk '/^HTTP/ { n++ } n > 1' >"$work/$1.said"
}
one_waits() { [ "$(metric koshien_serve_waiting)" = 1 ]; }
outlive fades &
pumped=$!
outlive withers &
threaded=$!
ok 'somebody waits' wait_for 5 one_waits
kill "$source"
wait "$source" 2>/dev/null
wait "$pumped" "$threaded"
is 'the pump and the threads say the same' "$(cat "$work/fades.said")" "$(cat "$work/withers.said")"
is 'that there is nothing to show, and the connection stays' \
	"$(awk '/^HTTP/ { print $2 } END { print }' "$work/fades.said" | tr '\n' ' ')" '503 503 503 503 503 closed '

# What stands in a section below the location is httpd's, and its header there.
watch /live
ok 'it is in the pump' wait_for 10 viewers_are 1
get /live/main/low/latest.jpg
is 'a section below' "$(header X-Low)" yes
is 'and what holds for all' "$(header X-Relay)" relay-a
watch_ends

# --- given back, and returned -----------------------------------------------------------------------------------
: >"$work/access.log"
watch /live
ok 'before' wait_for 10 viewers_are 1
printf 'GET /plain.txt?once HTTP/1.1\r\nHost: localhost\r\n\r\n' >&5
ok 'is answered by httpd, and logged' wait_for 10 grep -qx '200 GET /plain.txt?once' "$work/access.log"
ok 'and the connection is the pump'"'"'s again' wait_for 10 viewers_are 1
printf 'GET /nothing?twice HTTP/1.1\r\nHost: localhost\r\n\r\nGET /plain.txt?thrice HTTP/1.1\r\nHost: localhost\r\n\r\n' >&5
ok 'two of them' wait_for 10 grep -qx '200 GET /plain.txt?thrice' "$work/access.log"
ok 'and again' wait_for 10 viewers_are 1
watch_ends
ok 'and gone' wait_for 10 viewers_are 0
is 'each is logged once' "$(grep -cE '(once|twice|thrice)$' "$work/access.log")" 3
is 'pictures of the pump are not' "$(grep -c '/live/main/std/latest.jpg' "$work/access.log")" 0

# --- bodies that do not come ---------------------------------------------------------------------------------------
# On connections that the pump has: short ones, which it waits for itself, and long ones, more than there are places.
: >"$work/access.log"
slow=()
say_slow() { # LENGTH
	local fd
	exec {fd}<>"/dev/tcp/127.0.0.1/$port"
	slow+=("$fd")
	printf 'GET /live/main/std/latest.jpg HTTP/1.1\r\nHost: localhost\r\n\r\n' >&"$fd"
	printf 'POST /plain.txt?slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: %s\r\n\r\na' "$1" >&"$fd"
}
refused=$(metric koshien_serve_refused_total)
refused_are() { [ "$(metric koshien_serve_refused_total)" = $((refused + $1)) ]; }
for _ in $(seq 20); do say_slow 1000; done
for _ in $(seq 20); do say_slow 100000; done
ok 'long bodies beyond the places for them are refused' wait_for 20 refused_are 12
ok 'short ones are waited for' wait_for 20 viewers_are 20
watch /live
ok 'beside them one that asks for something else' wait_for 10 viewers_are 21
printf 'GET /plain.txt?good HTTP/1.1\r\nHost: localhost\r\n\r\n' >&5
ok 'is answered' wait_for 15 grep -qx '200 GET /plain.txt?good' "$work/access.log"
is 'while they are not' "$(grep -c slow "$work/access.log")" 0
# One makes an end of it.
printf '%0999d' 0 >&"${slow[0]}"
ok 'a body that comes in the end is answered' wait_for 10 grep -q 'POST /plain.txt?slow' "$work/access.log"
readers=()
for fd in "${slow[@]}"; do
	cat <&"$fd" >/dev/null &
	readers+=("$!")
done
ended_are() {
	local pid n=0
	for pid in "${readers[@]}"; do kill -0 "$pid" 2>/dev/null || n=$((n + 1)); done
	[ "$n" = "$1" ]
}
ok 'those that were refused see the end of their connection' wait_for 10 ended_are 12
for pid in "${readers[@]}"; do kill "$pid" 2>/dev/null; done
wait "${readers[@]}" 2>/dev/null
for fd in "${slow[@]}"; do exec {fd}>&-; done
watch_ends
ok 'and nobody is left' wait_for 10 viewers_are 0

# --- many ---------------------------------------------------------------------------------------------------------
# Not the function: its process would be a shell around the one to end.
"$top_builddir/tests/httpd/feed" --epoch 8 --count 100000 --every-ms 40 --size 4096-60000 "$store" main std >/dev/null &
feeder=$!
ok 'pictures come' wait_for 10 status_is /live/main/std/8-5.jpg 200
mixed 10 5 >/dev/null
ok 'nobody is left' wait_for 10 viewers_are 0
child=$(children_of)
before=$(descriptors "$child")
is 'ten thousand answers on 250 connections' "$(mixed 250 40)" '10000 right, 0 wrong, 0 closed, 0 reset'
ok 'all have gone' wait_for 10 viewers_are 0
back_to() { [ "$(descriptors "$child")" -le "$before" ]; }
ok "the child's descriptors are what they were" wait_for 20 back_to
is 'it is the same child' "$(children_of)" "$child"

# --- virtual hosts -------------------------------------------------------------------------------------------------
make_store() { # NAME EPOCH
	mkdir -m 2750 "$work/$1"
	chgrp "$server_group" "$work/$1"
	chmod 2750 "$work/$1"
	feed --epoch "$2" "$work/$1" main std >/dev/null
}
make_store first 11
make_store second 22
httpd_stop
write_config "
MaxKeepAliveRequests 0
<VirtualHost *:*>
	ServerName localhost
	<Location \"/live\">$common
		SentryStore first
		Header set X-Host first
	</Location>
	<Location \"/rest\">
		SetHandler sentry
	</Location>
</VirtualHost>
<VirtualHost *:*>
	ServerName another
	<Location \"/live\">$common
		SentryStore second
		SentrySpread 50ms
		Header set X-Host second
	</Location>
</VirtualHost>" >"$work/httpd.conf"
httpd_run
hosts() { # HOST...: what is answered to each, on one connection
	local host left=$#
	for host; do
		left=$((left - 1))
		printf 'GET /live/main/std/latest.jpg HTTP/1.1\r\nHost: %s\r\n' "$host"
		[ "$left" -gt 0 ] || printf 'Connection: close\r\n'
		printf '\r\n'
	done | talk | awk '/^  (Frame-Id|Frame-Spread|X-Host):/ { printf "%s%s", separator, $2; separator = " " }'
}
goes_to() { # HOST: as goes
	exec 5<>"/dev/tcp/127.0.0.1/$port"
	printf 'GET /live/main/std/latest.jpg HTTP/1.1\r\nHost: %s\r\n\r\n' "$1" "$1" >&5
	wait_for 10 viewers_are 1 && exec 5>&- && wait_for 10 viewers_are 0
}
first='11-0 100 first' second='22-0 50 second'
is 'one after the other, from the threads' "$(hosts localhost)|$(hosts another)" "$first|$second"
ok 'the first host goes' goes_to localhost
ok 'the second host goes' goes_to another
is 'each has its store and its options in the pump' "$(hosts localhost localhost localhost)|$(hosts another another)" \
	"$first $first $first|$second $second"
is 'on a connection of the first the second has its own' "$(hosts localhost localhost another localhost)" \
	"$first $first $second $first"
is 'and the other way round' "$(hosts another another localhost another)" "$second $second $first $second"
is 'a host that nobody knows is the first one'"'"'s' "$(hosts another another nobody)" "$second $second $first"

# --- a pattern ------------------------------------------------------------------------------------------------------
# One cannot tell what it holds for, so nobody goes; everything is answered all the same, with its options.
httpd_stop
write_config "
MaxKeepAliveRequests 0
<LocationMatch \"^/(live|mirror)(/|\$)\">$common
	SentryStore first
	SentrySpread 50ms
	Header set X-Host matched
</LocationMatch>
<LocationMatch \"^/live/main/std/stream\">
	SentryStore second
</LocationMatch>
<Location \"/rest\">
	SetHandler sentry
</Location>" >"$work/httpd.conf"
httpd_run
matched='11-0 50 matched'
is 'a location that matches' "$(hosts localhost localhost localhost)" "$matched $matched $matched"
ok 'stays, and says so' grep -qE "$(keeps_out /live '<LocationMatch')" "$work/error.log"
watch /live
get /mirror/main/std/latest.jpg
is 'another one' "$(header Frame-Id) $(header Frame-Spread) $(header X-Host)" "$matched"
ok 'stays too' wait_for 10 grep -qE "$(keeps_out /mirror '<LocationMatch')" "$work/error.log"
get /live/main/std/stream.mjpg -m 1
like 'what is deeper and matches has its own store' "$(body)" 'Frame-Id: 22-0'
is 'nobody is in the pump' "$(metric koshien_serve_viewers)" 0
watch_ends

# --- several children, and a graceful restart ------------------------------------------------------------------------
httpd_stop
children=3
write_config "$server" >"$work/httpd.conf"
httpd_run
# httpd itself closes connections between two answers when all its threads are busy, and may say so.
allow_log 'AH00484: server reached MaxRequestWorkers'
like 'three children' "$(mixed 150 20)" '^3000 right, 0 wrong, [0-9]+ closed, 0 reset$'
old=$(children_of)
mixed 300 60 >"$work/mixed" 2>"$work/complaints" &
load=$!
many_are_there() { [ "$(metric koshien_serve_viewers)" -gt 50 ]; }
ok 'viewers are there' wait_for 20 many_are_there
kill -USR1 "$server_pid"
wait "$load"
like 'a graceful restart: nothing wrong, clean closes' "$(cat "$work/mixed" "$work/complaints")" \
	'^18000 right, 0 wrong, [0-9]+ closed, 0 reset$'
old_are_gone() {
	local pid
	for pid in $old; do ! kill -0 "$pid" 2>/dev/null || return 1; done
}
ok 'the old children are gone' wait_for 30 old_are_gone
ok 'the new ones serve' wait_for 10 status_is /live/main/std/latest.jpg 200

# --- a stop with idle, waiting and busy viewers -------------------------------------------------------------------
watch /live
exec 6<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /live/main/std/latest.jpg HTTP/1.1\r\nHost: localhost\r\n\r\n' >&6
printf 'GET /live/main/std/latest.jpg?after=9-0&wait=25000 HTTP/1.1\r\nHost: localhost\r\n\r\n' >&6
ok 'idle and waiting' wait_for 10 viewers_are 2
kill -TERM "$server_pid"
is_over() { ! kill -0 "$server_pid" 2>/dev/null; }
ok 'a hard stop does not wait for them' wait_for 15 is_over
watch_ends
exec 6>&-
server_pid=''
kill "$feeder"
wait "$feeder" 2>/dev/null
allow_log 'AH0004[567]'	# a child took its time; httpd says so

httpd_done
