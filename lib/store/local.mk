# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += lib/store/libstore.a
lib_store_libstore_a_SOURCES = \
	lib/store/layout.h lib/store/map.c \
	lib/store/open.c \
	lib/store/reader.c \
	lib/store/recover.c \
	lib/store/scan.c \
	lib/store/store.h \
	lib/store/writer.c lib/store/writer.h
libstore = lib/store/libstore.a $(libframe) $(libbase)

# Whole frames without a signature, for the tests of the store and of those who read it.
check_LIBRARIES += tests/unit/libstored.a
tests_unit_libstored_a_SOURCES = tests/unit/stored.c tests/unit/stored.h
tests_unit_libstored_a_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
libstored = tests/unit/libstored.a $(libstore) $(SODIUM_LIBS)

if WITH_CHECK
store_checks = tests/unit/check_store tests/unit/check_store_damage tests/unit/check_store_torn
check_PROGRAMS += $(store_checks)
TESTS += $(store_checks)
tests_unit_check_store_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_store_LDADD = $(libunit) $(libstored) -lpthread
tests_unit_check_store_damage_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_store_damage_LDADD = $(libunit) $(libstored)
tests_unit_check_store_torn_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_store_torn_LDADD = $(libunit) $(libstored)
endif

check_PROGRAMS += tests/fuzz/fuzz_store
TESTS += tests/fuzz/fuzz_store
tests_fuzz_fuzz_store_LDADD = $(FUZZ_DRIVER) $(libstored)
tests_fuzz_fuzz_store_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

dist_doc_DATA += doc/store.md
