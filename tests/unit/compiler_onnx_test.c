// SPDX-License-Identifier: MIT
/*
 * The ONNX reader: numbers and layouts of small models, a network with operators
 * of all kinds, and damaged ones, each refused with words that say what is wrong.
 */
#include <errno.h>
#include <string.h>

#include "compile.h"
#include "compiler_test.h"
#include "error.h"
#include "ir.h"
#include "onnx.h"
#include "onnx_model.h"

#define TWO_MEBIBYTES ((size_t)2 << 20)

static Onnx__Node *find_node(struct onnx_model *model, const char *output)
{
	for (size_t i = 0; i < model->graph.n_node; i++)
		if (!strcmp(model->nodes[i]->output[0], output))
			return model->nodes[i];
	exit(2);
}

static Onnx__Tensor *find_constant(struct onnx_model *model, const char *name)
{
	for (size_t i = 0; i < model->graph.n_initializer; i++)
		if (!strcmp(model->constants[i]->name, name))
			return model->constants[i];
	exit(2);
}

static const struct ir_operator *find_operator(const struct ir_graph *graph, enum ir_kind kind)
{
	for (unsigned int o = 0; o < graph->operator_count; o++)
		if (graph->operators[o].kind == kind && !graph->operators[o].removed_reason)
			return &graph->operators[o];
	return NULL;
}

static float float_of(struct ir_scale scale)
{
	float value;

	memcpy(&value, &scale.multiplier, sizeof(value));
	return value;
}

/* One convolution with Relu in its frame: [1, 2, 2, 2] with weights [1, 2, 1, 2]. */
static void check_convolution(struct test *test)
{
	static const int64_t dims[] = { 1, 2, 1, 2, 0 };
	struct arena arena = { 0 };
	struct error error = { "" };
	struct ir_graph graph = { .arena = &arena, .error = &error };
	const struct ir_operator *op;
	struct onnx_model model;
	uint8_t *bytes;
	size_t size;

	onnx_model_begin(&model, 13);
	onnx_model_input(&model, "x", ONNX_FLOAT, (const int64_t[]){ 1, 2, 2, 2, 0 });
	onnx_model_affine(&model, "in", 0.5f, 3);
	onnx_model_affine(&model, "out", 0.25f, -8);
	onnx_model_affine(&model, "w", 0.125f, 0);
	onnx_model_constant(&model, "w_data", ONNX_INT8, dims, (const int8_t[]){ 1, 2, 3, 4 }, 4);
	onnx_model_constant(&model, "bias", ONNX_FLOAT, (const int64_t[]){ 1, 0 },
			    (const float[]){ 0.5f }, 4);
	onnx_model_node(&model, "DequantizeLinear", "w_data w_scale w_zero", "w");
	onnx_model_frame(&model, "x", "xd", "in");
	onnx_model_node(&model, "Conv", "xd w bias", "c");
	onnx_model_node(&model, "Relu", "c", "r");
	onnx_model_frame(&model, "r", "y", "out");
	onnx_model_output(&model, "y");
	bytes = onnx_model_pack(&model, &size);
	CHECK(test, !onnx_read(&graph, bytes, size));
	op = find_operator(&graph, IR_CONVOLUTION);
	CHECK(test, op);
	if (op) {
		const struct ir_tensor *weights = &graph.tensors[op->inputs[1]];

		CHECK(test, op->rounding == IR_ROUNDING_FLOAT && op->scale_count == 1);
		CHECK(test, float_of(op->scales[0]) == 0.5f * 0.125f / 0.25f);
		CHECK(test, op->input_zero_point == 3 && op->output_zero_point == -8);
		CHECK(test, op->clamp_low == -8 && op->clamp_high == 127);
		CHECK(test, op->bias && op->bias[0] == 8);
		/* Channels behind rows and columns: 1 3 2 4. */
		CHECK(test, weights->rank == 4 && weights->shape[3] == 2);
		CHECK(test, !memcmp(weights->data, (const int8_t[]){ 1, 3, 2, 4 }, 4));
		CHECK(test, graph.tensors[op->outputs[0]].shape[1] == 2);
	}
	CHECK(test, graph.tensors[graph.inputs[0]].shape[1] == 2);
	CHECK(test, !strcmp(graph.numerics, "onnx"));
	test_end(test, "a convolution with Relu, its numbers and its layout");
	free(bytes);
	onnx_model_release(&model);
	arena_release(&arena);
}

/* What any operator of integers may need beside what it becomes. */
static bool is_conversion(enum ir_kind kind)
{
	return kind == IR_TRANSPOSE || kind == IR_RESHAPE || kind == IR_COPY ||
	       kind == IR_TABLE || kind == IR_FLOAT_TABLE || kind == IR_DEQUANTISE;
}

/* Whether npuc --list-ops says that the ONNX operator of this type can become `kind`. */
static bool is_listed(const char *type, enum ir_kind kind)
{
	struct onnx_form form;

	for (unsigned int i = 0; onnx_form(i, &form); i++)
		for (unsigned int k = 0; !strcmp(form.type, type) && k < ONNX_KINDS_MAX; k++)
			if (form.kinds[k] == kind)
				return true;
	return false;
}

static void check_forms(struct test *test)
{
	struct arena arena = { 0 };
	struct error error = { "" };
	struct ir_graph graph = { .arena = &arena, .error = &error };
	unsigned int listed = 0;
	struct onnx_model model;
	uint8_t *bytes;
	size_t size;

	onnx_model_sample(&model);
	bytes = onnx_model_pack(&model, &size);
	CHECK(test, !onnx_read(&graph, bytes, size));
	for (unsigned int o = 0; o < graph.operator_count; o++) {
		const struct ir_operator *op = &graph.operators[o];

		if (op->removed_reason || is_conversion(op->kind) ||
		    graph.tensors[op->inputs[0]].type == IR_FLOAT32)
			continue;
		CHECK(test, is_listed(op->type_name, op->kind));
		listed++;
	}
	CHECK(test, listed > 8);
	test_end(test, "npuc --list-ops names what operators become");
	arena_release(&arena);
	onnx_model_release(&model);
	free(bytes);
}

/*
 * The largest of two values of different scales and a constant, as integers of the result's
 * scale; and a sum of constants, of which no operator is left.
 */
static void check_chains(struct test *test)
{
	static const int64_t dims[] = { 1, 4, 0 };
	static const float floats[] = { -1, 0, 1, 99 };
	struct arena arena = { 0 };
	struct error error = { "" };
	struct ir_graph graph = { .arena = &arena, .error = &error };
	unsigned int largest = 0, tables = 0, sums = 0;
	const struct ir_operator *op;
	struct onnx_model model;
	uint8_t *bytes;
	size_t size;

	onnx_model_begin(&model, 13);
	onnx_model_input(&model, "x0", ONNX_INT8, dims);
	onnx_model_input(&model, "x1", ONNX_INT8, dims);
	onnx_model_affine(&model, "one", 0.5f, 3);
	onnx_model_affine(&model, "other", 0.25f, -8);
	onnx_model_constant(&model, "c", ONNX_FLOAT, dims, floats, sizeof(floats));
	onnx_model_node(&model, "DequantizeLinear", "x0 one_scale one_zero", "x0d");
	onnx_model_node(&model, "DequantizeLinear", "x1 other_scale other_zero", "x1d");
	onnx_model_node(&model, "Sum", "c c c", "s");
	onnx_model_node(&model, "Max", "x0d x1d c", "m");
	onnx_model_node(&model, "QuantizeLinear", "m other_scale other_zero", "y");
	onnx_model_output(&model, "y");
	bytes = onnx_model_pack(&model, &size);
	CHECK(test, !onnx_read(&graph, bytes, size));
	for (unsigned int o = 0; o < graph.operator_count; o++) {
		op = &graph.operators[o];
		largest += op->kind == IR_MAXIMUM && !strcmp(op->type_name, "Max");
		tables += op->kind == IR_TABLE;
		sums += op->removed_reason && !strcmp(op->type_name, "Sum");
		CHECK(test, op->removed_reason || op->kind == IR_MAXIMUM || op->kind == IR_TABLE);
	}
	CHECK(test, largest == 2);
	CHECK(test, tables == 1);
	CHECK(test, sums == 1);
	op = find_operator(&graph, IR_TABLE);
	/* 0.5 (5 - 3) = 0.25 (-4 + 8) */
	CHECK(test, op && op->table && (int8_t)op->table[5] == -4);
	op = find_operator(&graph, IR_MAXIMUM);
	CHECK(test, op && graph.tensors[op->outputs[0]].type == IR_INT8);
	test_end(test, "operators on any number of values");
	arena_release(&arena);
	onnx_model_release(&model);
	free(bytes);
}

static int compile_model(const struct onnx_model *model, struct compile_result *result,
			 struct error *error)
{
	struct compile_request request = { .name = "test.onnx", .wants_report = true };
	uint8_t *bytes = onnx_model_pack(model, &request.bytes);
	int ret;

	request.data = bytes;
	ret = compile(&request, result, error);
	free(bytes);
	return ret;
}

static void check_sample(struct test *test)
{
	struct compile_result first = { 0 }, second = { 0 };
	struct error error = { "" };
	struct onnx_model model;

	onnx_model_sample(&model);
	CHECK(test, !compile_model(&model, &first, &error));
	if (error.text[0])
		printf("# %s\n", error.text);
	CHECK(test, !compile_model(&model, &second, &error));
	CHECK(test, first.graph.bytes && first.graph.bytes == second.graph.bytes &&
	      !memcmp(first.graph.data, second.graph.data, first.graph.bytes));
	CHECK(test, first.report.data &&
	      strstr((const char *)first.report.data, "\"numerics\": \"onnx\""));
	test_end(test, "a network with operators of all kinds, the same bytes twice");
	compile_release(&first);
	compile_release(&second);
	onnx_model_release(&model);
}

static void external_data(struct onnx_model *model)
{
	Onnx__Tensor *tensor = find_constant(model, "w0_data");

	tensor->has_raw_data = 0;
	tensor->has_data_location = 1;
	tensor->data_location = 1;
}

static void short_data(struct onnx_model *model)
{
	find_constant(model, "w0_data")->raw_data.len--;
}

static void half_floats(struct onnx_model *model)
{
	find_constant(model, "ones")->data_type = 10;
}

static void many_dimensions(struct onnx_model *model)
{
	static int64_t dims[] = { 1, 1, 1, 1, 1, 1, 8 };

	find_constant(model, "ones")->dims = dims;
	find_constant(model, "ones")->n_dims = 7;
}

static void unknown_operator(struct onnx_model *model)
{
	find_node(model, "g0")->op_type = onnx_model_copy(model, "Einsum");
}

static void foreign_operator(struct onnx_model *model)
{
	find_node(model, "g0")->domain = onnx_model_copy(model, "org.example");
}

static void integer_among_floats(struct onnx_model *model)
{
	find_node(model, "g0")->op_type = onnx_model_copy(model, "DynamicQuantizeLinear");
}

static void missing_name(struct onnx_model *model)
{
	find_node(model, "g0")->input[0] = onnx_model_copy(model, "nowhere");
}

static void wrong_order(struct onnx_model *model)
{
	Onnx__Node *first = model->nodes[0];
	size_t last = model->graph.n_node - 1;

	model->nodes[0] = model->nodes[last];
	model->nodes[last] = first;
}

static void made_twice(struct onnx_model *model)
{
	onnx_model_node(model, "Relu", "x0", "g0");
}

static void negative_scale(struct onnx_model *model)
{
	float scale = -0.5f;

	memcpy(find_constant(model, "a_scale")->raw_data.data, &scale, sizeof(scale));
}

static void old_opset(struct onnx_model *model)
{
	model->set.version = 9;
}

static void new_opset(struct onnx_model *model)
{
	model->set.version = 99;
}

static void free_dimension(struct onnx_model *model)
{
	Onnx__Dimension *dimension = model->inputs[0]->type->tensor_type->shape->dim[2];

	dimension->has_dim_value = 0;
	dimension->dim_param = onnx_model_copy(model, "height");
}

static void wrong_groups(struct onnx_model *model)
{
	find_node(model, "c1")->attribute[0]->i = 3;
}

static void wrong_kernel(struct onnx_model *model)
{
	onnx_model_ints(model, find_node(model, "c0"), "kernel_shape",
			(const int64_t[]){ 5, 5, INT64_MIN });
}

static void large_kernel(struct onnx_model *model)
{
	find_node(model, "p0")->attribute[0]->ints[0] = 99;
}

static void wrong_axis(struct onnx_model *model)
{
	find_node(model, "j0")->attribute[0]->i = 7;
}

static void wrong_permutation(struct onnx_model *model)
{
	find_node(model, "t0")->attribute[0]->ints[0] = 1;
}

static void wrong_shape(struct onnx_model *model)
{
	find_constant(model, "rest")->raw_data.data[0] = 9;
}

static void no_outputs(struct onnx_model *model)
{
	model->graph.n_output = 0;
}

static void unknown_output(struct onnx_model *model)
{
	model->outputs[0]->name = onnx_model_copy(model, "nothing");
}

static void no_graph(struct onnx_model *model)
{
	model->model.graph = NULL;
}

static void no_nodes(struct onnx_model *model)
{
	model->graph.n_node = 0;
	model->outputs[0]->name = onnx_model_copy(model, "x");
}

static void too_few_inputs(struct onnx_model *model)
{
	find_node(model, "c0")->n_input = 1;
}

static void absent_summand(struct onnx_model *model)
{
	onnx_model_node(model, "Sum", "x -", "sum");
}

static void empty_sum(struct onnx_model *model)
{
	onnx_model_node(model, "Sum", "", "sum");
}

static void huge_constant(struct onnx_model *model)
{
	static const int64_t sizes[] = { 1 << 20, 1 << 20 };

	onnx_model_constant(model, "sizes", ONNX_INT64, (const int64_t[]){ 2, 0 }, sizes,
			    sizeof(sizes));
	onnx_model_node(model, "ConstantOfShape", "sizes", "huge");
}

/* Each node takes its input twice: sizes double. */
static void doubling_constants(struct onnx_model *model)
{
	Onnx__Node *node;
	char inputs[32], name[16] = "w0_data";

	for (int i = 0; i < 24; i++) {
		snprintf(inputs, sizeof(inputs), "%s %s", name, name);
		snprintf(name, sizeof(name), "twice%d", i);
		node = onnx_model_node(model, "Concat", inputs, name);
		onnx_model_int(model, node, "axis", 0);
	}
}

/* 216 weights of eight bits as four bits each: twice the bytes that they need. */
static void long_int4(struct onnx_model *model)
{
	find_constant(model, "w0_data")->data_type = 22;
}

static void int4_activation(struct onnx_model *model)
{
	onnx_model_int(model, find_node(model, "x0_q"), "output_dtype", 22);
}

static void blocked_weights(struct onnx_model *model)
{
	onnx_model_int(model, find_node(model, "w0"), "block_size", 32);
}

static const struct defect {
	const char *name;
	void (*damage)(struct onnx_model *model);
	int code;
	const char *words[2];
} defects[] = {
	{ "data in another file", external_data, -ENOTSUP, { "w0_data", "another file" } },
	{ "data that is too short", short_data, -EINVAL, { "w0_data", "its shape needs 216" } },
	{ "float16", half_floats, -ENOTSUP, { "ones", "float16" } },
	{ "seven dimensions", many_dimensions, -ENOTSUP, { "ones", "7 dimensions" } },
	{ "an unknown operator", unknown_operator, -ENOTSUP,
	  { "\"g0\" (Einsum), tensor \"p0\" float32 1x8x4x4: ", "CPU form: replace it by operators that \"npuc --list-ops\"" } },
	{ "an unknown domain", foreign_operator, -ENOTSUP, { "\"g0\"", "org.example" } },
	{ "an integer among floats", integer_among_floats, -EINVAL, { "\"g1\" (Mul)", "type uint8" } },
	{ "an input that does not exist", missing_name, -EINVAL, { "\"g0\"", "nowhere" } },
	{ "nodes in the wrong order", wrong_order, -EINVAL, { "Softmax", "later node" } },
	{ "an output made twice", made_twice, -EINVAL, { "\"g0\" (Relu)", "made twice" } },
	{ "a negative scale", negative_scale, -EINVAL, { "a_scale", "not positive" } },
	{ "an old operator set", old_opset, -ENOTSUP, { "operator set 9", "version_converter" } },
	{ "a new operator set", new_opset, -ENOTSUP, { "operator set 99", "10 to 21" } },
	{ "a dimension that is not fixed", free_dimension, -ENOTSUP, { "\"height\"", "fixed" } },
	{ "groups that do not divide", wrong_groups, -EINVAL, { "\"c1\" (Conv)", "3 groups" } },
	{ "a kernel unlike the weights", wrong_kernel, -EINVAL, { "\"c0\"", "kernel_shape" } },
	{ "a kernel beyond the input", large_kernel, -EINVAL, { "\"p0\" (MaxPool)", "99" } },
	{ "an axis beyond the rank", wrong_axis, -EINVAL, { "\"j0\" (Concat)", "axis 7" } },
	{ "a permutation that repeats", wrong_permutation, -EINVAL, { "\"t0\"", "twice" } },
	{ "a shape of other elements", wrong_shape, -EINVAL, { "\"m0\"", "72 are needed" } },
	{ "no outputs", no_outputs, -EINVAL, { "no outputs", "" } },
	{ "an output that nothing makes", unknown_output, -EINVAL, { "nothing", "exist" } },
	{ "no graph", no_graph, -EINVAL, { "no graph", "" } },
	{ "no nodes", no_nodes, -EINVAL, { "no nodes", "" } },
	{ "too few inputs", too_few_inputs, -EINVAL, { "\"c0\" (Conv)", "1 inputs" } },
	{ "a sum with an absent input", absent_summand, -EINVAL,
	  { "\"sum\" (Sum)", "input 1 is missing" } },
	{ "a sum of nothing", empty_sum, -EINVAL, { "\"sum\" (Sum)", "0 inputs" } },
	{ "a constant of 2^40 elements", huge_constant, -ENOTSUP, { "huge", "too large" } },
	{ "int4 weights that are too long", long_int4, -EINVAL, { "w0_data", "needs 108" } },
	{ "activations of int4", int4_activation, -ENOTSUP, { "x0_q", "only weights" } },
	{ "blocked quantisation", blocked_weights, -ENOTSUP, { "w0", "per channel" } },
	{ "constants that double", doubling_constants, -ENOTSUP, { "Concat", "grow too large" } },
};

static void check_defects(struct test *test)
{
	for (size_t i = 0; i < sizeof(defects) / sizeof(defects[0]); i++) {
		const struct defect *defect = &defects[i];
		struct compile_result result = { 0 };
		struct error error = { "" };
		struct onnx_model model;
		int ret;

		onnx_model_sample(&model);
		defect->damage(&model);
		ret = compile_model(&model, &result, &error);
		CHECK(test, ret == defect->code);
		CHECK(test, strstr(error.text, defect->words[0]));
		CHECK(test, strstr(error.text, defect->words[1]));
		if (test->failed_here)
			printf("# %d: %s\n", ret, error.text);
		test_end(test, defect->name);
		compile_release(&result);
		onnx_model_release(&model);
	}
}

static int compile_bytes(const uint8_t *bytes, size_t size, struct error *error)
{
	struct compile_request request = { .data = bytes, .bytes = size, .no_stream = true };
	struct compile_result result = { 0 };
	int ret = compile(&request, &result, error);

	compile_release(&result);
	return ret;
}

static void check_bytes(struct test *test)
{
	struct error error = { "" };
	struct onnx_model model;
	uint8_t *bytes, *bomb;
	size_t size;

	onnx_model_sample(&model);
	bytes = onnx_model_pack(&model, &size);
	CHECK(test, !compile_bytes(bytes, size, &error));
	CHECK(test, compile_bytes(bytes, size / 2, &error) == -EINVAL &&
	      strstr(error.text, "unpacked"));
	CHECK(test, compile_bytes(bytes, 2, &error) == -ENOTSUP);
	test_end(test, "half a file");
	/* Field 7, the graph, of nothing but empty nodes: 50 bytes of memory for each. */
	bomb = malloc(TWO_MEBIBYTES);
	if (!bomb)
		exit(2);
	for (size_t i = 0; i < TWO_MEBIBYTES; i += 2)
		memcpy(bomb + i, (const uint8_t[]){ 0x0a, 0x00 }, 2);
	memcpy(bomb, (const uint8_t[]){ 0x08, 0x08, 0x3a, 0xfa, 0xff, 0x7f, 0x0a, 0x00 }, 8);
	CHECK(test, compile_bytes(bomb, TWO_MEBIBYTES, &error) == -EINVAL);
	test_end(test, "a file that unpacks to far more memory");
	free(bomb);
	free(bytes);
	onnx_model_release(&model);
}

int main(void)
{
	struct test test = { 0 };

	check_convolution(&test);
	check_forms(&test);
	check_chains(&test);
	check_sample(&test);
	check_defects(&test);
	check_bytes(&test);
	return test.failed != 0;
}
