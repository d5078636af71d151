// SPDX-License-Identifier: MIT
/* float32 operators. Sums run in the order of the reference kernels. */
#include "cpu.h"

#include <math.h>

/* SOFTMAX and LOG_SOFTMAX along the last dimension. */
void cpu_float_softmax(const struct cpu_call *call)
{
	int logarithm = call->operator->opcode == KESTREL_GRAPH_LOG_SOFTMAX;
	float beta = arithmetic_float(call->operator->attributes.softmax.beta);
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	size_t depth = input.dims[input.rank - 1];
	const float *from = input.data;
	float *to = output.data;

	for (size_t row = 0; row < input.count; row += depth, from += depth, to += depth) {
		float largest = from[0];
		float sum = 0;

		for (size_t i = 1; i < depth; i++)
			largest = fmaxf(largest, from[i]);
		for (size_t i = 0; i < depth; i++)
			sum += expf((from[i] - largest) * beta);
		for (size_t i = 0; i < depth; i++)
			to[i] = logarithm ? from[i] - largest - logf(sum) :
					    expf((from[i] - largest) * beta) / sum;
	}
}
