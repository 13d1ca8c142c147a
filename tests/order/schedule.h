/* SPDX-License-Identifier: Apache-2.0
 *
 * One random schedule: two or three capture daemons of one channel, two relays that hear some of them, sometimes a
 * third relay behind both, and a viewer that hops between the relays. The director, the head and the epochs are those
 * of the programs; the network, the clocks and the files are made up here, all from one seed.
 *
 * First everything goes wrong: restarts of daemons and relays, wall clocks that step by up to an hour, a daemon that
 * loses its state, paths that come and go, frames that are delayed, overtaken or come again from any time before,
 * HEADs that are lost, sources that send placeholders or nothing. Then it is quiet, though not all is well: some
 * sources stay away and some paths stay cut.
 */
#ifndef KS_TESTS_ORDER_SCHEDULE_H
#define KS_TESTS_ORDER_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct order_result {
	uint64_t schedules, published, refused, heads, raised, changes, restarts, replays;
	uint64_t checked_relays, checked_viewers;	/* as not every quiet time has something that must show */

	/* What must not be. */
	uint64_t backwards;	/* published ids that were not above the one before */
	uint64_t silent;	/* relays that published nothing though a source came through */
	uint64_t wrong;		/* relays that did not show the best source in the end */
	uint64_t stuck;		/* viewers that waited too long */

	uint64_t late;		/* relays not yet with their best source, while another relay shows another */
	int64_t longest_wait_us;
};

/* Adds to *result. True when all was as it must be; else *why tells, at most `size` characters. */
bool order_run(uint64_t seed, struct order_result *result, char *why, unsigned size);

#endif
