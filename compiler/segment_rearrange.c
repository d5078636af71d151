// SPDX-License-Identifier: MIT
/*
 * Views of a value that lies in SRAM, put into their own order there: the VECTOR unit
 * exchanges rows, columns and channels, where the DMA unit would fetch the elements one
 * by one from memory.
 */

#include "segment_builder.h"

/* Axes of a map. */
enum { ROW, COLUMN, CHANNEL, AXES };

/* What such nodes have instead of an operator of the graph. */
static const struct ir_operator rearranging = { .kind = IR_TRANSPOSE, .type_name = "TRANSPOSE" };

/* A map whose elements a view shows in another order. */
struct source {
	int32_t size[AXES];
	int64_t stride[AXES];
	int32_t lanes;
};

static const struct view_dimension *only_entry(const struct view *view, const unsigned int *first,
					       unsigned int axis)
{
	return first[axis + 1] - first[axis] == 1 ? &view->dimensions[first[axis]] : NULL;
}

/* The permutation under which IFM axis a is OFM axis of[a]. */
static enum kestrel_permutation permutation_of(const unsigned int of[AXES])
{
	static const uint8_t orders[KESTREL_PERMUTATION_COUNT][AXES] = {
		[KESTREL_PERMUTATION_YXC] = { ROW, COLUMN, CHANNEL },
		[KESTREL_PERMUTATION_XYC] = { COLUMN, ROW, CHANNEL },
		[KESTREL_PERMUTATION_YCX] = { ROW, CHANNEL, COLUMN },
		[KESTREL_PERMUTATION_CXY] = { CHANNEL, COLUMN, ROW },
		[KESTREL_PERMUTATION_XCY] = { COLUMN, CHANNEL, ROW },
		[KESTREL_PERMUTATION_CYX] = { CHANNEL, ROW, COLUMN },
	};
	unsigned int p = 0;

	while (p < KESTREL_PERMUTATION_COUNT - 1 &&
	       (orders[p][ROW] != of[ROW] || orders[p][COLUMN] != of[COLUMN]))
		p++;
	return (enum kestrel_permutation)p;
}

/* Gives each source axis in `of` that has none yet (AXES) a free one, its own if it can. */
static void fill_axes(unsigned int of[AXES])
{
	bool used[AXES] = { false };

	for (unsigned int a = 0; a < AXES; a++)
		if (of[a] < AXES)
			used[of[a]] = true;
	for (unsigned int a = 0; a < AXES; a++)
		if (of[a] == AXES && !used[a]) {
			of[a] = a;
			used[a] = true;
		}
	for (unsigned int a = 0; a < AXES; a++)
		for (unsigned int to = 0; to < AXES && of[a] == AXES; to++)
			if (!used[to]) {
				of[a] = to;
				used[to] = true;
			}
}

/*
 * The whole map at once: each of its axes is one of the view's. False: it is not so.
 */
static bool find_whole(const struct source *source, const struct view *view,
		       const unsigned int *first, struct segment_rearrangement *how)
{
	unsigned int of[AXES] = { AXES, AXES, AXES };

	if (view->offset)
		return false;
	for (unsigned int to = 0; to < AXES; to++) {
		const struct view_dimension *entry = only_entry(view, first, to);
		unsigned int a = 0;

		if (first[to + 1] == first[to])
			continue;
		while (entry && a < AXES && (of[a] < AXES || entry->size != source->size[a] ||
					     entry->stride != source->stride[a]))
			a++;
		if (!entry || a == AXES)
			return false;
		of[a] = to;
	}
	for (unsigned int a = 0; a < AXES; a++)
		if (source->size[a] > 1 && of[a] == AXES)
			return false;
	fill_axes(of);
	*how = (struct segment_rearrangement){ .active = true, .permutation = permutation_of(of) };
	return true;
}

/*
 * Of a map of one row, bricks of channels for each row of the view, its pixels as they
 * are or exchanged with the channels.
 */
static bool find_rows(const struct source *source, const struct view *view,
		      const unsigned int *first, const int32_t shape[AXES],
		      struct segment_rearrangement *how)
{
	const struct view_dimension *rows = only_entry(view, first, ROW);
	int64_t element = source->stride[CHANNEL], channel = view->offset / element;
	unsigned int of[AXES] = { ROW, AXES, AXES };
	int32_t each;

	if (source->size[ROW] != 1 || !rows || rows->stride <= 0 || rows->stride % element ||
	    view->offset < 0 || view->offset >= source->stride[COLUMN])
		return false;
	each = (int32_t)(rows->stride / element);
	if (each % source->lanes || channel % source->lanes ||
	    channel + (int64_t)each * rows->size > source->size[CHANNEL])
		return false;
	for (unsigned int to = COLUMN; to < AXES; to++) {
		const struct view_dimension *entry = only_entry(view, first, to);

		if (first[to + 1] == first[to])
			continue;
		if (!entry)
			return false;
		if (entry->stride == element && entry->size == each && of[CHANNEL] == AXES)
			of[CHANNEL] = to;
		else if (entry->stride == source->stride[COLUMN] &&
			 entry->size == source->size[COLUMN] && of[COLUMN] == AXES)
			of[COLUMN] = to;
		else
			return false;
	}
	if ((source->size[COLUMN] > 1 && of[COLUMN] == AXES) || (each > 1 && of[CHANNEL] == AXES))
		return false;
	fill_axes(of);
	*how = (struct segment_rearrangement){
		.active = true, .permutation = permutation_of(of), .row_channels = each,
		.first_channel = (int32_t)channel,
	};
	return rows->size == shape[ROW];
}

/* The rows of a map as bricks of channels of one row. */
static bool find_bricks(const struct source *source, const struct view *view,
			const unsigned int *first, struct segment_rearrangement *how)
{
	const struct view_dimension *outer = &view->dimensions[first[CHANNEL]], *inner = outer + 1;
	const struct view_dimension *columns = only_entry(view, first, COLUMN);

	if (view->offset || first[ROW + 1] > first[ROW] ||
	    first[CHANNEL + 1] - first[CHANNEL] != 2 ||
	    outer->size != source->size[ROW] || outer->stride != source->stride[ROW] ||
	    inner->size != source->size[CHANNEL] || inner->stride != source->stride[CHANNEL] ||
	    source->size[CHANNEL] % source->lanes)
		return false;
	if (columns ? columns->size != source->size[COLUMN] ||
		      columns->stride != source->stride[COLUMN] :
		      source->size[COLUMN] > 1 || first[COLUMN + 1] > first[COLUMN])
		return false;
	*how = (struct segment_rearrangement){
		.active = true, .permutation = KESTREL_PERMUTATION_YXC,
		.brick_channels = source->size[CHANNEL],
	};
	return true;
}

static bool find(const struct segment_value *value, const struct view *elements,
		 const int32_t shape[AXES], struct segment_rearrangement *how)
{
	int64_t element = ir_type_bytes(value->type);
	const struct source source = {
		.size = { value->height, value->width, value->channels },
		.stride = { element * value->channels * value->width, element * value->channels,
			    element },
		.lanes = (int32_t)(KESTREL_ISA_BRICK_BYTES / element),
	};
	struct view view = *elements;
	unsigned int first[AXES + 1];

	return view_group(&view, shape, AXES, first) &&
	       (find_whole(&source, &view, first, how) ||
		find_rows(&source, &view, first, shape, how) ||
		find_bricks(&source, &view, first, how));
}

/* The operator of the segment that makes the tensor, or the one that reads it. */
static unsigned int operator_of(const struct segment_builder *builder, int tensor)
{
	int producer = builder->segment->graph->tensors[tensor].producer;

	return producer >= (int)builder->first && producer < (int)builder->current ?
	       (unsigned int)producer : builder->current;
}

int segment_rearrange(struct segment_builder *builder, int tensor, const struct view *view,
		      int32_t height, int32_t width, int32_t channels)
{
	struct segment *segment = builder->segment;
	int owner = builder->tensors[tensor].owner, written = builder->tensors[owner].written;
	const int32_t shape[AXES] = { height, width, channels };
	struct segment_rearrangement how;
	struct segment_value *value;
	struct view elements = *view;
	int index;

	if (written < 0 || builder->making_dense ||
	    !find(&segment->values[written], view, shape, &how))
		return -1;
	segment->rearrangeable++;
	if (!segment->rearrange)
		return -1;
	view_merge(&elements);
	for (unsigned int v = 0; v < segment->value_count; v++) {
		value = &segment->values[v];
		if (value->is_rearranged && value->tensor == owner && value->height == height &&
		    value->width == width && value->channels == channels &&
		    view_equals(&value->elements, &elements))
			return (int)v;
	}
	index = segment_value_add(segment, owner, height, width, channels);
	value = &segment->values[index];
	value->is_rearranged = true;
	value->elements = elements;
	value->producer = (int)segment->node_count;
	segment->nodes[segment->node_count++] = (struct segment_node){
		.rearrangement = how, .operator_index = operator_of(builder, tensor),
		.op = &rearranging, .inputs = { written }, .input_count = 1, .output = index,
		.window = { .kernel_h = 1, .kernel_w = 1, .stride_h = 1, .stride_w = 1,
			    .dilation_h = 1, .dilation_w = 1 },
	};
	return index;
}
