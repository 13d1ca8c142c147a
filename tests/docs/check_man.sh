#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The manual pages are clean mdoc.
# shellcheck source=tests/docs/lib.sh
. "$(dirname "$0")/lib.sh"
command -v mandoc >/dev/null || skip_all "mandoc is not installed"

clean() { mandoc -Tlint -W warning "$1"; }
no_template_left() { ! grep -n '@[a-z]*dir@' "$1"; }
said() { mandoc -Tascii "$1" | col -b | grep -q "^$2\$"; }

for page in "$top_builddir"/man/*.[1-9]; do
	ok "${page##*/}" clean "$page"
	ok "${page##*/} has its paths" no_template_left "$page"
	case $page in *.5) continue ;; esac
	ok "${page##*/} has examples" said "$page" EXAMPLES
	ok "${page##*/} tells the exit status" said "$page" "EXIT STATUS"
done
done_testing
