// SPDX-License-Identifier: MIT
/*
 * Layer normalisation: as one operator, or as the steps that exporters write where the
 * operator set has none. Between dequantised rows and a QuantizeLinear it becomes the
 * NPU's, by the formula of docs/hardware.md; elsewhere it is computed with floats.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "onnx_import.h"
#include "resolve_check.h"

/* Fraction bits of a normalised element. */
#define NORMAL_BITS 10
/* Exporters write the steps of one normalisation close to each other. */
#define NEAR 32
#define STEPS_MAX 9

/* (x - mean) / sqrt(variance + epsilon) x gain + bias, over rows of `channels`. */
struct normalisation {
	struct onnx_value *x;
	/* Floats, `channels` of them or one; NULL: 1 and 0. */
	struct onnx_value *gain, *bias;
	double epsilon;
	uint32_t channels;
};

/* Whether a constant has one element, or one for each element of a row. */
static bool is_of_rows(const struct onnx_value *value, const struct onnx_value *x, unsigned int axis)
{
	if (!value || value->elements == 1)
		return true;
	if (value->rank > x->rank)
		return false;
	for (unsigned int d = 0; d < x->rank; d++) {
		int32_t size = d + value->rank < x->rank ? 1 :
			       value->shape[d + value->rank - x->rank];

		if (size != (d < axis ? 1 : x->shape[d]))
			return false;
	}
	return true;
}

static bool is_suitable(const struct onnx_value *value)
{
	return !value || (value->type == IR_FLOAT32 && onnx_is_constant(value));
}

/* Element c of a constant that may have one for all. */
static double element(const float *floats, const struct onnx_value *value, uint32_t c)
{
	return (double)floats[value->elements == 1 ? 0 : c];
}

/*
 * Gains of 16 bits and biases in units of *unit, so that no sum of the formula passes 32
 * bits. False: some are not finite.
 */
static bool quantise_gains(struct onnx *o, const struct normalisation *norm, double *unit,
			   int32_t *biases, int16_t *gains)
{
	const float one = 1, zero = 0, *gain = &one, *bias = &zero;
	const struct onnx_value single = { .elements = 1 };
	const struct onnx_value *of_gain = norm->gain ? norm->gain : &single;
	const struct onnx_value *of_bias = norm->bias ? norm->bias : &single;
	double largest = sqrt((double)norm->channels);

	if (norm->gain)
		gain = onnx_floats(o, norm->gain);
	if (norm->bias)
		bias = onnx_floats(o, norm->bias);
	if (!gain || !bias)
		return false;
	*unit = 0;
	for (uint32_t c = 0; c < norm->channels; c++) {
		double g = fabs(element(gain, of_gain, c)), b = fabs(element(bias, of_bias, c));

		if (!isfinite(g) || !isfinite(b))
			return false;
		*unit = fmax(*unit, g / INT16_MAX);
		*unit = fmax(*unit, ldexp(largest * g + b, NORMAL_BITS) / INT32_MAX * (1 + 0x1p-10));
	}
	if (!(*unit > 0))
		*unit = 1;
	for (uint32_t c = 0; c < norm->channels; c++) {
		gains[c] = (int16_t)rint(element(gain, of_gain, c) / *unit);
		biases[c] = (int32_t)rint(ldexp(element(bias, of_bias, c), NORMAL_BITS) / *unit);
	}
	return true;
}

/* Whether the formula's numbers can hold those of the normalisation. */
static bool make_numbers(struct onnx *o, const struct normalisation *norm, struct onnx_affine x,
			 struct onnx_affine y, struct kestrel_graph_layer_norm *numbers,
			 uint8_t *parameters)
{
	double channels = norm->channels, unit, factor;
	double epsilon = rint(channels * channels * norm->epsilon /
			      ((double)x.scale * (double)x.scale));
	int32_t *biases = (int32_t *)(void *)parameters;
	int16_t *gains = (int16_t *)(void *)(parameters + 4 * (size_t)norm->channels);

	if (!(epsilon >= 0) || epsilon > UINT32_MAX ||
	    !quantise_gains(o, norm, &unit, biases, gains))
		return false;
	factor = ldexp(unit / (double)y.scale, -NORMAL_BITS);
	if (!(factor >= 0x1p-100) || factor > 0x1p100)
		return false;
	*numbers = (struct kestrel_graph_layer_norm){
		.input_zero_point = x.zero_point, .channels = norm->channels,
		.epsilon = (uint32_t)epsilon, .mode = KESTREL_GRAPH_REQUANTISE_F32,
		.scale = { onnx_factor(factor).multiplier, 0 }, .zero_point = y.zero_point,
	};
	return true;
}

/* From the integers of rows to the frame's. */
static int emit(struct onnx *o, struct onnx_value *rows, const struct onnx_frame *frame,
		struct kestrel_graph_layer_norm *numbers, uint8_t *parameters)
{
	struct onnx_value *y = frame->result, *made = y;
	struct ir_operator *op;
	int from, to, ret;

	if (rows->rank != y->rank) {
		made = onnx_value_new(o, y->name, y->type, rows->rank, rows->shape);
		if (!made)
			return onnx_failed(o);
	}
	ret = onnx_tensor(o, rows, ONNX_PLAIN, &from);
	if (!ret)
		ret = onnx_tensor_new(o, made, ONNX_PLAIN, &to);
	if (!ret)
		ret = onnx_tensor_quantise(o, made, frame->affine);
	if (ret)
		return ret;
	op = onnx_emit(o, IR_LAYER_NORM, 1, &from, to);
	if (!op)
		return onnx_failed(o);
	ret = resolve_portable(o->graph, op, KESTREL_GRAPH_LAYER_NORM, 0);
	if (ret)
		return ret;
	numbers->minimum = frame->low;
	numbers->maximum = frame->high;
	op->portable->attributes.layer_norm = *numbers;
	op->portable->parameters = parameters;
	op->portable->parameter_bytes = IR_LAYER_NORM_BYTES * numbers->channels;
	if (made == y)
		return 0;
	made = onnx_reshaped(o, made, y->name, y->rank, y->shape);
	if (!made)
		return onnx_failed(o);
	onnx_alias(y, made);
	return 0;
}

/* In integers where rows of bytes come in and a QuantizeLinear reads `y`. */
static int frame_normalisation(struct onnx *o, struct normalisation *norm, unsigned int axis,
			       const struct onnx_value *y, bool *taken)
{
	struct kestrel_graph_layer_norm numbers;
	struct onnx_value *rows = norm->x->stored;
	int32_t shape[2] = { 1, 1 };
	struct onnx_affine affine;
	struct onnx_frame frame;
	uint8_t *parameters;
	uint64_t channels = 1;
	int ret;

	*taken = false;
	for (unsigned int d = axis; d < norm->x->rank; d++)
		channels *= (uint64_t)norm->x->shape[d];
	if (channels > KESTREL_GRAPH_LAYER_NORM_CHANNELS || !onnx_stored(norm->x, &affine) ||
	    !is_suitable(norm->gain) || !is_suitable(norm->bias) ||
	    !is_of_rows(norm->gain, norm->x, axis) || !is_of_rows(norm->bias, norm->x, axis) ||
	    !onnx_frame_find(o, y, &frame))
		return 0;
	norm->channels = (uint32_t)channels;
	parameters = onnx_alloc(o, channels, IR_LAYER_NORM_BYTES);
	if (!parameters)
		return onnx_failed(o);
	if (!make_numbers(o, norm, affine, frame.affine, &numbers, parameters))
		return 0;
	*taken = true;
	ret = onnx_frame_take(o, &frame, norm->x);
	if (ret)
		return ret;
	if (axis + 1 < norm->x->rank) {
		for (unsigned int d = 0; d < norm->x->rank; d++)
			shape[d >= axis] *= norm->x->shape[d];
		rows = onnx_reshaped(o, rows, rows->name, 2, shape);
		if (!rows)
			return onnx_failed(o);
	}
	return emit(o, rows, &frame, &numbers, parameters);
}

static struct onnx_value *square_root(struct onnx *o, struct onnx_value *x)
{
	struct onnx_value *y = onnx_value_new(o, x->name, IR_FLOAT32, x->rank, x->shape);
	struct ir_operator *op;
	int from, to;

	if (!y || onnx_tensor(o, x, ONNX_PLAIN, &from) || onnx_tensor_new(o, y, ONNX_PLAIN, &to))
		return NULL;
	op = onnx_emit(o, IR_UNARY, 1, &from, to);
	if (!op || resolve_portable(o->graph, op, KESTREL_GRAPH_UNARY, 0))
		return NULL;
	op->portable->attributes.unary.function = KESTREL_GRAPH_FUNCTION_SQRT;
	op->portable->attributes.unary.table = KESTREL_GRAPH_NONE;
	return y;
}

/* In floats, step by step. */
static int float_normalisation(struct onnx *o, const struct normalisation *norm, unsigned int axis,
			       struct onnx_value *y)
{
	struct onnx_value *x = norm->x, *difference, *result, *constant;
	uint32_t axes = ((1u << x->rank) - 1) & ~((1u << axis) - 1);
	float *epsilon = arena_alloc(o->arena, 1, sizeof(*epsilon));

	if (!epsilon)
		return onnx_memory(o);
	*epsilon = (float)norm->epsilon;
	constant = onnx_value_constant(o, "epsilon", IR_FLOAT32, 0, NULL, epsilon);
	result = constant ? onnx_float_mean(o, x, axes) : NULL;
	difference = result ? onnx_float_binary(o, IR_SUB, x, result) : NULL;
	result = difference ? onnx_float_binary(o, IR_MUL, difference, difference) : NULL;
	result = result ? onnx_float_mean(o, result, axes) : NULL;
	result = result ? onnx_float_binary(o, IR_ADD, result, constant) : NULL;
	result = result ? square_root(o, result) : NULL;
	result = result ? onnx_float_binary(o, IR_DIV, difference, result) : NULL;
	result = result ? onnx_float_binary(o, IR_MUL, result, norm->gain) : NULL;
	if (result && norm->bias)
		result = onnx_float_binary(o, IR_ADD, result, norm->bias);
	if (!result)
		return onnx_failed(o);
	if (result->elements != y->elements || result->rank != y->rank)
		return onnx_fail(o, norm->gain, -EINVAL, "does not fit the input's shape");
	onnx_alias(y, result);
	return 0;
}

int onnx_layer_normalisation(struct onnx *o)
{
	struct normalisation norm = { .epsilon = (double)onnx_attribute_float(o, "epsilon", 1e-5f) };
	struct onnx_value *x, *y;
	unsigned int axis;
	bool taken;
	int ret = onnx_check_counts(o, 2, 3);

	if (ret)
		return ret;
	norm.x = x = onnx_input(o, 0);
	norm.gain = onnx_input(o, 1);
	norm.bias = onnx_input(o, 2);
	y = o->node->outputs[0];
	if (x->type != IR_FLOAT32 || norm.gain->type != IR_FLOAT32 || norm.gain->rank > x->rank ||
	    (norm.bias && (norm.bias->type != IR_FLOAT32 || norm.bias->rank > x->rank)))
		return onnx_fail(o, x, -ENOTSUP, "only float32, with scale and bias of no more dimensions");
	ret = onnx_axis(o, onnx_attribute_int(o, "axis", -1), x->rank, &axis);
	if (!ret)
		ret = onnx_define(o, y, IR_FLOAT32, x->rank, x->shape);
	if (!ret)
		ret = frame_normalisation(o, &norm, axis, y, &taken);
	return ret || taken ? ret : float_normalisation(o, &norm, axis, y);
}

/* The steps of a normalisation, found one after the other. */
struct steps {
	struct onnx *o;
	struct onnx_node *nodes[STEPS_MAX];
	unsigned int count;
};

/*
 * The next step: an operator of this type that reads `value`, which `readers` operands
 * are in all. Its output; NULL: there is none.
 */
static struct onnx_value *step(struct steps *steps, const struct onnx_value *value,
			       const char *type, unsigned int readers, struct onnx_node **found)
{
	const struct onnx *o = steps->o;
	unsigned int first = (unsigned int)(o->node - o->nodes);

	if (!value || value->readers != readers || value->is_output)
		return NULL;
	for (unsigned int n = first + 1; n < o->node_count && n <= first + NEAR; n++) {
		struct onnx_node *node = &o->nodes[n];
		bool reads = false;

		for (unsigned int i = 0; i < node->input_count; i++)
			reads |= node->inputs[i] == value;
		if (!reads || node->done || strcmp(node->proto->op_type, type) ||
		    node->output_count != 1 || !node->outputs[0])
			continue;
		*found = steps->nodes[steps->count++] = node;
		return node->outputs[0];
	}
	return NULL;
}

/* The constant operand of a step on two values; NULL: it has none. */
static struct onnx_value *constant_of(const struct onnx_node *node, const struct onnx_value *value)
{
	struct onnx_value *other;

	if (node->input_count != 2 || !node->inputs[0] || !node->inputs[1])
		return NULL;
	other = node->inputs[node->inputs[0] == value];
	return other != value && onnx_is_constant(other) && other->type == IR_FLOAT32 ? other : NULL;
}

static bool is_number(struct onnx *o, struct onnx_value *value, double *number)
{
	const float *floats = value && value->elements == 1 ? onnx_floats(o, value) : NULL;

	if (floats)
		*number = (double)floats[0];
	return floats;
}

/* The square of the distance from the mean, by Pow or by Mul, and how often it is read. */
static struct onnx_value *square_step(struct steps *steps, const struct onnx_value *difference)
{
	struct onnx_node *node;
	struct onnx_value *square = step(steps, difference, "Pow", 2, &node);
	double power;

	if (square)
		return node->inputs[0] == difference &&
		       is_number(steps->o, constant_of(node, difference), &power) && power == 2 ?
		       square : NULL;
	square = step(steps, difference, "Mul", 3, &node);
	return square && node->input_count == 2 && node->inputs[0] == node->inputs[1] ?
	       square : NULL;
}

/* The distance from the mean divided by the root, or times its reciprocal. */
static struct onnx_value *quotient_step(struct steps *steps, const struct onnx_value *difference,
					const struct onnx_value *root)
{
	struct onnx_node *node;
	struct onnx_value *quotient = step(steps, root, "Div", 1, &node), *reciprocal;

	if (quotient)
		return node->input_count == 2 && node->inputs[0] == difference ? quotient : NULL;
	reciprocal = step(steps, root, "Reciprocal", 1, &node);
	quotient = step(steps, reciprocal, "Mul", 1, &node);
	return quotient && node->input_count == 2 &&
	       (node->inputs[0] == difference || node->inputs[1] == difference) ? quotient : NULL;
}

/* ReduceMean, Sub, Pow, ReduceMean, Add, Sqrt, Div, and Mul and Add with constants. */
static struct onnx_value *find_steps(struct steps *steps, struct normalisation *norm)
{
	struct onnx *o = steps->o;
	struct onnx_node *first = o->node, *node;
	struct onnx_value *mean = first->outputs[0], *difference, *value, *next;

	difference = step(steps, mean, "Sub", 1, &node);
	if (!difference || node->input_count != 2 || node->inputs[0] != norm->x)
		return NULL;
	value = step(steps, square_step(steps, difference), "ReduceMean", 1, &node);
	if (!value)
		return NULL;
	o->node = node;
	/* Of a square of the same shape, which is not translated yet. */
	if (node->inputs[0]->type != IR_TYPE_OTHER || !onnx_is_mean_of_rows(o, norm->x))
		value = NULL;
	o->node = first;
	next = step(steps, value, "Add", 1, &node);
	if (!next || !is_number(o, constant_of(node, value), &norm->epsilon))
		return NULL;
	value = quotient_step(steps, difference, step(steps, next, "Sqrt", 1, &node));
	next = step(steps, value, "Mul", 1, &node);
	if (!next)
		return value;
	norm->gain = constant_of(node, value);
	value = norm->gain ? next : NULL;
	next = step(steps, value, "Add", 1, &node);
	if (!next)
		return value;
	norm->bias = constant_of(node, value);
	return norm->bias ? next : NULL;
}

/*
 * Whether the current node, a reduction of `x`, is the first of those that exporters
 * make of a layer normalisation that has a frame; if so, all of them are done.
 */
static int find(struct onnx *o, struct onnx_value *x, bool *taken)
{
	struct normalisation norm = { .x = x };
	struct steps steps = { .o = o };
	struct onnx_value *y;
	int ret;

	*taken = false;
	if (x->type != IR_FLOAT32 || !x->stored || !onnx_is_mean_of_rows(o, x))
		return 0;
	y = find_steps(&steps, &norm);
	if (!y)
		return 0;
	ret = frame_normalisation(o, &norm, x->rank - 1, y, taken);
	for (unsigned int i = 0; i < steps.count && *taken && !ret; i++) {
		steps.nodes[i]->done = true;
		ret = onnx_removed(o, steps.nodes[i],
				   "a step of the layer normalisation that begins before it");
	}
	return ret;
}

int onnx_reduce_mean(struct onnx *o)
{
	bool taken = false;
	int ret = onnx_check_counts(o, 1, 2);

	if (!ret)
		ret = find(o, onnx_input(o, 0), &taken);
	return ret || taken ? ret : onnx_reduce(o);
}
