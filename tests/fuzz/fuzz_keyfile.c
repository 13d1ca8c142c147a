/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/keyfile.h"
#include "lib/base/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void parse(const uint8_t *bytes, size_t len, const char *kind, size_t key_len)
{
	uint8_t *key = malloc(key_len), zero = 0;
	const char *why = NULL;

	if (key == NULL)
		return;
	if (ks_keyfile_parse((const char *)bytes, len, kind, key, key_len, &why) != KS_EOK) {
		for (size_t i = 0; i < key_len; i++)
			zero |= key[i];
		if (why == NULL || zero != 0)
			abort();
	}
	free(key);
}

static void parse_named(const uint8_t *bytes, size_t len)
{
	char name[KS_KEYFILE_NAME_MAX + 1];
	const char *why = NULL;
	uint8_t key[32];

	if (ks_keyfile_parse_named((const char *)bytes, len, KS_KEY_RELAY, name, key, sizeof(key), &why) == KS_EOK) {
		if (!ks_name_valid(name, strlen(name), KS_KEYFILE_NAME_MAX))
			abort();
	} else if (why == NULL || *name != '\0') {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	parse(bytes, len, KS_KEY_SOURCE_SECRET, 64);
	parse(bytes, len, KS_KEY_SOURCE_PUBLIC, 32);
	parse(bytes, len, KS_KEY_MASTER, 32);
	parse_named(bytes, len);
	return 0;
}
