# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A real httpd for one test: its own directory, a free loopback port, an ordinary process. Sourced by the
# tests of this folder:
#
#	. "$(dirname "$0")/httpd.sh"
#	httpd_start 'SetHandler lines and other configuration'
#	feed --epoch 7 main std
#	get /live/main/std/latest.jpg
#	is 'newest' "$(header Frame-Id)" 7-0
#	httpd_done
#
# With tls=yes before it is sourced all goes through TLS: httpd speaks nothing else, and $port is that of a tunnel to it.
#
# Every line of the error log at warn or above that the test did not announce with `expect_log REGEX` fails it.
set -u
if [ -z "${BASH_VERSION:-}" ]; then # make check runs *.sh with /bin/sh
	exec bash "$0" "$@"
fi
top_srcdir=${top_srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
top_builddir=${top_builddir:-$top_srcdir/build}
HTTPD=${HTTPD:-/usr/sbin/apache2}
module=$top_builddir/mod_sentry/mod_sentry.so
tls=${tls:-no} tunnel_pid=''
tests=0 failed=0 children=1 server_pid='' expected_log=() allowed_log=()

# --- TAP ------------------------------------------------------------------------------------------
ok() { # NAME COMMAND...: passes when the command succeeds
	local name=$1
	shift
	tests=$((tests + 1))
	if "$@"; then
		echo "ok $tests - $name"
	else
		failed=$((failed + 1))
		echo "not ok $tests - $name"
		[ ! -s "$work/head" ] || sed 's/^/# /' "$work/head"
	fi
}
equal() {
	[ "$1" = "$2" ] || { echo "# got:      $1"; echo "# expected: $2"; return 1; }
}
is() { ok "$1" equal "$2" "$3"; } # NAME GOT EXPECTED
matches() {
	[[ $1 =~ $2 ]] || { echo "# got:     $1"; echo "# pattern: $2"; return 1; }
}
like() { ok "$1" matches "$2" "$3"; } # NAME GOT REGEX
skip() { tests=$((tests + 1)); echo "ok $tests - $1 # SKIP $2"; }
skip_all() { echo "1..0 # SKIP $1"; exit 0; }
bail_out() { echo "Bail out! $1"; exit 1; }

# --- the server -----------------------------------------------------------------------------------
[ -x "$HTTPD" ] || skip_all "there is no httpd at '$HTTPD'"
command -v curl >/dev/null || skip_all 'curl is not installed'
[ -e "$module" ] || bail_out "$module is not built"

modules=$(apxs -q LIBEXECDIR 2>/dev/null || echo /usr/lib/apache2/modules)
if [ "$tls" = yes ]; then
	[ -e "$modules/mod_ssl.so" ] || skip_all 'no mod_ssl'
	for program in node openssl; do command -v "$program" >/dev/null || skip_all "$program is not installed"; done
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/koshien-tests-httpd-XXXXXX")
store=$work/store

clean_up() {
	httpd_stop
	[ -z "$tunnel_pid" ] || kill "$tunnel_pid" 2>/dev/null
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

# Children give up root; the store's files are for their owner and group.
server_group=$(id -gn)
[ "$(id -u)" != 0 ] || server_group=$(id -gn nobody)
chmod 755 "$work"
mkdir -m 2750 "$store"
chgrp "$server_group" "$store"
chmod 2750 "$store"

free_port() {
	local port
	while :; do
		port=$((14000 + RANDOM % 2000))	# beside the others': tests/tap.sh
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
	done
}

# What must be loaded before httpd itself when the module was built with a sanitizer.
sanitizer() {
	local needed
	needed=$(ldd "$module" | awk '/lib(clang_rt\.)?asan/ { print $3 }')
	if [ -z "$needed" ] && nm -D "$module" | grep -q ' U __asan_init'; then
		needed=$(clang -print-file-name=libclang_rt.asan-x86_64.so)
	fi
	echo "$needed"
}

load() { # NAME...: LoadModule lines of those that are not built into httpd
	local name
	for name; do
		[ ! -e "$modules/mod_$name.so" ] || echo "LoadModule ${name}_module $modules/mod_$name.so"
	done
}

write_config() {
	cat <<-EOF
		ServerRoot "$work"
		ServerName localhost
		PidFile "$work/httpd.pid"
		DefaultRuntimeDir "$work"
		Listen 127.0.0.1:${listen_port:-$port}
		ErrorLog "$work/error.log"
		LogLevel info
		Mutex pthread
		GracefulShutdownTimeout 10
		DocumentRoot "$work/htdocs"
	EOF
	load mpm_event authz_core authn_core authn_file auth_basic authz_user authz_host mime alias dir headers \
		setenvif rewrite
	echo "TypesConfig $work/mime.types"
	[ "$(id -u)" != 0 ] || printf 'User nobody\nGroup %s\n' "$server_group"
	# One child unless a test wants more, so that what one request has seen the next has seen too.
	cat <<-EOF
		ThreadsPerChild 16
		MaxRequestWorkers $((16 * children))
		StartServers $children
		MinSpareThreads 1
		MaxSpareThreads $((16 * children))
	EOF
	echo "LoadModule sentry_module $module"
	echo "SentryStore \"$store\""
	[ "$tls" = no ] || cat <<-EOF
		$(load ssl)
		SSLEngine On
		# Lent connections are among httpd's, of which there are so many for each thread.
		AsyncRequestWorkerFactor 50
		SSLCertificateFile "$work/tls.crt"
		SSLCertificateKeyFile "$work/tls.key"
	EOF
	echo "$1"
}

# Lines for a server of /live over TLS, on $tls_port, with HTTP/2 when $h2 is not empty. Nothing, and no port, without
# mod_ssl or openssl. Not in a subshell.
tls_port='' h2='' tls_lines=''
tls_server() {
	[ -e "$modules/mod_ssl.so" ] || return 0
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
		-addext basicConstraints=critical,CA:FALSE -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null ||
		return 0
	# Debian's mod_ssl says so when the library was updated after it.
	allow_log 'AH01882: Init: this version of mod_ssl was compiled against a newer library'
	[ ! -e "$modules/mod_http2.so" ] || ! curl -V | grep -q HTTP2 || h2=h2
	tls_port=$(free_port)
	# shellcheck disable=SC2034 # tests do
	tls_lines="$(load socache_shmcb ssl)
$(load http2)
Listen 127.0.0.1:$tls_port
SSLSessionCache shmcb:$work/sessions(512000)
<VirtualHost 127.0.0.1:$tls_port>
	ServerName localhost
	SSLEngine On
	SSLCertificateFile $work/cert.pem
	SSLCertificateKeyFile $work/key.pem
	Protocols $h2 http/1.1
</VirtualHost>
"
}

answers() { curl -s -o /dev/null -m 5 "http://127.0.0.1:$port/"; }

httpd_run() {
	# What a sanitizer says goes where httpd's standard error goes: into its log. httpd itself keeps memory
	# to the end, so leaks are looked for in the tests of the module's parts.
	LD_PRELOAD=$(sanitizer) ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1 \
		"$HTTPD" -D FOREGROUND -f "$work/httpd.conf" >"$work/stdout" 2>&1 &
	server_pid=$!
	for _ in $(seq 300); do
		answers && return
		kill -0 "$server_pid" 2>/dev/null || break
		sleep 0.1
	done
	sed 's/^/# /' "$work/stdout" "$work/error.log" 2>/dev/null | tail -20
	bail_out 'httpd does not answer'
}

# One for all the servers of a test.
start_tunnel() {
	listen_port=$(free_port)
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
		-addext basicConstraints=critical,CA:FALSE -keyout "$work/tls.key" -out "$work/tls.crt" 2>/dev/null
	node "$top_srcdir/tests/httpd/tunnel.mjs" "$port" "$listen_port" >"$work/tunnel.log" 2>&1 &
	tunnel_pid=$!
	# Debian's says so when its OpenSSL is not of the same day; that there is no cache, and of other hosts.
	allow_log 'AH01882: Init: this version of mod_ssl was compiled against|AH01873: Init: Session Cache is not|AH01909: '
}

httpd_start() { # CONFIGURATION
	mkdir -p "$work/htdocs"
	echo plain >"$work/htdocs/plain.txt"
	echo 'text/plain txt' >"$work/mime.types"
	chmod -R a+rX "$work/htdocs" "$work/mime.types"
	port=$(free_port)
	listen_port=$port
	[ "$tls" = no ] || start_tunnel
	base=http://127.0.0.1:$port
	write_config "$1" >"$work/httpd.conf"
	httpd_run
}

# Gracefully: told to stop at once, mpm_event looks at sockets that its threads are closing, and now and then
# crashes on its way out.
httpd_stop() {
	[ -n "$server_pid" ] || return 0
	kill -WINCH "$server_pid" 2>/dev/null
	wait "$server_pid" 2>/dev/null
	server_pid=''
}

expect_log() { expected_log+=("$1"); }	# REGEX: must be there
allow_log() { allowed_log+=("$1"); }	# REGEX: may be there

no_surprises() {
	local lines pattern
	lines=$(grep -hE '\[([a-z0-9_]+:)?(warn|error|crit|alert|emerg)\]' "$work/error.log")
	for pattern in "${allowed_log[@]+"${allowed_log[@]}"}"; do
		lines=$(grep -vE "$pattern" <<<"$lines")
	done
	for pattern in "${expected_log[@]+"${expected_log[@]}"}"; do
		grep -qE "$pattern" <<<"$lines" || { echo "# not in the log: $pattern"; return 1; }
		lines=$(grep -vE "$pattern" <<<"$lines")
	done
	[ -z "$lines" ] || { head -20 <<<"$lines" | sed 's/^/# /'; return 1; }
	if grep -hE 'exit signal|runtime error|Sanitizer' "$work/error.log" "$work/stdout" |
		head -20 | sed 's/^/# /' | grep .; then
		return 1
	fi
}

httpd_done() {
	httpd_stop
	ok 'nothing unexpected in the error log' no_surprises
	echo "1..$tests"
	exit $((failed > 0))
}

# --- what tests do --------------------------------------------------------------------------------
feed() { "$top_builddir/tests/httpd/feed" "$@"; } # OPTION... DIR CHANNEL RENDITION
bodies() { "$top_builddir/tests/httpd/bodies" "$@"; } # OPTION...

get() { # PATH [CURL OPTION...]: leaves $work/head, $work/body and sets status
	local path=$1
	shift
	: >"$work/body"
	status=$(curl -s -m 20 -o "$work/body" -D "$work/head" -w '%{http_code}' "$@" "$base$path")
}
header() { awk -v name="$1" 'BEGIN { IGNORECASE = 1 } tolower($1) == tolower(name) ":" {
	sub(/^[^:]*: */, ""); sub(/\r$/, ""); print }' "$work/head"; }
body() { tr -d '\0' <"$work/body"; }
same_file() { cmp -s "$1" "$2"; }

wait_for() { # SECONDS COMMAND...
	local until=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$until" ] || { echo "# timed out: $*"; return 1; }
		sleep 0.1
	done
}
status_is() { get "$1" && [ "$status" = "$2" ]; }
