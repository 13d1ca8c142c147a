/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/pump/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mod_sentry/pump/pump_private.h"

/* True when some of what is below the prefix is configured otherwise than the rest of the site. */
static bool is_divided(const struct ks_feed *feed)
{
	for (const char *const *section = feed->site->sections; *section != NULL; section++) {
		size_t len = strlen(*section);

		if (memcmp(*section, feed->prefix, len < feed->prefix_len ? len : feed->prefix_len) == 0)
			return true;
	}
	return false;
}

struct ks_feed *ks_feed_new(const struct ks_site *site, struct ks_copies *copies, int eventfd, int64_t now_us)
{
	const char *channel = ks_copies_channel(copies), *rendition = ks_copies_rendition(copies);
	size_t cap = site->mount_len + KS_CHANNEL_MAX + KS_RENDITION_MAX + sizeof("///");
	struct ks_feed *feed = calloc(1, sizeof(*feed) + cap);

	if (feed == NULL)
		return NULL;
	feed->site = site;
	feed->copies = copies;
	feed->counted = ks_copies_counted(copies);
	feed->prefix_len = (size_t)snprintf(feed->prefix, cap, "%s/%s/%s/", site->mount, channel, rendition);
	TAILQ_INIT(&feed->waiting);
	TAILQ_INIT(&feed->due);
	if (!is_divided(feed))
		feed->watch = ks_watch_new(copies, eventfd);
	if (feed->watch == NULL) {
		free(feed);
		return NULL;
	}
	ks_feed_look(feed, false, now_us);
	return feed;
}

void ks_feed_free(struct ks_feed *feed)
{
	ks_watch_free(feed->watch);
	ks_picture_unref(feed->picture);
	free(feed);
}

static void is_due(struct ks_feed *feed, struct ks_viewer *viewer)
{
	viewer->round = feed->round - 1;
	TAILQ_INSERT_TAIL(&feed->due, viewer, wait);
	feed->n_due++;
	feed->due_total++;
}

void ks_feed_wait(struct ks_feed *feed, struct ks_viewer *viewer)
{
	/* While a stream's part was on its way there may have come another. */
	if (ks_frame_id_cmp(feed->picture->m.id, viewer->after) > 0) {
		is_due(feed, viewer);
		return;
	}
	viewer->round = feed->round;
	TAILQ_INSERT_TAIL(&feed->waiting, viewer, wait);
	feed->n_waiting++;
}

/* All that began to wait before this round are due: the lists were joined without looking at each. */
void ks_feed_leave(struct ks_feed *feed, struct ks_viewer *viewer)
{
	bool due = viewer->round != feed->round;

	TAILQ_REMOVE(due ? &feed->due : &feed->waiting, viewer, wait);
	if (due)
		feed->n_due--;
	else
		feed->n_waiting--;
}

struct ks_viewer *ks_feed_next(struct ks_feed *feed)
{
	struct ks_viewer *viewer;

	/* Who comes from a relay that was ahead of this one may have a newer picture than ours. */
	while ((viewer = TAILQ_FIRST(&feed->due)) != NULL && ks_frame_id_cmp(feed->picture->m.id, viewer->after) <= 0) {
		ks_feed_leave(feed, viewer);
		ks_feed_wait(feed, viewer);
	}
	return viewer;
}

static void all_are_due(struct ks_feed *feed, int64_t now_us)
{
	TAILQ_CONCAT(&feed->due, &feed->waiting, wait);
	feed->n_due += feed->n_waiting;
	feed->n_waiting = 0;
	feed->round++;
	feed->due_total = feed->n_due;
	feed->due_done = 0;
	feed->due_since_us = now_us;
}

bool ks_feed_skips(struct ks_frame_id id)
{
	return id.seq % 2 != 0;
}

void ks_feed_look(struct ks_feed *feed, bool skip, int64_t now_us)
{
	struct ks_picture *picture = ks_copies_newest(feed->copies, now_us, &feed->error);

	if (picture == feed->picture) {
		ks_picture_unref(picture);
		return;
	}
	/* NULL: no memory for a copy, this time. */
	if (picture == NULL)
		return;
	ks_picture_unref(feed->picture);
	feed->picture = picture;
	feed->heads[0].ms = feed->heads[1].ms = 0;
	if (!skip || !ks_feed_skips(picture->m.id))
		all_are_due(feed, now_us);
}

/* The advertised window, but never so long that the next picture comes into it. */
static int64_t window_us(const struct ks_feed *feed)
{
	int64_t half_us = (int64_t)feed->picture->m.period_ms * KS_US_PER_MS / 2;

	return feed->site->spread_us < half_us ? feed->site->spread_us : half_us;
}

size_t ks_feed_quota(const struct ks_feed *feed, int64_t now_us)
{
	int64_t gone_us = now_us - feed->due_since_us + KS_PUMP_RELEASE_US, window = window_us(feed);
	size_t least = KS_PUMP_RELEASE_MIN * (size_t)(gone_us / KS_PUMP_RELEASE_US), quota;

	if (gone_us >= window)
		return feed->n_due;
	quota = (size_t)((int64_t)feed->due_total * gone_us / window);
	if (quota < least)
		quota = least;
	return quota > feed->due_done ? quota - feed->due_done : 0;
}

const struct ks_head *ks_feed_head(struct ks_feed *feed, bool keep_alive, const struct ks_freshness *f, int64_t now_us,
				   const char *date)
{
	struct ks_feed_head *cached = &feed->heads[keep_alive];
	int64_t ms = now_us / KS_US_PER_MS;

	if (cached->ms != ms) {
		ks_head_write(&cached->head, &(struct ks_head_about){
			.site = feed->site, .picture = feed->picture, .f = *f, .keep_alive = keep_alive, .date = date });
		cached->ms = ms;
	}
	return &cached->head;
}
