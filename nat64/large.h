/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that is read at random: on large pages when it is large, since otherwise a look-up misses the cache of address
 * translations as well, which in a virtual machine costs more than the memory does.
 */
#ifndef KS_NAT64_LARGE_H
#define KS_NAT64_LARGE_H

#include <stddef.h>

#define KS_LARGE_LINE 64	/* it begins on a line of the cache */

/* size bytes of zeros for free(), or NULL. */
void *ks_large_new(size_t size);

#endif
