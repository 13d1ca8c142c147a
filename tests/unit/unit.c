/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"

#define LOG_MAX 65536

static char log_text[LOG_MAX];
static size_t log_len;
static char scratch[4096];	/* of the whole program: tests run in children, which may die */
static char tmpdir[sizeof(scratch) + 8];

/* Which tests could not run, and why; in memory that the tests' processes share with this one. */
#define SKIPS_MAX 16
struct skips {
	unsigned n;
	struct {
		char test[64], why[128];
	} of[SKIPS_MAX];
};
static struct skips *skips;

static void drop_line(void *ctx, enum ks_log_level level, const char *token, const char *text)
{
	(void)ctx;
	(void)level;
	(void)token;
	(void)text;
}

static void keep_line(void *ctx, enum ks_log_level level, const char *token, const char *text)
{
	int n = snprintf(log_text + log_len, LOG_MAX - log_len, "%s: %s\n", token, text);

	(void)ctx;
	(void)level;
	if (n > 0)
		log_len = log_len + (size_t)n < LOG_MAX ? log_len + (size_t)n : LOG_MAX - 1;
}

void unit_log_start(void)
{
	log_len = 0;
	log_text[0] = '\0';
	ks_log_set_sink(keep_line, NULL);
}

const char *unit_log_text(void)
{
	return log_text;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

const char *unit_tmpdir(void)
{
	snprintf(tmpdir, sizeof(tmpdir), "%s/XXXXXX", scratch);
	ck_assert_ptr_nonnull(mkdtemp(tmpdir));
	return tmpdir;
}

unsigned char *unit_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "re");
	struct stat st;
	unsigned char *bytes;

	ck_assert_msg(file != NULL && fstat(fileno(file), &st) == 0, "cannot read %s", path);
	bytes = malloc((size_t)st.st_size + 1);
	ck_assert_ptr_nonnull(bytes);
	*len = fread(bytes, 1, (size_t)st.st_size, file);
	ck_assert_uint_eq(*len, (size_t)st.st_size);
	fclose(file);
	return bytes;
}

size_t unit_each_datum(const char *folder,
		       void (*each)(const char *path, const unsigned char *bytes, size_t len, void *ctx), void *ctx)
{
	const char *root = getenv("KOSHIEN_TEST_DATA"), *src = getenv("top_srcdir");
	char dir[4096], path[8192];
	struct dirent *entry;
	size_t n = 0;
	DIR *d;

	if (root != NULL)
		snprintf(dir, sizeof(dir), "%s/%s", root, folder);
	else
		snprintf(dir, sizeof(dir), "%s/../shared/data/%s", src != NULL ? src : ".", folder);
	d = opendir(dir);
	if (d == NULL)
		return 0;
	while ((entry = readdir(d)) != NULL) {
		unsigned char *bytes;
		size_t len;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		bytes = unit_file(path, &len);
		each(path, bytes, len, ctx);
		free(bytes);
		n++;
	}
	closedir(d);
	return n;
}

void unit_skip_test(const char *test, const char *why)
{
	size_t len = strlen(test);

	/* Check calls a test's function by its name with "_fn" behind. */
	if (len > 3 && strcmp(test + len - 3, "_fn") == 0)
		len -= 3;
	if (skips->n == SKIPS_MAX)
		return;
	snprintf(skips->of[skips->n].test, sizeof(skips->of[0].test), ":%.*s:", (int)len, test);
	snprintf(skips->of[skips->n].why, sizeof(skips->of[0].why), "%s", why);
	skips->n++;
}

/* Check knows no skipped tests; in its TAP they become what they are. */
static void print_tap(FILE *tap)
{
	char line[4096];

	while (fgets(line, sizeof(line), tap) != NULL) {
		const char *why = NULL;

		for (unsigned i = 0; i < skips->n; i++)
			if (strncmp(line, "ok ", 3) == 0 && strstr(line, skips->of[i].test) != NULL)
				why = skips->of[i].why;
		if (why != NULL)
			printf("%.*s # SKIP %s\n", (int)strcspn(line, "\n"), line, why);
		else
			fputs(line, stdout);
	}
}

/* Check's own limit for a test is 4 s, which is little where other programs run. Before main() makes its suite. */
__attribute__((constructor)) static void be_patient(void)
{
	setenv("CK_DEFAULT_TIMEOUT", "60", 0);
}

int unit_run(Suite *suite)
{
	const char *base = getenv("TMPDIR");
	char path[sizeof(scratch) + 8];
	SRunner *runner = srunner_create(suite);
	FILE *tap;
	int failed;

	snprintf(scratch, sizeof(scratch), "%s/koshien-unit-XXXXXX", base != NULL ? base : "/tmp");
	skips = mmap(NULL, sizeof(*skips), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mkdtemp(scratch) == NULL || skips == MAP_FAILED) {
		printf("Bail out! no scratch folder %s\n", scratch);
		return EXIT_FAILURE;
	}
	snprintf(path, sizeof(path), "%s/tap", scratch);
	ks_log_set_sink(drop_line, NULL);
	srunner_set_tap(runner, path);
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	tap = fopen(path, "re");
	if (tap != NULL) {
		print_tap(tap);
		fclose(tap);
	}
	nftw(scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return failed == 0 && tap != NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}
