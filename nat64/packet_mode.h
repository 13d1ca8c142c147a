/* SPDX-License-Identifier: Apache-2.0
 *
 * nat64d --packet IN OUT [OPTION]...: one raw IP packet from a file through the core, without a TUN and without
 * rights. For tests, and for who wants to see what would become of a packet.
 *
 * OUT gets what comes of it: raw IP packets one behind the other, each of the length that its header says; nothing
 * when it was dropped, unless its sender is told by ICMP. Standard output says "translated" or "dropped: REASON:
 * what it means", then one line per packet that came of it. MTU 0 means 1500 here. Exit status 0, dropped or not; 1
 * when a file cannot be read or written; 2 for usage.
 */
#ifndef KS_NAT64_PACKET_MODE_H
#define KS_NAT64_PACKET_MODE_H

#include <stdbool.h>

#define KS_PACKET_MODE_MTU 1500

/* Whether the command line asks for it. Takes --packet, IN and OUT out of it when it does; in and out are NULL when
 * they were not there. */
bool ks_packet_mode_asked(int *argc, char **argv, const char **in, const char **out);

/* The program from there on: its exit status. argv is what is left. */
int ks_packet_mode_run(int argc, char **argv, const char *in, const char *out);

#endif
