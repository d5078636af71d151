// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <string.h>

#include "error.h"
#include "ir.h"
#include "quantise.h"
#include "resolve.h"
#include "resolve_check.h"

/* What the graph format has room for. */
#define KERNEL_MAX 65535
#define STRIDE_MAX 65535
#define PADDING_MAX 65535

static const struct resolve_profile profiles[] = {
	{ .name = "tflite-ref", .convolution = IR_ROUNDING_DOUBLE },
	{ .name = "tflite", .convolution = IR_ROUNDING_UPWARD, .optimised = true },
	{ .name = "tflm", .convolution = IR_ROUNDING_DOUBLE, .micro = true },
};

struct resolve_axis resolve_axis_window(enum ir_padding padding, int32_t input, int32_t kernel,
					int32_t stride, int32_t dilation)
{
	int64_t effective = (int64_t)(kernel - 1) * dilation + 1;
	struct resolve_axis axis = { 0 };
	int64_t total;

	if (padding == IR_PADDING_SAME) {
		axis.output = (int32_t)(((int64_t)input + stride - 1) / stride);
		total = (int64_t)(axis.output - 1) * stride + effective - input;
		axis.before = total > 0 ? (int32_t)(total / 2) : 0;
	} else if (input >= effective) {
		axis.output = (int32_t)((input - effective) / stride + 1);
	}
	axis.after = (int32_t)((int64_t)(axis.output - 1) * stride + effective - input -
			       axis.before);
	return axis;
}

static int padding_check(struct ir_graph *graph, const struct ir_operator *op,
			 struct resolve_axis h, struct resolve_axis w)
{
	const int32_t paddings[] = { h.before, h.after, w.before, w.after };

	for (unsigned int i = 0; i < 4; i++)
		if (paddings[i] < -PADDING_MAX || paddings[i] > PADDING_MAX)
			return error_set(graph->error, -ENOTSUP,
					 "%s: a padding of %d rows or columns is beyond %d",
					 ir_where(graph, op, op->outputs[0]), paddings[i],
					 PADDING_MAX);
	return 0;
}

/* Fills op->window and compares with the stated output shape. */
static int resolve_window(struct ir_graph *graph, struct ir_operator *op, int32_t kernel_h,
			  int32_t kernel_w)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	const struct ir_attributes *a = &op->attributes;
	struct ir_feature_map input = ir_feature_map(in), output = ir_feature_map(out);
	int32_t dilation_h = a->dilation_h ? a->dilation_h : 1;
	int32_t dilation_w = a->dilation_w ? a->dilation_w : 1;
	struct resolve_axis h, w;

	if (in->rank != 4 || out->rank != 4)
		return error_set(graph->error, -EINVAL, "%s: needs four dimensions",
				 ir_where(graph, op, in->rank != 4 ? op->inputs[0] :
								     op->outputs[0]));
	if (kernel_h < 1 || kernel_w < 1 || kernel_h > KERNEL_MAX || kernel_w > KERNEL_MAX ||
	    a->stride_h < 1 || a->stride_w < 1 || a->stride_h > STRIDE_MAX ||
	    a->stride_w > STRIDE_MAX || dilation_h < 1 || dilation_w < 1 ||
	    dilation_h > KERNEL_MAX || dilation_w > KERNEL_MAX)
		return error_set(graph->error, -EINVAL,
				 "%s: kernel %dx%d, stride %dx%d, dilation %dx%d make no sense",
				 ir_where(graph, op, -1), kernel_h, kernel_w, a->stride_h,
				 a->stride_w, dilation_h, dilation_w);
	h = resolve_axis_window(a->padding, input.h, kernel_h, a->stride_h, dilation_h);
	w = resolve_axis_window(a->padding, input.w, kernel_w, a->stride_w, dilation_w);
	if (output.n != input.n || output.h != h.output || output.w != w.output)
		return error_set(graph->error, -EINVAL,
				 "%s: its shape is not the %dx%dx%dx%d that the operator makes of %s",
				 ir_where(graph, op, op->outputs[0]), input.n, h.output, w.output,
				 output.c, ir_tensor_text(graph, op->inputs[0]));
	op->window = (struct ir_window){
		.kernel_h = kernel_h, .kernel_w = kernel_w,
		.stride_h = a->stride_h, .stride_w = a->stride_w,
		.dilation_h = dilation_h, .dilation_w = dilation_w,
		.pad_top = h.before, .pad_bottom = h.after,
		.pad_left = w.before, .pad_right = w.after,
	};
	return padding_check(graph, op, h, w);
}

static int resolve_bias(struct ir_graph *graph, struct ir_operator *op, int32_t channels)
{
	int index = op->input_count > 2 ? op->inputs[2] : -1;
	const struct ir_tensor *bias;

	if (index < 0)
		return 0;
	bias = &graph->tensors[index];
	if (resolve_is_float(graph, op)) {
		if (bias->data && bias->type == IR_FLOAT32 && bias->elements == (uint64_t)channels)
			return 0;
		return error_set(graph->error, -ENOTSUP,
				 "%s: the bias must be %d constant float32 values",
				 ir_where(graph, op, index), channels);
	}
	if (!bias->data || (bias->type != IR_INT32 && bias->type != IR_INT64) ||
	    bias->elements != (uint64_t)channels)
		return error_set(graph->error, -ENOTSUP,
				 "%s: the bias must be %d constant int32 or int64 values",
				 ir_where(graph, op, index), channels);
	if (bias->type == IR_INT64)
		return 0;
	op->bias = arena_copy(graph->arena, bias->data, bias->bytes);
	return op->bias ? 0 : error_memory(graph->error);
}

/*
 * Constant 8-bit weights with scales along `dimension` or one scale, and the
 * factor of each output channel. `float_product` is the older rule of fully
 * connected layers and of uint8: input scale x weight scale in float.
 */
static int resolve_weights(struct ir_graph *graph, struct ir_operator *op, uint32_t dimension,
			   int32_t channels, bool float_product)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	const struct ir_tensor *weights = &graph->tensors[op->inputs[1]];
	bool legacy = in->type == IR_UINT8;

	if (resolve_is_hybrid(graph, op))
		return resolve_hybrid_weights(graph, op, dimension, channels);
	if (resolve_is_float(graph, op)) {
		if (weights->data && weights->type == IR_FLOAT32)
			return 0;
		return error_set(graph->error, -ENOTSUP,
				 "%s: weights of a float32 operator must be constant float32 or int8, these are %s",
				 ir_where(graph, op, op->inputs[1]), ir_type_name(weights->type));
	}
	if (!weights->data || weights->type != (legacy ? IR_UINT8 : IR_INT8))
		return error_set(graph->error, -ENOTSUP, "%s: the weights must be %s",
				 ir_where(graph, op, op->inputs[1]),
				 !weights->data ? "constant" : legacy ? "uint8" : "int8");
	if (!weights->scale_count ||
	    (weights->scale_count > 1 && (weights->quantised_dimension != dimension ||
					  weights->scale_count != (uint32_t)channels)))
		return error_set(graph->error, -EINVAL, "%s: %u scales along dimension %u",
				 ir_where(graph, op, op->inputs[1]), weights->scale_count,
				 weights->quantised_dimension);
	if (legacy && weights->scale_count == 1 && weights->zero_points[0] >= 0 &&
	    weights->zero_points[0] <= UINT8_MAX) {
		op->weight_zero_point = (int32_t)weights->zero_points[0];
		float_product = true;
	} else {
		for (uint32_t i = 0; i < weights->scale_count; i++)
			if (weights->zero_points[i])
				return error_set(graph->error, -ENOTSUP,
						 "%s: zero point %lld is not 0",
						 ir_where(graph, op, op->inputs[1]),
						 (long long)weights->zero_points[i]);
	}
	op->scale_count = (uint32_t)channels;
	op->scales = arena_alloc(graph->arena, op->scale_count, sizeof(*op->scales));
	if (!op->scales)
		return error_memory(graph->error);
	for (int32_t c = 0; c < channels; c++) {
		float scale = weights->scales[weights->scale_count > 1 ? c : 0];
		double product;

		if (float_product && weights->scale_count == 1)
			product = (double)(in->scales[0] * scale);
		else
			product = (double)in->scales[0] * (double)scale;
		op->scales[c] = quantise_factor(product / (double)out->scales[0]);
		if (op->scales[c].shift > 30)
			return error_set(graph->error, -ENOTSUP,
					 "%s: the factor of channel %d is 2^30 or more",
					 ir_where(graph, op, op->inputs[1]), c);
	}
	return 0;
}

/* uint8 depthwise and groups are left to kernels that round as the reference's. */
static enum ir_rounding byte_rounding(const struct ir_graph *graph, const struct ir_operator *op,
				      const struct resolve_profile *profile)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];

	if ((op->kind == IR_DEPTHWISE && in->type == IR_UINT8) ||
	    (op->kind == IR_CONVOLUTION &&
	     ir_extent(&graph->tensors[op->inputs[1]], 0) != ir_extent(in, 0)))
		return IR_ROUNDING_DOUBLE;
	return profile->convolution;
}

/*
 * int16 activations: sums of 64 bits unless the bias has 32. Without a bias
 * TensorFlow Lite's transposed convolutions and fully connected layers take 32.
 */
static enum ir_rounding rounding_of(const struct ir_graph *graph, const struct ir_operator *op,
				    const struct resolve_profile *profile)
{
	int bias = op->input_count > 2 ? op->inputs[2] : -1;
	bool narrow = op->kind == IR_TRANSPOSE_CONVOLUTION || op->kind == IR_FULLY_CONNECTED;

	if (resolve_is_float(graph, op))
		return IR_ROUNDING_NONE;
	if (graph->tensors[op->inputs[0]].type != IR_INT16)
		return byte_rounding(graph, op, profile);
	if (bias < 0 ? narrow && !profile->micro : graph->tensors[bias].type == IR_INT32)
		return IR_ROUNDING_DOUBLE;
	return IR_ROUNDING_WIDE;
}

static int resolve_convolution(struct ir_graph *graph, struct ir_operator *op,
			       const struct resolve_profile *profile)
{
	const struct ir_tensor *weights;
	struct ir_feature_map input, output;
	bool depthwise = op->kind == IR_DEPTHWISE;
	int ret = resolve_check_counts(graph, op, 2, 3);

	if (!ret)
		ret = resolve_check_activations(graph, op);
	if (!ret)
		ret = resolve_output_range(graph, op);
	if (ret)
		return ret;
	weights = &graph->tensors[op->inputs[1]];
	if (weights->rank != 4)
		return error_set(graph->error, -EINVAL, "%s: weights of rank %u",
				 ir_where(graph, op, op->inputs[1]), weights->rank);
	ret = resolve_window(graph, op, weights->shape[1], weights->shape[2]);
	if (ret)
		return ret;
	input = ir_feature_map(&graph->tensors[op->inputs[0]]);
	output = ir_feature_map(&graph->tensors[op->outputs[0]]);
	if (depthwise) {
		if (weights->shape[0] != 1 || weights->shape[3] != output.c ||
		    output.c % input.c)
			return error_set(graph->error, -EINVAL,
					 "%s: shape does not match %d input and %d output channels",
					 ir_where(graph, op, op->inputs[1]), input.c, output.c);
		op->attributes.depth_multiplier = output.c / input.c;
	} else if (weights->shape[0] != output.c || input.c % weights->shape[3] ||
		   output.c % (input.c / weights->shape[3])) {
		return error_set(graph->error, -EINVAL,
				 "%s: shape does not match %d input and %d output channels",
				 ir_where(graph, op, op->inputs[1]), input.c, output.c);
	}
	op->rounding = rounding_of(graph, op, profile);
	ret = resolve_weights(graph, op, depthwise ? 3 : 0, output.c, false);
	return ret ? ret : resolve_bias(graph, op, output.c);
}

/* What a dimension of the output leaves out of the full transposed convolution. */
static struct resolve_axis transposed_axis(enum ir_padding padding, int32_t input, int32_t kernel,
					   int32_t stride, int32_t output)
{
	int64_t total = (int64_t)(input - 1) * stride + kernel - output, after;
	struct resolve_axis axis = { .output = output };

	if (padding == IR_PADDING_SAME && total > 0)
		axis.before = (int32_t)(total / 2 < INT32_MAX ? total / 2 : INT32_MAX);
	after = total - axis.before;
	axis.after = (int32_t)(after < INT32_MAX ? after : INT32_MAX);
	return axis;
}

/* The model's operands are output shape, weights, input and bias. */
static int resolve_transpose_convolution(struct ir_graph *graph, struct ir_operator *op,
					 const struct resolve_profile *profile)
{
	const struct ir_attributes *a = &op->attributes;
	struct ir_feature_map input, output;
	const struct ir_tensor *weights;
	struct resolve_axis h, w;
	int ret = resolve_check_counts(graph, op, 3, 4);

	if (ret)
		return ret;
	op->inputs[0] = op->inputs[2];
	if (--op->input_count > 2)
		op->inputs[2] = op->inputs[3];
	else
		op->input_count = 2;
	ret = resolve_check_activations(graph, op);
	if (!ret)
		ret = resolve_output_range(graph, op);
	if (ret)
		return ret;
	weights = &graph->tensors[op->inputs[1]];
	input = ir_feature_map(&graph->tensors[op->inputs[0]]);
	output = ir_feature_map(&graph->tensors[op->outputs[0]]);
	if (weights->rank != 4 || graph->tensors[op->inputs[0]].rank != 4 ||
	    graph->tensors[op->outputs[0]].rank != 4 || weights->shape[0] != output.c ||
	    weights->shape[3] != input.c || input.n != output.n)
		return error_set(graph->error, -EINVAL,
				 "%s: shape does not match %d input and %d output channels",
				 ir_where(graph, op, op->inputs[1]), input.c, output.c);
	if (a->stride_h < 1 || a->stride_w < 1 || a->stride_h > STRIDE_MAX ||
	    a->stride_w > STRIDE_MAX || weights->shape[1] > KERNEL_MAX ||
	    weights->shape[2] > KERNEL_MAX)
		return error_set(graph->error, -EINVAL, "%s: stride %dx%d makes no sense",
				 ir_where(graph, op, -1), a->stride_h, a->stride_w);
	h = transposed_axis(a->padding, input.h, weights->shape[1], a->stride_h, output.h);
	w = transposed_axis(a->padding, input.w, weights->shape[2], a->stride_w, output.w);
	op->window = (struct ir_window){
		.kernel_h = weights->shape[1], .kernel_w = weights->shape[2],
		.stride_h = a->stride_h, .stride_w = a->stride_w,
		.dilation_h = 1, .dilation_w = 1,
		.pad_top = h.before, .pad_bottom = h.after,
		.pad_left = w.before, .pad_right = w.after,
	};
	ret = padding_check(graph, op, h, w);
	if (ret)
		return ret;
	op->rounding = rounding_of(graph, op, profile);
	ret = resolve_weights(graph, op, 0, output.c, false);
	return ret ? ret : resolve_bias(graph, op, output.c);
}

static int resolve_fully_connected(struct ir_graph *graph, struct ir_operator *op,
				   const struct resolve_profile *profile)
{
	const struct ir_tensor *in, *out, *weights;
	int ret = resolve_check_counts(graph, op, 2, 3);

	if (!ret)
		ret = resolve_check_activations(graph, op);
	if (!ret)
		ret = resolve_output_range(graph, op);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	weights = &graph->tensors[op->inputs[1]];
	if (weights->rank != 2 || in->elements % (uint64_t)weights->shape[1])
		return error_set(graph->error, -EINVAL,
				 "%s: shape does not match an input of %llu elements, %s",
				 ir_where(graph, op, op->inputs[1]),
				 (unsigned long long)in->elements,
				 ir_tensor_text(graph, op->inputs[0]));
	if (out->elements != in->elements / (uint64_t)weights->shape[1] *
			     (uint64_t)weights->shape[0] ||
	    ir_extent(out, 0) != weights->shape[0])
		return error_set(graph->error, -EINVAL,
				 "%s: shape does not match the weights, %s",
				 ir_where(graph, op, op->outputs[0]),
				 ir_tensor_text(graph, op->inputs[1]));
	op->rounding = rounding_of(graph, op, profile);
	ret = resolve_weights(graph, op, 0, weights->shape[0], true);
	return ret ? ret : resolve_bias(graph, op, weights->shape[0]);
}

static int resolve_pool(struct ir_graph *graph, struct ir_operator *op)
{
	int ret = resolve_check_counts(graph, op, 1, 1);

	if (!ret)
		ret = resolve_check_activations(graph, op);
	if (!ret)
		ret = resolve_check_same_quantisation(graph, op);
	if (!ret)
		ret = resolve_output_range(graph, op);
	if (!ret)
		ret = resolve_window(graph, op, op->attributes.filter_h, op->attributes.filter_w);
	if (ret)
		return ret;
	if (ir_extent(&graph->tensors[op->inputs[0]], 0) !=
	    ir_extent(&graph->tensors[op->outputs[0]], 0))
		return error_set(graph->error, -EINVAL,
				 "%s: has another number of channels than %s",
				 ir_where(graph, op, op->outputs[0]),
				 ir_tensor_text(graph, op->inputs[0]));
	return 0;
}

/* What to do about operators that a graph of fixed shapes has no place for; else NULL. */
static const char *resolve_advice(const char *type)
{
	static const struct {
		const char *type, *advice;
	} refused[] = {
		{ "IF", "control flow is not supported; compile each branch as a model of its own" },
		{ "WHILE", "control flow is not supported; unroll the loop, or compile its body as a model and call it in a loop" },
		{ "CALL", "control flow is not supported; inline the subgraph" },
		{ "WHERE", "its output's size depends on data; end the model before it" },
		{ "UNIQUE", "its output's size depends on data; end the model before it" },
		{ "NON_MAX_SUPPRESSION_V4", "use TFLite_Detection_PostProcess, or end the model before it" },
		{ "NON_MAX_SUPPRESSION_V5", "use TFLite_Detection_PostProcess, or end the model before it" },
		{ "SHAPE", "its input's shape is not fixed; convert the model with fixed shapes" },
		{ "RANGE", "its operands must be constants, or follow from fixed shapes" },
		{ "FILL", "its shape must be a constant, or follow from fixed shapes" },
		{ "LSTM", "convert the model so that it has UNIDIRECTIONAL_SEQUENCE_LSTM" },
		{ "BIDIRECTIONAL_SEQUENCE_LSTM",
		  "has no integer kernel anywhere; use two UNIDIRECTIONAL_SEQUENCE_LSTM, one of a reversed sequence" },
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (!strcmp(refused[i].type, type))
			return refused[i].advice;
	return NULL;
}

/* What resolves the operators of a kind; the second where the rounding profile matters. */
static const struct resolver {
	int (*resolve)(struct ir_graph *graph, struct ir_operator *op);
	int (*resolve_profiled)(struct ir_graph *graph, struct ir_operator *op,
				const struct resolve_profile *profile);
} resolvers[IR_KIND_COUNT] = {
	[IR_CONVOLUTION] = { NULL, resolve_convolution },
	[IR_DEPTHWISE] = { NULL, resolve_convolution },
	[IR_TRANSPOSE_CONVOLUTION] = { NULL, resolve_transpose_convolution },
	[IR_FULLY_CONNECTED] = { NULL, resolve_fully_connected },
	[IR_ADD] = { NULL, resolve_elementwise },
	[IR_SUB] = { NULL, resolve_elementwise },
	[IR_MUL] = { NULL, resolve_elementwise },
	[IR_MINIMUM] = { NULL, resolve_elementwise },
	[IR_MAXIMUM] = { NULL, resolve_elementwise },
	[IR_SQUARED_DIFFERENCE] = { NULL, resolve_elementwise },
	[IR_DIV] = { NULL, resolve_elementwise },
	[IR_PRELU] = { NULL, resolve_leaky },
	[IR_UNARY] = { NULL, resolve_unary },
	[IR_AVERAGE_POOL] = { resolve_pool, NULL },
	[IR_MAX_POOL] = { resolve_pool, NULL },
	[IR_MEAN] = { NULL, resolve_reduction },
	[IR_SUM] = { NULL, resolve_reduction },
	[IR_REDUCE_MAX] = { NULL, resolve_reduction },
	[IR_REDUCE_MIN] = { NULL, resolve_reduction },
	[IR_REDUCE_PROD] = { NULL, resolve_reduction },
	[IR_REDUCE_ANY] = { resolve_truth_reduction, NULL },
	[IR_REDUCE_ALL] = { resolve_truth_reduction, NULL },
	[IR_FLOOR_DIV] = { resolve_plain_elementwise, NULL },
	[IR_FLOOR_MOD] = { resolve_plain_elementwise, NULL },
	[IR_POWER] = { resolve_plain_elementwise, NULL },
	[IR_EMBEDDING_LOOKUP] = { resolve_embedding, NULL },
	[IR_DYNAMIC_UPDATE_SLICE] = { resolve_dynamic_update_slice, NULL },
	[IR_GATHER_ND] = { resolve_gather_nd, NULL },
	[IR_TOP_K] = { resolve_top_k, NULL },
	[IR_ONE_HOT] = { resolve_one_hot, NULL },
	[IR_CUMULATIVE_SUM] = { resolve_cumulative_sum, NULL },
	[IR_ARG_MAX] = { resolve_arg_extreme, NULL },
	[IR_ARG_MIN] = { resolve_arg_extreme, NULL },
	[IR_BATCH_MATMUL] = { NULL, resolve_matmul },
	[IR_GATHER] = { resolve_gather, NULL },
	[IR_MIRROR_PAD] = { resolve_mirror_pad, NULL },
	[IR_SPACE_TO_BATCH] = { resolve_batch_block, NULL },
	[IR_BATCH_TO_SPACE] = { resolve_batch_block, NULL },
	[IR_SPACE_TO_DEPTH] = { resolve_block, NULL },
	[IR_DEPTH_TO_SPACE] = { resolve_block, NULL },
	[IR_TILE] = { resolve_repeat, NULL },
	[IR_BROADCAST_TO] = { resolve_repeat, NULL },
	[IR_REVERSE] = { resolve_reverse, NULL },
	[IR_COMPARE] = { resolve_compare, NULL },
	[IR_LOGICAL_AND] = { resolve_logical, NULL },
	[IR_LOGICAL_OR] = { resolve_logical, NULL },
	[IR_SELECT] = { resolve_select, NULL },
	[IR_CAST] = { resolve_cast, NULL },
	[IR_L2_NORMALIZATION] = { resolve_normalization, NULL },
	[IR_SOFTMAX] = { NULL, resolve_softmax },
	[IR_LOG_SOFTMAX] = { NULL, resolve_softmax },
	[IR_RESHAPE] = { resolve_reshape, NULL },
	[IR_PAD] = { resolve_pad, NULL },
	[IR_PAD_V2] = { resolve_pad, NULL },
	[IR_CONCATENATION] = { resolve_concatenation, NULL },
	[IR_PACK] = { resolve_concatenation, NULL },
	[IR_SPLIT] = { resolve_split, NULL },
	[IR_SPLIT_V] = { resolve_split, NULL },
	[IR_UNPACK] = { resolve_split, NULL },
	[IR_SLICE] = { resolve_slice, NULL },
	[IR_STRIDED_SLICE] = { resolve_slice, NULL },
	[IR_TRANSPOSE] = { resolve_transpose, NULL },
	[IR_RESIZE_BILINEAR] = { resolve_resize, NULL },
	[IR_RESIZE_NEAREST] = { resolve_resize, NULL },
	[IR_QUANTISE] = { NULL, resolve_quantise },
	[IR_DEQUANTISE] = { resolve_dequantise, NULL },
	[IR_COPY] = { resolve_copy, NULL },
	[IR_SVDF] = { resolve_svdf, NULL },
	[IR_LSTM] = { NULL, resolve_lstm },
	[IR_DETECTION] = { resolve_detection, NULL },
};

/* With what it reads and makes: that is where a model would be cut. */
static int resolve_refuse(struct ir_graph *graph, const struct ir_operator *op,
			  const char *advice)
{
	bool reads = op->input_count && op->inputs[0] >= 0, makes = op->output_count > 0;

	return error_set(graph->error, -ENOTSUP, "%s%s%s%s%s: %s", ir_where(graph, op, -1),
			 reads ? ", from " : "",
			 reads ? ir_tensor_text(graph, op->inputs[0]) : "", makes ? " to " : "",
			 makes ? ir_tensor_text(graph, op->outputs[0]) : "", advice);
}

static int resolve_operator(struct ir_graph *graph, struct ir_operator *op,
			    const struct resolve_profile *profile)
{
	const struct resolver *by = &resolvers[op->kind];

	/* A table was made by resolve_scaled_concatenations(). */
	if (op->removed_reason || op->kind == IR_TABLE)
		return 0;
	if (by->resolve)
		return by->resolve(graph, op);
	if (by->resolve_profiled)
		return by->resolve_profiled(graph, op, profile);
	if (op->kind == IR_VARIABLE_HANDLE || op->kind == IR_CALL_ONCE) {
		op->removed_reason = "says where state is and what it begins with";
		return 0;
	}
	if (resolve_advice(op->type_name))
		return resolve_refuse(graph, op, resolve_advice(op->type_name));
	return resolve_refuse(graph, op,
			      "this operator has neither an NPU nor a CPU form: replace it by operators that \"npuc --list-ops\" names, or end the model before it");
}

int resolve_graph(struct ir_graph *graph, const char *numerics)
{
	const struct resolve_profile *profile = NULL;
	int ret = 0;

	if (!numerics)
		numerics = profiles[0].name;
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
		if (!strcmp(profiles[i].name, numerics))
			profile = &profiles[i];
	if (!profile)
		return error_set(graph->error, !strcmp(numerics, "onnx") ? -ENOTSUP : -EINVAL,
				 "numerics profile \"%s\": a TensorFlow Lite model takes tflite-ref, tflite or tflm",
				 numerics);
	graph->numerics = profile->name;
	ret = resolve_scaled_concatenations(graph);
	if (!ret)
		ret = resolve_long_sums(graph);
	for (unsigned int o = 0; o < graph->operator_count && !ret; o++)
		ret = resolve_operator(graph, &graph->operators[o], profile);
	return ret;
}

/* Whether every reader of `tensor` is a convolution that can take the padding. */
static bool pad_is_foldable(const struct ir_graph *graph, const struct ir_operator *pad)
{
	int tensor = pad->outputs[0];

	if (ir_is_output(graph, tensor) || graph->tensors[tensor].rank != 4 ||
	    pad->pad_before[0] || pad->pad_after[0] || pad->pad_before[3] || pad->pad_after[3])
		return false;
	for (unsigned int o = 0; o < graph->operator_count; o++) {
		const struct ir_operator *op = &graph->operators[o];

		for (unsigned int i = 0; i < op->input_count; i++)
			/* A window reads zero points outside of its input, nothing else. */
			if (op->inputs[i] == tensor &&
			    (i || op->input_zero_point != pad->output_zero_point ||
			     (op->kind != IR_CONVOLUTION && op->kind != IR_DEPTHWISE)))
				return false;
	}
	return ir_reader_count(graph, tensor) > 0;
}

void resolve_fold_pad(struct ir_graph *graph)
{
	for (unsigned int p = 0; p < graph->operator_count; p++) {
		struct ir_operator *pad = &graph->operators[p];

		if (pad->kind != IR_PAD || !pad_is_foldable(graph, pad))
			continue;
		for (unsigned int o = 0; o < graph->operator_count; o++) {
			struct ir_operator *op = &graph->operators[o];

			if (!op->input_count || op->inputs[0] != pad->outputs[0])
				continue;
			op->inputs[0] = pad->inputs[0];
			op->window.pad_top += pad->pad_before[1];
			op->window.pad_bottom += pad->pad_after[1];
			op->window.pad_left += pad->pad_before[2];
			op->window.pad_right += pad->pad_after[2];
		}
		pad->removed_reason = "folded into the window of the convolution that reads it";
	}
}
