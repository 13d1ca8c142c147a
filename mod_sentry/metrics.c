/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics: the counters of all children, and how fresh each store is, as Prometheus text.
 */
#include "lib/base/metrics.h"

#include "mod_sentry/counters.h"
#include "mod_sentry/pump/pump.h"
#include "mod_sentry/serve.h"

static void write_answers_row(FILE *out, size_t row, const char *channel, const char *rendition)
{
	for (size_t i = 0; i < KS_ANSWERS; i++) {
		uint64_t n = ks_counters_answers(row, (enum ks_answer)i);

		if (n > 0)
			ks_prom_sample(out, "koshien_serve_responses_total", (double)n, "channel", channel, "rendition",
				       rendition, "code", ks_answer_names[i], NULL);
	}
}

static void write_bytes_row(FILE *out, size_t row, const char *channel, const char *rendition)
{
	ks_prom_sample(out, "koshien_serve_body_bytes_total", (double)ks_counters_bytes(row), "channel", channel,
		       "rendition", rendition, NULL);
}

static void write_rows(FILE *out, void (*write)(FILE *, size_t, const char *, const char *))
{
	const char *channel, *rendition;

	for (size_t row = 0; row < KS_COUNTERS_STORES; row++)
		if (ks_counters_names(row, &channel, &rendition))
			write(out, row, channel, rendition);
}

static void write_answers(FILE *out)
{
	ks_prom_family(out, "koshien_serve_responses_total", "counter", "Answers of mod_sentry.");
	write_rows(out, write_answers_row);
	ks_prom_family(out, "koshien_serve_body_bytes_total", "counter", "Bytes of bodies handed to httpd.");
	write_rows(out, write_bytes_row);
	ks_prom_family(out, "koshien_serve_copies_total", "counter", "Frames copied out of stores.");
	ks_prom_sample(out, "koshien_serve_copies_total", (double)ks_counters_copies(), NULL);
	ks_prom_family(out, "koshien_serve_store_failures_total", "counter",
		       "Stores that could not be opened or read.");
	ks_prom_sample(out, "koshien_serve_store_failures_total", (double)ks_counters_failures(), NULL);
}

/* One gauge per store; a family must stand together, so each is a pass of its own. */
static void write_gauge(struct ks_request *q, FILE *out, struct ks_copies *const *list, size_t n, const char *name,
			const char *help, bool (*value)(struct ks_request *, struct ks_copies *, double *))
{
	double v;

	ks_prom_family(out, name, "gauge", help);
	for (size_t i = 0; i < n; i++)
		if (value(q, list[i], &v))
			ks_prom_sample(out, name, v, "channel", ks_copies_channel(list[i]), "rendition",
				       ks_copies_rendition(list[i]), NULL);
}

static bool captured_s(struct ks_request *q, struct ks_copies *copies, double *value)
{
	int error;
	struct ks_picture *picture = ks_copies_newest(copies, q->mono_us, &error);

	if (picture == NULL)
		return false;
	*value = (double)picture->m.captured_us / KS_US_PER_S;
	ks_picture_unref(picture);
	return true;
}

static bool is_live(struct ks_request *q, struct ks_copies *copies, double *value)
{
	int error;
	struct ks_picture *picture = ks_copies_newest(copies, q->mono_us, &error);

	*value = ks_freshness_of(picture, &q->patience, q->mono_us, q->wall_us).state == KS_STATE_LIVE;
	ks_picture_unref(picture);
	return true;
}

static bool writer_seen_s(struct ks_request *q, struct ks_copies *copies, double *value)
{
	int64_t silent_us = ks_copies_silent_us(copies, q->mono_us);

	*value = (double)(q->wall_us - silent_us) / KS_US_PER_S;
	return silent_us >= 0;
}

static void write_pump(const struct ks_request *q, FILE *out)
{
	struct ks_gauges all = ks_counters_gauges(q->mono_us);

	ks_prom_family(out, "koshien_serve_sent_bytes_total", "counter",
		       "Bytes that the pump has sent, heads and all.");
	ks_prom_sample(out, "koshien_serve_sent_bytes_total", (double)ks_counters_sent_bytes(), NULL);
	ks_prom_family(out, "koshien_serve_unlogged_total", "counter",
		       "Answers of the pump that were not written to the access log: there was no room.");
	ks_prom_sample(out, "koshien_serve_unlogged_total", (double)ks_counters_log_losses(), NULL);
	ks_prom_family(out, "koshien_serve_refused_total", "counter",
		       "Connections that the pump ended because httpd was too busy for what they asked.");
	ks_prom_sample(out, "koshien_serve_refused_total", (double)ks_counters_refusals(), NULL);
	ks_prom_gauge(out, "koshien_serve_viewers", "Connections that the pump has.", (double)all.viewers);
	ks_prom_gauge(out, "koshien_serve_waiting", "Those of them that wait for a picture.", (double)all.waiting);
	ks_prom_gauge(out, "koshien_serve_load_stage", "0 free, 1 ease, 2 skip, 3 shrink, 4 refuse.",
		      (double)(q->pump != NULL ? ks_pump_stage(q->pump) : KS_LOAD_FREE));
}

int ks_serve_metrics(struct ks_request *q)
{
	struct ks_copies *list[KS_STORES_MAX];
	struct ks_answer_text text;
	size_t n = ks_stores_list(q->stores, q->config.store, NULL, q->mono_us, list);

	if (!ks_answer_open(&text))
		return HTTP_INTERNAL_SERVER_ERROR;
	ks_prom_build_info(text.out, "mod_sentry");
	write_answers(text.out);
	write_pump(q, text.out);
	write_gauge(q, text.out, list, n, "koshien_serve_frame_captured_timestamp_seconds",
		    "When the newest frame was captured.", captured_s);
	write_gauge(q, text.out, list, n, "koshien_serve_live", "1 while the newest frame is live.", is_live);
	write_gauge(q, text.out, list, n, "koshien_serve_writer_seen_timestamp_seconds",
		    "When the store's writer last gave a sign of life.", writer_seen_s);
	ks_answer_header(q, "Cache-Control", KS_CACHE_NEVER);
	return ks_answer_text(q, HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", &text);
}
