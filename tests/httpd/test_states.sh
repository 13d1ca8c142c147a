# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Never, live, stale, dead, and back; stores that are gone, foreign, damaged or made anew.
. "$(dirname "$0")/httpd.sh"

httpd_start '
CustomLog access.log "%>s %B %U"
<Location "/live">
	SetHandler sentry
	SentryDeadAfter 5s
</Location>
<Location "/patient">
	SetHandler sentry
	SentryDeadAfter 10min
</Location>
<Location "/quiet">
	SetHandler sentry
	SentryDeadAfter 1h
	SentryStaleAfter 1000
	SentryCORS Off
	SentryTiming Off
</Location>
<Location "/nowhere">
	SetHandler sentry
	SentryStore nowhere
</Location>'

file=$store/main.std.frames
fed() { feed "$@" "$store" main std >/dev/null; }
state_is() { get /live/main/std/latest.jpg && [ "$(header Frame-State)" = "$1" ]; }
id_is() { get /live/main/std/latest.jpg && [ "$(header Frame-Id)" = "$1" ]; }

# --- never ----------------------------------------------------------------------------------------
fed --count 0
ok 'a store without a frame: 503' wait_for 5 status_is /live/main/std/latest.jpg 503
ok 'its channel is known' wait_for 5 status_is /live/other/std/latest.jpg 404
get /live/main/std/latest.jpg
is 'no frame yet, in words' "$(body)" 'No picture of main/std yet.'
get /live/main/std/1-1.jpg
is 'any picture is still to come: 404' "$status" 404
get /live/health
is 'health: 503' "$status" 503
is 'health: never' "$(body)" $'never 0 of 1 live\nmain/std never writer_ms='"$(sed -n 's/.*writer_ms=//p' "$work/body")"
get /live/main/index.json
is 'index: never' "$(body | sed 's/"now_ms":[0-9]*/"now_ms":N/')" \
	'{"channel":"main","now_ms":N,"renditions":{"std":{"state":"never","frames":[]}}}'

# --- live, stale, dead, by the clock of this machine ----------------------------------------------
fed --epoch 1 --seq 1 --age-ms 6000
get /live/main/std/latest.jpg
is 'dead from the start: 503' "$status" 503
like 'dead, in words' "$(body)" '^No picture of main/std for [0-9]+\.[0-9] seconds\.$'
is 'dead: no-store' "$(header Cache-Control)" no-store
like 'dead: Retry-After' "$(header Retry-After)" '^[2-8]$'
status_of_two=$(curl -s -o /dev/null -o /dev/null -w '%{http_code} %{num_connects}\n' \
	"$base/live/main/std/latest.jpg" "$base/live/main/std/latest.jpg" | tr '\n' ' ')
is '503 keeps the connection' "$status_of_two" '503 1 503 0 '
status_of_two=$(curl -s -I -o /dev/null -o /dev/null -w '%{http_code} %{num_connects}\n' \
	"$base/live/main/std/latest.jpg" "$base/live/main/std/latest.jpg" | tr '\n' ' ')
is '503 to HEAD keeps it too' "$status_of_two" '503 1 503 0 '
get /live/main/std/latest.jpg --http1.0
is '503 to HTTP/1.0' "$status" 503
is '503 to HTTP/1.0 closes' "$(header Connection)" close
ok '503 is in the access log' grep -q '^503 [1-9][0-9]* /live/main/std/latest.jpg$' "$work/access.log"
get /live/main/std/1-1.jpg
is 'a dead channel still has its pictures' "$status" 200
get /live/health
is 'health of a dead channel: 503' "$status" 503
like 'health: dead' "$(head -1 "$work/body")" '^dead 0 of 1 live$'

fed --epoch 1 --seq 2 --age-ms 5500
get /patient/main/std/latest.jpg
is 'stale: 200' "$status" 200
is 'stale: marked' "$(header Frame-State)" stale
is 'stale: no-store' "$(header Cache-Control)" no-store
is 'stale: the next is overdue' "$(header Frame-Next)" 0
is 'stale: the last picture' "$(header Frame-Id)" 1-2
get /patient/health
is 'health of a stale channel: 503' "$status" 503
like 'health: stale' "$(head -1 "$work/body")" '^stale 0 of 1 live$'

fed --epoch 1 --seq 3
ok 'alive again at once' state_is live
ok 'stale by itself' wait_for 10 state_is stale
ok 'dead by itself' wait_for 10 status_is /live/main/std/latest.jpg 503
fed --epoch 1 --seq 4
ok 'and back' id_is 1-4

# --- clocks ---------------------------------------------------------------------------------------
fed --epoch 1 --seq 5 --wall-ms 3600000
get /live/main/std/latest.jpg
is 'a capture clock an hour behind: live' "$(header Frame-State)" live
ok 'with the age that the clocks say' test "$(header Frame-Age)" -ge 3600000
fed --epoch 1 --seq 6 --wall-ms -3600000
get /live/main/std/latest.jpg
is 'a capture clock an hour ahead: live' "$(header Frame-State)" live
ok 'no age below zero' test "$(header Frame-Age)" -ge 0 -a "$(header Frame-Age)" -lt 60000
fed --epoch 2 --seq 0 --age-ms -600000
get /live/main/std/latest.jpg
is 'published in the future: live' "$(header Frame-State)" live
ok 'but not for ever' wait_for 10 state_is stale

# --- directives -----------------------------------------------------------------------------------
get /quiet/main/std/latest.jpg
is 'SentryStaleAfter, SentryDeadAfter' "$(header Frame-State)" live
is 'SentryCORS Off' "$(header Access-Control-Allow-Origin)$(header Access-Control-Expose-Headers)" ''
is 'SentryCORS Off: CORP' "$(header Cross-Origin-Resource-Policy)" ''
is 'SentryTiming Off' "$(header Server-Timing)$(header Timing-Allow-Origin)" ''

# --- failover between sources ---------------------------------------------------------------------
fed --epoch 208 --seq 1 --source 0
get '/live/main/std/latest.jpg?after=305-8'
is 'a viewer who has seen the standby elsewhere: nothing older' "$status" 204
fed --epoch 305 --seq 8 --source 1
get '/live/main/std/latest.jpg?after=208-1'
is 'to a standby: newer' "$status" 200
# The primary has heard of that and has taken an epoch above it.
fed --epoch 320 --seq 2 --source 0
get '/live/main/std/latest.jpg?after=305-8'
is 'back from a standby: newer' "$status" 200
is 'back from a standby' "$(header Frame-Id)" 320-2
get '/live/main/std/latest.jpg?after=320-9999'
is 'a frame that is ahead of us: 204' "$status" 204

# --- the relay restarts: same file ----------------------------------------------------------------
fed --epoch 400 --seq 1
fed --epoch 400 --seq 2
ok 'a restarted writer goes on' id_is 400-2
# Another shape: the old file is retired.
fed --epoch 400 --seq 3 --frames 50
ok 'a retired store is opened anew' wait_for 5 id_is 400-3

# --- missing, garbage, another version ------------------------------------------------------------
# Once a minute, whichever of the faults below is there then.
expect_log 'main/std in .*/store cannot be read: .*; (start sentryc for this channel|run sentryc and mod_sentry)'
rm "$file"
sleep 1.1 # the pause after which the file system is looked at again
get /live/main/std/latest.jpg
is 'a removed store: the last picture' "$(header Frame-Id)" 400-3
ok 'until it is dead' wait_for 10 status_is /live/main/std/latest.jpg 503
fed --epoch 400 --seq 4
ok 'recovers when it is back' wait_for 5 id_is 400-4

fed --version 99
ok 'another version under a mapped file does not matter' id_is 400-4
fed --epoch 400 --seq 5 # the writer replaces what it cannot use
ok 'and is replaced' wait_for 5 id_is 400-5

rm "$file"
fed --garbage
ok 'garbage: the last picture, then 503' wait_for 10 status_is /live/main/std/latest.jpg 503
is 'garbage, in words' "$(body)" 'The store of main/std is of another version, or not a store.'
get /live/health
like 'garbage: health says so' "$(body)" 'main/std dead .*\(store: '
get /live/main/std/399-1.jpg
is 'garbage: pictures by name, but those that the child has' "$status" 503
rm "$file"
fed --epoch 400 --seq 6
ok 'recovers from garbage' wait_for 5 id_is 400-6

rm "$file"
: >"$file"
ok 'an empty file: 503' wait_for 10 status_is /live/main/std/latest.jpg 503
rm "$file"
fed --epoch 400 --seq 7
ok 'recovers from an empty file' wait_for 5 id_is 400-7

# A new store may not take a viewer back, unless nobody can be watching any more.
rm "$file"
fed --epoch 400 --seq 3
sleep 1.1
get /patient/main/std/latest.jpg
is 'not back in time' "$(header Frame-Id)" 400-7

# --- no directory ---------------------------------------------------------------------------------
expect_log 'store: .*/nowhere cannot be read: No such file or directory; start sentryc, or set SentryStore'
get /nowhere/main/std/latest.jpg
is 'no store directory: 503' "$status" 503
mkdir -m 2750 "$work/nowhere"
chgrp "$server_group" "$work/nowhere"
chmod 2750 "$work/nowhere"
feed --epoch 6 "$work/nowhere" main std >/dev/null
ok 'recovers when it is there' wait_for 5 status_is /nowhere/main/std/latest.jpg 200

# --- one of two -----------------------------------------------------------------------------------
feed --epoch 5 "$store" other std >/dev/null
ok 'one live channel' wait_for 5 status_is /live/health 200
ok 'one that is not' wait_for 10 status_is '/live/health?channel=main' 503
feed --epoch 5 --seq 1 "$store" other std >/dev/null
get /live/health
is 'health: 200 as long as one is live' "$status" 200
is 'health: degraded' "$(head -1 "$work/body")" 'degraded 1 of 2 live'

httpd_done
