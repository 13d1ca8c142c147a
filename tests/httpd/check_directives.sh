# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The module's directives, doc/mod_sentry.md and conf/sentry.conf must agree, and what is wrong must be said.
. "$(dirname "$0")/httpd.sh"

doc=$top_srcdir/doc/mod_sentry.md
sample=$top_srcdir/conf/sentry.conf

# The one list from which the module makes its commands.
known=$(grep -oE '"Sentry[A-Za-z]+"' "$top_srcdir/mod_sentry/directives.h" | tr -d '"' | sort)
documented=$(sed -nE 's/^### (Sentry[A-Za-z]+)$/\1/p' "$doc" | sort)
sampled=$(sed -nE 's/^[[:space:]]*(Sentry[A-Za-z]+) .*/\1/p' "$sample" | sort -u)
ok 'the module has directives' test -n "$known"
is 'each directive is documented, each documented one exists' "$documented" "$known"
is 'each directive is in the sample, each in the sample exists' "$sampled" "$known"
for directive in $known; do
	ok "$directive: the default is documented" grep -qE "^Default: \`$directive " "$doc"
	in_doc=$(sed -nE "s/^Default: \`($directive [^\`]*)\`.*/\1/p" "$doc")
	in_sample=$(sed -nE "s/^[[:space:]]*($directive .*)/\1/p" "$sample")
	is "$directive: the sample has the default" "$in_sample" "$in_doc"
done

# Wrong values: where, and what was expected.
check_config() { # CONFIGURATION: leaves httpd's words in $work/words
	port=1
	write_config "$1" >"$work/httpd.conf"
	LD_PRELOAD=$(sanitizer) ASAN_OPTIONS=detect_leaks=0 "$HTTPD" -t -f "$work/httpd.conf" >"$work/words" 2>&1
}
mkdir -p "$work/htdocs"
: >"$work/mime.types"
refused() { ! check_config "$1"; }
while IFS='|' read -r line expected; do
	ok "$line: refused" refused "$(printf '%b' "$line")"
	like "$line: where" "$(cat "$work/words")" "httpd\.conf:|line [0-9]+"
	like "$line: what was expected" "$(cat "$work/words")" "$expected"
done <<'END'
SentryStore ""|SentryStore takes one argument, directory of
SentryStore a b|SentryStore takes one argument, directory of
SentryStaleAfter 0|SentryStaleAfter expected a number of periods from 1 to 1000, not "0"
SentryStaleAfter 3x|expected a number of periods
SentryStaleAfter 1001|expected a number of periods
SentryDeadAfter 0|SentryDeadAfter expected a time from 100ms to 24h, such as 30s, not "0"
SentryDeadAfter soon|expected a time
SentryDeadAfter 25h|expected a time
SentryWait 31s|SentryWait expected a time from 0 to 30s, not "31s"
SentrySpread 2s|SentrySpread expected a time from 0 to 1s, such as 100ms, not "2s"
SentryCapacity -1|SentryCapacity expected a whole number from 0 \(no limit\) to 10000000, not "-1"
SentryViewers many|SentryViewers expected a whole number
<VirtualHost *:1>\nSentryCapacity 100\n</VirtualHost>|SentryCapacity cannot occur within <VirtualHost> section
SentryCORS Maybe|must be On or Off
SentryTiming|must be On or Off
END
ok 'conf/sentry.conf is taken' check_config "Include \"$sample\""
ok 'conf/relay-httpd.conf is taken' check_config "Include \"$top_srcdir/conf/relay-httpd.conf\""
ok 'and without a complaint' equal "$(cat "$work/words")" 'Syntax OK'

echo "1..$tests"
exit $((failed > 0))
