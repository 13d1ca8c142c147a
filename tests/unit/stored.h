/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames for tests of the store: whole and digested, not signed, and of bytes that tell which picture they belong
 * to, so that a mixture of two is seen without the digest too.
 */
#ifndef KS_TESTS_STORED_H
#define KS_TESTS_STORED_H

#include "lib/frame/frame.h"
#include "lib/store/store.h"

#define STORED_CHANNEL "field"
#define STORED_RENDITION "std"

/* A buffer of KS_FRAME_MAX bytes with a picture of `length` bytes marked by `mark`; the digest is made here,
 * so that stored_name() below is cheap. */
uint8_t *stored_make(uint32_t mark, uint32_t length);

/* Gives the picture in the buffer an id, and the view of it. captured_us is seq seconds. */
struct ks_frame stored_name(uint8_t *bytes, uint32_t epoch, uint32_t seq);

/* True when the JPEG of the frame is a picture of stored_make(), from its first to its last byte. */
bool stored_whole(const struct ks_frame *frame, uint32_t *mark);

/* Makes, names and publishes one frame. */
int stored_publish(struct ks_store_writer *writer, uint32_t epoch, uint32_t seq, uint32_t length);

#endif
