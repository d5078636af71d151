// SPDX-License-Identifier: MIT
#include <string.h>

#include "error.h"
#include "gather.h"

struct gather {
	const struct ir_graph *graph;
	const bool *is_npu;
	/* By tensor: the operator that writes it, or reached the state last; -1: none. */
	int *writer;
	/* By operator: the one before it that reaches the same state; -1: none. */
	int *state_before;
	bool *placed;
	unsigned int *order;
	unsigned int count;
};

static int gather_init(struct gather *gather)
{
	const struct ir_graph *graph = gather->graph;

	gather->writer = arena_alloc(graph->arena, graph->tensor_count + 1, sizeof(int));
	gather->placed = arena_alloc(graph->arena, graph->operator_count + 1, sizeof(bool));
	gather->order = arena_alloc(graph->arena, graph->operator_count + 1,
				    sizeof(*gather->order));
	gather->state_before = arena_alloc(graph->arena, graph->operator_count + 1, sizeof(int));
	if (!gather->writer || !gather->placed || !gather->order || !gather->state_before)
		return error_memory(graph->error);
	for (unsigned int t = 0; t < graph->tensor_count; t++)
		gather->writer[t] = -1;
	return 0;
}

/* Operators that reach any state keep their order among each other. */
static void find_writers(struct gather *gather)
{
	const struct ir_graph *graph = gather->graph;
	int last = -1;

	for (unsigned int o = 0; o < graph->operator_count; o++) {
		const struct ir_operator *op = &graph->operators[o];

		gather->state_before[o] = -1;
		if (op->removed_reason)
			continue;
		for (unsigned int i = 0; i < op->output_count; i++)
			gather->writer[op->outputs[i]] = (int)o;
		if (ir_reaches_state(graph, op)) {
			gather->state_before[o] = last;
			last = (int)o;
		}
	}
}

static bool is_ready(const struct gather *gather, unsigned int o)
{
	const struct ir_graph *graph = gather->graph;
	const struct ir_operator *op = &graph->operators[o];

	if (gather->state_before[o] >= 0 && !gather->placed[gather->state_before[o]])
		return false;
	for (unsigned int i = 0; i < op->input_count; i++)
		if (op->inputs[i] >= 0 && !graph->tensors[op->inputs[i]].is_state &&
		    gather->writer[op->inputs[i]] >= 0 &&
		    !gather->placed[gather->writer[op->inputs[i]]])
			return false;
	return true;
}

/* Places an operator and those behind it that are no longer part of the graph. */
static void place(struct gather *gather, unsigned int o)
{
	do {
		gather->placed[o] = true;
		gather->order[gather->count++] = o++;
	} while (o < gather->graph->operator_count && !gather->placed[o] &&
		 gather->graph->operators[o].removed_reason);
}

/*
 * As many operators as can be of one of the two, then of the other, in turn: no order
 * that begins with the same has fewer turns. Returns the NPU's.
 */
static unsigned int take_turns(struct gather *gather, bool npu)
{
	const struct ir_graph *graph = gather->graph;
	unsigned int jobs = 0;

	gather->count = 0;
	memset(gather->placed, 0, graph->operator_count * sizeof(*gather->placed));
	if (graph->operator_count && graph->operators[0].removed_reason)
		place(gather, 0);
	for (; gather->count < graph->operator_count; npu = !npu) {
		unsigned int before = gather->count, sweep;

		do {
			sweep = gather->count;
			for (unsigned int o = 0; o < graph->operator_count; o++)
				if (!gather->placed[o] && gather->is_npu[o] == npu &&
				    !graph->operators[o].removed_reason && is_ready(gather, o))
					place(gather, o);
		} while (gather->count > sweep);
		jobs += npu && gather->count > before;
	}
	return jobs;
}

/* Jobs of the order as it is. */
static unsigned int count_jobs(const struct gather *gather)
{
	unsigned int jobs = 0;
	bool npu = false;

	for (unsigned int o = 0; o < gather->graph->operator_count; o++) {
		if (gather->graph->operators[o].removed_reason)
			continue;
		jobs += gather->is_npu[o] && !npu;
		npu = gather->is_npu[o];
	}
	return jobs;
}

static int reorder(struct ir_graph *graph, const unsigned int *order)
{
	struct ir_operator *ordered = arena_alloc(graph->arena, graph->operator_count,
						  sizeof(*ordered));
	int *now = arena_alloc(graph->arena, graph->operator_count, sizeof(*now));

	if (!ordered || !now)
		return error_memory(graph->error);
	for (unsigned int o = 0; o < graph->operator_count; o++) {
		ordered[o] = graph->operators[order[o]];
		now[order[o]] = (int)o;
	}
	memcpy(graph->operators, ordered, graph->operator_count * sizeof(*ordered));
	for (unsigned int t = 0; t < graph->tensor_count; t++)
		if (graph->tensors[t].producer >= 0)
			graph->tensors[t].producer = now[graph->tensors[t].producer];
	return 0;
}

int gather_jobs(struct ir_graph *graph, const bool *is_npu)
{
	struct gather gather = { .graph = graph, .is_npu = is_npu };
	unsigned int before, jobs, others;
	int ret = gather_init(&gather);

	if (ret)
		return ret;
	find_writers(&gather);
	before = count_jobs(&gather);
	if (before < 2)
		return 0;
	/* The NPU first where that is no worse: its results are there sooner. */
	jobs = take_turns(&gather, true);
	others = take_turns(&gather, false);
	if (others < jobs)
		jobs = others;
	else
		take_turns(&gather, true);
	if (jobs >= before)
		return 0;
	graph->merged_jobs = before - jobs;
	return reorder(graph, gather.order);
}
