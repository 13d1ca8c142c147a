/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/order/schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/epoch.h"
#include "capture/head.h"
#include "lib/base/error.h"
#include "relay/director.h"

#define S KS_US_PER_S
#define MS KS_US_PER_MS

#define SOURCES 3
#define RELAYS 3		/* the last one is behind the others, if there */
#define DIRECT 2
#define RENDITIONS 2
#define FRAMES_MAX 2048
#define EVENTS_MAX 8192
#define BYTES (KS_MANIFEST_SIZE + 8)
#define EPOCH_OF_TESTS (INT64_C(1795262400) * S)

#define SETTLE_US (14 * S)	/* after which the last trouble is over: two new epochs in a row, and word of them */
#define STUCK_US (12 * S)	/* and some periods: that a viewer may wait from then on */
#define QUIET_US (SETTLE_US + STUCK_US + 8 * S)
#define VIEW_US (200 * MS)

enum kind { CAPTURE, ARRIVE, HEAD_UP, HEAD_TO_RELAY, TICK, FAULT, VIEW, SOURCE_UP, RELAY_UP };

struct event {
	int64_t at_us;
	uint32_t order, frame;
	uint8_t kind, who, hops;
};

enum mode { GOOD, PLACEHOLDER, MUTE, MODES };

struct source {
	struct ks_publisher publisher;
	struct ks_head head;
	struct ks_trust trust;
	int64_t wall_offset_us;
	bool up, has_stored;
	uint32_t stored;
	enum mode mode;
	bool linked[DIRECT];
};

struct relay {
	struct ks_director *director;
	int64_t due_us;
	struct {
		bool any;
		struct ks_frame_id id;
		uint32_t frame;
		int64_t at_us;
	} stores[RENDITIONS];
};

struct frame {
	struct ks_manifest m;
	uint8_t bytes[BYTES];
};

static struct {
	uint64_t random;
	int64_t now_us, quiet_us, period_us, jitter_us;
	size_t n_sources, n_relays, n_renditions;
	unsigned head_loss;		/* percent */
	struct source sources[SOURCES];
	struct relay relays[RELAYS];
	struct frame frames[FRAMES_MAX];
	size_t n_frames;
	struct event events[EVENTS_MAX];
	size_t n_events;
	uint32_t order;
	struct {
		size_t relay;
		bool any, must;		/* must: what is shown here and there can be brought in order */
		struct ks_frame_id id;
		int64_t at_us, leaves_us;
	} viewer;
	struct order_result *result;
	char *why;
	unsigned why_size;
} w;

static const char *const rendition_names[RENDITIONS] = { "std", "low" };

/* --- chance ------------------------------------------------------------------------------------- */

static uint64_t next_random(void)
{
	uint64_t z = w.random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static int64_t up_to(int64_t most)
{
	return (int64_t)(next_random() % (uint64_t)(most + 1));
}

static bool chance(unsigned percent)
{
	return next_random() % 100 < percent;
}

/* --- what is to come ---------------------------------------------------------------------------- */

static bool before(const struct event *a, const struct event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void plan(enum kind kind, size_t who, int64_t in_us, uint32_t frame, uint8_t hops)
{
	struct event e = { w.now_us + in_us, w.order++, frame, (uint8_t)kind, (uint8_t)who, hops };
	size_t i = w.n_events;

	if (w.n_events == EVENTS_MAX)
		abort();
	w.n_events++;
	for (; i > 0 && before(&e, &w.events[(i - 1) / 2]); i = (i - 1) / 2)
		w.events[i] = w.events[(i - 1) / 2];
	w.events[i] = e;
}

static struct event take_event(void)
{
	struct event first = w.events[0], last = w.events[--w.n_events];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= w.n_events)
			break;
		if (child + 1 < w.n_events && before(&w.events[child + 1], &w.events[child]))
			child++;
		if (!before(&w.events[child], &last))
			break;
		w.events[i] = w.events[child];
		i = child;
	}
	w.events[i] = last;
	return first;
}

static bool quiet(void)
{
	return w.now_us >= w.quiet_us;
}

static void complain(const char *what, size_t who)
{
	if (w.why[0] == '\0')
		snprintf(w.why, w.why_size, "%s, number %zu, at %" PRId64 " ms, quiet from %" PRId64 " ms", what, who,
			 w.now_us / MS, w.quiet_us / MS);
}

/* --- relays ------------------------------------------------------------------------------------- */

static int64_t now_of(void *ctx)
{
	(void)ctx;
	return w.now_us;
}

static const struct ks_clock sim_clock = { now_of, now_of, NULL };

/* Which frame it is stands where the director does not look. */
static uint32_t index_of(const struct ks_manifest *m)
{
	return (uint32_t)m->captured_us;
}

static int publish(void *ctx, const struct ks_frame *frame, uint8_t hops)
{
	struct relay *relay = ctx;
	size_t r = strcmp(frame->m.rendition, rendition_names[0]) == 0 ? 0 : 1;

	w.result->published++;
	if (relay->stores[r].any && ks_frame_id_cmp(frame->m.id, relay->stores[r].id) <= 0) {
		w.result->backwards++;
		complain("a step back at a relay", (size_t)(relay - w.relays));
	}
	relay->stores[r].any = true;
	relay->stores[r].id = frame->m.id;
	relay->stores[r].frame = index_of(&frame->m);
	relay->stores[r].at_us = w.now_us;
	if (w.n_relays == RELAYS && relay != &w.relays[DIRECT])
		plan(ARRIVE, DIRECT, 5 * MS + up_to(w.jitter_us / 2), index_of(&frame->m), (uint8_t)(hops + 1));
	return KS_EOK;
}

static void head(void *ctx, const uint8_t manifest[KS_MANIFEST_SIZE])
{
	struct relay *relay = ctx;
	size_t number = (size_t)(relay - w.relays);
	struct ks_manifest m;

	if (ks_manifest_decode(manifest, KS_MANIFEST_SIZE, &m) != KS_EOK)
		abort();
	w.result->heads++;
	for (size_t i = 0; number < DIRECT && i < w.n_sources; i++)
		if (w.sources[i].linked[number] && !chance(w.head_loss))
			plan(HEAD_UP, i, up_to(w.jitter_us / 2), index_of(&m), 0);
	for (size_t i = 0; number == DIRECT && i < DIRECT; i++)
		if (!chance(w.head_loss))
			plan(HEAD_TO_RELAY, i, up_to(w.jitter_us / 2), index_of(&m), 0);
}

static void start_relay(struct relay *relay)
{
	const struct ks_director_ops ops = { &sim_clock, publish, head, relay };

	if (ks_director_new(&relay->director, 1, &ops) != KS_EOK)
		abort();
	relay->due_us = INT64_MAX;
	for (size_t r = 0; r < RENDITIONS; r++)
		if (relay->stores[r].any)
			ks_director_recall(relay->director, &w.frames[relay->stores[r].frame].m);
}

static void stop_relay(struct relay *relay)
{
	if (relay->director != NULL)
		w.result->changes += ks_director_changes(relay->director);
	ks_director_free(relay->director);
	relay->director = NULL;
}

static void tick(struct relay *relay)
{
	int64_t due_us = ks_director_tick(relay->director);

	if (due_us != INT64_MAX && due_us != relay->due_us)
		plan(TICK, (size_t)(relay - w.relays), due_us > w.now_us ? due_us - w.now_us : 0, 0, 0);
	relay->due_us = due_us;
}

static void arrive(struct relay *relay, uint32_t number, uint8_t hops)
{
	const struct frame *f = &w.frames[number];
	const struct ks_frame frame = { f->m, f->bytes, BYTES };

	if (relay->director == NULL)
		return;
	if (ks_director_take(relay->director, &frame, hops) != KS_EOK)
		w.result->refused++;
	tick(relay);
}

/* --- sources ------------------------------------------------------------------------------------ */

static bool believe(const struct ks_head *of, const uint8_t manifest[KS_MANIFEST_SIZE])
{
	(void)of;
	(void)manifest;
	return true;	/* signatures have tests of their own, and would take a day here */
}

static int above(void *ctx, uint32_t heard, uint32_t *epoch)
{
	struct source *s = ctx;

	w.result->raised++;
	if (ks_epoch_raise(s->has_stored ? &s->stored : NULL, s->publisher.source, heard, &s->stored) != KS_EOK)
		abort();
	s->has_stored = true;
	*epoch = s->stored;
	return KS_EOK;
}

static void start_source(struct source *s)
{
	int64_t wall_us = EPOCH_OF_TESTS + w.now_us + s->wall_offset_us;

	s->head = (struct ks_head){ .clock = &sim_clock, .publisher = &s->publisher, .trust = &s->trust, .verify = believe,
				    .above = above, .ctx = s };
	if (ks_epoch_start(s->has_stored ? &s->stored : NULL, s->publisher.source, wall_us, &s->stored) != KS_EOK)
		abort();
	s->has_stored = true;
	s->publisher.next = (struct ks_frame_id){ s->stored, 0 };
	s->publisher.shown_until_us = 0;
	s->up = true;
}

static void send_frame(const struct source *s, uint32_t number)
{
	for (size_t i = 0; i < DIRECT; i++) {
		int64_t delay_us = 5 * MS + up_to(w.jitter_us);

		if (!quiet() && chance(5))
			continue;
		if (!quiet() && chance(5))
			delay_us += up_to(3 * S);
		if (s->linked[i])
			plan(ARRIVE, i, delay_us, number, 0);
	}
}

static void capture(struct source *s)
{
	plan(CAPTURE, s->publisher.source, w.period_us, 0, 0);
	if (!s->up || s->mode == MUTE || w.n_frames + RENDITIONS > FRAMES_MAX)
		return;
	if (ks_publish_begin(&s->publisher, (int64_t)w.n_frames, w.now_us,
			     s->mode == PLACEHOLDER ? KS_FRAME_PLACEHOLDER : 0) != KS_EOK)
		abort();
	for (size_t r = 0; r < w.n_renditions; r++) {
		struct frame *f = &w.frames[w.n_frames];

		f->m = s->publisher.instant;
		f->m.captured_us = (int64_t)w.n_frames;
		strcpy(f->m.rendition, rendition_names[r]);
		f->m.width = f->m.height = 8;
		f->m.length = BYTES - KS_MANIFEST_SIZE;
		if (ks_manifest_encode(&f->m, f->bytes) != KS_EOK)
			abort();
		send_frame(s, (uint32_t)w.n_frames++);
	}
	s->publisher.used = true;
	ks_publish_end(&s->publisher);
}

/* --- what goes wrong ------------------------------------------------------------------------------ */

static void replay(void)
{
	for (int64_t n = up_to(5); n > 0 && w.n_frames > 0; n--) {
		w.result->replays++;
		plan(ARRIVE, (size_t)up_to((int64_t)w.n_relays - 1), up_to(S), (uint32_t)up_to((int64_t)w.n_frames - 1),
		     (uint8_t)chance(20));
	}
}

static void restart_source(struct source *s)
{
	w.result->restarts++;
	s->up = false;
	if (chance(10))
		s->has_stored = false;
	plan(SOURCE_UP, s->publisher.source, up_to(3 * S), 0, 0);
}

static void restart_relay(size_t number)
{
	w.result->restarts++;
	stop_relay(&w.relays[number]);
	plan(RELAY_UP, number, up_to(2 * S), 0, 0);
}

static void go_wrong(void)
{
	struct source *s = &w.sources[up_to((int64_t)w.n_sources - 1)];

	if (quiet())
		return;
	switch (next_random() % 9) {
	case 0:
	case 1:
		restart_source(s);
		break;
	case 2:
		s->wall_offset_us += up_to(7200 * S) - 3600 * S;
		break;
	case 3:
		restart_relay((size_t)up_to((int64_t)w.n_relays - 1));
		break;
	case 4: {
		bool *linked = &s->linked[up_to(DIRECT - 1)];

		*linked = !*linked;
		break;
	}
	case 5:
	case 6:
		replay();
		break;
	case 7:
		s->mode = (enum mode)up_to(MODES - 1);
		break;
	default:
		w.head_loss = (unsigned)up_to(100);
	}
	plan(FAULT, 0, up_to(2 * S), 0, 0);
}

/* --- what must be ---------------------------------------------------------------------------------- */

/* The one that a relay is to show: the best of those that come through with real pictures; -1: none does. */
static int best_at(size_t relay)
{
	int best = -1;

	for (size_t i = 0; i < w.n_sources; i++)
		if (w.sources[i].linked[relay] && w.sources[i].mode == GOOD &&
		    (best < 0 || w.sources[i].publisher.priority < w.sources[best].publisher.priority))
			best = (int)i;
	return best;
}

/* That what two relays show can be compared: somebody hears both. */
static bool in_order(void)
{
	int a = best_at(0), b = best_at(1);

	if (a < 0 || b < 0)
		return false;
	if (a == b || w.n_relays == RELAYS)
		return true;
	for (size_t i = 0; i < DIRECT; i++)
		if (w.sources[a].linked[i] && w.sources[b].linked[i])
			return true;
	return false;
}

static void become_quiet(void)
{
	w.head_loss = 0;
	for (size_t i = 0; i < w.n_sources; i++) {
		w.sources[i].mode = chance(75) ? GOOD : chance(50) ? PLACEHOLDER : MUTE;
		for (size_t r = 0; r < DIRECT; r++)
			w.sources[i].linked[r] = chance(80);
	}
	w.viewer.must = in_order();
}

static void view(void)
{
	const struct relay *relay = &w.relays[w.viewer.relay];
	int64_t from_us = w.quiet_us + SETTLE_US;

	plan(VIEW, 0, VIEW_US, 0, 0);
	if (relay->stores[0].any && (!w.viewer.any || ks_frame_id_cmp(relay->stores[0].id, w.viewer.id) > 0)) {
		w.viewer.any = true;
		w.viewer.id = relay->stores[0].id;
		w.viewer.at_us = w.now_us;
	}
	from_us = w.viewer.at_us > from_us ? w.viewer.at_us : from_us;
	if (w.viewer.must && w.now_us - from_us > w.result->longest_wait_us)
		w.result->longest_wait_us = w.now_us - from_us;
	if (w.viewer.must && w.now_us - from_us > STUCK_US + 3 * w.period_us) {
		w.result->stuck++;
		w.viewer.must = false;
		complain("a viewer is stuck at a relay", w.viewer.relay);
	}
	if (w.now_us >= w.viewer.leaves_us) {
		static const int64_t stays_us[] = { S / 2, 4 * S, 30 * S };

		w.viewer.relay = (size_t)up_to((int64_t)w.n_relays - 1);
		w.viewer.leaves_us = w.now_us + up_to(stays_us[up_to(2)]);
	}
}

static bool placeholders_at(size_t relay)
{
	for (size_t i = 0; i < w.n_sources; i++)
		if (w.sources[i].linked[relay] && w.sources[i].mode == PLACEHOLDER)
			return true;
	return false;
}

static void check_relay(size_t number)
{
	const struct relay *relay = &w.relays[number];
	int best = number < DIRECT ? best_at(number) : best_at(0) >= 0 ? best_at(0) : best_at(1);
	bool alive = best >= 0 || (number < DIRECT && placeholders_at(number));

	if (!alive)
		return;
	w.result->checked_relays++;
	if (!relay->stores[0].any || w.now_us - relay->stores[0].at_us > 3 * w.period_us) {
		w.result->silent++;
		complain("nothing is published at a relay", number);
	}
	if (number == DIRECT || best < 0 || ks_director_source(relay->director, "main") == best)
		return;
	/* While two relays show different sources, one that is to come back at one of them has to catch a moment in which
	 * it is above; some have not by now. */
	if (best_at(0) != best_at(1)) {
		w.result->late++;
		return;
	}
	w.result->wrong++;
	complain("another source than the best is shown at a relay", number);
}

/* --- the whole ---------------------------------------------------------------------------------- */

static void begin(uint64_t seed)
{
	static const int64_t periods_us[] = { 400 * MS, 800 * MS, S };
	bool ascending;

	w.random = seed;
	ascending = chance(50);
	w.now_us = 100 * S;
	w.n_frames = w.n_events = w.order = 0;
	w.n_sources = 2 + (size_t)up_to(1);
	w.n_relays = DIRECT + (size_t)chance(25);
	w.n_renditions = chance(75) ? 1 : 2;
	w.period_us = periods_us[up_to(2)];
	w.jitter_us = up_to(w.period_us / 3);
	w.head_loss = (unsigned)up_to(50);
	w.quiet_us = w.now_us + 3 * S + up_to(12 * S);
	memset(&w.viewer, 0, sizeof(w.viewer));
	memset(w.relays, 0, sizeof(w.relays));
	for (size_t i = 0; i < w.n_sources; i++) {
		struct source *s = &w.sources[i];

		memset(s, 0, sizeof(*s));
		s->publisher.channel = "main";
		s->publisher.source = (uint8_t)i;
		s->publisher.priority = (uint8_t)(ascending ? i : w.n_sources - 1 - i);
		s->publisher.period_ms = (uint32_t)(w.period_us / MS);
		s->wall_offset_us = chance(50) ? 0 : up_to(7200 * S) - 3600 * S;
		for (size_t r = 0; r < DIRECT; r++)
			s->linked[r] = chance(80);
		start_source(s);
		plan(CAPTURE, i, up_to(w.period_us), 0, 0);
	}
	for (size_t i = 0; i < w.n_relays; i++)
		start_relay(&w.relays[i]);
	plan(FAULT, 0, up_to(2 * S), 0, 0);
	plan(VIEW, 0, VIEW_US, 0, 0);
}

static void happen(const struct event *e)
{
	struct relay *relay = &w.relays[e->who];
	struct source *s = &w.sources[e->who];

	switch ((enum kind)e->kind) {
	case CAPTURE:
		capture(s);
		break;
	case ARRIVE:
		arrive(relay, e->frame, e->hops);
		break;
	case HEAD_UP:
		if (s->up)
			ks_head_take(&s->head, w.frames[e->frame].bytes);
		break;
	case HEAD_TO_RELAY:
		if (relay->director == NULL)
			break;
		ks_director_heard(relay->director, &w.frames[e->frame].m, w.frames[e->frame].bytes);
		tick(relay);
		break;
	case TICK:
		if (relay->director != NULL && e->at_us == relay->due_us)
			tick(relay);
		break;
	case FAULT:
		go_wrong();
		break;
	case VIEW:
		view();
		break;
	case SOURCE_UP:
		if (!s->up)
			start_source(s);
		break;
	case RELAY_UP:
		if (relay->director == NULL)
			start_relay(relay);
		break;
	}
}

bool order_run(uint64_t seed, struct order_result *result, char *why, unsigned size)
{
	bool was_quiet = false;

	w.result = result;
	w.why = why;
	w.why_size = size;
	why[0] = '\0';
	result->schedules++;
	begin(seed);
	while (w.events[0].at_us < w.quiet_us + QUIET_US) {
		struct event e = take_event();

		w.now_us = e.at_us;
		if (quiet() && !was_quiet) {
			was_quiet = true;
			become_quiet();
		}
		happen(&e);
	}
	w.result->checked_viewers += w.viewer.must;
	for (size_t i = 0; i < w.n_relays; i++) {
		check_relay(i);
		stop_relay(&w.relays[i]);
	}
	return why[0] == '\0';
}
