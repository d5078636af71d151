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

/* Forgets what is over before `step`: no later load can meet it. */
static void forget(struct planner *planner, unsigned int step)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < planner->placed_count; i++)
		if (planner->buffers[planner->placed[i]].last >= step)
			planner->placed[kept++] = planner->placed[i];
	planner->placed_count = kept;
}

struct order {
	unsigned int index, start;
	uint64_t bytes;
};

/* Largest first; ties in the order given. */
static int compare_bytes(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int compare_starts(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* Everything that is no load. Returns the index of one without room, or -1. */
static int place_fixed(struct planner *planner, struct order *fixed, unsigned int count)
{
	qsort(fixed, count, sizeof(*fixed), compare_bytes);
	for (unsigned int i = 0; i < count; i++) {
		const struct plan_buffer *buffer = &planner->buffers[fixed[i].index];
		uint64_t address;

		if (!find_room(planner, buffer->bytes, buffer->first, buffer->last, &address))
			return (int)fixed[i].index;
		place(planner, fixed[i].index, buffer->first, address);
	}
	return -1;
}

/*
 * The loads, in order. The planner holds only what can meet the load at hand:
 * what is over has been forgotten, what begins behind it is not yet there.
 */
static int place_loads(struct planner *planner, unsigned int count, struct order *fixed,
		       unsigned int fixed_count)
{
	unsigned int from = 0, next = 0;

	qsort(fixed, fixed_count, sizeof(*fixed), compare_starts);
	planner->placed_count = 0;
	for (unsigned int i = 0; i < count; i++) {
		struct plan_buffer *buffer = &planner->buffers[i];

		if (!buffer->is_load)
			continue;
		for (; next < fixed_count && fixed[next].start <= buffer->last; next++)
			place(planner, fixed[next].index, fixed[next].start,
			      planner->buffers[fixed[next].index].address);
		if (buffer->earliest > from)
			from = buffer->earliest;
		if (from > buffer->first)
			from = buffer->first;
		if (!place_load(planner, i, from))
			return (int)i;
		if (buffer->start > from)
			forget(planner, from = buffer->start);
	}
	return -1;
}

/* Greedy: what is no load by size, then each load as early as it can be. */
static int place_greedily(struct planner *planner, unsigned int count, struct order *fixed)
{
	unsigned int fixed_count = 0;
	int failed;

	planner->placed_count = 0;
	for (unsigned int i = 0; i < count; i++)
		if (!planner->buffers[i].is_load)
			fixed[fixed_count++] = (struct order){ i, planner->buffers[i].first,
							       planner->buffers[i].bytes };
	failed = place_fixed(planner, fixed, fixed_count);
	return failed < 0 ? place_loads(planner, count, fixed, fixed_count) : failed;
}

/*
 * The loads as early as they can be among what has its place; where that leaves one
 * of them without room, as late as they can be, where the search has put them.
 */
static void advance_loads(struct planner *planner, unsigned int count, struct order *fixed,
			  const uint64_t *addresses)
{
	unsigned int fixed_count = 0;

	for (unsigned int i = 0; i < count; i++) {
		planner->buffers[i].address = addresses[i];
		planner->buffers[i].start = planner->buffers[i].first;
		if (!planner->buffers[i].is_load)
			fixed[fixed_count++] = (struct order){ i, planner->buffers[i].first,
							       planner->buffers[i].bytes };
	}
	if (place_loads(planner, count, fixed, fixed_count) < 0)
		return;
	for (unsigned int i = 0; i < count; i++) {
		planner->buffers[i].address = addresses[i];
		planner->buffers[i].start = planner->buffers[i].first;
	}
}

static uint64_t highest_end(const struct plan_buffer *buffers, unsigned int count)
{
	uint64_t highest = 0;

	for (unsigned int i = 0; i < count; i++)
		if (buffers[i].address + buffers[i].bytes > highest)
			highest = buffers[i].address + buffers[i].bytes;
	return highest;
}

int plan_place(struct plan_buffer *buffers, unsigned int count, uint64_t sram_bytes,
	       uint64_t *peak, uint64_t *bound)
{
	struct planner planner = { .buffers = buffers, .sram_bytes = sram_bytes };
	struct order *fixed = calloc(count + 1, sizeof(*fixed));
	uint64_t *addresses = calloc(count + 1, sizeof(*addresses));
	int failed = (int)count;

	planner.placed = calloc(count + 1, sizeof(*planner.placed));
	if (fixed && addresses && planner.placed && !plan_bound(buffers, count, bound)) {
		failed = place_greedily(&planner, count, fixed);
		/* Only in pieces, as it were: another order may have no gaps. */
		if (failed >= 0 && *bound <= sram_bytes) {
			int ret = plan_search(buffers, count, sram_bytes, addresses);

			if (ret < 0)
				failed = (int)count;
			if (ret > 0) {
				advance_loads(&planner, count, fixed, addresses);
				failed = -1;
			}
		}
	}
	*peak = failed < 0 ? highest_end(buffers, count) : 0;
	free(fixed);
	free(addresses);
	free(planner.placed);
	return failed;
}
