/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "lib/base/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>

static void put_escaped(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n') {
			fputs("\\n", out);
			continue;
		}
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
}

/* Whole numbers are written as such, so that counters stay exact and readable. */
static void put_value(FILE *out, double value)
{
	if (value == floor(value) && fabs(value) < 9007199254740992.0)
		fprintf(out, "%" PRId64 "\n", (int64_t)value);
	else if (isfinite(value))
		fprintf(out, "%.6f\n", value);
	else
		fprintf(out, "%s\n", isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
}

void ks_prom_family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void ks_prom_sample(FILE *out, const char *name, double value, ...)
{
	const char *separator = "{";
	va_list labels;

	fputs(name, out);
	va_start(labels, value);
	for (const char *label; (label = va_arg(labels, const char *)) != NULL; separator = ",") {
		fprintf(out, "%s%s=\"", separator, label);
		put_escaped(out, va_arg(labels, const char *));
		fputc('"', out);
	}
	va_end(labels);
	fputs(*separator == ',' ? "} " : " ", out);
	put_value(out, value);
}

void ks_prom_counter(FILE *out, const char *name, const char *help, const ks_counter *counter)
{
	ks_prom_family(out, name, "counter", help);
	ks_prom_sample(out, name, (double)ks_counted(counter), NULL);
}

void ks_prom_gauge(FILE *out, const char *name, const char *help, double value)
{
	ks_prom_family(out, name, "gauge", help);
	ks_prom_sample(out, name, value, NULL);
}

void ks_prom_reasons(FILE *out, const char *name, const char *help, const ks_counter *counters,
		     const char *const *names, size_t n)
{
	ks_prom_family(out, name, "counter", help);
	for (size_t i = 0; i < n; i++)
		ks_prom_sample(out, name, (double)ks_counted(&counters[i]), "reason", names[i], NULL);
}

void ks_prom_build_info(FILE *out, const char *program)
{
	ks_prom_family(out, "koshien_build_info", "gauge", "Which program and version this is.");
	ks_prom_sample(out, "koshien_build_info", 1, "program", program, "version", PACKAGE_VERSION, NULL);
}
