// SPDX-License-Identifier: MIT
/* Dead channels leave a chain of layers, but only where nobody can see them. */
#include <string.h>

#include "arena.h"
#include "compiler_test.h"
#include "error.h"
#include "ir.h"
#include "segment.h"

#define CHANNELS 4
#define OPERATORS 3

/* Convolution 1x1, depthwise 3x3, convolution 1x1, all with four channels. */
struct chain {
	struct arena arena;
	struct error error;
	struct ir_graph graph;
	struct ir_tensor tensors[OPERATORS + 1 + OPERATORS];
	struct ir_operator operators[OPERATORS];
	struct ir_scale scales[CHANNELS];
	int32_t bias[OPERATORS][CHANNELS];
	int8_t weights[OPERATORS][9 * CHANNELS * CHANNELS];
	int inputs[OPERATORS][2], outputs[OPERATORS], graph_input, graph_output;
	float scale;
	int64_t zero_point;
};

static void tensor_shape(struct ir_tensor *tensor, int32_t n, int32_t h, int32_t w, int32_t c)
{
	tensor->name = "t";
	tensor->type = IR_INT8;
	tensor->rank = 4;
	tensor->shape[0] = n;
	tensor->shape[1] = h;
	tensor->shape[2] = w;
	tensor->shape[3] = c;
	tensor->elements = tensor->bytes = (uint64_t)n * (uint64_t)h * (uint64_t)w * (uint64_t)c;
	tensor->producer = -1;
}

static void chain_make(struct chain *chain)
{
	memset(chain, 0, sizeof(*chain));
	memset(chain->weights, 1, sizeof(chain->weights));
	chain->zero_point = -5;
	chain->graph_output = OPERATORS;
	for (int t = 0; t <= OPERATORS; t++)
		tensor_shape(&chain->tensors[t], 1, 6, 6, CHANNELS);
	for (int c = 0; c < CHANNELS; c++)
		chain->scales[c] = (struct ir_scale){ 1 << 30, -2 };
	for (int o = 0; o < OPERATORS; o++) {
		struct ir_operator *op = &chain->operators[o];
		struct ir_tensor *weights = &chain->tensors[OPERATORS + 1 + o];
		int kernel = o == 1 ? 3 : 1;

		tensor_shape(weights, o == 1 ? 1 : CHANNELS, kernel, kernel, CHANNELS);
		weights->data = (const uint8_t *)chain->weights[o];
		op->kind = o == 1 ? IR_DEPTHWISE : IR_CONVOLUTION;
		op->type_name = "x";
		op->inputs = chain->inputs[o];
		op->inputs[0] = o;
		op->inputs[1] = OPERATORS + 1 + o;
		op->input_count = 2;
		op->outputs = &chain->outputs[o];
		op->outputs[0] = o + 1;
		op->output_count = 1;
		op->scales = chain->scales;
		op->scale_count = CHANNELS;
		op->bias = chain->bias[o];
		op->input_zero_point = op->output_zero_point = (int32_t)chain->zero_point;
		op->clamp_low = (int32_t)chain->zero_point;
		op->clamp_high = 127;
		op->window = (struct ir_window){ kernel, kernel, 1, 1, 1, 1, kernel / 2, kernel / 2,
						 kernel / 2, kernel / 2 };
	}
	chain->graph = (struct ir_graph){
		.arena = &chain->arena, .error = &chain->error,
		.tensors = chain->tensors, .tensor_count = 2 * OPERATORS + 1,
		.operators = chain->operators, .operator_count = OPERATORS,
		.inputs = &chain->graph_input, .input_count = 1,
		.outputs = &chain->graph_output, .output_count = 1,
	};
}

/* All weights of one output channel of the first convolution. */
static void zero_channel(struct chain *chain, int channel)
{
	memset(chain->weights[0] + channel * CHANNELS, 0, CHANNELS);
}

static void check_channels(struct test *test, struct chain *chain, int32_t first, int32_t last,
			   const char *group)
{
	struct stream_segment out = { .npu = true };
	struct segment segment = { .graph = &chain->graph, .out = &out };
	struct target target;

	CHECK(test, !target_set(&target, NULL, NULL, &chain->error));
	segment.target = &target;
	CHECK(test, !segment_build(&segment, 0, OPERATORS));
	CHECK(test, segment.node_count == OPERATORS);
	if (segment.node_count == OPERATORS) {
		const struct segment_node *n = segment.nodes;

		CHECK(test, segment.values[n[0].output].channels == first);
		CHECK(test, segment.values[n[1].output].channels == first);
		CHECK(test, segment.values[n[2].output].channels == last);
		CHECK(test, n[0].weights.output_channels == first);
		CHECK(test, n[1].weights.output_channels == first);
		CHECK(test, n[2].weights.channels == first);
		CHECK(test, n[2].weights.output_channels == last);
	}
	arena_release(&chain->arena);
	test_end(test, group);
}

/* The second operator takes the largest of nine, and nothing below `low`. */
static void check_pool(struct test *test, struct chain *chain, int32_t low, int32_t channels,
		       const char *group)
{
	struct stream_segment out = { .npu = true };
	struct segment segment = { .graph = &chain->graph, .out = &out };
	struct target target;

	chain_make(chain);
	zero_channel(chain, 2);
	chain->operators[1].kind = IR_MAX_POOL;
	chain->operators[1].input_count = 1;
	chain->operators[1].clamp_low = low;
	CHECK(test, !target_set(&target, NULL, NULL, &chain->error));
	segment.target = &target;
	CHECK(test, !segment_build(&segment, 0, OPERATORS));
	for (unsigned int n = 0; n < segment.node_count; n++)
		CHECK(test, segment.values[segment.nodes[n].output].channels ==
			    (n + 1 < OPERATORS ? channels : CHANNELS));
	arena_release(&chain->arena);
	test_end(test, group);
}

int main(void)
{
	static struct chain chain;
	struct test test = { 0 };

	chain_make(&chain);
	check_channels(&test, &chain, 4, 4, "nothing is dead, nothing leaves");

	chain_make(&chain);
	zero_channel(&chain, 2);
	check_channels(&test, &chain, 3, 4, "a dead channel leaves both values between");

	chain_make(&chain);
	zero_channel(&chain, 0);
	zero_channel(&chain, 1);
	zero_channel(&chain, 2);
	zero_channel(&chain, 3);
	check_channels(&test, &chain, 1, 4, "one channel stays even when all are dead");

	chain_make(&chain);
	zero_channel(&chain, 2);
	chain.bias[0][2] = -100;
	check_channels(&test, &chain, 3, 4, "a bias below the clamp is as good as none");

	chain_make(&chain);
	zero_channel(&chain, 2);
	chain.bias[0][2] = 100;
	check_channels(&test, &chain, 4, 4, "a bias that shows keeps the channel");

	chain_make(&chain);
	zero_channel(&chain, 2);
	chain.bias[1][2] = 100;
	check_channels(&test, &chain, 4, 4, "a bias behind it keeps the channel");

	chain_make(&chain);
	zero_channel(&chain, 2);
	chain.operators[2].input_zero_point = 0;
	check_channels(&test, &chain, 4, 4, "a reader with another zero point keeps it");

	check_pool(&test, &chain, -5, 3, "a pool passes a dead channel on");
	check_pool(&test, &chain, -2, 4, "a clamp above zero makes it live");

	chain_make(&chain);
	memset(chain.weights[2], 0, sizeof(chain.weights[2]));
	check_channels(&test, &chain, 4, 4, "an output of the model keeps its channels");
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
