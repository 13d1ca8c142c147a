/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/layout.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "lib/base/name.h"

/* Takes "<channel>.<rendition>.frames" apart; neither name can hold a dot, so there is one way to do it. */
static bool split(const char *name, char channel[KS_CHANNEL_MAX + 1], char rendition[KS_RENDITION_MAX + 1])
{
	const char *dot = strchr(name, '.'), *suffix = dot != NULL ? strchr(dot + 1, '.') : NULL;
	size_t channel_len, rendition_len;

	if (suffix == NULL || strcmp(suffix, KS_STORE_SUFFIX) != 0)
		return false;
	channel_len = (size_t)(dot - name);
	rendition_len = (size_t)(suffix - dot - 1);
	if (!ks_name_valid(name, channel_len, KS_CHANNEL_MAX) ||
	    !ks_name_valid(dot + 1, rendition_len, KS_RENDITION_MAX))
		return false;
	memcpy(channel, name, channel_len);
	channel[channel_len] = '\0';
	memcpy(rendition, dot + 1, rendition_len);
	rendition[rendition_len] = '\0';
	return true;
}

int ks_store_scan(const char *dir, int (*each)(void *ctx, const char *channel, const char *rendition), void *ctx)
{
	char channel[KS_CHANNEL_MAX + 1], rendition[KS_RENDITION_MAX + 1];
	DIR *d = opendir(dir);
	struct dirent *entry;
	int err = 0;

	if (d == NULL)
		return -errno;
	errno = 0;
	while (err == 0 && (entry = readdir(d)) != NULL) {
		if (split(entry->d_name, channel, rendition))
			err = each(ctx, channel, rendition);
		errno = 0;
	}
	if (err == 0 && errno != 0)
		err = -errno;
	closedir(d);
	return err;
}
