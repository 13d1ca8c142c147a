/* SPDX-License-Identifier: Apache-2.0
 *
 * Cookies: what shows that a relay receives at the address that it sends from, without anything being kept about it. A
 * cookie is a keyed hash of address and relay name. The secret changes every KS_COOKIE_US, and cookies of the
 * present and of the one before are good.
 */
#ifndef KS_WIRE_COOKIE_H
#define KS_WIRE_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/wire/endpoint.h"
#include "lib/wire/message.h"

#define KS_COOKIE_SECRET_SIZE 32

/* A source of secrets: fills len bytes. */
typedef void ks_cookie_random(void *ctx, void *out, size_t len);

struct ks_cookies {
	uint8_t present[KS_COOKIE_SECRET_SIZE], before[KS_COOKIE_SECRET_SIZE];
	int64_t changed_us;
	ks_cookie_random *random;
	void *ctx;
};

void ks_cookies_init(struct ks_cookies *cookies, ks_cookie_random *random, void *ctx, int64_t now_us);

/* The cookie of the other side of `to`. */
void ks_cookie_make(struct ks_cookies *cookies, const struct ks_endpoint *to, const char *name, int64_t now_us,
		    uint8_t cookie[KS_COOKIE_SIZE]);
bool ks_cookie_good(struct ks_cookies *cookies, const struct ks_endpoint *from, const char *name, int64_t now_us,
		    const uint8_t cookie[KS_COOKIE_SIZE]);

#endif
