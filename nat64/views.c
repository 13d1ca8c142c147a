/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/views.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

#define LOOK_AGAIN_US 50

/* A view, and the settings that it points to. */
struct ks_views_one {
	struct ks_view view;
	struct ks_xlat_settings settings;
};

static struct ks_views_one *make(const struct ks_rules *rules, const struct ks_xlat_settings *settings,
				 struct ks_trace *trace, uint64_t number)
{
	struct ks_views_one *one = calloc(1, sizeof(*one));

	if (one == NULL)
		return NULL;
	one->settings = *settings;
	one->view = (struct ks_view){ .number = number, .table = rules->table, .settings = &one->settings,
				      .mappings = rules->mappings, .trace = trace };
	return one;
}

int ks_views_init(struct ks_views *views, struct ks_rules *rules, const struct ks_xlat_settings *settings)
{
	memset(views, 0, sizeof(*views));
	views->rules = rules;
	views->one = make(rules, settings, NULL, 1);
	if (views->one == NULL) {
		ks_rules_free(rules);
		views->rules = NULL;
		return -ENOMEM;
	}
	atomic_store(&views->current, &views->one->view);
	return KS_EOK;
}

void ks_views_free(struct ks_views *views)
{
	for (unsigned i = 0; i < views->n; i++)
		ks_worker_stop(views->workers[i]);
	for (unsigned i = 0; i < views->n; i++)
		ks_worker_free(views->workers[i]);
	free(views->one);
	ks_rules_free(views->rules);
	memset(views, 0, sizeof(*views));
}

static bool all_passed(const struct ks_views *views, uint64_t number)
{
	for (unsigned i = 0; i < views->n; i++)
		if (!ks_worker_passed(views->workers[i], number))
			return false;
	return true;
}

static int wait_for_all(struct ks_views *views, uint64_t number)
{
	int64_t until_us = ks_mono_us(&ks_clock_system) + KS_VIEWS_PATIENCE_US;

	for (unsigned i = 0; i < views->n; i++)
		ks_worker_wake(views->workers[i]);
	while (!all_passed(views, number)) {
		if (ks_mono_us(&ks_clock_system) > until_us) {
			ks_error("nat64", "a worker has not come round for %d s; what it looked at stays in memory",
				 KS_VIEWS_PATIENCE_US / 1000000);
			return -ETIMEDOUT;
		}
		usleep(LOOK_AGAIN_US);
	}
	return KS_EOK;
}

int ks_views_put(struct ks_views *views, struct ks_rules *rules, const struct ks_xlat_settings *settings,
		 struct ks_trace *trace)
{
	struct ks_views_one *before = views->one;
	struct ks_rules *rules_before = views->rules;
	struct ks_views_one *one = make(rules != NULL ? rules : views->rules, settings, trace, before->view.number + 1);
	int err;

	if (one == NULL) {
		ks_rules_free(rules);
		return -ENOMEM;
	}
	views->one = one;
	if (rules != NULL)
		views->rules = rules;
	atomic_store_explicit(&views->current, &one->view, memory_order_release);
	err = wait_for_all(views, one->view.number);
	if (rules != NULL && ks_rules_carry(rules_before, rules) != KS_EOK)
		ks_warn("nat64", "out of memory: counters of mappings begin anew");
	if (err != KS_EOK)
		return err;
	free(before);
	if (rules != NULL)
		ks_rules_free(rules_before);
	return KS_EOK;
}

const struct ks_xlat_settings *ks_views_settings(const struct ks_views *views)
{
	return &views->one->settings;
}

struct ks_trace *ks_views_trace(const struct ks_views *views)
{
	return views->one->view.trace;
}
