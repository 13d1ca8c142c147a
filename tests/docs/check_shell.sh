#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every shell script of the tree, in shellcheck's eyes.
# shellcheck source=tests/docs/lib.sh
. "$(dirname "$0")/lib.sh"
command -v shellcheck >/dev/null || skip_all "shellcheck is not installed"
# "a= b=" on one line sets both empty; "a=relay-b" is no subtraction; a library's variables may be its user's.
not_meant=SC1007,SC2100,SC2154

scripts() {
	{
		find script tests -name '*.sh'
		find script -type f -exec awk 'FNR == 1 && /^#!.*sh$/ { print FILENAME }' {} +
	} 2>/dev/null | sort -u
}
cd "$top_srcdir" || exit 1
for script in $(scripts); do
	ok "$script" shellcheck -x -P SCRIPTDIR -S warning -e "$not_meant" "$script"
done
done_testing
