/* SPDX-License-Identifier: Apache-2.0
 *
 * A frame pump over a real store, without a thread: under a clock of the test's own, turn by turn. Peers are the other
 * ends of its viewers' sockets.
 */
#ifndef KS_TESTS_PUMPED_H
#define KS_TESTS_PUMPED_H

#include "mod_sentry/pump/pump_private.h"

#define PUMPED_HOST "relay"
#define PUMPED_MOUNT "/live"
#define PUMPED_DIR PUMPED_MOUNT "/field/std/"	/* of the pictures; see stored.h */
#define PUMPED_GET "GET " PUMPED_DIR "latest.jpg HTTP/1.1\r\nHost: " PUMPED_HOST "\r\n\r\n"
#define PUMPED_START_US (1000 * KS_US_PER_S)

struct pumped {
	int64_t now_us;
	struct ks_clock clock;
	const char *dir;
	struct ks_store_writer *writer;
	struct ks_stores *stores;
	struct ks_site site;
	struct ks_pump *pump;

	/* What was given back, and whether it is taken. */
	bool refuse;
	unsigned given, answered;
	int given_fd;
	size_t given_len;
	char given_bytes[2 * KS_PUMP_INPUT_MAX];
};

/* `dir` is an empty directory. Picture 7-1 is there. What cannot be set up ends the program. */
void pumped_open(struct pumped *p, const char *dir);
void pumped_close(struct pumped *p);

/* Publishes 7-<seq>, and returns when the pump has seen it. */
void pumped_publish(struct pumped *p, uint32_t seq, uint32_t length);
void pumped_seen(struct pumped *p, uint32_t seq);

/* Lets time pass, in turns of step_us each. */
void pumped_pass(struct pumped *p, int64_t us, int64_t step_us);

/* Hands a connection over, with what was read from it; returns the peer's descriptor, which does not block, or -1 when
 * the pump does not take it. */
int pumped_take(struct pumped *p, const struct ks_site *site, const char *bytes, size_t len);
int pumped_take_tcp(struct pumped *p, const char *bytes, size_t len);

/* In a program that is built with PUMPED_CARRIED all connections have a carrier (mod_sentry/pump/carrier.h); else
 * NULL. */
struct ks_carrier *pumped_carrier(int fd, int64_t settled_us);

size_t pumped_descriptors(void);	/* of this process */

#endif
