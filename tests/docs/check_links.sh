#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What the pages of the tree link to or name as a path is there.
# shellcheck source=tests/docs/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$top_srcdir" || exit 1

pages() {
	find . \( -name .git -o -name node_modules -o -name 'build*' -o -name 'koshien-[0-9]*' -o -name '_*' \) -prune -o \
		-name '*.md' -print | sed 's|^\./||' | sort
}
# Relative links, without their fragment.
links() {
	grep -oE '\]\([^)]+\)' "$1" | sed -E 's/^\]\(//; s/\)$//; s/#.*//' | grep -vE '^([a-z]+:.*)?$' | sort -u
}
# Words that begin with a folder of the tree and go on like a path; those with a placeholder in them are not meant.
folders=$(find . -mindepth 1 -maxdepth 1 -type d -name '[a-z]*' ! -name 'build*' ! -name 'autom4te*' -printf '%f|')
paths() {
	grep -oE "(^|[^A-Za-z0-9_./<>~\$-])(${folders%|})/[A-Za-z0-9_.*?@<>-][A-Za-z0-9_.*?@<>/-]*" "$1" |
		grep -oE "(${folders%|})/.*" | grep -v '[<>]' | sed -E 's/\.+$//' | sort -u
}
# As it stands, as a template, as a program with its source, or as a pattern with at least one match.
is_there() {
	local suffix
	for suffix in '' .in .c; do
		! compgen -G "$1$suffix" >/dev/null || return 0
	done
	echo "$1 is not there"
	return 1
}
all_there() { # PAGE COMMAND: every line of the command's output
	local what status=0
	while read -r what; do
		is_there "$what" || status=1
	done < <("$2" "$1")
	return $status
}
links_there() {
	local what status=0
	while read -r what; do
		[ -e "$(dirname "$1")/$what" ] || { echo "$what is not there"; status=1; }
	done < <(links "$1")
	return $status
}

for page in $(pages); do
	ok "$page: links" links_there "$page"
	ok "$page: paths" all_there "$page" paths
done
done_testing
