// SPDX-License-Identifier: MIT
/*
 * SOFTMAX and LOG_SOFTMAX of integers. The fixed-point softmax of bytes, which an
 * NPU computes too, is arithmetic_softmax(); float32 is in cpu_float.c.
 */
#include "cpu.h"

#include <math.h>

/* A row of the last dimension. */
struct row {
	const struct kestrel_graph_softmax *attributes;
	const struct array *input;
	const struct array *output;
	size_t first;
	size_t depth;
	int32_t largest;
};

static void row_write(const struct row *row, size_t i, int64_t value)
{
	array_write(row->output, row->first + i,
		    arithmetic_clamp(value, row->attributes->minimum, row->attributes->maximum));
}

/* How far element i is below the largest. */
static int32_t distance(const struct row *row, size_t i)
{
	return row->largest - array_read(row->input, row->first + i);
}

/* Exponentials in float32, a reciprocal of their sum, rounding. */
static void float_table_row(const struct row *row, const float *table)
{
	float scale = arithmetic_float(row->attributes->output_scale);
	float sum = 0, inverse;

	for (size_t i = 0; i < row->depth; i++)
		sum += table[distance(row, i)];
	inverse = 1.0f / (sum * scale);
	for (size_t i = 0; i < row->depth; i++) {
		float value = table[distance(row, i)] * inverse;

		/* The kernel of uint8 adds a half and cuts off; of int8 it rounds. */
		value = row->output->type == KESTREL_GRAPH_TYPE_UINT8 ? value + 0.5f :
									roundf(value);
		row_write(row, i, (int64_t)(int32_t)value + row->attributes->zero_point);
	}
}

static void log_float_table_row(const struct row *row, const float *table)
{
	float input_scale = arithmetic_float(row->attributes->beta);
	float output_scale = arithmetic_float(row->attributes->output_scale);
	float scale = input_scale / output_scale;
	float sum = 0, offset;

	for (size_t i = 0; i < row->depth; i++)
		sum += table[distance(row, i)];
	offset = (input_scale * (float)row->largest + logf(sum)) / output_scale;
	for (size_t i = 0; i < row->depth; i++) {
		float value = scale * (float)(row->largest - distance(row, i)) - offset;

		row_write(row, i, (int64_t)rintf(value) + row->attributes->zero_point);
	}
}

/*
 * Two functions as lines between points: exp of the scaled distance, in Q0.15, which
 * the output holds until the sum is known, and 1 / (1 + x) of the normalised sum.
 */
static void wide_row(const struct row *row, const int16_t *points)
{
	const int16_t *reciprocals = points + 513;
	uint32_t sum = 0;
	int32_t reciprocal;
	int64_t rest;
	int shift;

	for (size_t i = 0; i < row->depth; i++) {
		int32_t scaled = arithmetic_scale_double(-distance(row, i),
							 row->attributes->input_scale);
		int32_t at = arithmetic_clamp((int64_t)scaled + INT16_MAX, INT16_MIN, INT16_MAX);
		int32_t e = arithmetic_line(points, at);

		array_write(row->output, row->first + i, e);
		sum += (uint32_t)(int16_t)e;
	}
	shift = sum ? 31 - __builtin_clz(sum) : 0;
	/* A sum below one half or above 2^31 comes of tables that no compiler makes. */
	shift = shift < 1 ? 1 : shift > 30 ? 30 : shift;
	rest = (((int64_t)sum << (30 - shift)) + (1 << 13)) >> 14;
	reciprocal = arithmetic_line(reciprocals,
				     arithmetic_clamp(rest - ((1 << 15) + (1 << 16)), INT16_MIN,
						      INT16_MAX));
	for (size_t i = 0; i < row->depth; i++) {
		int64_t e = array_read(row->output, row->first + i);

		row_write(row, i, (e * (int16_t)reciprocal + (INT64_C(1) << (shift - 1))) >> shift);
	}
}

/*
 * log(x) in Q5.26 of x >= 1 in Q12.19. x = 2^n r with r near sqrt(sqrt(1/2)), by
 * way of x or of x sqrt(1/2), whichever normalises to less; log(r) by a rational
 * function of r.
 */
static int32_t fixed_logarithm(int32_t x)
{
	const int32_t log_2 = 1488522236, sqrt_half = 1518500250, sqrt_sqrt_half = 1805811301;
	/* 11/240, 1/20, 1/4 times 2^(1/4); 2 / 2^(1/4) - 2^(1/4). */
	const int32_t alpha_n = 117049297, alpha_d = 127690142, alpha_f = 638450708;
	const int32_t alpha_i = 1057819769, quarter = 1 << 23;
	int headroom = __builtin_clz((uint32_t)x);
	int32_t r = arithmetic_shift_left_saturated(x, headroom - 1);
	int32_t power = arithmetic_shift_left_saturated(12 - headroom, 25);
	int32_t other, other_power, p, q, square, numerator, denominator;
	int64_t sum;

	r = arithmetic_shift_left_saturated(arithmetic_high(r, sqrt_half), 1);
	power = arithmetic_clamp((int64_t)power + quarter, INT32_MIN, INT32_MAX);
	headroom = __builtin_clz((uint32_t)arithmetic_high(x, sqrt_half)) - 1;
	other = arithmetic_shift_left_saturated(x, headroom);
	other_power = arithmetic_shift_left_saturated(12 - headroom, 25);
	other_power = arithmetic_clamp((int64_t)other_power - quarter, INT32_MIN, INT32_MAX);
	r = r < other ? r : other;
	power = power > other_power ? power : other_power;

	sum = (int64_t)r + sqrt_sqrt_half;
	p = (int32_t)((sum + (sum >= 0 ? 1 : -1)) / 2);
	q = (int32_t)((uint32_t)(r - sqrt_sqrt_half) * 2);
	square = arithmetic_high(q, q);
	numerator = arithmetic_high(q, r) + arithmetic_high(arithmetic_high(q, square), alpha_n);
	denominator = arithmetic_high(p, alpha_i + q + arithmetic_high(alpha_d, square)) +
		      arithmetic_high(alpha_f, q);
	numerator = (int32_t)arithmetic_shift_right(numerator, 6);
	return arithmetic_shift_left_saturated(
		arithmetic_high(power, log_2) +
		arithmetic_high(numerator, arithmetic_reciprocal(denominator)), 1);
}

/* Exponentials by distance, then the distances in Q5.26. */
static void log_fixed_row(const struct row *row, const int32_t *table)
{
	const int32_t *distances = table + 256;
	uint64_t sum = 0;
	int32_t logarithm, least, back;

	for (size_t i = 0; i < row->depth; i++)
		sum += (uint64_t)arithmetic_shift_right(table[distance(row, i)], 12);
	/* The largest element alone makes it 1. */
	sum = sum < 1 << 19 ? 1 << 19 : sum;
	logarithm = fixed_logarithm(sum > INT32_MAX ? INT32_MAX : (int32_t)sum);
	back = arithmetic_scale_double((int32_t)((int64_t)logarithm + INT32_MIN),
				       row->attributes->reverse_scale);
	least = row->attributes->difference_minimum - 1;
	least = least > back ? least : back;
	for (size_t i = 0; i < row->depth; i++) {
		int32_t d = distance(row, i);

		if (-d > least)
			row_write(row, i, arithmetic_shift_right((int64_t)distances[d] - logarithm, 22) +
					  row->attributes->zero_point);
		else
			row_write(row, i, row->attributes->minimum);
	}
}

static void row_run(const struct row *row, const void *table)
{
	switch (row->attributes->kind) {
	case KESTREL_GRAPH_SOFTMAX_FLOAT_TABLE:
		float_table_row(row, table);
		return;
	case KESTREL_GRAPH_SOFTMAX_LOG_FLOAT_TABLE:
		log_float_table_row(row, table);
		return;
	case KESTREL_GRAPH_SOFTMAX_INT16:
		wide_row(row, table);
		return;
	default:
		log_fixed_row(row, table);
	}
}

void cpu_softmax(const struct cpu_call *call)
{
	const struct kestrel_graph_softmax *attributes = &call->operator->attributes.softmax;
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	const void *table = cpu_parameters(call, attributes->table);
	struct row row = {
		.attributes = attributes,
		.input = &input,
		.output = &output,
		.depth = input.dims[input.rank - 1],
	};

	if (attributes->kind == KESTREL_GRAPH_SOFTMAX_FLOAT) {
		cpu_float_softmax(call);
		return;
	}
	if (attributes->kind == KESTREL_GRAPH_SOFTMAX_FIXED) {
		arithmetic_softmax(attributes, table, &input, &output);
		return;
	}
	for (; row.first < input.count; row.first += row.depth) {
		row.largest = array_read(&input, row.first);
		for (size_t i = 1; i < row.depth; i++)
			if (distance(&row, i) < 0)
				row.largest = array_read(&input, row.first + i);
		row_run(&row, table);
	}
}
