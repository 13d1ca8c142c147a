/* SPDX-License-Identifier: Apache-2.0
 *
 * The key that one relay and its parent share. Its id (two bytes, in clear in each datagram that sets up
 * a session) is derived from it, so that several keys can be accepted while they are being changed.
 */
#ifndef KS_WIRE_PSK_H
#define KS_WIRE_PSK_H

#include <stdint.h>

#define KS_PSK_SIZE 32
#define KS_PSK_MAX 3	/* previous, current, next */

struct ks_psk {
	uint8_t key[KS_PSK_SIZE];
	uint16_t id;
};

/* A new random key. */
void ks_psk_make(struct ks_psk *psk);

/* From raw key bytes, with the id derived. */
void ks_psk_set(struct ks_psk *psk, const uint8_t key[KS_PSK_SIZE]);

/* Reads a key file of kind KS_KEY_RELAY; logs every failure. */
int ks_psk_read(const char *path, struct ks_psk *psk);

#endif
