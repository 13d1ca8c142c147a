# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# TAP tests over script/demo. Sourced by each test of this folder.
set -u
top_srcdir=${top_srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
top_builddir=${top_builddir:-$top_srcdir/build}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/koshien-tests-demo-XXXXXX")
trap 'rm -rf "$scratch"' EXIT

tests=0
ok() { # NAME COMMAND...: a test that passes when the command succeeds
	local name=$1
	shift
	tests=$((tests + 1))
	if "$@"; then
		echo "ok $tests - $name"
	else
		echo "not ok $tests - $name"
		[ ! -s "$scratch/out" ] || tail -n 5 "$scratch/out" | sed 's/^/# out: /'
		[ ! -s "$scratch/err" ] || tail -n 15 "$scratch/err" | sed 's/^/# err: /'
	fi
}
skip() { tests=$((tests + 1)); echo "ok $tests - $1 # SKIP $2"; }
skip_all() { echo "1..0 # SKIP $1"; exit 0; }
done_testing() { echo "1..$tests"; }

[ -x "$top_builddir/koshienctl/koshienctl" ] || skip_all "nothing is built in $top_builddir"
[ -e "$top_builddir/mod_sentry/mod_sentry.so" ] || skip_all "configure left mod_sentry out"
command -v jq >/dev/null || skip_all "jq is not installed"

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
# A block of ports that nobody listens on now, and that neither the kernel nor another suite takes: tests/tap.sh.
free_ports() {
	local base
	while :; do
		base=$((16000 + RANDOM % 1600 * 10))
		for i in 0 1 2 3 4 5; do taken $((base + i)) && continue 2; done
		echo "$base"
		return
	done
}

# demo ARGUMENT...: output in $scratch/out and $scratch/err, the last line of output in $json.
demo() {
	local status=0
	"$top_srcdir/script/demo" --build "$top_builddir" --port "$(free_ports)" "$@" \
		>"$scratch/out" 2>"$scratch/err" || status=$?
	json=$(tail -n 1 "$scratch/out")
	echo "# $json"
	return "$status"
}
holds() { jq -e "$1" <<<"$json" >/dev/null 2>&1; }

# begin_demo OPTION...: the live show in the background, until this test ends; $port is the proxy's,
# $demo the process; what it says is in $scratch/show.out and show.err.
begin_demo() {
	local deadline=$((SECONDS + 60))
	port=$(free_ports)
	setsid env --default-signal=INT "$top_srcdir/script/demo" --build "$top_builddir" --port "$port" "$@" \
		>"$scratch/show.out" 2>"$scratch/show.err" </dev/null &
	demo=$!
	trap end_demo EXIT
	until [ -s "$scratch/show.out" ]; do
		if ! kill -0 "$demo" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
			sed 's/^/# /' "$scratch/show.err"
			echo "Bail out! the demo does not run"
			exit 1
		fi
		sleep 0.1
	done
}

# interrupt PID: Ctrl-C, within half a minute true and the exit status in $status. Once more each second: bash can lose
# a SIGINT that comes just as a command of its ends.
interrupt() {
	local deadline=$((SECONDS + 30)) next=0
	while kill -0 "$1" 2>/dev/null; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		[ "$SECONDS" -lt "$next" ] || { kill -INT "$1" 2>/dev/null; next=$((SECONDS + 1)); }
		sleep 0.05
	done
	status=0
	wait "$1" 2>/dev/null || status=$?
}

end_demo() {
	kill -TERM "$demo" 2>/dev/null
	wait "$demo" 2>/dev/null
	rm -rf "$scratch"
}
