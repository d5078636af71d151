// SPDX-License-Identifier: MIT
/* The VECTOR unit's effect: docs/hardware.md, "Arithmetic"; formulas in isa.h. */

#include <string.h>

#include "engine_internal.h"

/* Bytes that the OFM's channels [brick * lanes, ...) take at pixel (y, x). */
static uint8_t *line_address(const struct engine *engine, const struct engine_map *map,
			     uint32_t brick, uint32_t y, uint32_t x)
{
	return engine->sram + map->address + engine_map_row(map, y) +
	       (uint64_t)x * map->pixel_stride +
	       (map->packed ? 0 : (uint64_t)brick * map->brick_stride);
}

/*
 * Channels first .. first + count of a pixel, count <= 16, all in one brick of 16
 * channels; 16-bit maps have them in two lines.
 */
static void lanes_load(const struct engine *engine, const struct engine_map *map, uint32_t first,
		       uint32_t count, uint32_t y, uint32_t x, int32_t lane[16])
{
	if (map->element_bytes == 2) {
		for (uint32_t i = 0; i < count; i++)
			lane[i] = engine_map_load(engine, map, y, x, first + i);
		return;
	}
	const uint8_t *from = line_address(engine, map, first / 16, y, x);

	if (map->is_unsigned) {
		for (uint32_t i = 0; i < count; i++)
			lane[i] = from[i];
	} else {
		for (uint32_t i = 0; i < count; i++)
			lane[i] = (int8_t)from[i];
	}
}

static void lanes_store(const struct engine *engine, const struct engine_map *map, uint32_t first,
			uint32_t count, uint32_t y, uint32_t x, const int32_t lane[16])
{
	uint8_t *to;

	if (map->element_bytes == 2) {
		for (uint32_t half = 0; half * 8 < count; half++) {
			to = line_address(engine, map, first / 8 + half, y, x);
			for (uint32_t i = 0; i < 8; i++) {
				uint32_t value = half * 8 + i < count
							 ? (uint32_t)lane[half * 8 + i] : 0;

				to[2 * i] = (uint8_t)value;
				to[2 * i + 1] = (uint8_t)(value >> 8);
			}
		}
		return;
	}
	to = line_address(engine, map, first / 16, y, x);
	for (uint32_t i = 0; i < count; i++)
		to[i] = (uint8_t)lane[i];
	if (!map->packed)
		memset(to + count, 0, ENGINE_LINE_BYTES - count);
}

static int32_t clamp(const struct engine_vector_command *command, int64_t value)
{
	if (value < command->clamp_min)
		return command->clamp_min;
	return value > command->clamp_max ? command->clamp_max : (int32_t)value;
}

static int32_t scale(const struct engine_vector_command *command,
		     const struct engine_scale *by, int32_t value)
{
	return engine_requantise(command->requantise, value, by->multiplier, by->shift);
}

/* What a pool gathers of one channel. */
struct pool {
	int32_t best[16];
	uint32_t sum[16];
	uint32_t taps;
};

static void pool_add(struct pool *pool, const struct engine_vector_command *command,
		     const int32_t lane[16], uint32_t count)
{
	bool largest = command->operation == KESTREL_VECTOR_MAX_POOL;

	for (uint32_t i = 0; i < count; i++) {
		bool better = largest ? lane[i] > pool->best[i] : lane[i] < pool->best[i];

		if (pool->taps == 0 || better)
			pool->best[i] = lane[i];
		pool->sum[i] += (uint32_t)lane[i];
	}
	pool->taps++;
}

/* Valid taps of output `o`: [*first, *end), dilation 1. */
static void taps_valid(const struct engine_axis *axis, uint32_t o, uint32_t *first, uint32_t *end)
{
	int64_t start = (int64_t)o * axis->stride - axis->pad;
	int64_t low = start < 0 ? -start : 0;
	int64_t high = (int64_t)axis->inputs - start;

	if (high > axis->kernel)
		high = axis->kernel;
	if (low > high)
		low = high = 0;
	*first = (uint32_t)low;
	*end = (uint32_t)high;
}

static int32_t average(int32_t sum, int32_t taps)
{
	if (!taps)
		return 0;
	return (int32_t)(sum > 0 ? ((int64_t)sum + taps / 2) / taps
				 : ((int64_t)sum - taps / 2) / taps);
}

static void pool_pixel(struct engine *engine, const struct engine_vector_command *command,
		       uint32_t first, uint32_t count, uint32_t y, uint32_t x, int32_t out[16])
{
	struct pool pool = { 0 };
	uint32_t ky_first, ky_end, kx_first, kx_end;
	int32_t lane[16];

	taps_valid(&command->y, y, &ky_first, &ky_end);
	taps_valid(&command->x, x, &kx_first, &kx_end);
	for (uint32_t ky = ky_first; ky < ky_end; ky++) {
		uint32_t iy = (uint32_t)((int64_t)y * command->y.stride - command->y.pad + ky);

		for (uint32_t kx = kx_first; kx < kx_end; kx++) {
			uint32_t ix = (uint32_t)((int64_t)x * command->x.stride -
						 command->x.pad + kx);

			lanes_load(engine, &command->ifm, first, count, iy, ix, lane);
			pool_add(&pool, command, lane, count);
		}
	}
	engine->budget -= (int64_t)pool.taps * 16;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t zero = pool.taps * (uint32_t)command->ifm.zero_point;

		switch (command->operation) {
		case KESTREL_VECTOR_AVERAGE_POOL:
			out[i] = clamp(command, average((int32_t)pool.sum[i],
							(int32_t)pool.taps));
			break;
		case KESTREL_VECTOR_SUM_POOL:
			out[i] = clamp(command,
				       (int64_t)scale(command, &command->ifm_scale,
						      (int32_t)(pool.sum[i] - zero)) +
					       command->ofm.zero_point);
			break;
		case KESTREL_VECTOR_MAX_POOL:
			out[i] = pool.taps ? clamp(command, pool.best[i]) : command->clamp_min;
			break;
		default:
			out[i] = pool.taps ? clamp(command, pool.best[i]) : command->clamp_max;
			break;
		}
	}
}

static int32_t shifted(int32_t value, int32_t zero_point, uint32_t left)
{
	return (int32_t)((uint32_t)(value - zero_point) << left);
}

static int32_t combine(const struct engine_vector_command *command, int32_t a, int32_t b)
{
	int32_t x, y;

	switch (command->operation) {
	case KESTREL_VECTOR_ADD:
	case KESTREL_VECTOR_SUB:
		x = scale(command, &command->ifm_scale,
			  shifted(a, command->ifm.zero_point, command->left_shift));
		y = scale(command, &command->ifm2_scale,
			  shifted(b, command->ifm2.zero_point, command->left_shift));
		x = (int32_t)(command->operation == KESTREL_VECTOR_ADD
				      ? (uint32_t)x + (uint32_t)y : (uint32_t)x - (uint32_t)y);
		return clamp(command, (int64_t)scale(command, &command->ofm_scale, x) +
					      command->ofm.zero_point);
	case KESTREL_VECTOR_MUL:
		x = (int32_t)((uint32_t)(a - command->ifm.zero_point) *
			      (uint32_t)(b - command->ifm2.zero_point));
		return clamp(command, (int64_t)scale(command, &command->ofm_scale, x) +
					      command->ofm.zero_point);
	case KESTREL_VECTOR_MIN:
		return clamp(command, a < b ? a : b);
	default:
		return clamp(command, a > b ? a : b);
	}
}

static void transpose_pixel(const struct engine *engine,
			    const struct engine_vector_command *command, uint32_t first,
			    uint32_t count, uint32_t y, uint32_t x, int32_t out[16])
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at[3] = { y, x, first + i }, from[3];

		engine_transpose_at(command->permutation, at, from);
		out[i] = engine_map_load(engine, &command->ifm, from[0], from[1], from[2]);
	}
}

/* Sixteen channels of one pixel, all operations but SOFTMAX and LAYER_NORM. */
static void pixel_compute(struct engine *engine, const struct engine_vector_command *command,
			  uint32_t first, uint32_t count, uint32_t y, uint32_t x)
{
	int32_t a[16], b[16], out[16];

	if (command->operation == KESTREL_VECTOR_TRANSPOSE) {
		transpose_pixel(engine, command, first, count, y, x, out);
		lanes_store(engine, &command->ofm, first, count, y, x, out);
		return;
	}
	if (engine_vector_resizes(command)) {
		engine_resize_pixel(engine, command, first, count, y, x, out);
		engine->budget -= 128;
		lanes_store(engine, &command->ofm, first, count, y, x, out);
		return;
	}
	if (command->operation >= KESTREL_VECTOR_MAX_POOL) {
		pool_pixel(engine, command, first, count, y, x, out);
		lanes_store(engine, &command->ofm, first, count, y, x, out);
		return;
	}
	lanes_load(engine, &command->ifm, first, count, y, x, a);
	switch (command->operation) {
	case KESTREL_VECTOR_RESCALE:
		for (uint32_t i = 0; i < count; i++)
			out[i] = clamp(command,
				       (int64_t)scale(command, &command->ifm_scale,
						      a[i] - command->ifm.zero_point) +
					       command->ofm.zero_point);
		break;
	case KESTREL_VECTOR_TABLE:
		for (uint32_t i = 0; i < count; i++)
			out[i] = engine->sram[command->table_address + (uint8_t)a[i]];
		break;
	case KESTREL_VECTOR_COPY:
		memcpy(out, a, sizeof(out));
		break;
	default:
		lanes_load(engine, &command->ifm2, first, count, y, x, b);
		for (uint32_t i = 0; i < count; i++)
			out[i] = combine(command, a[i], b[i]);
		break;
	}
	lanes_store(engine, &command->ofm, first, count, y, x, out);
}

enum engine_progress engine_vector_execute(struct engine *engine,
					   const struct engine_vector_command *command)
{
	struct engine_work *work = &engine->work[KESTREL_UNIT_VECTOR];
	uint64_t pixels = (uint64_t)command->ofm.width * command->ofm.height;
	bool softmax = command->operation == KESTREL_VECTOR_SOFTMAX;
	bool whole = softmax || command->operation == KESTREL_VECTOR_LAYER_NORM;
	uint32_t bricks = whole ? 1 : (command->ofm.channels + 15) / 16;

	if (!work->begun) {
		work->begun = true;
		work->position = 0;
		work->brick = 0;
	}
	for (; work->brick < bricks; work->brick++, work->position = 0) {
		uint32_t first = work->brick * 16;
		uint32_t left = command->ofm.channels - first;
		uint32_t count = left < 16 ? left : 16;

		for (; work->position < pixels; work->position++) {
			uint32_t y = (uint32_t)(work->position / command->ofm.width);
			uint32_t x = (uint32_t)(work->position % command->ofm.width);

			if (engine->budget <= 0)
				return ENGINE_PROGRESS_MORE;
			if (whole) {
				(softmax ? engine_softmax_pixel : engine_layer_norm_pixel)(
					engine, command, y, x);
				engine->budget -= 64 * (int64_t)command->ofm.channels;
			} else {
				pixel_compute(engine, command, first, count, y, x);
				engine->budget -= 128;
			}
		}
	}
	work->begun = false;
	return ENGINE_PROGRESS_DONE;
}
