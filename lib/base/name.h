/* SPDX-License-Identifier: Apache-2.0
 *
 * Channels and renditions are named by short words that are safe in URLs, file names, metric labels
 * and HTML without quoting: a letter or digit, then letters, digits and hyphens, all lower case.
 */
#ifndef KS_BASE_NAME_H
#define KS_BASE_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define KS_CHANNEL_MAX 24	/* characters, without a NUL */
#define KS_RENDITION_MAX 8
#define KS_RENDITIONS_MAX 8	/* of one channel */

/* True when the len characters at text are a name of at most max characters. */
bool ks_name_valid(const char *text, size_t len, size_t max);

/* For settings tables (struct ks_setting.check). */
const char *ks_channel_expected(const char *text);
const char *ks_rendition_expected(const char *text);

#endif
