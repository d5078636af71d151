// SPDX-License-Identifier: MIT
/* DepthToSpace and SpaceToDepth; Expand and Tile, which repeat elements. */
#include <errno.h>
#include <string.h>

#include "onnx_import.h"
#include "portable.h"
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

/* Mode CRD, as PyTorch exports it, has blocks innermost of the channels: they go outside. */
static struct onnx_value *blocks_outside(struct onnx *o, struct onnx_value *x, int32_t block)
{
	int32_t shape[] = { x->shape[0], x->shape[1] / block, block, x->shape[2] * x->shape[3] };
	struct onnx_value *parts = onnx_reshaped(o, x, x->name, 4, shape);

	if (parts)
		parts = onnx_transposed(o, parts, x->name, (unsigned int[]){ 0, 2, 1, 3 });
	return parts ? onnx_reshaped(o, parts, x->name, 4, x->shape) : NULL;
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
	if (to_space && !onnx_attribute_is(o, "mode", "DCR", true) && x->shape[1] != size * size)
		x = blocks_outside(o, x, (int32_t)(size * size));
	if (!x)
		return onnx_failed(o);
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

/*
 * Repeats what a value has in its dimensions until the output is full: Tile, and Expand, which
 * does so in dimensions of 1 only.
 */
static int emit_repetition(struct onnx *o, struct onnx_value *x, struct onnx_value *y,
			   enum ir_kind kind)
{
	enum onnx_layout layout = onnx_layout_of(x) == ONNX_CHANNELS_LAST && x->rank == y->rank ?
				  ONNX_CHANNELS_LAST : ONNX_PLAIN;
	struct ir_operator *op;
	int ret = onnx_emit_from(o, kind, x, y, layout, &op);

	return ret ? ret : resolve_portable(o->graph, op, portable_opcode(kind), 0);
}

/* The element of a constant that element i of the output repeats. */
static uint64_t repeated_index(const struct onnx_value *x, const struct onnx_value *y, uint64_t i)
{
	uint64_t index = 0, step = 1;

	for (unsigned int d = 0; d < x->rank; d++) {
		uint64_t size = (uint64_t)x->shape[x->rank - 1 - d];
		uint64_t extent = (uint64_t)y->shape[y->rank - 1 - d];

		index += i % extent % size * step;
		i /= extent;
		step *= size;
	}
	return index;
}

static int repeat_constant(struct onnx *o, const struct onnx_value *x, struct onnx_value *y)
{
	uint64_t bytes = ir_type_bytes(x->type);
	uint8_t *data = onnx_alloc(o, y->elements, bytes);

	if (!data)
		return onnx_failed(o);
	for (uint64_t i = 0; i < y->elements; i++)
		memcpy(data + i * bytes, x->data + repeated_index(x, y, i) * bytes, bytes);
	y->data = data;
	return onnx_removed(o, o->node, "a constant");
}

/* The node's input in the shape that its output gets; integers in place of their floats. */
static int repeat(struct onnx *o, struct onnx_value *x, unsigned int rank, const int32_t *shape,
		  enum ir_kind kind)
{
	struct onnx_value *y = o->node->outputs[0], *stored;
	struct onnx_affine affine;
	int ret = onnx_define(o, y, x->type, rank, shape);

	if (ret)
		return ret;
	if (x->data && ir_type_bytes(x->type))
		return repeat_constant(o, x, y);
	if (!onnx_stored(x, &affine))
		return emit_repetition(o, x, y, kind);
	stored = onnx_stored_like(o, y, x);
	ret = stored ? emit_repetition(o, x->stored, stored, kind) : onnx_failed(o);
	return ret ? ret : onnx_store(o, y, stored, affine);
}

int onnx_expand(struct onnx *o)
{
	int64_t sizes[IR_RANK_MAX];
	int32_t shape[IR_RANK_MAX];
	unsigned int count, rank;
	struct onnx_value *x;
	int ret = onnx_check_counts(o, 2, 2);

	if (!ret)
		ret = onnx_list(o, 1, NULL, IR_RANK_MAX, sizes, &count);
	if (ret)
		return ret;
	x = onnx_input(o, 0);
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
	return repeat(o, x, rank, shape, IR_BROADCAST_TO);
}

int onnx_tile(struct onnx *o)
{
	int64_t repeats[IR_RANK_MAX];
	int32_t shape[IR_RANK_MAX];
	struct onnx_value *x;
	unsigned int count;
	int ret = onnx_check_counts(o, 2, 2);

	if (!ret)
		ret = onnx_list(o, 1, NULL, IR_RANK_MAX, repeats, &count);
	if (ret)
		return ret;
	x = onnx_input(o, 0);
	if (count != x->rank)
		return onnx_fail(o, x, -EINVAL, "%u repeats", count);
	for (unsigned int d = 0; d < count; d++) {
		if (repeats[d] < 1 || repeats[d] > INT32_MAX / x->shape[d])
			return onnx_fail(o, x, -ENOTSUP, "dimension %u %lld times", d,
					 (long long)repeats[d]);
		shape[d] = (int32_t)(x->shape[d] * repeats[d]);
	}
	return repeat(o, x, count, shape, IR_TILE);
}
