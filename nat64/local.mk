# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += nat64/libnat64.a
nat64_libnat64_a_SOURCES = \
	nat64/address.c nat64/address.h \
	nat64/answer.c \
	nat64/bytes.h \
	nat64/config.c nat64/config.h \
	nat64/diff.c \
	nat64/drop.c nat64/drop.h \
	nat64/extension.c \
	nat64/fragment.c \
	nat64/hash.c nat64/hash.h \
	nat64/head.c nat64/head.h \
	nat64/icmp_types.c \
	nat64/lines.c nat64/lines.h \
	nat64/new_head.c \
	nat64/offload.c \
	nat64/packet.h \
	nat64/prefix.c \
	nat64/quote.c \
	nat64/settings.c nat64/settings.h \
	nat64/table.c nat64/table.h nat64/table_private.h \
	nat64/table_build.c \
	nat64/xlat.c nat64/xlat.h nat64/xlat_private.h \
	nat64/xlat46.c \
	nat64/xlat64.c \
	nat64/xlat66.c
nat64_libnat64_a_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS)
libnat64 = nat64/libnat64.a $(libwire) $(libbase) $(EVENT_LIBS) $(SODIUM_LIBS)

sbin_PROGRAMS += nat64/nat64d
nat64_nat64d_SOURCES = nat64/main.c
nat64_nat64d_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
nat64_nat64d_LDADD = $(libnat64) $(SODIUM_LIBS)

if WITH_CHECK
nat64_unit_tests = \
	tests/unit/check_nat64_prefix \
	tests/unit/check_nat64_table
check_PROGRAMS += $(nat64_unit_tests)
TESTS += $(nat64_unit_tests)
tests_unit_check_nat64_prefix_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_prefix_LDADD = $(libunit) $(libnat64)
tests_unit_check_nat64_table_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_table_LDADD = $(libunit) $(libnat64)
endif
