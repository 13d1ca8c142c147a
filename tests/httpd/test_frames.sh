# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Every URL, header and condition of pictures, against a store that holds still.
. "$(dirname "$0")/httpd.sh"

httpd_start '
<Location "/live">
	SetHandler sentry
	SentryStaleAfter 1000
	SentryDeadAfter 1h
</Location>'

# --- before there is anything ---------------------------------------------------------------------
get /live/main/std/latest.jpg
is 'no store at all: 503' "$status" 503
like 'in words' "$(body)" '^No channel has a picture yet\.$'
like 'Retry-After spreads' "$(header Retry-After)" '^[2-8]$'
is 'the connection is kept' "$(header Connection)" ''

feed --epoch 7 --seq 10 --count 5 --age-ms 400 --size 5000-60000 "$store" main std >"$work/ids"
feed --epoch 7 --seq 14 --placeholder "$store" main low >/dev/null
ok 'a new channel is seen within seconds' wait_for 5 status_is /live/main/std/latest.jpg 200

# --- latest.jpg -----------------------------------------------------------------------------------
get /live/main/std/latest.jpg
is 'latest: 200' "$status" 200
is 'latest: the newest' "$(header Frame-Id)" 7-14
feed --dump 7-14 "$store" main std >"$work/expected"
ok 'latest: the bytes of the store' same_file "$work/body" "$work/expected"
is 'latest: Content-Length' "$(header Content-Length)" "$(stat -c %s "$work/expected")"
is 'latest: Content-Type' "$(header Content-Type)" image/jpeg
like 'latest: strong ETag' "$(header ETag)" '^"7-14-[0-9a-f]{8}"$'
etag=$(header ETag)
is 'latest: ETag, digest and stamp agree' "$(bodies <<<"200 $etag $work/body")" '1 good, 1 distinct'
is 'latest: Cache-Control' "$(header Cache-Control)" 'public, max-age=0, s-maxage=1, stale-while-revalidate=2'
is 'latest: Frame-State' "$(header Frame-State)" live
is 'latest: Frame-Period' "$(header Frame-Period)" 1000
like 'latest: Frame-Captured in ms' "$(header Frame-Captured)" '^[0-9]{13}$'
like 'latest: Frame-Next' "$(header Frame-Next)" '^[0-9]{1,3}$'
age=$(header Frame-Age)
ok "latest: Frame-Age of $age is of this frame" test "$age" -ge 400 -a "$age" -lt 60000
is 'latest: no placeholder' "$(header Frame-Placeholder)" ''
like 'latest: Server-Timing' "$(header Server-Timing)" '^arrive;dur=[0-9]+, held;dur=[0-9]+$'
is 'latest: CORS' "$(header Access-Control-Allow-Origin)" '*'
for name in ETag Frame-Age Frame-Captured Frame-Id Frame-Next Frame-Period Frame-Placeholder Frame-State \
	Retry-After Server-Timing; do
	like "latest: $name is exposed" "$(header Access-Control-Expose-Headers)" "(^|, )$name(,|$)"
done
is 'latest: Timing-Allow-Origin' "$(header Timing-Allow-Origin)" '*'
is 'latest: CORP' "$(header Cross-Origin-Resource-Policy)" cross-origin
is 'latest: nosniff' "$(header X-Content-Type-Options)" nosniff
is 'latest: Accept-Ranges' "$(header Accept-Ranges)" none
is 'latest: no Age, which is for caches' "$(header Age)" ''

get /live/main/low/latest.jpg
is 'a placeholder says so' "$(header Frame-Placeholder)" 1
is 'a placeholder keeps its state' "$(header Frame-State)" live

get /live/main/std/latest.jpg -I
is 'HEAD: 200' "$status" 200
is 'HEAD: same length' "$(header Content-Length)" "$(stat -c %s "$work/expected")"
is 'HEAD: same ETag' "$(header ETag)" "$etag"

get /live/main/std/latest.jpg -r 0-99
is 'a range is not served: 200' "$status" 200
ok 'but the whole picture' same_file "$work/body" "$work/expected"

get /live/main/std/latest.jpg -H "If-None-Match: $etag"
is 'If-None-Match: 304' "$status" 304
is '304: no body' "$(stat -c %s "$work/body")" 0
is '304: ETag' "$(header ETag)" "$etag"
get /live/main/std/latest.jpg -H 'If-None-Match: "7-13-00000000"'
is 'If-None-Match of another: 200' "$status" 200
get /live/main/std/latest.jpg -H 'If-Match: "7-13-00000000"'
is 'If-Match of another: 412' "$status" 412

# --- after ----------------------------------------------------------------------------------------
get '/live/main/std/latest.jpg?after=7-13'
is 'after an older: 200' "$status" 200
is 'after an older: the newest' "$(header Frame-Id)" 7-14
for id in 7-14 7-15 8-0; do
	get "/live/main/std/latest.jpg?after=$id&wait=100"
	is "after $id: 204" "$status" 204
	is "after $id: no-store" "$(header Cache-Control)" no-store
	is "after $id: says what is here" "$(header Frame-Id)" 7-14
	like "after $id: says when to ask again" "$(header Frame-Next)" '^[0-9]+$'
done
get '/live/main/std/latest.jpg?after=6-4000000000'
is 'after an older epoch: 200' "$status" 200
for query in after= after=7 after=7-014 after=7-14% after=-1-2 'after=7-1&after=7-2'; do
	get "/live/main/std/latest.jpg?$query"
	is "$query: 400" "$status" 400
	like "$query: in words" "$(body)" 'after=<epoch>-<seq>'
done

# --- by name --------------------------------------------------------------------------------------
while read -r id; do
	get "/live/main/std/$id.jpg"
	is "$id: 200" "$status" 200
	feed --dump "$id" "$store" main std >"$work/expected"
	ok "$id: the bytes of the store" same_file "$work/body" "$work/expected"
	is "$id: immutable" "$(header Cache-Control)" 'public, max-age=86400, immutable'
	for name in Frame-Age Frame-Next Frame-State Frame-Period Server-Timing; do
		is "$id: no $name, which would change" "$(header $name)" ''
	done
done <"$work/ids"
etag=$(header ETag)
get /live/main/std/7-14.jpg -H "If-None-Match: $etag"
is 'by name, If-None-Match: 304' "$status" 304
get /live/main/std/7-16.jpg
is 'not yet: 404' "$status" 404
is 'not yet: no-store' "$(header Cache-Control)" no-store
ok 'not yet: Frame-Next is past the next' test "$(header Frame-Next)" -ge 1000 -a "$(header Frame-Next)" -le 2000
like 'not yet: Retry-After' "$(header Retry-After)" '^[12]$'
get /live/main/std/8-0.jpg
is 'an epoch to come: 404' "$status" 404
is 'an epoch to come: Retry-After' "$(header Retry-After)" 1
for id in 7-9 6-99; do
	get "/live/main/std/$id.jpg"
	is "$id is gone: 410" "$status" 410
	is "$id is gone: may be cached" "$(header Cache-Control)" 'public, max-age=60'
done
for name in 7 07-1 7-1-1 4294967296-0 x-y .7-1 7-14.; do
	get "/live/main/std/$name.jpg"
	is "$name.jpg: 400" "$status" 400
done

# --- what is not there ----------------------------------------------------------------------------
for path in '' / /main /main/ /main/std /main/std/ /main/std/latest.png /MAIN/std/latest.jpg /other/std/latest.jpg \
	/main/high/latest.jpg /other/index.json /index.json /x/main/std/latest.jpg /main%2fstd/latest.jpg \
	/main/std/latest.jpg/ /%00/std/latest.jpg; do
	get "/live$path"
	is "/live$path: 404" "$status" 404
done
for method in POST PUT DELETE PATCH PROPFIND FOO; do
	get /live/main/std/latest.jpg -X "$method" -d x
	is "$method: 405" "$status" 405
	is "$method: Allow" "$(header Allow)" 'GET, HEAD, OPTIONS'
done
get /live/main/std/latest.jpg -X OPTIONS -H 'Origin: https://example.org' -H 'Access-Control-Request-Method: GET'
is 'preflight: 204' "$status" 204
is 'preflight: methods' "$(header Access-Control-Allow-Methods)" 'GET, HEAD, OPTIONS'
is 'preflight: origin' "$(header Access-Control-Allow-Origin)" '*'
is 'preflight: Max-Age' "$(header Access-Control-Max-Age)" 86400

# --- lists ----------------------------------------------------------------------------------------
get /live/main/index.json
is 'index: 200' "$status" 200
is 'index: type' "$(header Content-Type)" application/json
if command -v jq >/dev/null; then
	is 'index: content' "$(jq -c '[.channel, (.renditions.std | .state, .period_ms, .width, .height, .latest),
		[.renditions.std.frames[].id]]' "$work/body")" \
		'["main","live",1000,64,48,"7-14",["7-10","7-11","7-12","7-13","7-14"]]'
	is 'index: every rendition' "$(jq -c '.renditions | map_values(.latest)' "$work/body")" '{"low":"7-14","std":"7-14"}'
	is 'index: bytes' "$(jq '.renditions.std.frames[4].bytes' "$work/body")" "$(stat -c %s "$work/expected")"
	is 'index: placeholders are marked' \
		"$(jq -c '[.renditions[].frames[] | select(.placeholder) | .id]' "$work/body")" '["7-14"]'
	is 'index: now' "$(jq '.now_ms >= .renditions.std.frames[4].captured_ms' "$work/body")" true
else
	skip 'index: content' 'jq is not installed'
fi
feed --epoch 7 --seq 15 "$store" main std >/dev/null
get /live/main/index.json
like 'index: follows the store' "$(body)" '"latest":"7-15"'
get /live/health
is 'health: 200' "$status" 200
like 'health: verdict' "$(head -1 "$work/body")" '^ok 2 of 2 live$'
like 'health: lines' "$(body)" 'main/std live id=7-15 age_ms=[0-9]+ writer_ms=[0-9]+'
get '/live/health?channel=other'
is 'health of no channel: 404' "$status" 404
get '/live/health?channel=UP'
is 'health of nonsense: 400' "$status" 400

# --- counters -------------------------------------------------------------------------------------
counted() { get /live/metrics && awk -v name="$1" 'index($0, name) == 1 { print $NF }' "$work/body"; }
row='koshien_serve_responses_total{channel="main",rendition="std",code="200"}'
before=$(counted "$row")
bytes_before=$(counted 'koshien_serve_body_bytes_total{channel="main",rendition="std"}')
for _ in 1 2 3; do get /live/main/std/latest.jpg; done
length=$(header Content-Length)
is 'metrics: answers are counted' "$(counted "$row")" $((before + 3))
is 'metrics: bytes are counted' "$(counted 'koshien_serve_body_bytes_total{channel="main",rendition="std"}')" \
	$((bytes_before + 3 * length))
like 'metrics: when the newest was captured' \
	"$(counted 'koshien_serve_frame_captured_timestamp_seconds{channel="main",rendition="std"}')" '^[0-9]{10}(\.|$)'
is 'metrics: live' "$(counted 'koshien_serve_live{channel="main",rendition="std"}')" 1
if command -v promtool >/dev/null; then
	ok 'metrics: promtool has no complaint' promtool check metrics <"$work/body"
fi
kill -USR1 "$server_pid"
sleep 0.2
ok 'a graceful restart keeps the counters' wait_for 10 eval '[ "$(counted "$row")" = '$((before + 3))' ]'

httpd_done
