// SPDX-License-Identifier: MIT
/*
 * Addresses where placing by size leaves gaps. In whatever way buffers can lie, placing
 * them by rising address, each as low as it goes, finds such a way too: so the search is
 * for an order. Exact where there are few, then by moving what finds no room forward.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

/* Partial orders of the exact search; bounds its time. */
#define NODES_MAX 20000
/* Buffers that it takes. */
#define EXACT_MAX 24
/* Work of the inexact one: comparisons of two buffers. */
#define COMPARISONS_MAX (8u << 20)

struct plan_order {
	const struct plan_buffer *buffers;
	unsigned int count;
	uint64_t sram_bytes;
	uint64_t *addresses;
	/* Placed ones by rising address. */
	unsigned int *placed;
	unsigned int placed_count;
	unsigned int nodes;
};

static uint64_t aligned(uint64_t bytes)
{
	return (bytes + PLAN_ALIGNMENT - 1) & ~(uint64_t)(PLAN_ALIGNMENT - 1);
}

static bool lives_meet(const struct plan_buffer *a, const struct plan_buffer *b)
{
	return a->first <= b->last && b->first <= a->last;
}

/* Puts a buffer as low as it goes; false where that is too high. */
static bool place_lowest(struct plan_order *order, unsigned int index)
{
	const struct plan_buffer *buffer = &order->buffers[index];
	uint64_t at = 0, bytes = aligned(buffer->bytes);
	unsigned int i;

	for (i = 0; i < order->placed_count; i++) {
		unsigned int other = order->placed[i];
		uint64_t end = order->addresses[other] + aligned(order->buffers[other].bytes);

		if (!lives_meet(buffer, &order->buffers[other]) || end <= at)
			continue;
		if (order->addresses[other] >= at + bytes)
			break;
		at = end;
	}
	if (at + buffer->bytes > order->sram_bytes)
		return false;
	order->addresses[index] = at;
	for (i = order->placed_count++; i && order->addresses[order->placed[i - 1]] > at; i--)
		order->placed[i] = order->placed[i - 1];
	order->placed[i] = index;
	return true;
}

static void take_away(struct plan_order *order, unsigned int index)
{
	unsigned int i = 0;

	while (order->placed[i] != index)
		i++;
	order->placed_count--;
	memmove(&order->placed[i], &order->placed[i + 1],
		(order->placed_count - i) * sizeof(*order->placed));
}

/* Whether the buffers that are not in `done` can be added. */
static bool add_rest(struct plan_order *order, uint32_t done)
{
	if (order->placed_count == order->count)
		return true;
	if (++order->nodes > NODES_MAX)
		return false;
	/* What finds no room now finds none when there is more. */
	for (unsigned int i = 0; i < order->count; i++) {
		if (done >> i & 1)
			continue;
		if (!place_lowest(order, i))
			return false;
		take_away(order, i);
	}
	for (unsigned int i = 0; i < order->count; i++) {
		if (done >> i & 1)
			continue;
		place_lowest(order, i);
		if (add_rest(order, done | 1u << i))
			return true;
		take_away(order, i);
	}
	return false;
}

/* The same numbers every time. */
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Places in this order as far as it goes; the position of the one without room, or count. */
static unsigned int place_sequence(struct plan_order *order, const unsigned int *sequence)
{
	unsigned int i;

	order->placed_count = 0;
	for (i = 0; i < order->count && place_lowest(order, sequence[i]); i++)
		;
	return i;
}

static void move_forward(unsigned int *sequence, unsigned int from, unsigned int to)
{
	unsigned int index = sequence[from];

	memmove(&sequence[to + 1], &sequence[to], (from - to) * sizeof(*sequence));
	sequence[to] = index;
}

/* Moves what finds no room before one that is in its way, until all find some. */
static bool climb(struct plan_order *order, unsigned int *sequence)
{
	uint64_t comparisons = (uint64_t)order->count * order->count + 1;
	unsigned int rounds = (unsigned int)(COMPARISONS_MAX / comparisons) + 1;
	uint32_t random = 1;

	for (unsigned int round = 0; round < rounds; round++) {
		unsigned int at = place_sequence(order, sequence), ways = 0, chosen = 0;

		if (at == order->count)
			return true;
		for (unsigned int i = 0; i < at; i++)
			if (lives_meet(&order->buffers[sequence[i]], &order->buffers[sequence[at]]) &&
			    next_random(&random) % ++ways == 0)
				chosen = i;
		move_forward(sequence, at, chosen);
	}
	return false;
}

static int compare_sizes(const void *a, const void *b)
{
	const struct plan_buffer *x = *(const struct plan_buffer *const *)a;
	const struct plan_buffer *y = *(const struct plan_buffer *const *)b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int by_size(const struct plan_order *order, unsigned int *sequence)
{
	const struct plan_buffer **sorted = calloc(order->count + 1, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (unsigned int i = 0; i < order->count; i++)
		sorted[i] = &order->buffers[i];
	qsort(sorted, order->count, sizeof(*sorted), compare_sizes);
	for (unsigned int i = 0; i < order->count; i++)
		sequence[i] = (unsigned int)(sorted[i] - order->buffers);
	free(sorted);
	return 0;
}

int plan_search(const struct plan_buffer *buffers, unsigned int count, uint64_t sram_bytes,
		uint64_t *addresses)
{
	struct plan_order order = {
		.buffers = buffers, .count = count, .sram_bytes = sram_bytes,
		.addresses = addresses,
	};
	unsigned int *sequence = calloc(count + 1, sizeof(*sequence));
	int ret = -ENOMEM;

	order.placed = calloc(count + 1, sizeof(*order.placed));
	if (sequence && order.placed)
		ret = by_size(&order, sequence);
	if (!ret)
		ret = climb(&order, sequence);
	if (!ret && count <= EXACT_MAX) {
		order.placed_count = 0;
		ret = add_rest(&order, 0);
	}
	free(sequence);
	free(order.placed);
	return ret;
}

int plan_bound(const struct plan_buffer *buffers, unsigned int count, uint64_t *bound)
{
	unsigned int steps = 0;
	uint64_t *change, live = 0;

	*bound = 0;
	for (unsigned int i = 0; i < count; i++)
		if (buffers[i].last >= steps)
			steps = buffers[i].last + 1;
	change = calloc((size_t)steps + 1, sizeof(*change));
	if (!change)
		return -ENOMEM;
	for (unsigned int i = 0; i < count; i++) {
		change[buffers[i].first] += aligned(buffers[i].bytes);
		change[buffers[i].last + 1] -= aligned(buffers[i].bytes);
	}
	for (unsigned int s = 0; s < steps; s++) {
		live += change[s];
		if (live > *bound)
			*bound = live;
	}
	free(change);
	return 0;
}
