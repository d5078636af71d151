// SPDX-License-Identifier: MIT
/* LAYER_NORM: rows of the last dimension less their mean, divided by their deviation. */
#include "cpu.h"

/* Fraction bits of a normalised element. */
#define NORMAL_BITS 10
/* 3 / 2 of the Newton steps, as 2^30 is 1. */
#define HALF_THREE (UINT64_C(3) << 29)

struct layer_norm {
	const struct kestrel_graph_layer_norm *attributes;
	const int32_t *biases;
	const int16_t *gains;
	/* Turns the sign bit of an input byte round: 128 for int8, 0 for uint8. */
	uint8_t flip;
	int32_t offset;
};

/* 1 / sqrt(variance) = root / 2^30 x 2^(half_shift - 32). */
struct root {
	uint64_t root;
	unsigned int half_shift;
};

/* variance > 0. A straight line, then four of Newton's steps; everything below 2^64. */
static struct root inverse_root(uint64_t variance)
{
	unsigned int zeros = 0;
	uint64_t fraction, x;

	for (; !(variance >> 62); variance <<= 2)
		zeros++;
	fraction = variance >> 32;
	x = UINT64_C(2362232012) - (fraction * UINT64_C(1288490189) >> 32);
	for (int step = 0; step < 4; step++)
		x = x * (HALF_THREE - (fraction * (x * x >> 31) >> 32)) >> 30;
	return (struct root){ x, zeros };
}

static int64_t element(const struct layer_norm *norm, uint8_t byte)
{
	return (int64_t)(uint8_t)(byte ^ norm->flip) - norm->offset;
}

static void row_run(const struct layer_norm *norm, const uint8_t *from,
		    const struct array *output, size_t first)
{
	const struct kestrel_graph_layer_norm *attributes = norm->attributes;
	int64_t channels = attributes->channels, sum = 0, squares = 0;
	uint64_t variance;
	struct root root = { 0, 0 };
	unsigned int shift;

	for (int64_t c = 0; c < channels; c++) {
		int64_t value = element(norm, from[c]);

		sum += value;
		squares += value * value;
	}
	variance = (uint64_t)(channels * squares - sum * sum) + attributes->epsilon;
	/* All elements are equal: each is its own distance from the mean, 0. */
	if (variance)
		root = inverse_root(variance);
	shift = 62 - NORMAL_BITS - root.half_shift;
	for (int64_t c = 0; c < channels; c++) {
		int64_t distance = channels * element(norm, from[c]) - sum;
		int64_t normal = (distance * (int64_t)root.root +
				  (INT64_C(1) << (shift - 1))) >> shift;
		int32_t value = arithmetic_clamp(normal * norm->gains[c] + norm->biases[c],
						 INT32_MIN, INT32_MAX);

		array_write(output, first + (size_t)c,
			    arithmetic_clamp(arithmetic_scale(attributes->mode, value,
							      attributes->scale) +
					     attributes->zero_point,
					     attributes->minimum, attributes->maximum));
	}
}

void cpu_layer_norm(const struct cpu_call *call)
{
	const struct kestrel_graph_layer_norm *attributes = &call->operator->attributes.layer_norm;
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	const uint8_t *table = cpu_parameters(call, attributes->table);
	struct layer_norm norm = {
		.attributes = attributes,
		.biases = (const int32_t *)(const void *)table,
		.gains = (const int16_t *)(const void *)(table + 4 * (size_t)attributes->channels),
		.flip = input.type == KESTREL_GRAPH_TYPE_INT8 ? 128 : 0,
	};

	norm.offset = attributes->input_zero_point + norm.flip;
	for (size_t row = 0; row < input.count; row += attributes->channels)
		row_run(&norm, (const uint8_t *)input.data + row, &output, row);
}
