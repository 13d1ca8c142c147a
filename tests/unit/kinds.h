/* SPDX-License-Identifier: Apache-2.0
 *
 * One packet of each kind that the translator treats in its own way, in the addresses of core.h.
 */
#ifndef KS_TESTS_KINDS_H
#define KS_TESTS_KINDS_H

#include "tests/unit/packets.h"

#define KINDS 22	/* the first half of them is IPv4 */

void kind_make(unsigned kind, struct wire *packet);	/* below KINDS */

#endif
