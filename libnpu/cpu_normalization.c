// SPDX-License-Identifier: MIT
/* L2_NORMALIZATION: rows of the last dimension divided by their length. */
#include "cpu.h"

#include <math.h>

/* Smallest length that divides a row of float32. */
#define LENGTH_MIN 1e-6f

/*
 * 1 / sqrt(x) as a factor: x shifted by pairs of bits to 2^27..2^29, five Newton steps
 * from 1 in Q3.28, and the pairs again.
 */
static struct kestrel_graph_scale inverse_root(int64_t x)
{
	const int32_t half_three = (1 << 28) + (1 << 27);
	struct kestrel_graph_scale scale = { INT32_MAX, 0 };
	int32_t half, root = 1 << 28;
	int shift = -11;

	if (x <= 1)
		return scale;
	for (; x >= 1 << 29; x /= 4)
		shift--;
	for (; x < 1 << 27; x *= 4)
		shift++;
	half = (int32_t)arithmetic_shift_right(x >> 1, 1);
	for (int i = 0; i < 5; i++) {
		int32_t cube = arithmetic_high(arithmetic_high(root, root), root);

		cube = arithmetic_shift_left_saturated(cube, 6);
		root = arithmetic_shift_left_saturated(arithmetic_high(half_three, root) -
						       arithmetic_high(half, cube), 3);
	}
	root = arithmetic_high(root, 1518500250);
	if (shift > 0) {
		root = arithmetic_shift_left(root, shift);
		shift = 0;
	}
	scale.multiplier = root;
	scale.shift = shift;
	return scale;
}

static void integer_row(const struct kestrel_graph_normalization *attributes,
			const struct array *input, const struct array *output, size_t first,
			size_t depth)
{
	int is_signed = output->type == KESTREL_GRAPH_TYPE_INT8;
	struct kestrel_graph_scale scale;
	int64_t sum = 0;

	for (size_t i = 0; i < depth; i++) {
		int64_t value = array_read(input, first + i) - attributes->input_zero_point;

		sum += value * value;
	}
	scale = inverse_root(sum);
	/* int8 takes the 128 into the factor, uint8 into the value. */
	if (is_signed)
		scale.shift += 7;
	for (size_t i = 0; i < depth; i++) {
		int32_t value = array_read(input, first + i) - attributes->input_zero_point;

		value = arithmetic_scale_double(is_signed ? value : 128 * value, scale);
		array_write(output, first + i,
			    arithmetic_clamp((int64_t)value + attributes->zero_point,
					     is_signed ? INT8_MIN : 0,
					     is_signed ? INT8_MAX : UINT8_MAX));
	}
}

static void float_row(const float *from, float *to, size_t depth)
{
	float sum = 0;

	for (size_t i = 0; i < depth; i++)
		sum += from[i] * from[i];
	sum = fmaxf(sqrtf(sum), LENGTH_MIN);
	for (size_t i = 0; i < depth; i++)
		to[i] = from[i] / sum;
}

void cpu_normalization(const struct cpu_call *call)
{
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	size_t depth = input.dims[input.rank - 1];

	for (size_t row = 0; row < input.count; row += depth) {
		if (input.type == KESTREL_GRAPH_TYPE_FLOAT32)
			float_row((const float *)input.data + row, (float *)output.data + row,
				  depth);
		else
			integer_row(&call->operator->attributes.normalization, &input, &output,
				    row, depth);
	}
}
