/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/seal.h"

#include <string.h>

#include <sodium.h>

#include "tests/unit/unit.h"

static const char plain[] = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
			    "future, sunscreen would be it.";

/* RFC 8439 section 2.8.2: that the library's function is the one that the format means. */
START_TEST(rfc_8439_vector)
{
	static const uint8_t nonce[] = { 7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47 };
	static const uint8_t ad[] = { 0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7 };
	static const uint8_t tag[] = { 0x1a, 0xe1, 0x0b, 0x59, 0x4f, 0x09, 0xe2, 0x6a,
				       0x7e, 0x90, 0x2e, 0xcb, 0xd0, 0x60, 0x06, 0x91 };
	static const uint8_t start[] = { 0xd3, 0x1a, 0x8d, 0x34, 0x64, 0x8e, 0x60, 0xdb };
	uint8_t key[KS_SEAL_KEY_SIZE], sealed[sizeof(plain) - 1 + KS_TAG_SIZE];

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(0x80 + i);
	crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, (const uint8_t *)plain, sizeof(plain) - 1, ad,
						  sizeof(ad), NULL, nonce, key);
	ck_assert_mem_eq(sealed, start, sizeof(start));
	ck_assert_mem_eq(sealed + sizeof(plain) - 1, tag, sizeof(tag));
}
END_TEST

/* The nonce is four zero bytes and the counter, the header is the associated data. */
START_TEST(seal_is_what_the_format_says)
{
	static const uint8_t nonce[] = { 0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1 };
	const uint8_t key[KS_SEAL_KEY_SIZE] = { 1, 2, 3 }, header[KS_HEADER_SIZE] = { 4, 5, 6 };
	uint8_t ours[sizeof(plain) + KS_TAG_SIZE], theirs[sizeof(plain) + KS_TAG_SIZE];

	ks_seal(key, header, UINT64_C(0x0102030405060708), (const uint8_t *)plain, sizeof(plain), ours);
	crypto_aead_chacha20poly1305_ietf_encrypt(theirs, NULL, (const uint8_t *)plain, sizeof(plain), header,
						  sizeof(header), NULL, nonce, key);
	ck_assert_mem_eq(ours, theirs, sizeof(ours));
}
END_TEST

START_TEST(only_what_was_sealed_opens)
{
	const uint8_t key[KS_SEAL_KEY_SIZE] = { 1 };
	uint8_t header[KS_HEADER_SIZE] = { 2 }, sealed[sizeof(plain) + KS_TAG_SIZE], out[sizeof(plain)];

	ks_seal(key, header, 5, (const uint8_t *)plain, sizeof(plain), sealed);
	ck_assert_int_eq(ks_unseal(key, header, 5, sealed, sizeof(sealed), out), KS_DROP_NONE);
	ck_assert_mem_eq(out, plain, sizeof(plain));
	ck_assert_int_eq(ks_unseal(key, header, 6, sealed, sizeof(sealed), out), KS_DROP_TAG);
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 0x10;
		ck_assert_int_eq(ks_unseal(key, header, 5, sealed, sizeof(sealed), out), KS_DROP_TAG);
		sealed[i] ^= 0x10;
	}
	for (size_t i = 0; i < sizeof(header); i++) {
		header[i] ^= 1;
		ck_assert_int_eq(ks_unseal(key, header, 5, sealed, sizeof(sealed), out), KS_DROP_TAG);
		header[i] ^= 1;
	}
	for (size_t len = 0; len < sizeof(sealed); len++)
		ck_assert_int_eq(ks_unseal(key, header, 5, sealed, len, out),
				 len < KS_TAG_SIZE ? KS_DROP_SHORT : KS_DROP_TAG);
}
END_TEST

START_TEST(all_keys_differ)
{
	const uint8_t secret[KS_PSK_SIZE] = { 9 }, other_secret[KS_PSK_SIZE] = { 8 };
	const uint8_t one[KS_SESSION_NONCE_SIZE] = { 1 }, two[KS_SESSION_NONCE_SIZE] = { 2 };
	struct ks_psk psk, other;
	struct ks_setup_keys setup, other_setup;
	struct ks_session_keys a, again, swapped, b, c;
	uint8_t blind[KS_SEAL_KEY_SIZE], blind_two[KS_SEAL_KEY_SIZE], blind_other[KS_SEAL_KEY_SIZE];
	const uint8_t *all[] = { setup.down, setup.up, other_setup.down, other_setup.up, a.down, a.up, swapped.down,
				 swapped.up, b.down, b.up, c.down, c.up, blind, blind_two, blind_other };

	ks_psk_set(&psk, secret, "relay");
	ks_psk_set(&other, other_secret, "relay");
	ck_assert_uint_ne(psk.id, other.id);
	ks_seal_setup_keys(&psk, &setup);
	ks_seal_setup_keys(&other, &other_setup);
	ks_seal_blind_key(&psk, one, blind);
	ks_seal_blind_key(&psk, two, blind_two);
	ks_seal_blind_key(&other, one, blind_other);
	ks_seal_session_keys(&psk, one, two, &a);
	ks_seal_session_keys(&psk, one, two, &again);
	ks_seal_session_keys(&psk, two, one, &swapped);
	ks_seal_session_keys(&psk, one, one, &b);
	ks_seal_session_keys(&other, one, two, &c);
	ck_assert_mem_eq(&a, &again, sizeof(a));
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_int_ne(memcmp(all[i], all[j], KS_SEAL_KEY_SIZE), 0);
}
END_TEST

/* A keyed hash over the label and the nonces, the parent's first (doc/wire.md). */
START_TEST(keys_are_what_the_format_says)
{
	const uint8_t secret[KS_PSK_SIZE] = { 9 };
	const uint8_t parent[KS_SESSION_NONCE_SIZE] = { 1 }, relay[KS_SESSION_NONCE_SIZE] = { 2 };
	static const char down[] = "koshien-wire-1 down", blind[] = "koshien-wire-1 blind";
	static const char up[] = "koshien-wire-1 setup up";
	uint8_t expected[KS_SEAL_KEY_SIZE], got[KS_SEAL_KEY_SIZE], text[sizeof(down) - 1 + 2 * KS_SESSION_NONCE_SIZE];
	struct ks_session_keys keys;
	struct ks_setup_keys setup;
	struct ks_psk psk;

	ks_psk_set(&psk, secret, "relay");
	ks_seal_session_keys(&psk, parent, relay, &keys);
	memcpy(text, down, sizeof(down) - 1);
	memcpy(text + sizeof(down) - 1, parent, sizeof(parent));
	memcpy(text + sizeof(down) - 1 + sizeof(parent), relay, sizeof(relay));
	crypto_generichash(expected, sizeof(expected), text, sizeof(text), secret, sizeof(secret));
	ck_assert_mem_eq(keys.down, expected, sizeof(expected));

	ks_seal_blind_key(&psk, parent, got);
	memcpy(text, blind, sizeof(blind) - 1);
	memcpy(text + sizeof(blind) - 1, parent, sizeof(parent));
	crypto_generichash(expected, sizeof(expected), text, sizeof(blind) - 1 + sizeof(parent), secret,
			   sizeof(secret));
	ck_assert_mem_eq(got, expected, sizeof(expected));

	ks_seal_setup_keys(&psk, &setup);
	crypto_generichash(expected, sizeof(expected), (const uint8_t *)up, sizeof(up) - 1, secret, sizeof(secret));
	ck_assert_mem_eq(setup.up, expected, sizeof(expected));
}
END_TEST

/* XChaCha20-Poly1305; all that stands in clear in front of the nonce is associated data, however long it is. */
START_TEST(setup_seals_its_clear_part)
{
	const uint8_t key[KS_SEAL_KEY_SIZE] = { 1 }, nonce[KS_SETUP_NONCE_SIZE] = { 3 };
	uint8_t clear[KS_HEADER_SIZE + KS_RELAY_NAME_MAX + 1] = { 2 };
	uint8_t sealed[sizeof(plain) + KS_TAG_SIZE], theirs[sizeof(sealed)], out[sizeof(plain)];

	ks_seal_setup(key, clear, sizeof(clear), nonce, (const uint8_t *)plain, sizeof(plain), sealed);
	crypto_aead_xchacha20poly1305_ietf_encrypt(theirs, NULL, (const uint8_t *)plain, sizeof(plain), clear,
						   sizeof(clear), NULL, nonce, key);
	ck_assert_mem_eq(sealed, theirs, sizeof(sealed));
	ck_assert_int_eq(ks_unseal_setup(key, clear, sizeof(clear), nonce, sealed, sizeof(sealed), out), KS_DROP_NONE);
	ck_assert_mem_eq(out, plain, sizeof(plain));
	for (size_t i = 0; i < sizeof(clear); i++) {
		clear[i] ^= 1;
		ck_assert_int_eq(ks_unseal_setup(key, clear, sizeof(clear), nonce, sealed, sizeof(sealed), out),
				 KS_DROP_TAG);
		clear[i] ^= 1;
	}
	ck_assert_int_eq(ks_unseal_setup(key, clear, KS_HEADER_SIZE, nonce, sealed, sizeof(sealed), out), KS_DROP_TAG);
	for (size_t len = 0; len < sizeof(sealed); len++)
		ck_assert_int_eq(ks_unseal_setup(key, clear, sizeof(clear), nonce, sealed, len, out),
				 len < KS_TAG_SIZE ? KS_DROP_SHORT : KS_DROP_TAG);
}
END_TEST

START_TEST(window_takes_each_counter_once)
{
	struct ks_replay replay = { 0 };

	for (uint64_t i = 0; i < 5000; i++) {
		ck_assert_int_eq(ks_replay_take(&replay, i), KS_DROP_NONE);
		ck_assert_int_eq(ks_replay_take(&replay, i), KS_DROP_REPLAY);
	}
}
END_TEST

START_TEST(window_edges)
{
	struct ks_replay replay = { 0 };

	ck_assert_int_eq(ks_replay_take(&replay, 10000), KS_DROP_NONE);
	ck_assert_int_eq(ks_replay_take(&replay, 10000 - KS_REPLAY_BITS), KS_DROP_REPLAY);	/* just out */
	ck_assert_int_eq(ks_replay_take(&replay, 10001 - KS_REPLAY_BITS), KS_DROP_NONE);	/* the oldest within */
	ck_assert_int_eq(ks_replay_take(&replay, 10001 - KS_REPLAY_BITS), KS_DROP_REPLAY);
	ck_assert_int_eq(ks_replay_take(&replay, 10001), KS_DROP_NONE);
	ck_assert_int_eq(ks_replay_take(&replay, 10001 - KS_REPLAY_BITS), KS_DROP_REPLAY);	/* gone out */
	ck_assert_int_eq(ks_replay_take(&replay, 9999), KS_DROP_NONE);
	ck_assert_int_eq(ks_replay_take(&replay, 0), KS_DROP_REPLAY);

	/* A jump of exactly the window, and of more, forgets what was in it; nothing that was is taken for new. */
	ck_assert_int_eq(ks_replay_take(&replay, 10001 + KS_REPLAY_BITS), KS_DROP_NONE);
	ck_assert_int_eq(ks_replay_take(&replay, 10001), KS_DROP_REPLAY);
	ck_assert_int_eq(ks_replay_take(&replay, 10002), KS_DROP_NONE);
	ck_assert_int_eq(ks_replay_take(&replay, UINT64_C(1) << 31), KS_DROP_NONE);
	ck_assert_int_eq(ks_replay_take(&replay, 10003), KS_DROP_REPLAY);

	ck_assert_int_eq(ks_replay_take(&replay, KS_COUNTER_END - 1), KS_DROP_NONE);
	ck_assert_int_eq(ks_replay_take(&replay, KS_COUNTER_END), KS_DROP_LIMIT);
	ck_assert_int_eq(ks_replay_take(&replay, UINT64_MAX), KS_DROP_LIMIT);
}
END_TEST

static Suite *seal_suite(void)
{
	Suite *suite = suite_create("seal");
	TCase *tc = tcase_create("seal");

	tcase_add_test(tc, rfc_8439_vector);
	tcase_add_test(tc, seal_is_what_the_format_says);
	tcase_add_test(tc, only_what_was_sealed_opens);
	tcase_add_test(tc, all_keys_differ);
	tcase_add_test(tc, keys_are_what_the_format_says);
	tcase_add_test(tc, setup_seals_its_clear_part);
	tcase_add_test(tc, window_takes_each_counter_once);
	tcase_add_test(tc, window_edges);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(seal_suite());
}
