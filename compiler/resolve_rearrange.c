// SPDX-License-Identifier: MIT
/* Operators that repeat elements or put them into another order. */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "resolve_check.h"

int resolve_mirror_pad(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in;
	struct kestrel_graph_pad *pad;
	int32_t reflect = !op->attributes.symmetric;
	int ret = resolve_check_counts(graph, op, 2, 2);

	if (!ret)
		ret = resolve_check_same_quantisation(graph, op);
	if (!ret)
		ret = resolve_paddings(graph, op);
	if (!ret)
		ret = resolve_portable(graph, op, KESTREL_GRAPH_MIRROR_PAD, 0);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	pad = &op->portable->attributes.pad;
	pad->reflect = (uint32_t)reflect;
	for (unsigned int d = 0; d < in->rank; d++) {
		if (op->pad_before[d] > in->shape[d] - reflect ||
		    op->pad_after[d] > in->shape[d] - reflect)
			return error_set(graph->error, -EINVAL,
					 "%s: mirrors of %d and %d in dimension %u of %d",
					 ir_where(graph, op, op->inputs[1]), op->pad_before[d],
					 op->pad_after[d], d, in->shape[d]);
		pad->before[d] = (uint32_t)op->pad_before[d];
		pad->after[d] = (uint32_t)op->pad_after[d];
	}
	op->input_count = 1;
	return 0;
}

/* SPACE_TO_DEPTH and DEPTH_TO_SPACE. */
int resolve_block(struct ir_graph *graph, struct ir_operator *op)
{
	bool gathers = op->kind == IR_SPACE_TO_DEPTH;
	int64_t block = op->attributes.block_size;
	struct ir_feature_map wide, deep;
	const struct ir_tensor *in, *out;
	int ret = resolve_check_counts(graph, op, 1, 1);

	if (!ret)
		ret = resolve_check_same_quantisation(graph, op);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	wide = ir_feature_map(gathers ? in : out);
	deep = ir_feature_map(gathers ? out : in);
	if (in->rank != 4 || out->rank != 4 || block < 1 || block > 65535 || wide.n != deep.n ||
	    wide.h != deep.h * block || wide.w != deep.w * block ||
	    wide.c * block * block != deep.c)
		return error_set(graph->error, -EINVAL, "%s: shape does not match blocks of %lld",
				 ir_where(graph, op, op->outputs[0]), (long long)block);
	ret = resolve_portable(graph, op, gathers ? KESTREL_GRAPH_SPACE_TO_DEPTH :
			       KESTREL_GRAPH_DEPTH_TO_SPACE, 0);
	if (!ret)
		op->portable->attributes.block.block_size = (uint32_t)block;
	return ret;
}

/*
 * SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: blocks of all dimensions but the first and the
 * last, with pairs of what is padded or cropped before and after.
 */
int resolve_batch_block(struct ir_graph *graph, struct ir_operator *op)
{
	bool gathers = op->kind == IR_SPACE_TO_BATCH;
	struct kestrel_graph_batch_block *to;
	const struct ir_tensor *few, *many, *in;
	int32_t blocks[2] = { 1, 1 }, edges[4] = { 0 };
	unsigned int count, pairs;
	int64_t product = 1;
	int ret = resolve_check_counts(graph, op, 3, 3);

	if (!ret)
		ret = resolve_check_same_quantisation(graph, op);
	if (!ret)
		ret = resolve_list(graph, op, 1, 2, blocks, &count);
	if (!ret)
		ret = resolve_list(graph, op, 2, 4, edges, &pairs);
	if (!ret)
		ret = resolve_portable(graph, op, gathers ? KESTREL_GRAPH_SPACE_TO_BATCH :
				       KESTREL_GRAPH_BATCH_TO_SPACE, 0);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	few = gathers ? in : &graph->tensors[op->outputs[0]];
	many = gathers ? &graph->tensors[op->outputs[0]] : in;
	if (!count || few->rank != count + 2 || many->rank != few->rank || pairs != 2 * count)
		return error_set(graph->error, -ENOTSUP,
				 "%s: blocks of one or two dimensions between the first and the last are supported",
				 ir_where(graph, op, op->inputs[1]));
	to = &op->portable->attributes.batch_block;
	for (unsigned int d = 0; d < 2; d++) {
		int64_t size = d < count ? few->shape[d + 1] : 1;

		if (blocks[d] < 1 || product * blocks[d] > INT32_MAX ||
		    edges[2 * d] < 0 || edges[2 * d + 1] < 0 ||
		    (d < count && size + edges[2 * d] + edges[2 * d + 1] !=
				  (int64_t)many->shape[d + 1] * blocks[d]))
			return error_set(graph->error, -EINVAL,
					 "%s: shape does not match blocks of %d with %d before and %d after",
					 ir_where(graph, op, op->outputs[0]), blocks[d],
					 edges[2 * d], edges[2 * d + 1]);
		to->block[d] = (uint32_t)blocks[d];
		to->before[d] = (uint32_t)edges[2 * d];
		product *= blocks[d];
	}
	if (many->shape[0] != product * few->shape[0] || ir_extent(few, 0) != ir_extent(many, 0))
		return error_set(graph->error, -EINVAL,
				 "%s: shape does not match its blocks of %s",
				 ir_where(graph, op, op->outputs[0]),
				 ir_tensor_text(graph, op->inputs[0]));
	to->value = in->scale_count ? (int32_t)in->zero_points[0] : 0;
	op->input_count = 1;
	return 0;
}

/* TILE and BROADCAST_TO, whose second input only says what the output's shape does. */
int resolve_repeat(struct ir_graph *graph, struct ir_operator *op)
{
	bool tile = op->kind == IR_TILE;
	const struct ir_tensor *in, *out;
	int ret = resolve_check_counts(graph, op, 2, 2);

	if (!ret)
		ret = resolve_check_same_quantisation(graph, op);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (!graph->tensors[op->inputs[1]].data)
		return error_set(graph->error, -ENOTSUP, "%s: must be constant",
				 ir_where(graph, op, op->inputs[1]));
	for (unsigned int d = 0; d < IR_RANK_MAX; d++) {
		int32_t from = ir_extent(in, d), to = ir_extent(out, d);

		if (tile ? in->rank != out->rank || to % from : from != to && from != 1)
			return error_set(graph->error, -EINVAL,
					 "%s: its shape does not repeat the input's, %s",
					 ir_where(graph, op, op->outputs[0]),
					 ir_tensor_text(graph, op->inputs[0]));
	}
	if (in->rank > out->rank)
		return error_set(graph->error, -EINVAL, "%s: rank %u, the input has %u",
				 ir_where(graph, op, op->outputs[0]), out->rank, in->rank);
	op->input_count = 1;
	return resolve_portable(graph, op, tile ? KESTREL_GRAPH_TILE : KESTREL_GRAPH_BROADCAST_TO,
				0);
}

/* A slice that takes every element, backwards along some dimensions. */
int resolve_reverse(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in;
	struct kestrel_graph_slice *slice;
	int32_t axes[IR_RANK_MAX];
	unsigned int count;
	int ret = resolve_moved_by_list(graph, op, KESTREL_GRAPH_SLICE, axes, &count);

	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	if (in->elements != graph->tensors[op->outputs[0]].elements)
		return error_set(graph->error, -EINVAL, "%s: shape is not that of the input, %s",
				 ir_where(graph, op, op->outputs[0]),
				 ir_tensor_text(graph, op->inputs[0]));
	slice = &op->portable->attributes.slice;
	for (unsigned int d = 0; d < in->rank; d++) {
		slice->stride[d] = 1;
		slice->count[d] = (uint32_t)in->shape[d];
	}
	for (unsigned int i = 0; i < count && !ret; i++) {
		uint32_t axis;

		ret = resolve_dimension(graph, op, axes[i], in->rank, &axis);
		if (ret)
			break;
		slice->stride[axis] = -1;
		slice->begin[axis] = (uint32_t)in->shape[axis] - 1;
	}
	op->kind = IR_SLICE;
	op->input_count = 1;
	return ret;
}
