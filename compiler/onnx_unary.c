// SPDX-License-Identifier: MIT
/*
 * Functions of one value. Of integers they become a table of floats, which the
 * next QuantizeLinear turns into one of bytes; of floats they are operators.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "onnx_import.h"
#include "resolve_check.h"

struct unary {
	/* Attributes alpha and beta, and what they are when absent. */
	float alpha, beta;
	/* Clip. */
	float low, high;
	bool approximate;
};

static float relu(float x, const struct unary *u)
{
	(void)u;
	return x > 0 ? x : 0;
}

static float leaky_relu(float x, const struct unary *u)
{
	return x >= 0 ? x : u->alpha * x;
}

static float elu(float x, const struct unary *u)
{
	return x >= 0 ? x : u->alpha * (expf(x) - 1);
}

static float selu(float x, const struct unary *u)
{
	return x > 0 ? u->beta * x : u->beta * (u->alpha * expf(x) - u->alpha);
}

static float celu(float x, const struct unary *u)
{
	return fmaxf(0, x) + fminf(0, u->alpha * (expf(x / u->alpha) - 1));
}

static float sigmoid(float x, const struct unary *u)
{
	(void)u;
	return 1 / (1 + expf(-x));
}

static float hyperbolic_tangent(float x, const struct unary *u)
{
	(void)u;
	return tanhf(x);
}

static float hard_sigmoid(float x, const struct unary *u)
{
	return fmaxf(0, fminf(1, u->alpha * x + u->beta));
}

static float hard_swish(float x, const struct unary *u)
{
	(void)u;
	return x * fmaxf(0, fminf(1, (1.0f / 6) * x + 0.5f));
}

static float softplus(float x, const struct unary *u)
{
	(void)u;
	return x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x));
}

static float softsign(float x, const struct unary *u)
{
	(void)u;
	return x / (1 + fabsf(x));
}

static float mish(float x, const struct unary *u)
{
	return x * tanhf(softplus(x, u));
}

static float exponential(float x, const struct unary *u)
{
	(void)u;
	return expf(x);
}

static float logarithm(float x, const struct unary *u)
{
	(void)u;
	return logf(x);
}

static float square_root(float x, const struct unary *u)
{
	(void)u;
	return sqrtf(x);
}

static float reciprocal(float x, const struct unary *u)
{
	(void)u;
	return 1 / x;
}

static float absolute(float x, const struct unary *u)
{
	(void)u;
	return fabsf(x);
}

static float negative(float x, const struct unary *u)
{
	(void)u;
	return -x;
}

static float round_down(float x, const struct unary *u)
{
	(void)u;
	return floorf(x);
}

static float round_up(float x, const struct unary *u)
{
	(void)u;
	return ceilf(x);
}

static float round_even(float x, const struct unary *u)
{
	(void)u;
	return rintf(x);
}

static float sign(float x, const struct unary *u)
{
	(void)u;
	return x > 0 ? 1 : x < 0 ? -1 : 0;
}

static float error_function(float x, const struct unary *u)
{
	(void)u;
	return erff(x);
}

static float gelu(float x, const struct unary *u)
{
	if (u->approximate)
		return 0.5f * x * (1 + tanhf(0.7978845608f * (x + 0.044715f * x * x * x)));
	return 0.5f * x * (1 + erff(x * 0.70710678118654752440f));
}

static float clip(float x, const struct unary *u)
{
	return fminf(fmaxf(x, u->low), u->high);
}

static float thresholded_relu(float x, const struct unary *u)
{
	return x > u->alpha ? x : 0;
}

static float sine(float x, const struct unary *u)
{
	(void)u;
	return sinf(x);
}

static float cosine(float x, const struct unary *u)
{
	(void)u;
	return cosf(x);
}

static const struct {
	const char *type;
	float (*function)(float x, const struct unary *u);
	float alpha, beta;
	/* Function of KESTREL_GRAPH_UNARY for float32 tensors; 0: none. */
	uint32_t code;
} functions[] = {
	{ "Relu", relu, 0, 0, KESTREL_GRAPH_FUNCTION_RELU },
	{ "Clip", clip, 0, 0, 0 },
	{ "Sigmoid", sigmoid, 0, 0, KESTREL_GRAPH_FUNCTION_LOGISTIC },
	{ "Tanh", hyperbolic_tangent, 0, 0, KESTREL_GRAPH_FUNCTION_TANH },
	{ "LeakyRelu", leaky_relu, 0.01f, 0, 0 },
	{ "Elu", elu, 1, 0, KESTREL_GRAPH_FUNCTION_ELU },
	{ "Selu", selu, 1.67326319217681884765625f, 1.05070102214813232421875f, 0 },
	{ "Celu", celu, 1, 0, 0 },
	{ "HardSigmoid", hard_sigmoid, 0.2f, 0.5f, 0 },
	{ "HardSwish", hard_swish, 0, 0, KESTREL_GRAPH_FUNCTION_HARD_SWISH },
	{ "Softplus", softplus, 0, 0, KESTREL_GRAPH_FUNCTION_SOFTPLUS },
	{ "Softsign", softsign, 0, 0, KESTREL_GRAPH_FUNCTION_SOFTSIGN },
	{ "Mish", mish, 0, 0, KESTREL_GRAPH_FUNCTION_MISH },
	{ "Exp", exponential, 0, 0, KESTREL_GRAPH_FUNCTION_EXP },
	{ "Log", logarithm, 0, 0, KESTREL_GRAPH_FUNCTION_LOG },
	{ "Sqrt", square_root, 0, 0, KESTREL_GRAPH_FUNCTION_SQRT },
	{ "Reciprocal", reciprocal, 0, 0, KESTREL_GRAPH_FUNCTION_RECIPROCAL },
	{ "Abs", absolute, 0, 0, KESTREL_GRAPH_FUNCTION_ABS },
	{ "Neg", negative, 0, 0, KESTREL_GRAPH_FUNCTION_NEG },
	{ "Floor", round_down, 0, 0, KESTREL_GRAPH_FUNCTION_FLOOR },
	{ "Ceil", round_up, 0, 0, KESTREL_GRAPH_FUNCTION_CEIL },
	{ "Round", round_even, 0, 0, KESTREL_GRAPH_FUNCTION_ROUND },
	{ "Sign", sign, 0, 0, KESTREL_GRAPH_FUNCTION_SIGN },
	{ "Erf", error_function, 0, 0, KESTREL_GRAPH_FUNCTION_ERF },
	{ "Gelu", gelu, 0, 0, KESTREL_GRAPH_FUNCTION_GELU },
	{ "ThresholdedRelu", thresholded_relu, 1, 0, 0 },
	{ "Sin", sine, 0, 0, KESTREL_GRAPH_FUNCTION_SIN },
	{ "Cos", cosine, 0, 0, KESTREL_GRAPH_FUNCTION_COS },
};

#define FUNCTION_COUNT (sizeof(functions) / sizeof(functions[0]))

static size_t find(const char *type)
{
	size_t i = 0;

	while (i < FUNCTION_COUNT && strcmp(functions[i].type, type))
		i++;
	return i;
}

const char *onnx_unary_type(unsigned int index)
{
	return index < FUNCTION_COUNT ? functions[index].type : NULL;
}

/* Relu and Clip of floats: the larger and the smaller of the value and a constant. */
static int emit_clamp(struct onnx *o, struct onnx_value *y, float bound,
		      enum ir_kind kind, int from, enum onnx_layout layout, int *to)
{
	struct ir_operator *op;
	int inputs[2] = { from, -1 }, ret;
	float *data = arena_copy(o->arena, &bound, sizeof(bound));

	if (!data)
		return onnx_memory(o);
	ret = onnx_tensor_raw(o, "bound", IR_FLOAT32, 0, NULL, data, &inputs[1]);
	if (!ret)
		ret = onnx_tensor_new(o, y, layout, to);
	if (ret)
		return ret;
	op = onnx_emit(o, kind, 2, inputs, *to);
	return op ? onnx_float_numbers(o, op) : onnx_failed(o);
}

static int float_clamp(struct onnx *o, struct onnx_value *x, struct onnx_value *y,
		       const struct unary *u)
{
	enum onnx_layout layout = onnx_layout_of(x);
	int tensor, ret = onnx_tensor(o, x, layout, &tensor);

	if (!ret && u->low > -INFINITY)
		ret = emit_clamp(o, y, u->low, IR_MAXIMUM, tensor, layout, &tensor);
	if (!ret && u->high < INFINITY)
		ret = emit_clamp(o, y, u->high, IR_MINIMUM, tensor, layout, &tensor);
	if (!ret)
		y->tensors[layout] = tensor;
	return ret;
}

static int float_leaky_relu(struct onnx *o, struct onnx_value *x, struct onnx_value *y, float alpha)
{
	struct ir_operator *op;
	int ret = onnx_emit_from(o, IR_LEAKY_RELU, x, y, onnx_layout_of(x), &op);

	if (!ret)
		ret = resolve_portable(o->graph, op, KESTREL_GRAPH_LEAKY_RELU, 0);
	if (!ret)
		op->portable->attributes.leaky.alpha = resolve_float_bits(alpha);
	return ret;
}

static int float_unary(struct onnx *o, struct onnx_value *x, struct onnx_value *y, size_t which,
		       const struct unary *u)
{
	enum onnx_layout layout = onnx_layout_of(x);
	struct ir_operator *op;
	int from, to, ret;

	onnx_take_map(y, x);
	if (functions[which].function == relu || functions[which].function == clip)
		return float_clamp(o, x, y, u);
	if (functions[which].function == leaky_relu)
		return float_leaky_relu(o, x, y, u->alpha);
	if (!functions[which].code || (functions[which].function == elu && u->alpha != 1))
		return onnx_fail(o, x, -ENOTSUP,
				 "no float32 form of it; quantise its input, so that it becomes a table");
	ret = onnx_tensor(o, x, layout, &from);
	if (!ret)
		ret = onnx_tensor_new(o, y, layout, &to);
	if (ret)
		return ret;
	op = onnx_emit(o, IR_UNARY, 1, &from, to);
	if (!op)
		return onnx_failed(o);
	ret = resolve_portable(o->graph, op, KESTREL_GRAPH_UNARY, 0);
	if (ret)
		return ret;
	op->portable->attributes.unary.function =
		u->approximate ? KESTREL_GRAPH_FUNCTION_GELU_TANH : functions[which].code;
	op->portable->attributes.unary.table = KESTREL_GRAPH_NONE;
	return 0;
}

static int map_floats(struct onnx *o, const float *from, uint64_t count, size_t which,
		      const struct unary *u, const float **to)
{
	float *floats = onnx_alloc(o, count, sizeof(*floats));

	if (!floats)
		return onnx_failed(o);
	for (uint64_t i = 0; i < count; i++)
		floats[i] = functions[which].function(from[i], u);
	*to = floats;
	return 0;
}

int onnx_unary(struct onnx *o)
{
	size_t which = find(o->node->proto->op_type);
	struct onnx_value *x, *y;
	const float *floats;
	struct unary u;
	int ret = onnx_check_counts(o, 1, functions[which].function == clip ? 3 : 1);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	y = o->node->outputs[0];
	u.alpha = onnx_attribute_float(o, "alpha", functions[which].alpha);
	u.beta = onnx_attribute_float(o, functions[which].function == selu ? "gamma" : "beta",
				      functions[which].beta);
	u.approximate = onnx_attribute_is(o, "approximate", "tanh", false);
	if (!onnx_clamp_bounds(o, o->node, &u.low, &u.high) && functions[which].function == clip)
		return onnx_fail(o, x, -ENOTSUP, "the bounds must be constant floats");
	ret = onnx_check_floats(o, x);
	if (!ret)
		ret = onnx_define(o, y, IR_FLOAT32, x->rank, x->shape);
	if (ret)
		return ret;
	if (onnx_is_constant(x)) {
		floats = onnx_floats(o, x);
		ret = floats ? map_floats(o, floats, x->elements, which, &u, &floats) :
			       onnx_failed(o);
		y->data = (const uint8_t *)floats;
		return ret ? ret : onnx_removed(o, o->node, "a constant");
	}
	if (x->function) {
		ret = map_floats(o, x->function, IR_TABLE_ENTRIES, which, &u, &y->function);
		y->stored = x->stored;
		return ret ? ret : onnx_removed(o, o->node, "part of a table of 256 values");
	}
	return float_unary(o, x, y, which, &u);
}
