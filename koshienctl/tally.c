/* SPDX-License-Identifier: Apache-2.0 */
#include "koshienctl/tally.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lib/base/error.h"

int ks_tally_init(struct ks_tally *tally)
{
	memset(tally, 0, sizeof(*tally));
	tally->ages_us = malloc(KS_TALLY_AGES_MAX * sizeof(*tally->ages_us));
	return tally->ages_us != NULL ? KS_EOK : -ENOMEM;
}

void ks_tally_free(struct ks_tally *tally)
{
	free(tally->ages_us);
	memset(tally, 0, sizeof(*tally));
}

static struct ks_served *find(const struct ks_tally *tally, const char *name)
{
	for (size_t i = 0; i < tally->n_served; i++)
		if (strcmp(tally->served[i].name, name) == 0)
			return (struct ks_served *)(uintptr_t)&tally->served[i];
	return NULL;
}

void ks_tally_response(struct ks_tally *tally, const char *served_by, size_t bytes)
{
	const char *name = *served_by != '\0' ? served_by : KS_TALLY_UNNAMED;
	struct ks_served *served = find(tally, name);

	tally->responses++;
	tally->bytes += bytes;
	if (served == NULL && tally->n_served >= KS_TALLY_SERVERS_MAX - 1)
		served = find(tally, name = KS_TALLY_OTHERS);
	if (served == NULL && tally->n_served < KS_TALLY_SERVERS_MAX) {
		served = &tally->served[tally->n_served++];
		snprintf(served->name, sizeof(served->name), "%s", name);
	}
	served->n++;
}

void ks_tally_empty(struct ks_tally *tally)
{
	tally->empty++;
}

void ks_tally_bad(struct ks_tally *tally, enum ks_verdict verdict)
{
	tally->bad++;
	tally->bad_by[verdict]++;
}

void ks_tally_error(struct ks_tally *tally)
{
	tally->errors++;
}

/* Algorithm R: beyond the bound, each age so far has the same chance to be among those kept. */
static void keep_age(struct ks_tally *tally, int64_t age_us)
{
	uint64_t slot = tally->n_ages;

	if (slot < KS_TALLY_AGES_MAX)
		tally->n_ages++;
	else
		slot = randombytes_uniform((uint32_t)(tally->frames <= UINT32_MAX ? tally->frames : UINT32_MAX));
	if (slot < KS_TALLY_AGES_MAX)
		tally->ages_us[slot] = age_us;
}

/* The newest picture's age grew from newest_age_us while it was shown; that is a trapezium. */
static double area_since(const struct ks_tally *tally, int64_t mono_us)
{
	double shown = (double)(mono_us - tally->newest_at_us);

	return shown * ((double)tally->newest_age_us + shown / 2);
}

void ks_tally_picture(struct ks_tally *tally, const struct ks_picture *picture, int64_t age_us, int64_t mono_us)
{
	tally->frames++;
	keep_age(tally, age_us);
	if (tally->distinct > 0 && !ks_picture_follows(picture, &tally->newest)) {
		tally->backwards++;
		return;
	}
	if (tally->distinct == 0) {
		tally->first_at_us = mono_us;
	} else {
		tally->gap_us = ks_tally_gap_us(tally, mono_us);
		tally->age_area += area_since(tally, mono_us);
	}
	tally->distinct++;
	tally->newest = *picture;
	tally->newest_at_us = mono_us;
	tally->newest_age_us = age_us;
}

static int by_age(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

int64_t ks_tally_age_us(struct ks_tally *tally, double share)
{
	size_t rank = (size_t)ceil(share * (double)tally->n_ages);

	if (tally->n_ages == 0)
		return 0;
	qsort(tally->ages_us, tally->n_ages, sizeof(*tally->ages_us), by_age);
	if (rank > tally->n_ages)
		rank = tally->n_ages;
	return tally->ages_us[rank > 0 ? rank - 1 : 0];
}

int64_t ks_tally_mean_age_us(const struct ks_tally *tally, int64_t mono_us)
{
	if (tally->distinct == 0)
		return 0;
	if (mono_us <= tally->first_at_us)
		return tally->newest_age_us;
	return (int64_t)((tally->age_area + area_since(tally, mono_us)) / (double)(mono_us - tally->first_at_us));
}

int64_t ks_tally_gap_us(const struct ks_tally *tally, int64_t mono_us)
{
	int64_t open_us = tally->distinct > 0 ? mono_us - tally->newest_at_us : 0;

	return open_us > tally->gap_us ? open_us : tally->gap_us;
}

double ks_tally_share(const struct ks_tally *tally, const char *name)
{
	const struct ks_served *served = find(tally, name);

	return served != NULL ? (double)served->n / (double)tally->responses : 0;
}
