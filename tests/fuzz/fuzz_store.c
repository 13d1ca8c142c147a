/* SPDX-License-Identifier: Apache-2.0
 *
 * A store file made of any bytes: every call of a reader, and a writer that takes it up.
 *
 * The first byte chooses. Odd: the rest is the whole file. Even: the rest is laid over a good file with frames in
 * it, as runs of (offset u24, length u8, bytes), so that the fuzzer gets behind the header's checks.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cursor.h"
#include "lib/base/log.h"
#include "lib/store/layout.h"
#include "tests/fuzz/folder.h"
#include "tests/unit/stored.h"

#define FRAMES 8
#define HEAD_SIZE 65536		/* of the good file: header, entries, and the frames of base_file() */

static char dir[64];
static char path[128];
static uint8_t base[HEAD_SIZE];

static const struct ks_store_shape shape = { FRAMES, KS_STORE_BYTES_MIN };

static void quiet(void *ctx, enum ks_log_level level, const char *token, const char *text)
{
	(void)ctx;
	(void)level;
	(void)token;
	(void)text;
}

static void remove_files(void)
{
	unlink(path);
	rmdir(dir);
}

static struct ks_store_writer *open_writer(void)
{
	struct ks_store_writer *writer;

	if (ks_store_writer_open(&writer, dir, STORED_CHANNEL, STORED_RENDITION, &shape, &ks_clock_system) != KS_EOK)
		abort();	/* whatever the file holds, a writer makes it good */
	return writer;
}

static void transfer(bool writing, uint8_t *bytes, size_t len)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || (writing ? pwrite(fd, bytes, len, 0) : pread(fd, bytes, len, 0)) != (ssize_t)len)
		abort();
	close(fd);
}

/* On tmpfs where there is one: the file is 8 MiB. */
static void base_file(void)
{
	struct ks_store_writer *writer;

	ks_log_set_sink(quiet, NULL);
	fuzz_folder(dir, sizeof(dir));
	strcat(strcpy(path, dir), "/" STORED_CHANNEL "." STORED_RENDITION ".frames");
	atexit(remove_files);
	writer = open_writer();
	for (uint32_t seq = 1; seq <= FRAMES + 2; seq++)
		if (stored_publish(writer, 1, seq, 100 * seq) != KS_EOK)
			abort();
	ks_store_writer_close(writer);
	transfer(false, base, sizeof(base));
}

static void lay_over(const uint8_t *bytes, size_t len)
{
	static uint8_t head[HEAD_SIZE];
	struct ks_reader r = ks_reader(bytes, len);

	memcpy(head, base, sizeof(head));
	while (ks_reader_left(&r) > 4) {
		size_t at = ks_read_u24(&r) % HEAD_SIZE, n = ks_read_u8(&r);

		n = n < ks_reader_left(&r) ? n : ks_reader_left(&r);
		n = n < HEAD_SIZE - at ? n : HEAD_SIZE - at;
		memcpy(head + at, ks_read_span(&r, n), n);
	}
	transfer(true, head, sizeof(head));
}

static void whole_file(const uint8_t *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_TRUNC);

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		abort();
	close(fd);
}

/* A frame that is given out is whole, whatever the file says. */
static void check(int err, struct ks_store_copy **copy)
{
	struct ks_frame again;

	if (err != KS_EOK)
		return;
	if (ks_frame_view((*copy)->bytes, (*copy)->frame.len, &again) != KS_EOK)
		abort();
	free(*copy);
}

static void read_all(void)
{
	struct ks_store_item items[FRAMES];
	struct ks_store_reader *reader;
	struct ks_store_copy *copy;
	size_t n;

	if (ks_store_reader_open(&reader, dir, STORED_CHANNEL, STORED_RENDITION) != KS_EOK)
		return;
	check(ks_store_read_newest(reader, NULL, &copy), &copy);
	n = ks_store_list(reader, items, FRAMES);
	for (size_t i = 0; i < n; i++)
		check(ks_store_read(reader, items[i].id, NULL, &copy), &copy);
	check(ks_store_read(reader, (struct ks_frame_id){ 1, 5 }, NULL, &copy), &copy);
	ks_store_wait(reader, ks_store_position(reader), 0);
	ks_store_current(reader, ks_store_beat_us(reader));
	ks_store_reader_close(reader);
}

/* After recovery everything that is listed can be read, and the next frame too. */
static void write_on(void)
{
	struct ks_store_writer *writer = open_writer();
	struct ks_manifest newest = { .id = { 1, 0 } };

	if (ks_store_newest(writer, &newest) && newest.id.seq == UINT32_MAX)
		newest.id = (struct ks_frame_id){ newest.id.epoch + 1, 0 };
	stored_publish(writer, newest.id.epoch, newest.id.seq + 1, 3000);
	ks_store_writer_close(writer);
	read_all();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (dir[0] == '\0')
		base_file();
	if (len == 0)
		return 0;
	if ((bytes[0] & 1) != 0)
		whole_file(bytes + 1, len - 1);
	else
		lay_over(bytes + 1, len - 1);
	read_all();
	write_on();
	if ((bytes[0] & 1) != 0)
		lay_over(NULL, 0);
	return 0;
}
