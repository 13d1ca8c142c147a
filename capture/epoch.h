/* SPDX-License-Identifier: Apache-2.0
 *
 * The epoch of this run: the lowest one of this source from max(seconds since 1970, the stored one + 1) on, stored
 * before it is used, so that frame ids grow over restarts even when the clock steps back. An epoch modulo
 * KS_SOURCES_MAX is the id of its source: no two sources ever have the same frame id.
 */
#ifndef KS_CAPTURE_EPOCH_H
#define KS_CAPTURE_EPOCH_H

#include <stddef.h>
#include <stdint.h>

#define KS_EPOCH_FILE_MAX 64	/* bytes; a larger file is none of ours */

/* Parses the file's text: one decimal u32 and a newline, nothing else. KS_EOK or KS_EMALFORMED. */
int ks_epoch_parse(const char *text, size_t len, uint32_t *epoch);

/* The lowest epoch of a source from `least` on; KS_ELIMIT when none is left. */
int ks_epoch_from(uint64_t least, unsigned source, uint32_t *epoch);

/* The epoch of a new run; `stored` is the last one taken, NULL when there is none. KS_EOK or KS_ELIMIT. */
int ks_epoch_start(const uint32_t *stored, unsigned source, int64_t wall_us, uint32_t *epoch);

/* The epoch of a run that goes on above one that it has heard of. */
int ks_epoch_raise(const uint32_t *stored, unsigned source, uint32_t heard, uint32_t *epoch);

/* Takes the next epoch of a channel's source from <state_dir>/epoch.<channel>.<source>, and makes the
 * folder when it is not there. Each failure is logged with what to do; it must end the program, because
 * with a guessed epoch relays could take old frames for new ones. */
int ks_epoch_next(const char *state_dir, const char *channel, unsigned source, int64_t wall_us, uint32_t *epoch);

/* The same for one above `heard`, in the midst of a run, which may go on with the epoch that it has when this fails. */
int ks_epoch_above(const char *state_dir, const char *channel, unsigned source, uint32_t heard, uint32_t *epoch);

#endif
