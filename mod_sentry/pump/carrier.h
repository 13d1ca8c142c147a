/* SPDX-License-Identifier: Apache-2.0
 *
 * What carries a viewer's bytes when that is not its socket alone: TLS, by whoever has set it up. The pump watches the
 * socket, and leaves what goes through it to the carrier.
 *
 * Called by one thread at a time. Nothing here may wait.
 */
#ifndef KS_MOD_SENTRY_PUMP_CARRIER_H
#define KS_MOD_SENTRY_PUMP_CARRIER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct ks_carrier;

struct ks_carrier_ops {
	/* As recv(2): 0 at the end, -1 with errno; EAGAIN when there is nothing before the socket has more,
	 * and that may be never: it need not tell that from an end. */
	ssize_t (*receive)(struct ks_carrier *carrier, char *bytes, size_t room);

	/* As sendmsg(2): what it has taken of the pieces, which may be less than there is; -1 with errno, EAGAIN when it
	 * takes nothing before the socket has room. What it says it has taken whole has gone into the socket whole. The
	 * pieces may be reused at once. What it did not take is offered again, and nothing else before that. */
	ssize_t (*send)(struct ks_carrier *carrier, const struct iovec *pieces, int n);

	/* Says that nothing follows, in its own words. */
	void (*end)(struct ks_carrier *carrier);

	/* Closes the socket, and frees the carrier. */
	void (*close)(struct ks_carrier *carrier);
};

struct ks_carrier {
	const struct ks_carrier_ops *ops;
	int64_t settled_us;	/* monotonic; is not closed before */
};

#endif
