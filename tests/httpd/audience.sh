# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# Audiences of bench/swarm, a writer that does not stop, and the locations that are watched ($both_ways), for tests of
# an httpd that runs. Sourced behind httpd.sh:
#
#	feed_begin --epoch 7 --every-ms 100 --size 8192-30000 main std
#	audience patient --mode wait --viewers 200 --seconds 10
#	audience_end patient
#	is 'nothing wrong' "$(faults patient)" none
#	is 'all saw one' "$(figure patient without_picture)" 0
#
# HTTPD_LONG=1 runs them at full size; where a machine is shared with others, only the small one is for CI.

# /live is the pump's, and /rest has the same pictures from httpd's threads.
# shellcheck disable=SC2034
both_ways='<Location "/live">
	SetHandler sentry
</Location>
<Location "/rest">
	SetHandler sentry
	SentryPump Off
</Location>'
swarm=$top_builddir/bench/swarm
[ -x "$swarm" ] || bail_out "$swarm is not built"
# shellcheck disable=SC2034 # the tests do
long=${HTTPD_LONG:-}
ulimit -n "$(ulimit -Hn)"
# shellcheck disable=SC2034
descriptors_max=$(ulimit -n)
declare -A audience_pid=() figures=()
feeders=()

end_others() {
	local pid
	for pid in "${audience_pid[@]}" "${feeders[@]+"${feeders[@]}"}"; do
		kill "$pid" 2>/dev/null
	done
	clean_up
}
trap end_others EXIT

# Without a deadline of its own: it ends with the test. Not the function: its process would be a shell around the one
# to end.
feed_begin() { # OPTION... CHANNEL RENDITION
	local n=$#
	"$top_builddir/tests/httpd/feed" --count 100000000 "${@:1:n-2}" "$store" "${@:n-1}" >/dev/null &
	feeders+=("$!")
}

# Watches $watched, or /live, from now on. Its own slowness, on a machine that does other things too, is not what is
# tested.
audience() { # NAME OPTION...
	local name=$1
	shift
	rm -f "$work/$name.json"
	"$swarm" --origin "${watched:-http://127.0.0.1:$port/live}" --quiet --force --json "$work/$name.json" "$@" \
		>"$work/$name.said" 2>&1 </dev/null &
	audience_pid[$name]=$!
}

# Those that were to go on until all has been seen.
audience_stop() { # NAME...
	local name
	for name; do kill -TERM "${audience_pid[$name]}"; done
	audience_end "$@"
}

audience_end() { # NAME...
	local name key value
	for name; do
		wait "${audience_pid[$name]}"
		unset "audience_pid[$name]"
		if [ ! -s "$work/$name.json" ]; then
			sed "s/^/# $name: /" "$work/$name.said" | tail -5
			continue
		fi
		while read -r key value; do figures[$name.$key]=$value; done < <(flatten <"$work/$name.json")
	done
}

# The report has a line for each number, and a blank more for each level.
flatten() {
	awk '{
		depth = match($0, /[^ ]/) - 1
		if (!match($0, /^ *"[^"]*": /)) next
		name[depth] = substr($0, depth + 2, RLENGTH - depth - 4)
		value = substr($0, RLENGTH + 1)
		sub(/,$/, "", value)
		key = name[1]
		for (i = 2; i <= depth; i++) key = key "." name[i]
		if (value != "{") print key, value
	}'
}

figure() { echo "${figures[$1.$2]-}"; } # NAME KEY
sum() { # KEY NAME...
	local key=$1 name total=0
	shift
	for name; do total=$((total + ${figures[$name.$key]:-0})); done
	echo "$total"
}

# What never is right, of viewers and of slow ones, as far as it happened; "none" of a report without.
fault_names='bad truncated backwards timeouts malformed connect_errors closed_unanswered closed_cut closed_reset'
faults() { # NAME
	local name kind said=''
	[ -n "$(figure "$1" pictures)" ] || { echo 'no report'; return; }
	for name in $fault_names; do
		for kind in '' slow.; do
			[ "${figures[$1.$kind$name]:-0}" = 0 ] || said+="$kind$name=${figures[$1.$kind$name]} "
		done
	done
	[ -z "$(figure "$1" fault | tr -d '"')" ] || said+="fault=$(figure "$1" fault) "
	echo "${said:-none}"
}

metric() { # NAME: of the pump, through a location that it has no part in
	curl -s -m 5 "$base/rest/metrics" | awk -v name="$1" '$1 == name { print $2 }'
}
metric_is() { [ "$(metric "koshien_serve_$1")" = "$2" ]; } # NAME VALUE
children_of() { pgrep -P "$server_pid"; }
are_gone() { # PID...
	local pid
	for pid; do ! kill -0 "$pid" 2>/dev/null || return 1; done
}
descriptors() { find "/proc/$1/fd" 2>/dev/null | wc -l; } # PID
