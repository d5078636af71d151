// SPDX-License-Identifier: MIT
/* Operators on two tensors. */
#include "operator_check.h"

#include <errno.h>
#include <inttypes.h>

/* Largest left shift of ADD and SUB; 20 and 15 are in use. */
#define LEFT_SHIFT_MAX 22

static int is_plain(uint32_t type)
{
	return type == KESTREL_GRAPH_TYPE_INT32 || type == KESTREL_GRAPH_TYPE_INT64;
}

/* Types that the kernel of an opcode takes. */
static int takes_type(uint32_t opcode, uint32_t type)
{
	switch (opcode) {
	case KESTREL_GRAPH_POWER:
		return type == KESTREL_GRAPH_TYPE_FLOAT32 || type == KESTREL_GRAPH_TYPE_INT32;
	case KESTREL_GRAPH_FLOOR_DIV:
	case KESTREL_GRAPH_FLOOR_MOD:
		return type == KESTREL_GRAPH_TYPE_FLOAT32 || is_plain(type) ||
		       type == KESTREL_GRAPH_TYPE_INT8 || type == KESTREL_GRAPH_TYPE_INT16;
	case KESTREL_GRAPH_SQUARED_DIFFERENCE:
		if (type == KESTREL_GRAPH_TYPE_INT64)
			return 0;
	}
	return check_is_byte(type) || type == KESTREL_GRAPH_TYPE_FLOAT32 || is_plain(type) ||
	       (type == KESTREL_GRAPH_TYPE_INT16 && opcode != KESTREL_GRAPH_DIV);
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

		ret = check_broadcast(check, input, 0);
		if (ret)
			return ret;
		if (input->type != output->type || !takes_type(opcode, input->type))
			return check_fail(check, -ENOTSUP, "no kernel for %s with output %s",
				    graph_type_name(input->type), graph_type_name(output->type));
	}
	if (output->type == KESTREL_GRAPH_TYPE_FLOAT32)
		return check_float_range(check, attributes->minimum, attributes->maximum);
	if (extreme)
		return 0;
	if (is_plain(output->type) || opcode == KESTREL_GRAPH_FLOOR_DIV ||
	    opcode == KESTREL_GRAPH_FLOOR_MOD) {
		if (attributes->mode != KESTREL_GRAPH_REQUANTISE_NONE ||
		    attributes->minimum > attributes->maximum)
			return check_fail(check, -EINVAL, "mode %" PRIu32 " and clamp %" PRId32 "..%" PRId32 " of %s",
					  attributes->mode, attributes->minimum,
					  attributes->maximum, graph_type_name(output->type));
		return 0;
	}
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
		ret = check_broadcast(check, check_input(check, 1), 0);
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
	if (!ret && attributes->alpha_negative &&
	    (attributes->alpha_negative > 1 || attributes->mode == KESTREL_GRAPH_REQUANTISE_F32))
		ret = check_fail(check, -ENOTSUP, "flag %" PRIu32 " in mode %" PRIu32,
				 attributes->alpha_negative, attributes->mode);
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
	int bytes = check_is_byte(a->type) && check_is_byte(b->type) &&
		    check_is_byte(output->type);
	int ret;

	if (!bytes && (a->type != b->type || a->type != output->type ||
		       (a->type != KESTREL_GRAPH_TYPE_INT16 &&
			a->type != KESTREL_GRAPH_TYPE_FLOAT32)))
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
	ret = check_broadcast(check, a, 2);
	if (!ret)
		ret = check_broadcast(check, b, 2);
	if (!ret && a->type == KESTREL_GRAPH_TYPE_FLOAT32 &&
	    attributes->requantise.mode != KESTREL_GRAPH_REQUANTISE_NONE)
		return check_fail(check, -EINVAL, "mode %" PRIu32 " where nothing is scaled",
				  attributes->requantise.mode);
	if (ret || a->type == KESTREL_GRAPH_TYPE_FLOAT32)
		return ret;
	ret = check_zero_point(check, "first", a->type, attributes->a_zero_point);
	if (!ret)
		ret = check_zero_point(check, "second", b->type, attributes->b_zero_point);
	return ret ? ret : check_requantise(check, &attributes->requantise, output->type, 1);
}

/* 8 bits are brought to one scale; other types are compared as they are. */
int check_compare(const struct check *check)
{
	const struct kestrel_graph_compare *attributes = &check->operator->attributes.compare;
	const struct kestrel_graph_tensor *a = check_input(check, 0);
	int ret = 0;

	if (a->type != check_input(check, 1)->type ||
	    check_output(check, 0)->type != KESTREL_GRAPH_TYPE_BOOL)
		return check_fail(check, -ENOTSUP, "no kernel for %s and %s with output %s",
				  graph_type_name(a->type),
				  graph_type_name(check_input(check, 1)->type),
				  graph_type_name(check_output(check, 0)->type));
	if (attributes->comparison < KESTREL_GRAPH_COMPARISON_EQUAL ||
	    attributes->comparison > KESTREL_GRAPH_COMPARISON_GREATER_EQUAL)
		return check_fail(check, -ENOTSUP, "unknown comparison %" PRIu32,
				  attributes->comparison);
	for (uint32_t i = 0; i < 2 && !ret; i++)
		ret = check_broadcast(check, check_input(check, i), 0);
	if (ret || !attributes->left_shift)
		return ret;
	if (!check_is_byte(a->type) || attributes->left_shift > LEFT_SHIFT_MAX)
		return check_fail(check, -ENOTSUP, "left shift %" PRIu32 " of %s",
				  attributes->left_shift, graph_type_name(a->type));
	ret = check_zero_point(check, "first", a->type, attributes->a_zero_point);
	if (!ret)
		ret = check_zero_point(check, "second", a->type, attributes->b_zero_point);
	if (!ret)
		ret = check_scale(check, KESTREL_GRAPH_REQUANTISE_DOUBLE, attributes->a_scale);
	return ret ? ret : check_scale(check, KESTREL_GRAPH_REQUANTISE_DOUBLE, attributes->b_scale);
}

/* LOGICAL_AND, LOGICAL_OR. */
int check_logical(const struct check *check)
{
	int ret = 0;

	for (uint32_t i = 0; i < 2 && !ret; i++) {
		ret = check_broadcast(check, check_input(check, i), 0);
		if (!ret && (check_input(check, i)->type != KESTREL_GRAPH_TYPE_BOOL ||
			     check_output(check, 0)->type != KESTREL_GRAPH_TYPE_BOOL))
			ret = check_fail(check, -ENOTSUP, "no kernel for %s",
					 graph_type_name(check_input(check, i)->type));
	}
	return ret;
}

int check_select(const struct check *check)
{
	uint32_t type = check_output(check, 0)->type;
	int ret = 0;

	for (uint32_t i = 0; i < 3 && !ret; i++) {
		uint32_t expected = i ? type : KESTREL_GRAPH_TYPE_BOOL;

		ret = check_broadcast(check, check_input(check, i), 0);
		if (!ret && check_input(check, i)->type != expected)
			ret = check_fail(check, -ENOTSUP, "input %" PRIu32 " is %s, not %s", i,
					 graph_type_name(check_input(check, i)->type),
					 graph_type_name(expected));
	}
	return ret;
}
