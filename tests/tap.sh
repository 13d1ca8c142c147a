# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# TAP for tests of programs, which source it: a scratch folder $scratch, ok() and what waits without sleeping for luck.
# Runs in any POSIX shell.
set -u
scratch=$(mktemp -d "${TMPDIR:-/tmp}/koshien-test-XXXXXX")
tests=0
shown=	# files that a failure shows, beside what the command said

ok() { # NAME COMMAND...: a test that passes when the command succeeds
	ok_name=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$scratch/ok.out" 2>&1; then
		echo "ok $tests - $ok_name"
	else
		echo "not ok $tests - $ok_name"
		# shellcheck disable=SC2086 # a list
		tail -n 20 "$scratch/ok.out" $shown 2>/dev/null | sed 's/^/# /'
	fi
}
skip() { # NAME WHY
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}
skip_all() { echo "1..0 # SKIP $1"; rm -rf "$scratch"; exit 0; }
done_testing() { echo "1..$tests"; }

within() { # SECONDS COMMAND...: tried until it succeeds
	within_end=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$within_end" ] || return 1
		sleep 0.05
	done
}

# A port that somebody has, of either family.
taken() { grep -qi ":$(printf %04X "$1") " "/proc/net/$2" "/proc/net/${2}6" 2>/dev/null; } # PORT udp|tcp
# A port that nobody has now, and no other test that begins at the same moment looks for; those of tests/httpd are
# between 14000 and 15999, the blocks of tests/demo from there to 31999, where the kernel's own begin.
free_port() { # udp|tcp
	port_tried=$((10000 + $(od -An -N2 -tu2 /dev/urandom) % 4000))
	while taken "$port_tried" "$1"; do port_tried=$((port_tried + 1)); done
	echo "$port_tried"
}
