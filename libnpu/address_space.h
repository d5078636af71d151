/* SPDX-License-Identifier: MIT */
/* Which device addresses are in use: ranges in rising order, first fit. */
#ifndef NPU_ADDRESS_SPACE_H
#define NPU_ADDRESS_SPACE_H

#include <stdint.h>

struct address_range {
	uint64_t address;
	uint64_t size;			/* bytes */
	struct address_range *next;
};

struct address_space {
	uint64_t start;			/* lowest address */
	uint64_t size;			/* bytes from there on */
	struct address_range *first;
};

/*
 * Takes `size` bytes at a multiple of `alignment` (a power of two) and links
 * `range`, which the caller keeps, into the space. 0 or -ENOSPC.
 */
int address_space_take(struct address_space *space, struct address_range *range,
		       uint64_t size, uint64_t alignment);
void address_space_release(struct address_space *space, struct address_range *range);

#endif
