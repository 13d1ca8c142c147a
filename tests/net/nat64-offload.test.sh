#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# nat64d with each of its offloads, and without: the same bytes arrive. Where ethtool is, receivers believe no checksum
# and the translator's host has to make them, so that a wrong partial one would lose the packet.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/nat64-hosts.sh"
need_programs "$nat64d" "$tools/nat64_echo" "$top_builddir/bench/traffic"
command -v node >/dev/null || skip_all "node is not installed"

topology() { client_and_xlat && server_behind xlat; }
no_trust() {
	on xlat ethtool -K client4 tx off && on xlat ethtool -K server6 tx off && on client4 ethtool -K xlat rx off &&
		on server6 ethtool -K xlat rx off
}
counter() { metric xlat "koshien_nat64_worker_$1_total"; }
all_the_same() { # WHAT
	ok "$1: TCP to IPv4" download client4 $server6_by4
	ok "$1: TCP to IPv6" upload client4 $server6_by4
	ok "$1: TCP to IPv4, opened from IPv6" upload server6 "[$client4_by6]"
	# Once more when some were lost because the machine is busy; what is wrong is so again.
	ok "$1: small datagrams" within 30 echoed client4 $server6_by4 2000 4000 32
	ok "$1: large datagrams" within 30 echoed server6 $client4_by6 2000 4000 1200
	ok "$1: cut datagrams to IPv6" within 30 segmented client4 $server6_by4 1200 40
	ok "$1: cut datagrams to IPv4" within 30 segmented server6 $client4_by6 1200 40
	figure "$1: $(counter reads) reads, $(counter gso_reads) large; $(counter merged) merged;" \
		"$(counter writes) writes, $(counter gso_writes) large"
	ok "$1: every write went well" test "$(counter write_errors)" = 0
}

ok "hosts" topology
if command -v ethtool >/dev/null; then
	ok "checksums are made and looked at" no_trust
else
	skip "checksums are made and looked at" "ethtool is not installed"
fi
ok "servers" serve_all client4 server6

ok "it starts" translator
all_the_same "all of it"
ok "large packets came in" test "$(counter gso_reads)" -gt 100
ok "and went out" test "$(counter gso_writes)" -gt 100
stop nat64d
ok "it starts without tso" translator 'tso no'
ok "and has none" says nat64d 'TCP segmentation off, UDP segmentation on'
all_the_same "tso no"
stop nat64d
ok "it starts without uso" translator 'uso no'
ok "and has none" says nat64d 'TCP segmentation on, UDP segmentation off'
all_the_same "uso no"
stop nat64d
ok "it starts without coalesce" translator 'coalesce no'
all_the_same "coalesce no"
ok "nothing was merged" test "$(counter merged)" = 0
stop nat64d
ok "it starts with nothing of it" translator 'tso no' 'uso no' 'coalesce no'
ok "and has none" says nat64d 'checksums in software, TCP segmentation off, UDP segmentation off'
all_the_same "nothing"
ok "no packet was a large one" test "$(($(counter gso_reads) + $(counter merged) + $(counter gso_writes)))" = 0
stop nat64d
ok "it starts with two workers" translator 'workers 2'
ok "and has two queues" says nat64d '2 queues'
all_the_same "workers 2"
both_work() { # Each connection goes to the queue of its hash.
	[ "$(metric xlat koshien_nat64_worker_reads_total 0)" -gt 100 ] &&
		[ "$(metric xlat koshien_nat64_worker_reads_total 1)" -gt 100 ] || ! download client4 $server6_by4
}
ok "both have something to do" within 30 both_work
done_testing
