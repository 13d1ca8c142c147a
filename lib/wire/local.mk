# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += lib/wire/libwire.la
lib_wire_libwire_la_SOURCES = \
	lib/wire/assembler.c lib/wire/assembler.h \
	lib/wire/datagram.c lib/wire/datagram.h \
	lib/wire/drop.c lib/wire/drop.h \
	lib/wire/fec.c lib/wire/fec.h \
	lib/wire/fec_portable.c \
	lib/wire/handshake.c \
	lib/wire/intake.c lib/wire/intake.h \
	lib/wire/layout.c lib/wire/layout.h \
	lib/wire/lookup.c lib/wire/lookup.h \
	lib/wire/message.c lib/wire/message.h \
	lib/wire/object.c lib/wire/object.h \
	lib/wire/psk.c lib/wire/psk.h \
	lib/wire/push.c lib/wire/push.h \
	lib/wire/receiver.c lib/wire/receiver.h \
	lib/wire/seal.c lib/wire/seal.h \
	lib/wire/sender.c lib/wire/sender.h lib/wire/sender_private.h \
	lib/wire/sender_metrics.c \
	lib/wire/udp.c lib/wire/udp.h
if WITH_ISAL
lib_wire_libwire_la_SOURCES += lib/wire/fec_isal.c
endif
lib_wire_libwire_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(ISAL_CFLAGS)
lib_wire_libwire_la_LIBADD = lib/base/libbase.la $(EVENT_LIBS) $(SODIUM_LIBS) $(ISAL_LIBS)

if WITH_CHECK
WIRE_UNIT = tests/unit/check_assembler tests/unit/check_datagram tests/unit/check_fec tests/unit/check_layout \
	tests/unit/check_push tests/unit/check_seal tests/unit/check_wire
WIRE_UNIT_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(ISAL_CFLAGS)
WIRE_UNIT_LDADD = tests/unit/libunit.la lib/wire/libwire.la $(ISAL_LIBS) -lm
check_PROGRAMS += $(WIRE_UNIT)
TESTS += $(WIRE_UNIT)
tests_unit_check_assembler_CFLAGS = $(WIRE_UNIT_CFLAGS)
tests_unit_check_assembler_LDADD = $(WIRE_UNIT_LDADD)
tests_unit_check_datagram_CFLAGS = $(WIRE_UNIT_CFLAGS)
tests_unit_check_datagram_LDADD = $(WIRE_UNIT_LDADD)
tests_unit_check_fec_CFLAGS = $(WIRE_UNIT_CFLAGS)
tests_unit_check_fec_LDADD = $(WIRE_UNIT_LDADD)
tests_unit_check_layout_CFLAGS = $(WIRE_UNIT_CFLAGS)
tests_unit_check_layout_LDADD = $(WIRE_UNIT_LDADD)
tests_unit_check_push_CFLAGS = $(WIRE_UNIT_CFLAGS)
tests_unit_check_push_LDADD = $(WIRE_UNIT_LDADD)
tests_unit_check_seal_CFLAGS = $(WIRE_UNIT_CFLAGS)
tests_unit_check_seal_LDADD = $(WIRE_UNIT_LDADD)
tests_unit_check_wire_SOURCES = tests/unit/check_wire.c tests/wire/world.c tests/wire/world.h
tests_unit_check_wire_CFLAGS = $(WIRE_UNIT_CFLAGS)
tests_unit_check_wire_LDADD = $(WIRE_UNIT_LDADD)
endif
