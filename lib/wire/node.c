/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/node_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <sodium.h>

#include "lib/base/error.h"

static void set_timer(struct event *timer, int64_t in_us)
{
	const struct timeval tv = { in_us / KS_US_PER_S, in_us % KS_US_PER_S };

	event_add(timer, &tv);
}

static int send_down(void *ctx, const struct ks_endpoint *to, const struct iovec *datagrams, size_t n)
{
	return ks_ports_send(((struct ks_node *)ctx)->ports, to, datagrams, n);
}

/* The core is in the middle of something: it hears of a refusal in the next run. */
static void note_refusal(struct ks_node *node, const struct ks_endpoint *to)
{
	if (node->n_refusals < sizeof(node->refusals) / sizeof(node->refusals[0]))
		node->refusals[node->n_refusals++] = *to;
}

static void send_up(void *ctx, const struct ks_endpoint *to, const uint8_t *bytes, size_t len)
{
	struct ks_node *node = ctx;
	const struct iovec datagram = { (void *)(uintptr_t)bytes, len };

	/* A refusal is news about an earlier datagram; this one has not been tried yet. */
	if (ks_ports_send(node->ports, to, &datagram, 1) != -ECONNREFUSED)
		return;
	note_refusal(node, to);
	ks_ports_send(node->ports, to, &datagram, 1);
}

static bool deliver(void *ctx, const uint8_t *bytes, size_t len, uint8_t hops)
{
	struct ks_node *node = ctx;

	return node->ops.deliver(node->ops.ctx, bytes, len, hops);
}

static void hear_head(void *ctx, const uint8_t manifest[KS_HEAD_BODY])
{
	struct ks_node *node = ctx;

	node->ops.head(node->ops.ctx, manifest);
}

/* A datagram belongs to the half that its type names. What that cannot be said of goes to a half that counts it. */
static void on_input(void *ctx, const struct ks_endpoint *from, const uint8_t *bytes, size_t len)
{
	struct ks_node *node = ctx;
	bool up = len > 0 && (bytes[0] & KS_DATAGRAM_UP) != 0;

	if (node->sender != NULL && (up || node->receiver == NULL))
		ks_sender_input(node->sender, from, bytes, len);
	else if (node->receiver != NULL)
		ks_receiver_input(node->receiver, from, bytes, len);
}

static void on_refused(void *ctx, const struct ks_endpoint *to)
{
	struct ks_node *node = ctx;

	if (node->sender != NULL)
		ks_sender_refused(node->sender, to);
	if (node->receiver != NULL)
		ks_receiver_refused(node->receiver, to);
}

static void on_idle(void *ctx)
{
	ks_node_wake(ctx);
}

void ks_node_wake(struct ks_node *node)
{
	event_active(node->due, EV_TIMEOUT, 0);
}

void ks_node_run(struct ks_node *node)
{
	int64_t due_us = INT64_MAX, in_us;

	if (node->receiver != NULL) {
		int64_t receiver_us;

		for (size_t i = 0; i < node->n_refusals; i++)
			ks_receiver_refused(node->receiver, &node->refusals[i]);
		node->n_refusals = 0;
		receiver_us = ks_receiver_tick(node->receiver);
		due_us = receiver_us;
	}
	/* Second, as what the receiver delivers the sender may have to send. */
	if (node->sender != NULL) {
		int64_t sender_us = ks_sender_tick(node->sender);

		due_us = sender_us < due_us ? sender_us : due_us;
	}
	if (due_us == INT64_MAX)
		return;
	in_us = due_us - ks_mono_us(&ks_clock_system);
	set_timer(node->due, in_us > 0 ? in_us : 0);
}

static void on_due(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd;
	(void)events;
	ks_node_run(ctx);
}

static void on_review(evutil_socket_t fd, short events, void *ctx)
{
	struct ks_node *node = ctx;
	bool looking = ks_node_lists_review(node);

	(void)fd;
	(void)events;
	set_timer(node->review, looking ? KS_DIAL_LOOKUP_US : KS_DIAL_REVIEW_US);
	ks_node_wake(node);
}

static struct ks_sender_settings settings_down(const struct ks_node_settings *settings)
{
	return (struct ks_sender_settings){ .datagram = settings->datagram, .loss_ppm = settings->loss_ppm,
					    .nack = settings->nack, .relays_max = settings->relays_max };
}

static struct ks_receiver_settings settings_up(const struct ks_node_settings *settings)
{
	return (struct ks_receiver_settings){ .datagram = settings->datagram, .nack = settings->nack,
					      .filter = settings->filter };
}

static int new_cores(struct ks_node *node, const struct ks_node_settings *settings)
{
	const struct ks_sender_settings down = settings_down(settings);
	const struct ks_receiver_settings up = settings_up(settings);
	const struct ks_sender_ops down_ops = { &ks_clock_system, ks_udp_random, send_down,
						node->ops.head != NULL ? hear_head : NULL, node };
	const struct ks_receiver_ops up_ops = { &ks_clock_system, ks_udp_random, send_up, deliver, node };
	uint8_t instance[KS_INSTANCE_SIZE];
	int err = KS_EOK;

	randombytes_buf(instance, sizeof(instance));
	if (settings->sends)
		err = ks_sender_new(&node->sender, &down, instance, &down_ops);
	if (err == KS_EOK && settings->receives)
		err = ks_receiver_new(&node->receiver, &up, instance, &up_ops);
	return err;
}

int ks_node_new(struct ks_node **out, struct event_base *base, const struct ks_node_settings *settings,
		const struct ks_node_ops *ops)
{
	struct ks_ports_ops ports = { on_input, on_refused, on_idle, NULL };
	struct ks_node *node;
	int err;

	if (sodium_init() < 0)
		return -ENOSYS;
	node = calloc(1, sizeof(*node));
	if (node == NULL)
		return -ENOMEM;
	node->base = base;
	node->ops = *ops;
	ports.ctx = node;
	err = ks_ports_new(&node->ports, base, &ports);
	if (err == KS_EOK)
		err = new_cores(node, settings);
	if (err == KS_EOK) {
		ks_node_lists_init(node);
		node->due = evtimer_new(base, on_due, node);
		node->review = evtimer_new(base, on_review, node);
		if (node->due == NULL || node->review == NULL)
			err = -ENOMEM;
	}
	if (err != KS_EOK) {
		ks_node_free(node);
		return err;
	}
	set_timer(node->review, KS_DIAL_REVIEW_US);
	*out = node;
	return KS_EOK;
}

int ks_node_set(struct ks_node *node, const struct ks_node_settings *settings)
{
	const struct ks_sender_settings down = settings_down(settings);
	const struct ks_receiver_settings up = settings_up(settings);
	int err = KS_EOK;

	if (settings->sends != (node->sender != NULL) || settings->receives != (node->receiver != NULL))
		return -ENOTSUP;
	if (node->sender != NULL)
		err = ks_sender_set(node->sender, &down);
	if (err == KS_EOK && node->receiver != NULL)
		err = ks_receiver_set(node->receiver, &up);
	ks_node_wake(node);
	return err;
}

static void say_goodbye(struct ks_node *node)
{
	ks_ports_set_patient(node->ports);
	if (node->receiver != NULL)
		ks_receiver_stop(node->receiver);
	if (node->sender != NULL)
		ks_sender_stop(node->sender);
	ks_node_run(node);
}

void ks_node_free(struct ks_node *node)
{
	if (node == NULL)
		return;
	if (node->due != NULL && node->review != NULL)
		say_goodbye(node);
	ks_node_lists_free(node);
	if (node->due != NULL)
		event_free(node->due);
	if (node->review != NULL)
		event_free(node->review);
	ks_sender_free(node->sender);
	ks_receiver_free(node->receiver);
	ks_ports_free(node->ports);
	free(node);
}

int ks_node_listen(struct ks_node *node, const char *address)
{
	return ks_ports_listen(node->ports, address);
}

int ks_node_listen_everywhere(struct ks_node *node, uint16_t port)
{
	char address[sizeof("0.0.0.0:65535")];
	int v6, v4;

	snprintf(address, sizeof(address), "[::]:%u", (unsigned)port);
	v6 = ks_node_listen(node, address);
	if (v6 != KS_EOK && v6 != -EAFNOSUPPORT)
		return v6;
	snprintf(address, sizeof(address), "0.0.0.0:%u", (unsigned)port);
	v4 = ks_node_listen(node, address);
	return v4 == -EAFNOSUPPORT ? v6 : v4;
}

int ks_node_set_masters(struct ks_node *node, const struct ks_master *masters, size_t n_masters,
			const char *const *revoked, size_t n_revoked)
{
	int err;

	if (node->sender == NULL)
		return n_masters == 0 && n_revoked == 0 ? KS_EOK : -ENOTSUP;
	err = ks_sender_set_masters(node->sender, masters, n_masters, revoked, n_revoked);
	ks_node_wake(node);
	return err;
}

int ks_node_set_keys(struct ks_node *node, const struct ks_psk *keys, size_t n_keys)
{
	int err;

	if (node->receiver == NULL)
		return n_keys == 0 ? KS_EOK : -ENOTSUP;
	err = ks_receiver_set_keys(node->receiver, keys, n_keys);
	ks_node_wake(node);
	return err;
}

int ks_node_frame(struct ks_node *node, const struct ks_frame *frame, uint8_t hops)
{
	const struct ks_outgoing object = { .channel = frame->m.channel, .rendition = frame->m.rendition,
					    .source = frame->m.source, .hops = hops, .id = frame->m.id,
					    .period_us = (int64_t)frame->m.period_ms * KS_US_PER_MS,
					    .bytes = frame->bytes, .len = frame->len };
	int err;

	if (node->sender == NULL)
		return -ENOTSUP;
	err = ks_sender_object(node->sender, &object);
	if (err == KS_EOK)
		ks_node_wake(node);
	return err;
}

void ks_node_pardon(struct ks_node *node)
{
	if (node->receiver != NULL)
		ks_receiver_pardon(node->receiver);
}

void ks_node_head(struct ks_node *node, const uint8_t manifest[KS_HEAD_BODY])
{
	if (node->receiver == NULL)
		return;
	ks_receiver_head(node->receiver, manifest);
	ks_node_wake(node);
}

size_t ks_node_connected(const struct ks_node *node)
{
	size_t n = 0;

	for (size_t i = 0; i < node->relays.n; i++)
		n += ks_sender_connected(node->sender, ks_dial_number(node->relays.dials[i]));
	return n;
}

size_t ks_node_relays(const struct ks_node *node)
{
	return node->sender != NULL ? ks_sender_relays(node->sender) : 0;
}

size_t ks_node_parents(const struct ks_node *node)
{
	return node->receiver != NULL ? ks_receiver_parents(node->receiver) : 0;
}

void ks_node_metrics(const struct ks_node *node, FILE *out)
{
	if (node->sender != NULL)
		ks_sender_metrics(node->sender, out);
	if (node->receiver != NULL)
		ks_receiver_metrics(node->receiver, out);
	ks_ports_metrics(node->ports, out);
}
