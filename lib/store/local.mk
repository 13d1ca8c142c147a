# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += lib/store/libstore.la
lib_store_libstore_la_SOURCES = \
	lib/store/layout.h lib/store/map.c \
	lib/store/open.c \
	lib/store/reader.c \
	lib/store/recover.c \
	lib/store/scan.c \
	lib/store/store.h \
	lib/store/writer.c lib/store/writer.h
lib_store_libstore_la_LIBADD = lib/frame/libframe.la lib/base/libbase.la
