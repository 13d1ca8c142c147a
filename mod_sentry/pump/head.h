/* SPDX-License-Identifier: Apache-2.0
 *
 * The heads of the pump's answers. They say what httpd's handler would have said (serve.c), and the tests hold the
 * two against each other.
 */
#ifndef KS_MOD_SENTRY_PUMP_HEAD_H
#define KS_MOD_SENTRY_PUMP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mod_sentry/picture.h"
#include "mod_sentry/pump/site.h"
#include "mod_sentry/state.h"

#define KS_HEAD_MAX (KS_SITE_EXTRAS_MAX + KS_PICTURE_HEAD + 1024)
#define KS_HEAD_WORDS "text/plain; charset=utf-8"	/* the type of what is said in words */
#define KS_DATE_TEXT 30		/* "Sun, 06 Nov 1994 08:49:37 GMT" and its NUL: RFC 9110 section 5.6.7 */

enum ks_head_status {
	KS_HEAD_200,
	KS_HEAD_204,
	KS_HEAD_304,
	KS_HEAD_503,	/* there was a picture, and it is dead */
	KS_HEAD_414,	/* refusals, of what is no request yet */
	KS_HEAD_431
};

int ks_head_status_of(enum ks_head_status status);	/* as a number */

/* What a head is made of. */
struct ks_head_about {
	const struct ks_site *site;
	const struct ks_picture *picture;
	struct ks_freshness f;
	enum ks_head_status status;
	bool immutable;		/* by id: only what does not change */
	bool keep_alive, close;	/* what is said of the connection; neither: nothing */
	const char *date;
};

struct ks_head {
	size_t len;
	char text[KS_HEAD_MAX];
};

void ks_head_write(struct ks_head *head, const struct ks_head_about *about);

/* That of a 503, behind which `words` are the body; nothing of the picture is in it. */
void ks_head_write_unavailable(struct ks_head *head, const struct ks_head_about *about, const char *words,
			       unsigned retry_after_s);

/* A stream's head, what follows it up to the first picture (the beginning of its body: not to HEAD), and what stands
 * between a boundary and a picture. A part's end is written behind it at once, as clients take it when they see that.
 * For players it is the next boundary. Browsers show a part when they have seen the next one's head, whose fields
 * nobody knows yet: to them (`early`) it has the type alone, and goes with the boundary. */
void ks_head_write_stream(struct ks_head *head, const struct ks_site *site, const char *date);
void ks_head_add_first_part(struct ks_head *head, const struct ks_head_about *about, bool early);
void ks_head_write_part(struct ks_head *head, const struct ks_head_about *about, bool early);
const char *ks_head_part_end(bool early);
#define KS_HEAD_LINE_END 2	/* bytes at the start of a part's end that are not in front of the first part */
extern const char ks_head_stream_type[];

#define KS_HEAD_TOO_LARGE "The request's header fields are too long together."	/* in words, of the handler too */

/* The whole answer, in words; returns the length of its body. */
size_t ks_head_write_refusal(struct ks_head *head, enum ks_head_status status, const char *date);

void ks_head_date(char out[KS_DATE_TEXT], int64_t wall_us);

#endif
