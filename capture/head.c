/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/head.h"

#include <string.h>

#include "lib/base/error.h"

static const char *const names[KS_HEAD_OUTCOMES] = {
	[KS_HEAD_RAISED] = "raised",
	[KS_HEAD_SHOWN] = "shown",
	[KS_HEAD_BELOW] = "below",
	[KS_HEAD_EARLY] = "early",
	[KS_HEAD_CHANNEL] = "channel",
	[KS_HEAD_MALFORMED] = "malformed",
	[KS_HEAD_SIGNATURE] = "signature",
	[KS_HEAD_BUSY] = "busy",
	[KS_HEAD_FAILED] = "failed",
};

bool ks_head_verify(const struct ks_head *head, const uint8_t manifest[KS_MANIFEST_SIZE])
{
	struct ks_manifest m;

	return ks_manifest_verify(manifest, head->trust, &m) == KS_EOK;
}

/* Checking costs us more than asking for it costs a relay that was stolen. */
static bool too_busy(struct ks_head *head, int64_t now_us)
{
	if (now_us - head->second_us >= KS_US_PER_S) {
		head->second_us = now_us;
		head->checks = 0;
	}
	return head->checks++ >= KS_HEAD_CHECKS_MAX;
}

static enum ks_head_outcome check(struct ks_head *head, const uint8_t manifest[KS_MANIFEST_SIZE], int64_t now_us)
{
	uint64_t held;

	if (too_busy(head, now_us))
		return KS_HEAD_BUSY;
	if (head->verify(head, manifest))
		return KS_HEAD_OUTCOMES;
	if (ks_log_gate(&head->signature_gate, now_us, &held))
		ks_warn("head", "a relay told of a frame that no trusted source signed; are the public keys of the "
			"channel's other sources named by trust? (%llu more like it before)", (unsigned long long)held);
	return KS_HEAD_SIGNATURE;
}

/* Scattered, and the same for the same epoch. */
static int64_t patience_us(uint32_t epoch)
{
	uint32_t scattered = (epoch * UINT32_C(2654435761)) >> 16;

	return KS_HEAD_RAISE_MIN_US + (KS_HEAD_RAISE_MAX_US - KS_HEAD_RAISE_MIN_US) * scattered / UINT16_MAX;
}

/* When several go above a third at the same time, the better one is to come out on top: it is the one that relays go
 * back to. */
static uint32_t ahead_of(uint32_t epoch, uint8_t priority)
{
	uint32_t steps = priority < KS_HEAD_STEPS ? KS_HEAD_STEPS - priority : 0;

	return epoch < UINT32_MAX - steps * KS_SOURCES_MAX ? epoch + steps * KS_SOURCES_MAX : epoch;
}

/* Above the highest heard of, not only above this one: there is no second step soon. */
static enum ks_head_outcome go_above(struct ks_head *head, const struct ks_manifest *m, int64_t now_us)
{
	struct ks_publisher *publisher = head->publisher;
	char id[KS_FRAME_ID_TEXT];
	uint32_t epoch;

	if (head->raised && now_us - head->raised_us < patience_us(publisher->next.epoch))
		return KS_HEAD_EARLY;
	/* Also when it fails: the next try would fail alike. */
	head->raised = true;
	head->raised_us = now_us;
	if (head->above(head->ctx, ahead_of(head->highest, publisher->priority), &epoch) != KS_EOK)
		return KS_HEAD_FAILED;
	publisher->next = (struct ks_frame_id){ epoch, 0 };
	if (ks_log_gate(&head->raised_gate, now_us, NULL))
		ks_info("head", "a relay has frame %s of source %u; going on above it with epoch %u",
			ks_frame_id_format(m->id, id), m->source, epoch);
	return KS_HEAD_RAISED;
}

static enum ks_head_outcome take(struct ks_head *head, const uint8_t manifest[KS_MANIFEST_SIZE])
{
	struct ks_publisher *publisher = head->publisher;
	int64_t now_us = ks_mono_us(head->clock);
	int64_t shown_us = KS_HEAD_SHOWN_US + 4 * (int64_t)publisher->period_ms * KS_US_PER_MS;
	struct ks_manifest m;
	bool is_above, known;

	if (ks_manifest_decode(manifest, KS_MANIFEST_SIZE, &m) != KS_EOK)
		return KS_HEAD_MALFORMED;
	if (strcmp(m.channel, publisher->channel) != 0)
		return KS_HEAD_CHANNEL;
	is_above = ks_frame_id_cmp(m.id, publisher->next) >= 0;
	if (!is_above && (m.source != publisher->source || (m.flags & KS_FRAME_SHOWN) != 0))
		return KS_HEAD_BELOW;
	/* Most are about us while all is well, or repeat what we know; those need not be checked each time. */
	known = is_above ? m.id.epoch <= head->highest : publisher->shown_until_us > now_us + shown_us / 2;
	if (!known) {
		enum ks_head_outcome bad = check(head, manifest, now_us);

		if (bad != KS_HEAD_OUTCOMES)
			return bad;
		if (is_above)
			head->highest = m.id.epoch;
		else
			publisher->shown_until_us = now_us + shown_us;
	}
	return is_above ? go_above(head, &m, now_us) : KS_HEAD_SHOWN;
}

enum ks_head_outcome ks_head_take(struct ks_head *head, const uint8_t manifest[KS_MANIFEST_SIZE])
{
	enum ks_head_outcome outcome = take(head, manifest);

	ks_count(&head->outcomes[outcome]);
	return outcome;
}

void ks_head_metrics(const struct ks_head *head, FILE *out)
{
	ks_prom_reasons(out, "koshien_capture_heads_total",
			"What relays told of frames that are published, by what came of it.", head->outcomes, names,
			KS_HEAD_OUTCOMES);
}
