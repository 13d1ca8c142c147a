/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/stores.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "mod_sentry/counters.h"

#define TICK_US (20 * KS_US_PER_MS)

/* One per SentryStore in the configuration, which is what bounds their number. */
struct directory {
	struct directory *next;
	int64_t scan_us;	/* when it is read again, changed or not */
	struct timespec changed;	/* what is known is as of then; zero: not known for sure */
	struct ks_log_gate gate;
	char path[];
};

struct ks_stores {
	atomic_size_t n;	/* entries below it never change: they are read without the lock */
	struct ks_copies *at[KS_STORES_MAX];

	pthread_mutex_t lock;	/* of directories, and of adding */
	struct directory *directories;
	struct ks_log_gate full;
};

struct scan {
	struct ks_stores *stores;
	struct directory *directory;
	int64_t mono_us;
};

struct ks_stores *ks_stores_new(void)
{
	struct ks_stores *s = calloc(1, sizeof(*s));

	if (s != NULL)
		pthread_mutex_init(&s->lock, NULL);
	return s;
}

void ks_stores_free(struct ks_stores *s)
{
	struct directory *next;

	for (size_t i = 0; i < atomic_load(&s->n); i++)
		ks_copies_free(s->at[i]);
	for (struct directory *d = s->directories; d != NULL; d = next) {
		next = d->next;
		free(d);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static struct ks_copies *look_up(struct ks_stores *s, const char *dir, const char *channel, const char *rendition)
{
	size_t n = atomic_load_explicit(&s->n, memory_order_acquire);

	for (size_t i = 0; i < n; i++)
		if (strcmp(ks_copies_channel(s->at[i]), channel) == 0 &&
		    strcmp(ks_copies_rendition(s->at[i]), rendition) == 0 && strcmp(ks_copies_dir(s->at[i]), dir) == 0)
			return s->at[i];
	return NULL;
}

static int add(void *ctx, const char *channel, const char *rendition)
{
	struct scan *scan = ctx;
	struct ks_stores *s = scan->stores;
	size_t n = atomic_load(&s->n);

	if (look_up(s, scan->directory->path, channel, rendition) != NULL)
		return 0;
	if (n == KS_STORES_MAX) {
		if (ks_log_gate(&s->full, scan->mono_us, NULL))
			ks_error("store", "%s/%s in %s is left out: more than %d stores; remove files of channels "
				 "that are over, then restart httpd", channel, rendition, scan->directory->path,
				 KS_STORES_MAX);
		return 0;
	}
	s->at[n] = ks_copies_new(scan->directory->path, channel, rendition, ks_counters_row(channel, rendition));
	if (s->at[n] != NULL)
		atomic_store_explicit(&s->n, n + 1, memory_order_release);
	return 0;
}

/* Called with the lock. */
static struct directory *directory_of(struct ks_stores *s, const char *path)
{
	struct directory *d;

	for (d = s->directories; d != NULL; d = d->next)
		if (strcmp(d->path, path) == 0)
			return d;
	d = calloc(1, sizeof(*d) + strlen(path) + 1);
	if (d == NULL)
		return NULL;
	strcpy(d->path, path);
	d->next = s->directories;
	s->directories = d;
	return d;
}

/* The kernel's clock for this goes in ticks of up to 10 ms: what was made in the same one has the same time. */
static bool is_settled(const struct timespec *changed)
{
	int64_t ago_us = ks_wall_us(&ks_clock_system) - changed->tv_sec * KS_US_PER_S - changed->tv_nsec / 1000;

	return ago_us < 0 || ago_us > TICK_US;
}

/* Called with the lock. The first viewers of a channel that has just begun come while others are told that there is
 * none: a change is seen at once. */
static bool has_changed(struct directory *d, int64_t mono_us)
{
	struct stat st;

	if (stat(d->path, &st) != 0)
		return mono_us >= d->scan_us;
	if (mono_us < d->scan_us && st.st_mtim.tv_sec == d->changed.tv_sec && st.st_mtim.tv_nsec == d->changed.tv_nsec)
		return false;
	d->changed = is_settled(&st.st_mtim) ? st.st_mtim : (struct timespec){ 0, 0 };
	return true;
}

static void scan(struct ks_stores *s, const char *path, int64_t mono_us)
{
	struct directory *d;
	int err;

	pthread_mutex_lock(&s->lock);
	d = directory_of(s, path);
	if (d != NULL && has_changed(d, mono_us)) {
		d->scan_us = mono_us + KS_STORES_SCAN_US;
		err = ks_store_scan(path, add, &(struct scan){ s, d, mono_us });
		if (err != 0 && ks_log_gate(&d->gate, mono_us, NULL))
			ks_error("store", "%s cannot be read: %s; start sentryc, or set SentryStore to its store "
				 "directory", path, ks_strerror(err));
	}
	pthread_mutex_unlock(&s->lock);
}

static int by_name(const void *a, const void *b)
{
	const struct ks_copies *x = *(struct ks_copies *const *)a, *y = *(struct ks_copies *const *)b;
	int order = strcmp(ks_copies_channel(x), ks_copies_channel(y));

	return order != 0 ? order : strcmp(ks_copies_rendition(x), ks_copies_rendition(y));
}

size_t ks_stores_list(struct ks_stores *s, const char *dir, const char *channel, int64_t mono_us,
		      struct ks_copies *list[KS_STORES_MAX])
{
	size_t n, listed = 0;

	scan(s, dir, mono_us);
	n = atomic_load_explicit(&s->n, memory_order_acquire);
	for (size_t i = 0; i < n; i++)
		if (strcmp(ks_copies_dir(s->at[i]), dir) == 0 &&
		    (channel == NULL || strcmp(ks_copies_channel(s->at[i]), channel) == 0))
			list[listed++] = s->at[i];
	qsort(list, listed, sizeof(list[0]), by_name);
	return listed;
}

struct ks_copies *ks_stores_find(struct ks_stores *s, const char *dir, const char *channel, const char *rendition,
				 int64_t mono_us)
{
	struct ks_copies *found = look_up(s, dir, channel, rendition);

	if (found != NULL)
		return found;
	scan(s, dir, mono_us);
	return look_up(s, dir, channel, rendition);
}
