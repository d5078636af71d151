// SPDX-License-Identifier: MIT
#include <kestrel/isa.h>

#include "layout.h"

#define BRICK KESTREL_ISA_BRICK_BYTES

int32_t layout_lanes(const struct layout *layout)
{
	return (int32_t)(BRICK / layout->element_bytes);
}

uint64_t layout_channel_offset(const struct layout *layout, int32_t channel)
{
	return (uint64_t)(channel / layout_lanes(layout)) * layout->brick_stride;
}

struct layout layout_make(uint32_t element_bytes, int32_t height, int32_t width,
			  int32_t channels, bool packed)
{
	struct layout layout = {
		.height = height, .width = width, .channels = channels,
		.element_bytes = element_bytes, .packed = packed,
	};

	if (packed) {
		layout.pixel_stride = (uint32_t)channels;
		layout.row_stride = ((uint32_t)(width * channels) + 15) & ~15u;
	} else {
		layout.pixel_stride = BRICK;
		layout.brick_stride = (uint32_t)width * BRICK;
		layout.row_stride = layout.brick_stride *
				    (((uint32_t)channels * element_bytes + BRICK - 1) / BRICK);
	}
	return layout;
}

uint64_t layout_bytes(const struct layout *layout, int32_t rows)
{
	return (uint64_t)layout->row_stride * (uint64_t)rows;
}

uint64_t layout_offset(const struct layout *layout, int32_t y, int32_t x, int32_t c)
{
	uint64_t offset = (uint64_t)y * layout->row_stride + (uint64_t)x * layout->pixel_stride;

	if (layout->packed)
		return offset + (uint64_t)c;
	return offset + layout_channel_offset(layout, c) +
	       (uint64_t)(c % layout_lanes(layout)) * layout->element_bytes;
}
