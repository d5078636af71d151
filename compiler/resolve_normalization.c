// SPDX-License-Identifier: MIT
#include <errno.h>

#include "error.h"
#include "resolve_check.h"

/* The output is in 1/128 around its own zero point, whatever the model would like. */
int resolve_normalization(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in, *out;
	int32_t zero_point;
	int ret = resolve_check_counts(graph, op, 1, 1);

	if (!ret)
		ret = resolve_check_activations(graph, op);
	if (!ret)
		ret = resolve_portable(graph, op, KESTREL_GRAPH_L2_NORMALIZATION, 0);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (op->attributes.activation != IR_ACTIVATION_NONE)
		return error_set(graph->error, -ENOTSUP, "%s: its fused activation is not supported",
				 ir_where(graph, op, -1));
	if (!in->rank || !ir_same_shape(in, out))
		return error_set(graph->error, -EINVAL, "%s: shape is not that of the input, %s",
				 ir_where(graph, op, op->outputs[0]),
				 ir_tensor_text(graph, op->inputs[0]));
	if (in->type == IR_FLOAT32)
		return 0;
	zero_point = in->type == IR_UINT8 ? 128 : 0;
	if (in->type == IR_INT16 || out->scales[0] != 1.0f / 128 ||
	    out->zero_points[0] != zero_point)
		return error_set(graph->error, -ENOTSUP,
				 "%s: must be 8 bit with a scale of 1/128 and the zero point %d",
				 ir_where(graph, op, op->outputs[0]), zero_point);
	op->portable->attributes.normalization.input_zero_point = (int32_t)in->zero_points[0];
	op->portable->attributes.normalization.zero_point = zero_point;
	return 0;
}
