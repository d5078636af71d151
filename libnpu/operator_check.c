// SPDX-License-Identifier: MIT
/* One operator: do its shapes, types, attributes and tables suit its kernel? */
#include "operator_check.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Strides, dilations, paddings and windows above this are refused. */
#define GEOMETRY_MAX 65535

/* Outputs of an operator; 0: its own check counts them. */
static uint32_t outputs_of(uint32_t opcode)
{
	switch (opcode) {
	case KESTREL_GRAPH_SPLIT:
	case KESTREL_GRAPH_DETECTION_POSTPROCESS:
		return 0;
	case KESTREL_GRAPH_TOP_K:
		return 2;
	case KESTREL_GRAPH_DYNAMIC_QUANTIZE:
		return 3;
	}
	return 1;
}

static int counts_check(const struct check *check, uint32_t least, uint32_t most)
{
	const struct kestrel_graph_operator *operator = check->operator;
	uint32_t outputs;

	if (operator->input_count < least || operator->input_count > most)
		return check_fail(check, -EINVAL, "%" PRIu32 " inputs, %" PRIu32 "..%" PRIu32 " needed",
			    operator->input_count, least, most);
	for (uint32_t i = 0; i < least; i++)
		if (!check_input(check, i) && (operator->opcode != KESTREL_GRAPH_SVDF || i != 3))
			return check_fail(check, -EINVAL, "input %" PRIu32 " is absent", i);
	outputs = outputs_of(operator->opcode);
	if (outputs && operator->output_count != outputs)
		return check_fail(check, -EINVAL, "%" PRIu32 " outputs instead of %" PRIu32,
			    operator->output_count, outputs);
	return 0;
}

static int geometry_check(const struct check *check, const uint32_t *positive, uint32_t count,
			  const int32_t *padding)
{
	for (uint32_t i = 0; i < count; i++)
		if (!positive[i] || positive[i] > GEOMETRY_MAX)
			return check_fail(check, -EINVAL,
				    "stride, dilation or window %" PRIu32 " is not 1..%d",
				    positive[i], GEOMETRY_MAX);
	for (uint32_t i = 0; i < 4; i++)
		if (padding[i] < -GEOMETRY_MAX || padding[i] > GEOMETRY_MAX)
			return check_fail(check, -EINVAL, "padding %" PRId32 " is beyond %d",
				    padding[i], GEOMETRY_MAX);
	return 0;
}

/* float32 weights, or int8 ones with a scale a channel or one for all. */
static int float_weights_check(const struct check *check, uint32_t channels)
{
	const struct kestrel_graph_convolution *attributes =
		&check->operator->attributes.convolution;
	const struct kestrel_graph_requantise *requantise = &attributes->requantise;
	const struct kestrel_graph_tensor *weights = check_input(check, 1);
	const struct kestrel_graph_tensor *bias = check_input(check, 2);
	int hybrid = requantise->mode == KESTREL_GRAPH_REQUANTISE_HYBRID &&
		     check->operator->opcode != KESTREL_GRAPH_TRANSPOSE_CONV;
	int ret = 0;

	if (weights->type != (hybrid ? KESTREL_GRAPH_TYPE_INT8 : KESTREL_GRAPH_TYPE_FLOAT32) ||
	    check_output(check, 0)->type != KESTREL_GRAPH_TYPE_FLOAT32 ||
	    (bias && bias->type != KESTREL_GRAPH_TYPE_FLOAT32) ||
	    (!hybrid && requantise->mode != KESTREL_GRAPH_REQUANTISE_NONE))
		return check_fail(check, -ENOTSUP, "no kernel for float32 with weights %s",
				  graph_type_name(weights->type));
	if (bias && check_count(bias) != channels)
		return check_fail(check, -EINVAL, "bias has %" PRIu64 " elements for %" PRIu32 " channels",
				  check_count(bias), channels);
	if (attributes->input_asymmetric > (uint32_t)hybrid)
		return check_fail(check, -EINVAL, "flag %" PRIu32 " of mode %" PRIu32,
				  attributes->input_asymmetric, requantise->mode);
	if (hybrid)
		ret = check_zero_point(check, "weight", weights->type,
				       attributes->weight_zero_point);
	if (hybrid && !ret)
		ret = check_scales(check, requantise, channels);
	return ret ? ret : check_float_range(check, requantise->minimum, requantise->maximum);
}

/* Types and zero points that all operators with weights have in common. */
static int weights_check(const struct check *check, uint32_t channels)
{
	const struct kestrel_graph_convolution *attributes =
		&check->operator->attributes.convolution;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *weights = check_input(check, 1);
	const struct kestrel_graph_tensor *bias = check_input(check, 2);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	int ret;

	if (input->type == KESTREL_GRAPH_TYPE_FLOAT32)
		return float_weights_check(check, channels);
	if (!check_is_byte(input->type) && input->type != KESTREL_GRAPH_TYPE_INT16)
		return check_fail(check, -ENOTSUP, "no kernel for input type %s",
			    graph_type_name(input->type));
	if (!check_is_byte(weights->type))
		return check_fail(check, -ENOTSUP, "no kernel for weights of type %s",
			    graph_type_name(weights->type));
	if (bias && bias->type != KESTREL_GRAPH_TYPE_INT32 &&
	    bias->type != KESTREL_GRAPH_TYPE_INT64)
		return check_fail(check, -ENOTSUP, "no kernel for a bias of type %s",
			    graph_type_name(bias->type));
	if (bias && check_count(bias) != channels)
		return check_fail(check, -EINVAL, "bias has %" PRIu64 " elements for %" PRIu32 " channels",
			    check_count(bias), channels);
	if (!check_is_byte(output->type) && output->type != KESTREL_GRAPH_TYPE_INT16)
		return check_fail(check, -ENOTSUP, "no kernel for output type %s",
			    graph_type_name(output->type));
	if (attributes->input_asymmetric)
		return check_fail(check, -EINVAL, "flag %" PRIu32 " of mode %" PRIu32,
				  attributes->input_asymmetric, attributes->requantise.mode);
	ret = check_zero_point(check, "input", input->type, attributes->input_zero_point);
	if (!ret)
		ret = check_zero_point(check, "weight", weights->type,
				       attributes->weight_zero_point);
	if (!ret)
		ret = check_requantise(check, &attributes->requantise, output->type, channels);
	return ret;
}

static int convolution_check(const struct check *check)
{
	const struct kestrel_graph_convolution *attributes =
		&check->operator->attributes.convolution;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *weights = check_input(check, 1);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	int ret;

	if (input->rank != 4 || weights->rank != 4 || output->rank != 4)
		return check_fail(check, -EINVAL, "input, weights and output must have rank 4");
	if (input->dims[0] != output->dims[0])
		return check_fail(check, -EINVAL, "batches %" PRIu32 " and %" PRIu32 " differ",
			    input->dims[0], output->dims[0]);
	ret = geometry_check(check, &attributes->stride_height, 4, &attributes->pad_top);
	if (ret)
		return ret;
	if (attributes->depth_multiplier < 1 ||
	    (check->operator->opcode != KESTREL_GRAPH_DEPTHWISE_CONV_2D &&
	     attributes->depth_multiplier != 1))
		return check_fail(check, -EINVAL, "depth multiplier %" PRIu32,
			    attributes->depth_multiplier);
	switch (check->operator->opcode) {
	case KESTREL_GRAPH_CONV_2D:
	case KESTREL_GRAPH_CONV_INTEGER:
		if (weights->dims[0] != output->dims[3] || input->dims[3] % weights->dims[3] ||
		    output->dims[3] % (input->dims[3] / weights->dims[3]))
			return check_fail(check, -EINVAL,
				    "weights %" PRIu32 "x..x%" PRIu32 " do not fit %" PRIu32 " input and %" PRIu32 " output channels",
				    weights->dims[0], weights->dims[3], input->dims[3],
				    output->dims[3]);
		break;
	case KESTREL_GRAPH_DEPTHWISE_CONV_2D:
		if (weights->dims[0] != 1 || weights->dims[3] != output->dims[3] ||
		    (uint64_t)input->dims[3] * attributes->depth_multiplier != output->dims[3])
			return check_fail(check, -EINVAL,
				    "%" PRIu32 " channels x multiplier %" PRIu32 ", weights for %" PRIu32 ", output has %" PRIu32,
				    input->dims[3], attributes->depth_multiplier,
				    weights->dims[3], output->dims[3]);
		break;
	default:
		if (weights->dims[0] != output->dims[3] || weights->dims[3] != input->dims[3])
			return check_fail(check, -EINVAL, "weights do not fit the channels");
		if (attributes->dilation_height != 1 || attributes->dilation_width != 1)
			return check_fail(check, -ENOTSUP, "dilated transposed convolution");
	}
	return check->operator->opcode == KESTREL_GRAPH_CONV_INTEGER ?
	       check_integers(check, output->dims[3]) : weights_check(check, output->dims[3]);
}

static int fully_connected_check(const struct check *check)
{
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *weights = check_input(check, 1);
	const struct kestrel_graph_tensor *output = check_output(check, 0);

	if (weights->rank != 2)
		return check_fail(check, -EINVAL, "weights have rank %u instead of 2", weights->rank);
	if (check_count(input) % weights->dims[1] ||
	    check_count(input) / weights->dims[1] * weights->dims[0] != check_count(output))
		return check_fail(check, -EINVAL,
			    "weights %" PRIu32 "x%" PRIu32 " do not fit %" PRIu64 " inputs and %" PRIu64 " outputs",
			    weights->dims[0], weights->dims[1], check_count(input),
			    check_count(output));
	return weights_check(check, weights->dims[0]);
}

static int pool_check(const struct check *check)
{
	const struct kestrel_graph_pool *attributes = &check->operator->attributes.pool;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	int ret;

	if (input->type != output->type || input->type == KESTREL_GRAPH_TYPE_INT32 ||
	    (!check_is_integer(input->type) && input->type != KESTREL_GRAPH_TYPE_FLOAT32))
		return check_fail(check, -ENOTSUP, "no kernel for %s with output %s",
			    graph_type_name(input->type), graph_type_name(output->type));
	if (input->rank != 4 || output->rank != 4 || input->dims[0] != output->dims[0] ||
	    input->dims[3] != output->dims[3])
		return check_fail(check, -EINVAL, "input and output do not fit each other");
	ret = geometry_check(check, &attributes->filter_height, 4, &attributes->pad_top);
	if (ret)
		return ret;
	if (output->type == KESTREL_GRAPH_TYPE_FLOAT32)
		return check_float_range(check, attributes->minimum, attributes->maximum);
	return check_range(check, output->type, attributes->minimum, attributes->minimum,
			   attributes->maximum);
}

static int table_check(const struct check *check)
{
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	int floats = output->type == KESTREL_GRAPH_TYPE_FLOAT32;

	if (!check_is_byte(input->type) || (!check_is_byte(output->type) && !floats))
		return check_fail(check, -ENOTSUP, "no kernel for %s with output %s",
			    graph_type_name(input->type), graph_type_name(output->type));
	if (check_count(input) != check_count(output))
		return check_fail(check, -EINVAL, "input and output differ in size");
	return check_parameters(check, "table", check->operator->attributes.table.table,
				floats ? 4 * 256 : 256, floats ? 4 : 1);
}

static int quantize_check(const struct check *check)
{
	const struct kestrel_graph_quantize *attributes = &check->operator->attributes.quantize;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	int quantize = check->operator->opcode == KESTREL_GRAPH_QUANTIZE;
	uint32_t floating = quantize ? input->type : output->type;
	uint32_t integer = quantize ? output->type : input->type;
	float scale;

	if (floating != KESTREL_GRAPH_TYPE_FLOAT32 || !check_is_integer(integer))
		return check_fail(check, -ENOTSUP, "no kernel for %s with output %s",
			    graph_type_name(input->type), graph_type_name(output->type));
	if (check_count(input) != check_count(output))
		return check_fail(check, -EINVAL, "input and output differ in size");
	memcpy(&scale, &attributes->scale, sizeof(scale));
	if (!isfinite(scale) || scale <= 0)
		return check_fail(check, -EINVAL, "scale is not a positive finite number");
	if (!quantize)
		return check_zero_point(check, "input", integer, attributes->zero_point);
	if (attributes->rounding > 1)
		return check_fail(check, -ENOTSUP, "unknown rounding %" PRIu32, attributes->rounding);
	return check_range(check, integer, attributes->zero_point, attributes->minimum,
			   attributes->maximum);
}

static int rescale_check(const struct check *check)
{
	const struct kestrel_graph_rescale *attributes =
		&check->operator->attributes.rescale;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	int ret;

	if (!check_is_integer(input->type) || !check_is_integer(output->type))
		return check_fail(check, -ENOTSUP, "no kernel for %s with output %s",
			    graph_type_name(input->type), graph_type_name(output->type));
	if (check_count(input) != check_count(output))
		return check_fail(check, -EINVAL, "input and output differ in size");
	ret = check_zero_point(check, "input", input->type, attributes->input_zero_point);
	if (ret)
		return ret;
	return check_requantise(check, &attributes->requantise, output->type, 1);
}

static int resize_check(const struct check *check)
{
	const struct kestrel_graph_resize *attributes = &check->operator->attributes.resize;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);

	if (input->type != output->type || input->rank != 4 || output->rank != 4 ||
	    input->dims[0] != output->dims[0] || input->dims[3] != output->dims[3])
		return check_fail(check, -EINVAL, "input and output do not fit each other");
	if (check->operator->opcode == KESTREL_GRAPH_RESIZE_BILINEAR &&
	    !check_is_byte(input->type) && input->type != KESTREL_GRAPH_TYPE_INT16 &&
	    input->type != KESTREL_GRAPH_TYPE_FLOAT32)
		return check_fail(check, -ENOTSUP, "no kernel for %s", graph_type_name(input->type));
	if (attributes->float_weights > 1 ||
	    (attributes->float_weights && input->type == KESTREL_GRAPH_TYPE_INT16))
		return check_fail(check, -ENOTSUP, "float weights %" PRIu32 " for %s",
				  attributes->float_weights, graph_type_name(input->type));
	if (attributes->align_corners > 1 || attributes->half_pixel_centers > 1)
		return check_fail(check, -EINVAL, "flags are not 0 or 1");
	for (uint32_t d = 1; d < 3; d++)
		if (input->dims[d] > GEOMETRY_MAX || output->dims[d] > GEOMETRY_MAX)
			return check_fail(check, -ENOTSUP, "more than %d rows or columns", GEOMETRY_MAX);
	return 0;
}

/* Inputs that the kernel of an opcode takes, its attributes, and what else to look at. */
struct operator_kind {
	uint32_t opcode;
	uint32_t inputs_least;
	uint32_t inputs_most;
	/* Of the attributes; what is behind them is 0. */
	uint32_t attribute_bytes;
	int (*check)(const struct check *check);
};

#define BYTES(member) sizeof(((union kestrel_graph_attributes *)NULL)->member)

static const struct operator_kind operator_kinds[] = {
	{ KESTREL_GRAPH_CONV_2D, 2, 3, BYTES(convolution), convolution_check },
	{ KESTREL_GRAPH_DEPTHWISE_CONV_2D, 2, 3, BYTES(convolution), convolution_check },
	{ KESTREL_GRAPH_TRANSPOSE_CONV, 2, 3, BYTES(convolution), convolution_check },
	{ KESTREL_GRAPH_FULLY_CONNECTED, 2, 3, BYTES(convolution), fully_connected_check },
	{ KESTREL_GRAPH_ADD, 2, 2, BYTES(elementwise), check_elementwise },
	{ KESTREL_GRAPH_SUB, 2, 2, BYTES(elementwise), check_elementwise },
	{ KESTREL_GRAPH_MUL, 2, 2, BYTES(elementwise), check_elementwise },
	{ KESTREL_GRAPH_MINIMUM, 2, 2, BYTES(elementwise), check_elementwise },
	{ KESTREL_GRAPH_MAXIMUM, 2, 2, BYTES(elementwise), check_elementwise },
	{ KESTREL_GRAPH_DIV, 2, 2, BYTES(elementwise), check_elementwise },
	{ KESTREL_GRAPH_SQUARED_DIFFERENCE, 2, 2, BYTES(elementwise), check_elementwise },
	{ KESTREL_GRAPH_FLOOR_DIV, 2, 2, BYTES(elementwise), check_elementwise },
	{ KESTREL_GRAPH_FLOOR_MOD, 2, 2, BYTES(elementwise), check_elementwise },
	{ KESTREL_GRAPH_POWER, 2, 2, BYTES(elementwise), check_elementwise },
	{ KESTREL_GRAPH_BATCH_MATMUL, 2, 2, BYTES(matmul), check_matmul },
	{ KESTREL_GRAPH_PRELU, 2, 2, BYTES(leaky), check_leaky },
	{ KESTREL_GRAPH_LEAKY_RELU, 1, 1, BYTES(leaky), check_leaky },
	{ KESTREL_GRAPH_AVERAGE_POOL_2D, 1, 1, BYTES(pool), pool_check },
	{ KESTREL_GRAPH_MAX_POOL_2D, 1, 1, BYTES(pool), pool_check },
	{ KESTREL_GRAPH_MEAN, 1, 1, BYTES(reduce), check_reduce },
	{ KESTREL_GRAPH_SUM, 1, 1, BYTES(reduce), check_reduce },
	{ KESTREL_GRAPH_REDUCE_MAX, 1, 1, BYTES(reduce), check_reduce },
	{ KESTREL_GRAPH_REDUCE_MIN, 1, 1, BYTES(reduce), check_reduce },
	{ KESTREL_GRAPH_REDUCE_PROD, 1, 1, BYTES(reduce), check_reduce },
	{ KESTREL_GRAPH_ARG_MAX, 1, 1, BYTES(axis), check_arg_extreme },
	{ KESTREL_GRAPH_ARG_MIN, 1, 1, BYTES(axis), check_arg_extreme },
	{ KESTREL_GRAPH_TABLE, 1, 1, BYTES(table), table_check },
	{ KESTREL_GRAPH_QUANTIZE, 1, 1, BYTES(quantize), quantize_check },
	{ KESTREL_GRAPH_DEQUANTIZE, 1, 1, BYTES(quantize), quantize_check },
	{ KESTREL_GRAPH_RESCALE, 1, 1, BYTES(rescale), rescale_check },
	{ KESTREL_GRAPH_UNARY, 1, 1, BYTES(unary), check_unary },
	{ KESTREL_GRAPH_SOFTMAX, 1, 1, BYTES(softmax), check_softmax },
	{ KESTREL_GRAPH_LOG_SOFTMAX, 1, 1, BYTES(softmax), check_softmax },
	{ KESTREL_GRAPH_L2_NORMALIZATION, 1, 1, BYTES(normalization), check_normalization },
	{ KESTREL_GRAPH_LAYER_NORM, 1, 1, BYTES(layer_norm), check_layer_norm },
	{ KESTREL_GRAPH_CAST, 1, 1, 0, check_cast },
	{ KESTREL_GRAPH_COMPARE, 2, 2, BYTES(compare), check_compare },
	{ KESTREL_GRAPH_LOGICAL_AND, 2, 2, 0, check_logical },
	{ KESTREL_GRAPH_LOGICAL_OR, 2, 2, 0, check_logical },
	{ KESTREL_GRAPH_SELECT, 3, 3, 0, check_select },
	{ KESTREL_GRAPH_SVDF, 5, 5, BYTES(svdf), check_svdf },
	{ KESTREL_GRAPH_LSTM, 15, 15, BYTES(lstm), check_lstm },
	{ KESTREL_GRAPH_LSTM_TABLE, 15, 15, BYTES(lstm), check_lstm },
	{ KESTREL_GRAPH_DETECTION_POSTPROCESS, 3, 3, BYTES(detection), check_detection },
	{ KESTREL_GRAPH_RESHAPE, 1, 1, 0, check_copy },
	{ KESTREL_GRAPH_COPY, 1, 1, 0, check_copy },
	{ KESTREL_GRAPH_PAD, 1, 1, BYTES(pad), check_pad },
	{ KESTREL_GRAPH_CONCATENATION, 1, 1024, BYTES(axis), check_parts },
	{ KESTREL_GRAPH_PACK, 1, 1024, BYTES(axis), check_parts },
	{ KESTREL_GRAPH_SPLIT, 1, 1, BYTES(axis), check_parts },
	{ KESTREL_GRAPH_SLICE, 1, 1, BYTES(slice), check_slice },
	{ KESTREL_GRAPH_TRANSPOSE, 1, 1, BYTES(transpose), check_transpose },
	{ KESTREL_GRAPH_GATHER, 2, 2, BYTES(axis), check_gather },
	{ KESTREL_GRAPH_MIRROR_PAD, 1, 1, BYTES(pad), check_mirror_pad },
	{ KESTREL_GRAPH_SPACE_TO_DEPTH, 1, 1, BYTES(block), check_block },
	{ KESTREL_GRAPH_SPACE_TO_BATCH, 1, 1, BYTES(batch_block), check_batch_block },
	{ KESTREL_GRAPH_BATCH_TO_SPACE, 1, 1, BYTES(batch_block), check_batch_block },
	{ KESTREL_GRAPH_DEPTH_TO_SPACE, 1, 1, BYTES(block), check_block },
	{ KESTREL_GRAPH_BROADCAST_TO, 1, 1, 0, check_broadcast_to },
	{ KESTREL_GRAPH_TILE, 1, 1, 0, check_tile },
	{ KESTREL_GRAPH_DYNAMIC_UPDATE_SLICE, 3, 3, 0, check_dynamic_update_slice },
	{ KESTREL_GRAPH_GATHER_ND, 2, 2, 0, check_gather_nd },
	{ KESTREL_GRAPH_TOP_K, 1, 1, 0, check_top_k },
	{ KESTREL_GRAPH_ONE_HOT, 3, 3, BYTES(axis), check_one_hot },
	{ KESTREL_GRAPH_CUMULATIVE_SUM, 1, 1, BYTES(cumulative_sum), check_cumulative_sum },
	{ KESTREL_GRAPH_DYNAMIC_QUANTIZE, 1, 1, 0, check_dynamic_quantize },
	{ KESTREL_GRAPH_MATMUL_INTEGER, 2, 4, 0, check_matmul_integer },
	{ KESTREL_GRAPH_CONV_INTEGER, 2, 4, BYTES(convolution), convolution_check },
	{ KESTREL_GRAPH_RESIZE_BILINEAR, 1, 1, BYTES(resize), resize_check },
	{ KESTREL_GRAPH_RESIZE_NEAREST_NEIGHBOR, 1, 1, BYTES(resize), resize_check },
};

#undef BYTES

static int attributes_check(const struct check *check, uint32_t known)
{
	for (uint32_t i = known; i < KESTREL_GRAPH_ATTRIBUTE_BYTES; i++)
		if (check->operator->attributes.bytes[i])
			return check_fail(check, -ENOTSUP,
				    "attribute byte %" PRIu32 " is not 0: this library is older than the file",
				    i);
	return 0;
}

int operator_check(const struct graph *graph, uint32_t index, struct message *message)
{
	struct check check = {
		.graph = graph,
		.index = index,
		.operator = &graph->operators[index],
		.message = message,
	};
	int ret;

	for (size_t i = 0; i < sizeof(operator_kinds) / sizeof(operator_kinds[0]); i++) {
		const struct operator_kind *kind = &operator_kinds[i];

		if (kind->opcode != check.operator->opcode)
			continue;
		ret = counts_check(&check, kind->inputs_least, kind->inputs_most);
		if (!ret)
			ret = attributes_check(&check, kind->attribute_bytes);
		return ret ? ret : kind->check(&check);
	}
	return check_fail(&check, -ENOTSUP, "this library has no kernel for it");
}
