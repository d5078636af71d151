// SPDX-License-Identifier: MIT
#include "layout.h"
#include "predict.h"

#define BRICK KESTREL_ISA_BRICK_BYTES
#define SPREAD_MAX 8

uint32_t layout_bricks(int32_t channels)
{
	return ((uint32_t)channels + 15) / 16;
}

struct layout layout_make(int32_t height, int32_t width, int32_t channels, bool packed)
{
	struct layout layout = {
		.height = height, .width = width, .channels = channels, .packed = packed,
	};

	if (packed) {
		layout.pixel_stride = (uint32_t)channels;
		layout.row_stride = ((uint32_t)(width * channels) + 15) & ~15u;
	} else {
		layout.pixel_stride = BRICK;
		layout.brick_stride = (uint32_t)width * BRICK;
		layout.row_stride = layout.brick_stride * layout_bricks(channels);
	}
	return layout;
}

uint64_t layout_bytes(const struct layout *layout, int32_t rows)
{
	return (uint64_t)layout->row_stride * (uint64_t)rows;
}

void layout_spread(struct layout *layout, const struct target *target,
		   const struct ir_window *window, bool depthwise)
{
	uint32_t stride = layout->row_stride, best = 0, best_cycles = UINT32_MAX;

	for (uint32_t extra = 0; extra < SPREAD_MAX && layout->height > 1; extra++) {
		uint32_t cycles;

		layout->row_stride = stride + extra * BRICK;
		cycles = predict_window_cycles(target, layout, window, depthwise);
		if (cycles < best_cycles) {
			best_cycles = cycles;
			best = extra;
		}
	}
	layout->row_stride = stride + best * BRICK;
}
