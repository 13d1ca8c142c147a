/* SPDX-License-Identifier: Apache-2.0
 *
 * How long answers may be kept, by whom: RFC 9111, RFC 5861, RFC 8246.
 */
#ifndef KS_MOD_SENTRY_CACHE_CONTROL_H
#define KS_MOD_SENTRY_CACHE_CONTROL_H

#define KS_CACHE_LIVE "public, max-age=0, s-maxage=1, stale-while-revalidate=2"
#define KS_CACHE_FRAME "public, max-age=86400, immutable"
#define KS_CACHE_GONE "public, max-age=60"
#define KS_CACHE_NEVER "no-store"

#endif
