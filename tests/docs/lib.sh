# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# TAP for the checks of this folder, which source it.
set -u
top_srcdir=${top_srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
top_builddir=${top_builddir:-$top_srcdir/build}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/koshien-docs-XXXXXX")
trap 'rm -rf "$scratch"' EXIT

tests=0
ok() { # NAME COMMAND...: a test that passes when the command succeeds; what it says is shown when not
	local name=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$scratch/ok.out" 2>&1; then
		echo "ok $tests - $name"
	else
		echo "not ok $tests - $name"
		sed 's/^/# /' "$scratch/ok.out"
	fi
}
skip_all() { echo "1..0 # SKIP $1"; exit 0; }
done_testing() { echo "1..$tests"; }
exits() { # STATUS COMMAND...
	local wanted=$1 status=0
	shift
	"$@" || status=$?
	[ "$status" -eq "$wanted" ] || { echo "exit status $status, not $wanted"; return 1; }
}
