/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "mod_sentry/url.h"

/* What url.h promises of a URL that was taken. */
static void check(const char *path, const struct ks_url *url)
{
	if (url->base_len > strlen(path) || (url->base_len < strlen(path) && path[url->base_len] != '/'))
		abort();
	if (url->kind <= KS_URL_FRAME && !ks_name_valid(url->rendition, strlen(url->rendition), KS_RENDITION_MAX))
		abort();
	if (url->kind <= KS_URL_INDEX && !ks_name_valid(url->channel, strlen(url->channel), KS_CHANNEL_MAX))
		abort();
	if (!ks_url_mounted(path, url->base_len, NULL) || !ks_url_mounted(path, url->base_len, path))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *path = strndup((const char *)bytes, len), *query;
	struct ks_url url;
	const char *why;
	int err;

	if (path == NULL)
		return 0;
	query = strchr(path, '?');
	if (query != NULL)
		*query++ = '\0';
	err = ks_url_parse(path, query, &url, &why);
	if (err == KS_EOK)
		check(path, &url);
	else if ((err != KS_ENODATA && err != KS_EMALFORMED) || why == NULL)
		abort();
	free(path);
	return 0;
}
