// SPDX-License-Identifier: MIT
/* Functions of one value, and of one row. */
#include "operator_check.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#define SIGMOID_SHIFT_MAX 31
/* Longest row whose sum of int16 exponentials fits 31 bits. */
#define SOFTMAX_DEPTH_MAX 65536
/* Keeps quotients by a scale within what an integer holds. */
#define SCALE_MIN 1e-6

/* int16: by a factor, by the table of the sigmoids, or by points with lines between. */
static int wide_check(const struct check *check)
{
	const struct kestrel_graph_unary *attributes = &check->operator->attributes.unary;
	int32_t multiplier = attributes->input_scale.multiplier;
	int32_t shift = attributes->input_scale.shift;

	switch (attributes->function) {
	case KESTREL_GRAPH_FUNCTION_ABS:
		return check_scale(check, KESTREL_GRAPH_REQUANTISE_DOUBLE, attributes->input_scale);
	case KESTREL_GRAPH_FUNCTION_LOGISTIC:
	case KESTREL_GRAPH_FUNCTION_TANH:
		if (multiplier < 0 || multiplier > INT16_MAX || shift < 0 || shift > SIGMOID_SHIFT_MAX)
			return check_fail(check, -EINVAL, "factor %" PRId32 " with shift %" PRId32 " is out of range",
					  multiplier, shift);
		return check_parameters(check, "table", attributes->table, 256 * sizeof(uint16_t), 2);
	}
	return check_parameters(check, "table", attributes->table, 513 * sizeof(int16_t), 2);
}

int check_unary(const struct check *check)
{
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	uint32_t function = check->operator->attributes.unary.function;
	int known = function >= KESTREL_GRAPH_FUNCTION_LOGISTIC &&
		    function <= KESTREL_GRAPH_FUNCTION_MISH;

	if (input->type == KESTREL_GRAPH_TYPE_BOOL)
		known = function == KESTREL_GRAPH_FUNCTION_LOGICAL_NOT;
	else if (input->type == KESTREL_GRAPH_TYPE_INT32)
		known = function == KESTREL_GRAPH_FUNCTION_ABS ||
			function == KESTREL_GRAPH_FUNCTION_NEG;
	else if (function == KESTREL_GRAPH_FUNCTION_LOGICAL_NOT ||
		 (input->type != KESTREL_GRAPH_TYPE_FLOAT32 &&
		  input->type != KESTREL_GRAPH_TYPE_INT16))
		known = 0;
	if (!known || input->type != output->type)
		return check_fail(check, -ENOTSUP, "no kernel for function %" PRIu32 " of %s with output %s",
				  function, graph_type_name(input->type),
				  graph_type_name(output->type));
	if (check_count(input) != check_count(output))
		return check_fail(check, -EINVAL, "input and output differ in size");
	return input->type == KESTREL_GRAPH_TYPE_INT16 ? wide_check(check) : 0;
}

/* Types of input and output that the kernel of a kind of softmax takes. */
static int softmax_types_suit(const struct check *check)
{
	uint32_t input = check_input(check, 0)->type, output = check_output(check, 0)->type;
	int logarithm = check->operator->opcode == KESTREL_GRAPH_LOG_SOFTMAX;

	switch (check->operator->attributes.softmax.kind) {
	case KESTREL_GRAPH_SOFTMAX_FLOAT:
		return input == KESTREL_GRAPH_TYPE_FLOAT32 && output == input;
	case KESTREL_GRAPH_SOFTMAX_FIXED:
	case KESTREL_GRAPH_SOFTMAX_FLOAT_TABLE:
		return !logarithm && check_is_byte(input) &&
		       (check_is_byte(output) || output == KESTREL_GRAPH_TYPE_INT16);
	case KESTREL_GRAPH_SOFTMAX_INT16:
		return !logarithm && input == KESTREL_GRAPH_TYPE_INT16 && output == input;
	default:
		return logarithm && check_is_byte(input) && output == input;
	}
}

/* Exponentials by distance from the largest element, whose own is the first. */
static int exponentials_check(const struct check *check, const int32_t *table)
{
	for (uint32_t i = 0; i < 256; i++)
		if (table[i] < (i ? 0 : 1 << 30))
			return check_fail(check, -EINVAL, "table entry %" PRIu32 " is %" PRId32, i, table[i]);
	return 0;
}

static int float_exponentials_check(const struct check *check, const float *table)
{
	for (uint32_t i = 0; i < 256; i++)
		if (!(table[i] >= (i ? 0 : 0.5f)) || !(table[i] <= 1))
			return check_fail(check, -EINVAL, "table entry %" PRIu32 " is %g", i,
					  (double)table[i]);
	return 0;
}

static int scale_bits_check(const struct check *check, uint32_t bits)
{
	float scale;

	memcpy(&scale, &bits, sizeof(scale));
	if (!isfinite(scale) || scale < SCALE_MIN)
		return check_fail(check, -EINVAL, "scale %g is not a finite number of at least %g",
				  (double)scale, SCALE_MIN);
	return 0;
}

static int log_fixed_check(const struct check *check, const int32_t *table)
{
	const struct kestrel_graph_softmax *attributes = &check->operator->attributes.softmax;
	int ret = exponentials_check(check, table);

	for (uint32_t i = 256; i < 512 && !ret; i++)
		if (table[i] > 0)
			ret = check_fail(check, -EINVAL, "table entry %" PRIu32 " is %" PRId32, i,
					 table[i]);
	if (!ret && (attributes->difference_minimum > 0 ||
		     attributes->difference_minimum == INT32_MIN ||
		     attributes->reverse_scale.shift > 0))
		ret = check_fail(check, -EINVAL, "least distance %" PRId32 ", shift back %" PRId32,
				 attributes->difference_minimum, attributes->reverse_scale.shift);
	return ret ? ret : check_scale(check, KESTREL_GRAPH_REQUANTISE_DOUBLE,
				       attributes->reverse_scale);
}

static int softmax_table_check(const struct check *check)
{
	const struct kestrel_graph_softmax *attributes = &check->operator->attributes.softmax;
	uint32_t kind = attributes->kind;
	uint64_t bytes = kind == KESTREL_GRAPH_SOFTMAX_INT16 ? 2 * 513 * sizeof(int16_t) :
			 kind == KESTREL_GRAPH_SOFTMAX_LOG_FIXED ? 2 * 256 * sizeof(int32_t) :
								   256 * sizeof(int32_t);
	int ret = check_parameters(check, "table", attributes->table, bytes, 4);
	const void *table = check->graph->parameters + attributes->table;

	if (ret)
		return ret;
	switch (kind) {
	case KESTREL_GRAPH_SOFTMAX_FIXED:
		if (attributes->output_shift < 14 || attributes->output_shift > 62)
			return check_fail(check, -EINVAL, "output shift %" PRIu32 " is not 14..62",
					  attributes->output_shift);
		return exponentials_check(check, table);
	case KESTREL_GRAPH_SOFTMAX_INT16:
		/* Distances have 17 bits. */
		if (attributes->input_scale.shift > 14)
			return check_fail(check, -EINVAL, "input shift %" PRId32 " is above 14",
					  attributes->input_scale.shift);
		return check_scale(check, KESTREL_GRAPH_REQUANTISE_DOUBLE, attributes->input_scale);
	case KESTREL_GRAPH_SOFTMAX_LOG_FIXED:
		return log_fixed_check(check, table);
	case KESTREL_GRAPH_SOFTMAX_LOG_FLOAT_TABLE:
		ret = scale_bits_check(check, attributes->beta);
	}
	if (!ret)
		ret = scale_bits_check(check, attributes->output_scale);
	return ret ? ret : float_exponentials_check(check, table);
}

int check_softmax(const struct check *check)
{
	const struct kestrel_graph_softmax *attributes = &check->operator->attributes.softmax;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	int ret;

	if (attributes->kind > KESTREL_GRAPH_SOFTMAX_LOG_FIXED || !softmax_types_suit(check))
		return check_fail(check, -ENOTSUP, "no kernel for softmax kind %" PRIu32 " of %s with output %s",
				  attributes->kind, graph_type_name(input->type),
				  graph_type_name(output->type));
	if (!input->rank || !check_same_shape(input, output))
		return check_fail(check, -EINVAL, "input and output differ in shape");
	if (attributes->kind == KESTREL_GRAPH_SOFTMAX_FLOAT)
		return 0;
	if (input->dims[input->rank - 1] > SOFTMAX_DEPTH_MAX)
		return check_fail(check, -ENOTSUP, "rows of more than %d", SOFTMAX_DEPTH_MAX);
	ret = softmax_table_check(check);
	return ret ? ret : check_range(check, output->type, attributes->zero_point,
				       attributes->minimum, attributes->maximum);
}

int check_normalization(const struct check *check)
{
	const struct kestrel_graph_normalization *attributes =
		&check->operator->attributes.normalization;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	int ret;

	if (input->type != output->type ||
	    (!check_is_byte(input->type) && input->type != KESTREL_GRAPH_TYPE_FLOAT32))
		return check_fail(check, -ENOTSUP, "no kernel for %s with output %s",
				  graph_type_name(input->type), graph_type_name(output->type));
	if (!input->rank || !check_same_shape(input, output))
		return check_fail(check, -EINVAL, "input and output differ in shape");
	if (input->type == KESTREL_GRAPH_TYPE_FLOAT32)
		return 0;
	ret = check_zero_point(check, "input", input->type, attributes->input_zero_point);
	return ret ? ret : check_zero_point(check, "output", output->type, attributes->zero_point);
}

int check_layer_norm(const struct check *check)
{
	const struct kestrel_graph_layer_norm *attributes = &check->operator->attributes.layer_norm;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	int ret;

	if (!check_is_byte(input->type) || !check_is_byte(output->type))
		return check_fail(check, -ENOTSUP, "no kernel for %s with output %s",
				  graph_type_name(input->type), graph_type_name(output->type));
	if (!input->rank || !check_same_shape(input, output))
		return check_fail(check, -EINVAL, "input and output differ in shape");
	if (attributes->channels != input->dims[input->rank - 1])
		return check_fail(check, -EINVAL, "%" PRIu32 " channels in rows of %" PRIu32,
				  attributes->channels, input->dims[input->rank - 1]);
	if (attributes->channels > KESTREL_GRAPH_LAYER_NORM_CHANNELS)
		return check_fail(check, -ENOTSUP, "rows of more than %d",
				  KESTREL_GRAPH_LAYER_NORM_CHANNELS);
	ret = check_parameters(check, "table", attributes->table,
			       (uint64_t)attributes->channels * (sizeof(int32_t) + sizeof(int16_t)),
			       sizeof(int32_t));
	if (!ret)
		ret = check_mode(check, attributes->mode);
	if (!ret && attributes->mode == KESTREL_GRAPH_REQUANTISE_WIDE)
		ret = check_fail(check, -ENOTSUP, "no requantisation of 64-bit sums here");
	if (!ret)
		ret = check_scale(check, attributes->mode, attributes->scale);
	if (!ret)
		ret = check_zero_point(check, "input", input->type, attributes->input_zero_point);
	return ret ? ret : check_range(check, output->type, attributes->zero_point,
				       attributes->minimum, attributes->maximum);
}
