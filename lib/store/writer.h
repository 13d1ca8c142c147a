/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer's inside, shared by its parts: writer.c publishes, recover.c takes up what a former writer left,
 * open.c finds or makes the file.
 */
#ifndef KS_STORE_WRITER_H
#define KS_STORE_WRITER_H

#include "lib/store/layout.h"

struct ks_store_writer {
	const struct ks_clock *clock;
	int fd;				/* holds the lock */
	struct ks_store_map map;

	/* What is held, kept here because only this process changes it: positions above position - held, up to
	 * position, lying in the data one after the other and ending at head. */
	uint64_t position;
	uint64_t held;
	uint64_t head;
	struct ks_manifest newest;	/* when held > 0 */
};

/* Puts a frame at the next position, without looking at the order. */
void ks_store_append(struct ks_store_writer *w, const struct ks_frame *frame, int64_t published_us);

/* Makes an entry empty. */
void ks_store_forget(struct ks_store_entry *e);

/* Forgets all that is held; the next frame gets the position after `position`. */
void ks_store_clear(struct ks_store_writer *w, uint64_t position);

/* Fills in position, held, head and newest from the mapping, and repairs what a writer left that died in the
 * midst of a change. KS_EMALFORMED when the newest frame is damaged: the file is then of no use. */
int ks_store_recover(struct ks_store_writer *w);

/* Copies what `from` holds, with its positions, into the still empty store. */
void ks_store_carry(struct ks_store_writer *w, const struct ks_store_writer *from);

/* Says who writes from now on. */
void ks_store_sign_on(struct ks_store_writer *w);

/* Tells readers, and wakes those that wait, that another file has taken this one's place. */
void ks_store_retire(struct ks_store_writer *w);

#endif
