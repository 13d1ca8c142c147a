/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <event2/util.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

/* A scrape is one short request; anything larger or slower is not a scrape. */
#define EXPORTER_HEADERS_MAX 4096
#define EXPORTER_TIMEOUT_S 5
#define EXPORTER_BACKLOG 16

struct ks_exporter {
	struct evhttp *http;
	void (*fill)(FILE *out, void *ctx);
	void *ctx;
	bool (*healthy)(FILE *out, void *ctx);
	void *healthy_ctx;
};

static void free_text(const void *data, size_t len, void *extra)
{
	(void)data;
	(void)len;
	free(extra);
}

static bool fill_metrics(FILE *out, void *ctx)
{
	const struct ks_exporter *exporter = ctx;

	exporter->fill(out, exporter->ctx);
	return true;
}

static bool fill_health(FILE *out, void *ctx)
{
	const struct ks_exporter *exporter = ctx;

	return exporter->healthy(out, exporter->healthy_ctx);
}

static void serve(struct evhttp_request *request, bool (*fill)(FILE *out, void *ctx), void *ctx, const char *type)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool good;

	if (out == NULL) {
		evhttp_send_error(request, HTTP_INTERNAL, NULL);
		return;
	}
	good = fill(out, ctx);
	if (fclose(out) != 0) {
		free(text);
		evhttp_send_error(request, HTTP_INTERNAL, NULL);
		return;
	}
	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", type);
	evbuffer_add_reference(evhttp_request_get_output_buffer(request), text, len, free_text, text);
	evhttp_send_reply(request, good ? HTTP_OK : HTTP_SERVUNAVAIL, NULL, NULL);
}

static void serve_metrics(struct evhttp_request *request, void *ctx)
{
	serve(request, fill_metrics, ctx, "text/plain; version=0.0.4; charset=utf-8");
}

static void serve_health(struct evhttp_request *request, void *ctx)
{
	serve(request, fill_health, ctx, "text/plain; charset=utf-8");
}

void ks_exporter_health(struct ks_exporter *exporter, bool (*healthy)(FILE *out, void *ctx), void *ctx)
{
	exporter->healthy = healthy;
	exporter->healthy_ctx = ctx;
	evhttp_set_cb(exporter->http, "/health", serve_health, exporter);
}

int ks_exporter_new(struct ks_exporter **out, struct event_base *base, const char *address,
		    void (*fill)(FILE *out, void *ctx), void *ctx)
{
	struct sockaddr_storage addr;
	int len = sizeof(addr);
	struct ks_exporter *exporter;
	struct evconnlistener *listener;

	if (evutil_parse_sockaddr_port(address, (struct sockaddr *)&addr, &len) != 0) {
		ks_error("metrics", "metrics: expected ADDRESS:PORT like 127.0.0.1:9301, got '%s'", address);
		return KS_ECONFIG;
	}
	exporter = calloc(1, sizeof(*exporter));
	if (exporter == NULL)
		return -ENOMEM;
	exporter->fill = fill;
	exporter->ctx = ctx;
	exporter->http = evhttp_new(base);
	if (exporter->http == NULL) {
		ks_exporter_free(exporter);
		return -ENOMEM;
	}
	evhttp_set_max_headers_size(exporter->http, EXPORTER_HEADERS_MAX);
	evhttp_set_max_body_size(exporter->http, 0);
	evhttp_set_timeout(exporter->http, EXPORTER_TIMEOUT_S);
	evhttp_set_allowed_methods(exporter->http, EVHTTP_REQ_GET);
	evhttp_set_cb(exporter->http, "/metrics", serve_metrics, exporter);

	listener = evconnlistener_new_bind(base, NULL, NULL,
					   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
					   EXPORTER_BACKLOG, (struct sockaddr *)&addr, len);
	if (listener == NULL || evhttp_bind_listener(exporter->http, listener) == NULL) {
		int err = errno;

		ks_error("metrics", "cannot listen on %s: %s; choose another with --metrics", address, strerror(err));
		if (listener != NULL)
			evconnlistener_free(listener);
		ks_exporter_free(exporter);
		return err != 0 ? -err : -EIO;
	}
	*out = exporter;
	return KS_EOK;
}

void ks_exporter_free(struct ks_exporter *exporter)
{
	if (exporter == NULL)
		return;
	if (exporter->http != NULL)
		evhttp_free(exporter->http);
	free(exporter);
}
