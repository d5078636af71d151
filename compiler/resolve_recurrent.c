// SPDX-License-Identifier: MIT
/* Operators that keep state from run to run. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "error.h"
#include "quantise.h"
#include "resolve_check.h"

/* SVDF's operands: input, feature weights, time weights, bias, state. */
enum { SVDF_INPUT, SVDF_FEATURE, SVDF_TIME, SVDF_BIAS, SVDF_STATE, SVDF_OPERANDS };

static int check_svdf(struct ir_graph *graph, const struct ir_operator *op)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[SVDF_INPUT]];
	const struct ir_tensor *feature = &graph->tensors[op->inputs[SVDF_FEATURE]];
	const struct ir_tensor *time = &graph->tensors[op->inputs[SVDF_TIME]];
	const struct ir_tensor *state = &graph->tensors[op->inputs[SVDF_STATE]];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	int32_t rank = op->attributes.rank;

	if (in->type != IR_INT8 || out->type != IR_INT8 || feature->type != IR_INT8 ||
	    state->type != time->type || (time->type != IR_INT8 && time->type != IR_INT16) ||
	    !state->is_state || !feature->data || !time->data)
		return error_set(graph->error, -ENOTSUP,
				 "%s: input %s, weights %s and %s, state %s: no such form",
				 ir_where(graph, op, -1), ir_type_name(in->type),
				 ir_type_name(feature->type), ir_type_name(time->type),
				 ir_type_name(state->type));
	if (in->rank != 2 || feature->rank != 2 || time->rank != 2 || out->rank != 2 ||
	    rank < 1 || feature->shape[0] % rank || feature->shape[1] != in->shape[1] ||
	    time->shape[0] != feature->shape[0] || out->shape[0] != in->shape[0] ||
	    out->shape[1] != feature->shape[0] / rank ||
	    state->elements != (uint64_t)in->shape[0] * time->elements)
		return error_set(graph->error, -EINVAL, "%s: the shapes do not fit each other",
				 ir_where(graph, op, -1));
	for (unsigned int i = 0; i < SVDF_OPERANDS; i++) {
		const struct ir_tensor *tensor = &graph->tensors[op->inputs[i]];

		if (i != SVDF_BIAS && (tensor->scale_count != 1 || !(tensor->scales[0] > 0)))
			return error_set(graph->error, -EINVAL, "%s: needs one positive scale",
					 ir_where(graph, op, op->inputs[i]));
		if (i != SVDF_BIAS && i != SVDF_INPUT && tensor->zero_points[0])
			return error_set(graph->error, -ENOTSUP, "%s: zero point is not 0",
					 ir_where(graph, op, op->inputs[i]));
	}
	return 0;
}

int resolve_svdf(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *tensors = graph->tensors;
	struct kestrel_graph_svdf *svdf;
	struct ir_scale first, second;
	const struct ir_tensor *bias;
	float state;
	int ret = 0;

	if (op->input_count != SVDF_OPERANDS || op->output_count != 1)
		return error_set(graph->error, -EINVAL, "%s: %u inputs and %u outputs",
				 ir_where(graph, op, -1), op->input_count, op->output_count);
	for (unsigned int i = 0; i < SVDF_OPERANDS; i++)
		if (op->inputs[i] < 0 && i != SVDF_BIAS)
			return error_set(graph->error, -EINVAL, "%s: input %u is missing",
					 ir_where(graph, op, -1), i);
	ret = check_svdf(graph, op);
	if (!ret)
		ret = resolve_check_activation(graph, op, op->outputs[0]);
	bias = ret || op->inputs[SVDF_BIAS] < 0 ? NULL : &tensors[op->inputs[SVDF_BIAS]];
	if (bias && (bias->type != IR_INT32 || !bias->data ||
		     bias->elements != (uint64_t)tensors[op->outputs[0]].shape[1]))
		ret = error_set(graph->error, -ENOTSUP, "%s: the bias must be constant int32",
				ir_where(graph, op, op->inputs[SVDF_BIAS]));
	if (!ret)
		ret = resolve_portable(graph, op, KESTREL_GRAPH_SVDF, 0);
	if (ret)
		return ret;
	state = tensors[op->inputs[SVDF_STATE]].scales[0];
	first = quantise_factor((double)tensors[op->inputs[SVDF_INPUT]].scales[0] *
				(double)tensors[op->inputs[SVDF_FEATURE]].scales[0] / (double)state);
	second = quantise_factor((double)state * (double)tensors[op->inputs[SVDF_TIME]].scales[0] /
				 (double)tensors[op->outputs[0]].scales[0]);
	if (first.shift > 30 || second.shift > 30)
		return error_set(graph->error, -ENOTSUP, "%s: a factor is 2^30 or more",
				 ir_where(graph, op, -1));
	svdf = &op->portable->attributes.svdf;
	svdf->rank = (uint32_t)op->attributes.rank;
	svdf->mode = KESTREL_GRAPH_REQUANTISE_DOUBLE;
	svdf->input_zero_point = (int32_t)tensors[op->inputs[SVDF_INPUT]].zero_points[0];
	svdf->zero_point = (int32_t)tensors[op->outputs[0]].zero_points[0];
	svdf->feature_scale = (struct kestrel_graph_scale){ first.multiplier, first.shift };
	svdf->time_scale = (struct kestrel_graph_scale){ second.multiplier, second.shift };
	svdf->minimum = INT8_MIN;
	svdf->maximum = INT8_MAX;
	return 0;
}
