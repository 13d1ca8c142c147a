# SPDX-License-Identifier: Apache-2.0
#
# For systemd. The templates get the paths that configure was given.
DIST_GENERATED = dist/sentryd@.service dist/sentryc.service dist/nat64d.service dist/sysusers.d/koshien.conf \
	dist/tmpfiles.d/koshien.conf
DIST_TEMPLATES = dist/sentryd@.service.in dist/sentryc.service.in dist/nat64d.service.in dist/sysusers.d/koshien.conf.in \
	dist/tmpfiles.d/koshien.conf.in

systemdunitdir = $(prefix)/lib/systemd/system
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
nodist_systemdunit_DATA = dist/sentryd@.service dist/sentryc.service dist/nat64d.service
nodist_sysusers_DATA = dist/sysusers.d/koshien.conf
nodist_tmpfiles_DATA = dist/tmpfiles.d/koshien.conf
sysctldir = $(prefix)/lib/sysctl.d
dist_sysctl_DATA = dist/sysctl.d/koshien.conf
# A sample: a relay that had it would forward. examplesdir is balancer's.
dist_examples_DATA += dist/sysctl.d/koshien-nat64.conf

EXTRA_DIST += $(DIST_TEMPLATES)
CLEANFILES += $(DIST_GENERATED)

PATHS_SED = $(SED) -e 's|[@]sbindir@|$(sbindir)|g' -e 's|[@]sysconfdir@|$(sysconfdir)|g' \
	-e 's|[@]localstatedir@|$(localstatedir)|g' -e 's|[@]runstatedir@|$(runstatedir)|g' \
	-e 's|[@]docdir@|$(docdir)|g'

$(DIST_GENERATED): Makefile $(DIST_TEMPLATES)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(PATHS_SED) <$(srcdir)/$@.in >$@.tmp && mv $@.tmp $@

TESTS += tests/docs/check_units.sh
dist_check_SCRIPTS += tests/docs/check_units.sh
