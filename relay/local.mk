# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += relay/librelay.la
relay_librelay_la_SOURCES = \
	relay/keys.c relay/keys.h \
	relay/relay.c relay/relay.h \
	relay/settings.c relay/settings.h \
	relay/stores.c relay/stores.h
relay_librelay_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS)
relay_librelay_la_LIBADD = lib/wire/libwire.la lib/store/libstore.la lib/frame/libframe.la lib/base/libbase.la \
	$(EVENT_LIBS) $(SODIUM_LIBS)

sbin_PROGRAMS += relay/sentryc
relay_sentryc_SOURCES = relay/main.c
relay_sentryc_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
relay_sentryc_LDADD = relay/librelay.la $(SODIUM_LIBS)
