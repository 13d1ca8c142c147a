/* SPDX-License-Identifier: Apache-2.0
 *
 * The erasure code's product for processors that have GFNI and AVX-512 (x86-64, from Ice Lake and Zen 4 on).
 */
#ifndef KS_WIRE_FEC_GFNI_H
#define KS_WIRE_FEC_GFNI_H

#include <stdbool.h>

#include "lib/wire/fec.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define KS_FEC_GFNI 1
extern const struct ks_fec_kernel ks_fec_gfni;

/* Whether this processor, and its system, have it. */
bool ks_fec_gfni_here(void);
#endif

#endif
