// SPDX-License-Identifier: MIT
/* Operators that move elements. */
#include "operator_check.h"

#include <errno.h>
#include <inttypes.h>

/* Element types and counts of a copy that changes neither. */
int check_copy(const struct check *check)
{
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);

	if (input->type != output->type || input->size != output->size)
		return check_fail(check, -EINVAL, "%" PRIu64 " bytes of %s do not become %" PRIu64 " of %s",
			    input->size, graph_type_name(input->type), output->size,
			    graph_type_name(output->type));
	return 0;
}

int check_pad(const struct check *check)
{
	const struct kestrel_graph_pad *attributes = &check->operator->attributes.pad;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);

	if (input->type != output->type || input->rank != output->rank)
		return check_fail(check, -EINVAL, "input and output differ in type or rank");
	for (uint32_t d = 0; d < input->rank; d++)
		if ((uint64_t)attributes->before[d] + input->dims[d] + attributes->after[d] !=
		    output->dims[d])
			return check_fail(check, -EINVAL,
				    "dimension %" PRIu32 ": %" PRIu32 "+%" PRIu32 "+%" PRIu32 " is not %" PRIu32,
				    d, attributes->before[d], input->dims[d],
				    attributes->after[d], output->dims[d]);
	return 0;
}

/* Parts along one axis; PACK's parts lack the axis, SPLIT's parts are the outputs. */
int check_parts(const struct check *check)
{
	const struct kestrel_graph_operator *operator = check->operator;
	int split = operator->opcode == KESTREL_GRAPH_SPLIT;
	const struct kestrel_graph_tensor *whole = split ? check_input(check, 0) :
						   check_output(check, 0);
	uint32_t axis = operator->attributes.axis.axis;
	uint32_t count = split ? operator->output_count : operator->input_count;
	uint64_t outer = 1, inner = 1, sum = 0;

	if (axis >= whole->rank)
		return check_fail(check, -EINVAL, "axis %" PRIu32 " with rank %u", axis, whole->rank);
	for (uint32_t d = 0; d < whole->rank; d++) {
		if (d < axis)
			outer *= whole->dims[d];
		if (d > axis)
			inner *= whole->dims[d];
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct kestrel_graph_tensor *part = split ? check_output(check, i) :
							  check_input(check, i);

		if (!part)
			return check_fail(check, -EINVAL, "input %" PRIu32 " is absent", i);
		if (part->type != whole->type)
			return check_fail(check, -EINVAL, "part %" PRIu32 " is %s, not %s", i,
				    graph_type_name(part->type), graph_type_name(whole->type));
		if (check_count(part) % (outer * inner))
			return check_fail(check, -EINVAL, "part %" PRIu32 " has another shape", i);
		sum += check_count(part);
	}
	if (sum != check_count(whole))
		return check_fail(check, -EINVAL, "parts have %" PRIu64 " elements, the whole %" PRIu64,
			    sum, check_count(whole));
	return 0;
}

int check_slice(const struct check *check)
{
	const struct kestrel_graph_slice *attributes = &check->operator->attributes.slice;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	uint64_t count = 1;

	if (input->type != output->type)
		return check_fail(check, -EINVAL, "input and output differ in type");
	for (uint32_t d = 0; d < input->rank; d++) {
		int64_t last = attributes->begin[d] +
			       ((int64_t)attributes->count[d] - 1) * attributes->stride[d];

		if (!attributes->count[d] || attributes->count[d] > input->dims[d] ||
		    attributes->begin[d] >= input->dims[d] || last < 0 ||
		    last >= input->dims[d] || !attributes->stride[d])
			return check_fail(check, -EINVAL,
				    "dimension %" PRIu32 ": %" PRIu32 " from %" PRIu32 " by %" PRId32 " is outside %" PRIu32,
				    d, attributes->count[d], attributes->begin[d],
				    attributes->stride[d], input->dims[d]);
		count *= attributes->count[d];
	}
	if (count != check_count(output))
		return check_fail(check, -EINVAL, "%" PRIu64 " elements do not make %" PRIu64, count,
			    check_count(output));
	return 0;
}

int check_transpose(const struct check *check)
{
	const uint32_t *permutation = check->operator->attributes.transpose.permutation;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	uint32_t seen = 0;

	if (input->type != output->type || input->rank != output->rank)
		return check_fail(check, -EINVAL, "input and output differ in type or rank");
	for (uint32_t d = 0; d < input->rank; d++) {
		if (permutation[d] >= input->rank || seen & (1u << permutation[d]) ||
		    output->dims[d] != input->dims[permutation[d]])
			return check_fail(check, -EINVAL, "dimension %" PRIu32 ": bad permutation %" PRIu32,
				    d, permutation[d]);
		seen |= 1u << permutation[d];
	}
	return 0;
}

/* Input, then indices; the dimensions that both begin with are the same. */
int check_gather(const struct check *check)
{
	const struct kestrel_graph_axis *attributes = &check->operator->attributes.axis;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *indices = check_input(check, 1);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	uint64_t batches = 1;

	if (input->type != output->type)
		return check_fail(check, -EINVAL, "input and output differ in type");
	if (indices->type != KESTREL_GRAPH_TYPE_INT32 && indices->type != KESTREL_GRAPH_TYPE_INT64)
		return check_fail(check, -ENOTSUP, "no kernel for indices of type %s",
				  graph_type_name(indices->type));
	if (attributes->axis >= input->rank || attributes->batch_dims > attributes->axis ||
	    attributes->batch_dims > indices->rank)
		return check_fail(check, -EINVAL, "axis %" PRIu32 " with %" PRIu32 " batch dimensions, ranks %u and %u",
				  attributes->axis, attributes->batch_dims, input->rank,
				  indices->rank);
	for (uint32_t d = 0; d < attributes->batch_dims; d++) {
		if (input->dims[d] != indices->dims[d])
			return check_fail(check, -EINVAL, "batch dimension %" PRIu32 " differs", d);
		batches *= input->dims[d];
	}
	if (check_count(output) != check_count(input) / input->dims[attributes->axis] *
				   (check_count(indices) / batches))
		return check_fail(check, -EINVAL, "output has %" PRIu64 " elements",
				  check_count(output));
	return 0;
}

/* Mirrors reach at most once over the input: REFLECT leaves out the border itself. */
int check_mirror_pad(const struct check *check)
{
	const struct kestrel_graph_pad *attributes = &check->operator->attributes.pad;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	int ret = check_pad(check);

	if (ret)
		return ret;
	if (attributes->reflect > 1)
		return check_fail(check, -EINVAL, "flag %" PRIu32 " is not 0 or 1",
				  attributes->reflect);
	for (uint32_t d = 0; d < input->rank; d++)
		if (attributes->before[d] > input->dims[d] - attributes->reflect ||
		    attributes->after[d] > input->dims[d] - attributes->reflect)
			return check_fail(check, -EINVAL,
					  "dimension %" PRIu32 ": mirrors of %" PRIu32 " and %" PRIu32 " beside %" PRIu32,
					  d, attributes->before[d], attributes->after[d],
					  input->dims[d]);
	return 0;
}

int check_block(const struct check *check)
{
	int gathers = check->operator->opcode == KESTREL_GRAPH_SPACE_TO_DEPTH;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	const struct kestrel_graph_tensor *wide = gathers ? input : output;
	const struct kestrel_graph_tensor *deep = gathers ? output : input;
	uint64_t block = check->operator->attributes.block.block_size;

	if (input->type != output->type || input->rank != 4 || output->rank != 4)
		return check_fail(check, -EINVAL, "input and output differ in type or have not rank 4");
	if (!block || wide->dims[0] != deep->dims[0] || wide->dims[1] != deep->dims[1] * block ||
	    wide->dims[2] != deep->dims[2] * block ||
	    wide->dims[3] * block * block != deep->dims[3])
		return check_fail(check, -EINVAL, "blocks of %" PRIu64 " do not fit the shapes", block);
	return 0;
}

int check_batch_block(const struct check *check)
{
	const struct kestrel_graph_batch_block *attributes =
		&check->operator->attributes.batch_block;
	int gathers = check->operator->opcode == KESTREL_GRAPH_SPACE_TO_BATCH;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	const struct kestrel_graph_tensor *few = gathers ? input : output;
	const struct kestrel_graph_tensor *many = gathers ? output : input;
	uint64_t blocks = (uint64_t)attributes->block[0] * attributes->block[1];
	uint32_t last = few->rank - 1u;

	if (input->type != output->type || few->rank != many->rank ||
	    (few->rank != 3 && few->rank != 4))
		return check_fail(check, -EINVAL, "input and output differ in type or have not rank 3 or 4");
	if (!blocks || blocks > UINT32_MAX || few->dims[0] * blocks != many->dims[0] ||
	    few->dims[last] != many->dims[last] ||
	    (few->rank == 3 && (attributes->block[1] != 1 || attributes->before[1])))
		return check_fail(check, -EINVAL, "blocks of %" PRIu32 " x %" PRIu32 " do not fit the shapes",
				  attributes->block[0], attributes->block[1]);
	for (uint32_t d = 1; d < last; d++)
		if ((uint64_t)attributes->before[d - 1] + few->dims[d] >
		    (uint64_t)many->dims[d] * attributes->block[d - 1])
			return check_fail(check, -EINVAL, "%" PRIu32 " before dimension %" PRIu32 " and what it has are more than its blocks",
					  attributes->before[d - 1], d);
	return 0;
}

int check_broadcast_to(const struct check *check)
{
	const struct kestrel_graph_tensor *input = check_input(check, 0);

	if (input->type != check_output(check, 0)->type)
		return check_fail(check, -EINVAL, "input and output differ in type");
	return check_broadcast(check, input, 0);
}

int check_tile(const struct check *check)
{
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);

	if (input->type != output->type || input->rank != output->rank)
		return check_fail(check, -EINVAL, "input and output differ in type or rank");
	for (uint32_t d = 0; d < input->rank; d++)
		if (output->dims[d] % input->dims[d])
			return check_fail(check, -EINVAL, "dimension %" PRIu32 ": %" PRIu32 " is no multiple of %" PRIu32,
					  d, output->dims[d], input->dims[d]);
	return 0;
}

/* Any type becomes any other. */
int check_cast(const struct check *check)
{
	if (check_count(check_input(check, 0)) != check_count(check_output(check, 0)))
		return check_fail(check, -EINVAL, "input and output differ in size");
	return 0;
}
