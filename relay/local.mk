# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += relay/librelay.a
relay_librelay_a_SOURCES = \
	relay/director.c relay/director.h \
	relay/held.c relay/held.h \
	relay/keys.c relay/keys.h \
	relay/relay.c relay/relay.h \
	relay/settings.c relay/settings.h \
	relay/stores.c relay/stores.h \
	relay/wiring.c relay/wiring.h
relay_librelay_a_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS)
librelay = relay/librelay.a $(libwire) $(libstore) $(libframe) $(libbase) \
	$(EVENT_LIBS) $(SODIUM_LIBS)

sbin_PROGRAMS += relay/sentryc
relay_sentryc_SOURCES = relay/main.c
relay_sentryc_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
relay_sentryc_LDADD = $(librelay) $(SODIUM_LIBS)

if WITH_CHECK
check_PROGRAMS += tests/unit/check_director tests/unit/check_relay
TESTS += tests/unit/check_director tests/unit/check_relay
tests_unit_check_director_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_director_LDADD = $(libunit) $(librelay)
tests_unit_check_relay_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS) $(TURBOJPEG_CFLAGS)
tests_unit_check_relay_LDADD = $(libunit) $(librelay) $(EVENT_LIBS) $(TURBOJPEG_LIBS)
endif

# The order of pictures in random schedules; with --schedules 1000000 it takes about two minutes.
noinst_PROGRAMS += tests/ordersim
TESTS += tests/ordersim
tests_ordersim_SOURCES = tests/order/ordersim.c tests/order/schedule.c tests/order/schedule.h
tests_ordersim_LDADD = $(libcapture) $(librelay)

TESTS += tests/relay/keys.sh tests/relay/sentryc.sh tests/relay/standby.sh
dist_check_SCRIPTS += tests/relay/keys.sh tests/relay/sentryc.sh tests/relay/standby.sh
