/* SPDX-License-Identifier: Apache-2.0
 *
 * The control socket: a Unix stream socket that takes one JSON object a line, {"command": "…", …}, and answers each
 * with one: {"ok": true, …} or {"ok": false, "error": "…"}. nat64/commands.h has the commands. Control thread.
 *
 * The socket belongs to the daemon's user and is for its group (mode 0660). A successor takes the path over from one
 * that still runs.
 */
#ifndef KS_NAT64_CONTROL_H
#define KS_NAT64_CONTROL_H

#define KS_CONTROL_LINE_MAX 4096	/* bytes of a request */
#define KS_CONTROL_CLIENTS_MAX 16	/* at a time */
#define KS_CONTROL_IDLE_S 30

struct event_base;
struct ks_control;
struct ks_nat64;

/* The folder of the path is made when it is missing, one level of it. user: who the daemon will be (NULL: who it is).
 * What an error means is the caller's to say. */
int ks_control_new(struct ks_control **control, struct event_base *base, const char *path, const char *user,
		   struct ks_nat64 *nat64);
void ks_control_free(struct ks_control *control);

#endif
