/* SPDX-License-Identifier: Apache-2.0
 *
 * The peers of a pump that a test drives (pumped.h), and what they say and hear. check_pump has a file of tests for each
 * thing that they do. All wait with a deadline, and let the pump turn meanwhile; what is not as it should be fails the
 * test.
 */
#ifndef KS_TESTS_PUMP_PEERS_H
#define KS_TESTS_PUMP_PEERS_H

#include <check.h>

#include "tests/unit/pumped.h"

#define S KS_US_PER_S
#define MS KS_US_PER_MS
#define DEADLINE_US (30 * S)	/* of the machine's clock, for what comes when it comes */
#define TICKS (2 * KS_TIMER_TICK_US)

#define ENDS " HTTP/1.1\r\nHost: " PUMPED_HOST "\r\n\r\n"
#define GET(file) "GET " PUMPED_DIR file ENDS
#define GET_WITH(file, fields) "GET " PUMPED_DIR file " HTTP/1.1\r\nHost: " PUMPED_HOST "\r\n" fields "\r\n"
#define OTHER "GET " PUMPED_MOUNT "/health" ENDS
#define LARGE 400000	/* bytes of a picture that no socket takes at once */

struct peer {
	int fd;
	char *bytes;	/* read, and not looked at yet */
	size_t len, max;
	bool ended, reset;
};

/* What came in one answer. */
struct answer {
	int status;
	char head[KS_HEAD_MAX];
	size_t len;	/* of the body */
	uint32_t mark;	/* of the picture */
};

extern struct pumped p;		/* the test's own, from its beginning to its end */
extern size_t pump_descriptors;	/* of this process before there was one */

TCase *pump_case(Suite *suite, const char *name);	/* for tests with that pump */
void pump_answers(Suite *suite);
void pump_waiting(Suite *suite);
void pump_connections(Suite *suite);
void pump_back(Suite *suite);
void pump_streams(Suite *suite);
void pump_end(Suite *suite);

/* With what httpd has read from it before it hands it over. */
struct peer peer_with(const char *bytes);
struct peer peer_on_tcp(const char *bytes);
struct peer slow_peer(const char *request);	/* is being sent picture 2, LARGE, and has taken little of it */
void peer_close(struct peer *peer);
size_t as_many_as(size_t wanted);	/* peers that this process may have; 0: far too few */

void say(struct peer *peer, const char *bytes);
void listen_to(struct peer *peer, size_t most);
bool take_answer(struct peer *peer, bool to_head, struct answer *answer);
struct answer hear(struct peer *peer);
struct answer hear_to(struct peer *peer, bool to_head);
struct answer hear_last(struct peer *peer);	/* the connection ends with it */
void silent(struct peer *peer);
void ends(struct peer *peer);
void all_gone(void);

void has(const struct answer *answer, const char *line);
void has_not(const struct answer *answer, const char *name);
void is_unavailable(const struct answer *answer, const char *retry_after);

/* Of a stream: the picture's mark. */
void hear_stream(struct peer *peer);
void hear_beginning(struct peer *peer, bool early);
uint32_t hear_part(struct peer *peer);
uint32_t hear_early_part(struct peer *peer, size_t len);

#endif
