#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the transport promises, in numbers, by wiresim: few frames here, as many as one likes with
#
#	WIRESIM_FRAMES=100000 top_builddir=build sh tests/wire/wiresim.sh
#
# Seeds are fixed, so a case that passes does so on every machine until the code changes.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
wiresim=${top_builddir:-build}/tests/wiresim
frames=${WIRESIM_FRAMES:-400}
trap 'rm -rf "$scratch"' EXIT
shown=$scratch/out

exits() { # STATUS ARGUMENT...
	wanted=$1
	shift
	status=0
	"$wiresim" "$@" >"$scratch/out" 2>&1 || status=$?
	[ "$status" -eq "$wanted" ]
}
value() { # KEY of the last line
	tail -n 1 "$scratch/out" | sed -n "s/.*\"$1\":\([^,}]*\).*/\1/p"
}
holds() { # EXPRESSION: with the values of the last line by name
	awk "BEGIN {
		frames = $(value frames); delivered = $(value delivered); lost = frames - delivered
		overhead = $(value overhead); backwards = $(value backwards); wrong = $(value wrong)
		k = $(value k); m = $(value m); expected = \"$(value expected)\" + 0; worst = $(value worst_world_lost)
		gap_ms = $(value gap_ms); p99 = $(value p99); datagrams = $(value datagrams)
		exit !($1)
	}"
}
sim() { # EXPRESSION ARGUMENT...: and that nothing was falsified or out of order
	expression=$1
	shift
	echo "wiresim --json $*"
	"$wiresim" --json "$@" >"$scratch/out" && holds "wrong == 0 && backwards == 0 && ($expression)"
}
same() { # two runs with different arguments for everything but the result
	"$wiresim" --json --frames 40 --loss 10 --jobs 1 --seed 5 | tail -n 1 >"$scratch/one" &&
		"$wiresim" --json --frames 40 --loss 10 --jobs 3 --seed "$1" | tail -n 1 >"$scratch/out" &&
		cmp -s "$scratch/one" "$scratch/out"
}

ok "--help" exits 0 --help
for bad in "--loss 101" "--loss x" "--hops 0" "--hops 5" "--parents 3" "--nack maybe" "--frames 0.5" "--partition 3" \
	"--bytes 3000000" "--expect-loss 51" "--nonsense" "argument"; do
	# shellcheck disable=SC2086	# an option and its value
	ok "$bad is refused" exits 2 $bad
done
ok "a range is named" exits 2 --bytes 1 && ok "by its ends" grep -q "expected a number from [0-9]* to 2097328" "$shown"
ok "the number of jobs changes nothing" same 5
ok "a path longer than a period loses no frame by that" sim "lost == 0" --nack off --hops 4 --period-ms 100 \
	--rtt-ms 400 --frames 80
ok "what two parents both send is overhead" sim "lost == 0 && overhead > 0.2 && datagrams > 1.2 * frames * k" \
	--parents 2 --frames 80
ok "a loss above what can be made up for" sim "lost == frames && m == 142" --nack off --loss 100 --frames 8
ok "the seed does" eval '! same 6'

# One-way: the formula keeps its word where frames are lost, too. Five standard deviations of the binomial distribution.
agrees='(delivered - frames * expected) ^ 2 <= 25 * frames * expected * (1 - expected) + 1'
for bytes in 25000 97000 200000; do
	for loss in 5 10 20; do
		ok "one way, $bytes bytes, $loss % loss" \
			sim "lost <= frames / 10000 && expected >= 0.9999 && datagrams >= frames * (k + m)" \
			--nack off --bytes "$bytes" --loss "$loss" --frames "$frames"
	done
	ok "one way, $bytes bytes, more loss than was made up for" sim "$agrees && expected < 0.99 && expected > 0.01" \
		--nack off --bytes "$bytes" --loss 20 --expect-loss 8 --frames $((frames * 2))
done

# With requests: the same for less.
ok "requests, k 22, 20 % loss" sim "k == 22 && lost <= frames / 10000 && overhead <= 0.60" \
	--bytes 25000 --loss 20 --frames "$frames"
ok "requests, k 85, 20 % loss" sim "k == 85 && lost <= frames / 10000 && overhead <= 0.41" \
	--bytes 97000 --loss 20 --frames "$frames"
ok "requests, k 174, 20 % loss" sim "k == 174 && lost <= frames / 10000 && overhead <= 0.37" \
	--bytes 200000 --loss 20 --frames "$frames"
ok "requests, no loss" sim "lost == 0 && overhead <= 0.30" --bytes 97000 --frames "$frames"
ok "blackouts of 50 ms" sim "lost <= frames / 1000 + 1" \
	--bytes 97000 --loss 10 --burst-ms 50 --rtt-ms 20 --frames $((frames * 2))
ok "a network with every fault" sim "lost <= frames / 1000" --loss 10 --jitter-ms 30 --reorder 5 --duplicate 5 \
	--corrupt 1 --frames "$frames"

# Trees.
ok "two hops" sim "lost <= frames / 5000" --hops 2 --loss 5 --frames "$frames"
ok "four hops" sim "lost <= frames / 1000" --hops 4 --loss 5 --bytes 25000 --frames "$frames"
ok "two parents" sim "lost <= frames / 10000" --hops 2 --parents 2 --loss 5 --frames "$frames"
ok "one of two parents is killed" sim "worst <= 1" --hops 2 --parents 2 --loss 5 --kill-parent-at 10 --frames 160

# Trouble.
ok "an hour's step of a clock" sim "lost == 0" --hops 2 --clock-step 3 --loss 1 --frames "$frames"
ok "a partition of five frames" sim "worst <= 6 && worst >= 4 && gap_ms <= 7000" --partition 20:5 --loss 1 --frames 320
ok "restarts of all programs in turn" sim "lost <= frames / 10 * 4" --hops 2 --restart 10 --loss 1 --frames 400
ok "a path of 1000 bytes" sim "worst <= 3" --mtu 1000 --loss 1 --frames 160
ok "a path of 1000 bytes that does not say so" sim "worst <= 8" --mtu 1000 --mtu-silent --loss 1 --frames 160
done_testing
