// SPDX-License-Identifier: MIT
/* Conv, ConvTranspose and QLinearConv. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "onnx_import.h"
#include "resolve_check.h"

#define GROUPS_MAX 65536

/* A convolution's shapes: weights are [outputs, group_inputs, height, width]. */
struct geometry {
	struct onnx_window window;
	int32_t groups, inputs, group_inputs, outputs;
	/* ConvTranspose has inputs before outputs. */
	bool transposed;
	bool depthwise;
};

static int read_geometry(struct onnx *o, const struct onnx_value *x, const struct onnx_value *w,
			 struct geometry *g)
{
	int64_t groups = onnx_attribute_int(o, "group", 1);
	int32_t kernel[2] = { 1, 1 };
	int ret;

	if ((x->rank != 3 && x->rank != 4) || w->rank != x->rank)
		return onnx_fail(o, x, -ENOTSUP,
				 "%u dimensions, weights with %u; one- and two-dimensional convolutions are supported",
				 x->rank, w->rank);
	for (unsigned int d = 2; d < w->rank; d++)
		kernel[d - w->rank + 2] = w->shape[d];
	ret = onnx_window(o, x, kernel, &g->window);
	if (ret)
		return ret;
	if (groups < 1 || groups > GROUPS_MAX || x->shape[1] % groups || w->shape[0] % groups)
		return onnx_fail(o, w, -EINVAL, "%lld groups of %d input and %d output channels",
				 (long long)groups, x->shape[1], w->shape[0]);
	g->groups = (int32_t)groups;
	g->inputs = x->shape[1];
	g->group_inputs = g->inputs / g->groups;
	g->outputs = g->transposed ? w->shape[1] * g->groups : w->shape[0];
	if (g->transposed ? w->shape[0] != g->inputs : w->shape[1] != g->group_inputs)
		return onnx_fail(o, w, -EINVAL, "does not match %d input channels in %d groups",
				 g->inputs, g->groups);
	g->depthwise = !g->transposed && g->groups == g->inputs && g->groups > 1;
	return 0;
}

static int define_output(struct onnx *o, const struct geometry *g, const struct onnx_value *x,
			 struct onnx_value *y)
{
	int32_t shape[4] = { x->shape[0], g->outputs, g->window.height, g->window.width };

	if (x->rank == 3)
		shape[2] = g->window.width;
	return onnx_define(o, y, IR_FLOAT32, x->rank, shape);
}

/*
 * The weights as the graph has them: outputs, rows, columns, inputs of a group;
 * of a depthwise convolution 1, rows, columns, outputs.
 */
static int weights_tensor(struct onnx *o, const struct geometry *g, const struct onnx_value *w,
			  int *tensor)
{
	int32_t h = g->window.window.kernel_h, width = g->window.window.kernel_w;
	int32_t shape[4] = { g->outputs, h, width, g->group_inputs };
	uint64_t bytes = ir_type_bytes(w->type), at = 0;
	uint8_t *data = onnx_alloc(o, w->elements, bytes);

	if (!data)
		return onnx_failed(o);
	if (g->depthwise) {
		shape[0] = 1;
		shape[3] = g->outputs;
	}
	for (int32_t a = 0; a < shape[0]; a++)
	for (int32_t y = 0; y < h; y++)
	for (int32_t x = 0; x < width; x++)
	for (int32_t b = 0; b < shape[3]; b++, at++) {
		int32_t out = g->depthwise ? b : a, in = g->depthwise ? 0 : b;
		int64_t from = g->transposed ? (int64_t)in * g->outputs + out :
					       (int64_t)out * g->group_inputs + in;

		memcpy(data + at * bytes, w->data + (uint64_t)((from * h + y) * width + x) * bytes,
		       bytes);
	}
	return onnx_tensor_raw(o, w->name, w->type, 4, shape, data, tensor);
}

static enum ir_kind kind_of(const struct geometry *g)
{
	return g->transposed ? IR_TRANSPOSE_CONVOLUTION :
	       g->depthwise ? IR_DEPTHWISE : IR_CONVOLUTION;
}

static struct ir_operator *emit(struct onnx *o, const struct geometry *g, const int *inputs,
				int output)
{
	struct ir_operator *op = onnx_emit(o, kind_of(g), inputs[2] < 0 ? 2 : 3, inputs, output);

	if (op) {
		op->window = g->window.window;
		op->attributes.depth_multiplier = g->depthwise ? g->outputs / g->inputs : 1;
	}
	return op;
}

static int emit_integers(struct onnx *o, const struct geometry *g, struct onnx_value *x,
			 struct onnx_affine affine, const struct onnx_weights *weights,
			 const struct onnx_frame *frame)
{
	int inputs[3] = { -1, -1, -1 }, output, ret;
	struct onnx_value *y = frame->result;
	struct ir_operator *op;

	ret = onnx_tensor(o, x, ONNX_CHANNELS_LAST, &inputs[0]);
	if (!ret)
		ret = weights_tensor(o, g, weights->stored, &inputs[1]);
	if (!ret)
		ret = onnx_weights_describe(o, weights, inputs[1], g->depthwise ? 3 : 0);
	if (!ret && weights->bias)
		ret = onnx_tensor_raw(o, "bias", IR_INT32, 1, &g->outputs, weights->bias,
				      &inputs[2]);
	if (!ret)
		ret = onnx_tensor_new(o, y, ONNX_CHANNELS_LAST, &output);
	if (!ret)
		ret = onnx_tensor_quantise(o, x, affine);
	if (!ret)
		ret = onnx_tensor_quantise(o, y, frame->affine);
	if (ret)
		return ret;
	op = emit(o, g, inputs, output);
	return op ? onnx_weights_numbers(o, op, weights, affine, frame, (uint32_t)g->outputs) :
		    onnx_failed(o);
}

static int emit_floats(struct onnx *o, const struct geometry *g, struct onnx_value *x,
		       struct onnx_value *w, struct onnx_value *bias, struct onnx_value *y)
{
	struct ir_operator *op;
	int inputs[3] = { -1, -1, -1 }, output, ret;

	if (g->transposed)
		return onnx_fail(o, x, -ENOTSUP,
				 "no float32 form of it: quantise its input, its weights and its output");
	if (!onnx_floats(o, w) || (bias && !onnx_floats(o, bias)))
		return onnx_failed(o);
	ret = onnx_tensor(o, x, ONNX_CHANNELS_LAST, &inputs[0]);
	if (!ret)
		ret = weights_tensor(o, g, &(struct onnx_value){
			.name = w->name, .type = IR_FLOAT32, .elements = w->elements,
			.data = w->data }, &inputs[1]);
	if (!ret && bias)
		ret = onnx_tensor(o, bias, ONNX_PLAIN, &inputs[2]);
	if (!ret)
		ret = onnx_tensor_new(o, y, ONNX_CHANNELS_LAST, &output);
	if (ret)
		return ret;
	op = emit(o, g, inputs, output);
	if (!op)
		return onnx_failed(o);
	op->processor_reason = "no QuantizeLinear frames it, so it computes with float32";
	return onnx_float_numbers(o, op);
}

static int convolve(struct onnx *o, bool transposed)
{
	struct geometry g = { .transposed = transposed };
	struct onnx_value *x, *w, *bias, *y;
	struct onnx_weights weights;
	struct onnx_affine affine;
	struct onnx_frame frame;
	bool fits = false;
	int ret = onnx_check_counts(o, 2, 3);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	w = onnx_input(o, 1);
	bias = onnx_input(o, 2);
	y = o->node->outputs[0];
	if (!onnx_is_constant(w) || w->type != IR_FLOAT32 || x->type != IR_FLOAT32 ||
	    (bias && (!onnx_is_constant(bias) || bias->type != IR_FLOAT32)))
		return onnx_fail(o, w, -ENOTSUP,
				 "weights and bias must be constant floats, dequantised or not");
	ret = read_geometry(o, x, w, &g);
	if (!ret && bias && bias->elements != (uint64_t)g.outputs)
		ret = onnx_fail(o, bias, -EINVAL, "does not match %d output channels", g.outputs);
	if (!ret && transposed && g.groups != 1)
		ret = onnx_fail(o, w, -ENOTSUP, "%d groups; only one is supported", g.groups);
	if (!ret)
		ret = define_output(o, &g, x, y);
	if (ret)
		return ret;
	if (onnx_stored(x, &affine) && onnx_weights(w, transposed ? 1 : 0, &weights) &&
	    onnx_frame_find(o, y, &frame)) {
		ret = onnx_weights_bias(o, &weights, affine, bias, 1, (uint32_t)g.outputs, &fits);
		if (!ret && fits)
			ret = onnx_frame_take(o, &frame, y);
		if (ret)
			return ret;
	}
	return fits ? emit_integers(o, &g, x->stored, affine, &weights, &frame) :
		      emit_floats(o, &g, x, w, bias, y);
}

int onnx_convolution(struct onnx *o)
{
	return convolve(o, false);
}

int onnx_transpose_convolution(struct onnx *o)
{
	return convolve(o, true);
}

/* Weights in input 3, their scales and zero points in 4 and 5, as if dequantised. */
static int read_qlinear_weights(struct onnx *o, struct onnx_weights *weights)
{
	struct onnx_value *s = onnx_input(o, 4), *z = onnx_input(o, 5);
	struct onnx_value value = { .stored = onnx_input(o, 3) };
	int32_t *zero_points;

	if (!s->data || s->type != IR_FLOAT32 || !z->data || z->type != value.stored->type ||
	    z->elements > s->elements || s->elements % z->elements)
		return onnx_fail(o, s, -ENOTSUP,
				 "scales and zero points of the weights must be constants");
	zero_points = onnx_alloc(o, s->elements, sizeof(*zero_points));
	if (!zero_points)
		return onnx_failed(o);
	value.scale_count = (uint32_t)s->elements;
	value.scales = (const float *)(const void *)s->data;
	value.zero_points = zero_points;
	for (uint64_t i = 0; i < s->elements; i++) {
		zero_points[i] = (int32_t)onnx_integer(z, i % z->elements);
		if (!(value.scales[i] > 0) || !isfinite(value.scales[i]))
			return onnx_fail(o, s, -EINVAL, "scale %g is not positive",
					 (double)value.scales[i]);
	}
	if (!onnx_weights(&value, 0, weights))
		return onnx_fail(o, value.stored, -ENOTSUP,
				 "weights must be 8-bit constants with one zero point for all channels");
	return 0;
}

/* x, its scale and zero point, weights and theirs, the output's, bias in int32. */
int onnx_qlinear_convolution(struct onnx *o)
{
	struct geometry g = { .transposed = false };
	struct onnx_frame frame = { .node_count = 0 };
	struct onnx_weights weights;
	struct onnx_value *x, *bias;
	struct onnx_affine affine;
	enum ir_type type;
	int ret = onnx_check_counts(o, 8, 9);

	if (!ret)
		ret = onnx_affine(o, 1, 2, &affine, &type);
	if (!ret)
		ret = onnx_affine(o, 6, 7, &frame.affine, &frame.type);
	if (!ret)
		ret = read_qlinear_weights(o, &weights);
	if (ret)
		return ret;
	x = onnx_input(o, 0);
	bias = onnx_input(o, 8);
	if (x->type != type || type == IR_INT16 || frame.type == IR_INT16)
		return onnx_fail(o, x, -ENOTSUP, "only int8 and uint8 with their zero points");
	ret = read_geometry(o, x, weights.stored, &g);
	if (!ret && weights.scale_count > 1 && weights.scale_count != (uint32_t)g.outputs)
		ret = onnx_fail(o, onnx_input(o, 4), -EINVAL, "does not match %d output channels",
				g.outputs);
	if (!ret && bias && (!bias->data || bias->type != IR_INT32 ||
			     bias->elements != (uint64_t)g.outputs))
		ret = onnx_fail(o, bias, -EINVAL, "the bias must be %d constant int32", g.outputs);
	if (!ret)
		ret = define_output(o, &g, x, o->node->outputs[0]);
	if (ret)
		return ret;
	weights.bias = bias ? (const int32_t *)(const void *)bias->data : NULL;
	frame.result = o->node->outputs[0];
	frame.result->type = frame.type;
	ir_type_range(frame.type, &frame.low, &frame.high);
	return emit_integers(o, &g, x, affine, &weights, &frame);
}

/* x, weights, the zero points of both. */
int onnx_convolution_integer(struct onnx *o)
{
	struct geometry g = { .transposed = false };
	const struct ir_window *window = &g.window.window;
	struct onnx_value *x, *w, *y = o->node->outputs[0];
	struct ir_operator *op;
	int inputs[4], to, ret = onnx_check_counts(o, 2, 4);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	w = onnx_input(o, 1);
	ret = onnx_check_bytes(o, x);
	if (!ret)
		ret = onnx_check_bytes(o, w);
	if (!ret && !w->data)
		ret = onnx_fail(o, w, -ENOTSUP, "the weights must be constant");
	if (!ret)
		ret = read_geometry(o, x, w, &g);
	if (!ret)
		ret = define_output(o, &g, x, y);
	if (ret)
		return ret;
	y->type = IR_INT32;
	g.depthwise = false;
	ret = onnx_tensor(o, x, ONNX_CHANNELS_LAST, &inputs[0]);
	if (!ret)
		ret = weights_tensor(o, &g, w, &inputs[1]);
	if (!ret)
		ret = onnx_zero_points(o, 2, x, 1, &inputs[2]);
	if (!ret)
		ret = onnx_zero_points(o, 3, w, g.outputs, &inputs[3]);
	if (!ret)
		ret = onnx_tensor_new(o, y, ONNX_CHANNELS_LAST, &to);
	if (ret)
		return ret;
	op = onnx_emit(o, IR_CONVOLUTION_INTEGER, 4, inputs, to);
	if (!op)
		return onnx_failed(o);
	ret = resolve_portable(o->graph, op, KESTREL_GRAPH_CONV_INTEGER, 0);
	if (ret)
		return ret;
	op->portable->attributes.convolution = (struct kestrel_graph_convolution){
		.stride_height = (uint32_t)window->stride_h,
		.stride_width = (uint32_t)window->stride_w,
		.dilation_height = (uint32_t)window->dilation_h,
		.dilation_width = (uint32_t)window->dilation_w,
		.pad_top = window->pad_top,
		.pad_left = window->pad_left,
		.pad_bottom = window->pad_bottom,
		.pad_right = window->pad_right,
		.depth_multiplier = 1,
	};
	return 0;
}
