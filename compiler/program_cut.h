/* SPDX-License-Identifier: MIT */
/* How the work of one node is cut into steps: sizes that fit the SRAM and a command. */
#ifndef COMPILER_PROGRAM_CUT_H
#define COMPILER_PROGRAM_CUT_H

#include "program.h"

/* Sizes of pieces. */
struct program_cut {
	int32_t rows, columns, channels, kernel, inputs;
	/* Columns that are staged at a time: a multiple of `columns`, or all. */
	int32_t tile_columns;
	int32_t phases;
	/* All channels of a tile before the next one: its weights come for each tile. */
	bool maps_first;
	/* Sums stay in the accumulator RAM from one step to the next. */
	bool in_ram;
};

/* Cuts node `n` as the program's settings say. Returns 0, or -EFBIG: too many steps. */
int program_cut_node(const struct program *program, unsigned int n, struct program_cut *cut);

/*
 * For a piece of a node of a cascade, whose rows and columns are given: all its weights,
 * or as many channels as make one chunk.
 */
void program_cut_piece(const struct program *program, unsigned int n, bool chunks,
		       struct program_cut *cut);

#endif
