/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of requests: what is the same for all viewers of an origin is made once.
 */
#ifndef KS_SWARM_REQUEST_H
#define KS_SWARM_REQUEST_H

#include "bench/audience/options.h"
#include "lib/frame/id.h"
#include "lib/http/answer.h"

#define SWARM_REQUEST_MAX 2048

struct swarm_request {
	char target[2 * SWARM_PATH_MAX + 64];	/* "GET /live/main/std/latest.jpg" */
	char fields[SWARM_HOST_MAX + 128];	/* " HTTP/1.1", Host and the rest, without the empty line */
	size_t target_len, fields_len;
};

void swarm_request_prepare(struct swarm_request *request, const struct swarm_run *run,
			   const struct swarm_origin *origin);

/* What a viewer asks that has `newest` (NULL: nothing yet) and the answer's etag (empty: none). Returns the length. */
size_t swarm_request_write(const struct swarm_request *request, const struct swarm_run *run,
			   const struct ks_frame_id *newest, const char *etag, char out[SWARM_REQUEST_MAX]);

/* The beginning of one that never ends. */
size_t swarm_request_write_half(const struct swarm_request *request, char out[SWARM_REQUEST_MAX]);

#endif
