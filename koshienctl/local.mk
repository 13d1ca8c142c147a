# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += koshienctl/libkoshienctl.la
koshienctl_libkoshienctl_la_SOURCES = \
	koshienctl/answer.c koshienctl/answer.h \
	koshienctl/command.c koshienctl/command.h \
	koshienctl/keygen.c \
	koshienctl/tally.c koshienctl/tally.h \
	koshienctl/watch.c
if WITH_CURL
koshienctl_libkoshienctl_la_SOURCES += koshienctl/viewer.c koshienctl/viewer.h
else
EXTRA_DIST += koshienctl/viewer.c koshienctl/viewer.h
endif
koshienctl_libkoshienctl_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS) $(CURL_CFLAGS)
koshienctl_libkoshienctl_la_LIBADD = lib/frame/libframe.la lib/base/libbase.la \
	$(SODIUM_LIBS) $(JANSSON_LIBS) $(CURL_LIBS) -lm

bin_PROGRAMS += koshienctl/koshienctl
koshienctl_koshienctl_SOURCES = koshienctl/main.c
koshienctl_koshienctl_LDADD = koshienctl/libkoshienctl.la
