// SPDX-License-Identifier: MIT
/* Attributes and operands of an ONNX node, and messages about them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "onnx_import.h"

#define PLACE_BYTES 400

const char *onnx_node_type(const struct onnx_node *node)
{
	return (node->whole ? node->whole : node->proto)->op_type;
}

/* Names come from the file; long ones are cut. */
static void describe(const struct onnx *o, const struct onnx_value *value, char *text)
{
	int length = 0;

	if (o->node)
		length = snprintf(text, PLACE_BYTES, "node %u%s%.80s%s (%.40s)", o->node->index,
				  o->node->proto->name ? " \"" : "",
				  o->node->proto->name ? o->node->proto->name : "",
				  o->node->proto->name ? "\"" : "", onnx_node_type(o->node));
	else
		length = snprintf(text, PLACE_BYTES, "graph");
	if (!value)
		return;
	length += snprintf(text + length, (size_t)(PLACE_BYTES - length), ", tensor \"%.80s\"",
			   value->name);
	/* Of what no node has made yet nothing is known. */
	if (value->type != IR_TYPE_OTHER)
		length += snprintf(text + length, (size_t)(PLACE_BYTES - length), " %s",
				   ir_type_name(value->type));
	for (unsigned int d = 0; d < value->rank; d++)
		length += snprintf(text + length, (size_t)(PLACE_BYTES - length), "%s%d",
				   d ? "x" : " ", value->shape[d]);
}

int onnx_fail(struct onnx *o, const struct onnx_value *value, int code, const char *format, ...)
{
	char place[PLACE_BYTES], text[ERROR_BYTES];
	va_list arguments;

	describe(o, value, place);
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	o->code = code;
	return error_set(o->graph->error, code, "%s: %s", place, text);
}

int onnx_memory(struct onnx *o)
{
	o->code = -ENOMEM;
	return error_memory(o->graph->error);
}

int onnx_failed(const struct onnx *o)
{
	return o->code;
}

const Onnx__Attribute *onnx_attribute(const struct onnx *o, const char *name)
{
	const Onnx__Node *proto = o->node->proto;

	for (size_t i = 0; i < proto->n_attribute; i++)
		if (proto->attribute[i]->name && !strcmp(proto->attribute[i]->name, name))
			return proto->attribute[i];
	return NULL;
}

int64_t onnx_attribute_int(const struct onnx *o, const char *name, int64_t missing)
{
	const Onnx__Attribute *attribute = onnx_attribute(o, name);

	return attribute && attribute->has_i ? attribute->i : missing;
}

float onnx_attribute_float(const struct onnx *o, const char *name, float missing)
{
	const Onnx__Attribute *attribute = onnx_attribute(o, name);

	return attribute && attribute->has_f ? attribute->f : missing;
}

bool onnx_attribute_is(const struct onnx *o, const char *name, const char *text, bool missing)
{
	const Onnx__Attribute *attribute = onnx_attribute(o, name);

	if (!attribute || !attribute->has_s)
		return missing;
	return attribute->s.len == strlen(text) && !memcmp(attribute->s.data, text,
							   attribute->s.len);
}

static int32_t limited(int64_t value)
{
	return value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : (int32_t)value;
}

int onnx_attribute_ints(struct onnx *o, const char *name, unsigned int count, int32_t missing,
			int32_t *values)
{
	const Onnx__Attribute *attribute = onnx_attribute(o, name);

	for (unsigned int i = 0; i < count; i++)
		values[i] = missing;
	if (!attribute || !attribute->n_ints)
		return 0;
	if (attribute->n_ints != count)
		return onnx_fail(o, NULL, -EINVAL, "attribute %s has %zu values, %u are needed",
				 name, attribute->n_ints, count);
	for (unsigned int i = 0; i < count; i++)
		values[i] = limited(attribute->ints[i]);
	return 0;
}

struct onnx_value *onnx_input(const struct onnx *o, unsigned int index)
{
	return index < o->node->input_count ? o->node->inputs[index] : NULL;
}

int onnx_check_counts(struct onnx *o, unsigned int least, unsigned int most)
{
	const struct onnx_node *node = o->node;

	if (node->input_count < least || node->input_count > most)
		return onnx_fail(o, NULL, -EINVAL, "%u inputs, %u to %u are needed",
				 node->input_count, least, most);
	for (unsigned int i = 0; i < least; i++)
		if (!node->inputs[i])
			return onnx_fail(o, NULL, -EINVAL, "input %u is missing", i);
	for (unsigned int i = 1; i < node->output_count; i++)
		if (node->outputs[i] && (node->outputs[i]->readers || node->outputs[i]->is_output))
			return onnx_fail(o, NULL, -ENOTSUP,
					 "output %u \"%.80s\" is used; only the first is supported",
					 i, node->outputs[i]->name);
	if (!node->output_count || !node->outputs[0])
		return onnx_fail(o, NULL, -EINVAL, "no output");
	return 0;
}

int onnx_check_bytes(struct onnx *o, const struct onnx_value *value)
{
	if (value->type != IR_INT8 && value->type != IR_UINT8)
		return onnx_fail(o, value, -ENOTSUP, "type %s, only int8 and uint8 are supported",
				 ir_type_name(value->type));
	return 0;
}

int onnx_check_floats(struct onnx *o, const struct onnx_value *value)
{
	if (value->type != IR_FLOAT32)
		return onnx_fail(o, value, -ENOTSUP, "type %s, only float32 is supported",
				 ir_type_name(value->type));
	return 0;
}

int onnx_list(struct onnx *o, unsigned int input, const char *name, unsigned int most,
	      int64_t *values, unsigned int *count)
{
	const Onnx__Attribute *attribute = name ? onnx_attribute(o, name) : NULL;
	const struct onnx_value *list = onnx_input(o, input);
	uint64_t given = attribute ? attribute->n_ints : list ? list->elements : 0;

	*count = 0;
	if (!attribute && !list)
		return 0;
	if (given > most)
		return onnx_fail(o, list, -EINVAL, "%llu values, at most %u make sense",
				 (unsigned long long)given, most);
	*count = (unsigned int)given;
	if (attribute) {
		for (unsigned int i = 0; i < *count; i++)
			values[i] = attribute->ints[i];
		return 0;
	}
	if (!list->data || (list->type != IR_INT64 && list->type != IR_INT32))
		return onnx_fail(o, list, -ENOTSUP,
				 "must be constant integers; shapes are fixed when a model is compiled");
	for (unsigned int i = 0; i < *count; i++)
		values[i] = onnx_integer(list, i);
	return 0;
}

int onnx_axis(struct onnx *o, int64_t axis, unsigned int rank, unsigned int *dimension)
{
	if (axis < -(int64_t)rank || axis >= (int64_t)rank)
		return onnx_fail(o, NULL, -EINVAL, "axis %lld of %u dimensions", (long long)axis,
				 rank);
	*dimension = (unsigned int)(axis < 0 ? axis + (int64_t)rank : axis);
	return 0;
}

int64_t onnx_integer(const struct onnx_value *value, uint64_t i)
{
	int64_t wide;
	int32_t word;

	switch (value->type) {
	case IR_INT8:
		return (int8_t)value->data[i];
	case IR_INT16:
		return (int16_t)(value->data[2 * i] | value->data[2 * i + 1] << 8);
	case IR_INT32:
		memcpy(&word, value->data + 4 * i, sizeof(word));
		return word;
	case IR_INT64:
		memcpy(&wide, value->data + 8 * i, sizeof(wide));
		return wide;
	default:
		return value->data[i];
	}
}

int onnx_scalar(struct onnx *o, const struct onnx_value *value, float *number)
{
	if (!value->data || value->type != IR_FLOAT32 || value->elements != 1)
		return onnx_fail(o, value, -ENOTSUP, "must be one constant float");
	memcpy(number, value->data, sizeof(*number));
	return 0;
}
