/* SPDX-License-Identifier: Apache-2.0
 *
 * A relay that a test moves by hand against a real sender: it says nothing by itself, opens and keeps all that it
 * gets, and can be made to say anything. The clock stands still until it is moved.
 */
#ifndef KS_TESTS_WIRE_HAND_H
#define KS_TESTS_WIRE_HAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/clock.h"
#include "lib/wire/message.h"
#include "lib/wire/sender.h"

#define HAND_RELAYS_MAX 300
#define HAND_LOG_MAX 8192

struct hand_datagram {
	int64_t at_us;
	uint8_t type;
	uint16_t len;
	struct ks_data_header data;	/* of DATA */
};

struct hand_relay {
	struct hand *hand;
	struct ks_psk psk;
	struct ks_setup_keys setup;
	struct ks_endpoint at;
	struct ks_subscribe wish;	/* its next SUBSCRIBE */
	struct ks_session_keys keys;
	uint32_t session;		/* that the parent listens to; 0: none yet */
	uint32_t counter;
	bool accepted;

	size_t mtu;			/* longer ones are lost; 0: none is */
	uint32_t loss_ppm;		/* of the others */
	bool refuse_long;		/* the local network stack says so */

	/* What came. */
	struct ks_renew seen;		/* of the present session, ready to be reported */
	size_t n[16];			/* by type */
	uint64_t bytes;
	struct hand_datagram *log;	/* HAND_LOG_MAX, or NULL: not kept */
	size_t n_log;
	struct ks_alive alive;		/* the last one */
	struct ks_blind blind;		/* the last one; keys of the last two sessions */
	struct {
		uint32_t session;
		uint8_t key[KS_SEAL_KEY_SIZE];
	} blind_keys[2];
	uint8_t end_reason;
	bool broken;			/* something could not be opened */
};

struct hand {
	struct ks_sender *sender;
	struct ks_clock clock;
	int64_t now_us, wall_us;
	uint64_t random_state;
	int fail;			/* what send() returns instead; 0: it works */
	size_t takes;			/* datagrams that send() takes at a time; 0: all */
	struct hand_relay *relays[HAND_RELAYS_MAX];
	size_t n_relays;
	size_t batches;			/* calls of send() */
	uint8_t head[KS_HEAD_BODY];
	size_t heads;
};

extern const uint8_t hand_instance[KS_INSTANCE_SIZE];	/* of the sender */

/* NULL: 1200 bytes, 10 %, requests answered. Ends the program when it cannot. */
void hand_init(struct hand *hand, const struct ks_sender_settings *settings);
void hand_free(struct hand *hand);

/* A relay with this key; its address follows from its number. */
struct hand_relay *hand_relay(struct hand *hand, const struct ks_psk *psk);

uint32_t hand_random(struct hand *hand);

/* Lets time pass in steps of what the sender asks for. Returns how many ticks that took. */
size_t hand_run(struct hand *hand, int64_t us);

/* Puts bytes into the sender as if they came from the relay, and ticks. */
void hand_put(struct hand_relay *relay, const uint8_t *bytes, size_t len);

/* One SUBSCRIBE with a fresh nonce; what comes back is in the relay. */
void hand_subscribe(struct hand_relay *relay);

/* Until there is a session: SUBSCRIBE, again with the cookie, the first RENEW. False: it did not come up. */
bool hand_connect(struct hand_relay *relay);

void hand_session(struct hand_relay *relay, uint8_t type, const uint8_t *body, size_t len);
void hand_renew(struct hand_relay *relay);	/* what it has seen */
void hand_nack(struct hand_relay *relay, const struct ks_nack *nack);

/* Lets time pass with a RENEW each second. */
void hand_live(struct hand_relay *relay, int64_t us);

/* Hands an object of "channel" and "r0" to the sender; its bytes follow from its number. */
int hand_object(struct hand *hand, uint32_t seq, size_t len, int64_t period_us);
const uint8_t *hand_bytes(uint32_t seq, size_t len);

/* DATA in the log of one object. */
size_t hand_count(const struct hand_relay *relay, uint32_t seq);

#endif
