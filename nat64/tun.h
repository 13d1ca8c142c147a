/* SPDX-License-Identifier: Apache-2.0
 *
 * The TUN device: N queues of it, each a descriptor that gives and takes one IP packet at a time, behind a struct
 * virtio_net_hdr when there is offload (Linux, Documentation/networking/tuntap.rst; include/uapi/linux/if_tun.h).
 *
 * What the kernel does not know is left out, and said once: UDP segmentation needs Linux 6.2.
 */
#ifndef KS_NAT64_TUN_H
#define KS_NAT64_TUN_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#define KS_TUN_QUEUES_MAX 64
#define KS_TUN_QUEUE_LENGTH 2000	/* packets that wait for a worker, each queue; the kernel's default is 500 */

struct ks_tun_settings {
	const char *name;	/* at most IFNAMSIZ - 1 characters */
	unsigned queues;	/* 1 to KS_TUN_QUEUES_MAX */
	bool vnet;		/* without it: packets complete and one by one, as any TUN has them */
	bool tso, uso;		/* large packets in, of TCP and of UDP; only with vnet */
};

struct ks_tun {
	char name[IFNAMSIZ];
	unsigned index;		/* of the interface */
	unsigned queues;
	int fds[KS_TUN_QUEUES_MAX];	/* non-blocking */
	bool vnet, csum, tso, uso;	/* what it got */
	bool can_uso;		/* the kernel knows UDP segmentation, whether or not it is wanted on the way in */
};

/* Makes the device, which goes with the last process that has it, or takes one that is there: a persistent one, or
 * one of which another process has queues. Both get packets then, so a successor may begin before its predecessor
 * ends; when that detaches, what is in its queues is lost (nat64/handover.h does better). Logs what it got, or what
 * is missing; returns KS_EOK or -errno. */
int ks_tun_open(struct ks_tun *tun, const struct ks_tun_settings *settings);
void ks_tun_close(struct ks_tun *tun);	/* may be called twice */

int ks_tun_up(const struct ks_tun *tun);	/* switches it on, with the length of its queues */
int ks_tun_mtu(const struct ks_tun *tun, uint32_t *mtu);
/* A descriptor that is readable after something about an interface has changed; ks_tun_watched() empties it. */
int ks_tun_watch(void);
void ks_tun_watched(int fd);

#endif
