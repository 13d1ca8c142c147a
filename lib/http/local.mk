# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += lib/http/libhttp.a
lib_http_libhttp_a_SOURCES = \
	lib/http/answer.c lib/http/answer.h \
	lib/http/picture_check.c lib/http/picture_check.h
lib_http_libhttp_a_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
libhttp = lib/http/libhttp.a $(libframe) $(libbase)
