# SPDX-License-Identifier: Apache-2.0
#
# The simulated network, what is tested on it, and wiresim.
noinst_LIBRARIES += tests/wire/libworld.a
tests_wire_libworld_a_SOURCES = tests/wire/world.c tests/wire/world.h tests/wire/world_network.c
tests_wire_libworld_a_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
libworld = tests/wire/libworld.a -lm

noinst_PROGRAMS += tests/wiresim
tests_wiresim_SOURCES = tests/wire/wiresim.c tests/wire/wiresim.h tests/wire/wiresim_world.c
tests_wiresim_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
tests_wiresim_LDADD = $(libworld) $(libwire) -lm
TESTS += tests/wire/wiresim.sh
dist_check_SCRIPTS += tests/wire/wiresim.sh

if WITH_CHECK
check_LIBRARIES += tests/wire/libscene.a
tests_wire_libscene_a_SOURCES = tests/wire/scene.c tests/wire/scene.h
tests_wire_libscene_a_CFLAGS = $(wire_unit_cflags)
libscene = tests/wire/libscene.a
world_unit_tests = tests/unit/check_hostile tests/unit/check_reload tests/unit/check_session tests/unit/check_tree \
	tests/unit/check_wire
world_unit_ldadd = $(libscene) $(libworld) $(wire_unit_ldadd)
check_PROGRAMS += $(world_unit_tests)
TESTS += $(world_unit_tests)
tests_unit_check_hostile_CFLAGS = $(wire_unit_cflags)
tests_unit_check_hostile_LDADD = $(world_unit_ldadd)
tests_unit_check_reload_CFLAGS = $(wire_unit_cflags)
tests_unit_check_reload_LDADD = $(world_unit_ldadd)
tests_unit_check_session_CFLAGS = $(wire_unit_cflags)
tests_unit_check_session_LDADD = $(world_unit_ldadd)
tests_unit_check_tree_CFLAGS = $(wire_unit_cflags)
tests_unit_check_tree_LDADD = $(world_unit_ldadd)
tests_unit_check_wire_CFLAGS = $(wire_unit_cflags)
tests_unit_check_wire_LDADD = $(world_unit_ldadd)
endif
