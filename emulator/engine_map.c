// SPDX-License-Identifier: MIT
/* Feature maps in SRAM and sliding windows: where elements lie, which are read. */

#include "engine_internal.h"

/* Byte offset of row y from the map's address. */
uint64_t engine_map_row(const struct engine_map *map, uint32_t y)
{
	uint64_t row = (uint64_t)map->first_row + y;

	if (map->ring_rows)
		row %= map->ring_rows;
	return row * map->row_stride;
}

/* Channels in a brick. */
uint32_t engine_map_lanes(const struct engine_map *map)
{
	return ENGINE_LINE_BYTES / map->element_bytes;
}

uint32_t engine_map_bricks(const struct engine_map *map)
{
	uint32_t lanes = engine_map_lanes(map);

	return map->packed ? 1 : (map->channels + lanes - 1) / lanes;
}

uint64_t engine_map_end(const struct engine_map *map, uint32_t y0, uint32_t y1, uint32_t x1)
{
	uint64_t row = (uint64_t)map->first_row + y1;

	if (map->ring_rows) {
		uint64_t first = ((uint64_t)map->first_row + y0) % map->ring_rows;

		row = first + (y1 - y0);
		if (row >= map->ring_rows)
			row = map->ring_rows - 1;
	}
	return map->address + row * map->row_stride +
	       (uint64_t)(engine_map_bricks(map) - 1) * map->brick_stride +
	       (uint64_t)x1 * map->pixel_stride +
	       (map->packed ? map->channels : ENGINE_LINE_BYTES);
}

int32_t engine_map_load(const struct engine *engine, const struct engine_map *map, uint32_t y,
			uint32_t x, uint32_t channel)
{
	uint64_t address = map->address + engine_map_row(map, y) + (uint64_t)x * map->pixel_stride;
	const uint8_t *byte;

	if (map->packed) {
		address += channel;
	} else {
		uint32_t lanes = engine_map_lanes(map);

		address += (uint64_t)(channel / lanes) * map->brick_stride +
			   channel % lanes * map->element_bytes;
	}
	byte = engine->sram + address;
	if (map->element_bytes == 2)
		return (int16_t)(byte[0] | byte[1] << 8);
	return map->is_unsigned ? byte[0] : (int8_t)byte[0];
}

void engine_map_store(const struct engine *engine, const struct engine_map *map, uint32_t y,
		      uint32_t x, uint32_t channel, int32_t value)
{
	uint32_t lanes = engine_map_lanes(map);
	uint8_t *to = engine->sram + map->address + engine_map_row(map, y) +
		      (uint64_t)x * map->pixel_stride;

	if (map->packed)
		to += channel;
	else
		to += (uint64_t)(channel / lanes) * map->brick_stride +
		      channel % lanes * map->element_bytes;
	to[0] = (uint8_t)value;
	if (map->element_bytes == 2)
		to[1] = (uint8_t)((uint32_t)value >> 8);
}

static int64_t floor_divide(int64_t a, int64_t b)
{
	return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/* Outputs [*low, *high] whose tap reads an input inside; false: none. */
static bool axis_outputs(const struct engine_axis *axis, uint32_t tap, int64_t *low, int64_t *high)
{
	int64_t shift = (int64_t)tap * axis->dilation - axis->pad;

	*low = -floor_divide(shift, axis->stride);
	if (*low < 0)
		*low = 0;
	*high = floor_divide((int64_t)axis->inputs - 1 - shift, axis->stride);
	if (*high > (int64_t)axis->outputs - 1)
		*high = (int64_t)axis->outputs - 1;
	return *low <= *high;
}

bool engine_axis_extent(const struct engine_axis *axis, uint32_t *first, uint32_t *last)
{
	bool found = false;

	for (uint32_t tap = 0; tap < axis->kernel; tap++) {
		int64_t shift = (int64_t)tap * axis->dilation - axis->pad;
		int64_t low, high;

		if (!axis_outputs(axis, tap, &low, &high))
			continue;
		low = low * axis->stride + shift;
		high = high * axis->stride + shift;
		if (!found || low < *first)
			*first = (uint32_t)low;
		if (!found || high > *last)
			*last = (uint32_t)high;
		found = true;
	}
	return found;
}

bool engine_axis_reads(const struct engine_axis *axis, uint32_t input)
{
	for (uint32_t tap = 0; tap < axis->kernel; tap++) {
		int64_t distance = (int64_t)input + axis->pad - (int64_t)tap * axis->dilation;

		if (distance >= 0 && distance % axis->stride == 0 &&
		    distance / axis->stride < axis->outputs)
			return true;
	}
	return false;
}
