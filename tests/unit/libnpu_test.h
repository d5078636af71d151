/* SPDX-License-Identifier: MIT */
/*
 * For the unit tests of libnpu: results in the style of TAP, random numbers,
 * and a small writer of graph files.
 */
#ifndef LIBNPU_TEST_H
#define LIBNPU_TEST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kestrel/graph.h>

#include "sha256.h"

static int test_failures;

/* One line a group; the first failure in it is told. */
static inline void test_result(const char *name, int good)
{
	printf("%s - %s\n", good ? "ok" : "not ok", name);
	test_failures += !good;
}

static inline uint32_t test_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

#define TEST_RECORDS 16
#define TEST_BYTES 16384

/* A graph as its tables; test_graph_write() makes the file. */
struct test_graph {
	struct kestrel_graph_header header;
	struct kestrel_graph_info info;
	char strings[256];
	uint32_t strings_size;
	struct kestrel_graph_tensor tensors[TEST_RECORDS];
	uint32_t tensor_count;
	uint32_t indices[4 * TEST_RECORDS];
	uint32_t index_count;
	struct kestrel_graph_operator operators[TEST_RECORDS];
	uint32_t operator_count;
	uint32_t inputs[4];
	uint32_t input_count;
	uint32_t outputs[4];
	uint32_t output_count;
	uint8_t constants[TEST_BYTES];
	uint32_t constants_size;
	uint8_t parameters[TEST_BYTES];
	uint32_t parameters_size;
	struct kestrel_graph_stream streams[2];
	uint32_t stream_count;
	struct kestrel_graph_segment segments[4];
	uint32_t segment_count;
	struct kestrel_graph_row_base bases[8];
	uint32_t base_count;
	uint8_t commands[64];
	struct kestrel_graph_placement placements[TEST_RECORDS];
	uint32_t placement_count;
};

static inline uint32_t test_string(struct test_graph *graph, const char *text)
{
	uint32_t offset = graph->strings_size;

	strcpy(graph->strings + offset, text);
	graph->strings_size += (uint32_t)strlen(text) + 1;
	return offset;
}

static inline void test_graph_begin(struct test_graph *graph)
{
	memset(graph, 0, sizeof(*graph));
	graph->header.magic = KESTREL_GRAPH_MAGIC;
	graph->header.version_major = KESTREL_GRAPH_VERSION_MAJOR;
	graph->header.version_minor = KESTREL_GRAPH_VERSION_MINOR;
	graph->header.header_size = sizeof(graph->header);
	graph->header.section_entry_size = sizeof(struct kestrel_graph_section);
	graph->strings_size = 1;
	graph->info.numerics = KESTREL_GRAPH_NUMERICS_TFLITE_REFERENCE;
	graph->info.producer = test_string(graph, "unit test");
}

/* A variable int8 tensor of up to four dimensions (0 ends the list). */
static inline uint32_t test_tensor(struct test_graph *graph, const char *name, uint32_t a,
				   uint32_t b, uint32_t c, uint32_t d)
{
	struct kestrel_graph_tensor *tensor = &graph->tensors[graph->tensor_count];
	uint32_t dims[4] = { a, b, c, d };

	tensor->name = test_string(graph, name);
	tensor->source_tensor = graph->tensor_count;
	tensor->type = KESTREL_GRAPH_TYPE_INT8;
	tensor->storage = KESTREL_GRAPH_STORAGE_VARIABLE;
	tensor->data_offset = KESTREL_GRAPH_NO_DATA;
	tensor->size = 1;
	for (int i = 0; i < 4 && dims[i]; i++) {
		tensor->dims[tensor->rank++] = dims[i];
		tensor->size *= dims[i];
	}
	return graph->tensor_count++;
}

/* Makes a tensor constant, with `size` bytes of data. */
static inline void test_constant(struct test_graph *graph, uint32_t tensor, const void *data,
				 uint32_t size)
{
	struct kestrel_graph_tensor *record = &graph->tensors[tensor];

	graph->constants_size = (graph->constants_size + 63) / 64 * 64;
	record->storage = KESTREL_GRAPH_STORAGE_CONSTANT;
	record->data_offset = graph->constants_size;
	record->size = size;
	memcpy(graph->constants + graph->constants_size, data, size);
	graph->constants_size += size;
}

static inline uint32_t test_parameters(struct test_graph *graph, const void *data, uint32_t size)
{
	uint32_t offset = (graph->parameters_size + 7) / 8 * 8;

	memcpy(graph->parameters + offset, data, size);
	graph->parameters_size = offset + size;
	return offset;
}

/* An operator with up to three inputs (NONE ends the list) and one output. */
static inline struct kestrel_graph_operator *
test_operator(struct test_graph *graph, uint32_t opcode, uint32_t a, uint32_t b, uint32_t c,
	      uint32_t output)
{
	struct kestrel_graph_operator *operator = &graph->operators[graph->operator_count];
	struct kestrel_graph_placement *placement = &graph->placements[graph->operator_count];
	uint32_t inputs[3] = { a, b, c };

	operator->opcode = opcode;
	operator->source_operator = graph->operator_count;
	operator->inputs = graph->index_count;
	for (int i = 0; i < 3 && inputs[i] != KESTREL_GRAPH_NONE; i++) {
		graph->indices[graph->index_count++] = inputs[i];
		operator->input_count++;
	}
	operator->outputs = graph->index_count;
	operator->output_count = 1;
	graph->indices[graph->index_count++] = output;
	placement->stream = KESTREL_GRAPH_NONE;
	placement->source_operator = graph->operator_count;
	placement->place = KESTREL_GRAPH_PLACE_CPU;
	graph->placement_count = ++graph->operator_count;
	graph->info.source_operator_count = graph->operator_count;
	return operator;
}

/* Appends a section to the file under construction. */
static inline void test_section(uint8_t *file, struct kestrel_graph_section *table,
				uint32_t *count, size_t *size, uint32_t type, const void *data,
				uint32_t records, size_t record_size)
{
	struct kestrel_graph_section *section = &table[(*count)++];

	*size = (*size + 63) / 64 * 64;
	section->type = type;
	section->flags = KESTREL_GRAPH_SECTION_REQUIRED;
	section->offset = *size;
	section->size = records * record_size;
	section->record_count = record_size > 1 ? records : 0;
	section->record_size = record_size > 1 ? (uint32_t)record_size : 0;
	memcpy(file + *size, data, section->size);
	sha256(data, section->size, section->hash);
	*size += section->size;
}

#define TEST_FILE_BYTES 65536

/* The file, 64-byte aligned and exactly as long as it is; free() it. */
static inline uint8_t *test_graph_write(const struct test_graph *graph, size_t *size)
{
	struct kestrel_graph_section table[16];
	struct kestrel_graph_header header = graph->header;
	uint8_t *file = aligned_alloc(64, TEST_FILE_BYTES);
	uint32_t count = 0;

	if (!file)
		exit(1);
	memset(file, 0, TEST_FILE_BYTES);
	memset(table, 0, sizeof(table));
	*size = sizeof(header) + sizeof(table);
#define RECORDS(type, field, number) \
	test_section(file, table, &count, size, KESTREL_GRAPH_SECTION_ ## type, graph->field, \
		     graph->number, sizeof(graph->field[0]))
	test_section(file, table, &count, size, KESTREL_GRAPH_SECTION_INFO, &graph->info, 1,
		     sizeof(graph->info));
	RECORDS(STRINGS, strings, strings_size);
	RECORDS(TENSORS, tensors, tensor_count);
	RECORDS(INDICES, indices, index_count);
	RECORDS(OPERATORS, operators, operator_count);
	RECORDS(INPUTS, inputs, input_count);
	RECORDS(OUTPUTS, outputs, output_count);
	RECORDS(CONSTANTS, constants, constants_size);
	RECORDS(PARAMETERS, parameters, parameters_size);
	RECORDS(PLACEMENT, placements, placement_count);
	if (graph->stream_count) {
		RECORDS(STREAMS, streams, stream_count);
		RECORDS(SEGMENTS, segments, segment_count);
		RECORDS(BASES, bases, base_count);
		test_section(file, table, &count, size, KESTREL_GRAPH_SECTION_STREAM_COMMANDS,
			     graph->commands, sizeof(graph->commands), 1);
	}
#undef RECORDS
	header.section_count = count;
	header.file_size = *size;
	sha256(table, count * sizeof(table[0]), header.table_hash);
	memcpy(file, &header, sizeof(header));
	memcpy(file + sizeof(header), table, count * sizeof(table[0]));
	return file;
}

#endif
