/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/url.h"

#include <string.h>

#include "lib/base/error.h"

static const char not_ours[] = "There is no such thing here. Pictures are <channel>/<rendition>/latest.jpg and "
			       "<channel>/<rendition>/<epoch>-<seq>.jpg, streams <channel>/<rendition>/stream.mjpg; "
			       "lists are <channel>/index.json.";

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

static bool has_suffix(const struct part *part, const char *suffix)
{
	size_t len = strlen(suffix);

	return part->len > len && memcmp(part->at + part->len - len, suffix, len) == 0;
}

/* A file below a rendition. */
static int parse_file(const struct part *file, struct ks_url *url, const char **why)
{
	if (is(file, "latest.jpg") || is(file, "stream.mjpg")) {
		url->kind = file->at[0] == 'l' ? KS_URL_LATEST : KS_URL_STREAM;
		return KS_EOK;
	}
	*why = not_ours;
	if (!has_suffix(file, ".jpg"))
		return KS_ENODATA;
	url->kind = KS_URL_FRAME;
	*why = "A picture is named latest.jpg or <epoch>-<seq>.jpg, two decimal numbers without leading zeros.";
	return ks_frame_id_parse(file->at, file->len - strlen(".jpg"), &url->id);
}

static bool is_file(const struct part *file)
{
	return has_suffix(file, ".jpg") || is(file, "stream.mjpg");
}

static int parse_path(const char *path, size_t len, struct ks_url *url, const char **why)
{
	struct part file;
	int err = KS_ENODATA;

	*why = not_ours;
	if (!pop(path, &len, &file))
		return KS_ENODATA;
	if (is_file(&file) && take_names(path, &len, true, url)) {
		err = parse_file(&file, url, why);
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

/* The value when the argument has this name. */
static bool named(const struct part *argument, const char *name, struct part *value)
{
	size_t len = strlen(name);

	if (argument->len < len || memcmp(argument->at, name, len) != 0)
		return false;
	*value = (struct part){ argument->at + len, argument->len - len };
	return true;
}

static int parse_after(const struct part *value, struct ks_url *url, const char **why)
{
	*why = "The argument is after=<epoch>-<seq>, once, two decimal numbers without leading zeros.";
	if (url->has_after)
		return KS_EMALFORMED;
	url->has_after = true;
	return ks_frame_id_parse(value->at, value->len, &url->after);
}

static int parse_wait(const struct part *value, struct ks_url *url, const char **why)
{
	uint32_t ms = 0;

	*why = "The argument is wait=<milliseconds>, a decimal number.";
	if (value->len == 0)
		return KS_EMALFORMED;
	for (size_t i = 0; i < value->len; i++) {
		if (value->at[i] < '0' || value->at[i] > '9')
			return KS_EMALFORMED;
		ms = ms * 10 + (uint32_t)(value->at[i] - '0');
		if (ms > KS_WAIT_MAX_MS)
			ms = KS_WAIT_MAX_MS;
	}
	url->wait_ms = ms;
	return KS_EOK;
}

static int parse_channel(const struct part *value, struct ks_url *url, const char **why)
{
	*why = "The argument is channel=<channel>, once: lower-case letters, digits and hyphens.";
	return url->channel[0] == '\0' && take_name(value, KS_CHANNEL_MAX, url->channel) ? KS_EOK : KS_EMALFORMED;
}

static int parse_argument(const struct part *argument, struct ks_url *url, const char **why)
{
	struct part value;

	if (url->kind == KS_URL_LATEST && named(argument, "after=", &value))
		return parse_after(&value, url, why);
	if (url->kind == KS_URL_LATEST && named(argument, "wait=", &value))
		return parse_wait(&value, url, why);
	if (url->kind == KS_URL_HEALTH && named(argument, "channel=", &value))
		return parse_channel(&value, url, why);
	return KS_EOK;
}

static int parse_query(const char *query, size_t len, struct ks_url *url, const char **why)
{
	int err = KS_EOK;

	while (err == KS_EOK && len > 0) {
		const char *end = memchr(query, '&', len);
		struct part argument = { query, end != NULL ? (size_t)(end - query) : len };
		size_t used = argument.len + (end != NULL);

		err = parse_argument(&argument, url, why);
		query += used;
		len -= used;
	}
	return err;
}

int ks_url_parse(const char *path, const char *query, struct ks_url *url, const char **why)
{
	int err;

	memset(url, 0, sizeof(*url));
	err = parse_path(path, strlen(path), url, why);
	if (err == KS_EOK && query != NULL)
		err = parse_query(query, strlen(query), url, why);
	return err;
}

int ks_url_parse_file(const char *file, size_t len, const char *query, size_t query_len, struct ks_url *url,
		      const char **why)
{
	int err;

	memset(url, 0, sizeof(*url));
	err = parse_file(&(struct part){ file, len }, url, why);
	return err == KS_EOK ? parse_query(query, query_len, url, why) : err;
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
