/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether packets get through: once a second an echo request to the translator's own address, by the kernel to the TUN,
 * through a worker and the core, and its answer all the way back. The sockets are opened while there are privileges.
 *
 * A family without an own address, or to which this host has never had a way, is not judged.
 */
#ifndef KS_NAT64_HEALTH_H
#define KS_NAT64_HEALTH_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define KS_HEALTH_EVERY_US 1000000
#define KS_HEALTH_PATIENCE_US 3500000	/* without an answer: three are missing */

struct event_base;
struct ks_health;

/* Opens the sockets, bound to the device; one that cannot be opened is logged, and its family not judged. */
int ks_health_new(struct ks_health **health, struct event_base *base, const char *device);
void ks_health_free(struct ks_health *health);

/* Whom to ask; 0 and :: for nobody. May change. */
void ks_health_targets(struct ks_health *health, uint32_t source4, const struct in6_addr *source6);

/* NULL when it is healthy; else a text that says what is wrong. */
const char *ks_health_fault(const struct ks_health *health);
/* Whether any family has been judged. */
bool ks_health_judges(const struct ks_health *health);

#endif
