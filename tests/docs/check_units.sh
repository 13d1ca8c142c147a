#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The units are right in systemd's eyes, and shut in well.
# shellcheck source=tests/docs/lib.sh
. "$(dirname "$0")/lib.sh"
command -v systemd-analyze >/dev/null || skip_all "systemd-analyze is not installed"
exposure_max=20 # tenths, of systemd's 0 (shut) to 100 (open)

no_template_left() { ! grep -n '@[a-z]*dir@' "$@"; }
# Right when it says nothing: a key that systemd does not know is only a warning to it.
verifies() {
	! systemd-analyze verify --man=no --recursive-errors=no "$1" 2>&1 | grep -E 'sentry[cd]|nat64d'
}

ok "every path is filled in" no_template_left "$top_builddir"/dist/*.service "$top_builddir"/dist/*/koshien.conf
for unit in sentryd@.service sentryc.service nat64d.service; do
	# Not installed yet, so the program is any that can be run.
	sed 's|^ExecStart=[^ ]*|ExecStart=/bin/sh|' "$top_builddir/dist/$unit" >"$scratch/$unit"
	ok "$unit verifies" verifies "$scratch/$unit"
	ok "$unit is exposed by at most $exposure_max tenths" \
		systemd-analyze security --no-pager --offline=true --threshold=$exposure_max "$scratch/$unit"
done
ok "sysusers.d" systemd-sysusers --dry-run "$top_builddir/dist/sysusers.d/koshien.conf"
done_testing
