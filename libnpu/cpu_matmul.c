// SPDX-License-Identifier: MIT
/* Products of matrices, of which there may be many side by side. */
#include "cpu.h"

/* A matrix: rows and columns as the product sees them. */
struct matrix {
	size_t base;		/* in elements */
	size_t row_step;
	size_t column_step;
};

/* Matrix number `batch` of the output's; a dimension of 1 serves every step. */
static struct matrix matrix_at(const struct array *array, const struct array *output,
			       size_t batch, uint32_t transpose)
{
	size_t columns = array->dims[array->rank - 1];
	size_t stride = columns * array->dims[array->rank - 2];
	struct matrix matrix = {
		.row_step = transpose ? 1 : columns,
		.column_step = transpose ? columns : 1,
	};

	for (uint32_t d = 3; d <= output->rank; d++) {
		uint32_t wide = output->dims[output->rank - d];

		if (d <= array->rank) {
			uint32_t size = array->dims[array->rank - d];

			matrix.base += (size == 1 ? 0 : batch % wide) * stride;
			stride *= size;
		}
		batch /= wide;
	}
	return matrix;
}

static float float_dot(const float *a, size_t a_step, const float *b, size_t b_step, size_t depth)
{
	float sum = 0;

	for (size_t k = 0; k < depth; k++)
		sum += a[k * a_step] * b[k * b_step];
	return sum;
}

static int64_t integer_dot(const struct kestrel_graph_matmul *attributes, const struct array *a,
			   size_t a_at, size_t a_step, const struct array *b, size_t b_at,
			   size_t b_step, size_t depth)
{
	int64_t sum = 0;

	for (size_t k = 0; k < depth; k++)
		sum += (int64_t)(array_read(a, a_at + k * a_step) - attributes->a_zero_point) *
		       (array_read(b, b_at + k * b_step) - attributes->b_zero_point);
	return sum;
}

void cpu_matmul(const struct cpu_call *call)
{
	const struct kestrel_graph_matmul *attributes = &call->operator->attributes.matmul;
	const struct kestrel_graph_scale *scales =
		cpu_parameters(call, attributes->requantise.scales);
	struct array a = cpu_input(call, 0);
	struct array b = cpu_input(call, 1);
	struct array output = cpu_output(call, 0);
	size_t columns = output.dims[output.rank - 1];
	size_t rows = output.dims[output.rank - 2];
	size_t depth = a.dims[attributes->transpose_a ? a.rank - 2 : a.rank - 1];
	float *to = output.data;

	for (size_t batch = 0; batch < output.count / (rows * columns); batch++) {
		struct matrix left = matrix_at(&a, &output, batch, attributes->transpose_a);
		struct matrix right = matrix_at(&b, &output, batch, attributes->transpose_b);

		for (size_t i = 0; i < rows * columns; i++) {
			size_t from = left.base + i / columns * left.row_step;
			size_t by = right.base + i % columns * right.column_step;
			size_t at = batch * rows * columns + i;
			int64_t sum;

			if (output.type == KESTREL_GRAPH_TYPE_FLOAT32) {
				to[at] = float_dot((const float *)a.data + from, left.column_step,
						   (const float *)b.data + by, right.row_step,
						   depth);
				continue;
			}
			sum = integer_dot(attributes, &a, from, left.column_step, &b, by,
					  right.row_step, depth);
			array_write(&output, at, arithmetic_requantise(&attributes->requantise,
								       scales, 0, sum));
		}
	}
}
