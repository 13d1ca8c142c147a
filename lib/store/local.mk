# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += lib/store/libstore.la
lib_store_libstore_la_SOURCES = \
	lib/store/layout.h lib/store/map.c \
	lib/store/open.c \
	lib/store/reader.c \
	lib/store/recover.c \
	lib/store/scan.c \
	lib/store/store.h \
	lib/store/writer.c lib/store/writer.h
lib_store_libstore_la_LIBADD = lib/frame/libframe.la lib/base/libbase.la

# Whole frames without a signature, for the tests of the store and of those who read it.
check_LTLIBRARIES += tests/unit/libstored.la
tests_unit_libstored_la_SOURCES = tests/unit/stored.c tests/unit/stored.h
tests_unit_libstored_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
tests_unit_libstored_la_LIBADD = lib/store/libstore.la $(SODIUM_LIBS)

if WITH_CHECK
store_checks = tests/unit/check_store tests/unit/check_store_damage tests/unit/check_store_torn
check_PROGRAMS += $(store_checks)
TESTS += $(store_checks)
tests_unit_check_store_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_store_LDADD = tests/unit/libunit.la tests/unit/libstored.la -lpthread
tests_unit_check_store_damage_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_store_damage_LDADD = tests/unit/libunit.la tests/unit/libstored.la
tests_unit_check_store_torn_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_store_torn_LDADD = tests/unit/libunit.la tests/unit/libstored.la
endif

check_PROGRAMS += tests/fuzz/fuzz_store
TESTS += tests/fuzz/fuzz_store
tests_fuzz_fuzz_store_LDADD = $(FUZZ_DRIVER) tests/unit/libstored.la
tests_fuzz_fuzz_store_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

dist_doc_DATA += doc/store.md
