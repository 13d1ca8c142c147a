/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/wiring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/log.h"


#define PPM_OF_PERCENT 10000

void ks_relay_node_settings(const struct ks_relay_settings *settings, struct ks_node_settings *out)
{
	struct ks_filter *filter = &out->filter;

	*out = (struct ks_node_settings){
		.sends = true,
		.receives = true,
		.datagram = (size_t)settings->datagram,
		.loss_ppm = (uint32_t)settings->loss_percent * PPM_OF_PERCENT,
		.nack = settings->nack,
		.relays_max = (size_t)settings->relays_max,
	};
	for (size_t i = 0; i < settings->channels.n && i < KS_FILTER_CHANNELS_MAX; i++)
		snprintf(filter->channels[filter->n_channels++], KS_CHANNEL_MAX + 1, "%s",
			 ks_list_text(&settings->channels, i));
	for (size_t i = 0; i < settings->renditions.n && i < KS_FILTER_RENDITIONS_MAX; i++)
		snprintf(filter->renditions[filter->n_renditions++], KS_RENDITION_MAX + 1, "%s",
			 ks_list_text(&settings->renditions, i));
}

bool ks_relay_is_parent(const struct ks_relay_keys *keys)
{
	return keys->n_masters > 0;
}

int ks_relay_node_listen(struct ks_node *node, const struct ks_relay_settings *settings)
{
	int err = KS_EOK;

	if (settings->listen.n == 0 && settings->key.n == 0 && settings->master == NULL)
		return KS_EOK;
	if (settings->listen.n == 0)
		return ks_node_listen_everywhere(node, KS_RELAY_PORT);
	for (size_t i = 0; i < settings->listen.n && err == KS_EOK; i++)
		err = ks_node_listen(node, ks_list_text(&settings->listen, i));
	return err;
}

int ks_relay_node_apply(struct ks_node *node, const struct ks_relay_settings *settings,
			const struct ks_relay_keys *keys)
{
	struct ks_node_settings set;
	int first;

	ks_relay_node_settings(settings, &set);
	first = ks_node_set(node, &set);
	ks_keep_first(&first, ks_node_set_masters(node, keys->masters, keys->n_masters,
						  (const char *const *)keys->revoked.names, keys->revoked.n));
	ks_keep_first(&first, ks_node_set_keys(node, keys->psk, keys->n_psk));
	ks_keep_first(&first, ks_node_set_parents(node, keys->parents, keys->n_parents));
	return first;
}

void ks_relay_node_warn(const struct ks_relay_settings *now, const struct ks_relay_settings *wanted)
{
	bool listened = now->key.n > 0 || now->master != NULL, listens = wanted->key.n > 0 || wanted->master != NULL;

	if (!ks_list_same(&now->listen, &wanted->listen) || (now->listen.n == 0 && !listened && listens))
		ks_warn("config", "listen is taken over only by a restart; it stays as it was");
}
