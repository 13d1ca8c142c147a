/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/source.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"

const char *const ks_fault_names[KS_FAULTS] = {
	"none", "no-device", "busy", "denied", "no-camera", "no-signal", "no-sync", "no-format", "timeout", "changed",
	"ended", "broken", "empty", "io", "left-out",
};

const char *const ks_fault_titles[KS_FAULTS] = {
	"no fault", "no device", "device busy", "no permission", "not a camera", "no signal", "no sync",
	"no format", "no picture", "signal changed", "stream ended", "broken pictures", "no pictures", "device error",
	"not in this build",
};

int ks_source_fault(struct ks_source *source, enum ks_fault fault, const char *format, ...)
{
	va_list ap;

	source->fault = fault;
	va_start(ap, format);
	vsnprintf(source->why, sizeof(source->why), format, ap);
	va_end(ap);
	return KS_EGONE;
}

void ks_source_failed(struct ks_source *source, enum ks_fault fault, const char *format, ...)
{
	va_list ap;

	source->fault = fault;
	va_start(ap, format);
	vsnprintf(source->why, sizeof(source->why), format, ap);
	va_end(ap);
	if (source->failed != NULL)
		source->failed(source->failed_ctx);
}

/* What stands after "kind:" ("" after a bare "kind"), or NULL when spec is of another kind. */
static const char *where_of(const char *spec, const char *kind)
{
	size_t len = strlen(kind);

	if (strncmp(spec, kind, len) != 0)
		return NULL;
	return spec[len] == ':' ? spec + len + 1 : spec[len] == '\0' ? spec + len : NULL;
}

const char *ks_source_expected(const char *spec)
{
	const char *where;

	if (strcmp(spec, "test") == 0 || where_of(spec, "v4l2") != NULL)
		return NULL;
	where = where_of(spec, "pipe");
	if (where == NULL)
		where = where_of(spec, "dir");
	if (where != NULL && *where != '\0')
		return NULL;
	return "test, v4l2:DEVICE, pipe:-, pipe:FIFO or dir:FOLDER";
}

static struct ks_source *make(const struct ks_source_settings *settings)
{
	const char *where;

	if ((where = where_of(settings->spec, "v4l2")) != NULL)
		return ks_source_v4l2_new(where, NULL);
	if ((where = where_of(settings->spec, "pipe")) != NULL)
		return ks_source_pipe_new(where);
	if ((where = where_of(settings->spec, "dir")) != NULL)
		return ks_source_dir_new(where);
	return ks_source_test_new(settings);
}

int ks_source_new(struct ks_source **out, const struct ks_source_settings *settings, struct event_base *base,
		  const struct ks_clock *clock, struct ks_capture_counts *counts)
{
	struct ks_source *source = make(settings);

	if (source == NULL)
		return -ENOMEM;
	source->settings = *settings;
	source->base = base;
	source->clock = clock;
	source->counts = counts;
	*out = source;
	return KS_EOK;
}

void ks_source_free(struct ks_source *source)
{
	if (source == NULL)
		return;
	source->ops->close(source);
	source->ops->free(source);
}
