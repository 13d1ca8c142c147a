/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/tally.h"

#include <stdio.h>
#include <string.h>

const char *const swarm_count_names[SWARM_COUNTS] = {
#define X(name, key) [SWARM_##name] = key,
	SWARM_COUNTS_LIST(X)
#undef X
};

static struct swarm_served *find(struct swarm_tally *tally, const char *name)
{
	for (unsigned i = 0; i < tally->n_served; i++)
		if (strcmp(tally->served[i].name, name) == 0)
			return &tally->served[i];
	return NULL;
}

static void add_served(struct swarm_tally *tally, const char *name, uint64_t n)
{
	struct swarm_served *served = find(tally, name);

	if (served == NULL && tally->n_served >= SWARM_SERVERS_MAX - 1)
		served = find(tally, name = SWARM_OTHERS);
	if (served == NULL) {
		served = &tally->served[tally->n_served++];
		snprintf(served->name, sizeof(served->name), "%s", name);
	}
	served->n += n;
}

void swarm_tally_served(struct swarm_tally *tally, const char *served_by)
{
	add_served(tally, *served_by != '\0' ? served_by : SWARM_UNNAMED, 1);
}

void swarm_tally_bad(struct swarm_tally *tally, enum ks_verdict verdict)
{
	tally->count[SWARM_BAD]++;
	tally->bad_by[verdict]++;
	if (verdict == KS_PICTURE_CUT || verdict == KS_PICTURE_JPEG)
		tally->count[SWARM_TRUNCATED]++;
}

void swarm_tally_merge(struct swarm_tally *into, const struct swarm_tally *from)
{
	for (unsigned i = 0; i < SWARM_COUNTS; i++)
		into->count[i] += from->count[i];
	for (unsigned i = 0; i < KS_VERDICTS; i++)
		into->bad_by[i] += from->bad_by[i];
	for (unsigned i = 0; i < SWARM_STATUS_MAX; i++)
		into->status[i] += from->status[i];
	for (unsigned i = 0; i < from->n_served; i++)
		add_served(into, from->served[i].name, from->served[i].n);
	swarm_histogram_merge(&into->age, &from->age);
	swarm_histogram_merge(&into->arrival_age, &from->arrival_age);
	swarm_histogram_merge(&into->latency, &from->latency);
	swarm_histogram_merge(&into->gap, &from->gap);
	swarm_histogram_merge(&into->first, &from->first);
	swarm_histogram_merge(&into->held, &from->held);
}
