# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += lib/wire/libwire.a
lib_wire_libwire_a_SOURCES = \
	lib/wire/address.c lib/wire/address.h \
	lib/wire/assembler.c lib/wire/assembler.h lib/wire/assembler_private.h \
	lib/wire/assembler_room.c \
	lib/wire/blind.c \
	lib/wire/cookie.c lib/wire/cookie.h \
	lib/wire/datagram.c lib/wire/datagram.h \
	lib/wire/dial.c lib/wire/dial.h \
	lib/wire/drop.c lib/wire/drop.h \
	lib/wire/endpoint.h \
	lib/wire/fec.c lib/wire/fec.h \
	lib/wire/fec_gfni.c lib/wire/fec_gfni.h \
	lib/wire/fec_portable.c \
	lib/wire/intake.c \
	lib/wire/layout.c lib/wire/layout.h \
	lib/wire/lookup.c lib/wire/lookup.h \
	lib/wire/loss.c lib/wire/loss.h \
	lib/wire/message.c lib/wire/message.h \
	lib/wire/nack.c \
	lib/wire/node.c lib/wire/node.h lib/wire/node_private.h \
	lib/wire/node_lists.c \
	lib/wire/object.c lib/wire/object.h \
	lib/wire/parents.c \
	lib/wire/ports.c lib/wire/ports.h \
	lib/wire/psk.c lib/wire/psk.h \
	lib/wire/receiver.c lib/wire/receiver.h lib/wire/receiver_private.h \
	lib/wire/receiver_metrics.c \
	lib/wire/revoked.c lib/wire/revoked.h \
	lib/wire/seal.c lib/wire/seal.h \
	lib/wire/sender.c lib/wire/sender.h lib/wire/sender_private.h \
	lib/wire/sender_leases.c lib/wire/sender_metrics.c lib/wire/sender_names.c lib/wire/sender_pace.c \
	lib/wire/sender_path.c lib/wire/sender_peers.c lib/wire/sender_reports.c lib/wire/sender_tracks.c \
	lib/wire/setup.c \
	lib/wire/udp.c lib/wire/udp.h
if WITH_ISAL
lib_wire_libwire_a_SOURCES += lib/wire/fec_isal.c
endif
lib_wire_libwire_a_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(ISAL_CFLAGS)
libwire = lib/wire/libwire.a $(libframe) $(libbase) $(EVENT_LIBS) $(SODIUM_LIBS) $(ISAL_LIBS) -lm

dist_doc_DATA += doc/threat-model.md doc/wire.md

if WITH_CHECK
wire_unit_tests = tests/unit/check_assembler tests/unit/check_cookie tests/unit/check_datagram tests/unit/check_fec \
	tests/unit/check_intake tests/unit/check_layout tests/unit/check_loss tests/unit/check_merge \
	tests/unit/check_message tests/unit/check_node tests/unit/check_node_life \
	tests/unit/check_object tests/unit/check_ports \
	tests/unit/check_psk tests/unit/check_receiver tests/unit/check_revoked tests/unit/check_seal \
	tests/unit/check_sender tests/unit/check_sender_pace tests/unit/check_sender_path \
	tests/unit/check_sender_told
wire_unit_cflags = $(UNIT_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(ISAL_CFLAGS)
wire_unit_ldadd = $(libunit) $(libwire) $(ISAL_LIBS) -lm
check_PROGRAMS += $(wire_unit_tests)
TESTS += $(wire_unit_tests)
tests_unit_check_assembler_CFLAGS = $(wire_unit_cflags)
tests_unit_check_assembler_LDADD = $(wire_unit_ldadd)
tests_unit_check_cookie_CFLAGS = $(wire_unit_cflags)
tests_unit_check_cookie_LDADD = $(wire_unit_ldadd)
tests_unit_check_datagram_CFLAGS = $(wire_unit_cflags)
tests_unit_check_datagram_LDADD = $(wire_unit_ldadd)
tests_unit_check_fec_CFLAGS = $(wire_unit_cflags)
tests_unit_check_fec_LDADD = $(wire_unit_ldadd)
tests_unit_check_intake_SOURCES = tests/unit/check_intake.c tests/unit/with_parents.h \
	tests/wire/fake.c tests/wire/fake.h
tests_unit_check_intake_CFLAGS = $(wire_unit_cflags)
tests_unit_check_intake_LDADD = $(wire_unit_ldadd)
tests_unit_check_layout_CFLAGS = $(wire_unit_cflags)
tests_unit_check_layout_LDADD = $(wire_unit_ldadd)
tests_unit_check_loss_CFLAGS = $(wire_unit_cflags)
tests_unit_check_loss_LDADD = $(wire_unit_ldadd)
tests_unit_check_merge_SOURCES = tests/unit/check_merge.c tests/unit/with_parents.h \
	tests/wire/fake.c tests/wire/fake.h
tests_unit_check_merge_CFLAGS = $(wire_unit_cflags)
tests_unit_check_merge_LDADD = $(wire_unit_ldadd)
tests_unit_check_message_CFLAGS = $(wire_unit_cflags)
tests_unit_check_message_LDADD = $(wire_unit_ldadd)
tests_unit_check_object_CFLAGS = $(wire_unit_cflags)
tests_unit_check_object_LDADD = $(wire_unit_ldadd)
tests_unit_check_node_SOURCES = tests/unit/check_node.c tests/unit/boxes.c tests/unit/boxes.h \
	tests/unit/network.c tests/unit/network.h
tests_unit_check_node_CFLAGS = $(wire_unit_cflags)
tests_unit_check_node_LDADD = $(wire_unit_ldadd)
tests_unit_check_node_life_SOURCES = tests/unit/check_node_life.c tests/unit/boxes.c tests/unit/boxes.h
tests_unit_check_node_life_CFLAGS = $(wire_unit_cflags)
tests_unit_check_node_life_LDADD = $(wire_unit_ldadd)
tests_unit_check_ports_SOURCES = tests/unit/check_ports.c tests/unit/network.c tests/unit/network.h
tests_unit_check_ports_CFLAGS = $(wire_unit_cflags)
tests_unit_check_ports_LDADD = $(wire_unit_ldadd)
tests_unit_check_psk_CFLAGS = $(wire_unit_cflags)
tests_unit_check_psk_LDADD = $(wire_unit_ldadd)
tests_unit_check_receiver_SOURCES = tests/unit/check_receiver.c tests/unit/with_parents.h \
	tests/wire/fake.c tests/wire/fake.h
tests_unit_check_receiver_CFLAGS = $(wire_unit_cflags)
tests_unit_check_receiver_LDADD = $(wire_unit_ldadd)
tests_unit_check_revoked_CFLAGS = $(wire_unit_cflags)
tests_unit_check_revoked_LDADD = $(wire_unit_ldadd)
tests_unit_check_seal_CFLAGS = $(wire_unit_cflags)
tests_unit_check_seal_LDADD = $(wire_unit_ldadd)
tests_unit_check_sender_SOURCES = tests/unit/check_sender.c tests/unit/with_relays.h \
	tests/wire/hand.c tests/wire/hand.h
tests_unit_check_sender_CFLAGS = $(wire_unit_cflags)
tests_unit_check_sender_LDADD = $(wire_unit_ldadd)
tests_unit_check_sender_pace_SOURCES = tests/unit/check_sender_pace.c tests/unit/with_relays.h \
	tests/wire/hand.c tests/wire/hand.h
tests_unit_check_sender_pace_CFLAGS = $(wire_unit_cflags)
tests_unit_check_sender_pace_LDADD = $(wire_unit_ldadd)
tests_unit_check_sender_path_SOURCES = tests/unit/check_sender_path.c tests/unit/with_relays.h \
	tests/wire/hand.c tests/wire/hand.h
tests_unit_check_sender_path_CFLAGS = $(wire_unit_cflags)
tests_unit_check_sender_path_LDADD = $(wire_unit_ldadd)
tests_unit_check_sender_told_SOURCES = tests/unit/check_sender_told.c tests/unit/with_relays.h \
	tests/wire/hand.c tests/wire/hand.h
tests_unit_check_sender_told_CFLAGS = $(wire_unit_cflags)
tests_unit_check_sender_told_LDADD = $(wire_unit_ldadd)
endif

wire_fuzzers = tests/fuzz/fuzz_assembler tests/fuzz/fuzz_message tests/fuzz/fuzz_receiver tests/fuzz/fuzz_revoked \
	tests/fuzz/fuzz_sender
check_PROGRAMS += $(wire_fuzzers)
TESTS += $(wire_fuzzers)
tests_fuzz_fuzz_assembler_LDADD = $(FUZZ_DRIVER) $(libwire)
tests_fuzz_fuzz_assembler_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_receiver_SOURCES = tests/fuzz/fuzz_receiver.c tests/wire/fake.c tests/wire/fake.h
tests_fuzz_fuzz_receiver_LDADD = $(FUZZ_DRIVER) $(libwire)
tests_fuzz_fuzz_receiver_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_sender_SOURCES = tests/fuzz/fuzz_sender.c tests/wire/hand.c tests/wire/hand.h
tests_fuzz_fuzz_sender_LDADD = $(FUZZ_DRIVER) $(libwire)
tests_fuzz_fuzz_sender_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_message_LDADD = $(FUZZ_DRIVER) $(libwire)
tests_fuzz_fuzz_message_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_revoked_LDADD = $(FUZZ_DRIVER) $(libwire)
tests_fuzz_fuzz_revoked_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
