/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 4884, section 7: a header of four bytes (version, checksum), then objects. RFC 5837, section 4: an object that
 * names an interface, here by its address only.
 */
#include "nat64/bytes.h"
#include "nat64/xlat_private.h"

#define VERSION 0x20
#define HEADER 4
#define OBJECT_HEADER 4
#define CLASS_INTERFACE 2
#define HAS_ADDRESS 0x04		/* C-Type, role 0: the interface on which the packet came */
#define FAMILY4 1			/* IANA's address family numbers */
#define FAMILY6 2

void ks_extension_name(struct ks_extension *extension, const uint8_t *address, int family)
{
	size_t bytes = family == 4 ? 4 : 16, object = OBJECT_HEADER + 4 + bytes, len = extension->len;
	uint8_t *room = extension->room, *at;

	if (len > 0 && (len < HEADER || extension->bytes[0] >> 4 != VERSION >> 4))
		return;		/* not of this RFC: it goes on as it is */
	if ((len > 0 ? len : HEADER) + object > sizeof(extension->room))
		return;
	memset(room, 0, HEADER);
	memcpy(room, extension->bytes, len);
	len = len > 0 ? len : HEADER;
	at = room + len;
	ks_put16(at, (uint32_t)object);
	at[2] = CLASS_INTERFACE;
	at[3] = HAS_ADDRESS;
	ks_put16(at + 4, family == 4 ? FAMILY4 : FAMILY6);
	ks_put16(at + 6, 0);
	memcpy(at + 8, address, bytes);
	room[0] = VERSION;
	ks_put16(room + 2, 0);
	extension->bytes = room;
	extension->len = len + object;
	ks_checksum_store(room + 2, ks_sum_bytes(room, extension->len));
}
