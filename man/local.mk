# SPDX-License-Identifier: Apache-2.0
#
# Manual pages are templates, since they name the folders that configure was given.
MAN_GENERATED = man/koshienctl.1 man/nat64d.8 man/nat64d.conf.5 man/sentryc.8 man/sentryc.conf.5 man/sentryd.8 man/sentryd.conf.5
MAN_TEMPLATES = man/koshienctl.1.in man/nat64d.8.in man/nat64d.conf.5.in man/sentryc.8.in man/sentryc.conf.5.in \
	man/sentryd.8.in man/sentryd.conf.5.in
nodist_man_MANS = $(MAN_GENERATED)
EXTRA_DIST += $(MAN_TEMPLATES)
CLEANFILES += $(MAN_GENERATED)

$(MAN_GENERATED): Makefile $(MAN_TEMPLATES)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(PATHS_SED) <$(srcdir)/$@.in >$@.tmp && mv $@.tmp $@

TESTS += tests/docs/check_help.sh tests/docs/check_man.sh tests/docs/check_links.sh tests/docs/check_shell.sh
dist_check_SCRIPTS += tests/docs/check_help.sh tests/docs/check_man.sh tests/docs/check_links.sh \
	tests/docs/check_shell.sh
EXTRA_DIST += tests/docs/lib.sh
