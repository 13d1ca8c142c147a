/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/commands.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "nat64/address.h"
#include "nat64/describe.h"
#include "nat64/report.h"

#define ERROR_MAX 256

static json_t *refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

static json_t *refuse(const char *format, ...)
{
	char text[ERROR_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return json_pack("{s:b, s:s}", "ok", 0, "error", text);
}

static json_t *good(void)
{
	return json_pack("{s:b}", "ok", 1);
}

/* Takes value. */
static json_t *good_with(const char *name, json_t *value)
{
	return value != NULL ? json_pack("{s:b, s:o}", "ok", 1, name, value) : NULL;
}

static const char *text_of(json_t *request, const char *name)
{
	const char *text = json_string_value(json_object_get(request, name));

	return text != NULL ? text : "";
}

static bool read4(json_t *request, const char *name, uint32_t *v4)
{
	struct in_addr address;

	if (inet_pton(AF_INET, text_of(request, name), &address) != 1)
		return false;
	*v4 = ntohl(address.s_addr);
	return true;
}

static bool read6(json_t *request, const char *name, struct in6_addr *v6)
{
	return inet_pton(AF_INET6, text_of(request, name), v6) == 1;
}

/* --- lookup --------------------------------------------------------------------------------------------- */

static json_t *why(const struct ks_table *table, enum ks_mapped mapped, uint32_t slot)
{
	char four[KS_REPORT_ADDRESS_MAX], six[KS_REPORT_ADDRESS_MAX], text[2 * KS_REPORT_ADDRESS_MAX + 32];
	const struct ks_mapping *mapping = slot != KS_SLOT_NONE ? ks_table_mapping(table, slot) : NULL;
	const struct ks_prefix *prefix = ks_table_prefix(table);

	if (mapped == KS_MAPPED_EXPLICIT && mapping != NULL) {
		snprintf(text, sizeof(text), "by the mapping %s %s",
			 ks_report_address4(four, mapping->v4, mapping->length4),
			 ks_report_address6(six, &mapping->v6, mapping->length6));
		return json_string(text);
	}
	if (mapped == KS_MAPPED_PREFIX && prefix != NULL) {
		snprintf(text, sizeof(text), "by the prefix %s",
			 ks_report_address6(six, &prefix->address, prefix->length));
		return json_string(text);
	}
	if (mapped == KS_MAPPED_PRIVATE)
		return json_string(ks_xlat_drop_help[KS_XLAT_WELL_KNOWN]);
	return json_string("no mapping covers it, and no prefix");
}

static json_t *lookup4(const struct ks_rules *rules, uint32_t v4)
{
	char text[KS_REPORT_ADDRESS_MAX];
	struct in6_addr v6;
	uint32_t slot = KS_SLOT_NONE;
	enum ks_mapped mapped = ks_table_to6(rules->table, v4, true, &v6, &slot);
	bool found = mapped == KS_MAPPED_EXPLICIT || mapped == KS_MAPPED_PREFIX;

	return json_pack("{s:b, s:s?, s:o}", "ok", 1, "becomes", found ? ks_report_address6(text, &v6, 128) : NULL,
			 "why", why(rules->table, mapped, slot));
}

static json_t *lookup66(const struct ks_rules *rules, const struct in6_addr *v6)
{
	char text[KS_REPORT_ADDRESS_MAX];
	struct in6_addr other;
	uint32_t slot;

	if (ks_table_to_intra(rules->table, v6, &other, &slot))
		return json_pack("{s:b, s:s, s:s}", "ok", 1, "becomes", ks_report_address6(text, &other, 128), "why",
				 "by map66-static, as a destination");
	if (ks_table_to_global(rules->table, v6, &other, &slot))
		return json_pack("{s:b, s:s, s:s}", "ok", 1, "becomes", ks_report_address6(text, &other, 128), "why",
				 "by map66-static, as a source");
	return NULL;
}

static json_t *lookup(struct ks_nat64 *nat64, json_t *request)
{
	const struct ks_rules *rules = ks_nat64_in_force(nat64);
	char text[KS_REPORT_ADDRESS_MAX];
	enum ks_mapped mapped;
	struct in6_addr v6;
	uint32_t v4, slot = KS_SLOT_NONE;
	json_t *answer;
	bool found;

	if (read4(request, "address", &v4))
		return lookup4(rules, v4);
	if (!read6(request, "address", &v6))
		return refuse("address: expected an IPv4 or IPv6 address, got '%.64s'", text_of(request, "address"));
	answer = lookup66(rules, &v6);
	if (answer != NULL)
		return answer;
	mapped = ks_table_to4(rules->table, &v6, &v4, &slot);
	found = mapped == KS_MAPPED_EXPLICIT || mapped == KS_MAPPED_PREFIX;
	return json_pack("{s:b, s:s?, s:o}", "ok", 1, "becomes", found ? ks_report_address4(text, v4, 32) : NULL, "why",
			 why(rules->table, mapped, slot));
}

/* --- trace ------------------------------------------------------------------------------------------------- */

static bool number_of(json_t *request, const char *name, json_int_t preset, json_int_t max, json_int_t *number)
{
	json_t *value = json_object_get(request, name);

	*number = value != NULL ? json_integer_value(value) : preset;
	return *number >= 1 && *number <= max;
}

static struct ks_trace *new_trace(const struct ks_table *table, json_t *request, unsigned n, bool *understood)
{
	enum ks_mapped mapped;
	struct in6_addr v6;
	uint32_t v4, slot;

	*understood = true;
	if (read4(request, "address", &v4)) {
		mapped = ks_table_to6(table, v4, true, &v6, &slot);
		return ks_trace_new(&v4, mapped == KS_MAPPED_EXPLICIT || mapped == KS_MAPPED_PREFIX ? &v6 : NULL, n);
	}
	*understood = read6(request, "address", &v6);
	if (!*understood)
		return NULL;
	mapped = ks_table_to4(table, &v6, &v4, &slot);
	return ks_trace_new(mapped == KS_MAPPED_EXPLICIT || mapped == KS_MAPPED_PREFIX ? &v4 : NULL, &v6, n);
}

static json_t *begin_trace(struct ks_nat64 *nat64, json_t *request, struct ks_trace **trace, int64_t *wait_us)
{
	json_int_t packets, seconds;
	bool understood;
	int err;

	if (!number_of(request, "packets", KS_COMMANDS_TRACE_PACKETS, KS_TRACE_MAX, &packets))
		return refuse("packets: expected 1 to %d", KS_TRACE_MAX);
	if (!number_of(request, "seconds", KS_COMMANDS_TRACE_SECONDS, KS_COMMANDS_TRACE_SECONDS_MAX, &seconds))
		return refuse("seconds: expected 1 to %d", KS_COMMANDS_TRACE_SECONDS_MAX);
	*trace = new_trace(ks_nat64_in_force(nat64)->table, request, (unsigned)packets, &understood);
	if (!understood)
		return refuse("address: expected an IPv4 or IPv6 address, got '%.64s'", text_of(request, "address"));
	err = *trace != NULL ? ks_nat64_trace(nat64, *trace) : -ENOMEM;
	*wait_us = seconds * KS_US_PER_S;
	if (err == KS_EOK)
		return NULL;
	/* Else a worker that hangs may look at it for ever. */
	if (err != -ETIMEDOUT)
		ks_trace_free(*trace);
	*trace = NULL;
	return refuse("%s",
		      err == -EBUSY ? "another trace is being made; try again when it has ended" : ks_strerror(err));
}

static json_t *json_packet(const struct ks_trace_packet *packet)
{
	char text[KS_DESCRIBE_MAX], hex[2 * KS_TRACE_BYTES + 1] = "";

	for (size_t i = 0; i < packet->kept; i++)
		snprintf(hex + 2 * i, 3, "%02x", packet->bytes[i]);
	return json_pack("{s:s, s:I, s:i, s:s}", "header", ks_describe(text, packet->bytes, packet->kept), "bytes",
			 (json_int_t)packet->len, "segments", (int)packet->segments, "hex", hex);
}

json_t *ks_commands_traced(const struct ks_trace *trace)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < ks_trace_count(trace); i++) {
		const struct ks_trace_entry *entry = ks_trace_entry(trace, i);
		json_t *object =
			json_pack("{s:o, s:i}", "in", json_packet(&entry->in), "packets_out", (int)entry->n_out);

		if (entry->n_out > 0)
			json_object_set_new(object, "out", json_packet(&entry->out));
		if (entry->why != KS_XLAT_PASSED) {
			json_object_set_new(object, "dropped", json_string(ks_xlat_drop_names[entry->why]));
			json_object_set_new(object, "means", json_string(ks_xlat_drop_help[entry->why]));
		}
		json_array_append_new(list, object);
	}
	return good_with("packets", list);
}

/* --- map --------------------------------------------------------------------------------------------------- */

static json_t *map_add(struct ks_nat64 *nat64, json_t *request)
{
	struct ks_mapping mapping = { .length4 = 32, .length6 = 128 };
	int err;

	if (!read4(request, "v4", &mapping.v4))
		return refuse("v4: expected an IPv4 address, got '%.64s'", text_of(request, "v4"));
	if (!read6(request, "v6", &mapping.v6))
		return refuse("v6: expected an IPv6 address, got '%.64s'", text_of(request, "v6"));
	/* As for map-static: nothing may be sent to them, or come from there. */
	if (!ks_address4_usable(mapping.v4) || !ks_address6_usable(&mapping.v6))
		return refuse("%s: expected an address that a host may have in a network, got '%.64s'",
			      ks_address4_usable(mapping.v4) ? "v6" : "v4",
			      text_of(request, ks_address4_usable(mapping.v4) ? "v6" : "v4"));
	err = ks_nat64_map_add(nat64, &mapping);
	if (err == KS_EMALFORMED)
		return refuse("one of the two is mapped already; map remove it first");
	return err == KS_EOK ? good() : refuse("%s", ks_strerror(err));
}

static json_t *map_remove(struct ks_nat64 *nat64, json_t *request)
{
	uint32_t v4;
	int err;

	if (!read4(request, "v4", &v4))
		return refuse("v4: expected an IPv4 address, got '%.64s'", text_of(request, "v4"));
	err = ks_nat64_map_remove(nat64, v4);
	if (err == KS_EGONE)
		return refuse("there is no mapping of that address alone");
	return err == KS_EOK ? good() : refuse("%s", ks_strerror(err));
}

/* --- all of them ---------------------------------------------------------------------------------------------- */

static json_t *status(struct ks_nat64 *nat64, json_t *request)
{
	(void)request;
	return good_with("status", ks_report_status(nat64));
}

static json_t *counters(struct ks_nat64 *nat64, json_t *request)
{
	(void)request;
	return good_with("counters", ks_report_counters(nat64));
}

static json_t *reasons(struct ks_nat64 *nat64, json_t *request)
{
	(void)request;
	return good_with("reasons", ks_report_reasons(nat64));
}

static json_t *reload(struct ks_nat64 *nat64, json_t *request)
{
	(void)request;
	if (ks_nat64_reload(nat64) == KS_EOK)
		return good();
	return refuse("the configuration cannot be used; the log says which line. The mappings from before stay in "
		      "force");
}

static json_t *drain(struct ks_nat64 *nat64, json_t *request)
{
	(void)request;
	ks_nat64_drain(nat64);
	return good();
}

static const struct {
	const char *name;
	json_t *(*run)(struct ks_nat64 *nat64, json_t *request);
} commands[] = {
	{ "lookup", lookup },	{ "status", status },	      { "counters", counters }, { "reasons", reasons },
	{ "map-add", map_add }, { "map-remove", map_remove }, { "reload", reload },	{ "drain", drain },
};

json_t *ks_commands_run(struct ks_nat64 *nat64, json_t *request, struct ks_trace **trace, int64_t *wait_us)
{
	const char *name = text_of(request, "command");

	if (strcmp(name, "trace") == 0)
		return begin_trace(nat64, request, trace, wait_us);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].run(nat64, request);
	return refuse("command: expected lookup, trace, status, counters, reasons, map-add, map-remove, reload or "
		      "drain, got '%.64s'", name);
}
