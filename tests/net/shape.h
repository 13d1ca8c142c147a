/* SPDX-License-Identifier: Apache-2.0
 *
 * What one direction of an emulated link does to a packet, without sockets and without a clock of its own: the same
 * seed, packets and times give the same verdicts. Each packet takes the same number of random numbers whatever is
 * switched on, so that one fault can be changed without moving the others.
 *
 * In the order of a real link: cut or not, path MTU, the queue before the line, the line's rate, loss, blackouts,
 * delay.
 */
#ifndef TESTS_NET_SHAPE_H
#define TESTS_NET_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHAPE_NS_PER_MS INT64_C(1000000)
#define SHAPE_NS_PER_S INT64_C(1000000000)
#define SHAPE_PPM 1000000	/* parts of a whole */

#define SHAPE_REORDER_DEFAULT_NS (5 * SHAPE_NS_PER_MS)
#define SHAPE_QUEUE_DEFAULT 65536	/* bytes that wait for a line with a rate */
#define SHAPE_BUCKET_DEFAULT 3000	/* bytes that pass it at once: two packets */

struct shape_settings {
	bool down;
	int64_t delay_ns, jitter_ns;		/* jitter: evenly, either way; keeps the order */
	uint32_t loss_ppm;			/* each packet by itself */
	uint32_t burst_ppm;			/* this share of the time nothing passes, */
	int64_t burst_ns;			/* for so long on average (Gilbert's model, in time) */
	uint32_t reorder_ppm;			/* this share is held back */
	int64_t reorder_ns;			/* for so long beyond its delay */
	uint32_t duplicate_ppm, corrupt_ppm;
	bool corrupt_mended;			/* the checksum is made to fit, so that the damage arrives */
	uint64_t rate;				/* bits per second; 0: no limit */
	size_t queue, bucket;			/* bytes */
	size_t mtu;				/* bytes of an IP packet; 0: no limit */
	bool mtu_silent;			/* nothing is answered to what is too big */
	uint16_t ports;				/* added to UDP ports of host a, as by a NAT */
};

enum shape_fate {
	SHAPE_PASS,
	SHAPE_DOWN,	/* the link is cut */
	SHAPE_MTU,	/* too big for it */
	SHAPE_QUEUE,	/* the queue is full */
	SHAPE_LOSS,
	SHAPE_BURST,
	SHAPE_FATES
};

struct shape_verdict {
	enum shape_fate fate;
	int64_t at_ns;		/* when it arrives */
	bool twice, corrupt, reordered;
	uint32_t place;		/* random: where it is damaged */
};

struct shape {
	struct shape_settings set;
	uint64_t packet_seed, burst_seed;
	int64_t line_ns;	/* when the line will have sent all it was given, less the bucket */
	int64_t last_ns;	/* arrival of the latest packet that keeps its place */
	int64_t turn_ns;	/* when the blackout begins or ends */
	bool dark;
};

void shape_init(struct shape *shape, uint64_t seed);

/* From now on; packets on their way are not touched. */
void shape_set(struct shape *shape, const struct shape_settings *set, int64_t now_ns);

/* A packet of so many bytes comes; `now_ns` never goes back. */
struct shape_verdict shape_packet(struct shape *shape, size_t len, int64_t now_ns);

#endif
