# SPDX-License-Identifier: Apache-2.0
#
# KS_CFLAG(FLAG, [IF-NOT]): adds FLAG to KS_CFLAGS when the compiler takes it without a warning.
AC_DEFUN([KS_CFLAG], [
	AC_MSG_CHECKING([whether $CC takes $1])
	ks_save_cflags="$CFLAGS"
	CFLAGS="$CFLAGS -Werror $1"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
		[AC_MSG_RESULT([yes]); KS_CFLAGS="$KS_CFLAGS $1"],
		[AC_MSG_RESULT([no]); $2])
	CFLAGS="$ks_save_cflags"])

# KS_LDFLAG(FLAG): adds FLAG to KS_LDFLAGS when the linker takes it.
AC_DEFUN([KS_LDFLAG], [
	AC_MSG_CHECKING([whether the linker takes $1])
	ks_save_ldflags="$LDFLAGS"
	LDFLAGS="$LDFLAGS $1"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
		[AC_MSG_RESULT([yes]); KS_LDFLAGS="$KS_LDFLAGS $1"],
		[AC_MSG_RESULT([no])])
	LDFLAGS="$ks_save_ldflags"])

# KS_WITH(NAME, VAR, MODULE, WHAT): an optional library. --with-NAME makes it needed, --without-NAME
# leaves it out, silence takes it when it is there. Sets ks_with_NAME for the summary, defines
# HAVE_VAR for the code and WITH_VAR for the makefiles.
AC_DEFUN([KS_WITH], [
	AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1], [$4])],, [with_$1=auto])
	ks_with_$1="no (left out: $4)"
	AS_IF([test "x$with_$1" != xno], [
		PKG_CHECK_MODULES([$2], [$3], [
			ks_with_$1=yes
			AC_DEFINE([HAVE_$2], [1], [$4])],
			[AS_IF([test "x$with_$1" = xyes], [AC_MSG_ERROR([--with-$1: $3 was not found])])])])
	AM_CONDITIONAL([WITH_$2], [test "x$ks_with_$1" = xyes])])

# KS_WITH_LIB(NAME, VAR, LIBRARY, HEADER, FUNCTION, PACKAGE, WHAT): the same for a library without a pkg-config file.
# Sets VAR_LIBS.
AC_DEFUN([KS_WITH_LIB], [
	AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1], [$7])],, [with_$1=auto])
	ks_with_$1="no (left out: $7)"
	AC_SUBST([$2_LIBS])
	AS_IF([test "x$with_$1" != xno], [
		AC_CHECK_HEADER([$4], [AC_CHECK_LIB([$3], [$5], [
			ks_with_$1=yes
			$2_LIBS="-l$3"
			AC_DEFINE([HAVE_$2], [1], [$7])], [:])])
		AS_IF([test "x$with_$1" = xyes && test "x$ks_with_$1" != xyes],
			[AC_MSG_ERROR([--with-$1: $3 was not found; install $6])])])
	AM_CONDITIONAL([WITH_$2], [test "x$ks_with_$1" = xyes])])
