// SPDX-License-Identifier: MIT
/* Operators between float32 tensors whose weights are int8 ("dynamic range"). */
#include <errno.h>

#include "error.h"
#include "resolve_check.h"

bool resolve_is_hybrid(const struct ir_graph *graph, const struct ir_operator *op)
{
	return resolve_is_float(graph, op) && graph->tensors[op->inputs[1]].data &&
	       graph->tensors[op->inputs[1]].type == IR_INT8;
}

static bool scales_differ(const struct ir_tensor *weights)
{
	for (uint32_t i = 1; i < weights->scale_count; i++)
		if (weights->scales[i] != weights->scales[0])
			return true;
	return false;
}

/*
 * Convolutions quantise their input with a zero point where the weights' scales differ
 * or there are groups, depthwise ones always, fully connected layers where the model says so.
 */
int resolve_hybrid_weights(struct ir_graph *graph, struct ir_operator *op, uint32_t dimension,
			   int32_t channels)
{
	const struct ir_tensor *weights = &graph->tensors[op->inputs[1]];
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];

	if (op->kind == IR_TRANSPOSE_CONVOLUTION)
		return error_set(graph->error, -ENOTSUP, "%s: no form for float32 with int8 weights",
				 ir_where(graph, op, op->inputs[1]));
	if (!weights->scale_count ||
	    (weights->scale_count > 1 && (weights->quantised_dimension != dimension ||
					  weights->scale_count != (uint32_t)channels)))
		return error_set(graph->error, -EINVAL, "%s: %u scales along dimension %u",
				 ir_where(graph, op, op->inputs[1]), weights->scale_count,
				 weights->quantised_dimension);
	for (uint32_t i = 0; i < weights->scale_count; i++)
		if (weights->zero_points[i])
			return error_set(graph->error, -ENOTSUP, "%s: zero point %lld is not 0",
					 ir_where(graph, op, op->inputs[1]),
					 (long long)weights->zero_points[i]);
	op->rounding = IR_ROUNDING_HYBRID;
	if (op->kind == IR_DEPTHWISE)
		op->attributes.asymmetric_inputs = true;
	if (op->kind == IR_CONVOLUTION)
		op->attributes.asymmetric_inputs = scales_differ(weights) ||
						   weights->shape[3] != ir_extent(in, 0);
	op->scale_count = (uint32_t)channels;
	op->scales = arena_alloc(graph->arena, op->scale_count, sizeof(*op->scales));
	if (!op->scales)
		return error_memory(graph->error);
	for (int32_t c = 0; c < channels; c++) {
		float scale = weights->scales[weights->scale_count > 1 ? c : 0];

		op->scales[c].multiplier = (int32_t)resolve_float_bits(scale);
	}
	return 0;
}
