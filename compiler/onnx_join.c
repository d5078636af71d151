// SPDX-License-Identifier: MIT
/* Concat and Pad. */
#include <errno.h>
#include <string.h>

#include "onnx_import.h"
#include "resolve_check.h"

#define PARTS_MAX 1024

static int concat_constants(struct onnx *o, struct onnx_value *y, unsigned int axis)
{
	const struct onnx_node *node = o->node;
	uint64_t bytes = ir_type_bytes(y->type), outer = 1, at = 0, inner = bytes;
	uint8_t *data = onnx_alloc(o, y->elements, bytes);

	if (!data)
		return onnx_failed(o);
	for (unsigned int d = 0; d < axis; d++)
		outer *= (uint64_t)y->shape[d];
	for (unsigned int d = axis + 1; d < y->rank; d++)
		inner *= (uint64_t)y->shape[d];
	for (uint64_t row = 0; row < outer; row++)
		for (unsigned int i = 0; i < node->input_count; i++) {
			struct onnx_value *x = node->inputs[i];
			uint64_t part = (uint64_t)x->shape[axis] * inner;

			if (!x->data && !onnx_floats(o, x))
				return onnx_failed(o);
			memcpy(data + at, x->data + row * part, part);
			at += part;
		}
	y->data = data;
	return onnx_removed(o, node, "a constant");
}

/* Parts of equal type and meaning, in the layout that the first ones have. */
static int emit_concat(struct onnx *o, struct onnx_value **parts, unsigned int count,
		       struct onnx_value *y, unsigned int axis)
{
	enum onnx_layout layout = ONNX_PLAIN;
	struct ir_operator *op;
	int *inputs = arena_alloc(o->arena, count, sizeof(*inputs)), to, ret = 0;

	if (!inputs)
		return onnx_memory(o);
	for (unsigned int i = 0; i < count; i++)
		if (!onnx_is_constant(parts[i]) &&
		    onnx_layout_of(parts[i]) == ONNX_CHANNELS_LAST)
			layout = ONNX_CHANNELS_LAST;
	for (unsigned int i = 0; i < count && !ret; i++)
		ret = onnx_tensor(o, parts[i], layout, &inputs[i]);
	if (!ret)
		ret = onnx_tensor_new(o, y, layout, &to);
	if (ret)
		return ret;
	op = onnx_emit(o, IR_CONCATENATION, count, inputs, to);
	if (!op)
		return onnx_failed(o);
	ret = resolve_portable(o->graph, op, KESTREL_GRAPH_CONCATENATION, 0);
	if (!ret)
		op->portable->attributes.axis.axis = onnx_layout_dimension(y, layout, axis);
	return ret;
}

/* The integers of all inputs, if they have them with one scale and zero point. */
static bool same_meaning(const struct onnx_node *node, struct onnx_affine *affine)
{
	struct onnx_affine other;

	for (unsigned int i = 0; i < node->input_count; i++) {
		if (!onnx_stored(node->inputs[i], i ? &other : affine) ||
		    node->inputs[i]->stored->type != node->inputs[0]->stored->type)
			return false;
		if (i && (other.scale != affine->scale ||
			  other.zero_point != affine->zero_point))
			return false;
	}
	return true;
}

/* Of functions of integers each part goes through its own table first. */
static int concat_tables(struct onnx *o, struct onnx_frame *frame, struct onnx_value *y,
			 struct onnx_value **parts, unsigned int axis)
{
	const struct onnx_node *node = o->node;
	int ret = onnx_frame_take(o, frame, y);

	for (unsigned int i = 0; i < node->input_count && !ret; i++) {
		parts[i] = onnx_requantised(o, node->inputs[i], frame->affine, frame->type);
		if (!parts[i])
			return onnx_failed(o);
	}
	if (!ret)
		ret = emit_concat(o, parts, node->input_count, frame->result, axis);
	return ret ? ret : onnx_tensor_quantise(o, frame->result, frame->affine);
}

static bool frame_clamps(const struct onnx_frame *frame)
{
	int32_t low, high;

	ir_type_range(frame->type, &low, &high);
	return frame->low != low || frame->high != high;
}

static int define_concat(struct onnx *o, struct onnx_value *y, unsigned int *axis)
{
	const struct onnx_node *node = o->node;
	const struct onnx_value *x = node->inputs[0];
	int32_t shape[IR_RANK_MAX];
	int64_t sum = 0;
	int ret = onnx_axis(o, onnx_attribute_int(o, "axis", 1), x->rank, axis);

	if (ret)
		return ret;
	memcpy(shape, x->shape, sizeof(shape));
	for (unsigned int i = 0; i < node->input_count; i++) {
		const struct onnx_value *part = node->inputs[i];

		if (part->type != x->type || part->rank != x->rank || !ir_type_bytes(part->type))
			return onnx_fail(o, part, -EINVAL,
					 "differs in type or dimensions from \"%.80s\", %s of rank %u",
					 x->name, ir_type_name(x->type), x->rank);
		for (unsigned int d = 0; d < x->rank; d++)
			if (d != *axis && part->shape[d] != x->shape[d])
				return onnx_fail(o, part, -EINVAL,
						 "dimension %u is not the %d of \"%.80s\"", d, x->shape[d],
						 x->name);
		sum += part->shape[*axis];
	}
	if (sum > INT32_MAX)
		return onnx_fail(o, y, -ENOTSUP, "too large");
	shape[*axis] = (int32_t)sum;
	return onnx_define(o, y, x->type, x->rank, shape);
}

int onnx_concat(struct onnx *o)
{
	const struct onnx_node *node = o->node;
	struct onnx_value **parts, *y, *stored;
	bool constant = true, functions = true;
	struct onnx_affine affine;
	struct onnx_frame frame;
	unsigned int axis;
	int ret = onnx_check_counts(o, node->input_count ? node->input_count : 1, PARTS_MAX);

	if (ret)
		return ret;
	y = node->outputs[0];
	ret = define_concat(o, y, &axis);
	parts = arena_alloc(o->arena, node->input_count, sizeof(struct onnx_value *));
	if (ret || !parts)
		return ret ? ret : onnx_memory(o);
	for (unsigned int i = 0; i < node->input_count; i++) {
		constant &= onnx_is_constant(node->inputs[i]);
		functions &= node->inputs[i]->function != NULL;
		parts[i] = node->inputs[i]->stored;
	}
	if (constant)
		return concat_constants(o, y, axis);
	if (same_meaning(node, &affine)) {
		stored = onnx_stored_like(o, y, node->inputs[0]);
		ret = stored ? emit_concat(o, parts, node->input_count, stored, axis) :
			       onnx_failed(o);
		return ret ? ret : onnx_store(o, y, stored, affine);
	}
	if (functions && onnx_frame_find(o, y, &frame) && !frame_clamps(&frame))
		return concat_tables(o, &frame, y, parts, axis);
	return emit_concat(o, node->inputs, node->input_count, y, axis);
}

static int read_pads(struct onnx *o, const struct onnx_value *x, int32_t *before, int32_t *after)
{
	int64_t pads[2 * IR_RANK_MAX], axes[IR_RANK_MAX];
	unsigned int count, axis_count, d;
	int ret = onnx_list(o, 1, onnx_attribute(o, "pads") ? "pads" : NULL, 2 * IR_RANK_MAX,
			    pads, &count);

	if (!ret)
		ret = onnx_list(o, 3, NULL, IR_RANK_MAX, axes, &axis_count);
	if (ret)
		return ret;
	if (count != 2 * (axis_count ? axis_count : x->rank))
		return onnx_fail(o, x, -EINVAL, "%u pads", count);
	memset(before, 0, IR_RANK_MAX * sizeof(*before));
	memset(after, 0, IR_RANK_MAX * sizeof(*after));
	for (unsigned int i = 0; i < count / 2; i++) {
		ret = onnx_axis(o, axis_count ? axes[i] : (int64_t)i, x->rank, &d);
		if (ret)
			return ret;
		if (pads[i] < 0 || pads[i + count / 2] < 0 || pads[i] > INT16_MAX ||
		    pads[i + count / 2] > INT16_MAX)
			return onnx_fail(o, x, -ENOTSUP, "pads %lld and %lld of dimension %u",
					 (long long)pads[i], (long long)pads[i + count / 2], d);
		before[d] = (int32_t)pads[i];
		after[d] = (int32_t)pads[i + count / 2];
	}
	return 0;
}

/* The border around a map: the element `value`, or what lies inside, mirrored. */
struct border {
	int32_t before[IR_RANK_MAX], after[IR_RANK_MAX];
	bool reflect;
	int32_t element;
};

static int emit_pad(struct onnx *o, struct onnx_value *x, struct onnx_value *y,
		    const struct border *border)
{
	enum onnx_layout layout = onnx_layout_of(x) == ONNX_CHANNELS_LAST ? ONNX_CHANNELS_LAST :
									     ONNX_PLAIN;
	struct ir_operator *op;
	int from, to, ret = onnx_tensor(o, x, layout, &from);

	if (!ret)
		ret = onnx_tensor_new(o, y, layout, &to);
	if (ret)
		return ret;
	op = onnx_emit(o, border->reflect ? IR_MIRROR_PAD : IR_PAD, 1, &from, to);
	if (op && border->reflect)
		ret = resolve_portable(o->graph, op, KESTREL_GRAPH_MIRROR_PAD, 0);
	if (!op || ret)
		return op ? ret : onnx_failed(o);
	for (unsigned int d = 0; d < x->rank; d++) {
		unsigned int at = onnx_layout_dimension(x, layout, d);

		op->pad_before[at] = border->before[d];
		op->pad_after[at] = border->after[d];
		if (!border->reflect)
			continue;
		op->portable->attributes.pad.before[at] = (uint32_t)border->before[d];
		op->portable->attributes.pad.after[at] = (uint32_t)border->after[d];
	}
	if (border->reflect)
		op->portable->attributes.pad.reflect = 1;
	else
		op->output_zero_point = border->element;
	return 0;
}

static int check_reflection(struct onnx *o, const struct onnx_value *x,
			    const struct border *border)
{
	for (unsigned int d = 0; d < x->rank; d++)
		if (border->before[d] >= x->shape[d] || border->after[d] >= x->shape[d])
			return onnx_fail(o, x, -EINVAL, "pads %d and %d reflect more than it has",
					 border->before[d], border->after[d]);
	return 0;
}

int onnx_pad(struct onnx *o)
{
	struct border border = { .reflect = onnx_attribute_is(o, "mode", "reflect", false) };
	struct onnx_value *x, *y, *given, *stored;
	int32_t shape[IR_RANK_MAX];
	struct onnx_affine affine;
	bool bytes;
	float value;
	int ret = onnx_check_counts(o, 1, 4);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	given = onnx_input(o, 2);
	y = o->node->outputs[0];
	bytes = x->type == IR_INT8 || x->type == IR_UINT8;
	value = onnx_attribute_float(o, "value", 0);
	if ((x->type != IR_FLOAT32 && !bytes) ||
	    (!border.reflect && !onnx_attribute_is(o, "mode", "constant", true)))
		return onnx_fail(o, x, -ENOTSUP,
				 "only modes constant and reflect of float32, int8 and uint8");
	if (given && !border.reflect && !bytes)
		ret = onnx_scalar(o, given, &value);
	if (given && !border.reflect && bytes && (given->type != x->type || !given->data ||
						  given->elements != 1))
		ret = onnx_fail(o, given, -ENOTSUP, "must be one constant of the input's type");
	if (!ret)
		ret = read_pads(o, x, border.before, border.after);
	if (!ret && border.reflect)
		ret = check_reflection(o, x, &border);
	if (ret)
		return ret;
	for (unsigned int d = 0; d < x->rank; d++)
		shape[d] = x->shape[d] + border.before[d] + border.after[d];
	ret = onnx_define(o, y, x->type, x->rank, shape);
	if (ret)
		return ret;
	if (bytes) {
		border.element = given && !border.reflect ? (int32_t)onnx_integer(given, 0) : 0;
		return emit_pad(o, x, y, &border);
	}
	if (onnx_stored(x, &affine)) {
		border.element = onnx_quantise(value, affine, x->stored->type);
		if (border.reflect ||
		    (float)(border.element - affine.zero_point) * affine.scale == value) {
			stored = onnx_stored_like(o, y, x);
			ret = stored ? emit_pad(o, x->stored, stored, &border) : onnx_failed(o);
			return ret ? ret : onnx_store(o, y, stored, affine);
		}
	}
	border.element = (int32_t)resolve_float_bits(value);
	return emit_pad(o, x, y, &border);
}
