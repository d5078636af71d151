// SPDX-License-Identifier: MIT
/* Operators that reduce dimensions to one element. */
#include <errno.h>
#include <math.h>

#include "error.h"
#include "quantise.h"
#include "resolve_check.h"

#define COUNT_MAX (1u << 23)
/* What a zero point takes over from a sum. */
#define OFFSET_MAX 0x1p23f

/* Bits of the dimensions that a constant list of axes names, and how many elements they hold. */
static int read_axes(struct ir_graph *graph, struct ir_operator *op, uint64_t *reduced)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	int32_t axes[IR_RANK_MAX];
	unsigned int count;
	int ret = resolve_list(graph, op, 1, IR_RANK_MAX, axes, &count);

	op->axes = 0;
	for (unsigned int i = 0; i < count && !ret; i++) {
		uint32_t dimension;

		ret = resolve_dimension(graph, op, axes[i], in->rank, &dimension);
		if (!ret)
			op->axes |= 1u << dimension;
	}
	if (ret)
		return ret;
	*reduced = 1;
	for (unsigned int d = 0; d < in->rank; d++)
		if (op->axes & 1u << d)
			*reduced *= (uint64_t)in->shape[d];
	if (!op->axes || out->elements != in->elements / *reduced)
		return error_set(graph->error, -EINVAL,
				 "%s: shape does not match the reduced axes of %s",
				 ir_where(graph, op, op->outputs[0]),
				 ir_tensor_text(graph, op->inputs[0]));
	op->input_count = 1;
	return 0;
}

static int resolve_mean(struct ir_graph *graph, struct ir_operator *op,
			const struct resolve_profile *profile, uint64_t count)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	float scale, bias;

	if (!profile->optimised || in->rank != 4 || op->axes != 6 ||
	    !op->attributes.keep_dimensions || in->type == IR_INT16) {
		op->scales[0] = quantise_mean(op->scales[0], count);
		return 0;
	}
	scale = in->scales[0] / ((float)count * out->scales[0]);
	bias = (float)op->input_zero_point * in->scales[0] / out->scales[0];
	if (!(fabsf(bias) < OFFSET_MAX))
		return error_set(graph->error, -ENOTSUP, "%s: the output's factor is too large",
				 ir_where(graph, op, op->outputs[0]));
	op->scales[0] = quantise_factor((double)scale);
	op->output_zero_point -= (int32_t)(bias + (bias > 0 ? 0.5f : -0.5f));
	op->input_zero_point = 0;
	return 0;
}

/* Every step of a product of `count` elements is scaled, so that none overflows. */
static int resolve_product(struct ir_graph *graph, struct ir_operator *op, uint64_t count)
{
	double in = (double)graph->tensors[op->inputs[0]].scales[0];
	double out = (double)graph->tensors[op->outputs[0]].scales[0];

	op->rounding = IR_ROUNDING_WIDE;
	return resolve_one_scale(graph, op, in / pow(out, 1.0 / (double)count));
}

/* int32 elements that count things are no quantised values. */
static int resolve_plain(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in = &graph->tensors[op->inputs[0]];

	op->rounding = IR_ROUNDING_NONE;
	if (in->type != graph->tensors[op->outputs[0]].type ||
	    (op->kind == IR_MEAN && in->type != IR_FLOAT32) ||
	    (in->type != IR_FLOAT32 && in->type != IR_INT32))
		return error_set(graph->error, -ENOTSUP, "%s: no form for type %s",
				 ir_where(graph, op, op->inputs[0]), ir_type_name(in->type));
	return 0;
}

int resolve_reduction(struct ir_graph *graph, struct ir_operator *op,
		      const struct resolve_profile *profile)
{
	bool extreme = op->kind == IR_REDUCE_MAX || op->kind == IR_REDUCE_MIN;
	const struct ir_tensor *in, *out;
	uint64_t count = 1;
	int ret = resolve_check_counts(graph, op, 2, 2);

	if (!ret)
		ret = read_axes(graph, op, &count);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (in->type == IR_FLOAT32 || in->type == IR_INT32)
		return resolve_plain(graph, op);
	ret = resolve_check_activations(graph, op);
	if (!ret)
		ret = resolve_output_range(graph, op);
	if (ret)
		return ret;
	if (extreme) {
		op->rounding = IR_ROUNDING_NONE;
		return resolve_check_same_quantisation(graph, op);
	}
	if (op->kind == IR_REDUCE_PROD)
		return resolve_product(graph, op, count);
	if (count > COUNT_MAX)
		return error_set(graph->error, -ENOTSUP, "%s: the sum of %llu elements could overflow",
				 ir_where(graph, op, op->inputs[0]), (unsigned long long)count);
	ret = resolve_one_scale(graph, op, (double)in->scales[0] / (double)out->scales[0]);
	return ret || op->kind == IR_SUM ? ret : resolve_mean(graph, op, profile, count);
}

int resolve_truth_reduction(struct ir_graph *graph, struct ir_operator *op)
{
	uint64_t count;
	int ret = resolve_check_counts(graph, op, 2, 2);

	if (!ret)
		ret = read_axes(graph, op, &count);
	if (!ret && (graph->tensors[op->inputs[0]].type != IR_BOOL ||
		     graph->tensors[op->outputs[0]].type != IR_BOOL))
		ret = error_set(graph->error, -ENOTSUP, "%s: takes truth values only",
				ir_where(graph, op, op->inputs[0]));
	op->kind = op->kind == IR_REDUCE_ANY ? IR_REDUCE_MAX : IR_REDUCE_MIN;
	op->rounding = IR_ROUNDING_NONE;
	return ret;
}

int resolve_arg_extreme(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in, *out;
	uint32_t axis;
	int ret = resolve_check_counts(graph, op, 2, 2);

	if (!ret)
		ret = resolve_stated_dimension(graph, op, 1, &axis);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (out->type != IR_INT32 && out->type != IR_INT64)
		return error_set(graph->error, -ENOTSUP, "%s: type %s, only int32 and int64 hold an index",
				 ir_where(graph, op, op->outputs[0]), ir_type_name(out->type));
	if (in->type == IR_INT64 || in->type == IR_TYPE_OTHER)
		return error_set(graph->error, -ENOTSUP, "%s: no form for type %s",
				 ir_where(graph, op, op->inputs[0]), ir_type_name(in->type));
	if (out->elements != in->elements / (uint64_t)in->shape[axis])
		return error_set(graph->error, -EINVAL,
				 "%s: shape is not that of %s without the axis",
				 ir_where(graph, op, op->outputs[0]),
				 ir_tensor_text(graph, op->inputs[0]));
	op->input_count = 1;
	ret = resolve_portable(graph, op, op->kind == IR_ARG_MAX ? KESTREL_GRAPH_ARG_MAX :
			       KESTREL_GRAPH_ARG_MIN, 0);
	if (!ret)
		op->portable->attributes.axis.axis = axis;
	return ret;
}
