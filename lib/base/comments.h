/* SPDX-License-Identifier: Apache-2.0
 *
 * Comments of a configuration file in libconfuse's syntax: # and // to the end of the line, and C's.
 */
#ifndef KS_BASE_COMMENTS_H
#define KS_BASE_COMMENTS_H

#include <stddef.h>

/* Turns every comment into blanks; line ends stay, so that every line keeps its number. What stands in
 * quotes, and a # or // inside a word, is no comment. */
void ks_comments_blank(char *text, size_t len);

#endif
