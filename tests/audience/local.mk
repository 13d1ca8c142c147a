# SPDX-License-Identifier: Apache-2.0
#
# bench/swarm, against a server that does one thing wrong.
swarm_cflags = $(UNIT_CFLAGS) $(SODIUM_CFLAGS) $(EVENT_CFLAGS) $(TURBOJPEG_CFLAGS)
if WITH_CHECK
check_LIBRARIES += tests/audience/libserver.a
tests_audience_libserver_a_SOURCES = tests/audience/server.c tests/audience/server.h tests/unit/stamped.c \
	tests/unit/stamped.h
tests_audience_libserver_a_CFLAGS = $(swarm_cflags)
libserver = tests/audience/libserver.a $(libframe) $(EVENT_LIBS) $(TURBOJPEG_LIBS)

swarm_unit_tests = tests/unit/check_swarm tests/unit/check_swarm_answer tests/unit/check_swarm_parts \
	tests/unit/check_swarm_report
check_PROGRAMS += tests/audience/serve $(swarm_unit_tests)
TESTS += $(swarm_unit_tests)
tests_audience_serve_CFLAGS = $(swarm_cflags)
tests_audience_serve_LDADD = $(libserver)
tests_unit_check_swarm_CFLAGS = $(swarm_cflags)
tests_unit_check_swarm_LDADD = $(libunit) $(libserver) $(libswarm) -lpthread
tests_unit_check_swarm_answer_CFLAGS = $(UNIT_CFLAGS)
tests_unit_check_swarm_answer_LDADD = $(libunit) $(libswarm)
tests_unit_check_swarm_parts_CFLAGS = $(UNIT_CFLAGS) $(SODIUM_CFLAGS)
tests_unit_check_swarm_parts_LDADD = $(libunit) $(libswarm) -lm
tests_unit_check_swarm_report_CFLAGS = $(UNIT_CFLAGS) $(SODIUM_CFLAGS)
tests_unit_check_swarm_report_LDADD = $(libunit) $(libswarm)
endif
TESTS += tests/unit/check_swarm_program.sh
dist_check_SCRIPTS += tests/unit/check_swarm_program.sh

check_PROGRAMS += tests/fuzz/fuzz_swarm_answer
TESTS += tests/fuzz/fuzz_swarm_answer
tests_fuzz_fuzz_swarm_answer_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
tests_fuzz_fuzz_swarm_answer_LDADD = $(FUZZ_DRIVER) $(libswarm)
tests_fuzz_fuzz_swarm_answer_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
