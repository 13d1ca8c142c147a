/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/wire/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"

#define MILLION 1000000
#define NARROW 1024

static void *need(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

uint32_t world_random(struct world *world)
{
	/* splitmix64 */
	uint64_t z = world->random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(z >> 32);
}

static bool happens(struct world *world, uint32_t ppm)
{
	return ppm > 0 && world_random(world) % MILLION < ppm;
}

static int64_t get_now(void *ctx)
{
	return ((struct world *)ctx)->now_us;
}

static void get_random(void *ctx, void *out, size_t len)
{
	uint8_t *bytes = out;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)world_random(ctx);
}

void world_init(struct world *world, uint64_t seed)
{
	uint8_t key[KS_PSK_SIZE];

	memset(world, 0, sizeof(*world));
	world->random_state = seed;
	world->now_us = KS_US_PER_S;
	world->delay_us = 10 * KS_US_PER_MS;
	world->clock = (struct ks_clock){ get_now, get_now, world };
	world->sender_due_us = world->receiver_due_us = INT64_MAX;
	get_random(world, key, sizeof(key));
	ks_psk_set(&world->key, key);
}

void world_free(struct world *world)
{
	world_stop_sender(world);
	world_stop_receiver(world);
	for (size_t i = 0; i < world->n_packets; i++)
		free(world->packets[i]);
	free(world->packets);
}

static bool before(const struct world_packet *a, const struct world_packet *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void swap(struct world *world, size_t a, size_t b)
{
	struct world_packet *packet = world->packets[a];

	world->packets[a] = world->packets[b];
	world->packets[b] = packet;
}

static void push_packet(struct world *world, struct world_packet *packet)
{
	size_t i = world->n_packets++;

	if (world->n_packets > world->room) {
		world->room = 2 * world->n_packets;
		world->packets = need(realloc(world->packets, world->room * sizeof(struct world_packet *)));
	}
	for (world->packets[i] = packet; i > 0 && before(packet, world->packets[(i - 1) / 2]); i = (i - 1) / 2)
		swap(world, i, (i - 1) / 2);
}

static struct world_packet *pop_packet(struct world *world)
{
	struct world_packet *first = world->packets[0];
	size_t i = 0, child;

	world->packets[0] = world->packets[--world->n_packets];
	while ((child = 2 * i + 1) < world->n_packets) {
		child += child + 1 < world->n_packets && before(world->packets[child + 1], world->packets[child]);
		if (!before(world->packets[child], world->packets[i]))
			break;
		swap(world, i, child);
		i = child;
	}
	return first;
}

static void put_copy(struct world *world, enum world_direction direction, const uint8_t *bytes, size_t len)
{
	struct world_packet *packet = need(malloc(sizeof(*packet)));

	packet->at_us = world->now_us + world->delay_us;
	if (world->jitter_us > 0)
		packet->at_us += world_random(world) % world->jitter_us;
	packet->order = world->order++;
	packet->direction = direction;
	packet->len = len;
	memcpy(packet->bytes, bytes, len);
	if (len > 0 && happens(world, world->corrupt_ppm))
		packet->bytes[world_random(world) % len] ^= (uint8_t)(1 + world_random(world) % 255);
	push_packet(world, packet);
}

void world_put(struct world *world, enum world_direction direction, const uint8_t *bytes, size_t len)
{
	world->sent[direction]++;
	world->sent_bytes[direction] += len;
	if (world->watch != NULL)
		world->watch(world, direction, bytes, len);
	if (happens(world, world->loss_ppm))
		return;
	put_copy(world, direction, bytes, len);
	if (happens(world, world->duplicate_ppm))
		put_copy(world, direction, bytes, len);
}

static int send_down(void *ctx, size_t peer, const struct iovec *datagrams, size_t n)
{
	struct world *world = ctx;

	(void)peer;
	if (world->refuse)
		return -ECONNREFUSED;
	if (world->too_long && datagrams[0].iov_len > NARROW)
		return -EMSGSIZE;
	for (size_t i = 0; i < n; i++)
		world_put(world, WORLD_DOWN, datagrams[i].iov_base, datagrams[i].iov_len);
	return (int)n;
}

static void send_up(void *ctx, const struct ks_endpoint *to, const uint8_t *bytes, size_t len)
{
	(void)to;
	world_put(ctx, WORLD_UP, bytes, len);
}

static void deliver(void *ctx, const uint8_t *bytes, size_t len)
{
	struct world *world = ctx;

	if (world->deliver != NULL)
		world->deliver(world, bytes, len);
}

void world_start_sender(struct world *world, const struct ks_sender_settings *settings)
{
	const struct ks_sender_ops ops = { &world->clock, get_random, send_down, world };

	if (ks_sender_new(&world->sender, settings, &ops) != KS_EOK ||
	    ks_sender_add(world->sender, "relay", "virtual", &world->key, &world->peer) != KS_EOK)
		abort();
	world->sender_due_us = world->now_us;
}

void world_stop_sender(struct world *world)
{
	ks_sender_free(world->sender);
	world->sender = NULL;
	world->sender_due_us = INT64_MAX;
}

void world_start_receiver(struct world *world)
{
	const struct ks_receiver_ops ops = { &world->clock, get_random, send_up, deliver, world };

	if (ks_receiver_new(&world->receiver, &ops) != KS_EOK ||
	    ks_receiver_set_keys(world->receiver, &world->key, 1) != KS_EOK)
		abort();
	world->receiver_due_us = world->now_us;
}

void world_stop_receiver(struct world *world)
{
	ks_receiver_free(world->receiver);
	world->receiver = NULL;
	world->receiver_due_us = INT64_MAX;
}

void world_send_object(struct world *world, uint32_t epoch, uint32_t seq, int64_t period_us, const uint8_t *bytes,
		       size_t len)
{
	if (ks_sender_object(world->sender, (struct ks_frame_id){ epoch, seq }, 0, period_us, bytes, len) != KS_EOK)
		abort();
	world->sender_due_us = world->now_us;
}

static void arrive(struct world *world, const struct world_packet *packet)
{
	const struct ks_endpoint from = { { 1 }, 1 };

	if (packet->direction == WORLD_DOWN && world->receiver != NULL)
		ks_receiver_input(world->receiver, &from, packet->bytes, packet->len);
	if (packet->direction == WORLD_UP && world->sender != NULL) {
		ks_sender_input(world->sender, world->peer, packet->bytes, packet->len);
		world->sender_due_us = world->now_us;
	}
}

static int64_t next_event(const struct world *world)
{
	int64_t next_us = world->n_packets > 0 ? world->packets[0]->at_us : INT64_MAX;

	if (world->sender_due_us < next_us)
		next_us = world->sender_due_us;
	return world->receiver_due_us < next_us ? world->receiver_due_us : next_us;
}

static void step(struct world *world)
{
	if (world->sender_due_us <= world->now_us)
		world->sender_due_us = ks_sender_tick(world->sender);
	if (world->receiver_due_us <= world->now_us) {
		ks_receiver_tick(world->receiver);
		world->receiver_due_us = world->now_us + KS_RECEIVER_TICK_US;
	}
	while (world->n_packets > 0 && world->packets[0]->at_us <= world->now_us) {
		struct world_packet *packet = pop_packet(world);

		arrive(world, packet);
		free(packet);
	}
}

void world_run(struct world *world, int64_t until_us)
{
	for (int64_t next_us; (next_us = next_event(world)) <= until_us;) {
		if (next_us > world->now_us)
			world->now_us = next_us;
		step(world);
	}
	if (until_us > world->now_us)
		world->now_us = until_us;
}
