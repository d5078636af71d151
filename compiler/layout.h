/* SPDX-License-Identifier: MIT */
/*
 * Feature maps in SRAM (uapi/kestrel/isa.h): rows one behind the other, in a
 * row the bricks of 16 bytes of channels one behind the other, in a brick the pixels.
 * Rows of a map are therefore contiguous, and a vector is linear.
 */
#ifndef COMPILER_LAYOUT_H
#define COMPILER_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>


struct layout {
	int32_t height, width, channels;
	/* 1 or 2. */
	uint32_t element_bytes;
	/* Fewer than 16 channels without tail lanes. */
	bool packed;
	uint32_t row_stride, brick_stride, pixel_stride;
};

/* Rows without any padding between them. Packed form is for 8-bit maps. */
struct layout layout_make(uint32_t element_bytes, int32_t height, int32_t width,
			  int32_t channels, bool packed);

/* The channels of a brick. */
int32_t layout_lanes(const struct layout *layout);

/* Bytes of `rows` rows. */
uint64_t layout_bytes(const struct layout *layout, int32_t rows);

/* Where an element lies, from the first row's address. */
uint64_t layout_offset(const struct layout *layout, int32_t y, int32_t x, int32_t c);

/* Bytes between the bricks that hold the first channel and this one. */
uint64_t layout_channel_offset(const struct layout *layout, int32_t channel);

#endif
