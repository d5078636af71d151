/* SPDX-License-Identifier: MIT */
#ifndef KESTREL_FIRMWARE_BITS_H
#define KESTREL_FIRMWARE_BITS_H

#include <stdint.h>

/*
 * Index of the lowest bit set; word is not 0. RV32IMC has no instruction for
 * it, and the compiler's own function would need its run-time library.
 */
static inline uint32_t bits_lowest(uint32_t word)
{
	uint32_t index = 0;
	uint32_t width;

	for (width = 16; width; width /= 2) {
		if (!(word & ((1u << width) - 1))) {
			word >>= width;
			index += width;
		}
	}
	return index;
}

#endif
