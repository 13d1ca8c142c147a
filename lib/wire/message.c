/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/message.h"

#include <sodium.h>

#include "lib/base/cursor.h"

#define SETUP_OVERHEAD (KS_HEADER_SIZE + KS_SETUP_NONCE_SIZE + KS_TAG_SIZE)
#define OFFER_BODY (KS_OFFER_SIZE - SETUP_OVERHEAD)
#define ACCEPT_BODY (KS_ACCEPT_SIZE - SETUP_OVERHEAD)
#define SETUP_BODY_MAX (KS_DATAGRAM_MAX - SETUP_OVERHEAD)

#define ACCEPT_CONTINUED 1

static void write_setup(const struct ks_header *header, const uint8_t *key, const uint8_t *nonce,
			const uint8_t *body, size_t len, uint8_t *out)
{
	ks_header_write(header, out);
	memcpy(out + KS_HEADER_SIZE, nonce, KS_SETUP_NONCE_SIZE);
	ks_seal_setup(key, out, nonce, body, len, out + KS_HEADER_SIZE + KS_SETUP_NONCE_SIZE);
}

/* Opens a set-up datagram of at least `least` bytes into a reader of its body. */
static enum ks_drop read_setup(const uint8_t *bytes, size_t len, size_t least, const uint8_t *key,
			       uint8_t body[SETUP_BODY_MAX], struct ks_reader *r)
{
	const uint8_t *nonce, *sealed;

	if (len < least)
		return KS_DROP_SHORT;
	if (len > KS_DATAGRAM_MAX)
		return KS_DROP_LONG;
	nonce = bytes + KS_HEADER_SIZE;
	sealed = nonce + KS_SETUP_NONCE_SIZE;
	*r = ks_reader(body, len - SETUP_OVERHEAD);
	return ks_unseal_setup(key, bytes, nonce, sealed, (size_t)(bytes + len - sealed), body);
}

size_t ks_offer_write(const struct ks_offer *offer, uint16_t key_id, const uint8_t key[KS_SEAL_KEY_SIZE],
		      const uint8_t nonce[KS_SETUP_NONCE_SIZE], uint8_t out[KS_OFFER_SIZE])
{
	uint8_t body[OFFER_BODY] = { 0 };	/* zeros after the fields: the padding */
	struct ks_writer w = ks_writer(body, sizeof(body));

	ks_write_bytes(&w, offer->nonce, sizeof(offer->nonce));
	ks_write_bytes(&w, offer->sender_id, sizeof(offer->sender_id));
	ks_write_u32(&w, offer->session);
	ks_write_u16(&w, offer->datagram);
	write_setup(&(struct ks_header){ .type = KS_OFFER, .key_id = key_id }, key, nonce, body, sizeof(body), out);
	return KS_OFFER_SIZE;
}

enum ks_drop ks_offer_read(const uint8_t *bytes, size_t len, const uint8_t key[KS_SEAL_KEY_SIZE],
			   struct ks_offer *offer)
{
	uint8_t body[SETUP_BODY_MAX];
	struct ks_reader r;
	enum ks_drop drop;

	drop = read_setup(bytes, len, KS_OFFER_SIZE, key, body, &r);
	if (drop != KS_DROP_NONE)
		return drop;
	ks_read_bytes(&r, offer->nonce, sizeof(offer->nonce));
	ks_read_bytes(&r, offer->sender_id, sizeof(offer->sender_id));
	offer->session = ks_read_u32(&r);
	offer->datagram = ks_read_u16(&r);
	if (r.error != KS_EOK || offer->datagram < KS_DATAGRAM_MIN || offer->datagram > KS_DATAGRAM_MAX)
		return KS_DROP_MALFORMED;
	return KS_DROP_NONE;
}

size_t ks_accept_write(const struct ks_accept *accept, uint16_t key_id, uint32_t session,
		       const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t nonce[KS_SETUP_NONCE_SIZE],
		       uint8_t out[KS_ACCEPT_SIZE])
{
	const struct ks_header header = { .type = KS_ACCEPT, .key_id = key_id, .session = session };
	uint8_t body[ACCEPT_BODY] = { 0 };
	struct ks_writer w = ks_writer(body, sizeof(body));

	ks_write_bytes(&w, accept->sender_nonce, sizeof(accept->sender_nonce));
	ks_write_bytes(&w, accept->nonce, sizeof(accept->nonce));
	ks_write_u32(&w, accept->session);
	ks_write_u8(&w, accept->continued ? ACCEPT_CONTINUED : 0);
	write_setup(&header, key, nonce, body, sizeof(body), out);
	return KS_ACCEPT_SIZE;
}

enum ks_drop ks_accept_read(const uint8_t *bytes, size_t len, const uint8_t key[KS_SEAL_KEY_SIZE],
			    struct ks_accept *accept)
{
	uint8_t body[SETUP_BODY_MAX];
	struct ks_reader r;
	enum ks_drop drop;

	drop = read_setup(bytes, len, KS_ACCEPT_SIZE, key, body, &r);
	if (drop != KS_DROP_NONE)
		return drop;
	ks_read_bytes(&r, accept->sender_nonce, sizeof(accept->sender_nonce));
	ks_read_bytes(&r, accept->nonce, sizeof(accept->nonce));
	accept->session = ks_read_u32(&r);
	accept->continued = (ks_read_u8(&r) & ACCEPT_CONTINUED) != 0;
	return r.error == KS_EOK ? KS_DROP_NONE : KS_DROP_MALFORMED;
}

size_t ks_session_write(const struct ks_header *header, const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t *plain,
			size_t len, uint8_t *out)
{
	ks_header_write(header, out);
	ks_seal(key, out, header->counter, plain, len, out + KS_HEADER_SIZE);
	return KS_HEADER_SIZE + len + KS_TAG_SIZE;
}

void ks_report_write(const struct ks_report *report, uint8_t out[KS_REPORT_BODY])
{
	struct ks_writer w = ks_writer(out, KS_REPORT_BODY);

	ks_write_u64(&w, report->received);
	ks_write_u64(&w, report->replayed);
	ks_write_u64(&w, report->expected);
	ks_write_u32(&w, report->delivered);
	ks_write_u32(&w, report->lost);
	ks_write_u32(&w, report->epoch);
	ks_write_u32(&w, report->seq);
}

enum ks_drop ks_report_read(const uint8_t *body, size_t len, struct ks_report *report)
{
	struct ks_reader r = ks_reader(body, len);

	report->received = ks_read_u64(&r);
	report->replayed = ks_read_u64(&r);
	report->expected = ks_read_u64(&r);
	report->delivered = ks_read_u32(&r);
	report->lost = ks_read_u32(&r);
	report->epoch = ks_read_u32(&r);
	report->seq = ks_read_u32(&r);
	return r.error == KS_EOK ? KS_DROP_NONE : KS_DROP_MALFORMED;
}
