/* SPDX-License-Identifier: Apache-2.0
 *
 * Datagrams into a sender, in every state of its sessions: raw ones, and ones sealed as they should be around a
 * body of the fuzzer's. Each step: a byte that says what (low half) and by which relay (bit 4: one that comes by
 * itself, or one that the sender was told of), two of length, the bytes.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cursor.h"
#include "lib/base/log.h"
#include "tests/wire/hand.h"

#define PERIOD KS_US_PER_S
#define NAME_SIZE (KS_RELAY_NAME_MAX + 1)
#define SUBSCRIBE_BODY (KS_SUBSCRIBE_SIZE - KS_HEADER_SIZE - NAME_SIZE - KS_SETUP_NONCE_SIZE - KS_TAG_SIZE)
#define DATAGRAMS_MAX 5000	/* of one input: a bound on its time */

enum step {
	RAW, SUBSCRIBE, RENEW, NACK, HEAD, BYE,			/* the fuzzer's body, authentic */
	GOOD_SUBSCRIBE, GOOD_RENEW, GOOD_NACK, CONNECT,		/* what a relay would send now */
	PASS_TIME, REFUSE, OBJECT, NETWORK, KEYS, TOLD, STEPS
};

static struct hand hand;
static struct hand_relay *relays[2];
static size_t told;
static bool is_told;
static uint32_t seq;
static struct ks_master master;

/* The fuzzer's body, in which a cookie that is good stands where it belongs, as no fuzzer would find one. */
static void put_subscribe(struct hand_relay *relay, const uint8_t *body, size_t len)
{
	const struct ks_header header = { .type = KS_SUBSCRIBE, .key_id = relay->psk.id };
	uint8_t bytes[KS_DATAGRAM_MAX] = { 0 }, plain[KS_DATAGRAM_MAX] = { 0 };
	size_t clear = KS_HEADER_SIZE + NAME_SIZE, most = KS_DATAGRAM_MAX - clear - KS_SETUP_NONCE_SIZE - KS_TAG_SIZE;
	size_t body_len = len < SUBSCRIBE_BODY ? SUBSCRIBE_BODY : len < most ? len : most;

	memcpy(plain, body, len < body_len ? len : body_len);
	if (len % 2 == 0)
		memcpy(plain, relay->wish.cookie, KS_COOKIE_SIZE);
	ks_header_write(&header, bytes);
	memcpy(bytes + KS_HEADER_SIZE, relay->psk.name, strlen(relay->psk.name));
	ks_seal_setup(relay->setup.up, bytes, clear, bytes + clear, plain, body_len,
		      bytes + clear + KS_SETUP_NONCE_SIZE);
	hand_put(relay, bytes, clear + KS_SETUP_NONCE_SIZE + body_len + KS_TAG_SIZE);
}

static void put_session(struct hand_relay *relay, uint8_t type, const uint8_t *body, size_t len)
{
	size_t most = KS_DATAGRAM_MAX - KS_HEADER_SIZE - KS_TAG_SIZE;

	hand_session(relay, type, body, len < most ? len : most);
}

static void put_good_nack(struct hand_relay *relay, struct ks_reader *r)
{
	struct ks_nack nack = { .track = ks_track_of("channel", "r0"), .epoch = 1 };

	nack.seq = seq - ks_read_u8(r) % (KS_OBJECTS_MAX + 1);
	nack.n = ks_read_u8(r) % 4;
	for (size_t i = 0; i < nack.n; i++) {
		nack.blocks[i].block = ks_read_u8(r) % KS_BLOCKS_MAX;
		nack.blocks[i].missing = (uint8_t)(ks_read_u8(r) | 1);
	}
	hand_nack(relay, &nack);
}

static void set_network(struct hand_relay *relay, struct ks_reader *r)
{
	static const int failures[] = { 0, 0, -EAGAIN, -ENOBUFS, -ENETUNREACH, -ECONNREFUSED, -EMSGSIZE };
	uint8_t how = ks_read_u8(r);

	hand.fail = failures[how % (sizeof(failures) / sizeof(failures[0]))];
	hand.takes = how >> 6;
	relay->mtu = ks_read_u16(r);
	relay->refuse_long = (how & 32) != 0;
	relay->loss_ppm = (uint32_t)ks_read_u8(r) * 3900;
}

static void set_keys(struct ks_reader *r)
{
	static const char *const names[] = { "told", "self" };
	uint8_t how = ks_read_u8(r);

	ks_sender_set_masters(hand.sender, &master, how & 1, names, (how >> 1) % 3);
	if (is_told && (how & 8) != 0)
		ks_sender_set_key(hand.sender, told, &relays[1]->psk);
}

static void tell(struct ks_reader *r)
{
	const struct ks_told_relay relay = { "told", "fuzzer", &relays[1]->psk, (ks_read_u8(r) & 1) != 0 };

	if (is_told)
		ks_sender_remove(hand.sender, told);
	else if (ks_sender_add(hand.sender, &relay, &told) != 0)
		return;
	is_told = !is_told;
	if (is_told && (ks_read_u8(r) & 1) == 0)
		ks_sender_move(hand.sender, told, &relays[1]->at);
}

static void take_step(struct ks_reader *all)
{
	uint8_t what = ks_read_u8(all);
	struct hand_relay *relay = relays[what >> 4 & 1];
	size_t len = ks_read_u16(all);
	const uint8_t *bytes = ks_read_span(all, len < ks_reader_left(all) ? len : (len = ks_reader_left(all)));
	struct ks_reader r = ks_reader(bytes, len);

	switch (bytes != NULL ? what & 15 : STEPS) {
	case RAW:
		hand_put(relay, bytes, len);
		break;
	case SUBSCRIBE:
		put_subscribe(relay, bytes, len);
		break;
	case RENEW:
		put_session(relay, KS_RENEW, bytes, len);
		break;
	case NACK:
		put_session(relay, KS_NACK, bytes, len);
		break;
	case HEAD:
		put_session(relay, KS_HEAD, bytes, len);
		break;
	case BYE:
		put_session(relay, KS_BYE, bytes, len);
		break;
	case GOOD_SUBSCRIBE:
		relay->wish.instance[7] = ks_read_u8(&r);
		relay->wish.from_top = relay->wish.instance[7] % 2 == 1;
		hand_subscribe(relay);
		break;
	case GOOD_RENEW:
		hand_renew(relay);
		break;
	case GOOD_NACK:
		put_good_nack(relay, &r);
		break;
	case CONNECT:
		hand_connect(relay);
		break;
	case PASS_TIME:
		hand_run(&hand, ks_read_u16(&r) * KS_US_PER_MS);
		break;
	case REFUSE:
		ks_sender_refused(hand.sender, &relay->at);
		break;
	case OBJECT:
		hand_object(&hand, ++seq, ks_read_u24(&r) % 300000, ks_read_u16(&r) * KS_US_PER_MS);
		ks_sender_tick(hand.sender);
		break;
	case NETWORK:
		set_network(relay, &r);
		break;
	case KEYS:
		set_keys(&r);
		break;
	case TOLD:
		tell(&r);
		break;
	default:
		break;
	}
}

static void drop_line(void *ctx, enum ks_log_level level, const char *token, const char *text)
{
	(void)ctx;
	(void)level;
	(void)token;
	(void)text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const uint8_t key[KS_PSK_SIZE] = { 1 };
	struct ks_reader r = ks_reader(bytes, len);
	struct ks_sender_totals totals = { 0 };
	struct ks_psk psk;
	FILE *out;

	ks_log_set_sink(drop_line, NULL);
	hand_init(&hand, NULL);
	is_told = false;
	seq = 0;
	ks_sender_set_masters(hand.sender, &master, 1, NULL, 0);
	ks_psk_derive(&psk, &master, "self");
	relays[0] = hand_relay(&hand, &psk);
	ks_psk_set(&psk, key, "told");
	relays[1] = hand_relay(&hand, &psk);
	tell(&(struct ks_reader){ key + 1, key + sizeof(key), 0 });
	while (ks_reader_left(&r) > 0 && totals.datagrams < DATAGRAMS_MAX) {
		take_step(&r);
		ks_sender_totals(hand.sender, &totals);
	}
	out = fopen("/dev/null", "w");
	if (out == NULL)
		abort();
	ks_sender_metrics(hand.sender, out);
	fclose(out);
	ks_sender_stop(hand.sender);
	hand_free(&hand);
	return 0;
}
