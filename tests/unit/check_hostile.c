/* SPDX-License-Identifier: Apache-2.0
 *
 * Somebody who can send what he likes, from where he likes, and has recorded what was sent before: what he gets is a
 * counter, and never more bytes than he paid.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/wire/assembler.h"
#include "tests/unit/unit.h"
#include "tests/wire/scene.h"

#define RECORD_MAX 6000
#define FORGERIES 100000

/* A set-up, of each way, and some frames. */
static const struct scene_recorded *make_record(enum scene_way way, size_t *n)
{
	scene_record(RECORD_MAX);
	scene_start(way);
	scene_send_many(1, 1, 20);
	world_run_for(&world, 2 * SECOND);
	ck_assert_uint_eq(scene_got(RELAY), 20);
	ck_assert_uint_gt(sent_of_type[KS_SUBSCRIBE], 0);
	ck_assert_uint_gt(sent_of_type[KS_ACCEPT], 0);
	return scene_stop_recording(n);
}

static void replay(const struct scene_recorded *record, size_t n, size_t as)
{
	for (size_t i = 0; i < n; i++) {
		world_put(&world, as < WORLD_NODES_MAX ? as : record[i].from, record[i].to, record[i].bytes,
			  record[i].len);
		world_run_for(&world, MS);
	}
	world_run_for(&world, 100 * MS);
}

#define AS_ITSELF WORLD_NODES_MAX

/* --- what was recorded ---------------------------------------------------------------------------- */

START_TEST(a_recorded_session_gives_nothing_to_those_who_had_it)
{
	size_t n;
	const struct scene_recorded *record = make_record((enum scene_way)_i, &n);

	replay(record, n, AS_ITSELF);
	ck_assert_uint_eq(scene_got(RELAY), 0);
	ck_assert_uint_gt(scene_dropped(RELAY, KS_DROP_REPLAY), 100);
	/* And the live session was not disturbed. */
	scene_send_many(1, 21, 10);
	ck_assert_uint_eq(scene_got(RELAY), 10);
	ck_assert_uint_eq(ks_receiver_parents(world.nodes[RELAY].receiver), 1);
}
END_TEST

START_TEST(a_recorded_session_gives_nothing_to_a_fresh_relay)
{
	size_t n;
	const struct scene_recorded *record = make_record((enum scene_way)_i, &n);

	world_stop_sender(&world, PARENT);
	world_stop_receiver(&world, RELAY);
	world_start_receiver(&world, RELAY, NULL);
	replay(record, n, AS_ITSELF);
	ck_assert_uint_eq(scene_got(RELAY), 0);
	ck_assert_uint_gt(scene_dropped(RELAY, KS_DROP_SESSION), 100);
	ck_assert_uint_eq(ks_receiver_parents(world.nodes[RELAY].receiver), 0);
}
END_TEST

/* The relay's side of a recorded session, played to a parent that has been started anew. */
START_TEST(a_recorded_session_gives_nothing_to_a_fresh_parent)
{
	size_t n;
	const struct scene_recorded *record = make_record((enum scene_way)_i, &n);

	world_stop_receiver(&world, RELAY);
	world_stop_sender(&world, PARENT);
	world_start_sender(&world, PARENT, NULL);
	scene_send(1, 21);
	sent_of_type[KS_DATA] = sent_of_type[KS_ALIVE] = 0;
	for (int round = 0; round < 3; round++)
		replay(record, n, AS_ITSELF);
	/* The recorded ones have been counted as sent, too. */
	for (size_t i = 0; i < n; i++)
		if ((record[i].bytes[0] & 0x0f) == KS_DATA)
			sent_of_type[KS_DATA] -= 3;
		else if ((record[i].bytes[0] & 0x0f) == KS_ALIVE)
			sent_of_type[KS_ALIVE] -= 3;
	ck_assert_uint_eq(sent_of_type[KS_DATA], 0);
	ck_assert_uint_eq(sent_of_type[KS_ALIVE], 0);
	ck_assert_uint_eq(ks_sender_relays(world.nodes[PARENT].sender), 0);
}
END_TEST

/* A blind session has no nonce of the relay's, so a fresh relay would take it, were it not for its clock. */
START_TEST(a_recorded_blind_session_is_of_no_use_later)
{
	const struct scene_recorded *record;
	size_t n;

	world_tell_relay(&world, PARENT, RELAY, true);
	world_start_sender(&world, PARENT, NULL);
	world_start_receiver(&world, RELAY, NULL);
	scene_record(RECORD_MAX);
	scene_joined(RELAY, 1);
	scene_send_many(1, 1, 20);
	world_run_for(&world, 2 * SECOND);
	record = scene_stop_recording(&n);
	ck_assert_uint_eq(scene_got(RELAY), 20);
	/* The same relay: at once. */
	replay(record, n, AS_ITSELF);
	ck_assert_uint_eq(scene_got(RELAY), 0);
	ck_assert_uint_gt(scene_dropped(RELAY, KS_DROP_REPLAY), 100);
	/* A fresh one, a little more than a minute later. */
	world_stop_sender(&world, PARENT);
	world_stop_receiver(&world, RELAY);
	world_run_for(&world, KS_BLIND_SKEW_US);
	world_start_receiver(&world, RELAY, NULL);
	replay(record, n, AS_ITSELF);
	ck_assert_uint_eq(scene_got(RELAY), 0);
	ck_assert_uint_gt(scene_dropped(RELAY, KS_DROP_CLOCK), 0);
}
END_TEST

/* Every datagram of a session, damaged in every way: taken for what it is not by nobody. */
START_TEST(damaged_datagrams_change_counters_only)
{
	size_t n, parents, memory;
	const struct scene_recorded *record = make_record((enum scene_way)_i, &n);
	uint64_t dropped = 0;

	memory = ks_receiver_memory(world.nodes[RELAY].receiver);
	for (unsigned round = 0; round < 20; round++) {
		for (size_t i = 0; i < n; i++) {
			struct scene_recorded r = record[i];
			size_t at = world_random(&world) % (world_random(&world) % 2 == 0 ? 48 : r.len);

			r.bytes[at % r.len] ^= (uint8_t)(1 + world_random(&world) % 255);
			if (round % 4 == 3)
				r.len = world_random(&world) % r.len;
			world_put(&world, r.from, r.to, r.bytes, r.len);
		}
		world_run_for(&world, 20 * MS);
	}
	for (int reason = 1; reason < KS_DROPS; reason++)
		dropped += scene_dropped(RELAY, (enum ks_drop)reason) + scene_dropped(PARENT, (enum ks_drop)reason);
	ck_assert_uint_gt(dropped, 19 * n);
	ck_assert_uint_eq(scene_got(RELAY), 0);
	ck_assert_uint_le(ks_receiver_memory(world.nodes[RELAY].receiver), memory);
	parents = ks_receiver_parents(world.nodes[RELAY].receiver);
	ck_assert_uint_eq(parents, 1);
	scene_send_many(1, 21, 20);
	ck_assert_uint_eq(scene_got(RELAY), 20);
}
END_TEST

/* --- who has no key ------------------------------------------------------------------------------- */

START_TEST(a_wrong_key_is_never_answered)
{
	struct world_node *parent = &world.nodes[PARENT], *relay = &world.nodes[RELAY];

	if (_i == PULL)
		memset(parent->master.key, 9, sizeof(parent->master.key));
	world_tell_parent(&world, RELAY, PARENT);
	world_start_receiver(&world, RELAY, NULL);
	/* What the two think of each other's keys differs from here on. */
	memset(parent->master.key, 8, sizeof(parent->master.key));
	if (_i == PUSH) {
		ks_receiver_remove(relay->receiver, relay->parent_number[PARENT]);
		relay->parent[PARENT] = false;
		memset(relay->key.key, 9, sizeof(relay->key.key));
		world_tell_relay(&world, PARENT, RELAY, false);
	}
	world_start_sender(&world, PARENT, NULL);
	scene_send_many(1, 1, 200);
	ck_assert_uint_eq(scene_got(RELAY), 0);
	ck_assert_uint_eq(sent_of_type[KS_CHALLENGE] + sent_of_type[KS_ACCEPT] + sent_of_type[KS_DATA], 0);
	ck_assert(_i == PULL ? sent_of_type[KS_SUBSCRIBE] > 4 : sent_of_type[KS_OFFER] > 4);
	ck_assert(_i == PULL ? sent_of_type[KS_OFFER] == 0 : sent_of_type[KS_SUBSCRIBE] == 0);
	ck_assert_uint_gt(scene_dropped(_i == PULL ? PARENT : RELAY, KS_DROP_KEY) +
			  scene_dropped(_i == PULL ? PARENT : RELAY, KS_DROP_TAG), 4);
}
END_TEST

/* Half of them look well up to the seal. */
static size_t forge(uint8_t *bytes, unsigned i)
{
	size_t len = world_random(&world) % KS_DATAGRAM_MAX, head = len < 100 ? len : 100;

	for (size_t b = 0; b < head; b++)
		bytes[b] = (uint8_t)world_random(&world);
	memset(bytes + head, 0x55, len - head);
	if (i % 2 == 0 && len >= KS_HEADER_SIZE)
		ks_header_write(&(struct ks_header){ .type = (uint8_t)(i / 2 % 16), .key_id = world.nodes[RELAY].key.id,
						     .session = world_random(&world), .counter = world_random(&world) },
				bytes);
	return len;
}

START_TEST(a_forged_flood_changes_counters_only)
{
	size_t receiver_memory, sender_memory, of_one;
	uint64_t dropped = 0, answers;
	static uint8_t bytes[KS_DATAGRAM_MAX];

	scene_start((enum scene_way)_i);
	scene_send_many(1, 1, 10);
	world_run_for(&world, SECOND);
	ck_assert_uint_eq(scene_got(RELAY), 10);
	receiver_memory = ks_receiver_memory(world.nodes[RELAY].receiver);
	sender_memory = ks_sender_memory(world.nodes[PARENT].sender, &of_one);
	answers = world.paths[PARENT][STRANGER].datagrams + world.paths[RELAY][STRANGER].datagrams;
	for (unsigned i = 0; i < FORGERIES; i++) {
		size_t len = forge(bytes, i);

		world_put(&world, STRANGER, i % 3 == 0 ? PARENT : RELAY, bytes, len);
		world_run_for(&world, 10);
	}
	world_run_for(&world, 100 * MS);
	for (int reason = 1; reason < KS_DROPS; reason++)
		dropped += scene_dropped(RELAY, (enum ks_drop)reason) + scene_dropped(PARENT, (enum ks_drop)reason);
	/* Those of the other half's types never come to a program that has only one. */
	ck_assert_uint_ge(dropped, FORGERIES * 4 / 10);
	ck_assert_uint_eq(world.paths[PARENT][STRANGER].datagrams + world.paths[RELAY][STRANGER].datagrams, answers);
	ck_assert_uint_eq(ks_receiver_memory(world.nodes[RELAY].receiver), receiver_memory);
	ck_assert_uint_eq(ks_sender_memory(world.nodes[PARENT].sender, &of_one), sender_memory);
	scene_send_many(1, 11, 20);
	ck_assert_uint_eq(scene_got(RELAY), 20);
}
END_TEST

/* --- amplification -------------------------------------------------------------------------------- */

static const char *const type_names[16] = {
	"0", "OFFER", "CHALLENGE", "ACCEPT", "DATA", "ALIVE", "BLIND", "END", "SUBSCRIBE", "RENEW", "NACK", "HEAD",
	"BYE", "13", "14", "15",
};

struct paid {
	uint64_t in, out;
};

static uint64_t out_to(size_t node)
{
	return world.paths[PARENT][node].bytes + world.paths[RELAY][node].bytes;
}

/* Each recorded datagram from a forged return address: what goes to that address until nothing more does. */
static void measure(const struct scene_recorded *record, size_t n, struct paid paid[16])
{
	for (size_t i = 0; i < n; i++) {
		struct paid *p = &paid[record[i].bytes[0] & 0x0f];
		uint64_t before = out_to(STRANGER);

		world_put(&world, STRANGER, record[i].to, record[i].bytes, record[i].len);
		/* Long enough for repetitions, were there any; the stream of DATA needs no such patience each. */
		world_run_for(&world, (record[i].bytes[0] & 0x0f) == KS_DATA ? MS : 400 * MS);
		p->in += record[i].len;
		p->out += out_to(STRANGER) - before;
	}
}

static void print_paid(const char *when, const struct paid paid[16])
{
	for (size_t type = 0; type < 16; type++) {
		if (paid[type].in == 0)
			continue;
		printf("# amplification, %s, %s: %.2f\n", when, type_names[type],
		       (double)paid[type].out / (double)paid[type].in);
		fflush(stdout);
		ck_assert_uint_le(paid[type].out, paid[type].in);
	}
}

START_TEST(nothing_is_answered_by_more_than_it_has)
{
	struct paid live[16] = { 0 }, fresh[16] = { 0 };
	const struct scene_recorded *record;
	size_t n;

	record = make_record((enum scene_way)_i, &n);
	measure(record, n, live);
	print_paid(_i == PULL ? "pulled, in a session" : "pushed, in a session", live);
	/* Cookies of this run are good still; sessions are not there, frames are. */
	world_stop_receiver(&world, RELAY);
	world_start_receiver(&world, RELAY, NULL);
	scene_joined(RELAY, 1);
	measure(record, n, fresh);
	print_paid(_i == PULL ? "pulled, relay started anew" : "pushed, relay started anew", fresh);
	/* Something was answered at all. */
	ck_assert_uint_gt(live[KS_SUBSCRIBE].out + live[KS_OFFER].out, 0);
	scene_got(RELAY);
	scene_send_many(1, 21, 10);
	ck_assert_uint_eq(scene_got(RELAY), 10);
}
END_TEST

/* --- somebody on the path who is faster ------------------------------------------------------------ */

/* Sends what he reads on from another address, at once. */
static struct {
	unsigned types;			/* bits: of these */
	unsigned copies, left;		/* of each datagram; datagrams that he still takes */
	uint64_t in[WORLD_NODES_MAX];	/* bytes, by whom they went to */
} thief;

static void (*watch_scene)(struct world *w, size_t from, size_t to, const uint8_t *bytes, size_t len);

static void redirect(struct world *w, size_t from, size_t to, const uint8_t *bytes, size_t len)
{
	unsigned type = bytes[0] & 0x0f;
	size_t whom = (type & KS_DATAGRAM_UP) != 0 ? PARENT : RELAY;

	watch_scene(w, from, to, bytes, len);
	if (from == STRANGER || (thief.types & 1u << type) == 0 || thief.left == 0)
		return;
	thief.left--;
	for (unsigned i = 0; i < thief.copies; i++) {
		thief.in[whom] += len;
		world_put(w, STRANGER, whom, bytes, len);
	}
}

static void begin_theft(unsigned types, unsigned copies, unsigned datagrams)
{
	thief.types = types;
	thief.copies = copies;
	thief.left = datagrams;
	memset(thief.in, 0, sizeof(thief.in));
	if (world.watch != redirect)
		watch_scene = world.watch;
	world.watch = redirect;
	world.paths[STRANGER][PARENT].delay_us = world.paths[STRANGER][RELAY].delay_us = MS;
}

static void print_theft(const char *when, const char *what)
{
	static const size_t nodes[] = { PARENT, RELAY };

	ck_assert_uint_gt(thief.in[PARENT] + thief.in[RELAY], 0);
	for (size_t i = 0; i < 2; i++) {
		uint64_t in = thief.in[nodes[i]], out = world.paths[nodes[i]][STRANGER].bytes;

		if (in > 0)
			printf("# amplification, %s, %s, by the %s: %.2f\n", when, what,
			       nodes[i] == PARENT ? "parent" : "relay", (double)out / (double)in);
		fflush(stdout);
		ck_assert_msg(out <= in, "%s, %s: %u bytes for %u", when, what, (unsigned)out, (unsigned)in);
	}
}

#define BIT(type) (1u << (type))
#define SETUP (BIT(KS_OFFER) | BIT(KS_CHALLENGE) | BIT(KS_ACCEPT) | BIT(KS_SUBSCRIBE))

static const struct {
	const char *name;
	enum scene_way way;
	unsigned types, copies;
	bool joins;		/* all the same, when what was sent arrives, too */
} setups[] = {
	{ "pulled, SUBSCRIBE", PULL, BIT(KS_SUBSCRIBE), 1, true },
	{ "pulled, CHALLENGE", PULL, BIT(KS_CHALLENGE), 1, true },
	{ "pulled, CHALLENGE three times", PULL, BIT(KS_CHALLENGE), 3, true },
	{ "pulled, ACCEPT", PULL, BIT(KS_ACCEPT), 1, true },
	{ "pulled, ACCEPT three times", PULL, BIT(KS_ACCEPT), 3, true },
	{ "pulled, all set-up", PULL, SETUP, 1, false },
	{ "pushed, OFFER", PUSH, BIT(KS_OFFER), 1, false },
	{ "pushed, OFFER three times", PUSH, BIT(KS_OFFER), 3, false },
	{ "pushed, SUBSCRIBE", PUSH, BIT(KS_SUBSCRIBE), 1, true },
	{ "pushed, ACCEPT", PUSH, BIT(KS_ACCEPT), 1, true },
	{ "pushed, ACCEPT three times", PUSH, BIT(KS_ACCEPT), 3, true },
	{ "pushed, OFFER and ACCEPT", PUSH, BIT(KS_OFFER) | BIT(KS_ACCEPT), 1, false },
	{ "pushed, all set-up", PUSH, SETUP, 1, false },
	{ "pushed, all set-up three times", PUSH, SETUP, 3, false },
};
#define SETUPS ((int)(sizeof(setups) / sizeof(setups[0])))

/* What sets a session up comes from a strange address first; then also from nowhere else. */
START_TEST(set_up_from_elsewhere_gets_no_more_than_it_has)
{
	bool alone = _i >= SETUPS;
	int i = _i % SETUPS;

	begin_theft(setups[i].types, setups[i].copies, UINT32_MAX);
	world.paths[PARENT][RELAY].down = alone;
	scene_tell(setups[i].way, PARENT, RELAY);
	world_start_sender(&world, PARENT, NULL);
	world_start_receiver(&world, RELAY, NULL);
	if (setups[i].joins && !alone)
		scene_joined(RELAY, 1);
	scene_send_many(1, 1, 200);
	if (thief.in[PARENT] + thief.in[RELAY] > 0 || !alone)
		print_theft(alone ? "from elsewhere alone" : "from elsewhere first", setups[i].name);
	if (setups[i].joins && !alone)
		ck_assert_uint_eq(scene_got(RELAY), 200);
}
END_TEST

/* In a session the relay follows its parent to another address: as far as what comes from there reaches. */
START_TEST(a_session_from_elsewhere_draws_no_more_than_it_has)
{
	static const enum ks_datagram_type types[] = { KS_ALIVE, KS_DATA, KS_END };
	enum scene_way way = _i % 2 == 0 ? PULL : PUSH;
	enum ks_datagram_type type = types[_i / 2];

	scene_start(way);
	scene_send_many(1, 1, 5);
	world_run_for(&world, 2 * SECOND);
	world.paths[PARENT][RELAY].down = true;
	begin_theft(BIT(type), 1, 4);
	if (type == KS_DATA)
		scene_send(1, 6);
	if (type == KS_END) {
		ks_sender_stop(world.nodes[PARENT].sender);
		world_due(&world, PARENT);
	}
	world_run_for(&world, 40 * SECOND);
	print_theft(way == PULL ? "in a session, pulled" : "in a session, pushed", type_names[type]);
}
END_TEST

/* A cookie is of no use from another address, and none is good for ever. */
START_TEST(cookies_are_for_one_address_and_some_time)
{
	size_t n;
	const struct scene_recorded *record = make_record((enum scene_way)_i, &n);
	uint64_t before;

	world_stop_receiver(&world, RELAY);
	world_run_for(&world, KS_LEASE_US + KS_SILENCE_US);
	sent_of_type[KS_ACCEPT] = sent_of_type[KS_CHALLENGE] = 0;
	for (size_t i = 0; i < n; i++)
		if ((record[i].bytes[0] & 0x0f) == KS_SUBSCRIBE)
			world_put(&world, STRANGER, PARENT, record[i].bytes, record[i].len);
	world_run_for(&world, 100 * MS);
	ck_assert_uint_eq(sent_of_type[KS_ACCEPT], 0);
	ck_assert_uint_gt(sent_of_type[KS_CHALLENGE], 0);
	/* Its own address, long after. */
	world_run_for(&world, 2 * KS_COOKIE_US);
	before = sent_of_type[KS_CHALLENGE];
	for (size_t i = 0; i < n; i++)
		if ((record[i].bytes[0] & 0x0f) == KS_SUBSCRIBE)
			world_put(&world, RELAY, PARENT, record[i].bytes, record[i].len);
	world_run_for(&world, 100 * MS);
	ck_assert_uint_eq(sent_of_type[KS_ACCEPT], 0);
	ck_assert_uint_gt(sent_of_type[KS_CHALLENGE], before);
}
END_TEST

/* --- memory --------------------------------------------------------------------------------------- */

/* Each restart of the parent is a new one to the relay; those before it go. */
START_TEST(a_relays_memory_is_bounded)
{
	size_t most = 0, memory;

	scene_tell((enum scene_way)_i, PARENT, RELAY);
	world_start_receiver(&world, RELAY, NULL);
	for (uint32_t epoch = 1; epoch <= 3 * KS_PARENTS_MAX; epoch++) {
		world_start_sender(&world, PARENT, NULL);
		scene_send_many(epoch, 0, 100);
		world_stop_sender(&world, PARENT);
		memory = ks_receiver_memory(world.nodes[RELAY].receiver);
		most = memory > most && epoch <= KS_PARENTS_MAX ? memory : most;
		if (epoch > KS_PARENTS_MAX)
			ck_assert_uint_le(memory, most);
	}
	ck_assert_uint_gt(scene_got(RELAY), 3 * KS_PARENTS_MAX * 30);
	ck_assert_uint_lt(most, KS_ASSEMBLY_BYTES_MAX + 4 * 1024 * 1024);
}
END_TEST

START_TEST(a_parents_memory_is_bounded)
{
	size_t most = 0, memory, of_one;

	scene_tell((enum scene_way)_i, PARENT, RELAY);
	world_start_sender(&world, PARENT, NULL);
	for (uint32_t run = 0; run < 3 * KS_RELAYS_OF_KEY_MAX; run++) {
		world_start_receiver(&world, RELAY, NULL);
		scene_send_many(1, 100 * run, 100);
		world_stop_receiver(&world, RELAY);
		memory = ks_sender_memory(world.nodes[PARENT].sender, &of_one);
		most = memory > most && run < KS_RELAYS_OF_KEY_MAX ? memory : most;
		/* The objects differ in size. */
		if (run >= KS_RELAYS_OF_KEY_MAX)
			ck_assert_uint_le(memory, most + OBJECT_LEN_MAX * KS_OBJECTS_MAX);
		ck_assert_uint_le(ks_sender_relays(world.nodes[PARENT].sender), KS_RELAYS_OF_KEY_MAX);
		ck_assert_uint_le(of_one, 64 * 1024);
	}
}
END_TEST

static Suite *hostile_suite(void)
{
	Suite *suite = suite_create("hostile");
	TCase *tc = tcase_create("hostile");

	tcase_add_checked_fixture(tc, scene_setup, scene_teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, a_recorded_session_gives_nothing_to_those_who_had_it, 0, SCENE_WAYS);
	tcase_add_loop_test(tc, a_recorded_session_gives_nothing_to_a_fresh_relay, 0, SCENE_WAYS);
	tcase_add_loop_test(tc, a_recorded_session_gives_nothing_to_a_fresh_parent, 0, SCENE_WAYS);
	tcase_add_test(tc, a_recorded_blind_session_is_of_no_use_later);
	tcase_add_loop_test(tc, damaged_datagrams_change_counters_only, 0, SCENE_WAYS);
	tcase_add_loop_test(tc, a_wrong_key_is_never_answered, 0, SCENE_WAYS);
	tcase_add_loop_test(tc, a_forged_flood_changes_counters_only, 0, SCENE_WAYS);
	tcase_add_loop_test(tc, nothing_is_answered_by_more_than_it_has, 0, SCENE_WAYS);
	tcase_add_loop_test(tc, set_up_from_elsewhere_gets_no_more_than_it_has, 0, 2 * SETUPS);
	tcase_add_loop_test(tc, a_session_from_elsewhere_draws_no_more_than_it_has, 0, 6);
	tcase_add_loop_test(tc, cookies_are_for_one_address_and_some_time, 0, SCENE_WAYS);
	tcase_add_loop_test(tc, a_relays_memory_is_bounded, 0, SCENE_WAYS);
	tcase_add_loop_test(tc, a_parents_memory_is_bounded, 0, SCENE_WAYS);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(hostile_suite());
}
