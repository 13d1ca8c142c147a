/* SPDX-License-Identifier: Apache-2.0
 *
 * The epoch of this run: max(seconds since 1970, the stored one + 1), stored before it is used, so that
 * frame ids grow over restarts even when the clock steps back.
 */
#ifndef KS_CAPTURE_EPOCH_H
#define KS_CAPTURE_EPOCH_H

#include <stddef.h>
#include <stdint.h>

#define KS_EPOCH_FILE_MAX 64	/* bytes; a larger file is none of ours */

/* Parses the file's text: one decimal u32 and a newline, nothing else. KS_EOK or KS_EMALFORMED. */
int ks_epoch_parse(const char *text, size_t len, uint32_t *epoch);

/* Takes the next epoch of a channel's source from <state_dir>/epoch.<channel>.<source>, and makes the
 * folder when it is not there. Each failure is logged with what to do; it must end the program, because
 * with a guessed epoch relays could take old frames for new ones. */
int ks_epoch_next(const char *state_dir, const char *channel, unsigned source, int64_t wall_us, uint32_t *epoch);

#endif
