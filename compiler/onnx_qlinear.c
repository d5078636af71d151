// SPDX-License-Identifier: MIT
/*
 * Operators on integers that carry scales and zero points along, as quantisers write them
 * beside QLinearConv. Each is translated as what it stands for: DequantizeLinear before
 * every operand, the operator on floats, QuantizeLinear behind it.
 */
#include <errno.h>
#include <string.h>

#include "onnx_import.h"

/* Operands of QLinearConcat. */
#define PARTS_MAX 1024
/* Of QGemm; it may be absent. */
#define BIAS_INPUT 6

/* What an operator has beside operands and result. */
enum special {
	SPECIAL_NONE,
	/* BIAS_INPUT, and attribute transB for where the columns are. */
	SPECIAL_BIAS,
	/* Input 0, which chooses. */
	SPECIAL_CONDITION,
	/* Attribute opset for what it does with an axis. */
	SPECIAL_OPSET,
};

static const struct form {
	const char *type, *inner;
	/* Operands, 0: as many as there are; the first one's input; the result's scale. */
	unsigned int operands, first, result;
	enum special special;
} forms[] = {
	{ "QGemm", "Gemm", 2, 0, 7, SPECIAL_BIAS },
	{ "QLinearAveragePool", "AveragePool", 1, 0, 3, SPECIAL_NONE },
	{ "QLinearConcat", "Concat", 0, 2, 0, SPECIAL_NONE },
	{ "QLinearGlobalAveragePool", "GlobalAveragePool", 1, 0, 3, SPECIAL_NONE },
	{ "QLinearLeakyRelu", "LeakyRelu", 1, 0, 3, SPECIAL_NONE },
	{ "QLinearMatMul", "MatMul", 2, 0, 6, SPECIAL_NONE },
	{ "QLinearReduceMean", "ReduceMean", 1, 0, 3, SPECIAL_NONE },
	{ "QLinearSigmoid", "Sigmoid", 1, 0, 3, SPECIAL_NONE },
	{ "QLinearSoftmax", "Softmax", 1, 0, 3, SPECIAL_OPSET },
	{ "QLinearWhere", "Where", 2, 1, 7, SPECIAL_CONDITION },
};

static const struct form *form_of(const Onnx__Node *proto)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (!strcmp(forms[i].type, proto->op_type))
			return &forms[i];
	return NULL;
}

static unsigned int operand_count(const struct form *form, const Onnx__Node *proto)
{
	if (form->operands)
		return form->operands;
	return proto->n_input > 2 && proto->n_input < 3 * PARTS_MAX ?
	       (unsigned int)(proto->n_input - 2) / 3 : 1;
}

unsigned int onnx_qlinear_parts(const Onnx__Node *proto)
{
	const struct form *form = form_of(proto);

	return form ? operand_count(form, proto) + 2 : 0;
}

static struct onnx_value *given(const struct onnx_node *whole, unsigned int input)
{
	return input < whole->input_count ? whole->inputs[input] : NULL;
}

/* Attribute `axis` of a part that has no others. */
static int part_axis(struct onnx *o, struct onnx_node *part, int64_t axis)
{
	Onnx__Node *proto = (Onnx__Node *)(uintptr_t)part->proto;
	Onnx__Attribute *attribute = arena_alloc(o->arena, 1, sizeof(*attribute));
	static const char name[] = "axis";

	proto->attribute = arena_alloc(o->arena, 1, sizeof(Onnx__Attribute *));
	if (!attribute || !proto->attribute)
		return onnx_memory(o);
	onnx__attribute__init(attribute);
	attribute->name = arena_copy(o->arena, name, sizeof(name));
	attribute->has_i = 1;
	attribute->i = axis;
	proto->attribute[0] = attribute;
	proto->n_attribute = 1;
	return attribute->name ? 0 : onnx_memory(o);
}

/* The bias of QGemm in floats: int32 in units of the product of both scales. */
static int make_bias(struct onnx *o, const struct onnx_node *whole, struct onnx_value **bias)
{
	const struct onnx_value *integers = given(whole, BIAS_INPUT), *a = given(whole, 1);
	const struct onnx_value *b = given(whole, 4);
	double alpha = (double)onnx_attribute_float(o, "alpha", 1);
	float *floats, scales[2];

	*bias = NULL;
	if (!integers)
		return 0;
	if (!integers->data || integers->type != IR_INT32 || !a->data || a->type != IR_FLOAT32 ||
	    a->elements != 1 || !b->data || b->type != IR_FLOAT32 ||
	    (b->elements != 1 && b->elements != integers->elements))
		return onnx_fail(o, integers, -ENOTSUP,
				 "the bias must be constant int32, the scales constant floats");
	floats = onnx_alloc(o, integers->elements, sizeof(*floats));
	for (uint64_t i = 0; floats && i < integers->elements; i++) {
		memcpy(&scales[0], a->data, sizeof(scales[0]));
		memcpy(&scales[1], b->data + (b->elements > 1 ? 4 * i : 0), sizeof(scales[1]));
		floats[i] = (float)((double)onnx_integer(integers, i) * (double)scales[0] *
				    (double)scales[1] * alpha);
	}
	*bias = floats ? onnx_value_constant(o, integers->name, IR_FLOAT32, integers->rank,
					     integers->shape, floats) : NULL;
	return *bias ? 0 : onnx_failed(o);
}

static int check_form(struct onnx *o, const struct onnx_node *whole, const struct form *form,
		      unsigned int operands)
{
	unsigned int last = form->first + 3 * operands - 1;

	if (last < form->result + 1 && given(whole, form->result))
		last = form->result + 1;
	for (unsigned int i = form->first; i <= last; i++)
		if (!given(whole, i) && !(form->special == SPECIAL_BIAS && i == BIAS_INPUT))
			return onnx_fail(o, NULL, -ENOTSUP,
					 "input %u is missing: all scales and zero points are needed", i);
	if (whole->output_count != 1 || !whole->outputs[0] ||
	    (!form->operands && whole->input_count % 3 != 2))
		return onnx_fail(o, NULL, -EINVAL, "%u inputs and %u outputs", whole->input_count,
				 whole->output_count);
	if (onnx_attribute_int(o, "channels_last", 0))
		return onnx_fail(o, NULL, -ENOTSUP,
				 "attribute channels_last; quantise the model without optimising its layout");
	if (form->special == SPECIAL_OPSET &&
	    (onnx_attribute_int(o, "opset", 13) < 13) != (o->opset < 13))
		return onnx_fail(o, NULL, -ENOTSUP, "attribute opset is not the model's");
	return 0;
}

static int dequantise(struct onnx *o, const struct onnx_node *whole, const struct form *form,
		      unsigned int operand, struct onnx_node *part)
{
	unsigned int input = form->first + 3 * operand;
	struct onnx_value *x = given(whole, input), *scale = given(whole, input + 1);
	int ret = onnx_part_make(o, whole, "DequantizeLinear", 3, onnx_part_value(o, whole), part);

	for (unsigned int i = 0; i < 3 && !ret; i++)
		part->inputs[i] = given(whole, input + i);
	/* A scale for each column of a second factor. */
	if (!ret && scale->elements > 1)
		ret = part_axis(o, part, form->special == SPECIAL_BIAS ?
				!onnx_attribute_int(o, "transB", 0) : (int64_t)x->rank - 1);
	return ret;
}

/* The operator itself: its operands, for a choice the condition before, for a sum the bias. */
static int compute(struct onnx *o, const struct onnx_node *whole, const struct form *form,
		   unsigned int operands, const struct onnx_node *parts, struct onnx_value *output,
		   struct onnx_node *part)
{
	struct onnx_value *bias = NULL;
	unsigned int count = 0;
	Onnx__Node *proto;
	int ret = onnx_part_make(o, whole, form->inner, operands + 1, output, part);

	if (!ret && form->special == SPECIAL_BIAS)
		ret = make_bias(o, whole, &bias);
	if (ret)
		return ret;
	proto = (Onnx__Node *)(uintptr_t)part->proto;
	proto->attribute = whole->proto->attribute;
	proto->n_attribute = whole->proto->n_attribute;
	if (form->special == SPECIAL_CONDITION)
		part->inputs[count++] = given(whole, 0);
	for (unsigned int i = 0; i < operands; i++)
		part->inputs[count++] = parts[i].outputs[0];
	if (bias)
		part->inputs[count++] = bias;
	part->input_count = count;
	return 0;
}

int onnx_qlinear_expand(struct onnx *o, struct onnx_node *whole, struct onnx_node *parts)
{
	const struct form *form = form_of(whole->proto);
	unsigned int operands = operand_count(form, whole->proto);
	bool quantises = given(whole, form->result);
	struct onnx_node *last = &parts[operands + 1];
	int ret;

	o->node = whole;
	ret = check_form(o, whole, form, operands);
	for (unsigned int i = 0; i < operands && !ret; i++)
		ret = dequantise(o, whole, form, i, &parts[i]);
	if (!ret)
		ret = compute(o, whole, form, operands, parts,
			      quantises ? onnx_part_value(o, whole) : whole->outputs[0],
			      &parts[operands]);
	if (ret)
		return ret;
	if (!quantises) {
		*last = (struct onnx_node){ .proto = parts[0].proto, .whole = whole->proto,
					    .index = whole->index, .done = true };
		return 0;
	}
	ret = onnx_part_make(o, whole, "QuantizeLinear", 3, whole->outputs[0], last);
	if (ret)
		return ret;
	last->inputs[0] = parts[operands].outputs[0];
	last->inputs[1] = given(whole, form->result);
	last->inputs[2] = given(whole, form->result + 1);
	return 0;
}
