/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/epoch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/frame/manifest.h"

#define NAME_MAX_LEN 64		/* "epoch.", 24 characters, ".", 3 digits, ".new" */

int ks_epoch_parse(const char *text, size_t len, uint32_t *epoch)
{
	uint64_t value = 0;

	if (len < 2 || len > 11 || text[len - 1] != '\n' || (text[0] == '0' && len > 2))
		return KS_EMALFORMED;
	for (size_t i = 0; i + 1 < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return KS_EMALFORMED;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	if (value > UINT32_MAX)
		return KS_EMALFORMED;
	*epoch = (uint32_t)value;
	return KS_EOK;
}

static int complain(const char *dir, const char *name, const char *doing, int err)
{
	ks_error("epoch", "%s/%s: %s: %s; give the user of sentryd a folder of its own with --state-dir",
		 dir, name, doing, ks_strerror(err));
	return err;
}

/* KS_EOK and the stored epoch, KS_ENODATA when nothing was stored yet. */
static int read_stored(int folder, const char *dir, const char *name, uint32_t *epoch)
{
	char text[KS_EPOCH_FILE_MAX];
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;
	ssize_t got;

	if (fd < 0)
		return errno == ENOENT ? KS_ENODATA : complain(dir, name, "read", -errno);
	got = read(fd, text, sizeof(text));
	err = got < 0 ? -errno : KS_EOK;
	close(fd);
	if (err != KS_EOK)
		return complain(dir, name, "read", err);
	err = ks_epoch_parse(text, (size_t)got, epoch);
	if (err != KS_EOK)
		ks_error("epoch", "%s/%s: is damaged: expected one number up to %" PRIu32 " and a newline; "
			 "write one there that is above the epochs on your relays, such as the output of date +%%s",
			 dir, name, UINT32_MAX);
	return err;
}

/* The new file is complete on the disk before it gets the name, and the name before it is used. */
static int write_stored(int folder, const char *dir, const char *name, uint32_t epoch)
{
	char text[16], temp[NAME_MAX_LEN + 8];
	int n = snprintf(text, sizeof(text), "%" PRIu32 "\n", epoch), err = KS_EOK, fd;

	snprintf(temp, sizeof(temp), "%s.new", name);
	fd = openat(folder, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return complain(dir, temp, "write", -errno);
	if (write(fd, text, (size_t)n) != n || fsync(fd) != 0)
		err = errno != 0 ? -errno : -EIO;
	if (close(fd) != 0 && err == KS_EOK)
		err = -errno;
	if (err == KS_EOK && (renameat(folder, temp, folder, name) != 0 || fsync(folder) != 0))
		err = -errno;
	return err == KS_EOK ? KS_EOK : complain(dir, name, "write", err);
}

int ks_epoch_from(uint64_t least, unsigned source, uint32_t *epoch)
{
	uint64_t next = least - least % KS_SOURCES_MAX + source;

	if (next < least)
		next += KS_SOURCES_MAX;
	if (next > UINT32_MAX)
		return KS_ELIMIT;
	*epoch = (uint32_t)next;
	return KS_EOK;
}

int ks_epoch_start(const uint32_t *stored, unsigned source, int64_t wall_us, uint32_t *epoch)
{
	int64_t now_s = wall_us / KS_US_PER_S;
	uint64_t least = now_s > 0 && now_s < UINT32_MAX ? (uint64_t)now_s : 1;

	if (stored != NULL && *stored >= least)
		least = (uint64_t)*stored + 1;
	return ks_epoch_from(least, source, epoch);
}

int ks_epoch_raise(const uint32_t *stored, unsigned source, uint32_t heard, uint32_t *epoch)
{
	return ks_epoch_from((uint64_t)(stored != NULL && *stored > heard ? *stored : heard) + 1, source, epoch);
}

/* How the next epoch comes about. */
struct step {
	unsigned source;
	bool raises;		/* above `heard`; else by the clock */
	uint32_t heard;
	int64_t wall_us;
};

static int pick(const struct step *step, const uint32_t *stored, const char *dir, const char *name, uint32_t *epoch)
{
	int err = step->raises ? ks_epoch_raise(stored, step->source, step->heard, epoch) :
		  ks_epoch_start(stored, step->source, step->wall_us, epoch);

	if (err != KS_EOK)
		ks_error("epoch", "%s/%s: the last epoch is used up; remove the file and empty the relays' stores",
			 dir, name);
	else if (!step->raises && stored != NULL && *stored > step->wall_us / KS_US_PER_S + KS_SOURCES_MAX)
		ks_warn("epoch", "the clock is %" PRId64 " s behind the epoch before; is it right?",
			*stored - step->wall_us / KS_US_PER_S);
	return err;
}

static int advance(int folder, const char *dir, const char *name, const struct step *step, uint32_t *epoch)
{
	uint32_t stored = 0, next;
	int err = read_stored(folder, dir, name, &stored);

	if (err != KS_EOK && err != KS_ENODATA)
		return err;
	err = pick(step, err == KS_EOK ? &stored : NULL, dir, name, &next);
	if (err == KS_EOK)
		err = write_stored(folder, dir, name, next);
	if (err == KS_EOK)
		*epoch = next;
	return err;
}

static int take(const char *state_dir, const char *channel, const struct step *step, uint32_t *epoch)
{
	char name[NAME_MAX_LEN];
	int folder, err;

	snprintf(name, sizeof(name), "epoch.%s.%u", channel, step->source);
	if (mkdir(state_dir, 0755) != 0 && errno != EEXIST)
		return complain(state_dir, name, "make the folder", -errno);
	folder = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return complain(state_dir, name, "open the folder", -errno);
	/* Two that start at once must not take the same one. */
	if (flock(folder, LOCK_EX) != 0)
		err = complain(state_dir, name, "lock the folder", -errno);
	else
		err = advance(folder, state_dir, name, step, epoch);
	close(folder);
	return err;
}

int ks_epoch_next(const char *state_dir, const char *channel, unsigned source, int64_t wall_us, uint32_t *epoch)
{
	const struct step step = { .source = source, .wall_us = wall_us };

	return take(state_dir, channel, &step, epoch);
}

int ks_epoch_above(const char *state_dir, const char *channel, unsigned source, uint32_t heard, uint32_t *epoch)
{
	const struct step step = { .source = source, .raises = true, .heard = heard };

	return take(state_dir, channel, &step, epoch);
}
