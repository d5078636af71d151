// SPDX-License-Identifier: MIT
/* Header, section table and sections of a compiled-graph file. */
#include "graph.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sha256.h"

#define SECTION_COUNT_MAX 64

/* What is known about a section: where its records go, and their size (0: bytes). */
struct section_kind {
	uint32_t type;
	const char *name;
	size_t record_size;
	int required;
	size_t pointer;		/* offset in struct graph of the pointer */
	size_t count;		/* of the uint32_t count, or size_t size for bytes */
};

#define SECTION(type_, record_, required_, pointer_, count_) { \
	KESTREL_GRAPH_SECTION_ ## type_, #type_, record_, required_, \
	offsetof(struct graph, pointer_), offsetof(struct graph, count_) }

static const struct section_kind section_kinds[] = {
	SECTION(STRINGS, 0, 1, strings, strings_size),
	SECTION(TENSORS, sizeof(struct kestrel_graph_tensor), 1, tensors, tensor_count),
	SECTION(INDICES, sizeof(uint32_t), 1, indices, index_count),
	SECTION(OPERATORS, sizeof(struct kestrel_graph_operator), 1, operators, operator_count),
	SECTION(INPUTS, sizeof(uint32_t), 1, inputs, input_count),
	SECTION(OUTPUTS, sizeof(uint32_t), 1, outputs, output_count),
	SECTION(CONSTANTS, 0, 0, constants, constants_size),
	SECTION(PARAMETERS, 0, 0, parameters, parameters_size),
	SECTION(STREAMS, sizeof(struct kestrel_graph_stream), 0, streams, stream_count),
	SECTION(SEGMENTS, sizeof(struct kestrel_graph_segment), 0, segments, segment_count),
	SECTION(BASES, sizeof(struct kestrel_graph_row_base), 0, bases, base_count),
	SECTION(STREAM_COMMANDS, 0, 0, commands, commands_size),
	SECTION(STREAM_CONSTANTS, 0, 0, stream_constants, stream_constants_size),
	SECTION(PLACEMENT, sizeof(struct kestrel_graph_placement), 0, placements, placement_count),
};

#define SECTION_KINDS (sizeof(section_kinds) / sizeof(section_kinds[0]))

static const struct section_kind *section_kind_find(uint32_t type)
{
	for (size_t i = 0; i < SECTION_KINDS; i++)
		if (section_kinds[i].type == type)
			return &section_kinds[i];
	return NULL;
}

/* Least size of a section's records where those of version 1.0 are shorter than now. */
static size_t record_size_least(uint32_t type, size_t known)
{
	return type == KESTREL_GRAPH_SECTION_BASES ? sizeof(struct kestrel_graph_base) : known;
}

static int all_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return 0;
	return 1;
}

/*
 * Records as an array of the size known here. Longer ones come from a later
 * minor version: usable while what this library does not know is zero. What shorter
 * ones, of an earlier version, lack is zero.
 */
static int records_get(struct graph *graph, const struct kestrel_graph_section *section,
		       const char *name, size_t known, const void **records,
		       struct message *message)
{
	const uint8_t *from = graph->data + section->offset;
	size_t size = section->record_size < known ? section->record_size : known;
	size_t least = record_size_least(section->type, known);
	uint8_t *copy;

	if ((uint64_t)section->record_count * section->record_size != section->size)
		return message_set(message, -EINVAL,
				   "section %s: %" PRIu32 " records of %" PRIu32 " bytes do not make %" PRIu64,
				   name, section->record_count, section->record_size, section->size);
	if (section->record_size < least && section->record_count)
		return message_set(message, -EINVAL,
				   "section %s: records of %" PRIu32 " bytes, at least %zu needed",
				   name, section->record_size, least);
	if (section->record_size == known || !section->record_count) {
		*records = from;
		return 0;
	}
	copy = calloc(section->record_count, known);
	if (!copy)
		return message_set(message, -ENOMEM, "section %s: out of memory", name);
	graph->copies[graph->copy_count++] = copy;
	for (uint32_t i = 0; i < section->record_count; i++) {
		const uint8_t *record = from + (size_t)i * section->record_size;

		if (!all_zero(record + size, section->record_size - size))
			return message_set(message, -ENOTSUP,
					   "section %s, record %" PRIu32 ": uses a field that this library does not know; it is older than the file",
					   name, i);
		memcpy(copy + i * known, record, size);
	}
	*records = copy;
	return 0;
}

static int section_open(struct graph *graph, const struct kestrel_graph_section *section,
			uint32_t index, struct message *message)
{
	const struct section_kind *kind = section_kind_find(section->type);
	const char *name = kind ? kind->name :
			   section->type == KESTREL_GRAPH_SECTION_INFO ? "INFO" : "of unknown type";
	uint8_t hash[SHA256_BYTES];
	const void *records = NULL;
	int ret;

	if (section->flags & ~(uint32_t)KESTREL_GRAPH_SECTION_REQUIRED)
		return message_set(message, -ENOTSUP,
				   "section %" PRIu32 " (%s): unknown flags 0x%" PRIx32, index,
				   name, section->flags);
	if (section->offset % KESTREL_GRAPH_ALIGNMENT)
		return message_set(message, -EINVAL,
				   "section %" PRIu32 " (%s): offset %" PRIu64 " is not a multiple of %d",
				   index, name, section->offset, KESTREL_GRAPH_ALIGNMENT);
	if (section->offset > graph->size || section->size > graph->size - section->offset)
		return message_set(message, -EINVAL,
				   "section %" PRIu32 " (%s): bytes %" PRIu64 "+%" PRIu64 " are outside the file of %zu",
				   index, name, section->offset, section->size, graph->size);
	sha256(graph->data + section->offset, section->size, hash);
	if (memcmp(hash, section->hash, sizeof(hash)))
		return message_set(message, -EINVAL,
				   "section %" PRIu32 " (%s): SHA-256 does not match, the file is damaged",
				   index, name);
	if (section->type == KESTREL_GRAPH_SECTION_INFO) {
		if (graph->info)
			return message_set(message, -EINVAL, "section INFO is there twice");
		if (section->record_count != 1)
			return message_set(message, -EINVAL,
					   "section INFO has %" PRIu32 " records instead of 1",
					   section->record_count);
		ret = records_get(graph, section, name, sizeof(*graph->info), &records, message);
		graph->info = records;
		return ret;
	}
	if (!kind) {
		if (section->flags & KESTREL_GRAPH_SECTION_REQUIRED)
			return message_set(message, -ENOTSUP,
					   "section %" PRIu32 " has the unknown type %" PRIu32 " and is required; this library is older than the file",
					   index, section->type);
		return 0;
	}
	memcpy(&records, (uint8_t *)graph + kind->pointer, sizeof(records));
	if (records)
		return message_set(message, -EINVAL, "section %s is there twice", name);
	if (kind->record_size) {
		ret = records_get(graph, section, name, kind->record_size, &records, message);
		if (ret)
			return ret;
		memcpy((uint8_t *)graph + kind->count, &section->record_count,
		       sizeof(section->record_count));
	} else {
		size_t size = section->size;

		if (section->record_count)
			return message_set(message, -EINVAL,
					   "section %s is plain bytes but names %" PRIu32 " records",
					   name, section->record_count);
		records = graph->data + section->offset;
		memcpy((uint8_t *)graph + kind->count, &size, sizeof(size));
	}
	memcpy((uint8_t *)graph + kind->pointer, &records, sizeof(records));
	return 0;
}

static int header_check(const struct graph *graph, struct message *message)
{
	const struct kestrel_graph_header *header = graph->header;
	uint64_t table;

	if (graph->size < sizeof(*header))
		return message_set(message, -EINVAL,
				   "%zu bytes are too few for a compiled graph", graph->size);
	if (header->magic != KESTREL_GRAPH_MAGIC)
		return message_set(message, -EINVAL,
				   "not a compiled graph, .tflite or .onnx model: magic is 0x%08" PRIx32
				   ", not 0x%08x",
				   header->magic, KESTREL_GRAPH_MAGIC);
	if (header->version_major != KESTREL_GRAPH_VERSION_MAJOR)
		return message_set(message, -ENOTSUP,
				   "graph format %u.%u is not supported, this library reads %d.x; compile the model again",
				   header->version_major, header->version_minor,
				   KESTREL_GRAPH_VERSION_MAJOR);
	if (header->file_size != graph->size)
		return message_set(message, -EINVAL,
				   "the header tells a file of %" PRIu64 " bytes, there are %zu: truncated or extended",
				   header->file_size, graph->size);
	if (header->flags & ~(uint32_t)KESTREL_GRAPH_FLAG_NPU_ONLY)
		return message_set(message, -ENOTSUP, "header: unknown flags 0x%" PRIx32,
				   header->flags);
	if (!all_zero(header->reserved0, sizeof(header->reserved0)) ||
	    !all_zero(header->reserved1, sizeof(header->reserved1)))
		return message_set(message, -EINVAL, "header: reserved bytes are not 0");
	if (!header->section_count || header->section_count > SECTION_COUNT_MAX)
		return message_set(message, -EINVAL, "header: section_count %" PRIu32 " is not 1..%d",
				   header->section_count, SECTION_COUNT_MAX);
	if (header->header_size < sizeof(*header) ||
	    header->header_size % KESTREL_GRAPH_ALIGNMENT)
		return message_set(message, -EINVAL, "header: header_size %" PRIu32 " is not a multiple of %d of at least %zu",
				   header->header_size, KESTREL_GRAPH_ALIGNMENT, sizeof(*header));
	if (header->section_entry_size < sizeof(struct kestrel_graph_section) ||
	    header->section_entry_size % 8)
		return message_set(message, -EINVAL, "header: section_entry_size %" PRIu32 " is not a multiple of 8 of at least %zu",
				   header->section_entry_size,
				   sizeof(struct kestrel_graph_section));
	table = (uint64_t)header->section_count * header->section_entry_size;
	if (header->header_size > graph->size || table > graph->size - header->header_size)
		return message_set(message, -EINVAL, "header: the section table is outside the file");
	if (!all_zero((const uint8_t *)header + sizeof(*header),
		      header->header_size - sizeof(*header)))
		return message_set(message, -ENOTSUP,
				   "header: uses a field that this library does not know; it is older than the file");
	if (header->signature_type > 1)
		return message_set(message, -ENOTSUP, "header: unknown signature_type %" PRIu32,
				   header->signature_type);
	if (!header->signature_type && (header->signature_offset || header->signature_size))
		return message_set(message, -EINVAL, "header: a signature without signature_type");
	if (header->signature_offset > graph->size ||
	    header->signature_size > graph->size - header->signature_offset)
		return message_set(message, -EINVAL, "header: the signature is outside the file");
	return 0;
}

static int sections_check(const struct graph *graph, struct message *message)
{
	const struct kestrel_graph_header *header = graph->header;
	const uint8_t *table = graph->data + header->header_size;

	for (uint32_t i = 0; i < header->section_count; i++) {
		const struct kestrel_graph_section *a =
			(const void *)(table + (size_t)i * header->section_entry_size);

		if (a->offset < header->header_size + (uint64_t)header->section_count *
				header->section_entry_size && a->size)
			return message_set(message, -EINVAL,
					   "section %" PRIu32 " overlaps the section table", i);
		for (uint32_t j = 0; j < i; j++) {
			const struct kestrel_graph_section *b =
				(const void *)(table + (size_t)j * header->section_entry_size);

			if (a->size && b->size && a->offset < b->offset + b->size &&
			    b->offset < a->offset + a->size)
				return message_set(message, -EINVAL,
						   "sections %" PRIu32 " and %" PRIu32 " overlap", j, i);
		}
	}
	return 0;
}

static int graph_parse(struct graph *graph, struct message *message)
{
	const struct kestrel_graph_header *header = graph->header;
	uint8_t hash[SHA256_BYTES];
	const uint8_t *table;
	int ret;

	ret = header_check(graph, message);
	if (ret)
		return ret;
	table = graph->data + header->header_size;
	sha256(table, (size_t)header->section_count * header->section_entry_size, hash);
	if (memcmp(hash, header->table_hash, sizeof(hash)))
		return message_set(message, -EINVAL,
				   "section table: SHA-256 does not match, the file is damaged");
	for (uint32_t i = 0; i < header->section_count; i++) {
		const uint8_t *entry = table + (size_t)i * header->section_entry_size;
		const size_t known = sizeof(struct kestrel_graph_section);

		if (!all_zero(entry + known, header->section_entry_size - known))
			return message_set(message, -ENOTSUP,
					   "section table, entry %" PRIu32 ": uses a field that this library does not know; it is older than the file",
					   i);
		ret = section_open(graph, (const void *)entry, i, message);
		if (ret)
			return ret;
	}
	ret = sections_check(graph, message);
	if (ret)
		return ret;
	if (!graph->info)
		return message_set(message, -EINVAL, "section INFO is missing");
	for (size_t i = 0; i < SECTION_KINDS; i++) {
		const void *pointer;

		memcpy(&pointer, (uint8_t *)graph + section_kinds[i].pointer, sizeof(pointer));
		if (section_kinds[i].required && !pointer)
			return message_set(message, -EINVAL, "section %s is missing",
					   section_kinds[i].name);
		/* No records, but a place to count from. */
		if (!pointer)
			memcpy((uint8_t *)graph + section_kinds[i].pointer, &graph->data,
			       sizeof(graph->data));
	}
	return graph_check(graph, message);
}

int graph_open(struct graph *graph, const void *data, size_t size, struct message *message)
{
	int ret;

	memset(graph, 0, sizeof(*graph));
	graph->data = data;
	graph->size = size;
	graph->header = data;
	ret = graph_parse(graph, message);
	if (ret)
		graph_close(graph);
	return ret;
}

void graph_close(struct graph *graph)
{
	for (uint32_t i = 0; i < graph->copy_count; i++)
		free(graph->copies[i]);
	memset(graph, 0, sizeof(*graph));
}

const char *graph_string(const struct graph *graph, uint32_t offset)
{
	return graph->strings + offset;
}

uint32_t graph_operator_input(const struct graph *graph,
			      const struct kestrel_graph_operator *operator, uint32_t i)
{
	return i < operator->input_count ? graph->indices[operator->inputs + i] :
	       KESTREL_GRAPH_NONE;
}

uint32_t graph_operator_output(const struct graph *graph,
			       const struct kestrel_graph_operator *operator, uint32_t i)
{
	return i < operator->output_count ? graph->indices[operator->outputs + i] :
	       KESTREL_GRAPH_NONE;
}

int graph_base_has_tensor(const struct kestrel_graph_row_base *base)
{
	return base->base.kind == KESTREL_GRAPH_BASE_TENSOR ||
	       base->base.kind == KESTREL_GRAPH_BASE_ROW;
}

size_t graph_type_size(uint32_t type)
{
	switch (type) {
	case KESTREL_GRAPH_TYPE_INT8:
	case KESTREL_GRAPH_TYPE_UINT8:
	case KESTREL_GRAPH_TYPE_BOOL:
		return 1;
	case KESTREL_GRAPH_TYPE_INT16:
		return 2;
	case KESTREL_GRAPH_TYPE_INT32:
	case KESTREL_GRAPH_TYPE_FLOAT32:
		return 4;
	case KESTREL_GRAPH_TYPE_INT64:
		return 8;
	}
	return 0;
}

const char *graph_type_name(uint32_t type)
{
	static const char *const names[] = {
		"?", "int8", "uint8", "int16", "int32", "int64", "float32", "bool",
	};

	return type < sizeof(names) / sizeof(names[0]) ? names[type] : names[0];
}

const char *graph_opcode_name(uint32_t opcode)
{
	static const char *const names[] = {
		[KESTREL_GRAPH_CONV_2D] = "CONV_2D",
		[KESTREL_GRAPH_DEPTHWISE_CONV_2D] = "DEPTHWISE_CONV_2D",
		[KESTREL_GRAPH_TRANSPOSE_CONV] = "TRANSPOSE_CONV",
		[KESTREL_GRAPH_FULLY_CONNECTED] = "FULLY_CONNECTED",
		[KESTREL_GRAPH_BATCH_MATMUL] = "BATCH_MATMUL",
		[KESTREL_GRAPH_ADD] = "ADD",
		[KESTREL_GRAPH_SUB] = "SUB",
		[KESTREL_GRAPH_MUL] = "MUL",
		[KESTREL_GRAPH_DIV] = "DIV",
		[KESTREL_GRAPH_MINIMUM] = "MINIMUM",
		[KESTREL_GRAPH_MAXIMUM] = "MAXIMUM",
		[KESTREL_GRAPH_SQUARED_DIFFERENCE] = "SQUARED_DIFFERENCE",
		[KESTREL_GRAPH_PRELU] = "PRELU",
		[KESTREL_GRAPH_COMPARE] = "COMPARE",
		[KESTREL_GRAPH_SELECT] = "SELECT",
		[KESTREL_GRAPH_LOGICAL_AND] = "LOGICAL_AND",
		[KESTREL_GRAPH_LOGICAL_OR] = "LOGICAL_OR",
		[KESTREL_GRAPH_AVERAGE_POOL_2D] = "AVERAGE_POOL_2D",
		[KESTREL_GRAPH_MAX_POOL_2D] = "MAX_POOL_2D",
		[KESTREL_GRAPH_MEAN] = "MEAN",
		[KESTREL_GRAPH_SUM] = "SUM",
		[KESTREL_GRAPH_REDUCE_MAX] = "REDUCE_MAX",
		[KESTREL_GRAPH_REDUCE_MIN] = "REDUCE_MIN",
		[KESTREL_GRAPH_ARG_MAX] = "ARG_MAX",
		[KESTREL_GRAPH_ARG_MIN] = "ARG_MIN",
		[KESTREL_GRAPH_REDUCE_PROD] = "REDUCE_PROD",
		[KESTREL_GRAPH_TABLE] = "TABLE",
		[KESTREL_GRAPH_QUANTIZE] = "QUANTIZE",
		[KESTREL_GRAPH_DEQUANTIZE] = "DEQUANTIZE",
		[KESTREL_GRAPH_RESCALE] = "RESCALE",
		[KESTREL_GRAPH_SOFTMAX] = "SOFTMAX",
		[KESTREL_GRAPH_LAYER_NORM] = "LAYER_NORM",
		[KESTREL_GRAPH_LOG_SOFTMAX] = "LOG_SOFTMAX",
		[KESTREL_GRAPH_LEAKY_RELU] = "LEAKY_RELU",
		[KESTREL_GRAPH_UNARY] = "UNARY",
		[KESTREL_GRAPH_CAST] = "CAST",
		[KESTREL_GRAPH_L2_NORMALIZATION] = "L2_NORMALIZATION",
		[KESTREL_GRAPH_RESHAPE] = "RESHAPE",
		[KESTREL_GRAPH_COPY] = "COPY",
		[KESTREL_GRAPH_PAD] = "PAD",
		[KESTREL_GRAPH_MIRROR_PAD] = "MIRROR_PAD",
		[KESTREL_GRAPH_CONCATENATION] = "CONCATENATION",
		[KESTREL_GRAPH_SPLIT] = "SPLIT",
		[KESTREL_GRAPH_PACK] = "PACK",
		[KESTREL_GRAPH_SLICE] = "SLICE",
		[KESTREL_GRAPH_TRANSPOSE] = "TRANSPOSE",
		[KESTREL_GRAPH_GATHER] = "GATHER",
		[KESTREL_GRAPH_SPACE_TO_DEPTH] = "SPACE_TO_DEPTH",
		[KESTREL_GRAPH_DEPTH_TO_SPACE] = "DEPTH_TO_SPACE",
		[KESTREL_GRAPH_BROADCAST_TO] = "BROADCAST_TO",
		[KESTREL_GRAPH_TILE] = "TILE",
		[KESTREL_GRAPH_SPACE_TO_BATCH] = "SPACE_TO_BATCH",
		[KESTREL_GRAPH_BATCH_TO_SPACE] = "BATCH_TO_SPACE",
		[KESTREL_GRAPH_RESIZE_BILINEAR] = "RESIZE_BILINEAR",
		[KESTREL_GRAPH_RESIZE_NEAREST_NEIGHBOR] = "RESIZE_NEAREST_NEIGHBOR",
		[KESTREL_GRAPH_SVDF] = "SVDF",
		[KESTREL_GRAPH_LSTM] = "LSTM",
		[KESTREL_GRAPH_LSTM_TABLE] = "LSTM_TABLE",
		[KESTREL_GRAPH_DETECTION_POSTPROCESS] = "DETECTION_POSTPROCESS",
		[KESTREL_GRAPH_DYNAMIC_UPDATE_SLICE] = "DYNAMIC_UPDATE_SLICE",
		[KESTREL_GRAPH_GATHER_ND] = "GATHER_ND",
		[KESTREL_GRAPH_TOP_K] = "TOP_K",
		[KESTREL_GRAPH_ONE_HOT] = "ONE_HOT",
		[KESTREL_GRAPH_CUMULATIVE_SUM] = "CUMULATIVE_SUM",
		[KESTREL_GRAPH_FLOOR_DIV] = "FLOOR_DIV",
		[KESTREL_GRAPH_FLOOR_MOD] = "FLOOR_MOD",
		[KESTREL_GRAPH_POWER] = "POWER",
		[KESTREL_GRAPH_DYNAMIC_QUANTIZE] = "DYNAMIC_QUANTIZE",
		[KESTREL_GRAPH_MATMUL_INTEGER] = "MATMUL_INTEGER",
		[KESTREL_GRAPH_CONV_INTEGER] = "CONV_INTEGER",
	};

	return opcode < sizeof(names) / sizeof(names[0]) ? names[opcode] : NULL;
}
