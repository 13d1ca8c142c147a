/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/conditions.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>
#include <apr_tables.h>
#include <httpd.h>
#include <http_config.h>

/* Something that counts, and the path below which it does; "" is everywhere. */
struct found {
	const ap_directive_t *directive;
	const char *scope;
};

struct ks_conditions {
	apr_array_header_t *deciders;	/* of struct found */
	apr_array_header_t *sections;	/* <Location>s, of struct found */
	const ap_directive_t *pattern;	/* a section that one cannot tell the paths of; NULL: none */
	bool full;
};

/* --- one directive ------------------------------------------------------------------------------------------ */

static bool is(const ap_directive_t *d, const char *name)
{
	return strcasecmp(d->directive, name) == 0;
}

static bool begins(const char *text, const char *with)
{
	return strncasecmp(text, with, strlen(with)) == 0;
}

/* Who is asking is the connection's to say; all else may change from request to request. */
static bool require_decides(const char *args)
{
	static const char *const by_connection[] = { "all", "ip", "host", "local", "forward-dns", "ssl" };
	apr_size_t len;

	if (begins(args, "not "))
		args += strlen("not ");
	len = strcspn(args, " \t");
	for (size_t i = 0; i < sizeof(by_connection) / sizeof(by_connection[0]); i++)
		if (strlen(by_connection[i]) == len && strncasecmp(args, by_connection[i], len) == 0)
			return false;
	return true;
}

/* A value with a format, or a condition behind it. */
static bool header_decides(const char *args)
{
	for (const char *percent = strchr(args, '%'); percent != NULL; percent = strchr(percent + 2, '%'))
		if (percent[1] != '%')
			return true;
	return strstr(args, "env=") != NULL || strstr(args, "expr=") != NULL;
}

static bool decides(const ap_directive_t *d)
{
	if (is(d, "<If") || is(d, "<ElseIf") || is(d, "<Else") || is(d, "RewriteCond") || is(d, "RemoteIPHeader") ||
	    is(d, "SSLRequire"))
		return true;
	if (is(d, "Require"))
		return require_decides(d->args);
	if (is(d, "AuthType"))
		return strcasecmp(d->args, "None") != 0;
	if (is(d, "SSLVerifyClient"))
		return strcasecmp(d->args, "none") != 0;
	if (is(d, "Allow") || is(d, "Deny"))
		return strstr(d->args, "env=") != NULL;
	if (is(d, "Header"))
		return header_decides(d->args);
	if (is(d, "SetHandler"))
		return strstr(d->args, "expr=") != NULL || strchr(d->args, '%') != NULL;
	/* Modules that count and judge requests. */
	if (is(d, "SecRuleEngine"))
		return strcasecmp(d->args, "Off") != 0;
	return begins(d->directive, "QS_") || begins(d->directive, "DOS");
}

/* --- where it holds ------------------------------------------------------------------------------------------- */

static bool is_location(const ap_directive_t *d)
{
	return is(d, "<Location") || is(d, "<LocationMatch");
}

/* Sections of files, proxied URLs and the like: a location of ours has none of them. */
static bool is_elsewhere(const ap_directive_t *d)
{
	return begins(d->directive, "<Directory") || begins(d->directive, "<Files") || begins(d->directive, "<Proxy");
}

/* The path of a <Location>; NULL when it is a pattern. */
static const char *path_of(const ap_directive_t *d, apr_pool_t *pool)
{
	const char *args = d->args;
	char *path = ap_getword_conf(pool, &args);
	apr_size_t len = strlen(path);

	if (!is(d, "<Location") || path[0] != '/' || strpbrk(path, "*?[") != NULL)
		return NULL;
	while (len > 0 && (path[len - 1] == '>' || path[len - 1] == '/'))
		path[--len] = '\0';
	return path;
}

/* NULL when it does not concern locations. */
static const char *scope_of(const ap_directive_t *d, apr_pool_t *pool)
{
	for (d = d->parent; d != NULL; d = d->parent) {
		if (is_elsewhere(d))
			return NULL;
		if (is_location(d)) {
			const char *path = path_of(d, pool);

			return path != NULL ? path : "";
		}
	}
	return "";
}

/* True when `path` is `below` or a part of it: at a '/', as httpd compares. */
static bool reaches(const char *path, const char *below)
{
	apr_size_t len = strlen(path);

	return strncmp(path, below, len) == 0 && (below[len] == '/' || below[len] == '\0');
}

/* --- the tree --------------------------------------------------------------------------------------------------- */

static void add(struct ks_conditions *c, apr_array_header_t *list, const ap_directive_t *d, const char *scope)
{
	struct found *found;

	if (scope == NULL)
		return;
	if (list->nelts == KS_CONDITIONS_MAX) {
		c->full = true;
		return;
	}
	found = apr_array_push(list);
	found->directive = d;
	found->scope = scope;
}

static void look_at(struct ks_conditions *c, const ap_directive_t *d, apr_pool_t *pool)
{
	if (is_location(d)) {
		const char *path = path_of(d, pool);

		if (path == NULL)
			c->pattern = d;
		else
			add(c, c->sections, d, path);
	}
	if (decides(d))
		add(c, c->deciders, d, scope_of(d, pool));
}

static void walk(struct ks_conditions *c, const ap_directive_t *d, apr_pool_t *pool)
{
	for (; d != NULL; d = d->next) {
		look_at(c, d, pool);
		walk(c, d->first_child, pool);
	}
}

const struct ks_conditions *ks_conditions_read(apr_pool_t *pool)
{
	struct ks_conditions *c = apr_pcalloc(pool, sizeof(*c));

	c->deciders = apr_array_make(pool, 8, sizeof(struct found));
	c->sections = apr_array_make(pool, 8, sizeof(struct found));
	walk(c, ap_conftree, pool);
	return c;
}

static const char *name_of(const ap_directive_t *d, apr_pool_t *pool)
{
	return apr_psprintf(pool, "%s%s in %s:%d", d->directive, d->directive[0] == '<' ? ">" : "", d->filename,
			    d->line_num);
}

const char *ks_conditions_against(const struct ks_conditions *c, const char *mount, apr_pool_t *pool)
{
	const struct found *found = (const struct found *)c->deciders->elts;

	if (c->full)
		return apr_psprintf(pool, "there are more than %d directives that could", KS_CONDITIONS_MAX);
	if (c->pattern != NULL)
		return name_of(c->pattern, pool);
	for (int i = 0; i < c->deciders->nelts; i++)
		if (reaches(found[i].scope, mount))
			return name_of(found[i].directive, pool);
	return NULL;
}

const char *const *ks_conditions_sections(const struct ks_conditions *c, const char *mount, apr_pool_t *pool)
{
	const struct found *found = (const struct found *)c->sections->elts;
	const char **paths = apr_pcalloc(pool, sizeof(*paths) * ((apr_size_t)c->sections->nelts + 1));
	int n = 0;

	for (int i = 0; i < c->sections->nelts; i++)
		if (reaches(mount, found[i].scope) && strlen(found[i].scope) > strlen(mount))
			paths[n++] = found[i].scope;
	return paths;
}
