// SPDX-License-Identifier: MIT
/* Windows, pools and resampling. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "onnx_import.h"
#include "resolve_check.h"

#define EXTENT_MAX 65535

/* One dimension of a window, by the rules of auto_pad and ceil_mode. */
struct extent {
	int32_t input, kernel, stride, dilation, before, after, output;
};

static int extent_resolve(struct onnx *o, const struct onnx_value *x, bool transposed,
			  bool ceiling, int32_t output_padding, struct extent *e)
{
	bool upper = onnx_attribute_is(o, "auto_pad", "SAME_UPPER", false);
	bool same = upper || onnx_attribute_is(o, "auto_pad", "SAME_LOWER", false);
	int64_t effective, total, span, output;

	if (e->kernel < 1 || e->kernel > EXTENT_MAX || e->stride < 1 || e->stride > EXTENT_MAX ||
	    e->dilation < 1 || e->dilation > EXTENT_MAX || e->before < 0 || e->after < 0 ||
	    e->before > EXTENT_MAX || e->after > EXTENT_MAX)
		return onnx_fail(o, x, -EINVAL,
				 "kernel %d, stride %d, dilation %d, pads %d and %d make no sense",
				 e->kernel, e->stride, e->dilation, e->before, e->after);
	if (onnx_attribute_is(o, "auto_pad", "VALID", false))
		e->before = e->after = 0;
	effective = (int64_t)(e->kernel - 1) * e->dilation + 1;
	if (transposed) {
		output = (int64_t)(e->input - 1) * e->stride + effective + output_padding;
		if (same) {
			total = output - (int64_t)e->input * e->stride;
			total = total > 0 ? total : 0;
			e->before = (int32_t)(upper ? total / 2 : total - total / 2);
			e->after = (int32_t)(total - e->before);
		}
		output -= (int64_t)e->before + e->after;
	} else if (same) {
		output = ((int64_t)e->input + e->stride - 1) / e->stride;
		total = (output - 1) * e->stride + effective - e->input;
		total = total > 0 ? total : 0;
		e->before = (int32_t)(upper ? total / 2 : total - total / 2);
	} else {
		span = (int64_t)e->input + e->before + e->after - effective;
		output = span < 0 ? 0 : (span + (ceiling ? e->stride - 1 : 0)) / e->stride + 1;
		/* No window begins behind the input. */
		if (ceiling && (output - 1) * e->stride >= (int64_t)e->input + e->before)
			output--;
	}
	if (output < 1 || output > INT32_MAX)
		return onnx_fail(o, x, -EINVAL, "nothing is left of %d under a kernel of %d",
				 e->input, e->kernel);
	e->output = (int32_t)output;
	total = transposed ? (int64_t)(e->input - 1) * e->stride + effective - output :
			     (output - 1) * e->stride + effective - e->input;
	if (total - e->before < -EXTENT_MAX || total - e->before > EXTENT_MAX)
		return onnx_fail(o, x, -ENOTSUP, "pads of more than %d", EXTENT_MAX);
	e->after = (int32_t)(total - e->before);
	return 0;
}

int onnx_window(struct onnx *o, const struct onnx_value *x, const int32_t *kernel,
		struct onnx_window *window)
{
	unsigned int count = x->rank - 2, first = 2 - count;
	bool transposed = !strcmp(o->node->proto->op_type, "ConvTranspose");
	bool ceiling = onnx_attribute_int(o, "ceil_mode", 0);
	int32_t kernels[2], strides[2], dilations[2], pads[4], extra[2];
	struct extent e[2] = { { .input = 1, .kernel = 1, .stride = 1, .dilation = 1,
				 .output = 1 } };
	int ret = onnx_attribute_ints(o, "kernel_shape", count, -1, kernels);

	if (!ret)
		ret = onnx_attribute_ints(o, "strides", count, 1, strides);
	if (!ret)
		ret = onnx_attribute_ints(o, "dilations", count, 1, dilations);
	if (!ret)
		ret = onnx_attribute_ints(o, "pads", 2 * count, 0, pads);
	if (!ret)
		ret = onnx_attribute_ints(o, "output_padding", count, 0, extra);
	if (!ret && transposed && onnx_attribute(o, "output_shape"))
		ret = onnx_fail(o, x, -ENOTSUP, "attribute output_shape; give pads instead");
	for (unsigned int d = 0; d < count && !ret; d++) {
		int32_t given = kernel ? kernel[first + d] : kernels[d];

		if (kernels[d] != -1 && kernels[d] != given)
			return onnx_fail(o, x, -EINVAL, "kernel_shape is %d, the weights have %d",
					 kernels[d], given);
		if (extra[d] < 0 || extra[d] > EXTENT_MAX)
			return onnx_fail(o, x, -EINVAL, "output_padding %d", extra[d]);
		e[first + d] = (struct extent){
			.input = x->shape[2 + d], .kernel = given, .stride = strides[d],
			.dilation = dilations[d], .before = pads[d], .after = pads[count + d],
		};
		ret = extent_resolve(o, x, transposed, ceiling, extra[d], &e[first + d]);
	}
	if (!ret && transposed && (e[0].dilation != 1 || e[1].dilation != 1))
		ret = onnx_fail(o, x, -ENOTSUP, "a dilated transposed convolution");
	window->window = (struct ir_window){
		.kernel_h = e[0].kernel, .kernel_w = e[1].kernel,
		.stride_h = e[0].stride, .stride_w = e[1].stride,
		.dilation_h = e[0].dilation, .dilation_w = e[1].dilation,
		.pad_top = e[0].before, .pad_bottom = e[0].after,
		.pad_left = e[1].before, .pad_right = e[1].after,
	};
	window->height = e[0].output;
	window->width = e[1].output;
	return ret;
}

static int define_pool(struct onnx *o, const struct onnx_window *w, const struct onnx_value *x,
		       struct onnx_value *y, enum ir_type type)
{
	int32_t shape[4] = { x->shape[0], x->shape[1], w->height, w->width };

	if (x->rank == 3)
		shape[2] = w->width;
	return onnx_define(o, y, type, x->rank, shape);
}

/* MaxPool of integers or floats, AveragePool of floats. */
static int emit_pool(struct onnx *o, enum ir_kind kind, const struct onnx_window *w,
		     struct onnx_value *x, struct onnx_value *y)
{
	const struct ir_tensor *from;
	struct ir_tensor *to;
	struct ir_operator *op;
	int ret = onnx_emit_from(o, kind, x, y, ONNX_CHANNELS_LAST, &op);

	if (ret)
		return ret;
	from = &o->graph->tensors[op->inputs[0]];
	to = &o->graph->tensors[op->outputs[0]];
	to->scale_count = from->scale_count;
	to->scales = from->scales;
	to->zero_points = from->zero_points;
	op->window = w->window;
	ir_type_range(y->type, &op->clamp_low, &op->clamp_high);
	return y->type == IR_FLOAT32 ? onnx_float_numbers(o, op) : 0;
}

/* Every window has all its taps inside, or counts those outside as zeros. */
static bool divides_evenly(struct onnx *o, const struct onnx_window *w)
{
	const struct ir_window *i = &w->window;

	return (onnx_attribute_int(o, "count_include_pad", 0) &&
		!onnx_attribute_int(o, "ceil_mode", 0)) ||
	       (i->pad_top <= 0 && i->pad_bottom <= 0 && i->pad_left <= 0 && i->pad_right <= 0);
}

/*
 * An average of integers between DequantizeLinear and QuantizeLinear is a sum
 * with a factor: a depthwise convolution whose weights are all 1.
 */
static int emit_average(struct onnx *o, const struct onnx_window *w, struct onnx_value *x,
			struct onnx_affine affine, const struct onnx_frame *frame)
{
	int32_t channels = x->shape[1], taps = w->window.kernel_h * w->window.kernel_w;
	int32_t shape[4] = { 1, w->window.kernel_h, w->window.kernel_w, channels };
	struct onnx_weights weights = { .scale_count = 1, .factor = 1.0 / taps };
	struct onnx_value *y = frame->result;
	int inputs[2], to, ret;
	struct ir_operator *op;
	float *scale;
	int8_t *ones;

	ret = onnx_tensor(o, x, ONNX_CHANNELS_LAST, &inputs[0]);
	if (!ret)
		ret = onnx_tensor_new(o, y, ONNX_CHANNELS_LAST, &to);
	if (!ret)
		ret = onnx_tensor_quantise(o, y, frame->affine);
	if (ret)
		return ret;
	ones = onnx_alloc(o, (uint64_t)taps * (uint64_t)channels, 1);
	if (!ones)
		return onnx_failed(o);
	memset(ones, 1, (size_t)taps * (size_t)channels);
	scale = arena_alloc(o->arena, 1, sizeof(*scale));
	if (!scale)
		return onnx_memory(o);
	*scale = 1;
	weights.scales = scale;
	ret = onnx_tensor_raw(o, "ones", IR_INT8, 4, shape, ones, &inputs[1]);
	if (!ret)
		ret = onnx_weights_describe(o, &weights, inputs[1], 3);
	if (ret)
		return ret;
	op = onnx_emit(o, IR_DEPTHWISE, 2, inputs, to);
	if (!op)
		return onnx_failed(o);
	op->window = w->window;
	op->attributes.depth_multiplier = 1;
	return onnx_weights_numbers(o, op, &weights, affine, frame, (uint32_t)channels);
}

int onnx_pool(struct onnx *o)
{
	bool largest = !strcmp(o->node->proto->op_type, "MaxPool");
	struct onnx_affine affine;
	struct onnx_frame frame;
	struct onnx_window w;
	struct onnx_value *x, *y, *stored;
	int ret = onnx_check_counts(o, 1, 1);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	y = o->node->outputs[0];
	if (x->rank != 3 && x->rank != 4)
		return onnx_fail(o, x, -ENOTSUP, "%u dimensions, 3 or 4 are supported", x->rank);
	if (onnx_attribute_int(o, "storage_order", 0))
		return onnx_fail(o, x, -ENOTSUP, "storage_order 1");
	ret = onnx_window(o, x, NULL, &w);
	if (!ret && (w.window.dilation_h != 1 || w.window.dilation_w != 1))
		ret = onnx_fail(o, x, -ENOTSUP, "a dilated pool");
	if (!ret)
		ret = define_pool(o, &w, x, y, x->type);
	if (ret)
		return ret;
	if (largest && (x->type == IR_INT8 || x->type == IR_UINT8))
		return emit_pool(o, IR_MAX_POOL, &w, x, y);
	if (x->type != IR_FLOAT32)
		return onnx_fail(o, x, -ENOTSUP, "type %s", ir_type_name(x->type));
	if (largest && onnx_stored(x, &affine) && !x->stored->data) {
		stored = onnx_stored_like(o, y, x);
		ret = stored ? emit_pool(o, IR_MAX_POOL, &w, x->stored, stored) : onnx_failed(o);
		return ret ? ret : onnx_store(o, y, stored, affine);
	}
	if (!largest && onnx_stored(x, &affine) && divides_evenly(o, &w) &&
	    onnx_frame_find(o, y, &frame)) {
		ret = onnx_frame_take(o, &frame, y);
		return ret ? ret : emit_average(o, &w, x->stored, affine, &frame);
	}
	if (!largest && onnx_attribute_int(o, "count_include_pad", 0) && !divides_evenly(o, &w))
		return onnx_fail(o, x, -ENOTSUP, "count_include_pad together with ceil_mode");
	if (!largest && onnx_attribute_int(o, "count_include_pad", 0) &&
	    (w.window.pad_top > 0 || w.window.pad_bottom > 0 || w.window.pad_left > 0 ||
	     w.window.pad_right > 0))
		return onnx_fail(o, x, -ENOTSUP,
				 "count_include_pad of floats; quantise its input and its output");
	return emit_pool(o, largest ? IR_MAX_POOL : IR_AVERAGE_POOL, &w, x, y);
}

/* GlobalMaxPool; GlobalAveragePool is a ReduceMean. */
int onnx_global_pool(struct onnx *o)
{
	struct onnx_window w = { .height = 1, .width = 1 };
	struct onnx_value *x, *y, *stored;
	struct onnx_affine affine;
	int ret = onnx_check_counts(o, 1, 1);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	y = o->node->outputs[0];
	if (x->rank != 3 && x->rank != 4)
		return onnx_fail(o, x, -ENOTSUP, "%u dimensions, 3 or 4 are supported", x->rank);
	w.window = (struct ir_window){
		.kernel_h = x->rank == 4 ? x->shape[2] : 1, .kernel_w = x->shape[x->rank - 1],
		.stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1,
	};
	if (w.window.kernel_h > EXTENT_MAX || w.window.kernel_w > EXTENT_MAX)
		return onnx_fail(o, x, -ENOTSUP, "a map of more than %d rows or columns",
				 EXTENT_MAX);
	ret = define_pool(o, &w, x, y, x->type);
	if (ret)
		return ret;
	if (!onnx_stored(x, &affine) || x->stored->data)
		return emit_pool(o, IR_MAX_POOL, &w, x, y);
	stored = onnx_stored_like(o, y, x);
	ret = stored ? emit_pool(o, IR_MAX_POOL, &w, x->stored, stored) : onnx_failed(o);
	return ret ? ret : onnx_store(o, y, stored, affine);
}

/* Sizes of Resize: input 3, else scales in input 2 (opset 10: input 1). */
static int resize_shape(struct onnx *o, const struct onnx_value *x, int32_t *shape)
{
	const struct onnx_value *scales = onnx_input(o, o->opset > 10 ? 2 : 1);
	int64_t sizes[IR_RANK_MAX];
	unsigned int count;
	float scale;
	int ret = onnx_list(o, 3, NULL, IR_RANK_MAX, sizes, &count);

	if (ret)
		return ret;
	if (onnx_attribute(o, "axes"))
		return onnx_fail(o, x, -ENOTSUP, "attribute axes; give sizes of all dimensions");
	if (!count && (!scales || !scales->data || scales->type != IR_FLOAT32 ||
		       scales->elements != x->rank))
		return onnx_fail(o, x, -ENOTSUP, "sizes or scales must be constant, one a dimension");
	if (count && count != x->rank)
		return onnx_fail(o, x, -EINVAL, "%u sizes", count);
	for (unsigned int d = 0; d < x->rank; d++) {
		double size = 0;

		if (!count) {
			memcpy(&scale, scales->data + 4 * (size_t)d, sizeof(scale));
			size = floor((double)x->shape[d] * (double)scale);
			/* Positions come from sizes; other scales would give others. */
			if (!(size >= 1 && size <= EXTENT_MAX) ||
			    (float)size != (float)x->shape[d] * scale)
				return onnx_fail(o, scales, -ENOTSUP,
						 "scale %g does not give whole sizes", (double)scale);
			sizes[d] = (int64_t)size;
		}
		if (sizes[d] < 1 || sizes[d] > EXTENT_MAX || (d < 2 && sizes[d] != x->shape[d]))
			return onnx_fail(o, x, -ENOTSUP, "size %lld of dimension %u",
					 (long long)sizes[d], d);
		shape[d] = (int32_t)sizes[d];
	}
	return 0;
}

/* Where output position `i` lies in the input, by coordinate_transformation_mode. */
static double resize_position(struct onnx *o, int32_t i, int32_t input, int32_t output)
{
	if (onnx_attribute_is(o, "coordinate_transformation_mode", "align_corners", false))
		return output > 1 ? (double)i * (input - 1) / (output - 1) : 0;
	if (onnx_attribute_is(o, "coordinate_transformation_mode", "asymmetric", o->opset < 11))
		return (double)i * input / output;
	return ((double)i + 0.5) * input / output - 0.5;
}

static int32_t resize_nearest(struct onnx *o, double position, int32_t input)
{
	double index = ceil(position - 0.5);

	if (onnx_attribute_is(o, "nearest_mode", "floor", o->opset < 11))
		index = floor(position);
	else if (onnx_attribute_is(o, "nearest_mode", "ceil", false))
		index = ceil(position);
	else if (onnx_attribute_is(o, "nearest_mode", "round_prefer_ceil", false))
		index = floor(position + 0.5);
	return (int32_t)(index < 0 ? 0 : index > input - 1 ? input - 1 : index);
}

/* Whether the graph's operator, in one of its modes, takes the same elements. */
static bool resize_matches(struct onnx *o, int32_t input, int32_t output, bool centres)
{
	float scale = (float)input / (float)output;

	for (int32_t i = 0; i < output; i++) {
		int32_t index = (int32_t)floorf(((float)i + (centres ? 0.5f : 0)) * scale);

		if ((index < input ? index : input - 1) !=
		    resize_nearest(o, resize_position(o, i, input, output), input))
			return false;
	}
	return true;
}

static int emit_resize(struct onnx *o, struct onnx_value *x, struct onnx_value *y)
{
	bool linear = onnx_attribute_is(o, "mode", "linear", false), centres;
	struct kestrel_graph_resize *resize;
	struct ir_operator *op;
	int ret;

	for (centres = false;; centres = true) {
		if (linear || (resize_matches(o, x->shape[2], y->shape[2], centres) &&
			       resize_matches(o, x->shape[3], y->shape[3], centres)))
			break;
		if (centres)
			return onnx_fail(o, x, -ENOTSUP,
					 "takes other elements than any form that is there; use nearest_mode floor with asymmetric coordinates");
	}
	ret = onnx_emit_from(o, linear ? IR_RESIZE_BILINEAR : IR_RESIZE_NEAREST, x, y,
			     ONNX_CHANNELS_LAST, &op);
	if (!ret)
		ret = resolve_portable(o->graph, op, linear ? KESTREL_GRAPH_RESIZE_BILINEAR :
				       KESTREL_GRAPH_RESIZE_NEAREST_NEIGHBOR, 0);
	if (ret)
		return ret;
	resize = &op->portable->attributes.resize;
	resize->half_pixel_centers = centres;
	if (!linear)
		return 0;
	resize->align_corners = onnx_attribute_is(o, "coordinate_transformation_mode",
						  "align_corners", false);
	resize->half_pixel_centers = !resize->align_corners &&
		!onnx_attribute_is(o, "coordinate_transformation_mode", "asymmetric",
				   o->opset < 11);
	return 0;
}

int onnx_resize(struct onnx *o)
{
	bool linear = onnx_attribute_is(o, "mode", "linear", false);
	struct onnx_value *x, *y, *stored;
	struct onnx_affine affine;
	int32_t shape[IR_RANK_MAX];
	int ret = onnx_check_counts(o, 1, 4);

	if (ret)
		return ret;
	x = onnx_input(o, 0);
	y = o->node->outputs[0];
	if (x->rank != 4 || (!linear && !onnx_attribute_is(o, "mode", "nearest", true)) ||
	    onnx_attribute_is(o, "coordinate_transformation_mode", "tf_crop_and_resize", false) ||
	    onnx_attribute_int(o, "antialias", 0))
		return onnx_fail(o, x, -ENOTSUP,
				 "only mode nearest and linear of four dimensions, without antialias");
	ret = resize_shape(o, x, shape);
	if (!ret)
		ret = onnx_define(o, y, x->type, 4, shape);
	if (ret)
		return ret;
	if (linear || !onnx_stored(x, &affine))
		return emit_resize(o, x, y);
	stored = onnx_stored_like(o, y, x);
	ret = stored ? emit_resize(o, x->stored, stored) : onnx_failed(o);
	return ret ? ret : onnx_store(o, y, stored, affine);
}
