/* SPDX-License-Identifier: Apache-2.0 */
#include "koshienctl/holding.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/store/store.h"

const char *const ks_holding_state_names[KS_HOLDING_STATES] = {
	[KS_HOLDING_LIVE] = "live",
	[KS_HOLDING_STALE] = "stale",
	[KS_HOLDING_DEAD] = "dead",
	[KS_HOLDING_ORPHANED] = "no writer",
	[KS_HOLDING_EMPTY] = "empty",
	[KS_HOLDING_UNREADABLE] = "unreadable",
};

struct search {
	struct ks_holdings *holdings;
	const char *channel, *rendition;
};

static int note(void *ctx, const char *channel, const char *rendition)
{
	struct search *search = ctx;
	struct ks_holdings *h = search->holdings;
	struct ks_holding *grown;

	if ((search->channel != NULL && strcmp(search->channel, channel) != 0) ||
	    (search->rendition != NULL && strcmp(search->rendition, rendition) != 0))
		return 0;
	grown = realloc(h->all, (h->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	h->all = grown;
	grown = memset(&h->all[h->n++], 0, sizeof(*grown));
	snprintf(grown->channel, sizeof(grown->channel), "%s", channel);
	snprintf(grown->rendition, sizeof(grown->rendition), "%s", rendition);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct ks_holding *x = a, *y = b;
	int channel = strcmp(x->channel, y->channel);

	return channel != 0 ? channel : strcmp(x->rendition, y->rendition);
}

static enum ks_holding_state state_of(const struct ks_holding *h)
{
	if (h->writer_age_us < 0 || h->writer_age_us > KS_HOLDING_BEAT_MAX_US)
		return KS_HOLDING_ORPHANED;
	if (h->frames == 0)
		return KS_HOLDING_EMPTY;
	/* First, since three long periods may be longer than what is dead otherwise. */
	if (h->held_us <= KS_HOLDING_STALE_PERIODS * (int64_t)h->newest.period_ms * KS_US_PER_MS)
		return KS_HOLDING_LIVE;
	return h->held_us > KS_HOLDING_DEAD_US ? KS_HOLDING_DEAD : KS_HOLDING_STALE;
}

static int count(struct ks_holding *h, struct ks_store_reader *reader)
{
	struct ks_store_item *items = malloc(KS_STORE_FRAMES_MAX * sizeof(*items));

	if (items == NULL)
		return -ENOMEM;
	h->frames = ks_store_list(reader, items, KS_STORE_FRAMES_MAX);
	for (size_t i = 0; i < h->frames; i++)
		h->bytes += items[i].length;
	free(items);
	return KS_EOK;
}

static int look(struct ks_holding *h, struct ks_store_reader *reader, const struct ks_clock *clock)
{
	int64_t beat_us = ks_store_beat_us(reader);
	struct ks_store_copy *copy;
	int err = ks_store_read_newest(reader, NULL, &copy);

	h->writer_age_us = beat_us > 0 ? ks_mono_us(clock) - beat_us : -1;
	if (err == KS_ENOTYET)
		return KS_EOK;
	if (err != KS_EOK)
		return err;
	h->newest = copy->frame.m;
	h->held_us = ks_mono_us(clock) - copy->published_us;
	h->age_us = ks_wall_us(clock) - h->newest.captured_us;
	free(copy);
	return count(h, reader);
}

static void look_at(struct ks_holding *h, const char *dir, const struct ks_clock *clock)
{
	struct ks_store_reader *reader;

	h->err = ks_store_reader_open(&reader, dir, h->channel, h->rendition);
	if (h->err == KS_EOK) {
		h->err = look(h, reader, clock);
		ks_store_reader_close(reader);
	}
	h->state = h->err == KS_EOK ? state_of(h) : KS_HOLDING_UNREADABLE;
}

int ks_holdings_read(struct ks_holdings *holdings, const char *dir, const char *channel, const char *rendition,
		     const struct ks_clock *clock)
{
	struct search search = { holdings, channel, rendition };
	int err;

	*holdings = (struct ks_holdings){ NULL, 0 };
	err = ks_store_scan(dir, note, &search);
	if (err != KS_EOK) {
		ks_holdings_free(holdings);
		return err;
	}
	if (holdings->n > 1)
		qsort(holdings->all, holdings->n, sizeof(*holdings->all), by_name);
	for (size_t i = 0; i < holdings->n; i++)
		look_at(&holdings->all[i], dir, clock);
	return KS_EOK;
}

void ks_holdings_free(struct ks_holdings *holdings)
{
	free(holdings->all);
	*holdings = (struct ks_holdings){ NULL, 0 };
}
