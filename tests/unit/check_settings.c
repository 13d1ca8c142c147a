/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/settings.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "tests/unit/unit.h"

/* --- a program with one setting of each type ------------------------------------------------------ */

struct relay {
	char *name;
	char *address;
	int64_t weight;
	struct ks_list zones;
};

struct settings {
	char *source;
	char *title;
	int64_t period_ms;
	bool fast;
	bool slow;
	struct ks_list listen;
	struct ks_list relays;
};

static const char *even(const char *text)
{
	return (text[strlen(text) - 1] - '0') % 2 == 0 ? NULL : "an even number";
}

static const char *short_name(const char *text)
{
	return strlen(text) <= 5 ? NULL : "a name of at most 5";
}

static const struct ks_setting relay_fields[] = {
	{ .name = "address", .type = KS_TEXT, .offset = offsetof(struct relay, address), .arg = "HOST:PORT",
	  .required = true },
	{ .name = "weight", .type = KS_NUMBER, .offset = offsetof(struct relay, weight), .arg = "N", .preset = "10",
	  .min = 0, .max = 100 },
	{ .name = "zone", .type = KS_LIST, .offset = offsetof(struct relay, zones), .arg = "ZONE", .preset = "any" },
	{ .name = NULL },
};

static const struct ks_setting table[] = {
	{ .name = "source", .type = KS_TEXT, .offset = offsetof(struct settings, source), .arg = "SOURCE",
	  .help = "where pictures come from", .preset = "test" },
	{ .name = "title", .type = KS_TEXT, .offset = offsetof(struct settings, title), .arg = "TEXT",
	  .help = "what it is called" },
	{ .name = "frame-period", .type = KS_NUMBER, .offset = offsetof(struct settings, period_ms), .arg = "MS",
	  .help = "time between frames", .preset = "1000", .min = 20, .max = 60000, .check = even },
	{ .name = "fast", .type = KS_SWITCH, .offset = offsetof(struct settings, fast), .arg = "yes|no",
	  .help = "be fast" },
	{ .name = "slow", .type = KS_SWITCH, .offset = offsetof(struct settings, slow), .arg = "yes|no",
	  .help = "be slow", .preset = "yes" },
	{ .name = "listen", .type = KS_LIST, .offset = offsetof(struct settings, listen), .arg = "ADDRESS",
	  .help = "where to listen", .preset = "[::]:5500" },
	{ .name = "relay", .type = KS_SECTIONS, .offset = offsetof(struct settings, relays),
	  .arg = "NAME,address=HOST:PORT", .help = "a relay", .fields = relay_fields,
	  .check = short_name, .item_size = sizeof(struct relay) },
	{ .name = NULL },
};

static int not_both(const void *settings)
{
	const struct settings *s = settings;

	if (!s->fast || !s->slow)
		return KS_EOK;
	ks_error("config", "fast and slow: expected only one of them");
	return KS_ECONFIG;
}

static struct ks_program program = {
	.name = "testd", .summary = "Tests settings.", .settings = table, .size = sizeof(struct settings),
};

/* --- fixture --------------------------------------------------------------------------------------- */

static char dir[4096], config[4200], said[4200];
static struct settings got;

static void set_up(void)
{
	snprintf(dir, sizeof(dir), "%s", unit_tmpdir());
	snprintf(config, sizeof(config), "%s/testd.conf", dir);
	snprintf(said, sizeof(said), "%s/said", dir);
	program.validate = NULL;
	program.config_path = NULL;
	unit_log_start();
}

static void put(const char *text)
{
	FILE *file = fopen(config, "we");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

#define ARGS_MAX 8

/* Loads with the arguments given, up to NULL. What is said on standard output and standard error goes to the file
 * `said`, so that the TAP stream stays clean. */
static enum ks_settings_outcome load(const char *const *args)
{
	char *argv[ARGS_MAX + 2] = { (char *)(uintptr_t)"testd" };
	enum ks_settings_outcome outcome;
	int argc = 1, saved_out, saved_err;
	FILE *file = fopen(said, "we");

	for (; args[argc - 1] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)args[argc - 1];
	ck_assert_ptr_nonnull(file);
	fflush(stdout);
	saved_out = dup(STDOUT_FILENO);
	saved_err = dup(STDERR_FILENO);
	dup2(fileno(file), STDOUT_FILENO);
	dup2(fileno(file), STDERR_FILENO);
	memset(&got, 0xee, sizeof(got));
	outcome = ks_settings_load(&program, argc, argv, &got);
	fflush(stdout);
	fflush(stderr);
	dup2(saved_out, STDOUT_FILENO);
	dup2(saved_err, STDERR_FILENO);
	close(saved_out);
	close(saved_err);
	fclose(file);
	return outcome;
}

#define LOAD(...) load((const char *const[ARGS_MAX + 1]){ __VA_ARGS__, NULL })
#define LOAD_FILE(text) (put(text), LOAD("--config", config))

static void done(void)
{
	ks_settings_free(&program, &got);
}

static void assert_said(const char *text)
{
	size_t len;
	char *all = (char *)unit_file(said, &len);

	all[len] = '\0';
	ck_assert_msg(strstr(all, text) != NULL, "'%s' is not in: %s", text, all);
	free(all);
}

static void assert_logged(const char *text)
{
	ck_assert_msg(strstr(unit_log_text(), text) != NULL, "'%s' is not in: %s", text, unit_log_text());
}

/* The file is refused, with its name, the line and a message. */
static void assert_refused(const char *text, int line, const char *message)
{
	char place[4300];

	unit_log_start();
	ck_assert_msg(LOAD_FILE(text) == KS_SETTINGS_USAGE, "taken: %s", text);
	snprintf(place, sizeof(place), "%s:%d: ", config, line);
	assert_logged(place);
	assert_logged(message);
}

static const struct relay *relay_at(size_t i)
{
	ck_assert_uint_lt(i, got.relays.n);
	return (const struct relay *)got.relays.items + i;
}

/* --- values ---------------------------------------------------------------------------------------- */

START_TEST(presets)
{
	ck_assert_int_eq(LOAD(NULL), KS_SETTINGS_RUN);
	ck_assert_str_eq(got.source, "test");
	ck_assert_ptr_null(got.title);
	ck_assert_int_eq(got.period_ms, 1000);
	ck_assert(!got.fast);
	ck_assert(got.slow);
	ck_assert_uint_eq(got.listen.n, 1);
	ck_assert_str_eq(ks_list_text(&got.listen, 0), "[::]:5500");
	ck_assert_uint_eq(got.relays.n, 0);
	done();
	ck_assert_ptr_null(got.source);
	ck_assert_uint_eq(got.listen.n, 0);
}
END_TEST

START_TEST(the_file_goes_before_presets)
{
	put("# a comment\n"
	    "source = \"v4l2:/dev/video0\"\n"
	    "title = 'Koshien \"live\"'\n"
	    "frame-period=500\n"
	    "fast = on\n"
	    "slow = no\n"
	    "listen = { \"[::1]:5500\", '127.0.0.1:5500' }\n");
	ck_assert_int_eq(LOAD("--config", config), KS_SETTINGS_RUN);
	ck_assert_str_eq(got.source, "v4l2:/dev/video0");
	ck_assert_str_eq(got.title, "Koshien \"live\"");
	ck_assert_int_eq(got.period_ms, 500);
	ck_assert(got.fast);
	ck_assert(!got.slow);
	ck_assert_uint_eq(got.listen.n, 2);
	ck_assert_str_eq(ks_list_text(&got.listen, 0), "[::1]:5500");
	ck_assert_str_eq(ks_list_text(&got.listen, 1), "127.0.0.1:5500");
	done();
}
END_TEST

START_TEST(the_command_line_goes_before_the_file)
{
	put("source = file\nframe-period = 500\nfast = yes\nlisten = { a, b, c }\nslow = no\n");
	ck_assert_int_eq(LOAD("--config", config, "--source", "pipe:-", "--frame-period=40", "--fast=no", "--slow",
			      "--listen=d"), KS_SETTINGS_RUN);
	ck_assert_str_eq(got.source, "pipe:-");
	ck_assert_int_eq(got.period_ms, 40);
	ck_assert(!got.fast);
	ck_assert(got.slow);
	ck_assert_uint_eq(got.listen.n, 1);
	ck_assert_str_eq(ks_list_text(&got.listen, 0), "d");
	done();
}
END_TEST

START_TEST(lists_grow_and_empty)
{
	ck_assert_int_eq(LOAD("--listen", "a", "--listen", "b"), KS_SETTINGS_RUN);
	ck_assert_uint_eq(got.listen.n, 2);
	ck_assert_str_eq(ks_list_text(&got.listen, 1), "b");
	done();
	ck_assert_int_eq(LOAD_FILE("listen = {}\n"), KS_SETTINGS_RUN);
	ck_assert_uint_eq(got.listen.n, 0);
	done();
	ck_assert_int_eq(LOAD_FILE("listen = {a}\nlisten += {b, c}\n"), KS_SETTINGS_RUN);
	ck_assert_uint_eq(got.listen.n, 3);
	done();
}
END_TEST

START_TEST(switch_words)
{
	static const struct {
		const char *text;
		bool on;
	} words[] = {
		{ "--fast", true }, { "--fast=yes", true }, { "--fast=on", true }, { "--fast=TRUE", true },
		{ "--fast=1", true },
		{ "--fast=no", false }, { "--fast=off", false }, { "--fast=false", false }, { "--fast=0", false },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		ck_assert_int_eq(LOAD(words[i].text), KS_SETTINGS_RUN);
		ck_assert_int_eq(got.fast, words[i].on);
		done();
	}
	ck_assert_int_eq(LOAD("--fast=maybe"), KS_SETTINGS_USAGE);
	assert_logged("--fast: expected yes or no, got 'maybe'");
	ck_assert_int_eq(LOAD("--fast", "no"), KS_SETTINGS_USAGE);	/* a switch takes its word only with = */
	assert_said("'no' is not an option");
}
END_TEST

START_TEST(numbers)
{
	static const char *const bad[] = {
		"--frame-period=", "--frame-period=19", "--frame-period=60001", "--frame-period=1e3",
		"--frame-period=100ms", "--frame-period=0x40", "--frame-period=-1000",
		"--frame-period=99999999999999999999", "--frame-period=100.0",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unit_log_start();
		ck_assert_msg(LOAD(bad[i]) == KS_SETTINGS_USAGE, "%s", bad[i]);
		assert_logged("--frame-period: expected a whole number from 20 to 60000 (MS), got '");
	}
	ck_assert_int_eq(LOAD("--frame-period=41"), KS_SETTINGS_USAGE);
	assert_logged("--frame-period: expected an even number, got '41'");
	ck_assert_int_eq(LOAD("--frame-period=20"), KS_SETTINGS_RUN);
	done();
	ck_assert_int_eq(LOAD("--frame-period=60000"), KS_SETTINGS_RUN);
	done();
}
END_TEST

/* --- sections -------------------------------------------------------------------------------------- */

START_TEST(sections_in_the_file)
{
	put("relay \"tokyo\" {\n"
	    "\taddress = \"[2001:db8::1]:5500\"\n"
	    "\tzone = { east, home }\n"
	    "}\n"
	    "relay osaka {\n"
	    "\taddress = 192.0.2.1:5500\n"
	    "\tweight = 2\n"
	    "}\n");
	ck_assert_int_eq(LOAD("--config", config), KS_SETTINGS_RUN);
	ck_assert_uint_eq(got.relays.n, 2);
	ck_assert_str_eq(relay_at(0)->name, "tokyo");
	ck_assert_str_eq(relay_at(0)->address, "[2001:db8::1]:5500");
	ck_assert_int_eq(relay_at(0)->weight, 10);
	ck_assert_uint_eq(relay_at(0)->zones.n, 2);
	ck_assert_str_eq(ks_list_text(&relay_at(0)->zones, 1), "home");
	ck_assert_str_eq(relay_at(1)->name, "osaka");
	ck_assert_int_eq(relay_at(1)->weight, 2);
	ck_assert_uint_eq(relay_at(1)->zones.n, 1);
	ck_assert_str_eq(ks_list_text(&relay_at(1)->zones, 0), "any");
	done();
}
END_TEST

START_TEST(sections_on_the_command_line)
{
	put("relay old { address = x }\n");
	ck_assert_int_eq(LOAD("--config", config, "--relay=a,address=[::1]:5500,weight=3", "--relay",
			      "b,zone=east,zone=west,address=h:1"), KS_SETTINGS_RUN);
	ck_assert_uint_eq(got.relays.n, 2);	/* those of the file are replaced */
	ck_assert_str_eq(relay_at(0)->name, "a");
	ck_assert_str_eq(relay_at(0)->address, "[::1]:5500");
	ck_assert_int_eq(relay_at(0)->weight, 3);
	ck_assert_str_eq(relay_at(1)->name, "b");
	ck_assert_int_eq(relay_at(1)->weight, 10);
	ck_assert_uint_eq(relay_at(1)->zones.n, 2);
	ck_assert_str_eq(ks_list_text(&relay_at(1)->zones, 0), "east");
	done();
}
END_TEST

START_TEST(bad_sections_on_the_command_line)
{
	static const struct {
		const char *arg, *message;
	} bad[] = {
		{ "--relay=", "expected NAME,address=HOST:PORT" },
		{ "--relay=a", "expected NAME,address=HOST:PORT" },
		{ "--relay=,address=h", "expected NAME,address=HOST:PORT" },
		{ "--relay=a,address", "expected NAME,address=HOST:PORT" },
		{ "--relay=a,weight=3", "expected NAME,address=HOST:PORT" },
		{ "--relay=a,address=h,colour=red", "expected NAME,address=HOST:PORT" },
		{ "--relay=sapporo,address=h", "expected a name of at most 5, got 'sapporo" },
		{ "--relay=a,address=h,weight=101", "expected a whole number from 0 to 100 (N)" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unit_log_start();
		ck_assert_msg(LOAD(bad[i].arg) == KS_SETTINGS_USAGE, "%s", bad[i].arg);
		assert_logged("--relay: ");
		assert_logged(bad[i].message);
	}
	ck_assert_int_eq(LOAD("--relay=a,address=h", "--relay=a,address=i"), KS_SETTINGS_USAGE);
	assert_logged("--relay: expected each title once");
}
END_TEST

/* --- faults in the file: name, line, what was expected ------------------------------------------------- */

START_TEST(faults_name_the_line)
{
	assert_refused("\n\nframe-period = soon\n", 3,
		       "frame-period: expected a whole number from 20 to 60000 (MS), got 'soon'");
	assert_refused("source = a\nframe-period = 10", 2, "expected a whole number from 20 to 60000");
	assert_refused("frame-period = 21\n", 1, "frame-period: expected an even number, got '21'");
	assert_refused("fast = perhaps\n", 1, "fast: expected yes or no, got 'perhaps'");
	assert_refused("source = a\ncolour = red\n", 2, "no such option 'colour'; --help lists the settings");
	assert_refused("include(\"other.conf\")\n", 1, "no such option 'include'");
	assert_refused("source test\n", 1, "'source'");
	assert_refused("source = \"unfinished\n\n", 3, "premature end of file");
}
END_TEST

START_TEST(faults_in_sections_name_the_line)
{
	assert_refused("relay \"a\" {\n weight = 3\n}\n", 3, "relay \"a\": expected address = HOST:PORT in it");
	assert_refused("relay a {\n address = x\n weight = many\n}\n", 3,
		       "weight: expected a whole number from 0 to 100 (N)");
	assert_refused("relay a {\n colour = red\n}\n", 2, "no such option 'colour'");
	assert_refused("relay {\n address = x\n}\n", 1, "missing title for section 'relay'");
	assert_refused("relay \"\" {\n address = x\n}\n", 3, "relay: expected a title");
	assert_refused("relay a { address = x }\nrelay sapporo { address = x }\n", 2,
		       "relay: expected a name of at most 5, got 'sapporo'");
	assert_refused("relay a { address = x }\nrelay a { address = y }\n", 2, "duplicate title 'a'");
	assert_refused("relay a {\n weight = 3\n", 3, "relay \"a\": expected address = HOST:PORT in it");
	assert_refused("relay a {\n address =\n", 3, "premature end of file");
}
END_TEST

START_TEST(too_many_items_are_refused)
{
	char text[16384];
	size_t len = 0;

	len += (size_t)snprintf(text, sizeof(text), "listen = { x");
	for (int i = 1; i < KS_SECTIONS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ", x");
	snprintf(text + len, sizeof(text) - len, " }\n");
	ck_assert_int_eq(LOAD_FILE(text), KS_SETTINGS_RUN);
	ck_assert_uint_eq(got.listen.n, KS_SECTIONS_MAX);
	done();
	snprintf(text + len, sizeof(text) - len, ", x }\n");
	assert_refused(text, 1, "listen: expected at most 256 of them");
}
END_TEST

START_TEST(a_missing_file_is_named)
{
	char path[4300];

	ck_assert_int_eq(LOAD("--config", config), KS_SETTINGS_USAGE);
	snprintf(path, sizeof(path), "%s: No such file", config);
	assert_logged(path);
	assert_logged("--config FILE");
	unit_log_start();
	ck_assert_int_eq(LOAD("--config", dir), KS_SETTINGS_USAGE);
	assert_logged("not a file");
}
END_TEST

START_TEST(the_usual_file_is_read_when_there)
{
	program.config_path = config;
	ck_assert_int_eq(LOAD(NULL), KS_SETTINGS_RUN);
	ck_assert_str_eq(got.source, "test");
	done();
	put("source = usual\n");
	ck_assert_int_eq(LOAD(NULL), KS_SETTINGS_RUN);
	ck_assert_str_eq(got.source, "usual");
	done();
}
END_TEST

/* --- the general options ------------------------------------------------------------------------------- */

START_TEST(unknown_options)
{
	ck_assert_int_eq(LOAD("--colour=red"), KS_SETTINGS_USAGE);
	assert_said("colour");
	assert_said("Try 'testd --help'");
	ck_assert_int_eq(LOAD("stray"), KS_SETTINGS_USAGE);
	assert_said("'stray' is not an option");
	ck_assert_int_eq(LOAD("--source"), KS_SETTINGS_USAGE);
	assert_said("requires an argument");
	ck_assert_int_eq(LOAD("--log-level=loud"), KS_SETTINGS_USAGE);
	assert_said("--log-level: expected error, warn, info or debug, got 'loud'");
}
END_TEST

START_TEST(check_config)
{
	put("frame-period = 500\n");
	ck_assert_int_eq(LOAD("--config", config, "--check-config"), KS_SETTINGS_DONE);
	assert_said("testd: configuration is good: ");
	assert_said(config);
	ck_assert_str_eq(unit_log_text(), "");
	put("frame-period = 5\n");
	ck_assert_int_eq(LOAD("--check-config", "--config", config), KS_SETTINGS_USAGE);
	assert_logged("testd.conf:1: frame-period: ");
	put("# one\n/* two\n * three */\nframe-period = 5 # four\n");
	ck_assert_int_eq(LOAD("--check-config", "--config", config), KS_SETTINGS_USAGE);
	assert_logged("testd.conf:4: frame-period: ");
}
END_TEST

START_TEST(validate_sees_the_whole)
{
	program.validate = not_both;
	put("fast = yes\n");
	ck_assert_int_eq(LOAD("--config", config), KS_SETTINGS_USAGE);
	assert_logged("fast and slow: expected only one of them");
	ck_assert_int_eq(LOAD("--config", config, "--slow=no"), KS_SETTINGS_RUN);
	done();
}
END_TEST

START_TEST(help_and_version)
{
	ck_assert_int_eq(LOAD("--help"), KS_SETTINGS_DONE);
	assert_said("Usage: testd [OPTION]...\nTests settings.\n");
	for (const struct ks_setting *s = table; s->name != NULL; s++) {
		char option[64];

		snprintf(option, sizeof(option), "  --%s", s->name);
		assert_said(option);
		assert_said(s->help);
	}
	assert_said("(default: 1000)");
	assert_said("--check-config");
	ck_assert_int_eq(LOAD("--version"), KS_SETTINGS_DONE);
	assert_said("testd (koshien) ");
	ck_assert_int_eq(LOAD("--help", "--colour"), KS_SETTINGS_DONE);	/* help comes before complaints */
}
END_TEST

START_TEST(log_levels)
{
	ck_assert_int_eq(LOAD("--log-level=error"), KS_SETTINGS_RUN);
	done();
	ks_warn("x", "kept back");
	ck_assert_str_eq(unit_log_text(), "");
	ck_assert_int_eq(LOAD("--debug=wire"), KS_SETTINGS_RUN);
	done();
	ks_debug("wire", "shown");
	ks_debug("store", "hidden");
	ck_assert_str_eq(unit_log_text(), "wire: shown\n");
}
END_TEST

START_TEST(reload)
{
	put("source = first\nlisten = { a, b }\n");
	ck_assert_int_eq(LOAD("--config", config, "--fast"), KS_SETTINGS_RUN);
	ck_assert_str_eq(got.source, "first");
	done();
	put("source = second\n");
	ck_assert_int_eq(LOAD("--config", config, "--fast"), KS_SETTINGS_RUN);
	ck_assert_str_eq(got.source, "second");
	ck_assert(got.fast);
	ck_assert_uint_eq(got.listen.n, 1);
	ck_assert_str_eq(ks_list_text(&got.listen, 0), "[::]:5500");
	done();
	assert_refused("source =\n", 2, "");
}
END_TEST

static struct ks_setting many[80];

START_TEST(tables_that_do_not_fit_are_refused)
{
	struct ks_program large = { .name = "large", .summary = "", .settings = many, .size = sizeof(struct settings) };
	char *argv[] = { (char *)(uintptr_t)"large", NULL };

	for (size_t i = 0; i < 79; i++)
		many[i] = table[1];
	ck_assert_int_eq(ks_settings_load(&large, 1, argv, &got), KS_SETTINGS_USAGE);
	assert_logged("raise KS_SETTINGS_MAX");
}
END_TEST

static TCase *value_case(void)
{
	TCase *tc = tcase_create("values");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, presets);
	tcase_add_test(tc, the_file_goes_before_presets);
	tcase_add_test(tc, the_command_line_goes_before_the_file);
	tcase_add_test(tc, lists_grow_and_empty);
	tcase_add_test(tc, switch_words);
	tcase_add_test(tc, numbers);
	tcase_add_test(tc, sections_in_the_file);
	tcase_add_test(tc, sections_on_the_command_line);
	tcase_add_test(tc, bad_sections_on_the_command_line);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("settings");
	TCase *faults = tcase_create("faults"), *general = tcase_create("general");

	suite_add_tcase(suite, value_case());
	tcase_add_checked_fixture(faults, set_up, NULL);
	tcase_add_test(faults, faults_name_the_line);
	tcase_add_test(faults, faults_in_sections_name_the_line);
	tcase_add_test(faults, too_many_items_are_refused);
	tcase_add_test(faults, a_missing_file_is_named);
	tcase_add_test(faults, the_usual_file_is_read_when_there);
	tcase_add_test(faults, tables_that_do_not_fit_are_refused);
	suite_add_tcase(suite, faults);
	tcase_add_checked_fixture(general, set_up, NULL);
	tcase_add_test(general, unknown_options);
	tcase_add_test(general, check_config);
	tcase_add_test(general, validate_sees_the_whole);
	tcase_add_test(general, help_and_version);
	tcase_add_test(general, log_levels);
	tcase_add_test(general, reload);
	suite_add_tcase(suite, general);
	return unit_run(suite);
}
