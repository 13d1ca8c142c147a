# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += koshienctl/libkoshienctl.a
koshienctl_libkoshienctl_a_SOURCES = \
	koshienctl/judge.c koshienctl/judge.h \
	koshienctl/command.c koshienctl/command.h \
	koshienctl/frames.c \
	koshienctl/holding.c koshienctl/holding.h \
	koshienctl/key.c \
	koshienctl/keygen.c \
	koshienctl/nat64.c \
	koshienctl/revoke.c koshienctl/revoke.h \
	koshienctl/rotate.c koshienctl/rotate.h \
	koshienctl/tally.c koshienctl/tally.h \
	koshienctl/watch.c
if WITH_CURL
koshienctl_libkoshienctl_a_SOURCES += koshienctl/viewer.c koshienctl/viewer.h
else
EXTRA_DIST += koshienctl/viewer.c koshienctl/viewer.h
endif
koshienctl_libkoshienctl_a_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS) $(CURL_CFLAGS)
libkoshienctl = koshienctl/libkoshienctl.a $(libhttp) $(libwire) $(libstore) $(libframe) $(libbase) \
	$(SODIUM_LIBS) $(JANSSON_LIBS) $(CURL_LIBS) -lm

bin_PROGRAMS += koshienctl/koshienctl
koshienctl_koshienctl_SOURCES = koshienctl/main.c
koshienctl_koshienctl_LDADD = $(libkoshienctl)

TESTS += tests/unit/check_koshienctl.sh
dist_check_SCRIPTS += tests/unit/check_koshienctl.sh

check_PROGRAMS += tests/fuzz/fuzz_answer
TESTS += tests/fuzz/fuzz_answer
tests_fuzz_fuzz_answer_LDADD = $(FUZZ_DRIVER) $(libkoshienctl)
tests_fuzz_fuzz_answer_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

if WITH_CHECK
check_PROGRAMS += tests/unit/check_tally tests/unit/check_answer tests/unit/check_holding
TESTS += tests/unit/check_tally tests/unit/check_answer tests/unit/check_holding
tests_unit_check_tally_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_tally_LDADD = $(libunit) $(libkoshienctl)
tests_unit_check_answer_SOURCES = tests/unit/check_answer.c tests/unit/stamped.c tests/unit/stamped.h
tests_unit_check_answer_CFLAGS = $(UNIT_CFLAGS) $(TURBOJPEG_CFLAGS) $(SODIUM_CFLAGS)
tests_unit_check_answer_LDADD = $(libunit) $(libkoshienctl) $(TURBOJPEG_LIBS)
tests_unit_check_holding_SOURCES = tests/unit/check_holding.c tests/unit/stamped.c tests/unit/stamped.h
tests_unit_check_holding_CFLAGS = $(UNIT_CFLAGS) $(TURBOJPEG_CFLAGS)
tests_unit_check_holding_LDADD = $(libunit) $(libkoshienctl) $(TURBOJPEG_LIBS)
if WITH_CURL
check_PROGRAMS += tests/unit/check_watch
TESTS += tests/unit/check_watch
tests_unit_check_watch_SOURCES = tests/unit/check_watch.c tests/unit/stamped.c tests/unit/stamped.h
tests_unit_check_watch_CFLAGS = $(UNIT_CFLAGS) $(TURBOJPEG_CFLAGS) $(SODIUM_CFLAGS) $(EVENT_CFLAGS)
tests_unit_check_watch_LDADD = $(libunit) $(libkoshienctl) $(TURBOJPEG_LIBS) $(EVENT_LIBS)
endif
endif
