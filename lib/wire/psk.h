/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys of hops. A parent has a master key; the key that it shares with one relay is derived from it by the relay's
 * name, so that the parent knows the key of a relay that it has never heard of, and a stolen relay has no key but its
 * own. A relay key may also be a random one that both have in a file.
 *
 * A relay key's id (two bytes, in clear in each datagram) is derived from it, so that several keys can be accepted
 * while they are being changed.
 */
#ifndef KS_WIRE_PSK_H
#define KS_WIRE_PSK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KS_PSK_SIZE 32
#define KS_PSK_MAX 3		/* previous, current, next */
#define KS_RELAY_NAME_MAX 31	/* lower-case letters, digits and hyphens (ks_name_valid()) */

struct ks_psk {
	uint8_t key[KS_PSK_SIZE];
	uint16_t id;
	char name[KS_RELAY_NAME_MAX + 1];	/* of the relay that has it */
};

struct ks_master {
	uint8_t key[KS_PSK_SIZE];
};

/* A new random key for a relay. */
void ks_psk_make(struct ks_psk *psk, const char *name);

/* From raw key bytes, with the id derived. */
void ks_psk_set(struct ks_psk *psk, const uint8_t key[KS_PSK_SIZE], const char *name);

/* The key of a relay of this name under a master key. */
void ks_psk_derive(struct ks_psk *psk, const struct ks_master *master, const char *name);

bool ks_psk_equal(const struct ks_psk *a, const struct ks_psk *b);

/* Reads a key file of kind KS_KEY_RELAY, which holds the relay's name too; logs every failure. */
int ks_psk_read(const char *path, struct ks_psk *psk);

/* Reads a key file of kind KS_KEY_MASTER; logs every failure. */
int ks_master_read(const char *path, struct ks_master *master);

/* The same while a key is being changed: beside FILE there may be FILE.next, which takes its place soon, and
 * FILE.previous, whose place it took. In this order: current, next, previous. KS_EOK with *n from 1 to KS_PSK_MAX; an
 * error when FILE cannot be read, or one of the others is there and cannot be, or has the name of another relay. */
#define KS_KEY_NEXT ".next"
#define KS_KEY_PREVIOUS ".previous"
int ks_psk_read_all(const char *path, struct ks_psk psks[KS_PSK_MAX], size_t *n);
int ks_master_read_all(const char *path, struct ks_master masters[KS_PSK_MAX], size_t *n);

#endif
