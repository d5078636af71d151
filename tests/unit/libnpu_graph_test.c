// SPDX-License-Identifier: MIT
/*
 * The reader of graph files: a good file opens, and each kind of damage is
 * refused with a message that names the place.
 */
#include <errno.h>

#include "graph.h"
#include "libnpu_test.h"

/*
 * A CONV_2D, a TABLE and a SOFTMAX, with a stream that puts the first on the NPU, where a
 * base is a row of its output at a position that is an input.
 */
static void sample(struct test_graph *graph)
{
	static const struct kestrel_graph_scale scale = { 1 << 30, -6 };
	static const uint8_t weights[4 * 4];
	static const int32_t bias[4];
	uint8_t table[256];
	int32_t exponentials[256];
	struct kestrel_graph_operator *operator;
	struct kestrel_graph_convolution *convolution;
	uint32_t a, w, b, c, d, e, p;

	test_graph_begin(graph);
	a = test_tensor(graph, "input", 1, 4, 4, 4);
	w = test_tensor(graph, "weights", 4, 1, 1, 4);
	b = test_tensor(graph, "bias", 4, 0, 0, 0);
	c = test_tensor(graph, "features", 1, 4, 4, 4);
	d = test_tensor(graph, "looked up", 1, 4, 4, 4);
	e = test_tensor(graph, "output", 1, 4, 4, 4);
	p = test_tensor(graph, "position", 2, 0, 0, 0);
	graph->tensors[b].type = graph->tensors[p].type = KESTREL_GRAPH_TYPE_INT32;
	graph->tensors[p].size = 8;
	test_constant(graph, w, weights, sizeof(weights));
	test_constant(graph, b, bias, sizeof(bias));

	operator = test_operator(graph, KESTREL_GRAPH_CONV_2D, a, w, b, c);
	convolution = &operator->attributes.convolution;
	convolution->stride_height = convolution->stride_width = 1;
	convolution->dilation_height = convolution->dilation_width = 1;
	convolution->depth_multiplier = 1;
	convolution->requantise.mode = KESTREL_GRAPH_REQUANTISE_DOUBLE;
	convolution->requantise.scale_count = 1;
	convolution->requantise.scales = test_parameters(graph, &scale, sizeof(scale));
	convolution->requantise.minimum = -128;
	convolution->requantise.maximum = 127;

	for (int i = 0; i < 256; i++) {
		table[i] = (uint8_t)i;
		exponentials[i] = INT32_MAX >> (i / 16);
	}
	operator = test_operator(graph, KESTREL_GRAPH_TABLE, c, KESTREL_GRAPH_NONE,
				 KESTREL_GRAPH_NONE, d);
	operator->attributes.table.table = test_parameters(graph, table, sizeof(table));
	operator = test_operator(graph, KESTREL_GRAPH_SOFTMAX, d, KESTREL_GRAPH_NONE,
				 KESTREL_GRAPH_NONE, e);
	operator->attributes.softmax.table = test_parameters(graph, exponentials,
							     sizeof(exponentials));
	operator->attributes.softmax.zero_point = -128;
	operator->attributes.softmax.minimum = -128;
	operator->attributes.softmax.maximum = 127;
	operator->attributes.softmax.output_shift = 35;
	graph->inputs[graph->input_count++] = a;
	graph->inputs[graph->input_count++] = p;
	graph->outputs[graph->output_count++] = e;

	graph->stream_count = 1;
	graph->streams[0].target = test_string(graph, "kestrel-256");
	graph->streams[0].isa_major = 0;
	graph->streams[0].macs_per_cycle = 256;
	graph->streams[0].segment_count = 2;
	graph->streams[0].scratch_size = 128;
	graph->segment_count = 2;
	graph->segments[0].kind = KESTREL_GRAPH_SEGMENT_NPU;
	graph->segments[0].operator_count = 1;
	graph->segments[0].base_count = 4;
	graph->segments[0].command_size = 64;
	graph->segments[1].kind = KESTREL_GRAPH_SEGMENT_CPU;
	graph->segments[1].first_operator = 1;
	graph->segments[1].operator_count = 2;
	graph->base_count = 4;
	graph->bases[0].base = (struct kestrel_graph_base){ 0, KESTREL_GRAPH_BASE_TENSOR,
		KESTREL_GRAPH_BASE_READ, a, 0, 64 };
	graph->bases[1].base = (struct kestrel_graph_base){ 1, KESTREL_GRAPH_BASE_TENSOR,
		KESTREL_GRAPH_BASE_WRITE, c, 0, 64 };
	graph->bases[2].base = (struct kestrel_graph_base){ 5, KESTREL_GRAPH_BASE_SCRATCH,
		KESTREL_GRAPH_BASE_READ | KESTREL_GRAPH_BASE_WRITE, KESTREL_GRAPH_NONE, 64, 64 };
	graph->bases[3] = (struct kestrel_graph_row_base){
		.base = { 6, KESTREL_GRAPH_BASE_ROW, KESTREL_GRAPH_BASE_WRITE, c, 0, 16 },
		.position_tensor = p, .position_element = 1, .position_count = 4, .row_bytes = 16,
	};
	for (uint32_t i = 0; i < graph->placement_count; i++)
		graph->placements[i].stream = 0;
}

/* Opens what `graph` says; returns the error and prints its message. */
static int open_it(const struct test_graph *graph, struct message *message)
{
	struct graph view;
	size_t size;
	uint8_t *file = test_graph_write(graph, &size);
	int ret = graph_open(&view, file, size, message);

	if (!ret)
		graph_close(&view);
	free(file);
	return ret;
}

/* One change of the good file, and a word of the message that must come. */
struct damage {
	const char *name;
	void (*make)(struct test_graph *graph);
	const char *word;
};

#define DAMAGE(function, statement) \
	static void function(struct test_graph *g) { statement; }

DAMAGE(magic, g->header.magic++)
DAMAGE(major, g->header.version_major++)
DAMAGE(flags, g->header.flags = 64)
DAMAGE(header_size, g->header.header_size = 100)
DAMAGE(entry_size, g->header.section_entry_size = 32)
DAMAGE(header_reserved, g->header.reserved1[3] = 1)
DAMAGE(signature, (g->header.signature_offset = 1, g->header.signature_size = 1u << 30))
DAMAGE(signature_type, g->header.signature_type = 2)
DAMAGE(signature_none, g->header.signature_size = 64)
DAMAGE(info_reserved, g->info.reserved = 1)
DAMAGE(tensor_reserved, g->tensors[0].reserved0 = 1)
DAMAGE(operator_flags, g->operators[1].flags = 1)
DAMAGE(operator_reserved, g->operators[1].reserved = 1)
DAMAGE(operator_attributes, g->operators[1].attributes.bytes[4] = 1)
DAMAGE(operator_last_attribute, g->operators[0].attributes.bytes[95] = 1)
DAMAGE(stream_reserved, g->streams[0].reserved[47] = 1)
DAMAGE(segment_reserved, g->segments[0].reserved = 1)
DAMAGE(segment_leftover, g->segments[1].first_base = 1)
DAMAGE(segment_leftover_commands, g->segments[1].command_offset = 64)
DAMAGE(base_leftover, g->bases[2].base.tensor = 0)
DAMAGE(strings_end, g->strings[g->strings_size - 1] = 'x')
DAMAGE(producer, g->info.producer = 5000)
DAMAGE(tensor_name, g->tensors[1].name = g->strings_size)
DAMAGE(tensor_type, g->tensors[1].type = 77)
DAMAGE(tensor_rank, g->tensors[1].rank = 7)
DAMAGE(tensor_dims, g->tensors[0].dims[1] = 0)
DAMAGE(tensor_overflow, (g->tensors[0].dims[0] = 1u << 31, g->tensors[0].dims[1] = 1u << 31))
DAMAGE(tensor_size, g->tensors[0].size++)
DAMAGE(tensor_storage, g->tensors[0].storage = 9)
DAMAGE(tensor_data, g->tensors[1].data_offset = 1u << 20)
DAMAGE(tensor_data_alignment, g->tensors[1].data_offset = 4)
DAMAGE(tensor_data_huge, g->tensors[1].data_offset = UINT64_MAX - 63 - 64)
DAMAGE(tensor_axis, (g->tensors[1].axis_count = 4, g->tensors[1].axis_scales = 1u << 30))
DAMAGE(opcode, g->operators[1].opcode = 4000)
DAMAGE(opcode_inputs, g->operators[1].opcode = KESTREL_GRAPH_GATHER)
DAMAGE(operator_inputs, g->operators[1].inputs = 1000)
DAMAGE(operator_input_count, g->operators[1].input_count = 0xfffffff0)
DAMAGE(operator_no_output, g->operators[1].output_count = 0)
DAMAGE(operator_tensor, g->indices[g->operators[1].inputs] = 999)
DAMAGE(operator_source, g->operators[1].source_operator = 3)
DAMAGE(operator_order, g->indices[g->operators[0].inputs] = 4)
DAMAGE(operator_twice, g->indices[g->operators[1].outputs] = 3)
DAMAGE(operator_constant, g->indices[g->operators[1].outputs] = 1)
DAMAGE(stride, g->operators[0].attributes.convolution.stride_width = 0)
DAMAGE(padding, g->operators[0].attributes.convolution.pad_top = INT32_MIN)
DAMAGE(mode, g->operators[0].attributes.convolution.requantise.mode = 99)
DAMAGE(scale_count, g->operators[0].attributes.convolution.requantise.scale_count = 3)
DAMAGE(scales, g->operators[0].attributes.convolution.requantise.scales = 1u << 20)
DAMAGE(clamp, g->operators[0].attributes.convolution.requantise.minimum = -129)
DAMAGE(clamp_order, g->operators[0].attributes.convolution.requantise.maximum = -128 - 1)
DAMAGE(zero_point, g->operators[0].attributes.convolution.input_zero_point = 1000)
DAMAGE(shift, ((struct kestrel_graph_scale *)(void *)g->parameters)->shift = 31)
DAMAGE(weights_shape, (g->tensors[1].dims[3] = 2, g->tensors[1].dims[0] = 8))
DAMAGE(bias_shape, (g->tensors[2].dims[0] = 2, g->tensors[2].size = 8))
DAMAGE(table, g->operators[1].attributes.table.table = g->parameters_size - 255)
DAMAGE(softmax_kind, g->operators[2].attributes.softmax.kind = 77)
DAMAGE(softmax_table, memset(g->parameters + g->operators[2].attributes.softmax.table, 0, 4))
DAMAGE(input_tensor, g->inputs[0] = 7)
DAMAGE(input_constant, g->inputs[0] = 1)
DAMAGE(output_tensor, g->outputs[0] = 7)
DAMAGE(stream_target, g->streams[0].target = 5000)
DAMAGE(stream_segments, g->streams[0].segment_count = 5)
DAMAGE(stream_incomplete, g->streams[0].segment_count = 1)
DAMAGE(stream_shared, (g->stream_count = 2, g->streams[1] = g->streams[0]))
DAMAGE(segment_kind, g->segments[1].kind = 5)
DAMAGE(segment_order, g->segments[1].first_operator = 2)
DAMAGE(segment_bases, g->segments[0].base_count = 9)
DAMAGE(segment_commands, g->segments[0].command_offset = 64)
DAMAGE(segment_command_size, g->segments[0].command_size = 65)
DAMAGE(base_index, g->bases[2].base.index = 16)
DAMAGE(base_rise, g->bases[1].base.index = 0)
DAMAGE(base_kind, g->bases[0].base.kind = 44)
DAMAGE(base_flags, g->bases[0].base.flags = 0)
DAMAGE(base_tensor, g->bases[0].base.tensor = 60)
DAMAGE(base_size, g->bases[0].base.size = 65)
DAMAGE(base_scratch, g->bases[2].base.size = 128)
DAMAGE(base_no_row, g->bases[0].position_count = 1)
DAMAGE(base_was_row, g->bases[3].base.kind = KESTREL_GRAPH_BASE_TENSOR)
DAMAGE(row_tensor, g->bases[3].base.tensor = 60)
DAMAGE(row_constant, g->bases[3].base.tensor = 1)
DAMAGE(row_offset, g->bases[3].base.offset = 64)
DAMAGE(row_size, g->bases[3].base.size = 32)
DAMAGE(row_no_size, (g->bases[3].base.size = 0, g->bases[3].position_count = 5))
DAMAGE(row_count, g->bases[3].position_count = 0)
DAMAGE(row_count_huge, g->bases[3].position_count = UINT32_MAX)
DAMAGE(row_bytes, g->bases[3].row_bytes = 0)
DAMAGE(row_bytes_huge, g->bases[3].row_bytes = UINT32_MAX)
DAMAGE(row_position, g->bases[3].position_tensor = 60)
DAMAGE(row_position_none, g->bases[3].position_tensor = KESTREL_GRAPH_NONE)
DAMAGE(row_position_type, g->bases[3].position_tensor = 0)
DAMAGE(row_position_constant, g->bases[3].position_tensor = 2)
DAMAGE(row_position_element, g->bases[3].position_element = 2)
DAMAGE(row_position_late, g->input_count = 1)
DAMAGE(placement_count, g->placement_count = 2)
DAMAGE(placement_place, g->placements[1].place = 0)
DAMAGE(placement_reason, g->placements[1].reason = 4444)

static const struct damage damages[] = {
	{ "magic", magic, "magic" },
	{ "major version", major, "reads 1.x" },
	{ "header flags", flags, "flags" },
	{ "header size", header_size, "header_size" },
	{ "section entry size", entry_size, "section_entry_size" },
	{ "reserved header bytes", header_reserved, "reserved" },
	{ "signature range", signature, "signature" },
	{ "signature type", signature_type, "signature_type 2" },
	{ "signature without type", signature_none, "signature_type" },
	{ "reserved field of INFO", info_reserved, "INFO: reserved" },
	{ "reserved field of a tensor", tensor_reserved, "reserved" },
	{ "flags of an operator", operator_flags, "flags" },
	{ "reserved field of an operator", operator_reserved, "OPERATORS, record 1" },
	{ "attribute that is not there yet", operator_attributes, "attribute byte 4" },
	{ "last byte of the attributes", operator_last_attribute, "attribute byte 95" },
	{ "reserved bytes of a stream", stream_reserved, "STREAMS, record 0: reserved" },
	{ "reserved field of a segment", segment_reserved, "SEGMENTS, record 0: reserved" },
	{ "bases of a CPU segment", segment_leftover, "CPU segment" },
	{ "commands of a CPU segment", segment_leftover_commands, "CPU segment" },
	{ "tensor of a base that is none", base_leftover, "tensor 0" },
	{ "position of a base that is no row", base_no_row, "BASES, record 0: has a position" },
	{ "row without its kind", base_was_row, "BASES, record 3" },
	{ "tensor of a row", row_tensor, "tensor 60" },
	{ "row of a constant", row_constant, "neither variable nor state" },
	{ "offset of a row", row_offset, "does not fit tensor 3 of 64 bytes" },
	{ "size of a row", row_size, "does not fit tensor 3 of 64 bytes" },
	{ "row of no bytes", row_no_size, "does not fit tensor 3 of 64 bytes" },
	{ "row at no position", row_count, "position_count 0" },
	{ "row at positions beyond the tensor", row_count_huge, "does not fit tensor 3" },
	{ "rows of no bytes", row_bytes, "row_bytes 0" },
	{ "rows of too many bytes", row_bytes_huge, "does not fit tensor 3" },
	{ "tensor of a position", row_position, "position_tensor 60 of 7" },
	{ "row without a position", row_position_none, "position_tensor 4294967295 of 7" },
	{ "type of a position", row_position_type, "no int32" },
	{ "constant position", row_position_constant, "no int32" },
	{ "element of a position", row_position_element, "position_element 2" },
	{ "position that nothing gives", row_position_late, "not written before the segment" },
	{ "end of STRINGS", strings_end, "STRINGS" },
	{ "producer", producer, "producer" },
	{ "tensor name", tensor_name, "name" },
	{ "tensor type", tensor_type, "type" },
	{ "tensor rank", tensor_rank, "rank" },
	{ "tensor dimension 0", tensor_dims, "dims" },
	{ "tensor of too many bytes", tensor_overflow, "bytes" },
	{ "tensor size", tensor_size, "size" },
	{ "tensor storage", tensor_storage, "storage" },
	{ "constant outside CONSTANTS", tensor_data, "data_offset" },
	{ "constant not aligned", tensor_data_alignment, "data_offset" },
	{ "constant offset that overflows", tensor_data_huge, "data_offset" },
	{ "per-axis scales", tensor_axis, "axis" },
	{ "unknown opcode", opcode, "opcode" },
	{ "opcode with more inputs", opcode_inputs, "1 inputs, 2..2 needed" },
	{ "input list outside INDICES", operator_inputs, "INDICES" },
	{ "input list that overflows", operator_input_count, "INDICES" },
	{ "operator without output", operator_no_output, "no output" },
	{ "tensor index", operator_tensor, "tensor 999" },
	{ "operator of no source", operator_source, "source operator 3 of 3" },
	{ "read before written", operator_order, "before it is written" },
	{ "written twice", operator_twice, "second time" },
	{ "constant written", operator_constant, "constant" },
	{ "stride 0", stride, "stride" },
	{ "padding", padding, "padding" },
	{ "requantisation mode", mode, "mode" },
	{ "number of scales", scale_count, "scales" },
	{ "scales outside PARAMETERS", scales, "PARAMETERS" },
	{ "clamp outside the type", clamp, "clamp" },
	{ "clamp the wrong way round", clamp_order, "clamp" },
	{ "zero point", zero_point, "zero point" },
	{ "shift", shift, "shift" },
	{ "shape of weights", weights_shape, "weights" },
	{ "shape of bias", bias_shape, "bias" },
	{ "table outside PARAMETERS", table, "PARAMETERS" },
	{ "softmax kind", softmax_kind, "softmax" },
	{ "softmax table", softmax_table, "entry 0" },
	{ "input index", input_tensor, "INPUTS" },
	{ "constant input", input_constant, "INPUTS" },
	{ "output index", output_tensor, "OUTPUTS" },
	{ "stream name", stream_target, "STREAMS" },
	{ "segment range", stream_segments, "SEGMENTS" },
	{ "segments that miss operators", stream_incomplete, "operators" },
	{ "segments of two streams", stream_shared, "belong to another stream" },
	{ "segment kind", segment_kind, "kind" },
	{ "segment order", segment_order, "follow" },
	{ "base range", segment_bases, "BASES" },
	{ "commands outside the section", segment_commands, "STREAM_COMMANDS" },
	{ "command size", segment_command_size, "STREAM_COMMANDS" },
	{ "base index", base_index, "index" },
	{ "base order", base_rise, "rise" },
	{ "base kind", base_kind, "kind" },
	{ "base flags", base_flags, "flags" },
	{ "base tensor", base_tensor, "tensor 60" },
	{ "base size", base_size, "fit" },
	{ "scratch range", base_scratch, "scratch" },
	{ "number of placements", placement_count, "PLACEMENT" },
	{ "place", placement_place, "place" },
	{ "reason string", placement_reason, "reason" },
};

static void test_damages(void)
{
	int good = 1;

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct message message = { "" };
		struct test_graph graph;
		int ret;

		sample(&graph);
		damages[i].make(&graph);
		ret = open_it(&graph, &message);
		if ((ret == -EINVAL || ret == -ENOTSUP) && strstr(message.text, damages[i].word))
			continue;
		printf("# %s: %d \"%s\", \"%s\" expected\n", damages[i].name, ret, message.text,
		       damages[i].word);
		good = 0;
	}
	test_result("every damaged field is refused and named", good);
}

/* Any changed byte of a section, and any other length, shows. */
static void test_bytes(void)
{
	struct message message;
	struct test_graph graph;
	struct graph view;
	size_t size;
	uint8_t *file;
	int good = 1;

	sample(&graph);
	file = test_graph_write(&graph, &size);
	for (size_t i = 0; i < size; i++) {
		uint8_t before = file[i];

		file[i] ^= 0x10;
		if (!graph_open(&view, file, size, &message)) {
			/*
			 * Between sections, and in the empty signature, nothing has a
			 * meaning; a later minor version is welcome.
			 */
			if (before && i / 2 != offsetof(struct kestrel_graph_header,
							version_minor) / 2) {
				printf("# byte %zu\n", i);
				good = 0;
			}
			graph_close(&view);
		}
		file[i] = before;
	}
	test_result("a flipped bit anywhere never goes unnoticed", good);
	good = 1;
	for (size_t i = 0; i < size; i += i < 256 ? 1 : 97) {
		uint8_t *copy = aligned_alloc(64, (i + 64) / 64 * 64);

		memcpy(copy, file, i);
		good &= graph_open(&view, copy, i, &message) == -EINVAL;
		free(copy);
	}
	test_result("a truncated file is refused at every length", good);
	free(file);
}

/* What a file of a later minor version may look like, and what it may not. */
struct later {
	uint32_t header_bytes;
	uint32_t entry_bytes;
	uint32_t record_bytes;
	/* Where a byte is not 0 that this library does not know: NOWHERE, or of these. */
	enum { NOWHERE, IN_HEADER, IN_ENTRY, IN_RECORD } used;
	uint32_t extra_flags;
	uint32_t extra_type;
};

/* The good file anew with a header, table entries and TENSORS that have grown. */
static int later_open(const struct later *later, struct message *message)
{
	uint8_t *file = aligned_alloc(64, TEST_FILE_BYTES), *table, *old;
	struct kestrel_graph_header *header = (void *)file;
	const struct kestrel_graph_section *section;
	struct test_graph graph;
	struct graph view;
	size_t old_size, size;
	int ret;

	sample(&graph);
	graph.header.version_minor++;
	old = test_graph_write(&graph, &old_size);
	section = (void *)(old + sizeof(*header));
	memset(file, 0, TEST_FILE_BYTES);
	memcpy(file, old, sizeof(*header));
	header->header_size = sizeof(*header) + later->header_bytes;
	header->section_entry_size = sizeof(*section) + later->entry_bytes;
	header->section_count += later->extra_type != 0;
	table = file + header->header_size;
	size = header->header_size + header->section_count * header->section_entry_size;
	for (uint32_t i = 0; i < header->section_count; i++) {
		struct kestrel_graph_section entry = { 0 };
		uint8_t *to;

		if (i == header->section_count - 1 && later->extra_type) {
			entry.type = later->extra_type;
			entry.flags = later->extra_flags;
			entry.size = 100;
		} else {
			entry = section[i];
		}
		to = file + (size = (size + 63) / 64 * 64);
		if (entry.type == KESTREL_GRAPH_SECTION_TENSORS) {
			for (uint32_t k = 0; k < entry.record_count; k++)
				memcpy(to + k * (entry.record_size + later->record_bytes),
				       old + entry.offset + k * entry.record_size,
				       entry.record_size);
			entry.record_size += later->record_bytes;
			entry.size = (uint64_t)entry.record_count * entry.record_size;
			if (later->used == IN_RECORD)
				to[entry.size - 1] = 1;
		} else if (entry.type != later->extra_type) {
			memcpy(to, old + entry.offset, entry.size);
		}
		entry.offset = size;
		sha256(to, entry.size, entry.hash);
		size += entry.size;
		memcpy(table + i * header->section_entry_size, &entry, sizeof(entry));
	}
	if (later->used == IN_HEADER)
		table[-1] = 1;
	if (later->used == IN_ENTRY)
		table[header->section_entry_size - 1] = 1;
	sha256(table, header->section_count * header->section_entry_size, header->table_hash);
	header->file_size = size;
	ret = graph_open(&view, file, size, message);
	if (!ret)
		graph_close(&view);
	free(file);
	free(old);
	return ret;
}

static void test_later(void)
{
	static const struct {
		struct later later;
		int error;
		const char *word;
	} cases[] = {
		{ { 0 }, 0, "" },
		{ { 64, 8, 16, NOWHERE, 0, 0 }, 0, "" },
		{ { 64, 8, 16, IN_HEADER, 0, 0 }, -ENOTSUP, "header: uses a field" },
		{ { 64, 8, 16, IN_ENTRY, 0, 0 }, -ENOTSUP, "section table, entry 0" },
		{ { 64, 8, 16, IN_RECORD, 0, 0 }, -ENOTSUP, "TENSORS, record 6" },
		{ { 0, 0, 0, NOWHERE, 0, 77 }, 0, "" },
		{ { 0, 0, 0, NOWHERE, KESTREL_GRAPH_SECTION_REQUIRED, 77 }, -ENOTSUP, "type 77" },
		{ { 0, 0, 0, NOWHERE, 2, 77 }, -ENOTSUP, "unknown flags" },
	};
	int good = 1;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message message = { "" };
		int ret = later_open(&cases[i].later, &message);

		if (ret == cases[i].error && strstr(message.text, cases[i].word))
			continue;
		printf("# case %zu: %d \"%s\", %d \"%s\" expected\n", i, ret, message.text,
		       cases[i].error, cases[i].word);
		good = 0;
	}
	test_result("a later minor version is read as far as it uses nothing new", good);
}

static void test_good(void)
{
	struct message message = { "" };
	struct test_graph graph;
	int ret;

	sample(&graph);
	ret = open_it(&graph, &message);
	if (ret)
		printf("# %s\n", message.text);
	test_result("a good file opens", !ret);
	graph.header.version_minor += 3;
	test_result("a later minor version opens", !open_it(&graph, &message));
	graph.header.version_minor = KESTREL_GRAPH_VERSION_MINOR;
	graph.tensors[3].storage = KESTREL_GRAPH_STORAGE_DROPPED;
	test_result("a dropped constant needs the header's flag",
		    open_it(&graph, &message) == -EINVAL);
}

int main(void)
{
	test_good();
	test_later();
	test_damages();
	test_bytes();
	return test_failures != 0;
}
