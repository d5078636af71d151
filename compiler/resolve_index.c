// SPDX-License-Identifier: MIT
/* Operators whose data say where something is, or in what order. */
#include <errno.h>

#include "error.h"
#include "resolve_check.h"

static int check_indices(struct ir_graph *graph, const struct ir_operator *op, unsigned int input)
{
	enum ir_type type = graph->tensors[op->inputs[input]].type;

	if (type != IR_INT32 && type != IR_INT64)
		return error_set(graph->error, -ENOTSUP, "%s: type %s, only int32 and int64 are indices",
				 ir_where(graph, op, op->inputs[input]), ir_type_name(type));
	return 0;
}

static int check_elements(struct ir_graph *graph, const struct ir_operator *op, int output,
			  uint64_t elements)
{
	if (graph->tensors[output].elements != elements)
		return error_set(graph->error, -EINVAL, "%s: shape is not that of %llu elements",
				 ir_where(graph, op, output), (unsigned long long)elements);
	return 0;
}

int resolve_dynamic_update_slice(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in, *update, *positions;
	int ret = resolve_check_counts(graph, op, 3, 3);

	if (!ret)
		ret = resolve_check_same_quantisation(graph, op);
	if (!ret)
		ret = resolve_check_moved(graph, op, op->inputs[1], op->outputs[0]);
	if (!ret)
		ret = check_indices(graph, op, 2);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	update = &graph->tensors[op->inputs[1]];
	positions = &graph->tensors[op->inputs[2]];
	if (!in->rank || update->rank != in->rank || positions->elements != in->rank ||
	    !ir_same_shape(in, &graph->tensors[op->outputs[0]]))
		return error_set(graph->error, -EINVAL,
				 "%s: input, update and output must have one rank, input and output one shape",
				 ir_where(graph, op, op->inputs[1]));
	for (unsigned int d = 0; d < in->rank; d++)
		if (update->shape[d] > in->shape[d])
			return error_set(graph->error, -EINVAL,
					 "%s: %d elements in dimension %u of %d",
					 ir_where(graph, op, op->inputs[1]), update->shape[d], d,
					 in->shape[d]);
	return resolve_portable(graph, op, KESTREL_GRAPH_DYNAMIC_UPDATE_SLICE, 0);
}

int resolve_gather_nd(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in, *indices;
	uint64_t count = 1;
	int32_t depth;
	int ret = resolve_check_counts(graph, op, 2, 2);

	if (!ret)
		ret = resolve_check_same_quantisation(graph, op);
	if (!ret)
		ret = check_indices(graph, op, 1);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	indices = &graph->tensors[op->inputs[1]];
	depth = ir_extent(indices, 0);
	if (!indices->rank || depth > (int32_t)in->rank)
		return error_set(graph->error, -EINVAL, "%s: %d indices of %u dimensions",
				 ir_where(graph, op, op->inputs[1]), depth, in->rank);
	for (unsigned int d = (unsigned int)depth; d < in->rank; d++)
		count *= (uint64_t)in->shape[d];
	ret = check_elements(graph, op, op->outputs[0],
			     indices->elements / (uint64_t)depth * count);
	return ret ? ret : resolve_portable(graph, op, KESTREL_GRAPH_GATHER_ND, 0);
}

/* The number of elements that are kept is the output's shape. */
int resolve_top_k(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in, *values, *indices;
	int32_t kept;
	unsigned int count;
	int ret;

	if (op->input_count != 2 || op->output_count != 2 || op->inputs[0] < 0)
		return error_set(graph->error, -EINVAL, "%s: %u inputs and %u outputs, 2 and 2 needed",
				 ir_where(graph, op, -1), op->input_count, op->output_count);
	ret = resolve_check_moved(graph, op, op->inputs[0], op->outputs[0]);
	if (!ret)
		ret = resolve_list(graph, op, 1, 1, &kept, &count);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	values = &graph->tensors[op->outputs[0]];
	indices = &graph->tensors[op->outputs[1]];
	if (indices->type != IR_INT32 || in->type == IR_BOOL)
		return error_set(graph->error, -ENOTSUP, "%s: no form for %s with indices of type %s",
				 ir_where(graph, op, op->outputs[1]), ir_type_name(in->type),
				 ir_type_name(indices->type));
	if (!in->rank || values->rank != in->rank || !ir_same_shape(values, indices) ||
	    ir_extent(values, 0) != kept || kept > ir_extent(in, 0) ||
	    values->elements != in->elements / (uint64_t)ir_extent(in, 0) * (uint64_t)kept)
		return error_set(graph->error, -EINVAL, "%s: shape is not that of the %d largest elements",
				 ir_where(graph, op, op->outputs[0]), kept);
	op->input_count = 1;
	return resolve_portable(graph, op, KESTREL_GRAPH_TOP_K, 0);
}

/* Inputs of the model: indices, depth (which the output's shape says), on, off. */
int resolve_one_hot(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *indices, *out;
	uint32_t axis;
	int ret = resolve_check_counts(graph, op, 4, 4);

	if (!ret)
		ret = check_indices(graph, op, 0);
	for (unsigned int i = 2; i < 4 && !ret; i++)
		ret = resolve_check_moved(graph, op, op->inputs[i], op->outputs[0]);
	if (ret)
		return ret;
	indices = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	ret = resolve_dimension(graph, op, op->attributes.axis, out->rank, &axis);
	if (ret)
		return ret;
	if (out->rank != indices->rank + 1 ||
	    out->elements != indices->elements * (uint64_t)out->shape[axis] ||
	    graph->tensors[op->inputs[2]].elements != 1 ||
	    graph->tensors[op->inputs[3]].elements != 1)
		return error_set(graph->error, -EINVAL,
				 "%s: shape does not match the indices, %s",
				 ir_where(graph, op, op->outputs[0]),
				 ir_tensor_text(graph, op->inputs[0]));
	op->inputs[1] = op->inputs[2];
	op->inputs[2] = op->inputs[3];
	op->input_count = 3;
	ret = resolve_portable(graph, op, KESTREL_GRAPH_ONE_HOT, 0);
	if (!ret)
		op->portable->attributes.axis.axis = axis;
	return ret;
}

int resolve_cumulative_sum(struct ir_graph *graph, struct ir_operator *op)
{
	struct kestrel_graph_cumulative_sum *sum;
	const struct ir_tensor *in;
	uint32_t axis;
	int ret = resolve_check_counts_and_elements(graph, op, 2, 2);

	if (!ret)
		ret = resolve_stated_dimension(graph, op, 1, &axis);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	if ((in->type != IR_FLOAT32 && in->type != IR_INT32 && in->type != IR_INT64) ||
	    in->type != graph->tensors[op->outputs[0]].type ||
	    !ir_same_shape(in, &graph->tensors[op->outputs[0]]))
		return error_set(graph->error, -ENOTSUP, "%s: no form for type %s",
				 ir_where(graph, op, op->inputs[0]), ir_type_name(in->type));
	op->input_count = 1;
	ret = resolve_portable(graph, op, KESTREL_GRAPH_CUMULATIVE_SUM, 0);
	if (ret)
		return ret;
	sum = &op->portable->attributes.cumulative_sum;
	sum->axis = axis;
	sum->exclusive = op->attributes.exclusive;
	sum->reverse = op->attributes.reverse;
	return 0;
}
