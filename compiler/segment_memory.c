// SPDX-License-Identifier: MIT
/* Where the values of a segment lie in memory, and what is fetched from there. */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "segment_builder.h"

/* Commands of one transfer; bounds the work that a model can cause. */
#define TRANSFER_COMMANDS 512
/* What a dimension of a transfer counts to. */
#define COUNT_MAX 65536
/* Bytes of a row where one long run is cut into rows. */
#define RUN_BYTES 256

/*
 * Commands that it takes to move a map of this shape through the view; 0: it cannot
 * be grouped so.
 */
static uint64_t transfer_commands(const struct view *view, const int32_t shape[3],
				  unsigned int element_bytes)
{
	struct view grouped = *view;
	unsigned int first[4], rows, columns, channels;
	uint64_t commands = 1;

	if (!view_group(&grouped, shape, 3, first))
		return 0;
	rows = first[1] - first[0];
	columns = first[2] - first[1];
	channels = first[3] - first[2];
	if (rows > 1)
		commands *= (uint64_t)shape[0];
	if (columns > 1)
		commands *= (uint64_t)(shape[1] / grouped.dimensions[first[2] - 1].size);
	if (channels > 1)
		commands *= (uint64_t)shape[2];
	else if (channels == 1 && grouped.dimensions[first[2]].stride != element_bytes)
		commands *= ((uint64_t)shape[2] * element_bytes + KESTREL_ISA_BRICK_BYTES - 1) /
			    KESTREL_ISA_BRICK_BYTES;
	return commands;
}

static bool can_transfer(const struct view *view, int32_t height, int32_t width,
			 int32_t channels, unsigned int element_bytes)
{
	const int32_t shape[3] = { height, width, channels };
	uint64_t commands = transfer_commands(view, shape, element_bytes);

	return commands && commands <= TRANSFER_COMMANDS && height <= COUNT_MAX &&
	       width <= COUNT_MAX && channels <= COUNT_MAX;
}

bool segment_can_store(const struct segment_value *value, const struct segment_place *place)
{
	return value->producer >= 0 &&
	       can_transfer(&place->view, value->height, value->width, value->channels,
			    ir_type_bytes(value->type));
}

/* Where the owner's dense bytes are; -E2BIG, -ENOMEM. */
static int owner_place(struct segment_builder *builder, int owner, struct segment_place *place,
		       int *after)
{
	struct segment *segment = builder->segment;
	struct segment_tensor *tensor = &builder->tensors[owner];
	const struct segment_place *written;

	*after = -1;
	if (tensor->assembled) {
		*place = *tensor->assembled;
		*after = tensor->assembled_after;
		segment->out->bases[place->base].flags |= KESTREL_GRAPH_BASE_READ;
		return 0;
	}
	if (tensor->written >= 0) {
		written = segment_value_place(segment,
					      &segment->values[tensor->written]);
		if (!written)
			return error_memory(segment->graph->error);
		*place = *written;
		*after = segment->values[tensor->written].producer;
		return 0;
	}
	place->base = segment_base_of_tensor(segment, owner, KESTREL_GRAPH_BASE_READ);
	place->view.offset = 0;
	return place->base == SEGMENT_NO_BASE ? -E2BIG : 0;
}

int segment_view_read(struct segment_builder *builder, int tensor, const struct view *view,
		      int32_t height, int32_t width, int32_t channels)
{
	struct segment *segment = builder->segment;
	int owner = builder->tensors[tensor].owner, after, index, ret;
	unsigned int bytes = ir_type_bytes(segment->graph->tensors[tensor].type);
	struct segment_place place = { .base = SEGMENT_NO_BASE };
	struct view elements = *view;
	struct segment_value *value;

	view_merge(&elements);
	index = segment_rearrange(builder, tensor, &elements, height, width, channels);
	if (index >= 0)
		return index;
	if (!can_transfer(&elements, height, width, channels, bytes))
		return -EFBIG;
	for (unsigned int v = 0; v < segment->value_count; v++) {
		value = &segment->values[v];
		if (value->tensor == owner && value->height == height && value->width == width &&
		    value->channels == channels && !value->constant && !value->stale &&
		    value->producer < 0 && view_equals(&value->elements, &elements))
			return (int)v;
	}
	ret = owner_place(builder, owner, &place, &after);
	if (ret)
		return ret;
	index = segment_value_add(segment, owner, height, width, channels);
	value = &segment->values[index];
	value->source.base = place.base;
	value->source.view = elements;
	value->source.view.offset += place.view.offset;
	value->elements = elements;
	value->source_after = after;
	return index;
}

int segment_make_dense(struct segment_builder *builder, int tensor)
{
	struct segment *segment = builder->segment;
	const struct ir_tensor *of = &segment->graph->tensors[tensor];
	const struct segment_place *place = segment_scratch(segment, of->bytes,
							    ir_type_bytes(of->type));
	struct segment_tensor *to = &builder->tensors[tensor];
	int node;

	if (!place)
		return error_memory(segment->graph->error);
	node = segment_put(builder, builder->current, tensor, place);
	if (node < 0)
		return node;
	to->owner = tensor;
	to->view = view_dense(of->shape, of->rank, ir_type_bytes(of->type));
	to->assembled = place;
	to->assembled_after = node;
	return 0;
}

static int constant_add(struct segment_builder *builder, int tensor, int32_t height,
			int32_t width, int32_t channels)
{
	int index = segment_value_add(builder->segment, tensor, height, width, channels);

	builder->segment->values[index].constant = builder->segment->graph->tensors[tensor].data;
	return index;
}

int segment_value_read(struct segment_builder *builder, int tensor, int32_t height,
		       int32_t width, int32_t channels)
{
	struct segment *segment = builder->segment;
	const struct ir_tensor *read = &segment->graph->tensors[tensor];
	struct segment_tensor *of = &builder->tensors[tensor];
	int whole = segment_value_whole(builder, tensor), part, ret;

	if (ir_is_constant(read))
		return constant_add(builder, tensor, height, width, channels);
	if (whole >= 0 && segment->values[whole].height == height &&
	    segment->values[whole].width == width && segment->values[whole].channels == channels)
		return whole;
	part = segment_read_part(builder, tensor, height, width, channels);
	if (part < 0)
		part = segment_rearrange(builder, tensor, &of->view, height, width, channels);
	if (part >= 0)
		return part;
	if (!can_transfer(&of->view, height, width, channels, ir_type_bytes(read->type))) {
		ret = segment_make_dense(builder, tensor);
		if (ret)
			return ret;
	}
	return segment_view_read(builder, tensor, &of->view, height, width, channels);
}

/*
 * A shape in which a view moves with few commands: its own last dimensions; with
 * `channels` the last are channels even where they lie apart.
 */
static void natural_shape(const struct view *view, unsigned int element_bytes, bool channels,
			  int32_t shape[3])
{
	unsigned int last = view->count;
	uint64_t elements = 1;

	for (unsigned int i = 0; i < view->count; i++)
		elements *= (uint64_t)view->dimensions[i].size;
	shape[1] = shape[2] = 1;
	if (last && (channels || view->dimensions[last - 1].stride == element_bytes)) {
		shape[2] = view->dimensions[--last].size;
		/* One long run is cut, so that it can be moved in parts. */
		if (!last)
			for (int32_t part = RUN_BYTES; shape[2] > RUN_BYTES; part--)
				if (shape[2] % part == 0)
					shape[2] = part;
	}
	if (last)
		shape[1] = view->dimensions[--last].size;
	shape[0] = (int32_t)(elements / (uint64_t)shape[1] / (uint64_t)shape[2]);
}

static int put_shape(struct segment_builder *builder, int tensor,
		     const struct segment_place *place, int32_t shape[3])
{
	struct segment *segment = builder->segment;
	const struct ir_tensor *from = &segment->graph->tensors[tensor];
	unsigned int bytes = ir_type_bytes(from->type);
	struct ir_feature_map map = segment_merged_map(from);
	struct view source = builder->tensors[tensor].view, target = place->view;
	/* A row can be moved in parts when its pixels are rows. */
	const int32_t own[3] = { map.h > 1 ? map.h : map.w, map.h > 1 ? map.w : 1, map.c };
	int whole = segment_value_whole(builder, tensor);

	if (whole >= 0) {
		const struct segment_value *value = &segment->values[whole];

		shape[0] = value->height;
		shape[1] = value->width;
		shape[2] = value->channels;
		if (can_transfer(&target, shape[0], shape[1], shape[2], bytes))
			return 0;
	}
	view_merge(&source);
	view_merge(&target);
	for (unsigned int try = 0; try < 5; try++) {
		if (!try)
			memcpy(shape, own, sizeof(own));
		else
			natural_shape(try % 2 ? &target : &source, bytes, try > 2, shape);
		if (can_transfer(&source, shape[0], shape[1], shape[2], bytes) &&
		    can_transfer(&target, shape[0], shape[1], shape[2], bytes))
			return 0;
	}
	return -EFBIG;
}

/* A node that puts a value at a place. */
static int put_node(struct segment_builder *builder, unsigned int operator_index, int value,
		    const struct segment_place *place)
{
	struct segment *segment = builder->segment;

	segment->nodes[segment->node_count] = (struct segment_node){
		.store = place, .operator_index = operator_index,
		.op = &segment->graph->operators[operator_index],
		.inputs = { value }, .input_count = 1, .output = value,
		.window = { .kernel_h = 1, .kernel_w = 1, .stride_h = 1, .stride_w = 1,
			    .dilation_h = 1, .dilation_w = 1 },
	};
	segment->out->bases[place->base].flags |= KESTREL_GRAPH_BASE_WRITE;
	return (int)segment->node_count++;
}

int segment_put(struct segment_builder *builder, unsigned int operator_index, int tensor,
		const struct segment_place *place)
{
	int32_t shape[3];
	int value, ret = put_shape(builder, tensor, place, shape);

	/* By way of dense memory where no one shape suits both. */
	if (ret && builder->tensors[tensor].owner != tensor && !builder->making_dense) {
		builder->making_dense = true;
		ret = segment_make_dense(builder, tensor);
		builder->making_dense = false;
		if (!ret)
			ret = put_shape(builder, tensor, place, shape);
	}
	if (ret)
		return ret;
	value = segment_value_read(builder, tensor, shape[0], shape[1], shape[2]);
	return value < 0 ? value : put_node(builder, operator_index, value, place);
}

int segment_put_view(struct segment_builder *builder, unsigned int operator_index, int tensor,
		     const struct view *view, const struct segment_place *place)
{
	unsigned int bytes = ir_type_bytes(builder->segment->graph->tensors[tensor].type);
	struct view source = *view;
	int32_t shape[3];
	int value;

	view_merge(&source);
	natural_shape(&place->view, bytes, false, shape);
	if (!can_transfer(&source, shape[0], shape[1], shape[2], bytes))
		natural_shape(&source, bytes, false, shape);
	if (!can_transfer(&place->view, shape[0], shape[1], shape[2], bytes))
		return -EFBIG;
	value = segment_view_read(builder, tensor, &source, shape[0], shape[1], shape[2]);
	return value < 0 ? value : put_node(builder, operator_index, value, place);
}
