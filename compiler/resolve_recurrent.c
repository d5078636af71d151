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
		if ((i == SVDF_FEATURE || i == SVDF_TIME ||
		     (i == SVDF_STATE && tensor->type != IR_INT8)) && tensor->zero_points[0])
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
	svdf->state_zero_point = (int32_t)tensors[op->inputs[SVDF_STATE]].zero_points[0];
	svdf->zero_point = (int32_t)tensors[op->outputs[0]].zero_points[0];
	svdf->feature_scale = (struct kestrel_graph_scale){ first.multiplier, first.shift };
	svdf->time_scale = (struct kestrel_graph_scale){ second.multiplier, second.shift };
	svdf->minimum = INT8_MIN;
	svdf->maximum = INT8_MAX;
	return 0;
}

/*
 * LSTM's operands in the model: input, weights of four gates, recurrent
 * weights of four, three of peepholes, biases of four, two of a projection,
 * output state, cell state; then layer normalisation, unused here.
 */
enum { LSTM_PEEPHOLE = 9, LSTM_BIAS = 12, LSTM_PROJECTION = 16, LSTM_OUTPUT_STATE = 18,
       LSTM_CELL_STATE = 19, LSTM_OPERANDS = 15, LSTM_GATES = 4 };

/* Drops the operands that must be absent, so that those of the graph remain. */
static int reorder_lstm(struct ir_graph *graph, struct ir_operator *op)
{
	int kept[LSTM_OPERANDS];
	unsigned int count = 0;

	if (op->input_count < LSTM_CELL_STATE + 1 || op->output_count != 1)
		return error_set(graph->error, -EINVAL, "%s: %u inputs and %u outputs",
				 ir_where(graph, op, -1), op->input_count, op->output_count);
	for (unsigned int i = 0; i < op->input_count; i++) {
		bool wanted = i < LSTM_PEEPHOLE || (i >= LSTM_BIAS && i < LSTM_PROJECTION) ||
			      i == LSTM_OUTPUT_STATE || i == LSTM_CELL_STATE;

		if (wanted != (op->inputs[i] >= 0))
			return error_set(graph->error, -ENOTSUP,
					 "%s: operand %u is %s: peepholes, projection, layer normalisation and coupled gates are not supported",
					 ir_where(graph, op, -1), i, wanted ? "missing" : "there");
		if (wanted)
			kept[count++] = op->inputs[i];
	}
	memcpy(op->inputs, kept, sizeof(kept));
	op->input_count = LSTM_OPERANDS;
	return 0;
}

static int check_lstm(struct ir_graph *graph, const struct ir_operator *op)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	bool real = in->type == IR_FLOAT32 && out->type == IR_FLOAT32;
	uint64_t batches, cells;

	if (in->rank != 3 || out->rank != 3 || in->shape[0] != out->shape[0] ||
	    in->shape[1] != out->shape[1])
		return error_set(graph->error, -EINVAL, "%s: input and output do not fit",
				 ir_where(graph, op, -1));
	batches = (uint64_t)in->shape[op->attributes.time_major ? 1 : 0];
	cells = (uint64_t)out->shape[2];
	for (unsigned int i = 0; i < LSTM_OPERANDS; i++) {
		const struct ir_tensor *tensor = &graph->tensors[op->inputs[i]];
		bool bias = i > 2 * LSTM_GATES && i <= 3 * LSTM_GATES;
		bool state = i > 3 * LSTM_GATES;
		enum ir_type type = real ? IR_FLOAT32 : bias ? IR_INT32 : i == LSTM_OPERANDS - 1 ? IR_INT16 : IR_INT8;
		uint64_t elements = !i ? in->elements : state ? batches * cells : bias ? cells :
				    cells * (i <= LSTM_GATES ? (uint64_t)in->shape[2] : cells);

		if (tensor->type != type || tensor->elements != elements ||
		    (!bias && !real && (tensor->scale_count != 1 || !(tensor->scales[0] > 0))) ||
		    state != tensor->is_state || (i && !state && !tensor->data) ||
		    (i && !state && !bias &&
		     (tensor->rank != 2 || (!real && tensor->zero_points[0]))))
			return error_set(graph->error, -ENOTSUP,
					 "%s: type %s with %llu elements is not what this form takes",
					 ir_where(graph, op, op->inputs[i]),
					 ir_type_name(tensor->type),
					 (unsigned long long)tensor->elements);
	}
	return resolve_check_activations(graph, op);
}

int resolve_lstm(struct ir_graph *graph, struct ir_operator *op,
		 const struct resolve_profile *profile)
{
	struct kestrel_graph_scale scales[KESTREL_GRAPH_LSTM_SCALES];
	const struct ir_tensor *in, *state, *cell;
	struct kestrel_graph_lstm *lstm;
	struct ir_scale scale;
	float clip;
	int exponent;
	int ret = reorder_lstm(graph, op);

	if (!ret && op->attributes.activation != IR_ACTIVATION_NONE)
		ret = error_set(graph->error, -ENOTSUP, "%s: its activation is not tanh",
				ir_where(graph, op, -1));
	if (!ret)
		ret = check_lstm(graph, op);
	if (!ret)
		ret = resolve_portable(graph, op, KESTREL_GRAPH_LSTM,
				       sizeof(scales) + 256 * sizeof(uint16_t));
	if (ret)
		return ret;
	lstm = &op->portable->attributes.lstm;
	lstm->time_major = op->attributes.time_major;
	if (resolve_is_float(graph, op)) {
		lstm->cell_clip = (int32_t)resolve_float_bits(op->attributes.cell_clip);
		return 0;
	}
	in = &graph->tensors[op->inputs[0]];
	state = &graph->tensors[op->inputs[LSTM_OPERANDS - 2]];
	cell = &graph->tensors[op->inputs[LSTM_OPERANDS - 1]];
	if (frexpf(cell->scales[0], &exponent) != 0.5f || exponent < -14 || exponent > -10)
		return error_set(graph->error, -ENOTSUP,
				 "%s: the scale must be a power of two from 2^-15 to 2^-11",
				 ir_where(graph, op, op->inputs[LSTM_OPERANDS - 1]));
	for (unsigned int g = 0; g < 2 * LSTM_GATES; g++) {
		const struct ir_tensor *weights = &graph->tensors[op->inputs[1 + g]];
		float from = g < LSTM_GATES ? in->scales[0] : state->scales[0];

		/* The gates are Q3.12. */
		scale = quantise_factor((double)(weights->scales[0] * from / 0x1p-12f));
		scales[g] = (struct kestrel_graph_scale){ scale.multiplier, scale.shift };
	}
	scale = quantise_factor(profile->micro ? 0x1p-30 / (double)state->scales[0] :
				(double)(0x1p-15f / state->scales[0] * 0x1p-15f));
	scales[KESTREL_GRAPH_LSTM_HIDDEN] =
		(struct kestrel_graph_scale){ scale.multiplier, scale.shift };
	memcpy(op->portable->parameters, scales, sizeof(scales));
	if (profile->micro) {
		op->portable->opcode = KESTREL_GRAPH_LSTM_TABLE;
		quantise_sigmoids((uint16_t *)(void *)(op->portable->parameters + sizeof(scales)));
	} else {
		op->portable->parameter_bytes = sizeof(scales);
	}
	clip = op->attributes.cell_clip / cell->scales[0];
	lstm->input_zero_point = (int32_t)in->zero_points[0];
	lstm->state_zero_point = (int32_t)state->zero_points[0];
	lstm->cell_exponent = exponent - 1;
	lstm->cell_clip = op->attributes.cell_clip > 0 ? (int32_t)fminf(clip, 32767.0f) : 0;
	return 0;
}
