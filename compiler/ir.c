// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "error.h"
#include "ir.h"

unsigned int ir_type_bytes(enum ir_type type)
{
	switch (type) {
	case IR_INT8:
	case IR_UINT8:
	case IR_BOOL:
		return 1;
	case IR_INT16:
		return 2;
	case IR_FLOAT32:
	case IR_INT32:
		return 4;
	case IR_INT64:
		return 8;
	case IR_TYPE_OTHER:
		break;
	}
	return 0;
}

const char *ir_type_name(enum ir_type type)
{
	static const char *const names[] = {
		[IR_FLOAT32] = "float32", [IR_INT8] = "int8", [IR_UINT8] = "uint8",
		[IR_INT16] = "int16", [IR_INT32] = "int32", [IR_INT64] = "int64",
		[IR_BOOL] = "bool", [IR_TYPE_OTHER] = "another type",
	};

	return names[type];
}

bool ir_is_elementwise(enum ir_kind kind)
{
	return kind == IR_ADD || kind == IR_SUB || kind == IR_MUL || kind == IR_MINIMUM ||
	       kind == IR_MAXIMUM;
}

bool ir_is_reduction(enum ir_kind kind)
{
	return kind == IR_MEAN || kind == IR_SUM || kind == IR_REDUCE_MAX || kind == IR_REDUCE_MIN;
}

bool ir_is_constant(const struct ir_tensor *tensor)
{
	return tensor->data && !tensor->is_state;
}

bool ir_pads_plane(const struct ir_graph *graph, const struct ir_operator *op)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];

	for (unsigned int d = 0; d < in->rank; d++)
		if ((op->pad_before[d] || op->pad_after[d]) &&
		    (d + 3 < in->rank || d + 1 == in->rank))
			return false;
	return ir_feature_map(in).n == 1;
}

int32_t ir_extent(const struct ir_tensor *tensor, unsigned int from_innermost)
{
	if (from_innermost >= tensor->rank)
		return 1;
	return tensor->shape[tensor->rank - 1 - from_innermost];
}

struct ir_feature_map ir_feature_map(const struct ir_tensor *tensor)
{
	struct ir_feature_map map = {
		.n = ir_extent(tensor, 3),
		.h = ir_extent(tensor, 2),
		.w = ir_extent(tensor, 1),
		.c = ir_extent(tensor, 0),
	};

	return map;
}

const char *ir_where(const struct ir_graph *graph, const struct ir_operator *op, int tensor)
{
	const char *text;

	if (tensor >= 0)
		text = arena_printf(graph->arena, "operator %u (%s), tensor %u \"%s\"", op->source,
				    op->type_name, graph->tensors[tensor].source,
				    graph->tensors[tensor].name);
	else
		text = arena_printf(graph->arena, "operator %u (%s)", op->source, op->type_name);
	return text ? text : "an operator";
}

static bool touches_state(const struct ir_graph *graph, const struct ir_operator *op)
{
	for (unsigned int i = 0; i < op->input_count; i++)
		if (op->inputs[i] >= 0 && graph->tensors[op->inputs[i]].is_state)
			return true;
	for (unsigned int i = 0; i < op->output_count; i++)
		if (graph->tensors[op->outputs[i]].is_state)
			return true;
	return false;
}

/* Inputs are there, and operators with state keep their order among each other. */
static bool operator_is_ready(const struct ir_graph *graph, const struct ir_operator *op,
			      const bool *done)
{
	if (touches_state(graph, op))
		for (const struct ir_operator *before = graph->operators; before < op; before++)
			if (!done[before - graph->operators] && touches_state(graph, before))
				return false;
	for (unsigned int i = 0; i < op->input_count; i++) {
		int tensor = op->inputs[i];

		if (tensor >= 0 && graph->tensors[tensor].producer >= 0 &&
		    !done[graph->tensors[tensor].producer])
			return false;
	}
	return true;
}

int ir_order(struct ir_graph *graph)
{
	unsigned int count = graph->operator_count, placed = 0;
	struct ir_operator *ordered;
	bool *done;

	for (unsigned int o = 0; o < count; o++) {
		struct ir_operator *op = &graph->operators[o];

		for (unsigned int i = 0; i < op->output_count; i++) {
			struct ir_tensor *tensor = &graph->tensors[op->outputs[i]];

			if (tensor->is_state)
				continue;
			if (tensor->producer >= 0 || tensor->data)
				return error_set(graph->error, -EINVAL,
						 "%s: written here and already %s",
						 ir_where(graph, op, op->outputs[i]),
						 tensor->data ? "constant" : "by another operator");
			tensor->producer = (int)o;
		}
	}
	for (unsigned int i = 0; i < graph->input_count; i++) {
		const struct ir_tensor *tensor = &graph->tensors[graph->inputs[i]];

		if (tensor->producer >= 0)
			return error_set(graph->error, -EINVAL,
					 "%s: written here, but an input of the model",
					 ir_where(graph, &graph->operators[tensor->producer],
						  graph->inputs[i]));
	}

	ordered = arena_alloc(graph->arena, count, sizeof(*ordered));
	done = arena_alloc(graph->arena, count, sizeof(*done));
	if (!ordered || !done)
		return error_memory(graph->error);
	while (placed < count) {
		unsigned int before = placed;

		/* One sweep places everything when the file's order is right. */
		for (unsigned int o = 0; o < count; o++) {
			if (done[o] || !operator_is_ready(graph, &graph->operators[o], done))
				continue;
			ordered[placed++] = graph->operators[o];
			done[o] = true;
		}
		if (placed == before) {
			unsigned int o = 0;

			while (done[o])
				o++;
			return error_set(graph->error, -EINVAL,
					 "%s: depends on its own output",
					 ir_where(graph, &graph->operators[o], -1));
		}
	}
	/* In place: a reader may have left room behind for more. */
	memcpy(graph->operators, ordered, count * sizeof(*ordered));
	for (unsigned int o = 0; o < count; o++)
		for (unsigned int i = 0; i < ordered[o].output_count; i++)
			if (!graph->tensors[ordered[o].outputs[i]].is_state)
				graph->tensors[ordered[o].outputs[i]].producer = (int)o;
	return 0;
}

bool ir_is_output(const struct ir_graph *graph, int tensor)
{
	for (unsigned int i = 0; i < graph->output_count; i++)
		if (graph->outputs[i] == tensor)
			return true;
	return false;
}

unsigned int ir_reader_count(const struct ir_graph *graph, int tensor)
{
	unsigned int count = 0;

	for (unsigned int o = 0; o < graph->operator_count; o++) {
		const struct ir_operator *op = &graph->operators[o];

		if (op->removed_reason)
			continue;
		for (unsigned int i = 0; i < op->input_count; i++)
			count += op->inputs[i] == tensor;
	}
	return count;
}
