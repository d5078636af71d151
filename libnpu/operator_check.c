// SPDX-License-Identifier: MIT
/* One operator: do its shapes, types, attributes and tables suit its kernel? */
#include "graph.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Strides, dilations, paddings and windows above this are refused. */
#define GEOMETRY_MAX 65535
/* Longest row whose sum of exponentials fits 32 bits. */
#define SOFTMAX_DEPTH_MAX 8191
/* Largest left shift of ADD and SUB; 20 and 15 are in use. */
#define LEFT_SHIFT_MAX 22

struct check {
	const struct graph *graph;
	uint32_t index;
	const struct kestrel_graph_operator *operator;
	struct message *message;
};

static int fail(const struct check *check, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(const struct check *check, int code, const char *format, ...)
{
	const struct kestrel_graph_operator *operator = check->operator;
	char text[MESSAGE_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return message_set(check->message, code,
			   "operator %" PRIu32 " (%s, source operator %" PRId32 ", output \"%.64s\"): %.300s",
			   check->index, graph_opcode_name(operator->opcode),
			   (int32_t)operator->source_operator,
			   graph_string(check->graph, check->graph->tensors[
				check->graph->indices[operator->outputs]].name), text);
}

static const struct kestrel_graph_tensor *input_get(const struct check *check, uint32_t i)
{
	uint32_t tensor = graph_operator_input(check->graph, check->operator, i);

	return tensor == KESTREL_GRAPH_NONE ? NULL : &check->graph->tensors[tensor];
}

static const struct kestrel_graph_tensor *output_get(const struct check *check, uint32_t i)
{
	return &check->graph->tensors[graph_operator_output(check->graph, check->operator, i)];
}

static uint64_t element_count(const struct kestrel_graph_tensor *tensor)
{
	return tensor->size / graph_type_size(tensor->type);
}

static int is_byte(uint32_t type)
{
	return type == KESTREL_GRAPH_TYPE_INT8 || type == KESTREL_GRAPH_TYPE_UINT8;
}

static int is_integer(uint32_t type)
{
	return is_byte(type) || type == KESTREL_GRAPH_TYPE_INT16 ||
	       type == KESTREL_GRAPH_TYPE_INT32;
}

static int same_shape(const struct kestrel_graph_tensor *a, const struct kestrel_graph_tensor *b)
{
	return a->rank == b->rank && !memcmp(a->dims, b->dims, sizeof(a->dims));
}

static int counts_check(const struct check *check, uint32_t least, uint32_t most)
{
	const struct kestrel_graph_operator *operator = check->operator;

	if (operator->input_count < least || operator->input_count > most)
		return fail(check, -EINVAL, "%" PRIu32 " inputs, %" PRIu32 "..%" PRIu32 " needed",
			    operator->input_count, least, most);
	for (uint32_t i = 0; i < least; i++)
		if (!input_get(check, i))
			return fail(check, -EINVAL, "input %" PRIu32 " is absent", i);
	if (operator->output_count != 1 && operator->opcode != KESTREL_GRAPH_SPLIT)
		return fail(check, -EINVAL, "%" PRIu32 " outputs instead of 1",
			    operator->output_count);
	return 0;
}

static int parameters_check(const struct check *check, const char *what, uint64_t offset,
			    uint64_t size, uint32_t alignment)
{
	if (offset % alignment || offset > check->graph->parameters_size ||
	    size > check->graph->parameters_size - offset)
		return fail(check, -EINVAL,
			    "%s: %" PRIu64 "+%" PRIu64 " is not an aligned part of PARAMETERS",
			    what, offset, size);
	return 0;
}

static int range_check(const struct check *check, uint32_t type, int32_t zero_point,
		       int32_t minimum, int32_t maximum)
{
	int32_t low, high;

	switch (type) {
	case KESTREL_GRAPH_TYPE_INT8:
		low = INT8_MIN;
		high = INT8_MAX;
		break;
	case KESTREL_GRAPH_TYPE_UINT8:
		low = 0;
		high = UINT8_MAX;
		break;
	case KESTREL_GRAPH_TYPE_INT16:
		low = INT16_MIN;
		high = INT16_MAX;
		break;
	case KESTREL_GRAPH_TYPE_INT32:
		low = INT32_MIN;
		high = INT32_MAX;
		break;
	default:
		return fail(check, -ENOTSUP, "no kernel for output type %s", graph_type_name(type));
	}
	if (zero_point < low || zero_point > high)
		return fail(check, -EINVAL, "zero point %" PRId32 " is not in %" PRId32 "..%" PRId32,
			    zero_point, low, high);
	if (minimum > maximum || minimum < low || maximum > high)
		return fail(check, -EINVAL,
			    "clamp %" PRId32 "..%" PRId32 " is not in %" PRId32 "..%" PRId32,
			    minimum, maximum, low, high);
	return 0;
}

static int zero_point_check(const struct check *check, const char *what, uint32_t type,
			    int32_t zero_point)
{
	int32_t low = type == KESTREL_GRAPH_TYPE_UINT8 ? 0 :
		      type == KESTREL_GRAPH_TYPE_INT8 ? INT8_MIN : INT16_MIN;
	int32_t high = type == KESTREL_GRAPH_TYPE_UINT8 ? UINT8_MAX :
		       type == KESTREL_GRAPH_TYPE_INT8 ? INT8_MAX : INT16_MAX;

	if (zero_point < low || zero_point > high)
		return fail(check, -EINVAL, "%s zero point %" PRId32 " is not in %" PRId32 "..%" PRId32,
			    what, zero_point, low, high);
	return 0;
}

static int scale_check(const struct check *check, uint32_t mode,
		       struct kestrel_graph_scale scale)
{
	float value;

	if (mode == KESTREL_GRAPH_REQUANTISE_FLOAT) {
		memcpy(&value, &scale.multiplier, sizeof(value));
		if (!isfinite(value) || value < 0)
			return fail(check, -EINVAL, "factor is not a finite positive float");
		return 0;
	}
	if (scale.multiplier < 0 || scale.shift < -31 || scale.shift > 30)
		return fail(check, -EINVAL, "factor %" PRId32 " with shift %" PRId32 " is out of range",
			    scale.multiplier, scale.shift);
	return 0;
}

static int mode_check(const struct check *check, uint32_t mode)
{
	if (mode < KESTREL_GRAPH_REQUANTISE_DOUBLE || mode > KESTREL_GRAPH_REQUANTISE_WIDE)
		return fail(check, -ENOTSUP, "unknown requantisation mode %" PRIu32, mode);
	return 0;
}

static int requantise_check(const struct check *check,
			    const struct kestrel_graph_requantise *requantise,
			    uint32_t type, uint32_t channels)
{
	const struct kestrel_graph_scale *scales;
	int ret;

	ret = mode_check(check, requantise->mode);
	if (ret)
		return ret;
	if (requantise->scale_count != 1 && requantise->scale_count != channels)
		return fail(check, -EINVAL, "%" PRIu32 " scales for %" PRIu32 " channels",
			    requantise->scale_count, channels);
	ret = parameters_check(check, "scales", requantise->scales,
			       (uint64_t)requantise->scale_count * sizeof(*scales), 8);
	if (ret)
		return ret;
	scales = (const void *)(check->graph->parameters + requantise->scales);
	for (uint32_t i = 0; i < requantise->scale_count; i++) {
		ret = scale_check(check, requantise->mode, scales[i]);
		if (ret)
			return ret;
	}
	return range_check(check, type, requantise->zero_point, requantise->minimum,
			   requantise->maximum);
}

static int geometry_check(const struct check *check, const uint32_t *positive, uint32_t count,
			  const int32_t *padding)
{
	for (uint32_t i = 0; i < count; i++)
		if (!positive[i] || positive[i] > GEOMETRY_MAX)
			return fail(check, -EINVAL,
				    "stride, dilation or window %" PRIu32 " is not 1..%d",
				    positive[i], GEOMETRY_MAX);
	for (uint32_t i = 0; i < 4; i++)
		if (padding[i] < -GEOMETRY_MAX || padding[i] > GEOMETRY_MAX)
			return fail(check, -EINVAL, "padding %" PRId32 " is beyond %d",
				    padding[i], GEOMETRY_MAX);
	return 0;
}

/* Types and zero points that all operators with weights have in common. */
static int weights_check(const struct check *check, uint32_t channels)
{
	const struct kestrel_graph_convolution *attributes =
		&check->operator->attributes.convolution;
	const struct kestrel_graph_tensor *input = input_get(check, 0);
	const struct kestrel_graph_tensor *weights = input_get(check, 1);
	const struct kestrel_graph_tensor *bias = input_get(check, 2);
	const struct kestrel_graph_tensor *output = output_get(check, 0);
	int ret;

	if (!is_byte(input->type) && input->type != KESTREL_GRAPH_TYPE_INT16)
		return fail(check, -ENOTSUP, "no kernel for input type %s",
			    graph_type_name(input->type));
	if (!is_byte(weights->type))
		return fail(check, -ENOTSUP, "no kernel for weights of type %s",
			    graph_type_name(weights->type));
	if (bias && bias->type != KESTREL_GRAPH_TYPE_INT32 &&
	    bias->type != KESTREL_GRAPH_TYPE_INT64)
		return fail(check, -ENOTSUP, "no kernel for a bias of type %s",
			    graph_type_name(bias->type));
	if (bias && element_count(bias) != channels)
		return fail(check, -EINVAL, "bias has %" PRIu64 " elements for %" PRIu32 " channels",
			    element_count(bias), channels);
	if (!is_byte(output->type) && output->type != KESTREL_GRAPH_TYPE_INT16)
		return fail(check, -ENOTSUP, "no kernel for output type %s",
			    graph_type_name(output->type));
	ret = zero_point_check(check, "input", input->type, attributes->input_zero_point);
	if (!ret)
		ret = zero_point_check(check, "weight", weights->type,
				       attributes->weight_zero_point);
	if (!ret)
		ret = requantise_check(check, &attributes->requantise, output->type, channels);
	return ret;
}

static int convolution_check(const struct check *check)
{
	const struct kestrel_graph_convolution *attributes =
		&check->operator->attributes.convolution;
	const struct kestrel_graph_tensor *input = input_get(check, 0);
	const struct kestrel_graph_tensor *weights = input_get(check, 1);
	const struct kestrel_graph_tensor *output = output_get(check, 0);
	int ret;

	if (input->rank != 4 || weights->rank != 4 || output->rank != 4)
		return fail(check, -EINVAL, "input, weights and output must have rank 4");
	if (input->dims[0] != output->dims[0])
		return fail(check, -EINVAL, "batches %" PRIu32 " and %" PRIu32 " differ",
			    input->dims[0], output->dims[0]);
	ret = geometry_check(check, &attributes->stride_height, 4, &attributes->pad_top);
	if (ret)
		return ret;
	if (attributes->depth_multiplier < 1 ||
	    (check->operator->opcode != KESTREL_GRAPH_DEPTHWISE_CONV_2D &&
	     attributes->depth_multiplier != 1))
		return fail(check, -EINVAL, "depth multiplier %" PRIu32,
			    attributes->depth_multiplier);
	switch (check->operator->opcode) {
	case KESTREL_GRAPH_CONV_2D:
		if (weights->dims[0] != output->dims[3] || input->dims[3] % weights->dims[3] ||
		    output->dims[3] % (input->dims[3] / weights->dims[3]))
			return fail(check, -EINVAL,
				    "weights %" PRIu32 "x..x%" PRIu32 " do not fit %" PRIu32 " input and %" PRIu32 " output channels",
				    weights->dims[0], weights->dims[3], input->dims[3],
				    output->dims[3]);
		break;
	case KESTREL_GRAPH_DEPTHWISE_CONV_2D:
		if (weights->dims[0] != 1 || weights->dims[3] != output->dims[3] ||
		    (uint64_t)input->dims[3] * attributes->depth_multiplier != output->dims[3])
			return fail(check, -EINVAL,
				    "%" PRIu32 " channels x multiplier %" PRIu32 ", weights for %" PRIu32 ", output has %" PRIu32,
				    input->dims[3], attributes->depth_multiplier,
				    weights->dims[3], output->dims[3]);
		break;
	default:
		if (weights->dims[0] != output->dims[3] || weights->dims[3] != input->dims[3])
			return fail(check, -EINVAL, "weights do not fit the channels");
		if (attributes->dilation_height != 1 || attributes->dilation_width != 1)
			return fail(check, -ENOTSUP, "dilated transposed convolution");
	}
	return weights_check(check, output->dims[3]);
}

static int fully_connected_check(const struct check *check)
{
	const struct kestrel_graph_tensor *input = input_get(check, 0);
	const struct kestrel_graph_tensor *weights = input_get(check, 1);
	const struct kestrel_graph_tensor *output = output_get(check, 0);

	if (weights->rank != 2)
		return fail(check, -EINVAL, "weights have rank %u instead of 2", weights->rank);
	if (element_count(input) % weights->dims[1] ||
	    element_count(input) / weights->dims[1] * weights->dims[0] != element_count(output))
		return fail(check, -EINVAL,
			    "weights %" PRIu32 "x%" PRIu32 " do not fit %" PRIu64 " inputs and %" PRIu64 " outputs",
			    weights->dims[0], weights->dims[1], element_count(input),
			    element_count(output));
	return weights_check(check, weights->dims[0]);
}

/* Every dimension of the output is the larger one; the smaller is 1 or equal. */
static int broadcast_check(const struct check *check, const struct kestrel_graph_tensor *input)
{
	const struct kestrel_graph_tensor *output = output_get(check, 0);

	if (input->rank > output->rank)
		return fail(check, -EINVAL, "input has a higher rank than the output");
	for (uint32_t d = 0; d < input->rank; d++) {
		uint32_t wide = output->dims[output->rank - input->rank + d];

		if (input->dims[d] != 1 && input->dims[d] != wide)
			return fail(check, -EINVAL, "dimension %" PRIu32 " does not broadcast to %" PRIu32,
				    input->dims[d], wide);
	}
	return 0;
}

static int elementwise_check(const struct check *check)
{
	const struct kestrel_graph_elementwise *attributes =
		&check->operator->attributes.elementwise;
	const struct kestrel_graph_tensor *output = output_get(check, 0);
	uint32_t opcode = check->operator->opcode;
	int ret;

	for (uint32_t i = 0; i < 2; i++) {
		const struct kestrel_graph_tensor *input = input_get(check, i);

		ret = broadcast_check(check, input);
		if (ret)
			return ret;
		if (input->type != output->type ||
		    (!is_byte(input->type) && input->type != KESTREL_GRAPH_TYPE_INT16))
			return fail(check, -ENOTSUP, "no kernel for %s with output %s",
				    graph_type_name(input->type), graph_type_name(output->type));
	}
	if (opcode == KESTREL_GRAPH_MINIMUM || opcode == KESTREL_GRAPH_MAXIMUM)
		return 0;
	ret = mode_check(check, attributes->mode);
	if (!ret)
		ret = scale_check(check, attributes->mode, attributes->output_scale);
	if (!ret && opcode != KESTREL_GRAPH_MUL)
		ret = scale_check(check, attributes->mode, attributes->a_scale);
	if (!ret && opcode != KESTREL_GRAPH_MUL)
		ret = scale_check(check, attributes->mode, attributes->b_scale);
	if (!ret)
		ret = zero_point_check(check, "first", output->type, attributes->a_zero_point);
	if (!ret)
		ret = zero_point_check(check, "second", output->type, attributes->b_zero_point);
	if (!ret && attributes->left_shift > LEFT_SHIFT_MAX)
		ret = fail(check, -EINVAL, "left shift %" PRIu32 " is above %d",
			   attributes->left_shift, LEFT_SHIFT_MAX);
	if (!ret)
		ret = range_check(check, output->type, attributes->zero_point,
				  attributes->minimum, attributes->maximum);
	return ret;
}

static int leaky_check(const struct check *check)
{
	const struct kestrel_graph_leaky *attributes = &check->operator->attributes.leaky;
	const struct kestrel_graph_tensor *input = input_get(check, 0);
	const struct kestrel_graph_tensor *output = output_get(check, 0);
	int ret = 0;

	if (input->type != output->type ||
	    (!is_byte(input->type) && input->type != KESTREL_GRAPH_TYPE_INT16))
		return fail(check, -ENOTSUP, "no kernel for input type %s",
			    graph_type_name(input->type));
	if (!same_shape(input, output))
		return fail(check, -EINVAL, "input and output differ in shape");
	if (check->operator->opcode == KESTREL_GRAPH_PRELU) {
		ret = broadcast_check(check, input_get(check, 1));
		if (!ret && input_get(check, 1)->type != input->type)
			ret = fail(check, -ENOTSUP, "alpha has another type than the input");
		if (!ret)
			ret = zero_point_check(check, "alpha", input->type,
					       attributes->alpha_zero_point);
	}
	if (!ret)
		ret = mode_check(check, attributes->mode);
	if (!ret)
		ret = scale_check(check, attributes->mode, attributes->identity_scale);
	if (!ret)
		ret = scale_check(check, attributes->mode, attributes->alpha_scale);
	if (!ret)
		ret = zero_point_check(check, "input", input->type, attributes->input_zero_point);
	if (!ret)
		ret = range_check(check, output->type, attributes->zero_point,
				  attributes->minimum, attributes->maximum);
	return ret;
}

static int pool_check(const struct check *check)
{
	const struct kestrel_graph_pool *attributes = &check->operator->attributes.pool;
	const struct kestrel_graph_tensor *input = input_get(check, 0);
	const struct kestrel_graph_tensor *output = output_get(check, 0);
	int ret;

	if (input->type != output->type || !is_integer(input->type) ||
	    input->type == KESTREL_GRAPH_TYPE_INT32)
		return fail(check, -ENOTSUP, "no kernel for %s with output %s",
			    graph_type_name(input->type), graph_type_name(output->type));
	if (input->rank != 4 || output->rank != 4 || input->dims[0] != output->dims[0] ||
	    input->dims[3] != output->dims[3])
		return fail(check, -EINVAL, "input and output do not fit each other");
	ret = geometry_check(check, &attributes->filter_height, 4, &attributes->pad_top);
	if (ret)
		return ret;
	return range_check(check, output->type, attributes->minimum, attributes->minimum,
			   attributes->maximum);
}

static int reduce_check(const struct check *check)
{
	const struct kestrel_graph_reduce *attributes = &check->operator->attributes.reduce;
	const struct kestrel_graph_tensor *input = input_get(check, 0);
	const struct kestrel_graph_tensor *output = output_get(check, 0);
	uint64_t kept = 1;

	if (!is_integer(input->type) || !is_integer(output->type))
		return fail(check, -ENOTSUP, "no kernel for %s with output %s",
			    graph_type_name(input->type), graph_type_name(output->type));
	if (attributes->axes >> input->rank)
		return fail(check, -EINVAL, "axes 0x%" PRIx32 " with rank %u", attributes->axes,
			    input->rank);
	for (uint32_t d = 0; d < input->rank; d++)
		if (!(attributes->axes & (1u << d)))
			kept *= input->dims[d];
	if (kept != element_count(output))
		return fail(check, -EINVAL, "output has %" PRIu64 " elements, %" PRIu64 " remain",
			    element_count(output), kept);
	if (check->operator->opcode != KESTREL_GRAPH_MEAN &&
	    check->operator->opcode != KESTREL_GRAPH_SUM) {
		if (input->type != output->type)
			return fail(check, -ENOTSUP, "input and output differ in type");
		return 0;
	}
	return requantise_check(check, &attributes->requantise, output->type, 1);
}

static int table_check(const struct check *check)
{
	const struct kestrel_graph_tensor *input = input_get(check, 0);
	const struct kestrel_graph_tensor *output = output_get(check, 0);

	if (!is_byte(input->type) || !is_byte(output->type))
		return fail(check, -ENOTSUP, "no kernel for %s with output %s",
			    graph_type_name(input->type), graph_type_name(output->type));
	if (element_count(input) != element_count(output))
		return fail(check, -EINVAL, "input and output differ in size");
	return parameters_check(check, "table", check->operator->attributes.table.table, 256, 1);
}

static int quantize_check(const struct check *check)
{
	const struct kestrel_graph_quantize *attributes = &check->operator->attributes.quantize;
	const struct kestrel_graph_tensor *input = input_get(check, 0);
	const struct kestrel_graph_tensor *output = output_get(check, 0);
	int quantize = check->operator->opcode == KESTREL_GRAPH_QUANTIZE;
	uint32_t floating = quantize ? input->type : output->type;
	uint32_t integer = quantize ? output->type : input->type;
	float scale;

	if (floating != KESTREL_GRAPH_TYPE_FLOAT32 || !is_integer(integer))
		return fail(check, -ENOTSUP, "no kernel for %s with output %s",
			    graph_type_name(input->type), graph_type_name(output->type));
	if (element_count(input) != element_count(output))
		return fail(check, -EINVAL, "input and output differ in size");
	memcpy(&scale, &attributes->scale, sizeof(scale));
	if (!isfinite(scale) || scale <= 0)
		return fail(check, -EINVAL, "scale is not a positive finite number");
	if (!quantize)
		return zero_point_check(check, "input", integer, attributes->zero_point);
	if (attributes->rounding > 1)
		return fail(check, -ENOTSUP, "unknown rounding %" PRIu32, attributes->rounding);
	return range_check(check, integer, attributes->zero_point, attributes->minimum,
			   attributes->maximum);
}

static int requantize_check(const struct check *check)
{
	const struct kestrel_graph_requantize *attributes =
		&check->operator->attributes.requantize;
	const struct kestrel_graph_tensor *input = input_get(check, 0);
	const struct kestrel_graph_tensor *output = output_get(check, 0);
	int ret;

	if (!is_integer(input->type) || !is_integer(output->type))
		return fail(check, -ENOTSUP, "no kernel for %s with output %s",
			    graph_type_name(input->type), graph_type_name(output->type));
	if (element_count(input) != element_count(output))
		return fail(check, -EINVAL, "input and output differ in size");
	ret = zero_point_check(check, "input", input->type, attributes->input_zero_point);
	if (ret)
		return ret;
	return requantise_check(check, &attributes->requantise, output->type, 1);
}

static int softmax_check(const struct check *check)
{
	const struct kestrel_graph_softmax *attributes = &check->operator->attributes.softmax;
	const struct kestrel_graph_tensor *input = input_get(check, 0);
	const struct kestrel_graph_tensor *output = output_get(check, 0);
	const int32_t *table;
	int ret;

	if (attributes->kind != KESTREL_GRAPH_SOFTMAX_FIXED ||
	    check->operator->opcode != KESTREL_GRAPH_SOFTMAX)
		return fail(check, -ENOTSUP, "no kernel for softmax kind %" PRIu32,
			    attributes->kind);
	if (!is_byte(input->type) || !(is_byte(output->type) ||
				       output->type == KESTREL_GRAPH_TYPE_INT16))
		return fail(check, -ENOTSUP, "no kernel for %s with output %s",
			    graph_type_name(input->type), graph_type_name(output->type));
	if (!input->rank || !same_shape(input, output))
		return fail(check, -EINVAL, "input and output differ in shape");
	if (input->dims[input->rank - 1] > SOFTMAX_DEPTH_MAX)
		return fail(check, -ENOTSUP, "rows of more than %d", SOFTMAX_DEPTH_MAX);
	ret = parameters_check(check, "table", attributes->table, 256 * sizeof(*table), 4);
	if (ret)
		return ret;
	table = (const void *)(check->graph->parameters + attributes->table);
	for (uint32_t i = 0; i < 256; i++)
		if (table[i] < (i ? 0 : 1 << 30))
			return fail(check, -EINVAL, "table entry %" PRIu32 " is %" PRId32, i, table[i]);
	if (attributes->output_shift < 14 || attributes->output_shift > 62)
		return fail(check, -EINVAL, "output shift %" PRIu32 " is not 14..62",
			    attributes->output_shift);
	return range_check(check, output->type, attributes->zero_point, attributes->minimum,
			   attributes->maximum);
}

/* Element types and counts of a copy that changes neither. */
static int copy_check(const struct check *check)
{
	const struct kestrel_graph_tensor *input = input_get(check, 0);
	const struct kestrel_graph_tensor *output = output_get(check, 0);

	if (input->type != output->type || input->size != output->size)
		return fail(check, -EINVAL, "%" PRIu64 " bytes of %s do not become %" PRIu64 " of %s",
			    input->size, graph_type_name(input->type), output->size,
			    graph_type_name(output->type));
	return 0;
}

static int pad_check(const struct check *check)
{
	const struct kestrel_graph_pad *attributes = &check->operator->attributes.pad;
	const struct kestrel_graph_tensor *input = input_get(check, 0);
	const struct kestrel_graph_tensor *output = output_get(check, 0);

	if (input->type != output->type || input->rank != output->rank)
		return fail(check, -EINVAL, "input and output differ in type or rank");
	for (uint32_t d = 0; d < input->rank; d++)
		if ((uint64_t)attributes->before[d] + input->dims[d] + attributes->after[d] !=
		    output->dims[d])
			return fail(check, -EINVAL,
				    "dimension %" PRIu32 ": %" PRIu32 "+%" PRIu32 "+%" PRIu32 " is not %" PRIu32,
				    d, attributes->before[d], input->dims[d],
				    attributes->after[d], output->dims[d]);
	return 0;
}

/* Parts along one axis; PACK's parts lack the axis, SPLIT's parts are the outputs. */
static int parts_check(const struct check *check)
{
	const struct kestrel_graph_operator *operator = check->operator;
	int split = operator->opcode == KESTREL_GRAPH_SPLIT;
	const struct kestrel_graph_tensor *whole = split ? input_get(check, 0) :
						   output_get(check, 0);
	uint32_t axis = operator->attributes.axis.axis;
	uint32_t count = split ? operator->output_count : operator->input_count;
	uint64_t outer = 1, inner = 1, sum = 0;

	if (axis >= whole->rank)
		return fail(check, -EINVAL, "axis %" PRIu32 " with rank %u", axis, whole->rank);
	for (uint32_t d = 0; d < whole->rank; d++) {
		if (d < axis)
			outer *= whole->dims[d];
		if (d > axis)
			inner *= whole->dims[d];
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct kestrel_graph_tensor *part = split ? output_get(check, i) :
							  input_get(check, i);

		if (!part)
			return fail(check, -EINVAL, "input %" PRIu32 " is absent", i);
		if (part->type != whole->type)
			return fail(check, -EINVAL, "part %" PRIu32 " is %s, not %s", i,
				    graph_type_name(part->type), graph_type_name(whole->type));
		if (element_count(part) % (outer * inner))
			return fail(check, -EINVAL, "part %" PRIu32 " has another shape", i);
		sum += element_count(part);
	}
	if (sum != element_count(whole))
		return fail(check, -EINVAL, "parts have %" PRIu64 " elements, the whole %" PRIu64,
			    sum, element_count(whole));
	return 0;
}

static int slice_check(const struct check *check)
{
	const struct kestrel_graph_slice *attributes = &check->operator->attributes.slice;
	const struct kestrel_graph_tensor *input = input_get(check, 0);
	const struct kestrel_graph_tensor *output = output_get(check, 0);
	uint64_t count = 1;

	if (input->type != output->type)
		return fail(check, -EINVAL, "input and output differ in type");
	for (uint32_t d = 0; d < input->rank; d++) {
		int64_t last = attributes->begin[d] +
			       ((int64_t)attributes->count[d] - 1) * attributes->stride[d];

		if (!attributes->count[d] || attributes->count[d] > input->dims[d] ||
		    attributes->begin[d] >= input->dims[d] || last < 0 ||
		    last >= input->dims[d] || !attributes->stride[d])
			return fail(check, -EINVAL,
				    "dimension %" PRIu32 ": %" PRIu32 " from %" PRIu32 " by %" PRId32 " is outside %" PRIu32,
				    d, attributes->count[d], attributes->begin[d],
				    attributes->stride[d], input->dims[d]);
		count *= attributes->count[d];
	}
	if (count != element_count(output))
		return fail(check, -EINVAL, "%" PRIu64 " elements do not make %" PRIu64, count,
			    element_count(output));
	return 0;
}

static int transpose_check(const struct check *check)
{
	const uint32_t *permutation = check->operator->attributes.transpose.permutation;
	const struct kestrel_graph_tensor *input = input_get(check, 0);
	const struct kestrel_graph_tensor *output = output_get(check, 0);
	uint32_t seen = 0;

	if (input->type != output->type || input->rank != output->rank)
		return fail(check, -EINVAL, "input and output differ in type or rank");
	for (uint32_t d = 0; d < input->rank; d++) {
		if (permutation[d] >= input->rank || seen & (1u << permutation[d]) ||
		    output->dims[d] != input->dims[permutation[d]])
			return fail(check, -EINVAL, "dimension %" PRIu32 ": bad permutation %" PRIu32,
				    d, permutation[d]);
		seen |= 1u << permutation[d];
	}
	return 0;
}

static int resize_check(const struct check *check)
{
	const struct kestrel_graph_resize *attributes = &check->operator->attributes.resize;
	const struct kestrel_graph_tensor *input = input_get(check, 0);
	const struct kestrel_graph_tensor *output = output_get(check, 0);

	if (input->type != output->type || input->rank != 4 || output->rank != 4 ||
	    input->dims[0] != output->dims[0] || input->dims[3] != output->dims[3])
		return fail(check, -EINVAL, "input and output do not fit each other");
	if (check->operator->opcode == KESTREL_GRAPH_RESIZE_BILINEAR && !is_byte(input->type))
		return fail(check, -ENOTSUP, "no kernel for %s", graph_type_name(input->type));
	if (attributes->align_corners > 1 || attributes->half_pixel_centers > 1)
		return fail(check, -EINVAL, "flags are not 0 or 1");
	for (uint32_t d = 1; d < 3; d++)
		if (input->dims[d] > GEOMETRY_MAX || output->dims[d] > GEOMETRY_MAX)
			return fail(check, -ENOTSUP, "more than %d rows or columns", GEOMETRY_MAX);
	return 0;
}

/* Inputs that the kernel of an opcode takes, and what else to look at. */
struct operator_kind {
	uint32_t opcode;
	uint32_t inputs_least;
	uint32_t inputs_most;
	int (*check)(const struct check *check);
};

static const struct operator_kind operator_kinds[] = {
	{ KESTREL_GRAPH_CONV_2D, 2, 3, convolution_check },
	{ KESTREL_GRAPH_DEPTHWISE_CONV_2D, 2, 3, convolution_check },
	{ KESTREL_GRAPH_TRANSPOSE_CONV, 2, 3, convolution_check },
	{ KESTREL_GRAPH_FULLY_CONNECTED, 2, 3, fully_connected_check },
	{ KESTREL_GRAPH_ADD, 2, 2, elementwise_check },
	{ KESTREL_GRAPH_SUB, 2, 2, elementwise_check },
	{ KESTREL_GRAPH_MUL, 2, 2, elementwise_check },
	{ KESTREL_GRAPH_MINIMUM, 2, 2, elementwise_check },
	{ KESTREL_GRAPH_MAXIMUM, 2, 2, elementwise_check },
	{ KESTREL_GRAPH_PRELU, 2, 2, leaky_check },
	{ KESTREL_GRAPH_LEAKY_RELU, 1, 1, leaky_check },
	{ KESTREL_GRAPH_AVERAGE_POOL_2D, 1, 1, pool_check },
	{ KESTREL_GRAPH_MAX_POOL_2D, 1, 1, pool_check },
	{ KESTREL_GRAPH_MEAN, 1, 1, reduce_check },
	{ KESTREL_GRAPH_SUM, 1, 1, reduce_check },
	{ KESTREL_GRAPH_REDUCE_MAX, 1, 1, reduce_check },
	{ KESTREL_GRAPH_REDUCE_MIN, 1, 1, reduce_check },
	{ KESTREL_GRAPH_TABLE, 1, 1, table_check },
	{ KESTREL_GRAPH_QUANTIZE, 1, 1, quantize_check },
	{ KESTREL_GRAPH_DEQUANTIZE, 1, 1, quantize_check },
	{ KESTREL_GRAPH_REQUANTIZE, 1, 1, requantize_check },
	{ KESTREL_GRAPH_SOFTMAX, 1, 1, softmax_check },
	{ KESTREL_GRAPH_RESHAPE, 1, 1, copy_check },
	{ KESTREL_GRAPH_COPY, 1, 1, copy_check },
	{ KESTREL_GRAPH_PAD, 1, 1, pad_check },
	{ KESTREL_GRAPH_CONCATENATION, 1, 1024, parts_check },
	{ KESTREL_GRAPH_PACK, 1, 1024, parts_check },
	{ KESTREL_GRAPH_SPLIT, 1, 1, parts_check },
	{ KESTREL_GRAPH_SLICE, 1, 1, slice_check },
	{ KESTREL_GRAPH_TRANSPOSE, 1, 1, transpose_check },
	{ KESTREL_GRAPH_RESIZE_BILINEAR, 1, 1, resize_check },
	{ KESTREL_GRAPH_RESIZE_NEAREST_NEIGHBOR, 1, 1, resize_check },
};

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
		return ret ? ret : kind->check(&check);
	}
	return fail(&check, -ENOTSUP, "this library has no kernel for it");
}
