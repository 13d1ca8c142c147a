/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/net/flight.h"

#include <stdlib.h>
#include <string.h>

void flight_free(struct flight *flight)
{
	for (size_t i = 0; i < flight->n; i++)
		free(flight->heap[i].packet);
	free(flight->heap);
	*flight = (struct flight) { 0 };
}

static bool sooner(const struct flight_entry *a, const struct flight_entry *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static bool make_room(struct flight *flight)
{
	size_t room = flight->room == 0 ? 1024 : flight->room * 2;
	struct flight_entry *heap;

	if (flight->n < flight->room)
		return true;
	heap = reallocarray(flight->heap, room, sizeof(*heap));
	if (heap == NULL)
		return false;
	flight->heap = heap;
	flight->room = room;
	return true;
}

bool flight_add(struct flight *flight, int direction, const uint8_t *bytes, size_t len, int64_t at_ns)
{
	struct flight_entry entry = { .at_ns = at_ns, .order = flight->order };
	size_t at;

	if (flight->bytes + len > FLIGHT_BYTES_MAX || !make_room(flight))
		return false;
	entry.packet = malloc(sizeof(*entry.packet) + len);
	if (entry.packet == NULL)
		return false;
	entry.packet->len = len;
	entry.packet->direction = direction;
	memcpy(entry.packet->bytes, bytes, len);
	flight->order++;
	flight->bytes += len;
	for (at = flight->n++; at > 0 && sooner(&entry, &flight->heap[(at - 1) / 2]); at = (at - 1) / 2)
		flight->heap[at] = flight->heap[(at - 1) / 2];
	flight->heap[at] = entry;
	return true;
}

int64_t flight_next_ns(const struct flight *flight)
{
	return flight->n > 0 ? flight->heap[0].at_ns : INT64_MAX;
}

struct flight_packet *flight_take(struct flight *flight)
{
	struct flight_packet *packet;
	struct flight_entry last;
	size_t at = 0, child;

	if (flight->n == 0)
		return NULL;
	packet = flight->heap[0].packet;
	flight->bytes -= packet->len;
	last = flight->heap[--flight->n];
	while ((child = at * 2 + 1) < flight->n) {
		if (child + 1 < flight->n && sooner(&flight->heap[child + 1], &flight->heap[child]))
			child++;
		if (!sooner(&flight->heap[child], &last))
			break;
		flight->heap[at] = flight->heap[child];
		at = child;
	}
	if (flight->n > 0)
		flight->heap[at] = last;
	return packet;
}
