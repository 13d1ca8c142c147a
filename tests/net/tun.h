/* SPDX-License-Identifier: Apache-2.0
 *
 * TUN devices: an interface whose packets a program reads and writes.
 */
#ifndef TESTS_NET_TUN_H
#define TESTS_NET_TUN_H

#define TUN_QUEUE 20000	/* packets that wait for the program to be run */

/* Makes a TUN device of this name in a network namespace (NULL: this one; a name of `ip netns`, or a path), switched
 * on, without addresses. It goes when the descriptor is closed. Returns the descriptor, non-blocking, or -1 after
 * saying on standard error what failed. */
int tun_open(const char *netns, const char *name, int mtu);

#endif
