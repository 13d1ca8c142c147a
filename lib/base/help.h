/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines of every program's --help. tests/docs reads them back, so their form stands here once.
 */
#ifndef KS_BASE_HELP_H
#define KS_BASE_HELP_H

/* One option on standard output: "  --name ARG   help (default: preset)". arg and preset may be NULL. */
void ks_help_option(const char *name, const char *arg, const char *help, const char *preset);

/* A word of the configuration file that is no option: "  NAME ARG   help". */
void ks_help_word(const char *name, const char *arg, const char *help);

#endif
