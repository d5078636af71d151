/* SPDX-License-Identifier: MIT */
/*
 * Cascades in tiles: what each operator must make for some rows and columns of the last
 * one's output, what that needs of the SRAM, and which tiles compute the least again.
 */
#ifndef COMPILER_CASCADE_TILE_H
#define COMPILER_CASCADE_TILE_H

#include "cascade.h"

/* Rows and columns of a node's output. */
struct cascade_tile {
	int32_t row_first, row_end;
	int32_t column_first, column_end;
};

/* Whether only the last of the run's values is needed behind it, or in memory. */
bool cascade_can_tile(const struct segment *segment, const struct cascade_run *run);

/*
 * Of each node, in the run's order, what a tile of the last one's output needs: of a run
 * that can be tiled.
 */
void cascade_tile_needs(const struct segment *segment, const struct cascade_run *run,
			const struct cascade_tile *tile, struct cascade_tile needs[CASCADE_NODES]);

/* Pieces of a run's tiles. */
#define CASCADE_TILES 2048

/* Tiles of a run; CASCADE_TILES + 1 where they would have more pieces than that. */
unsigned int cascade_tile_count(const struct segment *segment, const struct cascade_run *run);

/* About the bytes of so many rows and columns of a value in SRAM. */
uint64_t cascade_tile_value_bytes(const struct segment_value *value, int32_t rows,
				  int32_t columns);

/* SRAM that the last value of a run needs at least: it can go to memory tile by tile. */
uint64_t cascade_tile_output_bytes(const struct segment_value *value, int32_t rows,
				   int32_t columns);

/* SRAM that the maps and weights of a run that recomputes need; not what lives across it. */
uint64_t cascade_tile_bytes(const struct segment *segment, const struct cascade_run *run);

/*
 * Sets the rows and columns with which a run that recomputes stays within so many bytes
 * and computes least again. False where there are none, or that is too much.
 */
bool cascade_tile_choose(const struct segment *segment, struct cascade_run *run,
			 uint64_t limit_bytes);

#endif
