// SPDX-License-Identifier: MIT
/* Truth values: comparisons, what is made of them, what they choose; and changes of type. */
#include <errno.h>

#include "error.h"
#include "quantise.h"
#include "resolve_check.h"

/* Bits that quantised values gain before they are brought to one scale. */
#define LEFT_SHIFT 8

static bool is_byte(enum ir_type type)
{
	return type == IR_INT8 || type == IR_UINT8;
}

static struct kestrel_graph_scale scale_of(const struct ir_tensor *tensor)
{
	struct ir_scale scale = quantise_factor((double)tensor->scales[0]);

	return (struct kestrel_graph_scale){ scale.multiplier, scale.shift };
}

int resolve_compare(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *a, *b, *out;
	struct kestrel_graph_compare *compare;
	int ret = resolve_check_counts(graph, op, 2, 2);

	if (!ret)
		ret = resolve_check_broadcast(graph, op, 0);
	if (!ret)
		ret = resolve_portable(graph, op, KESTREL_GRAPH_COMPARE, 0);
	if (ret)
		return ret;
	a = &graph->tensors[op->inputs[0]];
	b = &graph->tensors[op->inputs[1]];
	out = &graph->tensors[op->outputs[0]];
	if (a->type != b->type || a->type == IR_TYPE_OTHER || out->type != IR_BOOL)
		return error_set(graph->error, -ENOTSUP, "%s: no form for %s and %s to %s",
				 ir_where(graph, op, op->outputs[0]), ir_type_name(a->type),
				 ir_type_name(b->type), ir_type_name(out->type));
	compare = &op->portable->attributes.compare;
	compare->comparison = op->attributes.comparison;
	if (!is_byte(a->type))
		return 0;
	ret = resolve_check_activation(graph, op, op->inputs[0]);
	if (!ret)
		ret = resolve_check_activation(graph, op, op->inputs[1]);
	if (ret)
		return ret;
	compare->left_shift = LEFT_SHIFT;
	compare->a_zero_point = (int32_t)a->zero_points[0];
	compare->b_zero_point = (int32_t)b->zero_points[0];
	compare->a_scale = scale_of(a);
	compare->b_scale = scale_of(b);
	if (compare->a_scale.shift > 14 || compare->b_scale.shift > 14)
		return error_set(graph->error, -ENOTSUP, "%s: a scale is 2^14 or more",
				 ir_where(graph, op, -1));
	return 0;
}

int resolve_logical(struct ir_graph *graph, struct ir_operator *op)
{
	int ret = resolve_check_counts(graph, op, 2, 2);

	if (!ret)
		ret = resolve_check_broadcast(graph, op, 0);
	if (ret)
		return ret;
	if (graph->tensors[op->inputs[0]].type != IR_BOOL ||
	    graph->tensors[op->inputs[1]].type != IR_BOOL ||
	    graph->tensors[op->outputs[0]].type != IR_BOOL)
		return error_set(graph->error, -ENOTSUP, "%s: takes truth values only",
				 ir_where(graph, op, op->inputs[0]));
	return resolve_portable(graph, op, op->kind == IR_LOGICAL_AND ?
				KESTREL_GRAPH_LOGICAL_AND : KESTREL_GRAPH_LOGICAL_OR, 0);
}

/* The condition and both values broadcast to the output. */
int resolve_select(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *out;
	int ret = resolve_check_counts(graph, op, 3, 3);

	if (!ret && graph->tensors[op->inputs[0]].type != IR_BOOL)
		ret = error_set(graph->error, -ENOTSUP, "%s: type %s, the condition must be bool",
				ir_where(graph, op, op->inputs[0]),
				ir_type_name(graph->tensors[op->inputs[0]].type));
	if (!ret)
		ret = resolve_check_moved(graph, op, op->inputs[1], op->outputs[0]);
	if (!ret)
		ret = resolve_check_moved(graph, op, op->inputs[2], op->outputs[0]);
	if (ret)
		return ret;
	out = &graph->tensors[op->outputs[0]];
	for (unsigned int i = 0; i < 3; i++) {
		const struct ir_tensor *in = &graph->tensors[op->inputs[i]];

		for (unsigned int d = 0; d < IR_RANK_MAX; d++)
			if ((ir_extent(in, d) != ir_extent(out, d) && ir_extent(in, d) != 1) ||
			    in->rank > out->rank)
				return error_set(graph->error, -ENOTSUP,
						 "%s: shape does not broadcast to the output's, %s",
						 ir_where(graph, op, op->inputs[i]),
						 ir_tensor_text(graph, op->outputs[0]));
	}
	return resolve_portable(graph, op, KESTREL_GRAPH_SELECT, 0);
}

int resolve_cast(struct ir_graph *graph, struct ir_operator *op)
{
	const struct ir_tensor *in, *out;
	int ret = resolve_check_counts_and_elements(graph, op, 1, 1);

	if (ret)
		return ret;
	in = &graph->tensors[op->inputs[0]];
	out = &graph->tensors[op->outputs[0]];
	if (in->type == IR_TYPE_OTHER || out->type == IR_TYPE_OTHER)
		return error_set(graph->error, -ENOTSUP, "%s: no form from %s to %s",
				 ir_where(graph, op, op->outputs[0]), ir_type_name(in->type),
				 ir_type_name(out->type));
	return resolve_portable(graph, op, KESTREL_GRAPH_CAST, 0);
}
