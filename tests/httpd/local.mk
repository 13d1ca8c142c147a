# SPDX-License-Identifier: Apache-2.0
#
# Tests of mod_sentry inside a real httpd, one per test, on a port of its own; httpd.sh is what they share.
if WITH_APXS
httpd_tests = \
	tests/httpd/check_directives.sh \
	tests/httpd/test_access.sh \
	tests/httpd/test_concurrency.sh \
	tests/httpd/test_conformance.sh \
	tests/httpd/test_frames.sh \
	tests/httpd/test_harm.sh \
	tests/httpd/test_leak.sh \
	tests/httpd/test_limits.sh \
	tests/httpd/test_pump.sh \
	tests/httpd/test_pump_tls.sh \
	tests/httpd/test_restart.sh \
	tests/httpd/test_states.sh \
	tests/httpd/test_torn.sh
TESTS += $(httpd_tests)
check_PROGRAMS += tests/httpd/feed tests/httpd/bodies tests/httpd/mixed tests/httpd/rude tests/httpd/talk
tests_httpd_feed_CFLAGS = $(AM_CFLAGS) $(TURBOJPEG_CFLAGS) $(SODIUM_CFLAGS)
tests_httpd_feed_LDADD = $(libstore) $(TURBOJPEG_LIBS) $(SODIUM_LIBS)
tests_httpd_bodies_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
tests_httpd_bodies_LDADD = $(libframe) $(SODIUM_LIBS)
tests_httpd_mixed_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
tests_httpd_mixed_LDADD = $(libframe) $(SODIUM_LIBS)
endif
EXTRA_DIST += tests/httpd/audience.sh tests/httpd/httpd.sh tests/httpd/rfc9112.cases tests/httpd/tunnel.mjs \
	tests/httpd/check_directives.sh \
	tests/httpd/test_access.sh \
	tests/httpd/test_concurrency.sh \
	tests/httpd/test_conformance.sh \
	tests/httpd/test_frames.sh \
	tests/httpd/test_harm.sh \
	tests/httpd/test_leak.sh \
	tests/httpd/test_limits.sh \
	tests/httpd/test_pump.sh \
	tests/httpd/test_pump_tls.sh \
	tests/httpd/test_restart.sh \
	tests/httpd/test_states.sh \
	tests/httpd/test_torn.sh
