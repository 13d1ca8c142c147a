/* SPDX-License-Identifier: Apache-2.0
 *
 * What settings.c (what may stand in the configuration) and config.c (what comes of it) share.
 */
#ifndef KS_NAT64_SETTINGS_H
#define KS_NAT64_SETTINGS_H

#include "nat64/config.h"

/* Words by the value of their enum; they end with NULL. */
extern const char *const ks_nat64_udp_zero_words[], *const ks_nat64_hairpin_words[];

/* Which of the words text is, or -1. */
int ks_nat64_word(const char *const *words, const char *text);
/* False when text is none. */
bool ks_nat64_prefix(const char *text, struct ks_prefix *prefix);
bool ks_nat64_tos(const char *text, int *tos);

#endif
