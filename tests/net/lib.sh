# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Hosts of their own for the daemons: each is a network namespace, joined to the others through one router ("wan") by a
# link that the test can make as bad as it likes. Sourced by each test of this folder; all that it makes has this
# process's id in its name and goes with it.
#
#	host relay-1 21 v6          a host at fd77::21; v4: 10.77.0.21; dual: both
#	faults relay-1 'ba loss 5%' its link: ab is from the host, ba is to it
#	start NAME HOST COMMAND...  a daemon there, its output in $scratch/NAME.log
set -u
top_srcdir=${top_srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
top_builddir=${top_builddir:-$top_srcdir/build}
tools=$top_builddir/tests/net
sentryd=$top_builddir/capture/sentryd sentryc=$top_builddir/relay/sentryc ctl=$top_builddir/koshienctl/koshienctl
prefix=ks$$
scratch=

# --- TAP ---------------------------------------------------------------------------------------------
tests=0
ok() { # NAME COMMAND...: a test that passes when the command succeeds
	local name=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$scratch/out" 2>&1; then
		echo "ok $tests - $name"
	else
		echo "not ok $tests - $name"
		sed 's/^/# /' "$scratch/out"
		for log in "$scratch"/*.log; do [ ! -s "$log" ] || tail -n 8 "$log" | sed "s|^|# ${log##*/}: |"; done
	fi
}
skip() { tests=$((tests + 1)); echo "ok $tests - $1 # SKIP $2"; }
skip_all() { echo "1..0 # SKIP $1"; exit 0; }
figure() { echo "# $*"; }
done_testing() { echo "1..$tests"; }
within() { # SECONDS COMMAND...: tried until it succeeds
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.2	# a look at eight stores costs more than a frame does
	done
}

# --- what is needed ------------------------------------------------------------------------------------
[ "$(id -u)" = 0 ] || skip_all "needs root for network namespaces"
command -v ip >/dev/null || skip_all "iproute2 is not installed"
command -v jq >/dev/null || skip_all "jq is not installed"
command -v curl >/dev/null || skip_all "curl is not installed"
[ -c /dev/net/tun ] || skip_all "needs /dev/net/tun"
need_programs() { for program; do [ -x "$program" ] || skip_all "$program is not built"; done; }
need_programs "$tools/link" "$tools/held" "$tools/probe" "$tools/flood"
ip netns add "$prefix-try" 2>/dev/null || skip_all "this kernel or container allows no network namespaces"
ip netns del "$prefix-try"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/koshien-tests-net-XXXXXX")
declare -A pid=() host_number=() host_family=()
hosts=()
cleanup() {
	local name
	for name in "${!pid[@]}"; do kill -TERM "${pid[$name]}" 2>/dev/null; done
	for name in "${!pid[@]}"; do
		within 5 ended "$name" || kill -KILL "${pid[$name]}" 2>/dev/null
	done
	wait
	for name in "${hosts[@]}"; do ip netns del "$prefix-$name" 2>/dev/null; done
	rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# --- daemons -------------------------------------------------------------------------------------------
on() { # HOST COMMAND...
	local host=$1
	shift
	ip netns exec "$prefix-$host" "$@"
}
start() { # NAME HOST COMMAND...
	local name=$1 host=$2
	shift 2
	# Not through on(): what is started has to be the child itself, so that a signal reaches it.
	ip netns exec "$prefix-$host" "$@" >>"$scratch/$name.log" 2>&1 </dev/null &
	pid[$name]=$!
}
# A child that has ended and was not waited for is a zombie, and still there for kill.
ended() {
	local state=Z
	{ read -r _ _ state _ <"/proc/${pid[$1]}/stat"; } 2>/dev/null
	[ "$state" = Z ]
}
running() { ! ended "$1"; }
stop() { # NAME [SIGNAL]
	kill "-${2:-TERM}" "${pid[$1]}" 2>/dev/null
	wait "${pid[$1]}" 2>/dev/null
	unset "pid[$1]"
}
reload() { kill -HUP "${pid[$1]}"; }
says() { grep -q -e "$2" "$scratch/$1.log"; }	# NAME PATTERN
# Its own memory. VmRSS has the stores in it too, whose pages come one by one as frames are written.
own_kib() { awk '$1 == "RssAnon:" { print $2 }' "/proc/${pid[$1]}/status"; }
rss_kib() { awk '$1 == "VmRSS:" { print $2 }' "/proc/${pid[$1]}/status"; }
metric() { # HOST NAME [LABEL-VALUE]...: the sum, over all or those with one of these values
	local name=$2 any=
	on "$1" curl -sS --max-time 5 "http://127.0.0.1:$metrics_port/metrics" >"$scratch/metrics"
	shift 2
	for value; do any+="${any:+|}\"$value\""; done
	awk -v name="$name" -v any="$any" '
		(index($1, name "{") == 1 || $1 == name) && (any == "" || $0 ~ any) { sum += $NF; found = 1 }
		END { if (!found) exit 1; printf "%.0f\n", sum }' "$scratch/metrics"
}

# --- hosts ---------------------------------------------------------------------------------------------
faults() { "$tools/link" --tell "$scratch/$1.link" "${@:2}"; }	# HOST COMMAND...
carried() { faults "$1" counters | jq "${@:2}"; }			# HOST JQ-ARGUMENT...
namespace() { ip netns add "$prefix-$1" && hosts+=("$1") && ip -n "$prefix-$1" link set lo up; }
quiet_device() { # HOST DEVICE: no addresses of its own, no words to routers
	on "$1" sysctl -q -w "net.ipv6.conf.$2.accept_ra=0" "net.ipv6.conf.$2.addr_gen_mode=1" \
		"net.ipv6.conf.$2.dad_transmits=0" "net.ipv4.conf.$2.rp_filter=0"
}
wan() {
	namespace wan
	on wan sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0
	ip -n "$prefix-wan" addr add 10.77.0.254/32 dev lo
	ip -n "$prefix-wan" addr add fd77::254/128 dev lo
}
address() { # HOST [v4|v6]: without a word its only one, or IPv4
	case ${2:-${host_family[$1]}} in
	v6) echo "fd77::${host_number[$1]}" ;;
	*) echo "10.77.0.${host_number[$1]}" ;;
	esac
}
host() { # NAME NUMBER v4|v6|dual [LINK-OPTION]...
	local name=$1 n=$2
	host_number[$name]=$2 host_family[$name]=$3
	shift 3
	namespace "$name"
	: >"$scratch/$name.link.log"
	"$tools/link" --a-netns "$prefix-$name" --b-netns "$prefix-wan" --a-name wan --b-name "$name" \
		--control "$scratch/$name.link" --seed "$n" "$@" >>"$scratch/$name.link.log" 2>&1 </dev/null &
	pid[$name.link]=$!
	within 10 grep -q ready "$scratch/$name.link.log" || return 1
	quiet_device "$name" wan
	quiet_device wan "$name"
	give_address "$name" "$n"
	[ "${host_family[$name]}" = v6 ] || ip -n "$prefix-$name" route add default dev wan
	[ "${host_family[$name]}" = v4 ] || ip -n "$prefix-$name" -6 route add default dev wan
}
give_address() { # HOST NUMBER: and the way there
	if [ "${host_family[$1]}" != v6 ]; then
		ip -n "$prefix-$1" addr add "10.77.0.$2/32" dev wan
		ip -n "$prefix-wan" route add "10.77.0.$2/32" dev "$1"
	fi
	if [ "${host_family[$1]}" != v4 ]; then
		ip -n "$prefix-$1" addr add "fd77::$2/128" dev wan nodad
		ip -n "$prefix-wan" -6 route add "fd77::$2/128" dev "$1"
	fi
	host_number[$1]=$2
}
take_address() { # HOST NUMBER
	if [ "${host_family[$1]}" != v6 ]; then
		ip -n "$prefix-$1" addr del "10.77.0.$2/32" dev wan
		ip -n "$prefix-wan" route del "10.77.0.$2/32" dev "$1"
	fi
	if [ "${host_family[$1]}" != v4 ]; then
		ip -n "$prefix-$1" addr del "fd77::$2/128" dev wan
		ip -n "$prefix-wan" -6 route del "fd77::$2/128" dev "$1"
	fi
}
listening() { on "$1" cat /proc/net/udp /proc/net/udp6 | grep -qi ":$(printf %04X "$2") "; }	# HOST PORT

# --- the usual cast --------------------------------------------------------------------------------------
# A capture host, parents that subscribe to it, and relays that subscribe to them. Parents' keys are made from the
# master key "cameras", relays' from "parents".
camera_port=7509 relay_port=7510 metrics_port=9302 period_ms=${period_ms:-250}
make_relay_key() { "$ctl" keygen relay "$1" --master "$scratch/$2.master" --dir "$scratch"; }	# NAME MASTER
make_keys() { # RELAY...
	local name
	for name in camera spare; do "$ctl" keygen source "$name" --dir "$scratch" || return 1; done
	"$ctl" keygen master cameras --dir "$scratch" || return 1
	"$ctl" keygen master parents --dir "$scratch" || return 1
	for name in parent-a parent-b; do make_relay_key "$name" cameras || return 1; done
	for name; do make_relay_key "$name" parents || return 1; done
} >"$scratch/keygen" 2>&1
# HOST [OPTION]...: its signing key and state have the host's name.
camera() {
	local host=$1
	shift
	mkdir -p "$scratch/$host.state"
	start "$host" "$host" "$sentryd" --listen "0.0.0.0:$camera_port" --listen "[::]:$camera_port" \
		--master "$scratch/cameras.master" --signing-key "$scratch/$host.key" \
		--state-dir "$scratch/$host.state" --source test --resolution 320x240 --period "$period_ms" \
		--metrics 127.0.0.1:$metrics_port "$@"
}
url() { # HOST PORT [v4|v6]
	local address
	address=$(address "$1" "${3:-}")
	case $address in *:*) echo "[$address]:$2" ;; *) echo "$address:$2" ;; esac
}
parent_of() { echo "$1,address=$(url "$1" "$2" "${4:-}"),key=$scratch/$3.psk"; }	# PARENT PORT RELAY [v4|v6]
store() { mkdir -p "$scratch/$1.store" && echo "$scratch/$1.store"; }
common() { echo --store-dir "$(store "$1")" --history 2000 --metrics 127.0.0.1:$metrics_port \
	--trust "$scratch/camera.pub" --trust "$scratch/spare.pub"; }
# HOST CAMERAS [OPTION]...
parent() {
	local host=$1 of=() camera
	for camera in $2; do of+=(--parent "$(parent_of "$camera" $camera_port "$host")"); done
	shift 2
	# shellcheck disable=SC2046
	start "$host" "$host" "$sentryc" $(common "$host") --listen "0.0.0.0:$relay_port" --listen "[::]:$relay_port" \
		--master "$scratch/parents.master" "${of[@]}" "$@"
}
# HOST PARENTS [OPTION]...: by the family that it has.
relay() {
	local host=$1 of=() parent by=${host_family[$1]}
	[ "$by" != dual ] || by=v4
	for parent in $2; do of+=(--parent "$(parent_of "$parent" $relay_port "$host" "$by")"); done
	shift 2
	# shellcheck disable=SC2046
	start "$host" "$host" "$sentryc" $(common "$host") "${of[@]}" "$@"
}
# Hosts only; "spare" is a second capture host. Their links are perfect at first.
build_topology() {
	need_programs "$sentryd" "$sentryc" "$ctl"
	wan
	host camera 1 dual && host spare 2 dual && host parent-a 11 dual && host parent-b 12 dual &&
		host relay-1 21 v4 && host relay-2 22 v6 && host relay-3 23 dual && host relay-4 24 v6
}

# --- what arrived ------------------------------------------------------------------------------------------
mono_us() { "$tools/held" --now; }
held() { "$tools/held" "$scratch/$1.store" main std 2>/dev/null; }	# HOST; the columns are in held.c
newest() { held "$1" | tail -n 1 | cut -d ' ' -f 1; }
count_held() { held "$1" | wc -l; }
holds_at_least() { [ "$(count_held "$1")" -ge "$2" ]; }	# HOST FRAMES
all_hold() { local n=$1 name; shift; for name; do holds_at_least "$name" "$n" || return 1; done; }
captured_after() { # TIME HOST...: each holds a frame that was captured later
	local at=$1 name
	shift
	for name; do held "$name" | awk -v at="$at" '$4 > at { n++ } END { exit !n }' || return 1; done
}
published_after() { # HOST TIME [FRAMES]: it has published so many since (1)
	held "$1" | awk -v at="$2" -v least="${3:-1}" '$5 > at { n++ } END { exit n < least }'
}
first_after_ms() { # HOST TIME [SOURCE]: from then to its next publication, of this source
	held "$1" | awk -v at="$2" -v source="${3:-}" '
		$5 > at && (source == "" || $2 == source) { printf "%.0f\n", ($5 - at) / 1000; exit }'
}
captured_between() { # FROM TO HOST...: ids
	local from=$1 to=$2 name
	shift 2
	for name; do held "$name"; done | awk -v from="$from" -v to="$to" '$4 >= from && $4 <= to { print $1 }' |
		sort -u
}
# Of what was captured from FROM to TO, what HOST does not hold: what OTHERs do, and what the numbers say there must
# have been. $scratch/expected has all of it.
missing_between() { # FROM TO HOST OTHER...: ids
	local from=$1 to=$2 host=$3
	captured_between "$@" | awk -F - '
		!($1 in low) || $2 < low[$1] { low[$1] = $2 + 0 }
		$2 + 0 > high[$1] { high[$1] = $2 + 0 }
		END { for (epoch in low) for (seq = low[epoch]; seq <= high[epoch]; seq++) print epoch "-" seq }' |
		sort >"$scratch/expected"
	captured_between "$from" "$to" "$host" | comm -23 "$scratch/expected" -
}
missing() { missing_between "$@" | wc -l; }
# The same id is the same bytes everywhere.
byte_for_byte() { # HOST...
	local name
	for name; do held "$name"; done | awk '
		$1 in digest && digest[$1] != $7 { print "differs: " $1; bad = 1 }
		{ digest[$1] = $7; n++ }
		END { exit bad || n == 0 }'
}
# Ids rise with the time of publication.
never_backwards() { # HOST
	held "$1" | sort -n -k 5,5 | awk -F '[- ]' '
		NR > 1 && ($1 < epoch || ($1 == epoch && $2 <= seq)) { print "back to " $1 "-" $2; bad = 1 }
		{ epoch = $1 + 0; seq = $2 + 0 } END { exit bad || NR == 0 }'
}
# The longest time between two publications, in ms, from FROM to TO.
longest_gap_ms() { # HOST FROM TO
	held "$1" | awk -v from="$2" -v to="$3" '
		$5 < from || $5 > to { next }
		{ if (last && $5 - last > most) most = $5 - last; last = $5 }
		END { printf "%.0f\n", most / 1000 }'
}
