// SPDX-License-Identifier: MIT
/* Operators that become others, next to some that a graph file says were removed. */
#include <string.h>

#include "compiler_test.h"
#include "error.h"
#include "expand.h"
#include "resolve_check.h"

#define KINDS (IR_BATCH_TO_SPACE + 1)

/* What a graph file tells of removed operators is their name and the reason. */
static void check_removed(struct test *test)
{
	struct arena arena = { 0 };
	struct error error = { "" };
	struct ir_tensor tensor = { .name = "t", .type = IR_INT8, .producer = -1 };
	struct ir_operator op = { .type_name = "x", .removed_reason = "folded" };
	struct ir_graph expanded, graph = {
		.arena = &arena, .error = &error, .tensors = &tensor, .tensor_count = 1,
		.operators = &op, .operator_count = 1,
	};
	unsigned int *origin;

	for (int kind = 0; kind < KINDS; kind++) {
		op.kind = (enum ir_kind)kind;
		CHECK(test, !expand_graph(&graph, &expanded, &origin));
		CHECK(test, expanded.operator_count == 1 && expanded.tensor_count == 1);
		CHECK(test, !origin[0] && expanded.operators[0].removed_reason);
	}
	arena_release(&arena);
	test_end(test, "removed operators have no operands and stay as they are");
}

/* [1, 3, 5, 2] with a row and a column before it in blocks of 2 x 3. */
static void check_batches(struct test *test)
{
	struct arena arena = { 0 };
	struct error error = { "" };
	struct ir_tensor tensors[] = {
		{ .name = "few", .type = IR_INT8, .rank = 4, .shape = { 1, 3, 5, 2 },
		  .elements = 30, .bytes = 30, .producer = -1 },
		{ .name = "many", .type = IR_INT8, .rank = 4, .shape = { 6, 2, 2, 2 },
		  .elements = 48, .bytes = 48, .producer = 0 },
	};
	int input = 0, output = 1;
	struct ir_portable portable = {
		.opcode = KESTREL_GRAPH_SPACE_TO_BATCH,
		.attributes.batch_block = { .block = { 2, 3 }, .before = { 1, 1 }, .value = -7 },
	};
	struct ir_operator op = {
		.kind = IR_SPACE_TO_BATCH, .type_name = "x", .portable = &portable,
		.inputs = &input, .input_count = 1, .outputs = &output, .output_count = 1,
	};
	struct ir_graph expanded, graph = {
		.arena = &arena, .error = &error, .tensors = tensors, .tensor_count = 2,
		.operators = &op, .operator_count = 1,
	};
	static const enum ir_kind kinds[] = { IR_PAD, IR_RESHAPE, IR_TRANSPOSE, IR_RESHAPE };
	static const int32_t turned[] = { 2, 3, 1, 2, 2, 2 };
	unsigned int *origin;

	CHECK(test, !expand_graph(&graph, &expanded, &origin));
	CHECK(test, expanded.operator_count == 4);
	for (unsigned int o = 0; o < 4 && expanded.operator_count == 4; o++)
		CHECK(test, expanded.operators[o].kind == kinds[o] && !origin[o]);
	if (expanded.operator_count == 4) {
		const struct ir_operator *pad = &expanded.operators[0];
		const struct ir_tensor *order =
			&expanded.tensors[expanded.operators[2].outputs[0]];

		CHECK(test, pad->output_zero_point == -7);
		CHECK(test, pad->pad_before[1] == 1 && pad->pad_after[1] == 0);
		CHECK(test, pad->pad_before[2] == 1 && pad->pad_after[2] == 0);
		CHECK(test, order->rank == 6 && !memcmp(order->shape, turned, sizeof(turned)));
		CHECK(test, expanded.operators[3].outputs[0] == output);
	}
	arena_release(&arena);
	test_end(test, "SPACE_TO_BATCH is a padding and a transposition");
}

/* Times the number of images these blocks are, in 64 bits, the images of the output. */
static void check_blocks(struct test *test)
{
	static const int32_t sizes[] = { 1797335866, 1181372523 };
	static const int32_t edges[] = { 0, 1797335865, 0, 1181372522 };
	struct arena arena = { 0 };
	struct error error = { "" };
	struct ir_tensor tensors[] = {
		{ .name = "few", .type = IR_INT8, .rank = 4, .shape = { 1335491544, 1, 1, 1 },
		  .elements = 1335491544, .bytes = 1335491544, .producer = -1 },
		{ .name = "blocks", .type = IR_INT32, .rank = 1, .shape = { 2 }, .elements = 2,
		  .bytes = sizeof(sizes), .data = (const uint8_t *)sizes, .producer = -1 },
		{ .name = "edges", .type = IR_INT32, .rank = 2, .shape = { 2, 2 }, .elements = 4,
		  .bytes = sizeof(edges), .data = (const uint8_t *)edges, .producer = -1 },
		{ .name = "many", .type = IR_INT8, .rank = 4, .shape = { 889673296, 1, 1, 1 },
		  .elements = 889673296, .bytes = 889673296, .producer = 0 },
	};
	int inputs[] = { 0, 1, 2 }, output = 3;
	struct ir_operator op = {
		.kind = IR_SPACE_TO_BATCH, .type_name = "x", .inputs = inputs, .input_count = 3,
		.outputs = &output, .output_count = 1,
	};
	struct ir_graph graph = {
		.arena = &arena, .error = &error, .tensors = tensors, .tensor_count = 4,
		.operators = &op, .operator_count = 1,
	};

	CHECK(test, resolve_batch_block(&graph, &op) < 0);
	CHECK(test, strstr(error.text, "blocks of 1181372523") != NULL);
	arena_release(&arena);
	test_end(test, "blocks that are more images than a tensor can have are refused");
}

int main(void)
{
	struct test test = { 0 };

	check_removed(&test);
	check_batches(&test);
	check_blocks(&test);
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
