/* SPDX-License-Identifier: Apache-2.0
 *
 * What httpd's answers carry besides what the pump makes itself: its Server line, what mod_headers adds, what else
 * modules do to heads. Learned from the head of an answer on its way out, by comparing it with the pump's own for the
 * same picture: what the pump lacks is an extra; what differs or is missing shows that the pump cannot speak for
 * httpd here.
 */
#ifndef KS_MOD_SENTRY_TEMPLATE_H
#define KS_MOD_SENTRY_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "mod_sentry/pump/head.h"

/* `theirs` is httpd's head, len bytes, and `ours` the pump's without extras. True: extras[0..*extras_len) are the lines
 * to add, each with its CRLF. False: *why names the line (in `scratch`) that the pump cannot say. */
struct ks_template {
	char extras[KS_SITE_EXTRAS_MAX];
	size_t extras_len;
	char why[128];
};
bool ks_template_learn(struct ks_template *template, const char *theirs, size_t len, const struct ks_head *ours);

#endif
