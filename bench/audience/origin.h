/* SPDX-License-Identifier: Apache-2.0
 *
 * Where viewers go: http://HOST[:PORT][/PATH] or https://…, and which part of the viewers.
 */
#ifndef KS_SWARM_ORIGIN_H
#define KS_SWARM_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define SWARM_ORIGINS_MAX 64
#define SWARM_HOST_MAX 256	/* with the NUL; a port is behind it in Host */
#define SWARM_PATH_MAX 512

struct swarm_origin {
	bool tls;
	char name[SWARM_HOST_MAX];	/* for the certificate; without brackets */
	char port[6];
	char host[SWARM_HOST_MAX + 8];	/* as Host has it */
	char path[SWARM_PATH_MAX];	/* without the slash at its end */
	double weight;
	struct sockaddr_storage address;
	socklen_t address_len;
};

/* "URL" or "URL=WEIGHT". NULL, or what was expected. Looks no name up. */
const char *swarm_origin_parse(const char *text, struct swarm_origin *origin);

/* The first address of its name. KS_EOK, or KS_ECONFIG with a log line. */
int swarm_origin_resolve(struct swarm_origin *origin);

/* Gives each of `viewers` one of the origins, in of_viewer[]: as many each as its weight says, to the viewer (largest
 * remainder), and mixed so that also of the first few each has its share. */
void swarm_origins_share(const struct swarm_origin *origins, size_t n, uint8_t *of_viewer, size_t viewers);

#endif
