#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# koshienctl's command line: what it says, writes and refuses.
set -u
ctl=$(cd "${top_builddir:-build}" && pwd)/koshienctl/koshienctl
scratch=$(mktemp -d "${TMPDIR:-/tmp}/koshien-ctl-XXXXXX")
trap 'rm -rf "$scratch"' EXIT

tests=0
ok() { # NAME COMMAND...
	name=$1
	shift
	tests=$((tests + 1))
	[ ! -e "$scratch/out" ] || mv "$scratch/out" "$scratch/told"	# what the command before said
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
ok "a kind of key that there is not" refuses "expected 'source', 'relay' or 'master'" keygen viewer v
ok "a name that is a path" refuses "NAME: expected" keygen relay ../x
ok "a word too many" refuses "one word too many" keygen relay a b
ok "a word too few" refuses "expected source|relay|master NAME" keygen relay

# --- master keys -----------------------------------------------------------------------------------
cd "$scratch" || exit 1
has() { grep -qF -e "$1" "$scratch/told"; }
fails() { # TEXT ARGUMENT...: exit status 1 and an error that has TEXT
	text=$1
	shift
	exits 1 "$ctl" "$@" >"$scratch/said" 2>&1 && grep -qF -e "$text" "$scratch/said"
}
# A key's line without the file's name; the same for the same key.
print_of() { "$ctl" key show "$1" | head -n 1 | awk '{ print $3 }'; }
same_key() { [ "$(print_of "$1")" = "$(print_of "$2")" ]; }
other_key() { ! same_key "$1" "$2"; }

ok "keygen master" "$ctl" keygen master up
ok "the master key is nobody else's" mode_is up.master 600
ok "keygen relay from it" "$ctl" keygen relay far --master up.master
ok "says what the parent does" has "makes the same key from up.master"
mkdir again
ok "once more, elsewhere" "$ctl" keygen relay far --master up.master --dir again
ok "gives the same key" cmp far.psk again/far.psk
ok "another name" "$ctl" keygen relay near --master up.master
ok "gives another key" other_key far.psk near.psk
ok "a master key of another kind" fails "it is a key of another kind" keygen relay x --master camera.key
ok "leaves no key" gone x.psk
ok "a name too long for a relay" refuses "at most 31" keygen relay a2345678901234567890123456789012
ok "a source from a master key" refuses "--master goes with 'relay'" keygen source x --master up.master

# --- key show --------------------------------------------------------------------------------------
ok "key show" "$ctl" key show camera.key camera.pub relay-a.psk up.master
ok "has a line for each" [ "$(wc -l <out)" -eq 4 ]
"$ctl" key show relay-a.psk >line
ok "with the name" grep -q '^koshien-relay-key  *relay-a  ' line
secrets() { for file in camera.key relay-a.psk up.master; do awk '{ print $NF }' "$file"; done; }
no_secret() { ! secrets | grep -qF -f - shown; }
"$ctl" key show camera.key camera.pub relay-a.psk up.master >shown
ok "and not the secret" no_secret
ok "the halves of a pair have one fingerprint" same_key camera.key camera.pub
ok "key show of what is no key" fails "$scratch/before2: No such file" key show up.master "$scratch/before2"
ok "shows the others nevertheless" grep -q '^koshien-master-key' said

# --- key rotate ------------------------------------------------------------------------------------
chmod 640 relay-a.psk
cp relay-a.psk first
ok "the first step makes the next key" "$ctl" key rotate relay-a.psk
ok "says where it goes" has "copy it to the other side"
ok "with the permissions of the first" mode_is relay-a.psk.next 640
ok "and leaves the first alone" cmp first relay-a.psk
ok "it is another key" other_key relay-a.psk relay-a.psk.next
ok "of the same relay" grep -q '^koshien-relay-key relay-a ' relay-a.psk.next
cp relay-a.psk.next second
ok "key show shows both" [ "$("$ctl" key show relay-a.psk | wc -l)" -eq 2 ]
ok "the second step" "$ctl" key rotate relay-a.psk
ok "takes the next key" cmp second relay-a.psk
ok "keeps the one before" cmp first relay-a.psk.previous
ok "and there is no next one" gone relay-a.psk.next
ok "the last step" "$ctl" key rotate relay-a.psk
ok "drops the one before" gone relay-a.psk.previous
ok "and keeps the new one" cmp second relay-a.psk
"$ctl" key rotate relay-a.psk >said
ok "a random key is said to be one" grep -q "run koshienctl key rotate relay-a.psk --master FILE" said
ln relay-a.psk relay-a.psk.previous
cp relay-a.psk.next third
ok "a second step that was interrupted goes on" "$ctl" key rotate relay-a.psk
ok "with the next key" cmp third relay-a.psk
ok "and the one before" cmp second relay-a.psk.previous
cp first relay-a.psk.next
ok "a key before and one after: somebody has to decide" fails "remove it when nobody uses that key" key rotate relay-a.psk
ok "nothing has changed" cmp third relay-a.psk
rm relay-a.psk.previous
sed 's/relay-a/relay-b/' first >relay-a.psk.next
ok "a next key of another relay" fails "expected a koshien-relay-key of relay-a" key rotate relay-a.psk
ok "nothing has changed" cmp third relay-a.psk
ok "a source's key is changed in another way" fails "make a new pair" key rotate camera.key
ok "a key in no folder" fails "nowhere/b.psk: No such file or directory; make the folder first" keygen relay b --dir nowhere
ok "a list in no folder" fails "nowhere/l: No such file or directory; make the folder first" key revoke b --list nowhere/l
ok "rotate of no key" fails "No such file" key rotate none.psk

# A master key and a relay's, in the order that the programs want.
cp far.psk far.first
ok "a relay's key before its master key" fails "change the master key first" key rotate far.psk --master up.master
ok "a random key has no master key" fails "was not made from up.master" key rotate relay-a.psk --master up.master
ok "the master key's first step" "$ctl" key rotate up.master
ok "says what the relays need" has "koshienctl key rotate RELAY.psk --master up.master"
ok "a relay made meanwhile" "$ctl" keygen relay late --master up.master
ok "has to follow" has "koshienctl key rotate ./late.psk --master up.master"
ok "the relay's first step" "$ctl" key rotate far.psk --master up.master
cp far.psk.next far.second
ok "the relay may be first" "$ctl" key rotate far.psk --master up.master
ok "but not finish" fails "up.master still has the key before" key rotate far.psk --master up.master
ok "its key before is kept" cmp far.first far.psk.previous
ok "the master key's second step" "$ctl" key rotate up.master
ok "the relay's last step" "$ctl" key rotate far.psk --master up.master
ok "its key is what the new master key gives" "$ctl" keygen relay far --master up.master --dir "$(mkdir new && echo new)"
ok "byte for byte" cmp new/far.psk far.psk
ok "the late relay follows after it, too" "$ctl" key rotate late.psk --master up.master
ok "a master key has no master key" fails "it is a master key itself" key rotate up.master --master up.master
ok "the master key's last step" "$ctl" key rotate up.master
ok "drops the one before" gone up.master.previous

# --- key revoke ------------------------------------------------------------------------------------
ok "revoke" "$ctl" key revoke far near --list revoked
ok "the list may be read by the programs" mode_is revoked 644
ok "with the date" grep -q "^far	# [0-9]\{4\}-[0-9][0-9]-[0-9][0-9]$" revoked
chmod 640 revoked
printf '# by hand\nlost   # on a train' >>revoked
cp revoked before
ok "once more" "$ctl" key revoke near far --list revoked
ok "says so" has "near was revoked already"
ok "changes nothing" cmp before revoked
ok "one more, twice" "$ctl" key revoke late late --list revoked
ok "is there once" [ "$(grep -c '^late' revoked)" -eq 1 ]
ok "keeps what was written by hand" grep -q '^lost   # on a train$' revoked
ok "and the permissions" mode_is revoked 640
ok "key revoked" "$ctl" key revoked --list revoked
ok "has them all" [ "$(tr '\n' ' ' <out)" = "far near lost late " ]
ok "a name that is none" refuses "NAME: expected" key revoke far ../x --list revoked
echo 'Not A Name' >wrong
ok "a list that is none" fails "wrong:1: expected the name of a relay" key revoke x --list wrong
ok "stays as it is" [ "$(cat wrong)" = 'Not A Name' ]
ok "no list" refuses "expected --list FILE" key revoke x
ok "no list to show" fails "No such file" key revoked --list none
ok "a list of another command" refuses "--list goes with" key show up.master --list revoked
ok "a master key of another command" refuses "--master goes with" key show up.master --master up.master
ok "no word" refuses "expected show|rotate" key
ok "another word" refuses "expected 'show', 'rotate'" key turn x
ok "rotate of nothing" refuses "rotate: expected FILE" key rotate
ok "rotate of two" refuses "one FILE too many" key rotate a b

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
