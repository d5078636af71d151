// SPDX-License-Identifier: MIT
/* Operators whose data say where something is, or in what order. */
#include "operator_check.h"

#include <errno.h>
#include <inttypes.h>

static int check_indices(const struct check *check, uint32_t input)
{
	uint32_t type = check_input(check, input)->type;

	if (type != KESTREL_GRAPH_TYPE_INT32 && type != KESTREL_GRAPH_TYPE_INT64)
		return check_fail(check, -ENOTSUP, "no kernel for indices of type %s",
				  graph_type_name(type));
	return 0;
}

static int check_types_equal(const struct check *check)
{
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);

	if (input->type != output->type)
		return check_fail(check, -EINVAL, "input and output differ in type");
	return 0;
}

int check_dynamic_update_slice(const struct check *check)
{
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *update = check_input(check, 1);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	int ret = check_types_equal(check);

	if (!ret)
		ret = check_indices(check, 2);
	if (ret)
		return ret;
	if (!check_same_shape(input, output) || update->type != input->type || !input->rank ||
	    update->rank != input->rank || check_count(check_input(check, 2)) != input->rank)
		return check_fail(check, -EINVAL, "input, update, positions and output do not fit each other");
	for (uint32_t d = 0; d < input->rank; d++)
		if (update->dims[d] > input->dims[d])
			return check_fail(check, -EINVAL, "dimension %" PRIu32 ": an update of %" PRIu32 " in %" PRIu32,
					  d, update->dims[d], input->dims[d]);
	return 0;
}

int check_gather_nd(const struct check *check)
{
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *indices = check_input(check, 1);
	uint64_t count = 1;
	uint32_t depth;
	int ret = check_types_equal(check);

	if (!ret)
		ret = check_indices(check, 1);
	if (ret)
		return ret;
	depth = indices->rank ? indices->dims[indices->rank - 1] : 0;
	if (!depth || depth > input->rank)
		return check_fail(check, -EINVAL, "%" PRIu32 " indices a slice of rank %u", depth,
				  input->rank);
	for (uint32_t d = depth; d < input->rank; d++)
		count *= input->dims[d];
	if (check_count(check_output(check, 0)) != check_count(indices) / depth * count)
		return check_fail(check, -EINVAL, "output has %" PRIu64 " elements",
				  check_count(check_output(check, 0)));
	return 0;
}

int check_top_k(const struct check *check)
{
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *values = check_output(check, 0);
	const struct kestrel_graph_tensor *indices = check_output(check, 1);
	int ret = check_types_equal(check);

	if (ret)
		return ret;
	if (indices->type != KESTREL_GRAPH_TYPE_INT32 || !check_same_shape(values, indices))
		return check_fail(check, -EINVAL, "the second output must be int32 with the shape of the first");
	if (!input->rank || values->rank != input->rank ||
	    values->dims[input->rank - 1] > input->dims[input->rank - 1])
		return check_fail(check, -EINVAL, "output does not fit the input");
	for (uint32_t d = 0; d + 1 < input->rank; d++)
		if (values->dims[d] != input->dims[d])
			return check_fail(check, -EINVAL, "dimension %" PRIu32 " differs", d);
	return 0;
}

int check_one_hot(const struct check *check)
{
	const struct kestrel_graph_tensor *indices = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	uint32_t axis = check->operator->attributes.axis.axis;
	int ret = check_indices(check, 0);

	if (ret)
		return ret;
	for (uint32_t i = 1; i < 3; i++)
		if (check_input(check, i)->type != output->type ||
		    check_count(check_input(check, i)) != 1)
			return check_fail(check, -EINVAL, "input %" PRIu32 " is not one element of the output's type",
					  i);
	if (axis >= output->rank || output->rank != indices->rank + 1)
		return check_fail(check, -EINVAL, "axis %" PRIu32 " of rank %u, indices of rank %u",
				  axis, output->rank, indices->rank);
	for (uint32_t d = 0; d < indices->rank; d++)
		if (indices->dims[d] != output->dims[d + (d >= axis)])
			return check_fail(check, -EINVAL, "dimension %" PRIu32 " of the indices differs",
					  d);
	return 0;
}

int check_cumulative_sum(const struct check *check)
{
	const struct kestrel_graph_cumulative_sum *attributes =
		&check->operator->attributes.cumulative_sum;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	int ret = check_types_equal(check);

	if (ret)
		return ret;
	if (input->type != KESTREL_GRAPH_TYPE_FLOAT32 && input->type != KESTREL_GRAPH_TYPE_INT32 &&
	    input->type != KESTREL_GRAPH_TYPE_INT64)
		return check_fail(check, -ENOTSUP, "no kernel for %s", graph_type_name(input->type));
	if (!check_same_shape(input, check_output(check, 0)))
		return check_fail(check, -EINVAL, "input and output differ in shape");
	if (attributes->axis >= input->rank || attributes->exclusive > 1 || attributes->reverse > 1)
		return check_fail(check, -EINVAL, "axis %" PRIu32 " of rank %u, flags %" PRIu32 " and %" PRIu32,
				  attributes->axis, input->rank, attributes->exclusive,
				  attributes->reverse);
	return 0;
}
