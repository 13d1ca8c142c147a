#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# koshienctl's command line: what it says, writes and refuses.
set -u
ctl=${top_builddir:-build}/koshienctl/koshienctl
scratch=$(mktemp -d "${TMPDIR:-/tmp}/koshien-ctl-XXXXXX")
trap 'rm -rf "$scratch"' EXIT

tests=0
ok() { # NAME COMMAND...
	name=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$scratch/out" 2>"$scratch/err"; then
		echo "ok $tests - $name"
	else
		echo "not ok $tests - $name"
		sed 's/^/# /' "$scratch/out" "$scratch/err"
	fi
}
exits() { # STATUS COMMAND...
	wanted=$1
	shift
	status=0
	"$@" || status=$?
	[ "$status" -eq "$wanted" ]
}
refuses() { # TEXT ARGUMENT...: usage error that says TEXT
	text=$1
	shift
	exits 2 "$ctl" "$@" 2>"$scratch/said" && grep -qF -e "$text" "$scratch/said"
}
mode_is() { [ "$(stat -c %a "$1")" = "$2" ]; }
gone() { [ ! -e "$1" ]; }
one_line_of_json() { tail -n 1 "$scratch/watch" | grep -q '^{"frames":0,.*"share":{"relay-a":0.0}.*}$'; }

ok "keygen source" "$ctl" keygen source camera --dir "$scratch"
ok "the secret is nobody else's" mode_is "$scratch/camera.key" 600
ok "the public key may be read" mode_is "$scratch/camera.pub" 644
ok "keygen relay" "$ctl" keygen relay relay-a --dir "$scratch"
ok "the relay's key is nobody else's" mode_is "$scratch/relay-a.psk" 600
cp "$scratch/relay-a.psk" "$scratch/before"
ok "a key is never overwritten" exits 1 "$ctl" keygen relay relay-a --dir "$scratch"
ok "and is still the same" cmp "$scratch/before" "$scratch/relay-a.psk"
touch "$scratch/half.pub"
ok "half a pair is a failure" exits 1 "$ctl" keygen source half --dir "$scratch"
ok "and leaves no secret behind" gone "$scratch/half.key"
ok "a folder that is not there" exits 1 "$ctl" keygen relay relay-b --dir "$scratch/none"
ok "a kind of key that there is not" refuses "'source' or 'relay'" keygen viewer v
ok "a name that is a path" refuses "NAME: expected" keygen relay ../x
ok "a word too many" refuses "one word too many" keygen relay a b
ok "a word too few" refuses "expected source|relay NAME" keygen relay

ok "no command" refuses "expected a command"
ok "an unknown command" refuses "no command 'dance'" dance
ok "an unknown option" refuses "--dance" watch --dance
ok "an option without its value" refuses "needs a value" watch --seconds
ok "a switch with a value" refuses "takes no value" watch --json=yes http://localhost/live
ok "help on a command" "$ctl" help watch
ok "help on what is none" refuses "no command" help dance

ok "frames of a folder without stores" exits 1 "$ctl" frames "$scratch"
ok "frames of no folder" exits 1 "$ctl" frames "$scratch/none"
ok "frames of a channel that cannot be" refuses "CHANNEL: expected" frames "$scratch" Main
ok "an id without --save" refuses "--id goes with --save" frames --id 1-1 "$scratch"

if exits 1 "$ctl" watch --seconds 1 --quiet http://127.0.0.1:1/live 2>&1 | grep -q 'left out of this build'; then
	echo "ok $((tests += 1)) - watch # SKIP built without libcurl"
else
	ok "watch of nothing fails" exits 1 "$ctl" watch --seconds 1 --json --weights relay-a=1 http://127.0.0.1:1/live
	cp "$scratch/out" "$scratch/watch"
	ok "and ends with one line of JSON" one_line_of_json
	ok "watch of no URL" refuses "URL of a location" watch 127.0.0.1
	ok "a channel that cannot be" refuses "--channel: expected" watch --channel ../x http://127.0.0.1:1/live
	ok "no time at all" refuses "--seconds: expected" watch --seconds 0 http://127.0.0.1:1/live
	ok "weights without numbers" refuses "--weights: expected" watch --weights a,b http://127.0.0.1:1/live
	ok "weights of nothing" refuses "--weights: expected" watch --weights a=0 http://127.0.0.1:1/live
	"$ctl" watch --json http://127.0.0.1:1/live >"$scratch/ended" 2>&1 &
	watch=$!
	until [ -s "$scratch/ended" ] || ! kill -0 "$watch"; do sleep 0.05; done
	kill -TERM "$watch"
	ok "SIGTERM ends it" exits 1 wait "$watch"
	ok "with the summary" grep -q '^{"frames":0,' "$scratch/ended"
fi
echo "1..$tests"
