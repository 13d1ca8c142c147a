# SPDX-License-Identifier: Apache-2.0
#
# A bad network between namespaces, and the daemons on it. Run by script/test, as root.
noinst_LTLIBRARIES += tests/net/libnet.la
tests_net_libnet_la_SOURCES = \
	tests/net/command.c tests/net/command.h \
	tests/net/flight.c tests/net/flight.h \
	tests/net/packet.c tests/net/packet.h \
	tests/net/peer.c tests/net/peer.h \
	tests/net/shape.c tests/net/shape.h \
	tests/net/tun.c tests/net/tun.h
tests_net_libnet_la_LIBADD = -lm

noinst_PROGRAMS += tests/net/flood tests/net/held tests/net/link tests/net/probe
tests_net_flood_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
tests_net_flood_LDADD = tests/net/libnet.la lib/wire/libwire.la $(SODIUM_LIBS)
tests_net_held_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
tests_net_held_LDADD = lib/store/libstore.la $(SODIUM_LIBS)
tests_net_link_LDADD = tests/net/libnet.la
tests_net_probe_LDADD = tests/net/libnet.la

if WITH_CHECK
check_PROGRAMS += tests/unit/check_link
TESTS += tests/unit/check_link
tests_unit_check_link_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_link_LDADD = tests/unit/libunit.la tests/net/libnet.la lib/base/libbase.la
endif

EXTRA_DIST += tests/net/lib.sh tests/net/failure.test.sh tests/net/flood.test.sh tests/net/join.test.sh \
	tests/net/keys.test.sh tests/net/link.test.sh tests/net/mtu.test.sh tests/net/outage.test.sh \
	tests/net/push.test.sh
