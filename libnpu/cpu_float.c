// SPDX-License-Identifier: MIT
/* float32 operators. Sums run in the order of the reference kernels. */
#include "cpu.h"

#include <math.h>

/* SOFTMAX and LOG_SOFTMAX along the last dimension. */
void cpu_float_softmax(const struct cpu_call *call)
{
	int logarithm = call->operator->opcode == KESTREL_GRAPH_LOG_SOFTMAX;
	float beta = arithmetic_float(call->operator->attributes.softmax.beta);
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	size_t depth = input.dims[input.rank - 1];
	const float *from = input.data;
	float *to = output.data;

	for (size_t row = 0; row < input.count; row += depth, from += depth, to += depth) {
		float largest = from[0];
		float sum = 0;

		for (size_t i = 1; i < depth; i++)
			largest = fmaxf(largest, from[i]);
		for (size_t i = 0; i < depth; i++)
			sum += expf((from[i] - largest) * beta);
		for (size_t i = 0; i < depth; i++)
			to[i] = logarithm ? from[i] - largest - logf(sum) :
					    expf((from[i] - largest) * beta) / sum;
	}
}

static float clamp(float x, int32_t minimum, int32_t maximum)
{
	return fminf(fmaxf(x, arithmetic_float((uint32_t)minimum)),
		     arithmetic_float((uint32_t)maximum));
}

/* Where one window begins, in elements of the input, for output row and column. */
struct window {
	int64_t row;
	int64_t column;
};

static struct window window_at(const struct kestrel_graph_convolution *attributes, size_t y,
			       size_t x)
{
	return (struct window){
		.row = (int64_t)(y * attributes->stride_height) - attributes->pad_top,
		.column = (int64_t)(x * attributes->stride_width) - attributes->pad_left,
	};
}

/* Pixel of the input under a tap, NULL outside. */
static const float *pixel_at(const struct array *input, size_t n, int64_t row, int64_t column)
{
	if (row < 0 || row >= input->dims[1] || column < 0 || column >= input->dims[2])
		return NULL;
	return (const float *)input->data +
	       (((size_t)n * input->dims[1] + (size_t)row) * input->dims[2] + (size_t)column) *
	       input->dims[3];
}

/* One output channel: `depth` input channels from `first` on, or one (depthwise). */
static float dot_window(const struct kestrel_graph_convolution *attributes,
			const struct array *input, size_t n, struct window window,
			const struct array *weights, const float *weight, size_t tap_step,
			size_t first, size_t depth)
{
	float sum = 0;

	for (size_t ky = 0; ky < weights->dims[1]; ky++)
		for (size_t kx = 0; kx < weights->dims[2]; kx++, weight += tap_step) {
			const float *pixel = pixel_at(input, n,
				window.row + (int64_t)(ky * attributes->dilation_height),
				window.column + (int64_t)(kx * attributes->dilation_width));

			for (size_t c = 0; pixel && c < depth; c++)
				sum += pixel[first + c] * weight[c];
		}
	return sum;
}

static void windows_run(const struct cpu_call *call, const struct array *input,
			const struct array *weights, const float *bias,
			const struct array *output)
{
	const struct kestrel_graph_convolution *attributes =
		&call->operator->attributes.convolution;
	int depthwise = call->operator->opcode == KESTREL_GRAPH_DEPTHWISE_CONV_2D;
	size_t outputs = output->dims[3];
	size_t depth = depthwise ? 1 : weights->dims[3];
	size_t group_outputs = depthwise ? attributes->depth_multiplier :
			       outputs / (input->dims[3] / depth);
	size_t row = weights->dims[1] * weights->dims[2] * depth;
	const float *data = weights->data;
	float *to = output->data;

	for (size_t n = 0; n < output->dims[0]; n++)
	for (size_t y = 0; y < output->dims[1]; y++)
	for (size_t x = 0; x < output->dims[2]; x++)
	for (size_t o = 0; o < outputs; o++) {
		float sum = dot_window(attributes, input, n, window_at(attributes, y, x), weights,
				       data + (depthwise ? o : o * row),
				       depthwise ? outputs : depth, o / group_outputs * depth,
				       depth);

		*to++ = clamp(sum + (bias ? bias[o] : 0), attributes->requantise.minimum,
			      attributes->requantise.maximum);
	}
}

/* Each output gathers the inputs whose window reaches it. */
static void transposed_run(const struct cpu_call *call, const struct array *input,
			   const struct array *weights, const float *bias,
			   const struct array *output)
{
	const struct kestrel_graph_convolution *attributes =
		&call->operator->attributes.convolution;
	const float *data = weights->data;
	float *to = output->data;
	size_t depth = input->dims[3];

	for (size_t n = 0; n < output->dims[0]; n++)
	for (size_t y = 0; y < output->dims[1]; y++)
	for (size_t x = 0; x < output->dims[2]; x++)
	for (size_t o = 0; o < output->dims[3]; o++) {
		float sum = 0;

		for (size_t ky = 0; ky < weights->dims[1]; ky++)
		for (size_t kx = 0; kx < weights->dims[2]; kx++) {
			const float *weight = data + array_index4(weights, o, ky, kx, 0);
			int64_t row = (int64_t)y + attributes->pad_top - (int64_t)ky;
			int64_t column = (int64_t)x + attributes->pad_left - (int64_t)kx;
			const float *pixel = NULL;

			if (row % (int64_t)attributes->stride_height == 0 &&
			    column % (int64_t)attributes->stride_width == 0)
				pixel = pixel_at(input, n,
						 row / (int64_t)attributes->stride_height,
						 column / (int64_t)attributes->stride_width);
			for (size_t c = 0; pixel && c < depth; c++)
				sum += pixel[c] * weight[c];
		}
		*to++ = clamp(sum + (bias ? bias[o] : 0), attributes->requantise.minimum,
			      attributes->requantise.maximum);
	}
}

/* All operators with weights. */
void cpu_float_convolution(const struct cpu_call *call)
{
	const struct kestrel_graph_requantise *requantise =
		&call->operator->attributes.convolution.requantise;
	struct array input = cpu_input(call, 0);
	struct array weights = cpu_input(call, 1);
	const float *bias = cpu_input(call, 2).data;
	struct array output = cpu_output(call, 0);
	const float *from = input.data, *rows = weights.data;
	float *to = output.data;
	size_t depth, outputs;

	if (call->operator->opcode == KESTREL_GRAPH_TRANSPOSE_CONV) {
		transposed_run(call, &input, &weights, bias, &output);
		return;
	}
	if (call->operator->opcode != KESTREL_GRAPH_FULLY_CONNECTED) {
		windows_run(call, &input, &weights, bias, &output);
		return;
	}
	outputs = weights.dims[0];
	depth = weights.dims[1];
	for (size_t i = 0; i < output.count; i++) {
		const float *vector = from + i / outputs * depth;
		const float *row = rows + i % outputs * depth;
		float sum = 0;

		for (size_t c = 0; c < depth; c++)
			sum += vector[c] * row[c];
		to[i] = clamp(sum + (bias ? bias[i % outputs] : 0), requantise->minimum,
			      requantise->maximum);
	}
}

/* AVERAGE_POOL_2D and MAX_POOL_2D. */
void cpu_float_pool(const struct cpu_call *call)
{
	const struct kestrel_graph_pool *attributes = &call->operator->attributes.pool;
	int largest = call->operator->opcode == KESTREL_GRAPH_MAX_POOL_2D;
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	float *to = output.data;

	for (size_t n = 0; n < output.dims[0]; n++)
	for (size_t y = 0; y < output.dims[1]; y++)
	for (size_t x = 0; x < output.dims[2]; x++)
	for (size_t c = 0; c < output.dims[3]; c++) {
		const struct span rows = arithmetic_window(y, attributes->stride_height,
				attributes->pad_top, attributes->filter_height, input.dims[1]);
		const struct span columns = arithmetic_window(x, attributes->stride_width,
				attributes->pad_left, attributes->filter_width, input.dims[2]);
		float best = -INFINITY, sum = 0;
		size_t count = 0;

		for (int64_t row = rows.first; row < rows.end; row++)
		for (int64_t column = columns.first; column < columns.end; column++) {
			const float *pixel = pixel_at(&input, n, row, column);

			best = fmaxf(best, pixel[c]);
			sum += pixel[c];
			count++;
		}
		*to++ = clamp(largest ? best : count ? sum / (float)count : 0,
			      attributes->minimum, attributes->maximum);
	}
}

/* One pair of an elementwise operator. */
/* What a division towards minus infinity leaves: it has the divisor's sign. */
static float floor_rest(float a, float b)
{
	float rest = fmodf(a, b);

	return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

float cpu_float_elementwise(uint32_t opcode, const struct kestrel_graph_elementwise *attributes,
			    float a, float b)
{
	switch (opcode) {
	case KESTREL_GRAPH_ADD:
		a += b;
		break;
	case KESTREL_GRAPH_SUB:
		a -= b;
		break;
	case KESTREL_GRAPH_MUL:
		a *= b;
		break;
	case KESTREL_GRAPH_DIV:
		a /= b;
		break;
	case KESTREL_GRAPH_SQUARED_DIFFERENCE:
		return (a - b) * (a - b);
	case KESTREL_GRAPH_MINIMUM:
		return fminf(a, b);
	case KESTREL_GRAPH_FLOOR_DIV:
		a = (float)floor((double)a / (double)b);
		break;
	case KESTREL_GRAPH_FLOOR_MOD:
		a = floor_rest(a, b);
		break;
	case KESTREL_GRAPH_POWER:
		a = powf(a, b);
		break;
	default:
		return fmaxf(a, b);
	}
	return clamp(a, attributes->minimum, attributes->maximum);
}
