// SPDX-License-Identifier: MIT
/* Operators that reduce dimensions. */
#include "operator_check.h"

#include <errno.h>
#include <inttypes.h>

int check_reduce(const struct check *check)
{
	const struct kestrel_graph_reduce *attributes = &check->operator->attributes.reduce;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	int extreme = check->operator->opcode == KESTREL_GRAPH_REDUCE_MAX ||
		      check->operator->opcode == KESTREL_GRAPH_REDUCE_MIN;
	uint64_t kept = 1;
	int types_known, ret;

	if (extreme && input->type == KESTREL_GRAPH_TYPE_BOOL)
		types_known = output->type == input->type;
	else
		types_known = (check_is_integer(input->type) && check_is_integer(output->type)) ||
			      (input->type == KESTREL_GRAPH_TYPE_FLOAT32 &&
			       output->type == input->type);
	if (!types_known)
		return check_fail(check, -ENOTSUP, "no kernel for %s with output %s",
			    graph_type_name(input->type), graph_type_name(output->type));
	if (attributes->axes >> input->rank)
		return check_fail(check, -EINVAL, "axes 0x%" PRIx32 " with rank %u", attributes->axes,
			    input->rank);
	for (uint32_t d = 0; d < input->rank; d++)
		if (!(attributes->axes & (1u << d)))
			kept *= input->dims[d];
	if (kept != check_count(output))
		return check_fail(check, -EINVAL, "output has %" PRIu64 " elements, %" PRIu64 " remain",
			    check_count(output), kept);
	if (extreme || input->type == KESTREL_GRAPH_TYPE_FLOAT32 ||
	    (attributes->requantise.mode == KESTREL_GRAPH_REQUANTISE_NONE &&
	     input->type == KESTREL_GRAPH_TYPE_INT32 &&
	     check->operator->opcode != KESTREL_GRAPH_MEAN)) {
		if (input->type != output->type)
			return check_fail(check, -ENOTSUP, "input and output differ in type");
		if (attributes->requantise.mode != KESTREL_GRAPH_REQUANTISE_NONE)
			return check_fail(check, -EINVAL, "mode %" PRIu32 " where nothing is scaled",
					  attributes->requantise.mode);
		return 0;
	}
	if (input->type == KESTREL_GRAPH_TYPE_INT32)
		return check_fail(check, -ENOTSUP, "no kernel that scales int32");
	ret = check_zero_point(check, "input", input->type, attributes->input_zero_point);
	if (!ret && check->operator->opcode == KESTREL_GRAPH_MEAN)
		return check_requantise_mean(check, &attributes->requantise, output->type);
	return ret ? ret : check_requantise(check, &attributes->requantise, output->type, 1);
}

int check_arg_extreme(const struct check *check)
{
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	uint32_t axis = check->operator->attributes.axis.axis;

	if ((output->type != KESTREL_GRAPH_TYPE_INT32 &&
	     output->type != KESTREL_GRAPH_TYPE_INT64) ||
	    input->type == KESTREL_GRAPH_TYPE_INT64)
		return check_fail(check, -ENOTSUP, "no kernel for %s with output %s",
				  graph_type_name(input->type), graph_type_name(output->type));
	if (axis >= input->rank || check_count(input) / input->dims[axis] != check_count(output))
		return check_fail(check, -EINVAL, "axis %" PRIu32 " of rank %u, output of %" PRIu64 " elements",
				  axis, input->rank, check_count(output));
	return 0;
}

