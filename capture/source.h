/* SPDX-License-Identifier: Apache-2.0
 *
 * Where pictures come from. A source is opened, asked for its newest picture once per period, and closed;
 * what goes wrong has a name and a sentence. Between the questions a source works by events of its own on
 * the loop. One thread, that of the loop.
 */
#ifndef KS_CAPTURE_SOURCE_H
#define KS_CAPTURE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/picture.h"
#include "lib/base/clock.h"
#include "lib/base/settings.h"
#include "lib/frame/id.h"

struct event_base;
struct ks_capture_counts;
struct ks_v4l2_ops;

enum ks_fault {
	KS_FAULT_NONE,
	KS_FAULT_NO_DEVICE,	/* not there, or unplugged */
	KS_FAULT_BUSY,		/* another program has it */
	KS_FAULT_DENIED,	/* no permission */
	KS_FAULT_NO_CAMERA,	/* there, but cannot capture pictures */
	KS_FAULT_NO_SIGNAL,	/* nothing on the cable */
	KS_FAULT_NO_SYNC,	/* a signal that the device cannot lock on */
	KS_FAULT_NO_FORMAT,	/* none of the formats in the setting */
	KS_FAULT_TIMEOUT,	/* open, but no picture comes */
	KS_FAULT_CHANGED,	/* the signal changed its size; it is opened again */
	KS_FAULT_ENDED,		/* end of the stream */
	KS_FAULT_BROKEN,	/* pictures come, and none of them can be used */
	KS_FAULT_EMPTY,		/* a folder without pictures */
	KS_FAULT_IO,		/* whatever else the system said */
	KS_FAULT_LEFT_OUT,	/* this build has no support for it */
	KS_FAULTS
};

extern const char *const ks_fault_names[KS_FAULTS];	/* labels: "no-signal" */
extern const char *const ks_fault_titles[KS_FAULTS];	/* for people: "no signal" */

struct ks_source_settings {
	const char *spec;	/* "test", "v4l2:/dev/video0", "pipe:-", "dir:/path" */
	const char *channel;
	int width, height;	/* wanted; the test card obeys, a camera may not */
	const struct ks_list *formats;	/* names, best first; empty: the default order */
	int64_t device_timeout_ms;
	int64_t period_ms;
	bool dir_once;
	bool pipe_live;		/* take the newest picture of a pipe however fast they come */
};

/* The instant for which a picture is asked, and the id that it will get. */
struct ks_tick {
	int64_t wall_us, mono_us;
	struct ks_frame_id id;
};

#define KS_WHY_MAX 200

struct ks_source;

struct ks_source_ops {
	/* KS_EOK, or an error with ks_source_fault() set. */
	int (*open)(struct ks_source *source);
	/* KS_EOK and the newest picture that was not handed over yet; KS_ENODATA: none yet; KS_EEND: all were
	 * handed over, and that was the task; another error with ks_source_fault() set. */
	int (*next)(struct ks_source *source, const struct ks_tick *tick, struct ks_picture *picture);
	void (*close)(struct ks_source *source);	/* also after a failed open, and twice */
	void (*free)(struct ks_source *source);
	bool patient;	/* silence is not cured by closing it and opening it again */
};

struct ks_source {
	const struct ks_source_ops *ops;
	struct ks_source_settings settings;	/* borrowed texts: they outlive the source */
	struct event_base *base;
	const struct ks_clock *clock;
	struct ks_capture_counts *counts;
	enum ks_fault fault;
	char why[KS_WHY_MAX];	/* a sentence that names the device and says what to do; ASCII */
	/* Called from the loop when an open source fails between two questions. Set by the owner. */
	void (*failed)(void *ctx);
	void *failed_ctx;
};

/* For the settings table: NULL, or what was expected. */
const char *ks_source_expected(const char *spec);

/* The spec must be one that ks_source_expected() takes. KS_EOK or -ENOMEM. */
int ks_source_new(struct ks_source **source, const struct ks_source_settings *settings, struct event_base *base,
		  const struct ks_clock *clock, struct ks_capture_counts *counts);
void ks_source_free(struct ks_source *source);

static inline int ks_source_open(struct ks_source *source)
{
	return source->ops->open(source);
}

static inline int ks_source_next(struct ks_source *source, const struct ks_tick *tick, struct ks_picture *picture)
{
	return source->ops->next(source, tick, picture);
}

static inline void ks_source_close(struct ks_source *source)
{
	source->ops->close(source);
}

/* For the implementations: sets the fault and its sentence. Returns KS_EGONE, for `return`. */
int ks_source_fault(struct ks_source *source, enum ks_fault fault, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same from an event: also tells the owner, after which the source may have been closed. */
void ks_source_failed(struct ks_source *source, enum ks_fault fault, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* One maker per kind; `where` is what stands after the colon, "" when nothing does. NULL: out of memory. */
struct ks_source *ks_source_test_new(const struct ks_source_settings *settings);
struct ks_source *ks_source_dir_new(const char *where);
struct ks_source *ks_source_pipe_new(const char *where);
/* `devices` (NULL: the system's) does the calls to the device. */
struct ks_source *ks_source_v4l2_new(const char *where, const struct ks_v4l2_ops *devices);

#endif
