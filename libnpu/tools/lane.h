/* SPDX-License-Identifier: MIT */
/*
 * Rows of a timeline. Viewers draw the slices of one row above each other and drop
 * those that overlap without one lying within the other; so what overlaps gets rows,
 * "lanes", of its own.
 */
#ifndef NPU_TOOLS_LANE_H
#define NPU_TOOLS_LANE_H

#include <stddef.h>
#include <stdint.h>

/* All zero: no lanes yet. */
struct lanes {
	/* When the last slice of each ends. */
	uint64_t *ends;
	size_t count;
};

/*
 * The first lane whose slices have ended by `start` in `lane`, a new one where there is
 * none; it is taken until `end`. Returns 0 or -ENOMEM.
 */
int lane_take(struct lanes *lanes, uint64_t start, uint64_t end, size_t *lane);

void lanes_release(struct lanes *lanes);

#endif
