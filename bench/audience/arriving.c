/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/arriving.h"

#include <stdlib.h>
#include <string.h>

#include "bench/audience/viewer.h"
#include "lib/base/clock.h"

#define RETRY_MAX_S 60
#define FAULT_BEFORE 80
#define FAULT_BEHIND 40

_Static_assert(FAULT_BEFORE + FAULT_BEHIND < SWARM_FAULT_MAX, "what is kept of a fault fits");

void swarm_arriving_malformed(struct swarm_stage *stage, struct swarm_viewer *viewer, const struct ks_reader *r)
{
	size_t before = (size_t)(r->at - stage->buffer), behind = ks_reader_left(r), n = 0;
	const uint8_t *from = r->at - (before < FAULT_BEFORE ? before : FAULT_BEFORE);
	const uint8_t *to = r->at + (behind < FAULT_BEHIND ? behind : FAULT_BEHIND);

	swarm_tally_count(swarm_viewer_tally(stage, viewer), SWARM_MALFORMED);
	if (stage->fault[0] != '\0')
		return;
	for (; from < to; from++)
		stage->fault[n++] = *from >= ' ' && *from <= '~' ? (char)*from : '.';
	stage->fault[n] = '\0';
}

static bool is_stream(const struct swarm_stage *stage, const struct swarm_answer *answer)
{
	return stage->run->pacing.mode == SWARM_STREAM && answer->head.status == 200;
}

static void begin_check(struct swarm_stage *stage, struct swarm_arriving *a)
{
	int64_t every = stage->run->o.digest_every;

	ks_picture_check_begin(&a->check, every > 0 && stage->judged++ % (uint64_t)every == 0);
}

static int64_t header_us(const struct ks_answer *head, enum ks_header header, int64_t absent_us)
{
	uint64_t ms;

	return ks_answer_number(head, header, KS_PERIOD_MAX_MS, &ms) ? (int64_t)ms * KS_US_PER_MS : absent_us;
}

static void hear(struct swarm_stage *stage, const struct ks_answer *head, struct swarm_hearing *heard)
{
	uint64_t retry_s;

	heard->word = (struct swarm_word){
		.next_us = header_us(head, KS_HEADER_NEXT, -1), .period_us = header_us(head, KS_HEADER_PERIOD, 0),
		.spread_us = header_us(head, KS_HEADER_SPREAD, -1), .luck = erand48(stage->seed),
		.live = strcmp(head->value[KS_HEADER_STATE], "live") == 0,
	};
	heard->retry_us = ks_answer_number(head, KS_HEADER_RETRY, RETRY_MAX_S, &retry_s) ?
				  (int64_t)retry_s * KS_US_PER_S : 0;
}

/* --- pictures --------------------------------------------------------------------------------- */

/* From a server that is not mod_sentry a picture may come without a stamp; then it cannot be placed. */
static enum ks_verdict judge(struct swarm_stage *stage, struct swarm_arriving *a, const struct ks_answer *head,
			     struct ks_picture *picture, bool *placed)
{
	const struct swarm_options *o = &stage->run->o;
	bool named = !o->plain && o->picture == NULL;
	const char *channel = named ? o->channel : NULL, *rendition = named ? o->rendition : NULL;
	unsigned needed = o->plain ? 0 : 1U << KS_HEADER_ID;
	enum ks_verdict verdict = ks_picture_check_whole(&a->check, head);

	/* A part has the fields that its stream promises; an answer has all. */
	if (!o->plain && head == &a->answer.head)
		needed |= 1U << KS_HEADER_CAPTURED | 1U << KS_HEADER_ETAG;
	if (verdict != KS_PICTURE_GOOD)
		return verdict;
	verdict = ks_picture_check_named(&a->check, head, channel, rendition, needed, picture);
	*placed = verdict == KS_PICTURE_GOOD;
	return o->plain && (verdict == KS_PICTURE_STAMP || verdict == KS_PICTURE_ETAG) ? KS_PICTURE_GOOD : verdict;
}

static bool show(struct swarm_stage *stage, struct swarm_viewer *v, const struct ks_picture *picture)
{
	struct swarm_moment now = { ks_mono_us(&ks_clock_system), ks_wall_us(&ks_clock_system) };
	enum swarm_mode mode = stage->run->pacing.mode;

	return swarm_screen_show(&v->screen, swarm_viewer_tally(stage, v), picture, &now,
				 mode == SWARM_LOCKED || mode == SWARM_WAIT || mode == SWARM_STREAM,
				 stage->run->o.stall_ms * KS_US_PER_MS);
}

static void count_bad(struct swarm_stage *stage, struct swarm_viewer *v, enum ks_verdict verdict)
{
	stage->pictures_left--;
	swarm_tally_bad(swarm_viewer_tally(stage, v), verdict);
}

/* False: it was bad. */
static bool take_picture(struct swarm_stage *stage, struct swarm_viewer *v, const struct ks_answer *head,
			 struct swarm_hearing *heard)
{
	struct swarm_tally *tally = swarm_viewer_tally(stage, v);
	struct ks_picture picture;
	bool placed = false;
	enum ks_verdict verdict = judge(stage, v->arriving, head, &picture, &placed);

	if (verdict != KS_PICTURE_GOOD) {
		count_bad(stage, v, verdict);
		return false;
	}
	stage->pictures_left--;
	swarm_tally_count(tally, SWARM_PICTURES);
	if (!v->seen)
		swarm_histogram_add(&tally->first, ks_mono_us(&ks_clock_system) - v->arrive_us);
	v->seen = true;
	memcpy(v->etag, head->value[KS_HEADER_ETAG], sizeof(v->etag));
	heard->word.newer = placed && show(stage, v, &picture);
	return true;
}

static bool too_large(struct swarm_stage *stage, struct swarm_viewer *v, uint64_t len)
{
	if (len > KS_JPEG_MAX)
		count_bad(stage, v, KS_PICTURE_TOO_LARGE);
	return len > KS_JPEG_MAX;
}

/* --- parts of a stream -------------------------------------------------------------------------- */

static enum swarm_outcome take_parts(struct swarm_stage *stage, struct swarm_viewer *v, struct ks_reader *r)
{
	struct swarm_arriving *a = v->arriving;
	struct swarm_hearing heard;
	struct ks_reader span;

	for (;;) {
		switch (swarm_multipart_step(&a->parts, r, &span)) {
		case SWARM_STEP_MORE:
			return SWARM_GOES_ON;
		case SWARM_STEP_HEAD:
			if (too_large(stage, v, a->parts.left))
				return SWARM_BROKEN;
			begin_check(stage, a);
			break;
		case SWARM_STEP_BODY:
			ks_picture_check_feed(&a->check, span.at, ks_reader_left(&span));
			break;
		case SWARM_STEP_END:
			swarm_tally_served(swarm_viewer_tally(stage, v), a->answer.head.value[KS_HEADER_SERVED_BY]);
			take_picture(stage, v, &a->parts.head, &heard);
			v->deadline_us = ks_mono_us(&ks_clock_system) + stage->run->o.timeout_s * KS_US_PER_S;
			break;
		case SWARM_STEP_MALFORMED:
			swarm_arriving_malformed(stage, v, r);
			return SWARM_BROKEN;
		}
	}
}

/* --- answers ---------------------------------------------------------------------------------- */

static bool take_head(struct swarm_stage *stage, struct swarm_viewer *v)
{
	struct swarm_arriving *a = v->arriving;
	const struct ks_answer *head = &a->answer.head;
	struct swarm_tally *tally = swarm_viewer_tally(stage, v);

	tally->status[head->status]++;
	if (is_stream(stage, &a->answer)) {
		if (swarm_multipart_begin(&a->parts, head->value[KS_HEADER_TYPE]))
			return true;
		count_bad(stage, v, KS_PICTURE_HEAD);
		return false;
	}
	if (head->status == 200)
		begin_check(stage, a);
	return head->status != 200 || !too_large(stage, v, a->answer.left);
}

static enum swarm_outcome take_body(struct swarm_stage *stage, struct swarm_viewer *v, struct ks_reader *span)
{
	struct swarm_arriving *a = v->arriving;

	if (is_stream(stage, &a->answer))
		return take_parts(stage, v, span);
	if (a->answer.head.status != 200)
		return SWARM_GOES_ON;
	ks_picture_check_feed(&a->check, span->at, ks_reader_left(span));
	return too_large(stage, v, a->check.len) ? SWARM_BROKEN : SWARM_GOES_ON;
}

static enum swarm_outcome take_end(struct swarm_stage *stage, struct swarm_viewer *v, struct swarm_hearing *heard)
{
	const struct ks_answer *head = &v->arriving->answer.head;
	struct swarm_tally *tally = swarm_viewer_tally(stage, v);

	hear(stage, head, heard);
	if (head->status != 200 && head->status != 204 && head->status != 304)
		return SWARM_REFUSED;
	/* A stream that ends is as good as refused: what was asked for is one that goes on. */
	if (is_stream(stage, &v->arriving->answer))
		return SWARM_REFUSED;
	swarm_tally_served(tally, head->value[KS_HEADER_SERVED_BY]);
	if (head->status == 200)
		return take_picture(stage, v, head, heard) ? SWARM_SERVED : SWARM_REFUSED;
	swarm_tally_count(tally, head->status == 204 ? SWARM_EMPTY : SWARM_UNCHANGED);
	return SWARM_SERVED;
}

enum swarm_outcome swarm_arriving_take(struct swarm_stage *stage, struct swarm_viewer *viewer, struct ks_reader *r,
				       struct swarm_hearing *heard)
{
	struct swarm_arriving *a = viewer->arriving;
	enum swarm_outcome outcome = SWARM_GOES_ON;
	struct ks_reader span;

	while (outcome == SWARM_GOES_ON) {
		switch (swarm_answer_step(&a->answer, r, &span)) {
		case SWARM_STEP_MORE:
			return SWARM_GOES_ON;
		case SWARM_STEP_HEAD:
			if (!take_head(stage, viewer))
				return SWARM_BROKEN;
			break;
		case SWARM_STEP_BODY:
			outcome = take_body(stage, viewer, &span);
			break;
		case SWARM_STEP_END:
			return take_end(stage, viewer, heard);
		case SWARM_STEP_MALFORMED:
			swarm_arriving_malformed(stage, viewer, r);
			return SWARM_BROKEN;
		}
	}
	return outcome;
}

bool swarm_arriving_ended(struct swarm_stage *stage, struct swarm_viewer *viewer)
{
	struct swarm_arriving *a = viewer->arriving;
	struct swarm_hearing heard;
	bool in_body = a->answer.state >= SWARM_ANSWER_LENGTH;

	if (in_body && is_stream(stage, &a->answer)) {
		if (!swarm_multipart_inside(&a->parts))
			return true;
		count_bad(stage, viewer, KS_PICTURE_CUT);
		return false;
	}
	if (swarm_answer_ended_by_close(&a->answer)) {
		take_end(stage, viewer, &heard);
		return true;
	}
	if (in_body && a->answer.head.status == 200)
		count_bad(stage, viewer, KS_PICTURE_CUT);
	return false;
}
