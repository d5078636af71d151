// SPDX-License-Identifier: MIT
/* Elementwise operators of values that are not quantised: floats, int32 and int64. */
#include <errno.h>
#include <math.h>

#include "error.h"
#include "portable.h"
#include "resolve_check.h"

bool resolve_is_plain(const struct ir_graph *graph, const struct ir_operator *op)
{
	enum ir_type type = graph->tensors[op->inputs[0]].type;

	return type == IR_INT32 || type == IR_INT64;
}

/* Clamps of integers; int64 has none. */
static int set_range(struct ir_graph *graph, const struct ir_operator *op,
		     struct kestrel_graph_elementwise *to)
{
	to->minimum = INT32_MIN;
	to->maximum = INT32_MAX;
	switch (op->attributes.activation) {
	case IR_ACTIVATION_NONE:
		return 0;
	case IR_ACTIVATION_RELU:
		to->minimum = 0;
		break;
	case IR_ACTIVATION_RELU6:
		to->minimum = 0;
		to->maximum = 6;
		break;
	case IR_ACTIVATION_RELU_N1_TO_1:
		to->minimum = -1;
		to->maximum = 1;
		break;
	case IR_ACTIVATION_OTHER:
		return error_set(graph->error, -ENOTSUP, "%s: its fused activation is not supported",
				 ir_where(graph, op, -1));
	}
	if (graph->tensors[op->inputs[0]].type == IR_INT64)
		return error_set(graph->error, -ENOTSUP, "%s: a fused activation of int64",
				 ir_where(graph, op, -1));
	return 0;
}

/* Whether both operands and the result can have a type. */
static bool has_form(enum ir_kind kind, enum ir_type type)
{
	switch (type) {
	case IR_FLOAT32:
	case IR_INT32:
		return true;
	case IR_INT64:
		return kind != IR_POWER && kind != IR_SQUARED_DIFFERENCE;
	case IR_INT8:
	case IR_INT16:
		/* Of the stored integers, whatever they stand for. */
		return kind == IR_FLOOR_DIV || kind == IR_FLOOR_MOD;
	default:
		return false;
	}
}

int resolve_plain_elementwise(struct ir_graph *graph, struct ir_operator *op)
{
	struct kestrel_graph_elementwise *to;
	enum ir_type type;
	int ret = resolve_check_counts(graph, op, 2, 2);

	if (!ret)
		ret = resolve_check_broadcast(graph, op, 0);
	if (!ret)
		ret = resolve_portable(graph, op, portable_opcode(op->kind), 0);
	if (ret)
		return ret;
	type = graph->tensors[op->inputs[0]].type;
	if (!has_form(op->kind, type) || graph->tensors[op->inputs[1]].type != type ||
	    graph->tensors[op->outputs[0]].type != type)
		return error_set(graph->error, -ENOTSUP, "%s: no form for %s and %s to %s",
				 ir_where(graph, op, op->outputs[0]), ir_type_name(type),
				 ir_type_name(graph->tensors[op->inputs[1]].type),
				 ir_type_name(graph->tensors[op->outputs[0]].type));
	to = &op->portable->attributes.elementwise;
	if (type != IR_FLOAT32)
		return set_range(graph, op, to);
	to->minimum = (int32_t)resolve_float_bits(-INFINITY);
	to->maximum = (int32_t)resolve_float_bits(INFINITY);
	return 0;
}

/* The sum of the first `count` operands becomes a tensor like the output. */
static int add_pair(struct ir_graph *graph, const struct ir_operator *from, unsigned int count,
		    int first, struct ir_operator *to)
{
	struct ir_tensor *sum;

	*to = *from;
	to->kind = IR_ADD;
	to->input_count = 2;
	to->inputs = arena_alloc(graph->arena, 2, sizeof(int));
	to->outputs = arena_alloc(graph->arena, 1, sizeof(int));
	if (!to->inputs || !to->outputs)
		return error_memory(graph->error);
	to->inputs[0] = first;
	to->inputs[1] = from->inputs[count - 1];
	to->outputs[0] = from->outputs[0];
	if (count == from->input_count)
		return 0;
	sum = &graph->tensors[graph->tensor_count];
	*sum = graph->tensors[from->outputs[0]];
	to->outputs[0] = (int)graph->tensor_count++;
	return 0;
}

static int add_all(struct ir_graph *graph, const struct ir_operator *from,
		   struct ir_operator *operators, unsigned int *count)
{
	int sum, ret = 0;

	if (from->input_count < 2 || from->output_count != 1)
		return error_set(graph->error, -ENOTSUP, "%s: %u inputs, at least 2 needed",
				 ir_where(graph, from, -1), from->input_count);
	for (unsigned int i = 0; i < from->input_count; i++)
		if (from->inputs[i] < 0 ||
		    (graph->tensors[from->inputs[i]].type != IR_FLOAT32 &&
		     graph->tensors[from->inputs[i]].type != IR_INT32))
			return error_set(graph->error, -ENOTSUP,
					 "%s: only float32 and int32 are supported; use ADD for quantised values",
					 ir_where(graph, from, from->inputs[i]));
	sum = from->inputs[0];
	for (unsigned int i = 2; i <= from->input_count && !ret; i++) {
		ret = add_pair(graph, from, i, sum, &operators[*count]);
		sum = operators[*count].outputs[0];
		(*count)++;
	}
	return ret;
}

int resolve_long_sums(struct ir_graph *graph)
{
	unsigned int added = 0, count = 0;
	struct ir_operator *operators;
	int ret;

	for (unsigned int o = 0; o < graph->operator_count; o++)
		if (graph->operators[o].kind == IR_ADD_MANY)
			added += graph->operators[o].input_count;
	if (!added)
		return 0;
	ret = ir_make_room(graph, added, &operators);
	if (ret)
		return ret;
	for (unsigned int o = 0; o < graph->operator_count && !ret; o++) {
		if (graph->operators[o].kind == IR_ADD_MANY)
			ret = add_all(graph, &graph->operators[o], operators, &count);
		else
			operators[count++] = graph->operators[o];
	}
	if (ret)
		return ret;
	graph->operators = operators;
	graph->operator_count = count;
	ir_set_producers(graph);
	return 0;
}
