/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/copies.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "mod_sentry/counters.h"

/* A reader that threads may still be using when the store is opened anew. */
struct reading {
	atomic_uint refs;
	struct ks_store_reader *store;
};

struct ks_copies {
	char *dir;
	char channel[KS_CHANNEL_MAX + 1], rendition[KS_RENDITION_MAX + 1];
	size_t counted;

	pthread_mutex_t lock;	/* of the members below; held for a few instructions, never over I/O */
	struct reading *reading;	/* NULL: not open */
	struct ks_picture *newest;
	struct ks_picture *recent[KS_COPIES_RECENT];	/* a ring */
	size_t recent_at;
	struct ks_index *index;
	uint64_t position;	/* in the open store, up to which we have looked */
	int64_t look_us;	/* when to look even if the position has not changed; after an error, only then */
	int error;

	pthread_mutex_t refresh;	/* whoever goes to the store; taken before `lock` */
	struct ks_log_gate gate;
};

struct ks_copies *ks_copies_new(const char *dir, const char *channel, const char *rendition, size_t counted)
{
	struct ks_copies *c = calloc(1, sizeof(*c));

	if (c == NULL || (c->dir = strdup(dir)) == NULL) {
		free(c);
		return NULL;
	}
	strncpy(c->channel, channel, KS_CHANNEL_MAX);
	strncpy(c->rendition, rendition, KS_RENDITION_MAX);
	c->counted = counted;
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->refresh, NULL);
	return c;
}

static void reading_unref(struct reading *reading)
{
	if (reading == NULL || atomic_fetch_sub_explicit(&reading->refs, 1, memory_order_acq_rel) != 1)
		return;
	ks_store_reader_close(reading->store);
	free(reading);
}

void ks_copies_free(struct ks_copies *c)
{
	reading_unref(c->reading);
	ks_picture_unref(c->newest);
	for (size_t i = 0; i < KS_COPIES_RECENT; i++)
		ks_picture_unref(c->recent[i]);
	ks_index_unref(c->index);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->refresh);
	free(c->dir);
	free(c);
}

const char *ks_copies_dir(const struct ks_copies *c)
{
	return c->dir;
}

const char *ks_copies_channel(const struct ks_copies *c)
{
	return c->channel;
}

const char *ks_copies_rendition(const struct ks_copies *c)
{
	return c->rendition;
}

size_t ks_copies_counted(const struct ks_copies *c)
{
	return c->counted;
}

static struct reading *take_reading(struct ks_copies *c)
{
	struct reading *reading;

	pthread_mutex_lock(&c->lock);
	reading = c->reading;
	if (reading != NULL)
		atomic_fetch_add_explicit(&reading->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&c->lock);
	return reading;
}

static void set_reading(struct ks_copies *c, struct reading *reading)
{
	struct reading *before;
	struct ks_index *index;

	pthread_mutex_lock(&c->lock);
	before = c->reading;
	index = c->index;
	c->reading = reading;
	c->index = NULL;
	c->position = 0;
	pthread_mutex_unlock(&c->lock);
	reading_unref(before);
	ks_index_unref(index);
}

static void note(struct ks_copies *c, int error, int64_t look_us)
{
	pthread_mutex_lock(&c->lock);
	c->error = error;
	c->look_us = look_us;
	pthread_mutex_unlock(&c->lock);
}

enum reason {
	REASON_NONE,
	REASON_LOOK,	/* the file may have been replaced, or be good again */
	REASON_FRAME	/* there is a frame that we do not have */
};

/* Called with `lock`: is there a reason to go to the store? */
static enum reason reason_of(const struct ks_copies *c, int64_t mono_us)
{
	if (c->error == KS_EOK && c->reading != NULL && ks_store_position(c->reading->store) != c->position)
		return REASON_FRAME;
	return mono_us >= c->look_us ? REASON_LOOK : REASON_NONE;
}

static const char *what_to_do(int error)
{
	switch (error) {
	case KS_ENOTYET:
		return "start sentryc for this channel, or remove the channel's links";
	case KS_EVERSION:
	case KS_EMALFORMED:
		return "run sentryc and mod_sentry of the same version, and let sentryc make the file anew";
	case KS_EDIGEST:
		return "the memory under it is damaged; restart sentryc";
	default:
		return "check the permissions of the file and its directory";
	}
}

static void failed(struct ks_copies *c, int error, int64_t mono_us, int64_t pause_us)
{
	note(c, error, mono_us + pause_us);
	ks_counters_failed();
	if (error != KS_EMOVED && ks_log_gate(&c->gate, mono_us, NULL))
		ks_error("store", "%s/%s in %s cannot be read: %s; %s", c->channel, c->rendition, c->dir,
			 ks_strerror(error), what_to_do(error));
}

static bool open_store(struct ks_copies *c, int64_t mono_us)
{
	struct reading *reading = malloc(sizeof(*reading));
	int err;

	if (reading == NULL)
		return false;
	atomic_init(&reading->refs, 1);
	err = ks_store_reader_open(&reading->store, c->dir, c->channel, c->rendition);
	if (err != KS_EOK) {
		free(reading);
		failed(c, err, mono_us, KS_COPIES_LOOK_US);
		return false;
	}
	set_reading(c, reading);
	return true;
}

/* Called with `lock`. The ring's oldest go; what is asked for often comes back at the cost of one copy. */
static void remember(struct ks_copies *c, struct ks_picture *picture, struct ks_picture *dropped[KS_COPIES_RECENT])
{
	size_t bytes = picture->len, at = c->recent_at;

	dropped[0] = c->recent[at];
	c->recent[at] = ks_picture_ref(picture);
	c->recent_at = (at + 1) % KS_COPIES_RECENT;
	for (size_t back = 1; back < KS_COPIES_RECENT; back++) {
		struct ks_picture **older = &c->recent[(at + KS_COPIES_RECENT - back) % KS_COPIES_RECENT];

		bytes += *older != NULL ? (*older)->len : 0;
		dropped[back] = NULL;
		if (bytes > KS_COPIES_RECENT_BYTES) {
			dropped[back] = *older;
			*older = NULL;
		}
	}
}

static void drop_all(struct ks_picture *dropped[KS_COPIES_RECENT])
{
	for (size_t i = 0; i < KS_COPIES_RECENT; i++)
		ks_picture_unref(dropped[i]);
}

static bool may_replace(const struct ks_picture *held, const struct ks_picture *with, int64_t mono_us)
{
	return ks_frame_newer(&with->m, &held->m) || mono_us - held->published_us > KS_COPIES_YIELD_US;
}

/* Takes over the reference to `picture`. */
static void show(struct ks_copies *c, struct ks_picture *picture, uint64_t position, int64_t mono_us)
{
	struct ks_picture *dropped[KS_COPIES_RECENT] = { NULL }, *gone = picture;

	pthread_mutex_lock(&c->lock);
	if (c->newest == NULL || may_replace(c->newest, picture, mono_us)) {
		gone = c->newest;
		c->newest = picture;
		if (gone != NULL)
			remember(c, gone, dropped);
	}
	c->position = position;
	c->error = KS_EOK;
	c->look_us = mono_us + KS_STORE_RECHECK_US;
	pthread_mutex_unlock(&c->lock);
	ks_picture_unref(gone);
	drop_all(dropped);
}

static void read_newest(struct ks_copies *c, int64_t mono_us)
{
	struct ks_store_copy *copy;
	struct ks_picture *picture;
	int err = KS_ENOTYET;

	if (ks_store_position(c->reading->store) != c->position)
		err = ks_store_read_newest(c->reading->store, NULL, &copy);
	if (err == KS_ENOTYET) {
		note(c, KS_EOK, mono_us + KS_STORE_RECHECK_US);
		return;
	}
	if (err != KS_EOK) {
		failed(c, err, mono_us, KS_COPIES_RETRY_US);
		return;
	}
	ks_counters_copied();
	picture = ks_picture_new(copy, mono_us);
	if (picture != NULL)
		show(c, picture, copy->position, mono_us);
	free(copy);
}

/* Called with `refresh`, under which alone `reading` changes. */
static void refresh(struct ks_copies *c, int64_t mono_us)
{
	enum reason reason;

	pthread_mutex_lock(&c->lock);
	reason = reason_of(c, mono_us);
	pthread_mutex_unlock(&c->lock);
	if (reason == REASON_NONE)	/* another thread was here first */
		return;
	if (c->reading != NULL && !ks_store_current(c->reading->store, mono_us))
		set_reading(c, NULL);
	if (c->reading != NULL || open_store(c, mono_us))
		read_newest(c, mono_us);
}

static struct ks_picture *take_newest(struct ks_copies *c, int64_t mono_us, enum reason *reason, int *error)
{
	struct ks_picture *picture;

	pthread_mutex_lock(&c->lock);
	picture = ks_picture_ref(c->newest);
	*reason = reason_of(c, mono_us);
	*error = c->error == KS_EOK && picture == NULL ? KS_ENOTYET : c->error;
	pthread_mutex_unlock(&c->lock);
	return picture;
}

/* While one thread copies a new frame the others wait for it, the tens of microseconds that it takes: with the
 * one before, a viewer who comes from a child that has the new one already would be stepped back. */
struct ks_picture *ks_copies_newest(struct ks_copies *c, int64_t mono_us, int *error)
{
	enum reason reason;
	struct ks_picture *picture = take_newest(c, mono_us, &reason, error);

	if (reason == REASON_NONE)
		return picture;
	if (reason == REASON_FRAME || picture == NULL)
		pthread_mutex_lock(&c->refresh);
	else if (pthread_mutex_trylock(&c->refresh) != 0)
		return picture;
	refresh(c, mono_us);
	pthread_mutex_unlock(&c->refresh);
	ks_picture_unref(picture);
	return take_newest(c, mono_us, &reason, error);
}

static void pause_us(int64_t us)
{
	struct timespec pause = { .tv_nsec = us * 1000 };

	nanosleep(&pause, NULL);
}

static void wait_for_frame(struct reading *reading, struct ks_copies_seen *seen, int64_t timeout_us)
{
	/* KS_EGONE: it is retired, and stays so until somebody looks. */
	if (seen->reading == reading && ks_store_wait(reading->store, seen->position, timeout_us) == KS_EGONE)
		pause_us(KS_COPIES_RETRY_US);
	seen->reading = reading;
	seen->position = ks_store_position(reading->store);
}

void ks_copies_wait(struct ks_copies *c, struct ks_copies_seen *seen, int64_t timeout_us)
{
	struct reading *reading = take_reading(c);

	if (reading != NULL)
		wait_for_frame(reading, seen, timeout_us);
	else
		pause_us(timeout_us < KS_COPIES_RETRY_US ? timeout_us : KS_COPIES_RETRY_US);
	reading_unref(reading);
}

static struct ks_picture *recall(struct ks_copies *c, struct ks_frame_id id)
{
	struct ks_picture *found = NULL;

	pthread_mutex_lock(&c->lock);
	if (c->newest != NULL && ks_frame_id_cmp(c->newest->m.id, id) == 0)
		found = c->newest;
	for (size_t i = 0; i < KS_COPIES_RECENT && found == NULL; i++)
		if (c->recent[i] != NULL && ks_frame_id_cmp(c->recent[i]->m.id, id) == 0)
			found = c->recent[i];
	ks_picture_ref(found);
	pthread_mutex_unlock(&c->lock);
	return found;
}

static int copy_by_name(struct ks_copies *c, struct reading *reading, struct ks_frame_id id, int64_t mono_us,
			struct ks_picture **picture)
{
	struct ks_picture *dropped[KS_COPIES_RECENT];
	struct ks_store_copy *copy;
	int err = ks_store_read(reading->store, id, NULL, &copy);

	if (err != KS_EOK)
		return err;
	ks_counters_copied();
	*picture = ks_picture_new(copy, mono_us);
	free(copy);
	if (*picture == NULL)
		return -ENOMEM;
	pthread_mutex_lock(&c->lock);
	remember(c, *picture, dropped);
	pthread_mutex_unlock(&c->lock);
	drop_all(dropped);
	return KS_EOK;
}

int ks_copies_find(struct ks_copies *c, struct ks_frame_id id, int64_t mono_us, struct ks_picture **picture)
{
	struct reading *reading;
	int err = KS_ENODATA;

	*picture = recall(c, id);
	if (*picture != NULL)
		return KS_EOK;
	reading = take_reading(c);
	if (reading != NULL)
		err = copy_by_name(c, reading, id, mono_us, picture);
	reading_unref(reading);
	return err;
}

static struct ks_index *take_index(struct ks_copies *c, bool *current)
{
	struct ks_index *index;

	pthread_mutex_lock(&c->lock);
	index = ks_index_ref(c->index);
	*current = index != NULL && c->reading != NULL && index->position == ks_store_position(c->reading->store);
	pthread_mutex_unlock(&c->lock);
	return index;
}

static void rebuild_index(struct ks_copies *c, struct reading *reading)
{
	/* The position is read first: what is published meanwhile makes the list too new, never too old. */
	struct ks_index *index = ks_index_new(reading->store, ks_store_position(reading->store)), *before;

	if (index == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	before = c->index;
	c->index = index;
	pthread_mutex_unlock(&c->lock);
	ks_index_unref(before);
}

struct ks_index *ks_copies_index(struct ks_copies *c)
{
	bool current;
	struct ks_index *index = take_index(c, &current);

	if (current)
		return index;
	ks_index_unref(index);
	pthread_mutex_lock(&c->refresh);
	index = take_index(c, &current);
	ks_index_unref(index);
	if (!current && c->reading != NULL)
		rebuild_index(c, c->reading);
	pthread_mutex_unlock(&c->refresh);
	return take_index(c, &current);
}

int64_t ks_copies_silent_us(struct ks_copies *c, int64_t mono_us)
{
	struct reading *reading = take_reading(c);
	int64_t beat_us = reading != NULL ? ks_store_beat_us(reading->store) : 0;

	reading_unref(reading);
	if (beat_us <= 0)
		return -1;
	return mono_us > beat_us ? mono_us - beat_us : 0;
}
