// SPDX-License-Identifier: MIT
/* Operators on two tensors, element by element, with broadcasting. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "error.h"
#include "quantise.h"
#include "resolve_check.h"

static int resolve_sum(struct ir_graph *graph, struct ir_operator *op,
		       const struct resolve_profile *profile)
{
	const struct ir_tensor *a = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *b = &graph->tensors[op->inputs[1]];
	const struct ir_tensor *out = &graph->tensors[op->outputs[0]];
	float larger = fmaxf(a->scales[0], b->scales[0]), shifted;
	double twice_larger = 2 * (double)larger;

	op->left_shift = out->type == IR_INT16 ? 15 : 20;
	shifted = (float)(1 << op->left_shift) * out->scales[0];
	/* TensorFlow Lite Micro subtracts with quotients in float. */
	if (profile->micro && op->kind == IR_SUB) {
		op->input_scale = quantise_factor((double)(a->scales[0] / (2 * larger)));
		op->input2_scale = quantise_factor((double)(b->scales[0] / (2 * larger)));
		return resolve_one_scale(graph, op, (double)(2 * larger / shifted));
	}
	op->input_scale = quantise_factor((double)a->scales[0] / twice_larger);
	op->input2_scale = quantise_factor((double)b->scales[0] / twice_larger);
	return resolve_one_scale(graph, op, twice_larger / (double)shifted);
}

static int resolve_product(struct ir_graph *graph, struct ir_operator *op,
			   const struct resolve_profile *profile)
{
	float a = graph->tensors[op->inputs[0]].scales[0];
	float b = graph->tensors[op->inputs[1]].scales[0];
	float out = graph->tensors[op->outputs[0]].scales[0];

	if (profile->micro)
		return resolve_one_scale(graph, op, (double)a * (double)b / (double)out);
	return resolve_one_scale(graph, op, (double)(a * b / out));
}

/* Minimum and maximum compare what is stored, so all three must mean the same. */
static int resolve_extreme(struct ir_graph *graph, struct ir_operator *op)
{
	int ret = resolve_check_same_quantisation(graph, op);

	if (!ret)
		ret = resolve_check_moved(graph, op, op->inputs[1], op->outputs[0]);
	return ret ? ret : resolve_one_scale(graph, op, 1);
}

/* The difference keeps 7 more bits, so its square 14. */
static int resolve_squared_difference(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *a = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *b = &graph->tensors[op->inputs[1]];
	double twice_larger = 2 * fmax((double)a->scales[0], (double)b->scales[0]);

	op->left_shift = a->type == IR_INT16 ? 0 : 7;
	op->input_scale = quantise_factor((double)a->scales[0] / twice_larger);
	op->input2_scale = quantise_factor((double)b->scales[0] / twice_larger);
	return resolve_one_scale(graph, op, twice_larger * twice_larger /
				 ((1 << 2 * op->left_shift) *
				  (double)graph->tensors[op->outputs[0]].scales[0]));
}

/* A quotient by one constant is a function of one value. */
static int make_quotient_table(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *divisor = &graph->tensors[op->inputs[1]];
	bool is_signed = divisor->type == IR_INT8;
	int32_t b = is_signed ? (int8_t)divisor->data[0] : divisor->data[0];

	op->kind = IR_TABLE;
	op->input_count = 1;
	op->table = arena_alloc(graph->arena, IR_TABLE_ENTRIES, 1);
	if (!op->table)
		return error_memory(graph->error);
	for (int32_t i = 0; i < IR_TABLE_ENTRIES; i++) {
		int32_t a = (is_signed ? (int8_t)i : i) - op->input_zero_point;
		int64_t q = quantise_quotient(a, b - op->input2_zero_point, op->scales[0]);

		/* Nothing divided by zero is known: its sign alone counts. */
		if (b == op->input2_zero_point)
			q = a < 0 ? INT32_MIN : a ? INT32_MAX : 0;
		q += op->output_zero_point;
		op->table[i] = (uint8_t)(q < op->clamp_low ? op->clamp_low :
					 q > op->clamp_high ? op->clamp_high : q);
	}
	return 0;
}

static int resolve_quotient(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *a = &graph->tensors[op->inputs[0]];
	const struct ir_tensor *b = &graph->tensors[op->inputs[1]];
	float out = graph->tensors[op->outputs[0]].scales[0];
	int ret;

	if (a->type == IR_INT16)
		return error_set(graph->error, -ENOTSUP, "%s: no form for type int16",
				 ir_where(graph, op, op->inputs[0]));
	ret = resolve_one_scale(graph, op, (double)(a->scales[0] / (b->scales[0] * out)));
	if (!ret && op->scales[0].shift > 0)
		ret = error_set(graph->error, -ENOTSUP, "%s: the quotient's factor is 1 or more",
				ir_where(graph, op, op->outputs[0]));
	if (ret || !b->data || b->elements != 1 ||
	    a->elements != graph->tensors[op->outputs[0]].elements)
		return ret;
	return make_quotient_table(graph, op);
}

static int check_one_type(struct ir_graph *graph, const struct ir_operator *op)
{
	if (graph->tensors[op->inputs[1]].type == graph->tensors[op->inputs[0]].type)
		return 0;
	return error_set(graph->error, -ENOTSUP, "%s: its type is not that of %s",
			 ir_where(graph, op, op->inputs[1]),
			 ir_tensor_text(graph, op->inputs[0]));
}

int resolve_elementwise(struct ir_graph *graph, struct ir_operator *op,
			const struct resolve_profile *profile)
{
	bool extreme = op->kind == IR_MINIMUM || op->kind == IR_MAXIMUM;
	int ret = resolve_check_counts(graph, op, 2, 2);

	if (!ret)
		ret = check_one_type(graph, op);
	if (!ret)
		ret = resolve_check_broadcast(graph, op, 0);
	if (!ret && resolve_is_plain(graph, op))
		return extreme ? resolve_extreme(graph, op) : resolve_plain_elementwise(graph, op);
	if (!ret)
		ret = resolve_check_activations(graph, op);
	if (!ret && !resolve_is_float(graph, op))
		ret = resolve_check_activation(graph, op, op->inputs[1]);
	if (!ret)
		ret = resolve_output_range(graph, op);
	if (ret)
		return ret;
	if (resolve_is_float(graph, op))
		return resolve_one_scale(graph, op, 0);
	op->input2_zero_point = (int32_t)graph->tensors[op->inputs[1]].zero_points[0];
	if (extreme)
		return resolve_extreme(graph, op);
	if (op->kind == IR_MUL)
		return resolve_product(graph, op, profile);
	if (op->kind == IR_DIV)
		return resolve_quotient(graph, op);
	if (op->kind == IR_SQUARED_DIFFERENCE)
		return resolve_squared_difference(graph, op);
	return resolve_sum(graph, op, profile);
}

int resolve_leaky(struct ir_graph *graph, struct ir_operator *op,
		  const struct resolve_profile *profile)
{
	bool parametric = op->kind == IR_PRELU;
	const struct ir_tensor *in, *out;
	struct kestrel_graph_leaky *leaky;
	struct ir_scale identity, negative;
	double factor;
	float alpha;
	int ret = resolve_check_counts(graph, op, parametric ? 2 : 1, parametric ? 2 : 1);

	if (!ret)
		ret = resolve_check_activations(graph, op);
	if (!ret && parametric)
		ret = check_one_type(graph, op);
	if (!ret && parametric && !resolve_is_float(graph, op))
		ret = resolve_check_activation(graph, op, op->inputs[1]);
	if (!ret && parametric)
		ret = resolve_check_broadcast(graph, op, 0);
	if (!ret)
		ret = resolve_output_range(graph, op);
	if (!ret)
		ret = resolve_portable(graph, op, parametric ? KESTREL_GRAPH_PRELU :
				       KESTREL_GRAPH_LEAKY_RELU, 0);
	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (!ir_same_shape(in, out))
		return error_set(graph->error, -EINVAL, "%s: shape is not that of the input, %s",
				 ir_where(graph, op, op->outputs[0]),
				 ir_tensor_text(graph, op->inputs[0]));
	if (resolve_is_float(graph, op)) {
		op->portable->attributes.leaky.alpha = resolve_float_bits(op->attributes.alpha);
		return 0;
	}
	alpha = parametric ? graph->tensors[op->inputs[1]].scales[0] : op->attributes.alpha;
	factor = (double)(in->scales[0] / out->scales[0]);
	if (parametric && profile->micro)
		factor = (double)in->scales[0] / (double)out->scales[0];
	identity = quantise_factor(factor);
	factor = (double)(in->scales[0] * fabsf(alpha) / out->scales[0]);
	if (parametric && profile->micro)
		factor = (double)in->scales[0] * (double)alpha / (double)out->scales[0];
	negative = quantise_factor(factor);
	if (identity.shift > 15 || negative.shift > 15)
		return error_set(graph->error, -ENOTSUP, "%s: a factor is 2^15 or more",
				 ir_where(graph, op, op->outputs[0]));
	leaky = &op->portable->attributes.leaky;
	leaky->mode = KESTREL_GRAPH_REQUANTISE_DOUBLE;
	leaky->input_zero_point = op->input_zero_point;
	leaky->zero_point = op->output_zero_point;
	leaky->identity_scale = (struct kestrel_graph_scale){ identity.multiplier, identity.shift };
	leaky->alpha_scale = (struct kestrel_graph_scale){ negative.multiplier, negative.shift };
	leaky->minimum = op->clamp_low;
	leaky->maximum = op->clamp_high;
	leaky->alpha_negative = alpha < 0;
	if (parametric)
		leaky->alpha_zero_point = (int32_t)graph->tensors[op->inputs[1]].zero_points[0];
	return 0;
}
