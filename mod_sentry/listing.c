/* SPDX-License-Identifier: Apache-2.0
 *
 * <channel>/index.json. The list of frames, nearly all of it, comes ready from ks_copies_index().
 */
#include <inttypes.h>

#include "lib/base/error.h"
#include "mod_sentry/serve.h"

static enum ks_state write_rendition(struct ks_request *q, struct ks_copies *copies, FILE *out)
{
	int error;
	struct ks_picture *picture = ks_copies_newest(copies, q->mono_us, &error);
	struct ks_freshness f = ks_freshness_of(picture, &q->patience, q->mono_us, q->wall_us);
	struct ks_index *index = ks_copies_index(copies);

	fprintf(out, "\"%s\":{\"state\":\"%s\",", ks_copies_rendition(copies), ks_state_names[f.state]);
	if (picture != NULL)
		fprintf(out, "\"period_ms\":%" PRIu32 ",\"width\":%u,\"height\":%u,\"latest\":\"%s\",",
			picture->m.period_ms, picture->m.width, picture->m.height, picture->id);
	fprintf(out, "\"frames\":%s}", index != NULL ? index->json : "[]");
	ks_index_unref(index);
	ks_picture_unref(picture);
	return f.state;
}

int ks_serve_listing(struct ks_request *q)
{
	struct ks_copies *list[KS_STORES_MAX];
	struct ks_answer_text text;
	bool all_live = true;
	size_t n = ks_stores_list(q->stores, q->config.store, q->url.channel, q->mono_us, list);

	if (n == 0)
		return ks_serve_unknown(q);
	if (!ks_answer_open(&text))
		return HTTP_INTERNAL_SERVER_ERROR;
	fprintf(text.out, "{\"channel\":\"%s\",\"now_ms\":%" PRId64 ",\"renditions\":{", q->url.channel,
		q->wall_us / KS_US_PER_MS);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			fputc(',', text.out);
		if (write_rendition(q, list[i], text.out) != KS_STATE_LIVE)
			all_live = false;
	}
	fputs("}}\n", text.out);
	ks_answer_header(q, "Cache-Control", all_live ? KS_CACHE_LIVE : KS_CACHE_NEVER);
	return ks_answer_text(q, HTTP_OK, "application/json", &text);
}
