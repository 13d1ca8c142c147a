/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the sender share: sender.c (the contract), sender_tracks.c (what there is to send),
 * sender_peers.c (relays and their timers), sender_names.c (how much a name may say), sender_leases.c (how sessions
 * come up), sender_reports.c (what relays say in them), sender_path.c (datagram sizes), sender_pace.c (what is sent
 * when), sender_metrics.c.
 */
#ifndef KS_WIRE_SENDER_PRIVATE_H
#define KS_WIRE_SENDER_PRIVATE_H

#include "lib/base/bucket.h"
#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/base/name.h"
#include "lib/wire/cookie.h"
#include "lib/wire/loss.h"
#include "lib/wire/message.h"
#include "lib/wire/object.h"
#include "lib/wire/sender.h"

#define KS_ASKED_TIMES_MAX 4		/* times what a block was sent with: bursts take answers too, and
					 * the mean is bounded by the budget */
#define KS_BATCH 64			/* datagrams sealed and sent at a time */
#define KS_STREAMS_MAX 128		/* objects on their way to one relay, or that it may still ask for */
#define KS_LEASES_MAX 1024		/* a power of two, above two for each relay and the half-open ones */
#define KS_FAREWELLS_MAX (2 * KS_RELAYS_MAX)
#define KS_LEASE_FADE_US (5 * KS_US_PER_S)	/* a session that was replaced still takes what is under way */
#define KS_PATH_SIZES_MAX 4			/* of datagrams, one setting at a time */
#define KS_PROBE_US (60 * KS_US_PER_S)		/* between tries with longer datagrams */
#define KS_BLIND_HURRY_US (200 * KS_US_PER_MS)	/* between repetitions of BLIND in the first second */
#define KS_BLIND_AHEAD_US (5 * KS_US_PER_S)	/* a blind session is announced this long before it is used */

_Static_assert(2 * KS_PATH_SIZES_MAX <= KS_OBJECT_SIZES_MAX, "an object has room for the sizes of two settings");
_Static_assert(KS_LEASES_MAX > 2 * KS_RELAYS_MAX + KS_HALF_OPEN_MAX, "every session has a slot");

/* --- what there is to send: sender_tracks.c ------------------------------------------------------ */

struct ks_held {
	struct ks_object object;	/* bytes NULL: none */
	size_t counted;			/* of its memory, in sender->object_bytes */
	uint64_t serial;		/* never twice: tells whether it is still the same object */
	struct ks_track *track;
	int64_t since_us, period_us;
};

struct ks_track {
	uint32_t track;
	uint8_t source;
	char channel[KS_CHANNEL_MAX + 1], rendition[KS_RENDITION_MAX + 1];
	struct ks_frame_id id;		/* of the newest */
	int64_t used_us;
	size_t number;			/* in sender->tracks */
	struct ks_held held[KS_OBJECTS_MAX];
	size_t newest;
};

/* Of all objects, their parity included, which gives way first; then older objects do. */
#define KS_OBJECTS_BYTES_MAX ((size_t)256 * 1024 * 1024)

/* --- sessions: sender_leases.c ------------------------------------------------------------------- */

struct ks_lease {
	struct ks_peer *peer;		/* NULL: half open */
	bool blind;
	struct ks_psk psk;
	uint32_t ours, theirs;		/* indices: what we listen to, what the relay listens to */
	uint8_t nonce[KS_SESSION_NONCE_SIZE];
	struct ks_session_keys keys;
	struct ks_subscribe wish;
	struct ks_endpoint to;
	uint64_t counter;
	struct ks_replay replay;
	int64_t since_us, renew_us, sent_us, alive_us, announced_us;
	int64_t until_us;		/* of one that was replaced */
	bool opened;			/* its first ALIVE has been sent */
	/* Of the last report, and what had been sent when it came; or when one before it did, if that is less than a
	 * round trip ago. */
	uint32_t received, expected;
	uint64_t counter_then, unsent, unsent_then;
	int64_t counted_us;		/* when counter_then was taken */
	/* The path (sender_path.c). */
	uint16_t longest;		/* that arrived, by the reports */
	bool longest_void;		/* from before the path changed */
	int64_t full_since_us;		/* since when DATA of the present size has been sent; 0: none yet */
	uint32_t full_sent, full_received;	/* of these; what had been received then */
	unsigned dark;			/* reports in a row by which nearly nothing arrived */
};

/* --- one object to one relay: sender_pace.c ------------------------------------------------------- */

struct ks_stream {
	struct ks_held *held;		/* NULL: free */
	uint64_t serial;
	struct ks_object_size *size;
	bool from_top, complete, spoiled;
	uint8_t spread;			/* as it stands in the header */
	uint8_t m;			/* parity shards per block that are sent unasked */
	uint32_t position, total;	/* in that first way */
	int64_t start_us, spread_us, next_us;
	uint32_t pending;		/* asked for and not yet sent */
	uint32_t step;			/* of these, in one tick */
	uint8_t turn;			/* block that is next */
	uint16_t extra[KS_BLOCKS_MAX];	/* that were sent because they were asked for */
	uint8_t wanted[KS_BLOCKS_MAX];	/* pending, by block */
};

/* --- relays: sender_peers.c ----------------------------------------------------------------------- */

struct ks_peer_counts {
	ks_counter datagrams, bytes, offers, sessions, completed, cut, skipped, errors, refused, asked;
	ks_counter reported_received, reported_expected, reported_delivered, reported_lost;
};

#define KS_NAMES_MAX (2 * KS_RELAYS_MAX)	/* that are remembered; of those without relays the oldest gives way */

struct ks_relay_name {
	char text[KS_RELAY_NAME_MAX + 1];	/* empty: none yet */
	size_t n_peers;			/* that have it */
	int64_t left_us;		/* since when that has been 0 */
	struct ks_bucket heads, lines;
	uint64_t unsaid;		/* sessions since the last line that came and went without one */
};

struct ks_peer {
	struct ks_relay_name *known;	/* of its key */
	bool told, blind, reachable;	/* reachable: ks_sender_move() said where it is */
	char name[KS_RELAY_NAME_MAX + 1], address[KS_ADDRESS_TEXT_MAX + 1];
	char label[KS_RELAY_NAME_MAX + 8];	/* of metrics: the name, with a number where several share it */
	struct ks_psk psk;		/* of the present or next session */
	struct ks_setup_keys setup;
	struct {
		uint16_t id;
		bool same;		/* as psk */
	} derived[KS_PSK_MAX];		/* from each master key, so that forged datagrams in its name cost little */
	struct ks_endpoint to;		/* where it is offered sessions */
	struct ks_lease *lease;		/* carries the objects */
	struct ks_lease *previous;	/* what is under way on it is still taken */
	struct ks_lease *next;		/* blind: announced, not yet used */
	int64_t up_us;			/* blind: since when */
	bool offering;
	int64_t offer_us, offered_us, backoff_us;
	int64_t due_us;
	int64_t silent_since_us;
	bool said;			/* the log knows of its session */
	bool outage_logged, error_logged;
	int64_t rtt_us;			/* 0: not known */
	struct ks_loss loss;
	struct ks_breaker breaker;
	enum ks_breaker_state breaker_said;	/* the last one that the log knows of */
	size_t size, wish;		/* indices of sender->sizes: in use, wanted */
	int64_t probe_us;
	unsigned hurried;		/* tries that follow soon */
	struct ks_stream *streams;
	size_t n_streams;
	int64_t begun_us[KS_SENDER_TRACKS_MAX];	/* the last object of each track, by its since_us; 0: none */
	bool begin_anew;		/* the datagram size has changed: the newest objects go once more */
	int64_t blocked_us;		/* the network took less than it was given: not before */
	uint64_t tokens;		/* shards that may be asked for */
	struct ks_peer_counts counts;
};

struct ks_farewell {
	struct ks_endpoint to;
	uint8_t bytes[KS_HEADER_SIZE + KS_BYE_BODY + KS_TAG_SIZE];
};

struct ks_sender {
	struct ks_sender_settings settings;
	struct ks_sender_ops ops;
	struct ks_clock clock;
	uint8_t instance[KS_INSTANCE_SIZE];
	size_t sizes[KS_PATH_SIZES_MAX], n_sizes;	/* of datagrams, falling */
	struct ks_fec *fec;
	struct ks_cookies cookies;
	struct ks_track *tracks[KS_SENDER_TRACKS_MAX];
	size_t n_tracks;
	size_t object_bytes;			/* of memory, of all objects */
	size_t newest_bytes;			/* of the newest object of each track */
	uint64_t serial;
	struct ks_peer *peers[KS_RELAYS_MAX];
	struct ks_relay_name names[KS_NAMES_MAX];
	size_t n_peers;				/* one above the highest in use */
	struct ks_lease *leases[KS_LEASES_MAX];	/* by the low bits of the index; slot 0 is not used */
	size_t last_slot;
	struct ks_lease *half_open[KS_HALF_OPEN_MAX];
	size_t n_half_open;
	struct ks_farewell *farewells;		/* KS_FAREWELLS_MAX */
	size_t n_farewells;
	struct ks_master masters[KS_PSK_MAX];
	size_t n_masters;
	char (*revoked)[KS_RELAY_NAME_MAX + 1];	/* sorted */
	size_t n_revoked;
	bool stopped;
	struct ks_sender_totals totals;
	ks_counter drops[KS_DROPS];
	struct ks_log_gate drop_gate, loop_gate, limit_gate;
	uint8_t plain[KS_DATAGRAM_MAX];
	uint8_t batch[KS_BATCH][KS_DATAGRAM_MAX];
};

static inline int64_t ks_earlier(int64_t a_us, int64_t b_us)
{
	return a_us < b_us ? a_us : b_us;
}

/* sender_tracks.c */
void ks_tracks_free(struct ks_sender *sender);
/* To be called when its memory has changed: keeps all objects within KS_OBJECTS_BYTES_MAX. Parity of others may be gone
 * afterwards, and other objects. */
void ks_held_count(struct ks_sender *sender, struct ks_held *held);

/* sender_peers.c. A peer may be freed by each of these that says so. */
struct ks_peer *ks_peer_new(struct ks_sender *sender, const char *name, const char *address, const struct ks_psk *psk,
			    size_t *number);
size_t ks_peers_count(const struct ks_sender *sender);
void ks_peer_free(struct ks_sender *sender, struct ks_peer *peer);
void ks_peer_set_key(struct ks_sender *sender, struct ks_peer *peer, const struct ks_psk *psk);
void ks_peer_derive(const struct ks_sender *sender, struct ks_peer *peer);	/* after the masters have changed */
/* Ends its session, and frees a relay that came by itself. */
void ks_peer_end(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us);
void ks_peer_farewell(struct ks_sender *sender, struct ks_peer *peer, enum ks_bye_reason reason);
void ks_peer_offer(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us);
void ks_peer_up(struct ks_sender *sender, struct ks_peer *peer, struct ks_lease *lease, bool afresh, int64_t now_us);
bool ks_peer_can_ask(const struct ks_sender *sender, const struct ks_peer *peer);
bool ks_peer_revoked(const struct ks_sender *sender, const char *name);
int64_t ks_peer_tick(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us);	/* may free; then INT64_MAX */

/* Sends datagrams of one length to a peer's session, or where `to` says; returns how many are done with, sent or
 * lost. */
size_t ks_peer_send(struct ks_sender *sender, struct ks_peer *peer, struct ks_lease *lease,
		    const struct ks_endpoint *to, const struct iovec *datagrams, size_t n);

/* sender_names.c */
/* Instead of the one that it had. */
void ks_name_take(struct ks_sender *sender, struct ks_peer *peer, const char *text);
void ks_name_leave(struct ks_sender *sender, struct ks_peer *peer);
bool ks_name_may_tell(struct ks_peer *peer, int64_t now_us);	/* a HEAD */
bool ks_name_may_log(struct ks_peer *peer, int64_t now_us);	/* a line that it can bring about */
/* Logs that its session has been set up, once, or with a later report when there are too many lines now. */
void ks_name_say_up(struct ks_peer *peer, int64_t now_us);
/* Its session is over: true when that is to be logged, as its beginning was. */
bool ks_name_say_over(struct ks_peer *peer);

/* sender_leases.c */
struct ks_lease *ks_lease_new(struct ks_sender *sender);
void ks_lease_free(struct ks_sender *sender, struct ks_lease *lease);
enum ks_drop ks_lease_subscribe(struct ks_sender *sender, const struct ks_header *header,
				const struct ks_endpoint *from, const uint8_t *bytes, size_t len);
enum ks_drop ks_lease_confirm(struct ks_sender *sender, struct ks_lease *lease, int64_t now_us);
void ks_lease_forbid(struct ks_sender *sender);		/* half-open ones whose key is not accepted any more */
int64_t ks_lease_tick(struct ks_sender *sender, int64_t now_us);
bool ks_lease_key_accepted(const struct ks_sender *sender, const struct ks_psk *psk);

/* sender_reports.c */
enum ks_drop ks_reports_input(struct ks_sender *sender, const struct ks_header *header, const struct ks_endpoint *from,
			      const uint8_t *bytes, size_t len);

/* sender_path.c */
void ks_path_sizes(struct ks_sender *sender);
void ks_path_resize(struct ks_sender *sender, int64_t now_us);	/* the setting has changed */
struct ks_object_size *ks_path_layout(struct ks_sender *sender, const struct ks_peer *peer, struct ks_held *held);
void ks_path_wish(struct ks_sender *sender, struct ks_peer *peer, size_t datagram, int64_t now_us);
void ks_path_sent(struct ks_lease *lease, size_t n, int64_t now_us);	/* DATA of the present size */
void ks_path_report(struct ks_sender *sender, struct ks_peer *peer, const struct ks_renew *renew, uint32_t expected,
		    uint32_t received, int64_t now_us);
void ks_path_too_long(struct ks_sender *sender, struct ks_peer *peer, size_t len, int64_t now_us);
/* The length to try; 0: none now. */
size_t ks_path_probe(const struct ks_sender *sender, struct ks_peer *peer, int64_t now_us);
bool ks_path_proven(const struct ks_sender *sender, const struct ks_peer *peer);

/* sender_pace.c */
void ks_stream_begin(struct ks_sender *sender, struct ks_peer *peer, struct ks_held *held, int64_t now_us);
void ks_stream_begin_all(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us);	/* the newest, afresh */
enum ks_drop ks_stream_asked(struct ks_sender *sender, struct ks_peer *peer, const struct ks_nack *nack,
			      int64_t now_us);
void ks_stream_begin_wider(struct ks_sender *sender, struct ks_peer *peer, const struct ks_filter *before,
			   int64_t now_us);
bool ks_stream_needs(const struct ks_stream *stream, const struct ks_held *held, const struct ks_object_size *size);
size_t ks_stream_newest(struct ks_sender *sender, struct ks_peer *peer, struct ks_alive *alive);
int64_t ks_stream_tick(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us);

#endif
