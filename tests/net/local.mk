# SPDX-License-Identifier: Apache-2.0
#
# A bad network between namespaces, and the daemons on it. Run by script/test, as root.
noinst_LIBRARIES += tests/net/libnet.a
tests_net_libnet_a_SOURCES = \
	tests/net/command.c tests/net/command.h \
	tests/net/flight.c tests/net/flight.h \
	tests/net/packet.c tests/net/packet.h \
	tests/net/peer.c tests/net/peer.h \
	tests/net/shape.c tests/net/shape.h \
	tests/net/tun.c tests/net/tun.h
libnet = tests/net/libnet.a -lm

noinst_PROGRAMS += tests/net/flood tests/net/held tests/net/link tests/net/nat64_echo \
	tests/net/nat64_probe tests/net/probe
tests_net_flood_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
tests_net_flood_LDADD = $(libnet) $(libwire) $(SODIUM_LIBS)
tests_net_held_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
tests_net_held_LDADD = $(libstore) $(SODIUM_LIBS)
tests_net_link_LDADD = $(libnet)
tests_net_probe_LDADD = $(libnet)

if WITH_CHECK
check_PROGRAMS += tests/unit/check_link
TESTS += tests/unit/check_link
tests_unit_check_link_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_link_LDADD = $(libunit) $(libnet) $(libbase)
endif

EXTRA_DIST += tests/net/lib.sh tests/net/failure.test.sh tests/net/flood.test.sh tests/net/join.test.sh \
	tests/net/keys.test.sh tests/net/link.test.sh tests/net/mtu.test.sh tests/net/nat64-hosts.sh \
	tests/net/nat64-many.test.sh tests/net/nat64-offload.test.sh tests/net/nat64-path.test.sh \
	tests/net/nat64-start.test.sh tests/net/nat64.test.sh tests/net/outage.test.sh tests/net/push.test.sh
