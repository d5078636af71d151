// SPDX-License-Identifier: MIT
/* Operators on two values, element by element, with broadcasting. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "onnx_import.h"
#include "portable.h"
#include "resolve_check.h"

/* Bits that sums have below the larger input's scale. */
#define SUM_SHIFT 20

enum binary { BINARY_ADD, BINARY_SUB, BINARY_MUL, BINARY_DIV, BINARY_MIN, BINARY_MAX,
	      BINARY_POW, BINARY_PRELU, BINARY_COUNT };

static const char *const names[] = { "Add", "Sub", "Mul", "Div", "Min", "Max", "Pow", "PRelu" };

static enum binary binary_of(const char *type)
{
	unsigned int i = 0;

	while (i < BINARY_COUNT && strcmp(names[i], type))
		i++;
	return (enum binary)i;
}

static float apply(enum binary binary, float a, float b)
{
	switch (binary) {
	case BINARY_ADD:
		return a + b;
	case BINARY_SUB:
		return a - b;
	case BINARY_MUL:
		return a * b;
	case BINARY_DIV:
		return a / b;
	case BINARY_MIN:
		return fminf(a, b);
	case BINARY_MAX:
		return fmaxf(a, b);
	case BINARY_POW:
		return powf(a, b);
	case BINARY_PRELU:
		return a < 0 ? a * b : a;
	case BINARY_COUNT:
		break;
	}
	return 0;
}

static bool is_extreme(enum binary binary)
{
	return binary == BINARY_MIN || binary == BINARY_MAX;
}

static bool same_shape(const struct onnx_value *a, const struct onnx_value *b)
{
	return a->rank == b->rank && !memcmp(a->shape, b->shape, a->rank * sizeof(a->shape[0]));
}

/* With a constant of one element, or with a function of the same integers. */
static int combine_functions(struct onnx *o, enum binary binary, struct onnx_value *a,
			     struct onnx_value *b, struct onnx_value *y, bool *combined)
{
	struct onnx_value *varying = onnx_is_constant(a) ? b : a;
	struct onnx_value *other = varying == a ? b : a;
	float *function;
	const float *fixed = NULL;

	*combined = false;
	if (!varying->function || !same_shape(varying, y))
		return 0;
	if (onnx_is_constant(other) && other->elements == 1) {
		fixed = onnx_floats(o, other);
		if (!fixed)
			return onnx_failed(o);
	} else if (!other->function || other->stored != varying->stored || !same_shape(other, y)) {
		return 0;
	}
	function = arena_alloc(o->arena, IR_TABLE_ENTRIES, sizeof(*function));
	if (!function)
		return onnx_memory(o);
	for (int i = 0; i < IR_TABLE_ENTRIES; i++) {
		float of_varying = varying->function[i], of_other = fixed ? *fixed :
								    other->function[i];

		function[i] = varying == a ? apply(binary, of_varying, of_other) :
					     apply(binary, of_other, of_varying);
	}
	y->stored = varying->stored;
	y->function = function;
	*combined = true;
	return onnx_removed(o, o->node, "part of a table of 256 values");
}

/* The layout for two operands and their result. */
static enum onnx_layout common_layout(const struct onnx_value *a, const struct onnx_value *b,
				      const struct onnx_value *y)
{
	enum onnx_layout of_a = onnx_is_constant(a) ? ONNX_LAYOUTS : onnx_layout_of(a);
	enum onnx_layout of_b = onnx_is_constant(b) ? ONNX_LAYOUTS : onnx_layout_of(b);

	if (y->rank != 3 && y->rank != 4)
		return ONNX_PLAIN;
	/* One of lower rank lies as it is whatever the layout of its own was. */
	return (of_a == ONNX_CHANNELS_LAST && a->rank == y->rank) ||
	       (of_b == ONNX_CHANNELS_LAST && b->rank == y->rank) ? ONNX_CHANNELS_LAST : ONNX_PLAIN;
}

/* The tensor of an operand, with the output's rank where the layout needs it. */
static int operand(struct onnx *o, struct onnx_value *value, unsigned int rank,
		   enum onnx_layout layout, int *tensor)
{
	int32_t shape[IR_RANK_MAX];

	if (layout != ONNX_PLAIN && value->rank < rank) {
		for (unsigned int d = 0; d < rank; d++)
			shape[d] = d + value->rank < rank ? 1 :
				   value->shape[d + value->rank - rank];
		value = onnx_reshaped(o, value, value->name, rank, shape);
		if (!value)
			return onnx_failed(o);
	}
	return onnx_tensor(o, value, layout, tensor);
}

static bool usable(double factor)
{
	return factor >= 0x1p-100 && factor <= 0x1p100;
}

/* Numbers of an operator on integers, in rounding mode FLOAT. */
struct numbers {
	struct ir_scale a, b, output;
	int32_t left_shift;
};

/*
 * The factors keep the scales' own digits, so that products are those of
 * DequantizeLinear to the last bit that fits 32.
 */
static bool make_numbers(enum binary binary, struct onnx_affine a, struct onnx_affine b,
			 struct onnx_affine y, struct numbers *numbers)
{
	double output = (double)a.scale * (double)b.scale / (double)y.scale;
	int exponent = ilogbf(fmaxf(a.scale, b.scale));

	memset(numbers, 0, sizeof(*numbers));
	if (is_extreme(binary)) {
		numbers->output = onnx_factor(1);
		return true;
	}
	if (binary != BINARY_MUL) {
		output = ldexp(1 / (double)y.scale, exponent - SUM_SHIFT);
		numbers->left_shift = SUM_SHIFT;
		numbers->a = onnx_factor(ldexp((double)a.scale, -exponent));
		numbers->b = onnx_factor(ldexp((double)b.scale, -exponent));
	}
	numbers->output = onnx_factor(output);
	return (binary == BINARY_ADD || binary == BINARY_SUB || binary == BINARY_MUL) &&
	       usable(output);
}

static enum ir_kind kind_of(enum binary binary)
{
	static const enum ir_kind kinds[] = { IR_ADD, IR_SUB, IR_MUL, IR_DIV, IR_MINIMUM,
					      IR_MAXIMUM, IR_POWER, IR_PRELU };

	return binary < sizeof(kinds) / sizeof(kinds[0]) ? kinds[binary] : IR_UNKNOWN;
}

/* On integers of one type. */
static int emit_integers(struct onnx *o, enum binary binary, struct onnx_value *a,
			 struct onnx_affine a_affine, struct onnx_value *b,
			 struct onnx_affine b_affine, const struct onnx_frame *frame)
{
	struct onnx_value *y = frame->result;
	enum onnx_layout layout;
	struct numbers numbers;
	struct ir_operator *op;
	int inputs[2], to, ret;

	a = onnx_retype(o, a, &a_affine, y->type);
	b = a ? onnx_retype(o, b, &b_affine, y->type) : NULL;
	if (!b)
		return onnx_failed(o);
	make_numbers(binary, a_affine, b_affine, frame->affine, &numbers);
	layout = common_layout(a, b, y);
	ret = operand(o, a, y->rank, layout, &inputs[0]);
	if (!ret)
		ret = operand(o, b, y->rank, layout, &inputs[1]);
	if (!ret)
		ret = onnx_tensor_new(o, y, layout, &to);
	if (!ret)
		ret = onnx_tensor_quantise(o, y, frame->affine);
	if (!ret)
		ret = onnx_tensor_quantise(o, a, a_affine);
	if (!ret)
		ret = onnx_tensor_quantise(o, b, b_affine);
	if (ret)
		return ret;
	op = onnx_emit(o, kind_of(binary), 2, inputs, to);
	if (!op)
		return onnx_failed(o);
	onnx_frame_numbers(op, a_affine, frame);
	op->input2_zero_point = b_affine.zero_point;
	op->input_scale = numbers.a;
	op->input2_scale = numbers.b;
	op->left_shift = numbers.left_shift;
	op->scale_count = 1;
	op->scales = arena_copy(o->arena, &numbers.output, sizeof(numbers.output));
	return op->scales ? 0 : onnx_memory(o);
}

static int emit_floats(struct onnx *o, enum ir_kind kind, struct onnx_value *a,
		       struct onnx_value *b, struct onnx_value *y)
{
	enum onnx_layout layout = common_layout(a, b, y);
	struct ir_operator *op;
	int inputs[2], to, ret;

	if (kind == IR_PRELU && !same_shape(a, y))
		return onnx_fail(o, b, -EINVAL, "more slopes than \"%.80s\" has elements", a->name);
	ret = operand(o, a, y->rank, layout, &inputs[0]);
	if (!ret)
		ret = operand(o, b, y->rank, layout, &inputs[1]);
	if (!ret)
		ret = onnx_tensor_new(o, y, layout, &to);
	if (ret)
		return ret;
	op = onnx_emit(o, kind, 2, inputs, to);
	if (!op)
		return onnx_failed(o);
	if (kind != IR_POWER && kind != IR_PRELU)
		return onnx_float_numbers(o, op);
	ret = resolve_portable(o->graph, op, portable_opcode(kind), 0);
	if (!ret && kind == IR_POWER) {
		op->portable->attributes.elementwise.minimum =
			(int32_t)resolve_float_bits(-INFINITY);
		op->portable->attributes.elementwise.maximum =
			(int32_t)resolve_float_bits(INFINITY);
	}
	return ret;
}

static bool mean_the_same(const struct onnx_value *a, const struct onnx_value *b,
			  struct onnx_affine *affine)
{
	struct onnx_affine other;

	return onnx_stored(a, affine) && onnx_stored(b, &other) &&
	       a->stored->type == b->stored->type && affine->scale == other.scale &&
	       affine->zero_point == other.zero_point;
}

/* What quantises the result of the current node, or of the chain that it is a part of. */
static bool find_quantisation(struct onnx *o, struct onnx_frame *frame)
{
	const struct onnx_node *last = o->node, *end = o->nodes + o->node_count;

	while (last->whole && last + 1 < end && last[1].whole == last->whole)
		last++;
	return onnx_frame_find(o, last->outputs[0], frame);
}

/*
 * Integers that mean the same are compared as they are. Rounding keeps the order, so that
 * others can be rounded before, as the result is behind.
 */
static int emit_extreme(struct onnx *o, enum binary binary, struct onnx_value *a,
			struct onnx_value *b, struct onnx_value *y)
{
	struct onnx_affine affine;
	struct onnx_frame frame;
	int ret;

	if (mean_the_same(a, b, &affine)) {
		frame = (struct onnx_frame){ .affine = affine, .type = a->stored->type };
		a = a->stored;
		b = b->stored;
	} else if ((a->function || onnx_is_constant(a)) && (b->function || onnx_is_constant(b)) &&
		   find_quantisation(o, &frame)) {
		a = onnx_requantised(o, a, frame.affine, frame.type);
		b = a ? onnx_requantised(o, b, frame.affine, frame.type) : NULL;
		if (!b)
			return onnx_failed(o);
	} else {
		return emit_floats(o, kind_of(binary), a, b, y);
	}
	ir_type_range(frame.type, &frame.low, &frame.high);
	frame.result = onnx_value_new(o, y->name, frame.type, y->rank, y->shape);
	if (!frame.result)
		return onnx_failed(o);
	ret = emit_integers(o, binary, a, frame.affine, b, frame.affine, &frame);
	return ret ? ret : onnx_store(o, y, frame.result, frame.affine);
}

int onnx_binary(struct onnx *o)
{
	enum binary binary = binary_of(o->node->proto->op_type);
	struct onnx_affine a_affine, b_affine;
	int32_t shape[IR_RANK_MAX];
	struct onnx_value *a, *b, *y;
	struct onnx_frame frame;
	struct numbers numbers;
	unsigned int rank;
	bool folded;
	int ret = onnx_check_counts(o, 2, 2);

	if (!ret)
		ret = onnx_fold_binary(o, &folded);
	if (ret || folded)
		return ret;
	a = onnx_input(o, 0);
	b = onnx_input(o, 1);
	y = o->node->outputs[0];
	if (a->type != IR_FLOAT32 || b->type != IR_FLOAT32)
		return onnx_integer_binary(o);
	ret = onnx_broadcast(o, a, b, shape, &rank);
	if (!ret)
		ret = onnx_define(o, y, IR_FLOAT32, rank, shape);
	if (!ret)
		ret = combine_functions(o, binary, a, b, y, &folded);
	if (ret || folded)
		return ret;
	if (is_extreme(binary))
		return emit_extreme(o, binary, a, b, y);
	if (onnx_stored(a, &a_affine) && onnx_stored(b, &b_affine) &&
	    onnx_frame_find(o, y, &frame) && make_numbers(binary, a_affine, b_affine, frame.affine, &numbers)) {
		ret = onnx_frame_take(o, &frame, y);
		return ret ? ret : emit_integers(o, binary, a->stored, a_affine, b->stored,
						 b_affine, &frame);
	}
	return emit_floats(o, kind_of(binary), a, b, y);
}

struct onnx_value *onnx_float_binary(struct onnx *o, enum ir_kind kind, struct onnx_value *a,
				     struct onnx_value *b)
{
	int32_t shape[IR_RANK_MAX];
	struct onnx_value *y;
	unsigned int rank;

	if (onnx_broadcast(o, a, b, shape, &rank))
		return NULL;
	y = onnx_value_new(o, a->name, IR_FLOAT32, rank, shape);
	return !y || emit_floats(o, kind, a, b, y) ? NULL : y;
}

/* QLinearAdd and QLinearMul: a, its scale and zero point, b, its own, the output's. */
int onnx_qlinear_binary(struct onnx *o)
{
	enum binary binary = binary_of(o->node->proto->op_type + strlen("QLinear"));
	struct onnx_affine a_affine, b_affine;
	struct onnx_frame frame = { .node_count = 0 };
	enum ir_type a_type, b_type;
	int32_t shape[IR_RANK_MAX];
	struct onnx_value *a, *b;
	struct numbers numbers;
	unsigned int rank;
	int ret = onnx_check_counts(o, 7, 8);

	if (!ret)
		ret = onnx_affine(o, 1, 2, &a_affine, &a_type);
	if (!ret)
		ret = onnx_affine(o, 4, 5, &b_affine, &b_type);
	if (!ret)
		ret = onnx_affine(o, 6, 7, &frame.affine, &frame.type);
	if (ret)
		return ret;
	a = onnx_input(o, 0);
	b = onnx_input(o, 3);
	frame.result = o->node->outputs[0];
	ir_type_range(frame.type, &frame.low, &frame.high);
	if (a->type != a_type || b->type != b_type || frame.type == IR_INT16 ||
	    a_type == IR_INT16 || b_type == IR_INT16)
		return onnx_fail(o, a, -ENOTSUP, "only int8 and uint8 with their zero points");
	if (!make_numbers(binary, a_affine, b_affine, frame.affine, &numbers))
		return onnx_fail(o, a, -ENOTSUP, "the scales are too far apart");
	ret = onnx_broadcast(o, a, b, shape, &rank);
	if (!ret)
		ret = onnx_define(o, frame.result, frame.type, rank, shape);
	return ret ? ret : emit_integers(o, binary, a, a_affine, b, b_affine, &frame);
}
