/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/renditions.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/metrics.h"

#define QUALITY_AS_IT_IS 101	/* better than any that is made here */

/* What is to be made of one picture for one rendition. */
struct job {
	size_t rendition;
	int width, height, quality;
};

struct work {
	struct ks_picture planes;	/* the picture, ready to be scaled and encoded */
	bool encodable;			/* planes are there; else every job but those as it is fails, */
	enum ks_refusal why_not;	/* for this reason */
	const struct ks_picture *whole;
	int width, height;		/* of the whole picture */
	struct job jobs[KS_RENDITIONS_MAX];
	size_t n;
};

int ks_renditions_init(struct ks_renditions *renditions, const struct ks_renditions_settings *settings,
		       struct ks_publisher *publisher, const struct ks_clock *clock, ks_counter *encode_us)
{
	memset(renditions, 0, sizeof(*renditions));
	renditions->settings = *settings;
	renditions->publisher = publisher;
	renditions->clock = clock;
	renditions->encode_us = encode_us;
	return ks_encoder_new(&renditions->encoder);
}

void ks_renditions_free(struct ks_renditions *renditions)
{
	ks_encoder_free(renditions->encoder);
	ks_scaler_free(&renditions->scaler);
	renditions->encoder = NULL;
}

void ks_renditions_set(struct ks_renditions *renditions, const struct ks_renditions_settings *settings)
{
	struct ks_rendition_counts old[KS_RENDITIONS_MAX];

	memcpy(old, renditions->counts, sizeof(old));
	memset(renditions->counts, 0, sizeof(renditions->counts));
	for (size_t i = 0; i < settings->n; i++)
		for (size_t j = 0; j < renditions->settings.n; j++)
			if (strcmp(settings->list[i].name, renditions->settings.list[j].name) == 0)
				memcpy(&renditions->counts[i], &old[j], sizeof(old[j]));
	renditions->settings = *settings;
}

/* --- what there is to do ---------------------------------------------------------------------- */

static bool comes_before(const struct job *a, const struct job *b)
{
	int64_t pixels_a = (int64_t)a->width * a->height, pixels_b = (int64_t)b->width * b->height;

	return pixels_a != pixels_b ? pixels_a < pixels_b : a->quality < b->quality;
}

static void add_job(struct work *work, const struct job *job)
{
	size_t at = work->n++;

	for (; at > 0 && comes_before(job, &work->jobs[at - 1]); at--)
		work->jobs[at] = work->jobs[at - 1];
	work->jobs[at] = *job;
}

static void plan(const struct ks_renditions_settings *settings, struct work *work)
{
	for (size_t i = 0; i < settings->n; i++) {
		const struct ks_rendition *rendition = &settings->list[i];
		struct job job = { i, work->width, work->height, rendition->quality };

		if (rendition->width > 0)
			ks_scaler_fit(work->width, work->height, rendition->width, rendition->height, &job.width,
				      &job.height);
		if (job.quality == 0 && work->whole->layout == KS_PICTURE_JPEG && job.width == work->width &&
		    job.height == work->height)
			job.quality = QUALITY_AS_IT_IS;
		else if (job.quality == 0)
			job.quality = settings->quality;
		add_job(work, &job);
	}
}

/* --- a JPEG from outside ---------------------------------------------------------------------- */

/* The size that all jobs can be made from; false when none of them needs planes. */
static bool size_needed(const struct work *work, int *width, int *height)
{
	*width = *height = 0;
	for (size_t i = 0; i < work->n; i++) {
		const struct job *job = &work->jobs[i];

		if (job->quality == QUALITY_AS_IT_IS)
			continue;
		*width = job->width > *width ? job->width : *width;
		*height = job->height > *height ? job->height : *height;
	}
	return *width > 0;
}

static enum ks_refusal refusal_of(int err)
{
	switch (err) {
	case KS_EMALFORMED:
		return (enum ks_refusal)KS_JPEG_CORRUPT;
	case KS_ELIMIT:
		return (enum ks_refusal)KS_JPEG_DIMENSIONS;
	case KS_EVERSION:
		return KS_REFUSED_COLOURS;
	default:
		return KS_REFUSED_ENCODER;
	}
}

/* Decodes for what has to be encoded, which is a check at the same time; else checks. KS_JPEG_GOOD, or why the picture
 * may not be used at all. */
static enum ks_jpeg_fault open_jpeg(struct ks_renditions *renditions, struct work *work,
				    const struct ks_jpeg_info *info)
{
	const struct ks_picture *whole = work->whole;
	bool verify = renditions->settings.verify_decode;
	int width, height, err;

	if (size_needed(work, &width, &height)) {
		err = ks_encoder_decode(renditions->encoder, whole->jpeg, whole->jpeg_len, info, width, height, verify,
					&work->planes);
		work->encodable = err == KS_EOK;
		work->why_not = refusal_of(err);
		if (verify && (err == KS_EMALFORMED || err == KS_ELIMIT))
			return (enum ks_jpeg_fault)work->why_not;
		verify = verify && err != KS_EOK;
	}
	return verify ? ks_encoder_check(renditions->encoder, whole->jpeg, whole->jpeg_len, info) : KS_JPEG_GOOD;
}

/* --- one rendition ---------------------------------------------------------------------------- */

/* What is smaller than the source has its chroma halved both ways, whatever the source does. */
static bool as_decoded(const struct work *work, const struct job *job)
{
	const struct ks_picture *planes = &work->planes;

	return job->width == planes->width && job->height == planes->height &&
	       ((job->width == work->width && job->height == work->height) || planes->layout == KS_PICTURE_YUV420 ||
		planes->layout == KS_PICTURE_GREY);
}

static int make_jpeg(struct ks_renditions *renditions, const struct work *work, const struct job *job,
		     const uint8_t **jpeg, size_t *len, enum ks_refusal *refusal)
{
	struct ks_picture picture = work->planes;
	int err = KS_EOK;

	if (job->quality == QUALITY_AS_IT_IS) {
		*jpeg = work->whole->jpeg;
		*len = work->whole->jpeg_len;
		return KS_EOK;
	}
	*refusal = work->encodable ? KS_REFUSED_ENCODER : work->why_not;
	if (!work->encodable)
		return KS_EMALFORMED;
	if (!as_decoded(work, job))
		err = ks_scaler_scale(&renditions->scaler, &work->planes, job->width, job->height, &picture);
	if (err == KS_EOK)
		err = ks_encoder_encode(renditions->encoder, &picture, job->quality, jpeg, len);
	return err == KS_EOK ? KS_EOK : KS_EMALFORMED;
}

/* KS_EOK, KS_EMALFORMED with the reason, or an error that no other picture will mend. */
static int publish_one(struct ks_renditions *renditions, const struct work *work, const struct job *job,
		       enum ks_refusal *refusal)
{
	struct ks_rendition_counts *counts = &renditions->counts[job->rendition];
	const char *name = renditions->settings.list[job->rendition].name;
	enum ks_jpeg_fault fault = KS_JPEG_GOOD;
	int64_t began_us = ks_mono_us(renditions->clock);
	const uint8_t *jpeg;
	size_t len, sent;
	int err = make_jpeg(renditions, work, job, &jpeg, &len, refusal);

	ks_count_add(renditions->encode_us, (uint64_t)(ks_mono_us(renditions->clock) - began_us));
	if (err != KS_EOK)
		return err;
	err = ks_publish(renditions->publisher, name, jpeg, len, &sent, &fault);
	if (err == KS_EOK) {
		ks_count(&counts->frames);
		ks_count_add(&counts->bytes, sent);
	} else if (fault != KS_JPEG_GOOD) {
		*refusal = (enum ks_refusal)fault;
		err = KS_EMALFORMED;
	}
	return err;
}

static void leave_out(struct ks_renditions *renditions, const struct job *job, enum ks_refusal refusal)
{
	const char *name = renditions->settings.list[job->rendition].name;

	ks_count(&renditions->counts[job->rendition].dropped[refusal]);
	if (ks_log_gate(&renditions->gate, ks_mono_us(renditions->clock), NULL))
		ks_warn("encoder", "%s: a picture of %dx%d was left out: %s", name, job->width, job->height,
			ks_refusal_name(refusal));
}

/* --- one instant ------------------------------------------------------------------------------ */

static int publish_all(struct ks_renditions *renditions, const struct work *work, uint8_t flags,
		       enum ks_refusal *refusal)
{
	enum ks_refusal refusals[KS_RENDITIONS_MAX];
	int errs[KS_RENDITIONS_MAX], err;
	bool any;

	err = ks_publish_begin(renditions->publisher, work->whole->captured_us, work->whole->captured_mono_us, flags);
	for (size_t i = 0; i < work->n && err == KS_EOK; i++) {
		errs[i] = publish_one(renditions, work, &work->jobs[i], &refusals[i]);
		if (errs[i] != KS_EOK && errs[i] != KS_EMALFORMED)
			err = errs[i];
	}
	if (err != KS_EOK)
		return err;
	any = ks_publish_end(renditions->publisher);
	for (size_t i = 0; i < work->n; i++) {
		if (errs[i] == KS_EOK)
			continue;
		*refusal = refusals[i];
		/* A picture of which nothing could be used is the caller's to count. */
		if (any)
			leave_out(renditions, &work->jobs[i], refusals[i]);
	}
	return any ? KS_EOK : KS_EMALFORMED;
}

int ks_renditions_publish(struct ks_renditions *renditions, const struct ks_picture *picture, uint8_t flags,
			  enum ks_refusal *refusal)
{
	struct work work = { .whole = picture, .planes = *picture, .encodable = true, .width = picture->width,
			     .height = picture->height };
	int64_t began_us = ks_mono_us(renditions->clock);
	enum ks_jpeg_fault fault = KS_JPEG_GOOD;
	struct ks_jpeg_info info;

	if (picture->layout == KS_PICTURE_JPEG) {
		fault = ks_jpeg_check(picture->jpeg, picture->jpeg_len, &info);
		if (fault == KS_JPEG_GOOD) {
			work.width = info.width;
			work.height = info.height;
		}
	}
	if (fault == KS_JPEG_GOOD)
		plan(&renditions->settings, &work);
	if (fault == KS_JPEG_GOOD && picture->layout == KS_PICTURE_JPEG)
		fault = open_jpeg(renditions, &work, &info);
	if (fault != KS_JPEG_GOOD) {
		*refusal = (enum ks_refusal)fault;
		return KS_EMALFORMED;
	}
	if (picture->layout == KS_PICTURE_JPEG)
		ks_count_add(renditions->encode_us, (uint64_t)(ks_mono_us(renditions->clock) - began_us));
	return publish_all(renditions, &work, flags, refusal);
}

/* --- metrics ---------------------------------------------------------------------------------- */

static void write_dropped(const struct ks_renditions *renditions, size_t i, const char *family, FILE *out)
{
	for (int r = 1; r < (int)KS_REFUSALS; r++) {
		uint64_t n = ks_counted(&renditions->counts[i].dropped[r]);

		if (n > 0)
			ks_prom_sample(out, family, (double)n, "rendition", renditions->settings.list[i].name, "reason",
				       ks_refusal_name((enum ks_refusal)r), NULL);
	}
}

void ks_renditions_metrics(const struct ks_renditions *renditions, FILE *out)
{
	static const char frames[] = "koshien_capture_rendition_frames_total";
	static const char bytes[] = "koshien_capture_rendition_bytes_total";
	static const char dropped[] = "koshien_capture_rendition_dropped_total";
	const struct ks_renditions_settings *set = &renditions->settings;

	ks_prom_family(out, frames, "counter", "Frames, signed and handed to the sender, placeholders included.");
	for (size_t i = 0; i < set->n; i++)
		ks_prom_sample(out, frames, (double)ks_counted(&renditions->counts[i].frames), "rendition",
			       set->list[i].name, NULL);
	ks_prom_family(out, bytes, "counter", "Bytes of JPEG in these frames.");
	for (size_t i = 0; i < set->n; i++)
		ks_prom_sample(out, bytes, (double)ks_counted(&renditions->counts[i].bytes), "rendition",
			       set->list[i].name, NULL);
	ks_prom_family(out, dropped, "counter", "Frames not made, of pictures of which others could be.");
	for (size_t i = 0; i < set->n; i++)
		write_dropped(renditions, i, dropped, out);
}
