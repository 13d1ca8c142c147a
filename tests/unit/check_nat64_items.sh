#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Each of the 176 behaviours that the translator's checklist numbers has a test that bears its number.
set -u
. "${top_srcdir:-.}/tests/tap.sh"
trap 'rm -rf "$scratch"' EXIT

# Names as a C file's START_TEST(item_022_version_6) or ITEM(…), or as a script's ok item_022_version_6 …
grep -rhoE --include='*.c' --include='*.sh' '(\(|ok ")item_[0-9]{3}_[a-z0-9_]+' "${top_srcdir:-.}/tests" |
	sed 's/.*item_\([0-9]*\)_.*/\1/' | sort -u >"$scratch/there"
has() { grep -qx "$1" "$scratch/there"; }

for item in $(seq -w 1 176); do
	ok "item $item has a test" has "$item"
done
done_testing
