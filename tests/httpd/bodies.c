/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks pictures as a viewer got them. Standard input has a line per answer, in the order in which one
 * viewer got them, as curl writes it with --write-out '%{http_code} %header{etag} %{filename_effective}\n'.
 * Each body must be a whole JPEG whose digest is the one in the ETag and whose stamp is its id, which is also the
 * fourth word of the line, if there is one (%header{frame-id}); and none may come before the one before. Prints
 * "<good> good, <distinct> distinct" and fails on the first that is wrong.
 *
 *	--remove	each file that was good, and print "<good> good, <distinct> distinct, <bytes> bytes"
 *	--any-order	they were on their way side by side
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/frame/frame.h"

static uint8_t bytes[KS_JPEG_MAX + 1];
static bool removes, any_order;
static uint64_t total;

static int fail(const char *path, const char *why)
{
	fprintf(stderr, "bodies: %s: %s\n", path, why);
	return 1;
}

static size_t load(const char *path)
{
	FILE *file = fopen(path, "re");
	size_t len = file != NULL ? fread(bytes, 1, sizeof(bytes), file) : 0;

	if (file != NULL)
		fclose(file);
	return len;
}

static int check(const char *path, const char *etag, const char *named, struct ks_frame_id *id)
{
	uint8_t digest[KS_DIGEST_SIZE];
	char text[KS_FRAME_ID_TEXT], expected[64];
	struct ks_jpeg_stamp stamp;
	struct ks_jpeg_info info;
	size_t len = load(path);

	if (ks_jpeg_check(bytes, len, &info) != KS_JPEG_GOOD)
		return fail(path, "not a whole picture");
	if (ks_jpeg_stamp_read(bytes, len, &stamp, NULL) != KS_EOK)
		return fail(path, "has no stamp");
	crypto_generichash(digest, sizeof(digest), bytes, len, NULL, 0);
	snprintf(expected, sizeof(expected), "\"%s-%02x%02x%02x%02x\"", ks_frame_id_format(stamp.id, text), digest[0],
		 digest[1], digest[2], digest[3]);
	if (strcmp(etag, expected) != 0)
		return fail(path, "is not the picture that its ETag names");
	if (named[0] != '\0' && strcmp(named, text) != 0)
		return fail(path, "is not the picture that its Frame-Id names");
	if (removes && unlink(path) != 0)
		return fail(path, "cannot be removed");
	total += len;
	*id = stamp.id;
	return 0;
}

static int take_options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--remove") == 0)
			removes = true;
		else if (strcmp(argv[i], "--any-order") == 0)
			any_order = true;
		else
			return fail(argv[i], "is no option");
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct ks_frame_id last = { 0, 0 }, id;
	unsigned good = 0, distinct = 0;
	char line[8192];

	if (take_options(argc, argv) != 0 || sodium_init() < 0)
		return 1;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		char code[8], etag[128], path[4096], named[KS_FRAME_ID_TEXT] = "";

		if (sscanf(line, "%7s %127s %4095s %21s", code, etag, path, named) < 3 || strcmp(code, "200") != 0)
			return fail(line, "not the line of a picture");
		if (check(path, etag, named, &id) != 0)
			return 1;
		if (good > 0 && !any_order && ks_frame_id_cmp(id, last) < 0)
			return fail(path, "comes before the one before it");
		distinct += good == 0 || ks_frame_id_cmp(id, last) != 0;
		good++;
		last = id;
	}
	printf("%u good, %u distinct", good, distinct);
	if (removes)
		printf(", %" PRIu64 " bytes", total);
	printf("\n");
	return good > 0 ? 0 : fail("standard input", "is empty");
}
