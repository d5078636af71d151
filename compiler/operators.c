// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "onnx.h"
#include "operators.h"
#include "partition.h"
#include "text.h"
#include "tflite_schema.h"

/*
 * What resolve.c and expand.c make of a kind before partition.c sees it, with
 * `note` where that is not the whole story.
 */
static const struct {
	enum ir_kind kind, becomes;
	const char *note;
} rewrites[] = {
	{ IR_UNARY, IR_TABLE, "as a table of 256 bytes" },
	{ IR_DIV, IR_TABLE, "by one constant, as a table of 256 bytes" },
	{ IR_FILL, IR_BROADCAST_TO, "of a constant shape" },
	{ IR_PAD_V2, IR_PAD, "" },
	{ IR_SPLIT_V, IR_SPLIT, "" },
	{ IR_UNPACK, IR_SPLIT, "" },
	{ IR_STRIDED_SLICE, IR_SLICE, "" },
	{ IR_REVERSE, IR_SLICE, "" },
	{ IR_READ_VARIABLE, IR_COPY, "state in memory that jobs reach" },
	{ IR_ASSIGN_VARIABLE, IR_COPY, "state in memory that jobs reach" },
	{ IR_RESHAPE, IR_COPY, "nothing is computed: the same bytes under another shape" },
	{ IR_SVDF, IR_FULLY_CONNECTED, "as fully connected and depthwise layers over its state" },
	{ IR_QUANTISE, IR_REQUANTISE, "between integer types" },
	{ IR_LAYER_NORM, IR_LAYER_NORM, "rows of at most 4096, between integers" },
};

#define ONNX_TYPES (1u << IR_INT8 | 1u << IR_UINT8)

static void put_types(uint32_t types, struct buffer *text)
{
	static const enum ir_type order[] = { IR_INT8, IR_UINT8, IR_INT16, IR_INT32 };
	bool first = true;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (!(types >> order[i] & 1))
			continue;
		text_put(text, "%s%s", first ? "" : ", ", ir_type_name(order[i]));
		first = false;
	}
}

/* Of the types of activations in `among`. */
static void put_form(const struct partition_form *form, uint32_t among, const char *note,
		     struct buffer *text)
{
	put_types(form->inputs & among, text);
	if (form->outputs != form->inputs && form->outputs & among) {
		text_put(text, " to ");
		put_types(form->outputs & among, text);
	}
	if (*form->conditions)
		text_put(text, ": %s", form->conditions);
	if (form->wide_conditions && form->inputs & among & 1u << IR_INT16)
		text_put(text, "; of int16: %s", form->wide_conditions);
	if (*note)
		text_put(text, "%s%s", *form->conditions ? "; " : ": ", note);
}

/* Whether nothing but constants is left of operators of a kind. */
static bool is_folded(enum ir_kind kind)
{
	return kind == IR_SHAPE || kind == IR_RANK || kind == IR_RANGE || kind == IR_ZEROS;
}

static void describe(enum ir_kind kind, uint32_t among, const char *prefix, struct buffer *text)
{
	struct partition_form form;
	const char *note = "";
	bool any = is_folded(kind);

	if (any)
		text_put(text, "%sa constant, known when the model is compiled\n", prefix);

	for (size_t r = 0; r < sizeof(rewrites) / sizeof(rewrites[0]); r++)
		if (rewrites[r].kind == kind) {
			kind = rewrites[r].becomes;
			note = rewrites[r].note;
			break;
		}
	for (unsigned int index = 0; partition_form(kind, index, &form); index++) {
		if (!(form.inputs & among))
			continue;
		text_put(text, "%s", prefix);
		put_form(&form, among, note, text);
		buffer_byte(text, '\n');
		any = true;
	}
	if (!any)
		text_put(text, "%snone\n", prefix);
}

void operators_describe(enum ir_kind kind, const char *prefix, struct buffer *text)
{
	describe(kind, UINT32_MAX, prefix, text);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(tflite_operator_name(*(const int32_t *)a),
		      tflite_operator_name(*(const int32_t *)b));
}

/* What stands in front of the list in docs/operators.md. */
static const char heading[] =
	"<!-- SPDX-License-Identifier: MIT -->\n"
	"<!-- Made by `npuc --list-ops=markdown`; a test compares. -->\n"
	"# Operators\n"
	"\n"
	"The TensorFlow Lite operators that `npuc` takes, and the forms in which the NPU\n"
	"computes them: types of activations, and what else must hold. Whatever has no form,\n"
	"or does not meet a form's condition, runs on the processor with the same bytes; the\n"
	"report tells the reason (`npuc --explain OPERATOR`).\n"
	"\n"
	"| operator | NPU forms |\n"
	"| --- | --- |\n";

static const char onnx_heading[] =
	"\n"
	"## ONNX\n"
	"\n"
	"The operators of the sets %d to %d that `npuc` takes, what they become, in the names\n"
	"above, and when; then the forms in which the NPU computes that. A report keeps ONNX's\n"
	"names. Integers are those of QuantizeLinear and DequantizeLinear, int8 and uint8; floats\n"
	"are the processor's.\n"
	"\n"
	"| operator | becomes | NPU forms |\n"
	"| --- | --- | --- |\n";

/* Lines as a cell of a table, or as they are. */
static void put_lines(struct buffer *lines, bool markdown, struct buffer *text)
{
	size_t begin = 0;

	if (!markdown)
		buffer_append(text, lines->data, lines->bytes);
	for (size_t b = 0; b < lines->bytes && markdown; b++) {
		if (lines->data[b] != '\n')
			continue;
		buffer_append(text, lines->data + begin, b - begin);
		begin = b + 1;
		if (begin < lines->bytes)
			text_put(text, "<br>");
	}
	text->failed |= lines->failed;
	buffer_release(lines);
}

static enum ir_kind kind_of(int32_t code)
{
	switch (tflite_operator_function(code)) {
	case IR_FUNCTION_LOGICAL_NOT:
		/* Of truth values, for which there is no table. */
		return IR_UNKNOWN;
	case IR_FUNCTION_LEAKY_RELU:
		return IR_LEAKY_RELU;
	default:
		return tflite_operator_kind(code);
	}
}

/* A row of the list: a name and its forms, in one line for markdown. */
static void put_row(const char *name, enum ir_kind kind, bool markdown, struct buffer *text)
{
	struct buffer forms = { 0 };

	text_put(text, markdown ? "| %s | " : "%s\n", name);
	operators_describe(kind, markdown ? "" : "    ", &forms);
	put_lines(&forms, markdown, text);
	if (markdown)
		text_put(text, " |\n");
}

/* What TensorFlow Lite calls operators of a kind, where it has only one name for them. */
static const char *kind_name(enum ir_kind kind)
{
	switch (kind) {
	case IR_LAYER_NORM:
		return "LayerNormalization";
	case IR_TABLE:
		return "a table of 256 bytes";
	case IR_COMPARE:
		return "a comparison";
	case IR_UNARY:
		return "LOGICAL_NOT";
	case IR_DYNAMIC_QUANTISE:
		return "DynamicQuantizeLinear";
	case IR_MATMUL_INTEGER:
		return "MatMulInteger";
	case IR_CONVOLUTION_INTEGER:
		return "ConvInteger";
	default:
		break;
	}
	for (int32_t code = 0; code < 256; code++)
		if (tflite_operator_name(code) && tflite_operator_kind(code) == kind)
			return tflite_operator_name(code);
	return "?";
}

static void put_onnx_row(const struct onnx_form *form, bool markdown, struct buffer *text)
{
	struct buffer forms = { 0 };
	unsigned int k;

	text_put(text, markdown ? "| %s | " : "%s: ", form->type);
	for (k = 0; k < ONNX_KINDS_MAX && form->kinds[k] != IR_UNKNOWN; k++) {
		text_put(text, "%s%s", k ? ", " : "", kind_name(form->kinds[k]));
		if (!k || form->kinds[k] != IR_TABLE)
			describe(form->kinds[k] == IR_UNARY ? IR_UNKNOWN : form->kinds[k],
				 ONNX_TYPES, markdown ? "" : "    ", &forms);
	}
	text_put(text, "%s%s%s%s", k ? "" : "nothing", *form->note ? " (" : "", form->note,
		 *form->note ? ")" : "");
	text_put(text, markdown ? " | " : "\n");
	put_lines(&forms, markdown, text);
	if (markdown)
		text_put(text, " |\n");
}

static int compare_forms(const void *a, const void *b)
{
	return strcmp(((const struct onnx_form *)a)->type, ((const struct onnx_form *)b)->type);
}

static void onnx_list(bool markdown, struct buffer *text)
{
	struct onnx_form forms[256];
	unsigned int count = 0;

	while (count < 256 && onnx_form(count, &forms[count]))
		count++;
	qsort(forms, count, sizeof(forms[0]), compare_forms);
	text_put(text, markdown ? onnx_heading : "\nONNX, operator sets %d to %d:\n",
		 ONNX_OPSET_LEAST, ONNX_OPSET_MOST);
	for (unsigned int i = 0; i < count; i++)
		put_onnx_row(&forms[i], markdown, text);
}

void operators_list(bool markdown, struct buffer *text)
{
	int32_t codes[256];
	size_t count = 0;

	for (int32_t code = 0; code < 256; code++)
		if (tflite_operator_name(code) && tflite_operator_kind(code) != IR_UNKNOWN)
			codes[count++] = code;
	qsort(codes, count, sizeof(codes[0]), compare_names);
	if (markdown)
		text_put(text, "%s", heading);
	for (size_t i = 0; i < count; i++)
		put_row(tflite_operator_name(codes[i]), kind_of(codes[i]), markdown, text);
	put_row(TFLITE_CUSTOM_DETECTION, IR_DETECTION, markdown, text);
	onnx_list(markdown, text);
}
