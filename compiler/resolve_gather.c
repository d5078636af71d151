// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "error.h"
#include "resolve_check.h"

/* Constant indices are known not to leave the dimension; others are held within it in a run. */
static int check_indices(struct ir_graph *graph, const struct ir_operator *op, int32_t extent)
{
	const struct ir_tensor *indices = &graph->tensors[op->inputs[1]];

	if (indices->type != IR_INT32 && indices->type != IR_INT64)
		return error_set(graph->error, -ENOTSUP, "%s: type %s, only int32 and int64 are indices",
				 ir_where(graph, op, op->inputs[1]), ir_type_name(indices->type));
	for (uint64_t i = 0; indices->data && i < indices->elements; i++) {
		int64_t index = 0;
		int32_t narrow;

		if (indices->type == IR_INT64) {
			memcpy(&index, indices->data + 8 * i, sizeof(index));
		} else {
			memcpy(&narrow, indices->data + 4 * i, sizeof(narrow));
			index = narrow;
		}
		if (index < 0 || index >= extent)
			return error_set(graph->error, -EINVAL, "%s: index %lld of a dimension of %d",
					 ir_where(graph, op, op->inputs[1]), (long long)index,
					 extent);
	}
	return 0;
}

/* A gather with the operands the other way round. */
int resolve_embedding(struct ir_graph *graph, struct ir_operator *op)
{
	int indices, ret = resolve_check_counts(graph, op, 2, 2);

	if (ret)
		return ret;
	if (graph->tensors[op->inputs[1]].type != graph->tensors[op->outputs[0]].type)
		return error_set(graph->error, -ENOTSUP,
				 "%s: the table must have the output's type; convert the model with GATHER",
				 ir_where(graph, op, op->inputs[1]));
	indices = op->inputs[0];
	op->inputs[0] = op->inputs[1];
	op->inputs[1] = indices;
	op->kind = IR_GATHER;
	return resolve_gather(graph, op);
}

int resolve_gather(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in, *indices, *out;
	int32_t batch_dims = op->attributes.batch_dims;
	uint64_t outer = 1, count;
	uint32_t axis;
	int ret = resolve_check_counts(graph, op, 2, 2);

	if (!ret)
		ret = resolve_check_same_quantisation(graph, op);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	indices = &graph->tensors[op->inputs[1]];
	out = &graph->tensors[op->outputs[0]];
	ret = resolve_dimension(graph, op, op->attributes.axis, in->rank, &axis);
	if (!ret)
		ret = check_indices(graph, op, in->shape[axis]);
	if (ret)
		return ret;
	if (batch_dims < 0)
		batch_dims += (int32_t)indices->rank;
	if (batch_dims < 0 || (uint32_t)batch_dims > axis || (uint32_t)batch_dims > indices->rank)
		return error_set(graph->error, -EINVAL, "%s: %d batch dimensions before axis %u",
				 ir_where(graph, op, op->inputs[1]), batch_dims, axis);
	for (int32_t d = 0; d < batch_dims; d++) {
		outer *= (uint64_t)in->shape[d];
		if (indices->shape[d] != in->shape[d])
			return error_set(graph->error, -EINVAL,
					 "%s: batch dimension %d differs from the input's, %s",
					 ir_where(graph, op, op->inputs[1]), d,
					 ir_tensor_text(graph, op->inputs[0]));
	}
	count = in->elements / (uint64_t)in->shape[axis] * (indices->elements / outer);
	if (out->elements != count)
		return error_set(graph->error, -EINVAL, "%s: shape is not that of %llu elements",
				 ir_where(graph, op, op->outputs[0]), (unsigned long long)count);
	ret = resolve_portable(graph, op, KESTREL_GRAPH_GATHER, 0);
	if (ret)
		return ret;
	op->portable->attributes.axis.axis = axis;
	op->portable->attributes.axis.batch_dims = (uint32_t)batch_dims;
	return 0;
}
