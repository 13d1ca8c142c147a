/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CONDITION_MAX 256	/* bytes of query and If-None-Match together */

_Static_assert(sizeof(struct swarm_request) + CONDITION_MAX <= SWARM_REQUEST_MAX, "a request fits");

void swarm_request_prepare(struct swarm_request *request, const struct swarm_run *run,
			   const struct swarm_origin *origin)
{
	const struct swarm_options *o = &run->o;
	const char *name = run->pacing.mode == SWARM_STREAM ? "stream.mjpg" : "latest.jpg";

	if (o->picture != NULL)
		snprintf(request->target, sizeof(request->target), "GET %s%s", origin->path, o->picture);
	else
		snprintf(request->target, sizeof(request->target), "GET %s/%s/%s/%s", origin->path, o->channel,
			 o->rendition, name);
	snprintf(request->fields, sizeof(request->fields), " HTTP/1.1\r\nHost: %s\r\nUser-Agent: koshien-swarm\r\n",
		 origin->host);
	request->target_len = strlen(request->target);
	request->fields_len = strlen(request->fields);
}

static size_t write_query(const struct swarm_run *run, const struct ks_frame_id *newest, char *out, size_t room)
{
	char id[KS_FRAME_ID_TEXT];
	int n = 0;

	if (newest != NULL && run->pacing.mode == SWARM_WAIT)
		n = snprintf(out, room, "?after=%s&wait=%" PRId64, ks_frame_id_format(*newest, id), run->o.wait_ms);
	else if (newest != NULL && run->pacing.mode < SWARM_WAIT && run->conditional == SWARM_AFTER)
		n = snprintf(out, room, "?after=%s", ks_frame_id_format(*newest, id));
	return (size_t)n;
}

size_t swarm_request_write(const struct swarm_request *request, const struct swarm_run *run,
			   const struct ks_frame_id *newest, const char *etag, char out[SWARM_REQUEST_MAX])
{
	size_t len = request->target_len;
	int n;

	memcpy(out, request->target, len);
	len += write_query(run, newest, out + len, SWARM_REQUEST_MAX - len);
	memcpy(out + len, request->fields, request->fields_len);
	len += request->fields_len;
	if (*etag != '\0' && run->pacing.mode < SWARM_WAIT && run->conditional == SWARM_ETAG)
		n = snprintf(out + len, SWARM_REQUEST_MAX - len, "If-None-Match: %s\r\n\r\n", etag);
	else
		n = snprintf(out + len, SWARM_REQUEST_MAX - len, "\r\n");
	return len + (size_t)n;
}

size_t swarm_request_write_half(const struct swarm_request *request, char out[SWARM_REQUEST_MAX])
{
	int n = snprintf(out, SWARM_REQUEST_MAX, "%s%sX-Slow: ", request->target, request->fields);

	return (size_t)n;
}
