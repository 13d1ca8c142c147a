/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/directives.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "mod_sentry/url.h"

#define PERIODS_MAX 1000
#define DEAD_MIN_US (100 * KS_US_PER_MS)
#define DEAD_MAX_US (24 * 3600 * KS_US_PER_S)
#define SPREAD_MAX_US KS_US_PER_S
#define LIMIT_MAX 10000000

extern module AP_MODULE_DECLARE_DATA sentry_module;

#define UNSET_PATH NULL
#define UNSET_COUNT (-1)
#define UNSET_TIME (-1)
#define UNSET_SWITCH (-1)
#define UNSET_WAIT (-1)
#define UNSET_SPREAD (-1)

void *ks_directives_create(apr_pool_t *pool, char *location)
{
	struct ks_directives *config = apr_pcalloc(pool, sizeof(*config));

	(void)location;
#define X(type, member, directive, preset, help) config->member = UNSET_##type;
	KS_DIRECTIVES(X)
#undef X
	return config;
}

/* With the presets at once: virtual hosts have none of their own, so nothing is merged. */
void *ks_directives_create_server(apr_pool_t *pool, server_rec *server)
{
	struct ks_server_directives *config = apr_palloc(pool, sizeof(*config));

	(void)server;
#define X(type, member, directive, preset, help) config->member = preset;
	KS_SERVER_DIRECTIVES(X)
#undef X
	return config;
}

void *ks_directives_merge(apr_pool_t *pool, void *base_, void *add_)
{
	struct ks_directives *merged = apr_palloc(pool, sizeof(*merged));
	const struct ks_directives *base = base_, *add = add_;

#define X(type, member, directive, preset, help) \
	merged->member = add->member != UNSET_##type ? add->member : base->member;
	KS_DIRECTIVES(X)
#undef X
	return merged;
}

struct ks_directives ks_directives_get(const struct ks_directives *dir)
{
	struct ks_directives config = *dir;

#define X(type, member, directive, preset, help) \
	if (config.member == UNSET_##type) \
		config.member = preset;
	KS_DIRECTIVES(X)
#undef X
	return config;
}

static void *member_of(cmd_parms *cmd, void *config)
{
	return (char *)config + (size_t)(uintptr_t)cmd->info;
}

static const char *set_PATH(cmd_parms *cmd, void *config, const char *text)
{
	const char **member = member_of(cmd, config);

	*member = ap_server_root_relative(cmd->pool, text);
	if (*member == NULL)
		return apr_psprintf(cmd->pool, "%s expected a directory, not \"%s\"", cmd->cmd->name, text);
	return NULL;
}

static const char *set_COUNT(cmd_parms *cmd, void *config, const char *text)
{
	int64_t *member = member_of(cmd, config);
	char *end;

	*member = apr_strtoi64(text, &end, 10);
	if (end == text || *end != '\0' || *member < 1 || *member > PERIODS_MAX)
		return apr_psprintf(cmd->pool, "%s expected a number of periods from 1 to %d, not \"%s\"",
				    cmd->cmd->name, PERIODS_MAX, text);
	return NULL;
}

/* `range` says in words what is in it. */
static const char *set_within(cmd_parms *cmd, void *config, const char *text, int64_t min_us, int64_t max_us,
			      const char *range)
{
	apr_interval_time_t us;
	int64_t *member = member_of(cmd, config);

	if (ap_timeout_parameter_parse(text, &us, "s") != APR_SUCCESS || us < min_us || us > max_us)
		return apr_psprintf(cmd->pool, "%s expected a time from %s, not \"%s\"", cmd->cmd->name, range, text);
	*member = us;
	return NULL;
}

static const char *set_TIME(cmd_parms *cmd, void *config, const char *text)
{
	return set_within(cmd, config, text, DEAD_MIN_US, DEAD_MAX_US, "100ms to 24h, such as 30s");
}

static const char *set_WAIT(cmd_parms *cmd, void *config, const char *text)
{
	return set_within(cmd, config, text, 0, KS_WAIT_MAX_MS * KS_US_PER_MS, "0 to 30s");
}

static const char *set_SPREAD(cmd_parms *cmd, void *config, const char *text)
{
	return set_within(cmd, config, text, 0, SPREAD_MAX_US, "0 to 1s, such as 100ms");
}

static const char *set_LIMIT(cmd_parms *cmd, void *unused, const char *text)
{
	const char *wrong_place = ap_check_cmd_context(cmd, GLOBAL_ONLY);
	int64_t *member = member_of(cmd, ap_get_module_config(cmd->server->module_config, &sentry_module));
	char *end;

	(void)unused;
	if (wrong_place != NULL)
		return wrong_place;
	*member = apr_strtoi64(text, &end, 10);
	if (end == text || *end != '\0' || *member < 0 || *member > LIMIT_MAX)
		return apr_psprintf(cmd->pool, "%s expected a whole number from 0 (no limit) to %d, not \"%s\"",
				    cmd->cmd->name, LIMIT_MAX, text);
	return NULL;
}

static const char *set_SWITCH(cmd_parms *cmd, void *config, int on)
{
	int *member = member_of(cmd, config);

	*member = on;
	return NULL;
}

#define COMMAND_PATH AP_INIT_TAKE1
#define COMMAND_COUNT AP_INIT_TAKE1
#define COMMAND_TIME AP_INIT_TAKE1
#define COMMAND_SWITCH AP_INIT_FLAG
#define COMMAND_WAIT AP_INIT_TAKE1
#define COMMAND_SPREAD AP_INIT_TAKE1
#define COMMAND_LIMIT AP_INIT_TAKE1

const command_rec ks_directives_commands[] = {
#define X(type, member, directive, preset, help) \
	COMMAND_##type(directive, set_##type, (void *)offsetof(struct ks_directives, member), \
		       RSRC_CONF | ACCESS_CONF, help),
	KS_DIRECTIVES(X)
#undef X
#define X(type, member, directive, preset, help) \
	COMMAND_##type(directive, set_##type, (void *)offsetof(struct ks_server_directives, member), RSRC_CONF, help),
	KS_SERVER_DIRECTIVES(X)
#undef X
	{ .name = NULL }
};
