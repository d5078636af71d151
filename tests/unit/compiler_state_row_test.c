// SPDX-License-Identifier: MIT
/* Which updates of a variable write their rows alone, and why the others do not. */
#include <string.h>

#include "compiler_test.h"
#include "error.h"
#include "state_row.h"

enum { STATE, HELD, ROWS, POSITION, UPDATED, OTHER, TENSORS };
enum { READ, UPDATE, ASSIGN, EXTRA, OPERATORS };

/* held = state; updated = held with rows in it; state = updated; then one more. */
struct network {
	struct arena arena;
	struct error error;
	struct ir_tensor tensors[TENSORS];
	struct ir_operator operators[OPERATORS];
	int inputs[OPERATORS][3], outputs[OPERATORS];
	int output;
	struct ir_graph graph;
};

static void operator_make(struct network *network, int o, enum ir_kind kind, int input, int output)
{
	network->inputs[o][0] = input;
	network->outputs[o] = output;
	network->operators[o] = (struct ir_operator){
		.kind = kind, .type_name = "x", .inputs = network->inputs[o], .input_count = 1,
		.outputs = &network->outputs[o], .output_count = 1,
	};
}

static void network_make(struct network *network)
{
	*network = (struct network){
		.graph = {
			.arena = &network->arena, .error = &network->error,
			.tensors = network->tensors, .tensor_count = TENSORS,
			.operators = network->operators, .operator_count = OPERATORS,
			.outputs = &network->output, .output_count = 1,
		},
		.output = OTHER,
	};
	for (int t = 0; t < TENSORS; t++)
		network->tensors[t] = (struct ir_tensor){
			.name = "t", .type = IR_INT16, .rank = 3, .shape = { 2, 9, 5 },
			.elements = 90, .bytes = 180, .producer = -1,
		};
	network->tensors[STATE].is_state = true;
	network->tensors[ROWS].shape[1] = 2;
	network->tensors[POSITION].type = IR_INT32;
	operator_make(network, READ, IR_COPY, STATE, HELD);
	operator_make(network, UPDATE, IR_DYNAMIC_UPDATE_SLICE, HELD, UPDATED);
	network->inputs[UPDATE][UPDATE_ROWS] = ROWS;
	network->inputs[UPDATE][UPDATE_POSITION] = POSITION;
	network->operators[UPDATE].input_count = 3;
	operator_make(network, ASSIGN, IR_COPY, UPDATED, STATE);
	operator_make(network, EXTRA, IR_TABLE, UPDATED, OTHER);
	network->tensors[HELD].producer = READ;
	network->tensors[UPDATED].producer = UPDATE;
	network->tensors[OTHER].producer = EXTRA;
}

static void check_row(struct test *test)
{
	struct network network;
	struct state_row row;

	network_make(&network);
	CHECK(test, !state_row_find(&network.graph, &network.operators[UPDATE], &row));
	CHECK(test, row.state == STATE && row.axis == 1 && row.position_tensor == POSITION);
	CHECK(test, row.position_count == 8 && row.row_bytes == 10);
	network.tensors[ROWS].shape[1] = 9;
	CHECK(test, !state_row_find(&network.graph, &network.operators[UPDATE], &row));
	CHECK(test, row.position_count == 1);
	network.tensors[ROWS].shape[2] = 1;
	CHECK(test, !state_row_find(&network.graph, &network.operators[UPDATE], &row));
	CHECK(test, row.axis == 2 && row.position_count == 5 && row.row_bytes == 2);
	test_end(test, "positions, and the bytes between them");
}

static void several_dimensions(struct network *n) { n->tensors[ROWS].shape[0] = 1; }
static void constant_position(struct network *n) { n->tensors[POSITION].data = (const void *)""; }
static void long_position(struct network *n) { n->tensors[POSITION].type = IR_INT64; }
static void kept_position(struct network *n) { n->tensors[POSITION].is_state = true; }
static void plain_input(struct network *n) { n->tensors[HELD].producer = -1; }
static void computed_input(struct network *n) { n->operators[READ].kind = IR_TABLE; }
static void variable_input(struct network *n) { n->tensors[STATE].is_state = false; }
static void old_read(struct network *n) { n->inputs[EXTRA][0] = HELD; }
static void old_output(struct network *n) { n->output = HELD; }
static void state_read(struct network *n) { n->inputs[EXTRA][0] = STATE; }
static void state_written(struct network *n) { n->outputs[EXTRA] = STATE; }
static void not_assigned(struct network *n) { n->operators[ASSIGN].removed_reason = "gone"; }
static void other_assigned(struct network *n) { n->inputs[ASSIGN][0] = OTHER; }

static void assigned_twice(struct network *n)
{
	operator_make(n, EXTRA, IR_COPY, UPDATED, STATE);
}

static void check_reasons(struct test *test)
{
	static const struct {
		void (*make)(struct network *network);
		const char *word;
	} cases[] = {
		{ several_dimensions, "several dimensions" }, { constant_position, "position" },
		{ long_position, "int32" }, { kept_position, "position" },
		{ plain_input, "not read from a variable" },
		{ computed_input, "not read from a variable" },
		{ variable_input, "not read from a variable" },
		{ old_read, "held before" }, { old_output, "held before" },
		{ state_read, "nothing else" }, { state_written, "nothing else" },
		{ not_assigned, "not assigned" }, { other_assigned, "not assigned" },
		{ assigned_twice, "nothing else" },
	};

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct network network;
		struct state_row row;
		const char *reason;

		network_make(&network);
		cases[c].make(&network);
		reason = state_row_find(&network.graph, &network.operators[UPDATE], &row);
		if (!reason || !strstr(reason, cases[c].word))
			printf("# case %zu: \"%s\", \"%s\" expected\n", c, reason ? reason : "",
			       cases[c].word);
		CHECK(test, reason && strstr(reason, cases[c].word));
	}
	test_end(test, "what else is done with a variable or a position, and the reason");
}

int main(void)
{
	struct test test = { 0 };

	check_row(&test);
	check_reasons(&test);
	return test.failed != 0;
}
