// SPDX-License-Identifier: MIT
/* Operators whose data say where something is, or in what order. */
#include "cpu.h"

/* Elements of the dimensions `from` to the last. */
static size_t count_from(const struct array *array, uint32_t from)
{
	size_t count = 1;

	for (uint32_t d = from; d < array->rank; d++)
		count *= array->dims[d];
	return count;
}

static size_t within(int64_t index, uint32_t size)
{
	return (size_t)(index < 0 ? 0 : index < size ? index : size - 1);
}

/* The input with a part of it replaced, which is moved to where it fits. */
void cpu_dynamic_update_slice(const struct cpu_call *call)
{
	struct array input = cpu_input(call, 0);
	struct array update = cpu_input(call, 1);
	struct array positions = cpu_input(call, 2);
	struct array output = cpu_output(call, 0);
	size_t size = graph_type_size(output.type);
	uint32_t last = output.rank - 1;
	size_t row = update.dims[last] * size;
	uint32_t at[KESTREL_GRAPH_RANK_MAX] = { 0 };
	size_t start[KESTREL_GRAPH_RANK_MAX];
	const uint8_t *from = update.data;
	uint8_t *to = output.data;

	memmove(output.data, input.data, output.count * size);
	for (uint32_t d = 0; d < output.rank; d++)
		start[d] = within(array_integer(&positions, d),
				  output.dims[d] - update.dims[d] + 1);
	for (size_t n = 0; n < update.count / update.dims[last]; n++, from += row) {
		size_t offset = 0;

		for (uint32_t d = 0; d < output.rank; d++)
			offset = offset * output.dims[d] + start[d] + at[d];
		memcpy(to + offset * size, from, row);
		for (uint32_t d = last; d-- > 0;) {
			if (++at[d] < update.dims[d])
				break;
			at[d] = 0;
		}
	}
}

/* Number of the slice that `depth` indices from number `first` on name. */
static size_t slice_at(const uint32_t *dims, const struct array *indices, size_t first,
		       uint32_t depth)
{
	size_t at = 0;

	for (uint32_t d = 0; d < depth; d++)
		at = at * dims[d] + within(array_integer(indices, first + d), dims[d]);
	return at;
}

/* Each row of indices names a slice of the input. */
void cpu_gather_nd(const struct cpu_call *call)
{
	struct array input = cpu_input(call, 0);
	struct array indices = cpu_input(call, 1);
	struct array output = cpu_output(call, 0);
	uint32_t depth = indices.dims[indices.rank - 1];
	size_t bytes = count_from(&input, depth) * graph_type_size(input.type);
	const uint8_t *from = input.data;
	uint8_t *to = output.data;

	for (size_t n = 0; n < indices.count / depth; n++, to += bytes) {
		size_t at = slice_at(input.dims, &indices, n * depth, depth);

		memcpy(to, from + at * bytes, bytes);
	}
}

/* A number that orders elements as their values do; floats by their bits, zeros alike. */
static int64_t order_of(const struct array *array, size_t index)
{
	int32_t bits;

	if (array->type != KESTREL_GRAPH_TYPE_FLOAT32)
		return array_integer(array, index);
	if (((const float *)array->data)[index] == 0)
		return 0;
	memcpy(&bits, (const float *)array->data + index, sizeof(bits));
	return bits < 0 ? (int64_t)INT32_MIN - bits : bits;
}

/*
 * The element that follows number `before` (of order `order`) from the largest to the
 * least, the first of equal ones first. before = count: the first of all.
 */
static size_t next_in_order(const struct array *input, size_t base, size_t count, size_t before,
			    int64_t order)
{
	size_t found = count;
	int64_t best = 0;

	for (size_t i = 0; i < count; i++) {
		int64_t key = order_of(input, base + i);

		if (before < count && (key > order || (key == order && i <= before)))
			continue;
		if (found == count || key > best) {
			found = i;
			best = key;
		}
	}
	return found;
}

void cpu_top_k(const struct cpu_call *call)
{
	struct array input = cpu_input(call, 0);
	struct array values = cpu_output(call, 0);
	struct array indices = cpu_output(call, 1);
	size_t count = input.dims[input.rank - 1];
	size_t kept = values.dims[values.rank - 1];
	size_t size = graph_type_size(input.type);

	for (size_t row = 0; row < input.count / count; row++) {
		size_t at = count;

		for (size_t k = 0; k < kept; k++) {
			int64_t order = k ? order_of(&input, row * count + at) : 0;

			at = next_in_order(&input, row * count, count, at, order);
			memcpy((uint8_t *)values.data + (row * kept + k) * size,
			       (const uint8_t *)input.data + (row * count + at) * size, size);
			((int32_t *)indices.data)[row * kept + k] = (int32_t)at;
		}
	}
}

/* One dimension more than the indices have; an index outside of it marks nothing. */
void cpu_one_hot(const struct cpu_call *call)
{
	uint32_t axis = call->operator->attributes.axis.axis;
	struct array indices = cpu_input(call, 0);
	struct array on = cpu_input(call, 1);
	struct array off = cpu_input(call, 2);
	struct array output = cpu_output(call, 0);
	size_t size = graph_type_size(output.type);
	size_t inner = count_from(&output, axis + 1);
	uint32_t depth = output.dims[axis];
	uint8_t *to = output.data;

	for (size_t i = 0; i < output.count; i++, to += size) {
		size_t outer = i / inner / depth;
		int64_t index = array_integer(&indices, outer * inner + i % inner);
		int hot = index == (int64_t)(i / inner % depth);

		memcpy(to, hot ? on.data : off.data, size);
	}
}

/* Element `from` added to what is summed up at element `at`, or, at the start, copied. */
static void accumulate(const struct array *input, const struct array *output, size_t at,
		       size_t from, size_t sum, int begins)
{
	if (output->type == KESTREL_GRAPH_TYPE_FLOAT32) {
		float value = ((const float *)input->data)[from];

		((float *)output->data)[at] = begins ? value : ((float *)output->data)[sum] + value;
	} else if (output->type == KESTREL_GRAPH_TYPE_INT64) {
		uint64_t value = ((const uint64_t *)input->data)[from];

		((uint64_t *)output->data)[at] =
			begins ? value : ((uint64_t *)output->data)[sum] + value;
	} else {
		uint32_t value = ((const uint32_t *)input->data)[from];

		((uint32_t *)output->data)[at] =
			begins ? value : ((uint32_t *)output->data)[sum] + value;
	}
}

void cpu_cumulative_sum(const struct cpu_call *call)
{
	const struct kestrel_graph_cumulative_sum *attributes =
		&call->operator->attributes.cumulative_sum;
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	size_t inner = count_from(&input, attributes->axis + 1);
	size_t count = input.dims[attributes->axis];
	size_t size = graph_type_size(output.type);

	for (size_t line = 0; line < input.count / count; line++) {
		size_t base = line / inner * inner * count + line % inner;

		for (size_t i = 0; i < count; i++) {
			size_t place = attributes->reverse ? count - 1 - i : i;
			size_t back = attributes->reverse ? place + 1 : place - 1;
			size_t at = base + place * inner, sum = base + back * inner;

			if (!attributes->exclusive)
				accumulate(&input, &output, at, at, sum, !i);
			else if (!i)
				memset((uint8_t *)output.data + at * size, 0, size);
			else
				accumulate(&input, &output, at, sum, sum, 0);
		}
	}
}
