// SPDX-License-Identifier: MIT
/*
 * Damages a good compiled graph in one field at a time, hashes made good again
 * so that the check behind them is reached, and expects libnpu to refuse it
 * with a message that names the place.
 *
 * usage: graph_fields GRAPH.npu ROWS.npu
 *
 * The second one has a base of kind ROW.
 */
#include <errno.h>

#include <npu.h>

#include "graph_file.h"
#include "result.h"

#define HEADER 0
#define ENTRY 0x10000		/* or-ed with a section type: its table entry */

struct index_record {
	uint32_t tensor;
};

struct damage {
	uint32_t place;		/* HEADER, ENTRY | type, or a section type */
	uint32_t record;
	size_t offset;
	size_t bytes;
	uint64_t value;
	const char *name;
	const char *words[3];
};

#define DAMAGE(place, record, type, field, value, ...) \
	{ place, record, offsetof(struct type, field), sizeof(((struct type *)0)->field), \
	  value, #type "." #field " = " #value, { __VA_ARGS__ } }
#define IN_HEADER(field, value, ...) \
	DAMAGE(HEADER, 0, kestrel_graph_header, field, value, __VA_ARGS__)
#define IN_ENTRY(section, field, value, ...) \
	{ ENTRY | KESTREL_GRAPH_SECTION_ ## section, 0, \
	  offsetof(struct kestrel_graph_section, field), \
	  sizeof(((struct kestrel_graph_section *)0)->field), value, \
	  "section table, " #section "." #field " = " #value, { __VA_ARGS__ } }
#define IN_INFO(field, value, ...) \
	DAMAGE(KESTREL_GRAPH_SECTION_INFO, 0, kestrel_graph_info, field, value, "INFO", __VA_ARGS__)
#define IN_TENSOR(field, value, ...) \
	DAMAGE(KESTREL_GRAPH_SECTION_TENSORS, 1, kestrel_graph_tensor, field, value, \
	       "TENSORS, record 1", __VA_ARGS__)
#define IN_OPERATOR(field, value, ...) \
	DAMAGE(KESTREL_GRAPH_SECTION_OPERATORS, 0, kestrel_graph_operator, field, value, __VA_ARGS__)
/* Operator 0 of the demo model is a convolution. */
#define IN_CONVOLUTION(field, value, ...) \
	DAMAGE(KESTREL_GRAPH_SECTION_OPERATORS, 0, kestrel_graph_operator, \
	       attributes.convolution.field, value, "operator 0 (CONV_2D", __VA_ARGS__)
#define IN_STREAM(field, value, ...) \
	DAMAGE(KESTREL_GRAPH_SECTION_STREAMS, 0, kestrel_graph_stream, field, value, __VA_ARGS__)
#define IN_SEGMENT(field, value, ...) \
	DAMAGE(KESTREL_GRAPH_SECTION_SEGMENTS, 0, kestrel_graph_segment, field, value, __VA_ARGS__)
#define IN_BASE(field, value, ...) \
	DAMAGE(KESTREL_GRAPH_SECTION_BASES, 0, kestrel_graph_base, field, value, __VA_ARGS__)
#define IN_PLACEMENT(field, value, ...) \
	DAMAGE(KESTREL_GRAPH_SECTION_PLACEMENT, 1, kestrel_graph_placement, field, value, \
	       "PLACEMENT, record 1", __VA_ARGS__)

#define IN_ROW(field, value, ...) \
	DAMAGE(KESTREL_GRAPH_SECTION_BASES, 0, kestrel_graph_row_base, field, value, "BASES, record", \
	       __VA_ARGS__)

/* Of the graph with rows: its first base of kind ROW, whatever its number. */
static const struct damage row_damages[] = {
	IN_ROW(base.kind, KESTREL_GRAPH_BASE_TENSOR, "does not fit tensor"),
	IN_ROW(base.kind, 5, "unknown kind 5"),
	IN_ROW(base.tensor, 9999, "tensor 9999"),
	IN_ROW(base.offset, 64, "does not fit tensor"),
	IN_ROW(base.size, 0, "does not fit tensor"),
	IN_ROW(base.size, 1ull << 62, "does not fit tensor"),
	IN_ROW(position_tensor, 9999, "position_tensor 9999"),
	IN_ROW(position_tensor, KESTREL_GRAPH_NONE, "position_tensor 4294967295"),
	IN_ROW(position_element, 3, "position_element 3"),
	IN_ROW(position_element, 0xffffffff, "position_element 4294967295"),
	IN_ROW(position_count, 0, "position_count 0"),
	IN_ROW(position_count, 17, "17 positions"),
	IN_ROW(position_count, 0xffffffff, "4294967295 positions"),
	IN_ROW(row_bytes, 0, "row_bytes 0"),
	IN_ROW(row_bytes, 65, "65 bytes apart"),
	IN_ROW(row_bytes, 0xffffffff, "4294967295 bytes apart"),
};

static const struct damage damages[] = {
	IN_HEADER(magic, 0x12345678, "magic"),
	IN_HEADER(version_major, 9, "9.", "not supported"),
	IN_HEADER(file_size, 12345, "12345 bytes", "header"),
	IN_HEADER(header_size, 64, "header", "header_size"),
	IN_HEADER(header_size, 130, "header", "header_size"),
	IN_HEADER(header_size, 0xffffffc0, "header", "section table"),
	IN_HEADER(section_count, 0, "header", "section_count"),
	IN_HEADER(section_count, 65, "header", "section_count"),
	IN_HEADER(section_count, 0xffffffff, "header", "section_count"),
	IN_HEADER(section_entry_size, 32, "header", "section_entry_size"),
	IN_HEADER(section_entry_size, 0xfffffff8, "header", "section table"),
	IN_HEADER(flags, 0x80, "header", "flags"),
	IN_HEADER(reserved0[3], 1, "header", "reserved"),
	IN_HEADER(reserved1[15], 1, "header", "reserved"),
	IN_HEADER(signature_offset, 1ull << 60, "header", "signature"),
	IN_HEADER(signature_size, 0xffffffff, "header", "signature"),
	IN_HEADER(signature_type, 7, "header", "signature_type"),

	IN_ENTRY(TENSORS, offset, 100, "TENSORS", "offset"),
	IN_ENTRY(TENSORS, offset, 1ull << 40, "TENSORS", "outside the file"),
	IN_ENTRY(TENSORS, offset, 0xffffffffffffffc0, "TENSORS", "outside the file"),
	IN_ENTRY(TENSORS, size, 1ull << 40, "TENSORS", "outside the file"),
	IN_ENTRY(TENSORS, record_count, 1, "TENSORS", "records"),
	IN_ENTRY(TENSORS, record_count, 0xffffffff, "TENSORS", "records"),
	IN_ENTRY(TENSORS, record_size, 79, "TENSORS", "records"),
	IN_ENTRY(OUTPUTS, type, KESTREL_GRAPH_SECTION_INPUTS, "INPUTS", "twice"),
	IN_ENTRY(CONSTANTS, record_count, 3, "CONSTANTS", "records"),
	IN_ENTRY(STRINGS, type, 777, "777"),
	IN_ENTRY(INFO, record_count, 2, "INFO", "2 records"),
	IN_ENTRY(OPERATORS, size, 64, "OPERATORS", "records"),

	IN_INFO(producer, 0x7fffffff, "producer"),
	IN_INFO(source_name, 0x7fffffff, "source_name"),
	IN_INFO(source_format, 0xffffffff, "source_format"),
	DAMAGE(KESTREL_GRAPH_SECTION_INFO, 0, kestrel_graph_info, source_operator_count, 99,
	       "PLACEMENT", "records"),

	IN_TENSOR(name, 0x7fffffff, "name"),
	IN_TENSOR(type, 0, "type"),
	IN_TENSOR(type, 99, "type"),
	IN_TENSOR(rank, 7, "rank"),
	IN_TENSOR(storage, 9, "storage"),
	IN_TENSOR(dims[0], 0, "dims[0]"),
	IN_TENSOR(dims[1], 0xffffffff, "bytes"),
	IN_TENSOR(dims[5], 1, "dims[5]"),
	IN_TENSOR(size, 1, "size 1"),
	IN_TENSOR(size, 0xffffffffffffffff, "size"),
	IN_TENSOR(reserved0, 1, "reserved"),
	IN_TENSOR(data_offset, 64 * 1024 * 1024, "data_offset"),
	IN_TENSOR(data_offset, 0xffffffffffffffc0, "data_offset"),
	IN_TENSOR(axis_count, 1000, "axis"),

	DAMAGE(KESTREL_GRAPH_SECTION_INPUTS, 0, index_record, tensor, 9999, "INPUTS, record 0"),
	DAMAGE(KESTREL_GRAPH_SECTION_OUTPUTS, 0, index_record, tensor, 9999,
	       "OUTPUTS, record 0"),
	DAMAGE(KESTREL_GRAPH_SECTION_INDICES, 0, index_record, tensor, 9999, "OPERATORS",
	       "9999"),

	IN_OPERATOR(opcode, 0, "OPERATORS, record 0", "opcode"),
	IN_OPERATOR(opcode, 9999, "OPERATORS, record 0", "opcode 9999"),
	IN_OPERATOR(flags, 1, "OPERATORS, record 0", "flags"),
	IN_OPERATOR(inputs, 0xfffffff0, "OPERATORS, record 0", "INDICES"),
	IN_OPERATOR(input_count, 0, "operator 0", "inputs"),
	IN_OPERATOR(input_count, 0xffffffff, "OPERATORS, record 0", "INDICES"),
	IN_OPERATOR(outputs, 0x7fffffff, "OPERATORS, record 0", "INDICES"),
	IN_OPERATOR(output_count, 0, "OPERATORS, record 0", "output"),
	IN_OPERATOR(reserved, 1, "OPERATORS, record 0"),
	IN_CONVOLUTION(stride_height, 0, "stride"),
	IN_CONVOLUTION(stride_width, 0xffffffff, "stride"),
	IN_CONVOLUTION(dilation_height, 0, "dilation"),
	IN_CONVOLUTION(dilation_width, 70000, "dilation"),
	IN_CONVOLUTION(pad_top, 0x7fffffff, "padding"),
	IN_CONVOLUTION(pad_left, 0x80000000, "padding"),
	IN_CONVOLUTION(input_zero_point, 1000, "input zero point"),
	IN_CONVOLUTION(weight_zero_point, 1000, "weight zero point"),
	IN_CONVOLUTION(requantise.mode, 99, "mode 99"),
	IN_CONVOLUTION(requantise.scale_count, 5, "5 scales"),
	IN_CONVOLUTION(requantise.scales, 0x7ffffff8, "PARAMETERS"),
	IN_CONVOLUTION(requantise.scales, 4, "PARAMETERS"),
	IN_CONVOLUTION(requantise.zero_point, 1000, "zero point"),
	IN_CONVOLUTION(requantise.minimum, 1000, "clamp"),
	IN_CONVOLUTION(requantise.maximum, 0x80000000, "clamp"),

	IN_STREAM(target, 0x7fffffff, "STREAMS, record 0", "target"),
	IN_STREAM(first_segment, 99, "STREAMS, record 0", "SEGMENTS"),
	IN_STREAM(segment_count, 0xffffffff, "STREAMS, record 0", "SEGMENTS"),
	IN_STREAM(segment_count, 0, "STREAMS, record 0", "operators"),
	IN_STREAM(scratch_size, 1ull << 62, "STREAMS, record 0", "scratch_size"),
	IN_SEGMENT(kind, 3, "SEGMENTS, record 0", "kind"),
	IN_SEGMENT(first_operator, 1, "SEGMENTS, record 0", "operators"),
	IN_SEGMENT(operator_count, 0, "SEGMENTS, record 0", "operators"),
	IN_SEGMENT(operator_count, 0xffffffff, "SEGMENTS, record 0", "operators"),
	IN_SEGMENT(first_base, 0xffffffff, "SEGMENTS, record 0", "BASES"),
	IN_SEGMENT(base_count, 17, "SEGMENTS, record 0", "BASES"),
	IN_SEGMENT(command_offset, 32, "SEGMENTS, record 0", "STREAM_COMMANDS"),
	IN_SEGMENT(command_offset, 0xffffffffffffffc0, "SEGMENTS, record 0", "STREAM_COMMANDS"),
	IN_SEGMENT(command_size, 0, "SEGMENTS, record 0", "STREAM_COMMANDS"),
	IN_SEGMENT(command_size, 1ull << 40, "SEGMENTS, record 0", "STREAM_COMMANDS"),
	IN_BASE(index, 16, "BASES, record 0", "index"),
	IN_BASE(kind, 9, "BASES, record 0", "kind"),
	IN_BASE(flags, 0, "BASES, record 0", "flags"),
	IN_BASE(flags, 8, "BASES, record 0", "flags"),
	IN_BASE(size, 1ull << 62, "BASES, record 0"),
	IN_BASE(offset, 0xffffffffffffffc0, "BASES, record 0"),
	IN_PLACEMENT(stream, 5, "order"),
	IN_PLACEMENT(source_operator, 0, "order"),
	IN_PLACEMENT(place, 0, "place"),
	IN_PLACEMENT(name, 0x7fffffff, "name"),
	IN_PLACEMENT(location, 0x7fffffff, "location"),
	IN_PLACEMENT(reason, 0x7fffffff, "reason"),
};

static struct results results = { .subject = "graph" };

/* Loads the bytes; what libnpu said is in `said`. */
static int graph_load(const uint8_t *file, size_t size, char *said, size_t said_bytes)
{
	struct npu_device *device;
	struct npu_model *model;
	uint8_t *exact;
	int ret = npu_open("cpu", &device);

	/* Of exactly that size, so that a sanitizer sees a byte too far. */
	exact = malloc(size ? size : 1);
	if (!exact || ret) {
		fprintf(stderr, "graph_fields: cannot open the processor: %s\n", strerror(-ret));
		exit(2);
	}
	memcpy(exact, file, size);
	ret = npu_model_load(device, exact, size, &model);
	snprintf(said, said_bytes, "%s", npu_errmsg(device));
	if (!ret)
		npu_model_free(model);
	free(exact);
	npu_close(device);
	return ret;
}

static void *damage_place(uint8_t *file, size_t size, const struct damage *damage)
{
	if (damage->place == HEADER)
		return file;
	if (damage->place & ENTRY)
		return graph_file_section(file, size, damage->place & ~(uint32_t)ENTRY);
	return graph_file_record(file, size, damage->place, damage->record);
}

static void damage_check(const uint8_t *good, size_t size, const struct damage *damage)
{
	uint8_t *file = malloc(size);
	char said[1024], *place;
	int ret;

	if (!file)
		exit(2);
	memcpy(file, good, size);
	place = damage_place(file, size, damage);
	if (!place) {
		result_add(&results, false, damage->name, "the graph has no such record");
		free(file);
		return;
	}
	memcpy(place + damage->offset, &damage->value, damage->bytes);
	/* No hash covers the header, and none can be made of what it names now. */
	if (damage->place != HEADER)
		graph_file_rehash(file, size);
	ret = graph_load(file, size, said, sizeof(said));
	result_refusal(&results, damage->name, ret, said,
		       (const char *const []){ damage->words[0], damage->words[1],
					       damage->words[2], NULL });
	free(file);
}

/* A graph with a base of kind ROW, each field of which is damaged. */
static void rows_check(const char *path)
{
	const struct kestrel_graph_section *section;
	char said[1024];
	uint32_t record = 0;
	uint8_t *good;
	size_t size;

	good = file_load(path, &size);
	if (!good)
		exit(2);
	section = graph_file_section(good, size, KESTREL_GRAPH_SECTION_BASES);
	while (section && record < section->record_count) {
		const struct kestrel_graph_base *base =
			graph_file_record(good, size, KESTREL_GRAPH_SECTION_BASES, record);

		if (base->kind == KESTREL_GRAPH_BASE_ROW)
			break;
		record++;
	}
	result_add(&results, section && record < section->record_count &&
		   !graph_load(good, size, said, sizeof(said)), "one with rows loads", path);
	for (size_t i = 0; i < sizeof(row_damages) / sizeof(row_damages[0]); i++) {
		struct damage damage = row_damages[i];

		damage.record = record;
		damage_check(good, size, &damage);
	}
	free(good);
}

/* Cut off at `size` bytes; with file_size saying so too, where there is one. */
static void truncation_check(const uint8_t *good, size_t size, bool header_says_so)
{
	uint8_t *file = malloc(size + 1);
	char said[1024], name[96];
	uint64_t file_size = size;
	int ret;

	if (!file)
		exit(2);
	memcpy(file, good, size);
	if (header_says_so && size >= sizeof(struct kestrel_graph_header))
		memcpy(file + offsetof(struct kestrel_graph_header, file_size), &file_size,
		       sizeof(file_size));
	ret = graph_load(file, size, said, sizeof(said));
	snprintf(name, sizeof(name), "first %zu bytes%s", size,
		 header_says_so ? ", and the header says so" : "");
	result_refusal(&results, name, ret, said, (const char *const []){
		size < sizeof(struct kestrel_graph_header) ? "few" :
		header_says_so ? "outside the file" : "truncated", NULL });
	free(file);
}

/* Two sections of equal size in one place. */
static void overlap_check(const uint8_t *good, size_t size)
{
	uint8_t *file = malloc(size);
	struct kestrel_graph_section *inputs, *outputs;
	char said[1024];
	int ret;

	if (!file)
		exit(2);
	memcpy(file, good, size);
	inputs = graph_file_section(file, size, KESTREL_GRAPH_SECTION_INPUTS);
	outputs = graph_file_section(file, size, KESTREL_GRAPH_SECTION_OUTPUTS);
	if (inputs && outputs)
		outputs->offset = inputs->offset;
	graph_file_rehash(file, size);
	ret = graph_load(file, size, said, sizeof(said));
	result_refusal(&results, "two sections overlap", ret, said,
		       (const char *const []){ "sections", "overlap", NULL });
	free(file);
}

/* Each section's hash, with one byte of the section changed behind its back. */
static void hash_check(const uint8_t *good, size_t size, uint32_t type)
{
	uint8_t *file = malloc(size);
	const struct kestrel_graph_section *section;
	char said[1024], name[96];
	int ret;

	if (!file)
		exit(2);
	memcpy(file, good, size);
	section = graph_file_section(file, size, type);
	if (section && section->size) {
		file[section->offset + section->size / 2] ^= 0x10;
		ret = graph_load(file, size, said, sizeof(said));
		snprintf(name, sizeof(name), "section %u differs from its hash in one bit", type);
		result_refusal(&results, name, ret, said,
			       (const char *const []){ "section", "SHA-256", NULL });
	}
	free(file);
}

int main(int argc, char **argv)
{
	const struct kestrel_graph_header *header;
	uint8_t *good;
	size_t size;
	char said[1024];

	if (argc != 3) {
		fprintf(stderr, "usage: graph_fields GRAPH.npu ROWS.npu\n");
		return 2;
	}
	good = file_load(argv[1], &size);
	if (!good)
		return 2;
	header = (const void *)good;
	result_add(&results, !graph_load(good, size, said, sizeof(said)), "the undamaged one loads",
		   said);
	graph_file_rehash(good, size);
	result_add(&results, !graph_load(good, size, said, sizeof(said)),
		   "the undamaged one loads with its hashes made anew", said);

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++)
		damage_check(good, size, &damages[i]);
	rows_check(argv[2]);
	overlap_check(good, size);
	for (uint32_t type = 1; type <= KESTREL_GRAPH_SECTION_PLACEMENT; type++)
		hash_check(good, size, type);
	good[header->header_size] ^= 1;
	result_refusal(&results, "section table differs from its hash in one bit",
		       graph_load(good, size, said, sizeof(said)), said,
		       (const char *const []){ "section table", "SHA-256", NULL });
	good[header->header_size] ^= 1;

	truncation_check(good, 0, false);
	truncation_check(good, 1, false);
	truncation_check(good, sizeof(*header) - 1, false);
	truncation_check(good, sizeof(*header), false);
	truncation_check(good, size / 2, false);
	truncation_check(good, size - 1, false);
	truncation_check(good, sizeof(*header), true);
	truncation_check(good, header->header_size + 64, true);
	truncation_check(good, size / 2, true);
	truncation_check(good, size * 3 / 4, true);

	free(good);
	return result_code(&results);
}
