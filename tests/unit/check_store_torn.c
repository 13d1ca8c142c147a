/* SPDX-License-Identifier: Apache-2.0
 *
 * Writer and readers as processes side by side, with nothing between them but the store's own rules. The ring
 * is as small as it may be, so that the writer is always about to overwrite what somebody is copying.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/store/store.h"
#include "tests/unit/stored.h"
#include "tests/unit/unit.h"

#define READERS 3
#define PICTURES 16
#define FULL_SPEED_FRAMES 6000	/* a reader looks on at least to this one ... */
#define FULL_SPEED_SEEN 100	/* ... and until it has copied so many, however late it got to run */
#define DEADLINE_US (60 * KS_US_PER_S)
#define KILLS 50

static const char *dir;

static void setup(void)
{
	dir = unit_tmpdir();
}

/* The code under test runs in a child that reports by its exit code alone. */
enum verdict { GOOD, NOT_OPENED, TORN, WENT_BACK, DAMAGED, TOO_SLOW };

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Half of the pictures are about as large as may be, so that few of them fill the data. */
static void make_pictures(uint8_t *pictures[PICTURES], uint32_t random)
{
	for (uint32_t i = 0; i < PICTURES; i++)
		pictures[i] = stored_make(i, i % 2 == 0 ? (uint32_t)KS_JPEG_MAX - next_random(&random) % 100000 :
					  8 + next_random(&random) % 300000);
}

static int write_frames(uint8_t *pictures[PICTURES], const struct ks_store_shape *shape, uint64_t n, uint32_t random)
{
	struct ks_store_writer *writer;
	struct ks_manifest newest;
	uint32_t seq = 0;

	if (ks_store_writer_open(&writer, dir, STORED_CHANNEL, STORED_RENDITION, shape, &ks_clock_system) != KS_EOK)
		return NOT_OPENED;
	if (ks_store_newest(writer, &newest))
		seq = newest.id.seq;
	for (uint64_t i = 0; i < n; i++) {
		struct ks_frame frame = stored_name(pictures[next_random(&random) % PICTURES], 1, ++seq);

		if (ks_store_publish(writer, &frame) != KS_EOK)
			return WENT_BACK;
	}
	ks_store_writer_close(writer);
	return GOOD;
}

struct seen {
	uint32_t seq;
	uint64_t position;
	uint64_t frames;
};

/* One copy, judged: whole, and never older than what was seen before. */
static int judge(struct ks_store_copy *copy, struct seen *seen)
{
	uint32_t mark;
	int verdict = GOOD;

	if (!stored_whole(&copy->frame, &mark))
		verdict = TORN;
	else if (copy->frame.m.id.seq < seen->seq || copy->position < seen->position)
		verdict = WENT_BACK;
	seen->frames += copy->position != seen->position;
	seen->seq = copy->frame.m.id.seq;
	seen->position = copy->position;
	free(copy);
	return verdict;
}

static int read_newest(struct ks_store_reader *reader, struct seen *seen)
{
	struct ks_store_copy *copy;
	int err = ks_store_read_newest(reader, NULL, &copy);

	if (err == KS_EOK)
		return judge(copy, seen);
	return err == KS_EMOVED || err == KS_ENOTYET ? GOOD : DAMAGED;
}

/* The oldest that is held is what the writer overwrites next. */
static int read_oldest(struct ks_store_reader *reader)
{
	struct ks_store_item items[8];
	struct ks_store_copy *copy;
	uint32_t mark;
	int err;

	if (ks_store_list(reader, items, 8) == 0)
		return GOOD;
	err = ks_store_read(reader, items[0].id, NULL, &copy);
	if (err == KS_EOK) {
		int verdict = stored_whole(&copy->frame, &mark) &&
			      ks_frame_id_cmp(copy->frame.m.id, items[0].id) == 0 ? GOOD : TORN;

		free(copy);
		return verdict;
	}
	return err == KS_EMOVED || err == KS_EGONE ? GOOD : DAMAGED;
}

static int read_until(uint32_t last_seq)
{
	int64_t end_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;
	struct ks_store_reader *reader;
	struct seen seen = { 0, 0, 0 };
	int verdict = GOOD;

	if (ks_store_reader_open(&reader, dir, STORED_CHANNEL, STORED_RENDITION) != KS_EOK)
		return NOT_OPENED;
	while (verdict == GOOD && (seen.seq < last_seq || seen.frames < FULL_SPEED_SEEN)) {
		verdict = read_newest(reader, &seen);
		if (verdict == GOOD)
			verdict = read_oldest(reader);
		if (ks_mono_us(&ks_clock_system) > end_us)
			verdict = TOO_SLOW;
	}
	ks_store_reader_close(reader);
	return verdict;
}

/* A child that does not outlive the test. */
static pid_t child(void)
{
	pid_t parent = getpid(), pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(NOT_OPENED);
	}
	return pid;
}

static void assert_good(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), GOOD);
}

static void kill_writer(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));	/* and not gone before, for a reason of its own */
}

START_TEST(nothing_torn_at_full_speed)
{
	static const struct ks_store_shape shapes[] = {
		{ 2, KS_STORE_BYTES_MIN }, { 3, 2 * KS_STORE_BYTES_MIN }, { 300, KS_STORE_BYTES_MIN },
	};
	const struct ks_store_shape *shape = &shapes[_i];
	uint8_t *pictures[PICTURES];
	pid_t readers[READERS], writer;

	make_pictures(pictures, 7);
	ck_assert_int_eq(write_frames(pictures, shape, 1, 1), GOOD);
	for (int i = 0; i < READERS; i++) {
		readers[i] = child();
		if (readers[i] == 0)
			_exit(read_until(FULL_SPEED_FRAMES));
	}
	writer = child();
	if (writer == 0)
		_exit(write_frames(pictures, shape, UINT64_MAX, 1));
	for (int i = 0; i < READERS; i++)
		assert_good(readers[i]);
	kill_writer(writer);
	for (int i = 0; i < PICTURES; i++)
		free(pictures[i]);
}
END_TEST

/* Reads for as long as the writer lives, and once more when it is dead: then nothing can be in its way. */
static void read_beside(pid_t writer, int64_t kill_at_us, struct seen *seen)
{
	struct ks_store_reader *reader = NULL;
	bool dead = false;

	for (;;) {
		if (reader != NULL && !ks_store_current(reader, ks_mono_us(&ks_clock_system))) {
			ks_store_reader_close(reader);
			reader = NULL;
		}
		if (reader == NULL &&
		    ks_store_reader_open(&reader, dir, STORED_CHANNEL, STORED_RENDITION) != KS_EOK) {
			ck_assert_uint_eq(seen->frames, 0);	/* once there, the file is never gone */
		} else if (dead && seen->frames > 0) {
			struct ks_store_copy *copy;

			ck_assert_int_eq(ks_store_read_newest(reader, NULL, &copy), KS_EOK);
			ck_assert_int_eq(judge(copy, seen), GOOD);
		} else {
			ck_assert_int_eq(read_newest(reader, seen), GOOD);
		}
		if (dead)
			break;
		if (ks_mono_us(&ks_clock_system) >= kill_at_us) {
			kill_writer(writer);
			dead = true;
		}
	}
	ks_store_reader_close(reader);
}

START_TEST(writer_killed_at_any_instant)
{
	static const struct ks_store_shape shapes[] = {
		{ 2, KS_STORE_BYTES_MIN }, { 6, KS_STORE_BYTES_MIN }, { 6, KS_STORE_BYTES_MIN + 65536 },
	};
	uint8_t *pictures[PICTURES];
	uint32_t random = (uint32_t)getpid();
	struct seen seen = { 0, 0, 0 };

	make_pictures(pictures, 7);
	/* On a loaded machine a writer may die before its first frame: then more of them. */
	for (int i = 0; i < KILLS || (seen.frames <= KILLS / 2 && i < 20 * KILLS); i++) {
		/* Every eighth finds another shape, and may die while it makes the new file. */
		const struct ks_store_shape *shape = &shapes[i / 8 % 3];
		pid_t writer = child();

		if (writer == 0)
			_exit(write_frames(pictures, shape, UINT64_MAX, random));
		read_beside(writer, ks_mono_us(&ks_clock_system) + 500 + next_random(&random) % 20000, &seen);
	}
	ck_assert_int_eq(write_frames(pictures, &shapes[0], 10, 1), GOOD);
	ck_assert_uint_gt(seen.frames, KILLS / 2);
	for (int i = 0; i < PICTURES; i++)
		free(pictures[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store_torn");
	TCase *tc = tcase_create("torn");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 180);
	tcase_add_loop_test(tc, nothing_torn_at_full_speed, 0, 3);
	tcase_add_test(tc, writer_killed_at_any_instant);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
