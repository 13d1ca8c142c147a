/* SPDX-License-Identifier: Apache-2.0
 *
 * One line of log has a level, a token that names the subsystem ("wire", "v4l2", …), and a text. Where
 * it goes is decided by the one sink of the process: standard error by default, httpd's error log in
 * mod_sentry, a buffer in tests. The sink and the level are set once at start, before any thread.
 */
#ifndef KS_BASE_LOG_H
#define KS_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum ks_log_level { KS_LOG_ERROR, KS_LOG_WARN, KS_LOG_INFO, KS_LOG_DEBUG };

/* `text` has no newline and lives only during the call. A sink may be called from any thread. */
typedef void ks_log_sink(void *ctx, enum ks_log_level level, const char *token, const char *text);

/* NULL puts standard error back. */
void ks_log_set_sink(ks_log_sink *sink, void *ctx);

/* Lines above `level` are dropped. `debug_tokens` (NULL: all) is a comma list; debug lines of other
 * tokens are dropped too. The string must outlive the process's logging. */
void ks_log_set_level(enum ks_log_level level, const char *debug_tokens);

/* "error", "warn", "info", "debug"; returns -1 for anything else. */
int ks_log_level_parse(const char *text);

void ks_log(enum ks_log_level level, const char *token, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define ks_error(token, ...) ks_log(KS_LOG_ERROR, token, __VA_ARGS__)
#define ks_warn(token, ...) ks_log(KS_LOG_WARN, token, __VA_ARGS__)
#define ks_info(token, ...) ks_log(KS_LOG_INFO, token, __VA_ARGS__)
#define ks_debug(token, ...) ks_log(KS_LOG_DEBUG, token, __VA_ARGS__)

/* What a stranger can provoke is logged at most once in KS_LOG_GATE_US per gate. A zeroed gate is
 * open. ks_log_gate() returns true when a line may be written now, and how many were kept back since
 * the last one in *held (may be NULL). Not thread-safe; give each thread its own gate. */
#define KS_LOG_GATE_US (INT64_C(60) * 1000 * 1000)

struct ks_log_gate {
	int64_t open_at_us;
	uint64_t held;
};

bool ks_log_gate(struct ks_log_gate *gate, int64_t mono_us, uint64_t *held);

#endif
