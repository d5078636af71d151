// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "error.h"
#include "tflite_states.h"

/* Name of the variable whose handle the operator takes; NULL if it has none. */
static const char *variable_of(const struct ir_graph *graph, const struct ir_operator *op)
{
	for (unsigned int o = 0; o < graph->operator_count && op->input_count; o++) {
		const struct ir_operator *handle = &graph->operators[o];

		if (handle->kind == IR_VARIABLE_HANDLE && handle->output_count &&
		    handle->outputs[0] == op->inputs[0])
			return handle->attributes.variable;
	}
	return NULL;
}

/* What the subgraph that runs once assigns to the variable. */
static int find_contents(struct ir_graph *graph, const struct ir_graph *initial,
			 const struct ir_operator *op, struct ir_tensor *state)
{
	for (unsigned int o = 0; o < initial->operator_count; o++) {
		const struct ir_operator *assign = &initial->operators[o];
		const struct ir_tensor *value;
		const char *name;

		if (assign->kind == IR_VARIABLE_HANDLE)
			continue;
		if (assign->kind != IR_ASSIGN_VARIABLE || assign->input_count != 2 ||
		    assign->inputs[1] < 0)
			return error_set(graph->error, -ENOTSUP,
					 "the subgraph that runs once: %s: only assignments of constants are supported",
					 ir_where(initial, assign, -1));
		name = variable_of(initial, assign);
		if (!name || strcmp(name, state->name))
			continue;
		value = &initial->tensors[assign->inputs[1]];
		if (!value->data || value->type != state->type || value->bytes != state->bytes)
			return error_set(graph->error, -ENOTSUP,
					 "%s: variable \"%s\" does not begin with a constant of its type and size",
					 ir_where(graph, op, -1), state->name);
		state->data = value->data;
	}
	return 0;
}

/* The state tensor of a variable, made like `model` when it is met first. */
static int state_of(struct ir_graph *graph, const struct ir_graph *initial,
		    const struct ir_operator *op, int model, unsigned int first, int *index)
{
	const char *name = variable_of(graph, op);
	struct ir_tensor *state;

	if (!name)
		return error_set(graph->error, -EINVAL, "%s: its first input is no variable",
				 ir_where(graph, op, -1));
	for (unsigned int t = first; t < graph->tensor_count; t++)
		if (!strcmp(graph->tensors[t].name, name)) {
			*index = (int)t;
			return 0;
		}
	*index = (int)graph->tensor_count;
	state = &graph->tensors[graph->tensor_count++];
	*state = graph->tensors[model];
	state->name = name;
	state->source = KESTREL_GRAPH_NONE;
	state->is_state = true;
	state->data = NULL;
	state->producer = -1;
	return find_contents(graph, initial, op, state);
}

/* Nothing is written where a handle is: it only says which variable is meant. */
static int check_handle(const struct ir_graph *graph, const struct ir_operator *handle, int tensor)
{
	if (ir_is_output(graph, tensor))
		return error_set(graph->error, -EINVAL, "%s: the model outputs it, but it holds no value",
				 ir_where(graph, handle, tensor));
	for (unsigned int o = 0; o < graph->operator_count; o++) {
		const struct ir_operator *op = &graph->operators[o];

		for (unsigned int i = 0; i < op->input_count; i++)
			if (op->inputs[i] == tensor)
				return error_set(graph->error, -EINVAL,
						 "%s: only READ_VARIABLE and ASSIGN_VARIABLE take what %s gives",
						 ir_where(graph, op, tensor), handle->type_name);
	}
	return 0;
}

int tflite_states(struct ir_graph *graph, const struct ir_graph *initial)
{
	unsigned int first = graph->tensor_count;
	int ret = 0;

	for (unsigned int o = 0; o < graph->operator_count && !ret; o++) {
		struct ir_operator *op = &graph->operators[o];
		bool reads = op->kind == IR_READ_VARIABLE;
		int *operands;

		if (!reads && op->kind != IR_ASSIGN_VARIABLE)
			continue;
		if (op->input_count != (reads ? 1 : 2) || op->output_count != reads ||
		    op->inputs[op->input_count - 1] < 0)
			return error_set(graph->error, -EINVAL, "%s: %u inputs and %u outputs",
					 ir_where(graph, op, -1), op->input_count,
					 op->output_count);
		operands = arena_alloc(graph->arena, 2, sizeof(*operands));
		if (!operands)
			return error_memory(graph->error);
		if (reads) {
			operands[1] = op->outputs[0];
			ret = state_of(graph, initial, op, operands[1], first, &operands[0]);
		} else {
			operands[0] = op->inputs[1];
			ret = state_of(graph, initial, op, operands[0], first, &operands[1]);
		}
		op->inputs = &operands[0];
		op->outputs = &operands[1];
		op->input_count = op->output_count = 1;
		op->kind = IR_COPY;
	}
	for (unsigned int o = 0; o < graph->operator_count && !ret; o++) {
		const struct ir_operator *op = &graph->operators[o];

		if (op->kind != IR_VARIABLE_HANDLE && op->kind != IR_CALL_ONCE)
			continue;
		for (unsigned int i = 0; i < op->output_count && !ret; i++)
			ret = check_handle(graph, op, op->outputs[i]);
	}
	return ret;
}
