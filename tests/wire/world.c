/* SPDX-License-Identifier: Apache-2.0
 *
 * The programs of the world, what they send each other, and its time.
 */
#include "tests/wire/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"

#define SENDER 0
#define RECEIVER 1
#define NEVER INT64_MAX
#define POISON_STEP 256		/* bytes: in every shard */

/* Bytes of all objects are taken from here; it is random so that any mix-up shows. */
#define POOL_LEN (2 * KS_FRAME_MAX)
/* A half that wants to be called again at once, this often in a row, will do so for ever. */
#define TICKS_AT_ONCE_MAX 100000

static uint8_t pool[POOL_LEN], scratch[KS_FRAME_MAX];

/* --- clocks and chance ---------------------------------------------------------------------------- */

static int64_t get_mono(void *ctx)
{
	return ((struct world_node *)ctx)->world->now_us;
}

static int64_t get_wall(void *ctx)
{
	const struct world_node *node = ctx;

	return INT64_C(1281139200) * KS_US_PER_S + node->world->now_us + node->wall_offset_us;
}

static void get_random(void *ctx, void *out, size_t len)
{
	uint8_t *bytes = out;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)world_random(((struct world_node *)ctx)->world);
}

/* --- objects -------------------------------------------------------------------------------------- */

static void fill_pool(void)
{
	uint64_t state = 2010;

	if (pool[0] != 0)
		return;
	for (size_t i = 0; i < POOL_LEN; i += sizeof(state)) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		memcpy(pool + i, &state, sizeof(state) < POOL_LEN - i ? sizeof(state) : POOL_LEN - i);
	}
	pool[0] |= 1;
}

static const uint8_t *content_of(const struct world_object *object)
{
	uint64_t name = (uint64_t)object->epoch << 32 | object->seq;

	name = (name ^ object->channel * 65536u ^ object->rendition * 256u ^ object->source) *
	       UINT64_C(0x9e3779b97f4a7c15);
	return pool + (name >> 32) % (POOL_LEN - object->len);
}

const uint8_t *world_bytes(const struct world_object *object)
{
	memcpy(scratch, object, sizeof(*object));
	memcpy(scratch + sizeof(*object), content_of(object), object->len - sizeof(*object));
	return scratch;
}

static bool parse(const uint8_t *bytes, size_t len, struct world_object *object)
{
	if (len < sizeof(*object))
		return false;
	memcpy(object, bytes, sizeof(*object));
	return object->len == len && object->channel < WORLD_NAMES_MAX && object->rendition < WORLD_NAMES_MAX &&
	       object->source < WORLD_SOURCES_MAX &&
	       memcmp(bytes + sizeof(*object), content_of(object), len - sizeof(*object)) == 0;
}

static int hand_to_sender(struct world_node *node, const struct world_object *object, const uint8_t *bytes,
			  uint8_t hops)
{
	char channel[] = "channel0", rendition[] = "r0";
	const struct ks_outgoing outgoing = {
		.channel = channel,
		.rendition = rendition,
		.source = object->source,
		.hops = hops,
		.id = { object->epoch, object->seq },
		.period_us = object->period_ms * KS_US_PER_MS,
		.bytes = bytes,
		.len = object->len,
	};

	channel[sizeof(channel) - 2] = (char)('0' + object->channel);
	rendition[sizeof(rendition) - 2] = (char)('0' + object->rendition);
	node->world->due_us[node->number][SENDER] = node->world->now_us;
	return ks_sender_object(node->sender, &outgoing);
}

int world_send(struct world *world, size_t node, const struct world_object *object)
{
	struct world_object sent = *object;

	sent.sent_us = world->now_us;
	return hand_to_sender(&world->nodes[node], &sent, world_bytes(&sent), 0);
}

static void pass_on(struct world_node *node, const struct world_object *object, const uint8_t *bytes, uint8_t hops)
{
	if (node->poisons) {
		memcpy(scratch, bytes, object->len);
		for (size_t i = sizeof(*object); i < object->len; i += POISON_STEP)
			scratch[i] ^= 1;
		bytes = scratch;
	}
	/* Stale, or too far from the source: ends here. */
	(void)hand_to_sender(node, object, bytes, (uint8_t)(hops + 1));
}

static bool get_object(void *ctx, const uint8_t *bytes, size_t len, uint8_t hops)
{
	struct world_node *node = ctx;
	struct world *world = node->world;
	struct world_object object;
	struct ks_frame_id id, *last;

	if (!parse(bytes, len, &object)) {
		node->wrong++;
		return false;
	}
	id = (struct ks_frame_id){ object.epoch, object.seq };
	last = &node->last[object.channel][object.rendition][object.source];
	node->delivered++;
	node->again += ks_frame_id_cmp(id, *last) == 0;
	node->backwards += ks_frame_id_cmp(id, *last) < 0;
	*last = id;
	if (world->deliver != NULL && !world->deliver(world, node->number, &object, hops))
		return false;
	if (node->forwards && node->sender != NULL)
		pass_on(node, &object, bytes, hops);
	return true;
}

static void get_head(void *ctx, const uint8_t manifest[KS_HEAD_BODY])
{
	struct world_node *node = ctx;

	if (node->world->head != NULL)
		node->world->head(node->world, node->number, manifest);
}

/* --- nodes ---------------------------------------------------------------------------------------- */

struct ks_endpoint world_endpoint(const struct world *world, size_t node, size_t seen_by)
{
	return (struct ks_endpoint){
		.bytes = { (uint8_t)node, world->nodes[node].port, (uint8_t)seen_by },
		.len = 3,
		.peer_len = 2,
	};
}

static int send_down(void *ctx, const struct ks_endpoint *to, const struct iovec *datagrams, size_t n)
{
	struct world_node *node = ctx;
	const struct world_path *path = &node->world->paths[node->number][to->bytes[0]];

	if (path->mtu > 0 && !path->mtu_silent && datagrams[0].iov_len > path->mtu)
		return -EMSGSIZE;
	for (size_t i = 0; i < n; i++)
		world_put_to(node->world, node->number, to->bytes[0], to->bytes[1], datagrams[i].iov_base,
			     datagrams[i].iov_len);
	return (int)n;
}

static void send_up(void *ctx, const struct ks_endpoint *to, const uint8_t *bytes, size_t len)
{
	struct world_node *node = ctx;

	world_put_to(node->world, node->number, to->bytes[0], to->bytes[1], bytes, len);
}

void world_init(struct world *world, uint64_t seed)
{
	const struct world_path perfect = { .delay_us = 10 * KS_US_PER_MS };

	fill_pool();
	memset(world, 0, sizeof(*world));
	world->random_state = seed;
	world->now_us = KS_US_PER_S;
	world_paths(world, &perfect);
	for (size_t i = 0; i < WORLD_NODES_MAX; i++) {
		struct world_node *node = &world->nodes[i];
		uint8_t key[KS_PSK_SIZE];

		node->world = world;
		node->number = i;
		node->port = 1;
		node->clock = (struct ks_clock){ get_wall, get_mono, node };
		snprintf(node->name, sizeof(node->name), "node%zu", i);
		get_random(node, node->master.key, sizeof(node->master.key));
		get_random(node, key, sizeof(key));
		ks_psk_set(&node->key, key, node->name);
		world->due_us[i][SENDER] = world->due_us[i][RECEIVER] = NEVER;
	}
}

void world_free(struct world *world)
{
	for (size_t i = 0; i < WORLD_NODES_MAX; i++) {
		world_stop_sender(world, i);
		world_stop_receiver(world, i);
	}
	while (world->n_packets > 0)
		world_drop(world, world_take(world));
	while (world->unused != NULL) {
		struct world_packet *packet = world->unused;

		world->unused = packet->next;
		free(packet);
	}
	free(world->heap);
}

struct ks_psk world_derived(const struct world *world, size_t relay, size_t parent)
{
	struct ks_psk key;

	ks_psk_derive(&key, &world->nodes[parent].master, world->nodes[relay].name);
	return key;
}

static void add_relay(struct world_node *parent, size_t number)
{
	struct world_node *relay = &parent->world->nodes[number];
	const struct ks_told_relay told = { relay->name, "virtual", &relay->key, parent->blind[number] };
	const struct ks_endpoint to = world_endpoint(parent->world, number, parent->number);

	if (ks_sender_add(parent->sender, &told, &parent->relay_number[number]) != KS_EOK)
		abort();
	ks_sender_move(parent->sender, parent->relay_number[number], &to);
	world_due(parent->world, parent->number);
}

static void add_parent(struct world_node *relay, size_t number)
{
	const struct ks_psk key = world_derived(relay->world, relay->number, number);
	const struct ks_told_parent told = { relay->world->nodes[number].name, "virtual", &key, 1 };
	const struct ks_endpoint to = world_endpoint(relay->world, number, relay->number);

	if (ks_receiver_add(relay->receiver, &told, &relay->parent_number[number]) != KS_EOK)
		abort();
	ks_receiver_move(relay->receiver, relay->parent_number[number], &to);
	world_due(relay->world, relay->number);
}

static void new_instance(struct world_node *node)
{
	if (node->sender == NULL && node->receiver == NULL)
		get_random(node, node->instance, sizeof(node->instance));
}

void world_start_sender(struct world *world, size_t number, const struct ks_sender_settings *settings)
{
	const struct ks_sender_settings usual = { .datagram = KS_DATAGRAM_DEFAULT, .loss_ppm = 100000, .nack = true };
	struct world_node *node = &world->nodes[number];
	const struct ks_sender_ops ops = { &node->clock, get_random, send_down, get_head, node };

	new_instance(node);
	if (ks_sender_new(&node->sender, settings != NULL ? settings : &usual, node->instance, &ops) != KS_EOK ||
	    ks_sender_set_masters(node->sender, &node->master, 1, NULL, 0) != KS_EOK)
		abort();
	for (size_t i = 0; i < WORLD_NODES_MAX; i++)
		if (node->relay[i])
			add_relay(node, i);
	world_due(world, number);
}

void world_start_receiver(struct world *world, size_t number, const struct ks_receiver_settings *settings)
{
	const struct ks_receiver_settings usual = { .datagram = KS_DATAGRAM_DEFAULT, .nack = true };
	struct world_node *node = &world->nodes[number];
	const struct ks_receiver_ops ops = { &node->clock, get_random, send_up, get_object, node };

	new_instance(node);
	if (ks_receiver_new(&node->receiver, settings != NULL ? settings : &usual, node->instance, &ops) != KS_EOK ||
	    ks_receiver_set_keys(node->receiver, &node->key, 1) != KS_EOK)
		abort();
	for (size_t i = 0; i < WORLD_NODES_MAX; i++)
		if (node->parent[i])
			add_parent(node, i);
	world_due(world, number);
}

void world_stop_sender(struct world *world, size_t number)
{
	ks_sender_free(world->nodes[number].sender);
	world->nodes[number].sender = NULL;
	world->due_us[number][SENDER] = NEVER;
}

void world_stop_receiver(struct world *world, size_t number)
{
	ks_receiver_free(world->nodes[number].receiver);
	world->nodes[number].receiver = NULL;
	world->due_us[number][RECEIVER] = NEVER;
}

void world_tell_relay(struct world *world, size_t parent, size_t relay, bool blind)
{
	struct world_node *node = &world->nodes[parent];

	node->relay[relay] = true;
	node->blind[relay] = blind;
	if (node->sender != NULL)
		add_relay(node, relay);
}

void world_tell_parent(struct world *world, size_t relay, size_t parent)
{
	struct world_node *node = &world->nodes[relay];

	node->parent[parent] = true;
	if (node->receiver != NULL)
		add_parent(node, parent);
}

void world_due(struct world *world, size_t node)
{
	if (world->nodes[node].sender != NULL)
		world->due_us[node][SENDER] = world->now_us;
	if (world->nodes[node].receiver != NULL)
		world->due_us[node][RECEIVER] = world->now_us;
}

/* --- time ----------------------------------------------------------------------------------------- */

static void refuse(struct world_node *node, const struct ks_endpoint *from)
{
	if (node->sender != NULL)
		ks_sender_refused(node->sender, from);
	if (node->receiver != NULL)
		ks_receiver_refused(node->receiver, from);
	world_due(node->world, node->number);
}

static void arrive(struct world *world, const struct world_packet *packet)
{
	struct world_node *node = &world->nodes[packet->to];
	struct ks_endpoint from = world_endpoint(world, packet->from, packet->to);

	from.bytes[1] = packet->from_port;
	if (packet->to_port != node->port)
		return;
	if (packet->refused) {
		refuse(node, &from);
	} else if ((packet->bytes[0] & KS_DATAGRAM_UP) != 0 && node->sender != NULL) {
		ks_sender_input(node->sender, &from, packet->bytes, packet->len);
		world->due_us[packet->to][SENDER] = world->now_us;
	} else if ((packet->bytes[0] & KS_DATAGRAM_UP) == 0 && node->receiver != NULL) {
		ks_receiver_input(node->receiver, &from, packet->bytes, packet->len);
		world->due_us[packet->to][RECEIVER] = world->now_us;
	}
}

static int64_t next_event(const struct world *world)
{
	int64_t next_us = world_next_us(world);

	for (size_t i = 0; i < WORLD_NODES_MAX; i++) {
		next_us = world->due_us[i][SENDER] < next_us ? world->due_us[i][SENDER] : next_us;
		next_us = world->due_us[i][RECEIVER] < next_us ? world->due_us[i][RECEIVER] : next_us;
	}
	return next_us;
}

static void step(struct world *world)
{
	while (world_next_us(world) <= world->now_us) {
		struct world_packet *packet = world_take(world);

		arrive(world, packet);
		world_drop(world, packet);
	}
	for (size_t i = 0; i < WORLD_NODES_MAX; i++) {
		if (world->due_us[i][RECEIVER] <= world->now_us)
			world->due_us[i][RECEIVER] = ks_receiver_tick(world->nodes[i].receiver);
		if (world->due_us[i][SENDER] <= world->now_us)
			world->due_us[i][SENDER] = ks_sender_tick(world->nodes[i].sender);
	}
}

/* True when `done` ended it. */
static bool run(struct world *world, int64_t until_us, bool (*done)(struct world *world))
{
	unsigned at_once = 0;

	for (int64_t next_us; (next_us = next_event(world)) <= until_us;) {
		at_once = next_us > world->now_us ? 0 : at_once + 1;
		if (at_once > TICKS_AT_ONCE_MAX) {
			fputs("world: a node does not come to rest\n", stderr);
			abort();
		}
		if (next_us > world->now_us)
			world->now_us = next_us;
		step(world);
		if (done != NULL && done(world))
			return true;
	}
	if (until_us > world->now_us)
		world->now_us = until_us;
	return false;
}

void world_run(struct world *world, int64_t until_us)
{
	run(world, until_us, NULL);
}

void world_run_for(struct world *world, int64_t us)
{
	run(world, world->now_us + us, NULL);
}

bool world_run_until(struct world *world, int64_t limit_us, bool (*done)(struct world *world))
{
	return run(world, limit_us, done);
}
