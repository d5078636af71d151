// SPDX-License-Identifier: MIT
/*
 * Reductions over any dimensions. The VECTOR unit sums over rows and columns; where
 * others are reduced, the input is fetched in an order in which those are its rows.
 */
#include <errno.h>

#include "segment_builder.h"

#define KERNEL_MAX 1024
#define EXTENT_MAX 65536

bool segment_reduces_plane(const struct ir_graph *graph, const struct ir_operator *op)
{
	unsigned int rank = graph->tensors[op->inputs[0]].rank;
	uint32_t h = rank > 2 ? 1u << (rank - 3) : 0;
	uint32_t w = rank > 1 ? 1u << (rank - 2) : 0;

	return !(op->axes & ~(h | w));
}

bool segment_reduce_shape(const struct ir_graph *graph, const struct ir_operator *op,
			  struct segment_reduction *reduction)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	int64_t reduced = 1, kept = 1;
	int32_t last = 1;

	for (unsigned int d = 0; d < in->rank; d++) {
		if (op->axes >> d & 1) {
			reduced *= in->shape[d];
			continue;
		}
		kept *= in->shape[d];
		last = in->shape[d];
	}
	*reduction = (struct segment_reduction){
		.kernel_h = (int32_t)reduced, .kernel_w = 1,
		.width = (int32_t)(kept / last), .channels = last,
	};
	if (reduced > KERNEL_MAX) {
		if (reduced > (int64_t)KERNEL_MAX * KERNEL_MAX)
			return false;
		for (reduction->kernel_w = KERNEL_MAX; reduced % reduction->kernel_w;)
			reduction->kernel_w--;
		reduction->kernel_h = (int32_t)(reduced / reduction->kernel_w);
		reduction->width = 1;
		reduction->channels = kept > EXTENT_MAX ? 0 : (int32_t)kept;
	}
	return reduction->kernel_h <= KERNEL_MAX && reduction->width <= EXTENT_MAX &&
	       reduction->channels > 0 && reduction->channels <= EXTENT_MAX;
}

int segment_reduce_input(struct segment_builder *builder, struct segment_node *node,
			 struct ir_feature_map *output)
{
	const struct ir_graph *graph = builder->segment->graph;
	const struct ir_operator *op = node->op;
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	struct view view = builder->tensors[op->inputs[0]].view;
	struct segment_reduction reduction;
	uint32_t order[IR_RANK_MAX];
	unsigned int next = 0;

	for (unsigned int pass = 0; pass < 2; pass++)
		for (unsigned int d = 0; d < in->rank; d++)
			if ((op->axes >> d & 1) != pass)
				order[next++] = d;
	if (!segment_reduce_shape(graph, op, &reduction))
		return -EFBIG;
	if (!view_permute(&view, in->shape, in->rank, order)) {
		int ret = segment_make_dense(builder, op->inputs[0]);

		if (ret)
			return ret;
		view = builder->tensors[op->inputs[0]].view;
		if (!view_permute(&view, in->shape, in->rank, order))
			return -EFBIG;
	}
	*output = (struct ir_feature_map){ 1, 1, reduction.width, reduction.channels };
	node->reordered = true;
	node->window = (struct ir_window){
		.kernel_h = reduction.kernel_h, .kernel_w = reduction.kernel_w,
		.stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1,
	};
	return segment_view_read(builder, op->inputs[0], &view, reduction.kernel_h,
				 reduction.kernel_w == 1 ? reduction.width : reduction.kernel_w,
				 reduction.channels);
}
