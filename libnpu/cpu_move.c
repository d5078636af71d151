// SPDX-License-Identifier: MIT
/* Operators that move elements and change none of them. */
#include "cpu.h"

/* Elements of one step along `axis`. */
static size_t inner_count(const struct array *array, uint32_t axis)
{
	size_t count = 1;

	for (uint32_t d = axis + 1; d < array->rank; d++)
		count *= array->dims[d];
	return count;
}

static size_t outer_count(const struct array *array, uint32_t axis)
{
	size_t count = 1;

	for (uint32_t d = 0; d < axis; d++)
		count *= array->dims[d];
	return count;
}

/* The next position in row-major order of the first `rank` dimensions. */
static void position_next(uint32_t *position, const struct array *array, uint32_t rank)
{
	for (uint32_t d = rank; d-- > 0;) {
		if (++position[d] < array->dims[d])
			return;
		position[d] = 0;
	}
}

void cpu_copy(const struct cpu_call *call)
{
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);

	/* The same state may be on both sides. */
	memmove(output.data, input.data, output.count * graph_type_size(output.type));
}

static void fill(uint8_t *to, size_t count, size_t size, int32_t value)
{
	if (size == 1) {
		memset(to, value, count);
		return;
	}
	for (size_t i = 0; i < count; i++)
		memcpy(to + i * size, &value, size < sizeof(value) ? size : sizeof(value));
}

/* Rows of the last dimension: either all padding, or padding around a copied row. */
void cpu_pad(const struct cpu_call *call)
{
	const struct kestrel_graph_pad *attributes = &call->operator->attributes.pad;
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	size_t size = graph_type_size(output.type);
	uint32_t last = output.rank ? output.rank - 1 : 0;
	size_t width = output.rank ? output.dims[last] : 1;
	size_t input_width = input.rank ? input.dims[last] : 1;
	size_t before = output.rank ? attributes->before[last] : 0;
	uint8_t *to = output.data;
	uint32_t position[KESTREL_GRAPH_RANK_MAX] = { 0 };

	for (size_t row = 0; row < output.count / width; row++, to += width * size) {
		size_t from = 0;
		int inside = 1;

		for (uint32_t d = 0; d < last; d++) {
			uint32_t index = position[d] - attributes->before[d];

			inside &= position[d] >= attributes->before[d] && index < input.dims[d];
			from = from * input.dims[d] + index;
		}
		if (inside) {
			fill(to, before, size, attributes->value);
			memcpy(to + before * size,
			       (const uint8_t *)input.data + from * input_width * size,
			       input_width * size);
			fill(to + (before + input_width) * size, width - before - input_width,
			     size, attributes->value);
		} else {
			fill(to, width, size, attributes->value);
		}
		position_next(position, &output, last);
	}
}

/* CONCATENATION and PACK: each input gives a run of bytes for each outer step. */
void cpu_concatenate(const struct cpu_call *call)
{
	struct array output = cpu_output(call, 0);
	uint32_t axis = call->operator->attributes.axis.axis;
	size_t size = graph_type_size(output.type);
	size_t outer = outer_count(&output, axis);
	size_t stride = output.count / outer * size;
	uint8_t *to = output.data;

	for (uint32_t i = 0; i < call->operator->input_count; i++) {
		struct array input = cpu_input(call, i);
		size_t bytes = input.count / outer * size;
		const uint8_t *from = input.data;

		for (size_t n = 0; n < outer; n++)
			memcpy(to + n * stride, from + n * bytes, bytes);
		to += bytes;
	}
}

void cpu_split(const struct cpu_call *call)
{
	struct array input = cpu_input(call, 0);
	uint32_t axis = call->operator->attributes.axis.axis;
	size_t size = graph_type_size(input.type);
	size_t outer = outer_count(&input, axis);
	size_t stride = input.count / outer * size;
	const uint8_t *from = input.data;

	for (uint32_t i = 0; i < call->operator->output_count; i++) {
		struct array output = cpu_output(call, i);
		size_t bytes = output.count / outer * size;
		uint8_t *to = output.data;

		for (size_t n = 0; n < outer; n++)
			memcpy(to + n * bytes, from + n * stride, bytes);
		from += bytes;
	}
}

/*
 * Walks over `counts` in row-major order and copies one element each from
 * `start` + sum of position x step (in elements).
 */
static void gather(const struct array *input, const struct array *output, uint32_t rank,
		   size_t start, const uint32_t *counts, const int64_t *steps)
{
	size_t size = graph_type_size(output->type);
	const uint8_t *data = input->data;
	uint8_t *to = output->data;
	uint32_t position[KESTREL_GRAPH_RANK_MAX] = { 0 };
	int64_t from = (int64_t)start;

	for (size_t i = 0; i < output->count; i++, to += size) {
		memcpy(to, data + (size_t)from * size, size);
		for (uint32_t d = rank; d-- > 0;) {
			from += steps[d];
			if (++position[d] < counts[d])
				break;
			from -= steps[d] * counts[d];
			position[d] = 0;
		}
	}
}

void cpu_slice(const struct cpu_call *call)
{
	const struct kestrel_graph_slice *attributes = &call->operator->attributes.slice;
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	int64_t steps[KESTREL_GRAPH_RANK_MAX] = { 0 };
	size_t start = 0;

	for (uint32_t d = 0; d < input.rank; d++) {
		size_t inner = inner_count(&input, d);

		start += attributes->begin[d] * inner;
		steps[d] = (int64_t)inner * attributes->stride[d];
	}
	gather(&input, &output, input.rank, start, attributes->count, steps);
}

void cpu_transpose(const struct cpu_call *call)
{
	const uint32_t *permutation = call->operator->attributes.transpose.permutation;
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	int64_t steps[KESTREL_GRAPH_RANK_MAX] = { 0 };

	for (uint32_t d = 0; d < output.rank; d++)
		steps[d] = (int64_t)inner_count(&input, permutation[d]);
	gather(&input, &output, output.rank, 0, output.dims, steps);
}

/* An index of the gathered dimension, held within it. */
static size_t index_at(const struct array *indices, size_t i, uint32_t size)
{
	int64_t index = array_integer(indices, i);

	return (size_t)(index < 0 ? 0 : index < size ? index : size - 1);
}

void cpu_gather(const struct cpu_call *call)
{
	const struct kestrel_graph_axis *attributes = &call->operator->attributes.axis;
	struct array input = cpu_input(call, 0);
	struct array indices = cpu_input(call, 1);
	struct array output = cpu_output(call, 0);
	uint32_t size = input.dims[attributes->axis];
	size_t bytes = inner_count(&input, attributes->axis) * graph_type_size(input.type);
	size_t outer = outer_count(&input, attributes->axis);
	size_t batches = outer_count(&input, attributes->batch_dims);
	size_t count = indices.count / batches;
	const uint8_t *from = input.data;
	uint8_t *to = output.data;

	for (size_t n = 0; n < outer; n++, from += size * bytes)
		for (size_t i = 0; i < count; i++, to += bytes)
			memcpy(to, from + index_at(&indices, n / (outer / batches) * count + i,
						   size) * bytes, bytes);
}

/* Where a position of the output lies in a dimension that mirrors surround. */
static size_t mirrored(uint32_t position, uint32_t before, uint32_t size, uint32_t reflect)
{
	int64_t at = (int64_t)position - before;

	if (at < 0)
		at = -at - !reflect;
	if (at >= size)
		at = 2 * (int64_t)size - 1 - at - reflect;
	return (size_t)at;
}

void cpu_mirror_pad(const struct cpu_call *call)
{
	const struct kestrel_graph_pad *attributes = &call->operator->attributes.pad;
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	size_t size = graph_type_size(output.type);
	uint32_t position[KESTREL_GRAPH_RANK_MAX] = { 0 };
	uint8_t *to = output.data;

	for (size_t i = 0; i < output.count; i++, to += size) {
		size_t from = 0;

		for (uint32_t d = 0; d < input.rank; d++)
			from = from * input.dims[d] + mirrored(position[d], attributes->before[d],
							       input.dims[d], attributes->reflect);
		memcpy(to, (const uint8_t *)input.data + from * size, size);
		position_next(position, &output, output.rank);
	}
}

/* SPACE_TO_DEPTH gathers a block of pixels into one, DEPTH_TO_SPACE scatters it. */
void cpu_space_to_depth(const struct cpu_call *call)
{
	int gathers = call->operator->opcode == KESTREL_GRAPH_SPACE_TO_DEPTH;
	size_t block = call->operator->attributes.block.block_size;
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	const struct array *wide = gathers ? &input : &output;
	const struct array *deep = gathers ? &output : &input;
	size_t size = graph_type_size(input.type);
	size_t bytes = wide->dims[3] * size;
	const uint8_t *from = input.data;
	uint8_t *to = output.data;

	for (size_t n = 0; n < wide->dims[0]; n++)
	for (size_t y = 0; y < wide->dims[1]; y++)
	for (size_t x = 0; x < wide->dims[2]; x++) {
		size_t at = array_index4(wide, n, y, x, 0) * size;
		size_t part = (y % block * block + x % block) * wide->dims[3];
		size_t in_deep = array_index4(deep, n, y / block, x / block, part) * size;

		if (gathers)
			memcpy(to + in_deep, from + at, bytes);
		else
			memcpy(to + at, from + in_deep, bytes);
	}
}

/* Every so many rows and columns as an image of their own, or back. */
void cpu_space_to_batch(const struct cpu_call *call)
{
	const struct kestrel_graph_batch_block *attributes =
		&call->operator->attributes.batch_block;
	int gathers = call->operator->opcode == KESTREL_GRAPH_SPACE_TO_BATCH;
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	const struct array *few = gathers ? &input : &output;
	const struct array *many = gathers ? &output : &input;
	size_t height = few->dims[1], width = few->rank > 3 ? few->dims[2] : 1;
	size_t rows = many->dims[1], columns = many->rank > 3 ? many->dims[2] : 1;
	size_t channels = few->dims[few->rank - 1], size = graph_type_size(input.type);
	size_t images = few->dims[0], bytes = channels * size;
	const uint8_t *from = input.data;
	uint8_t *to = output.data;

	for (size_t m = 0; m < many->dims[0]; m++)
	for (size_t y = 0; y < rows; y++)
	for (size_t x = 0; x < columns; x++) {
		size_t phase = m / images;
		/* What lies before the first row or column wraps to beyond the last. */
		size_t row = y * attributes->block[0] + phase / attributes->block[1] -
			     attributes->before[0];
		size_t column = x * attributes->block[1] + phase % attributes->block[1] -
				attributes->before[1];
		size_t in_many = ((m * rows + y) * columns + x) * bytes;
		size_t in_few = ((m % images * height + row) * width + column) * bytes;
		int inside = row < height && column < width;

		if (!gathers && inside)
			memcpy(to + in_few, from + in_many, bytes);
		else if (gathers && inside)
			memcpy(to + in_many, from + in_few, bytes);
		else if (gathers)
			fill(to + in_many, channels, size, attributes->value);
	}
}

/* Dimensions of 1, and those in front that the input lacks, repeat what is there. */
void cpu_broadcast(const struct cpu_call *call)
{
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	uint32_t lacking = output.rank - input.rank;
	int64_t steps[KESTREL_GRAPH_RANK_MAX] = { 0 };

	for (uint32_t d = 0; d < input.rank; d++)
		if (input.dims[d] > 1)
			steps[lacking + d] = (int64_t)inner_count(&input, d);
	gather(&input, &output, output.rank, 0, output.dims, steps);
}

void cpu_tile(const struct cpu_call *call)
{
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);
	size_t size = graph_type_size(output.type);
	uint32_t position[KESTREL_GRAPH_RANK_MAX] = { 0 };
	uint8_t *to = output.data;

	for (size_t i = 0; i < output.count; i++, to += size) {
		size_t from = 0;

		for (uint32_t d = 0; d < input.rank; d++)
			from = from * input.dims[d] + position[d] % input.dims[d];
		memcpy(to, (const uint8_t *)input.data + from * size, size);
		position_next(position, &output, output.rank);
	}
}
