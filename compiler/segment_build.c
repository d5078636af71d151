// SPDX-License-Identifier: MIT
/* Operators become the nodes and values of a segment. */
#include <errno.h>
#include <string.h>

#include "accumulator.h"
#include "error.h"
#include "prune.h"
#include "segment_builder.h"

/*
 * A fully connected layer whose input was written as a feature map is a
 * convolution with a kernel of the map's size: the bytes need not move.
 */
static int fully_connected_input(struct segment_builder *builder, struct segment_node *node)
{
	struct segment *segment = builder->segment;
	const struct ir_tensor *weights = &segment->graph->tensors[node->op->inputs[1]];
	int written = segment_value_whole(builder, node->op->inputs[0]);
	int32_t depth = weights->shape[1];
	const struct ir_tensor *in = &segment->graph->tensors[node->op->inputs[0]];

	node->window = (struct ir_window){
		.kernel_h = 1, .kernel_w = 1, .stride_h = 1, .stride_w = 1,
		.dilation_h = 1, .dilation_w = 1,
	};
	node->weights.channels = depth;
	if (written >= 0) {
		const struct segment_value *value = &segment->values[written];

		if ((uint64_t)value->height * (uint64_t)value->width *
		    (uint64_t)value->channels == (uint64_t)depth && value->height <= 1024 &&
		    value->width <= 1024) {
			node->window.kernel_h = value->height;
			node->window.kernel_w = value->width;
			node->weights.channels = value->channels;
			return written;
		}
	}
	return segment_value_read(builder, node->op->inputs[0], 1,
				(int32_t)(in->elements / (uint64_t)depth), depth);
}

static int mac_node(struct segment *segment, struct segment_node *node)
{
	const struct ir_operator *op = node->op;
	const struct ir_tensor *weights = &segment->graph->tensors[op->inputs[1]];
	int32_t channels = segment->values[node->inputs[0]].channels;

	node->is_mac = true;
	/* A depthwise convolution of one channel is a plain one. */
	node->depthwise = op->kind == IR_DEPTHWISE && channels > 1;
	node->weights.data = weights->data;
	node->weights.depth = segment->values[node->inputs[0]].type == IR_INT16 ? 8 : 16;
	node->transposed = op->kind == IR_TRANSPOSE_CONVOLUTION;
	node->weights.zero = (uint8_t)op->weight_zero_point;
	node->weights.channel_innermost = op->kind == IR_DEPTHWISE;
	node->weights.output_channels = segment->values[node->output].channels;
	node->weights.rows = (struct weights_taps){ node->window.kernel_h, 0, 1 };
	node->weights.columns = (struct weights_taps){ node->window.kernel_w, 0, 1 };
	node->weights.source_kernel_h = node->window.kernel_h;
	node->weights.source_kernel_w = node->window.kernel_w;
	if (op->kind == IR_DEPTHWISE)
		node->weights.channels = 1;
	else if (op->kind != IR_FULLY_CONNECTED)
		node->weights.channels = channels;
	node->weights.source_channels = node->weights.channels;
	node->weights.source_output_channels = node->weights.output_channels;
	if (op->kind == IR_CONVOLUTION && ir_extent(weights, 0) < channels) {
		node->weights.source_channels = ir_extent(weights, 0);
		node->weights.group_outputs = node->weights.output_channels /
					      (channels / ir_extent(weights, 0));
	}
	/* The partition has made sure that they fit. */
	return accumulator_bias(segment->graph, op, &node->bias) ? 0 :
	       error_memory(segment->graph->error);
}

/* Whether a kind computes with windows, which stay inside an image. */
static bool is_window(enum ir_kind kind)
{
	switch (kind) {
	case IR_CONVOLUTION:
	case IR_TRANSPOSE_CONVOLUTION:
	case IR_DEPTHWISE:
	case IR_AVERAGE_POOL:
	case IR_MAX_POOL:
	case IR_MEAN:
	case IR_SUM:
	case IR_REDUCE_MAX:
	case IR_REDUCE_MIN:
	case IR_RESIZE_BILINEAR:
	case IR_RESIZE_NEAREST:
	case IR_PAD:
		return true;
	default:
		return false;
	}
}

static void node_window(const struct segment *segment, struct segment_node *node)
{
	const struct ir_operator *op = node->op;
	const struct segment_value *input = &segment->values[node->inputs[0]];
	int32_t input_rows = ir_extent(&segment->graph->tensors[op->inputs[0]], 2);
	int32_t images = input->height / input_rows;

	if (images > 1 && is_window(op->kind)) {
		node->images = images;
		node->image_rows = segment->values[node->output].height / images;
	}
	switch (op->kind) {
	case IR_FULLY_CONNECTED:
		break;
	case IR_CONVOLUTION:
	case IR_TRANSPOSE_CONVOLUTION:
	case IR_DEPTHWISE:
	case IR_AVERAGE_POOL:
	case IR_MAX_POOL:
		node->window = op->window;
		break;
	case IR_MEAN:
	case IR_SUM:
	case IR_REDUCE_MAX:
	case IR_REDUCE_MIN:
		/* A dimension that is not reduced keeps a kernel of one. */
		node->window = (struct ir_window){
			.kernel_h = segment->values[node->output].height == input->height ?
				    1 : input_rows,
			.kernel_w = segment->values[node->output].width == input->width ?
				    1 : input->width,
			.stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1,
		};
		break;
	default:
		node->window = (struct ir_window){
			.kernel_h = 1, .kernel_w = 1, .stride_h = 1, .stride_w = 1,
			.dilation_h = 1, .dilation_w = 1,
		};
		break;
	}
	if (op->kind == IR_RESIZE_BILINEAR || op->kind == IR_RESIZE_NEAREST)
		node->is_resize = segment_resize_axis(segment->graph, op, 2, &node->resize_y) &&
				  segment_resize_axis(segment->graph, op, 1, &node->resize_x);
	if (op->kind == IR_PAD) {
		unsigned int rank = segment->graph->tensors[op->inputs[0]].rank;

		node->window.pad_top = rank > 2 ? op->pad_before[rank - 3] : 0;
		node->window.pad_bottom = rank > 2 ? op->pad_after[rank - 3] : 0;
		node->window.pad_left = rank > 1 ? op->pad_before[rank - 2] : 0;
		node->window.pad_right = rank > 1 ? op->pad_after[rank - 2] : 0;
	}
}

/* Shape that the node gives its output value, in terms of its input's. */
static void output_shape(const struct segment *segment, const struct segment_node *node,
			 struct ir_feature_map *map)
{
	const struct ir_operator *op = node->op;
	const struct segment_value *input = &segment->values[node->inputs[0]];
	const struct ir_tensor *in = &segment->graph->tensors[op->inputs[0]];

	*map = segment_merged_map(&segment->graph->tensors[op->outputs[0]]);
	if (op->kind == IR_FULLY_CONNECTED) {
		map->h = 1;
		map->w = (int32_t)(segment->graph->tensors[op->outputs[0]].elements /
				   (uint64_t)map->c);
	} else if (ir_is_reduction(op->kind)) {
		/* Without keep_dims the tensor's rank says nothing about height and width. */
		map->c = input->channels;
		map->h = in->rank > 2 && op->axes >> (in->rank - 3) & 1 ?
			 input->height / ir_extent(in, 2) : input->height;
		map->w = in->rank > 1 && op->axes >> (in->rank - 2) & 1 ? 1 : input->width;
	}
}

static int node_add(struct segment_builder *builder, unsigned int operator_index)
{
	struct segment *segment = builder->segment;
	struct segment_node node = {
		.operator_index = operator_index,
		.op = &segment->graph->operators[operator_index],
	};
	struct segment_tensor *written;
	struct ir_feature_map map;
	int value, ret = 0;

	node.is_product = node.is_mac = node.op->kind == IR_BATCH_MATMUL;
	node.input_count = ir_is_elementwise(node.op->kind) || node.is_product ? 2 : 1;
	for (unsigned int i = 0; i < node.input_count; i++) {
		if (node.op->kind == IR_FULLY_CONNECTED) {
			value = fully_connected_input(builder, &node);
		} else if (ir_is_elementwise(node.op->kind)) {
			value = segment_elementwise_input(builder, &node, i);
		} else if (ir_is_reduction(node.op->kind) &&
			   !segment_reduces_plane(segment->graph, node.op)) {
			value = segment_reduce_input(builder, &node, &map);
		} else {
			map = segment_merged_map(&segment->graph->tensors[node.op->inputs[i]]);
			value = segment_value_read(builder, node.op->inputs[i], map.h, map.w, map.c);
		}
		if (value < 0)
			return value;
		node.inputs[i] = value;
	}
	/* One matrix may serve all of the other's. */
	for (unsigned int i = 0; i < node.input_count && node.is_product; i++)
		node.row_broadcast[i] = segment->values[node.inputs[i]].height <
			segment_merged_map(&segment->graph->tensors[node.op->outputs[0]]).h;
	if (!node.reordered)
		output_shape(segment, &node, &map);
	node.output = segment_value_add(segment, node.op->outputs[0], map.h, map.w, map.c);
	segment->values[node.output].producer = (int)segment->node_count;
	written = &builder->tensors[node.op->outputs[0]];
	written->written = node.output;
	if (!node.reordered)
		node_window(segment, &node);
	if (node.op->kind == IR_CONVOLUTION || node.op->kind == IR_DEPTHWISE ||
	    node.op->kind == IR_FULLY_CONNECTED || node.op->kind == IR_TRANSPOSE_CONVOLUTION)
		ret = mac_node(segment, &node);
	segment->nodes[segment->node_count++] = node;
	return ret;
}

/* Tensors that must be in memory when the segment ends. */
static int add_stores(struct segment_builder *builder)
{
	struct segment *segment = builder->segment;
	struct ir_graph *graph = segment->graph;
	int ret = 0;

	for (unsigned int o = builder->first; o < builder->first + builder->count; o++) {
		const struct ir_operator *op = &graph->operators[o];

		for (unsigned int i = 0; i < op->output_count && !op->removed_reason && !ret; i++) {
			const struct ir_tensor *tensor = &graph->tensors[op->outputs[i]];
			int value = segment_value_whole(builder, op->outputs[i]);
			struct segment_place place;

			if (value < 0 || tensor->is_state ||
			    !segment_is_needed_outside(builder, op->outputs[i]))
				continue;
			place.base = segment_base_of_tensor(segment, op->outputs[i],
							    KESTREL_GRAPH_BASE_WRITE);
			place.view = view_dense(tensor->shape, tensor->rank,
						ir_type_bytes(tensor->type));
			ret = place.base == SEGMENT_NO_BASE ? -E2BIG :
			      segment_store_add(segment, &segment->values[value], &place);
		}
	}
	return ret;
}

/* Values and nodes that an operator can become at most. */
static size_t operator_size(const struct ir_graph *graph, const struct ir_operator *op)
{
	size_t size = 2 * (size_t)op->input_count + 2 * (size_t)op->output_count + 2;
	size_t parts = 1;

	if (op->kind != IR_MIRROR_PAD)
		return size;
	/* What lies before the input, the input, what lies behind it, in each dimension. */
	for (unsigned int d = 0; d < graph->tensors[op->inputs[0]].rank; d++)
		parts *= 3;
	return size + parts;
}

static int builder_init(struct segment_builder *builder)
{
	struct segment *segment = builder->segment;
	struct ir_graph *graph = segment->graph;
	size_t size = 1;

	for (unsigned int o = builder->first; o < builder->first + builder->count; o++)
		size += operator_size(graph, &graph->operators[o]);
	/* Each can be split once. */
	segment->values = arena_alloc(graph->arena, 2 * size, sizeof(*segment->values));
	segment->nodes = arena_alloc(graph->arena, size, sizeof(*segment->nodes));
	builder->tensors = arena_alloc(graph->arena, graph->tensor_count,
				       sizeof(*builder->tensors));
	if (!segment->values || !segment->nodes || !builder->tensors)
		return error_memory(graph->error);
	for (unsigned int t = 0; t < graph->tensor_count; t++) {
		const struct ir_tensor *tensor = &graph->tensors[t];

		builder->tensors[t] = (struct segment_tensor){
			.owner = (int)t, .written = -1, .assembled_after = -1,
			.view = view_dense(tensor->shape, tensor->rank,
					   ir_type_bytes(tensor->type)),
		};
	}
	segment->value_count = segment->node_count = 0;
	segment->scratch_bytes = 0;
	segment->dead_channels = 0;
	segment->placed = segment->rearrangeable = 0;
	memset(segment->out->bases, 0, sizeof(segment->out->bases));
	segment->out->base_count = SEGMENT_BASE_TENSORS;
	segment->out->bases[SEGMENT_BASE_SCRATCH].tensor = -1;
	segment->out->bases[SEGMENT_BASE_CONSTANTS].tensor = -1;
	return 0;
}

int segment_build(struct segment *segment, unsigned int first, unsigned int count)
{
	struct ir_graph *graph = segment->graph;
	struct segment_builder builder = { .segment = segment, .first = first, .count = count };
	int ret = builder_init(&builder);

	for (unsigned int i = 0; i < count && !ret; i++) {
		unsigned int o = segment->order ? segment->order[i] : first + i;
		const struct ir_operator *op = &graph->operators[o];

		if (op->removed_reason)
			continue;
		builder.current = segment->failed_operator = o;
		ret = ir_is_move(graph, op) ? segment_move(&builder, o) :
						   node_add(&builder, o);
	}
	if (!ret)
		ret = add_stores(&builder);
	if (!ret)
		ret = prune_dead_channels(segment);
	if (!ret)
		segment_choose_layouts(segment);
	segment_find_readers(segment);
	return ret || segment->node_count ? ret : -ENODATA;
}
