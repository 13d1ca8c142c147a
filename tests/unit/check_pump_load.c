/* SPDX-License-Identifier: Apache-2.0
 *
 * The pump under more load than it may send: what each stage does to those who poll, who wait and who are new.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "mod_sentry/counters.h"
#include "tests/unit/pumped.h"
#include "tests/unit/stored.h"
#include "tests/unit/unit.h"

#define S KS_US_PER_S
#define MS KS_US_PER_MS
#define DEADLINE_US (30 * S)
#define CAPACITY 1e6
#define ENDS " HTTP/1.1\r\nHost: " PUMPED_HOST "\r\n\r\n"
#define GET(file) "GET " PUMPED_DIR file ENDS
#define ANSWER_MAX 65536

static struct pumped p;
static struct ks_store_writer *low;

static void setup(void)
{
	pumped_open(&p, unit_tmpdir());
	ks_pump_limit(p.pump, &(struct ks_pump_limits){ .capacity = CAPACITY });
	low = NULL;
}

static void teardown(void)
{
	pumped_close(&p);
	if (low != NULL)
		ks_store_writer_close(low);
}

/* As if as much were sent by others, until the pump says so; newest: the picture that is to stay fresh meanwhile. */
static void load_until(enum ks_load_stage stage, double share, uint32_t *newest)
{
	for (int i = 0; i < 200 && ks_pump_stage(p.pump) != stage; i++) {
		if (i % 4 == 0 && newest != NULL)
			pumped_publish(&p, *newest += 2, 5000);
		ks_counters_sent((uint64_t)(share * CAPACITY / 4));
		pumped_pass(&p, KS_PUMP_LOOK_US, KS_PUMP_LOOK_US);
	}
	ck_assert_int_eq(ks_pump_stage(p.pump), stage);
}

static int viewer(const char *text)
{
	int fd = pumped_take(&p, &p.site, text, strlen(text));

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* The next answer as text, and its body's length. */
struct answer {
	char text[ANSWER_MAX];
	int status;
	size_t len;
};

static long number_in(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at != NULL ? strtol(at + strlen(name), NULL, 10) : -1;
}

static bool is_whole(struct answer *a, size_t got)
{
	const char *end = strstr(a->text, "\r\n\r\n");
	long len = number_in(a->text, "\r\nContent-Length: ");

	a->len = len > 0 ? (size_t)len : 0;
	return end != NULL && got == (size_t)(end + 4 - a->text) + a->len;
}

static struct answer *hear(int fd)
{
	static struct answer a;
	int64_t until_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;
	size_t got = 0;

	memset(&a, 0, sizeof(a));
	while (got == 0 || !is_whole(&a, got)) {
		ssize_t n = recv(fd, a.text + got, sizeof(a.text) - 1 - got, MSG_DONTWAIT);

		ck_assert(n > 0 || (n < 0 && errno == EAGAIN));
		ck_assert_int_lt(ks_mono_us(&ks_clock_system), until_us);
		got += n > 0 ? (size_t)n : 0;
		ks_pump_turn(p.pump, MS);
	}
	ck_assert_int_eq(sscanf(a.text, "HTTP/1.1 %3d ", &a.status), 1);
	return &a;
}

static struct answer *ask(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	return hear(fd);
}

static bool is_silent(int fd)
{
	char byte;

	for (int i = 0; i < 5; i++)
		pumped_pass(&p, 100 * MS, 10 * MS);
	return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static const char *id_of(const struct answer *a)
{
	static char id[KS_FRAME_ID_TEXT];
	const char *at = strstr(a->text, "\r\nFrame-Id: ");

	ck_assert_ptr_nonnull(at);
	snprintf(id, sizeof(id), "%.*s", (int)strcspn(at + 12, "\r"), at + 12);
	return id;
}

/* --- stages ----------------------------------------------------------------------------------------------------- */

START_TEST(eased_who_polls_comes_for_every_other)
{
	uint32_t newest = 2;
	int fd = viewer(PUMPED_GET);

	ck_assert_int_eq(number_in(hear(fd)->text, "\r\nFrame-Next: "), 1000);
	load_until(KS_LOAD_EASE, 0.85, &newest);
	pumped_publish(&p, newest += 2, 5000);
	ck_assert_int_eq(number_in(ask(fd, GET("latest.jpg"))->text, "\r\nFrame-Next: "), 2000);
	close(fd);
}
END_TEST

START_TEST(skipped_who_waits_gets_every_other)
{
	uint32_t newest = 2;
	char text[256];
	int fd;

	fd = viewer(PUMPED_GET);
	hear(fd);
	load_until(KS_LOAD_SKIP, 0.93, &newest);
	snprintf(text, sizeof(text), "GET " PUMPED_DIR "latest.jpg?after=7-%u&wait=20000" ENDS, newest);
	send(fd, text, strlen(text), 0);
	ck_assert(is_silent(fd));
	pumped_publish(&p, newest + 1, 5000);
	ck_assert(is_silent(fd));
	pumped_publish(&p, newest + 2, 5000);
	snprintf(text, sizeof(text), "7-%u", newest + 2);
	ck_assert_str_eq(id_of(hear(fd)), text);
	close(fd);
}
END_TEST

static void publish_low(uint32_t seq)
{
	uint8_t *bytes = stored_make(seq, 2000);
	struct ks_frame frame = stored_name(bytes, 7, seq);

	strcpy(frame.m.rendition, "low");
	ck_assert_int_eq(ks_manifest_encode(&frame.m, bytes), KS_EOK);
	ck_assert_int_eq(ks_store_publish(low, &frame), KS_EOK);
	free(bytes);
}

START_TEST(shrunk_the_smaller_stands_in_unless_it_is_behind)
{
	static const struct ks_store_shape shape = { 16, KS_STORE_BYTES_DEFAULT };
	uint32_t newest = 2;
	int fd = viewer(PUMPED_GET);

	ck_assert_uint_eq(hear(fd)->len, 5000);
	ck_assert_int_eq(ks_store_writer_open(&low, p.dir, STORED_CHANNEL, "low", &shape, &p.clock), KS_EOK);
	/* It is far ahead, so as to be neither behind nor seen as such by load_until(). */
	publish_low(100);
	load_until(KS_LOAD_SKIP, 0.93, &newest);
	ck_assert_uint_eq(ask(fd, GET("latest.jpg"))->len, 5000);
	for (int i = 0; i < 200 && ks_pump_stage(p.pump) != KS_LOAD_SHRINK; i++) {
		ks_counters_sent((uint64_t)(0.97 * CAPACITY / 4));
		pumped_pass(&p, KS_PUMP_LOOK_US, KS_PUMP_LOOK_US);
	}
	ck_assert_int_eq(ks_pump_stage(p.pump), KS_LOAD_SHRINK);
	ck_assert_uint_eq(ask(fd, GET("latest.jpg"))->len, 2000);
	ck_assert_int_eq(stored_publish(p.writer, 7, 101, 5000), KS_EOK);
	ck_assert_uint_eq(ask(fd, GET("latest.jpg"))->len, 5000);
	close(fd);
}
END_TEST

START_TEST(refused_are_new_ones_alone)
{
	uint32_t newest = 2;
	int fd = viewer(PUMPED_GET);

	hear(fd);
	ck_assert(!ks_pump_refuses(p.pump));
	load_until(KS_LOAD_REFUSE, 1.1, &newest);
	ck_assert(ks_pump_refuses(p.pump));
	ck_assert_int_eq(ask(fd, GET("latest.jpg"))->status, 200);
	load_until(KS_LOAD_FREE, 0, NULL);
	ck_assert(!ks_pump_refuses(p.pump));
	close(fd);
}
END_TEST

/* --- numbers ---------------------------------------------------------------------------------------------------- */

START_TEST(as_many_viewers_as_may_be)
{
	int fds[2];

	ks_pump_limit(p.pump, &(struct ks_pump_limits){ .viewers = 2 });
	for (int i = 0; i < 2; i++) {
		pumped_pass(&p, KS_PUMP_LOOK_US, KS_PUMP_LOOK_US);
		ck_assert(!ks_pump_refuses(p.pump));
		fds[i] = viewer(PUMPED_GET);
		hear(fds[i]);
	}
	pumped_pass(&p, KS_PUMP_LOOK_US, KS_PUMP_LOOK_US);
	ck_assert(ks_pump_refuses(p.pump));
	close(fds[0]);
	pumped_pass(&p, 2 * KS_PUMP_LOOK_US, KS_PUMP_LOOK_US);
	ck_assert(!ks_pump_refuses(p.pump));
	close(fds[1]);
}
END_TEST

START_TEST(as_many_waiting_as_may_be)
{
	static const char wait[] = GET("latest.jpg?after=7-1&wait=20000");
	int first, second;

	ks_pump_limit(p.pump, &(struct ks_pump_limits){ .waiting = 1 });
	first = viewer(wait);
	pumped_pass(&p, KS_PUMP_LOOK_US, KS_PUMP_LOOK_US);
	ck_assert(is_silent(first));
	second = viewer(wait);
	ck_assert_int_eq(hear(second)->status, 204);
	pumped_publish(&p, 2, 5000);
	ck_assert_str_eq(id_of(hear(first)), "7-2");
	close(first);
	close(second);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pump under load");
	TCase *tcase = tcase_create("load");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, eased_who_polls_comes_for_every_other);
	tcase_add_test(tcase, skipped_who_waits_gets_every_other);
	tcase_add_test(tcase, shrunk_the_smaller_stands_in_unless_it_is_behind);
	tcase_add_test(tcase, refused_are_new_ones_alone);
	tcase_add_test(tcase, as_many_viewers_as_may_be);
	tcase_add_test(tcase, as_many_waiting_as_may_be);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
