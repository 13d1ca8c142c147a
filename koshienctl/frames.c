/* SPDX-License-Identifier: Apache-2.0 */
#include "koshienctl/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "koshienctl/holding.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/store/store.h"

enum { OPT_SAVE, OPT_ID, OPT_JSON };

/* --- the table -------------------------------------------------------------------------------- */

static void age_text(char *out, size_t size, int64_t us)
{
	if (us < 0)
		snprintf(out, size, "never");
	else if (us < 100 * KS_US_PER_S)
		snprintf(out, size, "%.1f s", (double)us / (double)KS_US_PER_S);
	else
		snprintf(out, size, "%lld min", (long long)(us / (60 * KS_US_PER_S)));
}

static void print_holding(const struct ks_holding *h)
{
	char id[KS_FRAME_ID_TEXT] = "-", age[32] = "-", writer[32];

	if (h->state == KS_HOLDING_UNREADABLE) {
		printf("%-24s  %-9s  %s: %s\n", h->channel, h->rendition, ks_holding_state_names[h->state],
		       ks_strerror(h->err));
		return;
	}
	if (h->frames > 0) {
		ks_frame_id_format(h->newest.id, id);
		age_text(age, sizeof(age), h->age_us > 0 ? h->age_us : 0);
	}
	age_text(writer, sizeof(writer), h->writer_age_us);
	printf("%-24s  %-9s  %-10s  %-21s  %8s  %6zu  %9.1f  %8s%s\n", h->channel, h->rendition,
	       ks_holding_state_names[h->state], id, age, h->frames, (double)h->bytes / 1024, writer,
	       h->frames > 0 && (h->newest.flags & KS_FRAME_PLACEHOLDER) != 0 ? "  placeholder: the camera is away" : "");
}

static void print_table(const struct ks_holdings *holdings)
{
	printf("%-24s  %-9s  %-10s  %-21s  %8s  %6s  %9s  %8s\n", "CHANNEL", "RENDITION", "STATE", "NEWEST", "AGE",
	       "FRAMES", "KIB", "WRITER");
	for (size_t i = 0; i < holdings->n; i++)
		print_holding(&holdings->all[i]);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *holding_json(const struct ks_holding *h)
{
	json_t *one = json_pack("{s:s,s:s,s:s}", "channel", h->channel, "rendition", h->rendition, "state",
				ks_holding_state_names[h->state]);
	char id[KS_FRAME_ID_TEXT];

	if (h->state == KS_HOLDING_UNREADABLE) {
		json_object_set_new(one, "why", json_string(ks_strerror(h->err)));
		return one;
	}
	json_object_set_new(one, "frames", json_integer((json_int_t)h->frames));
	json_object_set_new(one, "bytes", json_integer((json_int_t)h->bytes));
	json_object_set_new(one, "writer_age_ms",
			    h->writer_age_us < 0 ? json_null() : json_integer(h->writer_age_us / KS_US_PER_MS));
	if (h->frames == 0)
		return one;
	json_object_set_new(one, "newest", json_string(ks_frame_id_format(h->newest.id, id)));
	json_object_set_new(one, "captured_ms", json_integer(h->newest.captured_us / KS_US_PER_MS));
	json_object_set_new(one, "age_ms", json_integer(h->age_us / KS_US_PER_MS));
	json_object_set_new(one, "held_ms", json_integer(h->held_us / KS_US_PER_MS));
	json_object_set_new(one, "period_ms", json_integer(h->newest.period_ms));
	json_object_set_new(one, "placeholder", json_boolean((h->newest.flags & KS_FRAME_PLACEHOLDER) != 0));
	return one;
}

static void print_json(const struct ks_holdings *holdings)
{
	json_t *all = json_array();

	for (size_t i = 0; i < holdings->n; i++)
		json_array_append_new(all, holding_json(&holdings->all[i]));
	if (json_dumpf(all, stdout, JSON_COMPACT) == 0)
		printf("\n");
	json_decref(all);
}

/* --- one picture ------------------------------------------------------------------------------ */

static enum ks_exit write_picture(const char *path, const struct ks_frame *frame)
{
	FILE *file = fopen(path, "wbe");
	bool good = file != NULL && fwrite(ks_frame_jpeg(frame), 1, frame->m.length, file) == frame->m.length;

	if (file != NULL && fclose(file) != 0)
		good = false;
	if (!good) {
		ks_error("frames", "%s: %s", path, strerror(errno));
		return KS_EXIT_FAILED;
	}
	return KS_EXIT_GOOD;
}

static enum ks_exit save(const struct ks_arguments *args, const struct ks_holding *h)
{
	const char *path = args->value[OPT_SAVE], *wanted = args->value[OPT_ID];
	struct ks_store_reader *reader;
	struct ks_store_copy *copy;
	struct ks_frame_id id;
	char text[KS_FRAME_ID_TEXT];
	enum ks_exit status = KS_EXIT_FAILED;
	int err;

	if (wanted != NULL && ks_frame_id_parse(wanted, strlen(wanted), &id) != KS_EOK)
		return ks_usage(args->command, "--id: expected an id such as 1790000000-7, got '%s'", wanted);
	err = ks_store_reader_open(&reader, args->words[0], h->channel, h->rendition);
	if (err == KS_EOK) {
		err = wanted != NULL ? ks_store_read(reader, id, NULL, &copy) : ks_store_read_newest(reader, NULL, &copy);
		ks_store_reader_close(reader);
	}
	if (err != KS_EOK) {
		ks_error("frames", "%s of %s/%s: %s", wanted != NULL ? wanted : "the newest picture", h->channel,
			 h->rendition, ks_strerror(err));
		return KS_EXIT_FAILED;
	}
	status = write_picture(path, &copy->frame);
	if (status == KS_EXIT_GOOD)
		fprintf(stderr, "%s: picture %s of %s/%s, %u bytes\n", path, ks_frame_id_format(copy->frame.m.id, text),
			h->channel, h->rendition, copy->frame.m.length);
	free(copy);
	return status;
}

/* --- the command ------------------------------------------------------------------------------ */

/* Good when there is a picture in each, whatever its age. */
static enum ks_exit judge(const struct ks_holdings *holdings)
{
	for (size_t i = 0; i < holdings->n; i++)
		if (holdings->all[i].state == KS_HOLDING_UNREADABLE || holdings->all[i].frames == 0)
			return KS_EXIT_FAILED;
	return KS_EXIT_GOOD;
}

static enum ks_exit show(const struct ks_arguments *args, const struct ks_holdings *holdings)
{
	if (args->value[OPT_SAVE] != NULL && holdings->n > 1)
		return ks_usage(args->command, "--save: there are %zu stores; name the channel and rendition", holdings->n);
	if (args->value[OPT_JSON] != NULL)
		print_json(holdings);
	else if (holdings->n > 0 && args->value[OPT_SAVE] == NULL)
		print_table(holdings);
	if (holdings->n == 0) {
		ks_error("frames", "%s: no store%s there; is it the store-dir of a relay?", args->words[0],
			 args->n_words > 1 ? " of that name" : "");
		return KS_EXIT_FAILED;
	}
	if (args->value[OPT_SAVE] != NULL)
		return save(args, &holdings->all[0]);
	return judge(holdings);
}

static enum ks_exit run_frames(const struct ks_arguments *args)
{
	const char *dir = args->words[0], *channel = args->n_words > 1 ? args->words[1] : NULL;
	const char *rendition = args->n_words > 2 ? args->words[2] : NULL;
	struct ks_holdings holdings;
	enum ks_exit status;
	int err;

	if (channel != NULL && ks_channel_expected(channel) != NULL)
		return ks_usage(args->command, "CHANNEL: expected %s", ks_channel_expected(channel));
	if (rendition != NULL && ks_rendition_expected(rendition) != NULL)
		return ks_usage(args->command, "RENDITION: expected %s", ks_rendition_expected(rendition));
	if (args->value[OPT_ID] != NULL && args->value[OPT_SAVE] == NULL)
		return ks_usage(args->command, "--id goes with --save");
	err = ks_holdings_read(&holdings, dir, channel, rendition, &ks_clock_system);
	if (err != KS_EOK) {
		ks_error("frames", "%s: %s; expected the store-dir of a relay", dir, ks_strerror(err));
		return KS_EXIT_FAILED;
	}
	status = show(args, &holdings);
	ks_holdings_free(&holdings);
	return status;
}

static const struct ks_option options[] = {
	[OPT_SAVE] = { "save", "FILE", "write the newest picture to this file", NULL },
	[OPT_ID] = { "id", "ID", "with --save: this picture instead of the newest", NULL },
	[OPT_JSON] = { "json", NULL, "one line of JSON instead of a table", NULL },
	{ NULL, NULL, NULL, NULL }
};

const struct ks_command ks_command_frames = {
	.name = "frames", .words = "DIR [CHANNEL [RENDITION]]", .words_min = 1, .words_max = 3,
	.summary = "show what the frame stores of a relay hold",
	.details = "DIR is the relay's store-dir. A store is live, stale (nothing new for three periods), dead (nothing\n"
		   "for 30 s), empty, without a writer, or unreadable. AGE is since capture, by the clocks of both machines.\n"
		   "Exits 1 when there is no store, or one that cannot be read or holds no picture.\n",
	.options = options, .run = run_frames,
};
