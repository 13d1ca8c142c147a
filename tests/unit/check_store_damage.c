/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that are not what a writer left: readers get an error and never a fault, writers start anew.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/store/layout.h"
#include "tests/unit/stored.h"
#include "tests/unit/unit.h"

#define FRAMES 4
#define HELD 3		/* frames 1 to 3 of epoch 1 are in the file that the tests damage */

static const struct ks_store_shape shape = { FRAMES, KS_STORE_BYTES_MIN };
static const char *dir;
static struct ks_store_reader *reader;
static char path[4200];

static struct ks_store_writer *open_writer(void)
{
	struct ks_store_writer *writer;

	ck_assert_int_eq(ks_store_writer_open(&writer, dir, STORED_CHANNEL, STORED_RENDITION, &shape, &ks_clock_system),
			 KS_EOK);
	return writer;
}

static void setup(void)
{
	struct ks_store_writer *writer;

	dir = unit_tmpdir();
	snprintf(path, sizeof(path), "%s/%s.%s.frames", dir, STORED_CHANNEL, STORED_RENDITION);
	writer = open_writer();
	for (uint32_t seq = 1; seq <= HELD; seq++)
		ck_assert_int_eq(stored_publish(writer, 1, seq, 1000), KS_EOK);
	ks_store_writer_close(writer);
	reader = NULL;
}

static void teardown(void)
{
	ks_store_reader_close(reader);
}

static int try_reader(void)
{
	return ks_store_reader_open(&reader, dir, STORED_CHANNEL, STORED_RENDITION);
}

static int read_seq(uint32_t seq)
{
	struct ks_store_copy *copy;
	int err = seq == 0 ? ks_store_read_newest(reader, NULL, &copy) :
		  ks_store_read(reader, (struct ks_frame_id){ 1, seq }, NULL, &copy);

	if (err == KS_EOK)
		free(copy);
	return err;
}

static void put(uint64_t at, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, bytes, len, (off_t)at), (ssize_t)len);
	close(fd);
}

static void put_u64(uint64_t at, uint64_t value, size_t len)
{
	put(at, &value, len);	/* little-endian, as configure made sure */
}

static uint64_t entry_at(uint64_t position, size_t member)
{
	return KS_STORE_HEADER_SIZE + (position - 1) % FRAMES * KS_STORE_ENTRY_SIZE + member;
}

#define ENTRY(position, member) entry_at(position, offsetof(struct ks_store_entry, member))

/* A writer takes the file over; then it holds `held` frames and takes the next. */
static void assert_writer_goes_on(size_t held)
{
	struct ks_store_writer *writer = open_writer();
	struct ks_store_item items[FRAMES];

	ks_store_reader_close(reader);
	ck_assert_int_eq(try_reader(), KS_EOK);
	ck_assert_uint_eq(ks_store_list(reader, items, FRAMES), held);
	ck_assert_int_eq(stored_publish(writer, 1, 4, 1000), KS_EOK);
	for (uint32_t seq = HELD + 1 - (uint32_t)held; seq <= HELD + 1; seq++)
		ck_assert_int_eq(read_seq(seq), KS_EOK);
	ks_store_writer_close(writer);
}

START_TEST(header_fields)
{
	static const struct {
		size_t at, len;
		uint64_t value;
		int err;
	} bad[] = {
		{ 0, 1, 'k', KS_EVERSION }, { 7, 1, 0, KS_EVERSION },
		{ 8, 4, 2, KS_EVERSION }, { 8, 4, 0, KS_EVERSION },
		{ 12, 4, 8192, KS_EMALFORMED }, { 16, 4, 128, KS_EMALFORMED }, { 16, 4, 0, KS_EMALFORMED },
		{ 20, 4, 0, KS_EMALFORMED }, { 20, 4, 1, KS_EMALFORMED }, { 20, 4, UINT32_MAX, KS_EMALFORMED },
		{ 20, 4, 65, KS_EMALFORMED },	/* more than fit in front of the data */
		{ 24, 8, 4096, KS_EMALFORMED }, { 24, 8, UINT64_MAX, KS_EMALFORMED },
		{ 32, 8, 0, KS_EMALFORMED }, { 32, 8, UINT64_MAX, KS_EMALFORMED },
		{ 32, 8, KS_STORE_BYTES_MIN + 4096, KS_EMALFORMED },
		{ 40, 8, 0, KS_EMALFORMED }, { 40, 8, UINT64_MAX, KS_EMALFORMED },
		{ 56, 1, 'x', KS_EMALFORMED }, { 61, 1, 'x', KS_EMALFORMED }, { 80, 1, 0, KS_EMALFORMED },
	};

	put_u64(bad[_i].at, bad[_i].value, bad[_i].len);
	ck_assert_int_eq(try_reader(), bad[_i].err);
	reader = NULL;
	assert_writer_goes_on(0);
}
END_TEST
#define HEADER_FIELDS 21

START_TEST(not_a_store)
{
	static const off_t sizes[] = { 0, 1, 4095, 4096, 8192, 1000000 };
	struct stat st;

	if (_i % 2 == 0) {	/* zeros */
		ck_assert_int_eq(truncate(path, 0), 0);
		ck_assert_int_eq(truncate(path, sizes[_i / 2]), 0);
		ck_assert_int_eq(try_reader(), sizes[_i / 2] < 4096 ? KS_EMALFORMED : KS_EVERSION);
	} else {		/* the beginning of one */
		ck_assert_int_eq(truncate(path, sizes[_i / 2]), 0);
		ck_assert_int_eq(try_reader(), KS_EMALFORMED);
	}
	reader = NULL;
	assert_writer_goes_on(0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq((uint64_t)st.st_size, ks_store_data_offset(FRAMES) + ks_store_room(KS_STORE_BYTES_MIN));
}
END_TEST

START_TEST(not_a_file)
{
	struct ks_store_writer *writer;

	unlink(path);
	if (_i == 0)
		ck_assert_int_eq(mkdir(path, 0700), 0);
	else if (_i == 1)
		ck_assert_int_eq(mkfifo(path, 0600), 0);
	else
		ck_assert_int_eq(symlink("/dev/zero", path), 0);
	unit_log_start();
	ck_assert_int_ne(try_reader(), KS_EOK);
	reader = NULL;
	ck_assert_int_ne(ks_store_writer_open(&writer, dir, STORED_CHANNEL, STORED_RENDITION, &shape, &ks_clock_system),
			 KS_EOK);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "no regular file"));
}
END_TEST

START_TEST(flipped_picture)
{
	ck_assert_int_eq(try_reader(), KS_EOK);
	put_u64(ks_store_data_offset(FRAMES) + 2 * ks_store_room(1000 + KS_MANIFEST_SIZE) + 500, 0xff, 1);
	ck_assert_int_eq(read_seq(0), KS_EDIGEST);
	ck_assert_int_eq(read_seq(3), KS_EDIGEST);
	ck_assert_int_eq(read_seq(2), KS_EOK);
	assert_writer_goes_on(0);	/* a damaged newest says nothing about the rest */
}
END_TEST

START_TEST(flipped_manifest)
{
	ck_assert_int_eq(try_reader(), KS_EOK);
	put_u64(ks_store_data_offset(FRAMES) + 2 * ks_store_room(1000 + KS_MANIFEST_SIZE) + 44, 77, 4);	/* seq */
	ck_assert_int_eq(read_seq(0), KS_EMALFORMED);
	put_u64(ks_store_data_offset(FRAMES) + 2 * ks_store_room(1000 + KS_MANIFEST_SIZE), 0, 4);	/* magic */
	ck_assert_int_eq(read_seq(0), KS_EMALFORMED);
	assert_writer_goes_on(0);
}
END_TEST

START_TEST(entry_out_of_bounds)
{
	static const struct {
		size_t at, len;
		uint64_t value;
	} bad[] = {
		{ 4, 4, 0 }, { 4, 4, KS_MANIFEST_SIZE }, { 4, 4, KS_FRAME_MAX + 1 }, { 4, 4, UINT32_MAX },
		{ 16, 8, UINT64_MAX }, { 16, 8, KS_STORE_BYTES_MIN }, { 16, 8, KS_STORE_BYTES_MIN - 600 },
		{ 16, 8, UINT64_MAX - 1175 },
	};

	put_u64(entry_at(3, bad[_i].at), bad[_i].value, bad[_i].len);
	ck_assert_int_eq(try_reader(), KS_EOK);
	ck_assert_int_eq(read_seq(0), KS_EMALFORMED);
	ck_assert_int_ne(read_seq(3), KS_EOK);
	assert_writer_goes_on(0);
}
END_TEST
#define ENTRY_BOUNDS 8

START_TEST(latest_points_nowhere)
{
	static const uint64_t bad[] = { 4, 1000, UINT64_MAX, UINT64_MAX / 2 };
	struct ks_store_item items[FRAMES];

	put_u64(offsetof(struct ks_store_header, latest), bad[_i], 8);
	ck_assert_int_eq(try_reader(), KS_EOK);
	ck_assert_int_eq(read_seq(0), KS_EMOVED);
	ck_assert_int_eq(read_seq(3), KS_EMOVED);
	ck_assert_uint_eq(ks_store_list(reader, items, FRAMES), 0);
	assert_writer_goes_on(0);
}
END_TEST

START_TEST(writer_died_while_writing)
{
	put_u64(ENTRY(4, lock), 1, 4);		/* the next entry, taken but not filled in */
	put_u64(ENTRY(4, position), 4, 8);
	ck_assert_int_eq(try_reader(), KS_EOK);
	ck_assert_int_eq(read_seq(0), KS_EOK);
	ck_assert_int_eq(read_seq(4), KS_ENOTYET);
	assert_writer_goes_on(HELD);
}
END_TEST

START_TEST(writer_died_before_announcing)
{
	put_u64(offsetof(struct ks_store_header, latest), 2, 8);
	ck_assert_int_eq(try_reader(), KS_EOK);
	ck_assert_int_eq(read_seq(0), KS_EOK);
	ck_assert_int_eq(read_seq(3), KS_ENOTYET);
	ks_store_writer_close(open_writer());
	ck_assert_int_eq(read_seq(3), KS_ENOTYET);
	ck_assert_uint_eq(ks_store_position(reader), 2);
}
END_TEST

START_TEST(writer_died_while_forgetting)
{
	struct ks_store_item items[FRAMES];

	put_u64(ENTRY(1, lock), 3, 4);
	ck_assert_int_eq(try_reader(), KS_EOK);
	ck_assert_uint_eq(ks_store_list(reader, items, FRAMES), 2);
	ck_assert_int_eq(read_seq(1), KS_EGONE);
	assert_writer_goes_on(2);
}
END_TEST

/* An entry that says something else than the bytes it points to, or lies across another, ends the row. */
START_TEST(row_is_broken)
{
	if (_i == 0)
		put_u64(ENTRY(1, captured_us), 5, 8);
	else if (_i == 1)
		put_u64(ENTRY(1, offset), ks_store_room(1000 + KS_MANIFEST_SIZE), 8);
	else
		put_u64(ENTRY(1, position), 2, 8);
	assert_writer_goes_on(2);
}
END_TEST

START_TEST(retired_under_its_name)
{
	put_u64(offsetof(struct ks_store_header, retired), 1, 4);	/* or else its readers would open it for ever */
	assert_writer_goes_on(HELD);
	ck_assert(ks_store_current(reader, 1));
}
END_TEST

START_TEST(leftover_of_a_writer_that_died_making)
{
	char fresh[4200];
	FILE *file;

	snprintf(fresh, sizeof(fresh), "%s/.%s.%s.frames", dir, STORED_CHANNEL, STORED_RENDITION);
	file = fopen(fresh, "w");
	ck_assert_ptr_nonnull(file);
	fputs("half a header", file);
	fclose(file);
	unlink(path);
	assert_writer_goes_on(0);
	ck_assert_int_ne(access(fresh, F_OK), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store_damage");
	TCase *tc = tcase_create("damage");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, header_fields, 0, HEADER_FIELDS);
	tcase_add_loop_test(tc, not_a_store, 0, 12);
	tcase_add_loop_test(tc, not_a_file, 0, 3);
	tcase_add_test(tc, flipped_picture);
	tcase_add_test(tc, flipped_manifest);
	tcase_add_loop_test(tc, entry_out_of_bounds, 0, ENTRY_BOUNDS);
	tcase_add_loop_test(tc, latest_points_nowhere, 0, 4);
	tcase_add_test(tc, writer_died_while_writing);
	tcase_add_test(tc, writer_died_before_announcing);
	tcase_add_test(tc, writer_died_while_forgetting);
	tcase_add_loop_test(tc, row_is_broken, 0, 3);
	tcase_add_test(tc, retired_under_its_name);
	tcase_add_test(tc, leftover_of_a_writer_that_died_making);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
