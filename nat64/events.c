/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/events.h"

#include <inttypes.h>

#include "nat64/describe.h"

/* As RFC 4291, sections 2.5.6 and 2.7, and RFC 1112, section 4, have it. */
static bool is_own(const uint8_t *packet, size_t len)
{
	if (len >= 40 && packet[0] >> 4 == 6)
		return packet[24] == 0xff || (packet[8] == 0xfe && (packet[9] & 0xc0) == 0x80);
	return len >= 20 && packet[0] >> 4 == 4 && packet[16] >> 4 == 0xe;
}

static bool may_say(struct ks_events *events, int64_t mono_us, enum ks_xlat_drop why, uint64_t *held)
{
	if (why != KS_XLAT_ZERO_UDP && why != KS_XLAT_ZERO_UDP_FRAGMENT)
		return ks_log_gate(&events->gates[why], mono_us, held);
	if (!ks_bucket_take(&events->zero_udp, mono_us, KS_EVENTS_EACH_US, KS_EVENTS_BURST)) {
		events->zero_udp_held++;
		return false;
	}
	*held = events->zero_udp_held;
	events->zero_udp_held = 0;
	return true;
}

void ks_events_drop(struct ks_events *events, int64_t mono_us, enum ks_xlat_drop why, const uint8_t *packet, size_t len)
{
	char text[KS_DESCRIBE_MAX];
	bool own = is_own(packet, len);
	uint64_t held;

	/* A gate apart: what is not shown must not keep back what is. */
	if (own ? ks_log_gate(&events->own_gate, mono_us, &held) : may_say(events, mono_us, why, &held))
		ks_log(own ? KS_LOG_DEBUG : KS_LOG_INFO, "nat64", "dropped (%s): %s: %s (%" PRIu64 " more before)",
		       ks_xlat_drop_names[why], ks_describe(text, packet, len), ks_xlat_drop_help[why], held);
}
