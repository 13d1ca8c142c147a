# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Graceful restarts and a graceful stop while viewers wait and poll: they see whole pictures and clean closes, the old
# children go, and all viewers are served by the new ones.
#
# A server that closes a connection between two answers cannot know whether a request is on its way, and a client
# cannot tell it from one that died: so the pump says "Connection: close" in an answer first, wherever it gets to give
# one. httpd says nothing when it closes connections because all its threads are busy: those that are idle, and those
# whose next request has come. How often thousands who reconnect at once make it do so is in its log, and is not held
# against the pump.
. "$(dirname "$0")/httpd.sh"
. "$(dirname "$0")/audience.sh"

viewers=200 settle=4	# in each mode; seconds without a picture that would be a fault
[ -z "$long" ] || viewers=2000 settle=15

httpd_start "
Include \"$top_srcdir/conf/relay-httpd.conf\"
StartServers 2
MinSpareThreads 1
LogLevel info mpm_event:trace6
$both_ways"
feed_begin --epoch 7 --every-ms 500 --period-ms 500 --size 8192-30000 main std
ok 'pictures come' wait_for 10 status_is /live/main/std/7-1.jpg 200

watch() {
	local name mode=wait
	for name; do
		audience "$name" --mode "$mode" --viewers "$viewers" --ramp 1 --seconds 600 --stall-ms $((settle * 1000))
		mode=poll
	done
	ok 'all are in the pump' wait_for 60 metric_is viewers $((2 * viewers))
}
closed_by_httpd() { grep -c 'deferring close from state' "$work/error.log"; }
# What httpd closed in that way, one who was about to ask sees as an answer that does not come.
clean_but_for_httpd() { # NAME...
	local name said few=0
	for name; do
		said=$(faults "$name")
		echo "# $name: $(figure "$name" pictures) pictures, $(figure "$name" closed_clean) clean closes," \
			"the longest time without a new one $(figure "$name" gap_ms.max) ms; wrong: $said"
		[[ $said =~ ^(none|closed_unanswered=[0-9]+ )$ ]] || return 1
		few=$((few + $(figure "$name" closed_unanswered)))
	done
	echo "# closed by httpd: $(closed_by_httpd)"
	[ "$few" -le "$(closed_by_httpd)" ]
}

watch patient polling
for time in first second; do
	# shellcheck disable=SC2207 # numbers
	old=($(children_of))
	kill -USR1 "$server_pid"
	began=$SECONDS
	ok "$time restart: the old children are gone" wait_for 60 are_gone "${old[@]}"
	echo "# after $((SECONDS - began)) s"
	ok "$time restart: all viewers are the new ones'" wait_for 60 metric_is viewers $((2 * viewers))
done
sleep $((settle + 1))	# what has stopped for somebody would now be a stall
audience_stop patient polling
ok 'restarts: nothing wrong' clean_but_for_httpd patient polling
is 'restarts: all see pictures afterwards' "$(sum stalls patient polling) $(sum without_picture patient polling)" '0 0'

ok 'they have gone' wait_for 30 metric_is viewers 0

# Nobody takes them afterwards.
fault_names=${fault_names/connect_errors/}
watch patient polling
kill -WINCH "$server_pid"
ok 'a graceful stop: httpd ends' wait_for 30 are_gone "$server_pid"
wait "$server_pid" 2>/dev/null
server_pid=''
audience_stop patient polling
ok 'a graceful stop: nothing wrong' clean_but_for_httpd patient polling
ok 'all were closed' [ "$(sum closed_clean patient polling)" -ge $((2 * viewers)) ]

httpd_done
