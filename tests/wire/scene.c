/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/wire/scene.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "tests/unit/unit.h"

#define JOIN_US (30 * SECOND)

struct world world;
unsigned sent_of_type[16];

static struct scene_recorded *record;
static size_t n_recorded, record_max;
static bool recording;
static uint64_t got_before[WORLD_NODES_MAX];
static size_t joined_relay, joined_parents;

static void on_datagram(struct world *w, size_t from, size_t to, const uint8_t *bytes, size_t len)
{
	(void)w;
	if (len > 0)
		sent_of_type[bytes[0] & 0x0f]++;
	if (!recording || n_recorded == record_max)
		return;
	record[n_recorded].from = from;
	record[n_recorded].to = to;
	record[n_recorded].len = len;
	memcpy(record[n_recorded++].bytes, bytes, len);
}

void scene_setup(void)
{
	world_init(&world, 20100807);
	world.watch = on_datagram;
	memset(sent_of_type, 0, sizeof(sent_of_type));
	memset(got_before, 0, sizeof(got_before));
}

void scene_teardown(void)
{
	for (size_t i = 0; i < WORLD_NODES_MAX; i++) {
		ck_assert_uint_eq(world.nodes[i].wrong, 0);
		ck_assert_uint_eq(world.nodes[i].backwards, 0);
	}
	world_free(&world);
	free(record);
	record = NULL;
	recording = false;
}

void scene_tell(enum scene_way way, size_t parent, size_t relay)
{
	if (way == PULL)
		world_tell_parent(&world, relay, parent);
	else
		world_tell_relay(&world, parent, relay, false);
}

static bool is_joined(struct world *w)
{
	return ks_receiver_parents(w->nodes[joined_relay].receiver) >= joined_parents;
}

void scene_joined(size_t relay, size_t parents)
{
	joined_relay = relay;
	joined_parents = parents;
	ck_assert_msg(world_run_until(&world, world.now_us + JOIN_US, is_joined), "relay %zu does not join", relay);
	/* What the session brings at once has come. */
	world_run_for(&world, 200 * MS);
}

void scene_start(enum scene_way way)
{
	scene_tell(way, PARENT, RELAY);
	world_start_sender(&world, PARENT, NULL);
	world_start_receiver(&world, RELAY, NULL);
	scene_joined(RELAY, 1);
}

void scene_send(uint32_t epoch, uint32_t seq)
{
	const uint64_t mixed = (seq + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 40;
	const struct world_object object = {
		.epoch = epoch,
		.seq = seq,
		.period_ms = PERIOD_US / MS,
		.len = (uint32_t)(sizeof(object) + mixed % (OBJECT_LEN_MAX - sizeof(object))),
	};

	ck_assert_int_eq(world_send(&world, PARENT, &object), KS_EOK);
}

void scene_send_many(uint32_t epoch, uint32_t from, uint32_t n)
{
	for (uint32_t seq = from; seq < from + n; seq++) {
		scene_send(epoch, seq);
		world_run_for(&world, PERIOD_US);
	}
}

unsigned scene_got(size_t relay)
{
	unsigned got = (unsigned)(world.nodes[relay].delivered - got_before[relay]);

	got_before[relay] = world.nodes[relay].delivered;
	return got;
}

uint64_t scene_dropped(size_t node, enum ks_drop reason)
{
	const struct world_node *n = &world.nodes[node];

	return (n->sender != NULL ? ks_sender_dropped(n->sender, reason) : 0) +
	       (n->receiver != NULL ? ks_receiver_dropped(n->receiver, reason) : 0);
}

void scene_record(size_t max)
{
	record = malloc(max * sizeof(*record));
	ck_assert_ptr_nonnull(record);
	record_max = max;
	n_recorded = 0;
	recording = true;
}

const struct scene_recorded *scene_stop_recording(size_t *n)
{
	ck_assert_uint_lt(n_recorded, record_max);
	recording = false;
	*n = n_recorded;
	return record;
}
