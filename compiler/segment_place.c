// SPDX-License-Identifier: MIT
/*
 * Concatenations by placement: their parts are written where they belong in the
 * SRAM, by the operators that make them or by copies.
 */

#include "error.h"
#include "segment_builder.h"

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
			if (!taken && segment_find_part(&views[i], part->shape, whole, bytes, part->at)) {
				part->value = value;
				any = true;
				continue;
			}
		}
		part->shape[0] = map.h;
		part->shape[1] = map.w;
		part->shape[2] = map.c;
		if (!segment_find_part(&views[i], part->shape, whole, bytes, part->at))
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
