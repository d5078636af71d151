// SPDX-License-Identifier: MIT
/* Operators whose data say where something is, or in what order. */
#include <errno.h>
#include <string.h>

#include "onnx_import.h"
#include "portable.h"
#include "resolve_check.h"

static bool is_byte(enum ir_type type)
{
	return type == IR_INT8 || type == IR_UINT8;
}

static bool is_index(enum ir_type type)
{
	return type == IR_INT32 || type == IR_INT64;
}

/* An operator of the processor from tensors to a value, as ONNX lays it out; NULL with a message. */
static struct ir_operator *emit_to(struct onnx *o, enum ir_kind kind, unsigned int count,
				   const int *inputs, struct onnx_value *y)
{
	struct ir_operator *op;
	int to;

	if (onnx_tensor_new(o, y, ONNX_PLAIN, &to))
		return NULL;
	op = onnx_emit(o, kind, count, inputs, to);
	return op && !resolve_portable(o->graph, op, portable_opcode(kind), 0) ? op : NULL;
}

/* Sum or difference of integers, which may wrap. */
static struct onnx_value *integer_sum(struct onnx *o, enum ir_kind kind, const int *inputs,
				      const struct onnx_value *like)
{
	struct onnx_value *y = onnx_value_new(o, like->name, like->type, like->rank, like->shape);
	struct ir_operator *op = y ? emit_to(o, kind, 2, inputs, y) : NULL;

	if (!op)
		return NULL;
	op->portable->attributes.elementwise.minimum = INT32_MIN;
	op->portable->attributes.elementwise.maximum = INT32_MAX;
	return y;
}

/* A constant of integers of the type of indices: one, or a row of them. */
static int integers_tensor(struct onnx *o, enum ir_type type, const int32_t *numbers,
			   int32_t count, int *tensor)
{
	uint64_t bytes = ir_type_bytes(type);
	uint8_t *data = onnx_alloc(o, (uint64_t)count, bytes);

	if (!data)
		return onnx_failed(o);
	for (int32_t i = 0; i < count; i++) {
		int64_t wide = numbers[i];

		memcpy(data + (uint64_t)i * bytes, type == IR_INT64 ? (const void *)&wide :
		       (const void *)&numbers[i], bytes);
	}
	return onnx_tensor_raw(o, "sizes", type, count == 1 ? 0 : 1, &count, data, tensor);
}

static struct onnx_value *constant_from_front(struct onnx *o, const struct onnx_value *indices,
					      const int32_t *sizes, int32_t count)
{
	int64_t *data = onnx_alloc(o, indices->elements, sizeof(*data));

	for (uint64_t i = 0; data && i < indices->elements; i++) {
		data[i] = onnx_integer(indices, i);
		data[i] += data[i] < 0 ? sizes[i % (uint64_t)count] : 0;
	}
	return data ? onnx_value_constant(o, indices->name, IR_INT64, indices->rank,
					  indices->shape, data) : NULL;
}

struct onnx_value *onnx_from_front(struct onnx *o, struct onnx_value *indices,
				   const int32_t *sizes, int32_t count)
{
	struct onnx_value *sum, *below, *y;
	int operands[3], choice[3], zero;
	struct ir_operator *op;

	if (indices->data)
		return constant_from_front(o, indices, sizes, count);
	if (onnx_tensor(o, indices, ONNX_PLAIN, &operands[0]) ||
	    integers_tensor(o, indices->type, sizes, count, &operands[1]) ||
	    integers_tensor(o, indices->type, (int32_t[]){ 0 }, 1, &zero))
		return NULL;
	sum = integer_sum(o, IR_ADD, operands, indices);
	below = sum ? onnx_value_new(o, indices->name, IR_BOOL, indices->rank, indices->shape) :
		      NULL;
	y = below ? onnx_value_new(o, indices->name, indices->type, indices->rank,
				   indices->shape) : NULL;
	op = y ? emit_to(o, IR_COMPARE, 2, (int[]){ operands[0], zero }, below) : NULL;
	if (!op)
		return NULL;
	op->portable->attributes.compare.comparison = KESTREL_GRAPH_COMPARISON_LESS;
	choice[0] = below->tensors[ONNX_PLAIN];
	choice[1] = sum->tensors[ONNX_PLAIN];
	choice[2] = operands[0];
	return emit_to(o, IR_SELECT, 3, choice, y) ? y : NULL;
}

/*
 * The same values in the opposite order, or back. Floats change their sign, integers
 * become -1 - x, which none of them leaves the type by.
 */
static struct onnx_value *reversed(struct onnx *o, struct onnx_value *x,
				   struct onnx_affine affine)
{
	struct onnx_value *y = onnx_value_new(o, x->name, x->type, x->rank, x->shape);
	float function[IR_TABLE_ENTRIES];
	struct ir_operator *op;
	int inputs[2];

	if (!y)
		return NULL;
	if (is_byte(x->type)) {
		for (int i = 0; i < IR_TABLE_ENTRIES; i++)
			function[i] = (float)((x->type == IR_INT8 ? (int8_t)~i : (uint8_t)~i) -
					      affine.zero_point) * affine.scale;
		return onnx_emit_table(o, x, y, function, affine) ? NULL : y;
	}
	if (onnx_tensor(o, x, ONNX_PLAIN, &inputs[1]))
		return NULL;
	if (x->type == IR_FLOAT32) {
		op = emit_to(o, IR_UNARY, 1, &inputs[1], y);
		if (!op)
			return NULL;
		op->portable->attributes.unary.function = KESTREL_GRAPH_FUNCTION_NEG;
		op->portable->attributes.unary.table = KESTREL_GRAPH_NONE;
		return y;
	}
	if (integers_tensor(o, x->type, (int32_t[]){ -1 }, 1, &inputs[0]))
		return NULL;
	return integer_sum(o, IR_SUB, inputs, x);
}

/* The largest elements of each row of `x`, and where they are. */
static int emit_top_k(struct onnx *o, struct onnx_value *x, struct onnx_value *values,
		      struct onnx_value *indices)
{
	int from, outputs[2], ret = onnx_tensor(o, x, ONNX_PLAIN, &from);
	struct ir_operator *op;

	if (!ret)
		ret = onnx_tensor_new(o, values, ONNX_PLAIN, &outputs[0]);
	if (!ret)
		ret = onnx_tensor_new(o, indices, ONNX_PLAIN, &outputs[1]);
	if (ret)
		return ret;
	onnx_copy_quantisation(o, from, outputs[0]);
	op = onnx_emit(o, IR_TOP_K, 1, &from, outputs[0]);
	if (!op)
		return onnx_failed(o);
	op->outputs = arena_copy(o->arena, outputs, sizeof(outputs));
	if (!op->outputs)
		return onnx_memory(o);
	op->output_count = 2;
	o->graph->tensors[outputs[1]].producer = o->graph->tensors[outputs[0]].producer;
	return resolve_portable(o->graph, op, KESTREL_GRAPH_TOP_K, 0);
}

/* Along the last dimension of `x`, floats or integers; both results are of that layout. */
static int top_k(struct onnx *o, struct onnx_value *x, struct onnx_affine affine, int32_t kept,
		 struct onnx_value **values, struct onnx_value **indices)
{
	bool largest = onnx_attribute_int(o, "largest", 1);
	struct onnx_value *narrow;
	int32_t shape[IR_RANK_MAX];
	int ret;

	if (!largest)
		x = reversed(o, x, affine);
	if (!x)
		return onnx_failed(o);
	memcpy(shape, x->shape, sizeof(shape));
	shape[x->rank - 1] = kept;
	*values = onnx_value_new(o, x->name, x->type, x->rank, shape);
	narrow = onnx_value_new(o, x->name, IR_INT32, x->rank, shape);
	*indices = onnx_value_new(o, x->name, IR_INT64, x->rank, shape);
	if (!*values || !narrow || !*indices)
		return onnx_failed(o);
	ret = emit_top_k(o, x, *values, narrow);
	if (ret)
		return ret;
	if (!largest)
		*values = reversed(o, *values, affine);
	return *values && emit_to(o, IR_CAST, 1, &narrow->tensors[ONNX_PLAIN], *indices) ? 0 :
	       onnx_failed(o);
}

static int check_top_k(struct onnx *o, unsigned int *axis, int32_t *kept)
{
	const struct onnx_node *node = o->node;
	const struct onnx_value *x = onnx_input(o, 0);
	unsigned int count;
	int64_t asked = 0;
	int ret;

	if (node->input_count != 2 || !x || !onnx_input(o, 1) || !node->output_count ||
	    node->output_count > 2)
		return onnx_fail(o, x, -EINVAL, "takes two inputs and gives two outputs");
	if (x->type != IR_FLOAT32 && !is_index(x->type) && !is_byte(x->type))
		return onnx_fail(o, x, -ENOTSUP,
				 "type %s, only float32, int32, int64, int8 and uint8 are supported",
				 ir_type_name(x->type));
	ret = onnx_list(o, 1, NULL, 1, &asked, &count);
	if (!ret)
		ret = onnx_axis(o, onnx_attribute_int(o, "axis", -1), x->rank, axis);
	if (ret)
		return ret;
	if (asked < 1 || asked > x->shape[*axis])
		return onnx_fail(o, x, -EINVAL, "%lld elements of dimension %u", (long long)asked,
				 *axis);
	*kept = (int32_t)asked;
	return 0;
}

/* Attribute sorted = 0 leaves the order open: it falls, or rises, then too. */
int onnx_top_k(struct onnx *o)
{
	struct onnx_affine affine = { 1, 0 };
	struct onnx_value *x, *results[2], *y;
	unsigned int axis = 0, order[IR_RANK_MAX];
	int32_t kept = 0;
	bool integers, moves;
	int ret = check_top_k(o, &axis, &kept);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	integers = onnx_stored(x, &affine);
	for (unsigned int d = 0; d < x->rank; d++)
		order[d] = d;
	order[axis] = x->rank - 1;
	order[x->rank - 1] = axis;
	moves = axis + 1 < x->rank;
	x = integers ? x->stored : x;
	if (moves)
		x = onnx_transposed(o, x, x->name, order);
	ret = x ? top_k(o, x, affine, kept, &results[0], &results[1]) : onnx_failed(o);
	for (unsigned int i = 0; i < o->node->output_count && !ret; i++) {
		y = o->node->outputs[i];
		if (y && moves)
			results[i] = onnx_transposed(o, results[i], y->name, order);
		if (!results[i])
			return onnx_failed(o);
		if (!y)
			continue;
		if (i || !integers) {
			onnx_alias(y, results[i]);
			continue;
		}
		ret = onnx_define(o, y, IR_FLOAT32, results[i]->rank, results[i]->shape);
		if (!ret)
			ret = onnx_store(o, y, results[i], affine);
	}
	return ret;
}

/* The values elsewhere and at an index as bytes, where a QuantizeLinear reads the result. */
static int hot_bytes(struct onnx *o, struct onnx_value *values, struct onnx_frame *frame,
		     int *tensors)
{
	const float *floats = onnx_floats(o, values);
	int ret = 0;

	if (!floats)
		return onnx_failed(o);
	for (unsigned int i = 0; i < 2 && !ret; i++) {
		int32_t byte = onnx_quantise(floats[i], frame->affine, frame->type);
		uint8_t *data = onnx_alloc(o, 1, 1);

		if (!data)
			return onnx_failed(o);
		byte = byte < frame->low ? frame->low : byte > frame->high ? frame->high : byte;
		*data = (uint8_t)byte;
		ret = onnx_tensor_raw(o, values->name, frame->type, 0, NULL, data, &tensors[i]);
	}
	return ret;
}

static int hot_values(struct onnx *o, struct onnx_value *values, int *tensors)
{
	int ret = 0;

	for (int32_t i = 0; i < 2 && !ret; i++) {
		struct onnx_value *part = onnx_part(o, values, 0, i, 1);

		ret = part ? onnx_tensor(o, part, ONNX_PLAIN, &tensors[i]) : onnx_failed(o);
	}
	return ret;
}

static int emit_one_hot(struct onnx *o, int indices, const int *values, struct onnx_value *y,
			unsigned int axis)
{
	/* The graph has the value at an index first. */
	struct ir_operator *op = emit_to(o, IR_ONE_HOT, 3, (int[]){ indices, values[1], values[0] },
					 y);

	if (!op)
		return onnx_failed(o);
	op->portable->attributes.axis.axis = axis;
	return 0;
}

static int check_one_hot(struct onnx *o, int32_t *depth)
{
	const struct onnx_value *indices = onnx_input(o, 0), *given = onnx_input(o, 1);
	const struct onnx_value *values = onnx_input(o, 2);
	float real = 0;

	if (!is_index(indices->type) && indices->type != IR_FLOAT32)
		return onnx_fail(o, indices, -ENOTSUP, "type %s is no index",
				 ir_type_name(indices->type));
	if (values->elements != 2 || values->rank != 1 || !ir_type_bytes(values->type))
		return onnx_fail(o, values, -EINVAL, "must be two values: elsewhere, at an index");
	if (!given->data || given->elements != 1 ||
	    (!is_index(given->type) && given->type != IR_FLOAT32))
		return onnx_fail(o, given, -ENOTSUP, "the depth must be one constant number");
	if (given->type == IR_FLOAT32)
		memcpy(&real, given->data, sizeof(real));
	else
		real = (float)onnx_integer(given, 0);
	if (!(real >= 1 && real < 0x1p24f))
		return onnx_fail(o, given, -ENOTSUP, "a depth of %g", (double)real);
	*depth = (int32_t)real;
	return 0;
}

int onnx_one_hot(struct onnx *o)
{
	struct onnx_value *indices, *values, *y, *wide;
	int32_t shape[IR_RANK_MAX + 1], depth;
	unsigned int axis, rank;
	struct onnx_frame frame;
	int tensors[2], from, ret = onnx_check_counts(o, 3, 3);

	if (!ret)
		ret = check_one_hot(o, &depth);
	if (ret)
		return ret;
	indices = onnx_input(o, 0);
	values = onnx_input(o, 2);
	y = o->node->outputs[0];
	rank = indices->rank + 1;
	ret = onnx_axis(o, onnx_attribute_int(o, "axis", -1), rank, &axis);
	for (unsigned int d = 0; d < rank && !ret; d++)
		shape[d] = d == axis ? depth : indices->shape[d - (d > axis)];
	if (!ret)
		ret = onnx_define(o, y, values->type, rank, shape);
	if (ret)
		return ret;
	if (indices->type == IR_FLOAT32) {
		wide = onnx_value_new(o, indices->name, IR_INT64, indices->rank, indices->shape);
		if (!wide || onnx_tensor(o, indices, ONNX_PLAIN, &from) ||
		    !emit_to(o, IR_CAST, 1, &from, wide))
			return onnx_failed(o);
		indices = wide;
	}
	indices = onnx_from_front(o, indices, &depth, 1);
	if (!indices)
		return onnx_failed(o);
	ret = onnx_tensor(o, indices, ONNX_PLAIN, &from);
	if (ret)
		return ret;
	if (values->type == IR_FLOAT32 && onnx_is_constant(values) &&
	    onnx_frame_find(o, y, &frame)) {
		ret = onnx_frame_take(o, &frame, y);
		if (!ret)
			ret = hot_bytes(o, values, &frame, tensors);
		if (!ret)
			ret = emit_one_hot(o, from, tensors, frame.result, axis);
		return ret ? ret : onnx_tensor_quantise(o, frame.result, frame.affine);
	}
	ret = hot_values(o, values, tensors);
	return ret ? ret : emit_one_hot(o, from, tensors, y, axis);
}

/* Where row number `row` of indices, their last dimension, stands in dimension `d`. */
static int64_t coordinate(const struct onnx_value *indices, uint64_t row, unsigned int d)
{
	for (unsigned int i = indices->rank - 1; i-- > d + 1;)
		row /= (uint64_t)indices->shape[i];
	return (int64_t)(row % (uint64_t)indices->shape[d]);
}

/*
 * What stands in a row of complete positions: coordinates of the row itself from dimension
 * 0 on, then what the indices say, then coordinates from dimension `after` on.
 */
struct position {
	const struct onnx_value *indices;
	unsigned int before, after, after_count;
};

static unsigned int depth_of(const struct position *p)
{
	return p->before + (unsigned int)p->indices->shape[p->indices->rank - 1] + p->after_count;
}

/* Columns `first` to `end` of the positions, of which those of indices are constant. */
static int constant_positions(struct onnx *o, const struct position *p, unsigned int first,
			      unsigned int end, int *tensor)
{
	const struct onnx_value *indices = p->indices;
	enum ir_type type = indices->data ? IR_INT64 : indices->type;
	unsigned int given = (unsigned int)indices->shape[indices->rank - 1];
	uint64_t rows = indices->elements / given, bytes = ir_type_bytes(type), at = 0;
	int32_t shape[IR_RANK_MAX];
	uint8_t *data = onnx_alloc(o, rows * (end - first), bytes);

	if (!data)
		return onnx_failed(o);
	for (uint64_t row = 0; row < rows; row++)
		for (unsigned int c = first; c < end; c++, at++) {
			int64_t number;
			int32_t narrow;

			if (c < p->before)
				number = coordinate(indices, row, c);
			else if (c < p->before + given)
				number = onnx_integer(indices, row * given + c - p->before);
			else
				number = coordinate(indices, row,
						    c - p->before - given + p->after);
			narrow = (int32_t)number;
			memcpy(data + at * bytes, type == IR_INT64 ? (void *)&number :
			       (void *)&narrow, bytes);
		}
	memcpy(shape, indices->shape, sizeof(shape));
	shape[indices->rank - 1] = (int32_t)(end - first);
	return onnx_tensor_raw(o, "positions", type, indices->rank, shape, data, tensor);
}

/* Positions of which a run gives some: those, between constant ones. */
static int joined_positions(struct onnx *o, const struct position *p, int *tensor)
{
	unsigned int last = p->indices->rank - 1, depth = depth_of(p), count = 0;
	struct onnx_value *made;
	struct ir_operator *op;
	int32_t shape[IR_RANK_MAX];
	int parts[3], ret = 0;

	if (p->before)
		ret = constant_positions(o, p, 0, p->before, &parts[count++]);
	parts[count++] = p->indices->tensors[ONNX_PLAIN];
	if (p->after_count && !ret)
		ret = constant_positions(o, p, depth - p->after_count, depth, &parts[count++]);
	if (ret)
		return ret;
	memcpy(shape, p->indices->shape, sizeof(shape));
	shape[last] = (int32_t)depth;
	made = onnx_value_new(o, p->indices->name, p->indices->type, last + 1, shape);
	op = made ? emit_to(o, IR_CONCATENATION, count, parts, made) : NULL;
	if (!op)
		return onnx_failed(o);
	op->portable->attributes.axis.axis = last;
	*tensor = made->tensors[ONNX_PLAIN];
	return 0;
}

static int positions_tensor(struct onnx *o, const struct position *p, int *tensor)
{
	if (p->indices->data)
		return constant_positions(o, p, 0, depth_of(p), tensor);
	if (p->before || p->after_count)
		return joined_positions(o, p, tensor);
	*tensor = p->indices->tensors[ONNX_PLAIN];
	return 0;
}

/* Of floats that stand for integers it takes those. */
static int emit_gather(struct onnx *o, struct onnx_value *x, int positions, unsigned int rank,
		       const int32_t *shape)
{
	struct onnx_value *y = o->node->outputs[0], *stored = y;
	struct onnx_affine affine;
	bool integers = onnx_stored(x, &affine);
	int inputs[2] = { -1, positions }, ret = onnx_define(o, y, x->type, rank, shape);

	if (!ret && integers) {
		stored = onnx_stored_like(o, y, x);
		x = x->stored;
	}
	if (ret || !stored)
		return onnx_failed(o);
	ret = onnx_tensor(o, x, ONNX_PLAIN, &inputs[0]);
	if (ret)
		return ret;
	if (!emit_to(o, IR_GATHER_ND, 2, inputs, stored))
		return onnx_failed(o);
	onnx_copy_quantisation(o, inputs[0], stored->tensors[ONNX_PLAIN]);
	return integers ? onnx_store(o, y, stored, affine) : 0;
}

static int check_constant_indices(struct onnx *o, const struct onnx_value *indices,
				  const int32_t *sizes, int32_t count)
{
	for (uint64_t i = 0; indices->data && i < indices->elements; i++) {
		int64_t index = onnx_integer(indices, i);
		int32_t size = sizes[i % (uint64_t)count];

		if (index < -(int64_t)size || index >= size)
			return onnx_fail(o, indices, -EINVAL, "index %lld of %d elements",
					 (long long)index, size);
	}
	return 0;
}

/* Indices in the shape that is needed, from the front, with what a run does not say. */
static int take_positions(struct onnx *o, struct onnx_value *indices, const int32_t *sizes,
			  struct position *p, int *tensor)
{
	int32_t count = indices->shape[indices->rank - 1];
	int ret = check_constant_indices(o, indices, sizes, count);

	if (ret)
		return ret;
	p->indices = onnx_from_front(o, indices, sizes, count);
	return p->indices ? positions_tensor(o, p, tensor) : onnx_failed(o);
}

int onnx_gather_nd(struct onnx *o)
{
	int64_t batch = onnx_attribute_int(o, "batch_dims", 0);
	int32_t shape[2 * IR_RANK_MAX];
	struct onnx_value *x, *indices;
	struct position p = { .before = 0 };
	unsigned int rank = 0, depth;
	int positions, ret = onnx_check_counts(o, 2, 2);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	indices = onnx_input(o, 1);
	if (!is_index(indices->type) || !indices->rank)
		return onnx_fail(o, indices, -ENOTSUP, "only int32 and int64 are indices");
	depth = (unsigned int)indices->shape[indices->rank - 1];
	if (batch < 0 || batch >= indices->rank || batch >= x->rank ||
	    depth > x->rank - (unsigned int)batch)
		return onnx_fail(o, indices, -EINVAL,
				 "%u indices and %lld batch dimensions of \"%.80s\" of %u dimensions",
				 depth, (long long)batch, x->name, x->rank);
	p.before = (unsigned int)batch;
	for (unsigned int d = 0; d < p.before; d++)
		if (indices->shape[d] != x->shape[d])
			return onnx_fail(o, indices, -EINVAL, "dimension %u is not that of \"%.80s\"",
					 d, x->name);
	for (unsigned int d = 0; d + 1 < indices->rank; d++)
		shape[rank++] = indices->shape[d];
	for (unsigned int d = p.before + depth; d < x->rank; d++)
		shape[rank++] = x->shape[d];
	ret = take_positions(o, indices, x->shape + p.before, &p, &positions);
	return ret ? ret : emit_gather(o, x, positions, rank, shape);
}

/* One index an element of the output, along one dimension. */
int onnx_gather_elements(struct onnx *o)
{
	struct onnx_value *x, *indices, *rows;
	struct position p = { .before = 0 };
	int32_t shape[IR_RANK_MAX + 1];
	int positions, ret = onnx_check_counts(o, 2, 2);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	indices = onnx_input(o, 1);
	if (!is_index(indices->type) || indices->rank != x->rank || x->rank >= IR_RANK_MAX)
		return onnx_fail(o, indices, -ENOTSUP,
				 "only int32 and int64 are indices, with as many dimensions as \"%.80s\", at most %d",
				 x->name, IR_RANK_MAX - 1);
	ret = onnx_axis(o, onnx_attribute_int(o, "axis", 0), x->rank, &p.before);
	for (unsigned int d = 0; d < x->rank && !ret; d++)
		if (d != p.before && indices->shape[d] > x->shape[d])
			ret = onnx_fail(o, indices, -EINVAL, "dimension %u is more than that of \"%.80s\"",
					d, x->name);
	if (ret)
		return ret;
	memcpy(shape, indices->shape, sizeof(indices->shape));
	shape[x->rank] = 1;
	p.after = p.before + 1;
	p.after_count = x->rank - p.after;
	rows = onnx_reshaped(o, indices, indices->name, x->rank + 1, shape);
	if (!rows)
		return onnx_failed(o);
	ret = take_positions(o, rows, &x->shape[p.before], &p, &positions);
	return ret ? ret : emit_gather(o, x, positions, x->rank, shape);
}
