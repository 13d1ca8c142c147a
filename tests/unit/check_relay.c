/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>
#include <turbojpeg.h>

#include "lib/base/error.h"
#include "lib/base/keyfile.h"
#include "lib/store/store.h"
#include "lib/wire/node.h"
#include "relay/stores.h"
#include "tests/unit/unit.h"

#define SIDE 64
#define DEADLINE_US (20 * KS_US_PER_S)

static const char *dir;
static char store_dir[4200];
static char files[5][4200];	/* relay.psk, camera.pub, other.pub, lost.pub, none */
static char *paths[5] = { files[0], files[1], files[2], files[3], files[4] };
enum { PSK, CAMERA, OTHER, LOST, NONE };
static uint8_t camera[KS_SECRET_KEY_SIZE], other[KS_SECRET_KEY_SIZE];
static struct ks_psk psk;
static char address[32], *addresses[] = { address };
static struct ks_relay_settings settings;
static struct event_base *base;
static struct ks_relay *relay;
static uint8_t bytes[KS_FRAME_MAX];
static unsigned char *jpeg;
static unsigned long jpeg_len;

static int64_t fake_us;

static int64_t fake_now(void *ctx)
{
	(void)ctx;
	return fake_us;
}

static const struct ks_clock fake_clock = { fake_now, fake_now, NULL };

static void make_key_files(void)
{
	static const char *const names[5] = { "relay.psk", "camera.pub", "other.pub", "lost.pub", "none" };
	uint8_t public_key[KS_PUBLIC_KEY_SIZE];

	for (int i = 0; i < 5; i++)
		snprintf(files[i], sizeof(files[i]), "%s/%s", dir, names[i]);
	ks_psk_make(&psk, "relay");
	ck_assert_int_eq(ks_keyfile_write_named(files[PSK], KS_KEY_RELAY, "relay", psk.key, KS_PSK_SIZE), KS_EOK);
	ks_keypair(public_key, camera);
	ck_assert_int_eq(ks_keyfile_write(files[CAMERA], KS_KEY_SOURCE_PUBLIC, public_key, sizeof(public_key)), KS_EOK);
	ks_keypair(public_key, other);
	ck_assert_int_eq(ks_keyfile_write(files[OTHER], KS_KEY_SOURCE_PUBLIC, public_key, sizeof(public_key)), KS_EOK);
}

static void make_jpeg(void)
{
	tjhandle encoder = tjInitCompress();
	uint8_t grey[SIDE * SIDE];

	for (size_t i = 0; i < sizeof(grey); i++)
		grey[i] = (uint8_t)(i * i >> 5);
	ck_assert_int_eq(tjCompress2(encoder, grey, SIDE, 0, SIDE, TJPF_GRAY, &jpeg, &jpeg_len, TJSAMP_GRAY, 90, 0), 0);
	tjDestroy(encoder);
}

static uint16_t free_port(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(any);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&any, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&any, &len), 0);
	close(fd);
	return ntohs(any.sin_port);
}

/* On a port that was free a moment ago. */
static int start(void)
{
	int err = -EADDRINUSE;

	for (int i = 0; i < 10 && err == -EADDRINUSE; i++) {
		snprintf(address, sizeof(address), "127.0.0.1:%u", free_port());
		err = ks_relay_new(&relay, base, &settings, &fake_clock);
	}
	return err;
}

static void setup(void)
{
	dir = unit_tmpdir();
	fake_us = 1000 * KS_US_PER_S;
	snprintf(store_dir, sizeof(store_dir), "%s/stores", dir);
	make_key_files();
	make_jpeg();
	settings = (struct ks_relay_settings){ .listen = { addresses, 1 }, .key = { &paths[PSK], 1 },
					       .trust = { &paths[CAMERA], 1 }, .store_dir = store_dir, .history = 5,
					       .store_mib = 9, .channels_max = 2, .relays_max = 8, .nack = true,
					       .loss_percent = 10, .datagram = KS_DATAGRAM_DEFAULT };
	base = event_base_new();
	unit_log_start();
	ck_assert_int_eq(start(), KS_EOK);
}

static void teardown(void)
{
	ks_relay_free(relay);
	event_base_free(base);
	tjFree(jpeg);
}

static size_t sign_as(const uint8_t *key, const char *channel, uint8_t source, uint32_t epoch, uint32_t seq)
{
	struct ks_manifest m = { .rendition = "std", .source = source, .priority = source, .id = { epoch, seq },
				 .captured_us = seq * KS_US_PER_S, .period_ms = 1000 };
	enum ks_jpeg_fault fault;
	struct ks_frame frame;

	strcpy(m.channel, channel);
	ck_assert_int_eq(ks_frame_sign(&m, jpeg, jpeg_len, key, bytes, sizeof(bytes), &frame, &fault), KS_EOK);
	return frame.len;
}

static size_t sign(const uint8_t *key, const char *channel, uint32_t seq)
{
	return sign_as(key, channel, 0, 7, seq);
}

static bool deliver(const uint8_t *key, const char *channel, uint32_t seq)
{
	return ks_relay_deliver(relay, bytes, sign(key, channel, seq), 0);
}

/* The value of a sample of /metrics. */
static double metric(const char *sample)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	const char *line;
	double value;

	ks_relay_metrics(out, relay);
	fclose(out);
	line = strstr(text, sample);
	ck_assert_msg(line != NULL, "no %s in %s", sample, text);
	value = strtod(line + strlen(sample), NULL);
	free(text);
	return value;
}

static double refused(const char *reason)
{
	char sample[128];

	snprintf(sample, sizeof(sample), "koshien_relay_refused_total{reason=\"%s\"}", reason);
	return metric(sample);
}

static double refused_in_all(void)
{
	static const char *const reasons[] = { "signature", "digest", "malformed", "version", "limit", "stale", "channels",
					       "store" };
	double sum = 0;

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		sum += refused(reasons[i]);
	return sum;
}

/* The seq of the newest frame held; -1: no store. */
static int64_t newest(const char *channel)
{
	struct ks_store_reader *reader;
	struct ks_store_copy *copy;
	int64_t seq;

	if (ks_store_reader_open(&reader, store_dir, channel, "std") != KS_EOK)
		return -1;
	ck_assert_int_eq(ks_store_read_newest(reader, NULL, &copy), KS_EOK);
	seq = copy->frame.m.id.seq;
	free(copy);
	ks_store_reader_close(reader);
	return seq;
}

static unsigned lines_with(const char *text)
{
	unsigned n = 0;

	for (const char *at = unit_log_text(); (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}

START_TEST(good_frames_are_published)
{
	deliver(camera, "field", 1);
	deliver(camera, "field", 2);
	deliver(camera, "stand", 2);
	ck_assert_int_eq(newest("field"), 2);
	ck_assert_int_eq(newest("stand"), 2);
	ck_assert(refused_in_all() == 0);
	ck_assert(metric("koshien_relay_frames_total{channel=\"field\",rendition=\"std\"}") == 2);
	ck_assert(metric("koshien_relay_bytes_total{channel=\"field\",rendition=\"std\"}") > 2 * KS_MANIFEST_SIZE);
	ck_assert(metric("koshien_relay_newest_captured_timestamp_seconds{channel=\"field\",rendition=\"std\"}") == 2);
	ck_assert_uint_eq(lines_with("first frame"), 2);
}
END_TEST

START_TEST(forged_cut_and_damaged_frames_are_counted)
{
	size_t len;

	deliver(camera, "field", 1);
	ck_assert(!deliver(other, "field", 2));
	ck_assert(refused("signature") == 1);
	len = sign(camera, "field", 2);
	ck_assert(!ks_relay_deliver(relay, bytes, len - 1, 0));
	ck_assert(!ks_relay_deliver(relay, bytes, 10, 0));
	ck_assert(!ks_relay_deliver(relay, bytes, 0, 0));
	ck_assert(refused("malformed") == 3);
	bytes[len - 10] ^= 1;
	ck_assert(!ks_relay_deliver(relay, bytes, len, 0));
	ck_assert(refused("digest") == 1);
	sign(camera, "field", 2);
	bytes[44] ^= 4;	/* seq */
	ck_assert(!ks_relay_deliver(relay, bytes, len, 0));
	ck_assert(refused("signature") == 2);
	bytes[4] = 9;
	ck_assert(!ks_relay_deliver(relay, bytes, len, 0));
	ck_assert(refused("version") == 1);
	ck_assert(refused_in_all() == 7);
	ck_assert_int_eq(newest("field"), 1);
	ck_assert(metric("koshien_relay_frames_total{channel=\"field\",rendition=\"std\"}") == 1);
}
END_TEST

START_TEST(every_single_flip_is_refused)
{
	size_t len = sign(camera, "field", 1);

	for (size_t at = 0; at < len; at++) {
		bytes[at] ^= 0x20;
		ck_assert(!ks_relay_deliver(relay, bytes, len, 0));
		bytes[at] ^= 0x20;
	}
	ck_assert(refused_in_all() == (double)len);
	ck_assert_int_eq(newest("field"), -1);
}
END_TEST

START_TEST(old_frames_are_counted)
{
	ck_assert(deliver(camera, "field", 5));
	ck_assert(deliver(camera, "field", 5));		/* no fault of who sent it */
	ck_assert(deliver(camera, "field", 4));
	ck_assert(refused("stale") == 2);
	ck_assert_int_eq(newest("field"), 5);
	ck_assert_uint_eq(lines_with("refused"), 0);	/* two parents send each frame twice: nothing to say */
}
END_TEST

START_TEST(channels_are_bounded)
{
	char channel[8];

	for (int i = 0; i < 50; i++) {
		snprintf(channel, sizeof(channel), "c%d", i);
		deliver(camera, channel, 1);
	}
	ck_assert(refused("channels") == 48);
	ck_assert_int_eq(newest("c1"), 1);
	ck_assert_int_eq(newest("c2"), -1);
	deliver(camera, "c0", 2);	/* those that are there go on */
	ck_assert_int_eq(newest("c0"), 2);
	ck_assert_uint_eq(lines_with("refused"), 1);
}
END_TEST

START_TEST(strangers_do_not_fill_the_log)
{
	for (uint32_t i = 0; i < 100; i++)
		deliver(other, "field", i);
	ck_assert(refused("signature") == 100);
	ck_assert_uint_eq(lines_with("refused"), 1);
	fake_us += 61 * KS_US_PER_S;
	deliver(other, "field", 1);
	ck_assert_uint_eq(lines_with("refused"), 2);
	ck_assert_uint_eq(lines_with("(99 more like it before)"), 1);
}
END_TEST

START_TEST(store_that_cannot_be_opened)
{
	char path[4300];

	snprintf(path, sizeof(path), "%s/field.std.frames", store_dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	for (uint32_t seq = 1; seq <= 10; seq++)
		deliver(camera, "field", seq);
	ck_assert(refused("store") == 10);
	ck_assert_uint_eq(lines_with("no regular file"), 1);
	ck_assert_int_eq(rmdir(path), 0);
	fake_us += KS_STORES_RETRY_MIN_US;
	deliver(camera, "field", 11);
	ck_assert_int_eq(newest("field"), 11);
}
END_TEST

START_TEST(reload)
{
	char *both[] = { paths[CAMERA], paths[OTHER] }, *lost[] = { paths[LOST] }, *none[] = { paths[NONE] };

	settings.trust = (struct ks_list){ both, 2 };
	ck_assert_int_eq(ks_relay_reload(relay, &settings), KS_EOK);
	deliver(camera, "field", 1);
	deliver(other, "field", 2);
	ck_assert_int_eq(newest("field"), 2);
	settings.trust = (struct ks_list){ lost, 1 };
	ck_assert_int_eq(ks_relay_reload(relay, &settings), -ENOENT);
	settings.trust = (struct ks_list){ &both[1], 1 };
	settings.key = (struct ks_list){ none, 1 };
	ck_assert_int_eq(ks_relay_reload(relay, &settings), -ENOENT);
	ck_assert_uint_eq(lines_with("the keys from before stay in use"), 2);
	deliver(camera, "field", 3);
	ck_assert_int_eq(newest("field"), 3);
	settings.key = (struct ks_list){ &paths[PSK], 1 };
	ck_assert_int_eq(ks_relay_reload(relay, &settings), KS_EOK);
	deliver(camera, "field", 4);
	ck_assert(refused("signature") == 1);
	ck_assert_int_eq(newest("field"), 3);
}
END_TEST

START_TEST(restarted)
{
	deliver(camera, "field", 6);
	ks_relay_free(relay);
	ck_assert_int_eq(start(), KS_EOK);
	ck_assert_uint_eq(lines_with("going on after frame 7-6"), 1);
	deliver(camera, "field", 5);
	ck_assert(refused("stale") == 1);
	deliver(camera, "field", 7);
	ck_assert_int_eq(newest("field"), 7);
}
END_TEST

START_TEST(two_relays_in_one_folder)
{
	struct ks_relay *first = relay;

	deliver(camera, "field", 1);
	relay = NULL;
	ck_assert_int_eq(start(), -EBUSY);
	ck_assert_uint_eq(lines_with("--store-dir"), 1);
	relay = first;
	deliver(camera, "field", 2);
	ck_assert_int_eq(newest("field"), 2);
}
END_TEST

START_TEST(folder_that_cannot_be_made)
{
	char deep[4300];

	ks_relay_free(relay);
	relay = NULL;
	snprintf(deep, sizeof(deep), "%s/none/stores", dir);
	settings.store_dir = deep;
	ck_assert_int_eq(start(), -ENOENT);
	settings.store_dir = paths[PSK];
	ck_assert_int_eq(start(), -ENOTDIR);
	ck_assert_uint_eq(lines_with("store-dir: "), 2);
}
END_TEST

START_TEST(silence_is_said_once)
{
	const struct ks_stores_settings set = { dir, 1, { 4, KS_STORE_BYTES_MIN } };
	struct ks_stores_summary sum;
	struct ks_stores *stores;
	struct ks_frame frame;

	ck_assert_int_eq(ks_stores_new(&stores, &set, &fake_clock), KS_EOK);
	for (uint32_t seq = 1; seq <= 2; seq++) {
		ck_assert_int_eq(ks_frame_view(bytes, sign(camera, "field", seq), &frame), KS_EOK);
		ck_assert_int_eq(ks_stores_publish(stores, &frame), KS_EOK);
		fake_us += 3 * KS_US_PER_S;
		ks_stores_beat(stores);
		ck_assert_uint_eq(lines_with("no frame for"), seq - 1);
		fake_us += 1;
		for (int i = 0; i < 3; i++)
			ks_stores_beat(stores);
		ck_assert_uint_eq(lines_with("no frame for"), seq);
		ck_assert_uint_eq(lines_with("back with frame"), seq - 1);
		ks_stores_summarize(stores, &sum);
		ck_assert_uint_eq(sum.silent, 1);
		ck_assert_uint_eq(sum.channels, 0);
		ck_assert_uint_eq(sum.frames, seq);
	}
	ks_stores_free(stores);
}
END_TEST

/* Beats come from the relay's own timer. */
START_TEST(stores_are_beaten)
{
	int64_t end_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;
	struct ks_store_reader *reader;

	deliver(camera, "field", 1);
	ck_assert_int_eq(ks_store_reader_open(&reader, store_dir, "field", "std"), KS_EOK);
	fake_us += 5;
	while (ks_store_beat_us(reader) != fake_us) {
		ck_assert_int_lt(ks_mono_us(&ks_clock_system), end_us);
		event_base_loop(base, EVLOOP_ONCE);
	}
	ks_store_reader_close(reader);
}
END_TEST

/* --- over the wire ------------------------------------------------------------------------------ */

/* A capture daemon, as far as the wire goes. */
static struct ks_node *capture;
static struct ks_manifest told;
static unsigned n_told;

static void hear(void *ctx, const uint8_t manifest[KS_HEAD_BODY])
{
	(void)ctx;
	ck_assert_int_eq(ks_manifest_decode(manifest, KS_HEAD_BODY, &told), KS_EOK);
	n_told++;
}

static void start_capture(const struct ks_node_relay *relays, size_t n)
{
	const struct ks_node_settings set = { .sends = true, .datagram = KS_DATAGRAM_DEFAULT, .loss_ppm = 100000,
					      .nack = true };
	const struct ks_node_ops ops = { .head = hear };

	n_told = 0;
	ck_assert_int_eq(ks_node_new(&capture, base, &set, &ops), KS_EOK);
	ck_assert_int_eq(ks_node_set_relays(capture, relays, n), KS_EOK);
}

static void push_to_the_relay(void)
{
	const struct ks_node_relay told_of = { "relay", address, psk, false };

	start_capture(&told_of, 1);
}

static void send_frame(uint8_t source, uint32_t epoch, uint32_t seq)
{
	struct ks_frame frame;

	ck_assert_int_eq(ks_frame_view(bytes, sign_as(camera, "field", source, epoch, seq), &frame), KS_EOK);
	ck_assert_int_eq(ks_node_frame(capture, &frame, 0), KS_EOK);
}

/* Runs the loop for a while; less when `until` holds. */
static void run(bool (*until)(void))
{
	int64_t end_us = ks_mono_us(&ks_clock_system) + KS_US_PER_S / 5;
	const struct timeval step = { 0, 10000 };

	while (!until() && ks_mono_us(&ks_clock_system) < end_us) {
		event_base_loopexit(base, &step);
		event_base_dispatch(base);
	}
}

static void retry_until(bool (*until)(void), uint8_t source, uint32_t epoch)
{
	int64_t end_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;

	for (uint32_t seq = 1; !until(); seq++) {
		ck_assert_int_lt(ks_mono_us(&ks_clock_system), end_us);
		send_frame(source, epoch, seq);
		run(until);
	}
}

static bool three_came(void)
{
	return newest("field") >= 3;
}

START_TEST(over_the_wire)
{
	push_to_the_relay();
	retry_until(three_came, 0, 7);
	ck_assert(refused_in_all() == 0);
	ck_assert(metric("koshien_relay_source{channel=\"field\"}") == 0);
	ks_node_free(capture);
}
END_TEST

static bool one_was_refused(void)
{
	return refused("signature") > 0;
}

static bool one_was_dropped(void)
{
	return metric("koshien_wire_drops_total{reason=\"distrust\"}") > 0;
}

/* The public key of a source comes to the relay late: what was refused before is not held against the parent. */
START_TEST(a_source_is_trusted_later)
{
	char *both[] = { paths[OTHER], paths[CAMERA] };

	settings.trust = (struct ks_list){ both, 1 };
	ck_assert_int_eq(ks_relay_reload(relay, &settings), KS_EOK);
	push_to_the_relay();
	retry_until(one_was_refused, 0, 7);
	retry_until(one_was_dropped, 0, 8);
	ck_assert(refused("signature") == 1);
	settings.trust.n = 2;
	ck_assert_int_eq(ks_relay_reload(relay, &settings), KS_EOK);
	retry_until(three_came, 0, 9);
	ck_assert(metric("\nkoshien_wire_refused_frames_total") == 1);
	ks_node_free(capture);
}
END_TEST

static bool head_came(void)
{
	return n_told > 0 && told.id.epoch == 500;
}

/* Who is behind what is published, even before a restart, hears of it. */
START_TEST(who_is_behind_hears_of_it)
{
	ks_relay_deliver(relay, bytes, sign_as(camera, "field", 1, 500, 3), 0);
	ks_relay_free(relay);
	ck_assert_int_eq(start(), KS_EOK);
	push_to_the_relay();
	retry_until(head_came, 0, 7);
	ck_assert_uint_eq(told.source, 1);
	ck_assert_uint_eq(told.id.seq, 3);
	ck_assert_int_eq(newest("field"), 3);
	ks_node_free(capture);
}
END_TEST

/* Falls silent by the relay's clock; its loop finds out by itself. */
START_TEST(takes_over_by_itself)
{
	int64_t end_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;

	deliver(camera, "field", 1);
	fake_us += KS_US_PER_S;
	ks_relay_deliver(relay, bytes, sign_as(camera, "field", 1, 500, 9), 0);
	ck_assert_int_eq(newest("field"), 1);
	fake_us += KS_US_PER_S / 2;
	while (newest("field") != 9) {
		ck_assert_int_lt(ks_mono_us(&ks_clock_system), end_us);
		event_base_loop(base, EVLOOP_ONCE);
	}
	ck_assert(metric("koshien_relay_source{channel=\"field\"}") == 1);
	ck_assert(metric("\nkoshien_relay_source_changes_total") == 1);
	ck_assert_uint_eq(lines_with("field: source 1 after source 0"), 1);
}
END_TEST

static char child_dir[4200];

static bool child_has_three(void)
{
	struct ks_store_reader *reader;
	struct ks_store_copy *copy;
	bool has;

	if (ks_store_reader_open(&reader, child_dir, "field", "std") != KS_EOK)
		return false;
	ck_assert_int_eq(ks_store_read_newest(reader, NULL, &copy), KS_EOK);
	has = copy->frame.m.id.seq >= 3;
	free(copy);
	ks_store_reader_close(reader);
	return has;
}

/* Capture, a relay, a relay behind it that asks for frames, and word back up about what the last one has published. */
START_TEST(a_relay_is_a_parent)
{
	static char master_path[4200], child_key[4200];
	char child_address[32], *child_addresses[] = { child_address };
	static char up[] = "up";
	struct ks_relay_parent parent = { up, address, child_key };
	struct ks_master master;
	struct ks_relay *child;
	struct ks_relay_settings child_settings;
	struct ks_psk child_psk;

	memset(&master, 7, sizeof(master));
	snprintf(master_path, sizeof(master_path), "%s/master", dir);
	snprintf(child_key, sizeof(child_key), "%s/child.psk", dir);
	snprintf(child_dir, sizeof(child_dir), "%s/child", dir);
	ck_assert_int_eq(ks_keyfile_write(master_path, KS_KEY_MASTER, master.key, sizeof(master.key)), KS_EOK);
	ks_psk_derive(&child_psk, &master, "child");
	ck_assert_int_eq(ks_keyfile_write_named(child_key, KS_KEY_RELAY, "child", child_psk.key, KS_PSK_SIZE), KS_EOK);
	ks_relay_free(relay);
	settings.master = master_path;
	ck_assert_int_eq(start(), KS_EOK);

	child_settings = settings;
	child_settings.master = NULL;
	child_settings.key = (struct ks_list){ NULL, 0 };
	child_settings.parents = (struct ks_list){ &parent, 1 };
	child_settings.store_dir = child_dir;
	snprintf(child_address, sizeof(child_address), "127.0.0.1:%u", free_port());
	child_settings.listen = (struct ks_list){ child_addresses, 1 };
	ck_assert_int_eq(ks_relay_new(&child, base, &child_settings, &fake_clock), KS_EOK);
	push_to_the_relay();
	retry_until(child_has_three, 0, 7);
	ck_assert_int_ge(newest("field"), 3);

	/* The child has a frame that its parent has not: word of it goes all the way up, when the child gets lower ones. */
	ks_relay_deliver(child, bytes, sign_as(camera, "field", 1, 500, 3), 1);
	retry_until(head_came, 0, 8);
	ck_assert_uint_eq(told.source, 1);
	ck_assert(metric("koshien_relay_heads_heard_total{reason=\"good\"}") >= 1);
	ks_relay_free(child);
	ks_node_free(capture);
}
END_TEST

START_TEST(only_signed_heads_are_heard)
{
	sign_as(other, "field", 1, 500, 3);
	ks_relay_hear(relay, bytes);
	ck_assert(metric("koshien_relay_heads_heard_total{reason=\"signature\"}") == 1);
	bytes[0] ^= 1;
	ks_relay_hear(relay, bytes);
	ck_assert(metric("koshien_relay_heads_heard_total{reason=\"malformed\"}") == 1);
	sign_as(camera, "field", 1, 500, 3);
	for (int i = 0; i < 200; i++)
		ks_relay_hear(relay, bytes);
	ck_assert(metric("koshien_relay_heads_heard_total{reason=\"good\"}") == 98);
	ck_assert(metric("koshien_relay_heads_heard_total{reason=\"busy\"}") == 102);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relay");
	TCase *tc = tcase_create("relay");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, good_frames_are_published);
	tcase_add_test(tc, forged_cut_and_damaged_frames_are_counted);
	tcase_add_test(tc, every_single_flip_is_refused);
	tcase_add_test(tc, old_frames_are_counted);
	tcase_add_test(tc, channels_are_bounded);
	tcase_add_test(tc, strangers_do_not_fill_the_log);
	tcase_add_test(tc, store_that_cannot_be_opened);
	tcase_add_test(tc, reload);
	tcase_add_test(tc, restarted);
	tcase_add_test(tc, two_relays_in_one_folder);
	tcase_add_test(tc, folder_that_cannot_be_made);
	tcase_add_test(tc, silence_is_said_once);
	tcase_add_test(tc, stores_are_beaten);
	tcase_add_test(tc, over_the_wire);
	tcase_add_test(tc, who_is_behind_hears_of_it);
	tcase_add_test(tc, a_source_is_trusted_later);
	tcase_add_test(tc, takes_over_by_itself);
	tcase_add_test(tc, a_relay_is_a_parent);
	tcase_add_test(tc, only_signed_heads_are_heard);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
