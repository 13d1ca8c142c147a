/* SPDX-License-Identifier: Apache-2.0
 *
 * Which capture daemon's pictures a channel shows. Several may send at once; the primary is the one with the lowest
 * priority number (then the lowest source id). Another takes over when the one shown has been silent for 1.5 periods,
 * with its newest picture at once; the primary comes back after 10 s of good pictures. A placeholder counts as
 * silence, and is shown when there is nothing better. Whatever is chosen, a picture is published only when its id is
 * higher than that of the one before, of whichever source it was.
 *
 * Frames that have passed another relay (hops > 0) were chosen there: these follow by id alone.
 *
 * Ids of different sources are made comparable by the sources: each hears, through ks_director_ops.head, which frame
 * is published, and takes an epoch above it. So the one that stands by is normally above the one shown, and can take
 * over at once. No clock is compared with another one.
 *
 * Relays that cannot hear the same sources may show different ones, and a viewer that comes from one to the other
 * would wait for ever behind the higher ids. So a source learns that it is shown (a HEAD names a picture of its own)
 * and says so in its pictures (KS_FRAME_SHOWN). A relay that gets such pictures and shows another source passes the
 * higher manifest on, and that other source goes above it; then the first does, and so on, each every 7 to 10 s.
 * For this not to feed itself, a source marks only every other picture, and takes only the naming of an unmarked one
 * as news of being shown: unmarked ones are named by relays that show them, marked ones also by those that pass them
 * on.
 *
 * One thread.
 */
#ifndef KS_RELAY_DIRECTOR_H
#define KS_RELAY_DIRECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/frame/frame.h"

#define KS_TAKEOVER_PERIODS_X10 15		/* 1.5 periods of silence */
#define KS_HANDBACK_US (10 * KS_US_PER_S)	/* of good pictures, none of them more than 1.5 periods late */
#define KS_HEAD_US (1 * KS_US_PER_S)		/* at least, between two HEADs for one channel to who is behind */
#define KS_SHOWN_US (3 * KS_US_PER_S)		/* at least, between two that tell a source that it is shown */
#define KS_HELD_BYTES_MAX ((size_t)64 * 1024 * 1024)	/* of pictures that wait for their turn */

struct ks_director_ops {
	const struct ks_clock *clock;
	/* Publishes a frame; KS_ESTALE when its store holds one that is not older. `hops` as it was taken. */
	int (*publish)(void *ctx, const struct ks_frame *frame, uint8_t hops);
	/* Tells the parents of a frame that is published, here or at another relay. Only ks_director_tick() calls it. */
	void (*head)(void *ctx, const uint8_t manifest[KS_MANIFEST_SIZE]);
	void *ctx;
};

struct ks_director;

int ks_director_new(struct ks_director **director, size_t channels_max, const struct ks_director_ops *ops);
void ks_director_free(struct ks_director *director);

/* A verified frame. KS_EOK: published, or held for its turn, or a placeholder that is not needed; KS_ESTALE: not higher
 * than what is published; what publish() returned; KS_ELIMIT: one channel or rendition too many; -ENOMEM. The bytes are
 * copied when held. ks_director_tick() is to be called afterwards, but not from publish(). */
int ks_director_take(struct ks_director *director, const struct ks_frame *frame, uint8_t hops);

/* A verified manifest of another relay's newest frame: passed on when it is above what is published here. */
void ks_director_heard(struct ks_director *director, const struct ks_manifest *m,
		       const uint8_t manifest[KS_MANIFEST_SIZE]);

/* What a store held from a run before, at start. */
void ks_director_recall(struct ks_director *director, const struct ks_manifest *newest);

/* Does what is due (a takeover, a HEAD); returns when it wants to be called again (monotonic), INT64_MAX: with the next
 * frame. */
int64_t ks_director_tick(struct ks_director *director);

/* The source shown for a channel, -1: none yet; and how often it has changed. */
int ks_director_source(const struct ks_director *director, const char *channel);
uint64_t ks_director_changes(const struct ks_director *director);

/* Bytes of the pictures that are held. */
size_t ks_director_held(const struct ks_director *director);

void ks_director_metrics(const struct ks_director *director, FILE *out);

#endif
