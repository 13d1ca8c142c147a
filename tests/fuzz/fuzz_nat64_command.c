/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said to the control socket of nat64d. The input is what one client sends; a byte of 0x1e ends what it sends
 * at once. The daemon behind it is a table, without a device.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>
#include <jansson.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "nat64/address.h"
#include "nat64/commands.h"
#include "nat64/control.h"
#include "nat64/mappings.h"
#include "nat64/trace.h"
#include "tests/fuzz/folder.h"

#define BORDER 0x1e
#define INPUT_MAX 65536
#define ANSWERS_MAX (4 * 1024 * 1024)
#define STILL_MAX 3	/* turns of the loop without a word: it has no more to say */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* --- a daemon ----------------------------------------------------------------------------------------------- */

struct ks_nat64 {
	struct ks_rules *rules;
	struct ks_xlat_settings xlat;
	struct ks_tun tun;
	struct ks_trace *trace;
	unsigned traces, reloads;
	bool draining, handed_over;
};

static void free_table(void *table)
{
	ks_table_free(table);
}

/* What it has been talked into is a table like any other. */
static int put(struct ks_nat64 *nat64, struct ks_table *table)
{
	struct ks_rules *rules;

	for (uint32_t slot = 0; slot < ks_table_slots(table); slot++) {
		const struct ks_mapping *m = ks_table_mapping(table, slot);

		if (m != NULL && (ks_mapping_expected(m) != NULL || (m->length4 == 32 && !ks_address4_usable(m->v4)) ||
				  (m->length6 == 128 && !ks_address6_usable(&m->v6))))
			abort();
	}
	if (ks_rules_new(&rules, table, table, free_table, 0) != KS_EOK)
		abort();
	ks_rules_free(nat64->rules);
	nat64->rules = rules;
	return KS_EOK;
}

int ks_nat64_map_add(struct ks_nat64 *nat64, const struct ks_mapping *mapping)
{
	struct ks_mappings one = { (struct ks_mapping *)(uintptr_t)mapping, 1, 1 };
	struct ks_table *table;
	int err = ks_mappings_table(&table, nat64->rules->table, false, &one, NULL, false, NULL);

	return err == KS_EOK ? put(nat64, table) : err;
}

int ks_nat64_map_remove(struct ks_nat64 *nat64, uint32_t v4)
{
	struct ks_mapping mapping;
	struct ks_table *table;
	struct in6_addr v6;
	uint32_t slot;
	int err;

	if (ks_table_to6(nat64->rules->table, v4, true, &v6, &slot) != KS_MAPPED_EXPLICIT)
		return KS_EGONE;
	mapping = *ks_table_mapping(nat64->rules->table, slot);
	err = ks_mappings_table(&table, nat64->rules->table, false, NULL, &mapping, false, NULL);
	return err == KS_EOK ? put(nat64, table) : err;
}

int ks_nat64_reload(struct ks_nat64 *nat64)
{
	return ++nat64->reloads % 2 == 0 ? KS_ECONFIG : KS_EOK;
}

void ks_nat64_drain(struct ks_nat64 *nat64)
{
	nat64->draining = true;
}

void ks_nat64_handed_over(struct ks_nat64 *nat64)
{
	nat64->handed_over = true;
}

/* A packet that is translated, and one that is dropped, come at once. */
int ks_nat64_trace(struct ks_nat64 *nat64, struct ks_trace *trace)
{
	static uint8_t bytes[28] = { 0x45, [3] = 28, [8] = 64, IPPROTO_UDP };
	struct ks_packet packet = { .data = bytes, .len = sizeof(bytes) };
	struct ks_trace_entry entry;

	if (nat64->trace != NULL)
		return -EBUSY;
	nat64->trace = trace;
	nat64->traces++;
	ks_trace_in(&entry, &packet);
	ks_trace_out(&entry, &packet);
	ks_trace_add(trace, &entry, KS_XLAT_PASSED);
	ks_trace_in(&entry, &packet);
	ks_trace_add(trace, &entry, KS_XLAT_TTL4);
	return KS_EOK;
}

void ks_nat64_trace_end(struct ks_nat64 *nat64, struct ks_trace *trace)
{
	json_t *answer = ks_commands_traced(trace);

	if (trace != nat64->trace || json_array_size(json_object_get(answer, "packets")) < 1)
		abort();
	json_decref(answer);
	ks_trace_free(trace);
	nat64->trace = NULL;
}

void ks_nat64_status(struct ks_nat64 *nat64, struct ks_nat64_status *status)
{
	*status = (struct ks_nat64_status){ .reloads = nat64->reloads, .draining = nat64->draining };
}

const struct ks_rules *ks_nat64_in_force(const struct ks_nat64 *nat64)
{
	return nat64->rules;
}

const struct ks_xlat_settings *ks_nat64_xlat(const struct ks_nat64 *nat64)
{
	return &nat64->xlat;
}

const struct ks_tun *ks_nat64_tun(const struct ks_nat64 *nat64)
{
	return &nat64->tun;
}

unsigned ks_nat64_workers(const struct ks_nat64 *nat64)
{
	(void)nat64;
	return 0;
}

const struct ks_worker *ks_nat64_worker(const struct ks_nat64 *nat64, unsigned i)
{
	(void)nat64;
	(void)i;
	abort();
}

void ks_nat64_counts(const struct ks_nat64 *nat64, struct ks_xlat_counts *counts)
{
	(void)nat64;
	memset(counts, 1, sizeof(*counts));
}

/* --- a client ----------------------------------------------------------------------------------------------- */

static struct event_base *base;
static char folder[64], path[sizeof(folder) + 8];
static char answers[ANSWERS_MAX];
static size_t answered;
static bool ended;

static void remove_folder(void)
{
	rmdir(folder);
}

static void drop_line(void *ctx, enum ks_log_level level, const char *token, const char *text)
{
	(void)ctx;
	(void)level;
	(void)token;
	(void)text;
}

static void begin(void)
{
	ks_log_set_sink(drop_line, NULL);
	base = event_base_new();
	if (base == NULL)
		abort();
	fuzz_folder(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	atexit(remove_folder);
}

/* 192.0.2.1 is 2001:db8:1::1, 198.51.100.0/24 is 2001:db8:2::/120, all else behind 64:ff9b:1::/96. */
static void set_up(struct ks_nat64 *nat64)
{
	struct ks_mapping mappings[2] = { { .v4 = 0xc0000201, .length4 = 32, .length6 = 128 },
					  { .v4 = 0xc6336400, .length4 = 24, .length6 = 120 } };
	struct ks_mapping66 mapping66;
	struct ks_prefix prefix = { .length = 96 };
	struct ks_table *table;

	inet_pton(AF_INET6, "64:ff9b:1::", &prefix.address);
	inet_pton(AF_INET6, "2001:db8:1::1", &mappings[0].v6);
	inet_pton(AF_INET6, "2001:db8:2::", &mappings[1].v6);
	inet_pton(AF_INET6, "2001:db8:3::1", &mapping66.global);
	inet_pton(AF_INET6, "fd00::1", &mapping66.intra);
	ks_xlat_settings_init(&nat64->xlat);
	if (ks_table_build(&table, &prefix, false, mappings, 2, &mapping66, 1) != KS_EOK)
		abort();
	put(nat64, table);
	nat64->tun = (struct ks_tun){ .name = "tun646", .queues = 1 };
	nat64->tun.fds[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int dial(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		abort();
	return fd;
}

/* Turns of the loop until no more is said. */
static void listen_to(int fd)
{
	unsigned still = 0;

	while (!ended && still < STILL_MAX) {
		ssize_t len;

		event_base_loop(base, EVLOOP_NONBLOCK);
		if (answered == sizeof(answers))
			abort();
		len = recv(fd, answers + answered, sizeof(answers) - answered, MSG_DONTWAIT);
		ended = len == 0 || (len < 0 && errno != EAGAIN);
		answered += len > 0 ? (size_t)len : 0;
		still = len > 0 ? 0 : still + 1;
	}
}

/* What does not fit the socket is not read either: it waits for a trace. */
static void say(int fd, const uint8_t *bytes, size_t len)
{
	unsigned refused = 0;

	while (len > 0 && !ended && refused < STILL_MAX) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		refused = sent > 0 ? 0 : refused + 1;
		bytes += sent > 0 ? sent : 0;
		len -= sent > 0 ? (size_t)sent : 0;
		listen_to(fd);
	}
}

/* --- what must hold ------------------------------------------------------------------------------------------- */

/* How many answers are owed: one for each line, the last for one that is too long. */
static unsigned owed(const uint8_t *bytes, size_t len)
{
	size_t line = 0;
	unsigned n = 0;

	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == BORDER)
			continue;
		if (bytes[i] != '\n' && ++line <= KS_CONTROL_LINE_MAX)
			continue;
		n++;
		if (line > KS_CONTROL_LINE_MAX)
			break;
		line = 0;
	}
	return n;
}

static void check_answers(const struct ks_nat64 *nat64, unsigned n_owed)
{
	const char *at = answers, *end;
	unsigned n = 0;

	/* Descriptors came with bytes that are no JSON. */
	if (nat64->handed_over)
		return;
	for (; (end = memchr(at, '\n', answered - (size_t)(at - answers))) != NULL; at = end + 1, n++) {
		json_t *answer = json_loadb(at, (size_t)(end - at), JSON_REJECT_DUPLICATES, NULL);
		json_t *ok = json_object_get(answer, "ok");

		if (!json_is_boolean(ok) || (json_is_false(ok) && !json_is_string(json_object_get(answer, "error"))))
			abort();
		json_decref(answer);
	}
	if (at != answers + answered || n > n_owed || (n < n_owed && nat64->traces == 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct ks_nat64 nat64 = { 0 };
	struct ks_control *control;
	int fd;

	if (len > INPUT_MAX)
		return 0;
	if (base == NULL)
		begin();
	set_up(&nat64);
	if (ks_control_new(&control, base, path, NULL, &nat64) != KS_EOK)
		abort();
	fd = dial();
	answered = 0;
	ended = false;
	for (size_t i = 0; i < len;) {
		const uint8_t *border = memchr(bytes + i, BORDER, len - i);
		size_t n = border != NULL ? (size_t)(border - bytes) - i : len - i;

		say(fd, bytes + i, n);
		i += n + 1;
	}
	check_answers(&nat64, owed(bytes, len));
	ks_control_free(control);
	if (nat64.trace != NULL)
		abort();
	close(fd);
	close(nat64.tun.fds[0]);
	ks_rules_free(nat64.rules);
	return 0;
}
