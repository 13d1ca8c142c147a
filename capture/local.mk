# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += capture/libcapture.a
capture_libcapture_a_SOURCES = \
	capture/canvas.c capture/canvas.h \
	capture/card.c capture/card.h \
	capture/counts.c capture/counts.h \
	capture/encoder.c capture/encoder.h \
	capture/epoch.c capture/epoch.h \
	capture/feed.c capture/feed.h \
	capture/font.c capture/font.h \
	capture/head.c capture/head.h \
	capture/keys.c capture/keys.h \
	capture/outage.c capture/outage.h \
	capture/picture.h \
	capture/publisher.c capture/publisher.h \
	capture/raw.c capture/raw.h \
	capture/renditions.c capture/renditions.h \
	capture/scaler.c capture/scaler.h \
	capture/sentryd.c capture/sentryd.h \
	capture/settings.c capture/settings.h \
	capture/source.c capture/source.h \
	capture/source_dir.c \
	capture/source_pipe.c \
	capture/source_test.c \
	capture/source_v4l2.c \
	capture/split.c capture/split.h \
	capture/uplink.c capture/uplink.h \
	capture/v4l2.h
if WITH_V4L2
capture_libcapture_a_SOURCES += capture/v4l2_device.c capture/v4l2_device.h
endif
capture_libcapture_a_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(TURBOJPEG_CFLAGS) $(V4L2_CFLAGS)
libcapture = capture/libcapture.a $(libwire) $(libframe) $(libbase) $(EVENT_LIBS) $(SODIUM_LIBS) \
	$(TURBOJPEG_LIBS) $(V4L2_LIBS) $(LIBYUV_LIBS) -lm

sbin_PROGRAMS += capture/sentryd
capture_sentryd_SOURCES = capture/main.c
capture_sentryd_LDADD = $(libcapture)

if WITH_CHECK
capture_tests = tests/unit/check_card tests/unit/check_encoder tests/unit/check_raw tests/unit/check_split \
	tests/unit/check_epoch tests/unit/check_head tests/unit/check_publisher tests/unit/check_source_dir \
	tests/unit/check_source_pipe tests/unit/check_feed tests/unit/check_scaler tests/unit/check_renditions
if WITH_V4L2
capture_tests += tests/unit/check_source_v4l2
tests_unit_check_source_v4l2_SOURCES = tests/unit/check_source_v4l2.c tests/unit/capture_pictures.h
tests_unit_check_source_v4l2_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS)
tests_unit_check_source_v4l2_LDADD = $(libunit) $(libcapture) $(EVENT_LIBS)
endif
check_PROGRAMS += $(capture_tests)
TESTS += $(capture_tests)
tests_unit_check_card_SOURCES = tests/unit/check_card.c tests/unit/capture_pictures.h
tests_unit_check_card_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(TURBOJPEG_CFLAGS)
tests_unit_check_card_LDADD = $(libunit) $(libcapture) $(EVENT_LIBS) $(SODIUM_LIBS) \
	$(TURBOJPEG_LIBS)
tests_unit_check_encoder_SOURCES = tests/unit/check_encoder.c tests/unit/capture_pictures.h
tests_unit_check_encoder_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(TURBOJPEG_CFLAGS)
tests_unit_check_encoder_LDADD = $(libunit) $(libcapture) $(EVENT_LIBS) $(SODIUM_LIBS) \
	$(TURBOJPEG_LIBS)
tests_unit_check_raw_SOURCES = tests/unit/check_raw.c tests/unit/capture_pictures.h
tests_unit_check_raw_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(TURBOJPEG_CFLAGS)
tests_unit_check_raw_LDADD = $(libunit) $(libcapture) $(EVENT_LIBS) $(SODIUM_LIBS) \
	$(TURBOJPEG_LIBS)
tests_unit_check_split_SOURCES = tests/unit/check_split.c tests/unit/capture_pictures.h
tests_unit_check_split_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(TURBOJPEG_CFLAGS)
tests_unit_check_split_LDADD = $(libunit) $(libcapture) $(EVENT_LIBS) $(SODIUM_LIBS) \
	$(TURBOJPEG_LIBS)
tests_unit_check_head_CFLAGS = $(UNIT_CFLAGS) $(SODIUM_CFLAGS)
tests_unit_check_head_LDADD = $(libunit) $(libcapture) $(SODIUM_LIBS)
tests_unit_check_epoch_SOURCES = tests/unit/check_epoch.c tests/unit/capture_pictures.h
tests_unit_check_epoch_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(TURBOJPEG_CFLAGS)
tests_unit_check_epoch_LDADD = $(libunit) $(libcapture) $(EVENT_LIBS) $(SODIUM_LIBS) \
	$(TURBOJPEG_LIBS)
tests_unit_check_publisher_SOURCES = tests/unit/check_publisher.c tests/unit/capture_pictures.h
tests_unit_check_publisher_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(TURBOJPEG_CFLAGS)
tests_unit_check_publisher_LDADD = $(libunit) $(libcapture) $(EVENT_LIBS) $(SODIUM_LIBS) \
	$(TURBOJPEG_LIBS)
tests_unit_check_source_dir_SOURCES = tests/unit/check_source_dir.c tests/unit/capture_pictures.h
tests_unit_check_source_dir_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(TURBOJPEG_CFLAGS)
tests_unit_check_source_dir_LDADD = $(libunit) $(libcapture) $(EVENT_LIBS) $(SODIUM_LIBS) \
	$(TURBOJPEG_LIBS)
tests_unit_check_source_pipe_SOURCES = tests/unit/check_source_pipe.c tests/unit/capture_pictures.h
tests_unit_check_source_pipe_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(TURBOJPEG_CFLAGS)
tests_unit_check_source_pipe_LDADD = $(libunit) $(libcapture) $(EVENT_LIBS) $(SODIUM_LIBS) \
	$(TURBOJPEG_LIBS)
tests_unit_check_feed_SOURCES = tests/unit/check_feed.c tests/unit/capture_pictures.h
tests_unit_check_feed_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(TURBOJPEG_CFLAGS)
tests_unit_check_feed_LDADD = $(libunit) $(libcapture) $(EVENT_LIBS) $(SODIUM_LIBS) \
	$(TURBOJPEG_LIBS)
tests_unit_check_scaler_SOURCES = tests/unit/check_scaler.c tests/unit/capture_pictures.h
tests_unit_check_scaler_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(TURBOJPEG_CFLAGS)
tests_unit_check_scaler_LDADD = $(libunit) $(libcapture) $(EVENT_LIBS) $(SODIUM_LIBS) \
	$(TURBOJPEG_LIBS)
tests_unit_check_renditions_SOURCES = tests/unit/check_renditions.c tests/unit/capture_pictures.h
tests_unit_check_renditions_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS) $(SODIUM_CFLAGS) $(TURBOJPEG_CFLAGS)
tests_unit_check_renditions_LDADD = $(libunit) $(libcapture) $(EVENT_LIBS) $(SODIUM_LIBS) \
	$(TURBOJPEG_LIBS)
endif

check_PROGRAMS += tests/fuzz/fuzz_split tests/fuzz/fuzz_epoch
TESTS += tests/fuzz/fuzz_split tests/fuzz/fuzz_epoch
tests_fuzz_fuzz_split_LDADD = $(FUZZ_DRIVER) $(libcapture)
tests_fuzz_fuzz_split_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_epoch_LDADD = $(FUZZ_DRIVER) $(libcapture)
tests_fuzz_fuzz_epoch_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

EXTRA_DIST += tests/vm/guest.sh tests/vm/press.c tests/vm/v4l2.test.sh
TESTS += tests/capture/settings.sh
dist_check_SCRIPTS += tests/capture/settings.sh
