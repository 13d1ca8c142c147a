/* SPDX-License-Identifier: Apache-2.0
 *
 * The directives. Each stands once, in the list below; the struct, its unset values, merging, presets and
 * httpd's command table are made from it. All may stand in the server's part and in <Location>.
 */
#ifndef KS_MOD_SENTRY_DIRECTIVES_H
#define KS_MOD_SENTRY_DIRECTIVES_H

#include <stdint.h>

#include <httpd.h>
#include <http_config.h>

#include "mod_sentry/state.h"

/* X(type, member, directive, preset, help) */
#define KS_DIRECTIVES(X) \
	X(PATH, store, "SentryStore", KS_RUNDIR, \
	  "directory of the frame stores, as sentryc's setting store") \
	X(COUNT, stale_periods, "SentryStaleAfter", 3, \
	  "periods without a new picture, 1 to 1000, after which the last one is marked stale") \
	X(TIME, dead_us, "SentryDeadAfter", 30 * KS_US_PER_S, \
	  "time without a new picture, such as 30s or 500ms, after which 503 is answered") \
	X(SWITCH, cors, "SentryCORS", 1, \
	  "On or Off: whether pages of other sites may read the pictures") \
	X(SWITCH, timing, "SentryTiming", 1, \
	  "On or Off: whether answers carry Server-Timing") \
	X(SWITCH, pump, "SentryPump", 1, \
	  "On or Off: whether viewers' connections are handed over to the frame pump where that changes no answer") \
	X(WAIT, wait_us, "SentryWait", 25 * KS_US_PER_S, \
	  "longest time, 0 to 30s, that a request with wait= is kept waiting for the next picture; 0: not at all") \
	X(SPREAD, spread_us, "SentrySpread", 100 * KS_US_PER_MS, \
	  "time, 0 to 1s, over which the answers to those who wait for the same picture are spread")

/* The same for what holds for the whole server, and stands in its part alone. */
#define KS_SERVER_DIRECTIVES(X) \
	X(LIMIT, capacity_mbit, "SentryCapacity", 0, \
	  "Mbit/s that this machine may send to viewers, headers included; 0: no limit") \
	X(LIMIT, viewers, "SentryViewers", 0, \
	  "connections of viewers, all children together, beyond which new viewers are refused; 0: no limit") \
	X(LIMIT, waiting, "SentryWaiters", 0, \
	  "viewers that may wait for a picture at a time, all children together; 0: no limit") \
	X(LIMIT, log_every, "SentryLogEvery", 0, \
	  "which of the pump's answers are written to the access log: 1 all, 100 one in a hundred, 0 none")

#define KS_DIRECTIVES_LIMIT int64_t
#define KS_DIRECTIVES_PATH const char *
#define KS_DIRECTIVES_COUNT int64_t
#define KS_DIRECTIVES_TIME int64_t
#define KS_DIRECTIVES_SWITCH int
#define KS_DIRECTIVES_WAIT int64_t
#define KS_DIRECTIVES_SPREAD int64_t

struct ks_directives {
#define X(type, member, directive, preset, help) KS_DIRECTIVES_##type member;
	KS_DIRECTIVES(X)
#undef X
};

struct ks_server_directives {
#define X(type, member, directive, preset, help) KS_DIRECTIVES_##type member;
	KS_SERVER_DIRECTIVES(X)
#undef X
};

extern const command_rec ks_directives_commands[];

void *ks_directives_create(apr_pool_t *pool, char *location);
void *ks_directives_create_server(apr_pool_t *pool, server_rec *server);
void *ks_directives_merge(apr_pool_t *pool, void *base, void *add);

/* The settings that hold for a request: `dir` with presets for what is unset. */
struct ks_directives ks_directives_get(const struct ks_directives *dir);

static inline struct ks_patience ks_directives_patience(const struct ks_directives *config)
{
	return (struct ks_patience){ config->stale_periods, config->dead_us };
}

#endif
