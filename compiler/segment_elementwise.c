// SPDX-License-Identifier: MIT
/* Operands of elementwise operators: broadcasting and constants. */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "segment_builder.h"

/* Element of `from` for element (y, x, c) of the output, y over all outer dimensions. */
static uint64_t broadcast_index(const struct ir_tensor *from, const struct ir_tensor *output,
				int32_t y, int32_t x, int32_t c)
{
	uint64_t index = 0, step = 1;
	int32_t position[IR_RANK_MAX] = { c, x };

	for (unsigned int d = 2; d < IR_RANK_MAX; d++) {
		position[d] = y % ir_extent(output, d);
		y /= ir_extent(output, d);
	}
	for (unsigned int d = 0; d < IR_RANK_MAX; d++) {
		int32_t extent = ir_extent(from, d);

		index += (uint64_t)(extent == 1 ? 0 : position[d]) * step;
		step *= (uint64_t)extent;
	}
	return index;
}

/*
 * A constant with all channels of the output, and with its rows and columns where
 * the constant has more than one.
 */
static int constant_value(struct segment_builder *builder, const struct segment_node *node,
			  int tensor, const struct ir_feature_map *map)
{
	struct segment *segment = builder->segment;
	const struct ir_tensor *from = &segment->graph->tensors[tensor];
	const struct ir_tensor *output = &segment->graph->tensors[node->op->outputs[0]];
	unsigned int bytes = ir_type_bytes(from->type);
	int32_t width = ir_extent(from, 1) > 1 ? map->w : 1;
	bool rows = from->elements > (uint64_t)(ir_extent(from, 0) * ir_extent(from, 1));
	int index = segment_value_add(segment, tensor, rows ? map->h : 1, width, map->c);
	struct segment_value *value = &segment->values[index];
	uint8_t *to = arena_alloc(segment->graph->arena, (size_t)value->height * (size_t)width *
				  (size_t)map->c, bytes);

	if (!to)
		return error_memory(segment->graph->error);
	value->constant = to;
	for (int32_t y = 0; y < value->height; y++)
		for (int32_t x = 0; x < width; x++)
			for (int32_t c = 0; c < map->c; c++, to += bytes)
				memcpy(to, from->data + bytes *
				       broadcast_index(from, output, y, x, c), bytes);
	return index;
}

/* Whether the VECTOR unit reads the operand as it is: with one row or one column at most. */
static bool is_broadcast_by_unit(const struct ir_tensor *in, const struct ir_tensor *output)
{
	uint64_t row = (uint64_t)ir_extent(in, 0) * (uint64_t)ir_extent(in, 1);
	uint64_t output_row = (uint64_t)ir_extent(output, 0) * (uint64_t)ir_extent(output, 1);

	return ir_extent(in, 0) == ir_extent(output, 0) &&
	       (in->elements == row || in->elements / row == output->elements / output_row);
}

/* An operand repeated along its channels or images: a map like the output's, by DMA. */
static int repeated_value(struct segment_builder *builder, int tensor,
			  const struct ir_tensor *output)
{
	const struct ir_tensor *in = &builder->segment->graph->tensors[tensor];
	struct ir_feature_map map = segment_merged_map(output);
	struct view view = builder->tensors[tensor].view;
	int ret;

	if (!view_repeat(&view, in->shape, in->rank, output->shape, output->rank)) {
		ret = segment_make_dense(builder, tensor);
		if (ret)
			return ret;
		view = builder->tensors[tensor].view;
		if (!view_repeat(&view, in->shape, in->rank, output->shape, output->rank))
			return -EFBIG;
	}
	return segment_view_read(builder, tensor, &view, map.h, map.w, map.c);
}

int segment_elementwise_input(struct segment_builder *builder, struct segment_node *node,
			      unsigned int i)
{
	const struct ir_tensor *tensors = builder->segment->graph->tensors;
	const struct ir_tensor *output = &tensors[node->op->outputs[0]];
	int tensor = node->op->inputs[i], index;
	struct ir_feature_map output_map = segment_merged_map(output);
	struct ir_feature_map map = segment_merged_map(&tensors[tensor]);

	if (ir_is_constant(&tensors[tensor]))
		index = constant_value(builder, node, tensor, &output_map);
	else if (!is_broadcast_by_unit(&tensors[tensor], output))
		index = repeated_value(builder, tensor, output);
	else
		index = segment_value_read(builder, tensor, map.h, map.w, map.c);
	if (index >= 0)
		node->row_broadcast[i] = builder->segment->values[index].height < output_map.h;
	return index;
}
