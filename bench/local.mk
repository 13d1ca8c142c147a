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

# The audience (doc/swarm.md): a library and a main, so that tests and fuzzers link all of it.
noinst_LIBRARIES += bench/audience/libswarm.a
bench_audience_libswarm_a_SOURCES = \
	bench/audience/answer.c bench/audience/answer.h \
	bench/audience/arrivals.c bench/audience/arrivals.h \
	bench/audience/arriving.c bench/audience/arriving.h \
	bench/audience/connection.c bench/audience/connection.h \
	bench/audience/histogram.c bench/audience/histogram.h \
	bench/audience/lines.c bench/audience/lines.h \
	bench/audience/multipart.c bench/audience/multipart.h \
	bench/audience/observed.c bench/audience/observed.h \
	bench/audience/options.c bench/audience/options.h \
	bench/audience/origin.c bench/audience/origin.h \
	bench/audience/pace.c bench/audience/pace.h \
	bench/audience/pool.c bench/audience/pool.h \
	bench/audience/report.c bench/audience/report.h \
	bench/audience/request.c bench/audience/request.h \
	bench/audience/screen.c bench/audience/screen.h \
	bench/audience/tally.c bench/audience/tally.h \
	bench/audience/timers.c bench/audience/timers.h \
	bench/audience/tls.c bench/audience/tls.h \
	bench/audience/viewer.c bench/audience/viewer.h \
	bench/audience/worker.c bench/audience/worker.h
bench_audience_libswarm_a_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS) $(OPENSSL_CFLAGS)
libswarm = bench/audience/libswarm.a $(libhttp) $(JANSSON_LIBS) $(OPENSSL_LIBS) -lm
noinst_PROGRAMS += bench/swarm
bench_swarm_SOURCES = bench/audience/main.c
bench_swarm_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
bench_swarm_LDADD = $(libswarm)

# The limit that mod_sentry is compared with.
check_PROGRAMS += bench/floor
bench_floor_SOURCES = bench/floor.c
bench_floor_CFLAGS = $(AM_CFLAGS) -pthread
bench_floor_LDADD = $(libstore) -lpthread

# What goes through translators.
check_PROGRAMS += bench/traffic
bench_traffic_SOURCES = bench/traffic.c
# Large tables of addresses.
check_PROGRAMS += bench/table
bench_table_SOURCES = bench/table.c bench/bench.c bench/bench.h
bench_table_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
bench_table_LDADD = $(libnat64) $(SODIUM_LIBS)

if WITH_APXS
bench_httpd = mod_sentry/.libs/mod_sentry.so tests/httpd/feed
endif
bench: bench/wire bench/swarm relay/sentryc bench/floor bench/traffic bench/table nat64/nat64d $(bench_httpd)
.PHONY: bench

EXTRA_DIST += doc/swarm.md

dist_noinst_SCRIPTS += bench/summary.awk bench/http bench/nat64
TESTS += tests/unit/check_bench.sh
dist_check_SCRIPTS += tests/unit/check_bench.sh
