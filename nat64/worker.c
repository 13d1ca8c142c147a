/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "nat64/events.h"
#include "nat64/trace.h"

#define VNET sizeof(struct virtio_net_hdr)
#define ALIGN 64			/* packets begin on lines of the cache */
#define LAST_BATCHES 64
#define WRITE_WAIT_MS 20		/* for a device that takes no more; then the packet is lost */

struct ks_worker {
	struct ks_worker_settings settings;
	pthread_t thread;
	int wake_fd;
	atomic_bool stop;
	_Atomic uint64_t seen, rounds;
	struct ks_worker_counts counts;
	struct ks_xlat_counts xlat_counts;
	struct ks_xlat xlat;
	struct ks_coalesce coalesce;
	struct ks_events events;
	struct ks_trace_entry *entry;	/* of the packet that is being translated, when it is traced */
	struct ks_trace_entry traced;
	struct ks_log_gate write_gate, read_gate;
	uint8_t *arena, *scratch;
};

/* The one who writes: a plain addition would do, but a reader must not see half of it. */
static void count(uint64_t *counter)
{
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

/* --- out --------------------------------------------------------------------------------------- */

static void write_failed(struct ks_worker *worker, int err)
{
	uint64_t held;

	count(&worker->counts.write_errors);
	if (ks_log_gate(&worker->write_gate, worker->xlat.now_us, &held))
		ks_warn("nat64", "writing to the TUN: %s; is the device up? (%" PRIu64 " more before)", strerror(err),
			held);
}

static void send_iov(void *ctx, const struct iovec *iov, unsigned n)
{
	struct ks_worker *worker = ctx;
	unsigned skip = worker->settings.vnet ? 0 : 1;
	struct pollfd room = { worker->settings.fd, POLLOUT, 0 };
	ssize_t sent;

	while ((sent = writev(worker->settings.fd, iov + skip, (int)(n - skip))) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN) {
			write_failed(worker, errno);
			return;
		}
		count(&worker->counts.write_eagain);
		if (poll(&room, 1, WRITE_WAIT_MS) <= 0) {
			write_failed(worker, EAGAIN);
			return;
		}
	}
	count(&worker->counts.writes);
	if (((const struct virtio_net_hdr *)iov[0].iov_base)->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		count(&worker->counts.gso_writes);
}

static void emit(void *ctx, const struct ks_packet *packet, bool lasting)
{
	struct ks_worker *worker = ctx;

	if (worker->entry != NULL)
		ks_trace_out(worker->entry, packet);
	ks_coalesce_packet(&worker->coalesce, packet, lasting);
}

static void dropped(void *ctx, enum ks_xlat_drop why, const uint8_t *packet, size_t len)
{
	struct ks_worker *worker = ctx;

	ks_events_drop(&worker->events, worker->xlat.now_us, why, packet, len);
}

/* --- in ---------------------------------------------------------------------------------------- */

static void translate(struct ks_worker *worker, struct ks_trace *trace, struct ks_packet *packet)
{
	enum ks_xlat_drop why;

	worker->entry = trace != NULL && ks_trace_wants(trace, packet->data, packet->len) ? &worker->traced : NULL;
	if (worker->entry != NULL)
		ks_trace_in(worker->entry, packet);
	why = ks_xlat(&worker->xlat, packet);
	if (worker->entry != NULL)
		ks_trace_add(trace, worker->entry, why);
	worker->entry = NULL;
}

/* One packet to `at`; returns its length, 0 when there is none now. */
static size_t read_one(struct ks_worker *worker, uint8_t *at, struct ks_packet *packet)
{
	size_t front = worker->settings.vnet ? VNET : 0;
	ssize_t len;

	do
		len = read(worker->settings.fd, at - front, front + KS_PACKET_ROOM);
	while (len < 0 && errno == EINTR);
	if (len <= (ssize_t)front) {
		count(len < 0 && errno == EAGAIN ? &worker->counts.read_eagain : &worker->counts.read_errors);
		if (len < 0 && errno != EAGAIN && ks_log_gate(&worker->read_gate, worker->xlat.now_us, NULL))
			ks_warn("nat64", "reading from the TUN: %s; was the device deleted?", strerror(errno));
		return 0;
	}
	count(&worker->counts.reads);
	*packet = (struct ks_packet){ .data = at, .len = (size_t)len - front };
	if (worker->settings.vnet)
		memcpy(&packet->offload, at - front, VNET);
	if (packet->offload.gso_type != VIRTIO_NET_HDR_GSO_NONE)
		count(&worker->counts.gso_reads);
	return packet->len;
}

/* Returns false when there is nothing left to read. Packets stand one behind the other, so that small ones share few
 * lines of the cache; each keeps its place until the coalescer has been emptied. */
static bool batch(struct ks_worker *worker, struct ks_trace *trace)
{
	size_t at = KS_PACKET_HEADROOM;
	struct ks_packet packet = { .len = 0 }, next;
	bool more = true;

	for (unsigned n = 0; more && n < KS_WORKER_BATCH && at + KS_PACKET_ROOM <= KS_WORKER_ARENA; n++) {
		size_t len = read_one(worker, worker->arena + at, &next);

		/* One is translated while the table's lines for the next are on their way from memory. */
		more = len > 0;
		if (more)
			ks_xlat_expect(&worker->xlat, &next);
		if (packet.len > 0)
			translate(worker, trace, &packet);
		packet = next;
		packet.len = len;
		at += (len + KS_PACKET_HEADROOM + ALIGN - 1) / ALIGN * ALIGN;
	}
	if (packet.len > 0)
		translate(worker, trace, &packet);
	ks_coalesce_flush(&worker->coalesce);
	count(&worker->counts.batches);
	return more;
}

static void look(struct ks_worker *worker, const struct ks_view *view)
{
	if (atomic_load_explicit(&worker->seen, memory_order_relaxed) == view->number)
		return;
	worker->xlat.table = view->table;
	worker->xlat.settings = view->settings;
	worker->xlat.mappings = view->mappings != NULL ? view->mappings[worker->settings.index] : NULL;
	atomic_store_explicit(&worker->seen, view->number, memory_order_release);
}

static void wait_for_more(struct ks_worker *worker)
{
	struct pollfd fds[2] = { { worker->settings.fd, POLLIN, 0 }, { worker->wake_fd, POLLIN, 0 } };
	uint64_t woken;

	if (poll(fds, 2, -1) <= 0)
		return;
	if (fds[1].revents != 0 && read(worker->wake_fd, &woken, sizeof(woken)) < 0)
		return;
	/* A device that was deleted is readable for ever: no faster than this. */
	if ((fds[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
		poll(&fds[1], 1, WRITE_WAIT_MS);
}

static void *work(void *ctx)
{
	struct ks_worker *worker = ctx;

	while (!atomic_load_explicit(&worker->stop, memory_order_acquire)) {
		const struct ks_view *view = atomic_load_explicit(worker->settings.view, memory_order_acquire);

		look(worker, view);
		worker->xlat.now_us = ks_mono_us(&ks_clock_system);
		if (!batch(worker, view->trace))
			wait_for_more(worker);
		atomic_fetch_add_explicit(&worker->rounds, 1, memory_order_relaxed);
	}
	/* What is in the queue goes with it: as much as came while it was told to stop. */
	for (unsigned i = 0; i < LAST_BATCHES && batch(worker, NULL); i++)
		;
	/* It looks at no view any more. */
	atomic_store_explicit(&worker->seen, UINT64_MAX, memory_order_release);
	return NULL;
}

/* --- from the control thread ------------------------------------------------------------------------ */

/* Signals are the main thread's. */
static int start(struct ks_worker *worker)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&worker->thread, NULL, work, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

static void free_memory(struct ks_worker *worker)
{
	if (worker->wake_fd >= 0)
		close(worker->wake_fd);
	free(worker->arena);
	free(worker->scratch);
	free(worker);
}

int ks_worker_new(struct ks_worker **out, const struct ks_worker_settings *settings)
{
	struct ks_worker *worker = calloc(1, sizeof(*worker));
	int err = -ENOMEM;

	if (worker == NULL)
		return -ENOMEM;
	worker->settings = *settings;
	worker->arena = aligned_alloc(ALIGN, KS_WORKER_ARENA);
	worker->scratch = malloc(KS_XLAT_SCRATCH);
	worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	worker->xlat = (struct ks_xlat){ .counts = &worker->xlat_counts,
					 .emit = emit,
					 .dropped = dropped,
					 .ctx = worker,
					 .scratch = worker->scratch,
					 .random = 1 };
	ks_coalesce_init(&worker->coalesce, settings->vnet && settings->merge_tcp,
			 settings->vnet && settings->merge_udp, send_iov, worker);
	if (worker->arena != NULL && worker->scratch != NULL && worker->wake_fd >= 0 &&
	    getrandom(&worker->xlat.random, sizeof(worker->xlat.random), 0) == (ssize_t)sizeof(worker->xlat.random)) {
		worker->xlat.random |= 1;
		err = start(worker);
	}
	if (err != KS_EOK) {
		free_memory(worker);
		return err;
	}
	*out = worker;
	return KS_EOK;
}

void ks_worker_wake(struct ks_worker *worker)
{
	uint64_t one = 1;

	/* Full means that it has been woken already. */
	if (write(worker->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		ks_warn("nat64", "waking a worker: %s", strerror(errno));
}

void ks_worker_stop(struct ks_worker *worker)
{
	atomic_store_explicit(&worker->stop, true, memory_order_release);
	ks_worker_wake(worker);
}

void ks_worker_free(struct ks_worker *worker)
{
	if (worker == NULL)
		return;
	ks_worker_stop(worker);
	pthread_join(worker->thread, NULL);
	free_memory(worker);
}

bool ks_worker_passed(const struct ks_worker *worker, uint64_t number)
{
	return atomic_load_explicit(&((struct ks_worker *)(uintptr_t)worker)->seen, memory_order_acquire) >= number;
}

uint64_t ks_worker_rounds(const struct ks_worker *worker)
{
	return atomic_load_explicit(&((struct ks_worker *)(uintptr_t)worker)->rounds, memory_order_relaxed);
}

const struct ks_worker_counts *ks_worker_counts(const struct ks_worker *worker)
{
	return &worker->counts;
}

const struct ks_xlat_counts *ks_worker_xlat_counts(const struct ks_worker *worker)
{
	return &worker->xlat_counts;
}

const struct ks_coalesce *ks_worker_coalesce(const struct ks_worker *worker)
{
	return &worker->coalesce;
}
