// SPDX-License-Identifier: MIT
/* Functions of one value. */
#include "operator_check.h"

#include <errno.h>
#include <inttypes.h>

#define SIGMOID_SHIFT_MAX 31

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
		    function <= KESTREL_GRAPH_FUNCTION_RELU_0_TO_1;

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
