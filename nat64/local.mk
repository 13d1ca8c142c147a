# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += nat64/libnat64.a
nat64_libnat64_a_SOURCES = \
	nat64/address.c nat64/address.h \
	nat64/answer.c \
	nat64/bytes.h \
	nat64/coalesce.c nat64/coalesce.h \
	nat64/commands.c nat64/commands.h \
	nat64/config.c nat64/config.h \
	nat64/control.c nat64/control.h \
	nat64/describe.c nat64/describe.h \
	nat64/diff.c \
	nat64/drop.c nat64/drop.h \
	nat64/events.c nat64/events.h \
	nat64/extension.c \
	nat64/fragment.c \
	nat64/handover.c nat64/handover.h \
	nat64/hash.c nat64/hash.h \
	nat64/head.c nat64/head.h \
	nat64/health.c nat64/health.h \
	nat64/icmp_types.c \
	nat64/large.c nat64/large.h \
	nat64/lines.c nat64/lines.h \
	nat64/mappings.c nat64/mappings.h \
	nat64/nat64.c nat64/nat64.h \
	nat64/new_head.c \
	nat64/offload.c \
	nat64/packet.h \
	nat64/packet_mode.c nat64/packet_mode.h \
	nat64/prefix.c \
	nat64/privileges.c nat64/privileges.h \
	nat64/quote.c \
	nat64/report.c nat64/report.h \
	nat64/routes.c nat64/routes.h \
	nat64/rules.c nat64/rules.h \
	nat64/settings.c nat64/settings.h \
	nat64/table.c nat64/table.h nat64/table_private.h \
	nat64/table_build.c \
	nat64/trace.c nat64/trace.h \
	nat64/tun.c nat64/tun.h \
	nat64/views.c nat64/views.h \
	nat64/worker.c nat64/worker.h \
	nat64/xlat.c nat64/xlat.h nat64/xlat_private.h \
	nat64/xlat46.c \
	nat64/xlat64.c \
	nat64/xlat66.c
nat64_libnat64_a_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS)
libnat64 = nat64/libnat64.a $(libwire) $(libbase) $(EVENT_LIBS) $(SODIUM_LIBS) $(JANSSON_LIBS) -lpthread

sbin_PROGRAMS += nat64/nat64d
nat64_nat64d_SOURCES = nat64/main.c
nat64_nat64d_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(EVENT_CFLAGS)
nat64_nat64d_LDADD = $(libnat64) $(SODIUM_LIBS)

# A core, packets for it, and who judges what comes out: for its tests and its fuzzer.
check_LIBRARIES += tests/unit/libcore.a
tests_unit_libcore_a_SOURCES = \
	tests/unit/core.c tests/unit/core.h \
	tests/unit/gso.c tests/unit/gso.h \
	tests/unit/kinds.c tests/unit/kinds.h \
	tests/unit/packet_fault.c tests/unit/packet_fault.h \
	tests/unit/packets.c tests/unit/packets.h

if WITH_CHECK
check_LIBRARIES += tests/unit/libcorecheck.a
tests_unit_libcorecheck_a_SOURCES = tests/unit/core_check.c tests/unit/core_check.h
tests_unit_libcorecheck_a_CFLAGS = $(UNIT_CFLAGS)
libcorecheck = tests/unit/libcorecheck.a tests/unit/libcore.a $(libunit) $(libnat64)

nat64_unit_tests = \
	tests/unit/check_nat64_66 \
	tests/unit/check_nat64_answers \
	tests/unit/check_nat64_coalesce \
	tests/unit/check_nat64_config \
	tests/unit/check_nat64_errors4 \
	tests/unit/check_nat64_extensions \
	tests/unit/check_nat64_hairpin \
	tests/unit/check_nat64_icmp \
	tests/unit/check_nat64_offload \
	tests/unit/check_nat64_offload_size \
	tests/unit/check_nat64_events \
	tests/unit/check_nat64_prefix \
	tests/unit/check_nat64_quotes \
	tests/unit/check_nat64_rename \
	tests/unit/check_nat64_state \
	tests/unit/check_nat64_table \
	tests/unit/check_nat64_to4 \
	tests/unit/check_nat64_to4_size \
	tests/unit/check_nat64_to6 \
	tests/unit/check_nat64_to6_size \
	tests/unit/check_nat64_transport \
	tests/unit/check_nat64_worker
check_PROGRAMS += $(nat64_unit_tests)
TESTS += $(nat64_unit_tests)
tests_unit_check_nat64_66_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_66_LDADD = $(libcorecheck)
tests_unit_check_nat64_answers_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_answers_LDADD = $(libcorecheck)
tests_unit_check_nat64_coalesce_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_coalesce_LDADD = $(libunit) $(libnat64)
tests_unit_check_nat64_config_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_config_LDADD = $(libunit) $(libnat64)
tests_unit_check_nat64_errors4_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_errors4_LDADD = $(libcorecheck)
tests_unit_check_nat64_extensions_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_extensions_LDADD = $(libcorecheck)
tests_unit_check_nat64_hairpin_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_hairpin_LDADD = $(libcorecheck)
tests_unit_check_nat64_icmp_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_icmp_LDADD = $(libcorecheck)
tests_unit_check_nat64_offload_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_offload_LDADD = $(libcorecheck)
tests_unit_check_nat64_offload_size_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_offload_size_LDADD = $(libcorecheck)
tests_unit_check_nat64_events_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_events_LDADD = $(libunit) $(libnat64)
tests_unit_check_nat64_prefix_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_prefix_LDADD = $(libunit) $(libnat64)
tests_unit_check_nat64_quotes_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_quotes_LDADD = $(libcorecheck)
tests_unit_check_nat64_rename_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_rename_LDADD = $(libcorecheck)
tests_unit_check_nat64_state_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_state_LDADD = $(libcorecheck)
tests_unit_check_nat64_table_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_table_LDADD = $(libunit) $(libnat64)
tests_unit_check_nat64_to4_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_to4_LDADD = $(libcorecheck)
tests_unit_check_nat64_to4_size_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_to4_size_LDADD = $(libcorecheck)
tests_unit_check_nat64_to6_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_to6_LDADD = $(libcorecheck)
tests_unit_check_nat64_to6_size_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_to6_size_LDADD = $(libcorecheck)
tests_unit_check_nat64_transport_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_transport_LDADD = $(libcorecheck)
tests_unit_check_nat64_worker_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_nat64_worker_LDADD = $(libunit) $(libnat64) -lpthread
endif
TESTS += tests/unit/check_nat64_items.sh
dist_check_SCRIPTS += tests/unit/check_nat64_items.sh

# make tests/fuzz/xlat_seeds && tests/fuzz/xlat_seeds FOLDER makes its corpus.
EXTRA_PROGRAMS += tests/fuzz/xlat_seeds
CLEANFILES += tests/fuzz/xlat_seeds$(EXEEXT)
tests_fuzz_xlat_seeds_SOURCES = tests/fuzz/xlat_seeds.c tests/fuzz/xlat_input.h
tests_fuzz_xlat_seeds_LDADD = tests/unit/libcore.a $(libnat64)
check_PROGRAMS += tests/fuzz/fuzz_xlat
TESTS += tests/fuzz/fuzz_xlat
tests_fuzz_fuzz_xlat_SOURCES = tests/fuzz/fuzz_xlat.c tests/fuzz/xlat_input.h
tests_fuzz_fuzz_xlat_LDADD = $(FUZZ_DRIVER) tests/unit/libcore.a $(libnat64)
tests_fuzz_fuzz_xlat_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

check_PROGRAMS += tests/fuzz/fuzz_nat64_command tests/fuzz/fuzz_nat64_config
TESTS += tests/fuzz/fuzz_nat64_command tests/fuzz/fuzz_nat64_config
tests_fuzz_fuzz_nat64_command_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_nat64_command_LDADD = $(FUZZ_DRIVER) $(libnat64)
tests_fuzz_fuzz_nat64_command_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_nat64_config_LDADD = $(FUZZ_DRIVER) $(libnat64)
tests_fuzz_fuzz_nat64_config_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

TESTS += tests/unit/check_nat64_packet.sh
dist_check_SCRIPTS += tests/unit/check_nat64_packet.sh

dist_doc_DATA += doc/nat64.md
