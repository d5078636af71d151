// SPDX-License-Identifier: MIT
/* Feature maps of another height and width. */
#include "cpu.h"

#include <math.h>

/* Source position of an output index in 1/1024, and its two neighbours. */
struct resize_position {
	int32_t low;
	int32_t high;
	int32_t fraction;	/* 1/1024 from low; negative before the first */
};

static int32_t resize_scale(const struct kestrel_graph_resize *attributes,
			    int32_t in, int32_t out)
{
	if (attributes->align_corners && out > 1)
		return (int32_t)((((int64_t)(in - 1) << 10) + (out - 1) / 2) / (out - 1));
	return (int32_t)((((int64_t)in << 10) + out / 2) / out);
}

static struct resize_position resize_position(const struct kestrel_graph_resize *attributes,
					      int32_t index, int32_t scale, int32_t in)
{
	struct resize_position position;
	int64_t value = (int64_t)index * scale;

	if (attributes->half_pixel_centers)
		value += scale / 2 - 512;
	position.low = arithmetic_clamp(value / 1024, 0, in - 1);
	position.high = arithmetic_clamp((value + 1023) / 1024, 0, in - 1);
	position.fraction = (int32_t)(value - 1024 * (int64_t)position.low);
	return position;
}

static void resize_integer(const struct kestrel_graph_resize *attributes,
			   const struct array *input, const struct array *output)
{
	int32_t scale_y = resize_scale(attributes, input->dims[1], output->dims[1]);
	int32_t scale_x = resize_scale(attributes, input->dims[2], output->dims[2]);
	size_t i = 0;

	for (size_t n = 0; n < output->dims[0]; n++)
	for (size_t row = 0; row < output->dims[1]; row++) {
		struct resize_position y = resize_position(attributes, row, scale_y,
							   input->dims[1]);

		for (size_t column = 0; column < output->dims[2]; column++) {
			struct resize_position x = resize_position(attributes, column, scale_x,
								   input->dims[2]);

			for (size_t c = 0; c < output->dims[3]; c++) {
				int64_t sum =
					(int64_t)array_read(input, array_index4(input, n, y.low, x.low, c)) *
					(1024 - y.fraction) * (1024 - x.fraction) +
					(int64_t)array_read(input, array_index4(input, n, y.high, x.low, c)) *
					y.fraction * (1024 - x.fraction) +
					(int64_t)array_read(input, array_index4(input, n, y.low, x.high, c)) *
					(1024 - y.fraction) * x.fraction +
					(int64_t)array_read(input, array_index4(input, n, y.high, x.high, c)) *
					y.fraction * x.fraction;
				int64_t round = sum > 0 ? 1 << 19 : -(1 << 19);

				array_write(output, i++, (int32_t)((sum + round) / (1 << 20)));
			}
		}
	}
}

/* Source position of an output index in float32, and its two neighbours. */
struct float_position {
	size_t low;
	size_t high;
	float fraction;
};

static struct float_position float_position(const struct kestrel_graph_resize *attributes,
					    size_t index, uint32_t in, uint32_t out)
{
	int corners = attributes->align_corners && out > 1;
	float scale = corners ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
	struct float_position position;
	float value = (float)index * scale, floor;

	if (attributes->half_pixel_centers)
		value = ((float)index + 0.5f) * scale - 0.5f;
	floor = floorf(value);
	position.low = floor > 0 ? (size_t)floor : 0;
	position.high = (size_t)fminf(fmaxf(ceilf(value), 0), (float)(in - 1));
	position.fraction = value - (float)position.low;
	return position;
}

static float float_read(const struct array *array, size_t index)
{
	return array->type == KESTREL_GRAPH_TYPE_FLOAT32 ? ((const float *)array->data)[index] :
							   (float)array_read(array, index);
}

/* float32, and bytes with weights in float32: the products in the reference's order. */
static void resize_float(const struct kestrel_graph_resize *attributes,
			 const struct array *input, const struct array *output)
{
	int real = output->type == KESTREL_GRAPH_TYPE_FLOAT32;
	size_t i = 0;

	for (size_t n = 0; n < output->dims[0]; n++)
	for (size_t row = 0; row < output->dims[1]; row++)
	for (size_t column = 0; column < output->dims[2]; column++) {
		struct float_position y = float_position(attributes, row, input->dims[1],
							 output->dims[1]);
		struct float_position x = float_position(attributes, column, input->dims[2],
							 output->dims[2]);

		for (size_t c = 0; c < output->dims[3]; c++, i++) {
			float sum = float_read(input, array_index4(input, n, y.low, x.low, c)) *
				    (1 - y.fraction) * (1 - x.fraction);

			sum += float_read(input, array_index4(input, n, y.high, x.low, c)) *
			       y.fraction * (1 - x.fraction);
			sum += float_read(input, array_index4(input, n, y.low, x.high, c)) *
			       (1 - y.fraction) * x.fraction;
			sum += float_read(input, array_index4(input, n, y.high, x.high, c)) *
			       y.fraction * x.fraction;
			if (real)
				((float *)output->data)[i] = sum;
			else
				array_write(output, i, (int32_t)(sum + 0.5f));
		}
	}
}

static size_t resize_nearest_index(const struct kestrel_graph_resize *attributes,
				   size_t index, uint32_t in, uint32_t out)
{
	int corners = attributes->align_corners && out > 1;
	float scale = corners ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
	float value = ((float)index + (attributes->half_pixel_centers ? 0.5f : 0.0f)) * scale;
	size_t nearest = (size_t)(attributes->align_corners ? roundf(value) : floorf(value));

	return nearest < in ? nearest : in - 1;
}

static void resize_nearest(const struct kestrel_graph_resize *attributes,
			   const struct array *input, const struct array *output,
			   size_t element_size)
{
	size_t bytes = output->dims[3] * element_size;
	uint8_t *to = output->data;

	for (size_t n = 0; n < output->dims[0]; n++)
	for (size_t y = 0; y < output->dims[1]; y++)
	for (size_t x = 0; x < output->dims[2]; x++, to += bytes) {
		size_t row = resize_nearest_index(attributes, y, input->dims[1],
						  output->dims[1]);
		size_t column = resize_nearest_index(attributes, x, input->dims[2],
						     output->dims[2]);

		memcpy(to, (const uint8_t *)input->data +
		       array_index4(input, n, row, column, 0) * element_size, bytes);
	}
}

void cpu_resize(const struct cpu_call *call)
{
	const struct kestrel_graph_resize *attributes = &call->operator->attributes.resize;
	struct array input = cpu_input(call, 0);
	struct array output = cpu_output(call, 0);

	if (call->operator->opcode == KESTREL_GRAPH_RESIZE_NEAREST_NEIGHBOR)
		resize_nearest(attributes, &input, &output, graph_type_size(input.type));
	else if (attributes->float_weights || input.type == KESTREL_GRAPH_TYPE_FLOAT32)
		resize_float(attributes, &input, &output);
	else
		resize_integer(attributes, &input, &output);
}
