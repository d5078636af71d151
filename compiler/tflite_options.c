// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stddef.h>

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

/* What a field of an options table becomes. */
enum option_type {
	/* Nothing that is asked for. */
	OPTION_UNUSED,
	OPTION_INT32, OPTION_FLOAT, OPTION_BOOL,
	/* Codes of the schema. */
	OPTION_PADDING, OPTION_ACTIVATION, OPTION_LSTM_ACTIVATION, OPTION_WEIGHTS_FORMAT,
};

struct option {
	enum option_type type;
	/* Of the attribute. */
	size_t offset;
};

#define UNUSED { OPTION_UNUSED, 0 }
#define PADDING { OPTION_PADDING, 0 }
#define ACTIVATION { OPTION_ACTIVATION, 0 }
#define INT32(name) { OPTION_INT32, offsetof(struct ir_attributes, name) }
#define FLOAT(name) { OPTION_FLOAT, offsetof(struct ir_attributes, name) }
#define BOOL(name) { OPTION_BOOL, offsetof(struct ir_attributes, name) }
#define STRIDES INT32(stride_w), INT32(stride_h)
#define DILATIONS INT32(dilation_w), INT32(dilation_h)

#define SLOTS 7

/* The fields of each kind's options table, by slot, as far as they are read. */
static const struct {
	enum ir_kind kind;
	struct option slots[SLOTS];
	/* Of IR_UNARY. */
	enum ir_function function;
} tables[] = {
	{ IR_CONVOLUTION, { PADDING, STRIDES, ACTIVATION, DILATIONS }, 0 },
	{ IR_DEPTHWISE, { PADDING, STRIDES, INT32(depth_multiplier), ACTIVATION, DILATIONS }, 0 },
	{ IR_TRANSPOSE_CONVOLUTION, { PADDING, STRIDES, ACTIVATION }, 0 },
	{ IR_AVERAGE_POOL, { PADDING, STRIDES, INT32(filter_w), INT32(filter_h), ACTIVATION }, 0 },
	{ IR_MAX_POOL, { PADDING, STRIDES, INT32(filter_w), INT32(filter_h), ACTIVATION }, 0 },
	{ IR_FULLY_CONNECTED,
	  { ACTIVATION, { OPTION_WEIGHTS_FORMAT, 0 }, UNUSED, BOOL(asymmetric_inputs) }, 0 },
	{ IR_SVDF, { INT32(rank), ACTIVATION }, 0 },
	{ IR_LSTM,
	  { { OPTION_LSTM_ACTIVATION, 0 }, FLOAT(cell_clip), FLOAT(projection_clip),
	    BOOL(time_major) }, 0 },
	{ IR_BATCH_MATMUL, { BOOL(transpose_a), BOOL(transpose_b) }, 0 },
	{ IR_L2_NORMALIZATION, { ACTIVATION }, 0 },
	{ IR_ADD, { ACTIVATION }, 0 },
	{ IR_SUB, { ACTIVATION }, 0 },
	{ IR_MUL, { ACTIVATION }, 0 },
	{ IR_DIV, { ACTIVATION }, 0 },
	{ IR_SOFTMAX, { FLOAT(beta) }, 0 },
	{ IR_UNARY, { BOOL(approximate) }, IR_FUNCTION_GELU },
	{ IR_UNARY, { FLOAT(alpha) }, IR_FUNCTION_LEAKY_RELU },
	{ IR_MEAN, { BOOL(keep_dimensions) }, 0 },
	{ IR_SUM, { BOOL(keep_dimensions) }, 0 },
	{ IR_REDUCE_MAX, { BOOL(keep_dimensions) }, 0 },
	{ IR_REDUCE_MIN, { BOOL(keep_dimensions) }, 0 },
	{ IR_REDUCE_PROD, { BOOL(keep_dimensions) }, 0 },
	{ IR_REDUCE_ANY, { BOOL(keep_dimensions) }, 0 },
	{ IR_REDUCE_ALL, { BOOL(keep_dimensions) }, 0 },
	{ IR_CUMULATIVE_SUM, { BOOL(exclusive), BOOL(reverse) }, 0 },
	{ IR_SPACE_TO_DEPTH, { INT32(block_size) }, 0 },
	{ IR_DEPTH_TO_SPACE, { INT32(block_size) }, 0 },
	{ IR_MIRROR_PAD, { BOOL(symmetric) }, 0 },
	{ IR_GATHER, { INT32(axis), INT32(batch_dims) }, 0 },
	{ IR_CONCATENATION, { INT32(axis), ACTIVATION }, 0 },
	{ IR_PACK, { UNUSED, INT32(axis) }, 0 },
	{ IR_UNPACK, { UNUSED, INT32(axis) }, 0 },
	{ IR_ONE_HOT, { INT32(axis) }, 0 },
	{ IR_STRIDED_SLICE,
	  { INT32(begin_mask), INT32(end_mask), INT32(ellipsis_mask), INT32(new_axis_mask),
	    INT32(shrink_axis_mask) }, 0 },
	/* Its first two fields are deprecated. */
	{ IR_RESIZE_BILINEAR,
	  { UNUSED, UNUSED, BOOL(align_corners), BOOL(half_pixel_centers) }, 0 },
	{ IR_RESIZE_NEAREST, { BOOL(align_corners), BOOL(half_pixel_centers) }, 0 },
	{ IR_CALL_ONCE, { INT32(subgraph) }, 0 },
};

static int take_code(struct error *error, const char *what, enum option_type type, int8_t code,
		     struct ir_attributes *a)
{
	if (type == OPTION_ACTIVATION) {
		a->activation = activation_of(code);
	} else if (type == OPTION_LSTM_ACTIVATION) {
		/* 4 is the hyperbolic tangent, the one that the kernels take. */
		a->activation = code == 4 ? IR_ACTIVATION_NONE : IR_ACTIVATION_OTHER;
	} else if (type == OPTION_PADDING) {
		if (code != 0 && code != 1)
			return error_set(error, -EINVAL, "%s: padding code %d is unknown", what,
					 code);
		a->padding = code ? IR_PADDING_VALID : IR_PADDING_SAME;
	} else if (code) {
		return error_set(error, -ENOTSUP,
				 "%s: weights in the shuffled order are not supported", what);
	}
	return 0;
}

/* An absent field leaves the attribute as it is. */
static int read_option(struct error *error, const struct flatbuffer_table *options,
		       unsigned int slot, const struct option *option, struct ir_attributes *a)
{
	void *attribute = (uint8_t *)a + option->offset;
	int8_t code = 0;
	int ret;

	switch (option->type) {
	case OPTION_UNUSED:
		return 0;
	case OPTION_INT32:
		return flatbuffer_int32(options, slot, *(int32_t *)attribute, attribute);
	case OPTION_FLOAT:
		return flatbuffer_float(options, slot, *(float *)attribute, attribute);
	default:
		ret = flatbuffer_int8(options, slot, 0, &code);
	}
	if (!ret && option->type == OPTION_BOOL)
		*(bool *)attribute = code;
	else if (!ret)
		ret = take_code(error, options->what, option->type, code, a);
	return ret;
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
	struct ir_attributes *a = &op->attributes;
	struct flatbuffer_table options = { 0 };
	int found, ret;

	if (op->kind == IR_DETECTION)
		return read_custom(table, a);
	/* The one default that is not 0. */
	a->dilation_w = 1;
	a->dilation_h = 1;
	ret = flatbuffer_subtable(table, TFLITE_OPERATOR_OPTIONS, table->what, &options, &found);
	if (ret || !found)
		return ret;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (tables[i].kind != op->kind ||
		    (op->kind == IR_UNARY && tables[i].function != a->function))
			continue;
		for (unsigned int slot = 0; slot < SLOTS && !ret; slot++)
			ret = read_option(error, &options, slot, &tables[i].slots[slot], a);
		return ret;
	}
	return 0;
}
