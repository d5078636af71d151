// SPDX-License-Identifier: MIT
/*
 * The integer arithmetic of the operators, written to be read. See
 * arithmetic.h for what is promised, docs/graph-format.md for the formulas.
 */
#include "arithmetic.h"

#include <math.h>

int64_t arithmetic_scale(uint32_t mode, int64_t x, struct kestrel_graph_scale scale)
{
	switch (mode) {
	case KESTREL_GRAPH_REQUANTISE_DOUBLE:
		return arithmetic_scale_double((int32_t)x, scale);
	case KESTREL_GRAPH_REQUANTISE_UPWARD:
		return arithmetic_scale_upward((int32_t)x, scale);
	case KESTREL_GRAPH_REQUANTISE_SINGLE:
		return arithmetic_scale_single((int32_t)x, scale);
	case KESTREL_GRAPH_REQUANTISE_F32: {
		float product = (float)(int32_t)x * arithmetic_float((uint32_t)scale.multiplier);

		/* As the NPU saturates; sums take up to 31 bits. */
		if (product >= 0x1p31f)
			return INT32_MAX;
		if (product < -0x1p31f)
			return INT32_MIN;
		return lrintf(product);
	}
	case KESTREL_GRAPH_REQUANTISE_WIDE:
		return arithmetic_scale_wide(x, scale);
	}
	return x;
}

int32_t arithmetic_requantise(const struct kestrel_graph_requantise *requantise,
			      const struct kestrel_graph_scale *scales,
			      uint32_t channel, int64_t x)
{
	struct kestrel_graph_scale scale = scales[requantise->scale_count > 1 ? channel : 0];

	return arithmetic_clamp(arithmetic_scale(requantise->mode, x, scale) +
				requantise->zero_point,
				requantise->minimum, requantise->maximum);
}

/* Three Newton steps from 48/17 - 32/17 d, d = (1 + z) / 2, in Q2.29. */
int32_t arithmetic_reciprocal(int32_t z)
{
	int32_t half = (int32_t)(((int64_t)z + (INT64_C(1) << 31)) / 2);
	int32_t x = 1515870810 + arithmetic_high(half, -1010580540);

	for (int i = 0; i < 3; i++) {
		int32_t rest = (1 << 29) - arithmetic_high(half, x);

		x += arithmetic_shift_left_saturated(arithmetic_high(x, rest), 2);
	}
	return arithmetic_shift_left_saturated(x, 1);
}

int32_t arithmetic_line(const int16_t *points, int32_t q)
{
	int32_t index = 256 + (q >> 7), rest = q & 127;
	/* The slope has 16 bits. */
	int16_t slope = (int16_t)(points[index + 1] - points[index]);

	return points[index] + ((slope * rest + 64) >> 7);
}

int32_t array_read(const struct array *array, size_t index)
{
	switch (array->type) {
	case KESTREL_GRAPH_TYPE_INT8:
		return ((const int8_t *)array->data)[index];
	case KESTREL_GRAPH_TYPE_INT16:
		return ((const int16_t *)array->data)[index];
	case KESTREL_GRAPH_TYPE_INT32:
		return ((const int32_t *)array->data)[index];
	}
	return ((const uint8_t *)array->data)[index];
}

void array_write(const struct array *array, size_t index, int32_t value)
{
	switch (array->type) {
	case KESTREL_GRAPH_TYPE_INT8:
		((int8_t *)array->data)[index] = (int8_t)value;
		return;
	case KESTREL_GRAPH_TYPE_INT16:
		((int16_t *)array->data)[index] = (int16_t)value;
		return;
	case KESTREL_GRAPH_TYPE_INT32:
		((int32_t *)array->data)[index] = value;
		return;
	}
	((uint8_t *)array->data)[index] = (uint8_t)value;
}

static int64_t bias_read(const struct array *bias, size_t index)
{
	if (!bias->data)
		return 0;
	if (bias->type == KESTREL_GRAPH_TYPE_INT64)
		return ((const int64_t *)bias->data)[index];
	return ((const int32_t *)bias->data)[index];
}

/* The product of one tap; both operands less their zero points. */
static int64_t tap(const struct kestrel_graph_convolution *attributes,
		   const struct array *input, size_t input_index,
		   const struct array *weights, size_t weight_index)
{
	return (int64_t)(array_read(input, input_index) - attributes->input_zero_point) *
	       (array_read(weights, weight_index) - attributes->weight_zero_point);
}

/* Where the tap (ky, kx) of output (y, x) lies in the input, if it is inside. */
static inline int tap_is_inside(const struct kestrel_graph_convolution *attributes,
				const struct array *input, size_t y, size_t x, size_t ky,
				size_t kx, int64_t *row, int64_t *column)
{
	*row = (int64_t)(y * attributes->stride_height + ky * attributes->dilation_height) -
	       attributes->pad_top;
	*column = (int64_t)(x * attributes->stride_width + kx * attributes->dilation_width) -
		  attributes->pad_left;
	return *row >= 0 && *row < input->dims[1] && *column >= 0 && *column < input->dims[2];
}

/* The weighted sum of what the window of output element at[] = { n, y, x, o } sees. */
typedef int64_t window_sum_fn(const struct kestrel_graph_convolution *attributes,
			      const struct array *input, const struct array *weights,
			      const struct array *output, const size_t at[4]);

/* Each element of the output: bias and sum, requantised. */
static void windows_each(const struct kestrel_graph_convolution *attributes,
			 const struct kestrel_graph_scale *scales, const struct array *input,
			 const struct array *weights, const struct array *bias,
			 const struct array *output, window_sum_fn *window_sum)
{
	size_t i = 0;

	for (size_t n = 0; n < output->dims[0]; n++)
	for (size_t y = 0; y < output->dims[1]; y++)
	for (size_t x = 0; x < output->dims[2]; x++)
	for (size_t o = 0; o < output->dims[3]; o++) {
		const size_t at[4] = { n, y, x, o };
		int64_t sum = bias_read(bias, o) +
			      window_sum(attributes, input, weights, output, at);

		array_write(output, i++, arithmetic_requantise(&attributes->requantise,
							       scales, o, sum));
	}
}

static int64_t convolution_sum(const struct kestrel_graph_convolution *attributes,
			       const struct array *input, const struct array *weights,
			       const struct array *output, const size_t at[4])
{
	size_t group_in = weights->dims[3];
	size_t group_out = output->dims[3] / (input->dims[3] / group_in);
	int64_t sum = 0, row, column;

	for (size_t ky = 0; ky < weights->dims[1]; ky++)
	for (size_t kx = 0; kx < weights->dims[2]; kx++) {
		if (!tap_is_inside(attributes, input, at[1], at[2], ky, kx, &row, &column))
			continue;
		for (size_t c = 0; c < group_in; c++)
			sum += tap(attributes, input,
				   array_index4(input, at[0], row, column,
						at[3] / group_out * group_in + c),
				   weights, array_index4(weights, at[3], ky, kx, c));
	}
	return sum;
}

void arithmetic_convolution(const struct kestrel_graph_convolution *attributes,
			    const struct kestrel_graph_scale *scales,
			    const struct array *input, const struct array *weights,
			    const struct array *bias, const struct array *output)
{
	windows_each(attributes, scales, input, weights, bias, output, convolution_sum);
}

static int64_t depthwise_sum(const struct kestrel_graph_convolution *attributes,
			     const struct array *input, const struct array *weights,
			     const struct array *output, const size_t at[4])
{
	int64_t sum = 0, row, column;

	(void)output;
	for (size_t ky = 0; ky < weights->dims[1]; ky++)
	for (size_t kx = 0; kx < weights->dims[2]; kx++)
		if (tap_is_inside(attributes, input, at[1], at[2], ky, kx, &row, &column))
			sum += tap(attributes, input,
				   array_index4(input, at[0], row, column,
						at[3] / attributes->depth_multiplier),
				   weights, array_index4(weights, 0, ky, kx, at[3]));
	return sum;
}

void arithmetic_depthwise(const struct kestrel_graph_convolution *attributes,
			  const struct kestrel_graph_scale *scales,
			  const struct array *input, const struct array *weights,
			  const struct array *bias, const struct array *output)
{
	windows_each(attributes, scales, input, weights, bias, output, depthwise_sum);
}

/*
 * The scatter form (each input adds a window to the output) turned round: an
 * output gathers the inputs whose window reaches it.
 */
static int64_t transpose_sum(const struct kestrel_graph_convolution *attributes,
			     const struct array *input, const struct array *weights,
			     const struct array *output, const size_t at[4])
{
	int64_t sum = 0;

	(void)output;
	for (size_t ky = 0; ky < weights->dims[1]; ky++)
	for (size_t kx = 0; kx < weights->dims[2]; kx++) {
		int64_t row = (int64_t)at[1] + attributes->pad_top - (int64_t)ky;
		int64_t column = (int64_t)at[2] + attributes->pad_left - (int64_t)kx;

		if (row < 0 || row % attributes->stride_height ||
		    column < 0 || column % attributes->stride_width)
			continue;
		row /= attributes->stride_height;
		column /= attributes->stride_width;
		if (row >= input->dims[1] || column >= input->dims[2])
			continue;
		for (size_t c = 0; c < input->dims[3]; c++)
			sum += tap(attributes, input, array_index4(input, at[0], row, column, c),
				   weights, array_index4(weights, at[3], ky, kx, c));
	}
	return sum;
}

void arithmetic_transpose_convolution(const struct kestrel_graph_convolution *attributes,
				      const struct kestrel_graph_scale *scales,
				      const struct array *input, const struct array *weights,
				      const struct array *bias, const struct array *output)
{
	windows_each(attributes, scales, input, weights, bias, output, transpose_sum);
}

void arithmetic_fully_connected(const struct kestrel_graph_convolution *attributes,
				const struct kestrel_graph_scale *scales,
				const struct array *input, const struct array *weights,
				const struct array *bias, const struct array *output)
{
	size_t outputs = weights->dims[0];
	size_t depth = weights->dims[1];

	for (size_t i = 0; i < output->count; i++) {
		size_t o = i % outputs;
		int64_t sum = bias_read(bias, o);

		for (size_t c = 0; c < depth; c++)
			sum += tap(attributes, input, i / outputs * depth + c,
				   weights, o * depth + c);
		array_write(output, i, arithmetic_requantise(&attributes->requantise,
							     scales, o, sum));
	}
}

void arithmetic_pool(uint32_t opcode, const struct kestrel_graph_pool *attributes,
		     const struct array *input, const struct array *output)
{
	size_t i = 0;

	for (size_t n = 0; n < output->dims[0]; n++)
	for (size_t y = 0; y < output->dims[1]; y++)
	for (size_t x = 0; x < output->dims[2]; x++)
	for (size_t c = 0; c < output->dims[3]; c++) {
		const struct span rows = arithmetic_window(y, attributes->stride_height,
				attributes->pad_top, attributes->filter_height, input->dims[1]);
		const struct span columns = arithmetic_window(x, attributes->stride_width,
				attributes->pad_left, attributes->filter_width, input->dims[2]);
		int64_t sum = 0;
		int64_t count = 0;
		int32_t largest = INT32_MIN;

		for (int64_t row = rows.first; row < rows.end; row++)
		for (int64_t column = columns.first; column < columns.end; column++) {
			int32_t value = array_read(input, array_index4(input, n, row, column, c));

			sum += value;
			count++;
			if (value > largest)
				largest = value;
		}
		if (opcode == KESTREL_GRAPH_MAX_POOL_2D)
			sum = largest;
		else if (count)
			sum = sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
		array_write(output, i++, arithmetic_clamp(sum, attributes->minimum,
							  attributes->maximum));
	}
}

void arithmetic_softmax(const struct kestrel_graph_softmax *attributes, const int32_t *table,
			const struct array *input, const struct array *output)
{
	size_t depth = input->dims[input->rank - 1];

	for (size_t row = 0; row < input->count; row += depth) {
		int32_t largest = array_read(input, row);
		uint64_t wide = 0;
		uint32_t sum;
		int32_t reciprocal;
		int shift;

		for (size_t i = 1; i < depth; i++)
			if (array_read(input, row + i) > largest)
				largest = array_read(input, row + i);
		for (size_t i = 0; i < depth; i++)
			wide += (uint64_t)arithmetic_shift_right(
				table[largest - array_read(input, row + i)], 12);
		/* Of more than 8,191 equal elements, each is below what an output can show. */
		sum = wide > UINT32_MAX ? UINT32_MAX : (uint32_t)wide;
		shift = sum ? __builtin_clz(sum) : 31;
		reciprocal = arithmetic_reciprocal(
			(int32_t)((sum << shift) - (UINT32_C(1) << 31)));
		for (size_t i = 0; i < depth; i++) {
			int32_t e = table[largest - array_read(input, row + i)];
			int64_t value = arithmetic_shift_right(arithmetic_high(reciprocal, e),
							       attributes->output_shift - shift);

			array_write(output, row + i,
				    arithmetic_clamp(value + attributes->zero_point,
						     attributes->minimum, attributes->maximum));
		}
	}
}

void arithmetic_quantize(const struct kestrel_graph_quantize *attributes,
			 const struct array *input, const struct array *output)
{
	const float *from = input->data;
	float scale = arithmetic_float(attributes->scale);
	float low = (float)((int64_t)attributes->minimum - attributes->zero_point);
	float high = (float)((int64_t)attributes->maximum - attributes->zero_point);

	for (size_t i = 0; i < output->count; i++) {
		float value = from[i] / scale;

		value = attributes->rounding ? rintf(value) : roundf(value);
		/* Written so that a NaN becomes the minimum. */
		value = value > low ? value : low;
		value = value < high ? value : high;
		array_write(output, i, arithmetic_clamp((int64_t)value + attributes->zero_point,
							attributes->minimum,
							attributes->maximum));
	}
}

void arithmetic_dequantize(const struct kestrel_graph_quantize *attributes,
			   const struct array *input, const struct array *output)
{
	float *to = output->data;
	float scale = arithmetic_float(attributes->scale);

	for (size_t i = 0; i < output->count; i++)
		to[i] = scale * (float)(array_read(input, i) - attributes->zero_point);
}

void arithmetic_rescale(const struct kestrel_graph_rescale *attributes,
			   const struct kestrel_graph_scale *scales,
			   const struct array *input, const struct array *output)
{
	for (size_t i = 0; i < output->count; i++)
		array_write(output, i,
			    arithmetic_requantise(&attributes->requantise, scales, 0,
						  (int64_t)array_read(input, i) -
						  attributes->input_zero_point));
}
