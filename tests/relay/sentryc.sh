#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# sentryc as a program: what it refuses and how it says so, reload, metrics, a clean end.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
sentryc=${top_builddir:-build}/relay/sentryc
ctl=${top_builddir:-build}/koshienctl/koshienctl
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$scratch"' EXIT
shown="$scratch/said $scratch/log"

refuses() { # TEXT ARGUMENT...: exit status 2, and TEXT in what it says
	text=$1
	shift
	status=0
	"$sentryc" --config "$scratch/conf" "$@" >"$scratch/said" 2>&1 || status=$?
	[ "$status" -eq 2 ] && grep -qF -e "$text" "$scratch/said"
}
says() { grep -qF -e "$1" "$scratch/log"; }
never() { ! "$@"; }
running() { kill -0 "$pid" 2>/dev/null; }
ended() { ! running; }
ends_with() { # STATUS: of the sentryc that runs
	status=0
	wait "$pid" || status=$?
	pid=
	[ "$status" -eq "$1" ]
}
start() { # begins in the background, until it listens or ends
	port=$(free_port udp)
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
listening_or_ended() { taken "$port" udp || ended; }
reload() { kill -HUP "$pid"; }
stop() { kill -TERM "$pid"; }

"$ctl" keygen source camera --dir "$scratch" >/dev/null || exit 1
"$ctl" keygen source other --dir "$scratch" >/dev/null || exit 1
"$ctl" keygen relay relay --dir "$scratch" >/dev/null || exit 1

"$ctl" keygen relay next --dir "$scratch" >/dev/null || exit 1
"$ctl" keygen master up --dir "$scratch" >/dev/null || exit 1

: >"$scratch/conf"
ok "no parents and no keys" refuses "parent: expected at least one"
ok "no sources" refuses "trust: expected at least one public key"
printf 'history = 1\n' >"$scratch/conf"
ok "a number out of range, with file and line" refuses "$scratch/conf:1: history: expected a whole number from 2"
printf 'listen = { "127.0.0.1" }\n' >"$scratch/conf"
ok "an address without a port" refuses "listen: expected ADDRESS:PORT"
printf 'key = { "%s/relay.psk" }\ntrust = { "%s/relay.psk" }\n' "$scratch" "$scratch" >"$scratch/conf"
ok "a key of another kind" refuses "$scratch/relay.psk: it is a key of another kind" --check-config
: >"$scratch/conf"
good="--trust $scratch/camera.pub --key $scratch/relay.psk"
parent() { echo "home,address=$1,key=$scratch/relay.psk"; }
# shellcheck disable=SC2086 # a list of options
{
	ok "a parent that has no port" refuses "expected HOST:PORT like" $good --parent "$(parent home.example)"
	ok "a parent without a key" refuses "--parent: expected" $good --parent home,address=home.example:7509
	ok "a parent twice" refuses "each title once" $good --parent "$(parent a:1)" --parent "$(parent b:1)"
	ok "a parent with no name for labels" refuses "lower-case letters" $good --parent "Home,address=a:1,key=$scratch/relay.psk"
	ok "a parent's key that is not there" refuses "$scratch/none: No such file" $good --parent "home,address=a:1,key=$scratch/none"
	ok "too many channels" refuses "channel: expected at most 4, got 5" $good --channel a --channel b --channel c --channel d --channel e
	ok "a channel that cannot be" refuses "--channel: expected" $good --channel Main
	ok "too many keys" refuses "key: expected at most 3, got 4" $good --key "$scratch/a" --key "$scratch/b" --key "$scratch/c"
	ok "revoked without a master key" refuses "revoked: expected a master key" $good --revoked "$scratch/list"
	ok "a list that is not there" refuses "$scratch/list: No such file" $good --master "$scratch/up.master" --revoked "$scratch/list"
	printf 'lost\n\nNot a name\n' >"$scratch/list"
	ok "a list with a line that is no name" refuses "$scratch/list:3: expected the name of a relay" $good \
		--master "$scratch/up.master" --revoked "$scratch/list"
	ok "a master key of another kind" refuses "$scratch/relay.psk: it is a key of another kind" $good --master "$scratch/relay.psk"
	cp "$scratch/next.psk" "$scratch/relay.psk.next"
	ok "a next key of another relay" refuses "a key of 'next'; expected one of 'relay'" $good
	rm "$scratch/relay.psk.next"
}
: >"$scratch/several.conf"
for name in a b c d e f g h i; do
	echo "parent \"$name\" { address = \"$name.example:7509\" key = \"$scratch/relay.psk\" }" >>"$scratch/several.conf"
done
echo "trust = { \"$scratch/camera.pub\" }" >>"$scratch/several.conf"
cp "$scratch/several.conf" "$scratch/conf"
ok "nine parents" refuses "parent: expected at most 8, got 9"
sed -i -e 1d "$scratch/conf"
ok "eight are taken" "$sentryc" --config "$scratch/conf" --check-config
echo 'parent "x" { address = "nowhere" key = "k" }' >>"$scratch/conf"
ok "a parent's address, with file and line" refuses "$scratch/conf:10: address: expected HOST:PORT"
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
ok "a good reload says so" within 10 says "reloaded: 0 parents, 1 keys of parents that send unasked, 1 trusted sources"
cp "$scratch/relay.psk" "$scratch/relay.psk.next"
cat >>"$scratch/conf" <<-END
	parent "home" { address = "127.0.0.1:9" key = "$scratch/relay.psk" }
	master = "$scratch/up.master"
	datagram = 1000
END
reload
ok "a reload with a parent, a master key and a next key" \
	within 10 says "reloaded: 1 parents, 2 keys of parents that send unasked, 1 trusted sources, a parent itself"
ok "what needs no restart does not ask for one" never says "taken over only by a restart"
sed -i "s/^listen = .*/listen = { \"127.0.0.1:$(free_port udp)\" }/" "$scratch/conf"
echo 'channels-max = 3' >>"$scratch/conf"
reload
ok "what needs one says so" within 10 says "listen is taken over only by a restart"
ok "each of them" within 10 says "channels-max is taken over only by a restart"
stop
ok "ends" within 10 ended
ok "with status 0" ends_with 0
ok "starts again" start
stop
ok "ends again" within 10 ended
ok "with status 0 again" ends_with 0

# Whoever only asks needs no port that others know.
sockets() { find "/proc/$pid/fd" -lname 'socket:*' -printf '%l\n' 2>/dev/null | tr -dc '0-9\n'; }
has_port() { sockets | while read -r inode; do awk -v port=":$(printf %04X "$1")$" -v inode="$inode" \
	'$2 ~ port && $10 == inode { print }' /proc/net/udp /proc/net/udp6; done | grep -q .; }
has_no_port() { ! has_port "$1"; }
metrics=$(free_port tcp)
cat >"$scratch/conf" <<-END
	parent "home" { address = "127.0.0.1:9" key = "$scratch/relay.psk" }
	trust = { "$scratch/camera.pub" }
	store-dir = "$scratch/stores"
	metrics = "127.0.0.1:$metrics"
END
NOTIFY_SOCKET= "$sentryc" --config "$scratch/conf" >"$scratch/log" 2>&1 &
pid=$!
ok "a relay that only asks starts" within 10 taken "$metrics" tcp
ok "and does not listen" has_no_port 7510
stop
ok "it ends" within 10 ended
ok "with status 0" ends_with 0
done_testing
