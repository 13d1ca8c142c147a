/* SPDX-License-Identifier: Apache-2.0
 *
 * Forged load: datagrams that no daemon may take for real, of every kind that a stranger, or somebody who listened, can
 * make, at a fixed rate. `flood --record` is the listening.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/wire/message.h"
#include "tests/net/peer.h"

#define POOL 8192		/* different datagrams, sent in turn */
#define BATCH 64		/* sent at once */
#define SOCKETS 8		/* ports that they come from */
#define RECORDED_MAX 4096
#define NS_PER_S INT64_C(1000000000)

enum kind {
	KIND_RANDOM,	/* bytes */
	KIND_TYPED,	/* right version and type, random otherwise */
	KIND_KEY,	/* and right key id */
	KIND_NAME,	/* a SUBSCRIBE, right in all but the key that it is sealed with */
	KIND_REPLAY,	/* what was recorded */
	KIND_DAMAGED,	/* what was recorded, one bit turned over: right key id and session, wrong tag */
	KINDS
};

static const char *const kind_names[KINDS] = { "random", "typed", "key", "name", "replay", "damaged" };

struct datagram {
	enum kind kind;
	size_t len;
	uint8_t bytes[KS_DATAGRAM_MAX];
};

struct flood {
	const char *record, *device, *key_path, *recorded_path;
	uint64_t rate, seconds, port, seed;
	struct ks_psk psk;
	struct datagram *recorded;
	size_t n_recorded;
	struct datagram *pool;
	uint8_t random_seed[randombytes_SEEDBYTES];
	uint64_t random_calls;
};

static int fail(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

static void help(void)
{
	printf("Usage: flood [OPTION]... ADDRESS PORT\n"
	       "       flood --record FILE --device DEVICE --port PORT [--seconds N]\n"
	       "Sends forged datagrams, all kinds in turn: random bytes; right version and type and random bodies; with\n"
	       "--key also the right key id, and SUBSCRIBEs by the right name; with --recorded also recorded datagrams,\n"
	       "whole and with one bit turned over. Prints as one line of JSON what it sent, and at which rate.\n\n"
	       "  --rate N          datagrams per second (default: 100000)\n"
	       "  --seconds N       for so long (default: 8)\n"
	       "  --key FILE        key of a relay, of which the id and the name are used\n"
	       "  --recorded FILE   made by flood --record\n"
	       "  --seed N          of all that is random (default: 1)\n"
	       "  --record FILE     write UDP payloads seen on a device to FILE, as root; up to %d\n"
	       "  --device DEVICE   that device\n"
	       "  --port PORT       only from and to this port\n"
	       "  --help            show this help and exit\n\n"
	       "Exit status: 0 all was sent, or something recorded; 1 failed; 2 wrong usage.\n", RECORDED_MAX);
}

/* --- recording -------------------------------------------------------------------------------- */

/* The UDP payload of an IP packet from or to a port; NULL: not one. */
static const uint8_t *payload(const uint8_t *packet, size_t len, uint64_t port, size_t *payload_len)
{
	size_t header = len > 0 && packet[0] >> 4 == 4 ? (size_t)(packet[0] & 15) * 4 : 40;
	const uint8_t *udp = packet + header;

	if (len < header + 8 || packet[packet[0] >> 4 == 4 ? 9 : 6] != IPPROTO_UDP)
		return NULL;
	if ((uint64_t)(udp[0] << 8 | udp[1]) != port && (uint64_t)(udp[2] << 8 | udp[3]) != port)
		return NULL;
	*payload_len = len - header - 8;
	return udp + 8;
}

static int record(struct flood *flood)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int64_t end = peer_now_ns() + (int64_t)flood->seconds * NS_PER_S;
	struct timeval tick = { .tv_usec = 100000 };
	int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
	FILE *file = fopen(flood->record, "wb");
	size_t n = 0, len;
	uint8_t packet[2048];

	address.sll_ifindex = (int)if_nametoindex(flood->device);
	if (file == NULL)
		return fail(flood->record);
	if (fd < 0 || address.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return fail(flood->device);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
	while (n < RECORDED_MAX && peer_now_ns() < end) {
		ssize_t got = recv(fd, packet, sizeof(packet), 0);
		const uint8_t *bytes = got > 0 ? payload(packet, (size_t)got, flood->port, &len) : NULL;
		uint16_t size;

		if (bytes == NULL || len > KS_DATAGRAM_MAX)
			continue;
		size = (uint16_t)len;
		n += fwrite(&size, sizeof(size), 1, file) == 1 && fwrite(bytes, 1, len, file) == len;
	}
	close(fd);
	if (fclose(file) != 0)
		return fail(flood->record);
	printf("{\"recorded\":%zu}\n", n);
	return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int read_recorded(struct flood *flood)
{
	FILE *file = fopen(flood->recorded_path, "rb");
	uint16_t size;

	if (file == NULL)
		return fail(flood->recorded_path);
	flood->recorded = calloc(RECORDED_MAX, sizeof(*flood->recorded));
	while (flood->recorded != NULL && flood->n_recorded < RECORDED_MAX &&
	       fread(&size, sizeof(size), 1, file) == 1 && size > 0 && size <= KS_DATAGRAM_MAX &&
	       fread(flood->recorded[flood->n_recorded].bytes, 1, size, file) == size)
		flood->recorded[flood->n_recorded++].len = size;
	fclose(file);
	if (flood->n_recorded > 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "flood: %s: nothing is recorded there\n", flood->recorded_path);
	return EXIT_FAILURE;
}

/* --- forging ------------------------------------------------------------------------------------ */

/* The same for the same seed. */
static void random_bytes(struct flood *flood, void *out, size_t len)
{
	memcpy(flood->random_seed, &flood->seed, sizeof(flood->seed));
	memcpy(flood->random_seed + sizeof(flood->seed), &flood->random_calls, sizeof(flood->random_calls));
	flood->random_calls++;
	randombytes_buf_deterministic(out, len, flood->random_seed);
}

static uint32_t random_below(struct flood *flood, uint32_t end)
{
	uint32_t value;

	random_bytes(flood, &value, sizeof(value));
	return value % end;
}

static void forge_header(struct flood *flood, struct datagram *d, bool right_key)
{
	struct ks_header header = { .type = (uint8_t)(1 + random_below(flood, KS_BYE)) };

	random_bytes(flood, &header.session, sizeof(header.session));
	random_bytes(flood, &header.key_id, sizeof(header.key_id));
	header.counter = random_below(flood, 1000);
	if (right_key)
		header.key_id = flood->psk.id;
	ks_header_write(&header, d->bytes);
}

static void forge_name(struct flood *flood, struct datagram *d)
{
	struct ks_subscribe subscribe = { .datagram = KS_DATAGRAM_DEFAULT, .nack = true };
	uint8_t key[KS_SEAL_KEY_SIZE], nonce[KS_SETUP_NONCE_SIZE];

	random_bytes(flood, subscribe.nonce, sizeof(subscribe.nonce));
	random_bytes(flood, subscribe.instance, sizeof(subscribe.instance));
	random_bytes(flood, key, sizeof(key));
	random_bytes(flood, nonce, sizeof(nonce));
	d->len = ks_subscribe_write(&subscribe, &flood->psk, key, nonce, d->bytes);
}

static void forge(struct flood *flood, struct datagram *d)
{
	d->len = 1 + random_below(flood, KS_DATAGRAM_MAX);
	random_bytes(flood, d->bytes, d->len);
	if (d->kind == KIND_TYPED || d->kind == KIND_KEY) {
		if (d->len < KS_HEADER_SIZE)
			d->len = KS_HEADER_SIZE;
		forge_header(flood, d, d->kind == KIND_KEY);
	} else if (d->kind == KIND_NAME) {
		forge_name(flood, d);
	} else if (d->kind >= KIND_REPLAY) {
		const struct datagram *from = &flood->recorded[random_below(flood, (uint32_t)flood->n_recorded)];

		d->len = from->len;
		memcpy(d->bytes, from->bytes, d->len);
	}
	if (d->kind == KIND_DAMAGED)
		d->bytes[d->len - 1 - random_below(flood, (uint32_t)d->len / 2)] ^= 1;
}

static int make_pool(struct flood *flood)
{
	bool possible[KINDS] = { [KIND_RANDOM] = true, [KIND_TYPED] = true };
	size_t n = 0;

	if (flood->key_path != NULL) {
		if (ks_psk_read(flood->key_path, &flood->psk) != KS_EOK)
			return EXIT_FAILURE;
		possible[KIND_KEY] = possible[KIND_NAME] = true;
	}
	if (flood->recorded_path != NULL) {
		if (read_recorded(flood) != EXIT_SUCCESS)
			return EXIT_FAILURE;
		possible[KIND_REPLAY] = possible[KIND_DAMAGED] = true;
	}
	flood->pool = calloc(POOL, sizeof(*flood->pool));
	if (flood->pool == NULL)
		return fail("memory");
	for (int kind = 0; n < POOL; kind = (kind + 1) % KINDS)
		if (possible[kind]) {
			flood->pool[n].kind = (enum kind)kind;
			forge(flood, &flood->pool[n++]);
		}
	return EXIT_SUCCESS;
}

/* --- sending ------------------------------------------------------------------------------------ */

static void print(const uint64_t kinds[KINDS], uint64_t errors, int64_t took_ns)
{
	uint64_t sent = 0;

	for (int i = 0; i < KINDS; i++)
		sent += kinds[i];
	printf("{\"sent\":%zu,\"errors\":%zu,\"seconds\":%.3f,\"per_s\":%.0f,\"kinds\":{", (size_t)sent, (size_t)errors,
	       (double)took_ns / NS_PER_S, (double)sent * NS_PER_S / (double)took_ns);
	for (int i = 0; i < KINDS; i++)
		printf("%s\"%s\":%zu", i > 0 ? "," : "", kind_names[i], (size_t)kinds[i]);
	printf("}}\n");
}

/* Returns how many were sent; what is refused, as when nobody listens, is passed over. */
static size_t send_batch(int fd, struct datagram *batch, size_t n, uint64_t kinds[KINDS], uint64_t *errors)
{
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec parts[BATCH];
	size_t sent = 0;

	for (size_t i = 0; i < n; i++) {
		parts[i] = (struct iovec) { .iov_base = batch[i].bytes, .iov_len = batch[i].len };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	for (size_t at = 0; at < n;) {
		int took = sendmmsg(fd, messages + at, (unsigned int)(n - at), 0);

		if (took <= 0) {
			++*errors;
			at++;
			continue;
		}
		for (int i = 0; i < took; i++)
			kinds[batch[at + (size_t)i].kind]++;
		at += (size_t)took;
		sent += (size_t)took;
	}
	return sent;
}

static int send_all(struct flood *flood, const char *address, const char *port)
{
	uint64_t total = flood->rate * flood->seconds, kinds[KINDS] = { 0 }, errors = 0, sent = 0;
	int fds[SOCKETS];
	int64_t start;

	for (int i = 0; i < SOCKETS; i++)
		if ((fds[i] = peer_open(address, port, false)) < 0)
			return EXIT_FAILURE;
	start = peer_now_ns();
	for (uint64_t at = 0; at < total; at += BATCH) {
		size_t n = total - at < BATCH ? (size_t)(total - at) : BATCH;

		peer_sleep_until_ns(start + (int64_t)(at * NS_PER_S / flood->rate));
		sent += send_batch(fds[at / BATCH % SOCKETS], flood->pool + at % POOL, n, kinds, &errors);
	}
	print(kinds, errors, peer_now_ns() - start);
	for (int i = 0; i < SOCKETS; i++)
		close(fds[i]);
	return sent > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int usage(const char *what, const char *expected)
{
	fprintf(stderr, "flood: %s: expected %s\nTry 'flood --help'.\n", what, expected);
	return PEER_USAGE;
}

static bool take_option(struct flood *flood, int option)
{
	switch (option) {
	case 'r': return peer_number(optarg, 1, 10000000, &flood->rate);
	case 's': return peer_number(optarg, 1, 3600, &flood->seconds);
	case 'n': return peer_number(optarg, 0, UINT64_MAX, &flood->seed);
	case 'p': return peer_number(optarg, 1, 65535, &flood->port);
	case 'k': flood->key_path = optarg; return true;
	case 'f': flood->recorded_path = optarg; return true;
	case 'w': flood->record = optarg; return true;
	case 'd': flood->device = optarg; return true;
	default: return false;
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "rate", required_argument, NULL, 'r' }, { "seconds", required_argument, NULL, 's' },
		{ "key", required_argument, NULL, 'k' }, { "recorded", required_argument, NULL, 'f' },
		{ "seed", required_argument, NULL, 'n' }, { "record", required_argument, NULL, 'w' },
		{ "device", required_argument, NULL, 'd' }, { "port", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	static struct flood flood = { .rate = 100000, .seconds = 8, .seed = 1 };
	int option, status;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h')
			return help(), EXIT_SUCCESS;
		if (!take_option(&flood, option))
			return usage(argv[optind - 1], "an option, or a number in its bounds");
	}
	if (sodium_init() < 0)
		return EXIT_FAILURE;
	if (flood.record != NULL && (flood.device == NULL || flood.port == 0))
		return usage("--record", "--device and --port with it");
	if (flood.record != NULL)
		return record(&flood);
	if (argc - optind != 2)
		return usage(argv[0], "an address and a port");
	status = make_pool(&flood);
	if (status == EXIT_SUCCESS)
		status = send_all(&flood, argv[optind], argv[optind + 1]);
	free(flood.pool);
	free(flood.recorded);
	return status;
}
