// SPDX-License-Identifier: MIT
/*
 * Convolutions of 8-bit activations as dot products of 16-bit operands.
 *
 * Subtracting the zero points makes every operand a 9-bit number, so 16-bit
 * products pair up in one 32-bit lane (pmaddwd, smlal) and padding is 0.
 * Weights are widened once, when the model is loaded. Sums stay below 2^31
 * while a dot product has at most DEPTH_MAX taps; longer ones, and int16
 * activations with their 64-bit sums, go to the plain loops of arithmetic.c.
 */
#include "cpu.h"

#define DEPTH_MAX 32768
/* Row length in the pack, so that a vector loop needs no tail. */
#define DEPTH_ALIGNMENT 16
#define ROWS 4

/* Shape of the work, the same for all three operators. */
struct shape {
	size_t depth;		/* taps of a dot product */
	size_t padded;		/* depth, rounded up */
	size_t outputs;		/* output channels */
	size_t groups;
	size_t group_outputs;
	size_t group_rows;	/* group_outputs, rounded up: each group has its own rows */
};

static int is_byte(uint32_t type)
{
	return type == KESTREL_GRAPH_TYPE_INT8 || type == KESTREL_GRAPH_TYPE_UINT8;
}

static const struct kestrel_graph_tensor *
tensor_get(const struct graph *graph, const struct kestrel_graph_operator *operator, uint32_t i)
{
	return &graph->tensors[graph_operator_input(graph, operator, i)];
}

/* Returns 0 where the plain loops have to do it. */
static int shape_get(const struct graph *graph, const struct kestrel_graph_operator *operator,
		     struct shape *shape)
{
	const struct kestrel_graph_tensor *input = tensor_get(graph, operator, 0);
	const struct kestrel_graph_tensor *weights = tensor_get(graph, operator, 1);
	uint32_t bias = graph_operator_input(graph, operator, 2);
	uint32_t output = graph_operator_output(graph, operator, 0);

	shape->groups = 1;
	if (!is_byte(input->type) || !is_byte(graph->tensors[output].type) ||
	    weights->storage != KESTREL_GRAPH_STORAGE_CONSTANT ||
	    (bias != KESTREL_GRAPH_NONE &&
	     graph->tensors[bias].type != KESTREL_GRAPH_TYPE_INT32))
		return 0;
	switch (operator->opcode) {
	case KESTREL_GRAPH_CONV_2D:
		shape->outputs = weights->dims[0];
		shape->depth = (size_t)weights->dims[1] * weights->dims[2] * weights->dims[3];
		shape->groups = input->dims[3] / weights->dims[3];
		break;
	case KESTREL_GRAPH_FULLY_CONNECTED:
		shape->outputs = weights->dims[0];
		shape->depth = weights->dims[1];
		break;
	case KESTREL_GRAPH_DEPTHWISE_CONV_2D:
		shape->outputs = weights->dims[3];
		shape->depth = (size_t)weights->dims[1] * weights->dims[2];
		break;
	default:
		return 0;
	}
	shape->group_outputs = shape->outputs / shape->groups;
	shape->group_rows = (shape->group_outputs + ROWS - 1) / ROWS * ROWS;
	shape->padded = (shape->depth + DEPTH_ALIGNMENT - 1) / DEPTH_ALIGNMENT * DEPTH_ALIGNMENT;
	return shape->depth <= DEPTH_MAX;
}

size_t cpu_convolution_pack_size(const struct graph *graph,
				 const struct kestrel_graph_operator *operator)
{
	struct shape shape;

	if (!shape_get(graph, operator, &shape))
		return 0;
	if (operator->opcode == KESTREL_GRAPH_DEPTHWISE_CONV_2D)
		return shape.depth * shape.outputs * sizeof(int16_t);
	return shape.padded * shape.groups * shape.group_rows * sizeof(int16_t);
}

/* Widens `count` 8-bit elements and takes the zero point off. */
static void widen(const uint8_t *from, uint32_t type, size_t count, int32_t zero_point,
		  int16_t *to)
{
	const int8_t *from_signed = (const int8_t *)from;

	if (type == KESTREL_GRAPH_TYPE_INT8) {
		for (size_t i = 0; i < count; i++)
			to[i] = (int16_t)(from_signed[i] - zero_point);
	} else {
		for (size_t i = 0; i < count; i++)
			to[i] = (int16_t)(from[i] - zero_point);
	}
}

void cpu_convolution_pack(const struct graph *graph,
			  const struct kestrel_graph_operator *operator, void *pack)
{
	const struct kestrel_graph_tensor *weights = tensor_get(graph, operator, 1);
	const uint8_t *data = graph->constants + weights->data_offset;
	int32_t zero_point = operator->attributes.convolution.weight_zero_point;
	struct shape shape;

	shape_get(graph, operator, &shape);
	memset(pack, 0, cpu_convolution_pack_size(graph, operator));
	if (operator->opcode == KESTREL_GRAPH_DEPTHWISE_CONV_2D) {
		widen(data, weights->type, shape.depth * shape.outputs, zero_point, pack);
		return;
	}
	for (size_t o = 0; o < shape.outputs; o++) {
		size_t row = o / shape.group_outputs * shape.group_rows + o % shape.group_outputs;

		widen(data + o * shape.depth, weights->type, shape.depth, zero_point,
		      (int16_t *)pack + row * shape.padded);
	}
}

size_t cpu_convolution_scratch(const struct graph *graph,
			       const struct kestrel_graph_operator *operator)
{
	struct shape shape;

	if (!shape_get(graph, operator, &shape))
		return 0;
	/* The patch, or one pixel's channels, and the sums; each of them padded. */
	return shape.padded * sizeof(int16_t) +
	       (shape.outputs + DEPTH_ALIGNMENT) * (sizeof(int32_t) + sizeof(int16_t));
}

/* Four rows of weights against one patch. */
static void dot_rows(const int16_t *patch, const int16_t *weights, size_t depth, int32_t *sums)
{
	const int16_t *w0 = weights;
	const int16_t *w1 = w0 + depth;
	const int16_t *w2 = w1 + depth;
	const int16_t *w3 = w2 + depth;
	int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;

	for (size_t i = 0; i < depth; i++) {
		s0 += patch[i] * w0[i];
		s1 += patch[i] * w1[i];
		s2 += patch[i] * w2[i];
		s3 += patch[i] * w3[i];
	}
	sums[0] = s0;
	sums[1] = s1;
	sums[2] = s2;
	sums[3] = s3;
}

/* Sums of `count` channels, from `first` on, to output bytes. */
static void requantise_row(const struct kestrel_graph_requantise *requantise,
			   const struct kestrel_graph_scale *scales, size_t first,
			   const int32_t *bias, const int32_t *sums, size_t count, uint8_t *to)
{
	size_t step = requantise->scale_count > 1;

	if (step)
		scales += first;
	if (bias)
		bias += first;
	for (size_t i = 0; i < count; i++) {
		int32_t sum = (int32_t)((uint32_t)sums[i] + (uint32_t)(bias ? bias[i] : 0));
		struct kestrel_graph_scale scale = scales[i * step];
		int64_t value;

		if (requantise->mode == KESTREL_GRAPH_REQUANTISE_DOUBLE)
			value = arithmetic_scale_double(sum, scale);
		else
			value = arithmetic_scale(requantise->mode, sum, scale);
		to[i] = (uint8_t)arithmetic_clamp(value + requantise->zero_point,
						  requantise->minimum, requantise->maximum);
	}
}

/* Channels of one window as the dot product wants them; 0 outside the input. */
static void patch_fill(const struct kestrel_graph_convolution *attributes,
		       const struct array *input, const struct array *weights,
		       size_t n, size_t y, size_t x, size_t channel, int16_t *patch)
{
	size_t count = weights->dims[3];
	const uint8_t *data = input->data;

	for (size_t ky = 0; ky < weights->dims[1]; ky++) {
		int64_t row = (int64_t)(y * attributes->stride_height +
			      ky * attributes->dilation_height) - attributes->pad_top;

		for (size_t kx = 0; kx < weights->dims[2]; kx++, patch += count) {
			int64_t column = (int64_t)(x * attributes->stride_width +
				      kx * attributes->dilation_width) - attributes->pad_left;

			if (row < 0 || row >= input->dims[1] ||
			    column < 0 || column >= input->dims[2])
				memset(patch, 0, count * sizeof(*patch));
			else
				widen(data + ((n * input->dims[1] + row) * input->dims[2] +
					      column) * input->dims[3] + channel,
				      input->type, count, attributes->input_zero_point, patch);
		}
	}
}

static void convolution_run(const struct cpu_call *call, const struct shape *shape)
{
	const struct kestrel_graph_convolution *attributes =
		&call->operator->attributes.convolution;
	const struct kestrel_graph_scale *scales =
		cpu_parameters(call, attributes->requantise.scales);
	struct array input = cpu_input(call, 0);
	struct array weights = cpu_input(call, 1);
	struct array bias = cpu_input(call, 2);
	struct array output = cpu_output(call, 0);
	int16_t *patch = call->scratch;
	int32_t *sums = (int32_t *)(patch + shape->padded);
	uint8_t *to = output.data;

	memset(patch, 0, shape->padded * sizeof(*patch));
	for (size_t n = 0; n < output.dims[0]; n++)
	for (size_t y = 0; y < output.dims[1]; y++)
	for (size_t x = 0; x < output.dims[2]; x++)
	for (size_t g = 0; g < shape->groups; g++) {
		const int16_t *rows = (const int16_t *)call->pack +
				      g * shape->group_rows * shape->padded;

		patch_fill(attributes, &input, &weights, n, y, x, g * weights.dims[3], patch);
		for (size_t o = 0; o < shape->group_outputs; o += ROWS)
			dot_rows(patch, rows + o * shape->padded, shape->padded, sums + o);
		requantise_row(&attributes->requantise, scales, g * shape->group_outputs,
			       bias.data, sums, shape->group_outputs, to);
		to += shape->group_outputs;
	}
}

static void fully_connected_run(const struct cpu_call *call, const struct shape *shape)
{
	const struct kestrel_graph_convolution *attributes =
		&call->operator->attributes.convolution;
	const struct kestrel_graph_scale *scales =
		cpu_parameters(call, attributes->requantise.scales);
	struct array input = cpu_input(call, 0);
	struct array bias = cpu_input(call, 2);
	struct array output = cpu_output(call, 0);
	int16_t *patch = call->scratch;
	int32_t *sums = (int32_t *)(patch + shape->padded);
	const uint8_t *from = input.data;
	uint8_t *to = output.data;

	memset(patch, 0, shape->padded * sizeof(*patch));
	for (size_t n = 0; n < input.count / shape->depth; n++) {
		widen(from, input.type, shape->depth, attributes->input_zero_point, patch);
		for (size_t o = 0; o < shape->outputs; o += ROWS)
			dot_rows(patch, (const int16_t *)call->pack + o * shape->padded,
				 shape->padded, sums + o);
		requantise_row(&attributes->requantise, scales, 0, bias.data, sums,
			       shape->outputs, to);
		from += shape->depth;
		to += shape->outputs;
	}
}

static void depthwise_tap(const int16_t *pixel, const int16_t *weights, size_t channels,
			  size_t multiplier, int32_t *sums)
{
	if (multiplier == 1) {
		for (size_t c = 0; c < channels; c++)
			sums[c] += pixel[c] * weights[c];
		return;
	}
	for (size_t c = 0; c < channels; c++)
		for (size_t j = 0; j < multiplier; j++)
			sums[c * multiplier + j] += pixel[c] * weights[c * multiplier + j];
}

static void depthwise_run(const struct cpu_call *call, const struct shape *shape)
{
	const struct kestrel_graph_convolution *attributes =
		&call->operator->attributes.convolution;
	const struct kestrel_graph_scale *scales =
		cpu_parameters(call, attributes->requantise.scales);
	struct array input = cpu_input(call, 0);
	struct array weights = cpu_input(call, 1);
	struct array bias = cpu_input(call, 2);
	struct array output = cpu_output(call, 0);
	const uint8_t *data = input.data;
	int32_t *sums = call->scratch;
	int16_t *pixel = (int16_t *)(sums + shape->outputs + DEPTH_ALIGNMENT);
	uint8_t *to = output.data;

	for (size_t n = 0; n < output.dims[0]; n++)
	for (size_t y = 0; y < output.dims[1]; y++)
	for (size_t x = 0; x < output.dims[2]; x++, to += shape->outputs) {
		const int16_t *tap = call->pack;

		memset(sums, 0, shape->outputs * sizeof(*sums));
		for (size_t ky = 0; ky < weights.dims[1]; ky++)
		for (size_t kx = 0; kx < weights.dims[2]; kx++, tap += shape->outputs) {
			int64_t row = (int64_t)(y * attributes->stride_height +
				      ky * attributes->dilation_height) - attributes->pad_top;
			int64_t column = (int64_t)(x * attributes->stride_width +
				      kx * attributes->dilation_width) - attributes->pad_left;

			if (row < 0 || row >= input.dims[1] ||
			    column < 0 || column >= input.dims[2])
				continue;
			widen(data + ((n * input.dims[1] + row) * input.dims[2] + column) *
			      input.dims[3], input.type, input.dims[3],
			      attributes->input_zero_point, pixel);
			depthwise_tap(pixel, tap, input.dims[3], attributes->depth_multiplier,
				      sums);
		}
		requantise_row(&attributes->requantise, scales, 0, bias.data, sums,
			       shape->outputs, to);
	}
}

void cpu_convolution(const struct cpu_call *call)
{
	struct shape shape;

	shape_get(call->graph, call->operator, &shape);
	switch (call->operator->opcode) {
	case KESTREL_GRAPH_CONV_2D:
		convolution_run(call, &shape);
		break;
	case KESTREL_GRAPH_FULLY_CONNECTED:
		fully_connected_run(call, &shape);
		break;
	default:
		depthwise_run(call, &shape);
	}
}
