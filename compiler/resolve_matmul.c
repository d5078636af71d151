// SPDX-License-Identifier: MIT
#include <errno.h>

#include "error.h"
#include "resolve_check.h"

static int check_shapes(struct ir_graph *graph, const struct ir_operator *op)
{
	const struct ir_tensor *a = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *b = &graph->tensors[op->inputs[1]];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	bool transpose_a = op->attributes.transpose_a, transpose_b = op->attributes.transpose_b;

	if (a->rank < 2 || b->rank < 2 || out->rank < 2)
		return error_set(graph->error, -EINVAL, "%s: needs two dimensions",
				 ir_where(graph, op, a->rank < 2 ? op->inputs[0] : op->inputs[1]));
	if (ir_extent(a, transpose_a ? 1 : 0) != ir_extent(b, transpose_b ? 0 : 1))
		return error_set(graph->error, -EINVAL, "%s: %d rows do not fit %d columns of %s",
				 ir_where(graph, op, op->inputs[1]),
				 ir_extent(b, transpose_b ? 0 : 1),
				 ir_extent(a, transpose_a ? 1 : 0),
				 ir_tensor_text(graph, op->inputs[0]));
	if (ir_extent(out, 1) != ir_extent(a, transpose_a ? 0 : 1) ||
	    ir_extent(out, 0) != ir_extent(b, transpose_b ? 1 : 0))
		return error_set(graph->error, -EINVAL,
				 "%s: shape is not that of the product of %s and %s",
				 ir_where(graph, op, op->outputs[0]),
				 ir_tensor_text(graph, op->inputs[0]),
				 ir_tensor_text(graph, op->inputs[1]));
	return resolve_check_broadcast(graph, op, 2);
}

/* int16 operands have sums of 64 bits. */
int resolve_matmul(struct ir_graph *graph, struct ir_operator *op,
		   const struct resolve_profile *profile)
{
	const struct ir_tensor *a, *b, *out;
	int ret = resolve_check_counts(graph, op, 2, 2);

	if (!ret)
		ret = resolve_check_activations(graph, op);
	if (!ret)
		ret = check_shapes(graph, op);
	if (ret)
		return ret;
	a = &graph->tensors[op->inputs[0]];
	b = &graph->tensors[op->inputs[1]];
	out = &graph->tensors[op->outputs[0]];
	if (a->type != b->type || a->type == IR_UINT8)
		return error_set(graph->error, -ENOTSUP, "%s: no form for %s x %s",
				 ir_where(graph, op, op->inputs[1]), ir_type_name(a->type),
				 ir_type_name(b->type));
	ret = resolve_output_range(graph, op);
	if (ret || a->type == IR_FLOAT32)
		return ret;
	ret = resolve_check_activation(graph, op, op->inputs[1]);
	if (ret)
		return ret;
	op->input2_zero_point = (int32_t)b->zero_points[0];
	op->rounding = a->type == IR_INT16 ? IR_ROUNDING_WIDE : profile->convolution;
	return resolve_one_scale(graph, op, (double)(a->scales[0] * b->scales[0]) /
				 (double)out->scales[0]);
}
