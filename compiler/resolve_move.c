// SPDX-License-Identifier: MIT
/* Operators that move elements and change none, and those that resample. */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "resolve_check.h"

/* Rows and columns that positions are exact for, in and out. */
#define RESIZE_MAX 65535

int resolve_reshape(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in, *out;
	int ret = resolve_check_counts(graph, op, 1, 2);

	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (in->type != out->type || in->elements != out->elements)
		return error_set(graph->error, -EINVAL, "%s: not the bytes of the input",
				 ir_where(graph, op, op->outputs[0]));
	if (in->data)
		return error_set(graph->error, -ENOTSUP, "%s: reshape of a constant",
				 ir_where(graph, op, op->inputs[0]));
	op->input_count = 1;
	return 0;
}

int resolve_copy(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in, *out;
	int ret = resolve_check_counts(graph, op, 1, 1);

	if (!ret)
		ret = resolve_check_same_quantisation(graph, op);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (in->bytes != out->bytes)
		return error_set(graph->error, -EINVAL, "%s: %llu bytes, the variable has %llu",
				 ir_where(graph, op, op->outputs[0]),
				 (unsigned long long)out->bytes, (unsigned long long)in->bytes);
	return resolve_portable(graph, op, KESTREL_GRAPH_COPY, 0);
}

/* The value of PADV2, which takes the place of the zero point. */
static int read_pad_value(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *value = &graph->tensors[op->inputs[2]];
	int ret = resolve_check_moved(graph, op, op->inputs[2], op->outputs[0]);

	if (ret)
		return ret;
	if (!value->data || value->elements != 1)
		return error_set(graph->error, -ENOTSUP, "%s: the padding must be one constant",
				 ir_where(graph, op, op->inputs[2]));
	switch (value->type) {
	case IR_INT8:
		op->output_zero_point = (int8_t)value->data[0];
		return 0;
	case IR_UINT8:
		op->output_zero_point = value->data[0];
		return 0;
	case IR_INT16:
		op->output_zero_point = (int16_t)(value->data[0] | value->data[1] << 8);
		return 0;
	default:
		memcpy(&op->output_zero_point, value->data, sizeof(op->output_zero_point));
		return 0;
	}
}

int resolve_paddings(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	int32_t values[2 * IR_RANK_MAX];
	unsigned int count;
	int ret = resolve_list(graph, op, 1, 2 * IR_RANK_MAX, values, &count);

	if (ret)
		return ret;
	if (count != 2 * in->rank || out->rank != in->rank)
		return error_set(graph->error, -ENOTSUP,
				 "%s: the paddings must be two a dimension",
				 ir_where(graph, op, op->inputs[1]));
	for (unsigned int d = 0; d < in->rank; d++) {
		const int32_t *pair = &values[2 * d];

		if (pair[0] < 0 || pair[1] < 0 ||
		    (int64_t)pair[0] + in->shape[d] + pair[1] != out->shape[d])
			return error_set(graph->error, -EINVAL,
					 "%s: paddings %d and %d of dimension %u do not match",
					 ir_where(graph, op, op->inputs[1]), pair[0], pair[1], d);
		op->pad_before[d] = pair[0];
		op->pad_after[d] = pair[1];
	}
	return 0;
}

int resolve_pad(struct ir_graph *graph, struct ir_operator *op)
{
	unsigned int inputs = op->kind == IR_PAD_V2 ? 3 : 2;
	int ret = resolve_check_counts(graph, op, inputs, inputs);

	if (!ret)
		ret = resolve_check_same_quantisation(graph, op);
	if (!ret && graph->tensors[op->outputs[0]].scale_count)
		ret = resolve_check_activations(graph, op);
	if (!ret && graph->tensors[op->outputs[0]].scale_count)
		ret = resolve_output_range(graph, op);
	if (!ret && op->kind == IR_PAD_V2)
		ret = read_pad_value(graph, op);
	if (!ret)
		ret = resolve_paddings(graph, op);
	op->input_count = 1;
	op->kind = IR_PAD;
	return ret;
}

int resolve_concatenation(struct ir_graph *graph, struct ir_operator *op)
{
	bool pack = op->kind == IR_PACK;
	const struct ir_tensor *out;
	uint32_t axis;
	uint64_t sum = 0;
	int ret = resolve_check_counts(graph, op, op->input_count ? op->input_count : 1,
				       op->input_count);

	if (ret)
		return ret;
	out = &graph->tensors[op->outputs[0]];
	ret = resolve_dimension(graph, op, op->attributes.axis, out->rank, &axis);
	if (!ret && op->attributes.activation != IR_ACTIVATION_NONE)
		ret = error_set(graph->error, -ENOTSUP, "%s: its fused activation is not supported",
				ir_where(graph, op, -1));
	for (unsigned int i = 0; i < op->input_count && !ret; i++) {
		const struct ir_tensor *in = &graph->tensors[op->inputs[i]];

		ret = resolve_check_moved(graph, op, op->inputs[i], op->outputs[0]);
		sum += in->elements;
		if (!ret && in->rank != out->rank - pack)
			ret = error_set(graph->error, -EINVAL, "%s: rank %u does not fit %u",
					ir_where(graph, op, op->inputs[i]), in->rank, out->rank);
		for (unsigned int d = 0; d < out->rank && !ret; d++)
			if (d != axis && in->shape[pack && d > axis ? d - 1 : d] != out->shape[d])
				ret = error_set(graph->error, -EINVAL,
						"%s: dimension %u does not fit the output's, %s",
						ir_where(graph, op, op->inputs[i]), d,
						ir_tensor_text(graph, op->outputs[0]));
	}
	if (!ret && sum != out->elements)
		ret = error_set(graph->error, -EINVAL, "%s: the inputs do not fill it",
				ir_where(graph, op, op->outputs[0]));
	if (!ret)
		ret = resolve_portable(graph, op, pack ? KESTREL_GRAPH_PACK :
				       KESTREL_GRAPH_CONCATENATION, 0);
	if (!ret)
		op->portable->attributes.axis.axis = axis;
	return ret;
}

/* SPLIT (axis, value), SPLIT_V (value, sizes, axis) and UNPACK (value). */
int resolve_split(struct ir_graph *graph, struct ir_operator *op)
{
	unsigned int value = op->kind == IR_SPLIT, inputs = op->kind == IR_SPLIT ? 2 :
			     op->kind == IR_SPLIT_V ? 3 : 1;
	int32_t stated = op->attributes.axis;
	const struct ir_tensor *in;
	unsigned int count;
	uint64_t sum = 0;
	uint32_t axis;
	int ret = 0;

	if (op->input_count != inputs || op->inputs[value] < 0 || !op->output_count)
		return error_set(graph->error, -EINVAL, "%s: %u inputs and %u outputs",
				 ir_where(graph, op, -1), op->input_count, op->output_count);
	if (op->kind != IR_UNPACK)
		ret = resolve_list(graph, op, op->kind == IR_SPLIT ? 0 : 2, 1, &stated, &count);
	op->inputs[0] = op->inputs[value];
	op->input_count = 1;
	in = &graph->tensors[op->inputs[0]];
	if (!ret)
		ret = resolve_dimension(graph, op, stated, in->rank, &axis);
	for (unsigned int i = 0; i < op->output_count && !ret; i++) {
		const struct ir_tensor *out = &graph->tensors[op->outputs[i]];
		uint64_t step = in->elements / (uint64_t)in->shape[axis];

		ret = resolve_check_moved(graph, op, op->inputs[0], op->outputs[i]);
		sum += out->elements;
		if (!ret && out->elements % step)
			ret = error_set(graph->error, -EINVAL,
					"%s: shape is no part of the input's, %s",
					ir_where(graph, op, op->outputs[i]),
					ir_tensor_text(graph, op->inputs[0]));
	}
	if (!ret && sum != in->elements)
		ret = error_set(graph->error, -EINVAL, "%s: the outputs are not all of it",
				ir_where(graph, op, op->inputs[0]));
	if (!ret)
		ret = resolve_portable(graph, op, KESTREL_GRAPH_SPLIT, 0);
	if (!ret)
		op->portable->attributes.axis.axis = axis;
	op->kind = IR_SPLIT;
	return ret;
}

static int32_t limit(int32_t value, int32_t low, int32_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* One dimension of STRIDED_SLICE. Returns the number of elements, 0 for none. */
static int32_t slice_dimension(const struct ir_attributes *a, unsigned int d, int32_t size,
			       int32_t *begin, int32_t end, int32_t *stride)
{
	int32_t low = *stride > 0 ? 0 : -1, high = *stride > 0 ? size : size - 1;
	int64_t span;

	if (!*stride)
		return 0;
	if (a->begin_mask >> d & 1)
		*begin = *stride > 0 ? low : high;
	else
		*begin = limit(*begin < 0 ? *begin + size : *begin, low, high);
	if (a->shrink_axis_mask >> d & 1) {
		*stride = 1;
		return *begin >= 0 && *begin < size;
	}
	if (a->end_mask >> d & 1)
		end = *stride > 0 ? high : low;
	else
		end = limit(end < 0 ? end + size : end, low, high);
	span = (int64_t)end - *begin;
	if ((span > 0) != (*stride > 0) || !span)
		return 0;
	return (int32_t)((span + *stride - (*stride > 0 ? 1 : -1)) / *stride);
}

/* SLICE (begin, size) and STRIDED_SLICE (begin, end, strides). */
int resolve_slice(struct ir_graph *graph, struct ir_operator *op)
{
	bool strided = op->kind == IR_STRIDED_SLICE;
	int32_t begin[IR_RANK_MAX] = { 0 }, end[IR_RANK_MAX] = { 0 }, stride[IR_RANK_MAX];
	unsigned int count, count2, count3;
	const struct ir_tensor *in, *out;
	uint64_t elements = 1;
	int ret = resolve_check_counts(graph, op, strided ? 4 : 3, strided ? 4 : 3);

	if (!ret)
		ret = resolve_check_same_quantisation(graph, op);
	if (!ret)
		ret = resolve_list(graph, op, 1, IR_RANK_MAX, begin, &count);
	if (!ret)
		ret = resolve_list(graph, op, 2, IR_RANK_MAX, end, &count2);
	count3 = count2;
	if (!ret && strided)
		ret = resolve_list(graph, op, 3, IR_RANK_MAX, stride, &count3);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (count > in->rank || count2 != count || count3 != count ||
	    (!strided && count != in->rank) || op->attributes.ellipsis_mask ||
	    op->attributes.new_axis_mask)
		return error_set(graph->error, -ENOTSUP,
				 "%s: one begin, end and stride a dimension is supported, no ellipsis and no new axis",
				 ir_where(graph, op, -1));
	ret = resolve_portable(graph, op, KESTREL_GRAPH_SLICE, 0);
	for (unsigned int d = 0; d < in->rank && !ret; d++) {
		struct kestrel_graph_slice *slice = &op->portable->attributes.slice;
		int32_t taken = in->shape[d], from = 0, step = 1;

		if (d < count && strided) {
			from = begin[d];
			step = stride[d];
			taken = slice_dimension(&op->attributes, d, in->shape[d], &from, end[d],
						&step);
		} else if (d < count) {
			from = begin[d];
			taken = end[d] < 0 && from >= 0 ? in->shape[d] - from : end[d];
		}
		if (taken < 1 || from < 0 || from >= in->shape[d] || taken > in->shape[d])
			return error_set(graph->error, -EINVAL, "%s: takes nothing of dimension %u",
					 ir_where(graph, op, op->inputs[0]), d);
		slice->begin[d] = (uint32_t)from;
		slice->stride[d] = step;
		slice->count[d] = (uint32_t)taken;
		elements *= (uint64_t)taken;
	}
	if (!ret && elements != out->elements)
		ret = error_set(graph->error, -EINVAL, "%s: shape is not that of the slice of %s",
				ir_where(graph, op, op->outputs[0]),
				ir_tensor_text(graph, op->inputs[0]));
	op->kind = IR_SLICE;
	op->input_count = 1;
	return ret;
}

int resolve_transpose(struct ir_graph *graph, struct ir_operator *op)
{
	int32_t permutation[IR_RANK_MAX];
	const struct ir_tensor *in, *out;
	unsigned int count, seen = 0;
	int ret = resolve_moved_by_list(graph, op, KESTREL_GRAPH_TRANSPOSE, permutation, &count);

	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (count != in->rank || out->rank != in->rank)
		return error_set(graph->error, -EINVAL, "%s: %u entries for %u dimensions",
				 ir_where(graph, op, op->inputs[1]), count, in->rank);
	for (unsigned int d = 0; d < in->rank; d++) {
		uint32_t from;

		ret = resolve_dimension(graph, op, permutation[d], in->rank, &from);
		if (ret)
			return ret;
		if (seen & 1u << from || out->shape[d] != in->shape[from])
			return error_set(graph->error, -EINVAL, "%s: entry %u does not fit",
					 ir_where(graph, op, op->inputs[1]), d);
		seen |= 1u << from;
		op->portable->attributes.transpose.permutation[d] = from;
	}
	op->input_count = 1;
	return 0;
}

int resolve_resize(struct ir_graph *graph, struct ir_operator *op)
{
	bool bilinear = op->kind == IR_RESIZE_BILINEAR;
	const struct ir_tensor *in, *out;
	int ret = resolve_check_counts(graph, op, 2, 2);

	if (!ret)
		ret = resolve_check_same_quantisation(graph, op);
	if (!ret)
		ret = resolve_portable(graph, op, bilinear ? KESTREL_GRAPH_RESIZE_BILINEAR :
				       KESTREL_GRAPH_RESIZE_NEAREST_NEIGHBOR, 0);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (in->rank != 4 || out->rank != 4 || in->shape[0] != out->shape[0] ||
	    in->shape[3] != out->shape[3])
		return error_set(graph->error, -EINVAL, "%s: only height and width may change",
				 ir_where(graph, op, op->outputs[0]));
	for (unsigned int d = 1; d < 3; d++)
		if (in->shape[d] > RESIZE_MAX || out->shape[d] > RESIZE_MAX)
			return error_set(graph->error, -ENOTSUP,
					 "%s: more than %d rows or columns",
					 ir_where(graph, op, op->outputs[0]), RESIZE_MAX);
	if (bilinear && in->type != IR_INT8 && in->type != IR_UINT8 && in->type != IR_INT16 &&
	    in->type != IR_FLOAT32)
		return error_set(graph->error, -ENOTSUP, "%s: no form for type %s",
				 ir_where(graph, op, op->inputs[0]), ir_type_name(in->type));
	if (op->attributes.align_corners && op->attributes.half_pixel_centers)
		return error_set(graph->error, -EINVAL,
				 "%s: align_corners and half_pixel_centers exclude each other",
				 ir_where(graph, op, -1));
	op->portable->attributes.resize.align_corners = op->attributes.align_corners;
	op->portable->attributes.resize.half_pixel_centers = op->attributes.half_pixel_centers;
	op->portable->attributes.resize.float_weights = bilinear && in->type == IR_UINT8;
	op->input_count = 1;
	return 0;
}
