/* SPDX-License-Identifier: Apache-2.0
 *
 * Small signed frames of channel "main", rendition "std", for tests of what comes behind capture.
 */
#ifndef KS_TESTS_STAMPED_H
#define KS_TESTS_STAMPED_H

#include <stdint.h>

#include "lib/frame/frame.h"

#define STAMPED_PERIOD_MS 1000

/* A frame in out[0..KS_FRAME_MAX); fails the test when it cannot be made. */
struct ks_frame stamped_frame(uint8_t *out, struct ks_frame_id id, int64_t captured_us);

#endif
