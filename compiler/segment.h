/* SPDX-License-Identifier: MIT */
/*
 * One NPU segment while it is lowered: the values that flow through it, and
 * its operators as nodes. A value is a tensor in one shape; where an operator
 * reads a tensor in another shape than it was written in, there are two
 * values, and the second is fetched from the memory where the first was put.
 */
#ifndef COMPILER_SEGMENT_H
#define COMPILER_SEGMENT_H

#include "command.h"
#include "ir.h"
#include "layout.h"
#include "segment_resize.h"
#include "stream.h"
#include "target.h"
#include "view.h"
#include "weights.h"

#define SEGMENT_NO_BASE 255

/* Base slots that every segment has; tensors follow. */
enum segment_base { SEGMENT_BASE_CONSTANTS, SEGMENT_BASE_SCRATCH, SEGMENT_BASE_TENSORS };

/* A place in memory: elements of a base, in the order of the value's. */
struct segment_place {
	uint8_t base;
	struct view view;
};

struct segment_store {
	struct segment_store *next;
	struct segment_place place;
};

struct segment_value {
	int tensor;
	/* Of the tensor. */
	enum ir_type type;
	/* Rows include the batch. */
	int32_t height, width, channels;
	struct layout layout;
	/* Node that writes it; -1: it comes from `source`, or is constant. */
	int producer;
	/* Dense NHWC contents, or NULL. */
	const uint8_t *constant;
	struct segment_place source;
	/* Which elements of the tensor it has: a view of the tensor's dense bytes. */
	struct view elements;
	/* The tensor has other contents by now. */
	bool stale;
	/* Node after which `source` holds it; -1: from the beginning. */
	int source_after;
	/*
	 * The value that it lies inside of, at these rows, columns and channels, or -1.
	 * One that has parts is written by their nodes; its producer is the last of them.
	 */
	int whole;
	int32_t part_row, part_column, part_channel;
	bool has_parts;
	/* A part that no node writes by itself: the whole has it. */
	bool is_slice;
	/* A view of the tensor (`elements`) that a node has put into its order. */
	bool is_rearranged;
	/* Where it must be put in memory, in the order of the demands. */
	struct segment_store *stores;
	/* It went to memory since there was no room for it; a cascade passes it on that way. */
	bool no_room, split;
	/* Lies in SRAM as a whole; otherwise in pieces, a stripe of rows at a time. */
	bool resident;
	/* Resident: only so many rows at a time lie there, in a ring; 0: all of them. */
	int32_t ring_rows;
	/* Inside a cascade in tiles: what a tile needs of it lies there. */
	bool tiled;
	/* Buffer of the plan when resident. */
	unsigned int buffer;
	/* The last node that reads it; -1: none. */
	int last_reader;
	/* A node that takes whole maps at once reads it: see segment_takes_whole(). */
	bool read_whole;
};

/*
 * How the VECTOR unit puts a map into another order, by KESTREL_VECTOR_TRANSPOSE: all of
 * it in one command; or, of a map of one row, `row_channels` channels for each row of the
 * output, from first_channel on; or each of its rows as the next brick_channels channels
 * of an output of one row.
 */
struct segment_rearrangement {
	bool active;
	enum kestrel_permutation permutation;
	int32_t row_channels, first_channel;
	int32_t brick_channels;
};

struct segment_node {
	/*
	 * Not NULL: it computes nothing. What it reads is put here, and its output is its
	 * input; with `fill` the bytes [0, bytes) from `fill_offset` of the base are filled
	 * with `fill_byte` before.
	 */
	const struct segment_place *store;
	bool fill;
	uint8_t fill_byte;
	uint64_t fill_offset, fill_bytes;
	/* It copies its input into a part of another value. */
	bool copy;
	/* It puts its input into another order. */
	struct segment_rearrangement rearrangement;
	unsigned int operator_index;
	const struct ir_operator *op;
	int inputs[2];
	unsigned int input_count;
	/* Elementwise: the input has one row, which belongs to every row of the output. */
	bool row_broadcast[2];
	int output;
	/* Kernel, stride, padding in terms of the input value. */
	struct ir_window window;
	/* A reduction whose input comes in an order of its own. */
	bool reordered;
	/* RESIZE_BILINEAR and RESIZE_NEAREST: where the output's rows and columns lie. */
	bool is_resize;
	struct segment_resize resize_y, resize_x;
	/* MAC nodes only. */
	bool is_mac;
	bool depthwise;
	/* The second input is what others have as weights: the product of two matrices. */
	bool is_product;
	/* A transposed convolution: phases.h. */
	bool transposed;
	/*
	 * Windows stay inside an image of the batch: output rows of an image; 0: the
	 * whole map is one.
	 */
	int32_t image_rows;
	/* Images then. */
	int32_t images;
	struct weights weights;
	/* An output channel of the model; NULL: all 0. */
	const int32_t *bias;
};

struct segment {
	struct ir_graph *graph;
	const struct target *target;
	struct stream_segment *out;
	struct segment_value *values;
	unsigned int value_count;
	struct segment_node *nodes;
	unsigned int node_count;
	uint64_t scratch_bytes;
	/* Channels of values that prune.c left out. */
	uint32_t dead_channels;
	/* Concatenations may be placed in SRAM; how many are. */
	bool placement;
	unsigned int placed;
	/* The operators in the order in which they are computed; NULL: the graph's. */
	const unsigned int *order;
	/* Views of values in SRAM are put into their order there; how many could be. */
	bool rearrange;
	unsigned int rearrangeable;
	/* The operator that could not be built. */
	unsigned int failed_operator;
};

/*
 * Makes values and nodes of the operators [first, first + count). Returns 0,
 * -ENOMEM, -E2BIG when the segment has more inputs and outputs than bases, -EFBIG
 * when failed_operator would take too many commands, or -ENODATA when nothing that
 * it computes is needed.
 */
int segment_build(struct segment *segment, unsigned int first, unsigned int count);

/* Whether a node takes whole maps at once, as PAD and a rearrangement in SRAM do. */
bool segment_takes_whole(const struct segment_node *node);

/* Finds each value's last_reader, and whether one of its readers takes it whole. */
void segment_find_readers(struct segment *segment);

/* The input's first row of the image that an output row belongs to. */
int32_t segment_image_first(const struct segment_node *node, int32_t input_height, int32_t row);

/* Rows of an input that output rows [from, to) need, all of one image: at least one. */
void segment_input_rows(const struct segment_node *node, int32_t input_height, int32_t from,
			int32_t to, int32_t *first, int32_t *end);

/* The same for input `input` of the node, whose one row may stand for all. */
void segment_operand_rows(const struct segment_node *node, unsigned int input,
			  int32_t input_height, int32_t from, int32_t to, int32_t *first,
			  int32_t *end);

/*
 * Columns of an input that output columns [from, to) need; all of them for all. Not for
 * what takes whole maps: PAD, rearrangements, products.
 */
void segment_operand_columns(const struct segment_node *node, int32_t input_width,
			     int32_t output_width, int32_t from, int32_t to, int32_t *first,
			     int32_t *end);

/* How `width` columns of a value lie in SRAM by themselves. */
struct layout segment_columns_layout(const struct segment *segment, unsigned int value,
				     int32_t width);

/*
 * Gives a value a place in scratch memory and lets the readers take it from there.
 * Returns 0 or -ENOMEM.
 */
int segment_spill(struct segment *segment, unsigned int value);

/*
 * Lets the readers of a value from node `first_reader` on take it from memory, where
 * its producer puts it too. Once for a value. Returns 0 or -ENOMEM.
 */
int segment_split(struct segment *segment, unsigned int value, unsigned int first_reader);

#endif
