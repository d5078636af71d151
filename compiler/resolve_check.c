// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <string.h>

#include "error.h"
#include "quantise.h"
#include "resolve_check.h"

int resolve_check_counts(struct ir_graph *graph, const struct ir_operator *op,
			 unsigned int least, unsigned int most)
{
	if (op->input_count < least || op->input_count > most || op->output_count != 1)
		return error_set(graph->error, -EINVAL, "%s: %u inputs and %u outputs",
				 ir_where(graph, op, -1), op->input_count, op->output_count);
	for (unsigned int i = 0; i < least; i++)
		if (op->inputs[i] < 0)
			return error_set(graph->error, -EINVAL, "%s: input %u is missing",
					 ir_where(graph, op, -1), i);
	return 0;
}

int resolve_check_counts_and_elements(struct ir_graph *graph, const struct ir_operator *op,
				      unsigned int least, unsigned int most)
{
	int ret = resolve_check_counts(graph, op, least, most);

	if (!ret && graph->tensors[op->inputs[0]].elements !=
		    graph->tensors[op->outputs[0]].elements)
		ret = error_set(graph->error, -EINVAL, "%s: shape is not that of the input, %s",
				ir_where(graph, op, op->outputs[0]),
				ir_tensor_text(graph, op->inputs[0]));
	return ret;
}

int resolve_check_activation(struct ir_graph *graph, const struct ir_operator *op, int index)
{
	const struct ir_tensor *tensor = &graph->tensors[index];
	int32_t low, high;

	if (tensor->type != IR_INT8 && tensor->type != IR_UINT8 && tensor->type != IR_INT16)
		return error_set(graph->error, -ENOTSUP,
				 "%s: type %s, only int8, uint8 and int16 are supported here",
				 ir_where(graph, op, index), ir_type_name(tensor->type));
	if (tensor->scale_count != 1 || !(tensor->scales[0] > 0))
		return error_set(graph->error, -EINVAL, "%s: needs one positive scale, has %u",
				 ir_where(graph, op, index), tensor->scale_count);
	ir_type_range(tensor->type, &low, &high);
	if (tensor->type == IR_INT16)
		low = high = 0;
	if (tensor->zero_points[0] < low || tensor->zero_points[0] > high)
		return error_set(graph->error, -EINVAL, "%s: zero point %lld is outside %s",
				 ir_where(graph, op, index), (long long)tensor->zero_points[0],
				 ir_type_name(tensor->type));
	return 0;
}

int resolve_check_activations(struct ir_graph *graph, const struct ir_operator *op)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	int ret;

	if (resolve_is_float(graph, op))
		return 0;
	ret = resolve_check_activation(graph, op, op->inputs[0]);
	if (!ret)
		ret = resolve_check_activation(graph, op, op->outputs[0]);
	if (!ret && in->type != out->type)
		ret = error_set(graph->error, -ENOTSUP, "%s: type %s, the input has %s",
				ir_where(graph, op, op->outputs[0]), ir_type_name(out->type),
				ir_type_name(in->type));
	return ret;
}

int resolve_check_broadcast(struct ir_graph *graph, const struct ir_operator *op,
			    unsigned int innermost)
{
	const struct ir_tensor *a = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *b = &graph->tensors[op->inputs[1]];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];

	if (out->rank < a->rank || out->rank < b->rank)
		return error_set(graph->error, -EINVAL, "%s: rank %u is less than an input's",
				 ir_where(graph, op, op->outputs[0]), out->rank);
	for (unsigned int d = innermost; d < IR_RANK_MAX; d++) {
		int32_t of_a = ir_extent(a, d), of_b = ir_extent(b, d);

		if (ir_extent(out, d) != (of_a > of_b ? of_a : of_b) ||
		    (of_a != of_b && of_a != 1 && of_b != 1))
			return error_set(graph->error, -EINVAL,
					 "%s: shape is not that of the inputs, %s and %s",
					 ir_where(graph, op, op->outputs[0]),
					 ir_tensor_text(graph, op->inputs[0]),
					 ir_tensor_text(graph, op->inputs[1]));
	}
	return 0;
}

int resolve_check_moved(struct ir_graph *graph, const struct ir_operator *op, int from, int to)
{
	const struct ir_tensor *in = &graph->tensors[from];
	const struct ir_tensor *out = &graph->tensors[to];

	if (in->type != out->type || !ir_type_bytes(in->type))
		return error_set(graph->error, -ENOTSUP, "%s: type %s, the input has %s",
				 ir_where(graph, op, to), ir_type_name(out->type),
				 ir_type_name(in->type));
	if (in->scale_count == 1 && out->scale_count == 1 &&
	    (in->scales[0] != out->scales[0] || in->zero_points[0] != out->zero_points[0]))
		return error_set(graph->error, -ENOTSUP,
				 "%s: scale and zero point differ from the input's",
				 ir_where(graph, op, to));
	return 0;
}

int resolve_check_same_quantisation(struct ir_graph *graph, const struct ir_operator *op)
{
	return resolve_check_moved(graph, op, op->inputs[0], op->outputs[0]);
}

bool resolve_is_float(const struct ir_graph *graph, const struct ir_operator *op)
{
	return op->input_count && op->inputs[0] >= 0 &&
	       graph->tensors[op->inputs[0]].type == IR_FLOAT32 &&
	       graph->tensors[op->outputs[0]].type == IR_FLOAT32;
}

/* Clamps of float32 operators are float32 bits. */
static void set_float_range(struct ir_operator *op)
{
	float low = -INFINITY, high = INFINITY;

	if (op->attributes.activation == IR_ACTIVATION_RELU ||
	    op->attributes.activation == IR_ACTIVATION_RELU6)
		low = 0;
	if (op->attributes.activation == IR_ACTIVATION_RELU6)
		high = 6;
	if (op->attributes.activation == IR_ACTIVATION_RELU_N1_TO_1) {
		low = -1;
		high = 1;
	}
	op->rounding = IR_ROUNDING_NONE;
	op->clamp_low = (int32_t)resolve_float_bits(low);
	op->clamp_high = (int32_t)resolve_float_bits(high);
}

int resolve_output_range(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];

	if (op->attributes.activation == IR_ACTIVATION_OTHER)
		return error_set(graph->error, -ENOTSUP,
				 "%s: its fused activation is not supported",
				 ir_where(graph, op, -1));
	if (resolve_is_float(graph, op)) {
		set_float_range(op);
		return 0;
	}
	op->input_zero_point = (int32_t)graph->tensors[op->inputs[0]].zero_points[0];
	op->output_zero_point = (int32_t)out->zero_points[0];
	ir_type_range(out->type, &op->clamp_low, &op->clamp_high);
	quantise_activation(op->attributes.activation, out->scales[0], op->output_zero_point,
			    &op->clamp_low, &op->clamp_high);
	return 0;
}

int resolve_one_scale(struct ir_graph *graph, struct ir_operator *op, double factor)
{
	op->scale_count = 1;
	op->scales = arena_alloc(graph->arena, 1, sizeof(*op->scales));
	if (!op->scales)
		return error_memory(graph->error);
	op->scales[0] = quantise_factor(factor);
	if (op->scales[0].shift > 30)
		return error_set(graph->error, -ENOTSUP, "%s: the output's factor is 2^30 or more",
				 ir_where(graph, op, op->outputs[0]));
	return 0;
}

int resolve_portable(struct ir_graph *graph, struct ir_operator *op, uint32_t opcode,
		     uint32_t parameter_bytes)
{
	op->portable = arena_alloc(graph->arena, 1, sizeof(*op->portable));
	if (!op->portable)
		return error_memory(graph->error);
	op->portable->opcode = opcode;
	op->portable->parameter_bytes = parameter_bytes;
	if (!parameter_bytes)
		return 0;
	op->portable->parameters = arena_alloc(graph->arena, parameter_bytes, 1);
	return op->portable->parameters ? 0 : error_memory(graph->error);
}

int resolve_list(struct ir_graph *graph, const struct ir_operator *op, unsigned int input,
		 unsigned int most, int32_t *values, unsigned int *count)
{
	int index = input < op->input_count ? op->inputs[input] : -1;
	const struct ir_tensor *list = index < 0 ? NULL : &graph->tensors[index];

	if (!list || !list->data || (list->type != IR_INT32 && list->type != IR_INT64))
		return error_set(graph->error, -ENOTSUP, "%s: must be constant integers",
				 ir_where(graph, op, index));
	if (list->elements > most)
		return error_set(graph->error, -EINVAL, "%s: %llu values, at most %u make sense",
				 ir_where(graph, op, index), (unsigned long long)list->elements,
				 most);
	*count = (unsigned int)list->elements;
	for (unsigned int i = 0; i < *count; i++) {
		int64_t wide = 0;

		if (list->type == IR_INT64)
			memcpy(&wide, list->data + 8 * i, sizeof(wide));
		else
			memcpy(&values[i], list->data + 4 * i, sizeof(values[i]));
		if (list->type == IR_INT64)
			values[i] = wide > INT32_MAX ? INT32_MAX :
				    wide < INT32_MIN ? INT32_MIN : (int32_t)wide;
	}
	return 0;
}

int resolve_moved_by_list(struct ir_graph *graph, struct ir_operator *op, uint32_t opcode,
			  int32_t *values, unsigned int *count)
{
	int ret = resolve_check_counts(graph, op, 2, 2);

	if (!ret)
		ret = resolve_check_same_quantisation(graph, op);
	if (!ret)
		ret = resolve_list(graph, op, 1, IR_RANK_MAX, values, count);
	return ret ? ret : resolve_portable(graph, op, opcode, 0);
}

int resolve_dimension(struct ir_graph *graph, const struct ir_operator *op, int32_t axis,
		 unsigned int rank, uint32_t *dimension)
{
	if (axis < -(int32_t)rank || axis >= (int32_t)rank)
		return error_set(graph->error, -EINVAL, "%s: axis %d of %u dimensions",
				 ir_where(graph, op, -1), axis, rank);
	*dimension = (uint32_t)(axis < 0 ? axis + (int32_t)rank : axis);
	return 0;
}

int resolve_stated_dimension(struct ir_graph *graph, const struct ir_operator *op,
			     unsigned int input, uint32_t *dimension)
{
	unsigned int count;
	int32_t stated = 0;
	int ret = resolve_list(graph, op, input, 1, &stated, &count);

	return ret ? ret : resolve_dimension(graph, op, stated,
					     graph->tensors[op->inputs[0]].rank, dimension);
}

uint32_t resolve_float_bits(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}
