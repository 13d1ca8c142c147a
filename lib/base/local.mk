# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += lib/base/libbase.la
lib_base_libbase_la_SOURCES = \
	lib/base/clock.c lib/base/clock.h \
	lib/base/cursor.h \
	lib/base/daemon.c lib/base/daemon.h \
	lib/base/error.c lib/base/error.h \
	lib/base/exporter.c \
	lib/base/keyfile.c lib/base/keyfile.h \
	lib/base/log.c lib/base/log.h \
	lib/base/metrics.c lib/base/metrics.h \
	lib/base/settings.c lib/base/settings.h
lib_base_libbase_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(CONFUSE_CFLAGS)
lib_base_libbase_la_LIBADD = $(EVENT_LIBS) $(SODIUM_LIBS) $(CONFUSE_LIBS) -lm

if WITH_CHECK
check_PROGRAMS += tests/unit/check_cursor
TESTS += tests/unit/check_cursor
tests_unit_check_cursor_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_cursor_LDADD = tests/unit/libunit.la lib/base/libbase.la
endif
