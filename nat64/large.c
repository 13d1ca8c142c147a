/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/large.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 * 1024 * 1024)

void *ks_large_new(size_t size)
{
	size_t align = size >= HUGE_PAGE ? HUGE_PAGE : KS_LARGE_LINE;
	size_t room = (size + align - 1) / align * align;
	void *memory = room >= size ? aligned_alloc(align, room > 0 ? room : align) : NULL;

	if (memory == NULL)
		return NULL;
	if (align == HUGE_PAGE)
		(void)madvise(memory, room, MADV_HUGEPAGE);	/* a kernel without them works as well */
	memset(memory, 0, size);
	return memory;
}
