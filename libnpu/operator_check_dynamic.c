// SPDX-License-Identifier: MIT
/* Dynamic quantisation: scales and zero points are data that each run finds. */
#include "operator_check.h"

#include <errno.h>
#include <inttypes.h>

int check_dynamic_quantize(const struct check *check)
{
	static const uint32_t types[] = { KESTREL_GRAPH_TYPE_UINT8, KESTREL_GRAPH_TYPE_FLOAT32,
					  KESTREL_GRAPH_TYPE_UINT8 };
	const struct kestrel_graph_tensor *input = check_input(check, 0);

	if (input->type != KESTREL_GRAPH_TYPE_FLOAT32)
		return check_fail(check, -ENOTSUP, "no kernel for %s", graph_type_name(input->type));
	for (uint32_t i = 0; i < 3; i++) {
		const struct kestrel_graph_tensor *output = check_output(check, i);

		if (output->type != types[i] ||
		    check_count(output) != (i ? 1 : check_count(input)))
			return check_fail(check, -EINVAL, "output %" PRIu32 " is %" PRIu64 " of %s", i,
					  check_count(output), graph_type_name(output->type));
	}
	return 0;
}

int check_integers(const struct check *check, uint32_t columns)
{
	const struct kestrel_graph_tensor *output = check_output(check, 0);

	for (uint32_t i = 0; i < 2; i++) {
		const struct kestrel_graph_tensor *operand = check_input(check, i);
		const struct kestrel_graph_tensor *zero_points = check_input(check, i + 2);
		uint64_t count = zero_points ? check_count(zero_points) : 1;

		if (!check_is_byte(operand->type) || output->type != KESTREL_GRAPH_TYPE_INT32)
			return check_fail(check, -ENOTSUP, "no kernel for %s with output %s",
					  graph_type_name(operand->type),
					  graph_type_name(output->type));
		if ((zero_points && zero_points->type != operand->type) ||
		    (count != 1 && (!i || count != columns)))
			return check_fail(check, -EINVAL, "%" PRIu64 " zero points for input %" PRIu32,
					  count, i);
	}
	return 0;
}

int check_matmul_integer(const struct check *check)
{
	const struct kestrel_graph_tensor *a = check_input(check, 0);
	const struct kestrel_graph_tensor *b = check_input(check, 1);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	int ret;

	if (a->rank < 2 || b->rank < 2 || output->rank < 2)
		return check_fail(check, -EINVAL, "ranks %u, %u and %u", a->rank, b->rank,
				  output->rank);
	if (a->dims[a->rank - 1] != b->dims[b->rank - 2] ||
	    a->dims[a->rank - 2] != output->dims[output->rank - 2] ||
	    b->dims[b->rank - 1] != output->dims[output->rank - 1])
		return check_fail(check, -EINVAL, "the matrices do not fit each other");
	ret = check_broadcast(check, a, 2);
	if (!ret)
		ret = check_broadcast(check, b, 2);
	return ret ? ret : check_integers(check, output->dims[output->rank - 1]);
}
