/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/loss.h"

#include <math.h>
#include <stdbool.h>

#include "lib/wire/sender.h"

#define MILLION 1000000.0

void ks_loss_init(struct ks_loss *loss, uint32_t prior_ppm)
{
	*loss = (struct ks_loss){ .prior_ppm = prior_ppm };
}

void ks_loss_believe(struct ks_loss *loss, uint32_t prior_ppm)
{
	loss->prior_ppm = prior_ppm;
}

void ks_loss_report(struct ks_loss *loss, uint32_t expected, uint32_t received)
{
	if (expected == 0)
		return;
	loss->reports[loss->next].expected = expected;
	/* What was late for the report before may come on top in this one. */
	loss->reports[loss->next].lost = received < expected ? expected - received : 0;
	loss->next = (loss->next + 1) % KS_LOSS_REPORTS;
	if (loss->n < KS_LOSS_REPORTS)
		loss->n++;
}

static double total(const struct ks_loss *loss)
{
	double expected = KS_LOSS_PRIOR_DATAGRAMS;

	for (size_t i = 0; i < loss->n; i++)
		expected += loss->reports[i].expected;
	return expected;
}

static double mean(const struct ks_loss *loss)
{
	double lost = KS_LOSS_PRIOR_DATAGRAMS * (loss->prior_ppm / MILLION);

	for (size_t i = 0; i < loss->n; i++)
		lost += loss->reports[i].lost;
	return lost / total(loss);
}

static uint32_t bounded(double loss)
{
	uint32_t ppm = (uint32_t)(loss * MILLION + 0.5);

	if (ppm < KS_LOSS_FLOOR_PPM)
		return KS_LOSS_FLOOR_PPM;
	return ppm < KS_LOSS_CEILING_PPM ? ppm : KS_LOSS_CEILING_PPM;
}

uint32_t ks_loss_mean_ppm(const struct ks_loss *loss)
{
	return bounded(mean(loss));
}

/* How much more the reports differ than counting losses that come one by one would (the dispersion, less the one that
 * chance has), as a variance of a report's loss. */
static double burstiness(const struct ks_loss *loss, double p)
{
	double sum = 0, expected = 0, dispersion;

	for (size_t i = 0; i < loss->n; i++) {
		double n = loss->reports[i].expected, off = loss->reports[i].lost / n - p;

		sum += n * off * off;
		expected += n;
	}
	if (loss->n < 2 || p <= 0 || p >= 1)
		return 0;
	dispersion = sum / (p * (1 - p)) / (double)(loss->n - 1);
	return dispersion > 1 ? (dispersion - 1) * p * (1 - p) * (double)loss->n / expected : 0;
}

uint32_t ks_loss_high_ppm(const struct ks_loss *loss)
{
	double p = mean(loss);

	if (loss->n == 0)
		return bounded(p);
	return bounded(p + 2 * sqrt(p * (1 - p) / total(loss) + burstiness(loss, p)));
}

uint32_t ks_loss_recent_ppm(const struct ks_loss *loss)
{
	uint64_t expected = 0, lost = 0;

	for (size_t i = 0; i < KS_LOSS_RECENT && i < loss->n; i++) {
		size_t at = (loss->next + KS_LOSS_REPORTS - 1 - i) % KS_LOSS_REPORTS;

		expected += loss->reports[at].expected;
		lost += loss->reports[at].lost;
	}
	return expected > 0 ? (uint32_t)(lost * 1000000 / expected) : 0;
}

/* Since when something is so: 0 while it is not. */
static int64_t since(bool is_so, int64_t since_us, int64_t now_us)
{
	if (!is_so)
		return 0;
	return since_us != 0 ? since_us : now_us;
}

static bool for_long(int64_t since_us, int64_t long_us, int64_t now_us)
{
	return since_us != 0 && now_us - since_us >= long_us;
}

void ks_breaker_report(struct ks_breaker *breaker, uint32_t recent_ppm, int64_t now_us)
{
	uint32_t limit_ppm = breaker->state == KS_BREAKER_PROBE ? KS_BREAKER_PROBE_PPM : KS_BREAKER_HALF_PPM;

	breaker->half_since_us = since(recent_ppm > KS_BREAKER_HALF_PPM, breaker->half_since_us, now_us);
	breaker->probe_since_us = since(recent_ppm > KS_BREAKER_PROBE_PPM, breaker->probe_since_us, now_us);
	breaker->below_since_us = since(recent_ppm <= limit_ppm, breaker->below_since_us, now_us);
	if (breaker->state != KS_BREAKER_PROBE && for_long(breaker->probe_since_us, KS_BREAKER_PROBE_US, now_us)) {
		breaker->state = KS_BREAKER_PROBE;
		breaker->below_since_us = 0;
	} else if (breaker->state == KS_BREAKER_CLOSED &&
		   for_long(breaker->half_since_us, KS_BREAKER_HALF_US, now_us)) {
		breaker->state = KS_BREAKER_HALF;
		breaker->below_since_us = 0;
	} else if (breaker->state != KS_BREAKER_CLOSED &&
		   for_long(breaker->below_since_us, KS_BREAKER_BACK_US, now_us)) {
		breaker->state--;
		breaker->below_since_us = 0;
	}
}
