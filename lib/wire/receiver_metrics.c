/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/receiver_private.h"

struct family {
	const char *name, *type, *help;
	double (*value)(const struct ks_parent *parent);
};

static double get_up(const struct ks_parent *parent)
{
	return parent->live != NULL;
}

static double get_rtt(const struct ks_parent *parent)
{
	return (double)parent->rtt_us / (double)KS_US_PER_S;
}

static double get_datagrams(const struct ks_parent *parent) { return (double)ks_counted(&parent->datagrams); }
static double get_bytes(const struct ks_parent *parent) { return (double)ks_counted(&parent->bytes); }
static double get_sessions(const struct ks_parent *parent) { return (double)ks_counted(&parent->sessions); }
static double get_nacks(const struct ks_parent *parent) { return (double)ks_counted(&parent->nacks); }
static double get_stops(const struct ks_parent *parent) { return (double)ks_counted(&parent->stops); }
static double get_delivered(const struct ks_parent *parent) { return (double)parent->delivered; }
static double get_lost(const struct ks_parent *parent) { return (double)parent->lost; }

static double get_refused(const struct ks_parent *parent)
{
	return (double)ks_counted(&parent->unsigned_frames);
}

static const struct family families[] = {
	{ "koshien_wire_parent_up", "gauge", "1: there is a session with the parent.", get_up },
	{ "koshien_wire_parent_rtt_seconds", "gauge", "Round trip to the parent and back; 0: not measured.", get_rtt },
	{ "koshien_wire_parent_datagrams_total", "counter", "Authentic datagrams from the parent.", get_datagrams },
	{ "koshien_wire_parent_bytes_total", "counter", "Bytes of UDP payload in these.", get_bytes },
	{ "koshien_wire_parent_sessions_total", "counter", "Sessions set up with the parent.", get_sessions },
	{ "koshien_wire_parent_requests_total", "counter", "Requests for what was missing of a frame.", get_nacks },
	{ "koshien_wire_parent_stops_total", "counter", "Words to the parent that a frame is complete.", get_stops },
	{ "koshien_wire_parent_frames_total", "counter", "Frames that the parent had a part in.", get_delivered },
	{ "koshien_wire_parent_lost_frames_total", "counter", "Frames passed over before one that it had a part in.",
	  get_lost },
	{ "koshien_wire_parent_refused_frames_total", "counter",
	  "Frames from the parent alone that no trusted source had signed.", get_refused },
};

static void put_family(const struct ks_receiver *receiver, const struct family *family, FILE *out)
{
	ks_prom_family(out, family->name, family->type, family->help);
	for (size_t i = 0; i < KS_PARENTS_MAX; i++)
		if (receiver->parents[i].used)
			ks_prom_sample(out, family->name, family->value(&receiver->parents[i]), "parent",
				       receiver->parents[i].name, NULL);
}

static void put_counter(FILE *out, const char *name, const char *help, uint64_t value)
{
	ks_prom_family(out, name, "counter", help);
	ks_prom_sample(out, name, (double)value, NULL);
}

void ks_receiver_metrics(const struct ks_receiver *receiver, FILE *out)
{
	const struct ks_assembler_counts *counts = ks_assembler_counts(receiver->assembler);

	ks_prom_gauge(out, "koshien_wire_parents", "Parents with a session.", (double)ks_receiver_parents(receiver));
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		put_family(receiver, &families[i], out);
	ks_prom_counter(out, "koshien_wire_received_datagrams_total", "Datagrams that came in.", &receiver->datagrams);
	ks_prom_counter(out, "koshien_wire_received_bytes_total", "Bytes of UDP payload that came in.",
			&receiver->bytes);
	ks_prom_counter(out, "koshien_wire_received_frames_total", "Frames received whole.", &receiver->delivered);
	put_counter(out, "koshien_wire_repaired_frames_total", "Frames of which some data was lost and computed again.",
		    counts->repaired);
	put_counter(out, "koshien_wire_lost_frames_total", "Frame numbers that were passed over.", counts->lost);
	put_counter(out, "koshien_wire_abandoned_frames_total", "Frames begun and never completed.",
		    counts->abandoned);
	put_counter(out, "koshien_wire_refused_frames_total", "Frames that no source had signed.", counts->refused);
	ks_prom_gauge(out, "koshien_wire_assembly_bytes", "Memory for frames in assembly.",
		      (double)ks_assembler_memory(receiver->assembler));
	ks_prom_reasons(out, "koshien_wire_drops_total", "Datagrams that were not used, by reason.",
			receiver->drops + 1, ks_drop_names + 1, KS_DROPS - 1);
}
