/* SPDX-License-Identifier: Apache-2.0
 *
 * The stores that this process knows, found by looking into their directory. A name that is not known costs a look at
 * when the directory has changed, however many wrong names strangers ask for: it is read when it has, and once per
 * KS_STORES_SCAN_US where that cannot be told. May be called from any thread.
 */
#ifndef KS_MOD_SENTRY_STORES_H
#define KS_MOD_SENTRY_STORES_H

#include <stddef.h>
#include <stdint.h>

#include "mod_sentry/copies.h"

#define KS_STORES_MAX 256	/* channels and renditions served by one process */
#define KS_STORES_SCAN_US KS_US_PER_S

struct ks_stores;

struct ks_stores *ks_stores_new(void);	/* NULL when out of memory */
void ks_stores_free(struct ks_stores *stores);

/* NULL when there is no such channel or rendition. A store that was found once stays known. */
struct ks_copies *ks_stores_find(struct ks_stores *stores, const char *dir, const char *channel,
				 const char *rendition, int64_t mono_us);

/* All stores of the directory, or of one channel in it (NULL: all), sorted by name; returns how many. */
size_t ks_stores_list(struct ks_stores *stores, const char *dir, const char *channel, int64_t mono_us,
		      struct ks_copies *list[KS_STORES_MAX]);

#endif
