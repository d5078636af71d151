// SPDX-License-Identifier: MIT
/* Softmax and LogSoftmax. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "onnx_import.h"
#include "resolve_check.h"

/* Longest row whose sum of exponentials has 32 bits. */
#define ROW_MAX 8191
/* The scale of what the fixed-point softmax gives. */
#define FIXED_SCALE 0x1p-8f

/* exp(-d x scale) for distances d from a row's maximum, Q0.31. */
static int32_t *exponentials(struct onnx *o, float scale)
{
	int32_t *table = arena_alloc(o->arena, IR_TABLE_ENTRIES, sizeof(*table));

	for (int d = 0; table && d < IR_TABLE_ENTRIES; d++) {
		double value = rint(ldexp(exp(-d * (double)scale), 31));

		table[d] = value > INT32_MAX ? INT32_MAX : (int32_t)value;
	}
	if (!table)
		onnx_memory(o);
	return table;
}

/* In integers where bytes come in and go out to the scale that the NPU's has. */
static int frame_softmax(struct onnx *o, struct onnx_value *x, struct onnx_value *y,
			 enum onnx_layout layout, int32_t length, bool *taken)
{
	struct onnx_affine affine;
	struct onnx_frame frame;
	struct ir_operator *op;
	int from, to, ret;

	*taken = !strcmp(o->node->proto->op_type, "Softmax") && length <= ROW_MAX &&
		 onnx_stored(x, &affine) && onnx_frame_find(o, y, &frame) &&
		 frame.affine.scale == FIXED_SCALE;
	if (!*taken)
		return 0;
	ret = onnx_frame_take(o, &frame, y);
	if (!ret)
		ret = onnx_tensor(o, x->stored, layout, &from);
	if (!ret)
		ret = onnx_tensor_new(o, frame.result, layout, &to);
	if (!ret)
		ret = onnx_tensor_quantise(o, frame.result, frame.affine);
	if (ret)
		return ret;
	op = onnx_emit(o, IR_SOFTMAX, 1, &from, to);
	if (!op)
		return onnx_failed(o);
	onnx_frame_numbers(op, affine, &frame);
	op->exponentials = exponentials(o, affine.scale);
	return op->exponentials ? 0 : onnx_failed(o);
}

/* In floats, along the last dimension of a layout. */
static int emit_softmax(struct onnx *o, struct onnx_value *x, struct onnx_value *y,
			enum onnx_layout layout, const char *reason)
{
	bool logarithm = !strcmp(o->node->proto->op_type, "LogSoftmax");
	struct kestrel_graph_softmax *softmax;
	struct ir_operator *op;
	int from, to, ret = onnx_tensor(o, x, layout, &from);

	if (!ret)
		ret = onnx_tensor_new(o, y, layout, &to);
	if (ret)
		return ret;
	op = onnx_emit(o, logarithm ? IR_LOG_SOFTMAX : IR_SOFTMAX, 1, &from, to);
	if (!op)
		return onnx_failed(o);
	op->processor_reason = logarithm ? NULL : reason;
	ret = resolve_portable(o->graph, op, logarithm ? KESTREL_GRAPH_LOG_SOFTMAX :
			       KESTREL_GRAPH_SOFTMAX, 0);
	if (ret)
		return ret;
	softmax = &op->portable->attributes.softmax;
	softmax->kind = KESTREL_GRAPH_SOFTMAX_FLOAT;
	softmax->beta = resolve_float_bits(1);
	return 0;
}

int onnx_softmax(struct onnx *o)
{
	static const char *const reason = "only softmax of integers to a scale of 1/256 is the NPU's";
	bool flattens = o->opset < 13, taken = false;
	enum onnx_layout layout = ONNX_PLAIN;
	struct onnx_value *x, *y, *view, *made;
	int32_t shape[2] = { 1, 1 };
	unsigned int axis;
	int ret = onnx_check_counts(o, 1, 1);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	y = o->node->outputs[0];
	if (x->type != IR_FLOAT32 || !x->rank)
		return onnx_fail(o, x, -ENOTSUP, "only float32 of at least one dimension");
	ret = onnx_axis(o, onnx_attribute_int(o, "axis", flattens ? 1 : -1), x->rank, &axis);
	if (!ret)
		ret = onnx_define(o, y, IR_FLOAT32, x->rank, x->shape);
	if (ret)
		return ret;
	if (axis + 1 < x->rank && !flattens && axis == 1 && (x->rank == 3 || x->rank == 4))
		layout = ONNX_CHANNELS_LAST;
	if (axis + 1 == x->rank || layout == ONNX_CHANNELS_LAST) {
		ret = frame_softmax(o, x, y, layout, x->shape[axis], &taken);
		return ret || taken ? ret : emit_softmax(o, x, y, layout, reason);
	}
	if (!flattens)
		return onnx_fail(o, x, -ENOTSUP,
				 "axis %u; the last one, or the channels of a map, are supported",
				 axis);
	/* Old opsets take all dimensions from the axis on as one. */
	for (unsigned int d = 0; d < x->rank; d++)
		shape[d >= axis] *= x->shape[d];
	view = onnx_reshaped(o, x, x->name, 2, shape);
	made = view ? onnx_value_new(o, y->name, IR_FLOAT32, 2, shape) : NULL;
	if (!made)
		return onnx_failed(o);
	ret = emit_softmax(o, view, made, ONNX_PLAIN, reason);
	if (ret)
		return ret;
	view = onnx_reshaped(o, made, y->name, y->rank, y->shape);
	if (!view)
		return onnx_failed(o);
	onnx_alias(y, view);
	return 0;
}
