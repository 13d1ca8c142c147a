/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the sender share: sender.c (peers and pacing), handshake.c (sessions), sender_metrics.c.
 */
#ifndef KS_WIRE_SENDER_PRIVATE_H
#define KS_WIRE_SENDER_PRIVATE_H

#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/wire/message.h"
#include "lib/wire/object.h"
#include "lib/wire/sender.h"

#define KS_BATCH 64	/* datagrams sealed and sent at a time */

struct ks_sender_session {
	bool up;
	uint32_t ours, theirs;	/* indices: what we listen to, what the relay listens to */
	struct ks_session_keys keys;
	uint64_t counter;
	struct ks_replay replay;
	int64_t since_us, sent_us;
	int64_t report_us;	/* of the last report; before the first one, since_us */
	bool reported;
};

/* An offer is repeated with the same nonce until it is accepted. A nonce is never used for two sessions: an old
 * ACCEPT, sent again by somebody, would bring old keys with a fresh counter. */
struct ks_pending_offer {
	bool active;
	struct ks_offer offer;
	int64_t next_us, last_us, backoff_us;
};

struct ks_peer_counts {
	ks_counter datagrams, bytes, offers, sessions, completed, cut, errors, refused;
	ks_counter reported_received, reported_expected, reported_delivered, reported_lost;
};

struct ks_peer {
	char name[KS_PEER_NAME_MAX + 1], address[KS_PEER_ADDRESS_MAX + 1];
	struct ks_psk psk;
	struct ks_setup_keys setup;
	struct ks_pending_offer pending;
	struct ks_sender_session session;	/* carries the objects */
	struct ks_sender_session next;		/* accepted, not yet confirmed by a report; then it becomes `session` */
	size_t position;			/* in the current object's order of sending */
	int64_t start_us;			/* of the current object to this peer */
	bool spoiled;				/* some of the current object was refused by our own network stack */
	int64_t silent_since_us;
	bool outage_logged;
	struct ks_report last_report;
	struct ks_peer_counts counts;
};

struct ks_sender {
	struct ks_sender_settings settings;
	struct ks_sender_ops ops;
	uint8_t id[KS_SENDER_ID_SIZE];
	struct ks_fec *fec;
	struct ks_object object;
	bool have_object;
	int64_t spread_us;
	size_t datagram;	/* present size; only ever steps down */
	struct ks_peer *peers[KS_PEERS_MAX];
	size_t n_peers;
	ks_counter drops[KS_DROPS];
	struct ks_log_gate drop_gate;
	uint8_t batch[KS_BATCH][KS_DATAGRAM_MAX];
};

/* handshake.c */
void ks_handshake_offer(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us);
void ks_handshake_end(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us);
enum ks_drop ks_handshake_accept(struct ks_sender *sender, struct ks_peer *peer, const uint8_t *bytes, size_t len);
enum ks_drop ks_handshake_report(struct ks_sender *sender, struct ks_peer *peer, const struct ks_header *header,
				 const uint8_t *bytes, size_t len);

/* Does what is due for the sessions of one peer; returns when it is due again. */
int64_t ks_handshake_tick(struct ks_sender *sender, size_t number, int64_t now_us);

/* sender.c: sends what is sealed in the batch; returns how many datagrams are done with, sent or lost. */
size_t ks_sender_flush(struct ks_sender *sender, size_t number, const struct iovec *datagrams, size_t n);
void ks_sender_restart(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us);

#endif
