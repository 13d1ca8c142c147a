/* SPDX-License-Identifier: Apache-2.0
 *
 * koshienctl nat64: talks to the control socket of nat64d, one JSON object a line each way (nat64/commands.h).
 */
#include "koshienctl/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#define ANSWER_MAX (64 * 1024 * 1024)	/* counters of ten thousand mappings are a few MB */
#define PATIENCE_S 30
#define PACKETS_MAX 100
#define SECONDS_MAX 300
#define NAME_COLUMN 24

enum { OPT_SOCKET, OPT_JSON, OPT_SECONDS };

/* --- the conversation ------------------------------------------------------------------------------- */

static int dial(const char *path, int64_t wait_s)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { wait_s, 0 };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		fprintf(stderr, "koshienctl nat64: %s: longer than a socket's path may be\n", path);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	fprintf(stderr, "koshienctl nat64: %s: %s; is nat64d running, and is this its control socket (--socket)?\n",
		path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static char *read_line(int fd)
{
	size_t room = 4096, len = 0;
	char *text = malloc(room);

	while (text != NULL) {
		ssize_t got = read(fd, text + len, room - 1 - len);

		if (got <= 0)
			break;
		len += (size_t)got;
		text[len] = '\0';
		if (memchr(text + len - (size_t)got, '\n', (size_t)got) != NULL)
			return text;
		if (len == room - 1) {
			char *more = room < ANSWER_MAX ? realloc(text, room * 2) : NULL;

			if (more == NULL)
				break;
			text = more;
			room *= 2;
		}
	}
	free(text);
	return NULL;
}

/* Takes the request. NULL: said why on standard error. */
static json_t *ask(const char *path, json_t *request, int64_t wait_s)
{
	char *line = json_dumps(request, JSON_COMPACT), *text = NULL;
	int fd = line != NULL ? dial(path, wait_s) : -1;
	json_t *answer = NULL;

	json_decref(request);
	if (fd >= 0 && dprintf(fd, "%s\n", line) > 0)
		text = read_line(fd);
	if (text != NULL)
		answer = json_loads(text, 0, NULL);
	if (fd >= 0 && answer == NULL)
		fprintf(stderr, "koshienctl nat64: %s: no answer\n", path);
	if (fd >= 0)
		close(fd);
	free(text);
	free(line);
	return answer;
}

/* --- what is shown --------------------------------------------------------------------------------------- */

static const char *text_of(json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static int64_t number_of(json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static void show_lookup(const char *address, json_t *answer)
{
	const char *becomes = text_of(answer, "becomes");

	if (*becomes != '\0')
		printf("%s is %s, %s\n", address, becomes, text_of(answer, "why"));
	else
		printf("%s is nothing: %s\n", address, text_of(answer, "why"));
}

static void show_reasons(json_t *answer)
{
	json_t *list = json_object_get(answer, "reasons"), *one;
	size_t i;

	printf("%-20s%12s%12s  %s\n", "reason", "IPv4", "IPv6", "what it means");
	json_array_foreach(list, i, one)
		printf("%-20s%12" PRId64 "%12" PRId64 "  %s\n", text_of(one, "reason"), number_of(one, "ipv4"),
		       number_of(one, "ipv6"), text_of(one, "means"));
}

static void show_status(json_t *answer)
{
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(answer, "status"), name, value) {
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

		printf("%-*s%s\n", NAME_COLUMN, name, json_is_string(value) ? json_string_value(value) : text);
		free(text);
	}
}

static void show_packet(const char *way, json_t *packet)
{
	int64_t segments = number_of(packet, "segments");

	printf("  %-4s%s", way, text_of(packet, "header"));
	if (segments > 1)
		printf(", large: %" PRId64 " packets on the wire", segments);
	printf("\n");
}

static void show_trace(json_t *answer)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(answer, "packets"), i, one) {
		printf("%zu\n", i + 1);
		show_packet("in", json_object_get(one, "in"));
		if (json_object_get(one, "out") != NULL)
			show_packet("out", json_object_get(one, "out"));
		if (number_of(one, "packets_out") > 1)
			printf("  and %" PRId64 " more\n", number_of(one, "packets_out") - 1);
		if (json_object_get(one, "dropped") != NULL)
			printf("  dropped (%s): %s\n", text_of(one, "dropped"), text_of(one, "means"));
	}
	if (json_array_size(json_object_get(answer, "packets")) == 0)
		printf("no packet of it came\n");
}

static void show_json(json_t *answer)
{
	json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	printf("\n");
}

static void show(const struct ks_arguments *args, json_t *answer)
{
	const char *verb = args->words[0];

	if (args->value[OPT_JSON] != NULL || strcmp(verb, "counters") == 0)
		show_json(answer);
	else if (strcmp(verb, "lookup") == 0)
		show_lookup(args->words[1], answer);
	else if (strcmp(verb, "reasons") == 0)
		show_reasons(answer);
	else if (strcmp(verb, "status") == 0)
		show_status(answer);
	else if (strcmp(verb, "trace") == 0)
		show_trace(answer);
}

/* --- what is asked ------------------------------------------------------------------------------------------- */

/* NULL: it has been said what was expected. */
static json_t *trace_request(const struct ks_arguments *args, int64_t *wait_s)
{
	char *end = NULL;
	long packets = args->n_words == 3 ? strtol(args->words[2], &end, 10) : 10;
	int64_t seconds;

	if (end != NULL && (*end != '\0' || packets < 1 || packets > PACKETS_MAX)) {
		ks_usage(args->command, "trace: expected 1 to %d packets, got '%s'", PACKETS_MAX, args->words[2]);
		return NULL;
	}
	if (!ks_argument_number(args, OPT_SECONDS, 1, SECONDS_MAX, &seconds))
		return NULL;
	*wait_s += seconds;
	return json_pack("{s:s, s:s, s:i, s:I}", "command", "trace", "address", args->words[1], "packets", (int)packets,
			 "seconds", (json_int_t)seconds);
}

static json_t *map_request(const struct ks_arguments *args)
{
	const char *verb = args->n_words > 1 ? args->words[1] : "";

	if (strcmp(verb, "add") == 0 && args->n_words == 4)
		return json_pack("{s:s, s:s, s:s}", "command", "map-add", "v4", args->words[2], "v6", args->words[3]);
	if (strcmp(verb, "remove") == 0 && args->n_words == 3)
		return json_pack("{s:s, s:s}", "command", "map-remove", "v4", args->words[2]);
	ks_usage(args->command, "map: expected add V4 V6, or remove V4");
	return NULL;
}

static json_t *request_of(const struct ks_arguments *args, int64_t *wait_s)
{
	static const char *const plain[] = { "reasons", "status", "counters", "reload", "drain" };
	const char *verb = args->words[0];

	if (strcmp(verb, "map") == 0)
		return map_request(args);
	if (strcmp(verb, "lookup") == 0 && args->n_words == 2)
		return json_pack("{s:s, s:s}", "command", "lookup", "address", args->words[1]);
	if (strcmp(verb, "trace") == 0 && (args->n_words == 2 || args->n_words == 3))
		return trace_request(args, wait_s);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strcmp(plain[i], verb) == 0 && args->n_words == 1)
			return json_pack("{s:s}", "command", verb);
	ks_usage(args->command, "expected lookup ADDRESS, trace ADDRESS [N], reasons, status, counters, map add V4 V6, "
		 "map remove V4, reload or drain");
	return NULL;
}

static enum ks_exit run(const struct ks_arguments *args)
{
	int64_t wait_s = PATIENCE_S;
	json_t *request = request_of(args, &wait_s), *answer;
	bool good;

	if (request == NULL)
		return KS_EXIT_USAGE;
	answer = ask(args->value[OPT_SOCKET], request, wait_s);
	if (answer == NULL)
		return KS_EXIT_FAILED;
	good = json_is_true(json_object_get(answer, "ok"));
	if (good)
		show(args, answer);
	else
		fprintf(stderr, "koshienctl nat64: %s\n", text_of(answer, "error"));
	json_decref(answer);
	return good ? KS_EXIT_GOOD : KS_EXIT_FAILED;
}

static const struct ks_option options[] = {
	{ "socket", "PATH", "nat64d's control socket", KS_RUNDIR "/nat64d.sock" },
	{ "json", NULL, "show the whole answer, as JSON", NULL },
	{ "seconds", "N", "trace: wait so long for packets", "10" },
	{ NULL, NULL, NULL, NULL }
};

const struct ks_command ks_command_nat64 = {
	.name = "nat64", .words = "VERB [WORD]...", .words_min = 1, .words_max = 4,
	.summary = "ask and steer a running translator",
	.details = "  lookup ADDRESS        what it becomes in the other family, and why\n"
		   "  trace ADDRESS [N]     the next N packets from or to it: header in, header out or why not (10)\n"
		   "  reasons               why packets are dropped: how many, and what that means\n"
		   "  status, counters      how it does; all its numbers\n"
		   "  map add V4 V6         one more host, at once and over reloads; map remove V4: one less\n"
		   "  reload                read the configuration again; what is wrong with it is in the log\n"
		   "  drain                 withdraw, translate on for drain-seconds, end\n",
	.options = options, .run = run,
};
