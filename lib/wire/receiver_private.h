/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the receiver share: receiver.c (what the public asks, and input), parents.c (whom we get objects
 * from), intake.c (sessions with them), setup.c (how sessions come to be), blind.c (those without a way back), nack.c
 * (what to ask for and when), receiver_metrics.c.
 */
#ifndef KS_WIRE_RECEIVER_PRIVATE_H
#define KS_WIRE_RECEIVER_PRIVATE_H

#include "lib/base/bucket.h"
#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/wire/assembler.h"
#include "lib/wire/receiver.h"

#define KS_PARENT_NAME_MAX 63
#define KS_PARENT_ADDRESS_MAX 255

/* A session's index is its place in the table with random bits above, so that it is found at once and an index of a
 * time before is not mistaken for one of now. */
#define KS_INTAKE_PLACE_BITS 8
#define KS_INTAKES_MAX (1 << KS_INTAKE_PLACE_BITS)
#define KS_BLINDS_MAX 16	/* sessions without a way back, not yet used ones included */
#define KS_BLINDS_SEEN_MAX 32	/* instances whose announcements cannot be replayed */

#define KS_NEVER INT64_MAX

struct ks_accepted_key {
	struct ks_psk psk;
	struct ks_setup_keys setup;
};

struct ks_keyring {
	struct ks_accepted_key keys[KS_PSK_MAX];
	size_t n;
};

struct ks_parent;

enum ks_intake_state {
	KS_INTAKE_FREE,
	KS_INTAKE_ASKED,	/* SUBSCRIBE sent */
	KS_INTAKE_ACCEPTED,	/* nothing authentic came in it yet */
	KS_INTAKE_LIVE,
	KS_INTAKE_FADING	/* replaced */
};

#define KS_CONFIRM_TRIES 12	/* RENEWs before a session that was accepted is taken for dead */

/* The relay's end of a session. */
struct ks_intake {
	enum ks_intake_state state;
	bool blind;
	bool from_top, nack;
	bool settled;				/* the parent knows this key */
	uint32_t wish;				/* the receiver's when it was first asked for */
	uint32_t ours, theirs;			/* indices: what we listen to, what the parent listens to */
	struct ks_accepted_key key;
	uint8_t cookie[KS_COOKIE_SIZE];
	uint8_t offered[KS_COOKIE_SIZE];	/* the cookie of the offer that it answers */
	uint8_t nonce[KS_SESSION_NONCE_SIZE];	/* ours; of a blind session: the parent's */
	uint8_t instance[KS_INSTANCE_SIZE];	/* the parent's */
	struct ks_session_keys keys;
	struct ks_replay replay;
	struct ks_endpoint endpoint;		/* where it sends */
	uint64_t credit;			/* bytes that came from there and were not answered yet */
	struct ks_parent *parent;		/* NULL: of an offer, or blind, and nothing authentic came yet */
	int64_t since_us;			/* in its state */
	int64_t sent_us;			/* the first SUBSCRIBE with this cookie, the first RENEW */
	int64_t heard_us, renew_us;
	unsigned tries;				/* SUBSCRIBEs with this cookie, RENEWs before anything came */
	unsigned challenged;			/* since the last SUBSCRIBE of our own accord */
	int64_t rtt_us;				/* 0: not measured */
	uint32_t counter, received, replayed;
	uint16_t longest;
};

struct ks_parent {
	bool used, told, blind;
	char name[KS_PARENT_NAME_MAX + 1], address[KS_PARENT_ADDRESS_MAX + 1];
	struct ks_keyring ring;			/* of one that we were told of */
	size_t key;				/* the one to try next */
	struct ks_endpoint where;		/* len 0: not known yet */
	uint8_t instance[KS_INSTANCE_SIZE];
	struct ks_intake *live, *fading, *next;
	int64_t ask_us, backoff_us;		/* KS_NEVER: nothing to be asked for */
	int64_t rekey_us;			/* when the live session is old enough to be replaced */
	int64_t withdrawn_us;			/* when it ends because its key was withdrawn; KS_NEVER */
	int64_t silent_since_us, refused_us;
	bool outage_logged, refused, same_logged;
	bool said;				/* the log knows that frames come from it */
	int64_t hushed_us;			/* until then nothing is said of an outage */
	bool from_top;
	int64_t rtt_us;				/* 0: not measured */
	uint32_t delivered, lost;
	ks_counter datagrams, bytes, sessions, nacks, stops, unsigned_frames;
	struct ks_log_gate unsigned_gate;
};

struct ks_blind_seen {
	uint8_t instance[KS_INSTANCE_SIZE];
	int64_t wall_us;	/* of its newest announcement */
};

struct ks_receiver {
	struct ks_receiver_settings settings;
	uint32_t wish;				/* grows with each change of what is asked of parents */
	struct ks_receiver_ops ops;
	uint8_t instance[KS_INSTANCE_SIZE];
	bool stopped;
	struct ks_keyring ring;			/* of parents that offer themselves */
	struct ks_parent parents[KS_PARENTS_MAX];
	struct ks_bucket lines[KS_PARENTS_MAX];	/* by place, so that going and coming makes no difference */
	struct ks_intake intakes[KS_INTAKES_MAX];
	size_t n_waiting;			/* sessions without a parent yet */
	struct ks_intake *blinds[KS_BLINDS_MAX];
	size_t n_blinds;
	struct ks_blind_seen seen[KS_BLINDS_SEEN_MAX];
	size_t n_seen, next_seen;
	struct ks_fec *fec;
	struct ks_assembler *assembler;
	int64_t due_us;				/* when something has to be done */
	int64_t nack_us;			/* of these: what is asked for */
	int64_t delivered_us;
	ks_counter datagrams, bytes, delivered, drops[KS_DROPS];
	struct ks_log_gate drop_gate, self_gate, refuse_gate;
};

static inline void ks_receiver_wake(struct ks_receiver *receiver, int64_t at_us)
{
	if (at_us < receiver->due_us)
		receiver->due_us = at_us;
}

static inline unsigned ks_parent_number(const struct ks_receiver *receiver, const struct ks_parent *parent)
{
	return (unsigned)(parent - receiver->parents);
}

/* intake.c */
struct ks_intake *ks_intake_open(struct ks_receiver *receiver, struct ks_parent *parent, int64_t now_us);
void ks_intake_close(struct ks_receiver *receiver, struct ks_intake *intake);
struct ks_intake *ks_intake_find(struct ks_receiver *receiver, uint32_t index);
/* Something new and authentic came from this address: what is said from now on goes there. */
void ks_intake_heard(struct ks_intake *intake, const struct ks_endpoint *from, size_t len);
/* Where this many bytes may go now; NULL: nowhere. An address that we were told of may get any number; all others
 * only as many as came from there, so that who repeats or redirects a datagram of a parent's gains nothing by it. */
const struct ks_endpoint *ks_intake_pay(struct ks_intake *intake, size_t len);
/* Seals and sends; false when the session has no way back, or none that may be used now. */
bool ks_intake_send(struct ks_receiver *receiver, struct ks_intake *intake, enum ks_datagram_type type,
		    const uint8_t *body, size_t len);
void ks_intake_renew(struct ks_receiver *receiver, struct ks_intake *intake, int64_t now_us);
void ks_intake_bye(struct ks_receiver *receiver, struct ks_intake *intake, enum ks_bye_reason reason);
enum ks_drop ks_intake_promote(struct ks_receiver *receiver, struct ks_intake *intake, int64_t now_us);
/* Sessions that have no parent yet; returns when one of them is due. */
int64_t ks_intakes_tick(struct ks_receiver *receiver, int64_t now_us);

/* setup.c */
void ks_setup_ask(struct ks_receiver *receiver, struct ks_intake *intake, int64_t now_us);
enum ks_drop ks_setup_offer(struct ks_receiver *receiver, const struct ks_endpoint *from,
			    const struct ks_header *header, const uint8_t *bytes, size_t len, int64_t now_us);
enum ks_drop ks_setup_challenge(struct ks_receiver *receiver, const struct ks_endpoint *from,
				const struct ks_header *header, const uint8_t *bytes, size_t len, int64_t now_us);
enum ks_drop ks_setup_accept(struct ks_receiver *receiver, const struct ks_endpoint *from,
			     const struct ks_header *header, const uint8_t *bytes, size_t len, int64_t now_us);
void ks_setup_own_instance(struct ks_receiver *receiver, const struct ks_parent *parent, int64_t now_us);
bool ks_instance_is_own(const struct ks_receiver *receiver, const uint8_t instance[KS_INSTANCE_SIZE]);

/* blind.c */
enum ks_drop ks_blind_input(struct ks_receiver *receiver, const struct ks_header *header, const uint8_t *bytes,
			    size_t len, int64_t now_us);
struct ks_intake *ks_blind_find(struct ks_receiver *receiver, uint32_t index, uint16_t key_id);

/* parents.c */
void ks_keyring_set(struct ks_keyring *ring, const struct ks_psk *keys, size_t n);
bool ks_keyring_has(const struct ks_keyring *ring, const struct ks_psk *psk);
struct ks_parent *ks_parent_find(struct ks_receiver *receiver, const uint8_t instance[KS_INSTANCE_SIZE],
				 const struct ks_psk *psk, bool blind);
struct ks_parent *ks_parent_open(struct ks_receiver *receiver, int64_t now_us);
/* Whether a new session with it (NULL: a new one) begins from the top, so that several complement each other. */
bool ks_parent_side(const struct ks_receiver *receiver, const struct ks_parent *parent);
void ks_parent_close(struct ks_receiver *receiver, struct ks_parent *parent);
void ks_parent_lost(struct ks_receiver *receiver, struct ks_parent *parent, int64_t now_us);
void ks_parent_retry(struct ks_receiver *receiver, struct ks_parent *parent, int64_t now_us);
void ks_parent_back(struct ks_receiver *receiver, struct ks_parent *parent, int64_t now_us);
/* It alone sent an object that no source signed. */
void ks_parent_blame(struct ks_parent *parent, const struct ks_data_header *header, int64_t now_us);
void ks_parent_ended(struct ks_receiver *receiver, struct ks_intake *intake, const uint8_t *body, size_t len,
		     int64_t now_us);
const char *ks_parent_text(const struct ks_parent *parent, char *out, size_t len);
int64_t ks_parent_tick(struct ks_receiver *receiver, struct ks_parent *parent, int64_t now_us);

/* nack.c */
/* The first shard of an object from this parent. */
void ks_nack_begun(struct ks_receiver *receiver, struct ks_parent *parent, struct ks_assembly *assembly,
		   int64_t now_us);
/* An object was refused, and others of its track have lost what was merged: they are to be completed anew. */
void ks_nack_again(struct ks_receiver *receiver, const struct ks_data_header *refused, int64_t now_us);
enum ks_drop ks_nack_alive(struct ks_receiver *receiver, struct ks_intake *intake, const uint8_t *body, size_t len,
			   int64_t now_us);
/* Nothing more of this object is wanted; says so only when that was not said of this track just now. */
void ks_nack_stop(struct ks_receiver *receiver, struct ks_parent *parent, const struct ks_data_header *header,
		  int64_t now_us);
int64_t ks_nack_tick(struct ks_receiver *receiver, int64_t now_us);

#endif
