/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers into a sender: raw ones, and ones sealed as they should be around a plain text of the fuzzer's. Each step: a
 * byte that says what, two of length, the bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cursor.h"
#include "lib/base/log.h"
#include "lib/wire/message.h"
#include "lib/wire/sender.h"

enum step { RAW, REPORT, ACCEPT, GOOD_ACCEPT, PASS_TIME, REFUSE, OBJECT, STEPS };

struct relay {
	struct ks_sender *sender;
	struct ks_psk psk;
	struct ks_setup_keys setup;
	struct ks_session_keys keys;
	struct ks_offer offer;		/* the last that came */
	uint32_t session;		/* of the sender */
	uint64_t counter, random_state;
	uint32_t sessions;		/* that the relay gave away */
	int64_t now_us;
};

static int64_t get_now(void *ctx)
{
	return ((struct relay *)ctx)->now_us;
}

static void get_random(void *ctx, void *out, size_t len)
{
	uint64_t value = ++((struct relay *)ctx)->random_state;

	memset(out, 0, len);
	memcpy(out, &value, len < sizeof(value) ? len : sizeof(value));
}

static int take(void *ctx, size_t number, const struct iovec *datagrams, size_t n)
{
	struct relay *relay = ctx;

	(void)number;
	for (size_t i = 0; i < n; i++) {
		const struct iovec *d = &datagrams[i];
		struct ks_header header;

		if (ks_header_read(d->iov_base, d->iov_len, &header) != KS_DROP_NONE)
			abort();
		if (header.type == KS_OFFER &&
		    ks_offer_read(d->iov_base, d->iov_len, relay->setup.offer, &relay->offer) != KS_DROP_NONE)
			abort();
	}
	return (int)n;
}

static void put(struct relay *relay, const uint8_t *bytes, size_t len)
{
	ks_sender_input(relay->sender, 0, bytes, len);
	ks_sender_tick(relay->sender);
}

static void put_report(struct relay *relay, const uint8_t *plain, size_t len)
{
	const struct ks_header header = { KS_REPORT, relay->psk.id, relay->session, relay->counter++ };
	uint8_t bytes[KS_DATAGRAM_MAX];

	if (len > sizeof(bytes) - KS_HEADER_SIZE - KS_TAG_SIZE)
		len = sizeof(bytes) - KS_HEADER_SIZE - KS_TAG_SIZE;
	put(relay, bytes, ks_session_write(&header, relay->keys.up, plain, len, bytes));
}

/* The fuzzer's body behind the right nonce. */
static void put_accept(struct relay *relay, const uint8_t *body, size_t len)
{
	const struct ks_header header = { .type = KS_ACCEPT, .key_id = relay->psk.id, .session = relay->offer.session };
	uint8_t bytes[KS_DATAGRAM_MAX] = { 0 }, plain[KS_ACCEPT_SIZE] = { 0 };
	size_t body_len = KS_ACCEPT_SIZE - KS_HEADER_SIZE - KS_SETUP_NONCE_SIZE - KS_TAG_SIZE;
	size_t left = body_len - KS_SESSION_NONCE_SIZE;

	memcpy(plain, relay->offer.nonce, KS_SESSION_NONCE_SIZE);
	memcpy(plain + KS_SESSION_NONCE_SIZE, body, len < left ? len : left);
	ks_header_write(&header, bytes);
	ks_seal_setup(relay->setup.accept, bytes, bytes + KS_HEADER_SIZE, plain, body_len,
		      bytes + KS_HEADER_SIZE + KS_SETUP_NONCE_SIZE);
	put(relay, bytes, KS_ACCEPT_SIZE);
}

static void put_good_accept(struct relay *relay, bool continued)
{
	struct ks_accept accept = { .session = ++relay->sessions, .continued = continued };
	uint8_t bytes[KS_ACCEPT_SIZE], nonce[KS_SETUP_NONCE_SIZE] = { 0 };

	memcpy(accept.sender_nonce, relay->offer.nonce, sizeof(accept.sender_nonce));
	accept.nonce[0] = (uint8_t)relay->sessions;
	relay->session = relay->offer.session;
	relay->counter = 0;
	ks_seal_session_keys(&relay->psk, accept.sender_nonce, accept.nonce, &relay->keys);
	put(relay, bytes, ks_accept_write(&accept, relay->psk.id, relay->session, relay->setup.accept, nonce, bytes));
}

static int64_t milliseconds(const uint8_t *bytes, size_t len)
{
	struct ks_reader r = ks_reader(bytes, len);

	return ks_read_u16(&r);
}

static void take_step(struct relay *relay, struct ks_reader *r)
{
	uint8_t what = ks_read_u8(r);
	size_t len = ks_read_u16(r);
	const uint8_t *bytes = ks_read_span(r, len < ks_reader_left(r) ? len : (len = ks_reader_left(r)));

	switch (bytes != NULL ? what % STEPS : STEPS) {
	case RAW:
		put(relay, bytes, len);
		break;
	case REPORT:
		put_report(relay, bytes, len);
		break;
	case ACCEPT:
		put_accept(relay, bytes, len);
		break;
	case GOOD_ACCEPT:
		put_good_accept(relay, len % 2 == 1);
		break;
	case PASS_TIME:
		relay->now_us += milliseconds(bytes, len) * KS_US_PER_MS;
		ks_sender_tick(relay->sender);
		break;
	case REFUSE:
		ks_sender_refused(relay->sender, 0);
		break;
	case OBJECT:
		ks_sender_object(relay->sender, (struct ks_frame_id){ 1, relay->sessions }, 0, KS_US_PER_S, bytes, len);
		ks_sender_tick(relay->sender);
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
	struct relay relay = { .now_us = KS_US_PER_S };
	const struct ks_clock clock = { get_now, get_now, &relay };
	const struct ks_sender_ops ops = { &clock, get_random, take, &relay };
	const struct ks_sender_settings settings = { .datagram = KS_DATAGRAM_DEFAULT, .loss_ppm = 100000 };
	const uint8_t key[KS_PSK_SIZE] = { 1 };
	struct ks_reader r = ks_reader(bytes, len);
	size_t number;

	ks_log_set_sink(drop_line, NULL);
	ks_psk_set(&relay.psk, key);
	ks_seal_setup_keys(&relay.psk, &relay.setup);
	if (ks_sender_new(&relay.sender, &settings, &ops) != 0 ||
	    ks_sender_add(relay.sender, "relay", "fuzzer", &relay.psk, &number) != 0)
		abort();
	ks_sender_tick(relay.sender);
	put_good_accept(&relay, false);
	while (ks_reader_left(&r) > 0)
		take_step(&relay, &r);
	ks_sender_free(relay.sender);
	return 0;
}
