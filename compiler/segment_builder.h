/* SPDX-License-Identifier: MIT */
/* What the files that build a segment share. */
#ifndef COMPILER_SEGMENT_BUILDER_H
#define COMPILER_SEGMENT_BUILDER_H

#include "segment.h"

struct segment_builder {
	struct segment *segment;
	unsigned int first, count;
	/* By tensor: the value that was written, or -1; the tensor it is an alias of. */
	int *written;
	int *alias;
};

/* Appends a value that nothing has written yet; returns its index. */
int segment_value_add(struct segment *segment, int tensor, int32_t height, int32_t width,
		      int32_t channels);

/*
 * The value of `tensor` in the given shape, for a reader: the one that is there, or
 * one that is fetched from where the tensor lies in memory. Returns its index, or
 * -E2BIG when the segment has too many inputs and outputs.
 */
int segment_value_read(struct segment_builder *builder, int tensor, int32_t height,
		       int32_t width, int32_t channels);

/* Feature map of a tensor with the batch in the rows. */
struct ir_feature_map segment_merged_map(const struct ir_tensor *tensor);

/*
 * The value of input `i` of an elementwise operator, which may have one row, one
 * column, or be constant. Sets node->row_broadcast. Returns its index, -E2BIG as
 * above, or -ENOMEM with a message.
 */
int segment_elementwise_input(struct segment_builder *builder, struct segment_node *node,
			      unsigned int i);

#endif
