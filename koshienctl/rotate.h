/* SPDX-License-Identifier: Apache-2.0
 *
 * Changing a relay key or a master key without losing a picture, one step a call: FILE.next is made, FILE.next becomes
 * FILE and FILE becomes FILE.previous, FILE.previous is removed. Programs read all three, so that the sides need not
 * change at the same time. At every instant FILE is there, and no key is gone before the last step.
 */
#ifndef KS_KOSHIENCTL_ROTATE_H
#define KS_KOSHIENCTL_ROTATE_H

/* Does the next step and says on standard output what to do then. `master_path` is the master key that a relay key was
 * made from, or NULL. Every failure is logged, with nothing changed. KS_EOK, KS_EKEY or -errno. */
int ks_rotate(const char *path, const char *master_path);

#endif
