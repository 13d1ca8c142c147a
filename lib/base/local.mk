# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += lib/base/libbase.a
lib_base_libbase_a_SOURCES = \
	lib/base/bucket.h \
	lib/base/clock.c lib/base/clock.h \
	lib/base/comments.c lib/base/comments.h \
	lib/base/cursor.h \
	lib/base/daemon.c lib/base/daemon.h \
	lib/base/error.c lib/base/error.h \
	lib/base/exporter.c \
	lib/base/help.c lib/base/help.h \
	lib/base/keyfile.c lib/base/keyfile.h \
	lib/base/log.c lib/base/log.h \
	lib/base/metrics.c lib/base/metrics.h \
	lib/base/name.c lib/base/name.h \
	lib/base/setting.c \
	lib/base/settings.c lib/base/settings.h lib/base/settings_private.h \
	lib/base/settings_diff.c lib/base/settings_file.c lib/base/settings_line.c \
	lib/base/settings_words.c
lib_base_libbase_a_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(CONFUSE_CFLAGS)
libbase = lib/base/libbase.a $(EVENT_LIBS) $(SODIUM_LIBS) $(CONFUSE_LIBS) -lm

if WITH_CHECK
check_PROGRAMS += tests/unit/check_bucket tests/unit/check_cursor tests/unit/check_error tests/unit/check_log \
	tests/unit/check_keyfile tests/unit/check_metrics tests/unit/check_settings \
	tests/unit/check_daemon tests/unit/check_comments tests/unit/check_settings_words
TESTS += tests/unit/check_bucket tests/unit/check_cursor tests/unit/check_error tests/unit/check_log \
	tests/unit/check_keyfile tests/unit/check_metrics tests/unit/check_settings \
	tests/unit/check_daemon tests/unit/check_comments tests/unit/check_settings_words
tests_unit_check_bucket_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_bucket_LDADD = $(libunit) $(libbase)
tests_unit_check_cursor_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_cursor_LDADD = $(libunit) $(libbase)
tests_unit_check_error_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_error_LDADD = $(libunit) $(libbase)
tests_unit_check_log_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_log_LDADD = $(libunit) $(libbase)
tests_unit_check_keyfile_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_keyfile_LDADD = $(libunit) $(libbase)
tests_unit_check_metrics_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS)
tests_unit_check_metrics_LDADD = $(libunit) $(libbase) $(EVENT_LIBS)
tests_unit_check_settings_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_settings_LDADD = $(libunit) $(libbase)
tests_unit_check_settings_words_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_settings_words_LDADD = $(libunit) $(libbase)
tests_unit_check_comments_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_comments_LDADD = $(libunit) $(libbase)
tests_unit_check_daemon_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS)
tests_unit_check_daemon_LDADD = $(libunit) $(libbase) $(EVENT_LIBS)
endif

check_PROGRAMS += tests/fuzz/fuzz_keyfile tests/fuzz/fuzz_settings
TESTS += tests/fuzz/fuzz_keyfile tests/fuzz/fuzz_settings
tests_fuzz_fuzz_keyfile_LDADD = $(FUZZ_DRIVER) $(libbase)
tests_fuzz_fuzz_keyfile_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_settings_LDADD = $(FUZZ_DRIVER) $(libbase)
tests_fuzz_fuzz_settings_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
