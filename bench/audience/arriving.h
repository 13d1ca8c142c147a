/* SPDX-License-Identifier: Apache-2.0
 *
 * An answer while it arrives: taken apart, its pictures judged, shown and counted.
 */
#ifndef KS_SWARM_ARRIVING_H
#define KS_SWARM_ARRIVING_H

#include "bench/audience/multipart.h"
#include "bench/audience/pace.h"
#include "lib/http/picture_check.h"

struct swarm_stage;
struct swarm_viewer;

struct swarm_arriving {
	struct swarm_answer answer;
	struct swarm_multipart parts;
	struct ks_picture_check check;
};

enum swarm_outcome {
	SWARM_GOES_ON,		/* all bytes are taken */
	SWARM_SERVED,		/* the answer is whole and good; *word is what it said */
	SWARM_REFUSED,		/* it is whole, and no good picture; *retry_us is how long it asks to wait */
	SWARM_BROKEN		/* it cannot be read on: the connection is of no more use */
};

struct swarm_hearing {
	struct swarm_word word;
	int64_t retry_us;
};

/* Takes bytes of the viewer's answer, which viewer->arriving holds. After SERVED and REFUSED bytes may be left. */
enum swarm_outcome swarm_arriving_take(struct swarm_stage *stage, struct swarm_viewer *viewer, struct ks_reader *r,
				       struct swarm_hearing *heard);

/* Counts what is no answer; of the first, keeps the bytes before and behind where that was seen. */
void swarm_arriving_malformed(struct swarm_stage *stage, struct swarm_viewer *viewer, const struct ks_reader *r);

/* The connection ended in the middle of it: counts what that cuts. True when nothing was: that is how it ends, or it
 * was between two parts. */
bool swarm_arriving_ended(struct swarm_stage *stage, struct swarm_viewer *viewer);

#endif
