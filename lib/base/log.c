/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Longer texts are cut; nothing we log on purpose comes near. */
#define LOG_LINE_MAX 1024

static const char *const level_names[] = { "error", "warn", "info", "debug" };

static ks_log_sink *log_sink;
static void *log_sink_ctx;
static enum ks_log_level log_level = KS_LOG_INFO;
static const char *log_debug_tokens;

void ks_log_set_sink(ks_log_sink *sink, void *ctx)
{
	log_sink = sink;
	log_sink_ctx = ctx;
}

void ks_log_set_level(enum ks_log_level level, const char *debug_tokens)
{
	log_level = level;
	log_debug_tokens = debug_tokens;
}

int ks_log_level_parse(const char *text)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++)
		if (strcmp(text, level_names[i]) == 0)
			return (int)i;
	return -1;
}

static bool token_listed(const char *list, const char *token)
{
	size_t len = strlen(token);

	for (const char *at = strstr(list, token); at != NULL; at = strstr(at + 1, token))
		if ((at == list || at[-1] == ',') && (at[len] == '\0' || at[len] == ','))
			return true;
	return false;
}

/* A line stays one line, whatever a file or a stranger put into it. */
static void blank_controls(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

void ks_log(enum ks_log_level level, const char *token, const char *format, ...)
{
	char text[LOG_LINE_MAX];
	va_list ap;

	if (level > log_level)
		return;
	if (level == KS_LOG_DEBUG && log_debug_tokens != NULL && !token_listed(log_debug_tokens, token))
		return;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	blank_controls(text);

	if (log_sink != NULL)
		log_sink(log_sink_ctx, level, token, text);
	else
		fprintf(stderr, "%-5s %s: %s\n", level_names[level], token, text);
}

bool ks_log_gate(struct ks_log_gate *gate, int64_t mono_us, uint64_t *held)
{
	if (mono_us < gate->open_at_us) {
		gate->held++;
		return false;
	}
	if (held != NULL)
		*held = gate->held;
	gate->held = 0;
	gate->open_at_us = mono_us + KS_LOG_GATE_US;
	return true;
}
