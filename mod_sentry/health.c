/* SPDX-License-Identifier: Apache-2.0
 *
 * health: a first line for machines, then one line per channel and rendition for people. 200 as long as
 * one of what was asked for is live: a camera that fails must not take the other channels' relay out of a
 * balancer. Who balances one channel asks for that channel.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "lib/base/error.h"
#include "mod_sentry/serve.h"

static enum ks_state write_line(struct ks_request *q, struct ks_copies *copies, FILE *out)
{
	int error;
	struct ks_picture *picture = ks_copies_newest(copies, q->mono_us, &error);
	struct ks_freshness f = ks_freshness_of(picture, &q->patience, q->mono_us, q->wall_us);
	int64_t silent_us = ks_copies_silent_us(copies, q->mono_us);

	fprintf(out, "%s/%s %s", ks_copies_channel(copies), ks_copies_rendition(copies), ks_state_names[f.state]);
	if (picture != NULL)
		fprintf(out, " id=%s age_ms=%" PRId64, picture->id, f.age_ms);
	if (silent_us >= 0)
		fprintf(out, " writer_ms=%" PRId64, silent_us / KS_US_PER_MS);
	if (error != KS_EOK && error != KS_ENOTYET)
		fprintf(out, " (store: %s)", ks_strerror(error));
	fputc('\n', out);
	ks_picture_unref(picture);
	return f.state;
}

static const char *verdict(size_t live, size_t n, enum ks_state best)
{
	if (live == 0)
		return ks_state_names[best];
	return live == n ? "ok" : "degraded";
}

/* The lines are written first, to a stream of their own: the verdict above them counts them. */
int ks_serve_health(struct ks_request *q)
{
	const char *channel = q->url.channel[0] != '\0' ? q->url.channel : NULL;
	struct ks_copies *list[KS_STORES_MAX];
	struct ks_answer_text text, lines;
	size_t live = 0, n = ks_stores_list(q->stores, q->config.store, channel, q->mono_us, list);
	enum ks_state best = KS_STATE_NEVER;

	if (n == 0 && channel != NULL)
		return ks_serve_unknown(q);
	if (!ks_answer_open(&lines))
		return HTTP_INTERNAL_SERVER_ERROR;
	for (size_t i = 0; i < n; i++) {
		enum ks_state state = write_line(q, list[i], lines.out);

		live += state == KS_STATE_LIVE;
		if (state == KS_STATE_STALE || best == KS_STATE_NEVER)
			best = state;
	}
	fclose(lines.out);
	if (!ks_answer_open(&text)) {
		free(lines.text);
		return HTTP_INTERNAL_SERVER_ERROR;
	}
	fprintf(text.out, "%s %zu of %zu live\n%s", verdict(live, n, best), live, n, lines.text);
	free(lines.text);
	ks_answer_header(q, "Cache-Control", KS_CACHE_NEVER);
	return ks_answer_text(q, live > 0 ? HTTP_OK : HTTP_SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", &text);
}
