/* SPDX-License-Identifier: Apache-2.0
 *
 * A network of the test's own: a new namespace with nothing but a loopback interface.
 */
#ifndef KS_TESTS_NETWORK_H
#define KS_TESTS_NETWORK_H

#include <stdbool.h>

/* Moves this process there, for good. False when it may not (neither root nor user namespaces). IPv4 only below an mtu
 * of 1280. */
bool network_own(int mtu);

#endif
