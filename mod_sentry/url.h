/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request asks for, read from the end of its path, so that the module need not know at which
 * location it was mounted. Everything here comes from strangers; nothing is allocated.
 */
#ifndef KS_MOD_SENTRY_URL_H
#define KS_MOD_SENTRY_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/frame/id.h"
#include "lib/base/name.h"

/* A longer wait is taken for this. */
#define KS_WAIT_MAX_MS 30000

enum ks_url_kind {
	KS_URL_LATEST,	/* <channel>/<rendition>/latest.jpg[?after=<id>[&wait=<ms>]] */
	KS_URL_FRAME,	/* <channel>/<rendition>/<id>.jpg */
	KS_URL_STREAM,	/* <channel>/<rendition>/stream.mjpg */
	KS_URL_INDEX,	/* <channel>/index.json */
	KS_URL_HEALTH,	/* health[?channel=<channel>] */
	KS_URL_METRICS	/* metrics */
};

struct ks_url {
	enum ks_url_kind kind;
	char channel[KS_CHANNEL_MAX + 1];	/* empty: not named */
	char rendition[KS_RENDITION_MAX + 1];
	struct ks_frame_id id;			/* KS_URL_FRAME */
	bool has_after;
	struct ks_frame_id after;
	uint32_t wait_ms;	/* KS_URL_LATEST with has_after; 0: answer at once */
	size_t base_len;	/* characters of the path before the '/' of the first part that was read */
};

/* `path` is decoded, `query` (may be NULL) is as it came; arguments that are not ours are ignored. KS_EOK;
 * KS_ENODATA: nothing here has such a name; KS_EMALFORMED: something has, but the request is wrong. *why
 * is then a constant sentence for the client. */
int ks_url_parse(const char *path, const char *query, struct ks_url *url, const char **why);

/* The same for the last part of a path, behind the '/' that follows the rendition: names are left empty. `query` is what
 * stands behind '?', of query_len characters. */
int ks_url_parse_file(const char *file, size_t len, const char *query, size_t query_len, struct ks_url *url,
		      const char **why);

/* False when the first base_len characters of the path lie deeper than `location` (NULL: unknown) says we
 * are mounted: every picture has one URL per mount, and caches hold it once. A section below the mount
 * ("/live/main" in "/live") is no reason to refuse. */
bool ks_url_mounted(const char *path, size_t base_len, const char *location);

#endif
