// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <string.h>

#include "error.h"
#include "ir.h"
#include "quantise.h"
#include "resolve.h"

#define KERNEL_MAX 65536
#define STRIDE_MAX 65536

struct profile {
	const char *name;
	/* Rounding of convolutions and fully connected layers. */
	enum ir_rounding convolution;
	/* Optimised kernels: mean with its own factor, softmax with float tables. */
	bool optimised;
};

static const struct profile profiles[] = {
	{ "tflite-ref", IR_ROUNDING_DOUBLE, false },
	{ "tflite", IR_ROUNDING_SINGLE, true },
	{ "tflm", IR_ROUNDING_DOUBLE, false },
};

static int check_counts(struct ir_graph *graph, const struct ir_operator *op,
			unsigned int least, unsigned int most)
{
	if (op->input_count < least || op->input_count > most || op->output_count != 1)
		return error_set(graph->error, -EINVAL, "%s: %u inputs and %u outputs",
				 ir_where(graph, op, -1), op->input_count, op->output_count);
	for (unsigned int i = 0; i < least; i++)
		if (op->inputs[i] < 0)
			return error_set(graph->error, -EINVAL, "%s: input %u is missing",
					 ir_where(graph, op, -1), i);
	return 0;
}

/* int8 with one scale, as every activation must be. */
static int check_activation(struct ir_graph *graph, const struct ir_operator *op, int index)
{
	const struct ir_tensor *tensor = &graph->tensors[index];

	if (tensor->type != IR_INT8)
		return error_set(graph->error, -ENOTSUP, "%s: type %s, only int8 is supported here",
				 ir_where(graph, op, index), ir_type_name(tensor->type));
	if (tensor->scale_count != 1 || !(tensor->scales[0] > 0))
		return error_set(graph->error, -EINVAL, "%s: needs one positive scale, has %u",
				 ir_where(graph, op, index), tensor->scale_count);
	if (tensor->zero_points[0] < -128 || tensor->zero_points[0] > 127)
		return error_set(graph->error, -EINVAL, "%s: zero point %lld is outside int8",
				 ir_where(graph, op, index), (long long)tensor->zero_points[0]);
	return 0;
}

static int check_activations(struct ir_graph *graph, const struct ir_operator *op)
{
	int ret = check_activation(graph, op, op->inputs[0]);

	return ret ? ret : check_activation(graph, op, op->outputs[0]);
}

static int check_same_quantisation(struct ir_graph *graph, const struct ir_operator *op)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];

	if (in->scales[0] != out->scales[0] || in->zero_points[0] != out->zero_points[0])
		return error_set(graph->error, -ENOTSUP,
				 "%s: scale and zero point differ from the input's",
				 ir_where(graph, op, op->outputs[0]));
	return 0;
}

static int set_output_range(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];

	if (op->attributes.activation == IR_ACTIVATION_OTHER)
		return error_set(graph->error, -ENOTSUP,
				 "%s: its fused activation is not supported",
				 ir_where(graph, op, -1));
	op->input_zero_point = (int32_t)graph->tensors[op->inputs[0]].zero_points[0];
	op->output_zero_point = (int32_t)out->zero_points[0];
	op->clamp_low = -128;
	op->clamp_high = 127;
	quantise_activation(op->attributes.activation, out->scales[0], op->output_zero_point,
			    &op->clamp_low, &op->clamp_high);
	return 0;
}

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
				 "%s: shape %dx%dx%d, the operator gives %dx%dx%d",
				 ir_where(graph, op, op->outputs[0]), output.n, output.h, output.w,
				 input.n, h.output, w.output);
	op->window = (struct ir_window){
		.kernel_h = kernel_h, .kernel_w = kernel_w,
		.stride_h = a->stride_h, .stride_w = a->stride_w,
		.dilation_h = dilation_h, .dilation_w = dilation_w,
		.pad_top = h.before, .pad_bottom = h.after,
		.pad_left = w.before, .pad_right = w.after,
	};
	return 0;
}

static int resolve_bias(struct ir_graph *graph, struct ir_operator *op, int32_t channels)
{
	int index = op->input_count > 2 ? op->inputs[2] : -1;
	const struct ir_tensor *bias;

	if (index < 0)
		return 0;
	bias = &graph->tensors[index];
	if (!bias->data || bias->type != IR_INT32 || bias->elements != (uint64_t)channels)
		return error_set(graph->error, -ENOTSUP,
				 "%s: the bias must be %d constant int32 values",
				 ir_where(graph, op, index), channels);
	op->bias = arena_copy(graph->arena, bias->data, bias->bytes);
	return op->bias ? 0 : error_memory(graph->error);
}

/*
 * Constant int8 weights with scales along `dimension` or one scale, and the
 * factor of each output channel. `float_product` is the older rule of fully
 * connected layers: input scale x weight scale in float.
 */
static int resolve_weights(struct ir_graph *graph, struct ir_operator *op, uint32_t dimension,
			   int32_t channels, bool float_product)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	const struct ir_tensor *weights = &graph->tensors[op->inputs[1]];

	if (!weights->data || weights->type != IR_INT8)
		return error_set(graph->error, -ENOTSUP, "%s: the weights must be %s",
				 ir_where(graph, op, op->inputs[1]),
				 weights->data ? "int8" : "constant");
	if (!weights->scale_count ||
	    (weights->scale_count > 1 && (weights->quantised_dimension != dimension ||
					  weights->scale_count != (uint32_t)channels)))
		return error_set(graph->error, -EINVAL, "%s: %u scales along dimension %u",
				 ir_where(graph, op, op->inputs[1]), weights->scale_count,
				 weights->quantised_dimension);
	for (uint32_t i = 0; i < weights->scale_count; i++)
		if (weights->zero_points[i])
			return error_set(graph->error, -ENOTSUP, "%s: zero point %lld is not 0",
					 ir_where(graph, op, op->inputs[1]),
					 (long long)weights->zero_points[i]);
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

static int resolve_convolution(struct ir_graph *graph, struct ir_operator *op,
			       const struct profile *profile)
{
	const struct ir_tensor *weights;
	struct ir_feature_map input, output;
	bool depthwise = op->kind == IR_DEPTHWISE;
	int ret = check_counts(graph, op, 2, 3);

	if (!ret)
		ret = check_activations(graph, op);
	if (!ret)
		ret = set_output_range(graph, op);
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
	op->rounding = profile->convolution;
	ret = resolve_weights(graph, op, depthwise ? 3 : 0, output.c, false);
	return ret ? ret : resolve_bias(graph, op, output.c);
}

static int resolve_fully_connected(struct ir_graph *graph, struct ir_operator *op,
				   const struct profile *profile)
{
	const struct ir_tensor *in, *out, *weights;
	int ret = check_counts(graph, op, 2, 3);

	if (!ret)
		ret = check_activations(graph, op);
	if (!ret)
		ret = set_output_range(graph, op);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	weights = &graph->tensors[op->inputs[1]];
	if (weights->rank != 2 || in->elements % (uint64_t)weights->shape[1])
		return error_set(graph->error, -EINVAL,
				 "%s: shape does not match an input of %llu elements",
				 ir_where(graph, op, op->inputs[1]),
				 (unsigned long long)in->elements);
	if (out->elements != in->elements / (uint64_t)weights->shape[1] *
			     (uint64_t)weights->shape[0] ||
	    ir_extent(out, 0) != weights->shape[0])
		return error_set(graph->error, -EINVAL, "%s: shape does not match the weights",
				 ir_where(graph, op, op->outputs[0]));
	op->rounding = profile->convolution;
	ret = resolve_weights(graph, op, 0, weights->shape[0], true);
	return ret ? ret : resolve_bias(graph, op, weights->shape[0]);
}

static int resolve_add(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *a, *b, *out;
	double twice_larger;
	int ret = check_counts(graph, op, 2, 2);

	if (!ret)
		ret = check_activations(graph, op);
	if (!ret)
		ret = check_activation(graph, op, op->inputs[1]);
	if (!ret)
		ret = set_output_range(graph, op);
	if (ret)
		return ret;
	a = &graph->tensors[op->inputs[0]];
	b = &graph->tensors[op->inputs[1]];
	out = &graph->tensors[op->outputs[0]];
	for (unsigned int d = 0; d < IR_RANK_MAX; d++) {
		int32_t of_a = ir_extent(a, d), of_b = ir_extent(b, d);

		if (ir_extent(out, d) != (of_a > of_b ? of_a : of_b) ||
		    (of_a != of_b && of_a != 1 && of_b != 1))
			return error_set(graph->error, -EINVAL,
					 "%s: shape is not that of the inputs",
					 ir_where(graph, op, op->outputs[0]));
	}
	twice_larger = 2 * fmax((double)a->scales[0], (double)b->scales[0]);
	op->left_shift = 20;
	op->input2_zero_point = (int32_t)b->zero_points[0];
	op->input_scale = quantise_factor((double)a->scales[0] / twice_larger);
	op->input2_scale = quantise_factor((double)b->scales[0] / twice_larger);
	op->scale_count = 1;
	op->scales = arena_alloc(graph->arena, 1, sizeof(*op->scales));
	if (!op->scales)
		return error_memory(graph->error);
	op->scales[0] = quantise_factor(twice_larger / ((1 << 20) * (double)out->scales[0]));
	if (op->scales[0].shift > 30)
		return error_set(graph->error, -ENOTSUP, "%s: the output's factor is 2^30 or more",
				 ir_where(graph, op, op->outputs[0]));
	return 0;
}

static int resolve_pool(struct ir_graph *graph, struct ir_operator *op)
{
	int ret = check_counts(graph, op, 1, 1);

	if (!ret)
		ret = check_activations(graph, op);
	if (!ret)
		ret = check_same_quantisation(graph, op);
	if (!ret)
		ret = set_output_range(graph, op);
	if (!ret)
		ret = resolve_window(graph, op, op->attributes.filter_h, op->attributes.filter_w);
	if (ret)
		return ret;
	if (ir_extent(&graph->tensors[op->inputs[0]], 0) !=
	    ir_extent(&graph->tensors[op->outputs[0]], 0))
		return error_set(graph->error, -EINVAL, "%s: has another number of channels",
				 ir_where(graph, op, op->outputs[0]));
	return 0;
}

/* Bits of the dimensions that a constant list of axes names. */
static int read_axes(struct ir_graph *graph, const struct ir_operator *op, uint32_t *axes)
{
	const struct ir_tensor *list = &graph->tensors[op->inputs[1]];
	int32_t rank = (int32_t)graph->tensors[op->inputs[0]].rank;

	if (!list->data || list->type != IR_INT32)
		return error_set(graph->error, -ENOTSUP, "%s: the axes must be constant int32",
				 ir_where(graph, op, op->inputs[1]));
	*axes = 0;
	for (uint64_t i = 0; i < list->elements; i++) {
		int32_t axis;

		memcpy(&axis, list->data + 4 * i, sizeof(axis));
		if (axis < -rank || axis >= rank)
			return error_set(graph->error, -EINVAL, "%s: axis %d of %d dimensions",
					 ir_where(graph, op, op->inputs[1]), axis, rank);
		*axes |= 1u << (axis < 0 ? axis + rank : axis);
	}
	return 0;
}

static int resolve_mean(struct ir_graph *graph, struct ir_operator *op,
			const struct profile *profile)
{
	const struct ir_tensor *in, *out;
	uint64_t count = 1;
	int ret = check_counts(graph, op, 2, 2);

	if (!ret)
		ret = check_activations(graph, op);
	if (!ret)
		ret = set_output_range(graph, op);
	if (!ret)
		ret = read_axes(graph, op, &op->axes);
	if (ret)
		return ret;
	op->input_count = 1;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	for (unsigned int d = 0; d < in->rank; d++)
		if (op->axes & 1u << d)
			count *= (uint64_t)in->shape[d];
	if (!op->axes || out->elements != in->elements / count)
		return error_set(graph->error, -EINVAL, "%s: shape does not match the reduced axes",
				 ir_where(graph, op, op->outputs[0]));
	if (count > 1u << 23)
		return error_set(graph->error, -ENOTSUP, "%s: mean of %llu elements could overflow",
				 ir_where(graph, op, op->inputs[0]), (unsigned long long)count);
	op->scale_count = 1;
	op->scales = arena_alloc(graph->arena, 1, sizeof(*op->scales));
	if (!op->scales)
		return error_memory(graph->error);
	if (profile->optimised && in->rank == 4 && op->axes == 6 &&
	    op->attributes.keep_dimensions) {
		float scale = in->scales[0] / ((float)count * out->scales[0]);
		float bias = (float)op->input_zero_point * in->scales[0] / out->scales[0];

		op->scales[0] = quantise_factor((double)scale);
		op->output_zero_point -= (int32_t)(bias + (bias > 0 ? 0.5f : -0.5f));
		op->input_zero_point = 0;
	} else {
		op->scales[0] = quantise_mean(quantise_factor((double)in->scales[0] /
							      (double)out->scales[0]), count);
	}
	return 0;
}

static int resolve_softmax(struct ir_graph *graph, struct ir_operator *op,
			   const struct profile *profile)
{
	const struct ir_tensor *in, *out;
	int ret = check_counts(graph, op, 1, 1);

	if (!ret)
		ret = check_activations(graph, op);
	if (!ret)
		ret = set_output_range(graph, op);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (in->elements != out->elements || ir_extent(in, 0) != ir_extent(out, 0))
		return error_set(graph->error, -EINVAL, "%s: shape is not that of the input",
				 ir_where(graph, op, op->outputs[0]));
	if (out->scales[0] != 1.0f / 256 || out->zero_points[0] != -128)
		return error_set(graph->error, -ENOTSUP,
				 "%s: the scale must be 1/256 and the zero point -128",
				 ir_where(graph, op, op->outputs[0]));
	if (profile->optimised) {
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

static int resolve_reshape(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in, *out;
	int ret = check_counts(graph, op, 1, 2);

	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (in->type != out->type || in->elements != out->elements)
		return error_set(graph->error, -EINVAL, "%s: not the bytes of the input",
				 ir_where(graph, op, op->outputs[0]));
	if (in->data)
		return error_set(graph->error, -ENOTSUP, "%s: reshape of a constant",
				 ir_where(graph, op, op->inputs[0]));
	op->input_count = 1;
	return 0;
}

static int resolve_pad(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in, *out, *paddings;
	int ret = check_counts(graph, op, 2, 2);

	if (!ret)
		ret = check_activations(graph, op);
	if (!ret)
		ret = check_same_quantisation(graph, op);
	if (!ret)
		ret = set_output_range(graph, op);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	paddings = &graph->tensors[op->inputs[1]];
	if (!paddings->data || paddings->type != IR_INT32 || paddings->rank != 2 ||
	    paddings->shape[0] != (int32_t)in->rank || paddings->shape[1] != 2 ||
	    out->rank != in->rank)
		return error_set(graph->error, -ENOTSUP,
				 "%s: the paddings must be constant int32, two a dimension",
				 ir_where(graph, op, op->inputs[1]));
	for (unsigned int d = 0; d < in->rank; d++) {
		int32_t pair[2];

		memcpy(pair, paddings->data + 8 * d, sizeof(pair));
		if (pair[0] < 0 || pair[1] < 0 ||
		    (int64_t)pair[0] + in->shape[d] + pair[1] != out->shape[d])
			return error_set(graph->error, -EINVAL,
					 "%s: paddings %d and %d of dimension %u do not match",
					 ir_where(graph, op, op->inputs[1]), pair[0], pair[1], d);
		op->pad_before[d] = pair[0];
		op->pad_after[d] = pair[1];
	}
	op->input_count = 1;
	return 0;
}

/* QUANTIZE from float, or 8-bit requantisation as a table. */
static int resolve_quantise(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in, *out;
	struct ir_scale factor;
	bool is_signed;
	int ret = check_counts(graph, op, 1, 1);

	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (in->elements != out->elements)
		return error_set(graph->error, -EINVAL, "%s: shape is not that of the input",
				 ir_where(graph, op, op->outputs[0]));
	if ((out->type != IR_INT8 && out->type != IR_UINT8) || out->scale_count != 1 ||
	    !(out->scales[0] > 0) || out->zero_points[0] < -128 || out->zero_points[0] > 255)
		return error_set(graph->error, -ENOTSUP,
				 "%s: type %s with %u scales, only 8 bit with one scale is supported",
				 ir_where(graph, op, op->outputs[0]), ir_type_name(out->type),
				 out->scale_count);
	op->output_zero_point = (int32_t)out->zero_points[0];
	op->clamp_low = out->type == IR_INT8 ? -128 : 0;
	op->clamp_high = out->type == IR_INT8 ? 127 : 255;
	if (in->type == IR_FLOAT32)
		return 0;
	if ((in->type != IR_INT8 && in->type != IR_UINT8) || in->scale_count != 1 ||
	    in->zero_points[0] < -128 || in->zero_points[0] > 255)
		return error_set(graph->error, -ENOTSUP,
				 "%s: type %s, only float32 and 8 bit are supported",
				 ir_where(graph, op, op->inputs[0]), ir_type_name(in->type));
	op->kind = IR_TABLE;
	op->table = arena_alloc(graph->arena, IR_TABLE_ENTRIES, 1);
	if (!op->table)
		return error_memory(graph->error);
	factor = quantise_factor((double)in->scales[0] / (double)out->scales[0]);
	if (factor.shift > 22)
		return error_set(graph->error, -ENOTSUP, "%s: the factor is 2^22 or more",
				 ir_where(graph, op, op->outputs[0]));
	is_signed = in->type == IR_INT8;
	for (int32_t i = 0; i < IR_TABLE_ENTRIES; i++) {
		int32_t value = is_signed ? (int8_t)i : i;

		value = quantise_rescale(value - (int32_t)in->zero_points[0], factor) +
			op->output_zero_point;
		if (value < op->clamp_low)
			value = op->clamp_low;
		if (value > op->clamp_high)
			value = op->clamp_high;
		op->table[i] = (uint8_t)value;
	}
	return 0;
}

static int resolve_dequantise(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in, *out;
	int ret = check_counts(graph, op, 1, 1);

	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if ((in->type != IR_INT8 && in->type != IR_UINT8) || in->scale_count != 1 ||
	    !(in->scales[0] > 0))
		return error_set(graph->error, -ENOTSUP,
				 "%s: type %s with %u scales, only 8 bit with one scale is supported",
				 ir_where(graph, op, op->inputs[0]), ir_type_name(in->type),
				 in->scale_count);
	if (out->type != IR_FLOAT32 || in->elements != out->elements)
		return error_set(graph->error, -EINVAL, "%s: not float32 of the input's shape",
				 ir_where(graph, op, op->outputs[0]));
	op->input_zero_point = (int32_t)in->zero_points[0];
	return 0;
}

static int resolve_operator(struct ir_graph *graph, struct ir_operator *op,
			    const struct profile *profile)
{
	switch (op->kind) {
	case IR_CONVOLUTION:
	case IR_DEPTHWISE:
		return resolve_convolution(graph, op, profile);
	case IR_FULLY_CONNECTED:
		return resolve_fully_connected(graph, op, profile);
	case IR_ADD:
		return resolve_add(graph, op);
	case IR_AVERAGE_POOL:
	case IR_MAX_POOL:
		return resolve_pool(graph, op);
	case IR_MEAN:
		return resolve_mean(graph, op, profile);
	case IR_SOFTMAX:
		return resolve_softmax(graph, op, profile);
	case IR_RESHAPE:
		return resolve_reshape(graph, op);
	case IR_PAD:
		return resolve_pad(graph, op);
	case IR_QUANTISE:
		return resolve_quantise(graph, op);
	case IR_DEQUANTISE:
		return resolve_dequantise(graph, op);
	case IR_TABLE:
	case IR_UNKNOWN:
	case IR_KIND_COUNT:
		break;
	}
	return error_set(graph->error, -ENOTSUP,
			 "%s: this operator has neither an NPU nor a CPU form",
			 ir_where(graph, op, op->output_count ? op->outputs[0] : -1));
}

int resolve_graph(struct ir_graph *graph, const char *numerics)
{
	const struct profile *profile = NULL;
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
			if (op->inputs[i] == tensor &&
			    (i || (op->kind != IR_CONVOLUTION && op->kind != IR_DEPTHWISE)))
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
