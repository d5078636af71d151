/* SPDX-License-Identifier: MIT */
/*
 * Planner of the SRAM: addresses for buffers with live ranges, as a pure
 * function. Time is counted in steps, one for each compute command.
 */
#ifndef COMPILER_PLAN_H
#define COMPILER_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#define PLAN_ALIGNMENT 16

struct plan_buffer {
	uint64_t bytes;
	/* First and last step that use it. */
	unsigned int first, last;
	/*
	 * A load may be fetched before its first use, from step `earliest` on;
	 * others live from `first`.
	 */
	bool is_load;
	unsigned int earliest;
	/* Out: the step before which it is fetched (others: first), and where it lies. */
	unsigned int start;
	uint64_t address;
};

/*
 * Places all buffers below `sram_bytes`. Loads must stand in the order of
 * their first use; each is fetched as early as room allows, in that order.
 * Returns -1, or the index of a buffer that found no room, or `count` when out
 * of memory. `peak` becomes the highest end, `bound` what plan_bound() gives.
 */
int plan_place(struct plan_buffer *buffers, unsigned int count, uint64_t sram_bytes,
	       uint64_t *peak, uint64_t *bound);

/*
 * The bytes that live at once at most, loads from their first use on: no placement
 * needs less. Returns 0 or -ENOMEM.
 */
int plan_bound(const struct plan_buffer *buffers, unsigned int count, uint64_t *bound);

/*
 * Searches for addresses below `sram_bytes` with loads fetched at their first use.
 * Returns 1, 0 when none has been found, or -ENOMEM.
 */
int plan_search(const struct plan_buffer *buffers, unsigned int count, uint64_t sram_bytes,
		uint64_t *addresses);

#endif
