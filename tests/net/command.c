/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/net/command.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 6

const char command_help[] =
	"  DIRECTION is ab, ba or both. 0 switches a fault off.\n"
	"  DIRECTION up | down                  let packets in; let none in (those on their way arrive)\n"
	"  DIRECTION delay TIME [JITTER]        each takes so long, give or take an even share of JITTER, in order\n"
	"  DIRECTION loss SHARE                 each packet by itself\n"
	"  DIRECTION burst SHARE TIME           nothing passes for TIME on average, SHARE of all the time\n"
	"  DIRECTION reorder SHARE [TIME]       so many are held back, TIME longer than their delay (5ms)\n"
	"  DIRECTION duplicate SHARE            so many arrive twice\n"
	"  DIRECTION corrupt SHARE [mended]     one bit behind the IP header is turned over; mended: one of\n"
	"                                       the payload, and the checksum fits it\n"
	"  DIRECTION rate BITS [QUEUE [BUCKET]] bits per second; bytes that may wait (64k), and that pass at\n"
	"                                       once (3000)\n"
	"  DIRECTION mtu BYTES [silent]         longer packets end here, and their sender is told by ICMP\n"
	"                                       unless silent; IPv4 packets without DF are not cut up but\n"
	"                                       dropped silently\n"
	"  both ports N                         N is added to the UDP ports that a's packets come from, and taken\n"
	"                                       off on their way back, as by a NAT; another N is a NAT that\n"
	"                                       forgot\n"
	"  DIRECTION clear                      no fault at all\n"
	"  SHARE is like 10% or 0.5%, TIME like 20ms, 150us or 1.5s, BITS like 500k, 10M or 1G, BYTES like 1280\n"
	"  or 64k.\n";

struct reading {
	char *words[WORDS_MAX];
	size_t n;
	char *why;
	size_t why_size;
};

static bool expected(struct reading *r, const char *what, const char *got)
{
	snprintf(r->why, r->why_size, "%s, not '%s'", what, got != NULL ? got : "");
	return false;
}

/* --- values ----------------------------------------------------------------------------------- */

struct unit {
	const char *name;
	double factor;
};

static const struct unit shares[] = { { "%", SHAPE_PPM / 100.0 }, { NULL, 0 } };
static const struct unit times[] = { { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { NULL, 0 } };
static const struct unit sizes[] = { { "", 1 }, { "k", 1024 }, { "M", 1024 * 1024 }, { NULL, 0 } };
static const struct unit rates[] = { { "", 1 }, { "k", 1e3 }, { "M", 1e6 }, { "G", 1e9 }, { NULL, 0 } };

/* Any unit may be left away for 0. */
static bool number(const char *text, const struct unit *units, double max, double *value)
{
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return false;
	*value = strtod(text, &end);
	if (*value == 0 && *end == '\0')
		return true;
	for (; units->name != NULL; units++)
		if (strcmp(end, units->name) == 0) {
			*value *= units->factor;
			return *value <= max;
		}
	return false;
}

static bool take_share(struct reading *r, size_t word, uint32_t *ppm)
{
	double value;

	if (!number(r->words[word], shares, SHAPE_PPM, &value))
		return expected(r, "a share from 0 to 100% like 2.5%", r->words[word]);
	*ppm = (uint32_t)(value + 0.5);
	return true;
}

static bool take_time(struct reading *r, size_t word, int64_t *ns)
{
	double value;

	if (!number(r->words[word], times, 60e9, &value))
		return expected(r, "a time up to 60s, like 20ms", r->words[word]);
	*ns = (int64_t)(value + 0.5);
	return true;
}

static bool take_size(struct reading *r, size_t word, size_t *bytes)
{
	double value;

	if (!number(r->words[word], sizes, 1 << 30, &value))
		return expected(r, "a number of bytes like 1280 or 64k", r->words[word]);
	*bytes = (size_t)value;
	return true;
}

/* --- commands --------------------------------------------------------------------------------- */

static bool do_up(struct reading *r, struct shape_settings *set)
{
	(void)r;
	set->down = false;
	return true;
}

static bool do_down(struct reading *r, struct shape_settings *set)
{
	(void)r;
	set->down = true;
	return true;
}

static bool do_clear(struct reading *r, struct shape_settings *set)
{
	(void)r;
	*set = (struct shape_settings) { 0 };
	return true;
}

static bool do_delay(struct reading *r, struct shape_settings *set)
{
	set->jitter_ns = 0;
	return take_time(r, 2, &set->delay_ns) && (r->n < 4 || take_time(r, 3, &set->jitter_ns));
}

static bool do_loss(struct reading *r, struct shape_settings *set)
{
	return take_share(r, 2, &set->loss_ppm);
}

static bool do_burst(struct reading *r, struct shape_settings *set)
{
	if (!take_share(r, 2, &set->burst_ppm))
		return false;
	if (set->burst_ppm == 0)
		return true;
	if (set->burst_ppm == SHAPE_PPM)
		return expected(r, "a share below 100%", r->words[2]);
	if (!take_time(r, 3, &set->burst_ns))
		return false;
	return set->burst_ns > 0 || expected(r, "a time above 0", r->words[3]);
}

static bool do_reorder(struct reading *r, struct shape_settings *set)
{
	set->reorder_ns = SHAPE_REORDER_DEFAULT_NS;
	return take_share(r, 2, &set->reorder_ppm) && (r->n < 4 || take_time(r, 3, &set->reorder_ns));
}

static bool do_duplicate(struct reading *r, struct shape_settings *set)
{
	return take_share(r, 2, &set->duplicate_ppm);
}

static bool do_corrupt(struct reading *r, struct shape_settings *set)
{
	set->corrupt_mended = r->n == 4;
	if (r->n == 4 && strcmp(r->words[3], "mended") != 0)
		return expected(r, "'mended' or nothing", r->words[3]);
	return take_share(r, 2, &set->corrupt_ppm);
}

static bool do_rate(struct reading *r, struct shape_settings *set)
{
	double value;

	if (!number(r->words[2], rates, 1e12, &value))
		return expected(r, "bits per second like 10M", r->words[2]);
	set->rate = (uint64_t)value;
	set->queue = SHAPE_QUEUE_DEFAULT;
	set->bucket = SHAPE_BUCKET_DEFAULT;
	return (r->n < 4 || take_size(r, 3, &set->queue)) && (r->n < 5 || take_size(r, 4, &set->bucket));
}

static bool do_mtu(struct reading *r, struct shape_settings *set)
{
	set->mtu_silent = r->n == 4;
	if (r->n == 4 && strcmp(r->words[3], "silent") != 0)
		return expected(r, "'silent' or nothing", r->words[3]);
	return take_size(r, 2, &set->mtu);
}

static bool do_ports(struct reading *r, struct shape_settings *set)
{
	size_t by;

	if (!take_size(r, 2, &by))
		return false;
	set->ports = (uint16_t)by;
	return by <= UINT16_MAX || expected(r, "a number up to 65535", r->words[2]);
}

static const struct verb {
	const char *name;
	size_t words_min, words_max;	/* with direction and verb */
	bool (*apply)(struct reading *r, struct shape_settings *set);
} verbs[] = {
	{ "up", 2, 2, do_up }, { "down", 2, 2, do_down }, { "clear", 2, 2, do_clear }, { "delay", 3, 4, do_delay },
	{ "loss", 3, 3, do_loss }, { "burst", 3, 4, do_burst }, { "reorder", 3, 4, do_reorder },
	{ "duplicate", 3, 3, do_duplicate }, { "corrupt", 3, 4, do_corrupt }, { "rate", 3, 5, do_rate },
	{ "mtu", 3, 4, do_mtu }, { "ports", 3, 3, do_ports },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (name != NULL && strcmp(name, verbs[i].name) == 0)
			return &verbs[i];
	return NULL;
}

static bool apply_one(struct reading *r, struct shape_settings set[2])
{
	const char *direction = r->words[0];
	const struct verb *verb = find_verb(r->words[1]);
	bool both = strcmp(direction, "both") == 0;

	if (!both && strcmp(direction, "ab") != 0 && strcmp(direction, "ba") != 0)
		return expected(r, "ab, ba or both", direction);
	if (verb == NULL)
		return expected(r, "up, down, clear, delay, loss, burst, reorder, duplicate, corrupt, rate, mtu or "
				   "ports", r->words[1]);
	if (r->n < verb->words_min)
		return expected(r, "a value", r->words[1]);
	if (r->n > verb->words_max)
		return expected(r, "nothing more", r->words[verb->words_max]);
	return ((!both && direction[0] == 'b') || verb->apply(r, &set[COMMAND_AB])) &&
	       ((!both && direction[0] == 'a') || verb->apply(r, &set[COMMAND_BA]));
}

static void split(struct reading *r, char *text)
{
	char *save = NULL;

	memset(r->words, 0, sizeof(r->words));
	for (r->n = 0; r->n < WORDS_MAX; r->n++, text = NULL)
		if ((r->words[r->n] = strtok_r(text, " \t", &save)) == NULL)
			return;
}

bool command_apply(struct shape_settings set[2], const char *line, char *why, size_t why_size)
{
	struct shape_settings changed[2] = { set[0], set[1] };
	struct reading r = { .why = why, .why_size = why_size };
	char copy[COMMAND_MAX], *rest = copy, *one;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", line) >= sizeof(copy))
		return expected(&r, "a shorter line", line);
	while ((one = strsep(&rest, ";\n")) != NULL) {
		split(&r, one);
		if (r.n > 0 && !apply_one(&r, changed))
			return false;
	}
	memcpy(set, changed, sizeof(changed));
	return true;
}
