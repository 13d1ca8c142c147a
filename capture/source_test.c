/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/source.h"

#include <stdlib.h>

#include "capture/card.h"
#include "lib/base/error.h"

/* The source that needs no hardware: a card whose clock and id are those of the frame. */
struct test_source {
	struct ks_source source;	/* first */
	struct ks_card card;
};

static int test_open(struct ks_source *source)
{
	(void)source;
	return KS_EOK;
}

static int test_next(struct ks_source *source, const struct ks_tick *tick, struct ks_picture *picture)
{
	struct test_source *self = (struct test_source *)source;

	ks_card_draw(&self->card, tick->wall_us, tick->id);
	*picture = ks_card_picture(&self->card);
	picture->captured_us = tick->wall_us;
	picture->captured_mono_us = tick->mono_us;
	return KS_EOK;
}

static void test_close(struct ks_source *source)
{
	(void)source;
}

static void test_free(struct ks_source *source)
{
	struct test_source *self = (struct test_source *)source;

	ks_card_free(&self->card);
	free(self);
}

static const struct ks_source_ops test_ops = { test_open, test_next, test_close, test_free, true };

struct ks_source *ks_source_test_new(const struct ks_source_settings *settings)
{
	struct test_source *self = calloc(1, sizeof(*self));

	if (self == NULL)
		return NULL;
	self->source.ops = &test_ops;
	if (ks_card_init(&self->card, settings->width, settings->height, settings->channel) != KS_EOK) {
		free(self);
		return NULL;
	}
	return &self->source;
}
