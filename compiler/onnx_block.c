// SPDX-License-Identifier: MIT
/* DepthToSpace and SpaceToDepth, and Expand. */
#include <errno.h>
#include <string.h>

#include "onnx_import.h"
#include "resolve_check.h"

static int emit_block(struct onnx *o, struct onnx_value *x, struct onnx_value *y, bool to_space,
		      int32_t size)
{
	struct ir_operator *op;
	int ret = onnx_emit_from(o, to_space ? IR_DEPTH_TO_SPACE : IR_SPACE_TO_DEPTH, x, y,
				 ONNX_CHANNELS_LAST, &op);

	if (!ret)
		ret = resolve_portable(o->graph, op, to_space ? KESTREL_GRAPH_DEPTH_TO_SPACE :
				       KESTREL_GRAPH_SPACE_TO_DEPTH, 0);
	if (!ret)
		op->portable->attributes.block.block_size = (uint32_t)size;
	return ret;
}

int onnx_block(struct onnx *o)
{
	bool to_space = !strcmp(o->node->proto->op_type, "DepthToSpace");
	int64_t size = onnx_attribute_int(o, "blocksize", 0);
	struct onnx_value *x, *y, *stored;
	struct onnx_affine affine;
	int32_t shape[4];
	int ret = onnx_check_counts(o, 1, 1);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	y = o->node->outputs[0];
	if (x->rank != 4 || size < 1 || size > x->shape[to_space ? 1 : 2] ||
	    (to_space ? x->shape[1] % (size * size) :
			x->shape[2] % size || x->shape[3] % size))
		return onnx_fail(o, x, -EINVAL, "blocks of %lld do not divide it", (long long)size);
	if (to_space && !onnx_attribute_is(o, "mode", "DCR", true) &&
	    x->shape[1] != size * size)
		return onnx_fail(o, x, -ENOTSUP, "mode CRD; use DCR, which has blocks outermost");
	memcpy(shape, x->shape, sizeof(shape));
	shape[1] = (int32_t)(to_space ? x->shape[1] / (size * size) :
					x->shape[1] * (size * size));
	for (unsigned int d = 2; d < 4; d++)
		shape[d] = (int32_t)(to_space ? x->shape[d] * size : x->shape[d] / size);
	ret = onnx_define(o, y, x->type, 4, shape);
	if (ret || !onnx_stored(x, &affine))
		return ret ? ret : emit_block(o, x, y, to_space, (int32_t)size);
	stored = onnx_stored_like(o, y, x);
	ret = stored ? emit_block(o, x->stored, stored, to_space, (int32_t)size) : onnx_failed(o);
	return ret ? ret : onnx_store(o, y, stored, affine);
}

static int emit_expand(struct onnx *o, struct onnx_value *x, struct onnx_value *y)
{
	struct ir_operator *op;
	int ret = onnx_emit_from(o, IR_BROADCAST_TO, x, y, ONNX_PLAIN, &op);

	return ret ? ret : resolve_portable(o->graph, op, KESTREL_GRAPH_BROADCAST_TO, 0);
}

int onnx_expand(struct onnx *o)
{
	int64_t sizes[IR_RANK_MAX];
	int32_t shape[IR_RANK_MAX];
	struct onnx_value *x, *y, *stored;
	struct onnx_affine affine;
	unsigned int count, rank;
	int ret = onnx_check_counts(o, 2, 2);

	if (!ret)
		ret = onnx_list(o, 1, NULL, IR_RANK_MAX, sizes, &count);
	if (ret)
		return ret;
	x = onnx_input(o, 0);
	y = o->node->outputs[0];
	rank = count > x->rank ? count : x->rank;
	for (unsigned int d = 0; d < rank; d++) {
		int64_t of_x = d + x->rank < rank ? 1 : x->shape[d + x->rank - rank];
		int64_t wanted = d + count < rank ? 1 : sizes[d + count - rank];

		if (wanted < 1 || wanted > INT32_MAX ||
		    (of_x != wanted && of_x != 1 && wanted != 1))
			return onnx_fail(o, x, -EINVAL, "does not expand to %lld in dimension %u",
					 (long long)wanted, d);
		shape[d] = (int32_t)(of_x > wanted ? of_x : wanted);
	}
	ret = onnx_define(o, y, x->type, rank, shape);
	if (ret || !onnx_stored(x, &affine))
		return ret ? ret : emit_expand(o, x, y);
	stored = onnx_stored_like(o, y, x);
	ret = stored ? emit_expand(o, x->stored, stored) : onnx_failed(o);
	return ret ? ret : onnx_store(o, y, stored, affine);
}
