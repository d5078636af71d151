// SPDX-License-Identifier: MIT
/* Dynamic quantisation: scales and zero points that each run finds. */
#include <errno.h>
#include <string.h>

#include "onnx_import.h"
#include "resolve_check.h"

/* The tensor of a further output, under the name that the model gives it if any. */
static int further_output(struct onnx *o, unsigned int index, enum ir_type type, int *tensor)
{
	struct onnx_value *value = index < o->node->output_count ? o->node->outputs[index] : NULL;
	int ret;

	if (!value)
		return onnx_tensor_raw(o, "unused", type, 0, NULL, NULL, tensor);
	ret = onnx_define(o, value, type, 0, NULL);
	return ret ? ret : onnx_tensor_new(o, value, ONNX_PLAIN, tensor);
}

int onnx_dynamic_quantize_linear(struct onnx *o)
{
	struct onnx_value *x = onnx_input(o, 0), *y;
	enum onnx_layout layout;
	struct ir_operator *op;
	int from, outputs[3], ret;

	if (o->node->input_count != 1 || !x || !o->node->output_count || !o->node->outputs[0] ||
	    o->node->output_count > 3)
		return onnx_fail(o, NULL, -EINVAL, "takes one input and gives three outputs");
	y = o->node->outputs[0];
	if (x->type != IR_FLOAT32)
		return onnx_fail(o, x, -EINVAL, "type %s, only float32 makes sense",
				 ir_type_name(x->type));
	ret = onnx_define(o, y, IR_UINT8, x->rank, x->shape);
	if (ret)
		return ret;
	layout = onnx_layout_of(x);
	y->map_channels = x->map_channels;
	y->map_pixels = x->map_pixels;
	ret = onnx_tensor(o, x, layout, &from);
	if (!ret)
		ret = onnx_tensor_new(o, y, layout, &outputs[0]);
	if (!ret)
		ret = further_output(o, 1, IR_FLOAT32, &outputs[1]);
	if (!ret)
		ret = further_output(o, 2, IR_UINT8, &outputs[2]);
	if (ret)
		return ret;
	op = onnx_emit(o, IR_DYNAMIC_QUANTISE, 1, &from, outputs[0]);
	if (!op)
		return onnx_failed(o);
	op->outputs = arena_copy(o->arena, outputs, sizeof(outputs));
	if (!op->outputs)
		return onnx_memory(o);
	op->output_count = 3;
	for (unsigned int i = 1; i < 3; i++)
		o->graph->tensors[outputs[i]].producer =
			o->graph->tensors[outputs[0]].producer;
	return resolve_portable(o->graph, op, KESTREL_GRAPH_DYNAMIC_QUANTIZE, 0);
}

int onnx_zero_points(struct onnx *o, unsigned int input, const struct onnx_value *of,
		     int32_t most, int *tensor)
{
	struct onnx_value *zero_points = onnx_input(o, input);

	*tensor = -1;
	if (!zero_points)
		return 0;
	if (zero_points->type != of->type ||
	    (zero_points->elements != 1 && zero_points->elements != (uint64_t)most))
		return onnx_fail(o, zero_points, -ENOTSUP,
				 "a zero point must be one %s%s", ir_type_name(of->type),
				 most > 1 ? ", or one for each output" : "");
	return onnx_tensor(o, zero_points, ONNX_PLAIN, tensor);
}
