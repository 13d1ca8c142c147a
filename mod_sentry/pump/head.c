/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/pump/head.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "mod_sentry/cache_control.h"

#define BOUNDARY "koshien-frame"

#define STREAM_TYPE "multipart/x-mixed-replace;boundary=" BOUNDARY

const char ks_head_stream_type[] = STREAM_TYPE;

static const struct {
	int number;
	const char *line, *words;
} statuses[] = {
	[KS_HEAD_200] = { 200, "HTTP/1.1 200 OK\r\n", NULL },
	[KS_HEAD_204] = { 204, "HTTP/1.1 204 No Content\r\n", NULL },
	[KS_HEAD_304] = { 304, "HTTP/1.1 304 Not Modified\r\n", NULL },
	[KS_HEAD_503] = { 503, "HTTP/1.1 503 Service Unavailable\r\n", NULL },
	[KS_HEAD_414] = { 414, "HTTP/1.1 414 Request-URI Too Long\r\n", "The request line is too long.\n" },
	[KS_HEAD_431] = { 431, "HTTP/1.1 431 Request Header Fields Too Large\r\n",
			  KS_HEAD_TOO_LARGE "\n" },
};

int ks_head_status_of(enum ks_head_status status)
{
	return statuses[status].number;
}

/* All that is put together here has its limit, and KS_HEAD_MAX is above their sum. */
static void put(struct ks_head *head, const char *text, size_t len)
{
	if (len == 0)	/* a site without extras has no text */
		return;
	memcpy(head->text + head->len, text, len);
	head->len += len;
}

static void put_text(struct ks_head *head, const char *text)
{
	put(head, text, strlen(text));
}

static void put_number(struct ks_head *head, const char *before, int64_t value, const char *behind)
{
	char digits[KS_PICTURE_NUMBER];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	put_text(head, before);
	put(head, digits + at, sizeof(digits) - at);
	put_text(head, behind);
}

static void put_freshness(struct ks_head *head, const struct ks_head_about *about)
{
	const struct ks_freshness *f = &about->f;

	put_number(head, "Frame-Age: ", f->age_ms, "\r\nFrame-Period: ");
	put_text(head, about->picture->period_ms);
	put_number(head, "\r\nFrame-Next: ", f->next_ms, "\r\nFrame-State: ");
	put_text(head, ks_state_names[f->state]);
	put_number(head, "\r\nFrame-Spread: ", about->site->spread_us / KS_US_PER_MS, "\r\n");
	if (about->site->timing) {
		put_number(head, "Server-Timing: arrive;dur=", f->age_ms - f->held_ms, "");
		put_number(head, ", held;dur=", f->held_ms, "\r\n");
	}
}

static const char *cache_control(const struct ks_head_about *about)
{
	if (about->immutable)
		return "Cache-Control: " KS_CACHE_FRAME "\r\n";
	if (about->status == KS_HEAD_204 || about->f.state != KS_STATE_LIVE)
		return "Cache-Control: " KS_CACHE_NEVER "\r\n";
	return "Cache-Control: " KS_CACHE_LIVE "\r\n";
}

static void put_start(struct ks_head *head, enum ks_head_status status, const char *date)
{
	head->len = 0;
	put_text(head, statuses[status].line);
	put_text(head, "Date: ");
	put_text(head, date);
	put_text(head, "\r\n");
}

static void put_connection(struct ks_head *head, const struct ks_head_about *about)
{
	if (about->close)
		put_text(head, "Connection: close\r\n");
	else if (about->keep_alive)
		put_number(head, "Keep-Alive: timeout=", about->site->idle_us / KS_US_PER_S,
			   "\r\nConnection: Keep-Alive\r\n");
	put_text(head, "\r\n");
}

static void put_tag(struct ks_head *head, const struct ks_picture *picture)
{
	put_text(head, "ETag: ");
	put_text(head, picture->etag);
	put_text(head, "\r\n");
}

/* Which picture is here, for who gets none. */
static void put_names(struct ks_head *head, const struct ks_picture *picture)
{
	put_text(head, "Accept-Ranges: none\r\nFrame-Id: ");
	put_text(head, picture->id);
	put_text(head, "\r\nFrame-Captured: ");
	put_text(head, picture->captured_ms);
	put_text(head, "\r\n");
	if ((picture->m.flags & KS_FRAME_PLACEHOLDER) != 0)
		put_text(head, "Frame-Placeholder: 1\r\n");
}

void ks_head_write(struct ks_head *head, const struct ks_head_about *about)
{
	put_start(head, about->status, about->date);
	put(head, about->site->extras, about->site->extras_len);
	switch (about->status) {
	case KS_HEAD_200:
		put(head, about->picture->head, about->picture->head_len);
		break;
	case KS_HEAD_204:
		put_names(head, about->picture);
		break;
	default:
		put_names(head, about->picture);
		put_tag(head, about->picture);
		break;
	}
	if (!about->immutable)
		put_freshness(head, about);
	put_text(head, cache_control(about));
	put_connection(head, about);
}

void ks_head_write_unavailable(struct ks_head *head, const struct ks_head_about *about, const char *words,
			       unsigned retry_after_s)
{
	put_start(head, KS_HEAD_503, about->date);
	put(head, about->site->extras, about->site->extras_len);
	put_number(head, "Retry-After: ", retry_after_s, "\r\nCache-Control: " KS_CACHE_NEVER "\r\n");
	put_number(head, "Content-Length: ", (int64_t)strlen(words), "\r\nContent-Type: " KS_HEAD_WORDS "\r\n");
	put_connection(head, about);
}

void ks_head_write_stream(struct ks_head *head, const struct ks_site *site, const char *date)
{
	put_start(head, KS_HEAD_200, date);
	put(head, site->extras, site->extras_len);
	put_text(head, "Accept-Ranges: none\r\nCache-Control: " KS_CACHE_NEVER "\r\n"
		 "Content-Type: " STREAM_TYPE "\r\nConnection: close\r\n\r\n");
}

const char *ks_head_part_end(bool early)
{
	return early ? "\r\n--" BOUNDARY "\r\nContent-Type: image/jpeg\r\n\r\n" : "\r\n--" BOUNDARY "\r\n";
}

void ks_head_add_first_part(struct ks_head *head, const struct ks_head_about *about, bool early)
{
	struct ks_head part;

	put_text(head, ks_head_part_end(early) + KS_HEAD_LINE_END);
	ks_head_write_part(&part, about, early);
	put(head, part.text, part.len);
}

void ks_head_write_part(struct ks_head *head, const struct ks_head_about *about, bool early)
{
	head->len = 0;
	if (early)
		return;
	put(head, about->picture->head, about->picture->head_len);
	put_number(head, "Frame-Age: ", about->f.age_ms, "\r\nFrame-Period: ");
	put_text(head, about->picture->period_ms);
	put_text(head, "\r\nFrame-State: ");
	put_text(head, ks_state_names[about->f.state]);
	put_text(head, "\r\n\r\n");
}

size_t ks_head_write_refusal(struct ks_head *head, enum ks_head_status status, const char *date)
{
	const char *words = statuses[status].words;

	put_start(head, status, date);
	put_number(head, "Content-Length: ", (int64_t)strlen(words),
		   "\r\nContent-Type: " KS_HEAD_WORDS "\r\nConnection: close\r\n\r\n");
	put_text(head, words);
	return strlen(words);
}

void ks_head_date(char out[KS_DATE_TEXT], int64_t wall_us)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t s = (time_t)(wall_us / KS_US_PER_S);
	struct tm tm;

	/* Not strftime(): its names are the locale's. */
	gmtime_r(&s, &tm);
	snprintf(out, KS_DATE_TEXT, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT", days + 3 * tm.tm_wday,
		 (unsigned)tm.tm_mday % 100, months + 3 * tm.tm_mon, (unsigned)(tm.tm_year + 1900) % 10000,
		 (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}
