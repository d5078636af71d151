/* SPDX-License-Identifier: MIT */
/* Positions of a resize, as the VECTOR unit counts them (uapi/kestrel/isa.h). */
#ifndef COMPILER_SEGMENT_RESIZE_H
#define COMPILER_SEGMENT_RESIZE_H

#include "ir.h"

/* Output o lies at start + o * step, in units of 2^-shift rows or columns of the input. */
struct segment_resize {
	int64_t start, step;
	unsigned int shift;
};

/*
 * The positions of an axis, counted from the innermost dimension, of a
 * RESIZE_BILINEAR or RESIZE_NEAREST. Returns false where the reference's positions,
 * which NEAREST computes in float32, do not lie on a line of that kind.
 */
bool segment_resize_axis(const struct ir_graph *graph, const struct ir_operator *op,
			 unsigned int from_innermost, struct segment_resize *axis);

/* Input rows [*first, *end) of `inputs` that outputs [from, to) take. */
void segment_resize_rows(const struct segment_resize *axis, int32_t inputs, int32_t from,
			 int32_t to, int32_t *first, int32_t *end);

/* Rows of the input behind which outputs [.., to) need nothing, in or out of the map. */
int64_t segment_resize_needed(const struct segment_resize *axis, int64_t to);

#endif
