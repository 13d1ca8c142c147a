/* SPDX-License-Identifier: Apache-2.0
 *
 * The way to one other node that we were told of: its name is looked up, a socket opened to it, and both again
 * whenever it has been silent: its name may have moved, or our own address.
 */
#ifndef KS_WIRE_DIAL_H
#define KS_WIRE_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/clock.h"
#include "lib/wire/ports.h"

struct ks_dial;

#define KS_DIAL_REOPEN_MIN_US (5 * KS_US_PER_S / 2)		/* of silence; doubles up to the longest */
#define KS_DIAL_REOPEN_MAX_US (60 * KS_US_PER_S)
#define KS_DIAL_REVIEW_US (1 * KS_US_PER_S)
#define KS_DIAL_LOOKUP_US (20 * KS_US_PER_MS)		/* between reviews while a name is being looked up */

/* The half of the node that it is for. */
struct ks_dial_half {
	const char *what;	/* "relay", "parent": for the log */
	void (*move)(void *core, size_t number, const struct ks_endpoint *to);
	int64_t (*silent_since_us)(void *core, size_t number);
	void *core;
};

/* Nothing is opened before ks_dial_start(). `half` is borrowed, name and address are copied. KS_EOK, KS_EMALFORMED when
 * that is no address, KS_ELIMIT or -ENOMEM. */
int ks_dial_new(struct ks_dial **dial, struct ks_ports *ports, const struct ks_dial_half *half, const char *name,
		const char *address);
void ks_dial_free(struct ks_dial *dial);

/* From here on it is the core's `number`. Blind: nothing can be heard from there, so that its name is looked up again
 * every KS_DIAL_REOPEN_MAX_US. */
int ks_dial_start(struct ks_dial *dial, size_t number, bool blind);

/* Does what is due; true while a name is being looked up. */
bool ks_dial_review(struct ks_dial *dial);

size_t ks_dial_number(const struct ks_dial *dial);
bool ks_dial_matches(const struct ks_dial *dial, const char *name, const char *address, bool blind);

#endif
