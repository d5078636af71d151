// SPDX-License-Identifier: MIT
/*
 * Damaged ONNX models through the compiler, libnpu's checks and the processor. A
 * network with operators of all kinds is changed in a few places: operators,
 * operands, attributes, shapes, constants, and bytes of the file. Whatever comes
 * of it is a refusal with a message or a graph that libnpu takes and runs.
 *
 * Arguments: none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <npu.h>

#include "compile.h"
#include "error.h"
#include "fuzz.h"
#include "onnx_model.h"

/* A graph that asks for more memory than this is sound but not worth a run. */
#define ARENA_BYTES_MAX (4u << 20)

static const char *const operators[] = {
	"QuantizeLinear", "DequantizeLinear", "Conv", "ConvTranspose", "QLinearConv", "Gemm",
	"MatMul", "QLinearMatMul", "Add", "Sub", "Mul", "Div", "Min", "Max", "Pow", "PRelu",
	"QLinearAdd", "QLinearMul", "MaxPool", "AveragePool", "GlobalMaxPool",
	"GlobalAveragePool", "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "Softmax",
	"LogSoftmax", "LayerNormalization", "Resize", "Reshape", "Flatten", "Squeeze",
	"Unsqueeze", "Transpose", "Concat", "Slice", "Split", "Gather", "Pad", "Identity",
	"Dropout", "Cast", "Constant", "ConstantOfShape", "Shape", "Size", "Relu", "Clip",
	"Sigmoid", "Tanh", "LeakyRelu", "HardSwish", "Exp", "Gelu", "Round", "Sqrt",
};

static const char *const attributes[] = {
	"axis", "axes", "pads", "strides", "dilations", "group", "kernel_shape", "ceil_mode",
	"count_include_pad", "keepdims", "perm", "transA", "transB", "allowzero", "to", "split",
	"output_padding", "value_ints", "block_size", "output_dtype",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static Onnx__Node *any_node(struct fuzz_random *random, struct onnx_model *model)
{
	return model->nodes[fuzz_below(random, (uint32_t)model->graph.n_node)];
}

/* A name that something has: of a constant or of what a node makes. */
static const char *any_name(struct fuzz_random *random, struct onnx_model *model)
{
	if (fuzz_once_in(random, 3))
		return model->constants[fuzz_below(random,
						   (uint32_t)model->graph.n_initializer)]->name;
	return any_node(random, model)->output[0];
}

static int64_t any_number(struct fuzz_random *random)
{
	int64_t value = fuzz_below(random, 12);

	if (fuzz_once_in(random, 3))
		value = -value;
	return fuzz_once_in(random, 8) ? (int32_t)fuzz_value(random) : value;
}

static void damage_node(struct fuzz_random *random, struct onnx_model *model)
{
	Onnx__Node *node = any_node(random, model);
	int64_t numbers[9];
	uint32_t count = 1 + fuzz_below(random, 8);

	for (uint32_t i = 0; i < count; i++)
		numbers[i] = any_number(random);
	numbers[count] = INT64_MIN;
	switch (fuzz_below(random, 6)) {
	case 0:
		node->op_type = onnx_model_copy(model, operators[fuzz_below(random,
							COUNT(operators))]);
		break;
	case 1:
		if (node->n_input < 10)
			node->input[node->n_input++] = onnx_model_copy(model, "");
		break;
	case 2:
		node->n_input -= node->n_input > 0;
		break;
	case 3:
		if (node->n_attribute < 10)
			onnx_model_ints(model, node, attributes[fuzz_below(random,
							COUNT(attributes))], numbers);
		break;
	case 4:
		if (node->n_attribute < 10)
			onnx_model_int(model, node, attributes[fuzz_below(random,
							COUNT(attributes))], numbers[0]);
		break;
	default:
		if (node->n_input)
			node->input[fuzz_below(random, (uint32_t)node->n_input)] =
				onnx_model_copy(model, any_name(random, model));
	}
}

static void damage_constant(struct fuzz_random *random, struct onnx_model *model)
{
	Onnx__Tensor *tensor = model->constants[fuzz_below(random,
						(uint32_t)model->graph.n_initializer)];
	size_t elements = 1;

	switch (fuzz_below(random, 4)) {
	case 0:
		tensor->data_type = (int32_t)fuzz_below(random, 12);
		break;
	case 1:
		if (tensor->n_dims)
			tensor->dims[fuzz_below(random, (uint32_t)tensor->n_dims)] =
				any_number(random);
		break;
	case 2:
		/* Another shape of as many elements. */
		for (size_t d = 0; d < tensor->n_dims; d++)
			elements *= (size_t)tensor->dims[d];
		tensor->n_dims = 1 + fuzz_below(random, 4);
		for (size_t d = 0; d < tensor->n_dims; d++)
			tensor->dims[d] = 1;
		tensor->dims[fuzz_below(random, (uint32_t)tensor->n_dims)] = (int64_t)elements;
		break;
	default:
		fuzz_damage(random, tensor->raw_data.data, (uint32_t)tensor->raw_data.len);
	}
}

static void damage_graph(struct fuzz_random *random, struct onnx_model *model)
{
	Onnx__Shape *shape = model->inputs[0]->type->tensor_type->shape;
	uint32_t a = fuzz_below(random, (uint32_t)model->graph.n_node);
	uint32_t b = fuzz_below(random, (uint32_t)model->graph.n_node);
	Onnx__Node *node = model->nodes[a];

	switch (fuzz_below(random, 4)) {
	case 0:
		shape->dim[fuzz_below(random, (uint32_t)shape->n_dim)]->dim_value =
			any_number(random);
		break;
	case 1:
		model->nodes[a] = model->nodes[b];
		model->nodes[b] = node;
		break;
	case 2:
		model->outputs[0]->name = onnx_model_copy(model, any_name(random, model));
		break;
	default:
		model->set.version = 8 + fuzz_below(random, 16);
	}
}

static bool compiled_runs(const struct buffer *graph)
{
	static const uint8_t input[1u << 16];
	struct npu_model_info info = { .size = sizeof(info) };
	struct npu_tensor tensor = { .size = sizeof(tensor) };
	struct npu_device *device;
	struct npu_model *model;
	bool good = true;

	if (npu_open("cpu", &device))
		return false;
	if (npu_model_load(device, graph->data, graph->bytes, &model)) {
		printf("# libnpu refuses what the compiler wrote: %s\n", npu_errmsg(device));
		npu_close(device);
		return false;
	}
	if (!npu_model_info(model, &info) && info.arena_bytes < ARENA_BYTES_MAX &&
	    info.input_count == 1 && info.output_count == 1 &&
	    !npu_tensor(model, NPU_INPUT, 0, &tensor) && tensor.bytes <= sizeof(input) &&
	    !npu_tensor(model, NPU_OUTPUT, 0, &tensor)) {
		uint8_t *output = malloc(tensor.bytes);

		good = output && !npu_run(model, (const void *const []){ input },
					  (void *const []){ output });
		free(output);
	}
	npu_model_free(model);
	npu_close(device);
	return good;
}

static bool run_case(uint64_t seed)
{
	struct fuzz_random random = fuzz_random_start(seed);
	struct compile_request request = { .name = "fuzzed.onnx", .wants_report = true };
	struct compile_result result = { 0 };
	struct error error = { "" };
	struct onnx_model model;
	uint8_t *bytes, *exact;
	bool good = true;
	int ret;

	onnx_model_sample(&model);
	for (uint32_t i = 1 + fuzz_below(&random, 4); i > 0; i--) {
		uint32_t which = fuzz_below(&random, 8);

		if (which < 4)
			damage_node(&random, &model);
		else if (which < 6)
			damage_constant(&random, &model);
		else
			damage_graph(&random, &model);
	}
	bytes = onnx_model_pack(&model, &request.bytes);
	if (fuzz_once_in(&random, 8))
		fuzz_damage(&random, bytes, (uint32_t)request.bytes);
	/* In memory of exactly its size, so that every byte beyond counts. */
	exact = malloc(request.bytes);
	if (!exact)
		return false;
	memcpy(exact, bytes, request.bytes);
	request.data = exact;
	/* The stream costs most of the time. */
	request.no_stream = !fuzz_once_in(&random, 16);
	ret = compile(&request, &result, &error);
	if (ret && !error.text[0]) {
		puts("# refused without a message");
		good = false;
	}
	if (!ret)
		good = compiled_runs(&result.graph);
	compile_release(&result);
	free(exact);
	free(bytes);
	onnx_model_release(&model);
	return good;
}

int main(int argc, char **argv)
{
	static const struct fuzz_target targets[] = {
		{ .name = "onnx-models", .count = 3000, .run = run_case },
		{ .name = NULL },
	};
	char **arguments;

	return fuzz_main(argc, argv, targets, NULL, &arguments);
}
