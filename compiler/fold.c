// SPDX-License-Identifier: MIT
/* Operators of a TensorFlow Lite model whose results are known when it is compiled. */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "fold.h"

/* Input number i, which must be there. */
static const struct ir_tensor *input(const struct ir_graph *graph, const struct ir_operator *op,
				     unsigned int i)
{
	return &graph->tensors[op->inputs[i]];
}

static bool is_integer(enum ir_type type)
{
	return type == IR_INT32 || type == IR_INT64;
}

static int64_t integer_at(const struct ir_tensor *tensor, uint64_t index)
{
	int64_t wide;
	int32_t narrow;

	if (tensor->type == IR_INT64) {
		memcpy(&wide, tensor->data + 8 * index, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, tensor->data + 4 * index, sizeof(narrow));
	return narrow;
}

static void integer_put(const struct ir_tensor *tensor, uint8_t *data, uint64_t index,
			int64_t value)
{
	int32_t narrow = (int32_t)(uint32_t)(uint64_t)value;

	if (tensor->type == IR_INT64)
		memcpy(data + 8 * index, &value, sizeof(value));
	else
		memcpy(data + 4 * index, &narrow, sizeof(narrow));
}

static float float_at(const struct ir_tensor *tensor, uint64_t index)
{
	float value;

	memcpy(&value, tensor->data + 4 * index, sizeof(value));
	return value;
}

static int32_t wrapped(int64_t index, int32_t size)
{
	return (int32_t)(index < 0 ? index + size : index);
}

/*
 * Each handler fills the output's elements, or returns false where it does not know how;
 * then the operator stays. Inputs are constants where the table below says so.
 */
typedef bool fold_fn(const struct ir_graph *graph, const struct ir_operator *op,
		     const struct ir_tensor *out, uint8_t *data);

static bool fold_shape(const struct ir_graph *graph, const struct ir_operator *op,
		       const struct ir_tensor *out, uint8_t *data)
{
	const struct ir_tensor *in = input(graph, op, 0);

	if (!is_integer(out->type) || out->elements != in->rank)
		return false;
	for (unsigned int d = 0; d < in->rank; d++)
		integer_put(out, data, d, in->shape[d]);
	return true;
}

static bool fold_rank(const struct ir_graph *graph, const struct ir_operator *op,
		      const struct ir_tensor *out, uint8_t *data)
{
	if (!is_integer(out->type) || out->elements != 1)
		return false;
	integer_put(out, data, 0, input(graph, op, 0)->rank);
	return true;
}

/* The memory is zeros already; of quantised values those would not be the zero. */
static bool fold_zeros(const struct ir_graph *graph, const struct ir_operator *op,
		       const struct ir_tensor *out, uint8_t *data)
{
	(void)data;
	return ir_same_shape(input(graph, op, 0), out) &&
	       (is_integer(out->type) || out->type == IR_FLOAT32);
}

static bool fold_range(const struct ir_graph *graph, const struct ir_operator *op,
		       const struct ir_tensor *out, uint8_t *data)
{
	const struct ir_tensor *start = input(graph, op, 0), *step = input(graph, op, 2);

	if (start->type != out->type || step->type != out->type || start->elements != 1 ||
	    step->elements != 1)
		return false;
	for (uint64_t i = 0; i < out->elements; i++) {
		if (out->type == IR_FLOAT32) {
			float value = float_at(start, 0) + (float)i * float_at(step, 0);

			memcpy(data + 4 * i, &value, sizeof(value));
		} else if (is_integer(out->type)) {
			integer_put(out, data, i, (int64_t)((uint64_t)integer_at(start, 0) +
							    i * (uint64_t)integer_at(step, 0)));
		} else {
			return false;
		}
	}
	return true;
}

static bool fold_fill(const struct ir_graph *graph, const struct ir_operator *op,
		      const struct ir_tensor *out, uint8_t *data)
{
	const struct ir_tensor *value = input(graph, op, 1);
	unsigned int bytes = ir_type_bytes(out->type);

	if (value->type != out->type || value->elements != 1)
		return false;
	for (uint64_t i = 0; i < out->elements; i++)
		memcpy(data + i * bytes, value->data, bytes);
	return true;
}

/* Towards minus infinity for FLOOR_DIV, towards zero for DIV. */
static bool divide(enum ir_kind kind, int64_t a, int64_t b, int64_t *result)
{
	if (!b || b == -1)
		return false;
	*result = a / b;
	if (kind != IR_DIV && a % b && (a % b < 0) != (b < 0))
		(*result)--;
	if (kind == IR_FLOOR_MOD)
		*result = a - *result * b;
	return true;
}

static bool pair_compute(enum ir_kind kind, int64_t a, int64_t b, int64_t *result)
{
	switch (kind) {
	case IR_ADD:
		*result = (int64_t)((uint64_t)a + (uint64_t)b);
		return true;
	case IR_SUB:
		*result = (int64_t)((uint64_t)a - (uint64_t)b);
		return true;
	case IR_MUL:
		*result = (int64_t)((uint64_t)a * (uint64_t)b);
		return true;
	case IR_MINIMUM:
		*result = a < b ? a : b;
		return true;
	case IR_MAXIMUM:
		*result = a > b ? a : b;
		return true;
	default:
		return divide(kind, a, b, result);
	}
}

/* Integers of one shape, or one of them a single element. */
static bool fold_pair(const struct ir_graph *graph, const struct ir_operator *op,
		      const struct ir_tensor *out, uint8_t *data)
{
	const struct ir_tensor *a = input(graph, op, 0), *b = input(graph, op, 1);

	if (!is_integer(out->type) || a->type != out->type || b->type != out->type ||
	    op->attributes.activation != IR_ACTIVATION_NONE ||
	    (a->elements != 1 && a->elements != out->elements) ||
	    (b->elements != 1 && b->elements != out->elements))
		return false;
	for (uint64_t i = 0; i < out->elements; i++) {
		int64_t result;

		if (!pair_compute(op->kind, integer_at(a, a->elements > 1 ? i : 0),
				  integer_at(b, b->elements > 1 ? i : 0), &result))
			return false;
		integer_put(out, data, i, result);
	}
	return true;
}

/* All elements of a list become one. */
static bool fold_reduction(const struct ir_graph *graph, const struct ir_operator *op,
			   const struct ir_tensor *out, uint8_t *data)
{
	const struct ir_tensor *in = input(graph, op, 0);
	enum ir_kind kind = op->kind == IR_REDUCE_PROD ? IR_MUL : op->kind == IR_SUM ? IR_ADD :
			    op->kind == IR_REDUCE_MAX ? IR_MAXIMUM : IR_MINIMUM;
	int64_t result;

	if (!is_integer(in->type) || out->type != in->type || in->rank > 1 || out->elements != 1)
		return false;
	result = integer_at(in, 0);
	for (uint64_t i = 1; i < in->elements; i++)
		pair_compute(kind, result, integer_at(in, i), &result);
	integer_put(out, data, 0, result);
	return true;
}

/* A list, or one element of it. */
static bool fold_strided_slice(const struct ir_graph *graph, const struct ir_operator *op,
			       const struct ir_tensor *out, uint8_t *data)
{
	const struct ir_tensor *in = input(graph, op, 0), *of[3];
	const struct ir_attributes *a = &op->attributes;
	unsigned int bytes = ir_type_bytes(in->type);
	int64_t begin, step;
	int32_t size = in->shape[0];

	for (unsigned int i = 0; i < 3; i++) {
		of[i] = input(graph, op, i + 1);
		if (!is_integer(of[i]->type) || of[i]->elements != 1)
			return false;
	}
	step = a->shrink_axis_mask & 1 ? 1 : integer_at(of[2], 0);
	if (in->rank != 1 || in->type != out->type || a->ellipsis_mask || a->new_axis_mask ||
	    step < 1)
		return false;
	begin = a->begin_mask & 1 ? 0 : wrapped(integer_at(of[0], 0), size);
	if (begin < 0 || begin + (int64_t)(out->elements - 1) * step >= size)
		return false;
	for (uint64_t i = 0; i < out->elements; i++)
		memcpy(data + i * bytes, in->data + (begin + (int64_t)i * step) * bytes, bytes);
	return true;
}

static bool fold_slice(const struct ir_graph *graph, const struct ir_operator *op,
		       const struct ir_tensor *out, uint8_t *data)
{
	const struct ir_tensor *in = input(graph, op, 0), *begin = input(graph, op, 1);

	if (in->rank != 1 || in->type != out->type || !is_integer(begin->type) ||
	    begin->elements != 1 || integer_at(begin, 0) < 0 ||
	    (uint64_t)integer_at(begin, 0) > in->elements ||
	    out->elements > in->elements - (uint64_t)integer_at(begin, 0))
		return false;
	memcpy(data, in->data + integer_at(begin, 0) * ir_type_bytes(in->type), out->bytes);
	return true;
}

/* PACK and CONCATENATION along the first dimension: one after the other. */
static bool fold_join(const struct ir_graph *graph, const struct ir_operator *op,
		      const struct ir_tensor *out, uint8_t *data)
{
	uint64_t bytes = 0;

	if (wrapped(op->attributes.axis, (int32_t)out->rank))
		return false;
	for (unsigned int i = 0; i < op->input_count; i++) {
		const struct ir_tensor *in = input(graph, op, i);

		if (!is_integer(in->type) || in->type != out->type || in->bytes > out->bytes - bytes)
			return false;
		memcpy(data + bytes, in->data, in->bytes);
		bytes += in->bytes;
	}
	return bytes == out->bytes;
}

static bool fold_gather(const struct ir_graph *graph, const struct ir_operator *op,
			const struct ir_tensor *out, uint8_t *data)
{
	const struct ir_tensor *in = input(graph, op, 0), *indices = input(graph, op, 1);
	uint64_t bytes;

	if (!in->rank || wrapped(op->attributes.axis, (int32_t)in->rank) ||
	    op->attributes.batch_dims || !is_integer(indices->type) || in->type != out->type)
		return false;
	bytes = in->bytes / (uint64_t)in->shape[0];
	if (out->bytes != bytes * indices->elements)
		return false;
	for (uint64_t i = 0; i < indices->elements; i++) {
		int64_t index = integer_at(indices, i);

		if (index < 0 || index >= in->shape[0])
			return false;
		memcpy(data + i * bytes, in->data + (uint64_t)index * bytes, bytes);
	}
	return true;
}

static bool fold_cast(const struct ir_graph *graph, const struct ir_operator *op,
		      const struct ir_tensor *out, uint8_t *data)
{
	const struct ir_tensor *in = input(graph, op, 0);

	if (!is_integer(in->type) || in->elements != out->elements)
		return false;
	for (uint64_t i = 0; i < out->elements; i++) {
		float real = (float)integer_at(in, i);

		if (out->type == IR_FLOAT32)
			memcpy(data + 4 * i, &real, sizeof(real));
		else if (is_integer(out->type))
			integer_put(out, data, i, integer_at(in, i));
		else
			return false;
	}
	return true;
}

/* RESHAPE: the same bytes under another shape. */
static bool fold_same(const struct ir_graph *graph, const struct ir_operator *op,
		      const struct ir_tensor *out, uint8_t *data)
{
	const struct ir_tensor *in = input(graph, op, 0);

	if (in->type != out->type || in->bytes != out->bytes)
		return false;
	memcpy(data, in->data, in->bytes);
	return true;
}

static bool fold_transpose(const struct ir_graph *graph, const struct ir_operator *op,
			   const struct ir_tensor *out, uint8_t *data)
{
	const struct ir_tensor *in = input(graph, op, 0), *list = input(graph, op, 1);
	uint64_t steps[IR_RANK_MAX], strides[IR_RANK_MAX], stride = 1, from = 0;
	unsigned int bytes = ir_type_bytes(in->type), seen = 0;
	int32_t position[IR_RANK_MAX] = { 0 };

	if (!is_integer(list->type) || list->elements != in->rank || out->rank != in->rank ||
	    in->type != out->type || in->elements != out->elements)
		return false;
	for (unsigned int d = in->rank; d-- > 0; stride *= (uint64_t)in->shape[d])
		strides[d] = stride;
	for (unsigned int d = 0; d < in->rank; d++) {
		int64_t axis = integer_at(list, d);

		if (axis < 0 || axis >= (int64_t)in->rank || out->shape[d] != in->shape[axis])
			return false;
		steps[d] = strides[axis];
		seen |= 1u << axis;
	}
	if (seen != (1u << in->rank) - 1)
		return false;
	for (uint64_t i = 0; i < out->elements; i++) {
		memcpy(data + i * bytes, in->data + from * bytes, bytes);
		for (unsigned int d = out->rank; d-- > 0;) {
			from += steps[d];
			if (++position[d] < out->shape[d])
				break;
			from -= steps[d] * (uint64_t)out->shape[d];
			position[d] = 0;
		}
	}
	return true;
}

/* int8 and uint8 with one scale or one a channel; halves are floats since they were read. */
static bool fold_dequantise(const struct ir_graph *graph, const struct ir_operator *op,
			    const struct ir_tensor *out, uint8_t *data)
{
	const struct ir_tensor *in = input(graph, op, 0);
	uint64_t inner = 1;

	if (in->type == IR_FLOAT32)
		return fold_same(graph, op, out, data);
	if ((in->type != IR_INT8 && in->type != IR_UINT8) || out->type != IR_FLOAT32 ||
	    in->elements != out->elements || !in->scale_count ||
	    (in->scale_count > 1 && (in->quantised_dimension >= in->rank ||
				     in->scale_count !=
				     (uint32_t)in->shape[in->quantised_dimension])))
		return false;
	/* Others make no sense; the resolver says so. */
	for (uint32_t c = 0; c < in->scale_count; c++)
		if (in->zero_points[c] < INT16_MIN || in->zero_points[c] > INT16_MAX)
			return false;
	for (unsigned int d = in->quantised_dimension + 1; d < in->rank; d++)
		inner *= (uint64_t)in->shape[d];
	for (uint64_t i = 0; i < in->elements; i++) {
		uint64_t channel = in->scale_count > 1 ? i / inner % in->scale_count : 0;
		int32_t q = in->type == IR_INT8 ? (int8_t)in->data[i] : in->data[i];
		float real = in->scales[channel] * (float)(q - (int32_t)in->zero_points[channel]);

		memcpy(data + 4 * i, &real, sizeof(real));
	}
	return true;
}

static const struct {
	enum ir_kind kind;
	/* Inputs that there must be, of which those from `constants` on must be constant. */
	unsigned int least, constants;
	fold_fn *fold;
} handlers[] = {
	{ IR_SHAPE, 1, 1, fold_shape },
	{ IR_RANK, 1, 1, fold_rank },
	{ IR_ZEROS, 1, 1, fold_zeros },
	{ IR_RANGE, 3, 0, fold_range },
	{ IR_FILL, 2, 0, fold_fill },
	{ IR_ADD, 2, 0, fold_pair },
	{ IR_SUB, 2, 0, fold_pair },
	{ IR_MUL, 2, 0, fold_pair },
	{ IR_DIV, 2, 0, fold_pair },
	{ IR_FLOOR_DIV, 2, 0, fold_pair },
	{ IR_FLOOR_MOD, 2, 0, fold_pair },
	{ IR_MINIMUM, 2, 0, fold_pair },
	{ IR_MAXIMUM, 2, 0, fold_pair },
	{ IR_SUM, 2, 0, fold_reduction },
	{ IR_REDUCE_PROD, 2, 0, fold_reduction },
	{ IR_REDUCE_MAX, 2, 0, fold_reduction },
	{ IR_REDUCE_MIN, 2, 0, fold_reduction },
	{ IR_STRIDED_SLICE, 4, 0, fold_strided_slice },
	{ IR_SLICE, 3, 0, fold_slice },
	{ IR_PACK, 1, 0, fold_join },
	{ IR_CONCATENATION, 1, 0, fold_join },
	{ IR_GATHER, 2, 0, fold_gather },
	{ IR_CAST, 1, 0, fold_cast },
	{ IR_RESHAPE, 1, 0, fold_same },
	{ IR_TRANSPOSE, 2, 0, fold_transpose },
	{ IR_DEQUANTISE, 1, 0, fold_dequantise },
};

static fold_fn *handler_of(const struct ir_graph *graph, const struct ir_operator *op)
{
	for (size_t h = 0; h < sizeof(handlers) / sizeof(handlers[0]); h++) {
		if (handlers[h].kind != op->kind)
			continue;
		if (op->input_count < handlers[h].least || op->output_count != 1)
			return NULL;
		for (unsigned int i = 0; i < op->input_count; i++)
			if (op->inputs[i] < 0 || (i >= handlers[h].constants &&
						  !ir_is_constant(&graph->tensors[op->inputs[i]])))
				return NULL;
		return handlers[h].fold;
	}
	return NULL;
}

/* An output of the model is written by an operator: a copy of the constant. */
static int copy_out(struct ir_graph *graph, struct ir_operator *op, const uint8_t *data)
{
	struct ir_tensor *constant = &graph->tensors[graph->tensor_count];

	*constant = graph->tensors[op->outputs[0]];
	constant->data = data;
	constant->producer = -1;
	op->inputs = arena_alloc(graph->arena, 1, sizeof(int));
	if (!op->inputs)
		return error_memory(graph->error);
	op->inputs[0] = (int)graph->tensor_count++;
	op->input_count = 1;
	op->kind = IR_COPY;
	return 0;
}

/* FILL with a value that only a run knows: it is repeated. */
static void fill_to_broadcast(const struct ir_graph *graph, struct ir_operator *op)
{
	int dims;

	if (op->kind != IR_FILL || op->input_count != 2 || op->inputs[0] < 0 || op->inputs[1] < 0 ||
	    !ir_is_constant(&graph->tensors[op->inputs[0]]) ||
	    ir_is_constant(&graph->tensors[op->inputs[1]]))
		return;
	dims = op->inputs[0];
	op->inputs[0] = op->inputs[1];
	op->inputs[1] = dims;
	op->kind = IR_BROADCAST_TO;
}

int fold_constants(struct ir_graph *graph, uint64_t budget)
{
	for (unsigned int o = 0; o < graph->operator_count; o++) {
		struct ir_operator *op = &graph->operators[o];
		fold_fn *fold = handler_of(graph, op);
		struct ir_tensor *out;
		uint8_t *data;

		fill_to_broadcast(graph, op);
		out = fold ? &graph->tensors[op->outputs[0]] : NULL;
		if (!out || out->is_state || !ir_type_bytes(out->type) || out->bytes > budget)
			continue;
		data = arena_alloc(graph->arena, out->bytes, 1);
		if (!data)
			return error_memory(graph->error);
		budget -= out->bytes;
		if (!fold(graph, op, out, data))
			continue;
		if (ir_is_output(graph, op->outputs[0])) {
			if (copy_out(graph, op, data))
				return -ENOMEM;
			continue;
		}
		out->data = data;
		out->producer = -1;
		op->removed_reason = "a constant";
	}
	return 0;
}
