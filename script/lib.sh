# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What script/demo, script/test and script/bootstrap have in common. Sourced with $top set to the tree.

# What one build has compiled the next one finds again, where ccache is installed.
PATH=/usr/lib/ccache:$PATH

say() { printf '\033[1mkoshien:\033[0m %s\n' "$*" >&2; }
die() { printf '\033[1;31mkoshien:\033[0m %s\n' "$*" >&2; exit 1; }
usage_error() { printf '%s: %s\n' "${0##*/}" "$*" >&2; printf "Try '%s --help'.\n" "$0" >&2; exit 2; }

# wait_for SECONDS COMMAND...: true as soon as the command succeeds, false when it never did.
wait_for() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}

# True when something accepts TCP connections there; bash itself connects.
tcp_open() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

alive() { kill -0 "$1" 2>/dev/null; }

# signal_part SIGNAL PID: to a part's process group, or to itself: one just started has none yet.
signal_part() { kill "-$1" -- "-$2" 2>/dev/null || kill "-$1" "$2" 2>/dev/null; }

# stop PID...: asks, waits, insists. Each was started by `spawn` and leads a process group of its own, so
# that an httpd's children go with it.
stop() {
	local pid deadline=$((SECONDS + 5))
	for pid; do signal_part TERM "$pid" || true; done
	for pid; do
		while signal_part 0 "$pid" && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.05; done
		signal_part KILL "$pid" || true
		wait "$pid" 2>/dev/null || true
	done
}

# packages KIND...: the missing ones of those kinds, one a line.
missing_packages() {
	local kind package command installed
	installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 2>/dev/null | awk '$1 == "ii" { print $2 }')
	while read -r kind package command; do
		case " $* " in *" $kind "*) ;; *) continue ;; esac
		[ -n "$command" ] && command -v "$command" >/dev/null && continue
		grep -qxF "$package" <<<"$installed" || echo "$package"
	done < <(grep -v -e '^#' -e '^$' "$top/script/packages")
}

# logged FILE COMMAND...: quiet while it goes well; the end of its output when it does not.
logged() {
	local log=$1
	shift
	if ! "$@" >"$log" 2>&1 </dev/null; then
		tail -n 40 "$log" >&2
		die "'$*' failed; all it said is in $log"
	fi
}
