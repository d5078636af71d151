/* SPDX-License-Identifier: MIT */
/*
 * Cascades: runs of nodes that are computed together, a few rows of each at a
 * time, so that of a map between them only the rows that are still needed lie
 * in SRAM, in a ring.
 */
#ifndef COMPILER_CASCADE_H
#define COMPILER_CASCADE_H

#include "segment.h"

/* Nodes of one cascade. */
#define CASCADE_NODES 32
/* Pieces of one cascade; bounds the work that a model can cause. */
#define CASCADE_PIECES 8192

/* Output rows [row_first, row_end) of a node. */
struct cascade_piece {
	unsigned int node;
	int32_t row_first, row_end;
};

/*
 * The pieces of the nodes [first, end) in the order in which they run when the
 * last one makes `rows` rows at a time. A node whose result another unit takes
 * runs one round ahead, so that both units work. `ring` gets, for each node,
 * the rows of its output that must be kept at once. `pieces` may be NULL.
 * Returns the number of pieces, or 0 when there are more than CASCADE_PIECES.
 */
unsigned int cascade_pieces(const struct segment *segment, unsigned int first, unsigned int end,
			    int32_t rows, struct cascade_piece *pieces,
			    int32_t ring[CASCADE_NODES]);

/* SRAM that the operators' maps, one operator at a time, need at most. */
uint64_t cascade_largest_need(const struct segment *segment);

/*
 * Chooses cascades where operators one at a time would need more than
 * `limit_bytes` of SRAM, each as long as gives it the smallest need. ends[n]
 * becomes the end of the cascade that begins with node n, 0 where none does.
 * Sets the ring rows of the values inside; values that come from memory for one
 * cascade alone no longer stay in SRAM as a whole.
 */
void cascade_choose(struct segment *segment, uint64_t limit_bytes, int32_t rows,
		    unsigned int *ends);

#endif
