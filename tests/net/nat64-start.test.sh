#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# nat64d on a machine where something is missing: it says what, or does without.
. "$(dirname "$0")/lib.sh"

nat64d=$top_builddir/nat64/nat64d
need_programs "$nat64d" "$ctl"
for program in setpriv unshare; do command -v $program >/dev/null || skip_all "$program is not installed"; done

printf 'mapping-prefix 64:ff9b:1::/96\nmap-static 192.0.2.1 2001:db8:1::1\n' >"$scratch/nat64d.conf"
options=(--config "$scratch/nat64d.conf" --drain-seconds 0 --control "$scratch/nat64d.sock")
ready() { says "$1" 'mappings are in force'; }
translator() { # NAME COMMAND...
	local name=$1
	shift
	start "$name" host "$@"
	within 10 ready "$name"
}
refuses() { # STATUS PATTERN COMMAND...: it ends with this, and says so
	local status=$1 pattern=$2 got=0
	shift 2
	on host timeout 20 "$@" >"$scratch/refused" 2>&1 || got=$?
	cat "$scratch/refused"
	[ "$got" = "$status" ] && grep -q -e "$pattern" "$scratch/refused"
}
# SCRIPT COMMAND...: the command, after the script, where the script's mounts are seen by nobody else.
# shellcheck disable=SC2016
mounted=(unshare -m sh -ec 'script=$1; shift; eval "$script"; exec "$@"' sh)
can_mount() { on host "${mounted[@]}" "$1" true 2>"$scratch/mount"; }

ok "a host" namespace host

# --- the TUN ---------------------------------------------------------------------------------------------------------
ok "without CAP_NET_ADMIN: says so, and how to get it" refuses 1 'tun646: .*CAP_NET_ADMIN.*ip tuntap add' \
	setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$nat64d" "${options[@]}"
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
own_tun() { # MODE
	echo "mount -t tmpfs -o mode=755 none /dev/net; mknod /dev/net/tun c 10 200; chmod $1 /dev/net/tun"
}
chmod 755 "$scratch"
mkdir -m 777 "$scratch/open"
cp "$nat64d" "$scratch/nat64d"
if ! "${nobody[@]}" test -x "$scratch/nat64d"; then
	skip "as nobody" "$scratch is not for others"
elif can_mount "$(own_tun 666)"; then
	ok "as nobody, who may not open it: says so" refuses 1 'tun646: .*not allowed to open /dev/net/tun' \
		"${mounted[@]}" "$(own_tun 600)" "${nobody[@]}" "$scratch/nat64d" "${options[@]}"
	ok "as nobody, who may, but no more: says what it takes" refuses 1 'tun646: .*CAP_NET_ADMIN.*user NAME' \
		"${mounted[@]}" "$(own_tun 666)" "${nobody[@]}" "$scratch/nat64d" "${options[@]}"
	ok "a device of nobody's own" on host ip tuntap add name tun646 mode tun multi_queue vnet_hdr user 65534
	ok "will do" translator nobody "${mounted[@]}" "$(own_tun 666)" "${nobody[@]}" "$scratch/nat64d" "${options[@]}" \
		--routes=no --control "$scratch/open/nat64d.sock"
	stop nobody
	ip -n "$prefix-host" link del tun646
	# As dist/nat64d.service has it.
	ip -n "$prefix-host" addr add 192.0.2.200/24 dev lo
	ok "as nobody, with what the unit gives" translator unit "${mounted[@]}" "$(own_tun 666)" "${nobody[@]}" \
		--inh-caps=-all,+net_admin,+net_raw --ambient-caps=-all,+net_admin,+net_raw \
		--bounding-set=-all,+net_admin,+net_raw --no-new-privs "$scratch/nat64d" "${options[@]}" \
		--control "$scratch/open/nat64d.sock" --metrics 127.0.0.1:$metrics_port
	healthy() { [ "$(metric host koshien_nat64_healthy)" = 1 ]; }
	ok "is healthy" within 10 healthy
	ok "and misses nothing" test "$(grep -c -E '^(warn|error)' "$scratch/unit.log")" = 0
	ok "it keeps but the right to its routes" grep -q 'CapEff:[[:space:]]*0*1000$' "/proc/${pid[unit]}/status"
	stop unit
else
	skip "as nobody" "no device can be made: $(head -n 1 "$scratch/mount")"
fi
mkdir "$scratch/empty"
if can_mount "mount --bind $scratch/empty /dev/net"; then
	ok "without /dev/net/tun: says how to make it" refuses 1 'no /dev/net/tun: .*mknod.* modprobe tun' \
		"${mounted[@]}" "mount --bind $scratch/empty /dev/net" "$nat64d" "${options[@]}" --tun none
else
	skip "without /dev/net/tun" "nothing can be mounted: $(head -n 1 "$scratch/mount")"
fi
# A number that no driver has stands for a kernel without the module.
no_driver="mount -t tmpfs none /dev/net; mknod /dev/net/tun c 10 254"
if can_mount "$no_driver" && ! grep -q '^ *254 ' /proc/misc; then
	ok "without the driver: says which module" refuses 1 'the kernel has no TUN: modprobe tun' \
		"${mounted[@]}" "$no_driver" "$nat64d" "${options[@]}" --tun none
else
	skip "without the driver" "no device can be made: $(head -n 1 "$scratch/mount")"
fi
on host ip link add other type veth peer name another
ok "the name is that of another device: says so" refuses 1 'other: .*is no TUN.*choose another name with tun' \
	"$nat64d" "${options[@]}" --tun other
ok "with one queue and without offload, too" refuses 1 'other: .*is no TUN' \
	"$nat64d" "${options[@]}" --tun other --tso=no --uso=no --coalesce=no --workers 1
on host ip tuntap add name single mode tun
ok "a device with one queue, for two workers: says so" refuses 1 'single: .*without multi_queue' \
	"$nat64d" "${options[@]}" --tun single --workers 2
ok "for one worker it will do" translator single "$nat64d" "${options[@]}" --tun single \
	--metrics 127.0.0.1:$metrics_port
ok "it is in use: says so" refuses 1 'single: .*another program has it' \
	"$nat64d" --config "$scratch/nat64d.conf" --control "$scratch/busy.sock" --tun single

# --- what is taken already -------------------------------------------------------------------------------------------
ok "the port of the metrics is taken: says so" refuses 1 \
	"cannot listen on 127.0.0.1:$metrics_port: .*in use; choose another with --metrics" "$nat64d" \
	--config "$scratch/nat64d.conf" --control "$scratch/second.sock" --tun second --metrics 127.0.0.1:$metrics_port
gone() { ! ip -n "$prefix-host" link show "$1"; }
ok "and leaves no device behind" within 5 gone second
stop single

# --- the control socket ----------------------------------------------------------------------------------------------
socket_of() { "$ctl" nat64 --socket "$1" status | grep -q '^healthy'; }
mode() { [ "$(stat -c %a "$1")" = "$2" ]; }
before=$(umask)
umask 077
ok "its folder is not there" translator folder "$nat64d" "${options[@]}" --tun folder \
	--control "$scratch/new/nat64d.sock"
umask "$before"
ok "then it is made" mode "$scratch/new" 755
ok "the socket is for its user and group" mode "$scratch/new/nat64d.sock" 660
ok "and answers" socket_of "$scratch/new/nat64d.sock"
stop folder
ok "what the folder would be in is not there either: refused" refuses 1 \
	"^error nat64: control socket $scratch/none/none/nat64d.sock: .*choose another path with control" \
	"$nat64d" --config "$scratch/nat64d.conf" --control "$scratch/none/none/nat64d.sock"
ok "without a folder in a file's place" refuses 1 "control socket $scratch/nat64d.conf/x: .*choose another path" \
	"$nat64d" --config "$scratch/nat64d.conf" --control "$scratch/nat64d.conf/x"

# The path that nobody has chosen is of this machine: changes are for this test alone, in a layer over it.
preset=$("$nat64d" --help | sed -n -E 's/.*Unix socket for koshienctl nat64 \(default: (.*)\)/\1/p')
folder=${preset%/*}
base=$folder
while [ ! -d "$base" ] || [ "$base" = "$folder" ]; do base=${base%/*}; done
layer="mount -t tmpfs none $scratch/empty; mkdir $scratch/empty/up $scratch/empty/work
	mount -t overlay none -o lowerdir=$base,upperdir=$scratch/empty/up,workdir=$scratch/empty/work $base
	rm -rf $folder; mkdir -p ${folder%/*}"
if [ -n "$base" ] && can_mount "$layer"; then
	ok "the default path, whose folder is not there" translator preset \
		"${mounted[@]}" "$layer" "$nat64d" --config "$scratch/nat64d.conf" --drain-seconds 0 --tun preset
	seen=/proc/${pid[preset]}/root
	ok "it is made" mode "$seen$folder" 755
	ok "the socket is there" test -S "$seen$preset"
	ok "and nothing is said of it" test "$(grep -c 'control socket' "$scratch/preset.log")" = 0
	stop preset
	ok "the default path cannot be had: it goes on without" translator without \
		"${mounted[@]}" "$layer; : >$folder" "$nat64d" --config "$scratch/nat64d.conf" --drain-seconds 0 --tun without
	ok "and warns" says without "^warn  nat64: control socket $preset: .*It goes on without"
	kill -HUP "${pid[without]}"
	ok "it reloads" within 5 says without 'reloaded in'
	stop without
else
	skip "the default path" "no layer can be laid over $base: $(head -n 1 "$scratch/mount")"
fi
done_testing
