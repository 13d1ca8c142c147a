/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/pace.h"

#include "lib/base/clock.h"

#define PERIOD_US KS_US_PER_S		/* until a server names its own */
#define OVERDUE_US (50 * KS_US_PER_MS)	/* between requests for a live picture that is late */
#define EARLY_US (100 * KS_US_PER_MS)	/* by which a wait that ends with nothing may be short */
#define BACKOFF_FIRST_US (250 * KS_US_PER_MS)
#define BACKOFF_MAX_US (5 * KS_US_PER_S)
#define BACKOFF_MIN_US (20 * KS_US_PER_MS)

const char *const swarm_mode_names[SWARM_MODES] = {
	[SWARM_POLL] = "poll", [SWARM_LOCKED] = "locked", [SWARM_WAIT] = "wait", [SWARM_STREAM] = "stream",
	[SWARM_FLAT] = "flat",
};

void swarm_pace_begin(struct swarm_pace *pace, const struct swarm_pacing *pacing, int64_t now_us)
{
	*pace = (struct swarm_pace){ .wanted_us = now_us, .ask_at_us = now_us };
	if (pacing->mode == SWARM_POLL)
		pace->step_us = pacing->interval_us;
	else if (pacing->mode == SWARM_STREAM)
		pace->wanted_us = SWARM_NEVER;
}

/* Every want up to until_us is served now; the next one is the oldest that is not. */
static void serve(struct swarm_pace *pace, int64_t until_us, int64_t now_us, struct swarm_histogram *latency)
{
	if (pace->wanted_us == SWARM_NEVER)
		return;
	do {
		swarm_histogram_add(latency, now_us - pace->wanted_us);
		pace->wanted_us += pace->step_us;
	} while (pace->step_us > 0 && pace->wanted_us <= until_us);
}

static int64_t spread(const struct swarm_pacing *pacing, const struct swarm_word *word)
{
	int64_t spread_us = word->spread_us >= 0 ? word->spread_us : pacing->spread_us;

	return (int64_t)(word->luck * (double)spread_us);
}

/* Until there may be a newer picture, as the server sees it. */
static int64_t until_next(const struct swarm_word *word)
{
	if (word->next_us > 0)
		return word->next_us;
	return word->next_us == 0 && word->live ? OVERDUE_US : PERIOD_US;
}

static void plan_locked(struct swarm_pace *pace, const struct swarm_pacing *pacing, const struct swarm_word *word,
			int64_t now_us)
{
	pace->wanted_us = pace->ask_at_us = now_us + until_next(word) + spread(pacing, word);
}

/* A server that is full answers at once, with the picture that is there or with none: who asked again at once would
 * make that worse. */
static void plan_wait(struct swarm_pace *pace, const struct swarm_pacing *pacing, const struct swarm_word *word,
		      int64_t asked_us, int64_t now_us)
{
	bool turned_away = !word->newer && now_us - asked_us < pacing->wait_us - EARLY_US;

	pace->ask_at_us = turned_away ? now_us + until_next(word) + spread(pacing, word) : now_us;
	if (word->newer)
		pace->wanted_us = word->next_us >= 0 ? now_us + word->next_us : SWARM_NEVER;
}

void swarm_pace_served(struct swarm_pace *pace, const struct swarm_pacing *pacing, const struct swarm_word *word,
		       int64_t asked_us, int64_t now_us, struct swarm_histogram *latency)
{
	pace->backoff_us = 0;
	if (pacing->mode == SWARM_POLL) {
		serve(pace, asked_us, now_us, latency);
		pace->ask_at_us = pace->wanted_us > now_us ? pace->wanted_us : now_us;
		return;
	}
	if (pacing->mode != SWARM_WAIT || word->newer)
		serve(pace, now_us, now_us, latency);
	pace->step_us = pacing->mode == SWARM_FLAT ? 0 : word->period_us > 0 ? word->period_us : PERIOD_US;
	if (pacing->mode == SWARM_LOCKED)
		plan_locked(pace, pacing, word, now_us);
	else if (pacing->mode == SWARM_WAIT)
		plan_wait(pace, pacing, word, asked_us, now_us);
	else
		pace->wanted_us = pace->ask_at_us = now_us;
}

void swarm_pace_failed(struct swarm_pace *pace, double luck, int64_t retry_us, int64_t now_us)
{
	pace->backoff_us = pace->backoff_us == 0 ? BACKOFF_FIRST_US : 2 * pace->backoff_us;
	if (pace->backoff_us > BACKOFF_MAX_US)
		pace->backoff_us = BACKOFF_MAX_US;
	pace->ask_at_us = now_us + retry_us + BACKOFF_MIN_US + (int64_t)(luck * (double)pace->backoff_us);
}

void swarm_pace_end(const struct swarm_pace *pace, int64_t now_us, struct swarm_histogram *latency)
{
	struct swarm_pace last = *pace;

	if (last.wanted_us < now_us - (last.step_us > 0 ? last.step_us : PERIOD_US))
		serve(&last, now_us, now_us, latency);
}
