/* SPDX-License-Identifier: Apache-2.0
 *
 * fanout: this process sends pictures to a hundred relays, which are nodes of their own in a second process, over real
 * sockets of the loopback interface. What this process needs of a core is measured; on the loopback interface that
 * includes most of what the kernel does to receive.
 */
#include "bench/wire.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>
#include <sodium.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/wire/node.h"
#include "lib/wire/sender.h"

#define SUBSCRIBERS 100
#define FRAME_BYTES 200000
#define PERIOD_MS 1000
#define AFTER_FRAME_MS 600	/* windows begin and end in the quiet half of a period */
#define WARM_UP_FRAMES 2
#define JOIN_S 30
#define CPU_GOAL 15		/* percent of a core */
#define MEMORY_GOAL 65536	/* bytes per subscriber */

#define NAME "subscribers=100,bytes=200000,fps=1"
#define CPU_METRIC "cpu_percent_of_core"
#define MEMORY_METRIC "bytes_per_subscriber"

/* What both processes see. */
struct shared {
	_Atomic uint64_t delivered;
};

struct fanout {
	struct event_base *base;
	struct ks_node *node;
	struct event *timer;
	uint8_t *frame;
	uint32_t seq;
	struct shared *shared;
	pid_t child;
};

static struct ks_master master;

/* --- the relays ------------------------------------------------------------------------------------- */

static bool count_frame(void *ctx, const uint8_t *bytes, size_t len, uint8_t hops)
{
	(void)bytes;
	(void)hops;
	if (len == FRAME_BYTES)
		atomic_fetch_add(&((struct shared *)ctx)->delivered, 1);
	return true;
}

static void leave_loop(evutil_socket_t signal, short events, void *base)
{
	(void)signal;
	(void)events;
	event_base_loopbreak(base);
}

static void subscribe(struct ks_node *node, const char *address, unsigned number)
{
	struct ks_node_parent parent = { .name = "parent", .address = address, .n_keys = 1 };
	char name[KS_RELAY_NAME_MAX + 1];

	snprintf(name, sizeof(name), "relay-%u", number);
	ks_psk_derive(&parent.keys[0], &master, name);
	if (ks_node_set_parents(node, &parent, 1) != KS_EOK)
		bench_die("a relay cannot be told of its parent");
}

/* Until told to end; then all say goodbye. */
static void run_relays(struct shared *shared, const char *address)
{
	const struct ks_node_settings settings = { .receives = true, .nack = true, .datagram = KS_DATAGRAM_DEFAULT };
	const struct ks_node_ops ops = { count_frame, NULL, shared };
	struct event_base *base = event_base_new();
	struct ks_node *nodes[SUBSCRIBERS];
	struct event *term = evsignal_new(base, SIGTERM, leave_loop, base);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	event_add(term, NULL);
	for (unsigned i = 0; i < SUBSCRIBERS; i++) {
		if (ks_node_new(&nodes[i], base, &settings, &ops) != KS_EOK)
			bench_die("out of memory");
		subscribe(nodes[i], address, i);
	}
	event_base_dispatch(base);
	for (unsigned i = 0; i < SUBSCRIBERS; i++)
		ks_node_free(nodes[i]);
	_exit(0);
}

/* --- the parent ------------------------------------------------------------------------------------- */

static void send_frame(evutil_socket_t fd, short events, void *ctx)
{
	struct fanout *fanout = ctx;
	const struct ks_frame frame = { { .channel = "main", .rendition = "std", .id = { 16, ++fanout->seq },
					  .period_ms = PERIOD_MS }, fanout->frame, FRAME_BYTES };

	(void)fd;
	(void)events;
	if (ks_node_frame(fanout->node, &frame, 0) != KS_EOK)
		bench_die("a frame cannot be sent");
}

static void run_ms(struct fanout *fanout, int64_t ms)
{
	const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(fanout->base, &tv);
	event_base_dispatch(fanout->base);
}

static void wait_for_relays(struct fanout *fanout, size_t n)
{
	int64_t end_us = ks_mono_us(&ks_clock_system) + JOIN_S * KS_US_PER_S;

	while (ks_node_relays(fanout->node) != n) {
		if (ks_mono_us(&ks_clock_system) > end_us)
			bench_die("%zu of %d subscribers have a session after %d s", ks_node_relays(fanout->node),
				  SUBSCRIBERS, JOIN_S);
		run_ms(fanout, 10);
	}
}

static void start(struct fanout *fanout)
{
	const struct ks_node_settings settings = { .sends = true, .nack = true, .datagram = KS_DATAGRAM_DEFAULT,
						   .loss_ppm = KS_LOSS_DEFAULT_PPM };
	const struct ks_node_ops ops = { 0 };
	const struct timeval period = { PERIOD_MS / 1000, PERIOD_MS % 1000 * 1000 };
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%u", bench_free_port());
	fanout->shared = mmap(NULL, sizeof(*fanout->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fanout->frame = malloc(FRAME_BYTES);
	if (fanout->shared == MAP_FAILED || fanout->frame == NULL)
		bench_die("out of memory");
	randombytes_buf(fanout->frame, FRAME_BYTES);
	randombytes_buf(&master, sizeof(master));
	fanout->child = fork();
	if (fanout->child == 0)
		run_relays(fanout->shared, address);
	fanout->base = event_base_new();
	if (fanout->child < 0 || fanout->base == NULL ||
	    ks_node_new(&fanout->node, fanout->base, &settings, &ops) != KS_EOK ||
	    ks_node_set_masters(fanout->node, &master, 1, NULL, 0) != KS_EOK ||
	    ks_node_listen(fanout->node, address) != KS_EOK)
		bench_die("the parent cannot be started");
	fanout->timer = event_new(fanout->base, -1, EV_PERSIST, send_frame, fanout);
	event_add(fanout->timer, &period);
}

static void measure_cpu(struct fanout *fanout, const struct bench *bench)
{
	uint64_t before = atomic_load(&fanout->shared->delivered), expected, got;

	for (unsigned run = 0; run < bench->runs; run++) {
		int64_t from_us = ks_mono_us(&ks_clock_system), cpu_us = bench_cpu_us();

		run_ms(fanout, (int64_t)bench->window_s * 1000);
		cpu_us = bench_cpu_us() - cpu_us;
		bench_sample(NAME, "fanout", CPU_METRIC, run,
			     100.0 * (double)cpu_us / (double)(ks_mono_us(&ks_clock_system) - from_us));
	}
	expected = (uint64_t)bench->runs * bench->window_s * SUBSCRIBERS;
	got = atomic_load(&fanout->shared->delivered) - before;
	if (got * 100 < expected * 99)
		bench_die("fanout: %llu of %llu frames arrived; that is no measure of sending them",
			  (unsigned long long)got, (unsigned long long)expected);
}

static size_t heap(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* What is free again when all have gone was theirs. */
static void measure_memory(struct fanout *fanout)
{
	size_t before, after;

	event_del(fanout->timer);
	run_ms(fanout, PERIOD_MS);
	before = heap();
	kill(fanout->child, SIGTERM);
	waitpid(fanout->child, NULL, 0);
	wait_for_relays(fanout, 0);
	after = heap();
	if (before <= after) {
		bench_skipped(NAME, "fanout", MEMORY_METRIC, "this malloc does not say how much it holds");
		return;
	}
	bench_sample(NAME, "fanout", MEMORY_METRIC, 0, (double)(before - after) / SUBSCRIBERS);
	bench_goal(NAME, "fanout", MEMORY_METRIC, MEMORY_GOAL);
}

void bench_fanout(const struct bench *bench)
{
	struct fanout fanout = { 0 };

	bench_note("fanout", "one process, %d relays in another, loopback, NACK on, a frame of %d bytes each %d ms; "
		   "CPU: of the sender, and on this interface most of what the kernel does to receive; memory: what "
		   "malloc gets back when all have left, the frames themselves not among it", SUBSCRIBERS, FRAME_BYTES,
		   PERIOD_MS);
	bench_progress("fanout, %s", NAME);
	start(&fanout);
	wait_for_relays(&fanout, SUBSCRIBERS);
	run_ms(&fanout, WARM_UP_FRAMES * PERIOD_MS);
	event_del(fanout.timer);
	event_add(fanout.timer, &(const struct timeval){ PERIOD_MS / 1000, PERIOD_MS % 1000 * 1000 });
	send_frame(-1, 0, &fanout);
	run_ms(&fanout, AFTER_FRAME_MS);
	measure_cpu(&fanout, bench);
	bench_goal(NAME, "fanout", CPU_METRIC, CPU_GOAL);
	measure_memory(&fanout);
	ks_node_free(fanout.node);
	event_free(fanout.timer);
	event_base_free(fanout.base);
	free(fanout.frame);
	munmap(fanout.shared, sizeof(*fanout.shared));
}
