// SPDX-License-Identifier: MIT
#include <errno.h>

#include "error.h"
#include "tflite_options.h"
#include "tflite_schema.h"

static enum ir_activation activation_of(int8_t code)
{
	switch (code) {
	case 0:
		return IR_ACTIVATION_NONE;
	case 1:
		return IR_ACTIVATION_RELU;
	case 2:
		return IR_ACTIVATION_RELU_N1_TO_1;
	case 3:
		return IR_ACTIVATION_RELU6;
	}
	return IR_ACTIVATION_OTHER;
}

/* Slots of one options table; -1 where it has no such field. */
struct option_slots {
	int padding, stride_w, stride_h, activation, dilation_w, dilation_h, filter_w, filter_h;
	int depth_multiplier;
};

static int read_int32(const struct flatbuffer_table *options, int slot, int32_t missing,
		      int32_t *value)
{
	*value = missing;
	if (slot < 0 || !options->file)
		return 0;
	return flatbuffer_int32(options, (unsigned int)slot, missing, value);
}

static int read_bool(const struct flatbuffer_table *options, unsigned int slot, bool *value)
{
	int8_t code = 0;
	int ret = options->file ? flatbuffer_int8(options, slot, 0, &code) : 0;

	*value = code;
	return ret;
}

static int read_window(struct error *error, const struct flatbuffer_table *options,
		       const struct option_slots *slots, struct ir_operator *op, const char *what)
{
	struct ir_attributes *a = &op->attributes;
	int8_t padding = 0, activation = 0;
	int ret = 0;

	if (options->file && slots->padding >= 0)
		ret = flatbuffer_int8(options, (unsigned int)slots->padding, 0, &padding);
	if (!ret && options->file && slots->activation >= 0)
		ret = flatbuffer_int8(options, (unsigned int)slots->activation, 0, &activation);
	if (!ret)
		ret = read_int32(options, slots->stride_w, 0, &a->stride_w);
	if (!ret)
		ret = read_int32(options, slots->stride_h, 0, &a->stride_h);
	if (!ret)
		ret = read_int32(options, slots->dilation_w, 1, &a->dilation_w);
	if (!ret)
		ret = read_int32(options, slots->dilation_h, 1, &a->dilation_h);
	if (!ret)
		ret = read_int32(options, slots->filter_w, 0, &a->filter_w);
	if (!ret)
		ret = read_int32(options, slots->filter_h, 0, &a->filter_h);
	if (!ret)
		ret = read_int32(options, slots->depth_multiplier, 0, &a->depth_multiplier);
	if (ret)
		return ret;
	if (padding != 0 && padding != 1)
		return error_set(error, -EINVAL, "%s: padding code %d is unknown", what, padding);
	a->padding = padding ? IR_PADDING_VALID : IR_PADDING_SAME;
	a->activation = activation_of(activation);
	return 0;
}

static int read_slice(const struct flatbuffer_table *options, struct ir_attributes *a)
{
	int32_t *masks[] = { &a->begin_mask, &a->end_mask, &a->ellipsis_mask, &a->new_axis_mask,
			     &a->shrink_axis_mask };
	int ret = 0;

	for (int slot = 0; slot < 5 && !ret; slot++)
		ret = read_int32(options, slot, 0, masks[slot]);
	return ret;
}

static int read_dense(struct error *error, const struct flatbuffer_table *options,
		      struct ir_attributes *a, const char *what)
{
	int8_t shuffled = 0;
	int ret = options->file ? flatbuffer_int8(options, 1, 0, &shuffled) : 0;

	if (!ret && shuffled)
		ret = error_set(error, -ENOTSUP, "%s: weights in the shuffled order are not supported",
				what);
	return ret ? ret : read_bool(options, 3, &a->asymmetric_inputs);
}

static int read_lstm(const struct flatbuffer_table *options, struct ir_attributes *a)
{
	int8_t activation = 0;
	int ret = flatbuffer_int8(options, 0, 0, &activation);

	/* 4 is the hyperbolic tangent, the one that the kernels take. */
	a->activation = activation == 4 ? IR_ACTIVATION_NONE : IR_ACTIVATION_OTHER;
	if (!ret)
		ret = flatbuffer_float(options, 1, 0, &a->cell_clip);
	if (!ret)
		ret = flatbuffer_float(options, 2, 0, &a->projection_clip);
	return ret ? ret : read_bool(options, 3, &a->time_major);
}

static int read_custom(const struct flatbuffer_table *table, struct ir_attributes *a)
{
	struct flatbuffer_vector data;
	int ret = flatbuffer_vector(table, TFLITE_OPERATOR_CUSTOM, 1, &data);

	if (!ret && data.count) {
		a->custom = flatbuffer_vector_data(&data);
		a->custom_bytes = data.count;
	}
	return ret;
}

int tflite_read_options(struct error *error, const struct flatbuffer_table *table,
			struct ir_operator *op)
{
	static const struct option_slots convolution = { 0, 1, 2, 3, 4, 5, -1, -1, -1 };
	static const struct option_slots depthwise = { 0, 1, 2, 4, 5, 6, -1, -1, 3 };
	static const struct option_slots transposed = { 0, 1, 2, 3, -1, -1, -1, -1, -1 };
	static const struct option_slots pool = { 0, 1, 2, 5, -1, -1, 3, 4, -1 };
	static const struct option_slots plain = { -1, -1, -1, 0, -1, -1, -1, -1, -1 };
	static const struct option_slots second = { -1, -1, -1, 1, -1, -1, -1, -1, -1 };
	struct ir_attributes *a = &op->attributes;
	struct flatbuffer_table options = { 0 };
	int found, ret;

	ret = flatbuffer_subtable(table, TFLITE_OPERATOR_OPTIONS, table->what, &options, &found);
	if (ret)
		return ret;
	if (!found)
		options.file = NULL;
	switch (op->kind) {
	case IR_CONVOLUTION:
		return read_window(error, &options, &convolution, op, table->what);
	case IR_DEPTHWISE:
		return read_window(error, &options, &depthwise, op, table->what);
	case IR_TRANSPOSE_CONVOLUTION:
		return read_window(error, &options, &transposed, op, table->what);
	case IR_AVERAGE_POOL:
	case IR_MAX_POOL:
		return read_window(error, &options, &pool, op, table->what);
	case IR_FULLY_CONNECTED:
		ret = read_dense(error, &options, a, table->what);
		return ret ? ret : read_window(error, &options, &plain, op, table->what);
	case IR_L2_NORMALIZATION:
	case IR_ADD:
	case IR_SUB:
	case IR_MUL:
	case IR_DIV:
		return read_window(error, &options, &plain, op, table->what);
	case IR_SOFTMAX:
		return found ? flatbuffer_float(&options, 0, 0, &a->beta) : 0;
	case IR_MEAN:
	case IR_SUM:
	case IR_REDUCE_MAX:
	case IR_REDUCE_MIN:
	case IR_REDUCE_PROD:
	case IR_REDUCE_ANY:
	case IR_REDUCE_ALL:
		return read_bool(&options, 0, &a->keep_dimensions);
	case IR_BATCH_MATMUL:
		ret = read_bool(&options, 0, &a->transpose_a);
		return ret ? ret : read_bool(&options, 1, &a->transpose_b);
	case IR_SPACE_TO_DEPTH:
	case IR_DEPTH_TO_SPACE:
		return read_int32(&options, 0, 0, &a->block_size);
	case IR_MIRROR_PAD:
		return read_bool(&options, 0, &a->symmetric);
	case IR_GATHER:
		ret = read_int32(&options, 0, 0, &a->axis);
		return ret ? ret : read_int32(&options, 1, 0, &a->batch_dims);
	case IR_CONCATENATION:
		ret = read_window(error, &options, &second, op, table->what);
		return ret ? ret : read_int32(&options, 0, 0, &a->axis);
	case IR_PACK:
	case IR_UNPACK:
		return read_int32(&options, 1, 0, &a->axis);
	case IR_STRIDED_SLICE:
		return read_slice(&options, a);
	case IR_RESIZE_BILINEAR:
	case IR_RESIZE_NEAREST:
		/* Bilinear has two deprecated fields in front. */
		ret = read_bool(&options, op->kind == IR_RESIZE_BILINEAR ? 2 : 0,
				&a->align_corners);
		return ret ? ret : read_bool(&options, op->kind == IR_RESIZE_BILINEAR ? 3 : 1,
					     &a->half_pixel_centers);
	case IR_UNARY:
		if (a->function == IR_FUNCTION_GELU)
			return read_bool(&options, 0, &a->approximate);
		return found && a->function == IR_FUNCTION_LEAKY_RELU ?
		       flatbuffer_float(&options, 0, 0, &a->alpha) : 0;
	case IR_SVDF:
		ret = read_int32(&options, 0, 0, &a->rank);
		return ret ? ret : read_window(error, &options, &second, op, table->what);
	case IR_LSTM:
		return found ? read_lstm(&options, a) : 0;
	case IR_ONE_HOT:
		return read_int32(&options, 0, 0, &a->axis);
	case IR_CUMULATIVE_SUM:
		ret = read_bool(&options, 0, &a->exclusive);
		return ret ? ret : read_bool(&options, 1, &a->reverse);
	case IR_CALL_ONCE:
		return read_int32(&options, 0, 0, &a->subgraph);
	case IR_DETECTION:
		return read_custom(table, a);
	default:
		return 0;
	}
}
