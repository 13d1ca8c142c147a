/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/nat64.h"

#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "nat64/control.h"
#include "nat64/handover.h"
#include "nat64/health.h"
#include "nat64/mappings.h"
#include "nat64/privileges.h"
#include "nat64/report.h"
#include "nat64/routes.h"
#include "nat64/trace.h"
#include "nat64/views.h"

#define LOOK_US 1000000			/* at the workers, whether they come round */
#define MISSED_MAX 3
#define MTU_UNKNOWN 1500

extern char **environ;

struct ks_nat64 {
	const struct ks_nat64_settings *set;	/* of the start: what a reload does not change */
	int argc;
	char **argv;
	struct ks_daemon *daemon;
	struct ks_tun tun;
	struct ks_views views;
	struct ks_xlat_settings asked;		/* as configured: mtu4, mtu6 may be 0 */
	bool well_known_private;
	struct ks_routes routes;		/* on the device */
	struct ks_mappings added;
	struct ks_health *health;
	struct ks_exporter *exporter;
	struct ks_control *control;
	struct event *timer, *links, *drained;
	int links_fd;
	uint32_t mtu;
	uint64_t rounds[KS_WORKERS_MAX];
	unsigned missed[KS_WORKERS_MAX];	/* looks since it last came round */
	bool hangs, took_over, handed_over;
	bool metrics_wait;	/* the predecessor still has the port */
	struct ks_nat64_status status;
};

/* --- what the workers look at ---------------------------------------------------------------------------- */

static struct ks_xlat_settings resolved(const struct ks_nat64 *nat64)
{
	struct ks_xlat_settings settings = nat64->asked;

	if (settings.mtu4 == 0)
		settings.mtu4 = nat64->mtu;
	if (settings.mtu6 == 0)
		settings.mtu6 = nat64->mtu;
	if (settings.mtu4 < KS_XLAT_MTU4_MIN)
		settings.mtu4 = KS_XLAT_MTU4_MIN;
	if (settings.mtu6 < KS_XLAT_MTU6_MIN)
		settings.mtu6 = KS_XLAT_MTU6_MIN;
	return settings;
}

static void free_table(void *table)
{
	ks_table_free(table);
}

static void free_config(void *config)
{
	ks_nat64_config_free(config);
}

/* New routes are there before old ones go: see ks_routes_apply(). What cannot be set has been logged; packets that come
 * are translated. */
static void put_routes(struct ks_nat64 *nat64)
{
	struct ks_routes wanted = { 0 };

	if (!nat64->set->routes)
		return;
	if (ks_routes_wanted(&wanted, nat64->views.rules->table, &nat64->asked) != KS_EOK) {
		ks_error("nat64", "no memory for the routes; those from before stay");
		ks_routes_free(&wanted);
		return;
	}
	ks_routes_apply(nat64->tun.index, &nat64->routes, &wanted);
	ks_routes_free(&nat64->routes);
	nat64->routes = wanted;
}

/* Puts a table in force (NULL: the one that is; its owner is taken), and the settings as they are now. */
static int put(struct ks_nat64 *nat64, const struct ks_table *table, void *owner, void (*release)(void *owner))
{
	struct ks_xlat_settings settings = resolved(nat64);
	struct ks_rules *rules = NULL;
	int err = table != NULL ? ks_rules_new(&rules, table, owner, release, nat64->tun.queues) : KS_EOK;

	if (err == KS_EOK)
		err = ks_views_put(&nat64->views, rules, &settings, ks_views_trace(&nat64->views));
	/* After this it is in force all the same. */
	if (err != KS_EOK && err != -ETIMEDOUT)
		return err;
	if (nat64->health != NULL)
		ks_health_targets(nat64->health, settings.source4, &settings.source6);
	if (table != NULL)
		put_routes(nat64);
	return KS_EOK;
}

/* What was added by command is added to what the files say, unless they say something about it now. */
static int put_config(struct ks_nat64 *nat64, struct ks_nat64_config *config)
{
	struct ks_table *table;
	size_t left_out;
	int err;

	nat64->asked = config->xlat;
	nat64->well_known_private = config->set.well_known_private;
	if (nat64->added.n == 0)
		return put(nat64, config->table, config, free_config);
	err = ks_mappings_table(&table, config->table, nat64->well_known_private, &nat64->added, NULL, true, &left_out);
	ks_nat64_config_free(config);
	if (err != KS_EOK)
		return err;
	if (left_out > 0)
		ks_warn("nat64", "%zu of %zu mappings that were added by command are at odds with the configuration, "
			"which counts",
			left_out, nat64->added.n);
	return put(nat64, table, table, free_table);
}

static void reloaded(struct ks_nat64 *nat64, int64_t from_us)
{
	const struct ks_table *table = nat64->views.rules->table;

	nat64->status.reloads++;
	nat64->status.reloaded_wall_us = ks_wall_us(&ks_clock_system);
	nat64->status.reload_us = ks_mono_us(&ks_clock_system) - from_us;
	ks_info("nat64", "reloaded in %" PRId64 " ms: %" PRIu32 " mappings, version %s",
		nat64->status.reload_us / KS_US_PER_MS, ks_table_slots(table), ks_table_version(table));
}

int ks_nat64_reload(struct ks_nat64 *nat64)
{
	int64_t from_us = ks_mono_us(&ks_clock_system);
	struct ks_xlat_settings asked = nat64->asked;
	struct ks_nat64_config *config;
	int err = KS_ECONFIG;

	if (ks_nat64_config_load(nat64->argc, nat64->argv, &config) == KS_SETTINGS_RUN) {
		ks_settings_warn_kept(ks_nat64_program.settings, nat64->set, &config->set);
		err = put_config(nat64, config);
	}
	if (err == KS_EOK) {
		reloaded(nat64, from_us);
		return KS_EOK;
	}
	nat64->asked = asked;
	nat64->status.reloads_failed++;
	ks_error("nat64", "reload failed (%s): the mappings from before stay in force", ks_strerror(err));
	return err;
}

int ks_nat64_map_add(struct ks_nat64 *nat64, const struct ks_mapping *mapping)
{
	struct ks_mappings one = { (struct ks_mapping *)(uintptr_t)mapping, 1, 1 };
	struct ks_table *table;
	int err = ks_mappings_add(&nat64->added, mapping);

	if (err != KS_EOK)
		return err;
	err = ks_mappings_table(&table, nat64->views.rules->table, nat64->well_known_private, &one, NULL, false, NULL);
	if (err == KS_EOK)
		err = put(nat64, table, table, free_table);
	if (err == KS_EOK)
		nat64->status.changes++;
	else
		nat64->added.n--;
	return err;
}

int ks_nat64_map_remove(struct ks_nat64 *nat64, uint32_t v4)
{
	const struct ks_table *from = nat64->views.rules->table;
	struct ks_mapping mapping;
	struct ks_table *table;
	struct in6_addr v6;
	uint32_t slot;
	int err;

	if (ks_table_to6(from, v4, true, &v6, &slot) != KS_MAPPED_EXPLICIT ||
	    ks_table_mapping(from, slot)->length4 != 32)
		return KS_EGONE;
	mapping = *ks_table_mapping(from, slot);
	err = ks_mappings_table(&table, from, nat64->well_known_private, NULL, &mapping, false, NULL);
	if (err == KS_EOK)
		err = put(nat64, table, table, free_table);
	if (err != KS_EOK)
		return err;
	ks_mappings_remove(&nat64->added, &mapping);
	nat64->status.changes++;
	return KS_EOK;
}

int ks_nat64_trace(struct ks_nat64 *nat64, struct ks_trace *trace)
{
	if (ks_views_trace(&nat64->views) != NULL)
		return -EBUSY;
	return ks_views_put(&nat64->views, NULL, ks_views_settings(&nat64->views), trace);
}

void ks_nat64_trace_end(struct ks_nat64 *nat64, struct ks_trace *trace)
{
	/* A worker that hangs may still look at it. */
	if (ks_views_put(&nat64->views, NULL, ks_views_settings(&nat64->views), NULL) == KS_EOK)
		ks_trace_free(trace);
}

/* --- draining -------------------------------------------------------------------------------------------------- */

static void on_drained(evutil_socket_t fd, short what, void *ctx)
{
	struct ks_nat64 *nat64 = ctx;

	(void)fd;
	(void)what;
	ks_daemon_stop(nat64->daemon);
}

/* One at a time; who waits for it is the kernel. */
static void run_hook(const char *name, const char *command)
{
	char shell[] = "/bin/sh", flag[] = "-c";
	char *const argv[] = { shell, flag, (char *)(uintptr_t)command, NULL };
	pid_t pid;
	int err = command != NULL ? posix_spawn(&pid, shell, NULL, NULL, argv, environ) : 0;

	if (err != 0)
		ks_error("nat64", "%s: %s: %s", name, command, strerror(err));
}

void ks_nat64_drain(struct ks_nat64 *nat64)
{
	int64_t us = nat64->set->drain_seconds * KS_US_PER_S;
	struct timeval wait = { us / KS_US_PER_S, us % KS_US_PER_S };

	if (nat64->status.draining)
		return;
	nat64->status.draining = true;
	ks_info("nat64", "draining: health says no, packets are translated for %" PRId64 " ms more", us / KS_US_PER_MS);
	ks_notify("STOPPING=1");
	run_hook("withdraw-hook", nat64->set->withdraw_hook);
	if (event_add(nat64->drained, &wait) != 0)
		ks_daemon_stop(nat64->daemon);
}

void ks_nat64_handed_over(struct ks_nat64 *nat64)
{
	ks_info("nat64", "a successor reads from the same queues now");
	nat64->handed_over = true;
}

static bool linger(void *ctx)
{
	struct ks_nat64 *nat64 = ctx;

	if (nat64->handed_over)
		return false;
	if (nat64->set->drain_seconds == 0 && nat64->set->withdraw_hook == NULL)
		return false;
	ks_nat64_drain(nat64);
	return true;
}

static void reload(void *ctx)
{
	ks_nat64_reload(ctx);
}

/* --- looking after it ------------------------------------------------------------------------------------------ */

static const char *fault(const struct ks_nat64 *nat64)
{
	if (nat64->status.draining)
		return "draining";
	if (nat64->hangs)
		return "a worker hangs";
	return nat64->health != NULL ? ks_health_fault(nat64->health) : NULL;
}

static bool healthy(FILE *out, void *ctx)
{
	const char *text = fault(ctx);

	fprintf(out, "%s\n", text != NULL ? text : "good");
	return text == NULL;
}

static void fill(FILE *out, void *ctx)
{
	ks_report_metrics(out, ctx);
}

/* Again from the timer while a predecessor has the port, which ends soon. */
static int open_metrics(struct ks_nat64 *nat64)
{
	int err = ks_exporter_new(&nat64->exporter, nat64->daemon->base, nat64->set->metrics, fill, nat64);
	bool waits = err == -EADDRINUSE && nat64->took_over;

	if (waits && !nat64->metrics_wait)
		ks_info("nat64", "that is the daemon before this one: tried again each second, until it ends");
	nat64->metrics_wait = waits;
	if (err == KS_EOK)
		ks_exporter_health(nat64->exporter, healthy, nat64);
	return nat64->metrics_wait ? KS_EOK : err;
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct ks_nat64 *nat64 = ctx;
	bool hangs = false;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < nat64->views.n; i++) {
		uint64_t rounds = ks_worker_rounds(nat64->views.workers[i]);

		nat64->missed[i] = rounds == nat64->rounds[i] ? nat64->missed[i] + 1 : 0;
		hangs = hangs || nat64->missed[i] >= MISSED_MAX;
		nat64->rounds[i] = rounds;
		ks_worker_wake(nat64->views.workers[i]);
	}
	if (hangs && !nat64->hangs)
		ks_error("nat64", "a worker does not come round; health says no");
	nat64->hangs = hangs;
	if (nat64->metrics_wait)
		open_metrics(nat64);
}

static void on_links(evutil_socket_t fd, short what, void *ctx)
{
	struct ks_nat64 *nat64 = ctx;
	uint32_t mtu = 0;

	(void)what;
	ks_tun_watched(fd);
	if (ks_tun_mtu(&nat64->tun, &mtu) != KS_EOK || mtu == nat64->mtu)
		return;
	ks_info("nat64", "%s: the MTU is %" PRIu32 " now, it was %" PRIu32, nat64->tun.name, mtu, nat64->mtu);
	nat64->mtu = mtu;
	if (nat64->asked.mtu4 == 0 || nat64->asked.mtu6 == 0)
		put(nat64, NULL, NULL, NULL);
}

/* --- start and end --------------------------------------------------------------------------------------------- */

static int open_device(struct ks_nat64 *nat64)
{
	const struct ks_nat64_settings *set = nat64->set;
	struct ks_tun_settings settings = {
		.name = set->tun, .queues = (unsigned)set->workers, .vnet = set->tso || set->uso || set->coalesce,
		.tso = set->tso, .uso = set->uso,
	};
	int err = KS_EOK;

	nat64->took_over = set->control != NULL && ks_handover_take(set->control, &settings, &nat64->tun) == KS_EOK;
	if (!nat64->took_over)
		err = ks_tun_open(&nat64->tun, &settings);
	if (err == KS_EOK && set->routes)
		err = ks_tun_up(&nat64->tun);
	if (err == KS_EOK && ks_tun_mtu(&nat64->tun, &nat64->mtu) != KS_EOK)
		nat64->mtu = MTU_UNKNOWN;
	return err;
}

/* Its table belongs to the caller's configuration. */
static int first_view(struct ks_nat64 *nat64, const struct ks_nat64_config *config)
{
	struct ks_xlat_settings settings;
	struct ks_rules *first;
	int err;

	nat64->asked = config->xlat;
	nat64->well_known_private = config->set.well_known_private;
	settings = resolved(nat64);
	err = ks_rules_new(&first, config->table, NULL, NULL, nat64->tun.queues);
	return err == KS_EOK ? ks_views_init(&nat64->views, first, &settings) : err;
}

static int start_events(struct ks_nat64 *nat64)
{
	struct timeval every = { LOOK_US / 1000000, LOOK_US % 1000000 };
	struct event_base *base = nat64->daemon->base;

	nat64->links_fd = ks_tun_watch();
	if (nat64->links_fd < 0) {
		ks_warn("nat64", "changes of the MTU will not be noticed: %s", ks_strerror(nat64->links_fd));
	} else {
		nat64->links = event_new(base, nat64->links_fd, EV_READ | EV_PERSIST, on_links, nat64);
		if (nat64->links == NULL || event_add(nat64->links, NULL) != 0)
			return -ENOMEM;
	}
	nat64->timer = event_new(base, -1, EV_PERSIST, on_timer, nat64);
	nat64->drained = event_new(base, -1, 0, on_drained, nat64);
	if (nat64->timer == NULL || nat64->drained == NULL || event_add(nat64->timer, &every) != 0)
		return -ENOMEM;
	return KS_EOK;
}

/* An old map646.conf knows of no such path: one that nobody asked for is not worth a translator. */
static int open_control(struct ks_nat64 *nat64)
{
	const struct ks_nat64_settings *set = nat64->set;
	bool asked = strcmp(set->control, KS_NAT64_CONTROL) != 0;
	int err = ks_control_new(&nat64->control, nat64->daemon->base, set->control, set->user, nat64);

	if (err == KS_EOK)
		return KS_EOK;
	ks_log(asked ? KS_LOG_ERROR : KS_LOG_WARN, "nat64", "control socket %s: %s; is its folder there, and may this "
	       "user write to it? choose another path with control%s", set->control, ks_strerror(err),
	       asked ? "" : ". It goes on without: koshienctl nat64 cannot reach it, and a successor not take over");
	return asked ? err : KS_EOK;
}

/* All that needs privileges, or a name that others may have. */
static int open_doors(struct ks_nat64 *nat64)
{
	const struct ks_nat64_settings *set = nat64->set;
	struct event_base *base = nat64->daemon->base;
	int err = ks_health_new(&nat64->health, base, nat64->tun.name);

	if (err == KS_EOK)
		ks_health_targets(nat64->health, nat64->asked.source4, &nat64->asked.source6);
	if (err == KS_EOK && set->metrics != NULL)
		err = open_metrics(nat64);
	if (err == KS_EOK && set->control != NULL)
		err = open_control(nat64);
	if (err == KS_EOK)
		err = start_events(nat64);
	return err;
}

static int start_workers(struct ks_nat64 *nat64)
{
	const struct ks_nat64_settings *set = nat64->set;
	int err = KS_EOK;

	while (err == KS_EOK && nat64->views.n < nat64->tun.queues) {
		struct ks_worker_settings worker = {
			.index = nat64->views.n, .fd = nat64->tun.fds[nat64->views.n], .vnet = nat64->tun.vnet,
			.merge_tcp = set->coalesce && nat64->tun.csum, .merge_udp = set->coalesce && nat64->tun.can_uso,
			.view = &nat64->views.current,
		};

		err = ks_worker_new(&nat64->views.workers[nat64->views.n], &worker);
		nat64->views.n += err == KS_EOK;
	}
	if (err != KS_EOK)
		ks_error("nat64", "starting worker %u: %s", nat64->views.n, ks_strerror(err));
	return err;
}

static int start(struct ks_nat64 *nat64, const struct ks_nat64_config *config)
{
	int err = open_device(nat64);

	if (err == KS_EOK)
		err = first_view(nat64, config);
	if (err == KS_EOK)
		err = open_doors(nat64);
	if (err == KS_EOK)
		put_routes(nat64);
	if (err == KS_EOK)
		err = ks_privileges_drop(config->set.user, config->set.routes);
	return err == KS_EOK ? start_workers(nat64) : err;
}

int ks_nat64_new(struct ks_nat64 **out, struct ks_daemon *daemon, const struct ks_nat64_config *config, int argc,
		 char **argv)
{
	struct ks_nat64 *nat64 = calloc(1, sizeof(*nat64));
	int err;

	if (nat64 == NULL)
		return -ENOMEM;
	nat64->set = &config->set;
	nat64->argc = argc;
	nat64->argv = argv;
	nat64->daemon = daemon;
	nat64->links_fd = -1;
	err = start(nat64, config);
	if (err != KS_EOK) {
		ks_nat64_free(nat64);
		return err;
	}
	nat64->status.started_wall_us = nat64->status.reloaded_wall_us = ks_wall_us(&ks_clock_system);
	daemon->reload = reload;
	daemon->linger = linger;
	daemon->ctx = nat64;
	signal(SIGCHLD, SIG_IGN);	/* hooks */
	ks_info("nat64", "%" PRIu32 " mappings are in force, version %s", ks_table_slots(config->table),
		ks_table_version(config->table));
	if (ks_table_slots(config->table) == 0 && ks_table_prefix(config->table) == NULL)
		ks_warn("nat64", "no mapping and no mapping-prefix: every packet is dropped; see nat64d.conf(5)");
	run_hook("announce-hook", config->set.announce_hook);
	*out = nat64;
	return KS_EOK;
}

static void free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

void ks_nat64_free(struct ks_nat64 *nat64)
{
	if (nat64 == NULL)
		return;
	ks_control_free(nat64->control);
	ks_exporter_free(nat64->exporter);
	ks_health_free(nat64->health);
	free_event(nat64->timer);
	free_event(nat64->drained);
	free_event(nat64->links);
	if (nat64->links_fd >= 0)
		close(nat64->links_fd);
	ks_views_free(&nat64->views);
	ks_tun_close(&nat64->tun);
	ks_routes_free(&nat64->routes);
	ks_mappings_free(&nat64->added);
	free(nat64);
}

/* --- what there is to see ------------------------------------------------------------------------------------- */

void ks_nat64_status(struct ks_nat64 *nat64, struct ks_nat64_status *status)
{
	nat64->status.fault = fault(nat64);
	nat64->status.device_mtu = nat64->mtu;
	nat64->status.added = nat64->added.n;
	*status = nat64->status;
}

const struct ks_rules *ks_nat64_in_force(const struct ks_nat64 *nat64)
{
	return nat64->views.rules;
}

const struct ks_xlat_settings *ks_nat64_xlat(const struct ks_nat64 *nat64)
{
	return ks_views_settings(&nat64->views);
}

const struct ks_tun *ks_nat64_tun(const struct ks_nat64 *nat64)
{
	return &nat64->tun;
}

unsigned ks_nat64_workers(const struct ks_nat64 *nat64)
{
	return nat64->views.n;
}

const struct ks_worker *ks_nat64_worker(const struct ks_nat64 *nat64, unsigned i)
{
	return nat64->views.workers[i];
}

void ks_nat64_counts(const struct ks_nat64 *nat64, struct ks_xlat_counts *sum)
{
	uint64_t *to = (uint64_t *)sum;

	_Static_assert(sizeof(*sum) % sizeof(*to) == 0, "counters and nothing else");
	memset(sum, 0, sizeof(*sum));
	for (unsigned i = 0; i < nat64->views.n; i++) {
		const uint64_t *from = (const uint64_t *)ks_worker_xlat_counts(nat64->views.workers[i]);

		for (size_t k = 0; k < sizeof(*sum) / sizeof(*to); k++)
			to[k] += ks_worker_read(&from[k]);
	}
}
