# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Beside the rest of httpd: access control, authentication, nesting, other handlers, other modules.
. "$(dirname "$0")/httpd.sh"

printf 'fan:%s\n' "$(openssl passwd -apr1 tigers)" >"$work/users"
chmod a+r "$work/users"
mkdir -p "$work/second"
chmod 755 "$work/second"
feed --epoch 7 "$store" main std >/dev/null
feed --epoch 7 "$store" main low >/dev/null
feed --epoch 9 "$work/second" main std >/dev/null
chgrp "$server_group" "$work"/second/*
httpd_start '
<Directory "/">
	Require all denied
</Directory>
<Directory "'"$work"'/htdocs">
	Require all granted
</Directory>
<Location "/live">
	SetHandler sentry
	SentryDeadAfter 1h
	SentryStaleAfter 1000
</Location>
<Location "/live/main/low">
	Require all denied
</Location>
<Location "/live/metrics">
	SetHandler sentry
	Require env is_operator
</Location>
SetEnvIf X-Operator yes is_operator
<Location "/members">
	SetHandler sentry
	AuthType Basic
	AuthName members
	AuthBasicProvider file
	AuthUserFile "'"$work"'/users"
	Require valid-user
	SentryDeadAfter 1h
	SentryStaleAfter 1000
</Location>
<Location "/second">
	SetHandler sentry
	SentryStore "'"$work"'/second"
	SentryDeadAfter 1h
	SentryStaleAfter 1000
</Location>
<LocationMatch "^/(east|west)/">
	SetHandler sentry
	SentryDeadAfter 1h
	SentryStaleAfter 1000
</LocationMatch>
<Location "/live/plain.txt">
	SetHandler default-handler
</Location>
Alias "/live/plain.txt" "'"$work"'/htdocs/plain.txt"
<Location "/off">
	SetHandler none
</Location>
Header set X-Relay relay-a
RewriteEngine On
RewriteRule "^/old/(.*)$" "/live/$1" [PT]
RewriteRule "^/gone/" "-" [G]
Redirect "/moved" "/live"
AddHandler send-as-is .jpg
'

# Nothing in the file system stands in the way, and nothing there is looked at.
get /live/main/std/latest.jpg
is 'a location without Require, below a denied /: 200' "$status" 200
is 'headers of mod_headers' "$(header X-Relay)" relay-a
mkdir -p "$work/htdocs/live/main/std"
echo "AuthType" >"$work/htdocs/live/.htaccess"
echo file >"$work/htdocs/live/main/std/latest.jpg"
chmod -R a+rX "$work/htdocs"
get /live/main/std/latest.jpg
is 'a file of the same name does not matter' "$(header Frame-Id)" 7-0
get /plain.txt
is 'files beside it' "$(body)" plain
get /live/plain.txt
is 'another handler below it' "$(body)" plain

get /live/main/low/latest.jpg
is 'Require all denied below it: 403' "$status" 403
get /live/metrics
is 'Require env: 403' "$status" 403
get /live/metrics -H 'X-Operator: yes'
is 'Require env: 200' "$status" 200
get /live/health
is 'beside that: 200' "$status" 200

expect_log 'AH01630: client denied by server configuration'
expect_log 'AH01617: user fan: authentication failure'
get /members/main/std/latest.jpg
is 'authentication: 401' "$status" 401
get /members/main/std/latest.jpg -u fan:giants
is 'authentication: wrong password' "$status" 401
get /members/main/std/latest.jpg -u fan:tigers
is 'authentication: 200' "$status" 200
get /members/nothing/std/latest.jpg
is 'strangers do not learn what is there' "$status" 401

get /second/main/std/latest.jpg
is 'a store of its own' "$(header Frame-Id)" 9-0
for side in east west; do
	get "/$side/main/std/latest.jpg"
	is "LocationMatch $side" "$(header Frame-Id)" 7-0
done
get /north/main/std/latest.jpg
is 'no location: 404' "$status" 404
is 'no location: not ours' "$(header Access-Control-Allow-Origin)" ''
get /off/main/std/latest.jpg
is 'SetHandler none: 404' "$status" 404
get /live/elsewhere/main/std/latest.jpg
is 'deeper than the location: 404' "$status" 404
get /live//main/std/latest.jpg
is 'slashes are merged' "$status" 200
get /live/x/../main/std/latest.jpg --path-as-is
is 'dots are resolved' "$status" 200
get /old/main/std/latest.jpg
is 'mod_rewrite into it' "$(header Frame-Id)" 7-0
get /gone/main/std/latest.jpg
is 'mod_rewrite elsewhere' "$status" 410
get /moved/main/std/latest.jpg
is 'mod_alias' "$status" 302

httpd_done
