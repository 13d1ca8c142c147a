# SPDX-License-Identifier: Apache-2.0
#
# Side by side with what a user would have instead: script/bench runs these. Compiled by `make check`, so that they do
# not rot; never installed.
check_PROGRAMS += bench/wire
bench_wire_SOURCES = bench/bench.c bench/bench.h bench/wire.c bench/wire.h bench/wire_code.c bench/wire_fanout.c \
	bench/wire_relay.c bench/wire_seal.c
bench_wire_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(ISAL_CFLAGS) $(TURBOJPEG_CFLAGS)
bench_wire_LDADD = $(libwire) $(libframe) $(libbase) $(EVENT_LIBS) $(SODIUM_LIBS) \
	$(ISAL_LIBS) $(TURBOJPEG_LIBS)

bench: bench/wire relay/sentryc
.PHONY: bench

dist_noinst_SCRIPTS += bench/summary.awk
TESTS += tests/unit/check_bench.sh
dist_check_SCRIPTS += tests/unit/check_bench.sh
