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

/* Changes of what would be chosen. */
#define CASCADE_CHANGES 8

/* How a cascade goes over its maps, beside the rows that its last operator makes at a time. */
struct cascade_tiling {
	/* Columns that the last operator makes at a time; 0: all. */
	int32_t columns;
	/*
	 * No rings: each tile is made from its inputs on, and what tiles share is computed
	 * again. Values live for the operators that need them only.
	 */
	bool recompute;
	/* When recomputing: weights come in chunks, for each tile again. */
	bool refetch;
};

/* The cascade that begins with a node: its end, 0: none does, and the rest as below. */
struct cascade_change {
	unsigned int first, end;
	int32_t rows;
	struct cascade_tiling tiling;
};

/* How cascades are chosen. */
struct cascade_settings {
	/* Only where one operator at a time needs more SRAM than this. */
	uint64_t limit_bytes;
	/* Rows that the last operator of a cascade makes at a time. */
	int32_t rows;
	/*
	 * A value of more bytes than this that is needed behind its cascade too goes to
	 * memory row by row, and whatever reads it there fetches it; a smaller one stays
	 * in SRAM as a whole.
	 */
	uint64_t split_bytes;
	/* As long as the limit allows, not as long as gives the smallest need. */
	bool longest;
	/*
	 * Where a cascade's values allow it: pieces in which its columns are made; and
	 * instead of rings tiles of any rows and columns, as large as the limit allows.
	 */
	int32_t column_pieces;
	bool recompute, refetch;
	unsigned int change_count;
	struct cascade_change changes[CASCADE_CHANGES];
};

/* Nodes [first, end) of which the last makes `rows` rows at a time. */
struct cascade_run {
	unsigned int first, end;
	int32_t rows;
	struct cascade_tiling tiling;
	/* As above; UINT64_MAX where the split has been done. */
	uint64_t split_bytes;
};

/* Output rows [row_first, row_end) of a node. */
struct cascade_piece {
	unsigned int node;
	int32_t row_first, row_end;
};

/*
 * The pieces of the run's nodes in the order in which they are computed. A node
 * whose result another unit takes is
 * one round ahead, so that both units work. `ring` gets, for each node,
 * the rows of its output that must be kept at once. `pieces` may be NULL.
 * Returns the number of pieces, or 0 when there are more than CASCADE_PIECES.
 */
unsigned int cascade_pieces(const struct segment *segment, const struct cascade_run *run,
			    struct cascade_piece *pieces, int32_t ring[CASCADE_NODES]);

/* SRAM that a node by itself needs for its maps, and what lives across it. */
uint64_t cascade_need(const struct segment *segment, unsigned int n);

/* SRAM that the operators' maps, one operator at a time, need at most. */
uint64_t cascade_largest_need(const struct segment *segment);

/*
 * Chooses cascades. ends[n]
 * becomes the end of the cascade that begins with node n, 0 where none does, rows[n] its
 * rows, tilings[n] its tiling. Sets the ring rows of the values inside; values that come from memory for one
 * cascade alone no longer stay in SRAM as a whole. Returns 0 or -ENOMEM.
 */
int cascade_choose(struct segment *segment, const struct cascade_settings *settings,
		   unsigned int *ends, int32_t *rows, struct cascade_tiling *tilings);

#endif
