/* SPDX-License-Identifier: MIT */
/*
 * Updates of rows of a state: a DYNAMIC_UPDATE_SLICE of what a variable holds, of which
 * the result is assigned to the variable, only writes the new rows.
 */
#ifndef COMPILER_STATE_ROW_H
#define COMPILER_STATE_ROW_H

#include "ir.h"

/* Inputs of a DYNAMIC_UPDATE_SLICE. */
enum { UPDATE_INPUT, UPDATE_ROWS, UPDATE_POSITION };

struct state_row {
	/* The tensor that is updated, and the dimension in which its rows follow each other. */
	int state;
	unsigned int axis;
	/* The tensor that says which row is the first; its element `axis` does. */
	int position_tensor;
	/* Positions at which the update is inside, and bytes from one to the next. */
	uint32_t position_count, row_bytes;
};

/* NULL, and what the operator updates; or why it is none that writes rows alone. */
const char *state_row_find(const struct ir_graph *graph, const struct ir_operator *op,
			   struct state_row *row);

#endif
