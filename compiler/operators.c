// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

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
	{ IR_LEAKY_RELU, IR_TABLE, "as a table of 256 bytes" },
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

/* Of ONNX, where TensorFlow Lite has none like it. */
static const struct {
	const char *name;
	enum ir_kind kind;
} onnx_operators[] = {
	{ "LayerNormalization (ONNX)", IR_LAYER_NORM },
};

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

static void put_form(const struct partition_form *form, const char *note, struct buffer *text)
{
	put_types(form->inputs, text);
	if (form->outputs != form->inputs) {
		text_put(text, " to ");
		put_types(form->outputs, text);
	}
	if (*form->conditions)
		text_put(text, ": %s", form->conditions);
	if (*note)
		text_put(text, "%s%s", *form->conditions ? "; " : ": ", note);
}

void operators_describe(enum ir_kind kind, const char *prefix, struct buffer *text)
{
	struct partition_form form;
	const char *note = "";

	for (size_t r = 0; r < sizeof(rewrites) / sizeof(rewrites[0]); r++)
		if (rewrites[r].kind == kind) {
			kind = rewrites[r].becomes;
			note = rewrites[r].note;
			break;
		}
	if (!partition_form(kind, 0, &form))
		text_put(text, "%snone\n", prefix);
	for (unsigned int index = 0; partition_form(kind, index, &form); index++) {
		text_put(text, "%s", prefix);
		put_form(&form, note, text);
		buffer_byte(text, '\n');
	}
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
	"report tells the reason (`npuc --explain OPERATOR`). Behind them, what only ONNX has;\n"
	"its other operators become those of the same name.\n"
	"\n"
	"| operator | NPU forms |\n"
	"| --- | --- |\n";

/* A row of the list: a name and its forms, in one line for markdown. */
static void put_row(const char *name, enum ir_kind kind, bool markdown, struct buffer *text)
{
	struct buffer forms = { 0 };
	size_t begin = 0;

	text_put(text, markdown ? "| %s | " : "%s\n", name);
	operators_describe(kind, markdown ? "" : "    ", &forms);
	if (!markdown)
		buffer_append(text, forms.data, forms.bytes);
	for (size_t b = 0; b < forms.bytes && markdown; b++) {
		if (forms.data[b] != '\n')
			continue;
		buffer_append(text, forms.data + begin, b - begin);
		begin = b + 1;
		if (begin < forms.bytes)
			text_put(text, "<br>");
	}
	if (markdown)
		text_put(text, " |\n");
	text->failed |= forms.failed;
	buffer_release(&forms);
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
	/* LOGICAL_NOT is of truth values, for which there is no table. */
	for (size_t i = 0; i < count; i++)
		put_row(tflite_operator_name(codes[i]),
			tflite_operator_function(codes[i]) == IR_FUNCTION_LOGICAL_NOT ?
			IR_UNKNOWN : tflite_operator_kind(codes[i]), markdown, text);
	for (size_t i = 0; i < sizeof(onnx_operators) / sizeof(onnx_operators[0]); i++)
		put_row(onnx_operators[i].name, onnx_operators[i].kind, markdown, text);
}
