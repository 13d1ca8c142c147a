#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# sentryc as a program: what it refuses and how it says so, reload, metrics, a clean end.
set -u
sentryc=${top_builddir:-build}/relay/sentryc
ctl=${top_builddir:-build}/koshienctl/koshienctl
scratch=$(mktemp -d "${TMPDIR:-/tmp}/koshien-relay-XXXXXX")
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$scratch"' EXIT

tests=0
ok() { # NAME COMMAND...
	name=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$scratch/out" 2>&1; then
		echo "ok $tests - $name"
	else
		echo "not ok $tests - $name"
		sed 's/^/# /' "$scratch/out" "$scratch/said" "$scratch/log" 2>/dev/null
	fi
}
refuses() { # TEXT ARGUMENT...: exit status 2, and TEXT in what it says
	text=$1
	shift
	status=0
	"$sentryc" --config "$scratch/conf" "$@" >"$scratch/said" 2>&1 || status=$?
	[ "$status" -eq 2 ] && grep -qF -e "$text" "$scratch/said"
}
within() { # SECONDS COMMAND...: tried until it succeeds
	end=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$end" ] || return 1
		sleep 0.05
	done
}
says() { grep -qF -e "$1" "$scratch/log"; }
running() { kill -0 "$pid" 2>/dev/null; }
listening() { grep -qi ":$(printf %04X "$1") " /proc/net/udp; }
ended() { ! running; }
port_from() { # a UDP port that nobody has now
	port=$1
	while listening "$port"; do port=$((port + 1)); done
	echo "$port"
}
ends_with() { # STATUS: of the sentryc that runs
	status=0
	wait "$pid" || status=$?
	pid=
	[ "$status" -eq "$1" ]
}
start() { # begins in the background, until it listens or ends
	port=$(port_from $((20000 + $$ % 10000)))
	cat >"$scratch/conf" <<-END
	listen = { "127.0.0.1:$port" }
	key = { "$scratch/relay.psk" }
	trust = { "$scratch/camera.pub" }
	store-dir = "$scratch/stores"
	END
	NOTIFY_SOCKET= "$sentryc" --config "$scratch/conf" "$@" >"$scratch/log" 2>&1 &
	pid=$!
	within 10 listening_or_ended && running
}
listening_or_ended() { listening "$port" || ended; }
reload() { kill -HUP "$pid"; }
stop() { kill -TERM "$pid"; }

"$ctl" keygen source camera --dir "$scratch" >/dev/null || exit 1
"$ctl" keygen source other --dir "$scratch" >/dev/null || exit 1
"$ctl" keygen relay relay --dir "$scratch" >/dev/null || exit 1

: >"$scratch/conf"
ok "no keys" refuses "key: expected 1 to 3 files"
ok "no sources" refuses "trust: expected 1 to 16 files"
printf 'history = 1\n' >"$scratch/conf"
ok "a number out of range, with file and line" refuses "$scratch/conf:1: history: expected a whole number from 2"
printf 'listen = { "127.0.0.1" }\n' >"$scratch/conf"
ok "an address without a port" refuses "listen: expected ADDRESS:PORT"
printf 'key = { "%s/relay.psk" }\ntrust = { "%s/relay.psk" }\n' "$scratch" "$scratch" >"$scratch/conf"
ok "a key of another kind" refuses "$scratch/relay.psk: it is a key of another kind" --check-config
: >"$scratch/conf"
ok "a key that is not there" refuses "$scratch/none: No such file" --key "$scratch/none" --trust "$scratch/camera.pub"

ok "starts" start
ok "makes its folder" test -d "$scratch/stores"
ok "its configuration is good" "$sentryc" --config "$scratch/conf" --check-config
status=0
"$sentryc" --config "$scratch/conf" --store-dir "$scratch/more" >"$scratch/said" 2>&1 || status=$?
ok "a port that is taken is a failure" test "$status" -eq 1
ok "and says which, and what to change" grep -q "127.0.0.1:$port: .*--listen" "$scratch/said"
sed -i "s/camera.pub/none.pub/" "$scratch/conf"
reload
ok "a bad reload says so" within 10 says "the keys from before stay in use"
ok "and goes on" running
sed -i "s/none.pub/other.pub/" "$scratch/conf"
reload
ok "a good reload says so" within 10 says "reloaded: 1 keys of senders, 1 trusted sources"
stop
ok "ends" within 10 ended
ok "with status 0" ends_with 0
ok "starts again" start
stop
ok "ends again" within 10 ended
ok "with status 0 again" ends_with 0
echo "1..$tests"
