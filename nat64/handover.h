/* SPDX-License-Identifier: Apache-2.0
 *
 * The queues of the TUN, from a daemon that runs to its successor: descriptors over the control socket (SCM_RIGHTS,
 * unix(7)). Detaching a queue throws away what is in it; this way none is ever detached, so a restart loses nothing.
 * Both read until the first one ends; packets of one flow may overtake each other then.
 */
#ifndef KS_NAT64_HANDOVER_H
#define KS_NAT64_HANDOVER_H

#include "nat64/tun.h"

/* To whom it is connected: root, or who we are. Sends the answer to the command `handover`; KS_EOK or -errno. */
int ks_handover_give(int socket, const struct ks_tun *tun);

/* Asks the daemon at `path`. KS_EOK: *tun is as after ks_tun_open() with these settings. Else there is none that
 * could: no daemon there, another device, or other settings; nothing is logged then. */
int ks_handover_take(const char *path, const struct ks_tun_settings *settings, struct ks_tun *tun);

#endif
