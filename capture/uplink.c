/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/uplink.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "capture/epoch.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

#define PPM_OF_PERCENT 10000

/* --- what is heard ------------------------------------------------------------------------------ */

static int epoch_above(void *ctx, uint32_t heard, uint32_t *epoch)
{
	const struct ks_uplink *uplink = ctx;

	return ks_epoch_above(uplink->state_dir, uplink->publisher->channel, uplink->publisher->source, heard, epoch);
}

void ks_uplink_head(void *ctx, const uint8_t manifest[KS_MANIFEST_SIZE])
{
	struct ks_uplink *uplink = ctx;

	ks_head_take(&uplink->head, manifest);
}

/* --- life --------------------------------------------------------------------------------------- */

static int listen_on(struct ks_node *node, const struct ks_capture_settings *settings)
{
	int err = KS_EOK;

	if (settings->listen.n == 0)
		return settings->master != NULL ? ks_node_listen_everywhere(node, KS_CAPTURE_PORT) : KS_EOK;
	for (size_t i = 0; i < settings->listen.n && err == KS_EOK; i++)
		err = ks_node_listen(node, ks_list_text(&settings->listen, i));
	return err;
}

static struct ks_node_settings node_settings(const struct ks_capture_settings *settings)
{
	return (struct ks_node_settings){
		.sends = true,
		.datagram = (size_t)settings->datagram,
		.loss_ppm = (uint32_t)settings->loss_percent * PPM_OF_PERCENT,
		.nack = settings->nack,
		.relays_max = (size_t)settings->relays_max,
	};
}

int ks_uplink_start(struct ks_uplink *uplink, struct event_base *base, const struct ks_capture_settings *settings,
		    const struct ks_capture_keys *keys, struct ks_publisher *publisher)
{
	const struct ks_node_settings node = node_settings(settings);
	const struct ks_node_ops ops = { .head = ks_uplink_head, .ctx = uplink };
	int err;

	memset(uplink, 0, sizeof(*uplink));
	uplink->state_dir = settings->state_dir;
	uplink->publisher = publisher;
	uplink->head = (struct ks_head){ .clock = &ks_clock_system, .publisher = publisher, .trust = &uplink->trust,
					 .verify = ks_head_verify, .above = epoch_above, .ctx = uplink };
	uplink->listens = settings->listen.n > 0 || settings->master != NULL;
	err = ks_node_new(&uplink->node, base, &node, &ops);
	if (err == KS_EOK)
		err = listen_on(uplink->node, settings);
	return err == KS_EOK ? ks_uplink_apply(uplink, settings, keys) : err;
}

void ks_uplink_free(struct ks_uplink *uplink)
{
	if (uplink->node != NULL)
		ks_node_free(uplink->node);
	uplink->node = NULL;
}

int ks_uplink_apply(struct ks_uplink *uplink, const struct ks_capture_settings *settings,
		    const struct ks_capture_keys *keys)
{
	const struct ks_node_settings node = node_settings(settings);
	int first = ks_node_set(uplink->node, &node);

	ks_keep_first(&first, ks_node_set_masters(uplink->node, keys->masters, keys->n_masters,
						  (const char *const *)keys->revoked.names, keys->revoked.n));
	ks_keep_first(&first, ks_node_set_relays(uplink->node, keys->relays, keys->n_relays));
	uplink->trust = keys->trust;
	uplink->told = keys->n_relays;
	return first;
}

void ks_uplink_warn(const struct ks_uplink *uplink, const struct ks_capture_settings *made,
		    const struct ks_capture_settings *wanted)
{
	if (!ks_list_same(&made->listen, &wanted->listen) || (!uplink->listens && wanted->master != NULL))
		ks_warn("config", "listen is taken over only by a restart; it stays as it was");
}

void ks_uplink_keep(struct ks_capture_settings *wanted, struct ks_capture_settings *made)
{
	struct ks_list listen = wanted->listen;

	wanted->listen = made->listen;
	made->listen = listen;
}

/* --- what goes out ------------------------------------------------------------------------------ */

void ks_uplink_frame(struct ks_uplink *uplink, const struct ks_frame *frame)
{
	int err = ks_node_frame(uplink->node, frame, 0);

	if (err != KS_EOK)
		ks_warn("wire", "frame %" PRIu32 "-%" PRIu32 " was not sent: %s", frame->m.id.epoch, frame->m.id.seq,
			ks_strerror(err));
}

void ks_uplink_status(const struct ks_uplink *uplink, char *out, size_t size)
{
	size_t relays = ks_node_relays(uplink->node), connected = ks_node_connected(uplink->node);

	if (connected < uplink->told)
		snprintf(out, size, "%zu relays, %zu of the settings' %zu missing", relays, uplink->told - connected,
			 uplink->told);
	else
		snprintf(out, size, "%zu relays", relays);
}

bool ks_uplink_complete(const struct ks_uplink *uplink)
{
	return ks_node_connected(uplink->node) >= uplink->told;
}

void ks_uplink_metrics(const struct ks_uplink *uplink, FILE *out)
{
	ks_node_metrics(uplink->node, out);
	ks_head_metrics(&uplink->head, out);
}
