// SPDX-License-Identifier: MIT
/* Shapes that values of smaller ones are repeated to. */
#include <errno.h>

#include "onnx_import.h"

int onnx_broadcast(struct onnx *o, const struct onnx_value *a, const struct onnx_value *b,
		   int32_t *shape, unsigned int *rank)
{
	*rank = a->rank > b->rank ? a->rank : b->rank;
	for (unsigned int d = 0; d < *rank; d++) {
		int32_t of_a = d + a->rank < *rank ? 1 : a->shape[d + a->rank - *rank];
		int32_t of_b = d + b->rank < *rank ? 1 : b->shape[d + b->rank - *rank];

		if (of_a != of_b && of_a != 1 && of_b != 1)
			return onnx_fail(o, a, -EINVAL, "dimension %u of the output: %d against %d of \"%.80s\"",
					 d, of_a, of_b, b->name);
		shape[d] = of_a > of_b ? of_a : of_b;
	}
	return 0;
}

uint64_t onnx_broadcast_index(const struct onnx_value *value, const struct onnx_value *y,
			      uint64_t i)
{
	uint64_t index = 0, step = 1;

	for (unsigned int d = 0; d < y->rank; d++) {
		unsigned int at = y->rank - 1 - d;
		uint64_t position = i % (uint64_t)y->shape[at];

		i /= (uint64_t)y->shape[at];
		if (d >= value->rank)
			continue;
		if (value->shape[value->rank - 1 - d] > 1)
			index += position * step;
		step *= (uint64_t)value->shape[value->rank - 1 - d];
	}
	return index;
}
