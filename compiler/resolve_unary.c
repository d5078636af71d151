// SPDX-License-Identifier: MIT
/*
 * Functions of one value. For 8 bits they become tables of 256 bytes, made with
 * the arithmetic of the kernel that the profile stands for.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "quantise.h"
#include "resolve_check.h"

static int32_t clamp(int64_t value, int32_t low, int32_t high)
{
	return (int32_t)(value < low ? low : value > high ? high : value);
}

static bool is_byte(enum ir_type type)
{
	return type == IR_INT8 || type == IR_UINT8;
}

/* The lookup tables of TensorFlow Lite's kernels: float32 in and out. */
static float function_of(const struct ir_attributes *a, float x)
{
	switch (a->function) {
	case IR_FUNCTION_LOGISTIC:
		return 1.0f / (1.0f + expf(-x));
	case IR_FUNCTION_TANH:
		return tanhf(x);
	case IR_FUNCTION_EXP:
		return expf(x);
	case IR_FUNCTION_LOG:
		return logf(x);
	case IR_FUNCTION_SQRT:
		return sqrtf(x);
	case IR_FUNCTION_RSQRT:
		return 1.0f / sqrtf(x);
	case IR_FUNCTION_ABS:
		return fabsf(x);
	case IR_FUNCTION_NEG:
		return -x;
	case IR_FUNCTION_SQUARE:
		return x * x;
	case IR_FUNCTION_SIN:
		return sinf(x);
	case IR_FUNCTION_COS:
		return cosf(x);
	case IR_FUNCTION_FLOOR:
		return floorf(x);
	case IR_FUNCTION_CEIL:
		return ceilf(x);
	case IR_FUNCTION_ROUND:
		return rintf(x);
	case IR_FUNCTION_ELU:
		return x < 0 ? expm1f(x) : x;
	case IR_FUNCTION_GELU:
		if (a->approximate)
			return 0.5f * x * (1.0f + tanhf(0.7978845608f * (x + 0.044715f * x * x * x)));
		return 0.5f * x * erfcf(x * -0.70710678118654752440f);
	default:
		return x;
	}
}

static int32_t table_entry(const struct ir_operator *op, const struct ir_tensor *in,
			   const struct ir_tensor *out, int32_t q)
{
	float inverse = 1 / out->scales[0];
	float x = in->scales[0] * (float)(q - op->input_zero_point);
	float y = roundf(function_of(&op->attributes, x) * inverse);

	/* The comparisons also put a NaN at the lower end. */
	if (!(y > -32768.0f))
		return op->clamp_low;
	if (y > 32767.0f)
		return op->clamp_high;
	return clamp((int32_t)y + op->output_zero_point, op->clamp_low, op->clamp_high);
}

/* ReLU and its kin requantise and clamp. */
static int32_t relu_entry(const struct ir_operator *op, struct ir_scale scale, int32_t q)
{
	return clamp((int64_t)quantise_rescale(q - op->input_zero_point, scale) +
		     op->output_zero_point, op->clamp_low, op->clamp_high);
}

/* Equal scales leave the magnitude as it is. */
static int32_t magnitude_entry(const struct ir_operator *op, const struct ir_tensor *in,
			       const struct ir_tensor *out, int32_t q)
{
	int32_t value = abs(q - op->input_zero_point);

	if (in->scales[0] != out->scales[0])
		value = quantise_rescale(value, quantise_factor((double)(in->scales[0] /
									 out->scales[0])));
	return clamp((int64_t)value + op->output_zero_point, op->clamp_low, op->clamp_high);
}

static struct ir_scale inverse_root_factor(const struct ir_tensor *in,
					   const struct ir_tensor *out)
{
	return quantise_factor(1.0 / (double)(sqrtf(in->scales[0]) * out->scales[0]));
}

/* Not above 0 is as near to 0 as can be. */
static int32_t inverse_root_entry(const struct ir_operator *op, const struct ir_tensor *in,
				  const struct ir_tensor *out, int32_t q)
{
	if (q <= op->input_zero_point)
		return op->clamp_high;
	return clamp((int64_t)quantise_inverse_root(q - op->input_zero_point,
						    inverse_root_factor(in, out)) +
		     op->output_zero_point, op->clamp_low, op->clamp_high);
}

static struct ir_scale alpha_factor(const struct ir_operator *op, const struct ir_tensor *in,
				    const struct ir_tensor *out)
{
	return quantise_factor((double)(in->scales[0] * op->attributes.alpha / out->scales[0]));
}

static int32_t leaky_entry(const struct ir_operator *op, struct ir_scale identity,
			   struct ir_scale alpha, int32_t q)
{
	int32_t value = q - op->input_zero_point;

	return clamp((int64_t)quantise_rescale(value, value < 0 ? alpha : identity) +
		     op->output_zero_point, op->clamp_low, op->clamp_high);
}

/* TensorFlow Lite Micro clamps what comes in and takes no notice of the output's scale. */
static int32_t micro_relu6_entry(const struct ir_tensor *in, int32_t q)
{
	int32_t low = (int32_t)in->zero_points[0], high = INT8_MAX;

	quantise_activation(IR_ACTIVATION_RELU6, in->scales[0], low, &low, &high);
	return clamp(q, low, high);
}

static enum ir_activation activation_of(enum ir_function function)
{
	switch (function) {
	case IR_FUNCTION_RELU:
		return IR_ACTIVATION_RELU;
	case IR_FUNCTION_RELU6:
		return IR_ACTIVATION_RELU6;
	case IR_FUNCTION_RELU_N1_TO_1:
		return IR_ACTIVATION_RELU_N1_TO_1;
	default:
		return IR_ACTIVATION_NONE;
	}
}

static int32_t entry_of(const struct ir_operator *op, const struct resolve_profile *profile,
			const struct ir_tensor *in, const struct ir_tensor *out, int32_t q)
{
	float ratio = in->scales[0] / out->scales[0];

	switch (op->attributes.function) {
	case IR_FUNCTION_RELU6:
		if (profile->micro && in->type == IR_INT8)
			return micro_relu6_entry(in, q);
		return relu_entry(op, quantise_factor((double)ratio), q);
	case IR_FUNCTION_RELU:
	case IR_FUNCTION_RELU_N1_TO_1:
	case IR_FUNCTION_RELU_0_TO_1:
		return relu_entry(op, quantise_factor((double)ratio), q);
	case IR_FUNCTION_LEAKY_RELU:
		return leaky_entry(op, quantise_factor((double)ratio), alpha_factor(op, in, out),
				   q);
	case IR_FUNCTION_ABS:
		return magnitude_entry(op, in, out, q);
	case IR_FUNCTION_RSQRT:
		return inverse_root_entry(op, in, out, q);
	case IR_FUNCTION_HARD_SWISH:
		return clamp((int64_t)quantise_hard_swish(q - op->input_zero_point, in->scales[0],
							  out->scales[0]) +
			     op->output_zero_point, op->clamp_low, op->clamp_high);
	case IR_FUNCTION_LOGISTIC:
		if (profile->micro && in->type == IR_INT8)
			return quantise_logistic(q - op->input_zero_point, (double)in->scales[0]);
		break;
	case IR_FUNCTION_TANH:
		if (profile->micro && in->type == IR_INT8)
			return quantise_tanh(q - op->input_zero_point, (double)in->scales[0]);
		break;
	default:
		break;
	}
	return table_entry(op, in, out, q);
}

static int make_table(struct ir_graph *graph, struct ir_operator *op)
{
	op->kind = IR_TABLE;
	op->table = arena_alloc(graph->arena, IR_TABLE_ENTRIES, 1);
	return op->table ? 0 : error_memory(graph->error);
}

/* Between integers of which one is wider than 8 bits. */
static int resolve_requantise(struct ir_graph *graph, struct ir_operator *op,
			      struct ir_scale factor)
{
	int ret = resolve_portable(graph, op, KESTREL_GRAPH_RESCALE,
				   sizeof(struct kestrel_graph_scale));
	struct kestrel_graph_scale scale = { factor.multiplier, factor.shift };

	if (ret)
		return ret;
	op->kind = IR_REQUANTISE;
	op->portable->attributes.rescale = (struct kestrel_graph_rescale){
		.input_zero_point = op->input_zero_point,
		.requantise = {
			.mode = KESTREL_GRAPH_REQUANTISE_DOUBLE,
			.scale_count = 1,
			.zero_point = op->output_zero_point,
			.minimum = op->clamp_low,
			.maximum = op->clamp_high,
		},
	};
	memcpy(op->portable->parameters, &scale, sizeof(scale));
	return 0;
}

/* What the function is called in graphs; 0: nothing. */
static uint32_t function_code(const struct ir_attributes *a)
{
	static const uint32_t codes[] = {
		[IR_FUNCTION_LOGISTIC] = KESTREL_GRAPH_FUNCTION_LOGISTIC,
		[IR_FUNCTION_TANH] = KESTREL_GRAPH_FUNCTION_TANH,
		[IR_FUNCTION_RELU] = KESTREL_GRAPH_FUNCTION_RELU,
		[IR_FUNCTION_RELU6] = KESTREL_GRAPH_FUNCTION_RELU6,
		[IR_FUNCTION_RELU_N1_TO_1] = KESTREL_GRAPH_FUNCTION_RELU_N1_TO_1,
		[IR_FUNCTION_RELU_0_TO_1] = KESTREL_GRAPH_FUNCTION_RELU_0_TO_1,
		[IR_FUNCTION_HARD_SWISH] = KESTREL_GRAPH_FUNCTION_HARD_SWISH,
		[IR_FUNCTION_EXP] = KESTREL_GRAPH_FUNCTION_EXP,
		[IR_FUNCTION_LOG] = KESTREL_GRAPH_FUNCTION_LOG,
		[IR_FUNCTION_SQRT] = KESTREL_GRAPH_FUNCTION_SQRT,
		[IR_FUNCTION_RSQRT] = KESTREL_GRAPH_FUNCTION_RSQRT,
		[IR_FUNCTION_ABS] = KESTREL_GRAPH_FUNCTION_ABS,
		[IR_FUNCTION_NEG] = KESTREL_GRAPH_FUNCTION_NEG,
		[IR_FUNCTION_SQUARE] = KESTREL_GRAPH_FUNCTION_SQUARE,
		[IR_FUNCTION_ELU] = KESTREL_GRAPH_FUNCTION_ELU,
		[IR_FUNCTION_GELU] = KESTREL_GRAPH_FUNCTION_GELU,
		[IR_FUNCTION_SIN] = KESTREL_GRAPH_FUNCTION_SIN,
		[IR_FUNCTION_COS] = KESTREL_GRAPH_FUNCTION_COS,
		[IR_FUNCTION_FLOOR] = KESTREL_GRAPH_FUNCTION_FLOOR,
		[IR_FUNCTION_CEIL] = KESTREL_GRAPH_FUNCTION_CEIL,
		[IR_FUNCTION_ROUND] = KESTREL_GRAPH_FUNCTION_ROUND,
		[IR_FUNCTION_LOGICAL_NOT] = KESTREL_GRAPH_FUNCTION_LOGICAL_NOT,
	};

	if (a->function == IR_FUNCTION_GELU && a->approximate)
		return KESTREL_GRAPH_FUNCTION_GELU_TANH;
	return a->function < sizeof(codes) / sizeof(codes[0]) ? codes[a->function] : 0;
}

static int make_unary(struct ir_graph *graph, struct ir_operator *op, uint32_t parameter_bytes)
{
	int ret = resolve_portable(graph, op, KESTREL_GRAPH_UNARY, parameter_bytes);

	if (ret)
		return ret;
	op->portable->attributes.unary.function = function_code(&op->attributes);
	op->portable->attributes.unary.table = parameter_bytes ? 0 : KESTREL_GRAPH_NONE;
	return 0;
}

/* float32, and the few functions that keep integers or truth values what they are. */
static int resolve_plain_unary(struct ir_graph *graph, struct ir_operator *op,
			       const struct resolve_profile *profile)
{
	enum ir_type type = graph->tensors[op->inputs[0]].type;
	enum ir_function function = op->attributes.function;
	bool known = type == IR_BOOL ? function == IR_FUNCTION_LOGICAL_NOT :
		     type == IR_INT32 ? function == IR_FUNCTION_ABS || function == IR_FUNCTION_NEG :
					function != IR_FUNCTION_LOGICAL_NOT;

	if (type == IR_FLOAT32 && function == IR_FUNCTION_LEAKY_RELU) {
		op->kind = IR_LEAKY_RELU;
		return resolve_leaky(graph, op, profile);
	}
	if (!known || type != graph->tensors[op->outputs[0]].type)
		return error_set(graph->error, -ENOTSUP, "%s: no form for type %s",
				 ir_where(graph, op, op->inputs[0]), ir_type_name(type));
	return make_unary(graph, op, 0);
}

/*
 * Scales the input to 1/12288 by a multiplier of 15 bits; what is beyond them is cut
 * off, as the kernels do.
 */
static void scale_sigmoid(struct ir_operator *op, float scale)
{
	double multiplier = (double)scale * 4096.0 * 3.0;
	int shift = 0;

	for (; multiplier <= 32767.0 / 2.0 && shift <= 30; shift++)
		multiplier *= 2;
	op->portable->attributes.unary.input_scale =
		(struct kestrel_graph_scale){ (int32_t)multiplier, shift };
}

/* int16 LOGISTIC and TANH: one table whatever the scale, which the index takes in. */
static int resolve_wide_sigmoid(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	int ret;

	if (out->scales[0] != 1.0f / 32768)
		return error_set(graph->error, -ENOTSUP, "%s: the scale must be 1/32768",
				 ir_where(graph, op, op->outputs[0]));
	if (!(in->scales[0] < 2.5f))
		return error_set(graph->error, -ENOTSUP, "%s: scale %g is 2.5 or more",
				 ir_where(graph, op, op->inputs[0]), (double)in->scales[0]);
	ret = make_unary(graph, op, 256 * sizeof(uint16_t));
	if (ret)
		return ret;
	scale_sigmoid(op, in->scales[0]);
	quantise_sigmoids((uint16_t *)(void *)op->portable->parameters);
	return 0;
}

struct transform {
	const struct ir_attributes *attributes;
	float lowest;		/* of the output */
	float highest;
};

static double transform_at(const void *opaque, double x)
{
	const struct transform *transform = opaque;

	if (transform->attributes->function == IR_FUNCTION_LOG && x <= 0)
		return (double)transform->lowest;
	if (transform->attributes->function == IR_FUNCTION_RSQRT && x <= 0)
		return (double)transform->highest;
	return (double)function_of(transform->attributes, (float)x);
}

/* int16: lines between 513 points; functions that need none are exact. */
static int resolve_wide(struct ir_graph *graph, struct ir_operator *op,
			const struct resolve_profile *profile)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	struct ir_scale factor = quantise_factor((double)(in->scales[0] / out->scales[0]));
	struct transform transform = {
		&op->attributes, INT16_MIN * out->scales[0], INT16_MAX * out->scales[0],
	};
	int ret;

	switch (op->attributes.function) {
	case IR_FUNCTION_LOGISTIC:
	case IR_FUNCTION_TANH:
		return resolve_wide_sigmoid(graph, op);
	case IR_FUNCTION_LEAKY_RELU:
		op->kind = IR_LEAKY_RELU;
		return resolve_leaky(graph, op, profile);
	case IR_FUNCTION_RELU:
	case IR_FUNCTION_RELU6:
	case IR_FUNCTION_RELU_N1_TO_1:
	case IR_FUNCTION_RELU_0_TO_1:
		return resolve_requantise(graph, op, factor);
	case IR_FUNCTION_ABS:
		ret = make_unary(graph, op, 0);
		if (!ret)
			op->portable->attributes.unary.input_scale =
				(struct kestrel_graph_scale){ factor.multiplier, factor.shift };
		return ret;
	case IR_FUNCTION_HARD_SWISH:
	case IR_FUNCTION_NONE:
	case IR_FUNCTION_LOGICAL_NOT:
		return error_set(graph->error, -ENOTSUP, "%s: no form for type int16",
				 ir_where(graph, op, op->inputs[0]));
	default:
		break;
	}
	ret = make_unary(graph, op, QUANTISE_LINE_POINTS * sizeof(int16_t));
	if (!ret)
		quantise_lines(in->scales[0], out->scales[0], transform_at, &transform,
			       (int16_t *)(void *)op->portable->parameters);
	return ret;
}

static void clamp_to_one(struct ir_operator *op, float scale)
{
	int32_t low = op->output_zero_point, high = quantise_value(1, scale, low);

	op->clamp_low = clamp(low, op->clamp_low, op->clamp_high);
	op->clamp_high = clamp(high, op->clamp_low, op->clamp_high);
}

int resolve_unary(struct ir_graph *graph, struct ir_operator *op,
		  const struct resolve_profile *profile)
{
	const struct ir_tensor *in, *out;
	int ret = resolve_check_counts_and_elements(graph, op, 1, 1);

	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (in->type == IR_FLOAT32 || in->type == IR_INT32 || in->type == IR_BOOL)
		return resolve_plain_unary(graph, op, profile);
	op->attributes.activation = activation_of(op->attributes.function);
	ret = resolve_check_activations(graph, op);
	if (!ret)
		ret = resolve_output_range(graph, op);
	if (!ret && op->attributes.function == IR_FUNCTION_RELU_0_TO_1)
		clamp_to_one(op, out->scales[0]);
	if (!ret && quantise_factor((double)(in->scales[0] / out->scales[0])).shift > 22)
		ret = error_set(graph->error, -ENOTSUP, "%s: the factor is 2^22 or more",
				ir_where(graph, op, op->outputs[0]));
	if (!ret && op->attributes.function == IR_FUNCTION_LEAKY_RELU &&
	    alpha_factor(op, in, out).shift > 22)
		ret = error_set(graph->error, -ENOTSUP, "%s: alpha's factor is 2^22 or more",
				ir_where(graph, op, op->outputs[0]));
	if (!ret && in->type == IR_INT16)
		return resolve_wide(graph, op, profile);
	/* 20 bits of it are for the root. */
	if (!ret && op->attributes.function == IR_FUNCTION_RSQRT &&
	    inverse_root_factor(in, out).shift > 42)
		ret = error_set(graph->error, -ENOTSUP, "%s: the factor is 2^42 or more",
				ir_where(graph, op, op->outputs[0]));
	if (!ret)
		ret = make_table(graph, op);
	for (int32_t i = 0; i < IR_TABLE_ENTRIES && !ret; i++)
		op->table[i] = (uint8_t)entry_of(op, profile, in, out,
						 in->type == IR_INT8 ? (int8_t)i : i);
	return ret;
}

static bool is_quantised(const struct ir_tensor *tensor)
{
	int32_t low, high;

	if (!is_byte(tensor->type) && tensor->type != IR_INT16 && tensor->type != IR_INT32)
		return false;
	/* Graphs have zero points of 16 bits. */
	ir_type_range(tensor->type == IR_INT32 ? IR_INT16 : tensor->type, &low, &high);
	return tensor->scale_count == 1 && tensor->scales[0] > 0 &&
	       tensor->zero_points[0] >= low && tensor->zero_points[0] <= high;
}

/* QUANTIZE from float, 8-bit requantisation as a table, or wider requantisation. */
int resolve_quantise(struct ir_graph *graph, struct ir_operator *op,
		     const struct resolve_profile *profile)
{
	const struct ir_tensor *in, *out;
	struct ir_scale factor;
	int ret = resolve_check_counts_and_elements(graph, op, 1, 1);

	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (!is_quantised(out))
		return error_set(graph->error, -ENOTSUP,
				 "%s: type %s with %u scales, only integers with one scale and a zero point of at most 16 bits are supported",
				 ir_where(graph, op, op->outputs[0]), ir_type_name(out->type),
				 out->scale_count);
	op->output_zero_point = (int32_t)out->zero_points[0];
	ir_type_range(out->type, &op->clamp_low, &op->clamp_high);
	if (in->type == IR_FLOAT32)
		return 0;
	if (!is_quantised(in))
		return error_set(graph->error, -ENOTSUP,
				 "%s: type %s with %u scales, only float32 and integers with one scale and a zero point of at most 16 bits are supported",
				 ir_where(graph, op, op->inputs[0]), ir_type_name(in->type),
				 in->scale_count);
	op->input_zero_point = (int32_t)in->zero_points[0];
	factor = quantise_factor((double)in->scales[0] / (double)out->scales[0]);
	if (factor.shift > 22)
		return error_set(graph->error, -ENOTSUP, "%s: the factor is 2^22 or more",
				 ir_where(graph, op, op->outputs[0]));
	if (!is_byte(in->type) || !is_byte(out->type))
		return resolve_requantise(graph, op, factor);
	ret = make_table(graph, op);
	for (int32_t i = 0; i < IR_TABLE_ENTRIES && !ret; i++) {
		int32_t value = (in->type == IR_INT8 ? (int8_t)i : i) - op->input_zero_point;

		value = profile->optimised ? quantise_rescale_upward(value, factor) :
					     quantise_rescale(value, factor);
		op->table[i] = (uint8_t)clamp((int64_t)value + op->output_zero_point,
					      op->clamp_low, op->clamp_high);
	}
	return ret;
}

int resolve_dequantise(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in, *out;
	int ret = resolve_check_counts(graph, op, 1, 1);

	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (!is_quantised(in))
		return error_set(graph->error, -ENOTSUP,
				 "%s: type %s with %u scales, only integers with one scale and a zero point of at most 16 bits are supported",
				 ir_where(graph, op, op->inputs[0]), ir_type_name(in->type),
				 in->scale_count);
	if (out->type != IR_FLOAT32 || in->elements != out->elements)
		return error_set(graph->error, -EINVAL,
				 "%s: not float32 of the input's shape, %s",
				 ir_where(graph, op, op->outputs[0]),
				 ir_tensor_text(graph, op->inputs[0]));
	op->input_zero_point = (int32_t)in->zero_points[0];
	return 0;
}
