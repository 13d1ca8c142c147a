/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/name.h"

#include <string.h>

/* isalnum() would ask the locale. */
static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool ks_name_valid(const char *text, size_t len, size_t max)
{
	if (len == 0 || len > max || !is_word(text[0]))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!is_word(text[i]) && text[i] != '-')
			return false;
	return true;
}

const char *ks_channel_expected(const char *text)
{
	if (ks_name_valid(text, strlen(text), KS_CHANNEL_MAX))
		return NULL;
	return "1 to 24 lower-case letters, digits and hyphens, not beginning with a hyphen";
}

const char *ks_rendition_expected(const char *text)
{
	if (ks_name_valid(text, strlen(text), KS_RENDITION_MAX))
		return NULL;
	return "1 to 8 lower-case letters, digits and hyphens, not beginning with a hyphen";
}
