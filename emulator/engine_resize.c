// SPDX-License-Identifier: MIT
/* RESIZE_BILINEAR, RESIZE_NEAREST and TRANSPOSE of the VECTOR unit; formulas in isa.h. */

#include "engine_internal.h"

#define BILINEAR_ONE 1024

static int64_t kept(int64_t position, uint32_t inputs)
{
	if (position < 0)
		return 0;
	return position >= inputs ? (int64_t)inputs - 1 : position;
}

struct engine_resize_position engine_resize_at(const struct engine_resize_axis *axis,
					       uint32_t output)
{
	int64_t position = axis->start + (int64_t)output * axis->step;
	int64_t one = (int64_t)1 << axis->shift;
	struct engine_resize_position at;

	at.low = (uint32_t)kept(position >> axis->shift, axis->inputs);
	at.high = at.low;
	if (one == BILINEAR_ONE)
		at.high = (uint32_t)kept((position + one - 1) >> axis->shift, axis->inputs);
	at.fraction = at.high == at.low ? 0 : (int32_t)(position - one * at.low);
	return at;
}

/* The first output with a position of at least `input`; both ends rise with the output. */
static uint32_t first_output(const struct engine_resize_axis *axis, uint32_t input, bool high)
{
	uint32_t from = 0, to = axis->outputs;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;
		struct engine_resize_position at = engine_resize_at(axis, middle);

		if ((high ? at.high : at.low) >= input)
			to = middle;
		else
			from = middle + 1;
	}
	return from;
}

bool engine_resize_reads(const struct engine_resize_axis *axis, uint32_t input)
{
	uint32_t low = first_output(axis, input, false);
	uint32_t high = first_output(axis, input, true);

	return (low < axis->outputs && engine_resize_at(axis, low).low == input) ||
	       (high < axis->outputs && engine_resize_at(axis, high).high == input);
}

void engine_resize_pixel(const struct engine *engine,
			 const struct engine_vector_command *command, uint32_t first,
			 uint32_t count, uint32_t y, uint32_t x, int32_t out[16])
{
	struct engine_resize_position row = engine_resize_at(&command->resize_y, y);
	struct engine_resize_position column = engine_resize_at(&command->resize_x, x);
	const struct engine_map *map = &command->ifm;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t c = first + i;
		int64_t upper, lower, sum;

		if (command->operation == KESTREL_VECTOR_RESIZE_NEAREST) {
			out[i] = engine_map_load(engine, map, row.low, column.low, c);
			continue;
		}
		upper = (int64_t)engine_map_load(engine, map, row.low, column.low, c) *
				(BILINEAR_ONE - column.fraction) +
			(int64_t)engine_map_load(engine, map, row.low, column.high, c) *
				column.fraction;
		lower = (int64_t)engine_map_load(engine, map, row.high, column.low, c) *
				(BILINEAR_ONE - column.fraction) +
			(int64_t)engine_map_load(engine, map, row.high, column.high, c) *
				column.fraction;
		sum = upper * (BILINEAR_ONE - row.fraction) + lower * row.fraction;
		sum = (sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20);
		if (sum < command->clamp_min)
			sum = command->clamp_min;
		if (sum > command->clamp_max)
			sum = command->clamp_max;
		out[i] = (int32_t)sum;
	}
}

void engine_transpose_at(uint32_t permutation, const uint32_t from[3], uint32_t to[3])
{
	/* Which of y, x, c stands for row, column and channel. */
	static const uint8_t order[KESTREL_PERMUTATION_COUNT][3] = {
		[KESTREL_PERMUTATION_YXC] = { 0, 1, 2 }, [KESTREL_PERMUTATION_XYC] = { 1, 0, 2 },
		[KESTREL_PERMUTATION_YCX] = { 0, 2, 1 }, [KESTREL_PERMUTATION_CXY] = { 2, 1, 0 },
		[KESTREL_PERMUTATION_XCY] = { 1, 2, 0 }, [KESTREL_PERMUTATION_CYX] = { 2, 0, 1 },
	};

	for (uint32_t i = 0; i < 3; i++)
		to[i] = from[order[permutation][i]];
}
