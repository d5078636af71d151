// SPDX-License-Identifier: MIT
/* Operators on two tensors. */
#include "operator_check.h"

#include <errno.h>
#include <inttypes.h>

/* Largest left shift of ADD and SUB; 20 and 15 are in use. */
#define LEFT_SHIFT_MAX 22

/*
 * Every dimension of the output is the larger one; the smaller is 1 or equal. The
 * `innermost` last ones may be anything.
 */
static int broadcast_check(const struct check *check, const struct kestrel_graph_tensor *input,
			   uint32_t innermost)
{
	const struct kestrel_graph_tensor *output = check_output(check, 0);

	if (input->rank > output->rank)
		return check_fail(check, -EINVAL, "input has a higher rank than the output");
	for (uint32_t d = 0; d + innermost < input->rank; d++) {
		uint32_t wide = output->dims[output->rank - input->rank + d];

		if (input->dims[d] != 1 && input->dims[d] != wide)
			return check_fail(check, -EINVAL, "dimension %" PRIu32 " does not broadcast to %" PRIu32,
				    input->dims[d], wide);
	}
	return 0;
}

int check_elementwise(const struct check *check)
{
	const struct kestrel_graph_elementwise *attributes =
		&check->operator->attributes.elementwise;
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	uint32_t opcode = check->operator->opcode;
	int extreme = opcode == KESTREL_GRAPH_MINIMUM || opcode == KESTREL_GRAPH_MAXIMUM;
	int ret;

	for (uint32_t i = 0; i < 2; i++) {
		const struct kestrel_graph_tensor *input = check_input(check, i);

		ret = broadcast_check(check, input, 0);
		if (ret)
			return ret;
		if (input->type != output->type ||
		    (!check_is_byte(input->type) && input->type != KESTREL_GRAPH_TYPE_FLOAT32 &&
		     (input->type != KESTREL_GRAPH_TYPE_INT16 || opcode == KESTREL_GRAPH_DIV) &&
		     (input->type != KESTREL_GRAPH_TYPE_INT32 || !extreme)))
			return check_fail(check, -ENOTSUP, "no kernel for %s with output %s",
				    graph_type_name(input->type), graph_type_name(output->type));
	}
	if (output->type == KESTREL_GRAPH_TYPE_FLOAT32)
		return check_float_range(check, attributes->minimum, attributes->maximum);
	if (extreme)
		return 0;
	ret = check_mode(check, attributes->mode);
	if (!ret)
		ret = check_scale(check, attributes->mode, attributes->output_scale);
	if (!ret && opcode == KESTREL_GRAPH_DIV &&
	    (attributes->mode != KESTREL_GRAPH_REQUANTISE_DOUBLE ||
	     attributes->output_scale.shift > 0))
		ret = check_fail(check, -ENOTSUP, "mode %" PRIu32 " with shift %" PRId32,
				 attributes->mode, attributes->output_scale.shift);
	if (!ret && opcode != KESTREL_GRAPH_MUL && opcode != KESTREL_GRAPH_DIV)
		ret = check_scale(check, attributes->mode, attributes->a_scale);
	if (!ret && opcode != KESTREL_GRAPH_MUL && opcode != KESTREL_GRAPH_DIV)
		ret = check_scale(check, attributes->mode, attributes->b_scale);
	if (!ret)
		ret = check_zero_point(check, "first", output->type, attributes->a_zero_point);
	if (!ret)
		ret = check_zero_point(check, "second", output->type, attributes->b_zero_point);
	if (!ret && attributes->left_shift > LEFT_SHIFT_MAX)
		ret = check_fail(check, -EINVAL, "left shift %" PRIu32 " is above %d",
			   attributes->left_shift, LEFT_SHIFT_MAX);
	if (!ret)
		ret = check_range(check, output->type, attributes->zero_point,
				  attributes->minimum, attributes->maximum);
	return ret;
}

int check_leaky(const struct check *check)
{
	const struct kestrel_graph_leaky *attributes = &check->operator->attributes.leaky;
	const struct kestrel_graph_tensor *input = check_input(check, 0);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	int ret = 0;

	if (input->type != output->type ||
	    (!check_is_byte(input->type) && input->type != KESTREL_GRAPH_TYPE_INT16 &&
	     input->type != KESTREL_GRAPH_TYPE_FLOAT32))
		return check_fail(check, -ENOTSUP, "no kernel for input type %s",
			    graph_type_name(input->type));
	if (!check_same_shape(input, output))
		return check_fail(check, -EINVAL, "input and output differ in shape");
	if (check->operator->opcode == KESTREL_GRAPH_PRELU) {
		ret = broadcast_check(check, check_input(check, 1), 0);
		if (!ret && check_input(check, 1)->type != input->type)
			ret = check_fail(check, -ENOTSUP, "alpha has another type than the input");
		if (!ret && input->type != KESTREL_GRAPH_TYPE_FLOAT32)
			ret = check_zero_point(check, "alpha", input->type,
					       attributes->alpha_zero_point);
	}
	if (input->type == KESTREL_GRAPH_TYPE_FLOAT32)
		return ret;
	if (!ret)
		ret = check_mode(check, attributes->mode);
	if (!ret)
		ret = check_scale(check, attributes->mode, attributes->identity_scale);
	if (!ret)
		ret = check_scale(check, attributes->mode, attributes->alpha_scale);
	if (!ret)
		ret = check_zero_point(check, "input", input->type, attributes->input_zero_point);
	if (!ret)
		ret = check_range(check, output->type, attributes->zero_point,
				  attributes->minimum, attributes->maximum);
	return ret;
}

/* Rows and columns as the product sees them, whichever way they lie. */
int check_matmul(const struct check *check)
{
	const struct kestrel_graph_matmul *attributes = &check->operator->attributes.matmul;
	const struct kestrel_graph_tensor *a = check_input(check, 0);
	const struct kestrel_graph_tensor *b = check_input(check, 1);
	const struct kestrel_graph_tensor *output = check_output(check, 0);
	const uint32_t *of_a, *of_b, *of_output;
	int ret;

	if (a->type != b->type || a->type != output->type ||
	    (!check_is_byte(a->type) && a->type != KESTREL_GRAPH_TYPE_INT16 &&
	     a->type != KESTREL_GRAPH_TYPE_FLOAT32))
		return check_fail(check, -ENOTSUP, "no kernel for %s x %s with output %s",
				  graph_type_name(a->type), graph_type_name(b->type),
				  graph_type_name(output->type));
	if (a->rank < 2 || b->rank < 2 || output->rank < 2 || attributes->transpose_a > 1 ||
	    attributes->transpose_b > 1)
		return check_fail(check, -EINVAL, "ranks %u, %u and %u, flags %" PRIu32 " and %" PRIu32,
				  a->rank, b->rank, output->rank, attributes->transpose_a,
				  attributes->transpose_b);
	of_a = &a->dims[a->rank - 2];
	of_b = &b->dims[b->rank - 2];
	of_output = &output->dims[output->rank - 2];
	if (of_a[!attributes->transpose_a] != of_b[attributes->transpose_b] ||
	    of_a[attributes->transpose_a] != of_output[0] ||
	    of_b[!attributes->transpose_b] != of_output[1])
		return check_fail(check, -EINVAL, "the matrices do not fit each other");
	ret = broadcast_check(check, a, 2);
	if (!ret)
		ret = broadcast_check(check, b, 2);
	if (ret || a->type == KESTREL_GRAPH_TYPE_FLOAT32)
		return ret;
	ret = check_zero_point(check, "first", a->type, attributes->a_zero_point);
	if (!ret)
		ret = check_zero_point(check, "second", b->type, attributes->b_zero_point);
	return ret ? ret : check_requantise(check, &attributes->requantise, output->type, 1);
}
