#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# bench/swarm as a program: processes, reports, exit status, TLS. --force everywhere but where it is about refusing:
# other tests on this machine must not make it do so.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
top_srcdir=${top_srcdir:-.}
swarm=${top_builddir:-.}/bench/swarm
serve=${top_builddir:-.}/tests/audience/serve
server='' tls_server=''
finish() {
	exec 7>&- 8>&-
	for pid in $server $tls_server; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
	rm -rf "$scratch"
}
[ -x "$serve" ] || skip_all 'the server it watches was not built (no Check)'
command -v jq >/dev/null || skip_all 'no jq'
trap finish EXIT
shown="$scratch/out $scratch/err"

# A server lives as long as its standard input.
mkfifo "$scratch/hold"
"$serve" <"$scratch/hold" >"$scratch/port" 7>&- &
server=$!
exec 7>"$scratch/hold"
within 10 test -s "$scratch/port" || { echo 'Bail out! no server'; exit 1; }
port=$(cat "$scratch/port")

# Runs end when what they are about has come, or at the deadline.
exits() { # STATUS OPTION...: what it says is in $scratch/out and $scratch/err, its report in $scratch/json
	wanted=$1
	shift
	rm -f "$scratch/json"
	status=0
	"$swarm" --json "$scratch/json" --seconds 60 "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
	[ "$status" -eq "$wanted" ] || { echo "exit status $status, not $wanted"; return 1; }
}
from() { echo "http://127.0.0.1:$port/$1"; } # WHAT
found() { jq -e "$1" "$scratch/json"; }

ok 'a good server' exits 0 --force --expect-clean --origin "$(from good)" --viewers 6 --pictures 240 --processes 3
ok 'its pictures, of all processes' found '.pictures >= 240 and .connects == 6 and .arrived == 6 and .viewers == 6'
ok 'none bad' found '.bad == 0 and .backwards == 0 and .skips == 0 and .truncated == 0'
ok 'ages, gaps and latencies' found '.age_ms.mean > 0 and .age_ms.p99 >= .age_ms.p50 and .gap_ms.p50 > 20 and
	.latency_ms.max >= .latency_ms.p50'
ok 'shares of all servers' found '(.share.even + .share.odd | . > 0.999 and . < 1.001) and .share.odd > 0.3'
ok 'statuses' found '.statuses["200"] == .pictures'
ok 'a table' grep -q '^  age on the screen, over time ' "$scratch/out"
ok 'a line each second' grep -q '^ *[0-9]* s  6 viewers ' "$scratch/err"
# Each key of the report is explained.
jq -r 'keys[], (.own | keys[])' "$scratch/json" >"$scratch/keys"
explained() {
	missing=0
	while read -r key; do
		grep -qF "\`$key\`" "$top_srcdir/doc/swarm.md" || { echo "$key"; missing=1; }
	done <"$scratch/keys"
	return $missing
}
ok 'doc/swarm.md explains each number' explained

ok 'the CPU time of the server' exits 0 --force --origin "$(from good)" --viewers 6 --seconds 1 --cpu-of "$server"
ok 'some, and not more than there was' found '.server_cpu_s > 0 and .server_cpu_s < .seconds + 0.5'
ok 'it is explained' grep -qF '`server_cpu_s`' "$top_srcdir/doc/swarm.md"
ok 'in the table' grep -q '^the server: .* us for each picture$' "$scratch/out"
ok 'not of what is no process' exits 2 --origin "$(from good)" --cpu-of 0

ok 'quiet' exits 0 --force --quiet --origin "$(from good)" --viewers 1 --pictures 1
ok 'nothing said' test ! -s "$scratch/err"
ok 'two origins' exits 0 --force --origin "$(from good)=3" --origin "$(from interim)=1" --mode flat --viewers 4 \
	--pictures 400
ok 'an end after so many pictures' found '.pictures >= 400 and .pictures < 410 and .seconds < 60'

ok 'bad pictures fail' exits 1 --force --origin "$(from torn)" --viewers 1 --pictures 2
ok 'and are told' grep -q '^swarm: .* bad$' "$scratch/err"
ok 'by their reason' found '.bad_by.etag > 0'
ok 'no picture fails' exits 1 --force --origin "$(from busy)" --viewers 1 --seconds 1
ok 'and is told, too' grep -q '^swarm: not one good picture;' "$scratch/err"
ok 'older pictures alone do not' exits 0 --force --origin "$(from older)" --viewers 1 --pictures 4
ok 'but where all must be clean' exits 1 --force --expect-clean --origin "$(from older)" --viewers 1 \
	--pictures 4
ok 'skips the same' exits 1 --force --expect-clean --origin "$(from skips)" --viewers 1 --pictures 4
ok 'cut ones in any case' exits 1 --force --origin "$(from cut)" --viewers 1 --pictures 2
printf '# comes, stays, goes\n0,3\n1,3\n1,0\n3,0\n' >"$scratch/trace"
ok 'a trace' exits 0 --force --origin "$(from good)" --trace "$scratch/trace" --seconds 5
ok 'its viewers came and went' found '.arrived == 3 and .left == 3 and .viewers == 0'
ok 'an event: ramp, burst, short stays, and the hostile' exits 0 --force --origin "$(from good)" --burst 5@0.5 \
	--stay-median 1 --slow 2 --stalled 2 --loris 2 --pictures 400 --viewers 5 --ramp 1
ok 'all of them are in the report' found '.slow.arrived == 2 and .stalled.arrived == 2 and .loris.arrived == 2 and
	.arrived >= 10'

# A process that does not run for a while is late; each pause makes one beat of about seventy so.
# shellcheck disable=SC2120 # ok passes them
paused() { # OPTION...
	rm -f "$scratch/json"
	"$swarm" --quiet --origin "$(from good)" --viewers 1 --pictures 20 --json "$scratch/json" "$@" \
		>"$scratch/out" 2>"$scratch/err" &
	paused_pid=$!
	within 5 pgrep -P "$paused_pid" >"$scratch/worker" || return 1
	worker=$(cat "$scratch/worker")
	for _ in 1 2 3 4; do
		sleep 0.15
		kill -STOP "$worker" || break	# it is done
		sleep 0.1
		kill -CONT "$worker"
	done
	wait "$paused_pid"
}
refuses() { ! paused && [ ! -e "$scratch/json" ] && ! grep -q pictures "$scratch/out"; }
ok 'no report from late timers' refuses
ok 'but why, and what to do' grep -q 'timers were up to .* ms late .*--processes.*--force' "$scratch/err"
ok 'a forced report' paused --force
ok 'says that it is unreliable' found '.reliable == false and (.doubt | test("timers"))'
ok 'in words, too' grep -q '^UNRELIABLE: ' "$scratch/out"

interrupted() {
	"$swarm" --force --origin "$(from good)" --viewers 2 --seconds 600 --json "$scratch/json" >"$scratch/out" \
		2>"$scratch/err" &
	interrupted_pid=$!
	within 60 grep -q '[1-9][0-9]* pictures' "$scratch/err" || return 1
	kill -TERM "$interrupted_pid"
	wait "$interrupted_pid"
}
ok 'a signal ends it' interrupted
ok 'with the report so far' found '.pictures > 0 and .seconds < 600'

# shellcheck disable=SC3045 # dash and bash have it
few_descriptors() { (ulimit -n 100 && exits 1 --origin "$(from good)" --viewers 1000); }
ok 'too many viewers for one process' few_descriptors
ok 'and what to do' grep -q 'descriptors .*--processes' "$scratch/err"
ok 'no file to write to' exits 1 --force --origin "$(from good)" --viewers 1 --pictures 1 --json "$scratch/no/json"

for wrong in '' '--origin ftp://x' '--origin http://x=0' '--mode quickly' '--viewers -1' '--burst 5' \
	'--trace /no/such' '--stay-sigma x' '--picture x' '--conditional maybe' '--processes 0' \
	'--origin http://no.such.host.invalid'; do
	# shellcheck disable=SC2086 # words
	case $wrong in
	'' | --origin*) ok "wrong usage: ${wrong:-no origin}" exits 2 $wrong ;;
	*) ok "wrong usage: $wrong" exits 2 --origin "$(from good)" $wrong ;;
	esac
done

# --- TLS ----------------------------------------------------------------------------------------------
if ! command -v openssl >/dev/null; then
	skip 'TLS' 'no openssl'
elif "$swarm" --origin https://127.0.0.1:9 --viewers 0 --seconds 1 2>&1 | grep -q 'had no OpenSSL'; then
	skip 'TLS' 'built without OpenSSL'
else
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$scratch/key" -out "$scratch/cert" -days 2 \
		-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$scratch/other.key" -out "$scratch/other" -days 2 \
		-subj /CN=other 2>/dev/null
	# The answer as bytes: s_server -HTTP sends the file that is asked for, head and all, and closes.
	mkdir -p "$scratch/www/main/std"
	curl -si "$(from good)/main/std/latest.jpg" >"$scratch/www/main/std/latest.jpg"
	tls_port=$(free_port tcp)
	(cd "$scratch/www" && exec openssl s_server -accept "127.0.0.1:$tls_port" -cert ../cert -key ../key -HTTP \
		-quiet >/dev/null 2>&1 </dev/null) &
	tls_server=$!
	within 10 taken "$tls_port" tcp
	tls() { # SCHEME [SECONDS]
		echo "--force --mode flat --viewers 1 --pictures 3 --seconds ${2:-60} --origin ${1}127.0.0.1:$tls_port"
	}
	# shellcheck disable=SC2046 # words
	{
		ok 'TLS' exits 0 $(tls https://)
		ok 'pictures through it' found '.pictures > 0 and .bad == 0'
		ok 'TLS where http was given' exits 0 $(tls http://) --tls
		ok 'a certificate that is good' exits 0 $(tls https://) --tls-ca "$scratch/cert"
		ok 'one that is not' exits 1 $(tls https:// 5) --tls-ca "$scratch/other"
		ok 'is an error of connecting' found '.connect_errors > 0 and .connects == 0'
		ok 'no authorities' exits 1 $(tls https://) --tls-ca /no/such
	}
fi
done_testing
