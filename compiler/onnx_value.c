// SPDX-License-Identifier: MIT
/* Values of an ONNX graph, and the tensors that hold them in each layout. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "onnx_import.h"
#include "resolve_check.h"

#define BYTES_MAX (INT64_C(1) << 31)

static int size_set(struct onnx *o, struct onnx_value *value)
{
	value->elements = 1;
	for (unsigned int d = 0; d < value->rank; d++) {
		if (value->shape[d] < 1)
			return onnx_fail(o, value, -ENOTSUP, "dimension %u is %d: empty or unknown",
					 d, value->shape[d]);
		value->elements *= (uint64_t)value->shape[d];
		if (value->elements * 8 >= BYTES_MAX)
			return onnx_fail(o, value, -ENOTSUP, "too large: 2^28 elements at most");
	}
	return 0;
}

struct onnx_value *onnx_value_unknown(struct onnx *o, const char *name)
{
	struct onnx_value *value = arena_alloc(o->arena, 1, sizeof(*value));

	for (unsigned int i = 0; value && i < ONNX_LAYOUTS; i++)
		value->tensors[i] = -1;
	if (value) {
		value->name = name;
		value->type = IR_TYPE_OTHER;
	}
	return value;
}

void *onnx_alloc(struct onnx *o, uint64_t count, uint64_t size)
{
	void *data;

	if (count * size > o->budget) {
		onnx_fail(o, NULL, -ENOTSUP, "the model's constants grow too large");
		return NULL;
	}
	o->budget -= count * size;
	data = arena_alloc(o->arena, count, size);
	if (!data)
		onnx_memory(o);
	return data;
}

struct onnx_value *onnx_value_new(struct onnx *o, const char *name, enum ir_type type,
				  unsigned int rank, const int32_t *shape)
{
	struct onnx_value *value = onnx_value_unknown(o, name);

	if (!value) {
		onnx_memory(o);
		return NULL;
	}
	return onnx_define(o, value, type, rank, shape) ? NULL : value;
}

struct onnx_value *onnx_value_constant(struct onnx *o, const char *name, enum ir_type type,
				       unsigned int rank, const int32_t *shape, const void *data)
{
	struct onnx_value *value = onnx_value_new(o, name, type, rank, shape);

	if (value)
		value->data = data;
	return value;
}

int onnx_define(struct onnx *o, struct onnx_value *value, enum ir_type type, unsigned int rank,
		const int32_t *shape)
{
	if (rank > IR_RANK_MAX)
		return onnx_fail(o, value, -ENOTSUP, "%u dimensions, at most %d are supported", rank,
				 IR_RANK_MAX);
	value->type = type;
	value->rank = rank;
	/* The shape may be the value's own. */
	if (rank)
		memmove(value->shape, shape, rank * sizeof(*shape));
	return size_set(o, value);
}

void onnx_alias(struct onnx_value *value, const struct onnx_value *from)
{
	struct onnx_value own = *value;

	*value = *from;
	value->name = own.name;
	value->readers = own.readers;
	value->reader = own.reader;
	value->is_output = own.is_output;
}

bool onnx_is_constant(const struct onnx_value *value)
{
	return value->data || (value->stored && value->stored->data);
}

const float *onnx_floats(struct onnx *o, struct onnx_value *value)
{
	const struct onnx_value *stored = value->stored;
	uint64_t inner = 1;
	float *floats;

	if (value->data)
		return (const float *)(const void *)value->data;
	floats = onnx_alloc(o, value->elements, sizeof(*floats));
	if (!floats)
		return NULL;
	for (unsigned int d = value->axis + 1; d < value->rank; d++)
		inner *= (uint64_t)value->shape[d];
	for (uint64_t i = 0; i < value->elements; i++) {
		uint64_t channel = value->scale_count > 1 ? i / inner % value->scale_count : 0;

		if (value->function)
			floats[i] = value->function[stored->data[i]];
		else
			floats[i] = (float)(onnx_integer(stored, i) - value->zero_points[channel]) *
				    value->scales[channel];
	}
	value->data = (const uint8_t *)floats;
	return floats;
}

unsigned int onnx_layout_shape(const struct onnx_value *value, enum onnx_layout layout,
			       int32_t *shape)
{
	if (layout != ONNX_CHANNELS_LAST) {
		memcpy(shape, value->shape, sizeof(value->shape));
		return value->rank;
	}
	shape[0] = value->shape[0];
	shape[1] = value->rank == 4 ? value->shape[2] : 1;
	shape[2] = value->shape[value->rank - 1];
	shape[3] = value->shape[1];
	return 4;
}

unsigned int onnx_layout_dimension(const struct onnx_value *value, enum onnx_layout layout,
				   unsigned int dimension)
{
	if (layout != ONNX_CHANNELS_LAST || !dimension)
		return dimension;
	if (dimension == 1)
		return 3;
	return value->rank == 4 ? dimension - 1 : 2;
}

enum onnx_layout onnx_layout_of(const struct onnx_value *value)
{
	const struct onnx_value *held = value;

	/* Floats of their own, if any, else the integers behind them. */
	if (value->stored && value->tensors[ONNX_PLAIN] < 0 &&
	    value->tensors[ONNX_CHANNELS_LAST] < 0)
		held = value->stored;
	if (held->tensors[ONNX_CHANNELS_LAST] >= 0)
		return ONNX_CHANNELS_LAST;
	return held->tensors[ONNX_FLATTENED] >= 0 && held->tensors[ONNX_PLAIN] < 0 ?
	       ONNX_FLATTENED : ONNX_PLAIN;
}

void onnx_take_map(struct onnx_value *to, const struct onnx_value *from)
{
	const struct onnx_value *held = from->tensors[ONNX_FLATTENED] < 0 && from->stored ?
					from->stored : from;

	to->map_channels = held->map_channels;
	to->map_pixels = held->map_pixels;
}

int onnx_tensor_raw(struct onnx *o, const char *name, enum ir_type type, unsigned int rank,
		    const int32_t *shape, const void *data, int *tensor)
{
	struct ir_graph *graph = o->graph;
	struct ir_tensor *made;

	if (graph->tensor_count == o->tensor_capacity) {
		unsigned int capacity = 2 * o->tensor_capacity + 64;
		struct ir_tensor *tensors = arena_alloc(o->arena, capacity, sizeof(*tensors));

		if (!tensors)
			return onnx_memory(o);
		if (graph->tensor_count)
			memcpy(tensors, graph->tensors, graph->tensor_count * sizeof(*tensors));
		graph->tensors = tensors;
		o->tensor_capacity = capacity;
	}
	made = &graph->tensors[graph->tensor_count];
	*made = (struct ir_tensor){
		.name = name, .type = type, .source = graph->tensor_count, .rank = rank,
		.elements = 1, .data = data, .producer = -1,
	};
	for (unsigned int d = 0; d < rank; d++) {
		made->shape[d] = shape[d];
		made->elements *= (uint64_t)shape[d];
	}
	made->bytes = made->elements * ir_type_bytes(type);
	*tensor = (int)graph->tensor_count++;
	return 0;
}

/* Integers carry their meaning along when they change their layout. */
static void quantisation_copy(struct onnx *o, const struct onnx_value *value, int tensor)
{
	for (unsigned int i = 0; i < ONNX_LAYOUTS; i++) {
		const struct ir_tensor *from;

		if (value->tensors[i] < 0 || value->tensors[i] == tensor)
			continue;
		from = &o->graph->tensors[value->tensors[i]];
		o->graph->tensors[tensor].scale_count = from->scale_count;
		o->graph->tensors[tensor].scales = from->scales;
		o->graph->tensors[tensor].zero_points = from->zero_points;
	}
}

int onnx_tensor_new(struct onnx *o, struct onnx_value *value, enum onnx_layout layout,
		    int *tensor)
{
	int32_t shape[IR_RANK_MAX];
	unsigned int rank = onnx_layout_shape(value, layout, shape);
	int ret = onnx_tensor_raw(o, value->name, value->type, rank, shape, NULL, tensor);

	if (!ret) {
		quantisation_copy(o, value, *tensor);
		value->tensors[layout] = *tensor;
	}
	return ret;
}

int onnx_tensor_quantise(struct onnx *o, struct onnx_value *value, struct onnx_affine affine)
{
	for (unsigned int i = 0; i < ONNX_LAYOUTS; i++) {
		struct ir_tensor *tensor;

		if (value->tensors[i] < 0 || o->graph->tensors[value->tensors[i]].scale_count)
			continue;
		tensor = &o->graph->tensors[value->tensors[i]];
		tensor->scales = arena_copy(o->arena, &affine.scale, sizeof(affine.scale));
		tensor->zero_points = arena_copy(o->arena, &(int64_t){ affine.zero_point },
						 sizeof(int64_t));
		if (!tensor->scales || !tensor->zero_points)
			return onnx_memory(o);
		tensor->scale_count = 1;
	}
	return 0;
}

struct ir_operator *onnx_emit(struct onnx *o, enum ir_kind kind, unsigned int input_count,
			      const int *inputs, int output)
{
	struct ir_graph *graph = o->graph;
	struct ir_operator *op;

	if (graph->operator_count == o->operator_capacity) {
		unsigned int capacity = 2 * o->operator_capacity + 64;
		struct ir_operator *operators = arena_alloc(o->arena, capacity,
							    sizeof(*operators));

		if (!operators) {
			onnx_memory(o);
			return NULL;
		}
		if (graph->operator_count)
			memcpy(operators, graph->operators,
			       graph->operator_count * sizeof(*operators));
		graph->operators = operators;
		o->operator_capacity = capacity;
	}
	op = &graph->operators[graph->operator_count];
	*op = (struct ir_operator){
		.kind = kind, .type_name = onnx_node_type(o->node), .source = o->node->index,
		.input_count = input_count, .output_count = output >= 0,
	};
	op->inputs = arena_alloc(o->arena, input_count + 1, sizeof(int));
	op->outputs = arena_alloc(o->arena, 1, sizeof(int));
	if (!op->inputs || !op->outputs) {
		onnx_memory(o);
		return NULL;
	}
	if (input_count)
		memcpy(op->inputs, inputs, input_count * sizeof(int));
	op->outputs[0] = output;
	if (output >= 0 && kind != IR_UNKNOWN)
		graph->tensors[output].producer = (int)graph->operator_count;
	graph->operator_count++;
	return op;
}

int onnx_emit_from(struct onnx *o, enum ir_kind kind, struct onnx_value *x, struct onnx_value *y,
		   enum onnx_layout layout, struct ir_operator **op)
{
	int from, to, ret = onnx_tensor(o, x, layout, &from);

	if (!ret)
		ret = onnx_tensor_new(o, y, layout, &to);
	if (ret)
		return ret;
	*op = onnx_emit(o, kind, 1, &from, to);
	return *op ? 0 : onnx_failed(o);
}

int onnx_removed(struct onnx *o, const struct onnx_node *node, const char *reason)
{
	struct ir_operator *op;
	int tensor = -1, ret = 0;

	/* What the node of the file becomes is on record. */
	if (node->whole)
		return 0;
	/* A tensor that nothing uses, for the sake of its name. */
	if (node->output_count && node->outputs[0])
		ret = onnx_tensor_raw(o, node->outputs[0]->name, IR_INT8, 0, NULL, NULL, &tensor);
	if (ret)
		return ret;
	op = onnx_emit(o, IR_UNKNOWN, 0, NULL, tensor);
	if (!op)
		return onnx_failed(o);
	op->source = node->index;
	op->type_name = node->proto->op_type;
	op->removed_reason = reason;
	return 0;
}

/* The order of a constant's elements in another layout. */
static const uint8_t *constant_permuted(struct onnx *o, const struct onnx_value *value,
					enum onnx_layout layout)
{
	uint64_t bytes = ir_type_bytes(value->type), planes, channels, pixels;
	uint8_t *data;

	if (layout == ONNX_PLAIN)
		return value->data;
	channels = (uint64_t)value->shape[1];
	planes = (uint64_t)value->shape[0];
	pixels = value->elements / planes / channels;
	if (layout == ONNX_FLATTENED) {
		channels = (uint64_t)value->map_channels;
		pixels = (uint64_t)value->map_pixels;
	}
	data = onnx_alloc(o, value->elements, bytes);
	for (uint64_t i = 0; data && i < value->elements; i++) {
		uint64_t c = i % channels, p = i / channels % pixels, n = i / channels / pixels;

		memcpy(data + i * bytes, value->data + ((n * channels + c) * pixels + p) * bytes,
		       bytes);
	}
	return data;
}

static int constant_tensor(struct onnx *o, struct onnx_value *value, enum onnx_layout layout,
			   int *tensor)
{
	const uint8_t *data = constant_permuted(o, value, layout);
	int ret;

	if (!data)
		return onnx_failed(o);
	ret = onnx_tensor_new(o, value, layout, tensor);
	if (!ret)
		o->graph->tensors[*tensor].data = data;
	return ret;
}

/* DEQUANTIZE, or a table of floats where the function is not a straight line. */
static int floats_from_stored(struct onnx *o, struct onnx_value *value, enum onnx_layout layout,
			      int *tensor)
{
	struct ir_operator *op;
	int from, ret = onnx_tensor(o, value->stored, layout, &from);

	onnx_take_map(value, value->stored);
	if (!ret)
		ret = onnx_tensor_new(o, value, layout, tensor);
	if (ret)
		return ret;
	op = onnx_emit(o, value->scale_count == 1 ? IR_DEQUANTISE : IR_FLOAT_TABLE, 1, &from,
		       *tensor);
	if (!op)
		return onnx_failed(o);
	op->type_name = "DequantizeLinear";
	if (value->scale_count != 1) {
		ret = resolve_portable(o->graph, op, KESTREL_GRAPH_TABLE, 4 * IR_TABLE_ENTRIES);
		if (!ret)
			memcpy(op->portable->parameters, value->function, 4 * IR_TABLE_ENTRIES);
		return ret;
	}
	ret = resolve_portable(o->graph, op, KESTREL_GRAPH_DEQUANTIZE, 0);
	if (ret)
		return ret;
	op->portable->attributes.quantize.scale = resolve_float_bits(value->scales[0]);
	op->portable->attributes.quantize.zero_point = value->zero_points[0];
	return 0;
}

static int emit_reshape(struct onnx *o, int from, int to)
{
	struct ir_operator *op = onnx_emit(o, IR_RESHAPE, 1, &from, to);

	if (!op)
		return onnx_failed(o);
	op->type_name = "Reshape";
	return 0;
}

/* Rank 3 with the last two dimensions exchanged, from one tensor to another. */
static int emit_exchange(struct onnx *o, const struct onnx_value *value, int from, int to,
			 const int32_t *shape)
{
	int32_t exchanged[3] = { shape[0], shape[2], shape[1] };
	struct ir_operator *op;
	int a, b, ret;

	if (shape[1] == 1 || shape[2] == 1)
		return emit_reshape(o, from, to);
	ret = onnx_tensor_raw(o, value->name, value->type, 3, shape, NULL, &a);
	if (!ret)
		ret = onnx_tensor_raw(o, value->name, value->type, 3, exchanged, NULL, &b);
	if (ret)
		return ret;
	quantisation_copy(o, value, a);
	quantisation_copy(o, value, b);
	ret = emit_reshape(o, from, a);
	if (ret)
		return ret;
	op = onnx_emit(o, IR_TRANSPOSE, 1, &a, b);
	if (!op)
		return onnx_failed(o);
	op->type_name = "Transpose";
	ret = resolve_portable(o->graph, op, KESTREL_GRAPH_TRANSPOSE, 0);
	if (ret)
		return ret;
	memcpy(op->portable->attributes.transpose.permutation, (uint32_t[]){ 0, 2, 1 },
	       3 * sizeof(uint32_t));
	return emit_reshape(o, b, to);
}

/* Between layouts: channels and pixels change places in each image. */
static int convert(struct onnx *o, struct onnx_value *value, enum onnx_layout from,
		   enum onnx_layout to, int *tensor)
{
	enum onnx_layout other = from == ONNX_PLAIN ? to : from;
	int source = value->tensors[from], ret;
	int32_t channels, pixels;

	if (other == ONNX_FLATTENED) {
		channels = value->map_channels;
		pixels = value->map_pixels;
	} else {
		channels = value->shape[1];
		pixels = (int32_t)(value->elements / (uint64_t)value->shape[0] /
				   (uint64_t)channels);
	}
	ret = onnx_tensor_new(o, value, to, tensor);
	if (ret)
		return ret;
	return emit_exchange(o, value, source, *tensor,
			     from == ONNX_PLAIN ?
			     (int32_t[]){ value->shape[0], channels, pixels } :
			     (int32_t[]){ value->shape[0], pixels, channels });
}

int onnx_tensor(struct onnx *o, struct onnx_value *value, enum onnx_layout layout, int *tensor)
{
	enum onnx_layout from;

	if (layout == ONNX_CHANNELS_LAST && value->rank != 3 && value->rank != 4)
		return onnx_fail(o, value, -ENOTSUP, "needs three or four dimensions here");
	*tensor = value->tensors[layout];
	if (*tensor >= 0)
		return 0;
	if (value->data)
		return constant_tensor(o, value, layout, tensor);
	for (from = 0; from < ONNX_LAYOUTS; from++)
		if (value->tensors[from] >= 0)
			break;
	if (from < ONNX_LAYOUTS)
		return convert(o, value, from, layout, tensor);
	if (!value->stored)
		return onnx_fail(o, value, -EINVAL, "has no contents");
	if (!value->function && value->scale_count != 1 && !value->stored->data)
		return onnx_fail(o, value, -ENOTSUP,
				 "a scale for each channel is supported for constants only");
	if (value->stored->data && !onnx_floats(o, value))
		return onnx_failed(o);
	if (value->data)
		return constant_tensor(o, value, layout, tensor);
	return floats_from_stored(o, value, layout, tensor);
}
