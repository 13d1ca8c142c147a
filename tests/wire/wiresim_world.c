/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/wire/wiresim.h"

#include <math.h>
#include <stdlib.h>

#include "lib/wire/fec.h"
#include "lib/wire/layout.h"

#define JOIN_US (60 * KS_US_PER_S)	/* for all sessions to be there; goes on without them after that */
#define MILLION 1000000.0
#define HOUR_US (3600 * KS_US_PER_S)

/* The nodes are numbered from the source down. A second parent of the last relay stands beside the first one; where the
 * last relay is the only one, both parents have each object at once, as if the source were beside them. */
struct sim {
	const struct sim_options *options;
	struct sim_result *result;
	struct world world;
	size_t n_nodes, last, parents[2];
	struct world_object object;
	struct ks_frame_id newest;	/* of those the last relay got */
	int64_t delivered_us;
	size_t restarted, stepped;	/* nodes: whose turn it was */
	size_t absent;			/* node that is to start again; n_nodes: none */
	uint64_t twofold_bytes;		/* of data shards, by both parents of the last relay */
};

/* --- the plan ------------------------------------------------------------------------------------- */

static double at_most(size_t n, size_t losses, double p)
{
	double sum = 0;

	if (p <= 0)
		return 1;
	for (size_t i = 0; i <= losses; i++)
		sum += exp(lgamma((double)n + 1) - lgamma((double)i + 1) - lgamma((double)(n - i) + 1) +
			   (double)i * log(p) + (double)(n - i) * log1p(-p));
	return sum < 1 ? sum : 1;
}

void sim_plan(const struct sim_options *options, struct sim_plan *plan)
{
	const struct world_path *path = &options->path;
	double p = 1 - (1 - path->loss_ppm / MILLION) * (1 - path->corrupt_ppm / MILLION);
	struct ks_layout layout;

	*plan = (struct sim_plan){ .shard_len = options->datagram - KS_DATAGRAM_OVERHEAD, .expected = -1 };
	if (ks_layout_plan(&layout, options->bytes, plan->shard_len, options->expect_ppm) != 0)
		return;
	plan->k = layout.k_large;
	plan->m = ks_layout_parity(&layout, options->expect_ppm, KS_CHANCE_9999);
	plan->blocks = layout.nblocks;
	if (options->nack || path->burst_us > 0 || options->parents > 1 || path->mtu > 0 || path->rate > 0 ||
	    options->partition_frames > 0 || options->restart_every > 0 || p >= 1)
		return;
	plan->expected = 1;
	for (size_t block = 0; block < layout.nblocks; block++)
		plan->expected *= at_most(ks_layout_k(&layout, block) + plan->m, plan->m, p);
	plan->expected = pow(plan->expected, options->hops);
}

/* --- nodes ---------------------------------------------------------------------------------------- */

static void start(struct sim *sim, size_t node)
{
	const struct ks_sender_settings sender = {
		.datagram = sim->options->datagram,
		.loss_ppm = sim->options->expect_ppm,
		.nack = sim->options->nack,
	};
	const struct ks_receiver_settings receiver = {
		.datagram = sim->options->datagram,
		.nack = sim->options->nack,
	};

	if (node != sim->last)
		world_start_sender(&sim->world, node, &sender);
	if (sim->world.nodes[node].forwards || node == sim->last)
		world_start_receiver(&sim->world, node, &receiver);
}

static void connect(struct sim *sim, size_t parent, size_t relay)
{
	const struct world_path none = { .down = true };

	world_link(&sim->world, parent, relay, &sim->options->path);
	if (sim->options->nack) {
		world_tell_parent(&sim->world, relay, parent);
		return;
	}
	sim->world.paths[relay][parent] = none;
	world_tell_relay(&sim->world, parent, relay, true);
}

static void build(struct sim *sim)
{
	const struct sim_options *options = sim->options;
	size_t above = 0;

	/* A chain down to the parents of the last relay. */
	for (size_t level = 1; level < options->hops; level++, above++)
		connect(sim, above, level);
	sim->parents[0] = sim->parents[1] = above;
	if (options->parents == 2) {
		sim->parents[1] = above + 1;
		if (above > 0)
			connect(sim, above - 1, sim->parents[1]);
	}
	sim->last = sim->parents[1] + 1;
	sim->n_nodes = sim->absent = sim->last + 1;
	for (size_t i = 0; i < options->parents; i++)
		connect(sim, sim->parents[i], sim->last);
	for (size_t node = 1; node < sim->last; node++)
		sim->world.nodes[node].forwards = options->hops > 1;
	for (size_t node = 0; node < sim->n_nodes; node++)
		start(sim, node);
}

static bool all_joined(struct world *world)
{
	const struct sim *sim = world->ctx;

	for (size_t node = 1; node < sim->n_nodes; node++) {
		struct ks_receiver *receiver = world->nodes[node].receiver;

		if (receiver != NULL && ks_receiver_parents(receiver) < (node == sim->last ? sim->options->parents : 1))
			return false;
	}
	return true;
}

static bool is_source(const struct sim *sim, size_t node)
{
	return node == 0 || (sim->options->hops == 1 && node == sim->parents[1]);
}

/* --- sums ---------------------------------------------------------------------------------------- */

/* A sender takes its sums along when it goes: these are added before that, and at the end. `sign` is -1 for what was
 * before the first frame. */
static void count_sender(struct sim *sim, size_t node, int sign)
{
	struct ks_sender_totals totals;

	if (sim->world.nodes[node].sender == NULL)
		return;
	ks_sender_totals(sim->world.nodes[node].sender, &totals);
	if (sim->options->parents == 2 && (node == sim->parents[0] || node == sim->parents[1]))
		sim->twofold_bytes += (uint64_t)sign * totals.data_shard_bytes;
	else
		sim->result->shard_bytes += (uint64_t)sign * totals.data_shard_bytes;
	sim->result->asked += (uint64_t)sign * totals.asked;
}

static void count_paths(struct sim *sim, int sign)
{
	for (size_t from = 0; from < sim->n_nodes; from++)
		for (size_t to = 0; to < sim->n_nodes; to++) {
			const struct world_path *path = &sim->world.paths[from][to];

			sim->result->datagrams += from < to ? (uint64_t)sign * path->datagrams : 0;
			sim->result->sent_bytes += from < to ? (uint64_t)sign * path->bytes : 0;
			sim->result->back_bytes += from > to ? (uint64_t)sign * path->bytes : 0;
		}
}

static void count(struct sim *sim, int sign)
{
	count_paths(sim, sign);
	for (size_t node = 0; node < sim->n_nodes; node++)
		count_sender(sim, node, sign);
}

/* What a second parent sends of the same object is beyond its data. */
static void count_twofold(struct sim *sim, uint64_t frames)
{
	const uint64_t shard_len = sim->options->datagram - KS_DATAGRAM_OVERHEAD;
	const uint64_t once = frames * ((sim->options->bytes + shard_len - 1) / shard_len) * shard_len;

	sim->result->shard_bytes += sim->twofold_bytes < once ? sim->twofold_bytes : once;
}

/* --- what goes wrong ------------------------------------------------------------------------------ */

static bool is_turn(uint64_t every, uint64_t frame)
{
	return every > 0 && frame > 0 && frame % every == 0;
}

static void kill_node(struct sim *sim, size_t node)
{
	count_sender(sim, node, 1);
	world_stop_sender(&sim->world, node);
	world_stop_receiver(&sim->world, node);
}

static void restart_next(struct sim *sim)
{
	if (sim->absent < sim->n_nodes) {
		/* A new run of a source has a higher epoch; of two that are given the same objects it has not. */
		if (sim->absent == 0 && sim->parents[1] == sim->parents[0]) {
			sim->object.epoch++;
			sim->object.seq = 0;
		}
		start(sim, sim->absent);
	}
	sim->absent = sim->n_nodes;
}

static void trouble(struct sim *sim, uint64_t frame)
{
	const struct sim_options *options = sim->options;

	restart_next(sim);
	if (options->kill_parent_at > 0 && frame == options->kill_parent_at)
		kill_node(sim, sim->parents[0]);
	if (options->partition_frames > 0)
		for (size_t i = 0; i < options->parents; i++) {
			bool down = frame >= options->partition_at &&
				    frame < options->partition_at + options->partition_frames;

			sim->world.paths[sim->parents[i]][sim->last].down = down;
			sim->world.paths[sim->last][sim->parents[i]].down = down || !options->nack;
		}
	if (is_turn(options->restart_every, frame)) {
		sim->absent = sim->restarted++ % sim->n_nodes;
		kill_node(sim, sim->absent);
	}
	if (is_turn(options->clock_step_every, frame))
		sim->world.nodes[sim->stepped++ % sim->n_nodes].wall_offset_us =
			(int64_t)(world_random(&sim->world) % (uint64_t)(2 * HOUR_US)) - HOUR_US;
}

/* --- frames --------------------------------------------------------------------------------------- */

static bool on_deliver(struct world *world, size_t node, const struct world_object *object, uint8_t hops)
{
	struct sim *sim = world->ctx;
	const struct ks_frame_id id = { object->epoch, object->seq };
	int64_t age_ms = (world->now_us - object->sent_us) / KS_US_PER_MS;

	(void)hops;
	if (node != sim->last)
		return true;
	/* A relay that starts anew gets the newest picture again; that is not one more. */
	if (ks_frame_id_cmp(id, sim->newest) <= 0) {
		sim->result->backwards += ks_frame_id_cmp(id, sim->newest) < 0;
		return true;
	}
	sim->newest = id;
	sim->result->delivered++;
	sim->result->ages[age_ms < SIM_AGES_MAX ? age_ms : SIM_AGES_MAX]++;
	if (sim->delivered_us > 0 && world->now_us - sim->delivered_us > sim->result->gap_us)
		sim->result->gap_us = world->now_us - sim->delivered_us;
	sim->delivered_us = world->now_us;
	return true;
}

static bool has_last(struct world *world)
{
	const struct sim *sim = world->ctx;
	const struct ks_frame_id next = { sim->object.epoch, sim->object.seq };

	return next.seq > 0 && ks_frame_id_cmp(sim->newest, (struct ks_frame_id){ next.epoch, next.seq - 1 }) == 0;
}

/* The last frame is still on its way down when all have been sent. */
static void await_last(struct sim *sim)
{
	const struct world_path *path = &sim->options->path;
	int64_t hop_us = sim->options->period_us + path->delay_us + path->jitter_us + path->reorder_us;

	world_run_for(&sim->world, sim->options->period_us);
	world_run_until(&sim->world, sim->world.now_us + (int64_t)sim->options->hops * hop_us, has_last);
}

static void send_frames(struct sim *sim, uint64_t frames)
{
	for (uint64_t frame = 0; frame < frames; frame++) {
		trouble(sim, frame);
		for (size_t node = 0; node < sim->n_nodes; node++)
			if (is_source(sim, node) && sim->world.nodes[node].sender != NULL)
				(void)world_send(&sim->world, node, &sim->object);
		sim->object.seq++;
		world_run_for(&sim->world, sim->options->period_us);
		sim->result->frames++;
	}
	if (frames > 0)
		await_last(sim);
}

void sim_run(const struct sim_options *options, size_t number, struct sim_result *result)
{
	uint64_t frames = options->frames / options->worlds + (number < options->frames % options->worlds);
	struct sim *sim = world_need(calloc(1, sizeof(*sim)));

	sim->options = options;
	sim->result = result;
	sim->object = (struct world_object){
		.epoch = 1,
		.period_ms = (uint32_t)(options->period_us / KS_US_PER_MS),
		.len = options->bytes,
	};
	world_init(&sim->world, options->seed * SIM_WORLDS_MAX + number);
	sim->world.deliver = on_deliver;
	sim->world.ctx = sim;
	build(sim);
	world_run_until(&sim->world, sim->world.now_us + JOIN_US, all_joined);
	count(sim, -1);
	send_frames(sim, frames);
	count(sim, 1);
	if (options->parents == 2)
		count_twofold(sim, frames);
	for (size_t node = 0; node < sim->n_nodes; node++)
		result->wrong += sim->world.nodes[node].wrong;
	for (size_t reason = 0; reason < KS_DROPS && sim->world.nodes[sim->last].receiver != NULL; reason++)
		result->dropped[reason] += ks_receiver_dropped(sim->world.nodes[sim->last].receiver, reason);
	world_free(&sim->world);
	free(sim);
}
