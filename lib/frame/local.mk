# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += lib/frame/libframe.la
lib_frame_libframe_la_SOURCES = \
	lib/frame/frame.c lib/frame/frame.h \
	lib/frame/id.c lib/frame/id.h \
	lib/frame/jpeg.c lib/frame/jpeg.h \
	lib/frame/jpeg_stamp.c \
	lib/frame/jpeg_tables.c \
	lib/frame/manifest.c lib/frame/manifest.h \
	lib/frame/name.c lib/frame/name.h
lib_frame_libframe_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
lib_frame_libframe_la_LIBADD = lib/base/libbase.la $(SODIUM_LIBS)
