/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/url.h"

#include <string.h>

#include "lib/base/error.h"

static const char not_ours[] = "There is no such thing here. Pictures are <channel>/<rendition>/latest.jpg and "
			       "<channel>/<rendition>/<epoch>-<seq>.jpg; lists are <channel>/index.json.";

struct part {
	const char *at;
	size_t len;
};

/* Takes the part after the last '/' of path[0..*len) off its end. False when there is no '/' left. */
static bool pop(const char *path, size_t *len, struct part *part)
{
	const char *slash = memrchr(path, '/', *len);

	if (slash == NULL)
		return false;
	part->at = slash + 1;
	part->len = *len - (size_t)(part->at - path);
	*len = (size_t)(slash - path);
	return true;
}

static bool is(const struct part *part, const char *text)
{
	return part->len == strlen(text) && memcmp(part->at, text, part->len) == 0;
}

static bool take_name(const struct part *part, size_t max, char *out)
{
	if (!ks_name_valid(part->at, part->len, max))
		return false;
	memcpy(out, part->at, part->len);
	out[part->len] = '\0';
	return true;
}

static bool take_names(const char *path, size_t *len, bool rendition, struct ks_url *url)
{
	struct part part;

	if (rendition && (!pop(path, len, &part) || !take_name(&part, KS_RENDITION_MAX, url->rendition)))
		return false;
	return pop(path, len, &part) && take_name(&part, KS_CHANNEL_MAX, url->channel);
}

static int parse_picture(const struct part *file, struct ks_url *url, const char **why)
{
	static const char suffix[] = ".jpg";
	size_t stem = file->len - (sizeof(suffix) - 1);

	url->kind = is(file, "latest.jpg") ? KS_URL_LATEST : KS_URL_FRAME;
	if (url->kind == KS_URL_LATEST || ks_frame_id_parse(file->at, stem, &url->id) == KS_EOK)
		return KS_EOK;
	*why = "A picture is named latest.jpg or <epoch>-<seq>.jpg, two decimal numbers without leading zeros.";
	return KS_EMALFORMED;
}

static bool is_picture(const struct part *file)
{
	return file->len > 4 && memcmp(file->at + file->len - 4, ".jpg", 4) == 0;
}

static int parse_path(const char *path, size_t len, struct ks_url *url, const char **why)
{
	struct part file;
	int err = KS_ENODATA;

	*why = not_ours;
	if (!pop(path, &len, &file))
		return KS_ENODATA;
	if (is_picture(&file) && take_names(path, &len, true, url)) {
		err = parse_picture(&file, url, why);
	} else if (is(&file, "index.json") && take_names(path, &len, false, url)) {
		url->kind = KS_URL_INDEX;
		err = KS_EOK;
	} else if (is(&file, "health") || is(&file, "metrics")) {
		url->kind = is(&file, "health") ? KS_URL_HEALTH : KS_URL_METRICS;
		err = KS_EOK;
	}
	url->base_len = len;
	return err;
}

static int parse_argument(const char *at, size_t len, struct ks_url *url, const char **why)
{
	static const char after[] = "after=", channel[] = "channel=";

	if (url->kind == KS_URL_LATEST && len >= sizeof(after) - 1 && memcmp(at, after, sizeof(after) - 1) == 0) {
		*why = "The argument is after=<epoch>-<seq>, once, two decimal numbers without leading zeros.";
		if (url->has_after)
			return KS_EMALFORMED;
		url->has_after = true;
		return ks_frame_id_parse(at + sizeof(after) - 1, len - (sizeof(after) - 1), &url->after);
	}
	if (url->kind == KS_URL_HEALTH && len >= sizeof(channel) - 1 &&
	    memcmp(at, channel, sizeof(channel) - 1) == 0) {
		struct part part = { at + sizeof(channel) - 1, len - (sizeof(channel) - 1) };

		*why = "The argument is channel=<channel>, once: lower-case letters, digits and hyphens.";
		if (url->channel[0] != '\0' || !take_name(&part, KS_CHANNEL_MAX, url->channel))
			return KS_EMALFORMED;
	}
	return KS_EOK;
}

int ks_url_parse(const char *path, const char *query, struct ks_url *url, const char **why)
{
	int err;

	memset(url, 0, sizeof(*url));
	err = parse_path(path, strlen(path), url, why);
	while (err == KS_EOK && query != NULL && *query != '\0') {
		size_t len = strcspn(query, "&");

		err = parse_argument(query, len, url, why);
		query += len + (query[len] == '&');
	}
	return err;
}

bool ks_url_mounted(const char *path, size_t base_len, const char *location)
{
	size_t len = location != NULL ? strlen(location) : 0;

	while (len > 0 && location[len - 1] == '/')
		len--;
	if (location == NULL || location[0] != '/' || strncmp(path, location, len) != 0)
		return true;
	return base_len <= len;
}
