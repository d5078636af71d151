// SPDX-License-Identifier: MIT
/*
 * Functions of one value. For 8 bits they become tables of 256 bytes, made with
 * the arithmetic of the kernel that the profile stands for.
 */
#include <errno.h>
#include <math.h>
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

static int32_t leaky_entry(const struct ir_operator *op, struct ir_scale identity,
			   struct ir_scale alpha, int32_t q)
{
	int32_t value = q - op->input_zero_point;

	return clamp((int64_t)quantise_rescale(value, value < 0 ? alpha : identity) +
		     op->output_zero_point, op->clamp_low, op->clamp_high);
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
	case IR_FUNCTION_RELU:
	case IR_FUNCTION_RELU6:
	case IR_FUNCTION_RELU_N1_TO_1:
		return relu_entry(op, quantise_factor((double)ratio), q);
	case IR_FUNCTION_LEAKY_RELU:
		return leaky_entry(op, quantise_factor((double)ratio),
				   quantise_factor((double)(in->scales[0] * op->attributes.alpha /
							    out->scales[0])), q);
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

static uint32_t function_code(enum ir_function function)
{
	static const uint32_t codes[] = {
		[IR_FUNCTION_LOGISTIC] = KESTREL_GRAPH_FUNCTION_LOGISTIC,
		[IR_FUNCTION_TANH] = KESTREL_GRAPH_FUNCTION_TANH,
		[IR_FUNCTION_RELU] = KESTREL_GRAPH_FUNCTION_RELU,
		[IR_FUNCTION_RELU6] = KESTREL_GRAPH_FUNCTION_RELU6,
		[IR_FUNCTION_RELU_N1_TO_1] = KESTREL_GRAPH_FUNCTION_RELU_N1_TO_1,
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
	};

	return function < sizeof(codes) / sizeof(codes[0]) ? codes[function] : 0;
}

static int resolve_float_unary(struct ir_graph *graph, struct ir_operator *op)
{
	int ret = resolve_portable(graph, op, KESTREL_GRAPH_UNARY, 0);

	if (ret)
		return ret;
	op->portable->attributes.unary.function = function_code(op->attributes.function);
	op->portable->attributes.unary.table = KESTREL_GRAPH_NONE;
	if (!op->portable->attributes.unary.function ||
	    (op->attributes.function == IR_FUNCTION_GELU && op->attributes.approximate))
		return error_set(graph->error, -ENOTSUP, "%s: no float32 form of it",
				 ir_where(graph, op, -1));
	return 0;
}

int resolve_unary(struct ir_graph *graph, struct ir_operator *op,
		  const struct resolve_profile *profile)
{
	const struct ir_tensor *in, *out;
	int ret = resolve_check_counts(graph, op, 1, 1);

	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (in->elements != out->elements)
		return error_set(graph->error, -EINVAL, "%s: shape is not that of the input",
				 ir_where(graph, op, op->outputs[0]));
	if (resolve_is_float(graph, op))
		return resolve_float_unary(graph, op);
	if (op->attributes.function == IR_FUNCTION_LEAKY_RELU && in->type == IR_INT16) {
		op->kind = IR_LEAKY_RELU;
		return resolve_leaky(graph, op, profile);
	}
	op->attributes.activation = activation_of(op->attributes.function);
	ret = resolve_check_activations(graph, op);
	if (!ret)
		ret = resolve_output_range(graph, op);
	if (!ret && !is_byte(in->type))
		ret = error_set(graph->error, -ENOTSUP, "%s: type %s, only 8 bit is supported",
				ir_where(graph, op, op->inputs[0]), ir_type_name(in->type));
	if (!ret && quantise_factor((double)(in->scales[0] / out->scales[0])).shift > 22)
		ret = error_set(graph->error, -ENOTSUP, "%s: the factor is 2^22 or more",
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
	resolve_type_range(tensor->type, &low, &high);
	return tensor->scale_count == 1 && tensor->scales[0] > 0 &&
	       tensor->zero_points[0] >= low && tensor->zero_points[0] <= high;
}

/* Between integers of which one is wider than 8 bits. */
static int resolve_requantise(struct ir_graph *graph, struct ir_operator *op,
			      struct ir_scale factor)
{
	int ret = resolve_portable(graph, op, KESTREL_GRAPH_REQUANTIZE,
				   sizeof(struct kestrel_graph_scale));
	struct kestrel_graph_scale scale = { factor.multiplier, factor.shift };

	if (ret)
		return ret;
	op->kind = IR_REQUANTISE;
	op->portable->attributes.requantize = (struct kestrel_graph_requantize){
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

/* QUANTIZE from float, 8-bit requantisation as a table, or wider requantisation. */
int resolve_quantise(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in, *out;
	struct ir_scale factor;
	int ret = resolve_check_counts(graph, op, 1, 1);

	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (in->elements != out->elements)
		return error_set(graph->error, -EINVAL, "%s: shape is not that of the input",
				 ir_where(graph, op, op->outputs[0]));
	if (!is_quantised(out))
		return error_set(graph->error, -ENOTSUP,
				 "%s: type %s with %u scales, only integers with one scale are supported",
				 ir_where(graph, op, op->outputs[0]), ir_type_name(out->type),
				 out->scale_count);
	op->output_zero_point = (int32_t)out->zero_points[0];
	resolve_type_range(out->type, &op->clamp_low, &op->clamp_high);
	if (in->type == IR_FLOAT32)
		return 0;
	if (!is_quantised(in))
		return error_set(graph->error, -ENOTSUP,
				 "%s: type %s with %u scales, only float32 and integers with one scale are supported",
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
	for (int32_t i = 0; i < IR_TABLE_ENTRIES && !ret; i++)
		op->table[i] = (uint8_t)relu_entry(op, factor, in->type == IR_INT8 ? (int8_t)i : i);
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
				 "%s: type %s with %u scales, only integers with one scale are supported",
				 ir_where(graph, op, op->inputs[0]), ir_type_name(in->type),
				 in->scale_count);
	if (out->type != IR_FLOAT32 || in->elements != out->elements)
		return error_set(graph->error, -EINVAL, "%s: not float32 of the input's shape",
				 ir_where(graph, op, op->outputs[0]));
	op->input_zero_point = (int32_t)in->zero_points[0];
	return 0;
}

/* float32: softmax and log softmax need no numbers but beta. */
static int resolve_float_softmax(struct ir_graph *graph, struct ir_operator *op)
{
	bool logarithm = op->kind == IR_LOG_SOFTMAX;
	int ret = resolve_portable(graph, op, logarithm ? KESTREL_GRAPH_LOG_SOFTMAX :
				   KESTREL_GRAPH_SOFTMAX, 0);

	if (ret)
		return ret;
	op->portable->attributes.softmax.kind = KESTREL_GRAPH_SOFTMAX_FLOAT;
	op->portable->attributes.softmax.beta =
		resolve_float_bits(logarithm ? 1.0f : op->attributes.beta);
	return 0;
}

/* The output's scale is the kernel's, not the model's, choice. */
static int check_softmax_output(struct ir_graph *graph, const struct ir_operator *op)
{
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	int32_t low, high;
	float scale = out->type == IR_INT16 ? 1.0f / 65536 : 1.0f / 256;
	/* 1/65535 is in use too. */
	float tolerance = out->type == IR_INT16 ? 0.001f : 0.0f;

	resolve_type_range(out->type, &low, &high);
	if ((!is_byte(out->type) && out->type != IR_INT16) || out->scale_count != 1 ||
	    fabsf(out->scales[0] - scale) > tolerance * scale || out->zero_points[0] != low)
		return error_set(graph->error, -ENOTSUP,
				 "%s: the scale must be 1/%d and the zero point %d",
				 ir_where(graph, op, op->outputs[0]),
				 out->type == IR_INT16 ? 65536 : 256, low);
	return 0;
}

int resolve_softmax(struct ir_graph *graph, struct ir_operator *op,
		    const struct resolve_profile *profile)
{
	const struct ir_tensor *in, *out;
	int ret = resolve_check_counts(graph, op, 1, 1);

	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (in->elements != out->elements || ir_extent(in, 0) != ir_extent(out, 0))
		return error_set(graph->error, -EINVAL, "%s: shape is not that of the input",
				 ir_where(graph, op, op->outputs[0]));
	if (resolve_is_float(graph, op))
		return resolve_float_softmax(graph, op);
	ret = resolve_check_activation(graph, op, op->inputs[0]);
	if (!ret)
		ret = check_softmax_output(graph, op);
	if (!ret && (!is_byte(in->type) || op->kind == IR_LOG_SOFTMAX))
		ret = error_set(graph->error, -ENOTSUP, "%s: no form for type %s",
				ir_where(graph, op, op->inputs[0]), ir_type_name(in->type));
	if (!ret)
		ret = resolve_output_range(graph, op);
	if (ret)
		return ret;
	if (profile->optimised && out->type != IR_INT16) {
		float factor = -in->scales[0] * op->attributes.beta;

		op->float_exponentials = arena_alloc(graph->arena, IR_TABLE_ENTRIES, sizeof(float));
		if (!op->float_exponentials)
			return error_memory(graph->error);
		for (int d = 0; d < IR_TABLE_ENTRIES; d++)
			op->float_exponentials[d] = expf(factor * (float)d);
		return 0;
	}
	op->exponentials = arena_alloc(graph->arena, IR_TABLE_ENTRIES, sizeof(*op->exponentials));
	if (!op->exponentials)
		return error_memory(graph->error);
	if (!quantise_exponentials((double)op->attributes.beta * (double)in->scales[0],
				   op->exponentials))
		return error_set(graph->error, -ENOTSUP, "%s: beta x scale is too small (%g)",
				 ir_where(graph, op, op->inputs[0]),
				 (double)op->attributes.beta * (double)in->scales[0]);
	return 0;
}
