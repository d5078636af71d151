// SPDX-License-Identifier: MIT
/*
 * Concatenations by placement: their parts are written where they belong in the
 * SRAM, by the operators that make them or by copies.
 */
#include <errno.h>

#include "error.h"
#include "segment_builder.h"

/*
 * Where a map of `shape` lies inside a map of `whole`, in rows, columns and channels,
 * when it has the elements that the view shows; false: it is no part of that kind.
 */
static bool find_part(const struct view *view, const int32_t shape[3],
		      const struct ir_feature_map *whole, uint32_t element_bytes, int32_t at[3])
{
	int64_t pixel = (int64_t)whole->c * element_bytes, row = pixel * whole->w;
	const int64_t strides[3] = { row, pixel, element_bytes };
	const int32_t extents[3] = { whole->h, whole->w, whole->c };
	int32_t lanes = (int32_t)(KESTREL_ISA_BRICK_BYTES / element_bytes);
	struct view grouped = *view;
	unsigned int first[4];

	if (!view_group(&grouped, shape, 3, first))
		return false;
	for (unsigned int d = 0; d < 3; d++) {
		unsigned int entries = first[d + 1] - first[d];

		if (entries > 1 ||
		    (entries == 1 && grouped.dimensions[first[d]].stride != strides[d]))
			return false;
	}
	at[0] = (int32_t)(view->offset / row);
	at[1] = (int32_t)(view->offset % row / pixel);
	at[2] = (int32_t)(view->offset % pixel / element_bytes);
	for (unsigned int d = 0; d < 3; d++)
		if (at[d] + shape[d] > extents[d])
			return false;
	/* A map of few channels may be packed; then a column can lie where no command begins. */
	if (whole->c < lanes && at[1] * pixel % KESTREL_ISA_BRICK_BYTES)
		return false;
	/* Bricks are written whole, and packed pixels are. */
	return at[2] % lanes == 0 && (at[2] + shape[2] == whole->c || shape[2] % lanes == 0) &&
	       (whole->c >= lanes || shape[2] == whole->c);
}

int segment_read_part(struct segment_builder *builder, int tensor, int32_t height, int32_t width,
		      int32_t channels)
{
	struct segment *segment = builder->segment;
	const struct segment_tensor *of = &builder->tensors[tensor];
	const int32_t shape[3] = { height, width, channels };
	int written = builder->tensors[of->owner].written, index;
	struct segment_value *whole, *value;
	struct ir_feature_map map;
	int32_t at[3];

	if (!segment->placement || written < 0)
		return -1;
	whole = &segment->values[written];
	map = (struct ir_feature_map){ 1, whole->height, whole->width, whole->channels };
	if (!find_part(&of->view, shape, &map, ir_type_bytes(whole->type), at))
		return -1;
	/* A part of a part is one of the whole. */
	if (whole->whole >= 0) {
		at[0] += whole->part_row;
		at[1] += whole->part_column;
		at[2] += whole->part_channel;
		written = whole->whole;
	}
	for (unsigned int v = 0; v < segment->value_count; v++) {
		value = &segment->values[v];
		if (value->is_slice && value->whole == written && value->height == height &&
		    value->width == width && value->channels == channels &&
		    value->part_row == at[0] && value->part_column == at[1] &&
		    value->part_channel == at[2])
			return (int)v;
	}
	index = segment_value_add(segment, of->owner, height, width, channels);
	value = &segment->values[index];
	value->producer = whole->producer;
	value->is_slice = true;
	value->whole = written;
	value->part_row = at[0];
	value->part_column = at[1];
	value->part_channel = at[2];
	segment->values[written].has_parts = true;
	segment->placed++;
	return index;
}

/* Whether the node that makes the value can write it as a part of another. */
static bool is_free(const struct segment_value *value)
{
	return value->producer >= 0 && value->whole < 0 && !value->has_parts;
}

struct part {
	/* The value that is written in place, or -1: a copy is. */
	int value;
	int32_t shape[3], at[3];
};

static bool find_parts(struct segment_builder *builder, const struct ir_operator *op,
		       const struct view *views, const struct ir_feature_map *whole,
		       struct part *parts)
{
	struct segment *segment = builder->segment;
	const struct ir_graph *graph = segment->graph;
	uint32_t bytes = ir_type_bytes(graph->tensors[op->outputs[0]].type);
	bool any = false;

	for (unsigned int i = 0; i < op->input_count; i++) {
		struct ir_feature_map map = segment_merged_map(&graph->tensors[op->inputs[i]]);
		int value = segment_value_whole(builder, op->inputs[i]);
		struct part *part = &parts[i];

		part->value = -1;
		if (value >= 0 && is_free(&segment->values[value])) {
			const struct segment_value *v = &segment->values[value];
			bool taken = false;

			for (unsigned int j = 0; j < i; j++)
				taken |= parts[j].value == value;
			part->shape[0] = v->height;
			part->shape[1] = v->width;
			part->shape[2] = v->channels;
			if (!taken && find_part(&views[i], part->shape, whole, bytes, part->at)) {
				part->value = value;
				any = true;
				continue;
			}
		}
		part->shape[0] = map.h;
		part->shape[1] = map.w;
		part->shape[2] = map.c;
		if (!find_part(&views[i], part->shape, whole, bytes, part->at))
			return false;
	}
	return any;
}

static void set_part(struct segment_value *value, int whole, const struct part *part)
{
	value->whole = whole;
	value->part_row = part->at[0];
	value->part_column = part->at[1];
	value->part_channel = part->at[2];
}

/* A node that copies a tensor into its part of the whole. Returns it, or an error. */
static int copy_part(struct segment_builder *builder, unsigned int operator_index, int tensor,
		     int output, int whole, const struct part *part)
{
	struct segment *segment = builder->segment;
	int from = segment_value_read(builder, tensor, part->shape[0], part->shape[1],
				      part->shape[2]);
	int to;

	if (from < 0)
		return from;
	to = segment_value_add(segment, output, part->shape[0], part->shape[1], part->shape[2]);
	set_part(&segment->values[to], whole, part);
	segment->values[to].producer = (int)segment->node_count;
	segment->nodes[segment->node_count] = (struct segment_node){
		.copy = true, .operator_index = operator_index,
		.op = &segment->graph->operators[operator_index],
		.inputs = { from }, .input_count = 1, .output = to,
		.window = { .kernel_h = 1, .kernel_w = 1, .stride_h = 1, .stride_w = 1,
			    .dilation_h = 1, .dilation_w = 1 },
	};
	return (int)segment->node_count++;
}

int segment_place_parts(struct segment_builder *builder, unsigned int operator_index,
			const struct view *views)
{
	struct segment *segment = builder->segment;
	const struct ir_operator *op = &segment->graph->operators[operator_index];
	struct ir_feature_map map =
		segment_merged_map(&segment->graph->tensors[op->outputs[0]]);
	struct part *parts = arena_alloc(segment->graph->arena, op->input_count, sizeof(*parts));
	int whole, last = -1;

	if (!parts)
		return error_memory(segment->graph->error);
	if (!find_parts(builder, op, views, &map, parts))
		return 0;
	whole = segment_value_add(segment, op->outputs[0], map.h, map.w, map.c);
	segment->values[whole].has_parts = true;
	for (unsigned int i = 0; i < op->input_count; i++) {
		int node = -1;

		if (parts[i].value >= 0) {
			set_part(&segment->values[parts[i].value], whole, &parts[i]);
			node = segment->values[parts[i].value].producer;
		} else {
			node = copy_part(builder, operator_index, op->inputs[i], op->outputs[0],
					 whole, &parts[i]);
		}
		if (node < 0)
			return node;
		if (node > last)
			last = node;
	}
	segment->values[whole].producer = last;
	builder->tensors[op->outputs[0]].written = whole;
	segment->placed++;
	return 1;
}
