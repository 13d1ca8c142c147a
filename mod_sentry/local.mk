# SPDX-License-Identifier: Apache-2.0
#
# What httpd's headers are not needed for is a library of its own, so that tests and fuzzers link it.
noinst_LIBRARIES += mod_sentry/libserve.a
mod_sentry_libserve_a_SOURCES = \
	mod_sentry/cache_control.h \
	mod_sentry/copies.c mod_sentry/copies.h \
	mod_sentry/counters.c mod_sentry/counters.h \
	mod_sentry/index.c mod_sentry/index.h \
	mod_sentry/load.c mod_sentry/load.h \
	mod_sentry/picture.c mod_sentry/picture.h \
	mod_sentry/pump/answer.c \
	mod_sentry/pump/carrier.h \
	mod_sentry/pump/feed.c mod_sentry/pump/feed.h \
	mod_sentry/pump/head.c mod_sentry/pump/head.h \
	mod_sentry/pump/line.c \
	mod_sentry/pump/pump.c mod_sentry/pump/pump.h mod_sentry/pump/pump_private.h \
	mod_sentry/pump/request.c mod_sentry/pump/request.h \
	mod_sentry/pump/site.h \
	mod_sentry/pump/timer.c mod_sentry/pump/timer.h \
	mod_sentry/pump/viewer.c \
	mod_sentry/pump/watch.c mod_sentry/pump/watch.h \
	mod_sentry/state.c mod_sentry/state.h \
	mod_sentry/stores.c mod_sentry/stores.h \
	mod_sentry/template.c mod_sentry/template.h \
	mod_sentry/thread.c mod_sentry/thread.h \
	mod_sentry/unavailable.c mod_sentry/unavailable.h \
	mod_sentry/url.c mod_sentry/url.h
mod_sentry_libserve_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) -pthread
libserve = mod_sentry/libserve.a $(libstore) $(JANSSON_LIBS) -lm

if WITH_APXS
mod_sentrydir = $(HTTPD_MODDIR)
# httpd loads it, so it is linked as what it loads, and only its record can be seen from outside.
mod_sentry_PROGRAMS = mod_sentry/mod_sentry.so
mod_sentry_mod_sentry_so_SOURCES = \
	mod_sentry/accesslog.c mod_sentry/accesslog.h \
	mod_sentry/answer.c mod_sentry/answer.h \
	mod_sentry/conditions.c mod_sentry/conditions.h \
	mod_sentry/connection.c mod_sentry/connection.h \
	mod_sentry/crew.c mod_sentry/crew.h \
	mod_sentry/directives.c mod_sentry/directives.h \
	mod_sentry/doorstep.c mod_sentry/doorstep.h \
	mod_sentry/gift.h mod_sentry/gift_lent.c \
	mod_sentry/given.c mod_sentry/given.h \
	mod_sentry/handover.c mod_sentry/handover.h \
	mod_sentry/health.c \
	mod_sentry/hold.c mod_sentry/hold.h \
	mod_sentry/lent.c mod_sentry/lent.h \
	mod_sentry/listing.c \
	mod_sentry/metrics.c \
	mod_sentry/mod_sentry.c \
	mod_sentry/serve.c mod_sentry/serve.h \
	mod_sentry/stream.c
mod_sentry_mod_sentry_so_CPPFLAGS = $(AM_CPPFLAGS) $(APXS_CPPFLAGS)
# APR's ring macros cast qualifiers away.
mod_sentry_mod_sentry_so_CFLAGS = $(AM_CFLAGS) -Wno-cast-qual
mod_sentry_mod_sentry_so_LDADD = $(libserve) $(SODIUM_LIBS)
mod_sentry_mod_sentry_so_LDFLAGS = $(AM_LDFLAGS) -shared -Wl,--version-script=$(srcdir)/mod_sentry/mod_sentry.map
EXTRA_mod_sentry_mod_sentry_so_DEPENDENCIES = mod_sentry/mod_sentry.map
# Where people and programs look for a module that has just been built: libtool, apxs's way, puts it there.
all-local: mod_sentry/.libs/mod_sentry.so
mod_sentry/.libs/mod_sentry.so: mod_sentry/mod_sentry.so
	$(AM_V_GEN)$(MKDIR_P) mod_sentry/.libs && ln -sf ../mod_sentry.so $@
CLEANFILES += mod_sentry/.libs/mod_sentry.so
endif

if WITH_CHECK
serve_unit_tests = tests/unit/check_load tests/unit/check_pump tests/unit/check_pump_carried \
	tests/unit/check_pump_head tests/unit/check_pump_load \
	tests/unit/check_request tests/unit/check_serve tests/unit/check_template tests/unit/check_timer tests/unit/check_url
check_PROGRAMS += $(serve_unit_tests)
TESTS += $(serve_unit_tests)
tests_unit_check_pump_SOURCES = tests/unit/check_pump.c \
	tests/unit/pump_answers.c tests/unit/pump_back.c tests/unit/pump_connections.c tests/unit/pump_end.c \
	tests/unit/pump_peers.c tests/unit/pump_peers.h tests/unit/pump_streams.c tests/unit/pump_waiting.c \
	tests/unit/pumped.c tests/unit/pumped.h
tests_unit_check_pump_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_pump_LDADD = $(libunit) $(libserve) $(libstored) -lpthread
# The same through a carrier.
tests_unit_check_pump_carried_SOURCES = $(tests_unit_check_pump_SOURCES)
tests_unit_check_pump_carried_CFLAGS = $(UNIT_CFLAGS) -DPUMPED_CARRIED
tests_unit_check_pump_carried_LDADD = $(tests_unit_check_pump_LDADD)
tests_unit_check_load_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_load_LDADD = $(libunit) $(libserve)
tests_unit_check_pump_load_SOURCES = tests/unit/check_pump_load.c tests/unit/pumped.c tests/unit/pumped.h
tests_unit_check_pump_load_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_pump_load_LDADD = $(tests_unit_check_pump_LDADD)
tests_unit_check_pump_head_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_pump_head_LDADD = $(libunit) $(libserve)
tests_unit_check_request_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_request_LDADD = $(libunit) $(libserve)
tests_unit_check_template_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_template_LDADD = $(libunit) $(libserve)
tests_unit_check_timer_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_timer_LDADD = $(libunit) $(libserve)
tests_unit_check_url_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_url_LDADD = $(libunit) $(libserve)
tests_unit_check_serve_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_serve_LDADD = $(libunit) $(libserve) $(libstored) -lpthread
endif

check_PROGRAMS += tests/fuzz/fuzz_request tests/fuzz/fuzz_url tests/fuzz/fuzz_viewer
TESTS += tests/fuzz/fuzz_request tests/fuzz/fuzz_url tests/fuzz/fuzz_viewer
tests_fuzz_fuzz_request_LDADD = $(FUZZ_DRIVER) $(libserve)
tests_fuzz_fuzz_request_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_viewer_SOURCES = tests/fuzz/fuzz_viewer.c tests/unit/pumped.c tests/unit/pumped.h
tests_fuzz_fuzz_viewer_LDADD = $(FUZZ_DRIVER) $(libserve) $(libstored) -lpthread
tests_fuzz_fuzz_viewer_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_url_LDADD = $(FUZZ_DRIVER) $(libserve)
tests_fuzz_fuzz_url_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

include tests/httpd/local.mk
EXTRA_DIST += mod_sentry/mod_sentry.map
EXTRA_DIST += conf/sentry.conf conf/relay-httpd.conf
dist_doc_DATA += doc/mod_sentry.md doc/serving.md
