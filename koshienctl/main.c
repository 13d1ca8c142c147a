/* SPDX-License-Identifier: Apache-2.0 */
#include "koshienctl/command.h"

int main(int argc, char **argv)
{
	return ks_commands_main(argc, argv);
}
