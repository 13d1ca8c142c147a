/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/packet_mode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "nat64/config.h"
#include "nat64/describe.h"

struct run {
	FILE *out;
	unsigned n;
	bool failed;
	struct ks_xlat_counts counts;
	uint8_t buffer[KS_PACKET_HEADROOM + KS_PACKET_ROOM], scratch[KS_XLAT_SCRATCH];
};

bool ks_packet_mode_asked(int *argc, char **argv, const char **in, const char **out)
{
	*in = *out = NULL;
	for (int i = 1; i < *argc && strcmp(argv[i], "--") != 0; i++) {
		int words = *argc - i < 3 ? *argc - i : 3;

		if (strcmp(argv[i], "--packet") != 0)
			continue;
		*in = words > 1 ? argv[i + 1] : NULL;
		*out = words > 2 ? argv[i + 2] : NULL;
		/* The NULL at the end comes along. */
		memmove(&argv[i], &argv[i + words], (size_t)(*argc - i - words + 1) * sizeof(*argv));
		*argc -= words;
		return true;
	}
	return false;
}

static void emit(void *ctx, const struct ks_packet *packet, bool lasting)
{
	struct run *run = ctx;
	char text[KS_DESCRIBE_MAX];

	(void)lasting;
	run->n++;
	printf("out: %s\n", ks_describe(text, packet->data, packet->len));
	if (fwrite(packet->data, 1, packet->len, run->out) != packet->len)
		run->failed = true;
}

static int read_packet(struct run *run, const char *path, struct ks_packet *packet)
{
	FILE *file = fopen(path, "re");

	if (file == NULL) {
		ks_error("packet", "%s: %s", path, strerror(errno));
		return 1;
	}
	packet->data = run->buffer + KS_PACKET_HEADROOM;
	packet->len = fread(packet->data, 1, KS_PACKET_ROOM, file);
	if (ferror(file) != 0 || fgetc(file) != EOF) {
		ks_error("packet", "%s: expected one IP packet of at most %d bytes", path, KS_PACKET_ROOM);
		fclose(file);
		return 1;
	}
	fclose(file);
	return 0;
}

static void translate(struct run *run, const struct ks_nat64_config *config, struct ks_packet *packet)
{
	struct ks_xlat_settings settings = config->xlat;
	struct ks_xlat xlat = {
		.table = config->table, .settings = &settings, .counts = &run->counts, .emit = emit, .ctx = run,
		.now_us = ks_mono_us(&ks_clock_system), .random = 1, .scratch = run->scratch,
	};
	char text[KS_DESCRIBE_MAX];
	enum ks_xlat_drop why;

	if (getrandom(&xlat.random, sizeof(xlat.random), 0) != (ssize_t)sizeof(xlat.random) || xlat.random == 0)
		xlat.random = 1;
	if (settings.mtu4 == 0)
		settings.mtu4 = KS_PACKET_MODE_MTU;
	if (settings.mtu6 == 0)
		settings.mtu6 = KS_PACKET_MODE_MTU;
	printf("in: %s\n", ks_describe(text, packet->data, packet->len));
	why = ks_xlat(&xlat, packet);
	if (why == KS_XLAT_PASSED)
		printf("translated\n");
	else
		printf("dropped: %s: %s\n", ks_xlat_drop_names[why], ks_xlat_drop_help[why]);
}

static int run_with(const struct ks_nat64_config *config, const char *in, const char *out)
{
	struct run *run = calloc(1, sizeof(*run));
	struct ks_packet packet = { 0 };
	int status = run != NULL ? read_packet(run, in, &packet) : 1;

	if (status == 0) {
		run->out = fopen(out, "we");
		if (run->out != NULL)
			translate(run, config, &packet);
		if (run->out == NULL || fclose(run->out) != 0 || run->failed) {
			ks_error("packet", "%s: %s", out, strerror(errno));
			status = 1;
		}
	}
	free(run);
	return status;
}

int ks_packet_mode_run(int argc, char **argv, const char *in, const char *out)
{
	struct ks_nat64_config *config;
	int status;

	if (in == NULL || out == NULL) {
		ks_error("packet", "--packet: expected two files, as in nat64d --packet IN OUT --config FILE");
		return 2;
	}
	status = ks_nat64_config_load(argc, argv, &config);
	if (status != KS_SETTINGS_RUN)
		return status;
	status = run_with(config, in, out);
	ks_nat64_config_free(config);
	return status;
}
