# SPDX-License-Identifier: Apache-2.0
#
# Every suite speaks TAP, so that one summary counts them all. A part's own tests are named in its folder's
# local.mk with the helpers below; what needs more than the tree (a browser, a VM) is run by script/test.

TEST_EXTENSIONS = .sh .mjs
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
MJS_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_COMPILER = $(SHELL)
MJS_LOG_COMPILER = node
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; HTTPD='$(HTTPD)'; \
	export top_srcdir top_builddir HTTPD;

# tests/unit: one program per unit, Check inside, TAP outside.
if WITH_CHECK
check_LIBRARIES += tests/unit/libunit.a
tests_unit_libunit_a_SOURCES = tests/unit/unit.c tests/unit/unit.h
tests_unit_libunit_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
libunit = tests/unit/libunit.a $(CHECK_LIBS)
endif
UNIT_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)

# tests/fuzz: one function per parser. Under --enable-fuzzer libFuzzer drives it; otherwise the same
# function replays its corpus as a test.
if FUZZER
FUZZ_DRIVER =
else
check_LIBRARIES += tests/fuzz/libreplay.a
tests_fuzz_libreplay_a_SOURCES = tests/fuzz/folder.h tests/fuzz/replay.c
FUZZ_DRIVER = tests/fuzz/libreplay.a
endif
EXTRA_DIST += tests/fuzz/corpus tests/tap.sh
EXTRA_DIST += tests/browser/chain.test.sh tests/browser/nat64.test.sh tests/browser/stream.test.sh tests/demo/lib.sh \
	tests/demo/interrupt.test.sh tests/demo/ipv6.test.sh tests/demo/kill.test.sh tests/demo/nat64.test.sh tests/demo/pipe.test.sh tests/demo/renditions.test.sh tests/demo/smoke.test.sh \
	tests/demo/usage.test.sh

TESTS += tests/capture/sentryd.sh
dist_check_SCRIPTS += tests/capture/sentryd.sh
