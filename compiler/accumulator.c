// SPDX-License-Identifier: MIT
#include <string.h>

#include "accumulator.h"

/* What the values of a tensor can be, and that of padding, which counts as 0. */
struct range {
	int64_t low, high;
};

static struct range input_range(const struct ir_graph *graph, const struct ir_operator *op)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	struct range range = { INT16_MIN, INT16_MAX };

	if (in->producer >= 0) {
		const struct ir_operator *producer = &graph->operators[in->producer];

		switch (producer->kind) {
		case IR_CONVOLUTION:
		case IR_DEPTHWISE:
		case IR_FULLY_CONNECTED:
		case IR_TRANSPOSE_CONVOLUTION:
		case IR_ADD:
			range.low = producer->clamp_low < 0 ? producer->clamp_low : 0;
			range.high = producer->clamp_high > 0 ? producer->clamp_high : 0;
			break;
		default:
			break;
		}
	}
	return range;
}

bool accumulator_bias(const struct ir_graph *graph, const struct ir_operator *op,
		      const int32_t **bias)
{
	int index = op->input_count > 2 ? op->inputs[2] : -1;
	const struct ir_tensor *tensor = index < 0 ? NULL : &graph->tensors[index];
	int32_t *narrow;

	*bias = op->bias;
	if (op->bias || !tensor || tensor->type != IR_INT64)
		return true;
	narrow = arena_alloc(graph->arena, tensor->elements, sizeof(*narrow));
	if (!narrow)
		return false;
	for (uint64_t i = 0; i < tensor->elements; i++) {
		int64_t value;

		memcpy(&value, tensor->data + 8 * i, sizeof(value));
		if (value < INT32_MIN || value > INT32_MAX)
			return false;
		narrow[i] = (int32_t)value;
	}
	*bias = narrow;
	return true;
}

/* The weights of an output channel, one by one. */
struct channel {
	const int8_t *weights;
	/* Bytes from one weight of the channel to the next, and how many there are. */
	size_t stride, count;
};

static struct channel channel_of(const struct ir_graph *graph, const struct ir_operator *op,
				 size_t index)
{
	const struct ir_tensor *weights = &graph->tensors[op->inputs[1]];
	size_t channels = (size_t)ir_extent(&graph->tensors[op->outputs[0]], 0);
	const int8_t *data = (const int8_t *)weights->data;

	if (op->kind == IR_DEPTHWISE)
		return (struct channel){ data + index, channels, weights->elements / channels };
	return (struct channel){ data + index * (weights->elements / channels), 1,
				 weights->elements / channels };
}

bool accumulator_fits(const struct ir_graph *graph, const struct ir_operator *op)
{
	size_t channels = (size_t)ir_extent(&graph->tensors[op->outputs[0]], 0);
	struct range range = input_range(graph, op);
	const int32_t *bias;

	if (!accumulator_bias(graph, op, &bias))
		return false;
	for (size_t c = 0; c < channels; c++) {
		struct channel channel = channel_of(graph, op, c);
		int64_t low = bias ? bias[c] : 0, high = low;

		for (size_t i = 0; i < channel.count; i++) {
			int64_t weight = channel.weights[i * channel.stride];

			low += weight * (weight > 0 ? range.low : range.high);
			high += weight * (weight > 0 ? range.high : range.low);
		}
		if (low < INT32_MIN || high > INT32_MAX)
			return false;
	}
	return true;
}
