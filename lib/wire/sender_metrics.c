/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/sender_private.h"

struct family {
	const char *name, *type, *help;
	size_t offset;	/* of the counter in struct ks_peer_counts */
};

#define COUNTER(field, type, name, help) { "koshien_wire_" name, type, help, offsetof(struct ks_peer_counts, field) }

static const struct family families[] = {
	COUNTER(datagrams, "counter", "sent_datagrams_total", "Datagrams handed to the network."),
	COUNTER(bytes, "counter", "sent_bytes_total", "Bytes of UDP payload handed to the network."),
	COUNTER(offers, "counter", "offers_total", "Sessions offered, repetitions included."),
	COUNTER(sessions, "counter", "accepted_total", "Sessions that the relay accepted."),
	COUNTER(completed, "counter", "sent_frames_total", "Frames sent to their last datagram."),
	COUNTER(cut, "counter", "cut_frames_total", "Frames replaced by the next before their last datagram was sent."),
	COUNTER(errors, "counter", "send_errors_total", "Refusals of the local network stack."),
	COUNTER(refused, "counter", "refused_total", "Messages from the network that nothing listens there."),
	COUNTER(reported_received, "gauge", "session_received_datagrams",
		"Datagrams of the present session that the relay says it received."),
	COUNTER(reported_expected, "gauge", "session_expected_datagrams",
		"Datagrams of the present session that had been sent when the relay said so."),
	COUNTER(reported_delivered, "gauge", "relay_delivered_frames", "Frames that the relay says it has whole."),
	COUNTER(reported_lost, "gauge", "relay_lost_frames", "Frames that the relay says it missed."),
};

static void put_family(const struct ks_sender *sender, const struct family *family, FILE *out)
{
	ks_prom_family(out, family->name, family->type, family->help);
	for (size_t i = 0; i < sender->n_peers; i++) {
		const struct ks_peer *peer = sender->peers[i];
		const ks_counter *counter = (const ks_counter *)((const char *)&peer->counts + family->offset);

		ks_prom_sample(out, family->name, (double)ks_counted(counter), "relay", peer->name, NULL);
	}
}

void ks_sender_metrics(const struct ks_sender *sender, FILE *out)
{
	ks_prom_family(out, "koshien_wire_connected", "gauge", "1: the relay has a session and reports.");
	for (size_t i = 0; i < sender->n_peers; i++)
		ks_prom_sample(out, "koshien_wire_connected", ks_sender_connected(sender, i), "relay",
			       sender->peers[i]->name, NULL);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		put_family(sender, &families[i], out);
	ks_prom_reasons(out, "koshien_wire_reply_drops_total", "Datagrams from relays that were not used, by reason.",
			sender->drops + 1, ks_drop_names + 1, KS_DROPS - 1);
	ks_prom_gauge(out, "koshien_wire_datagram_bytes", "UDP payload of a datagram at present.",
		      (double)sender->datagram);
}
