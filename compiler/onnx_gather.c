// SPDX-License-Identifier: MIT
/* Gather: elements of a dimension by indices, which are a slice where they lie in steps. */
#include <errno.h>

#include "onnx_import.h"
#include "resolve_check.h"

/* First index and step where constant indices have equal ones. */
static int equal_steps(struct onnx *o, const struct onnx_value *indices, int32_t extent,
		       int32_t *first, int32_t *step, bool *equal)
{
	*step = 1;
	*equal = indices->data != NULL;
	for (uint64_t i = 0; indices->data && i < indices->elements; i++) {
		int64_t index = onnx_integer(indices, i);

		if (index < -(int64_t)extent || index >= extent)
			return onnx_fail(o, indices, -EINVAL, "index %lld of %d elements",
					 (long long)index, extent);
		index += index < 0 ? extent : 0;
		if (!i)
			*first = (int32_t)index;
		else if (i == 1)
			*step = (int32_t)index - *first;
		*equal &= *step && *first + (int64_t)i * *step == index;
	}
	return 0;
}

static struct onnx_value *gathered(struct onnx *o, struct onnx_value *x,
				   struct onnx_value *indices, unsigned int axis,
				   const char *name, unsigned int rank, const int32_t *shape)
{
	struct onnx_value *y = onnx_value_new(o, name, x->type, rank, shape), *stored;
	struct ir_operator *op;
	int inputs[2], to;

	if (!y)
		return NULL;
	if (onnx_moves_stored(x)) {
		stored = gathered(o, x->stored, indices, axis, name, rank, shape);
		if (!stored)
			return NULL;
		onnx_take_meaning(y, x, stored);
		return y;
	}
	indices = onnx_from_front(o, indices, &x->shape[axis], 1);
	if (!indices || onnx_tensor(o, x, ONNX_PLAIN, &inputs[0]) ||
	    onnx_tensor(o, indices, ONNX_PLAIN, &inputs[1]) ||
	    onnx_tensor_new(o, y, ONNX_PLAIN, &to))
		return NULL;
	onnx_copy_quantisation(o, inputs[0], to);
	op = onnx_emit(o, IR_GATHER, 2, inputs, to);
	if (!op || resolve_portable(o->graph, op, KESTREL_GRAPH_GATHER, 0))
		return NULL;
	op->portable->attributes.axis.axis = axis;
	return y;
}

/* With constant indices in equal steps it is a slice. */
int onnx_gather(struct onnx *o)
{
	struct onnx_value *x, *indices, *y, *part;
	unsigned int axis, rank = 0, operators = o->graph->operator_count;
	int32_t shape[2 * IR_RANK_MAX], first = 0, step;
	struct onnx_slice slice;
	bool equal;
	int ret = onnx_check_counts(o, 2, 2);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	indices = onnx_input(o, 1);
	y = o->node->outputs[0];
	ret = onnx_axis(o, onnx_attribute_int(o, "axis", 0), x->rank, &axis);
	if (ret)
		return ret;
	if (indices->type != IR_INT64 && indices->type != IR_INT32)
		return onnx_fail(o, indices, -ENOTSUP, "type %s is no index",
				 ir_type_name(indices->type));
	ret = equal_steps(o, indices, x->shape[axis], &first, &step, &equal);
	if (ret)
		return ret;
	for (unsigned int d = 0; d < x->rank; d++) {
		if (d != axis)
			shape[rank++] = x->shape[d];
		for (unsigned int i = 0; d == axis && i < indices->rank; i++)
			shape[rank++] = indices->shape[i];
	}
	if (equal) {
		slice = onnx_whole(x);
		slice.begin[axis] = first;
		slice.stride[axis] = step;
		slice.count[axis] = (int32_t)indices->elements;
		part = onnx_sliced(o, x, y->name, &slice);
		part = part ? onnx_reshaped(o, part, y->name, rank, shape) : NULL;
	} else {
		part = gathered(o, x, indices, axis, y->name, rank, shape);
	}
	if (!part)
		return onnx_failed(o);
	onnx_alias(y, part);
	return operators < o->graph->operator_count ? 0 :
	       onnx_removed(o, o->node, "a constant");
}
