/* SPDX-License-Identifier: MIT */
/* What the files that build a segment share. */
#ifndef COMPILER_SEGMENT_BUILDER_H
#define COMPILER_SEGMENT_BUILDER_H

#include "segment.h"
#include "segment_reduce.h"
#include "state_row.h"

/* What a tensor is inside the segment. */
struct segment_tensor {
	/*
	 * The tensor whose elements it has, itself most often, and which of them in which
	 * order: a view of the owner's dense bytes.
	 */
	int owner;
	struct view view;
	/* The value that a node writes, or -1. */
	int written;
	/* Put together in memory by several nodes, up to this one; NULL: it is not. */
	const struct segment_place *assembled;
	int assembled_after;
};

struct segment_builder {
	struct segment *segment;
	unsigned int first, count;
	struct segment_tensor *tensors;
	/* The operator that is being built. */
	unsigned int current;
	/* A view is being made dense. */
	bool making_dense;
};

/* Whether an operator after the segment needs the tensor, or it is an output. */
bool segment_is_needed_outside(const struct segment_builder *builder, int tensor);

/* The base slot of a tensor's bytes; SEGMENT_NO_BASE when there are too many. */
uint8_t segment_base_of_tensor(struct segment *segment, int tensor, uint32_t flag);

/*
 * A new base slot for the row of a state, whose own bytes have a slot before it; the same
 * when there are too many.
 */
uint8_t segment_base_of_row(struct segment *segment, const struct state_row *row);

/* Dense scratch memory of `bytes` bytes. NULL: out of memory. */
struct segment_place *segment_scratch(struct segment *segment, uint64_t bytes,
				      unsigned int element_bytes);

/* Appends a place where the value must be put. Returns 0 or -ENOMEM. */
int segment_store_add(struct segment *segment, struct segment_value *value,
		      const struct segment_place *place);

/*
 * Where a written value is dense in memory, putting it into scratch if nowhere yet. NULL:
 * out of memory.
 */
const struct segment_place *segment_value_place(struct segment *segment,
						struct segment_value *value);

/* Appends a value that nothing has written yet; returns its index. */
int segment_value_add(struct segment *segment, int tensor, int32_t height, int32_t width,
		      int32_t channels);

/*
 * The value of `tensor` in the given shape, for a reader: the one that is there, or
 * one that is fetched from where the tensor lies in memory. Returns its index;
 * -E2BIG when the segment has too many inputs and outputs, -EFBIG when a transfer
 * would take too many commands, -ENOMEM.
 */
int segment_value_read(struct segment_builder *builder, int tensor, int32_t height,
		       int32_t width, int32_t channels);

/* The same for a view of the bytes of the tensor's owner. */
int segment_view_read(struct segment_builder *builder, int tensor, const struct view *view,
		      int32_t height, int32_t width, int32_t channels);

/*
 * The value of a view of what a node of the segment has written, put into its order by
 * the VECTOR unit; -1: the segment does not, or no command does it.
 */
int segment_rearrange(struct segment_builder *builder, int tensor, const struct view *view,
		      int32_t height, int32_t width, int32_t channels);

/*
 * The value of the input of a reduction that does not reduce_plane, in an order that
 * suits it, with node->window, and the map that it becomes. Returns as above.
 */
int segment_reduce_input(struct segment_builder *builder, struct segment_node *node,
			 struct ir_feature_map *output);

/* The value that is written as `tensor`, whole and in order; -1: none. */
int segment_value_whole(const struct segment_builder *builder, int tensor);

/* Feature map of a tensor with the batch in the rows. */
struct ir_feature_map segment_merged_map(const struct ir_tensor *tensor);

/*
 * The value of input `i` of an elementwise operator, which may have one row, one
 * column, or be constant; one that is repeated otherwise is read again and again. Sets
 * node->row_broadcast. Returns as above, -EFBIG too where that takes too many commands.
 */
int segment_elementwise_input(struct segment_builder *builder, struct segment_node *node,
			      unsigned int i);

/*
 * Where a map of `shape` lies inside a map of `whole`, in rows, columns and channels,
 * when it has the elements that the view shows; false: it is no part of that kind.
 */
bool segment_find_part(const struct view *view, const int32_t shape[3],
		       const struct ir_feature_map *whole, uint32_t element_bytes, int32_t at[3]);

/*
 * The value of a tensor that is a part of one that a node of the segment writes,
 * read where it lies in SRAM; -1: it is no such part.
 */
int segment_read_part(struct segment_builder *builder, int tensor, int32_t height, int32_t width,
		      int32_t channels);

/*
 * Makes a concatenation of parts in SRAM; views[i] is where input i belongs in the
 * output's dense bytes. Returns 1, 0 where that is not possible, or as above.
 */
int segment_place_parts(struct segment_builder *builder, unsigned int operator_index,
			const struct view *views);

/* Builds an operator that moves elements (ir_is_move): views where they do, else transfers. */
int segment_move(struct segment_builder *builder, unsigned int operator_index);

/*
 * Appends a node that puts the elements of `tensor`, in order, at `place`. Returns the
 * node or, as above, an error.
 */
int segment_put(struct segment_builder *builder, unsigned int operator_index, int tensor,
		const struct segment_place *place);

/* The same for a view of the bytes of the tensor's owner. */
int segment_put_view(struct segment_builder *builder, unsigned int operator_index, int tensor,
		     const struct view *view, const struct segment_place *place);

/* Puts what a view shows into scratch, dense, so that it can be had in any shape. */
int segment_make_dense(struct segment_builder *builder, int tensor);

/* Whether the node that writes the value can put it there. */
bool segment_can_store(const struct segment_value *value, const struct segment_place *place);

/*
 * Chooses how values lie in SRAM, packed where no reader needs bricks, and with it the
 * modes of the nodes that multiply.
 */
void segment_choose_layouts(struct segment *segment);

#endif
