/* SPDX-License-Identifier: MIT */
#ifndef COMPILER_SEGMENT_REDUCE_H
#define COMPILER_SEGMENT_REDUCE_H

#include "ir.h"

/* A reduction in terms of a map whose rows, and columns where one is too few, are reduced. */
struct segment_reduction {
	int32_t kernel_h, kernel_w;
	/* Of the output, which has one row. */
	int32_t width, channels;
};

/* Whether MEAN, SUM, REDUCE_MAX or REDUCE_MIN reduces height and width alone. */
bool segment_reduces_plane(const struct ir_graph *graph, const struct ir_operator *op);

/* False where the VECTOR unit has no window of that size. */
bool segment_reduce_shape(const struct ir_graph *graph, const struct ir_operator *op,
			  struct segment_reduction *reduction);

#endif
