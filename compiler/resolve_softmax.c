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

/* The output's scale and zero point are the kernel's, not the model's, choice. */
static int check_output(struct ir_graph *graph, const struct ir_operator *op, float inverse,
			int32_t zero_point)
{
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	/* 1/65535 and the like are in use too. */
	float tolerance = out->type == IR_INT16 ? 0.001f : 0.0f;

	if ((!is_byte(out->type) && out->type != IR_INT16) || out->scale_count != 1 ||
	    fabsf(out->scales[0] * inverse - 1) > tolerance || out->zero_points[0] != zero_point)
		return error_set(graph->error, -ENOTSUP,
				 "%s: the scale must be 1/%g and the zero point %d",
				 ir_where(graph, op, op->outputs[0]), (double)inverse, zero_point);
	return 0;
}

static int float_exponentials(struct ir_graph *graph, float factor, float *table)
{
	if (!table)
		return error_memory(graph->error);
	for (int d = 0; d < IR_TABLE_ENTRIES; d++)
		table[d] = expf(factor * (float)d);
	return 0;
}

static int fixed_exponentials(struct ir_graph *graph, const struct ir_operator *op,
			      double factor, int32_t *table)
{
	if (!table)
		return error_memory(graph->error);
	if (!quantise_exponentials(factor, table))
		return error_set(graph->error, -ENOTSUP, "%s: beta x scale is too small (%g)",
				 ir_where(graph, op, op->inputs[0]), factor);
	return 0;
}

/* int16: two functions as lines between points. */
static int resolve_wide_softmax(struct ir_graph *graph, struct ir_operator *op,
				const struct resolve_profile *profile)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	struct kestrel_graph_softmax *softmax;
	struct ir_scale scale;
	int16_t *points;
	int ret = check_output(graph, op, 32768, 0);

	if (!ret)
		ret = resolve_portable(graph, op, KESTREL_GRAPH_SOFTMAX,
				       2 * QUANTISE_LINE_POINTS * sizeof(*points));
	if (ret)
		return ret;
	softmax = &op->portable->attributes.softmax;
	scale = quantise_factor((double)(in->scales[0] * op->attributes.beta) / (10.0 / 65535.0));
	if (scale.shift > 14)
		return error_set(graph->error, -ENOTSUP, "%s: beta x scale is 2.5 or more",
				 ir_where(graph, op, op->inputs[0]));
	softmax->kind = KESTREL_GRAPH_SOFTMAX_INT16;
	softmax->minimum = 0;
	softmax->maximum = INT16_MAX;
	softmax->input_scale = (struct kestrel_graph_scale){ scale.multiplier, scale.shift };
	points = (int16_t *)(void *)op->portable->parameters;
	if (profile->micro)
		quantise_single_softmax_lines(points, points + QUANTISE_LINE_POINTS);
	else
		quantise_softmax_lines(points, points + QUANTISE_LINE_POINTS);
	return 0;
}

static int resolve_log_softmax(struct ir_graph *graph, struct ir_operator *op,
			       const struct resolve_profile *profile)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	struct kestrel_graph_softmax *softmax;
	struct ir_scale reverse;
	int32_t *table;
	int32_t low, high;
	int ret;

	ir_type_range(in->type, &low, &high);
	ret = check_output(graph, op, 16, high);
	if (!ret && in->type != graph->tensors[op->outputs[0]].type)
		ret = error_set(graph->error, -ENOTSUP, "%s: not of the input's type",
				ir_where(graph, op, op->outputs[0]));
	if (!ret)
		ret = resolve_portable(graph, op, KESTREL_GRAPH_LOG_SOFTMAX,
				       (profile->optimised ? 1 : 2) * IR_TABLE_ENTRIES * 4);
	if (ret)
		return ret;
	softmax = &op->portable->attributes.softmax;
	softmax->zero_point = high;
	softmax->minimum = low;
	softmax->maximum = high;
	if (profile->optimised) {
		softmax->kind = KESTREL_GRAPH_SOFTMAX_LOG_FLOAT_TABLE;
		softmax->beta = resolve_float_bits(in->scales[0]);
		softmax->output_scale =
			resolve_float_bits(graph->tensors[op->outputs[0]].scales[0]);
		return float_exponentials(graph, -in->scales[0],
					  (float *)(void *)op->portable->parameters);
	}
	softmax->kind = KESTREL_GRAPH_SOFTMAX_LOG_FIXED;
	table = (int32_t *)(void *)op->portable->parameters;
	ret = fixed_exponentials(graph, op, (double)in->scales[0], table);
	if (ret)
		return ret;
	quantise_distances((double)in->scales[0], table + IR_TABLE_ENTRIES,
			   &softmax->difference_minimum, &reverse);
	softmax->reverse_scale = (struct kestrel_graph_scale){ reverse.multiplier, reverse.shift };
	return 0;
}

int resolve_softmax(struct ir_graph *graph, struct ir_operator *op,
		    const struct resolve_profile *profile)
{
	const struct ir_tensor *in, *out;
	int32_t low, high;
	int ret = resolve_check_counts(graph, op, 1, 1);

	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (!in->rank || !ir_same_shape(in, out))
		return error_set(graph->error, -EINVAL, "%s: shape is not that of the input, %s",
				 ir_where(graph, op, op->outputs[0]),
				 ir_tensor_text(graph, op->inputs[0]));
	if (resolve_is_float(graph, op))
		return resolve_float_softmax(graph, op);
	ret = resolve_check_activation(graph, op, op->inputs[0]);
	if (ret)
		return ret;
	if (in->type == IR_INT16 && op->kind == IR_SOFTMAX && out->type == IR_INT16)
		return resolve_wide_softmax(graph, op, profile);
	if (!is_byte(in->type))
		return error_set(graph->error, -ENOTSUP, "%s: no form for type %s",
				 ir_where(graph, op, op->inputs[0]), ir_type_name(in->type));
	if (op->kind == IR_LOG_SOFTMAX)
		return resolve_log_softmax(graph, op, profile);
	ir_type_range(out->type, &low, &high);
	ret = check_output(graph, op, out->type == IR_INT16 ? 65536 : 256, low);
	if (!ret)
		ret = resolve_output_range(graph, op);
	if (ret)
		return ret;
	if (profile->optimised && out->type != IR_INT16) {
		op->float_exponentials = arena_alloc(graph->arena, IR_TABLE_ENTRIES, sizeof(float));
		return float_exponentials(graph, -in->scales[0] * op->attributes.beta,
					  op->float_exponentials);
	}
	op->exponentials = arena_alloc(graph->arena, IR_TABLE_ENTRIES, sizeof(*op->exponentials));
	return fixed_exponentials(graph, op,
				  (double)op->attributes.beta * (double)in->scales[0],
				  op->exponentials);
}
