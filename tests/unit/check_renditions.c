/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/renditions.h"

#include <sodium.h>
#include <turbojpeg.h>

#include "capture/card.h"
#include "tests/unit/capture_pictures.h"

#define DELIVERED_MAX 16

static uint8_t public_key[KS_PUBLIC_KEY_SIZE];
static struct ks_publisher publisher;
static struct ks_renditions renditions;
static struct ks_manifest got[DELIVERED_MAX];
static struct jpeg bodies[DELIVERED_MAX];	/* without their stamps */
static unsigned n;
static ks_counter encode_us;

static void deliver(void *ctx, const struct ks_frame *frame)
{
	struct ks_trust trust = { .n = 1 };
	const uint8_t *jpeg = ks_frame_jpeg(frame);
	struct ks_jpeg_stamp stamp;
	struct ks_frame seen;
	size_t cut;

	(void)ctx;
	memcpy(trust.keys[0], public_key, KS_PUBLIC_KEY_SIZE);
	ck_assert_int_eq(ks_frame_verify(frame->bytes, frame->len, &trust, &seen), KS_EOK);
	ck_assert_int_eq(ks_jpeg_stamp_read(jpeg, frame->m.length, &stamp, &cut), KS_EOK);
	ck_assert_uint_lt(n, DELIVERED_MAX);
	got[n] = seen.m;
	bodies[n].len = frame->m.length - cut;
	bodies[n].bytes = malloc(bodies[n].len);
	memcpy(bodies[n].bytes, jpeg, 2);
	memcpy(bodies[n].bytes + 2, jpeg + 2 + cut, bodies[n].len - 2);
	n++;
}

static void forget(void)
{
	while (n > 0)
		free(bodies[--n].bytes);
}

static void setup(void)
{
	static const struct ks_renditions_settings one = { .list = { { .name = "std" } }, .n = 1, .quality = 80,
							   .verify_decode = true };

	ck_assert_int_ge(sodium_init(), 0);
	ck_assert_int_eq(ks_publisher_init(&publisher), KS_EOK);
	ks_keypair(public_key, publisher.secret_key);
	publisher.channel = "main";
	publisher.period_ms = 1000;
	publisher.next.epoch = 5;
	publisher.deliver = deliver;
	n = 0;
	unit_log_start();
	ck_assert_int_eq(ks_renditions_init(&renditions, &one, &publisher, &ks_clock_system, &encode_us), KS_EOK);
}

static void teardown(void)
{
	forget();
	ks_renditions_free(&renditions);
	ks_publisher_free(&publisher);
}

static void set(const struct ks_rendition *list, size_t n_list)
{
	struct ks_renditions_settings settings = { .n = n_list, .quality = 80, .verify_decode = true };

	memcpy(settings.list, list, n_list * sizeof(*list));
	ks_renditions_set(&renditions, &settings);
}
#define SET(...) set((const struct ks_rendition[]){ __VA_ARGS__ }, \
		     sizeof((const struct ks_rendition[]){ __VA_ARGS__ }) / sizeof(struct ks_rendition))

static int publish(const struct ks_picture *picture, enum ks_refusal *refusal)
{
	return ks_renditions_publish(&renditions, picture, 0, refusal);
}

static int publish_jpeg(const struct jpeg *jpeg, enum ks_refusal *refusal)
{
	struct ks_picture picture = { .layout = KS_PICTURE_JPEG, .jpeg = jpeg->bytes, .jpeg_len = jpeg->len,
				      .captured_us = 1234567, .captured_mono_us = 89 };

	return publish(&picture, refusal);
}

static void assert_got(unsigned i, const char *name, unsigned width, unsigned height)
{
	ck_assert_uint_lt(i, n);
	ck_assert_str_eq(got[i].rendition, name);
	ck_assert_msg(got[i].width == width && got[i].height == height, "%s is %ux%u", name, got[i].width,
		      got[i].height);
}

static int subsampling_of(const struct jpeg *jpeg)
{
	tjhandle decoder = tjInitDecompress();
	int width, height, got_it = -1, space;

	ck_assert_int_eq(tjDecompressHeader3(decoder, jpeg->bytes, jpeg->len, &width, &height, &got_it, &space), 0);
	tjDestroy(decoder);
	return got_it;
}

/* A JPEG of noise on a gradient: it has detail at every scale. */
static struct jpeg make_jpeg(int width, int height, int subsampling, int pixel_format, int quality)
{
	tjhandle encoder = tjInitCompress();
	int bytes = tjPixelSize[pixel_format];
	unsigned char *pixels = malloc((size_t)(width * height * bytes)), *out = NULL;
	struct jpeg jpeg = { NULL, 0 };
	unsigned long len = 0;
	unsigned noise = 1;

	for (int i = 0; i < width * height * bytes; i++) {
		noise = noise * 1103515245 + 12345;
		pixels[i] = (unsigned char)(i / bytes % width * 128 / width + (int)(noise >> 16) % 96);
	}
	ck_assert_int_eq(tjCompress2(encoder, pixels, width, 0, height, pixel_format, &out, &len, subsampling, quality,
				     0), 0);
	jpeg.bytes = malloc(len);
	jpeg.len = len;
	memcpy(jpeg.bytes, out, len);
	tjFree(out);
	tjDestroy(encoder);
	free(pixels);
	return jpeg;
}

/* --- one id, smallest first ------------------------------------------------------------------- */

START_TEST(an_instant_is_one_group)
{
	struct ks_card card;
	struct ks_picture picture;
	enum ks_refusal refusal;

	ck_assert_int_eq(ks_card_init(&card, 1280, 720, "main"), KS_EOK);
	SET({ "std", 0, 0, 0 }, { "thumb", 320, 180, 50 }, { "low", 640, 640, 0 });
	for (uint32_t seq = 0; seq < 3; seq++) {
		ks_card_draw(&card, 1795262400000000 + seq * 1000000, publisher.next);
		picture = ks_card_picture(&card);
		picture.captured_us = 1795262400000000 + seq * 1000000;
		picture.captured_mono_us = 17 + seq;
		ck_assert_int_eq(publish(&picture, &refusal), KS_EOK);
		ck_assert_uint_eq(n, 3);
		assert_got(0, "thumb", 320, 180);
		assert_got(1, "low", 640, 360);
		assert_got(2, "std", 1280, 720);
		for (unsigned i = 0; i < 3; i++) {
			ck_assert_uint_eq(got[i].id.epoch, 5);
			ck_assert_uint_eq(got[i].id.seq, seq);
			ck_assert_int_eq(got[i].captured_us, picture.captured_us);
			ck_assert_int_eq(got[i].captured_mono_us, picture.captured_mono_us);
			ck_assert_uint_eq(got[i].source, publisher.source);
		}
		ck_assert_uint_lt(got[0].length, got[1].length);
		ck_assert_uint_lt(got[1].length, got[2].length);
		forget();
	}
	ck_assert_uint_eq(ks_counted(&renditions.counts[0].frames), 3);
	ck_assert_uint_eq(ks_counted(&renditions.counts[1].frames), 3);
	ck_assert_uint_gt(ks_counted(&renditions.counts[0].bytes), ks_counted(&renditions.counts[1].bytes));
	ks_card_free(&card);
}
END_TEST

START_TEST(one_size_in_two_qualities)
{
	struct jpeg jpeg = make_jpeg(320, 240, TJSAMP_422, TJPF_RGB, 90);
	enum ks_refusal refusal;

	SET({ "std", 0, 0, 0 }, { "rough", 0, 0, 20 }, { "fine", 0, 0, 60 });
	ck_assert_int_eq(publish_jpeg(&jpeg, &refusal), KS_EOK);
	assert_got(0, "rough", 320, 240);
	assert_got(1, "fine", 320, 240);
	assert_got(2, "std", 320, 240);
	ck_assert_uint_lt(got[0].length, got[1].length);
	ck_assert_uint_lt(got[1].length, got[2].length);
	ck_assert_int_eq(subsampling_of(&bodies[0]), TJSAMP_422);
	free(jpeg.bytes);
}
END_TEST

/* --- JPEGs from outside ----------------------------------------------------------------------- */

START_TEST(bytes_pass_where_nothing_is_asked)
{
	struct jpeg jpeg = make_jpeg(640, 480, TJSAMP_444, TJPF_RGB, 85);
	enum ks_refusal refusal;

	/* As it is: nothing said, or room enough. */
	SET({ "std", 0, 0, 0 }, { "large", 1280, 720, 0 }, { "low", 320, 320, 0 });
	ck_assert_int_eq(publish_jpeg(&jpeg, &refusal), KS_EOK);
	ck_assert_uint_eq(n, 3);
	assert_got(0, "low", 320, 240);
	ck_assert_int_eq(subsampling_of(&bodies[0]), TJSAMP_420);
	for (unsigned i = 1; i < 3; i++) {
		assert_got(i, i == 1 ? "std" : "large", 640, 480);
		ck_assert_uint_eq(bodies[i].len, jpeg.len);
		ck_assert_mem_eq(bodies[i].bytes, jpeg.bytes, jpeg.len);
	}
	free(jpeg.bytes);
}
END_TEST

/* How far apart two pictures of one size are, on average, in levels of luma. */
static double distance(const struct jpeg *a, const struct jpeg *b, int width, int height)
{
	tjhandle decoder = tjInitDecompress();
	size_t size = (size_t)(width * height);
	unsigned char *pixels = malloc(2 * size);
	double sum = 0;

	ck_assert_int_eq(tjDecompress2(decoder, a->bytes, a->len, pixels, width, 0, height, TJPF_GRAY, 0), 0);
	ck_assert_int_eq(tjDecompress2(decoder, b->bytes, b->len, pixels + size, width, 0, height, TJPF_GRAY, 0), 0);
	for (size_t i = 0; i < size; i++)
		sum += abs(pixels[i] - pixels[size + i]);
	tjDestroy(decoder);
	free(pixels);
	return sum / (double)size;
}

/* The same picture, whichever way it takes: by the decoder's own factors, by the scaler, or both. */
START_TEST(every_jpeg_can_be_made_smaller)
{
	static const int subsamplings[] = { TJSAMP_420, TJSAMP_422, TJSAMP_444, TJSAMP_440, TJSAMP_411, TJSAMP_GRAY };
	static const int sizes[][2] = { { 639, 479 }, { 640, 480 }, { 1281, 961 } };
	enum ks_refusal refusal;

	SET({ "a", 320, 240, 95 }, { "b", 200, 150, 95 }, { "c", 80, 60, 95 });
	for (size_t s = 0; s < sizeof(subsamplings) / sizeof(subsamplings[0]); s++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			struct jpeg jpeg = make_jpeg(sizes[i][0], sizes[i][1], subsamplings[s], TJPF_RGB, 95);
			struct jpeg alone = make_jpeg(80, 60, subsamplings[s], TJPF_RGB, 95);

			ck_assert_int_eq(publish_jpeg(&jpeg, &refusal), KS_EOK);
			assert_got(0, "c", 80, 60);
			assert_got(1, "b", 200, 150);
			assert_got(2, "a", 320, 240);
			ck_assert_int_eq(subsampling_of(&bodies[0]),
					 subsamplings[s] == TJSAMP_GRAY ? TJSAMP_GRAY : TJSAMP_420);
			/* A gradient from 48 to 176 that has lost its noise. */
			ck_assert_double_lt(distance(&bodies[0], &alone, 80, 60), 30);
			free(alone.bytes);
			free(jpeg.bytes);
			forget();
		}
}
END_TEST

/* The same picture with its colours called RGB: another first segment, Adobe's with transform 0. */
static struct jpeg call_it_rgb(const struct jpeg *jpeg)
{
	static const uint8_t adobe[] = "\xff\xd8\xff\xee\0\016Adobe\0\144\0\0\0\0\0";
	size_t head = sizeof(adobe) - 1, jfif = 2 + 2 + 16;
	struct jpeg rgb = { malloc(head + jpeg->len - jfif), head + jpeg->len - jfif };

	ck_assert_mem_eq(jpeg->bytes, "\xff\xd8\xff\xe0\0\020JFIF", 10);
	memcpy(rgb.bytes, adobe, head);
	memcpy(rgb.bytes + head, jpeg->bytes + jfif, jpeg->len - jfif);
	return rgb;
}

/* Its planes are red, green and blue, which is no YUV. */
START_TEST(rgb_takes_a_detour)
{
	struct jpeg yuv = make_jpeg(320, 240, TJSAMP_444, TJPF_RGB, 90), rgb = call_it_rgb(&yuv);
	enum ks_refusal refusal;

	SET({ "std", 0, 0, 95 });
	ck_assert_int_eq(publish_jpeg(&rgb, &refusal), KS_EOK);
	ck_assert_int_eq(subsampling_of(&bodies[0]), TJSAMP_420);
	ck_assert_double_gt(distance(&yuv, &rgb, 320, 240), 10);
	ck_assert_double_lt(distance(&bodies[0], &rgb, 320, 240), 3);
	free(rgb.bytes);
	free(yuv.bytes);
}
END_TEST

START_TEST(cmyk_goes_as_it_is_or_not_at_all)
{
	struct jpeg cmyk = make_jpeg(320, 240, TJSAMP_444, TJPF_CMYK, 85);
	enum ks_refusal refusal;

	SET({ "std", 0, 0, 0 }, { "low", 160, 120, 0 });
	ck_assert_int_eq(publish_jpeg(&cmyk, &refusal), KS_EOK);
	ck_assert_uint_eq(n, 1);
	assert_got(0, "std", 320, 240);
	ck_assert_uint_eq(ks_counted(&renditions.counts[1].dropped[KS_REFUSED_COLOURS]), 1);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "low: a picture of 160x120 was left out: colours"));
	forget();

	SET({ "low", 160, 120, 0 });
	ck_assert_int_eq(publish_jpeg(&cmyk, &refusal), KS_EMALFORMED);
	ck_assert_int_eq(refusal, KS_REFUSED_COLOURS);
	ck_assert_uint_eq(publisher.next.seq, 1);
	free(cmyk.bytes);
}
END_TEST

START_TEST(damage_is_found_on_the_way)
{
	struct jpeg jpeg = make_jpeg(640, 480, TJSAMP_420, TJPF_RGB, 85);
	struct jpeg cut = { malloc(jpeg.len), jpeg.len * 2 / 3 };
	struct ks_renditions_settings settings;
	enum ks_refusal refusal;

	/* Two thirds of the scan, and an end that hides it from everybody who does not decode. */
	memcpy(cut.bytes, jpeg.bytes, cut.len);
	if (cut.bytes[cut.len - 3] == 0xff)
		cut.bytes[cut.len - 3] = 0;
	memcpy(cut.bytes + cut.len - 2, "\xff\xd9", 2);
	SET({ "std", 0, 0, 0 });
	ck_assert_int_eq(publish_jpeg(&cut, &refusal), KS_EMALFORMED);
	ck_assert_int_eq((int)refusal, KS_JPEG_CORRUPT);
	SET({ "std", 0, 0, 0 }, { "low", 320, 240, 0 });
	ck_assert_int_eq(publish_jpeg(&cut, &refusal), KS_EMALFORMED);
	ck_assert_int_eq((int)refusal, KS_JPEG_CORRUPT);
	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(publisher.next.seq, 0);
	/* Nobody asked: it is passed on, and what can be seen of it in the small one too. */
	settings = renditions.settings;
	settings.verify_decode = false;
	ks_renditions_set(&renditions, &settings);
	ck_assert_int_eq(publish_jpeg(&cut, &refusal), KS_EOK);
	assert_got(0, "low", 320, 240);
	assert_got(1, "std", 640, 480);
	free(cut.bytes);
	free(jpeg.bytes);
}
END_TEST

/* --- what cannot be made ---------------------------------------------------------------------- */

START_TEST(one_that_is_too_large_does_not_keep_the_others)
{
	struct ks_canvas canvas;
	struct ks_picture picture;
	enum ks_refusal refusal;
	unsigned noise = 1;
	char text[4096];
	FILE *out = fmemopen(text, sizeof(text), "w");

	ck_assert_int_eq(ks_canvas_init(&canvas, 2560, 1440), KS_EOK);
	for (int i = 0; i < canvas.stride[0] * 1440; i++)
		canvas.plane[0][i] = (uint8_t)((noise = noise * 1103515245 + 12345) >> 16);
	picture = (struct ks_picture){
		.layout = KS_PICTURE_YUV420, .width = 2560, .height = 1440, .captured_us = 1,
		.plane = { canvas.plane[0], canvas.plane[1], canvas.plane[2] },
		.stride = { canvas.stride[0], canvas.stride[1], canvas.stride[2] },
	};
	SET({ "high", 0, 0, 100 }, { "std", 0, 0, 5 });
	ck_assert_int_eq(publish(&picture, &refusal), KS_EOK);
	ck_assert_uint_eq(n, 1);
	assert_got(0, "std", 2560, 1440);
	ck_assert_uint_eq(ks_counted(&renditions.counts[0].dropped[KS_JPEG_SIZE]), 1);
	ck_assert_uint_eq(ks_counted(&renditions.counts[0].frames), 0);
	ck_assert_uint_eq(publisher.next.seq, 1);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "high: a picture of 2560x1440 was left out: size"));
	ks_renditions_metrics(&renditions, out);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "koshien_capture_rendition_frames_total{rendition=\"std\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_capture_rendition_frames_total{rendition=\"high\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "_dropped_total{rendition=\"high\",reason=\"size\"} 1\n"));

	/* Alone it is a picture that could not be used, and no id is spent on it. */
	SET({ "high", 0, 0, 100 });
	ck_assert_int_eq(publish(&picture, &refusal), KS_EMALFORMED);
	ck_assert_int_eq((int)refusal, KS_JPEG_SIZE);
	ck_assert_uint_eq(ks_counted(&renditions.counts[0].dropped[KS_JPEG_SIZE]), 1);
	ck_assert_uint_eq(publisher.next.seq, 1);
	ks_canvas_free(&canvas);
}
END_TEST

START_TEST(new_settings_keep_what_keeps_its_name)
{
	struct jpeg jpeg = make_picture(64, 48, 1);
	enum ks_refusal refusal;

	SET({ "std", 0, 0, 0 }, { "fine", 0, 0, 0 });
	ck_assert_int_eq(publish_jpeg(&jpeg, &refusal), KS_EOK);
	ck_assert_int_eq(publish_jpeg(&jpeg, &refusal), KS_EOK);
	SET({ "new", 0, 0, 0 }, { "std", 0, 0, 0 });
	ck_assert_uint_eq(ks_counted(&renditions.counts[0].frames), 0);
	ck_assert_uint_eq(ks_counted(&renditions.counts[1].frames), 2);
	ck_assert_int_eq(publish_jpeg(&jpeg, &refusal), KS_EOK);
	ck_assert_uint_eq(ks_counted(&renditions.counts[0].frames), 1);
	ck_assert_uint_eq(ks_counted(&renditions.counts[1].frames), 3);
	ck_assert_uint_eq(got[n - 1].id.seq, 2);
	free(jpeg.bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("renditions");
	TCase *tc = tcase_create("renditions");

	tcase_add_checked_fixture(tc, setup, teardown);
	if (ks_scaler_available()) {
		tcase_add_test(tc, an_instant_is_one_group);
		tcase_add_test(tc, bytes_pass_where_nothing_is_asked);
		tcase_add_test(tc, every_jpeg_can_be_made_smaller);
		tcase_add_test(tc, damage_is_found_on_the_way);
	}
	tcase_add_test(tc, one_size_in_two_qualities);
	tcase_add_test(tc, rgb_takes_a_detour);
	tcase_add_test(tc, cmyk_goes_as_it_is_or_not_at_all);
	tcase_add_test(tc, one_that_is_too_large_does_not_keep_the_others);
	tcase_add_test(tc, new_settings_keep_what_keeps_its_name);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
