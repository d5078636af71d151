// SPDX-License-Identifier: MIT
/* Operators that reduce dimensions to one element. */
#include "cpu.h"

/* How to get at the elements that become one output. */
struct reduction {
	size_t count;			/* of them */
	unsigned int axes;
	size_t steps[KESTREL_GRAPH_RANK_MAX];	/* of the reduced dimensions, innermost first */
	size_t sizes[KESTREL_GRAPH_RANK_MAX];
};

/* Where output number i begins in the input; fills in the reduced dimensions. */
static size_t reduction_begin(struct reduction *reduction, const struct array *input,
			      uint32_t axes, size_t i)
{
	size_t base = 0, stride = 1;

	reduction->axes = 0;
	for (unsigned int d = input->rank; d-- > 0; stride *= input->dims[d]) {
		if (axes & (1u << d)) {
			reduction->steps[reduction->axes] = stride;
			reduction->sizes[reduction->axes++] = input->dims[d];
		} else {
			base += i % input->dims[d] * stride;
			i /= input->dims[d];
		}
	}
	return base;
}

/* Element j of those that become one output, in the order of the input. */
static size_t reduction_at(const struct reduction *reduction, size_t base, size_t j)
{
	for (unsigned int a = 0; a < reduction->axes; a++) {
		base += j % reduction->sizes[a] * reduction->steps[a];
		j /= reduction->sizes[a];
	}
	return base;
}

static float float_reduce(uint32_t opcode, const struct reduction *reduction, const float *data,
			  size_t base)
{
	float result = data[base];

	for (size_t j = 1; j < reduction->count; j++) {
		float value = data[reduction_at(reduction, base, j)];

		switch (opcode) {
		case KESTREL_GRAPH_REDUCE_MAX:
			result = value > result ? value : result;
			break;
		case KESTREL_GRAPH_REDUCE_MIN:
			result = value < result ? value : result;
			break;
		case KESTREL_GRAPH_REDUCE_PROD:
			result *= value;
			break;
		default:
			result += value;
		}
	}
	return opcode == KESTREL_GRAPH_MEAN ? result / (float)reduction->count : result;
}

/* Sums and extremes; int32 sums wrap. */
static int64_t integer_reduce(uint32_t opcode, const struct reduction *reduction,
			      const struct array *input, size_t base)
{
	int64_t result = array_read(input, base);

	for (size_t j = 1; j < reduction->count; j++) {
		int32_t value = array_read(input, reduction_at(reduction, base, j));

		switch (opcode) {
		case KESTREL_GRAPH_REDUCE_MAX:
			result = value > result ? value : result;
			break;
		case KESTREL_GRAPH_REDUCE_MIN:
			result = value < result ? value : result;
			break;
		case KESTREL_GRAPH_REDUCE_PROD:
			result = (int32_t)((uint32_t)result * (uint32_t)value);
			break;
		default:
			result += value;
		}
	}
	return result;
}

/* Each step is scaled, so that the product of any number of elements fits. */
static int64_t scaled_product(const struct kestrel_graph_reduce *attributes,
			      struct kestrel_graph_scale scale, const struct reduction *reduction,
			      const struct array *input, size_t base)
{
	int32_t result = array_read(input, base) - attributes->input_zero_point;

	for (size_t j = 1; j < reduction->count; j++) {
		int32_t value = array_read(input, reduction_at(reduction, base, j)) -
				attributes->input_zero_point;

		result = (int32_t)arithmetic_scale(attributes->requantise.mode,
						   (int64_t)result * value, scale);
	}
	return result;
}

void cpu_reduce(const struct cpu_call *call)
{
	const struct kestrel_graph_reduce *attributes = &call->operator->attributes.reduce;
	const struct kestrel_graph_requantise *requantise = &attributes->requantise;
	const struct kestrel_graph_scale *scales = cpu_parameters(call, requantise->scales);
	uint32_t opcode = call->operator->opcode;
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	struct reduction reduction = { .count = input.count / output.count };

	for (size_t i = 0; i < output.count; i++) {
		size_t base = reduction_begin(&reduction, &input, attributes->axes, i);
		int64_t result;

		if (input.type == KESTREL_GRAPH_TYPE_FLOAT32) {
			((float *)output.data)[i] = float_reduce(opcode, &reduction, input.data,
								 base);
			continue;
		}
		if (requantise->mode == KESTREL_GRAPH_REQUANTISE_NONE) {
			result = integer_reduce(opcode, &reduction, &input, base);
			array_write(&output, i, (int32_t)(uint32_t)result);
			continue;
		}
		if (opcode == KESTREL_GRAPH_REDUCE_PROD)
			result = scaled_product(attributes, scales[0], &reduction, &input, base);
		else
			result = integer_reduce(opcode, &reduction, &input, base) -
				 (int64_t)reduction.count * attributes->input_zero_point;
		array_write(&output, i, arithmetic_requantise(requantise, scales, 0, result));
	}
}

/* ARG_MAX and ARG_MIN: the first of equal ones wins. */
void cpu_arg_extreme(const struct cpu_call *call)
{
	int largest = call->operator->opcode == KESTREL_GRAPH_ARG_MAX;
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	struct reduction reduction = { .count = input.count / output.count };
	const float *data = input.data;

	for (size_t i = 0; i < output.count; i++) {
		size_t base = reduction_begin(&reduction, &input,
					      1u << call->operator->attributes.axis.axis, i);
		int64_t found = 0;
		size_t best = base;

		for (size_t j = 1; j < reduction.count; j++) {
			size_t at = reduction_at(&reduction, base, j);
			int better;

			if (input.type == KESTREL_GRAPH_TYPE_FLOAT32)
				better = largest ? data[at] > data[best] : data[at] < data[best];
			else if (largest)
				better = array_read(&input, at) > array_read(&input, best);
			else
				better = array_read(&input, at) < array_read(&input, best);
			if (better) {
				best = at;
				found = (int64_t)j;
			}
		}
		if (output.type == KESTREL_GRAPH_TYPE_INT64)
			((int64_t *)output.data)[i] = found;
		else
			((int32_t *)output.data)[i] = (int32_t)found;
	}
}
