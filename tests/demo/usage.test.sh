#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a stranger gets for a wrong argument, a taken port, a camera that is not there, and Ctrl-C.
. "$(dirname "$0")/lib.sh"
run() { "$top_srcdir/script/demo" --build "$top_builddir" "$@" >"$scratch/out" 2>"$scratch/err"; }
exits() { # STATUS ARGUMENT...
	local wanted=$1 status=0
	shift
	run "$@" </dev/null || status=$?
	[ "$status" = "$wanted" ]
}
says() { grep -q -e "$1" "$scratch/err"; }
ok "--help" exits 0 --help
ok "an unknown argument exits 2" exits 2 --nonsense
ok "and is named" says "nonsense"
ok "a port that is no number exits 2" exits 2 --port http
ok "and says what was expected" says "whole number from 1 to 65530, got 'http'"
ok "a folder that is not there exits 2" exits 2 --source dir:/nonexistent-folder
ok "and is named" says "/nonexistent-folder"

# Hold one port of the block with a second demo, and meet Ctrl-C on it afterwards.
begin_demo
ok "a taken port exits 1" exits 1 --port "$port"
ok "names the port and the option" says "port $port .*--port"
work=$(sed -n 's/.*logs: //p' "$scratch/show.err")
ok "the live show shows a line a second" [ -s "$scratch/show.out" ]
ok "and keeps its logs while it runs" [ -d "$work" ]
members=$(pgrep -g "$demo" | wc -l)
ok "its parts run" [ "$members" -ge 1 ]
ok "Ctrl-C ends it" interrupt "$demo"
ok "with its exit status" [ "$status" = 130 ]
ok "with nothing left on disk" [ ! -e "$work" ]
ok "and nobody on its ports" eval '! taken "$port"'
left() { pgrep -f "$work" >/dev/null; }
ok "and no process" eval '! left'

ok "a camera that is not there is no reason to stop" demo --smoke 5 --source v4l2:/dev/video-that-is-not-there
ok "a placeholder flows meanwhile" holds '.distinct >= 4 and .bad == 0'
done_testing
