/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/cookie.h"

#include <string.h>

#include <sodium.h>

#include "lib/wire/sender.h"

_Static_assert(KS_COOKIE_SIZE >= crypto_generichash_BYTES_MIN && KS_COOKIE_SIZE <= crypto_generichash_BYTES_MAX,
	       "a cookie is one hash");

void ks_cookies_init(struct ks_cookies *cookies, ks_cookie_random *random, void *ctx, int64_t now_us)
{
	cookies->random = random;
	cookies->ctx = ctx;
	cookies->changed_us = now_us;
	random(ctx, cookies->present, sizeof(cookies->present));
	random(ctx, cookies->before, sizeof(cookies->before));
}

/* Done when a cookie is wanted: nobody has to call at the right time. */
static void change(struct ks_cookies *cookies, int64_t now_us)
{
	int64_t periods = (now_us - cookies->changed_us) / KS_COOKIE_US;

	if (periods <= 0)
		return;
	memcpy(cookies->before, cookies->present, sizeof(cookies->before));
	cookies->random(cookies->ctx, cookies->present, sizeof(cookies->present));
	if (periods > 1)
		cookies->random(cookies->ctx, cookies->before, sizeof(cookies->before));
	cookies->changed_us += periods * KS_COOKIE_US;
}

static void make(const uint8_t secret[KS_COOKIE_SECRET_SIZE], const struct ks_endpoint *to, const char *name,
		 uint8_t cookie[KS_COOKIE_SIZE])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, secret, KS_COOKIE_SECRET_SIZE, KS_COOKIE_SIZE);
	crypto_generichash_update(&state, &to->peer_len, sizeof(to->peer_len));
	crypto_generichash_update(&state, to->bytes, to->peer_len);
	crypto_generichash_update(&state, (const uint8_t *)name, strlen(name));
	crypto_generichash_final(&state, cookie, KS_COOKIE_SIZE);
}

void ks_cookie_make(struct ks_cookies *cookies, const struct ks_endpoint *to, const char *name, int64_t now_us,
		    uint8_t cookie[KS_COOKIE_SIZE])
{
	change(cookies, now_us);
	make(cookies->present, to, name, cookie);
}

bool ks_cookie_good(struct ks_cookies *cookies, const struct ks_endpoint *from, const char *name, int64_t now_us,
		    const uint8_t cookie[KS_COOKIE_SIZE])
{
	uint8_t present[KS_COOKIE_SIZE], before[KS_COOKIE_SIZE];

	change(cookies, now_us);
	make(cookies->present, from, name, present);
	make(cookies->before, from, name, before);
	return sodium_memcmp(cookie, present, sizeof(present)) == 0 ||
	       sodium_memcmp(cookie, before, sizeof(before)) == 0;
}
