// SPDX-License-Identifier: MIT
/*
 * The reader of ONNX files, and all that follows it. Half of the mutations are
 * libFuzzer's, of bytes; the others change the messages: operators, operands,
 * attributes, shapes, constants.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "onnx.pb-c.h"
#include "reader.h"

/* So long are the lists that are made longer. */
#define LIST_MAX 10
#define ATTRIBUTE_INT 2
#define ATTRIBUTE_INTS 7

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const profiles[] = { "onnx" };

	reader_model(data, size, profiles, COUNT(profiles));
	return 0;
}

static void *memory_get(void *old, size_t size)
{
	void *memory = realloc(old, size);

	if (!memory)
		abort();
	return memory;
}

static void text_set(char **text, const char *value)
{
	size_t size = strlen(value) + 1;

	/* `value` may be the text itself. */
	char *copy = memcpy(memory_get(NULL, size), value, size);

	free(*text);
	*text = copy;
}

static Onnx__Node *any_node(struct fuzz_random *random, const Onnx__Graph *graph)
{
	return graph->n_node ? graph->node[fuzz_below(random, (uint32_t)graph->n_node)] : NULL;
}

static Onnx__Tensor *any_constant(struct fuzz_random *random, const Onnx__Graph *graph)
{
	return graph->n_initializer ?
	       graph->initializer[fuzz_below(random, (uint32_t)graph->n_initializer)] : NULL;
}

/* A name that something has: of a constant or of what a node makes. */
static const char *any_name(struct fuzz_random *random, const Onnx__Graph *graph)
{
	const Onnx__Tensor *constant = any_constant(random, graph);
	const Onnx__Node *node = any_node(random, graph);

	if (constant && constant->name && fuzz_once_in(random, 3))
		return constant->name;
	return node && node->n_output ? node->output[0] : "";
}

static int64_t any_number(struct fuzz_random *random)
{
	int64_t value = fuzz_below(random, 12);

	if (fuzz_once_in(random, 3))
		value = -value;
	return fuzz_once_in(random, 8) ? (int32_t)fuzz_value(random) : value;
}

static void node_attribute(struct fuzz_random *random, Onnx__Node *node)
{
	Onnx__Attribute *made;

	if (node->n_attribute >= LIST_MAX)
		return;
	made = memory_get(NULL, sizeof(*made));
	onnx__attribute__init(made);
	text_set(&made->name, attributes[fuzz_below(random, COUNT(attributes))]);
	made->has_type = 1;
	if (fuzz_once_in(random, 2)) {
		made->type = ATTRIBUTE_INT;
		made->has_i = 1;
		made->i = any_number(random);
	} else {
		made->type = ATTRIBUTE_INTS;
		made->n_ints = 1 + fuzz_below(random, 8);
		made->ints = memory_get(NULL, made->n_ints * sizeof(*made->ints));
		for (size_t i = 0; i < made->n_ints; i++)
			made->ints[i] = any_number(random);
	}
	node->attribute = memory_get(node->attribute,
				     (node->n_attribute + 1) * sizeof(*node->attribute));
	node->attribute[node->n_attribute++] = made;
}

static void node_damage(struct fuzz_random *random, const Onnx__Graph *graph, Onnx__Node *node)
{
	switch (fuzz_below(random, 6)) {
	case 0:
		text_set(&node->op_type, operators[fuzz_below(random, COUNT(operators))]);
		break;
	case 1:
		if (node->n_input >= LIST_MAX)
			break;
		node->input = memory_get(node->input, (node->n_input + 1) * sizeof(*node->input));
		node->input[node->n_input] = NULL;
		text_set(&node->input[node->n_input++], "");
		break;
	case 2:
		if (node->n_input)
			free(node->input[--node->n_input]);
		break;
	case 3:
	case 4:
		node_attribute(random, node);
		break;
	default:
		if (node->n_input)
			text_set(&node->input[fuzz_below(random, (uint32_t)node->n_input)],
				 any_name(random, graph));
	}
}

/* Another shape of as many elements. */
static void constant_reshape(struct fuzz_random *random, Onnx__Tensor *tensor)
{
	uint64_t elements = 1;

	for (size_t d = 0; d < tensor->n_dims; d++)
		elements *= (uint64_t)tensor->dims[d];
	tensor->n_dims = 1 + fuzz_below(random, 4);
	tensor->dims = memory_get(tensor->dims, tensor->n_dims * sizeof(*tensor->dims));
	for (size_t d = 0; d < tensor->n_dims; d++)
		tensor->dims[d] = 1;
	tensor->dims[fuzz_below(random, (uint32_t)tensor->n_dims)] = (int64_t)elements;
}

static void constant_damage(struct fuzz_random *random, Onnx__Tensor *tensor)
{
	switch (fuzz_below(random, 4)) {
	case 0:
		tensor->has_data_type = 1;
		tensor->data_type = (int32_t)fuzz_below(random, 12);
		break;
	case 1:
		if (tensor->n_dims)
			tensor->dims[fuzz_below(random, (uint32_t)tensor->n_dims)] =
				any_number(random);
		break;
	case 2:
		constant_reshape(random, tensor);
		break;
	default:
		if (tensor->raw_data.len)
			fuzz_damage(random, tensor->raw_data.data, (uint32_t)tensor->raw_data.len);
	}
}

static void input_damage(struct fuzz_random *random, const Onnx__Graph *graph)
{
	const Onnx__Type *type = graph->n_input ? graph->input[0]->type : NULL;
	const Onnx__Shape *shape = type && type->tensor_type ? type->tensor_type->shape : NULL;
	Onnx__Dimension *dimension;

	if (!shape || !shape->n_dim)
		return;
	dimension = shape->dim[fuzz_below(random, (uint32_t)shape->n_dim)];
	dimension->has_dim_value = 1;
	dimension->dim_value = any_number(random);
}

static void graph_damage(struct fuzz_random *random, Onnx__Model *model)
{
	Onnx__Graph *graph = model->graph;
	uint32_t a, b;
	Onnx__Node *node;

	switch (fuzz_below(random, 4)) {
	case 0:
		input_damage(random, graph);
		break;
	case 1:
		if (!graph->n_node)
			break;
		a = fuzz_below(random, (uint32_t)graph->n_node);
		b = fuzz_below(random, (uint32_t)graph->n_node);
		node = graph->node[a];
		graph->node[a] = graph->node[b];
		graph->node[b] = node;
		break;
	case 2:
		if (graph->n_output)
			text_set(&graph->output[0]->name, any_name(random, graph));
		break;
	default:
		if (model->n_opset_import) {
			model->opset_import[0]->has_version = 1;
			model->opset_import[0]->version = 8 + fuzz_below(random, 16);
		}
	}
}

static void model_damage(struct fuzz_random *random, Onnx__Model *model)
{
	uint32_t which = fuzz_below(random, 8);
	Onnx__Node *node = any_node(random, model->graph);
	Onnx__Tensor *constant = any_constant(random, model->graph);

	if (which < 4 && node)
		node_damage(random, model->graph, node);
	else if (which < 6 && constant)
		constant_damage(random, constant);
	else
		graph_damage(random, model);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct fuzz_random random = fuzz_random_start(seed);
	Onnx__Model *model = NULL;
	size_t packed = 0;

	if (!fuzz_once_in(&random, 2))
		model = onnx__model__unpack(NULL, size, data);
	if (model && model->graph) {
		for (uint32_t i = 1 + fuzz_below(&random, 3); i > 0; i--)
			model_damage(&random, model);
		packed = onnx__model__get_packed_size(model);
		if (packed <= max_size)
			onnx__model__pack(model, data);
	}
	if (model)
		onnx__model__free_unpacked(model, NULL);
	return packed && packed <= max_size ? packed : LLVMFuzzerMutate(data, size, max_size);
}
