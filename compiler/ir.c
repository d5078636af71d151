// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
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

void ir_type_range(enum ir_type type, int32_t *low, int32_t *high)
{
	switch (type) {
	case IR_INT8:
		*low = INT8_MIN;
		*high = INT8_MAX;
		return;
	case IR_UINT8:
		*low = 0;
		*high = UINT8_MAX;
		return;
	case IR_INT16:
		*low = INT16_MIN;
		*high = INT16_MAX;
		return;
	default:
		*low = INT32_MIN;
		*high = INT32_MAX;
	}
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

bool ir_is_move(const struct ir_graph *graph, const struct ir_operator *op)
{
	switch (op->kind) {
	case IR_RESHAPE:
	case IR_COPY:
	case IR_SLICE:
	case IR_SPLIT:
	case IR_TRANSPOSE:
	case IR_CONCATENATION:
	case IR_PACK:
	case IR_SPACE_TO_DEPTH:
	case IR_DEPTH_TO_SPACE:
	case IR_MIRROR_PAD:
	case IR_BROADCAST_TO:
	case IR_TILE:
	case IR_DYNAMIC_UPDATE_SLICE:
		return true;
	case IR_PAD:
		return !ir_pads_plane(graph, op);
	default:
		return false;
	}
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

bool ir_same_shape(const struct ir_tensor *a, const struct ir_tensor *b)
{
	return a->rank == b->rank && !memcmp(a->shape, b->shape, a->rank * sizeof(*a->shape));
}

const char *ir_tensor_text(const struct ir_graph *graph, int tensor)
{
	const struct ir_tensor *t = &graph->tensors[tensor];
	char shape[IR_RANK_MAX * 12 + 1] = "";
	size_t at = 0;
	const char *text;

	for (unsigned int d = 0; d < t->rank; d++)
		at += (size_t)snprintf(shape + at, sizeof(shape) - at, "%s%d", d ? "x" : " ",
				       t->shape[d]);
	text = arena_printf(graph->arena, "tensor %u \"%.80s\" %s%s", t->source, t->name,
			    ir_type_name(t->type), shape);
	return text ? text : "a tensor";
}

const char *ir_where(const struct ir_graph *graph, const struct ir_operator *op, int tensor)
{
	const char *text;

	if (tensor >= 0)
		text = arena_printf(graph->arena, "operator %u (%.80s), %s", op->source,
				    op->type_name, ir_tensor_text(graph, tensor));
	else
		text = arena_printf(graph->arena, "operator %u (%.80s)", op->source, op->type_name);
	return text ? text : "an operator";
}

bool ir_reaches_state(const struct ir_graph *graph, const struct ir_operator *op)
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
	if (ir_reaches_state(graph, op))
		for (const struct ir_operator *before = graph->operators; before < op; before++)
			if (!done[before - graph->operators] && ir_reaches_state(graph, before))
				return false;
	for (unsigned int i = 0; i < op->input_count; i++) {
		int tensor = op->inputs[i];

		if (tensor >= 0 && graph->tensors[tensor].producer >= 0 &&
		    !done[graph->tensors[tensor].producer])
			return false;
	}
	return true;
}

static bool tensor_has_source(const struct ir_graph *graph, const bool *given, int tensor)
{
	const struct ir_tensor *t = &graph->tensors[tensor];

	return given[tensor] || t->is_state || t->data || t->producer >= 0;
}

/* Whatever is read comes from somewhere, and inputs from the caller alone. */
static int sources_check(struct ir_graph *graph)
{
	bool *given = arena_alloc(graph->arena, graph->tensor_count, sizeof(*given));

	if (!given)
		return error_memory(graph->error);
	for (unsigned int i = 0; i < graph->input_count; i++) {
		int t = graph->inputs[i];
		const struct ir_tensor *tensor = &graph->tensors[t];

		if (tensor->producer >= 0)
			return error_set(graph->error, -EINVAL,
					 "%s: written here, but an input of the model",
					 ir_where(graph, &graph->operators[tensor->producer], t));
		if (tensor->is_state || given[t])
			return error_set(graph->error, -EINVAL,
					 "input %u of the model, tensor %u \"%s\", is %s", i,
					 tensor->source, tensor->name,
					 given[t] ? "there twice" : "a state of an operator");
		given[t] = true;
	}
	for (unsigned int o = 0; o < graph->operator_count; o++) {
		const struct ir_operator *op = &graph->operators[o];

		for (unsigned int i = 0; i < op->input_count; i++)
			if (op->inputs[i] >= 0 && !tensor_has_source(graph, given, op->inputs[i]))
				return error_set(graph->error, -EINVAL,
						 "%s: read here, but no operator writes it",
						 ir_where(graph, op, op->inputs[i]));
	}
	for (unsigned int i = 0; i < graph->output_count; i++) {
		int t = graph->outputs[i];

		if (!tensor_has_source(graph, given, t))
			return error_set(graph->error, -EINVAL,
					 "output %u of the model, tensor %u \"%s\": no operator writes it",
					 i, graph->tensors[t].source, graph->tensors[t].name);
	}
	return 0;
}

int ir_order(struct ir_graph *graph)
{
	unsigned int count = graph->operator_count, placed = 0;
	struct ir_operator *ordered;
	bool *done;
	int ret;

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
	ret = sources_check(graph);
	if (ret)
		return ret;
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
	ir_set_producers(graph);
	return 0;
}

int ir_make_room(struct ir_graph *graph, unsigned int added, struct ir_operator **operators)
{
	struct ir_tensor *tensors = arena_alloc(graph->arena, (size_t)graph->tensor_count + added,
						sizeof(*tensors));

	*operators = arena_alloc(graph->arena, (size_t)graph->operator_count + added,
				 sizeof(**operators));
	if (!*operators || !tensors)
		return error_memory(graph->error);
	memcpy(tensors, graph->tensors, graph->tensor_count * sizeof(*tensors));
	graph->tensors = tensors;
	return 0;
}

void ir_set_producers(struct ir_graph *graph)
{
	for (unsigned int o = 0; o < graph->operator_count; o++)
		for (unsigned int i = 0; i < graph->operators[o].output_count; i++) {
			struct ir_tensor *tensor = &graph->tensors[graph->operators[o].outputs[i]];

			if (!tensor->is_state && !graph->operators[o].removed_reason)
				tensor->producer = (int)o;
		}
}

/* op NULL: an input or output of the model. */
static int operand_check(struct ir_graph *graph, const struct ir_operator *op, int index)
{
	const struct ir_tensor *tensor = &graph->tensors[index < 0 ? 0 : index];
	const char *where;

	if (index < 0 || (tensor->type != IR_TYPE_OTHER && tensor->bytes <= INT32_MAX))
		return 0;
	where = op ? ir_where(graph, op, index) :
		arena_printf(graph->arena, "tensor %u \"%s\", input or output of the model",
			     tensor->source, tensor->name);
	if (!where)
		return error_memory(graph->error);
	if (tensor->type == IR_TYPE_OTHER)
		return error_set(graph->error, -ENOTSUP, "%s: a type that nothing computes with",
				 where);
	return error_set(graph->error, -ENOTSUP, "%s: %llu bytes are more than a graph can hold",
			 where, (unsigned long long)tensor->bytes);
}

int ir_check_operands(struct ir_graph *graph)
{
	int ret = 0;

	for (unsigned int i = 0; i < graph->input_count && !ret; i++)
		ret = operand_check(graph, NULL, graph->inputs[i]);
	for (unsigned int i = 0; i < graph->output_count && !ret; i++)
		ret = operand_check(graph, NULL, graph->outputs[i]);
	for (unsigned int o = 0; o < graph->operator_count; o++) {
		const struct ir_operator *op = &graph->operators[o];

		if (op->removed_reason)
			continue;
		for (unsigned int i = 0; i < op->input_count && !ret; i++)
			ret = operand_check(graph, op, op->inputs[i]);
		for (unsigned int i = 0; i < op->output_count && !ret; i++)
			ret = operand_check(graph, op, op->outputs[i]);
	}
	return ret;
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
