/* SPDX-License-Identifier: Apache-2.0
 *
 * The pump over a real store and real sockets. Its clock is the test's, so that each deadline is met to the tick.
 */
#include "tests/unit/pump_peers.h"
#include "tests/unit/unit.h"

int main(void)
{
	Suite *suite = suite_create("pump");

	pump_answers(suite);
	pump_waiting(suite);
	pump_connections(suite);
	pump_back(suite);
	pump_streams(suite);
	pump_end(suite);
	return unit_run(suite);
}
