/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/sentryd.h"

int main(int argc, char **argv)
{
	return ks_sentryd_main(argc, argv);
}
