/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/report.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/metrics.h"
#include "nat64/coalesce.h"

#define NUMBER_MAX 24

const char *const ks_report_directions[KS_XLAT_DIRECTIONS] = {
	[KS_XLAT_46] = "4to6", [KS_XLAT_64] = "6to4", [KS_XLAT_66] = "6to6",
};
static const char *const families[2] = { "ipv4", "ipv6" };

const char *ks_report_address4(char *to, uint32_t v4, unsigned length)
{
	struct in_addr address = { htonl(v4) };
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &address, text, sizeof(text));
	if (length == 32)
		snprintf(to, KS_REPORT_ADDRESS_MAX, "%s", text);
	else
		snprintf(to, KS_REPORT_ADDRESS_MAX, "%s/%u", text, length);
	return to;
}

const char *ks_report_address6(char *to, const struct in6_addr *v6, unsigned length)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, v6, text, sizeof(text));
	if (length == 128)
		snprintf(to, KS_REPORT_ADDRESS_MAX, "%s", text);
	else
		snprintf(to, KS_REPORT_ADDRESS_MAX, "%s/%u", text, length);
	return to;
}

/* The name of a mapping: its IPv4 side, or the global address. */
static const char *mapping_name(char *to, const struct ks_table *table, uint32_t slot)
{
	const struct ks_mapping *mapping = ks_table_mapping(table, slot);

	if (mapping != NULL)
		return ks_report_address4(to, mapping->v4, mapping->length4);
	return ks_report_address6(to, &ks_table_mapping66(table, slot)->global, 128);
}

static uint32_t next_listed(const struct ks_rules *rules, uint32_t slot, struct ks_mapping_count *count)
{
	uint32_t n = ks_table_slots(rules->table);

	for (; slot < n; slot++) {
		*count = ks_rules_count(rules, slot);
		if (n <= KS_REPORT_MAPPINGS || count->packets_to != 0 || count->packets_from != 0)
			return slot;
	}
	return KS_SLOT_NONE;
}

/* --- Prometheus ------------------------------------------------------------------------------ */

static void per_direction(FILE *out, const char *name, const char *help, const uint64_t counts[KS_XLAT_DIRECTIONS])
{
	ks_prom_family(out, name, "counter", help);
	for (unsigned i = 0; i < KS_XLAT_DIRECTIONS; i++)
		ks_prom_sample(out, name, (double)counts[i], "direction", ks_report_directions[i], NULL);
}

static void per_family(FILE *out, const char *name, const char *help, const uint64_t counts[2])
{
	ks_prom_family(out, name, "counter", help);
	for (unsigned i = 0; i < 2; i++)
		ks_prom_sample(out, name, (double)counts[i], "family", families[i], NULL);
}

static void drops(FILE *out, const struct ks_xlat_counts *counts)
{
	static const char name[] = "koshien_nat64_drops_total";

	ks_prom_family(out, name, "counter",
		       "Packets that were not translated; koshienctl nat64 reasons explains each.");
	for (unsigned family = 0; family < 2; family++)
		for (unsigned i = KS_XLAT_PASSED + 1; i < KS_XLAT_DROPS; i++)
			ks_prom_sample(out, name, (double)counts->drops[family][i], "family", families[family],
				       "reason", ks_xlat_drop_names[i], NULL);
}

static void errors(FILE *out, const struct ks_xlat_counts *counts)
{
	static const char name[] = "koshien_nat64_icmp_errors_sent_total";
	char type[NUMBER_MAX];

	ks_prom_family(out, name, "counter", "ICMP errors of its own.");
	for (unsigned family = 0; family < 2; family++)
		for (unsigned i = 0; i < 256; i++) {
			if (counts->errors[family][i] == 0)
				continue;
			snprintf(type, sizeof(type), "%u", i);
			ks_prom_sample(out, name, (double)counts->errors[family][i], "family", families[family], "type",
				       type, NULL);
		}
}

static void translated(FILE *out, struct ks_nat64 *nat64)
{
	struct ks_xlat_counts counts;

	ks_nat64_counts(nat64, &counts);
	per_direction(out, "koshien_nat64_packets_total", "Packets translated, as they are on the wire.",
		      counts.packets);
	per_direction(out, "koshien_nat64_bytes_total", "Bytes of the packets translated, IP header included.",
		      counts.bytes);
	per_direction(out, "koshien_nat64_units_total", "Packets translated, large ones (GSO) counted once.",
		      counts.units);
	drops(out, &counts);
	errors(out, &counts);
	per_family(out, "koshien_nat64_icmp_errors_suppressed_total",
		   "ICMP errors of its own not sent, for their rate.", counts.suppressed);
	per_family(out, "koshien_nat64_icmp_errors_translated_total",
		   "ICMP errors of others, by the family they came in.", counts.icmp_translated);
	per_family(out, "koshien_nat64_echoes_total", "Echo requests to itself.", counts.echoes);
	per_family(out, "koshien_nat64_fragments_total", "Fragments made.", counts.fragments);
	ks_prom_family(out, "koshien_nat64_hairpins_total", "counter",
		       "Packets from one IPv6 host to another by its IPv4 address.");
	ks_prom_sample(out, "koshien_nat64_hairpins_total", (double)counts.hairpins, NULL);
}

/* Where a worker's counter is. */
struct worker_metric {
	const char *name, *help;
	size_t offset;
	bool of_coalesce;
};

#define OF(field) offsetof(struct ks_worker_counts, field), false
#define OF_COALESCE(field) offsetof(struct ks_coalesce, field), true
static const struct worker_metric worker_metrics[] = {
	{ "koshien_nat64_worker_reads_total", "Packets read from the TUN, large ones counted once.", OF(reads) },
	{ "koshien_nat64_worker_gso_reads_total", "Of them, large ones.", OF(gso_reads) },
	{ "koshien_nat64_worker_writes_total", "Packets written to the TUN, large ones counted once.", OF(writes) },
	{ "koshien_nat64_worker_gso_writes_total", "Of them, large ones.", OF(gso_writes) },
	{ "koshien_nat64_worker_merged_total", "Packets that were written as part of a large one.",
	  OF_COALESCE(merged) },
	{ "koshien_nat64_worker_trains_total", "Large packets that were made of them.", OF_COALESCE(trains) },
	{ "koshien_nat64_worker_batches_total", "Batches of packets.", OF(batches) },
	{ "koshien_nat64_worker_read_eagain_total", "Times that nothing more was there.", OF(read_eagain) },
	{ "koshien_nat64_worker_write_eagain_total", "Times that the device took no more.", OF(write_eagain) },
	{ "koshien_nat64_worker_read_errors_total", "Reads that failed.", OF(read_errors) },
	{ "koshien_nat64_worker_write_errors_total", "Packets lost because writing failed.", OF(write_errors) },
};
#define WORKER_METRICS (sizeof(worker_metrics) / sizeof(worker_metrics[0]))

static uint64_t worker_metric(const struct ks_worker *worker, const struct worker_metric *metric)
{
	const void *from = metric->of_coalesce ? (const void *)ks_worker_coalesce(worker) : ks_worker_counts(worker);

	return ks_worker_read((const uint64_t *)(const void *)((const uint8_t *)from + metric->offset));
}

static void workers(FILE *out, const struct ks_nat64 *nat64)
{
	char number[NUMBER_MAX];

	for (size_t k = 0; k < WORKER_METRICS; k++) {
		ks_prom_family(out, worker_metrics[k].name, "counter", worker_metrics[k].help);
		for (unsigned i = 0; i < ks_nat64_workers(nat64); i++) {
			snprintf(number, sizeof(number), "%u", i);
			ks_prom_sample(out, worker_metrics[k].name,
				       (double)worker_metric(ks_nat64_worker(nat64, i), &worker_metrics[k]), "worker",
				       number, NULL);
		}
	}
}

static void mapping_family(FILE *out, const struct ks_rules *rules, const char *name, const char *help, bool bytes)
{
	char text[KS_REPORT_ADDRESS_MAX];
	struct ks_mapping_count count;
	unsigned listed = 0;

	ks_prom_family(out, name, "counter", help);
	for (uint32_t slot = next_listed(rules, 0, &count); slot != KS_SLOT_NONE && listed++ < KS_REPORT_MAPPINGS;
	     slot = next_listed(rules, slot + 1, &count)) {
		mapping_name(text, rules->table, slot);
		ks_prom_sample(out, name, (double)(bytes ? count.bytes_to : count.packets_to), "mapping", text, "way",
			       "to", NULL);
		ks_prom_sample(out, name, (double)(bytes ? count.bytes_from : count.packets_from), "mapping", text,
			       "way", "from", NULL);
	}
}

static void state(FILE *out, struct ks_nat64 *nat64)
{
	static const char reloads[] = "koshien_nat64_reloads_total", table_info[] = "koshien_nat64_table_info";
	const struct ks_rules *rules = ks_nat64_in_force(nat64);
	struct ks_nat64_status status;

	ks_nat64_status(nat64, &status);
	ks_prom_gauge(out, "koshien_nat64_healthy", "1 when /health says 200.", status.fault == NULL);
	ks_prom_gauge(out, "koshien_nat64_draining", "1 from SIGTERM on.", status.draining);
	ks_prom_family(out, reloads, "counter", "Reloads of the configuration.");
	ks_prom_sample(out, reloads, (double)status.reloads, "result", "good", NULL);
	ks_prom_sample(out, reloads, (double)status.reloads_failed, "result", "failed", NULL);
	ks_prom_gauge(out, "koshien_nat64_reload_timestamp_seconds", "When the configuration in force was read.",
		      (double)status.reloaded_wall_us / (double)KS_US_PER_S);
	ks_prom_gauge(out, "koshien_nat64_mappings", "Explicit mappings in force.", ks_table_slots(rules->table));
	ks_prom_gauge(out, "koshien_nat64_mappings_by_command", "Of them, added by command.", (double)status.added);
	ks_prom_family(out, table_info, "gauge", "Which table is in force: the same on all translators.");
	ks_prom_sample(out, table_info, 1, "version", ks_table_version(rules->table), NULL);
}

void ks_report_metrics(FILE *out, struct ks_nat64 *nat64)
{
	const struct ks_rules *rules = ks_nat64_in_force(nat64);

	ks_prom_build_info(out, "nat64d");
	state(out, nat64);
	translated(out, nat64);
	workers(out, nat64);
	mapping_family(out, rules, "koshien_nat64_mapping_packets_total",
		       "Packets by explicit mapping, to and from its IPv6 host.", false);
	mapping_family(out, rules, "koshien_nat64_mapping_bytes_total",
		       "Bytes by explicit mapping, to and from its IPv6 host.", true);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

json_t *ks_report_status(struct ks_nat64 *nat64)
{
	const struct ks_tun *tun = ks_nat64_tun(nat64);
	const struct ks_xlat_settings *xlat = ks_nat64_xlat(nat64);
	const struct ks_table *table = ks_nat64_in_force(nat64)->table;
	struct ks_nat64_status s;

	ks_nat64_status(nat64, &s);
	return json_pack("{s:b, s:s, s:b, s:s, s:i, s:b, s:b, s:b, s:i, s:i, s:i, s:i, s:I, s:s, s:I, s:I, s:I, s:f, "
			 "s:f}",
			 "healthy", s.fault == NULL, "state", s.fault != NULL ? s.fault : "good", "draining",
			 s.draining, "device", tun->name, "workers", (int)ks_nat64_workers(nat64), "checksum_offload",
			 tun->csum, "tcp_segmentation", tun->tso, "udp_segmentation", tun->uso, "device_mtu",
			 (int)s.device_mtu, "mtu4", (int)xlat->mtu4, "mtu6", (int)xlat->mtu6, "lowest_ipv6_mtu",
			 (int)xlat->lowest_ipv6_mtu, "mappings", (json_int_t)ks_table_slots(table), "version",
			 ks_table_version(table), "added", (json_int_t)s.added, "reloads", (json_int_t)s.reloads,
			 "reloads_failed", (json_int_t)s.reloads_failed, "started", (double)s.started_wall_us / 1e6,
			 "reloaded", (double)s.reloaded_wall_us / 1e6);
}

json_t *ks_report_reasons(struct ks_nat64 *nat64)
{
	struct ks_xlat_counts counts;
	json_t *list = json_array();

	ks_nat64_counts(nat64, &counts);
	for (unsigned i = KS_XLAT_PASSED + 1; i < KS_XLAT_DROPS; i++)
		json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:s}", "reason", ks_xlat_drop_names[i],
						      "ipv4", (json_int_t)counts.drops[0][i], "ipv6",
						      (json_int_t)counts.drops[1][i], "means", ks_xlat_drop_help[i]));
	return list;
}

static json_t *json_directions(const struct ks_xlat_counts *counts)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < KS_XLAT_DIRECTIONS; i++)
		json_object_set_new(object, ks_report_directions[i],
				    json_pack("{s:I, s:I, s:I}", "packets", (json_int_t)counts->packets[i], "bytes",
					      (json_int_t)counts->bytes[i], "units", (json_int_t)counts->units[i]));
	return object;
}

static json_t *json_workers(const struct ks_nat64 *nat64)
{
	static const char prefix[] = "koshien_nat64_worker_", suffix[] = "_total";
	json_t *list = json_array();

	for (unsigned i = 0; i < ks_nat64_workers(nat64); i++) {
		json_t *object = json_object();

		for (size_t k = 0; k < WORKER_METRICS; k++) {
			char name[64];

			/* Without what Prometheus wants around it. */
			snprintf(name, sizeof(name), "%.*s",
				 (int)(strlen(worker_metrics[k].name) - strlen(prefix) - strlen(suffix)),
				 worker_metrics[k].name + strlen(prefix));
			json_object_set_new(object, name,
					    number(worker_metric(ks_nat64_worker(nat64, i), &worker_metrics[k])));
		}
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *json_mappings(const struct ks_rules *rules)
{
	char text[KS_REPORT_ADDRESS_MAX];
	struct ks_mapping_count count;
	json_t *list = json_array();

	for (uint32_t slot = next_listed(rules, 0, &count);
	     slot != KS_SLOT_NONE && json_array_size(list) < KS_REPORT_MAPPINGS;
	     slot = next_listed(rules, slot + 1, &count))
		json_array_append_new(
			list, json_pack("{s:s, s:I, s:I, s:I, s:I}", "mapping", mapping_name(text, rules->table, slot),
					"packets_to", (json_int_t)count.packets_to, "bytes_to",
					(json_int_t)count.bytes_to, "packets_from", (json_int_t)count.packets_from,
					"bytes_from", (json_int_t)count.bytes_from));
	return list;
}

static json_t *by_family(const uint64_t counts[2])
{
	return json_pack("{s:I, s:I}", "ipv4", (json_int_t)counts[0], "ipv6", (json_int_t)counts[1]);
}

static json_t *json_errors(const struct ks_xlat_counts *counts, unsigned family)
{
	json_t *object = json_object();
	char type[NUMBER_MAX];

	for (unsigned i = 0; i < 256; i++) {
		if (counts->errors[family][i] == 0)
			continue;
		snprintf(type, sizeof(type), "%u", i);
		json_object_set_new(object, type, number(counts->errors[family][i]));
	}
	return object;
}

json_t *ks_report_counters(struct ks_nat64 *nat64)
{
	struct ks_xlat_counts counts;

	ks_nat64_counts(nat64, &counts);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o}", "translated",
			 json_directions(&counts), "drops", ks_report_reasons(nat64), "icmp4_errors_sent",
			 json_errors(&counts, 0), "icmp6_errors_sent", json_errors(&counts, 1),
			 "icmp_errors_suppressed", by_family(counts.suppressed), "icmp_errors_translated",
			 by_family(counts.icmp_translated), "fragments", by_family(counts.fragments), "echoes",
			 by_family(counts.echoes), "hairpins", (json_int_t)counts.hairpins, "workers",
			 json_workers(nat64), "mappings", json_mappings(ks_nat64_in_force(nat64)));
}
