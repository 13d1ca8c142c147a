/* SPDX-License-Identifier: Apache-2.0
 *
 * Giving up what only the set-up needed. Before any thread is started: capabilities are a thread's own.
 */
#ifndef KS_NAT64_PRIVILEGES_H
#define KS_NAT64_PRIVILEGES_H

#include <stdbool.h>

/* Becomes `user` (NULL: stays who it is), keeps no capability but CAP_NET_ADMIN when `net_admin`, and may never get
 * more (no_new_privs). Without privileges to begin with it does what is left to do. Logs what went wrong. */
int ks_privileges_drop(const char *user, bool net_admin);

#endif
