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
	ks_counter copies, failures;
} __attribute__((aligned(4096)));

struct counters {
	struct page pages[KS_COUNTERS_PAGES];
	struct row_name names[KS_COUNTERS_STORES];
	atomic_uint next_page;
};

const char *const ks_answer_names[KS_ANSWERS] = {
	"200", "204", "304", "400", "404", "405", "410", "412", "503", "other"
};

static struct counters *counters;
static struct page *mine;

void *ks_counters_new(void)
{
	void *memory = mmap(NULL, sizeof(*counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory != MAP_FAILED ? memory : NULL;
}

void ks_counters_use(void *memory)
{
	counters = memory;
	mine = &counters->pages[0];
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
	for (size_t i = 0; i < KS_ANSWER_OTHER; i++)
		if (atoi(ks_answer_names[i]) == status)
			return (enum ks_answer)i;
	return KS_ANSWER_OTHER;
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

void ks_counters_failed(void)
{
	ks_count(&mine->failures);
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
