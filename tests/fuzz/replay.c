/* SPDX-License-Identifier: Apache-2.0
 *
 * main() for the fuzz functions when no fuzzer drives them: every file of the function's corpus is run
 * through it, each as one TAP test. The corpus of fuzz_NAME is tests/fuzz/corpus/NAME.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define INPUT_MAX ((size_t)4 * 1024 * 1024)

static size_t read_input(const char *path, uint8_t *bytes)
{
	FILE *file = fopen(path, "re");
	size_t len = file != NULL ? fread(bytes, 1, INPUT_MAX, file) : 0;

	if (file != NULL)
		fclose(file);
	return len;
}

static void replay(const char *path, uint8_t *scratch)
{
	size_t len = read_input(path, scratch);
	uint8_t *exact = malloc(len > 0 ? len : 1);	/* its own size, so that a sanitizer sees every overrun */

	if (exact == NULL)
		abort();
	memcpy(exact, scratch, len);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

int main(int argc, char **argv)
{
	const char *src = getenv("top_srcdir"), *slash = strrchr(argv[0], '/');
	const char *name = slash != NULL ? slash + 1 : argv[0];
	uint8_t *scratch = malloc(INPUT_MAX);
	char dir[4096], path[8192];
	struct dirent *entry;
	unsigned n = 0;
	DIR *d;

	if (strncmp(name, "lt-", 3) == 0)
		name += 3;
	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s", src != NULL ? src : ".", name);
	d = argc > 1 ? NULL : opendir(dir);
	if (scratch == NULL || (argc == 1 && d == NULL)) {
		printf("1..0\nBail out! no corpus in %s\n", dir);
		return 1;
	}
	for (int i = 1; i < argc; i++) {
		replay(argv[i], scratch);
		printf("ok %u - %s\n", ++n, argv[i]);
	}
	while (d != NULL && (entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		replay(path, scratch);
		printf("ok %u - %s/%s\n", ++n, name, entry->d_name);
		fflush(stdout);
	}
	if (d != NULL)
		closedir(d);
	free(scratch);
	printf("1..%u\n", n);
	return n > 0 ? 0 : 1;
}
