/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said with a 503: why there is nothing to show, for clients (names and no paths), and when to come again. The
 * same from httpd's threads and from the pump.
 */
#ifndef KS_MOD_SENTRY_UNAVAILABLE_H
#define KS_MOD_SENTRY_UNAVAILABLE_H

#include "mod_sentry/state.h"

/* Retry-After is from the first to the sum of both, so that an audience does not come back as one. */
#define KS_RETRY_AFTER_S 2
#define KS_RETRY_SPREAD_S 6

#define KS_UNAVAILABLE_TEXT 256

/* `error` is the store's, as of ks_copies_newest(). Returns `out`, a sentence. */
const char *ks_unavailable_words(char out[KS_UNAVAILABLE_TEXT], const char *channel, const char *rendition, int error,
				 const struct ks_freshness *f);

#endif
