/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/stores.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/metrics.h"

#define DIR_MODE 0755

/* One channel and rendition. */
struct slot {
	char channel[KS_CHANNEL_MAX + 1], rendition[KS_RENDITION_MAX + 1];
	struct ks_store_writer *writer;		/* NULL: could not be opened */
	int64_t retry_us, retry_after_us;
	int64_t arrived_us;			/* the newest frame's, monotonic; 0: none in this run */
	int64_t silent_after_us;		/* the newest frame's three periods */
	bool silent;
	ks_counter frames, bytes, silences;
};

struct ks_stores {
	struct ks_stores_settings settings;
	const struct ks_clock *clock;
	struct slot *slots;			/* settings.max of them */
	size_t n;
};

/* --- the directory ------------------------------------------------------------------------------ */

static int prepare_dir(const char *dir)
{
	struct stat st;
	int err = stat(dir, &st) == 0 ? KS_EOK : -errno;

	if (err == -ENOENT) {
		err = mkdir(dir, DIR_MODE) == 0 && stat(dir, &st) == 0 ? KS_EOK : -errno;
		if (err == KS_EOK)
			ks_info("store", "made %s", dir);
	}
	if (err == KS_EOK && !S_ISDIR(st.st_mode))
		err = -ENOTDIR;
	if (err == KS_EOK && access(dir, W_OK | X_OK) != 0)
		err = -errno;
	if (err != KS_EOK)
		ks_error("store", "store-dir: %s: %s; make a folder there that this user may write, or choose another "
			 "with --store-dir", dir, ks_strerror(err));
	return err;
}

/* --- slots -------------------------------------------------------------------------------------- */

static struct slot *find(struct ks_stores *stores, const char *channel, const char *rendition)
{
	for (size_t i = 0; i < stores->n; i++)
		if (strcmp(stores->slots[i].channel, channel) == 0 && strcmp(stores->slots[i].rendition, rendition) == 0)
			return &stores->slots[i];
	return NULL;
}

static struct slot *add(struct ks_stores *stores, const char *channel, const char *rendition)
{
	struct slot *slot;

	if (stores->n == stores->settings.max)
		return NULL;
	slot = &stores->slots[stores->n++];
	strcpy(slot->channel, channel);
	strcpy(slot->rendition, rendition);
	slot->retry_after_us = KS_STORES_RETRY_MIN_US;
	return slot;
}

/* The opener logs why it failed; the growing distance between tries keeps that at one line a minute. */
static int open_slot(struct ks_stores *stores, struct slot *slot, int64_t now_us)
{
	int err;

	if (now_us < slot->retry_us)
		return KS_ENODATA;
	err = ks_store_writer_open(&slot->writer, stores->settings.dir, slot->channel, slot->rendition,
				   &stores->settings.shape, stores->clock);
	if (err == KS_EOK) {
		slot->retry_after_us = KS_STORES_RETRY_MIN_US;
		return KS_EOK;
	}
	slot->retry_us = now_us + slot->retry_after_us;
	slot->retry_after_us *= 2;
	if (slot->retry_after_us > KS_STORES_RETRY_MAX_US)
		slot->retry_after_us = KS_STORES_RETRY_MAX_US;
	return err;
}

static int take_up(void *ctx, const char *channel, const char *rendition)
{
	struct ks_stores *stores = ctx;
	struct slot *slot = add(stores, channel, rendition);
	struct ks_manifest m;
	char id[KS_FRAME_ID_TEXT];
	int err;

	if (slot == NULL) {
		ks_warn("store", "%s: holds more than channels-max = %zu stores; remove the files of old channels",
			stores->settings.dir, stores->settings.max);
		return KS_ELIMIT;
	}
	err = open_slot(stores, slot, ks_mono_us(stores->clock));
	if (err == KS_EOK && ks_store_newest(slot->writer, &m))
		ks_info("store", "%s/%s: going on after frame %s", channel, rendition, ks_frame_id_format(m.id, id));
	return err == -EBUSY ? err : 0;
}

/* --- life --------------------------------------------------------------------------------------- */

int ks_stores_new(struct ks_stores **out, const struct ks_stores_settings *settings, const struct ks_clock *clock)
{
	struct ks_stores *stores;
	int err = prepare_dir(settings->dir);

	if (err != KS_EOK)
		return err;
	stores = calloc(1, sizeof(*stores));
	if (stores != NULL)
		stores->slots = calloc(settings->max, sizeof(*stores->slots));
	if (stores == NULL || stores->slots == NULL) {
		free(stores);
		return -ENOMEM;
	}
	stores->settings = *settings;
	stores->clock = clock;
	err = ks_store_scan(settings->dir, take_up, stores);
	if (err != KS_EOK && err != KS_ELIMIT) {
		if (err != -EBUSY)
			ks_error("store", "store-dir: %s: %s", settings->dir, ks_strerror(err));
		ks_stores_free(stores);
		return err;
	}
	*out = stores;
	return KS_EOK;
}

void ks_stores_free(struct ks_stores *stores)
{
	if (stores == NULL)
		return;
	for (size_t i = 0; i < stores->n; i++)
		ks_store_writer_close(stores->slots[i].writer);
	free(stores->slots);
	free(stores);
}

void ks_stores_each(const struct ks_stores *stores, void (*each)(void *ctx, const struct ks_manifest *newest),
		    void *ctx)
{
	for (size_t i = 0; i < stores->n; i++) {
		struct ks_manifest m;

		if (stores->slots[i].writer != NULL && ks_store_newest(stores->slots[i].writer, &m))
			each(ctx, &m);
	}
}

/* --- frames ------------------------------------------------------------------------------------- */

static void note_frame(struct slot *slot, const struct ks_frame *frame, int64_t now_us)
{
	char id[KS_FRAME_ID_TEXT];

	if (slot->arrived_us == 0)
		ks_info("relay", "%s/%s: first frame %s, %u x %u, every %" PRIu32 " ms", slot->channel, slot->rendition,
			ks_frame_id_format(frame->m.id, id), frame->m.width, frame->m.height, frame->m.period_ms);
	else if (slot->silent)
		ks_info("relay", "%s/%s: back with frame %s after %" PRId64 " ms", slot->channel, slot->rendition,
			ks_frame_id_format(frame->m.id, id), (now_us - slot->arrived_us) / KS_US_PER_MS);
	slot->silent = false;
	slot->arrived_us = now_us;
	slot->silent_after_us = KS_STORES_SILENT_PERIODS * (int64_t)frame->m.period_ms * KS_US_PER_MS;
	ks_count(&slot->frames);
	ks_count_add(&slot->bytes, frame->len);
}

int ks_stores_publish(struct ks_stores *stores, const struct ks_frame *frame)
{
	struct slot *slot = find(stores, frame->m.channel, frame->m.rendition);
	int64_t now_us = ks_mono_us(stores->clock);
	int err = KS_EOK;

	if (slot == NULL)
		slot = add(stores, frame->m.channel, frame->m.rendition);
	if (slot == NULL)
		return KS_ELIMIT;
	if (slot->writer == NULL)
		err = open_slot(stores, slot, now_us);
	if (err == KS_EOK)
		err = ks_store_publish(slot->writer, frame);
	if (err == KS_EOK)
		note_frame(slot, frame, now_us);
	return err;
}

void ks_stores_beat(struct ks_stores *stores)
{
	int64_t now_us = ks_mono_us(stores->clock);

	for (size_t i = 0; i < stores->n; i++) {
		struct slot *slot = &stores->slots[i];

		if (slot->writer != NULL)
			ks_store_beat(slot->writer);
		if (slot->arrived_us == 0 || slot->silent || now_us - slot->arrived_us <= slot->silent_after_us)
			continue;
		slot->silent = true;
		ks_count(&slot->silences);
		ks_warn("relay", "%s/%s: no frame for %" PRId64 " ms", slot->channel, slot->rendition,
			(now_us - slot->arrived_us) / KS_US_PER_MS);
	}
}

/* --- numbers ------------------------------------------------------------------------------------ */

void ks_stores_summarize(const struct ks_stores *stores, struct ks_stores_summary *summary)
{
	*summary = (struct ks_stores_summary){ 0, 0, 0 };
	for (size_t i = 0; i < stores->n; i++) {
		const struct slot *slot = &stores->slots[i];

		summary->frames += ks_counted(&slot->frames);
		if (slot->silent)
			summary->silent++;
		else if (slot->arrived_us != 0)
			summary->channels++;
	}
}

static void family(const struct ks_stores *stores, FILE *out, const char *name, const char *type, const char *help,
		   double (*value)(const struct slot *slot))
{
	ks_prom_family(out, name, type, help);
	for (size_t i = 0; i < stores->n; i++)
		ks_prom_sample(out, name, value(&stores->slots[i]), "channel", stores->slots[i].channel, "rendition",
			       stores->slots[i].rendition, NULL);
}

static double frames(const struct slot *slot) { return (double)ks_counted(&slot->frames); }
static double bytes(const struct slot *slot) { return (double)ks_counted(&slot->bytes); }
static double silences(const struct slot *slot) { return (double)ks_counted(&slot->silences); }

static double captured(const struct slot *slot)
{
	struct ks_manifest m = { .captured_us = 0 };

	if (slot->writer != NULL)
		ks_store_newest(slot->writer, &m);
	return (double)m.captured_us / (double)KS_US_PER_S;
}

void ks_stores_metrics(const struct ks_stores *stores, FILE *out)
{
	family(stores, out, "koshien_relay_frames_total", "counter", "Frames published to the store.", frames);
	family(stores, out, "koshien_relay_bytes_total", "counter", "Bytes of frames published to the store.", bytes);
	family(stores, out, "koshien_relay_silences_total", "counter", "Times that no frame came for three periods.",
	       silences);
	family(stores, out, "koshien_relay_newest_captured_timestamp_seconds", "gauge",
	       "When the newest frame held was captured, by its source's clock; 0: none.", captured);
}
