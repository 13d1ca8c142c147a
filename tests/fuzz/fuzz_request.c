/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mod_sentry/pump/request.h"

static void need(bool true_)
{
	if (!true_)
		abort();
}

static bool within(struct ks_span part, struct ks_span whole)
{
	return part.at >= whole.at && part.len <= whole.len && part.at - whole.at <= (ptrdiff_t)(whole.len - part.len);
}

/* What request.h promises of a head that was taken. */
static void check_plain(const struct ks_request_head *head)
{
	struct ks_request_head again;

	need(within(head->target, head->whole) && head->target.len > 0 && head->target.at[0] == '/');
	need(head->http10 || head->host.len > 0);
	need(head->host.at == NULL || within(head->host, head->whole));
	need(head->if_none_match.at == NULL || within(head->if_none_match, head->whole));
	need(head->whole.len <= (KS_REQUEST_LINE_MAX + 2) * (KS_REQUEST_FIELDS_MAX + 2));
	need(memchr(head->whole.at, '\0', head->whole.len) == NULL);
	need(memcmp(head->whole.at + head->whole.len - 4, "\r\n\r\n", 4) == 0);
	/* Alone, and without its last byte. */
	need(ks_request_read(head->whole.at, head->whole.len, &again) == KS_REQUEST_PLAIN);
	need(memcmp(head, &again, sizeof(again)) == 0);
	need(ks_request_read(head->whole.at, head->whole.len - 1, &again) == KS_REQUEST_PARTIAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* As the pump reads a connection: one head after the other. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *at = (const char *)bytes;

	while (len > 0) {
		struct ks_request_head head;
		enum ks_request_kind kind = ks_request_read(at, len, &head);

		size_t length = ks_request_length(at, len);

		need(kind != KS_REQUEST_PARTIAL || length == 0);
		if (kind == KS_REQUEST_PARTIAL)
			break;
		need(kind != KS_REQUEST_PLAIN || length == head.whole.len);
		need(length == 0 || length >= head.whole.len);
		need(length == ks_request_length(at, head.whole.len));
		need(head.whole.at == at && head.whole.len > 0 && head.whole.len <= len);
		if (kind == KS_REQUEST_PLAIN)
			check_plain(&head);
		at += head.whole.len;
		len -= head.whole.len;
	}
	return 0;
}
