/* SPDX-License-Identifier: Apache-2.0
 *
 * The network of the world: what happens to a datagram on its path, and all that are under way, by time.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/wire/world.h"

#define MILLION 1000000

void *world_need(void *memory)
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
	return ppm > 0 && (uint64_t)world_random(world) * MILLION >> 32 < ppm;
}

static int64_t exponential(struct world *world, double mean)
{
	return (int64_t)(-mean * log((world_random(world) + 1.0) / 4294967297.0)) + 1;
}

static bool before(const struct world_packet *a, const struct world_packet *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void enter(struct world *world, struct world_packet *packet)
{
	size_t i = world->n_packets++;

	if (world->n_packets > world->room) {
		world->room = 2 * world->n_packets;
		world->heap = world_need(realloc(world->heap, world->room * sizeof(*world->heap)));
	}
	packet->order = world->order++;
	for (; i > 0 && before(packet, world->heap[(i - 1) / 2]); i = (i - 1) / 2)
		world->heap[i] = world->heap[(i - 1) / 2];
	world->heap[i] = packet;
}

struct world_packet *world_take(struct world *world)
{
	struct world_packet *first = world->heap[0], *last = world->heap[--world->n_packets];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < world->n_packets) {
		child += child + 1 < world->n_packets && before(world->heap[child + 1], world->heap[child]);
		if (!before(world->heap[child], last))
			break;
		world->heap[i] = world->heap[child];
		i = child;
	}
	world->heap[i] = last;
	return first;
}

void world_drop(struct world *world, struct world_packet *packet)
{
	packet->next = world->unused;
	world->unused = packet;
}

static struct world_packet *new_packet(struct world *world)
{
	struct world_packet *packet = world->unused;

	if (packet != NULL)
		world->unused = packet->next;
	else
		packet = world_need(malloc(sizeof(*packet)));
	return packet;
}

/* Blackouts come and go in time, whether anybody sends or not. */
static bool is_black(struct world *world, struct world_path *path)
{
	double black_us = (double)path->burst_us;
	double clear_us = black_us * (MILLION - (double)path->loss_ppm) / (path->loss_ppm > 0 ? path->loss_ppm : 1);

	if (path->loss_ppm == 0 || path->loss_ppm >= MILLION)
		return path->loss_ppm > 0;
	if (path->turns_us == 0) {
		path->black = happens(world, path->loss_ppm);
		path->turns_us = world->now_us + exponential(world, path->black ? black_us : clear_us);
	}
	while (path->turns_us <= world->now_us) {
		path->black = !path->black;
		path->turns_us += exponential(world, path->black ? black_us : clear_us);
	}
	return path->black;
}

/* When it leaves a path of a limited rate; false when the queue in front of it is full. */
static bool queue(struct world *world, struct world_path *path, size_t len, int64_t *leaves_us)
{
	*leaves_us = world->now_us;
	if (path->rate == 0)
		return true;
	if (path->free_us < world->now_us)
		path->free_us = world->now_us;
	if (path->free_us - world->now_us > WORLD_QUEUE_US)
		return false;
	path->free_us += (int64_t)(len * MILLION / path->rate);
	*leaves_us = path->free_us;
	return true;
}

static bool is_lost(struct world *world, struct world_path *path, size_t len)
{
	if (path->down || path->refuse || (path->mtu > 0 && len > path->mtu))
		return true;
	return path->burst_us > 0 ? is_black(world, path) : happens(world, path->loss_ppm);
}

static void put_copy(struct world *world, const struct world_path *path, int64_t at_us, const struct world_packet *like,
		     const uint8_t *bytes)
{
	struct world_packet *packet = new_packet(world);

	packet->at_us = at_us + path->delay_us;
	if (path->jitter_us > 0)
		packet->at_us += world_random(world) % path->jitter_us;
	if (happens(world, path->reorder_ppm))
		packet->at_us += path->reorder_us;
	packet->from = like->from;
	packet->from_port = like->from_port;
	packet->to = like->to;
	packet->to_port = like->to_port;
	packet->refused = like->refused;
	packet->len = like->len;
	memcpy(packet->bytes, bytes, like->len);
	if (like->len > 0 && happens(world, path->corrupt_ppm))
		packet->bytes[world_random(world) % like->len] ^= (uint8_t)(1 + world_random(world) % 255);
	enter(world, packet);
}

/* Header fields only: the bytes of this one are never looked at. */
static void envelope(const struct world *world, size_t from, size_t to, uint8_t to_port, size_t len,
		     struct world_packet *packet)
{
	packet->from = (uint8_t)from;
	packet->from_port = world->nodes[from].port;
	packet->to = (uint8_t)to;
	packet->to_port = to_port;
	packet->refused = false;
	packet->len = len;
}

void world_put_to(struct world *world, size_t from, size_t to, uint8_t to_port, const uint8_t *bytes, size_t len)
{
	struct world_path *path = &world->paths[from][to];
	static struct world_packet like;
	int64_t leaves_us;

	path->datagrams++;
	path->bytes += len;
	if (world->watch != NULL)
		world->watch(world, from, to, bytes, len);
	if (path->refuse) {
		envelope(world, to, from, world->nodes[from].port, 0, &like);
		like.from_port = to_port;
		like.refused = true;
		put_copy(world, path, world->now_us + path->delay_us, &like, bytes);
	}
	if (is_lost(world, path, len) || !queue(world, path, len, &leaves_us)) {
		path->lost++;
		return;
	}
	envelope(world, from, to, to_port, len, &like);
	put_copy(world, path, leaves_us, &like, bytes);
	if (happens(world, path->duplicate_ppm))
		put_copy(world, path, leaves_us, &like, bytes);
}

void world_put(struct world *world, size_t from, size_t to, const uint8_t *bytes, size_t len)
{
	world_put_to(world, from, to, world->nodes[to].port, bytes, len);
}

static void set_path(struct world_path *path, const struct world_path *like)
{
	const struct world_path was = *path;

	*path = *like;
	path->datagrams = was.datagrams;
	path->bytes = was.bytes;
	path->lost = was.lost;
	path->turns_us = path->free_us = 0;
}

void world_link(struct world *world, size_t a, size_t b, const struct world_path *like)
{
	set_path(&world->paths[a][b], like);
	set_path(&world->paths[b][a], like);
}

void world_paths(struct world *world, const struct world_path *like)
{
	for (size_t from = 0; from < WORLD_NODES_MAX; from++)
		for (size_t to = 0; to < WORLD_NODES_MAX; to++)
			set_path(&world->paths[from][to], like);
}
