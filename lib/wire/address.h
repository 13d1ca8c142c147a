/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of addresses for settings tables (struct ks_setting.check).
 */
#ifndef KS_WIRE_ADDRESS_H
#define KS_WIRE_ADDRESS_H

/* An address of this machine, to listen on: numbers, with a port. */
const char *ks_listen_expected(const char *text);

/* Where another program listens: numbers or a name, with a port. */
const char *ks_peer_expected(const char *text);

#endif
