// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx_model.h"

static void *get(struct onnx_model *model, size_t count, size_t size)
{
	void *memory = arena_alloc(&model->arena, count, size);

	if (!memory)
		exit(2);
	return memory;
}

char *onnx_model_copy(struct onnx_model *model, const char *text)
{
	char *copy = get(model, strlen(text) + 1, 1);

	memcpy(copy, text, strlen(text) + 1);
	return copy;
}

void onnx_model_begin(struct onnx_model *model, int64_t opset)
{
	memset(model, 0, sizeof(*model));
	onnx__model__init(&model->model);
	onnx__graph__init(&model->graph);
	onnx__operator_set__init(&model->set);
	model->model.has_ir_version = 1;
	model->model.ir_version = 8;
	model->model.graph = &model->graph;
	model->model.opset_import = model->sets;
	model->model.n_opset_import = 1;
	model->sets[0] = &model->set;
	model->set.has_version = 1;
	model->set.version = opset;
	model->graph.node = model->nodes;
	model->graph.initializer = model->constants;
	model->graph.input = model->inputs;
	model->graph.output = model->outputs;
}

void onnx_model_release(struct onnx_model *model)
{
	arena_release(&model->arena);
}

void onnx_model_input(struct onnx_model *model, const char *name, int type, const int64_t *dims)
{
	Onnx__ValueInfo *info = get(model, 1, sizeof(*info));
	Onnx__TensorType *tensor = get(model, 1, sizeof(*tensor));
	Onnx__Shape *shape = get(model, 1, sizeof(*shape));
	Onnx__Type *of = get(model, 1, sizeof(*of));

	onnx__value_info__init(info);
	onnx__tensor_type__init(tensor);
	onnx__shape__init(shape);
	onnx__type__init(of);
	info->name = onnx_model_copy(model, name);
	info->type = of;
	of->tensor_type = tensor;
	tensor->has_elem_type = 1;
	tensor->elem_type = type;
	tensor->shape = shape;
	shape->dim = get(model, 8, sizeof(*shape->dim));
	for (; dims[shape->n_dim]; shape->n_dim++) {
		Onnx__Dimension *dimension = get(model, 1, sizeof(*dimension));

		onnx__dimension__init(dimension);
		dimension->has_dim_value = 1;
		dimension->dim_value = dims[shape->n_dim];
		shape->dim[shape->n_dim] = dimension;
	}
	model->inputs[model->graph.n_input++] = info;
}

void onnx_model_output(struct onnx_model *model, const char *name)
{
	Onnx__ValueInfo *info = get(model, 1, sizeof(*info));

	onnx__value_info__init(info);
	info->name = onnx_model_copy(model, name);
	model->outputs[model->graph.n_output++] = info;
}

Onnx__Tensor *onnx_model_constant(struct onnx_model *model, const char *name, int type,
				  const int64_t *dims, const void *data, size_t bytes)
{
	Onnx__Tensor *tensor = get(model, 1, sizeof(*tensor));

	onnx__tensor__init(tensor);
	tensor->name = onnx_model_copy(model, name);
	tensor->has_data_type = 1;
	tensor->data_type = type;
	tensor->dims = get(model, 8, sizeof(*tensor->dims));
	for (; dims[tensor->n_dims]; tensor->n_dims++)
		tensor->dims[tensor->n_dims] = dims[tensor->n_dims];
	tensor->has_raw_data = 1;
	tensor->raw_data.data = get(model, bytes + 1, 1);
	tensor->raw_data.len = bytes;
	memcpy(tensor->raw_data.data, data, bytes);
	model->constants[model->graph.n_initializer++] = tensor;
	return tensor;
}

Onnx__Node *onnx_model_node(struct onnx_model *model, const char *type, const char *inputs,
			    const char *output)
{
	Onnx__Node *node = get(model, 1, sizeof(*node));
	char *names = onnx_model_copy(model, inputs), *rest = NULL;

	onnx__node__init(node);
	node->op_type = onnx_model_copy(model, type);
	node->name = onnx_model_copy(model, output);
	node->input = get(model, 12, sizeof(*node->input));
	node->output = get(model, 4, sizeof(*node->output));
	node->attribute = get(model, 12, sizeof(*node->attribute));
	for (char *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
		node->input[node->n_input++] = onnx_model_copy(model, strcmp(name, "-") ?
							       name : "");
	node->output[node->n_output++] = onnx_model_copy(model, output);
	model->nodes[model->graph.n_node++] = node;
	return node;
}

static Onnx__Attribute *attribute(struct onnx_model *model, Onnx__Node *node, const char *name,
				  int type)
{
	Onnx__Attribute *made = get(model, 1, sizeof(*made));

	onnx__attribute__init(made);
	made->name = onnx_model_copy(model, name);
	made->has_type = 1;
	made->type = type;
	node->attribute[node->n_attribute++] = made;
	return made;
}

void onnx_model_int(struct onnx_model *model, Onnx__Node *node, const char *name, int64_t value)
{
	Onnx__Attribute *made = attribute(model, node, name, 2);

	made->has_i = 1;
	made->i = value;
}

void onnx_model_float(struct onnx_model *model, Onnx__Node *node, const char *name, float value)
{
	Onnx__Attribute *made = attribute(model, node, name, 1);

	made->has_f = 1;
	made->f = value;
}

void onnx_model_ints(struct onnx_model *model, Onnx__Node *node, const char *name,
		     const int64_t *values)
{
	Onnx__Attribute *made = attribute(model, node, name, 7);

	made->ints = get(model, 12, sizeof(*made->ints));
	for (; values[made->n_ints] != INT64_MIN; made->n_ints++)
		made->ints[made->n_ints] = values[made->n_ints];
}

void onnx_model_text(struct onnx_model *model, Onnx__Node *node, const char *name,
		     const char *value)
{
	Onnx__Attribute *made = attribute(model, node, name, 3);

	made->has_s = 1;
	made->s.data = (uint8_t *)onnx_model_copy(model, value);
	made->s.len = strlen(value);
}

static char *joined(struct onnx_model *model, const char *first, const char *second)
{
	char *text = arena_printf(&model->arena, "%s%s", first, second);

	if (!text)
		exit(2);
	return text;
}

void onnx_model_affine(struct onnx_model *model, const char *name, float scale, int8_t zero_point)
{
	static const int64_t one[] = { 1, 0 };

	onnx_model_constant(model, joined(model, name, "_scale"), ONNX_FLOAT, one, &scale,
			    sizeof(scale));
	onnx_model_constant(model, joined(model, name, "_zero"), ONNX_INT8, one, &zero_point, 1);
}

void onnx_model_frame(struct onnx_model *model, const char *input, const char *output,
		      const char *name)
{
	char *integers = joined(model, output, "_q");
	char *parameters = arena_printf(&model->arena, "%s_scale %s_zero", name, name);

	if (!parameters)
		exit(2);
	onnx_model_node(model, "QuantizeLinear",
			joined(model, joined(model, input, " "), parameters), integers);
	onnx_model_node(model, "DequantizeLinear",
			joined(model, joined(model, integers, " "), parameters), output);
}

uint8_t *onnx_model_pack(const struct onnx_model *model, size_t *bytes)
{
	uint8_t *data;

	*bytes = onnx__model__get_packed_size(&model->model);
	data = malloc(*bytes + 1);
	if (!data)
		exit(2);
	onnx__model__pack(&model->model, data);
	return data;
}

/* Weights that look like noise, dequantised as NAME. */
static void weights(struct onnx_model *model, const char *name, const int64_t *dims, float scale)
{
	uint32_t state = 12345;
	size_t count = 1;
	int8_t *data;

	for (unsigned int d = 0; dims[d]; d++)
		count *= (size_t)dims[d];
	data = get(model, count, 1);
	for (size_t i = 0; i < count; i++) {
		state = state * 1664525 + 1013904223;
		data[i] = (int8_t)(state >> 24);
	}
	onnx_model_affine(model, name, scale, 0);
	onnx_model_constant(model, joined(model, name, "_data"), ONNX_INT8, dims, data, count);
	onnx_model_node(model, "DequantizeLinear",
			arena_printf(&model->arena, "%s_data %s_scale %s_zero", name, name, name),
			name);
}

static void list(struct onnx_model *model, const char *name, int64_t count, const int64_t *values)
{
	onnx_model_constant(model, name, ONNX_INT64, (const int64_t[]){ count, 0 }, values,
			    (size_t)count * sizeof(*values));
}

#define LIST(...) (const int64_t[]){ __VA_ARGS__, INT64_MIN }

/* Convolutions, pools and what lies between them. */
static void sample_maps(struct onnx_model *m)
{
	Onnx__Node *node;

	onnx_model_input(m, "x", ONNX_FLOAT, (const int64_t[]){ 1, 3, 8, 8, 0 });
	onnx_model_affine(m, "a", 0.05f, -3);
	onnx_model_affine(m, "b", 0.1f, 5);
	onnx_model_frame(m, "x", "x0", "a");
	weights(m, "w0", (const int64_t[]){ 8, 3, 3, 3, 0 }, 0.01f);
	node = onnx_model_node(m, "Conv", "x0 w0", "c0");
	onnx_model_ints(m, node, "pads", LIST(1, 1, 1, 1));
	onnx_model_node(m, "Relu", "c0", "r0");
	onnx_model_frame(m, "r0", "x1", "b");
	weights(m, "w1", (const int64_t[]){ 8, 1, 3, 3, 0 }, 0.02f);
	node = onnx_model_node(m, "Conv", "x1 w1", "c1");
	onnx_model_int(m, node, "group", 8);
	onnx_model_text(m, node, "auto_pad", "SAME_UPPER");
	onnx_model_frame(m, "c1", "x2", "a");
	onnx_model_node(m, "Add", "x1 x2", "s0");
	onnx_model_frame(m, "s0", "x3", "b");
	node = onnx_model_node(m, "MaxPool", "x3", "p0");
	onnx_model_ints(m, node, "kernel_shape", LIST(2, 2));
	onnx_model_ints(m, node, "strides", LIST(2, 2));
	onnx_model_node(m, "Sigmoid", "p0", "g0");
	onnx_model_node(m, "Mul", "p0 g0", "g1");
	onnx_model_frame(m, "g1", "x4", "a");
	node = onnx_model_node(m, "AveragePool", "x4", "p1");
	onnx_model_ints(m, node, "kernel_shape", LIST(2, 2));
	onnx_model_frame(m, "p1", "x5", "a");
	list(m, "pads", 8, (const int64_t[]){ 0, 0, 1, 0, 0, 0, 0, 1 });
	onnx_model_node(m, "Pad", "x5 pads", "d0");
	node = onnx_model_node(m, "Concat", "d0 x4", "j0");
	onnx_model_int(m, node, "axis", 1);
	onnx_model_frame(m, "j0", "x6", "b");
}

/* Slices, transposes, reductions and matrix products. */
static void sample_matrices(struct onnx_model *m)
{
	Onnx__Node *node;

	list(m, "starts", 2, (const int64_t[]){ 1, 0 });
	list(m, "ends", 2, (const int64_t[]){ 9, INT64_MAX });
	list(m, "axes", 2, (const int64_t[]){ 1, 2 });
	list(m, "steps", 2, (const int64_t[]){ 1, 2 });
	onnx_model_node(m, "Slice", "x6 starts ends axes steps", "l0");
	node = onnx_model_node(m, "Transpose", "l0", "t0");
	onnx_model_ints(m, node, "perm", LIST(0, 2, 3, 1));
	onnx_model_node(m, "Shape", "x", "h0");
	list(m, "zero", 1, (const int64_t[]){ 0 });
	onnx_model_node(m, "Gather", "h0 zero", "h1");
	list(m, "rest", 2, (const int64_t[]){ 8, 8 });
	node = onnx_model_node(m, "Concat", "h1 rest", "h2");
	onnx_model_int(m, node, "axis", 0);
	onnx_model_node(m, "Reshape", "t0 h2", "m0");
	node = onnx_model_node(m, "Transpose", "m0", "m1");
	onnx_model_ints(m, node, "perm", LIST(0, 2, 1));
	onnx_model_node(m, "MatMul", "m0 m1", "m2");
	onnx_model_frame(m, "m2", "y0", "b");
	onnx_model_constant(m, "ones", ONNX_FLOAT, (const int64_t[]){ 8, 0 },
			    (const float[8]){ 1, 1, 1, 1, 1, 1, 1, 1 }, 32);
	onnx_model_node(m, "LayerNormalization", "y0 ones", "n0");
	onnx_model_frame(m, "n0", "y1", "a");
	node = onnx_model_node(m, "ReduceMean", "y1", "n1");
	onnx_model_ints(m, node, "axes", LIST(1));
	onnx_model_int(m, node, "keepdims", 0);
	onnx_model_frame(m, "n1", "y2", "a");
	weights(m, "w2", (const int64_t[]){ 8, 10, 0 }, 0.01f);
	onnx_model_node(m, "Gemm", "y2 w2", "f0");
	onnx_model_frame(m, "f0", "y3", "b");
	onnx_model_node(m, "Softmax", "y3", "y");
	onnx_model_output(m, "y");
}

void onnx_model_sample(struct onnx_model *model)
{
	onnx_model_begin(model, 17);
	sample_maps(model);
	sample_matrices(model);
}
