// SPDX-License-Identifier: MIT
#include "state_row.h"

/* The last dimension in which the update is smaller; sets *count to how many there are. */
static unsigned int smaller_dimension(const struct ir_tensor *in, const struct ir_tensor *update,
				      unsigned int *count)
{
	unsigned int axis = 0;

	*count = 0;
	for (unsigned int d = 0; d < in->rank; d++)
		if (update->shape[d] != in->shape[d]) {
			axis = d;
			++*count;
		}
	return axis;
}

/* Whether an operator but `read`, and one that assigns `updated`, reaches the state. */
static bool is_shared(const struct ir_graph *graph, int state, int read, int updated)
{
	unsigned int assignments = 0;

	for (unsigned int o = 0; o < graph->operator_count; o++) {
		const struct ir_operator *op = &graph->operators[o];
		bool reaches = false;

		for (unsigned int i = 0; i < op->input_count && !op->removed_reason; i++)
			reaches |= op->inputs[i] == state;
		for (unsigned int i = 0; i < op->output_count && !op->removed_reason; i++)
			reaches |= op->outputs[i] == state;
		if (!reaches || (int)o == read)
			continue;
		if (op->kind != IR_COPY || op->inputs[0] != updated)
			return true;
		assignments++;
	}
	return assignments != 1;
}

const char *state_row_find(const struct ir_graph *graph, const struct ir_operator *op,
			   struct state_row *row)
{
	const struct ir_tensor *tensors = graph->tensors;
	const struct ir_tensor *in = &tensors[op->inputs[UPDATE_INPUT]];
	const struct ir_tensor *update = &tensors[op->inputs[UPDATE_ROWS]];
	const struct ir_tensor *position = &tensors[op->inputs[UPDATE_POSITION]];
	unsigned int count;

	*row = (struct state_row){
		.axis = smaller_dimension(in, update, &count),
		.position_tensor = op->inputs[UPDATE_POSITION],
	};
	if (count > 1)
		return "it is smaller than what it updates in several dimensions";
	if (position->type != IR_INT32 || position->is_state || ir_is_constant(position))
		return "its position is no int32 that a run gives";
	if (in->producer < 0 || graph->operators[in->producer].kind != IR_COPY ||
	    !tensors[graph->operators[in->producer].inputs[0]].is_state)
		return "what it updates is not read from a variable: addresses that depend on data";
	row->state = graph->operators[in->producer].inputs[0];
	if (ir_reader_count(graph, op->inputs[UPDATE_INPUT]) != 1 ||
	    ir_is_output(graph, op->inputs[UPDATE_INPUT]))
		return "what the variable held before is needed elsewhere";
	if (is_shared(graph, row->state, in->producer, op->outputs[0]))
		return "its result is not assigned to the variable, which nothing else may read or write";
	row->position_count = (uint32_t)(in->shape[row->axis] - update->shape[row->axis]) + 1;
	row->row_bytes = ir_type_bytes(in->type);
	for (unsigned int d = row->axis + 1; d < in->rank; d++)
		row->row_bytes *= (uint32_t)in->shape[d];
	return NULL;
}
