/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/counters.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/metrics.h"
#include "lib/base/name.h"

#define CLAIM_TRIES 1000	/* a child that died while it claimed a row costs that row and no more */

enum { ROW_FREE, ROW_CLAIMED, ROW_READY };

struct row_name {
	atomic_uint state;
	char channel[KS_CHANNEL_MAX + 1], rendition[KS_RENDITION_MAX + 1];
};

struct row {
	ks_counter answers[KS_ANSWERS];
	ks_counter bytes;
};

struct page {
	struct row rows[KS_COUNTERS_STORES];
	ks_counter copies, failures, sent, unlogged, refused;
} __attribute__((aligned(4096)));

/* A child's gauges; beat_us 0: free. */
struct slot {
	_Atomic int64_t beat_us;
	ks_counter viewers, waiting;
};

struct counters {
	struct page pages[KS_COUNTERS_PAGES];
	struct row_name names[KS_COUNTERS_STORES];
	struct slot slots[KS_COUNTERS_CHILDREN];
	atomic_uint next_page;
};

const char *const ks_answer_names[KS_ANSWERS] = {
	"200", "204", "304", "400", "404", "405", "410", "412", "503", "other"
};

static struct counters *counters;
static struct page *mine;
static struct slot *slot;

void *ks_counters_new(void)
{
	void *memory = mmap(NULL, sizeof(*counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory != MAP_FAILED ? memory : NULL;
}

void ks_counters_use(void *memory)
{
	counters = memory;
	mine = &counters->pages[0];
	slot = NULL;
}

void ks_counters_take_page(void)
{
	mine = &counters->pages[atomic_fetch_add(&counters->next_page, 1) % KS_COUNTERS_PAGES];
}

/* Waits for the few instructions that another child needs to write a name down. */
static bool is_ready(struct row_name *name)
{
	for (unsigned i = 0; i < CLAIM_TRIES; i++) {
		if (atomic_load_explicit(&name->state, memory_order_acquire) == ROW_READY)
			return true;
		sched_yield();
	}
	return false;
}

size_t ks_counters_row(const char *channel, const char *rendition)
{
	for (size_t row = 1; row < KS_COUNTERS_STORES; row++) {
		struct row_name *name = &counters->names[row];
		unsigned expected = ROW_FREE;

		if (atomic_compare_exchange_strong(&name->state, &expected, ROW_CLAIMED)) {
			strncpy(name->channel, channel, KS_CHANNEL_MAX);
			strncpy(name->rendition, rendition, KS_RENDITION_MAX);
			atomic_store_explicit(&name->state, ROW_READY, memory_order_release);
			return row;
		}
		if (is_ready(name) && strcmp(name->channel, channel) == 0 && strcmp(name->rendition, rendition) == 0)
			return row;
	}
	return 0;
}

static enum ks_answer answer_of(int status)
{
	switch (status) {
	case 200:
		return KS_ANSWER_200;
	case 204:
		return KS_ANSWER_204;
	case 304:
		return KS_ANSWER_304;
	case 400:
		return KS_ANSWER_400;
	case 404:
		return KS_ANSWER_404;
	case 405:
		return KS_ANSWER_405;
	case 410:
		return KS_ANSWER_410;
	case 412:
		return KS_ANSWER_412;
	case 503:
		return KS_ANSWER_503;
	default:
		return KS_ANSWER_OTHER;
	}
}

void ks_counters_answered(size_t row, int status, size_t bytes)
{
	ks_count(&mine->rows[row].answers[answer_of(status)]);
	ks_count_add(&mine->rows[row].bytes, bytes);
}

void ks_counters_copied(void)
{
	ks_count(&mine->copies);
}

void ks_counters_unlogged(void)
{
	ks_count(&mine->unlogged);
}

void ks_counters_refused(void)
{
	ks_count(&mine->refused);
}

void ks_counters_failed(void)
{
	ks_count(&mine->failures);
}

void ks_counters_sent(uint64_t bytes)
{
	ks_count_add(&mine->sent, bytes);
}

uint64_t ks_counters_sent_bytes(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < KS_COUNTERS_PAGES; i++)
		sum += ks_counted(&counters->pages[i].sent);
	return sum;
}

static bool reports(struct slot *s, int64_t mono_us)
{
	int64_t beat_us = atomic_load_explicit(&s->beat_us, memory_order_relaxed);

	return beat_us != 0 && mono_us - beat_us < KS_COUNTERS_SILENT_US;
}

/* Of a child that is gone, or that never was; NULL when there are more children than slots. */
static struct slot *claim_slot(int64_t mono_us)
{
	for (size_t i = 0; i < KS_COUNTERS_CHILDREN; i++) {
		struct slot *s = &counters->slots[i];
		int64_t beat_us = atomic_load(&s->beat_us);

		if (!reports(s, mono_us) && atomic_compare_exchange_strong(&s->beat_us, &beat_us, mono_us))
			return s;
	}
	return NULL;
}

void ks_counters_report(const struct ks_gauges *gauges, int64_t mono_us)
{
	if (slot == NULL || !reports(slot, mono_us))
		slot = claim_slot(mono_us);
	if (slot == NULL)
		return;
	atomic_store_explicit(&slot->viewers, gauges->viewers, memory_order_relaxed);
	atomic_store_explicit(&slot->waiting, gauges->waiting, memory_order_relaxed);
	atomic_store_explicit(&slot->beat_us, mono_us, memory_order_relaxed);
}

struct ks_gauges ks_counters_gauges(int64_t mono_us)
{
	struct ks_gauges sum = { 0, 0 };

	for (size_t i = 0; i < KS_COUNTERS_CHILDREN; i++) {
		struct slot *s = &counters->slots[i];

		if (!reports(s, mono_us))
			continue;
		sum.viewers += ks_counted(&s->viewers);
		sum.waiting += ks_counted(&s->waiting);
	}
	return sum;
}

bool ks_counters_speaker(int64_t mono_us)
{
	for (size_t i = 0; i < KS_COUNTERS_CHILDREN; i++)
		if (reports(&counters->slots[i], mono_us))
			return slot == &counters->slots[i];
	return true;
}

bool ks_counters_names(size_t row, const char **channel, const char **rendition)
{
	struct row_name *name = &counters->names[row];

	*channel = name->channel;
	*rendition = name->rendition;
	return row == 0 || atomic_load_explicit(&name->state, memory_order_acquire) == ROW_READY;
}

uint64_t ks_counters_answers(size_t row, enum ks_answer answer)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < KS_COUNTERS_PAGES; i++)
		sum += ks_counted(&counters->pages[i].rows[row].answers[answer]);
	return sum;
}

uint64_t ks_counters_bytes(size_t row)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < KS_COUNTERS_PAGES; i++)
		sum += ks_counted(&counters->pages[i].rows[row].bytes);
	return sum;
}

uint64_t ks_counters_copies(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < KS_COUNTERS_PAGES; i++)
		sum += ks_counted(&counters->pages[i].copies);
	return sum;
}

uint64_t ks_counters_failures(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < KS_COUNTERS_PAGES; i++)
		sum += ks_counted(&counters->pages[i].failures);
	return sum;
}

uint64_t ks_counters_log_losses(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < KS_COUNTERS_PAGES; i++)
		sum += ks_counted(&counters->pages[i].unlogged);
	return sum;
}

uint64_t ks_counters_refusals(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < KS_COUNTERS_PAGES; i++)
		sum += ks_counted(&counters->pages[i].refused);
	return sum;
}
