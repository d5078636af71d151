// SPDX-License-Identifier: MIT
/* Softmax along the channels of a pixel: docs/hardware.md, "Softmax". */

#include "engine_internal.h"

static int32_t shift_saturated(int32_t value, uint32_t places)
{
	int64_t shifted = (int64_t)value * (INT64_C(1) << places);

	if (shifted > INT32_MAX)
		return INT32_MAX;
	return shifted < INT32_MIN ? INT32_MIN : (int32_t)shifted;
}

/* 1 / (1 + h), both with 31 fraction bits, by three steps of Newton's method. */
static int32_t reciprocal(int32_t h)
{
	int32_t half = (int32_t)(((int64_t)h + (INT64_C(1) << 31)) >> 1);
	int32_t x = (int32_t)(1515870810u + (uint32_t)engine_high_multiply(half, -1010580540));

	for (int step = 0; step < 3; step++) {
		int32_t error = (1 << 29) - engine_high_multiply(half, x);

		x = (int32_t)((uint32_t)x +
			      (uint32_t)shift_saturated(engine_high_multiply(x, error), 2));
	}
	return shift_saturated(x, 1);
}

static uint32_t exponential(const struct engine *engine,
			    const struct engine_vector_command *command, int32_t distance)
{
	const uint8_t *entry;

	if ((uint32_t)distance >= command->table_entries)
		return 0;
	entry = engine->sram + command->table_address + 4 * (uint32_t)distance;
	return entry[0] | entry[1] << 8 | entry[2] << 16 | (uint32_t)entry[3] << 24;
}

void engine_softmax_pixel(const struct engine *engine, const struct engine_vector_command *command,
			  uint32_t y, uint32_t x)
{
	uint32_t channels = command->ofm.channels;
	uint32_t lanes = engine_map_lanes(&command->ofm);
	int32_t maximum = INT32_MIN, inverse = 0;
	uint32_t sum = 0, leading = 0;

	for (uint32_t c = 0; c < channels; c++) {
		int32_t value = engine_map_load(engine, &command->ifm, y, x, c);

		maximum = value > maximum ? value : maximum;
	}
	for (uint32_t c = 0; c < channels; c++) {
		int32_t value = engine_map_load(engine, &command->ifm, y, x, c);

		sum += (uint32_t)engine_rounding_shift(
			(int32_t)exponential(engine, command, maximum - value), 12);
	}
	if (sum) {
		leading = (uint32_t)__builtin_clz(sum);
		inverse = reciprocal((int32_t)((sum << leading) - (1u << 31)));
	}
	for (uint32_t c = 0; c < channels; c++) {
		int32_t value = engine_map_load(engine, &command->ifm, y, x, c);
		uint32_t power = exponential(engine, command, maximum - value);
		int64_t result = command->clamp_min;

		if (power && sum) {
			int32_t share = engine_high_multiply(inverse, (int32_t)power);

			result = (int64_t)engine_rounding_shift(share, 35 - (int32_t)leading) +
				 command->ofm.zero_point;
		}
		if (result < command->clamp_min)
			result = command->clamp_min;
		if (result > command->clamp_max)
			result = command->clamp_max;
		engine_map_store(engine, &command->ofm, y, x, c, (int32_t)result);
	}
	if (command->ofm.packed)
		return;
	for (uint32_t c = channels; c % lanes; c++)
		engine_map_store(engine, &command->ofm, y, x, c, 0);
}
