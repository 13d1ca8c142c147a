/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/frame/trust.h"

#include "lib/base/error.h"
#include "lib/base/keyfile.h"

int ks_trust_read(struct ks_trust *trust, const struct ks_list *files)
{
	int first = KS_EOK;

	if (files->n > KS_TRUST_MAX - trust->n)
		return KS_ELIMIT;
	for (size_t i = 0; i < files->n; i++)
		ks_keep_first(&first, ks_keyfile_read(ks_list_text(files, i), KS_KEY_SOURCE_PUBLIC,
						      trust->keys[trust->n++], KS_PUBLIC_KEY_SIZE));
	return first;
}
