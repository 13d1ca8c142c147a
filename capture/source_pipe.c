/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "capture/counts.h"
#include "capture/split.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/frame/manifest.h"

#define CHUNK 65536	/* bytes a read; one read per event, so that other work on the loop comes in between */
#define FILE_STEPS_MAX 64	/* chunks, or pictures that are broken, that one tick gets over in a file */

/* So many pictures in a row, at less than this apart, come from no camera: the producer makes them, or plays
 * them, as fast as they are taken. A camera's program that was kept waiting has fewer of them to catch up with. */
#define RECORDING_PICTURES 32
#define RECORDING_GAP_US (10 * KS_US_PER_MS)

struct held {
	uint8_t *bytes;
	size_t len, room;
	int64_t captured_mono_us;
};

/* Reads on whatever happens, so that a camera's program never waits for us, and keeps the newest good picture.
 * A recording would be swallowed whole that way: once its producer has proven faster than any camera, one picture
 * a tick is taken and the producer waits. So it is with a regular file, which has no events and no hurry. */
struct pipe_source {
	struct ks_source source;	/* first */
	const char *path;	/* "-": standard input */
	int fd;
	bool opened, regular, ended;
	struct event *readable;
	struct timeval patience;	/* for `readable` */
	struct ks_split split;
	struct held newest, handed;	/* the one being filled, and the one the caller looks at */
	bool fresh;		/* newest was not handed over yet */
	bool recording;		/* one picture a tick */
	unsigned quick;		/* pictures of the row that may prove it, */
	int64_t quick_since_us;	/* and when its first came */
	uint8_t chunk[CHUNK];
	size_t chunk_len, chunk_at;	/* what was read, and what of it was looked at */
};

static const char *called(const struct pipe_source *self)
{
	return strcmp(self->path, "-") == 0 ? "standard input" : self->path;
}

/* Takes note of a picture that came now. */
static void prove(struct pipe_source *self)
{
	int64_t now_us = ks_mono_us(self->source.clock);

	if (self->recording || self->regular || self->source.settings.pipe_live)
		return;
	if (self->quick == 0)
		self->quick_since_us = now_us;
	if (++self->quick < RECORDING_PICTURES)
		return;
	self->recording = now_us - self->quick_since_us < (RECORDING_PICTURES - 1) * RECORDING_GAP_US;
	self->quick = 0;
	if (self->recording)
		ks_info("pipe", "%s: pictures come faster than from any camera, as from a recording: "
			"taking one per period (--pipe-live takes always the newest)", called(self));
}

static void on_picture(void *ctx, const uint8_t *jpeg, size_t len, int64_t began_us)
{
	struct pipe_source *self = ctx;
	struct ks_jpeg_info info;
	enum ks_jpeg_fault fault = ks_jpeg_check(jpeg, len, &info);

	if (fault != KS_JPEG_GOOD) {
		ks_count(&self->source.counts->dropped[fault]);
		return;
	}
	prove(self);
	if (len > self->newest.room) {
		uint8_t *grown = realloc(self->newest.bytes, len);

		if (grown == NULL)
			return;
		self->newest.bytes = grown;
		self->newest.room = len;
	}
	if (self->fresh)
		ks_count(&self->source.counts->superseded);
	memcpy(self->newest.bytes, jpeg, len);
	self->newest.len = len;
	self->newest.captured_mono_us = began_us;
	self->fresh = true;
}

static void on_dropped(void *ctx, enum ks_jpeg_fault fault)
{
	struct pipe_source *self = ctx;

	ks_count(&self->source.counts->dropped[fault]);
}

static void hang_up(struct pipe_source *self)
{
	if (self->readable != NULL)
		event_free(self->readable);
	self->readable = NULL;
	if (self->fd > STDIN_FILENO)
		close(self->fd);
	self->fd = -1;
	self->opened = false;
	self->chunk_len = self->chunk_at = 0;
	self->recording = false;
	self->quick = 0;
	ks_split_reset(&self->split);
}

/* One read, when all of the one before was looked at. KS_EOK, KS_ENODATA when there was nothing, KS_EEND, or -errno. */
static int read_chunk(struct pipe_source *self)
{
	ssize_t got;

	if (self->chunk_at < self->chunk_len)
		return KS_EOK;
	got = read(self->fd, self->chunk, sizeof(self->chunk));
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? KS_ENODATA : -errno;
	if (got == 0)
		return KS_EEND;
	self->chunk_len = (size_t)got;
	self->chunk_at = 0;
	return KS_EOK;
}

/* Looks at the chunk up to its next picture. */
static void look(struct pipe_source *self)
{
	self->chunk_at += ks_split_feed(&self->split, self->chunk + self->chunk_at, self->chunk_len - self->chunk_at,
					ks_mono_us(self->source.clock));
}

/* Standard input that has ended stays so; a FIFO's next writer may come at any time. */
static int fault_of_end(struct pipe_source *self, int err)
{
	hang_up(self);
	if (err != KS_EEND)
		return ks_source_fault(&self->source, KS_FAULT_IO, "%s: %s", called(self), ks_strerror(err));
	self->ended = strcmp(self->path, "-") == 0;
	return ks_source_fault(&self->source, KS_FAULT_ENDED, "%s: the stream has ended; start its producer again%s",
			       called(self), self->ended ? " together with sentryd" : "");
}

/* Looks at all of the chunk, or of a recording's up to the next picture, which then waits for its tick. */
static void look_on(struct pipe_source *self)
{
	while (self->chunk_at < self->chunk_len && !(self->recording && self->fresh))
		look(self);
	if (self->recording && self->fresh)
		event_del(self->readable);
}

/* The tick has taken a recording's picture. */
static void go_on(struct pipe_source *self)
{
	look_on(self);
	if (!self->fresh && event_add(self->readable, &self->patience) != 0)
		fault_of_end(self, -ENOMEM);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct pipe_source *self = ctx;
	struct ks_source *source = &self->source;
	int err;

	(void)fd;
	if ((what & EV_READ) == 0) {
		ks_source_failed(source, KS_FAULT_TIMEOUT, "%s: nothing came for %lld ms; is its producer running?",
				 called(self), (long long)source->settings.device_timeout_ms);
		return;
	}
	err = read_chunk(self);
	if (err == KS_EOK)
		look_on(self);
	if (err == KS_EOK || err == KS_ENODATA)
		return;
	/* What came before the end is still handed over; next() then finds the pipe closed. */
	fault_of_end(self, err);
	if (!self->fresh && source->failed != NULL)
		source->failed(source->failed_ctx);
}

static int watch(struct pipe_source *self)
{
	/* A slow producer is not a silent one. */
	int64_t patience_ms = 3 * self->source.settings.period_ms;

	if (patience_ms < self->source.settings.device_timeout_ms)
		patience_ms = self->source.settings.device_timeout_ms;
	self->patience = (struct timeval){ patience_ms / 1000, patience_ms % 1000 * 1000 };
	self->readable = event_new(self->source.base, self->fd, EV_READ | EV_PERSIST, on_readable, self);
	if (self->readable == NULL || event_add(self->readable, &self->patience) != 0)
		return ks_source_fault(&self->source, KS_FAULT_IO,
				       "%s: cannot be waited for; give a pipe, a FIFO or a file",
				       called(self));
	return KS_EOK;
}

static int open_fd(struct pipe_source *self)
{
	struct stat st;

	/* Without a writer a FIFO opens at once and stays silent; so nobody waits for anybody. */
	self->fd = strcmp(self->path, "-") == 0 ? STDIN_FILENO : open(self->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (self->fd < 0 || fstat(self->fd, &st) != 0) {
		int err = errno;

		return ks_source_fault(&self->source, err == EACCES ? KS_FAULT_DENIED : KS_FAULT_NO_DEVICE,
				       "%s: %s; make it with mkfifo", called(self), strerror(err));
	}
	if (S_ISDIR(st.st_mode))
		return ks_source_fault(&self->source, KS_FAULT_NO_CAMERA, "%s: is a folder; use --source dir:%s",
				       called(self), self->path);
	self->regular = S_ISREG(st.st_mode) || (S_ISCHR(st.st_mode) && isatty(self->fd) == 0);
	return KS_EOK;
}

static int pipe_open(struct ks_source *source)
{
	struct pipe_source *self = (struct pipe_source *)source;
	int err;

	if (self->ended)
		return fault_of_end(self, KS_EEND);
	if (self->opened)
		return KS_EOK;
	err = open_fd(self);
	if (err == KS_EOK && !self->regular)
		err = watch(self);
	if (err != KS_EOK) {
		hang_up(self);
		return err;
	}
	self->opened = true;
	return KS_EOK;
}

/* Reads a regular file up to its next good picture; bounded, so that a file of garbage cannot hold the loop. */
static int read_file(struct pipe_source *self)
{
	for (size_t n = 0; n < FILE_STEPS_MAX && !self->fresh; n++) {
		int err = read_chunk(self);

		if (err != KS_EOK)
			return err;
		look(self);
	}
	return KS_EOK;
}

static int pipe_next(struct ks_source *source, const struct ks_tick *tick, struct ks_picture *picture)
{
	struct pipe_source *self = (struct pipe_source *)source;
	struct held swap = self->handed;
	int err = KS_EOK;

	if (self->opened && self->regular)
		err = read_file(self);
	if (!self->fresh) {
		if (err != KS_EOK)
			return fault_of_end(self, err);
		return self->opened ? KS_ENODATA : KS_EGONE;
	}
	self->handed = self->newest;
	self->newest = swap;
	self->fresh = false;
	*picture = (struct ks_picture){
		.layout = KS_PICTURE_JPEG, .jpeg = self->handed.bytes, .jpeg_len = self->handed.len,
		.captured_us = tick->wall_us - (tick->mono_us - self->handed.captured_mono_us),
		.captured_mono_us = self->handed.captured_mono_us,
	};
	/* What is played is live when it is shown, not when it was read ahead. */
	if (self->recording) {
		picture->captured_us = tick->wall_us;
		picture->captured_mono_us = tick->mono_us;
		go_on(self);
	}
	return KS_EOK;
}

static void pipe_close(struct ks_source *source)
{
	struct pipe_source *self = (struct pipe_source *)source;

	hang_up(self);
	self->fresh = false;
}

static void pipe_free(struct ks_source *source)
{
	struct pipe_source *self = (struct pipe_source *)source;

	ks_split_free(&self->split);
	free(self->newest.bytes);
	free(self->handed.bytes);
	free(self);
}

static const struct ks_source_ops pipe_ops = { pipe_open, pipe_next, pipe_close, pipe_free, true };

struct ks_source *ks_source_pipe_new(const char *where)
{
	struct pipe_source *self = calloc(1, sizeof(*self));

	if (self == NULL)
		return NULL;
	self->source.ops = &pipe_ops;
	self->path = where;
	self->fd = -1;
	ks_split_init(&self->split);
	self->split.picture = on_picture;
	self->split.dropped = on_dropped;
	self->split.ctx = self;
	return &self->source;
}
