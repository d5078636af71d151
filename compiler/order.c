// SPDX-License-Identifier: MIT
/*
 * The search goes level by level through the sets of operators that can have been done,
 * one operator more in each. What lies in the SRAM behind a set does not depend on the
 * order in which it was done, so that of all orders of a set the best is enough. As long
 * as no level has more than LEVEL_SETS of them the result is exact; else each level
 * keeps the best.
 */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "order.h"

#define LEVEL_SETS 96
#define WORD_BITS 64
#define SET_WORDS (ORDER_OPERATORS / WORD_BITS)
/* A byte beyond the SRAM goes to memory and comes back. */
#define EXCESS_FACTOR 64

/* Operators, or the storages that they write, by number from the segment's first. */
struct set {
	uint64_t words[SET_WORDS];
};

/* An operator as far as its order matters. */
struct unit {
	struct set before;
	/* What it reads, by way of views too, and which operators read what it writes. */
	struct set reads, readers;
	/* That it writes; 0: a view, or nothing. */
	uint64_t bytes;
	/* It takes no time and no room: it comes as soon as it can. */
	bool is_free;
};

struct order_units {
	unsigned int count, words;
	/* Those that are free. */
	unsigned int *free, free_count;
	struct unit units[];
};

/* A set of operators that have been done, in the best order. */
struct state {
	struct set done;
	uint64_t live, peak, area;
	unsigned int parent, unit;
	uint64_t rank;
};

enum objective { LEAST_PEAK, LEAST_EXCESS };

static bool set_has(const struct set *set, unsigned int i)
{
	return set->words[i / WORD_BITS] >> i % WORD_BITS & 1;
}

static void set_add(struct set *set, unsigned int i)
{
	set->words[i / WORD_BITS] |= 1ull << i % WORD_BITS;
}

static void set_join(struct set *set, const struct set *other, unsigned int words)
{
	for (unsigned int w = 0; w < words; w++)
		set->words[w] |= other->words[w];
}

static bool set_covers(const struct set *set, const struct set *other, unsigned int words)
{
	for (unsigned int w = 0; w < words; w++)
		if (other->words[w] & ~set->words[w])
			return false;
	return true;
}

/* Whether what it writes lies where what it reads lies, or is put together there. */
static bool is_view(const struct ir_graph *graph, const struct ir_operator *op)
{
	return ir_is_move(graph, op) && op->kind != IR_PAD && op->kind != IR_MIRROR_PAD;
}

/* `storages` gets, for each tensor, the operators whose results it shows. */
static void find_units(const struct order_list *list, struct set *storages, int *writer)
{
	const struct ir_graph *graph = list->graph;
	struct order_units *units = list->units;

	for (unsigned int t = 0; t < graph->tensor_count; t++)
		writer[t] = -1;
	for (unsigned int u = 0; u < list->count; u++) {
		const struct ir_operator *op = &graph->operators[list->first + u];
		struct unit *unit = &units->units[u];

		unit->is_free = op->removed_reason || is_view(graph, op);
		if (unit->is_free)
			units->free[units->free_count++] = u;
		if (op->removed_reason)
			continue;
		for (unsigned int i = 0; i < op->input_count; i++) {
			int t = op->inputs[i];

			if (t < 0 || writer[t] < 0)
				continue;
			set_add(&unit->before, (unsigned int)writer[t]);
			set_join(&unit->reads, &storages[t], units->words);
		}
		for (unsigned int i = 0; i < op->output_count; i++) {
			int t = op->outputs[i];

			writer[t] = (int)u;
			if (unit->is_free) {
				storages[t] = unit->reads;
				continue;
			}
			set_add(&storages[t], u);
			unit->bytes += graph->tensors[t].bytes;
		}
		/* What lies in memory when it is first needed is there for the whole of it. */
		for (unsigned int r = 0; r < list->count && !unit->is_free; r++)
			if (set_has(&unit->reads, r))
				set_add(&units->units[r].readers, u);
	}
}

static bool is_ready(const struct order_units *units, const struct set *done, unsigned int u)
{
	return !set_has(done, u) && set_covers(done, &units->units[u].before, units->words);
}

/* The set with one more operator, and those that come for nothing then. */
static void state_step(const struct order_units *units, struct state *state, unsigned int u,
		       uint64_t sram_bytes)
{
	const struct unit *unit = &units->units[u];
	uint64_t live = state->live + unit->bytes;

	set_add(&state->done, u);
	state->unit = u;
	state->area += live;
	if (live > sram_bytes)
		state->area += EXCESS_FACTOR * (live - sram_bytes);
	if (live > state->peak)
		state->peak = live;
	for (unsigned int w = 0; w < units->words; w++)
		for (uint64_t reads = unit->reads.words[w]; reads; reads &= reads - 1) {
			const struct unit *read = &units->units[w * WORD_BITS +
						(unsigned int)__builtin_ctzll(reads)];

			if (set_covers(&state->done, &read->readers, units->words))
				live -= read->bytes;
		}
	if (set_covers(&state->done, &unit->readers, units->words))
		live -= unit->bytes;
	state->live = live;
}

/* Takes all operators that are free and can come; `order` may be NULL. */
static void take_free(const struct order_units *units, struct set *done, unsigned int *order,
		      unsigned int *count)
{
	unsigned int before;

	do {
		before = 0;
		for (unsigned int f = 0; f < units->free_count; f++) {
			unsigned int u = units->free[f];

			if (!is_ready(units, done, u))
				continue;
			set_add(done, u);
			before++;
			if (order)
				order[(*count)++] = u;
		}
	} while (before);
}

static bool is_better(const struct state *a, const struct state *b, enum objective objective)
{
	if (objective == LEAST_PEAK && a->peak != b->peak)
		return a->peak < b->peak;
	if (a->area != b->area)
		return a->area < b->area;
	return a->peak < b->peak;
}

/* Puts a state into its level; whether one had to be left out. */
static bool level_add(const struct order_units *units, struct state *level, unsigned int *count,
		      const struct state *state, enum objective objective)
{
	unsigned int at = 0, worst = 0;

	for (; at < *count; at++) {
		if (!memcmp(level[at].done.words, state->done.words,
			    units->words * sizeof(uint64_t)))
			break;
		if (is_better(&level[worst], &level[at], objective))
			worst = at;
	}
	if (at < *count) {
		if (is_better(state, &level[at], objective))
			level[at] = *state;
		return false;
	}
	if (*count < LEVEL_SETS) {
		level[(*count)++] = *state;
		return false;
	}
	if (is_better(state, &level[worst], objective))
		level[worst] = *state;
	return true;
}

/* Numbers of units that are not free, in the best order; whether all sets were seen. */
static int best_order(const struct order_list *list, enum objective objective,
		      uint64_t sram_bytes, unsigned int *chosen, unsigned int *steps, bool *exact)
{
	const struct order_units *units = list->units;
	struct state *states = calloc((size_t)(units->count + 1) * LEVEL_SETS, sizeof(*states));
	unsigned int *counts = calloc(units->count + 2, sizeof(*counts)), level = 0, best = 0;

	if (!states || !counts) {
		free(states);
		free(counts);
		return error_memory(list->graph->error);
	}
	take_free(units, &states[0].done, NULL, NULL);
	counts[0] = 1;
	for (; counts[level]; level++)
		for (unsigned int s = 0; s < counts[level] && level < units->count; s++) {
			const struct state *from = &states[level * LEVEL_SETS + s];

			for (unsigned int u = 0; u < units->count; u++) {
				struct state to = *from;

				if (units->units[u].is_free || !is_ready(units, &from->done, u))
					continue;
				to.parent = s;
				state_step(units, &to, u, sram_bytes);
				take_free(units, &to.done, NULL, NULL);
				if (level_add(units, &states[(level + 1) * LEVEL_SETS],
					      &counts[level + 1], &to, objective))
					*exact = false;
			}
		}
	*steps = level - 1;
	for (level = *steps; level; level--) {
		const struct state *state = &states[level * LEVEL_SETS + best];

		chosen[level - 1] = state->unit;
		best = state->parent;
	}
	free(states);
	free(counts);
	return 0;
}

/* All of the operators, those that are free as soon as they can come. */
static void fill_in(const struct order_list *list, const unsigned int *chosen,
		    unsigned int steps, unsigned int *operators)
{
	struct set done = { { 0 } };
	unsigned int count = 0;

	take_free(list->units, &done, operators, &count);
	for (unsigned int s = 0; s < steps; s++) {
		set_add(&done, chosen[s]);
		operators[count++] = chosen[s];
		take_free(list->units, &done, operators, &count);
	}
	for (unsigned int i = 0; i < count; i++)
		operators[i] += list->first;
}

/* Numbers of the units of an order that are not free. */
static unsigned int chosen_of(const struct order_list *list, unsigned int order,
			      unsigned int *chosen)
{
	unsigned int steps = 0;

	for (unsigned int i = 0; i < list->count; i++) {
		unsigned int u = list->orders[order].operators[i] - list->first;

		if (!list->units->units[u].is_free)
			chosen[steps++] = u;
	}
	return steps;
}

/* Adds an order of the units that are not free; its index, 0 if it is known, -ENOMEM. */
static int list_add(struct order_list *list, const unsigned int *chosen, unsigned int steps,
		    const char *reason)
{
	struct arena *arena = list->graph->arena;
	unsigned int *operators = arena_alloc(arena, list->count + 1, sizeof(*operators));

	if (!operators)
		return error_memory(list->graph->error);
	if (list->order_count == ORDERS_MAX)
		return 0;
	for (unsigned int o = 0; o < list->order_count; o++) {
		chosen_of(list, o, operators);
		if (!memcmp(operators, chosen, steps * sizeof(*operators)))
			return (int)o;
	}
	fill_in(list, chosen, steps, operators);
	list->orders[list->order_count] = (struct order){ operators, reason };
	return (int)list->order_count++;
}

/* Of those that can come, the one that reads what came last, else the first. */
static unsigned int branch_order(const struct order_list *list, unsigned int *chosen)
{
	const struct order_units *units = list->units;
	struct set done = { { 0 } };
	unsigned int steps = 0;

	take_free(units, &done, NULL, NULL);
	for (;;) {
		unsigned int next = units->count;

		for (unsigned int back = steps; back-- && next == units->count;)
			for (unsigned int u = 0; u < units->count && next == units->count; u++)
				if (!units->units[u].is_free && is_ready(units, &done, u) &&
				    set_has(&units->units[u].reads, chosen[back]))
					next = u;
		for (unsigned int u = 0; u < units->count && next == units->count; u++)
			if (!units->units[u].is_free && is_ready(units, &done, u))
				next = u;
		if (next == units->count)
			return steps;
		chosen[steps++] = next;
		set_add(&done, next);
		take_free(units, &done, NULL, NULL);
	}
}

static int find_orders(struct order_list *list, uint64_t sram_bytes, unsigned int *chosen)
{
	static const char *const reasons[] = {
		[LEAST_PEAK] = "the least bytes alive at once",
		[LEAST_EXCESS] = "the least bytes beyond the SRAM over time",
	};
	unsigned int steps = 0;
	int ret;

	for (unsigned int objective = LEAST_PEAK; objective <= LEAST_EXCESS; objective++) {
		ret = best_order(list, objective, sram_bytes, chosen, &steps, &list->exact);
		if (!ret)
			ret = list_add(list, chosen, steps, reasons[objective]);
		if (ret < 0)
			return ret;
	}
	steps = branch_order(list, chosen);
	ret = list_add(list, chosen, steps, "one branch after the other");
	return ret < 0 ? ret : 0;
}

int order_find(struct order_list *list, const struct ir_graph *graph, unsigned int first,
	       unsigned int count, uint64_t sram_bytes)
{
	unsigned int *chosen = arena_alloc(graph->arena, 2 * (size_t)count + 2, sizeof(*chosen));
	struct set *storages;
	int *writer;

	*list = (struct order_list){
		.graph = graph, .first = first, .count = count, .order_count = 1, .exact = true,
	};
	list->orders[0].operators = arena_alloc(graph->arena, count + 1, sizeof(unsigned int));
	list->orders[0].reason = "the model's";
	if (!chosen || !list->orders[0].operators)
		return error_memory(graph->error);
	for (unsigned int o = 0; o < count; o++)
		list->orders[0].operators[o] = first + o;
	if (count > ORDER_OPERATORS)
		return 0;
	for (unsigned int o = first; o < first + count; o++)
		if (!graph->operators[o].removed_reason &&
		    ir_reaches_state(graph, &graph->operators[o]))
			return 0;
	list->units = arena_alloc(graph->arena, 1, sizeof(*list->units) +
				  count * sizeof(struct unit));
	storages = calloc(graph->tensor_count + 1, sizeof(*storages));
	writer = calloc(graph->tensor_count + 1, sizeof(*writer));
	if (!list->units || !storages || !writer) {
		free(storages);
		free(writer);
		return error_memory(graph->error);
	}
	list->units->count = count;
	list->units->free = chosen + count + 1;
	list->units->words = (count + WORD_BITS - 1) / WORD_BITS;
	find_units(list, storages, writer);
	free(storages);
	free(writer);
	return find_orders(list, sram_bytes, chosen);
}

/* Ends of the branch that begins at `at`: units each of which reads the one before. */
static unsigned int branch_end(const struct order_list *list, const unsigned int *chosen,
			       unsigned int steps, unsigned int at)
{
	unsigned int end = at + 1;

	while (end < steps && set_has(&list->units->units[chosen[end]].reads, chosen[end - 1]))
		end++;
	return end;
}

/* Whether unit `later` has to come behind `sooner`, by way of units of no cost too. */
static bool depends(const struct order_list *list, unsigned int later, unsigned int sooner)
{
	return set_has(&list->units->units[later].reads, sooner) ||
	       set_has(&list->units->units[later].before, sooner);
}

/* How far the branch [at, end) can be moved: the place before which it then stands. */
static unsigned int farthest(const struct order_list *list, const unsigned int *chosen,
			     unsigned int steps, unsigned int at, unsigned int end, bool late)
{
	unsigned int to = late ? end : at;

	while (late ? to < steps : to > 0) {
		unsigned int other = chosen[late ? to : to - 1];

		for (unsigned int i = at; i < end; i++)
			if (late ? depends(list, other, chosen[i]) :
				   depends(list, chosen[i], other))
				return to;
		to = late ? to + 1 : to - 1;
	}
	return to;
}

static void move(unsigned int *chosen, unsigned int at, unsigned int end, unsigned int to)
{
	unsigned int branch[ORDER_OPERATORS], count = end - at;

	memcpy(branch, chosen + at, count * sizeof(*branch));
	if (to > at) {
		memmove(chosen + at, chosen + end, (to - end) * sizeof(*branch));
		to -= count;
	} else {
		memmove(chosen + to + count, chosen + to, (at - to) * sizeof(*branch));
	}
	memcpy(chosen + to, branch, count * sizeof(*branch));
}

int order_neighbour(struct order_list *list, unsigned int order, unsigned int number)
{
	unsigned int chosen[ORDER_OPERATORS], steps, at = 0, end, to;
	bool late = number % 2;

	if (!list->units || list->order_count == ORDERS_MAX)
		return -1;
	steps = chosen_of(list, order, chosen);
	for (number /= 2; number && at < steps; number--)
		at = branch_end(list, chosen, steps, at);
	if (at >= steps)
		return -1;
	end = branch_end(list, chosen, steps, at);
	to = farthest(list, chosen, steps, at, end, late);
	if (to == (late ? end : at))
		return 0;
	move(chosen, at, end, to);
	return list_add(list, chosen, steps, late ? "a branch later than its neighbours" :
						    "a branch sooner than its neighbours");
}

int order_random(struct order_list *list, uint64_t seed)
{
	const struct order_units *units = list->units;
	unsigned int chosen[ORDER_OPERATORS], steps = 0;
	struct set done = { { 0 } };

	if (!units)
		return 0;
	take_free(units, &done, NULL, NULL);
	for (;;) {
		unsigned int ready[ORDER_OPERATORS], count = 0;

		for (unsigned int u = 0; u < units->count; u++)
			if (!units->units[u].is_free && is_ready(units, &done, u))
				ready[count++] = u;
		if (!count)
			return list_add(list, chosen, steps, "any");
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		chosen[steps] = ready[(seed >> 33) % count];
		set_add(&done, chosen[steps++]);
		take_free(units, &done, NULL, NULL);
	}
}
