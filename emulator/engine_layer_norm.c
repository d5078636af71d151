// SPDX-License-Identifier: MIT
/* Layer normalisation along the channels of a pixel: docs/hardware.md, "Layer normalisation". */

#include "engine_internal.h"

/* Fraction bits of a normalised element. */
#define NORMAL_BITS 10

/* 1 / sqrt(variance) = root / 2^30 x 2^(shift - 32). */
struct inverse_root {
	uint64_t root;
	uint32_t shift;
};

static struct inverse_root inverse_root(uint64_t variance)
{
	uint32_t even = (uint32_t)__builtin_clzll(variance) & ~1u;
	uint64_t f = (variance << even) >> 32;
	uint64_t r = 2362232012u - ((f * 1288490189u) >> 32);

	for (int step = 0; step < 4; step++) {
		uint64_t square = (r * r) >> 31;

		r = (r * ((UINT64_C(3) << 29) - ((f * square) >> 32))) >> 30;
	}
	return (struct inverse_root){ r, even / 2 };
}

static int32_t record_bias(const uint8_t *records, uint32_t c)
{
	const uint8_t *from = records + 4 * (uint64_t)c;

	return (int32_t)(from[0] | from[1] << 8 | from[2] << 16 | (uint32_t)from[3] << 24);
}

static int32_t record_gain(const uint8_t *records, uint32_t channels, uint32_t c)
{
	const uint8_t *from = records + 4 * (uint64_t)channels + 2 * (uint64_t)c;

	return (int16_t)(from[0] | from[1] << 8);
}

static int32_t saturated(int64_t value)
{
	return value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : (int32_t)value;
}

void engine_layer_norm_pixel(const struct engine *engine,
			     const struct engine_vector_command *command, uint32_t y, uint32_t x)
{
	uint32_t channels = command->ofm.channels, lanes = engine_map_lanes(&command->ofm);
	const uint8_t *records = engine->sram + command->table_address;
	struct inverse_root inverse = { 0 };
	int64_t sum = 0, squares = 0;
	uint64_t variance;

	for (uint32_t c = 0; c < channels; c++) {
		int64_t d = (int64_t)engine_map_load(engine, &command->ifm, y, x, c) -
			    command->ifm.zero_point;

		sum += d;
		squares += d * d;
	}
	variance = (uint64_t)(squares * channels - sum * sum) + command->epsilon;
	if (variance)
		inverse = inverse_root(variance);
	for (uint32_t c = 0; c < channels; c++) {
		int64_t d = (int64_t)engine_map_load(engine, &command->ifm, y, x, c) -
			    command->ifm.zero_point;
		uint32_t places = 62 - NORMAL_BITS - inverse.shift;
		int64_t normal = ((d * channels - sum) * (int64_t)inverse.root +
				  (INT64_C(1) << (places - 1))) >> places;
		int64_t result = engine_requantise(command->requantise,
			saturated(normal * record_gain(records, channels, c) +
				  record_bias(records, c)),
			command->ifm_scale.multiplier, command->ifm_scale.shift);

		result += command->ofm.zero_point;
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
