/* SPDX-License-Identifier: Apache-2.0
 *
 * The fixture of tests of the relay's half: the parents are played by a script, so that every moment and every byte is
 * the test's choice. For one file of a test program.
 */
#ifndef KS_TESTS_UNIT_WITH_PARENTS_H
#define KS_TESTS_UNIT_WITH_PARENTS_H

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/wire/receiver.h"
#include "tests/unit/unit.h"
#include "tests/wire/fake.h"

#define MS KS_US_PER_MS
#define S KS_US_PER_S

static struct fake fake;
static struct fake_parent *const a = &fake.parents[0], *const b = &fake.parents[1];
static struct fake_object objects[4];

static inline void setup(void)
{
	ck_assert_int_ge(sodium_init(), 0);
	fake_init(&fake, NULL);
	unit_log_start();
}

static inline void teardown(void)
{
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		fake_object_free(&objects[i]);
	fake_free(&fake);
}

static inline void restart(const struct ks_receiver_settings *settings)
{
	fake_free(&fake);
	fake_init(&fake, settings);
}

/* Object i: 20 shards, number i of its run. */
static inline struct fake_object *make(size_t i)
{
	fake_object_free(&objects[i]);
	fake_object(&objects[i], 7, 1, (uint32_t)i, 20 * KS_SHARD_MIN - 10, KS_SHARD_MIN);
	return &objects[i];
}

static inline void accept_keys(const struct fake_parent *parent)
{
	ck_assert_int_eq(ks_receiver_set_keys(fake.receiver, &parent->key, 1), KS_EOK);
}

static inline uint64_t dropped(enum ks_drop reason)
{
	return ks_receiver_dropped(fake.receiver, reason);
}

static inline void expect_last(const struct fake_object *object)
{
	ck_assert_uint_eq(fake.last_len, object->len);
	ck_assert_mem_eq(fake.last, object->bytes, object->len);
}

static inline size_t lines_with(const char *text)
{
	size_t n = 0;

	for (const char *at = unit_log_text(); (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}

#endif
