// SPDX-License-Identifier: MIT
/* What convolutions and matrix products with constant weights have in common. */
#include <math.h>
#include <string.h>

#include "onnx_import.h"

bool onnx_weights(const struct onnx_value *value, unsigned int axis,
		  struct onnx_weights *weights)
{
	const struct onnx_value *stored = value->stored;

	if (!stored || !stored->data || !value->scale_count ||
	    (stored->type != IR_INT8 && stored->type != IR_UINT8) ||
	    (value->scale_count > 1 && value->axis != axis))
		return false;
	for (uint32_t i = 1; i < value->scale_count; i++)
		if (value->zero_points[i] != value->zero_points[0])
			return false;
	*weights = (struct onnx_weights){
		.stored = value->stored, .zero_point = value->zero_points[0],
		.scale_count = value->scale_count, .scales = value->scales, .factor = 1,
	};
	return true;
}

/* What an accumulator of 1 stands for in output channel `channel`. */
static double unit_of(const struct onnx_weights *weights, struct onnx_affine x, uint32_t channel)
{
	return (double)x.scale * (double)weights->scales[weights->scale_count > 1 ? channel : 0] *
	       weights->factor;
}

int onnx_weights_bias(struct onnx *o, struct onnx_weights *weights, struct onnx_affine x,
		      struct onnx_value *bias, float factor, uint32_t channels, bool *fits)
{
	const float *floats;
	int32_t *integers;

	*fits = true;
	if (!bias)
		return 0;
	floats = onnx_floats(o, bias);
	integers = floats ? onnx_alloc(o, channels, sizeof(*integers)) : NULL;
	if (!integers)
		return onnx_failed(o);
	for (uint32_t c = 0; c < channels && *fits; c++) {
		double value = rint((double)floats[c] * (double)factor /
				    unit_of(weights, x, c));

		/* Room is left for the sum. */
		*fits = fabs(value) < 0x1p30;
		integers[c] = *fits ? (int32_t)value : 0;
	}
	weights->bias = integers;
	return 0;
}

int onnx_weights_describe(struct onnx *o, const struct onnx_weights *weights, int tensor,
			  uint32_t dimension)
{
	struct ir_tensor *described = &o->graph->tensors[tensor];
	int64_t *zero_points = arena_alloc(o->arena, weights->scale_count, sizeof(*zero_points));

	if (!zero_points)
		return onnx_memory(o);
	for (uint32_t i = 0; i < weights->scale_count; i++)
		zero_points[i] = weights->zero_point;
	described->scale_count = weights->scale_count;
	described->scales = weights->scales;
	described->zero_points = zero_points;
	described->quantised_dimension = dimension;
	return 0;
}

int onnx_weights_numbers(struct onnx *o, struct ir_operator *op,
			 const struct onnx_weights *weights, struct onnx_affine x,
			 const struct onnx_frame *frame, uint32_t channels)
{
	op->weight_zero_point = weights->zero_point;
	op->bias = weights->bias;
	op->scale_count = channels;
	op->scales = arena_alloc(o->arena, channels, sizeof(*op->scales));
	if (!op->scales)
		return onnx_memory(o);
	onnx_frame_numbers(op, x, frame);
	for (uint32_t c = 0; c < channels; c++) {
		double factor = unit_of(weights, x, c) / (double)frame->affine.scale;
		int ret = onnx_check_factor(o, factor);

		if (ret)
			return ret;
		op->scales[c] = onnx_factor(factor);
	}
	return 0;
}
