/* SPDX-License-Identifier: Apache-2.0
 *
 * The lives of connections: the input is a script of what peers, the clock and the store do. What a peer gets is
 * whole answers, in front of whatever was cut; and when all peers have gone nothing of them is left.
 *
 * An instruction is a byte: its low four bits say what, its high ones to which peer. Some are followed by a byte, n.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cursor.h"
#include "lib/base/log.h"
#include "tests/fuzz/folder.h"
#include "tests/unit/pumped.h"
#include "tests/unit/stored.h"

#define PEERS 16
#define INSTRUCTIONS_MAX 200
#define TAKEN_MAX (256 * 1024)	/* of what one peer gets */
#define PICTURE 3000
#define LARGE 300000
#define LONG_US (200 * KS_US_PER_S)	/* longer than any deadline */

static char dir[64];
static struct pumped p;
static uint32_t seq = 1;
static size_t descriptors;

static struct peer {
	int fd;		/* -1: none */
	bool cut;	/* more came than is looked at */
	size_t len;
	char bytes[TAKEN_MAX];
} peers[PEERS];

static void need_at(bool true_, int line)
{
	if (true_)
		return;
	fprintf(stderr, "fuzz_viewer.c:%d: is not so\n", line);
	abort();
}
#define need(what) need_at(what, __LINE__)

/* --- what a peer got ----------------------------------------------------------------------------------------------- */

static bool is_whole_picture(const char *body, size_t len)
{
	struct ks_frame frame = { .m.length = (uint32_t)len, .len = KS_MANIFEST_SIZE + len };
	uint8_t *bytes = malloc(frame.len);
	uint32_t mark;
	bool whole;

	need(bytes != NULL);
	memcpy(bytes + KS_MANIFEST_SIZE, body, len);
	frame.bytes = bytes;
	whole = stored_whole(&frame, &mark) && mark <= seq;
	free(bytes);
	return whole;
}

/* A number behind a field's name in a head; -1: there is no such field. */
static long number_in(const char *head, size_t len, const char *name)
{
	const char *at = memmem(head, len, name, strlen(name));

	return at != NULL ? strtol(at + strlen(name), NULL, 10) : -1;
}

/* The length of the answer at the start; 0: it is not whole, or not to be judged (a stream). */
static size_t judge_answer(const char *at, size_t len)
{
	const char *end = memmem(at, len, "\r\n\r\n", 4);
	size_t head = end != NULL ? (size_t)(end - at) + 4 : len;
	long body, status;

	need(memcmp(at, "HTTP/1.1 ", len < 9 ? len : 9) == 0);
	if (end == NULL || memmem(at, head, "multipart/", 10) != NULL)
		return 0;
	status = strtol(at + 9, NULL, 10);
	need(status == 200 || status == 204 || status == 304 || status == 414 || status == 431 || status == 503);
	body = number_in(at, head, "\r\nContent-Length: ");
	need((body >= 0) == (status == 200 || status >= 400));
	if (status == 414 || status == 431)
		return len;
	/* To HEAD there is no body: neither pictures nor words begin like that. */
	if (body < 0 || len - head == 0 || memcmp(at + head, "HTTP/1.1 ", len - head < 9 ? len - head : 9) == 0)
		return head;
	if (len - head < (size_t)body)
		return 0;
	if (status == 503)
		need(memcmp(at + head, "No picture of ", 14) == 0 && at[head + (size_t)body - 1] == '\n');
	else
		need(is_whole_picture(at + head, (size_t)body));
	return head + (size_t)body;
}

static void judge(const struct peer *peer)
{
	size_t at = 0, len;

	while (at < peer->len && (len = judge_answer(peer->bytes + at, peer->len - at)) > 0)
		at += len;
}

/* --- what peers do ---------------------------------------------------------------------------------------------- */

static void take(struct peer *peer, size_t most)
{
	static char drain[65536];

	while (peer->fd >= 0 && most > 0) {
		size_t room = sizeof(peer->bytes) - peer->len, want = most < sizeof(drain) ? most : sizeof(drain);
		ssize_t n = recv(peer->fd, drain, want, 0);

		if (n <= 0)
			return;
		most -= (size_t)n;
		peer->cut = peer->cut || (size_t)n > room;
		if (peer->cut)
			continue;
		memcpy(peer->bytes + peer->len, drain, (size_t)n);
		peer->len += (size_t)n;
	}
}

static void leave(struct peer *peer)
{
	if (peer->fd < 0)
		return;
	close(peer->fd);
	peer->fd = -1;
	if (!peer->cut || peer->len > 0)
		judge(peer);
}

static void come(struct peer *peer, const char *bytes, size_t len, unsigned how)
{
	int size = 4096;

	leave(peer);
	peer->cut = false;
	peer->len = 0;
	peer->fd = how % 4 == 3 ? pumped_take_tcp(&p, bytes, len) : pumped_take(&p, &p.site, bytes, len);
	ks_pump_turn(p.pump, 0);
	if (how % 4 == 1 && peer->fd >= 0 && LIST_FIRST(&p.pump->viewers) != NULL)
		setsockopt(LIST_FIRST(&p.pump->viewers)->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static void say(struct peer *peer, const void *bytes, size_t len)
{
	/* What does not fit, or nobody hears, is the peer's loss. */
	if (peer->fd >= 0 && len > 0 && send(peer->fd, bytes, len, MSG_NOSIGNAL) < 0)
		need(errno == EAGAIN || errno == EPIPE || errno == ECONNRESET);
}

static void reset(struct peer *peer)
{
	struct linger now = { .l_onoff = 1 };

	if (peer->fd >= 0)
		setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	leave(peer);
}

static size_t format_request(char *out, size_t size, unsigned n)
{
	static const char *const fields[] = { "", "", "Connection: close\r\n", "Connection: keep-alive\r\n",
					      "If-None-Match: \"1\"\r\n", "Content-Length: 1\r\n", "Accept: image/*\r\n", "" };
	char file[64];

	switch (n % 8) {
	case 0: snprintf(file, sizeof(file), "latest.jpg?after=7-%u&wait=%u", seq, n * 97); break;
	case 1: snprintf(file, sizeof(file), "latest.jpg?after=7-%u", seq - 1); break;
	case 2: snprintf(file, sizeof(file), "7-%u.jpg", seq - n % 3); break;
	case 3: snprintf(file, sizeof(file), "stream.mjpg"); break;
	case 4: snprintf(file, sizeof(file), "latest.jpg?after=7-%u", seq); break;
	case 5: snprintf(file, sizeof(file), "7-%u.jpg", seq + 1); break;
	default: snprintf(file, sizeof(file), "latest.jpg"); break;
	}
	return (size_t)snprintf(out, size, "%s " PUMPED_DIR "%s HTTP/1.%u\r\nHost: %s\r\n%s\r\n",
				n % 11 == 10 ? "HEAD" : "GET", file, n % 13 != 12, n % 17 == 16 ? "x" : PUMPED_HOST,
				fields[n / 8 % 8]);
}

static void say_request(struct peer *peer, unsigned n)
{
	char text[256];

	say(peer, text, format_request(text, sizeof(text), n));
}

static void say_a_lot(struct peer *peer, unsigned n)
{
	static char bytes[KS_PUMP_INPUT_MAX];

	memset(bytes, n % 2 == 0 ? 'a' : '\n', sizeof(bytes));
	say(peer, bytes, sizeof(bytes) / 128 * (n / 2 + 1));
}

static void pipeline(struct peer *peer, unsigned n)
{
	static char text[256 * 256];
	size_t at = 0;

	for (unsigned i = 0; i <= n; i++)
		at += format_request(text + at, sizeof(text) - at, 1 + i % 3 * 3);
	say(peer, text, at);
}

/* --- the script -------------------------------------------------------------------------------------------------- */

static void publish(uint32_t length)
{
	pumped_publish(&p, ++seq, length);
}

static void end_of_pump(void)
{
	ks_pump_drain(p.pump);
	ks_pump_turn(p.pump, 0);
}

static void follow(struct ks_reader *script)
{
	uint8_t instruction = ks_read_u8(script), n = ks_read_u8(script);
	struct peer *peer = &peers[instruction >> 4];
	char text[256];
	size_t len = n < ks_reader_left(script) ? n : ks_reader_left(script);

	switch (instruction & 15) {
	case 0: come(peer, "", 0, n); break;
	case 1: come(peer, text, format_request(text, sizeof(text), n), n / 8); break;
	case 2: say(peer, ks_read_span(script, len), len); break;
	case 3: say_request(peer, n); break;
	case 4: take(peer, (size_t)n * 64); break;
	case 5: take(peer, SIZE_MAX); break;
	case 6: leave(peer); break;
	case 7: reset(peer); break;
	case 8: if (peer->fd >= 0) shutdown(peer->fd, SHUT_WR); break;
	case 9: p.now_us += n * KS_US_PER_MS; break;
	case 10: pumped_pass(&p, n * 100 * KS_US_PER_MS, 500 * KS_US_PER_MS); break;
	case 11: publish(n % 8 == 7 ? LARGE : PICTURE + n); break;
	case 12: say_a_lot(peer, n); break;
	case 13: p.refuse = n % 2 != 0; break;
	case 14: pipeline(peer, n); break;
	default: if (n == 0) end_of_pump(); break;
	}
	/* Not after each, so that things come together. */
	if (n % 3 != 0)
		ks_pump_turn(p.pump, 0);
}

/* --- begin and end --------------------------------------------------------------------------------------------------- */

static void quiet(void *ctx, enum ks_log_level level, const char *token, const char *text)
{
	(void)ctx;
	(void)level;
	(void)token;
	(void)text;
}

static void remove_files(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/" STORED_CHANNEL "." STORED_RENDITION ".frames", dir);
	pumped_close(&p);
	unlink(path);
	rmdir(dir);
}

static void set_up(void)
{
	int peer;

	ks_log_set_sink(quiet, NULL);
	fuzz_folder(dir, sizeof(dir));
	pumped_open(&p, dir);
	/* The feed, and what else the first one opens. */
	peer = pumped_take(&p, &p.site, PUMPED_GET, strlen(PUMPED_GET));
	ks_pump_turn(p.pump, 0);
	close(peer);
	ks_pump_turn(p.pump, 0);
	for (size_t i = 0; i < PEERS; i++)
		peers[i].fd = -1;
	atexit(remove_files);
}

static void begin(void)
{
	/* What a script has drained serves again. */
	atomic_store(&p.pump->draining, false);
	p.pump->drained = false;
	p.refuse = false;
	publish(PICTURE);
	/* Anew for each: libFuzzer begins to keep some when it first names a function. */
	descriptors = pumped_descriptors();
}

/* All go; nothing stays behind. */
static void end(void)
{
	const struct ks_feed *feed = p.pump->feeds;

	for (size_t i = 0; i < PEERS; i++)
		leave(&peers[i]);
	for (unsigned i = 0; i < 10 && ks_pump_viewers(p.pump) > 0; i++)
		ks_pump_turn(p.pump, 0);
	pumped_pass(&p, LONG_US, LONG_US / 4);
	/* What they had asked last may have been given back. */
	if (p.given_fd >= 0)
		close(p.given_fd);
	p.given_fd = -1;
	need(ks_pump_viewers(p.pump) == 0 && LIST_EMPTY(&p.pump->viewers) && TAILQ_EMPTY(&p.pump->again));
	need(p.pump->timers.n == 0 && p.pump->n_feeds == 1);
	need(feed->n_waiting == 0 && feed->n_due == 0 && TAILQ_EMPTY(&feed->waiting) && TAILQ_EMPTY(&feed->due));
	/* The feed's, and that of the copies. */
	need(atomic_load(&feed->picture->refs) == 2);
	need(pumped_descriptors() == descriptors);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static bool set;
	struct ks_reader script = ks_reader(bytes, len);

	if (!set)
		set_up();
	set = true;
	begin();
	for (unsigned i = 0; i < INSTRUCTIONS_MAX && ks_reader_left(&script) >= 2; i++)
		follow(&script);
	end();
	return 0;
}
