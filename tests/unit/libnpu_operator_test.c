// SPDX-License-Identifier: MIT
/*
 * One graph for each operator: it opens, it runs, and where the result is easy to
 * say it is that. Then every word of its attributes, every type and every dimension
 * is damaged: the reader refuses the graph, or the kernel runs it within its tensors
 * (which sanitizers watch: each has memory of its own).
 */
#include <errno.h>

#include "cpu.h"
#include "graph.h"
#include "libnpu_test.h"

#define INT8 KESTREL_GRAPH_TYPE_INT8
#define UINT8 KESTREL_GRAPH_TYPE_UINT8
#define INT16 KESTREL_GRAPH_TYPE_INT16
#define INT32 KESTREL_GRAPH_TYPE_INT32
#define INT64 KESTREL_GRAPH_TYPE_INT64
#define FLOAT32 KESTREL_GRAPH_TYPE_FLOAT32
#define BOOL KESTREL_GRAPH_TYPE_BOOL
#define EXPECTED_MAX 16
/* Damages of one sample that must be refused for the test to mean anything. */
#define REFUSED_LEAST 2

struct operand {
	uint8_t type;
	uint32_t dims[4];
};

struct sample {
	const char *name;
	uint32_t opcode;
	struct operand inputs[3];	/* type 0 ends the list */
	struct operand output;
	void (*attributes)(struct test_graph *graph, union kestrel_graph_attributes *a);
	/* Output elements for inputs of 0, 1, 2...; count 0: not said. */
	uint32_t expected_count;
	int32_t expected[EXPECTED_MAX];
};

/* Outputs behind the first; type 0 ends the list. */
static const struct {
	uint32_t opcode;
	struct operand outputs[3];
} further_outputs[] = {
	{ KESTREL_GRAPH_TOP_K, { { INT32, { 2, 2 } } } },
	{ KESTREL_GRAPH_DYNAMIC_QUANTIZE, { { FLOAT32, { 1 } }, { UINT8, { 1 } } } },
};

static const struct kestrel_graph_scale unit = { 1 << 30, 1 };
static const struct kestrel_graph_scale half = { 1 << 30, 0 };

static struct kestrel_graph_requantise requantise(struct test_graph *graph, uint32_t mode)
{
	return (struct kestrel_graph_requantise){
		.mode = mode, .scale_count = 1, .minimum = -128, .maximum = 127,
		.scales = test_parameters(graph, &unit, sizeof(unit)),
	};
}

static void no_attributes(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	(void)graph;
	(void)a;
}

static void elementwise(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	(void)graph;
	a->elementwise = (struct kestrel_graph_elementwise){
		.mode = KESTREL_GRAPH_REQUANTISE_DOUBLE, .a_scale = unit, .b_scale = unit,
		.output_scale = unit, .minimum = -128, .maximum = 127,
	};
}

static void division(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	elementwise(graph, a);
	a->elementwise.output_scale = half;
	a->elementwise.b_zero_point = -1;
}

static void matmul(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	a->matmul.requantise = requantise(graph, KESTREL_GRAPH_REQUANTISE_UPWARD);
	a->matmul.transpose_b = 1;
}

static void sum(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	a->reduce.axes = 2;
	a->reduce.requantise = requantise(graph, KESTREL_GRAPH_REQUANTISE_DOUBLE);
}

static void product(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	a->reduce.axes = 2;
	a->reduce.requantise = requantise(graph, KESTREL_GRAPH_REQUANTISE_WIDE);
}

static void extreme(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	(void)graph;
	a->reduce.axes = 1;
}

static void axis(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	(void)graph;
	a->axis.axis = 1;
}

static void batch_axis(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	axis(graph, a);
	a->axis.batch_dims = 1;
}

static void mirror(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	(void)graph;
	a->pad.before[1] = 2;
	a->pad.after[1] = 1;
	a->pad.reflect = 1;
}

static void block(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	(void)graph;
	a->block.block_size = 2;
}

static void whole_numbers(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	(void)graph;
	a->elementwise.minimum = -100;
	a->elementwise.maximum = 100;
}

static void cumulative_sum(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	(void)graph;
	a->cumulative_sum = (struct kestrel_graph_cumulative_sum){
		.axis = 1, .exclusive = 1, .reverse = 1,
	};
}

static void window(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	(void)graph;
	a->convolution = (struct kestrel_graph_convolution){
		.stride_height = 1, .stride_width = 1, .dilation_height = 1, .dilation_width = 1,
		.pad_left = 1, .depth_multiplier = 1,
	};
}

static void compare(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	(void)graph;
	a->compare = (struct kestrel_graph_compare){
		.comparison = KESTREL_GRAPH_COMPARISON_LESS, .left_shift = 8, .a_scale = unit,
		.b_scale = half,
	};
}

static void absolute(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	(void)graph;
	a->unary.function = KESTREL_GRAPH_FUNCTION_ABS;
	a->unary.table = KESTREL_GRAPH_NONE;
	a->unary.input_scale = unit;
}

static void line(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	int16_t points[513];

	for (int i = 0; i < 513; i++)
		points[i] = (int16_t)(64 * (i - 256));
	a->unary.function = KESTREL_GRAPH_FUNCTION_EXP;
	a->unary.table = test_parameters(graph, points, sizeof(points));
}

static void sigmoid(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	uint16_t points[256];

	for (int i = 0; i < 256; i++)
		points[i] = (uint16_t)(32768 + 128 * i - (i == 255));
	a->unary.function = KESTREL_GRAPH_FUNCTION_TANH;
	a->unary.table = test_parameters(graph, points, sizeof(points));
	a->unary.input_scale = (struct kestrel_graph_scale){ 24576, 13 };
}

static void log_softmax(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	int32_t table[512];

	for (int i = 0; i < 256; i++) {
		table[i] = INT32_MAX >> (i < 30 ? i : 30);
		table[256 + i] = -i * (1 << 22);
	}
	a->softmax = (struct kestrel_graph_softmax){
		.kind = KESTREL_GRAPH_SOFTMAX_LOG_FIXED, .zero_point = 127, .minimum = -128,
		.maximum = 127, .reverse_scale = { 1 << 30, -20 }, .difference_minimum = -200,
		.table = test_parameters(graph, table, sizeof(table)),
	};
}

static void float_softmax(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	float table[256], scale = 1.0f / 256;

	for (int i = 0; i < 256; i++)
		table[i] = 1.0f / (float)(i + 1);
	a->softmax.kind = KESTREL_GRAPH_SOFTMAX_FLOAT_TABLE;
	a->softmax.zero_point = a->softmax.minimum = -128;
	a->softmax.maximum = 127;
	memcpy(&a->softmax.output_scale, &scale, sizeof(scale));
	a->softmax.table = test_parameters(graph, table, sizeof(table));
}

static void wide_softmax(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	int16_t points[2 * 513];

	for (int i = 0; i < 513; i++) {
		points[i] = (int16_t)(32767 * i / 512);
		points[513 + i] = (int16_t)(32767 - 16384 * i / 512);
	}
	a->softmax = (struct kestrel_graph_softmax){
		.kind = KESTREL_GRAPH_SOFTMAX_INT16, .maximum = INT16_MAX, .input_scale = unit,
		.table = test_parameters(graph, points, sizeof(points)),
	};
}

static void layer_norm(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	struct {
		int32_t biases[2];
		int16_t gains[2];
	} table = { { 32, 0 }, { 1, 2 } };

	a->layer_norm = (struct kestrel_graph_layer_norm){
		.channels = 2, .mode = KESTREL_GRAPH_REQUANTISE_DOUBLE, .scale = { 1 << 30, -3 },
		.minimum = -128, .maximum = 127,
		.table = test_parameters(graph, &table, sizeof(table)),
	};
}

static void hybrid(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	const float bounds[] = { -1000, 1000, 0.5f };
	struct kestrel_graph_scale scale = { 0, 0 };

	memcpy(&scale.multiplier, &bounds[2], sizeof(scale.multiplier));
	a->convolution.requantise.mode = KESTREL_GRAPH_REQUANTISE_HYBRID;
	a->convolution.requantise.scale_count = 1;
	a->convolution.requantise.scales = test_parameters(graph, &scale, sizeof(scale));
	memcpy(&a->convolution.requantise.minimum, &bounds[0], 4);
	memcpy(&a->convolution.requantise.maximum, &bounds[1], 4);
	a->convolution.input_asymmetric = 1;
}

static void batch_block(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	(void)graph;
	a->batch_block = (struct kestrel_graph_batch_block){
		.block = { 2, 2 }, .before = { 0, 1 }, .value = 9,
	};
}

static void resize(struct test_graph *graph, union kestrel_graph_attributes *a)
{
	(void)graph;
	a->resize.half_pixel_centers = 1;
	a->resize.float_weights = 1;
}

static const struct sample samples[] = {
	{ "squared difference", KESTREL_GRAPH_SQUARED_DIFFERENCE,
	  { { INT8, { 2, 3 } }, { INT8, { 3 } } }, { INT8, { 2, 3 } }, elementwise,
	  6, { 0, 0, 0, 9, 9, 9 } },
	{ "division", KESTREL_GRAPH_DIV, { { INT8, { 2, 3 } }, { INT8, { 3 } } },
	  { INT8, { 2, 3 } }, division, 6, { 0, 0, 0, 2, 1, 1 } },
	{ "batched product", KESTREL_GRAPH_BATCH_MATMUL,
	  { { INT8, { 2, 2, 2 } }, { INT8, { 3, 2 } } }, { INT8, { 2, 2, 3 } }, matmul,
	  12, { 1, 3, 5, 3, 13, 23, 5, 23, 41, 7, 33, 59 } },
	{ "sum", KESTREL_GRAPH_SUM, { { INT8, { 2, 3 } } }, { INT8, { 2 } }, sum, 2, { 3, 12 } },
	{ "product", KESTREL_GRAPH_REDUCE_PROD, { { INT8, { 2, 2 } } }, { INT8, { 2 } }, product,
	  2, { 0, 6 } },
	{ "largest", KESTREL_GRAPH_REDUCE_MAX, { { INT16, { 2, 3 } } }, { INT16, { 3 } }, extreme,
	  3, { 3, 4, 5 } },
	{ "where the largest is", KESTREL_GRAPH_ARG_MAX, { { INT8, { 2, 3 } } }, { INT32, { 2 } },
	  axis, 2, { 2, 2 } },
	{ "where the least is", KESTREL_GRAPH_ARG_MIN, { { FLOAT32, { 2, 3 } } },
	  { INT64, { 2 } }, axis, 0, { 0 } },
	{ "gather", KESTREL_GRAPH_GATHER, { { INT8, { 2, 3 } }, { INT32, { 2, 2 } } },
	  { INT8, { 2, 2 } }, batch_axis, 4, { 0, 1, 5, 5 } },
	{ "mirrored border", KESTREL_GRAPH_MIRROR_PAD, { { INT8, { 1, 3 } } }, { INT8, { 1, 6 } },
	  mirror, 6, { 2, 1, 0, 1, 2, 1 } },
	{ "space to depth", KESTREL_GRAPH_SPACE_TO_DEPTH, { { INT8, { 1, 2, 4, 1 } } },
	  { INT8, { 1, 1, 2, 4 } }, block, 8, { 0, 1, 4, 5, 2, 3, 6, 7 } },
	{ "depth to space", KESTREL_GRAPH_DEPTH_TO_SPACE, { { INT8, { 1, 1, 2, 4 } } },
	  { INT8, { 1, 2, 4, 1 } }, block, 8, { 0, 1, 4, 5, 2, 3, 6, 7 } },
	{ "space to batch", KESTREL_GRAPH_SPACE_TO_BATCH, { { INT8, { 1, 2, 3, 1 } } },
	  { INT8, { 4, 1, 2, 1 } }, batch_block, 8, { 9, 1, 0, 2, 9, 4, 3, 5 } },
	{ "batch to space", KESTREL_GRAPH_BATCH_TO_SPACE, { { INT8, { 4, 1, 2, 1 } } },
	  { INT8, { 1, 2, 3, 1 } }, batch_block, 6, { 2, 1, 3, 6, 5, 7 } },
	{ "tile", KESTREL_GRAPH_TILE, { { INT8, { 1, 2 } } }, { INT8, { 2, 4 } }, no_attributes,
	  8, { 0, 1, 0, 1, 0, 1, 0, 1 } },
	{ "broadcast", KESTREL_GRAPH_BROADCAST_TO, { { INT8, { 2, 1 } } }, { INT8, { 2, 2, 2 } },
	  no_attributes, 8, { 0, 0, 1, 1, 0, 0, 1, 1 } },
	{ "cast", KESTREL_GRAPH_CAST, { { INT8, { 3 } } }, { INT32, { 3 } }, no_attributes,
	  3, { 0, 1, 2 } },
	{ "comparison", KESTREL_GRAPH_COMPARE, { { INT8, { 3 } }, { INT8, { 3 } } },
	  { BOOL, { 3 } }, compare, 3, { 0, 0, 0 } },
	{ "choice", KESTREL_GRAPH_SELECT,
	  { { BOOL, { 2, 1 } }, { INT8, { 2, 2 } }, { INT8, { 1 } } }, { INT8, { 2, 2 } },
	  no_attributes, 4, { 0, 0, 2, 3 } },
	{ "and", KESTREL_GRAPH_LOGICAL_AND, { { BOOL, { 2 } }, { BOOL, { 2 } } }, { BOOL, { 2 } },
	  no_attributes, 2, { 0, 1 } },
	{ "magnitude", KESTREL_GRAPH_UNARY, { { INT16, { 4 } } }, { INT16, { 4 } }, absolute,
	  4, { 0, 1, 2, 3 } },
	{ "lines", KESTREL_GRAPH_UNARY, { { INT16, { 4 } } }, { INT16, { 4 } }, line,
	  4, { 0, 1, 1, 2 } },
	{ "sigmoid", KESTREL_GRAPH_UNARY, { { INT16, { 4 } } }, { INT16, { 4 } }, sigmoid,
	  0, { 0 } },
	{ "log softmax", KESTREL_GRAPH_LOG_SOFTMAX, { { INT8, { 2, 3 } } }, { INT8, { 2, 3 } },
	  log_softmax, 0, { 0 } },
	{ "softmax by floats", KESTREL_GRAPH_SOFTMAX, { { INT8, { 2, 2 } } }, { INT8, { 2, 2 } },
	  float_softmax, 4, { -43, 43, -43, 43 } },
	{ "softmax of 16 bits", KESTREL_GRAPH_SOFTMAX, { { INT16, { 2, 3 } } },
	  { INT16, { 2, 3 } }, wide_softmax, 0, { 0 } },
	{ "normalisation", KESTREL_GRAPH_L2_NORMALIZATION, { { INT8, { 1, 2 } } },
	  { INT8, { 1, 2 } }, no_attributes, 2, { 0, 127 } },
	{ "layer normalisation", KESTREL_GRAPH_LAYER_NORM, { { INT8, { 2, 2 } } },
	  { INT8, { 2, 2 } }, layer_norm, 4, { -62, 127, -62, 127 } },
	{ "int8 weights of float32", KESTREL_GRAPH_FULLY_CONNECTED,
	  { { FLOAT32, { 2, 3 } }, { INT8, { 2, 3 } } }, { FLOAT32, { 2, 2 } }, hybrid, 0, { 0 } },
	{ "update in place", KESTREL_GRAPH_DYNAMIC_UPDATE_SLICE,
	  { { INT8, { 2, 3 } }, { INT8, { 1, 2 } }, { INT32, { 2 } } }, { INT8, { 2, 3 } },
	  no_attributes, 6, { 0, 0, 1, 3, 4, 5 } },
	{ "slices by indices", KESTREL_GRAPH_GATHER_ND, { { INT8, { 2, 3 } }, { INT64, { 2, 1 } } },
	  { INT8, { 2, 3 } }, no_attributes, 6, { 0, 1, 2, 3, 4, 5 } },
	{ "largest in order", KESTREL_GRAPH_TOP_K, { { INT8, { 2, 4 } } }, { INT8, { 2, 2 } },
	  no_attributes, 4, { 3, 2, 7, 6 } },
	{ "one of many", KESTREL_GRAPH_ONE_HOT,
	  { { INT32, { 2, 1 } }, { UINT8, { 1 } }, { UINT8, { 1 } } }, { UINT8, { 2, 2, 1 } },
	  axis, 0, { 0 } },
	{ "sums along", KESTREL_GRAPH_CUMULATIVE_SUM, { { INT32, { 2, 3 } } }, { INT32, { 2, 3 } },
	  cumulative_sum, 6, { 3, 2, 0, 9, 5, 0 } },
	{ "whole quotient", KESTREL_GRAPH_FLOOR_DIV, { { INT32, { 4 } }, { INT32, { 4 } } },
	  { INT32, { 4 } }, whole_numbers, 4, { 0, 1, 1, 1 } },
	{ "plain product", KESTREL_GRAPH_MUL, { { INT32, { 2, 3 } }, { INT32, { 3 } } },
	  { INT32, { 2, 3 } }, whole_numbers, 6, { 0, 1, 4, 0, 4, 10 } },
	{ "any", KESTREL_GRAPH_REDUCE_MAX, { { BOOL, { 2, 2 } } }, { BOOL, { 2 } }, extreme,
	  2, { 1, 1 } },
	{ "own scale", KESTREL_GRAPH_DYNAMIC_QUANTIZE, { { FLOAT32, { 4 } } }, { UINT8, { 4 } },
	  no_attributes, 4, { 0, 85, 170, 255 } },
	{ "integer product", KESTREL_GRAPH_MATMUL_INTEGER,
	  { { UINT8, { 2, 2 } }, { INT8, { 2, 3 } }, { UINT8, { 1 } } }, { INT32, { 2, 3 } },
	  no_attributes, 6, { 3, 4, 5, 9, 14, 19 } },
	{ "integer convolution", KESTREL_GRAPH_CONV_INTEGER,
	  { { UINT8, { 1, 1, 3, 1 } }, { INT8, { 2, 1, 2, 1 } }, { UINT8, { 1 } } },
	  { INT32, { 1, 1, 3, 2 } }, window, 6, { 0, 0, 1, 3, 2, 8 } },
	{ "resizing", KESTREL_GRAPH_RESIZE_BILINEAR, { { UINT8, { 1, 1, 2, 1 } } },
	  { UINT8, { 1, 1, 4, 1 } }, resize, 4, { 0, 0, 1, 1 } },
};

static uint32_t operand_put(struct test_graph *graph, const struct operand *operand)
{
	uint32_t tensor = test_tensor(graph, "t", operand->dims[0], operand->dims[1],
				      operand->dims[2], operand->dims[3]);

	graph->tensors[tensor].type = operand->type;
	graph->tensors[tensor].size *= graph_type_size(operand->type);
	return tensor;
}

static void further_outputs_put(uint32_t opcode, struct test_graph *graph,
				struct kestrel_graph_operator *operator)
{
	for (size_t f = 0; f < sizeof(further_outputs) / sizeof(further_outputs[0]); f++)
		for (int i = 0; further_outputs[f].opcode == opcode &&
				further_outputs[f].outputs[i].type; i++) {
			graph->indices[graph->index_count++] =
				operand_put(graph, &further_outputs[f].outputs[i]);
			operator->output_count++;
		}
}

static void sample_make(const struct sample *sample, struct test_graph *graph)
{
	uint32_t inputs[3] = { KESTREL_GRAPH_NONE, KESTREL_GRAPH_NONE, KESTREL_GRAPH_NONE };
	struct kestrel_graph_operator *operator;
	uint8_t zeros[64] = { 0 };
	uint32_t output;

	test_graph_begin(graph);
	for (int i = 0; i < 3 && sample->inputs[i].type; i++)
		inputs[i] = operand_put(graph, &sample->inputs[i]);
	output = operand_put(graph, &sample->output);
	operator = test_operator(graph, sample->opcode, inputs[0], inputs[1], inputs[2], output);
	further_outputs_put(sample->opcode, graph, operator);
	sample->attributes(graph, &operator->attributes);
	if (sample->opcode == KESTREL_GRAPH_FULLY_CONNECTED)
		test_constant(graph, inputs[1], zeros, (uint32_t)graph->tensors[inputs[1]].size);
	for (int i = 0; i < 3 && inputs[i] != KESTREL_GRAPH_NONE; i++)
		if (graph->tensors[inputs[i]].storage == KESTREL_GRAPH_STORAGE_VARIABLE)
			graph->inputs[graph->input_count++] = inputs[i];
	graph->outputs[graph->output_count++] = output;
}

/* Element i of an input is i. */
static void tensor_fill(const struct kestrel_graph_tensor *tensor, void *data)
{
	for (uint64_t i = 0; i < tensor->size / graph_type_size(tensor->type); i++) {
		if (tensor->type == FLOAT32)
			((float *)data)[i] = (float)i;
		else if (tensor->type == INT64)
			((int64_t *)data)[i] = (int64_t)i;
		else if (tensor->type == INT32)
			((int32_t *)data)[i] = (int32_t)i;
		else if (tensor->type == INT16)
			((int16_t *)data)[i] = (int16_t)i;
		else
			((uint8_t *)data)[i] = (uint8_t)(tensor->type == BOOL ? i != 0 : i);
	}
}

static int output_right(const struct sample *sample, const struct test_graph *test,
			const uint8_t *data)
{
	const struct kestrel_graph_tensor *tensor = &test->tensors[test->outputs[0]];
	struct array array = { .data = (void *)(uintptr_t)data, .type = tensor->type };
	int good = 1;

	for (uint32_t i = 0; i < sample->expected_count; i++) {
		good &= array_read(&array, i) == sample->expected[i];
		if (array_read(&array, i) != sample->expected[i])
			printf("# %s: element %u is %d, not %d\n", sample->name, i,
			       array_read(&array, i), sample->expected[i]);
	}
	return good;
}

/* Opens and runs it; 0 where the reader refuses it, -1 where the output is wrong. */
static int run(const struct sample *sample, const struct test_graph *test, int compare_output)
{
	uint8_t *addresses[TEST_RECORDS] = { NULL };
	struct cpu_program *program = NULL;
	struct message message = { .text = "" };
	struct graph graph;
	size_t size;
	uint8_t *file = test_graph_write(test, &size);
	void *scratch;
	int result = 0;

	if (graph_open(&graph, file, size, &message)) {
		if (compare_output)
			printf("# %s: %s\n", sample->name, message.text);
		free(file);
		return 0;
	}
	for (uint32_t i = 0; i < test->tensor_count; i++) {
		addresses[i] = malloc(test->tensors[i].size);
		if (!addresses[i])
			exit(1);
		tensor_fill(&test->tensors[i], addresses[i]);
	}
	if (!cpu_program_create(&graph, NULL, &program, &message)) {
		scratch = aligned_alloc(64, cpu_program_scratch(program) + 64);
		cpu_program_run(program, addresses, scratch, NULL, 0, 1, NULL, NULL);
		free(scratch);
		result = compare_output && !output_right(sample, test, addresses[test->outputs[0]]) ?
			 -1 : 1;
	}
	for (uint32_t i = 0; i < test->tensor_count; i++)
		free(addresses[i]);
	cpu_program_free(program);
	graph_close(&graph);
	free(file);
	return result;
}

/* How many damages to the attributes, types and dimensions the reader refuses. */
static unsigned int damages_refused(const struct sample *sample)
{
	static const uint32_t words[] = { 0, 1, 2, 7, 255, 513, 65536, 0x3f800000, 0x7fffffff,
					  0x80000000, 0xffffff80, 0xffffffff };
	unsigned int refused = 0;
	struct test_graph good, damaged;

	sample_make(sample, &good);
	for (size_t at = 0; at < KESTREL_GRAPH_ATTRIBUTE_BYTES; at += 4)
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			damaged = good;
			memcpy(damaged.operators[0].attributes.bytes + at, &words[i], 4);
			refused += !run(sample, &damaged, 0);
		}
	for (uint32_t t = 0; t < good.tensor_count; t++) {
		struct kestrel_graph_tensor *tensor = &damaged.tensors[t];

		for (uint32_t type = INT8; type <= BOOL; type++) {
			damaged = good;
			tensor->size = tensor->size / graph_type_size(tensor->type) *
				       graph_type_size(type);
			tensor->type = (uint8_t)type;
			refused += !run(sample, &damaged, 0);
		}
		for (uint8_t d = 0; d < good.tensors[t].rank; d++) {
			damaged = good;
			tensor->size = tensor->size / tensor->dims[d] * (tensor->dims[d] + 1);
			tensor->dims[d]++;
			refused += !run(sample, &damaged, 0);
		}
		damaged = good;
		tensor->dims[tensor->rank++] = 1;
		refused += !run(sample, &damaged, 0);
	}
	return refused;
}

int main(void)
{
	char name[128];

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct test_graph graph;
		unsigned int refused;

		sample_make(&samples[i], &graph);
		snprintf(name, sizeof(name), "%s runs", samples[i].name);
		test_result(name, run(&samples[i], &graph, 1) == 1);
		refused = damages_refused(&samples[i]);
		snprintf(name, sizeof(name), "%s: damage is refused or harmless", samples[i].name);
		test_result(name, refused >= REFUSED_LEAST);
	}
	return test_failures != 0;
}
