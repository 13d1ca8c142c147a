# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# HTTP/1.1 by the RFCs, case by case (rfc9112.cases), on connections that the pump has and on connections that httpd's
# threads have: the right statuses, and the same answers from both, whether a request comes whole or in pieces.
. "$(dirname "$0")/httpd.sh"

feed --epoch 7 "$store" main std >/dev/null
allow_log 'AH[0-9]+: .*(Client sent|[Ii]nvalid|Unknown Transfer-Encoding|Transfer-Encoding|AH00126|hostname)'
httpd_start '
Timeout 5
MaxKeepAliveRequests 0
<Location "/live">
	SetHandler sentry
	SentryDeadAfter 1h
	SentryStaleAfter 1000
	SentryWait 50ms
</Location>
<Location "/rest">
	SetHandler sentry
	SentryDeadAfter 1h
	SentryStaleAfter 1000
	SentryWait 50ms
	SentryPump Off
</Location>'

viewers_are() {
	get /rest/metrics
	[ "$(awk '$1 == "koshien_serve_viewers" { print $2 }' "$work/body")" = "$1" ]
}

# The first answer teaches what httpd's heads have; from then on connections are handed over.
get /live/main/std/latest.jpg
tag=$(header ETag)
exec 5<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /live/main/std/latest.jpg HTTP/1.1\r\nHost: localhost\r\n\r\n' >&5
ok 'a connection to the pump' wait_for 10 viewers_are 1
exec 5>&-
ok 'none any more' wait_for 10 viewers_are 0

long=$(printf '%09000d' 0) medium=$(printf '%06000d' 0)
fields=$(for n in $(seq 120); do printf 'X-%s: y\\r\\n' "$n"; done)
say() { # LOCATION BYTES: the conversation, with what is in front of each
	local P="$1/main/std/latest.jpg" H='Host: localhost\r\n' L=$long T=$tag E text
	E="GET $P?end HTTP/1.1\\r\\n${H}Connection: close\\r\\n\\r\\n"
	text=$2
	text=${text//'${H}'/$H}
	text=${text//'$H'/$H}
	text=${text//'$P'/$P}
	text=${text//'$L'/$L}
	text=${text//'$M'/$medium}
	text=${text//'$F'/$fields}
	text=${text//'$T'/$T}
	text=${text//'$E'/$E}
	text=${text//@/$1}
	printf '%b' "GET $P?first HTTP/1.1\\r\\n$H\\r\\n$text"
}
talk() { "$top_builddir/tests/httpd/talk" "$port" "$@" | sed 's#/rest#/live#g'; }
statuses() { awk '/^HTTP/ { printf "%s%s", separator, $2; separator = " " } END { print " " $0 }'; }

# Whatever is refused is refused in words: a body, or to HEAD the length of one.
wordless() { awk '/^HTTP/ { if (refused) print refused; refused = $2 >= 400 ? $0 : "" }
	/^  (body|\(of) [1-9]/ { refused = "" } END { if (refused) print refused }'; }

cases=0
while IFS='|' read -r name expected bytes; do
	case $name in '#'* | '') continue ;; esac
	name=${name% } expected="200 ${expected# }" expected="${expected% } closed" bytes=${bytes# }
	say /live "$bytes" >"$work/live"
	say /rest "$bytes" >"$work/rest"
	talk <"$work/live" >"$work/pump"
	talk <"$work/rest" >"$work/handler"
	is "$name" "$(statuses <"$work/pump")" "$expected"
	is "$name: httpd's threads say the same" "$(cat "$work/pump")" "$(cat "$work/handler")"
	talk 7 <"$work/live" >"$work/pieces"
	is "$name: in words" "$(wordless <"$work/pump")" ''
	! grep -q '^HTTP/1.1 405' "$work/pump" || ok "$name: Allow" grep -q '^  Allow: GET, HEAD, OPTIONS' "$work/pump"
	is "$name: in pieces" "$(cat "$work/pieces")" "$(cat "$work/pump")"
	cases=$((cases + 1))
done <"$top_srcdir/tests/httpd/rfc9112.cases"
ok 'cases were there' test "$cases" -gt 60
ok 'nobody is left in the pump' wait_for 10 viewers_are 0

httpd_done
