/* SPDX-License-Identifier: Apache-2.0
 *
 * A peer's address in text, and looking its name up without holding the loop: the C library's resolver works in a
 * thread of its own (getaddrinfo_a(3)), so that /etc/hosts, mDNS and the rest of nsswitch work as everywhere.
 */
#ifndef KS_WIRE_LOOKUP_H
#define KS_WIRE_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/wire/udp.h"

struct ks_lookup;

/* Parses "192.0.2.1:7510", "[2001:db8::1]:7510", "[fe80::1%eth0]:7510" or "name:7510". KS_EOK, KS_EMALFORMED (also an
 * IPv4 address that is written as an IPv6 one: our sockets are of one family) or -ENOMEM. */
int ks_lookup_new(struct ks_lookup **lookup, const char *address);

/* Waits up to a second for a request under way. */
void ks_lookup_free(struct ks_lookup *lookup);

/* An address that was given as one: there is nothing to look up. */
bool ks_lookup_numeric(const struct ks_lookup *lookup);

/* Starts looking up, unless a request is under way. */
void ks_lookup_start(struct ks_lookup *lookup);

/* KS_EOK and an address, a different one each time when the name has several; KS_ENOTYET while a request is under way;
 * KS_ENODATA when there is no such name (*why, a constant text). */
int ks_lookup_result(struct ks_lookup *lookup, union ks_udp_address *address, const char **why);

/* How many addresses the last result had, and whether this is one of them. */
size_t ks_lookup_count(const struct ks_lookup *lookup);
bool ks_lookup_holds(const struct ks_lookup *lookup, const union ks_udp_address *address);

#endif
