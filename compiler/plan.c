// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "plan.h"

struct planner {
	struct plan_buffer *buffers;
	/* Indices of placed buffers by rising address. */
	unsigned int *placed;
	unsigned int placed_count;
	uint64_t sram_bytes;
};

static uint64_t aligned(uint64_t bytes)
{
	return (bytes + PLAN_ALIGNMENT - 1) & ~(uint64_t)(PLAN_ALIGNMENT - 1);
}

/* Lowest address that is free in all of [start, last]; false when there is none. */
static bool find_room(const struct planner *planner, uint64_t bytes, unsigned int start,
		      unsigned int last, uint64_t *address)
{
	uint64_t at = 0;

	for (unsigned int i = 0; i < planner->placed_count; i++) {
		const struct plan_buffer *other = &planner->buffers[planner->placed[i]];

		if (other->start > last || other->last < start ||
		    other->address + aligned(other->bytes) <= at)
			continue;
		if (other->address >= at + aligned(bytes))
			break;
		at = other->address + aligned(other->bytes);
	}
	*address = at;
	return at + bytes <= planner->sram_bytes;
}

static void place(struct planner *planner, unsigned int index, unsigned int start,
		  uint64_t address)
{
	unsigned int at = planner->placed_count++;

	planner->buffers[index].start = start;
	planner->buffers[index].address = address;
	for (; at && planner->buffers[planner->placed[at - 1]].address > address; at--)
		planner->placed[at] = planner->placed[at - 1];
	planner->placed[at] = index;
}

/* The earliest start with room: room at a step means room at every later one. */
static bool place_load(struct planner *planner, unsigned int index, unsigned int from)
{
	const struct plan_buffer *buffer = &planner->buffers[index];
	unsigned int low = from, high = buffer->first;
	uint64_t address;

	if (!find_room(planner, buffer->bytes, high, buffer->last, &address))
		return false;
	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (find_room(planner, buffer->bytes, middle, buffer->last, &address))
			high = middle;
		else
			low = middle + 1;
	}
	find_room(planner, buffer->bytes, high, buffer->last, &address);
	place(planner, index, high, address);
	return true;
}

/* The largest unplaced buffer that is no load; ties in the order given. */
static int next_fixed(const struct planner *planner, unsigned int count, const bool *done)
{
	int best = -1;

	for (unsigned int i = 0; i < count; i++)
		if (!done[i] && !planner->buffers[i].is_load &&
		    (best < 0 || planner->buffers[i].bytes > planner->buffers[best].bytes))
			best = (int)i;
	return best;
}

int plan_place(struct plan_buffer *buffers, unsigned int count, uint64_t sram_bytes,
	       uint64_t *peak)
{
	struct planner planner = { .buffers = buffers, .sram_bytes = sram_bytes };
	bool *done = calloc(count + 1, sizeof(*done));
	unsigned int from = 0;
	int failed = -1, index;

	planner.placed = calloc(count + 1, sizeof(*planner.placed));
	if (!done || !planner.placed) {
		failed = (int)count;
		goto out;
	}
	while (failed < 0 && (index = next_fixed(&planner, count, done)) >= 0) {
		struct plan_buffer *buffer = &buffers[index];
		uint64_t address;

		done[index] = true;
		if (find_room(&planner, buffer->bytes, buffer->first, buffer->last, &address))
			place(&planner, (unsigned int)index, buffer->first, address);
		else
			failed = index;
	}
	for (unsigned int i = 0; i < count && failed < 0; i++) {
		if (!buffers[i].is_load)
			continue;
		if (buffers[i].earliest > from)
			from = buffers[i].earliest;
		if (from > buffers[i].first)
			from = buffers[i].first;
		if (!place_load(&planner, i, from))
			failed = (int)i;
		else
			from = buffers[i].start;
	}
	*peak = 0;
	for (unsigned int i = 0; i < count && failed < 0; i++)
		if (buffers[i].address + buffers[i].bytes > *peak)
			*peak = buffers[i].address + buffers[i].bytes;
out:
	free(done);
	free(planner.placed);
	return failed;
}
