# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += lib/frame/libframe.a
lib_frame_libframe_a_SOURCES = \
	lib/frame/frame.c lib/frame/frame.h \
	lib/frame/id.c lib/frame/id.h \
	lib/frame/jpeg.c lib/frame/jpeg.h \
	lib/frame/jpeg_stamp.c \
	lib/frame/jpeg_tables.c \
	lib/frame/manifest.c lib/frame/manifest.h \
	lib/frame/trust.c lib/frame/trust.h
lib_frame_libframe_a_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
libframe = lib/frame/libframe.a $(libbase) $(SODIUM_LIBS)

if WITH_CHECK
check_PROGRAMS += tests/unit/check_id tests/unit/check_name tests/unit/check_manifest \
	tests/unit/check_jpeg tests/unit/check_frame
TESTS += tests/unit/check_id tests/unit/check_name tests/unit/check_manifest \
	tests/unit/check_jpeg tests/unit/check_frame
tests_unit_check_id_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_id_LDADD = $(libunit) $(libframe)
tests_unit_check_name_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_name_LDADD = $(libunit) $(libframe)
tests_unit_check_manifest_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_manifest_LDADD = $(libunit) $(libframe)
tests_unit_check_jpeg_CFLAGS = $(UNIT_CFLAGS) $(TURBOJPEG_CFLAGS)
tests_unit_check_jpeg_LDADD = $(libunit) $(libframe) $(TURBOJPEG_LIBS)
tests_unit_check_frame_CFLAGS = $(UNIT_CFLAGS) $(SODIUM_CFLAGS) $(TURBOJPEG_CFLAGS)
tests_unit_check_frame_LDADD = $(libunit) $(libframe) $(TURBOJPEG_LIBS)
endif

check_PROGRAMS += tests/fuzz/fuzz_id tests/fuzz/fuzz_manifest tests/fuzz/fuzz_jpeg tests/fuzz/fuzz_frame
TESTS += tests/fuzz/fuzz_id tests/fuzz/fuzz_manifest tests/fuzz/fuzz_jpeg tests/fuzz/fuzz_frame
tests_fuzz_fuzz_id_LDADD = $(FUZZ_DRIVER) $(libframe)
tests_fuzz_fuzz_id_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_manifest_LDADD = $(FUZZ_DRIVER) $(libframe)
tests_fuzz_fuzz_manifest_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_jpeg_LDADD = $(FUZZ_DRIVER) $(libframe)
tests_fuzz_fuzz_jpeg_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_frame_LDADD = $(FUZZ_DRIVER) $(libframe)
tests_fuzz_fuzz_frame_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
