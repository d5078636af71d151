// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <string.h>

#include "error.h"
#include "flatbuffer.h"
#include "fold.h"
#include "ir.h"
#include "tflite.h"
#include "tflite_options.h"
#include "tflite_schema.h"
#include "tflite_states.h"

/* Far above any real model; bounds what a small hostile file can make us copy. */
#define IDENTIFIER "TFL3"
#define OPERANDS_MAX 1024
#define NAME_BYTES_MAX 256
#define ELEMENTS_MAX ((uint64_t)1 << 31)
/* Bytes of constants that may be computed, beside so many times the file. */
#define FOLD_LEAST ((uint64_t)16 << 20)
#define FOLD_FACTOR 16

struct reader {
	struct ir_graph *graph;
	struct error *error;
	struct flatbuffer file;
	struct flatbuffer_vector codes;
	struct flatbuffer_vector buffers;
	/* Bytes copied out of vectors: hostile files may share one between many. */
	uint64_t copied;
};

static int budget(struct reader *reader, const char *what, uint64_t bytes)
{
	reader->copied += bytes;
	if (reader->copied > 64 * (uint64_t)reader->file.bytes + 65536)
		return error_set(reader->error, -EINVAL,
				 "%s: vectors of this file overlap too often", what);
	return 0;
}

/* Copies a string so that control characters cannot reach a terminal. */
static int read_string(struct reader *reader, const struct flatbuffer_table *table,
		       unsigned int slot, const char **text)
{
	struct flatbuffer_vector vector;
	uint32_t length;
	char *copy;
	int ret = flatbuffer_vector(table, slot, 1, &vector);

	if (ret)
		return ret;
	length = vector.count < NAME_BYTES_MAX ? vector.count : NAME_BYTES_MAX;
	ret = budget(reader, table->what, length);
	if (ret)
		return ret;
	copy = arena_alloc(reader->graph->arena, (size_t)length + 1, 1);
	if (!copy)
		return error_memory(reader->error);
	for (uint32_t i = 0; i < length; i++) {
		uint8_t c = flatbuffer_vector_data(&vector)[i];

		copy[i] = c < 32 || c == 127 || c == '"' || c == '\\' ? '?' : (char)c;
	}
	*text = copy;
	return 0;
}

static enum ir_type type_of(int8_t code)
{
	switch (code) {
	case TFLITE_FLOAT32:
		return IR_FLOAT32;
	case TFLITE_INT32:
		return IR_INT32;
	case TFLITE_UINT8:
		return IR_UINT8;
	case TFLITE_INT64:
		return IR_INT64;
	case TFLITE_BOOL:
		return IR_BOOL;
	case TFLITE_INT16:
		return IR_INT16;
	case TFLITE_INT8:
	case TFLITE_INT4:
		return IR_INT8;
	}
	return IR_TYPE_OTHER;
}

static int read_shape(struct reader *reader, const struct flatbuffer_table *table,
		      struct ir_tensor *tensor)
{
	struct flatbuffer_vector shape;
	int ret = flatbuffer_vector(table, TFLITE_TENSOR_SHAPE, 4, &shape);

	if (ret)
		return ret;
	if (shape.count > IR_RANK_MAX)
		return error_set(reader->error, -ENOTSUP, "%s: rank %u, at most %u is supported",
				 table->what, shape.count, IR_RANK_MAX);
	tensor->rank = shape.count;
	tensor->elements = 1;
	for (uint32_t i = 0; i < shape.count; i++) {
		int32_t extent = flatbuffer_vector_int32(&shape, i);

		/* Tolerated in tensors that no operator names; see read_indices(). */
		tensor->shape[i] = extent;
		tensor->elements *= extent < 1 ? 0 : (uint64_t)extent;
		if (tensor->elements > ELEMENTS_MAX)
			return error_set(reader->error, -EINVAL, "%s: more than %llu elements",
					 table->what, (unsigned long long)ELEMENTS_MAX);
	}
	tensor->bytes = tensor->elements * ir_type_bytes(tensor->type);
	return 0;
}

static int read_quantisation(struct reader *reader, const struct flatbuffer_table *table,
			     struct ir_tensor *tensor)
{
	struct flatbuffer_table quantisation;
	struct flatbuffer_vector scales, zero_points;
	int32_t dimension;
	int64_t *zero_copy;
	float *scale_copy;
	int found, ret;

	ret = flatbuffer_subtable(table, TFLITE_TENSOR_QUANTIZATION, table->what, &quantisation,
				  &found);
	if (ret || !found)
		return ret;
	ret = flatbuffer_vector(&quantisation, TFLITE_QUANTIZATION_SCALE, 4, &scales);
	if (!ret)
		ret = flatbuffer_vector(&quantisation, TFLITE_QUANTIZATION_ZERO_POINT, 8,
					&zero_points);
	if (!ret)
		ret = flatbuffer_int32(&quantisation, TFLITE_QUANTIZATION_DIMENSION, 0, &dimension);
	if (ret || !scales.count)
		return ret;
	if (zero_points.count && zero_points.count != scales.count)
		return error_set(reader->error, -EINVAL, "%s: %u scales but %u zero points",
				 table->what, scales.count, zero_points.count);
	if (scales.count > 1) {
		/* Some converters leave the dimension of a rank-1 bias at its weights' value. */
		if (tensor->rank == 1 && dimension > 0 && tensor->type == IR_INT32)
			dimension = 0;
		if (dimension < 0 || dimension >= (int32_t)tensor->rank ||
		    (uint32_t)tensor->shape[dimension] != scales.count)
			return error_set(reader->error, -EINVAL,
					 "%s: %u scales do not match dimension %d", table->what,
					 scales.count, dimension);
	} else {
		dimension = 0;
	}
	ret = budget(reader, table->what, 12 * (uint64_t)scales.count);
	if (ret)
		return ret;
	scale_copy = arena_alloc(reader->graph->arena, scales.count, sizeof(*scale_copy));
	zero_copy = arena_alloc(reader->graph->arena, scales.count, sizeof(*zero_copy));
	if (!scale_copy || !zero_copy)
		return error_memory(reader->error);
	for (uint32_t i = 0; i < scales.count; i++) {
		scale_copy[i] = flatbuffer_vector_float(&scales, i);
		if (zero_points.count)
			zero_copy[i] = flatbuffer_vector_int64(&zero_points, i);
		if (!isfinite(scale_copy[i]) || scale_copy[i] < 0)
			return error_set(reader->error, -EINVAL,
					 "%s: scale %u is %g, not a finite positive number",
					 table->what, i, (double)scale_copy[i]);
	}
	tensor->scale_count = scales.count;
	tensor->scales = scale_copy;
	tensor->zero_points = zero_copy;
	tensor->quantised_dimension = (uint32_t)dimension;
	return 0;
}

/* Two elements a byte, the first in the lower half, become int8. */
static int expand_int4(struct reader *reader, const struct flatbuffer_table *table,
		       struct ir_tensor *tensor)
{
	const uint8_t *packed = tensor->data;
	uint8_t *data;
	int ret = budget(reader, table->what, tensor->bytes);

	if (ret)
		return ret;
	data = arena_alloc(reader->graph->arena, tensor->bytes, 1);
	if (!data)
		return error_memory(reader->error);
	for (uint64_t i = 0; i < tensor->bytes; i++) {
		uint8_t bits = packed[i / 2] >> (i % 2 * 4) & 15;

		data[i] = (uint8_t)(bits < 8 ? bits : bits - 16);
	}
	tensor->data = data;
	return 0;
}

/* Halves, which only constants have: floats with the same values. */
static float half_value(uint16_t bits)
{
	float magnitude = (float)(bits & 0x3ff);
	int exponent = bits >> 10 & 31;

	if (exponent == 31)
		magnitude = bits & 0x3ff ? NAN : INFINITY;
	else if (exponent)
		magnitude = ldexpf(magnitude + 1024, exponent - 25);
	else
		magnitude = ldexpf(magnitude, -24);
	return bits >> 15 ? -magnitude : magnitude;
}

static int expand_halves(struct reader *reader, const struct flatbuffer_table *table,
			 struct ir_tensor *tensor)
{
	float *data;
	int ret = budget(reader, table->what, 4 * tensor->elements);

	if (ret)
		return ret;
	data = arena_alloc(reader->graph->arena, tensor->elements, sizeof(*data));
	if (!data)
		return error_memory(reader->error);
	for (uint64_t i = 0; i < tensor->elements; i++) {
		uint16_t bits;

		memcpy(&bits, tensor->data + 2 * i, sizeof(bits));
		data[i] = half_value(bits);
	}
	tensor->data = (const uint8_t *)data;
	tensor->type = IR_FLOAT32;
	tensor->bytes = 4 * tensor->elements;
	return 0;
}

static int read_contents(struct reader *reader, const struct flatbuffer_table *table,
			 int8_t type, struct ir_tensor *tensor)
{
	struct flatbuffer_table buffer;
	struct flatbuffer_vector data;
	uint64_t offset = 0, size = 0, expected = tensor->bytes;
	bool halves = type == TFLITE_FLOAT16;
	uint32_t index;
	int ret = flatbuffer_uint32(table, TFLITE_TENSOR_BUFFER, 0, &index);

	if (ret || !index)
		return ret;
	if (index >= reader->buffers.count)
		return error_set(reader->error, -EINVAL, "%s: buffer %u of %u does not exist",
				 table->what, index, reader->buffers.count);
	ret = flatbuffer_item(&reader->buffers, index, table->what, &buffer);
	if (!ret)
		ret = flatbuffer_vector(&buffer, TFLITE_BUFFER_DATA, 1, &data);
	if (!ret)
		ret = flatbuffer_uint64(&buffer, TFLITE_BUFFER_OFFSET, 0, &offset);
	if (!ret)
		ret = flatbuffer_uint64(&buffer, TFLITE_BUFFER_SIZE, 0, &size);
	if (ret)
		return ret;
	if (!data.count && offset > 1) {
		/* Large models keep the contents behind the flatbuffer. */
		if (offset > reader->file.bytes || size > reader->file.bytes - offset)
			return error_set(reader->error, -EINVAL,
					 "%s: contents at byte %llu, %llu bytes, leave the file",
					 table->what, (unsigned long long)offset,
					 (unsigned long long)size);
		tensor->data = reader->file.data + offset;
	} else if (data.count) {
		tensor->data = flatbuffer_vector_data(&data);
		size = data.count;
	} else {
		return 0;
	}
	if (tensor->is_int4)
		expected = (expected + 1) / 2;
	if (halves)
		expected = 2 * tensor->elements;
	if ((tensor->type != IR_TYPE_OTHER || halves) && size != expected)
		return error_set(reader->error, -EINVAL,
				 "%s: contents have %llu bytes, the shape asks for %llu",
				 table->what, (unsigned long long)size,
				 (unsigned long long)expected);
	if (halves)
		return expand_halves(reader, table, tensor);
	return tensor->is_int4 ? expand_int4(reader, table, tensor) : 0;
}

static int read_tensor(struct reader *reader, const struct flatbuffer_vector *tensors,
		       unsigned int index)
{
	struct ir_tensor *tensor = &reader->graph->tensors[index];
	struct flatbuffer_table table;
	const char *what = arena_printf(reader->graph->arena, "tensor %u", index);
	int8_t type, is_variable;
	int ret;

	if (!what)
		return error_memory(reader->error);
	tensor->source = index;
	tensor->producer = -1;
	ret = flatbuffer_item(tensors, index, what, &table);
	if (!ret)
		ret = read_string(reader, &table, TFLITE_TENSOR_NAME, &tensor->name);
	if (ret)
		return ret;
	table.what = arena_printf(reader->graph->arena, "tensor %u \"%s\"", index, tensor->name);
	if (!table.what)
		return error_memory(reader->error);
	ret = flatbuffer_int8(&table, TFLITE_TENSOR_TYPE, TFLITE_FLOAT32, &type);
	if (ret)
		return ret;
	tensor->type = type_of(type);
	tensor->is_int4 = type == TFLITE_INT4;
	ret = flatbuffer_int8(&table, TFLITE_TENSOR_IS_VARIABLE, 0, &is_variable);
	if (!ret)
		ret = read_shape(reader, &table, tensor);
	if (!ret)
		ret = read_quantisation(reader, &table, tensor);
	if (!ret)
		ret = read_contents(reader, &table, type, tensor);
	if (!ret && is_variable) {
		if (tensor->data)
			return error_set(reader->error, -ENOTSUP,
					 "%s: a variable tensor with contents", table.what);
		tensor->is_state = true;
		/* What the runtimes reset such a tensor to. */
		if (tensor->type == IR_INT8 && tensor->scale_count == 1)
			tensor->initial_byte = (uint8_t)tensor->zero_points[0];
	}
	return ret;
}

static int check_extents(struct reader *reader, unsigned int index)
{
	const struct ir_tensor *tensor = &reader->graph->tensors[index];

	for (unsigned int d = 0; d < tensor->rank && !tensor->elements; d++)
		if (tensor->shape[d] < 1)
			return error_set(reader->error, -EINVAL,
					 "tensor %u \"%s\": dimension %u has size %d, only fixed positive sizes are supported",
					 index, tensor->name, d, tensor->shape[d]);
	return 0;
}

/* Indices of tensors; -1 stands for an optional operand that is absent. */
static int read_indices(struct reader *reader, const struct flatbuffer_table *table,
			unsigned int slot, int lowest, int **indices, unsigned int *count)
{
	struct flatbuffer_vector vector;
	int ret = flatbuffer_vector(table, slot, 4, &vector);

	if (ret)
		return ret;
	if (vector.count > OPERANDS_MAX)
		return error_set(reader->error, -EINVAL, "%s: %u operands, at most %u are supported",
				 table->what, vector.count, OPERANDS_MAX);
	ret = budget(reader, table->what, 4 * (uint64_t)vector.count);
	if (ret)
		return ret;
	*indices = arena_alloc(reader->graph->arena, vector.count, sizeof(**indices));
	if (!*indices)
		return error_memory(reader->error);
	*count = vector.count;
	for (uint32_t i = 0; i < vector.count; i++) {
		int32_t index = flatbuffer_vector_int32(&vector, i);

		if (index < lowest || index >= (int64_t)reader->graph->tensor_count)
			return error_set(reader->error, -EINVAL,
					 "%s: operand %u is tensor %d, the model has %u tensors",
					 table->what, i, index, reader->graph->tensor_count);
		(*indices)[i] = index;
		ret = index < 0 ? 0 : check_extents(reader, (unsigned int)index);
		if (ret)
			return ret;
	}
	return 0;
}

static int read_code(struct reader *reader, const struct flatbuffer_table *table,
		     struct ir_operator *op)
{
	struct flatbuffer_table code;
	const char *custom = NULL;
	int8_t deprecated;
	int32_t builtin;
	uint32_t index;
	int ret = flatbuffer_uint32(table, TFLITE_OPERATOR_CODE_INDEX, 0, &index);

	if (ret)
		return ret;
	if (index >= reader->codes.count)
		return error_set(reader->error, -EINVAL, "%s: operator code %u of %u does not exist",
				 table->what, index, reader->codes.count);
	ret = flatbuffer_item(&reader->codes, index, table->what, &code);
	if (!ret)
		ret = flatbuffer_int8(&code, TFLITE_CODE_DEPRECATED_BUILTIN, 0, &deprecated);
	if (!ret)
		ret = flatbuffer_int32(&code, TFLITE_CODE_BUILTIN, 0, &builtin);
	if (ret)
		return ret;
	if (builtin < deprecated)
		builtin = deprecated;
	op->kind = tflite_operator_kind(builtin);
	op->attributes.function = tflite_operator_function(builtin);
	op->attributes.comparison = tflite_operator_comparison(builtin);
	op->type_name = tflite_operator_name(builtin);
	if (!op->type_name) {
		op->type_name = arena_printf(reader->graph->arena, "operator code %d", builtin);
	} else if (builtin == TFLITE_CUSTOM) {
		ret = read_string(reader, &code, TFLITE_CODE_CUSTOM, &custom);
		if (ret)
			return ret;
		op->type_name = arena_printf(reader->graph->arena, "CUSTOM %s", custom);
		if (custom && !strcmp(custom, TFLITE_CUSTOM_DETECTION))
			op->kind = IR_DETECTION;
	}
	return op->type_name ? 0 : error_memory(reader->error);
}

static int read_variable_name(struct reader *reader, const struct flatbuffer_table *table,
			      struct ir_operator *op)
{
	struct flatbuffer_table options;
	const char *container = "", *name = "";
	int found;
	int ret = flatbuffer_subtable(table, TFLITE_OPERATOR_OPTIONS, table->what, &options,
				      &found);

	if (!ret && found)
		ret = read_string(reader, &options, 0, &container);
	if (!ret && found)
		ret = read_string(reader, &options, 1, &name);
	if (ret)
		return ret;
	op->attributes.variable = arena_printf(reader->graph->arena, "%s/%s", container, name);
	return op->attributes.variable ? 0 : error_memory(reader->error);
}

/* The runtimes unpack int4 in front of these operators, and nowhere else. */
static int check_int4(const struct reader *reader, const struct ir_operator *op)
{
	bool takes = op->kind == IR_CONVOLUTION || op->kind == IR_DEPTHWISE ||
		     op->kind == IR_FULLY_CONNECTED;

	for (unsigned int i = 0; i < op->input_count; i++) {
		int index = op->inputs[i];
		const struct ir_tensor *tensor = &reader->graph->tensors[index < 0 ? 0 : index];

		if (index >= 0 && tensor->is_int4 && !(takes && i == 1 && tensor->data))
			return error_set(reader->error, -ENOTSUP,
					 "%s: int4 is supported for constant weights of convolutions and fully connected layers only",
					 ir_where(reader->graph, op, index));
	}
	for (unsigned int i = 0; i < op->output_count; i++)
		if (reader->graph->tensors[op->outputs[i]].is_int4)
			return error_set(reader->error, -ENOTSUP,
					 "%s: nothing is computed in int4",
					 ir_where(reader->graph, op, op->outputs[i]));
	return 0;
}

static int read_operator(struct reader *reader, const struct flatbuffer_vector *operators,
			 unsigned int index)
{
	struct ir_operator *op = &reader->graph->operators[index];
	struct flatbuffer_table table;
	const char *what = arena_printf(reader->graph->arena, "operator %u", index);
	int ret;

	if (!what)
		return error_memory(reader->error);
	op->source = index;
	ret = flatbuffer_item(operators, index, what, &table);
	if (!ret)
		ret = read_code(reader, &table, op);
	if (ret)
		return ret;
	table.what = ir_where(reader->graph, op, -1);
	ret = read_indices(reader, &table, TFLITE_OPERATOR_INPUTS, -1, &op->inputs,
			   &op->input_count);
	if (!ret)
		ret = read_indices(reader, &table, TFLITE_OPERATOR_OUTPUTS, 0, &op->outputs,
				   &op->output_count);
	if (!ret)
		ret = check_int4(reader, op);
	if (!ret)
		ret = tflite_read_options(reader->error, &table, op);
	if (!ret && op->kind == IR_VARIABLE_HANDLE)
		ret = read_variable_name(reader, &table, op);
	return ret;
}

static int read_subgraph(struct reader *reader, const struct flatbuffer_table *subgraph)
{
	struct ir_graph *graph = reader->graph;
	struct flatbuffer_vector tensors, operators;
	int ret;

	ret = flatbuffer_tables(subgraph, TFLITE_SUBGRAPH_TENSORS, &tensors);
	if (!ret)
		ret = flatbuffer_tables(subgraph, TFLITE_SUBGRAPH_OPERATORS, &operators);
	if (ret)
		return ret;
	/* Room for the states behind resource variables, of which each has a reader or writer. */
	graph->tensors = arena_alloc(graph->arena, (size_t)tensors.count + operators.count,
				     sizeof(*graph->tensors));
	graph->operators = arena_alloc(graph->arena, operators.count, sizeof(*graph->operators));
	if (!graph->tensors || !graph->operators)
		return error_memory(reader->error);
	graph->tensor_count = tensors.count;
	for (unsigned int i = 0; i < tensors.count && !ret; i++)
		ret = read_tensor(reader, &tensors, i);
	if (!ret)
		ret = read_indices(reader, subgraph, TFLITE_SUBGRAPH_INPUTS, 0, &graph->inputs,
				   &graph->input_count);
	if (!ret)
		ret = read_indices(reader, subgraph, TFLITE_SUBGRAPH_OUTPUTS, 0, &graph->outputs,
				   &graph->output_count);
	for (unsigned int i = 0; i < graph->input_count && !ret; i++)
		if (graph->tensors[graph->inputs[i]].data)
			ret = error_set(reader->error, -EINVAL,
					"subgraph 0: input %u is tensor %d, which is a constant", i,
					graph->inputs[i]);
	graph->operator_count = operators.count;
	for (unsigned int i = 0; i < operators.count && !ret; i++)
		ret = read_operator(reader, &operators, i);
	return ret;
}

/* The subgraph that CALL_ONCE names; one without operators where there is none. */
static int read_initial(struct reader *reader, const struct flatbuffer_vector *subgraphs,
			struct ir_graph *initial)
{
	struct ir_graph *graph = reader->graph;
	struct flatbuffer_table subgraph;
	int ret = 0;

	for (unsigned int o = 0; o < graph->operator_count && !ret; o++) {
		const struct ir_operator *op = &graph->operators[o];
		int32_t index = op->attributes.subgraph;

		if (op->kind != IR_CALL_ONCE)
			continue;
		if (initial->operator_count)
			return error_set(reader->error, -ENOTSUP,
					 "%s: more than one subgraph that runs once",
					 ir_where(graph, op, -1));
		if (index < 1 || (uint32_t)index >= subgraphs->count)
			return error_set(reader->error, -EINVAL,
					 "%s: subgraph %d of %u does not exist",
					 ir_where(graph, op, -1), index, subgraphs->count);
		ret = flatbuffer_item(subgraphs, (uint32_t)index, "the subgraph that runs once",
				      &subgraph);
		reader->graph = initial;
		if (!ret)
			ret = read_subgraph(reader, &subgraph);
		reader->graph = graph;
	}
	return ret;
}

static int read_variables(struct reader *reader, const struct flatbuffer_vector *subgraphs)
{
	struct ir_graph initial = { .arena = reader->graph->arena, .error = reader->error };
	int ret = read_initial(reader, subgraphs, &initial);

	return ret ? ret : tflite_states(reader->graph, &initial);
}

bool tflite_is_model(const void *data, size_t bytes)
{
	return bytes >= 8 && !memcmp((const uint8_t *)data + 4, IDENTIFIER, 4);
}

int tflite_read(struct ir_graph *graph, const void *data, size_t bytes)
{
	struct reader reader = {
		.graph = graph,
		.error = graph->error,
		.file = { .data = data, .bytes = bytes, .error = graph->error },
	};
	struct flatbuffer_table model, subgraph;
	struct flatbuffer_vector subgraphs;
	uint32_t version;
	int ret;

	ret = flatbuffer_root(&reader.file, IDENTIFIER, "model", &model);
	if (!ret)
		ret = flatbuffer_uint32(&model, TFLITE_MODEL_VERSION, 0, &version);
	if (ret)
		return ret;
	if (version != 3)
		return error_set(graph->error, -ENOTSUP, "model: schema version %u, only 3 is known",
				 version);
	ret = flatbuffer_tables(&model, TFLITE_MODEL_CODES, &reader.codes);
	if (!ret)
		ret = flatbuffer_tables(&model, TFLITE_MODEL_BUFFERS, &reader.buffers);
	if (!ret)
		ret = flatbuffer_tables(&model, TFLITE_MODEL_SUBGRAPHS, &subgraphs);
	if (ret)
		return ret;
	if (!subgraphs.count)
		return error_set(graph->error, -EINVAL, "model: no subgraph");
	ret = flatbuffer_item(&subgraphs, 0, "subgraph 0", &subgraph);
	if (!ret)
		ret = read_subgraph(&reader, &subgraph);
	if (!ret)
		ret = read_variables(&reader, &subgraphs);
	if (!ret && !graph->output_count)
		ret = error_set(graph->error, -EINVAL, "subgraph 0: no outputs");
	if (!ret)
		ret = ir_order(graph);
	return ret ? ret : fold_constants(graph, FOLD_LEAST + FOLD_FACTOR * (uint64_t)bytes);
}
