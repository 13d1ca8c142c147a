/* SPDX-License-Identifier: Apache-2.0
 *
 * Puts signed frames into a store as sentryc would, for tests that need no daemon:
 *
 *	feed --epoch 7 --count 5 --size 2000-30000 DIR main std
 *
 * prints the id of each. Other modes leave a file that no module may serve, or print a frame that is held.
 */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>
#include <turbojpeg.h>

#include "lib/base/error.h"
#include "lib/store/store.h"

#define WIDTH 64
#define HEIGHT 48
#define COM_MAX 65533	/* bytes of content of one comment segment */
#define LATE_MAX_US (200 * KS_US_PER_MS)
#define VERSION_AT 8	/* of the store's header, see doc/store.md */

struct options {
	const char *dir, *channel, *rendition, *dump;
	uint32_t count, epoch, seq, period_ms, frames;
	int64_t age_ms, wall_ms, every_ms, hold_ms;
	size_t size_min, size_max;
	uint8_t source;
	bool placeholder, garbage, colour;
	int64_t version;
};

static int64_t shifted_wall_us(void *ctx)
{
	const struct options *o = ctx;

	return ks_wall_us(&ks_clock_system) - (o->age_ms + o->wall_ms) * KS_US_PER_MS;
}

/* The writer's clock too: a frame of an age was published that long ago. */
static int64_t shifted_mono_us(void *ctx)
{
	const struct options *o = ctx;

	return ks_mono_us(&ks_clock_system) - o->age_ms * KS_US_PER_MS;
}

static void die(const char *what, int err)
{
	fprintf(stderr, "feed: %s: %s\n", what, ks_strerror(err));
	exit(1);
}

/* All of one colour, by which a browser test knows the number (drawScenes() in tests/browser/picture.mjs). */
static void colour_row(uint8_t row[WIDTH * 3], uint32_t seq)
{
	for (size_t x = 0; x < WIDTH; x++)
		memcpy(row + 3 * x, (const uint8_t[]){ (uint8_t)(seq % 16 * 16), 40, 200 }, 3);
}

static size_t small_picture(uint8_t *out, size_t cap, const struct options *o, uint32_t seq)
{
	static uint8_t pixels[WIDTH * HEIGHT * 3];
	unsigned char *jpeg = NULL;
	unsigned long len = 0;
	tjhandle tj = tjInitCompress();

	if (o->colour)
		colour_row(pixels, seq);
	else
		randombytes_buf(pixels, WIDTH * 3);
	for (size_t row = 1; row < HEIGHT; row++)
		memcpy(pixels + row * WIDTH * 3, pixels, WIDTH * 3);
	if (tjCompress2(tj, pixels, WIDTH, 0, HEIGHT, TJPF_RGB, &jpeg, &len, TJSAMP_420, 50, 0) != 0 || len > cap)
		die("compressing", KS_ELIMIT);
	memcpy(out, jpeg, len);
	tjFree(jpeg);
	tjDestroy(tj);
	return len;
}

/* A picture of about `size` bytes: a small one with comments of random bytes behind its SOI. */
static size_t make_picture(uint8_t *out, size_t size, const struct options *o, uint32_t seq)
{
	static uint8_t small[65536];
	size_t len = small_picture(small, sizeof(small), o, seq), at = 2;

	memcpy(out, small, 2);
	while (at + len + 4 < size) {
		size_t room = size - at - len - 4, n = room < COM_MAX ? room : COM_MAX;

		out[at] = 0xff;
		out[at + 1] = 0xfe;
		out[at + 2] = (uint8_t)((n + 2) >> 8);
		out[at + 3] = (uint8_t)(n + 2);
		randombytes_buf(out + at + 4, n);
		at += 4 + n;
	}
	memcpy(out + at, small + 2, len - 2);
	return at + len - 2;
}

/* Until the next is due; who is a little late hurries, so that the rate is what was asked for. */
static void pause_until(int64_t *due_us, int64_t every_ms)
{
	int64_t left_us, now_us = ks_mono_us(&ks_clock_system);
	struct timespec ts;

	*due_us += every_ms * KS_US_PER_MS;
	left_us = *due_us - now_us;
	if (left_us < -LATE_MAX_US)
		*due_us = now_us;
	if (left_us <= 0)
		return;
	ts = (struct timespec){ left_us / KS_US_PER_S, left_us % KS_US_PER_S * 1000 };
	nanosleep(&ts, NULL);
}

static void pause_ms(int64_t ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	if (ms > 0)
		nanosleep(&ts, NULL);
}

static void name_frame(const struct options *o, uint32_t i, const struct ks_clock *clock, struct ks_manifest *m)
{
	memset(m, 0, sizeof(*m));
	strncpy(m->channel, o->channel, KS_CHANNEL_MAX);
	strncpy(m->rendition, o->rendition, KS_RENDITION_MAX);
	m->flags = o->placeholder ? KS_FRAME_PLACEHOLDER : 0;
	m->source = o->source;
	m->priority = o->source;
	m->id = (struct ks_frame_id){ o->epoch, o->seq + i };
	m->captured_us = ks_wall_us(clock);
	m->captured_mono_us = ks_mono_us(clock);
	m->period_ms = o->period_ms;
}

static void publish(const struct options *o, struct ks_store_writer *writer, const struct ks_clock *clock, uint32_t i,
		    const uint8_t *secret)
{
	static uint8_t jpeg[KS_JPEG_MAX], bytes[KS_FRAME_MAX];
	size_t spread = o->size_max - o->size_min;
	size_t size = o->size_min + (spread > 0 ? randombytes_uniform((uint32_t)spread + 1) : 0);
	char id[KS_FRAME_ID_TEXT];
	enum ks_jpeg_fault fault;
	struct ks_manifest m;
	struct ks_frame frame;
	int err;

	name_frame(o, i, clock, &m);
	err = ks_frame_sign(&m, jpeg, make_picture(jpeg, size, o, m.id.seq), secret, bytes, sizeof(bytes), &frame,
			    &fault);
	if (err == KS_EOK)
		err = ks_store_publish(writer, &frame);
	if (err != KS_EOK)
		die("publishing", err);
	printf("%s\n", ks_frame_id_format(m.id, id));
	fflush(stdout);
}

static void feed(struct options *o)
{
	struct ks_store_shape shape = { o->frames, KS_STORE_BYTES_DEFAULT };
	struct ks_clock clock = { shifted_wall_us, shifted_mono_us, o };
	uint8_t public_key[KS_PUBLIC_KEY_SIZE], secret[KS_SECRET_KEY_SIZE];
	struct ks_store_writer *writer;
	int64_t due_us;
	int err = ks_store_writer_open(&writer, o->dir, o->channel, o->rendition, &shape, &clock);

	if (err != KS_EOK)
		die(o->dir, err);
	ks_keypair(public_key, secret);
	due_us = ks_mono_us(&ks_clock_system);
	for (uint32_t i = 0; i < o->count; i++) {
		if (i > 0)
			pause_until(&due_us, o->every_ms);
		publish(o, writer, &clock, i, secret);
	}
	for (int64_t left = o->hold_ms; left > 0; left -= 100) {
		ks_store_beat(writer);
		pause_ms(100);
	}
	ks_store_writer_close(writer);
}

static void dump(const struct options *o)
{
	struct ks_store_copy *copy = NULL;
	struct ks_store_reader *reader;
	struct ks_frame_id id;
	int err = ks_store_reader_open(&reader, o->dir, o->channel, o->rendition);

	if (err == KS_EOK)
		err = ks_frame_id_parse(o->dump, strlen(o->dump), &id);
	if (err == KS_EOK)
		err = ks_store_read(reader, id, NULL, &copy);
	if (err != KS_EOK)
		die(o->dump, err);
	fwrite(ks_frame_jpeg(&copy->frame), 1, copy->frame.m.length, stdout);
	free(copy);
	ks_store_reader_close(reader);
}

/* Writes over the store's file, or over the version in its header. */
static void spoil(const struct options *o)
{
	uint8_t junk[8192], version[4] = { (uint8_t)o->version };
	char path[4096];
	int fd;

	randombytes_buf(junk, sizeof(junk));
	snprintf(path, sizeof(path), "%s/%s.%s.frames", o->dir, o->channel, o->rendition);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || (o->garbage && pwrite(fd, junk, sizeof(junk), 0) != (ssize_t)sizeof(junk)) ||
	    (!o->garbage && pwrite(fd, version, sizeof(version), VERSION_AT) != (ssize_t)sizeof(version)) ||
	    close(fd) != 0) {
		perror(path);
		exit(1);
	}
}

static int64_t number(const char *text)
{
	char *end;
	int64_t n = strtoll(text, &end, 10);

	if (end == text || *end != '\0') {
		fprintf(stderr, "feed: %s is not a number\n", text);
		exit(2);
	}
	return n;
}

static void take_sizes(struct options *o, const char *text)
{
	if (sscanf(text, "%zu-%zu", &o->size_min, &o->size_max) < 2)
		o->size_max = o->size_min;
	/* Room for the stamp that signing puts in. */
	if (o->size_min < 4096 || o->size_max < o->size_min || o->size_max > KS_JPEG_MAX - 4096) {
		fprintf(stderr, "feed: --size expected BYTES or MIN-MAX from 4096\n");
		exit(2);
	}
}

enum {
	COUNT = 1, EPOCH, SEQ, PERIOD, FRAMES, AGE, WALL, EVERY, HOLD, SIZE, SOURCE, PLACEHOLDER, COLOUR, GARBAGE,
	VERSION, DUMP
};

static const struct option options[] = {
	{ "count", required_argument, NULL, COUNT },		/* frames to publish */
	{ "epoch", required_argument, NULL, EPOCH },
	{ "seq", required_argument, NULL, SEQ },		/* of the first */
	{ "period-ms", required_argument, NULL, PERIOD },
	{ "frames", required_argument, NULL, FRAMES },		/* the store's shape */
	{ "age-ms", required_argument, NULL, AGE },		/* captured and published so long ago */
	{ "wall-ms", required_argument, NULL, WALL },		/* the capture's clock is behind by so much */
	{ "every-ms", required_argument, NULL, EVERY },		/* from one frame to the next */
	{ "hold-ms", required_argument, NULL, HOLD },		/* go on beating after the last */
	{ "size", required_argument, NULL, SIZE },
	{ "source", required_argument, NULL, SOURCE },
	{ "placeholder", no_argument, NULL, PLACEHOLDER },
	{ "colour", no_argument, NULL, COLOUR },		/* one for each number, instead of noise */
	{ "garbage", no_argument, NULL, GARBAGE },		/* instead: overwrite the file's head */
	{ "version", required_argument, NULL, VERSION },	/* instead: claim this version */
	{ "dump", required_argument, NULL, DUMP },		/* instead: the picture of this id to standard output */
	{ NULL, 0, NULL, 0 }
};

static void take(struct options *o, int option)
{
	switch (option) {
	case COUNT: o->count = (uint32_t)number(optarg); break;
	case EPOCH: o->epoch = (uint32_t)number(optarg); break;
	case SEQ: o->seq = (uint32_t)number(optarg); break;
	case PERIOD: o->period_ms = (uint32_t)number(optarg); break;
	case FRAMES: o->frames = (uint32_t)number(optarg); break;
	case AGE: o->age_ms = number(optarg); break;
	case WALL: o->wall_ms = number(optarg); break;
	case EVERY: o->every_ms = number(optarg); break;
	case HOLD: o->hold_ms = number(optarg); break;
	case SIZE: take_sizes(o, optarg); break;
	case SOURCE: o->source = (uint8_t)number(optarg); break;
	case PLACEHOLDER: o->placeholder = true; break;
	case COLOUR: o->colour = true; break;
	case GARBAGE: o->garbage = true; break;
	case VERSION: o->version = number(optarg); break;
	case DUMP: o->dump = optarg; break;
	default: exit(2);
	}
}

int main(int argc, char **argv)
{
	struct options o = { .count = 1, .epoch = 1, .period_ms = 1000, .frames = KS_STORE_FRAMES_DEFAULT,
			     .size_min = 8192, .size_max = 8192, .version = -1 };

	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
		take(&o, option);
	if (argc - optind != 3) {
		fprintf(stderr, "usage: feed [OPTION...] DIR CHANNEL RENDITION\n");
		return 2;
	}
	o.dir = argv[optind];
	o.channel = argv[optind + 1];
	o.rendition = argv[optind + 2];
	if (sodium_init() < 0)
		return 1;
	if (o.garbage || o.version >= 0)
		spoil(&o);
	else if (o.dump != NULL)
		dump(&o);
	else
		feed(&o);
	return 0;
}
