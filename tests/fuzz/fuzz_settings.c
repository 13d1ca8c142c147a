/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct relay {
	char *name;
	char *address;
	int64_t weight;
	struct ks_list zones;
};

struct settings {
	char *source;
	int64_t period_ms;
	bool fast;
	struct ks_list listen;
	struct ks_list relays;
};

static const struct ks_setting relay_fields[] = {
	{ .name = "address", .type = KS_TEXT, .offset = offsetof(struct relay, address), .arg = "HOST:PORT",
	  .required = true },
	{ .name = "weight", .type = KS_NUMBER, .offset = offsetof(struct relay, weight), .arg = "N", .preset = "10",
	  .min = 0, .max = 100 },
	{ .name = "zone", .type = KS_LIST, .offset = offsetof(struct relay, zones), .arg = "ZONE", .preset = "any" },
	{ .name = NULL },
};

static const struct ks_setting table[] = {
	{ .name = "source", .type = KS_TEXT, .offset = offsetof(struct settings, source), .arg = "SOURCE",
	  .preset = "test" },
	{ .name = "frame-period", .type = KS_NUMBER, .offset = offsetof(struct settings, period_ms), .arg = "MS",
	  .preset = "1000", .min = 20, .max = 60000 },
	{ .name = "fast", .type = KS_SWITCH, .offset = offsetof(struct settings, fast), .arg = "yes|no" },
	{ .name = "listen", .type = KS_LIST, .offset = offsetof(struct settings, listen), .arg = "ADDRESS",
	  .preset = "*:1" },
	{ .name = "relay", .type = KS_SECTIONS, .offset = offsetof(struct settings, relays),
	  .arg = "NAME,address=HOST:PORT", .fields = relay_fields, .item_size = sizeof(struct relay) },
	{ .name = NULL },
};

static const struct ks_program program = {
	.name = "fuzz", .summary = "", .settings = table, .size = sizeof(struct settings),
};

static void drop_line(void *ctx, enum ks_log_level level, const char *token, const char *text)
{
	(void)ctx;
	(void)level;
	(void)token;
	if (strchr(text, '\n') != NULL)
		abort();
}

static void check(const struct settings *got)
{
	if (got->source == NULL || got->period_ms < 20 || got->period_ms > 60000)
		abort();
	for (size_t i = 0; i < got->listen.n; i++)
		if (ks_list_text(&got->listen, i) == NULL)
			abort();
	for (size_t i = 0; i < got->relays.n; i++) {
		const struct relay *relay = (const struct relay *)got->relays.items + i;

		if (relay->name == NULL || *relay->name == '\0' || relay->address == NULL || relay->weight > 100)
			abort();
	}
}

static void load(char *option, char *value)
{
	char name[] = "fuzz", *argv[] = { name, option, value, NULL };
	struct settings got;

	if (ks_settings_load(&program, value != NULL ? 3 : 2, argv, &got) == KS_SETTINGS_RUN) {
		check(&got);
		ks_settings_free(&program, &got);
	}
}

/* The bytes as a configuration file, and as a section on the command line. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char path[64], config[] = "--config", *section = malloc(len + sizeof("--relay="));
	int fd = memfd_create("config", MFD_CLOEXEC);

	ks_log_set_sink(drop_line, NULL);
	if (section != NULL && fd >= 0 && write(fd, bytes, len) == (ssize_t)len) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		load(config, path);
		memcpy(section, "--relay=", 8);
		memcpy(section + 8, bytes, len);
		section[8 + len] = '\0';
		load(section, NULL);
	}
	if (fd >= 0)
		close(fd);
	free(section);
	return 0;
}
