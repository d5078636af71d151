// SPDX-License-Identifier: MIT
/* The rescaling that concatenations of legacy uint8 models do. */
#include <math.h>
#include <string.h>

#include "error.h"
#include "resolve_check.h"

static bool is_scaled(const struct ir_graph *graph, const struct ir_operator *op, unsigned int i)
{
	const struct ir_tensor *in, *out;

	if (op->kind != IR_CONCATENATION || op->output_count != 1 || op->inputs[i] < 0)
		return false;
	in = &graph->tensors[op->inputs[i]];
	out = &graph->tensors[op->outputs[0]];
	return in->type == IR_UINT8 && out->type == IR_UINT8 && in->scale_count == 1 &&
	       out->scale_count == 1 && out->scales[0] > 0 &&
	       (in->scales[0] != out->scales[0] || in->zero_points[0] != out->zero_points[0]);
}

/* float32 throughout, as the kernel does it. */
static void fill_table(const struct ir_tensor *in, const struct ir_tensor *out, uint8_t *table)
{
	float scale = in->scales[0] * (1.0f / out->scales[0]);
	float bias = -(float)in->zero_points[0] * scale;

	for (int q = 0; q < IR_TABLE_ENTRIES; q++) {
		float product = (float)q * scale;
		float value = roundf(product + bias) + (float)out->zero_points[0];

		/* Scales at the ends of what floats hold make no number at all. */
		table[q] = (uint8_t)(!(value > 0) ? 0 : value > UINT8_MAX ? UINT8_MAX : value);
	}
}

static int add_table(struct ir_graph *graph, const struct ir_operator *concatenation,
		     unsigned int i, struct ir_operator *table)
{
	const struct ir_tensor *out = &graph->tensors[concatenation->outputs[0]];
	int from = concatenation->inputs[i], to = (int)graph->tensor_count++;
	int *operands = arena_alloc(graph->arena, 2, sizeof(*operands));

	memset(table, 0, sizeof(*table));
	table->table = arena_alloc(graph->arena, IR_TABLE_ENTRIES, 1);
	if (!operands || !table->table)
		return error_memory(graph->error);
	graph->tensors[to] = graph->tensors[from];
	graph->tensors[to].source = KESTREL_GRAPH_NONE;
	graph->tensors[to].scales = out->scales;
	graph->tensors[to].zero_points = out->zero_points;
	graph->tensors[to].data = NULL;
	operands[0] = from;
	operands[1] = to;
	table->kind = IR_TABLE;
	table->type_name = concatenation->type_name;
	table->source = concatenation->source;
	table->inputs = &operands[0];
	table->outputs = &operands[1];
	table->input_count = table->output_count = 1;
	fill_table(&graph->tensors[from], out, table->table);
	concatenation->inputs[i] = to;
	return 0;
}

int resolve_scaled_concatenations(struct ir_graph *graph)
{
	unsigned int added = 0, count = 0;
	struct ir_operator *operators;
	int ret;

	for (unsigned int o = 0; o < graph->operator_count; o++)
		for (unsigned int i = 0; i < graph->operators[o].input_count; i++)
			added += is_scaled(graph, &graph->operators[o], i);
	if (!added)
		return 0;
	ret = ir_make_room(graph, added, &operators);
	if (ret)
		return ret;
	for (unsigned int o = 0; o < graph->operator_count && !ret; o++) {
		const struct ir_operator *op = &graph->operators[o];

		for (unsigned int i = 0; i < op->input_count && !ret; i++)
			if (is_scaled(graph, op, i))
				ret = add_table(graph, op, i, &operators[count++]);
		operators[count++] = *op;
	}
	graph->operators = operators;
	graph->operator_count = count;
	if (!ret)
		ir_set_producers(graph);
	return ret;
}
