/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/sender_private.h"

#include <stddef.h>

struct family {
	const char *name, *type, *help;
	size_t offset;	/* of the counter in struct ks_peer_counts */
};

#define COUNTER(field, type, name, help) { "koshien_wire_" name, type, help, offsetof(struct ks_peer_counts, field) }

static const struct family families[] = {
	COUNTER(datagrams, "counter", "sent_datagrams_total", "Datagrams handed to the network."),
	COUNTER(bytes, "counter", "sent_bytes_total", "Bytes of UDP payload handed to the network."),
	COUNTER(offers, "counter", "offers_total", "Sessions offered, repetitions included."),
	COUNTER(sessions, "counter", "accepted_total", "Sessions that came up."),
	COUNTER(completed, "counter", "sent_frames_total", "Frames sent to their last datagram."),
	COUNTER(cut, "counter", "cut_frames_total", "Frames given up for newer ones before their last datagram was sent."),
	COUNTER(skipped, "counter", "skipped_frames_total",
		"Frames not sent because the path loses most of what it gets."),
	COUNTER(asked, "counter", "asked_shards_total", "Shards sent because the relay asked for them."),
	COUNTER(errors, "counter", "send_errors_total", "Refusals of the local network stack."),
	COUNTER(refused, "counter", "refused_total", "Messages from the network that nothing listens there."),
	COUNTER(reported_received, "gauge", "session_received_datagrams",
		"Datagrams of the present session that the relay says it received."),
	COUNTER(reported_expected, "gauge", "session_expected_datagrams",
		"Datagrams of the present session that had been sent when the relay said so."),
	COUNTER(reported_delivered, "gauge", "relay_delivered_frames", "Frames that the relay says it has whole."),
	COUNTER(reported_lost, "gauge", "relay_lost_frames", "Frames that the relay says it missed."),
};

static void put_counters(const struct ks_sender *sender, const struct family *family, FILE *out)
{
	ks_prom_family(out, family->name, family->type, family->help);
	for (size_t i = 0; i < sender->n_peers; i++) {
		const struct ks_peer *peer = sender->peers[i];

		if (peer != NULL)
			ks_prom_sample(out, family->name,
				       (double)ks_counted((const ks_counter *)((const char *)&peer->counts +
									       family->offset)),
				       "relay", peer->label, NULL);
	}
}

static double connected(const struct ks_sender *sender, const struct ks_peer *peer)
{
	for (size_t i = 0; i < sender->n_peers; i++)
		if (sender->peers[i] == peer)
			return ks_sender_connected(sender, i);
	return 0;
}

static double loss(const struct ks_sender *sender, const struct ks_peer *peer)
{
	(void)sender;
	return ks_loss_mean_ppm(&peer->loss) / 1e6;
}

static double datagram(const struct ks_sender *sender, const struct ks_peer *peer)
{
	return (double)sender->sizes[peer->size];
}

static double breaker(const struct ks_sender *sender, const struct ks_peer *peer)
{
	(void)sender;
	return peer->breaker.state;
}

static double trip(const struct ks_sender *sender, const struct ks_peer *peer)
{
	(void)sender;
	return (double)peer->rtt_us / KS_US_PER_S;
}

/* Of the newest object on its way, per data shard. */
static double parity(const struct ks_sender *sender, const struct ks_peer *peer)
{
	const struct ks_stream *newest = NULL;

	(void)sender;
	for (size_t i = 0; i < peer->n_streams; i++) {
		const struct ks_stream *stream = &peer->streams[i];

		/* The layout of one that is complete may be gone. */
		if (stream->held != NULL && stream->held->serial == stream->serial && stream->size->layout.shards > 0 &&
		    (newest == NULL || stream->serial > newest->serial))
			newest = stream;
	}
	if (newest == NULL)
		return 0;
	return (double)(newest->m * newest->size->layout.nblocks) / (double)newest->size->layout.shards;
}

static const struct {
	const char *name, *help;
	double (*value)(const struct ks_sender *sender, const struct ks_peer *peer);
} gauges[] = {
	{ "koshien_wire_connected", "1: the relay has a session and reports.", connected },
	{ "koshien_wire_loss_ratio", "What is lost on the way to the relay, as it is made up for.", loss },
	{ "koshien_wire_parity_ratio", "Parity that is sent unasked with the newest frame, per data.", parity },
	{ "koshien_wire_datagram_bytes", "UDP payload of a datagram at present.", datagram },
	{ "koshien_wire_breaker_state", "0: all frames are sent; 1: every second; 2: one each 5 s.", breaker },
	{ "koshien_wire_round_trip_seconds", "As the relay measured it; 0: not yet.", trip },
};

void ks_sender_metrics(const struct ks_sender *sender, FILE *out)
{
	for (size_t g = 0; g < sizeof(gauges) / sizeof(gauges[0]); g++) {
		ks_prom_family(out, gauges[g].name, "gauge", gauges[g].help);
		for (size_t i = 0; i < sender->n_peers; i++)
			if (sender->peers[i] != NULL)
				ks_prom_sample(out, gauges[g].name, gauges[g].value(sender, sender->peers[i]), "relay",
					       sender->peers[i]->label, NULL);
	}
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		put_counters(sender, &families[i], out);
	ks_prom_gauge(out, "koshien_wire_relays", "Relays with a session.", (double)ks_sender_relays(sender));
	ks_prom_reasons(out, "koshien_wire_reply_drops_total", "Datagrams from relays that were not used, by reason.",
			sender->drops + 1, ks_drop_names + 1, KS_DROPS - 1);
}
