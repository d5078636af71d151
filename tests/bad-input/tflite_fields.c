// SPDX-License-Identifier: MIT
/*
 * Damages a good TensorFlow Lite model in one place at a time and expects the
 * compiler to refuse it with a message that names the place.
 *
 * usage: tflite_fields MODEL.tflite        (the demo model: operators and
 *                                           shapes below are its own)
 */
#include <errno.h>

#include "compile.h"
#include "error.h"
#include "flatbuffer.h"
#include "result.h"
#include "tflite_schema.h"

/* What of a field is written over. */
enum target {
	FIELD,		/* the field itself: a scalar, or an offset */
	COUNT,		/* the number of items of the vector that it names */
	ITEM,		/* one item of that vector */
	VTABLE,		/* offset to the vtable of the table with the field */
	VTABLE_BYTES,	/* first word of the vtable */
	TABLE_BYTES,	/* second word of the vtable */
	ROOT,		/* the file's offset of the root table */
	IDENTIFIER,	/* the file's identifier */
};

/* From a table through the item `index` of a vector of tables in `slot`. */
struct step {
	unsigned int slot;
	uint32_t index;
};

/* A sub-table that is no vector's item. */
#define SUBTABLE 0xffffffffu

struct damage {
	const char *name;
	enum target target;
	struct step steps[3];	/* a step {0, 0} of an unused place ends them: see depth */
	unsigned int depth;
	unsigned int slot;
	uint32_t index;		/* ITEM */
	uint32_t bytes;		/* to write; ITEM: also an item's size */
	uint64_t value;
	const char *words[3];
};

#define MODEL { { 0, 0 } }, 0
#define SUBGRAPH { { TFLITE_MODEL_SUBGRAPHS, 0 } }, 1
#define TENSOR(i) { { TFLITE_MODEL_SUBGRAPHS, 0 }, { TFLITE_SUBGRAPH_TENSORS, i } }, 2
#define QUANTIZATION(i) { { TFLITE_MODEL_SUBGRAPHS, 0 }, { TFLITE_SUBGRAPH_TENSORS, i }, \
			  { TFLITE_TENSOR_QUANTIZATION, SUBTABLE } }, 3
#define OPERATOR(i) { { TFLITE_MODEL_SUBGRAPHS, 0 }, { TFLITE_SUBGRAPH_OPERATORS, i } }, 2
#define OPTIONS(i) { { TFLITE_MODEL_SUBGRAPHS, 0 }, { TFLITE_SUBGRAPH_OPERATORS, i }, \
		     { TFLITE_OPERATOR_OPTIONS, SUBTABLE } }, 3
#define CODE(i) { { TFLITE_MODEL_CODES, i } }, 1
#define BUFFER(i) { { TFLITE_MODEL_BUFFERS, i } }, 1

/* Slots of the options of CONV_2D. */
#define CONVOLUTION_PADDING 0
#define CONVOLUTION_STRIDE_W 1
#define CONVOLUTION_DILATION_W 4

static const struct damage damages[] = {
	{ "identifier", IDENTIFIER, MODEL, 0, 0, 4, 0x30303030, { "identifier", "TFL3" } },
	{ "root table outside the file", ROOT, MODEL, 0, 0, 4, 0x7fffffff, { "model", "outside" } },
	{ "root table's vtable before the file", VTABLE, MODEL, 0, 0, 4, 0x7fffffff,
	  { "model", "vtable" } },
	{ "root table's vtable behind the file", VTABLE, MODEL, 0, 0, 4, 0x80000001,
	  { "model", "vtable" } },
	{ "vtable of 3 bytes", VTABLE_BYTES, MODEL, 0, 0, 2, 3, { "model", "vtable" } },
	{ "vtable of 65535 bytes", VTABLE_BYTES, MODEL, 0, 0, 2, 65535, { "model", "vtable" } },
	{ "table of 2 bytes", TABLE_BYTES, MODEL, 0, 0, 2, 2, { "model", "table of 2" } },
	{ "table of 65535 bytes", TABLE_BYTES, MODEL, 0, 0, 2, 65535, { "model", "65535" } },
	{ "schema version 2", FIELD, MODEL, TFLITE_MODEL_VERSION, 0, 4, 2, { "version 2" } },
	{ "operator codes outside the file", FIELD, MODEL, TFLITE_MODEL_CODES, 0, 4, 0x7ffffff0,
	  { "model", "outside" } },
	{ "2^32 - 1 operator codes", COUNT, MODEL, TFLITE_MODEL_CODES, 0, 4, 0xffffffff,
	  { "model", "leaves the file" } },
	{ "no subgraph", COUNT, MODEL, TFLITE_MODEL_SUBGRAPHS, 0, 4, 0, { "no subgraph" } },
	{ "subgraph outside the file", ITEM, MODEL, TFLITE_MODEL_SUBGRAPHS, 0, 4, 0x7ffffff0,
	  { "subgraph 0", "outside" } },
	{ "2^30 buffers", COUNT, MODEL, TFLITE_MODEL_BUFFERS, 0, 4, 1 << 30,
	  { "model", "leaves the file" } },
	{ "unknown operator code", FIELD, CODE(0), TFLITE_CODE_BUILTIN, 0, 4, 12345,
	  { "operator", "12345" } },

	{ "operator without any form", FIELD, CODE(0), TFLITE_CODE_BUILTIN, 0, 4, 125,
	  { "operator 0 (SEGMENT_SUM), from tensor 0", "int8 1x16x16x1 to tensor", "npuc --list-ops" } },
	{ "operator whose output's size is not known", FIELD, CODE(0), TFLITE_CODE_BUILTIN, 0, 4, 109,
	  { "operator 0 (WHERE), from tensor 0", "int8 1x16x16x1 to tensor", "end the model before it" } },

	{ "2^31 tensors", COUNT, SUBGRAPH, TFLITE_SUBGRAPH_TENSORS, 0, 4, 1u << 31,
	  { "subgraph 0", "leaves the file" } },
	{ "no tensors", COUNT, SUBGRAPH, TFLITE_SUBGRAPH_TENSORS, 0, 4, 0, { "tensor" } },
	{ "no outputs", COUNT, SUBGRAPH, TFLITE_SUBGRAPH_OUTPUTS, 0, 4, 0, { "no outputs" } },
	{ "input is tensor 9999", ITEM, SUBGRAPH, TFLITE_SUBGRAPH_INPUTS, 0, 4, 9999, { "9999" } },
	{ "output is tensor -1", ITEM, SUBGRAPH, TFLITE_SUBGRAPH_OUTPUTS, 0, 4, 0xffffffff,
	  { "subgraph 0", "-1" } },
	{ "tensor 1 outside the file", ITEM, SUBGRAPH, TFLITE_SUBGRAPH_TENSORS, 1, 4, 0x7ffffff0,
	  { "tensor 1", "outside" } },

	{ "name of 2^32 - 1 bytes", COUNT, TENSOR(1), TFLITE_TENSOR_NAME, 0, 4, 0xffffffff,
	  { "tensor 1", "leaves the file" } },
	{ "rank 9", COUNT, TENSOR(0), TFLITE_TENSOR_SHAPE, 0, 4, 9, { "tensor 0", "rank 9" } },
	{ "dimension of size 0", ITEM, TENSOR(0), TFLITE_TENSOR_SHAPE, 1, 4, 0,
	  { "tensor 0", "dimension 1" } },
	{ "dimension of size -1", ITEM, TENSOR(0), TFLITE_TENSOR_SHAPE, 1, 4, 0xffffffff,
	  { "tensor 0", "dimension 1", "-1" } },
	{ "dimension of size 2^31 - 1", ITEM, TENSOR(0), TFLITE_TENSOR_SHAPE, 1, 4, 0x7fffffff,
	  { "tensor 0", "elements" } },
	{ "dimension of size 17 instead of 16", ITEM, TENSOR(0), TFLITE_TENSOR_SHAPE, 1, 4, 17,
	  { "operator 0", "int8 1x16x16x16: its shape is not the 1x17x16x16 that",
	    "int8 1x17x16x1" } },
	{ "contents in buffer 9999", FIELD, TENSOR(1), TFLITE_TENSOR_BUFFER, 0, 4, 9999,
	  { "tensor 1", "buffer 9999" } },
	{ "scales outside the file", FIELD, QUANTIZATION(0), TFLITE_QUANTIZATION_SCALE, 0, 4,
	  0x7ffffff0, { "tensor 0", "outside" } },
	{ "scale is not a number", ITEM, QUANTIZATION(0), TFLITE_QUANTIZATION_SCALE, 0, 4, 0x7fc00000,
	  { "tensor 0", "scale 0", "nan" } },
	{ "scale is infinite", ITEM, QUANTIZATION(0), TFLITE_QUANTIZATION_SCALE, 0, 4, 0x7f800000,
	  { "tensor 0", "scale 0", "inf" } },
	{ "scale is negative", ITEM, QUANTIZATION(0), TFLITE_QUANTIZATION_SCALE, 0, 4, 0xbf800000,
	  { "tensor 0", "scale 0", "-1" } },
	{ "scale is 0", ITEM, QUANTIZATION(0), TFLITE_QUANTIZATION_SCALE, 0, 4, 0,
	  { "operator 0", "scale" } },
	{ "zero point is 2^40", ITEM, QUANTIZATION(0), TFLITE_QUANTIZATION_ZERO_POINT, 0, 8, 1ull << 40,
	  { "operator 0", "zero point" } },

	{ "2^32 - 1 operators", COUNT, SUBGRAPH, TFLITE_SUBGRAPH_OPERATORS, 0, 4, 0xffffffff,
	  { "subgraph 0", "leaves the file" } },
	{ "operator code 99 of the model", FIELD, OPERATOR(1), TFLITE_OPERATOR_CODE_INDEX, 0, 4, 99,
	  { "operator 1", "code 99" } },
	{ "operator reads tensor 9999", ITEM, OPERATOR(1), TFLITE_OPERATOR_INPUTS, 0, 4, 9999,
	  { "operator 1", "9999" } },
	{ "operator reads tensor -2", ITEM, OPERATOR(1), TFLITE_OPERATOR_INPUTS, 0, 4, 0xfffffffe,
	  { "operator 1", "-2" } },
	{ "operator without its weights", ITEM, OPERATOR(0), TFLITE_OPERATOR_INPUTS, 1, 4, 0xffffffff,
	  { "operator 0", "input 1" } },
	{ "operator writes tensor 9999", ITEM, OPERATOR(1), TFLITE_OPERATOR_OUTPUTS, 0, 4, 9999,
	  { "operator 1", "9999" } },
	{ "operator without inputs", COUNT, OPERATOR(0), TFLITE_OPERATOR_INPUTS, 0, 4, 0,
	  { "operator 0", "0 inputs" } },
	{ "operator with 2^31 inputs", COUNT, OPERATOR(0), TFLITE_OPERATOR_INPUTS, 0, 4, 1u << 31,
	  { "operator 0", "leaves the file" } },
	{ "options outside the file", FIELD, OPERATOR(0), TFLITE_OPERATOR_OPTIONS, 0, 4, 0x7ffffff0,
	  { "operator 0", "outside" } },
	{ "stride 0", FIELD, OPTIONS(0), CONVOLUTION_STRIDE_W, 0, 4, 0, { "operator 0", "stride 1x0" } },
	{ "stride -5", FIELD, OPTIONS(0), CONVOLUTION_STRIDE_W, 0, 4, 0xfffffffb,
	  { "operator 0", "stride" } },

	{ "contents of 2^32 - 1 bytes", COUNT, BUFFER(2), TFLITE_BUFFER_DATA, 0, 4, 0xffffffff,
	  { "tensor", "leaves the file" } },
	{ "contents of 1 byte", COUNT, BUFFER(2), TFLITE_BUFFER_DATA, 0, 4, 1,
	  { "tensor", "contents have 1 bytes" } },
};

static struct results results = { .subject = "tflite" };

static int model_compile(const uint8_t *file, size_t size, struct error *error)
{
	struct compile_request request = {
		.bytes = size, .name = "damaged.tflite", .wants_report = true,
	};
	struct compile_result result = { 0 };
	/* Of exactly that size, so that a sanitizer sees a byte too far. */
	uint8_t *exact = malloc(size ? size : 1);
	int ret;

	if (!exact)
		exit(2);
	memcpy(exact, file, size);
	request.data = exact;
	memset(error, 0, sizeof(*error));
	ret = compile(&request, &result, error);
	compile_release(&result);
	free(exact);
	return ret;
}

/* Byte in the file where the field's value or offset stands; 0: absent. */
static size_t field_position(const struct flatbuffer_table *table, unsigned int slot)
{
	size_t entry = 4 + 2 * (size_t)slot;
	const uint8_t *p = table->file->data + table->vtable + entry;
	size_t delta = entry + 2 <= table->vtable_bytes ? (size_t)(p[0] | p[1] << 8) : 0;

	return delta ? table->position + delta : 0;
}

static size_t damage_position(const struct flatbuffer *file, const struct damage *damage)
{
	struct flatbuffer_table table;
	struct flatbuffer_vector vector;
	int found, ret;

	ret = flatbuffer_root(file, "TFL3", "model", &table);
	for (unsigned int i = 0; i < damage->depth && !ret; i++) {
		const struct step *step = &damage->steps[i];
		struct flatbuffer_table from = table;

		if (step->index == SUBTABLE) {
			ret = flatbuffer_subtable(&from, step->slot, "sub-table", &table, &found);
			if (!ret && !found)
				return 0;
			continue;
		}
		ret = flatbuffer_tables(&from, step->slot, &vector);
		if (!ret && step->index >= vector.count)
			return 0;
		if (!ret)
			ret = flatbuffer_item(&vector, step->index, "item", &table);
	}
	if (ret)
		return 0;
	switch (damage->target) {
	case FIELD:
		return field_position(&table, damage->slot);
	case COUNT:
	case ITEM:
		ret = flatbuffer_vector(&table, damage->slot, damage->target == ITEM ?
					damage->bytes : 1, &vector);
		if (ret || !vector.position || vector.count <= damage->index)
			return 0;
		return damage->target == COUNT ? vector.position - 4 :
		       vector.position + (size_t)damage->index * damage->bytes;
	case VTABLE:
		return table.position;
	case VTABLE_BYTES:
		return table.vtable;
	case TABLE_BYTES:
		return table.vtable + 2;
	default:
		return 0;
	}
}

static void damage_check(const uint8_t *good, size_t size, const struct damage *damage)
{
	struct error error;
	struct flatbuffer flatbuffer = { .data = good, .bytes = size, .error = &error };
	size_t position = damage->target == ROOT ? 0 : damage->target == IDENTIFIER ? 4 :
			  damage_position(&flatbuffer, damage);
	uint8_t *file;

	if (!position && damage->target != ROOT) {
		result_add(&results, false, damage->name, "the model has no such field");
		return;
	}
	file = malloc(size);
	if (!file)
		exit(2);
	memcpy(file, good, size);
	memcpy(file + position, &damage->value, damage->bytes);
	result_refusal(&results, damage->name, model_compile(file, size, &error), error.text,
		       (const char *const []){ damage->words[0], damage->words[1],
					       damage->words[2], NULL });
	free(file);
}

/* Every length that is a multiple of 61, and the last few: each must be refused. */
static void truncations_check(const uint8_t *good, size_t size)
{
	char explanation[128] = "";
	struct error error;
	unsigned int lengths = 0;

	for (size_t length = 0; length + 32 < size; length += 61, lengths++)
		if (model_compile(good, length, &error) >= 0 || !error.text[0])
			snprintf(explanation, sizeof(explanation),
				 "the first %zu of %zu bytes were accepted", length, size);
	result_add(&results, lengths && !explanation[0], "truncated at 300 lengths", explanation);
}

int main(int argc, char **argv)
{
	struct error error;
	uint8_t *good;
	size_t size;
	int ret;

	if (argc != 2) {
		fprintf(stderr, "usage: tflite_fields MODEL.tflite\n");
		return 2;
	}
	good = file_load(argv[1], &size);
	if (!good)
		return 2;
	ret = model_compile(good, size, &error);
	result_add(&results, !ret, "the undamaged one compiles", error.text);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++)
		damage_check(good, size, &damages[i]);
	truncations_check(good, size);
	free(good);
	return result_code(&results);
}
