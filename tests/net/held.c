/* SPDX-License-Identifier: Apache-2.0
 *
 * What a relay's store holds, one frame a line, oldest first: for tests that compare stores and measure times.
 *
 *	held DIR CHANNEL RENDITION
 *	1790000000-7 0 0 81234567 81240001 250 5a0f…
 *		id, source, flags, captured and published (this machine's monotonic clock, microseconds), period (ms), digest
 *		of manifest and picture
 *	held --now	the same clock
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/store/store.h"

#define HASH_SIZE 16

static void print_frame(const struct ks_store_copy *copy)
{
	const struct ks_manifest *m = &copy->frame.m;
	uint8_t hash[HASH_SIZE];
	char id[KS_FRAME_ID_TEXT], hex[2 * HASH_SIZE + 1];

	crypto_generichash(hash, sizeof(hash), copy->frame.bytes, copy->frame.len, NULL, 0);
	printf("%s %d %d %" PRId64 " %" PRId64 " %" PRIu32 " %s\n", ks_frame_id_format(m->id, id), m->source, m->flags,
	       m->captured_mono_us, copy->published_us, m->period_ms,
	       sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash)));
}

static int print_store(struct ks_store_reader *reader)
{
	struct ks_store_item *items = calloc(KS_STORE_FRAMES_MAX, sizeof(*items));
	size_t n = items != NULL ? ks_store_list(reader, items, KS_STORE_FRAMES_MAX) : 0;

	for (size_t i = 0; i < n; i++) {
		struct ks_store_copy *copy;
		int err = ks_store_read(reader, items[i].id, NULL, &copy);

		/* It may have gone meanwhile. */
		if (err == KS_EGONE || err == KS_EMOVED)
			continue;
		if (err != KS_EOK) {
			fprintf(stderr, "held: %s\n", ks_strerror(err));
			free(items);
			return EXIT_FAILURE;
		}
		print_frame(copy);
		free(copy);
	}
	free(items);
	return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct ks_store_reader *reader;
	int status;

	if (argc == 2 && strcmp(argv[1], "--now") == 0) {
		printf("%" PRId64 "\n", ks_mono_us(&ks_clock_system));
		return EXIT_SUCCESS;
	}
	if (argc != 4 || sodium_init() < 0) {
		fprintf(stderr, "Usage: held DIR CHANNEL RENDITION | held --now\n");
		return 2;
	}
	if (ks_store_reader_open(&reader, argv[1], argv[2], argv[3]) != KS_EOK)
		return EXIT_FAILURE;
	status = print_store(reader);
	ks_store_reader_close(reader);
	return status;
}
