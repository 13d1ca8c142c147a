# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += capture/libcapture.la
capture_libcapture_la_SOURCES = \
	capture/canvas.c capture/canvas.h \
	capture/card.c capture/card.h \
	capture/counts.c capture/counts.h \
	capture/encoder.c capture/encoder.h \
	capture/epoch.c capture/epoch.h \
	capture/feed.c capture/feed.h \
	capture/font.c capture/font.h \
	capture/outage.c capture/outage.h \
	capture/picture.h \
	capture/publisher.c capture/publisher.h \
	capture/raw.c capture/raw.h \
	capture/sentryd.c capture/sentryd.h \
	capture/settings.c capture/settings.h \
	capture/source.c capture/source.h \
	capture/source_dir.c \
	capture/source_pipe.c \
	capture/source_test.c \
	capture/source_v4l2.c \
	capture/split.c capture/split.h \
	capture/v4l2.h
if WITH_V4L2
capture_libcapture_la_SOURCES += capture/v4l2_device.c capture/v4l2_device.h
endif
capture_libcapture_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(TURBOJPEG_CFLAGS) $(V4L2_CFLAGS)
capture_libcapture_la_LIBADD = lib/wire/libwire.la lib/frame/libframe.la lib/base/libbase.la $(EVENT_LIBS) $(SODIUM_LIBS) \
	$(TURBOJPEG_LIBS) $(V4L2_LIBS) -lm

sbin_PROGRAMS += capture/sentryd
capture_sentryd_SOURCES = capture/main.c
capture_sentryd_LDADD = capture/libcapture.la
