/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/counts.h"

#include "lib/base/clock.h"

static const char *const own_names[] = { "flagged", "short", "unreadable", "encoder", "colours" };

const char *ks_refusal_name(enum ks_refusal refusal)
{
	_Static_assert(sizeof(own_names) / sizeof(own_names[0]) == KS_REFUSALS - KS_JPEG_FAULTS, "a name for each");

	return (int)refusal < (int)KS_JPEG_FAULTS ? ks_jpeg_fault_names[refusal] : own_names[refusal - KS_JPEG_FAULTS];
}

void ks_capture_counts_metrics(const struct ks_capture_counts *counts, FILE *out)
{
	const char *names[KS_REFUSALS];

	for (int i = 0; i < (int)KS_REFUSALS; i++)
		names[i] = ks_refusal_name((enum ks_refusal)i);
	ks_prom_counter(out, "koshien_capture_frames_total", "Pictures of the source, signed and sent.",
			&counts->frames);
	ks_prom_counter(out, "koshien_capture_placeholders_total", "Placeholder pictures, signed and sent.",
			&counts->placeholders);
	/* The first name is that of a good picture, which is never dropped. */
	ks_prom_reasons(out, "koshien_capture_dropped_total", "Pictures of the source that could not be used.",
			counts->dropped + 1, names + 1, KS_REFUSALS - 1);
	ks_prom_counter(out, "koshien_capture_superseded_total",
			"Pictures that a newer one replaced before their turn.", &counts->superseded);
	ks_prom_counter(out, "koshien_capture_late_total", "Periods missed because this machine was busy.",
			&counts->late);
	ks_prom_family(out, "koshien_capture_encode_seconds_total", "counter",
		       "Time spent decoding, scaling and encoding pictures.");
	ks_prom_sample(out, "koshien_capture_encode_seconds_total",
		       (double)ks_counted(&counts->encode_us) / (double)KS_US_PER_S, NULL);
	ks_prom_reasons(out, "koshien_capture_outages_total", "Outages of the source, by what began them.",
			counts->faults + 1, ks_fault_names + 1, KS_FAULTS - 1);
}
