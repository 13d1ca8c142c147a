/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes the corpus of fuzz_xlat: one packet of each kind, and large ones, into the folder that it is given.
 */
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/xlat_input.h"
#include "tests/unit/core.h"
#include "tests/unit/gso.h"
#include "tests/unit/kinds.h"

#define NAME_MAX_ 4096

static int write_input(const char *folder, const char *name, unsigned number, const struct xlat_input *input,
		       const struct wire *packet)
{
	char path[NAME_MAX_];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s-%02u", folder, name, number);
	file = fopen(path, "we");
	if (file == NULL || fwrite(input, sizeof(*input), 1, file) != 1 ||
	    fwrite(packet->bytes, 1, packet->len, file) != packet->len || fclose(file) != 0) {
		perror(path);
		return 1;
	}
	return 0;
}

static int write_kind(const char *folder, unsigned kind)
{
	static struct wire packet;
	struct xlat_input input = { .how = XLAT_LENGTHS | XLAT_SUMS, .settings = 0x8, .mtu = (uint8_t)kind };

	kind_make(kind, &packet);
	/* Long ones are made so when they are read. */
	while (packet.len > 600) {
		packet.len -= 256;
		input.more++;
	}
	return write_input(folder, "kind", kind, &input, &packet);
}

static int write_large(const char *folder, unsigned kind)
{
	static struct wire part, packet, large;
	struct virtio_net_hdr o;
	unsigned protocol = kind & 2 ? UDP : TCP;
	struct ip ip = kind & 1 ? core_in6((struct ip){ .protocol = protocol }) :
		       core_in4((struct ip){ .protocol = protocol, .df = (kind & 4) != 0 });
	struct xlat_input input = { .how = XLAT_LENGTHS | XLAT_SUMS | XLAT_OFFLOAD, .settings = 0x8,
				    .more = (uint8_t)(kind * 8) };

	if (protocol == UDP)
		wire_udp(&part, 100);
	else
		wire_tcp(&part, 100);
	wire_packet(&packet, &ip, &part);
	gso_make(&packet, 400 + 200 * kind, &large, &o);
	input.flags = o.flags;
	input.gso_type = o.gso_type;
	wire_put16(input.hdr_len, o.hdr_len);
	wire_put16(input.gso_size, o.gso_size);
	wire_put16(input.csum_start, o.csum_start);
	wire_put16(input.csum_offset, o.csum_offset);
	return write_input(folder, "large", kind, &input, &large);
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: xlat_seeds FOLDER\n");
		return 2;
	}
	for (unsigned kind = 0; kind < KINDS; kind++)
		failed |= write_kind(argv[1], kind);
	for (unsigned kind = 0; kind < 8; kind++)
		failed |= write_large(argv[1], kind);
	return failed;
}
