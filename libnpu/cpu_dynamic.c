// SPDX-License-Identifier: MIT
/* Dynamic quantisation: scales and zero points are data that each run finds. */
#include "cpu.h"

#include <math.h>

/* The range with 0 in it becomes 0..255; quotients and sums in float32, ties to even. */
void cpu_dynamic_quantize(const struct cpu_call *call)
{
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	float *scale = cpu_output(call, 1).data;
	uint8_t *zero_point = cpu_output(call, 2).data;
	const float *from = input.data;
	float least = 0, most = 0, zero;
	struct kestrel_graph_quantize quantize = { .rounding = 1, .maximum = UINT8_MAX };

	for (size_t i = 0; i < input.count; i++) {
		least = from[i] < least ? from[i] : least;
		most = from[i] > most ? from[i] : most;
	}
	*scale = most == least ? 1 : (most - least) / UINT8_MAX;
	/* Beyond the range of float32 nothing can be said; a tiny one has no quotient. */
	if (!(*scale > 0) || !isfinite(*scale))
		*scale = 1;
	zero = 0 - least / *scale;
	*zero_point = (uint8_t)rintf(fmaxf(0, fminf(UINT8_MAX, zero)));
	memcpy(&quantize.scale, scale, sizeof(*scale));
	quantize.zero_point = *zero_point;
	arithmetic_quantize(&quantize, &input, &output);
}

/* A zero point that is data: one, or one for each of the columns. */
static int32_t zero_point_at(const struct array *zero_points, size_t column)
{
	if (!zero_points->data)
		return 0;
	return array_read(zero_points, zero_points->count > 1 ? column : 0);
}

/* Where matrix number `batch` of the output begins in an input; 1 serves every step. */
static size_t matrix_begin(const struct array *array, const struct array *output, size_t batch)
{
	size_t stride = (size_t)array->dims[array->rank - 1] * array->dims[array->rank - 2];
	size_t base = 0;

	for (uint32_t d = 3; d <= array->rank; d++) {
		uint32_t wide = output->dims[output->rank - d];
		uint32_t size = array->dims[array->rank - d];

		base += (size == 1 ? 0 : batch % wide) * stride;
		stride *= size;
		batch /= wide;
	}
	return base;
}

/* A row of products, summed up in the output itself: 32 bits that wrap. */
static void row_add(uint32_t *to, int32_t factor, const struct array *b, size_t from,
		    size_t columns)
{
	const uint8_t *bytes = (const uint8_t *)b->data + from;
	const int8_t *signed_bytes = (const int8_t *)bytes;

	if (b->type == KESTREL_GRAPH_TYPE_INT8)
		for (size_t j = 0; j < columns; j++)
			to[j] += (uint32_t)(factor * signed_bytes[j]);
	else
		for (size_t j = 0; j < columns; j++)
			to[j] += (uint32_t)(factor * bytes[j]);
}

void cpu_matmul_integer(const struct cpu_call *call)
{
	struct array a = cpu_input(call, 0);
	struct array b = cpu_input(call, 1);
	struct array a_zero = cpu_input(call, 2);
	struct array b_zero = cpu_input(call, 3);
	struct array output = cpu_output(call, 0);
	size_t columns = output.dims[output.rank - 1];
	size_t rows = output.dims[output.rank - 2];
	size_t depth = a.dims[a.rank - 1];

	for (size_t i = 0; i < output.count / columns; i++) {
		size_t batch = i / rows;
		size_t left = matrix_begin(&a, &output, batch) + i % rows * depth;
		size_t right = matrix_begin(&b, &output, batch);
		uint32_t *to = (uint32_t *)output.data + i * columns;
		uint32_t sum = 0;

		memset(to, 0, columns * sizeof(*to));
		for (size_t k = 0; k < depth; k++) {
			int32_t factor = array_read(&a, left + k) - zero_point_at(&a_zero, 0);

			sum += (uint32_t)factor;
			row_add(to, factor, &b, right + k * columns, columns);
		}
		for (size_t j = 0; j < columns; j++)
			to[j] -= sum * (uint32_t)zero_point_at(&b_zero, j);
	}
}

/* The sum of one output; taps outside of the input add nothing. */
static uint32_t window_sum(const struct kestrel_graph_convolution *attributes,
			   const struct array *input, const struct array *weights,
			   int32_t input_zero, int32_t weight_zero, const size_t at[4],
			   size_t group)
{
	size_t channels = weights->dims[3];
	uint32_t sum = 0;

	for (size_t ky = 0; ky < weights->dims[1]; ky++)
	for (size_t kx = 0; kx < weights->dims[2]; kx++) {
		int64_t row = (int64_t)(at[1] * attributes->stride_height +
					ky * attributes->dilation_height) - attributes->pad_top;
		int64_t column = (int64_t)(at[2] * attributes->stride_width +
					   kx * attributes->dilation_width) - attributes->pad_left;
		size_t from, by;

		if (row < 0 || row >= input->dims[1] || column < 0 || column >= input->dims[2])
			continue;
		from = array_index4(input, at[0], (size_t)row, (size_t)column, group * channels);
		by = array_index4(weights, at[3], ky, kx, 0);
		for (size_t c = 0; c < channels; c++)
			sum += (uint32_t)((array_read(input, from + c) - input_zero) *
					  (array_read(weights, by + c) - weight_zero));
	}
	return sum;
}

void cpu_convolution_integer(const struct cpu_call *call)
{
	const struct kestrel_graph_convolution *attributes =
		&call->operator->attributes.convolution;
	struct array input = cpu_input(call, 0);
	struct array weights = cpu_input(call, 1);
	struct array input_zero = cpu_input(call, 2);
	struct array weight_zero = cpu_input(call, 3);
	struct array output = cpu_output(call, 0);
	size_t groups = input.dims[3] / weights.dims[3];
	size_t group_out = output.dims[3] / groups;
	uint32_t *to = output.data;
	size_t at[4];

	for (at[0] = 0; at[0] < output.dims[0]; at[0]++)
	for (at[1] = 0; at[1] < output.dims[1]; at[1]++)
	for (at[2] = 0; at[2] < output.dims[2]; at[2]++)
	for (at[3] = 0; at[3] < output.dims[3]; at[3]++)
		*to++ = window_sum(attributes, &input, &weights, zero_point_at(&input_zero, 0),
				   zero_point_at(&weight_zero, at[3]), at, at[3] / group_out);
}
