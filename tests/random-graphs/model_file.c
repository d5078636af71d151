// SPDX-License-Identifier: MIT
/*
 * A network as a TensorFlow Lite flatbuffer. Written front to back: parents
 * before children, so that every reference points forward, and a table's
 * vtable directly before it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"

struct file {
	uint8_t *data;
	size_t bytes;
	size_t capacity;
	bool failed;
};

/* A field of a table: 0 bytes, absent; LINK, a reference filled in later. */
struct field {
	uint8_t bytes;
	int64_t value;
};

#define LINK { 4, 0 }
#define SCALAR(bytes_, value_) { (bytes_), (value_) }
#define FIELDS_MAX 8
#define NO_LINK SIZE_MAX

static void file_reserve(struct file *file, size_t bytes)
{
	size_t capacity = file->capacity;
	uint8_t *data;

	if (file->failed || file->capacity - file->bytes >= bytes)
		return;
	while (capacity - file->bytes < bytes)
		capacity = capacity ? 2 * capacity : 65536;
	data = realloc(file->data, capacity);
	if (!data) {
		file->failed = true;
		return;
	}
	file->data = data;
	file->capacity = capacity;
}

static void file_put(struct file *file, const void *data, size_t bytes)
{
	file_reserve(file, bytes);
	if (file->failed)
		return;
	if (data)
		memcpy(file->data + file->bytes, data, bytes);
	else
		memset(file->data + file->bytes, 0, bytes);
	file->bytes += bytes;
}

static void file_align(struct file *file, size_t alignment, size_t ahead)
{
	while (!file->failed && (file->bytes + ahead) % alignment)
		file_put(file, NULL, 1);
}

/* Lets the reference at `link` point to what is written next. */
static void file_link(struct file *file, size_t link)
{
	uint32_t distance = (uint32_t)(file->bytes - link);

	if (link != NO_LINK && !file->failed)
		memcpy(file->data + link, &distance, sizeof(distance));
}

/* Writes a table; places[i] is where field i stands. */
static void file_table(struct file *file, size_t link, const struct field *fields, int count,
		       size_t *places)
{
	uint16_t vtable[2 + FIELDS_MAX] = { 0 };
	uint16_t at = 4;
	int32_t distance;

	for (int bytes = 8; bytes; bytes /= 2) {
		for (int i = 0; i < count; i++) {
			if (fields[i].bytes != bytes)
				continue;
			vtable[2 + i] = at;
			at = (uint16_t)(at + bytes);
		}
	}
	vtable[0] = (uint16_t)(4 + 2 * count);
	vtable[1] = at;
	file_align(file, 4, vtable[0]);
	distance = vtable[0];
	file_put(file, vtable, vtable[0]);
	file_link(file, link);
	for (int i = 0; i < count && places; i++)
		places[i] = file->bytes + vtable[2 + i];
	file_put(file, &distance, sizeof(distance));
	for (int bytes = 8; bytes; bytes /= 2)
		for (int i = 0; i < count; i++)
			if (fields[i].bytes == bytes)
				file_put(file, &fields[i].value, (size_t)bytes);
}

static void file_vector(struct file *file, size_t link, const void *data, size_t count,
			size_t item_bytes, size_t alignment)
{
	uint32_t length = (uint32_t)count;

	file_align(file, alignment < 4 ? 4 : alignment, 4);
	file_link(file, link);
	file_put(file, &length, sizeof(length));
	file_put(file, data, count * item_bytes);
	file_align(file, 4, 0);
}

/* A vector of references; returns where the first stands. */
static size_t file_references(struct file *file, size_t link, size_t count)
{
	file_vector(file, link, NULL, count, 4, 4);
	return file->bytes - 4 * count;
}

static void write_operator_codes(struct file *file, size_t link, const struct network *network)
{
	size_t reference = file_references(file, link, (size_t)network->operator_count);

	/* One for each operator: duplicates are allowed. */
	for (int i = 0; i < network->operator_count; i++) {
		int code = network->operators[i].code;
		/* Greater ones only the newer field holds. */
		struct field fields[] = { SCALAR(1, code < 127 ? code : 127), { 0, 0 }, SCALAR(4, 1),
					  SCALAR(4, code) };

		file_table(file, reference + 4 * (size_t)i, fields, 4, NULL);
	}
}

static void write_quantisation(struct file *file, size_t link,
			       const struct network_tensor *tensor)
{
	struct field fields[7] = { { 0, 0 }, { 0, 0 }, LINK, LINK };
	size_t places[7], count = (size_t)tensor->scale_count, values;

	fields[6] = (struct field)SCALAR(4, tensor->quantised_dimension);
	file_table(file, link, fields, 7, places);
	file_vector(file, places[2], tensor->scales, count, 4, 4);
	file_vector(file, places[3], NULL, count, 8, 8);
	values = file->bytes - 8 * count;
	for (size_t i = 0; i < count && !file->failed; i++) {
		int64_t value = tensor->zero_point;

		memcpy(file->data + values + 8 * i, &value, sizeof(value));
	}
}

static void write_tensors(struct file *file, size_t link, const struct network *network)
{
	size_t reference = file_references(file, link, (size_t)network->tensor_count);

	for (int i = 0; i < network->tensor_count; i++) {
		const struct network_tensor *tensor = &network->tensors[i];
		struct field fields[6] = { LINK, SCALAR(1, tensor->is_int4 ? NETWORK_INT4 : tensor->type),
					   SCALAR(4, tensor->data ? i + 1 : 0), LINK };
		size_t places[6];
		char name[16];

		if (tensor->scale_count)
			fields[4] = (struct field)LINK;
		if (tensor->is_state)
			fields[5] = (struct field)SCALAR(1, 1);
		file_table(file, reference + 4 * (size_t)i, fields, 6, places);
		file_vector(file, places[0], tensor->shape, (size_t)tensor->rank, 4, 4);
		snprintf(name, sizeof(name), "t%d", i);
		file_vector(file, places[3], name, strlen(name), 1, 1);
		/* Strings end in a zero byte that their length does not count. */
		file_put(file, NULL, 4);
		if (tensor->scale_count)
			write_quantisation(file, places[4], tensor);
	}
}

/* The schema's number of the options table; its fields in schema order. */
static int options_of(const struct network_operator *op, struct field *fields, int *count)
{
	const struct network_options *o = &op->options;
	uint32_t beta;

	switch (op->code) {
	case NETWORK_CONVOLUTION:
		memcpy(fields, (struct field[]){ SCALAR(1, o->padding), SCALAR(4, o->stride_w),
			SCALAR(4, o->stride_h), SCALAR(1, o->activation),
			SCALAR(4, o->dilation_w), SCALAR(4, o->dilation_h) },
		       6 * sizeof(*fields));
		*count = 6;
		return 1;
	case NETWORK_DEPTHWISE:
		memcpy(fields, (struct field[]){ SCALAR(1, o->padding), SCALAR(4, o->stride_w),
			SCALAR(4, o->stride_h), SCALAR(4, o->multiplier),
			SCALAR(1, o->activation), SCALAR(4, o->dilation_w),
			SCALAR(4, o->dilation_h) }, 7 * sizeof(*fields));
		*count = 7;
		return 2;
	case NETWORK_AVERAGE_POOL:
	case NETWORK_MAX_POOL:
		memcpy(fields, (struct field[]){ SCALAR(1, o->padding), SCALAR(4, o->stride_w),
			SCALAR(4, o->stride_h), SCALAR(4, o->filter_w),
			SCALAR(4, o->filter_h), SCALAR(1, o->activation) },
		       6 * sizeof(*fields));
		*count = 6;
		return 5;
	case NETWORK_TRANSPOSE_CONVOLUTION:
		memcpy(fields, (struct field[]){ SCALAR(1, o->padding), SCALAR(4, o->stride_w),
			SCALAR(4, o->stride_h) }, 3 * sizeof(*fields));
		*count = 3;
		return 49;
	case NETWORK_BATCH_MATMUL:
		fields[0] = (struct field)SCALAR(1, o->transpose_a);
		fields[1] = (struct field)SCALAR(1, o->transpose_b);
		*count = 2;
		return 101;
	case NETWORK_SVDF:
		fields[0] = (struct field)SCALAR(4, o->rank);
		fields[1] = (struct field)SCALAR(1, o->activation);
		*count = 2;
		return 6;
	case NETWORK_FULLY_CONNECTED:
		fields[0] = (struct field)SCALAR(1, o->activation);
		fields[2] = (struct field)SCALAR(1, o->keep_dimensions);
		*count = 3;
		return 8;
	case NETWORK_SOFTMAX:
		memcpy(&beta, &o->beta, sizeof(beta));
		fields[0] = (struct field)SCALAR(4, beta);
		*count = 1;
		return 9;
	case NETWORK_LEAKY_RELU:
		memcpy(&beta, &o->beta, sizeof(beta));
		fields[0] = (struct field)SCALAR(4, beta);
		*count = 1;
		return 75;
	case NETWORK_CONCATENATION:
		fields[0] = (struct field)SCALAR(4, o->axis);
		fields[1] = (struct field)SCALAR(1, 0);
		*count = 2;
		return 10;
	case NETWORK_ADD:
	case NETWORK_MUL:
	case NETWORK_SUB:
		fields[0] = (struct field)SCALAR(1, o->activation);
		*count = 1;
		return op->code == NETWORK_ADD ? 11 : op->code == NETWORK_MUL ? 21 : 28;
	case NETWORK_STRIDED_SLICE:
		fields[1] = (struct field)SCALAR(4, o->end_mask);
		*count = 2;
		return 32;
	case NETWORK_SPACE_TO_DEPTH:
	case NETWORK_DEPTH_TO_SPACE:
		fields[0] = (struct field)SCALAR(4, o->parts);
		*count = 1;
		return op->code == NETWORK_SPACE_TO_DEPTH ? 19 : 94;
	case NETWORK_MIRROR_PAD:
		fields[0] = (struct field)SCALAR(1, o->parts);
		*count = 1;
		return 77;
	case NETWORK_SPLIT:
	case NETWORK_SPLIT_V:
		fields[0] = (struct field)SCALAR(4, o->parts);
		*count = 1;
		return op->code == NETWORK_SPLIT ? 35 : 79;
	case NETWORK_PACK:
		fields[0] = (struct field)SCALAR(4, o->parts);
		fields[1] = (struct field)SCALAR(4, o->axis);
		*count = 2;
		return 59;
	case NETWORK_RESIZE_BILINEAR:
		fields[2] = (struct field)SCALAR(1, o->align_corners);
		fields[3] = (struct field)SCALAR(1, o->half_pixel_centers);
		*count = 4;
		return 15;
	case NETWORK_RESIZE_NEAREST:
		fields[0] = (struct field)SCALAR(1, o->align_corners);
		fields[1] = (struct field)SCALAR(1, o->half_pixel_centers);
		*count = 2;
		return 74;
	case NETWORK_MEAN:
	case NETWORK_SUM:
	case NETWORK_REDUCE_MAX:
	case NETWORK_REDUCE_MIN:
		fields[0] = (struct field)SCALAR(1, o->keep_dimensions);
		*count = 1;
		return 27;
	default:
		return 0;
	}
}

static void write_operators(struct file *file, size_t link, const struct network *network)
{
	size_t reference = file_references(file, link, (size_t)network->operator_count);

	for (int i = 0; i < network->operator_count; i++) {
		const struct network_operator *op = &network->operators[i];
		struct field options[FIELDS_MAX] = { { 0, 0 } };
		int outputs[1 + NETWORK_OPERANDS_MAX];
		struct field fields[5] = { SCALAR(4, i), LINK, LINK };
		size_t places[5];
		int option_count = 0, kind = options_of(op, options, &option_count);

		if (kind) {
			fields[3] = (struct field)SCALAR(1, kind);
			fields[4] = (struct field)LINK;
		}
		file_table(file, reference + 4 * (size_t)i, fields, 5, places);
		file_vector(file, places[1], op->inputs, (size_t)op->input_count, 4, 4);
		outputs[0] = op->output;
		memcpy(&outputs[1], op->more_outputs, sizeof(op->more_outputs));
		file_vector(file, places[2], outputs, 1 + (size_t)op->more_count, 4, 4);
		if (kind)
			file_table(file, places[4], options, option_count, NULL);
	}
}

static void write_subgraph(struct file *file, size_t link, const struct network *network)
{
	size_t reference = file_references(file, link, 1);
	struct field fields[4] = { LINK, LINK, LINK, LINK };
	size_t places[4];

	file_table(file, reference, fields, 4, places);
	write_tensors(file, places[0], network);
	file_vector(file, places[1], network->inputs, (size_t)network->input_count, 4, 4);
	file_vector(file, places[2], network->outputs, (size_t)network->output_count, 4, 4);
	write_operators(file, places[3], network);
}

/* Two elements a byte, the first in the lower half. */
static void write_int4(struct file *file, size_t link, const struct network_tensor *tensor)
{
	size_t bytes = (tensor->elements + 1) / 2;
	uint8_t *packed = calloc(bytes, 1);

	if (!packed) {
		file->failed = true;
		return;
	}
	for (size_t i = 0; i < tensor->elements; i++)
		packed[i / 2] |= (uint8_t)((((const uint8_t *)tensor->data)[i] & 15) << i % 2 * 4);
	file_vector(file, link, packed, bytes, 1, 16);
	free(packed);
}

/* Buffer 0 is the empty one; buffer i + 1 holds the contents of tensor i. */
static void write_buffers(struct file *file, size_t link, const struct network *network)
{
	size_t reference = file_references(file, link, (size_t)network->tensor_count + 1);

	for (int i = 0; i <= network->tensor_count; i++) {
		const struct network_tensor *tensor = i ? &network->tensors[i - 1] : NULL;
		struct field field = { 0, 0 };
		size_t place;

		if (tensor && tensor->data)
			field = (struct field)LINK;
		file_table(file, reference + 4 * (size_t)i, &field, 1, &place);
		if (field.bytes && tensor->is_int4)
			write_int4(file, place, tensor);
		else if (field.bytes)
			file_vector(file, place, tensor->data, network_bytes(tensor), 1, 16);
	}
}

uint8_t *network_write(const struct network *network, size_t *bytes)
{
	struct field fields[5] = { SCALAR(4, 3), LINK, LINK, { 0, 0 }, LINK };
	struct file file = { NULL, 0, 0, false };
	size_t places[5];

	file_put(&file, NULL, 4);
	file_put(&file, "TFL3", 4);
	file_table(&file, 0, fields, 5, places);
	write_operator_codes(&file, places[1], network);
	write_subgraph(&file, places[2], network);
	write_buffers(&file, places[4], network);
	if (file.failed) {
		free(file.data);
		return NULL;
	}
	*bytes = file.bytes;
	return file.data;
}

bool network_file_put(const char *program, const char *path, const void *data, size_t bytes)
{
	FILE *file = fopen(path, "wb");
	bool good = file && fwrite(data, 1, bytes, file) == bytes;

	if (file && fclose(file))
		good = false;
	if (!good)
		fprintf(stderr, "%s: %s: %s\n", program, path, strerror(errno));
	return good;
}
