// SPDX-License-Identifier: MIT
/* SOFTMAX and LOG_SOFTMAX, of which each runtime and each type has its own arithmetic. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "error.h"
#include "quantise.h"
#include "resolve_check.h"

static bool is_byte(enum ir_type type)
{
	return type == IR_INT8 || type == IR_UINT8;
}

/* float32: softmax and log softmax need no numbers but beta. */
static int resolve_float_softmax(struct ir_graph *graph, struct ir_operator *op)
{
	bool logarithm = op->kind == IR_LOG_SOFTMAX;
	int ret = resolve_portable(graph, op, logarithm ? KESTREL_GRAPH_LOG_SOFTMAX :
				   KESTREL_GRAPH_SOFTMAX, 0);

	if (ret)
		return ret;
	op->portable->attributes.softmax.kind = KESTREL_GRAPH_SOFTMAX_FLOAT;
	op->portable->attributes.softmax.beta =
		resolve_float_bits(logarithm ? 1.0f : op->attributes.beta);
	return 0;
}

/* The output's scale is the kernel's, not the model's, choice. */
static int check_softmax_output(struct ir_graph *graph, const struct ir_operator *op)
{
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	int32_t low, high;
	float scale = out->type == IR_INT16 ? 1.0f / 65536 : 1.0f / 256;
	/* 1/65535 is in use too. */
	float tolerance = out->type == IR_INT16 ? 0.001f : 0.0f;

	resolve_type_range(out->type, &low, &high);
	if ((!is_byte(out->type) && out->type != IR_INT16) || out->scale_count != 1 ||
	    fabsf(out->scales[0] - scale) > tolerance * scale || out->zero_points[0] != low)
		return error_set(graph->error, -ENOTSUP,
				 "%s: the scale must be 1/%d and the zero point %d",
				 ir_where(graph, op, op->outputs[0]),
				 out->type == IR_INT16 ? 65536 : 256, low);
	return 0;
}

int resolve_softmax(struct ir_graph *graph, struct ir_operator *op,
		    const struct resolve_profile *profile)
{
	const struct ir_tensor *in, *out;
	int ret = resolve_check_counts(graph, op, 1, 1);

	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (in->elements != out->elements || ir_extent(in, 0) != ir_extent(out, 0))
		return error_set(graph->error, -EINVAL, "%s: shape is not that of the input",
				 ir_where(graph, op, op->outputs[0]));
	if (resolve_is_float(graph, op))
		return resolve_float_softmax(graph, op);
	ret = resolve_check_activation(graph, op, op->inputs[0]);
	if (!ret)
		ret = check_softmax_output(graph, op);
	if (!ret && (!is_byte(in->type) || op->kind == IR_LOG_SOFTMAX))
		ret = error_set(graph->error, -ENOTSUP, "%s: no form for type %s",
				ir_where(graph, op, op->inputs[0]), ir_type_name(in->type));
	if (!ret)
		ret = resolve_output_range(graph, op);
	if (ret)
		return ret;
	if (profile->optimised && out->type != IR_INT16) {
		float factor = -in->scales[0] * op->attributes.beta;

		op->float_exponentials = arena_alloc(graph->arena, IR_TABLE_ENTRIES, sizeof(float));
		if (!op->float_exponentials)
			return error_memory(graph->error);
		for (int d = 0; d < IR_TABLE_ENTRIES; d++)
			op->float_exponentials[d] = expf(factor * (float)d);
		return 0;
	}
	op->exponentials = arena_alloc(graph->arena, IR_TABLE_ENTRIES, sizeof(*op->exponentials));
	if (!op->exponentials)
		return error_memory(graph->error);
	if (!quantise_exponentials((double)op->attributes.beta * (double)in->scales[0],
				   op->exponentials))
		return error_set(graph->error, -ENOTSUP, "%s: beta x scale is too small (%g)",
				 ir_where(graph, op, op->inputs[0]),
				 (double)op->attributes.beta * (double)in->scales[0]);
	return 0;
}
