/* SPDX-License-Identifier: Apache-2.0
 *
 * Key files: one line of text, "<kind> <base64>", where kind says what the key is for, so that a key
 * put in the wrong place is refused by name; in a kind that is named, "<kind> <name> <base64>". Blank lines
 * and lines that begin with # are allowed.
 */
#ifndef KS_BASE_KEYFILE_H
#define KS_BASE_KEYFILE_H

#include <stddef.h>
#include <stdint.h>

#define KS_KEY_SOURCE_SECRET "koshien-source-secret"	/* Ed25519 secret key, 64 bytes; stays at the camera */
#define KS_KEY_SOURCE_PUBLIC "koshien-source-public"	/* Ed25519 public key, 32 bytes; on every relay */
#define KS_KEY_RELAY "koshien-relay-key"		/* named; shared by one relay and its parent, 32 bytes */
#define KS_KEY_MASTER "koshien-master-key"		/* of a parent: relays' keys are made from it, 32 bytes */

#define KS_KEYFILE_NAME_MAX 31	/* characters of the name in a named key, valid by ks_name_valid() */

#define KS_KEYFILE_MAX 4096	/* bytes; a larger file is not a key file */

/* Parses the text of a key file into exactly len bytes. KS_EOK; KS_EKEY when the kind is another,
 * the base64 is bad or the length differs. On failure `out` is zeroed and *why (if not NULL) is a constant
 * text. */
int ks_keyfile_parse(const char *text, size_t text_len, const char *kind, uint8_t *out, size_t len,
		     const char **why);

/* Reads a key file; every failure is logged with the path and what was expected. A secret that others
 * may read is refused. */
int ks_keyfile_read(const char *path, const char *kind, uint8_t *out, size_t len);

/* The same for a kind whose line is "<kind> <name> <base64>"; KS_EKEY also when the name is none. */
int ks_keyfile_parse_named(const char *text, size_t text_len, const char *kind, char name[KS_KEYFILE_NAME_MAX + 1],
			   uint8_t *out, size_t len, const char **why);
int ks_keyfile_read_named(const char *path, const char *kind, char name[KS_KEYFILE_NAME_MAX + 1], uint8_t *out,
			  size_t len);
int ks_keyfile_write_named(const char *path, const char *kind, const char *name, const uint8_t *key, size_t len);

/* Whatever key it is: for tools that show and change keys. The caller wipes *key. */
#define KS_KEYFILE_KEY_MAX 64
struct ks_key {
	const char *kind;			/* one of the kinds above */
	char name[KS_KEYFILE_NAME_MAX + 1];	/* empty when its kind is not named */
	uint8_t bytes[KS_KEYFILE_KEY_MAX];
	size_t len;
};
int ks_keyfile_read_any(const char *path, struct ks_key *key);

/* Writes a new file, mode 0600 (0644 for public keys), whole or not at all, refusing to overwrite; logs every
 * failure. */
int ks_keyfile_write(const char *path, const char *kind, const uint8_t *key, size_t len);

#endif
