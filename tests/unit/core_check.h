/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests with Check say of a core (tests/unit/core.h); each function fails the test when it is not so.
 */
#ifndef KS_TESTS_CORE_CHECK_H
#define KS_TESTS_CORE_CHECK_H

#include "tests/unit/core.h"
#include "tests/unit/unit.h"

enum ks_xlat_drop core_run(struct core *core, const struct wire *in);
enum ks_xlat_drop core_run_offload(struct core *core, const struct wire *in, const struct virtio_net_hdr *offload);
/* It goes on as one packet, this one. The Identification of IPv4 may be another one without fragments. */
void core_gives(struct core *core, const struct wire *in, const struct wire *want);
void core_same(const struct output *out, const struct wire *want, const char *what);
/* It is dropped, and nobody is told. */
void core_drops(struct core *core, const struct wire *in, enum ks_xlat_drop why);
/* It is dropped, and its sender told so. Returns the second word of the ICMP header. */
uint32_t core_tells(struct core *core, const struct wire *in, enum ks_xlat_drop why, unsigned type, unsigned code);

/* The core that tests use: a fixture of Check makes it anew for each. */
extern struct core core;
void core_setup(void);
void core_teardown(void);
TCase *core_case(const char *name);

/* `part` in such a packet becomes `part` in such a packet. */
void core_46(struct ip in4, struct ip want6, const struct wire *part);
void core_64(struct ip in6, struct ip want4, const struct wire *part);

#endif
