/* SPDX-License-Identifier: Apache-2.0
 *
 * A peer's address in text, and looking its name up without holding the loop: the C library's resolver works in a
 * thread of its own (getaddrinfo_a(3)), so that /etc/hosts, mDNS and the rest of nsswitch work as everywhere.
 */
#ifndef KS_WIRE_LOOKUP_H
#define KS_WIRE_LOOKUP_H

#include <stddef.h>
#include <sys/socket.h>

struct ks_lookup;

/* Parses "192.0.2.1:7510", "[2001:db8::1]:7510" or "name:7510". KS_EOK, KS_EMALFORMED or -ENOMEM. */
int ks_lookup_new(struct ks_lookup **lookup, const char *address);

/* Waits up to a second for a request under way. */
void ks_lookup_free(struct ks_lookup *lookup);

/* Starts looking up, unless a request is under way. */
void ks_lookup_start(struct ks_lookup *lookup);

/* KS_EOK and an address, a different one each time when the name has several; KS_ENOTYET while a request is under way;
 * KS_ENODATA when there is no such name (*why, a constant text). */
int ks_lookup_result(struct ks_lookup *lookup, struct sockaddr_storage *address, socklen_t *len, const char **why);

#endif
