/* SPDX-License-Identifier: Apache-2.0
 *
 * The public keys of sources, from their files (koshienctl keygen source).
 */
#ifndef KS_FRAME_TRUST_H
#define KS_FRAME_TRUST_H

#include "lib/base/settings.h"
#include "lib/frame/frame.h"

/* Adds the keys of all files that can be read. Returns KS_EOK or the error of the first one that cannot; each is
 * logged. KS_ELIMIT: more than KS_TRUST_MAX. */
int ks_trust_read(struct ks_trust *trust, const struct ks_list *files);

#endif
