#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154
# stream.mjpg in Chromium, from mod_sentry in a real httpd: by the pump and by httpd's threads.
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
top_builddir=${top_builddir:-$top_srcdir/build}
skip() { echo "1..0 # SKIP $1"; exit 0; }
command -v node >/dev/null || skip 'node is not installed'
[ -e "$top_builddir/mod_sentry/mod_sentry.so" ] || skip 'configure left mod_sentry out'
[ -x "$top_builddir/tests/httpd/feed" ] || make -s -C "$top_builddir" tests/httpd/feed >&2 ||
	skip 'tests/httpd/feed cannot be built'
. "$top_srcdir/tests/httpd/httpd.sh"

common='
	SetHandler sentry
	SentryStaleAfter 1000
	SentryDeadAfter 1h'
httpd_start "
MaxKeepAliveRequests 0
<Location \"/live\">$common
</Location>
<Location \"/rest\">$common
	SentryPump Off
</Location>"
export top_srcdir top_builddir
KOSHIEN_URL=$base KOSHIEN_PAGES=$work/htdocs KOSHIEN_STORE=$store node "$top_srcdir/tests/browser/stream.mjs"
status=$?
httpd_stop
no_surprises || { echo 'Bail out! something unexpected in the error log'; exit 1; }
exit "$status"
