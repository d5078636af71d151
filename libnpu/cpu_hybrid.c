// SPDX-License-Identifier: MIT
/*
 * Operators with int8 weights between float32 tensors: each batch of the input (of
 * FULLY_CONNECTED each row) becomes int8 in the scratch memory, the sums are int32
 * beside it, and two scales make them float32 again.
 */
#include "cpu.h"

#include <math.h>

#define ALIGNMENT 64

/* How one batch became int8: x = scale * (q - zero_point). */
struct quantised {
	float scale;
	int32_t zero_point;
};

static size_t rows_of(const struct kestrel_graph_tensor *input,
		      const struct kestrel_graph_tensor *weights, uint32_t opcode)
{
	if (opcode == KESTREL_GRAPH_FULLY_CONNECTED)
		return input->size / sizeof(float) / weights->dims[1];
	return input->dims[0];
}

static size_t aligned(size_t bytes)
{
	return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

size_t cpu_hybrid_scratch(const struct graph *graph,
			  const struct kestrel_graph_operator *operator)
{
	const struct kestrel_graph_tensor *input =
		&graph->tensors[graph_operator_input(graph, operator, 0)];
	const struct kestrel_graph_tensor *weights =
		&graph->tensors[graph_operator_input(graph, operator, 1)];
	const struct kestrel_graph_tensor *output =
		&graph->tensors[graph_operator_output(graph, operator, 0)];
	size_t rows = rows_of(input, weights, operator->opcode);

	return aligned(input->size / sizeof(float) / rows) + aligned(output->size / rows);
}

/* -127..127 for the largest magnitude. */
static struct quantised quantise_symmetric(const float *from, size_t count, int8_t *to)
{
	struct quantised quantised = { .scale = 1 };
	float range = 0, inverse;

	for (size_t i = 0; i < count; i++)
		range = fmaxf(range, fabsf(from[i]));
	if (!(range > 0)) {
		memset(to, 0, count);
		return quantised;
	}
	quantised.scale = range / 127;
	inverse = 127 / range;
	for (size_t i = 0; i < count; i++)
		to[i] = (int8_t)fminf(fmaxf(roundf(from[i] * inverse), -127), 127);
	return quantised;
}

/* -128..127 for the range from the least to the largest, which holds 0. */
static struct quantised quantise_asymmetric(const float *from, size_t count, int8_t *to)
{
	struct quantised quantised = { .scale = 1 };
	float least = 0, largest = 0, inverse;
	double scale, by_least, by_largest, zero_point;

	for (size_t i = 0; i < count; i++) {
		least = fminf(least, from[i]);
		largest = fmaxf(largest, from[i]);
	}
	if (!(least < largest) || isinf(largest - least)) {
		memset(to, 0, count);
		return quantised;
	}
	scale = ((double)largest - (double)least) / 255;
	by_least = (double)least / scale;
	by_largest = (double)largest / scale;
	/* From the end that is nearer to 0. */
	zero_point = 128 + fabs(by_least) < 127 + fabs(by_largest) ? -128 - by_least :
								     127 - by_largest;
	quantised.zero_point = (int32_t)round(fmin(fmax(zero_point, -128), 127));
	quantised.scale = (float)scale;
	inverse = 1.0f / quantised.scale;
	for (size_t i = 0; i < count; i++) {
		float value = (float)quantised.zero_point + from[i] * inverse;

		to[i] = (int8_t)fminf(fmaxf(roundf(value), -128), 127);
	}
	return quantised;
}

/* The sums of one batch, as the plain loops make them of integers. */
static void sums_make(const struct cpu_call *call, int32_t zero_point, const struct array *input,
		      const struct array *weights, const struct array *sums)
{
	static const struct kestrel_graph_scale unused;
	struct kestrel_graph_convolution attributes = call->operator->attributes.convolution;
	struct array none = { .data = NULL };

	attributes.input_zero_point = zero_point;
	attributes.requantise = (struct kestrel_graph_requantise){
		.mode = KESTREL_GRAPH_REQUANTISE_NONE,
		.scale_count = 1,
		.minimum = INT32_MIN,
		.maximum = INT32_MAX,
	};
	switch (call->operator->opcode) {
	case KESTREL_GRAPH_CONV_2D:
		arithmetic_convolution(&attributes, &unused, input, weights, &none, sums);
		break;
	case KESTREL_GRAPH_DEPTHWISE_CONV_2D:
		arithmetic_depthwise(&attributes, &unused, input, weights, &none, sums);
		break;
	default:
		arithmetic_fully_connected(&attributes, &unused, input, weights, &none, sums);
	}
}

void cpu_hybrid_convolution(const struct cpu_call *call)
{
	const struct kestrel_graph_convolution *attributes =
		&call->operator->attributes.convolution;
	const struct kestrel_graph_requantise *requantise = &attributes->requantise;
	const struct kestrel_graph_scale *scales = cpu_parameters(call, requantise->scales);
	struct array input = cpu_input(call, 0);
	struct array weights = cpu_input(call, 1);
	const float *bias = cpu_input(call, 2).data;
	struct array output = cpu_output(call, 0);
	float low = arithmetic_float((uint32_t)requantise->minimum);
	float high = arithmetic_float((uint32_t)requantise->maximum);
	int dense = call->operator->opcode == KESTREL_GRAPH_FULLY_CONNECTED;
	size_t rows = dense ? input.count / weights.dims[1] : input.dims[0];
	size_t channels = dense ? weights.dims[0] : output.dims[3];
	struct array bytes = input, sums = output;
	const float *from = input.data;
	float *to = output.data;

	bytes.type = KESTREL_GRAPH_TYPE_INT8;
	sums.type = KESTREL_GRAPH_TYPE_INT32;
	bytes.dims[0] = sums.dims[0] = 1;
	bytes.count /= rows;
	sums.count /= rows;
	bytes.data = call->scratch;
	sums.data = (uint8_t *)call->scratch + aligned(bytes.count);
	for (size_t n = 0; n < rows; n++, from += bytes.count, to += sums.count) {
		struct quantised quantised = attributes->input_asymmetric ?
			quantise_asymmetric(from, bytes.count, bytes.data) :
			quantise_symmetric(from, bytes.count, bytes.data);

		sums_make(call, quantised.zero_point, &bytes, &weights, &sums);
		for (size_t i = 0; i < sums.count; i++) {
			size_t o = i % channels;
			float scale = arithmetic_float((uint32_t)
				scales[requantise->scale_count > 1 ? o : 0].multiplier);
			float value = (float)((const int32_t *)sums.data)[i] * scale *
				      quantised.scale + (bias ? bias[o] : 0);

			to[i] = fminf(fmaxf(value, low), high);
		}
	}
}
