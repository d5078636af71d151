// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "error.h"
#include "flatbuffer.h"

static uint16_t load_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t load_u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t load_u64(const uint8_t *p)
{
	return load_u32(p) | (uint64_t)load_u32(p + 4) << 32;
}

static int inside(const struct flatbuffer *file, size_t position, size_t bytes)
{
	return position <= file->bytes && bytes <= file->bytes - position;
}

/* Checks the table at `position`: its vtable and its own extent. */
static int table_open(const struct flatbuffer *file, size_t position, const char *what,
		      struct flatbuffer_table *table)
{
	int64_t vtable;

	if (!inside(file, position, 4))
		return error_set(file->error, -EINVAL,
				 "%s: table at byte %zu lies outside the file of %zu bytes",
				 what, position, file->bytes);
	vtable = (int64_t)position - (int32_t)load_u32(file->data + position);
	if (vtable < 0 || !inside(file, (size_t)vtable, 4))
		return error_set(file->error, -EINVAL,
				 "%s: vtable at byte %lld lies outside the file of %zu bytes",
				 what, (long long)vtable, file->bytes);
	table->file = file;
	table->what = what;
	table->position = position;
	table->vtable = (size_t)vtable;
	table->vtable_bytes = load_u16(file->data + vtable);
	table->table_bytes = load_u16(file->data + vtable + 2);
	if (table->vtable_bytes < 4 || table->vtable_bytes % 2 ||
	    !inside(file, table->vtable, table->vtable_bytes))
		return error_set(file->error, -EINVAL, "%s: vtable of %zu bytes is damaged",
				 what, table->vtable_bytes);
	if (table->table_bytes < 4 || !inside(file, position, table->table_bytes))
		return error_set(file->error, -EINVAL,
				 "%s: table of %zu bytes at byte %zu leaves the file",
				 what, table->table_bytes, position);
	return 0;
}

int flatbuffer_root(const struct flatbuffer *file, const char *identifier,
		    const char *what, struct flatbuffer_table *table)
{
	if (file->bytes < 8)
		return error_set(file->error, -EINVAL, "%s: file of %zu bytes is too short",
				 what, file->bytes);
	if (memcmp(file->data + 4, identifier, 4))
		return error_set(file->error, -EINVAL,
				 "%s: identifier \"%s\" not found at byte 4", what, identifier);
	return table_open(file, load_u32(file->data), what, table);
}

/* Position of a field of `bytes` bytes, 0 when absent. */
static int field(const struct flatbuffer_table *table, unsigned int slot, size_t bytes,
		 size_t *position)
{
	size_t entry = 4 + 2 * (size_t)slot;
	size_t delta;

	*position = 0;
	if (entry + 2 > table->vtable_bytes)
		return 0;
	delta = load_u16(table->file->data + table->vtable + entry);
	if (!delta)
		return 0;
	if (delta < 4 || delta + bytes > table->table_bytes)
		return error_set(table->file->error, -EINVAL,
				 "%s: field %u at offset %zu leaves its table of %zu bytes",
				 table->what, slot, delta, table->table_bytes);
	*position = table->position + delta;
	return 0;
}

int flatbuffer_int8(const struct flatbuffer_table *table, unsigned int slot,
		    int8_t missing, int8_t *value)
{
	size_t position;
	int ret = field(table, slot, 1, &position);

	if (!ret)
		*value = position ? (int8_t)table->file->data[position] : missing;
	return ret;
}

int flatbuffer_uint32(const struct flatbuffer_table *table, unsigned int slot,
		      uint32_t missing, uint32_t *value)
{
	size_t position;
	int ret = field(table, slot, 4, &position);

	if (!ret)
		*value = position ? load_u32(table->file->data + position) : missing;
	return ret;
}

int flatbuffer_int32(const struct flatbuffer_table *table, unsigned int slot,
		     int32_t missing, int32_t *value)
{
	uint32_t bits = 0;
	int ret = flatbuffer_uint32(table, slot, (uint32_t)missing, &bits);

	*value = (int32_t)bits;
	return ret;
}

int flatbuffer_uint64(const struct flatbuffer_table *table, unsigned int slot,
		      uint64_t missing, uint64_t *value)
{
	size_t position;
	int ret = field(table, slot, 8, &position);

	if (!ret)
		*value = position ? load_u64(table->file->data + position) : missing;
	return ret;
}

int flatbuffer_float(const struct flatbuffer_table *table, unsigned int slot,
		     float missing, float *value)
{
	uint32_t bits;
	int ret;

	memcpy(&bits, &missing, sizeof(bits));
	ret = flatbuffer_uint32(table, slot, bits, &bits);
	memcpy(value, &bits, sizeof(bits));
	return ret;
}

int flatbuffer_subtable(const struct flatbuffer_table *table, unsigned int slot,
			const char *what, struct flatbuffer_table *subtable, int *found)
{
	size_t position;
	int ret = field(table, slot, 4, &position);

	*found = !ret && position;
	if (ret || !position)
		return ret;
	return table_open(table->file, position + load_u32(table->file->data + position),
			  what, subtable);
}

int flatbuffer_vector(const struct flatbuffer_table *table, unsigned int slot,
		      uint32_t item_bytes, struct flatbuffer_vector *vector)
{
	const struct flatbuffer *file = table->file;
	size_t position;
	int ret = field(table, slot, 4, &position);

	vector->file = file;
	vector->position = 0;
	vector->count = 0;
	vector->item_bytes = item_bytes;
	if (ret || !position)
		return ret;
	position += load_u32(file->data + position);
	if (!inside(file, position, 4))
		return error_set(file->error, -EINVAL,
				 "%s: vector of field %u at byte %zu lies outside the file",
				 table->what, slot, position);
	vector->count = load_u32(file->data + position);
	vector->position = position + 4;
	if (vector->count > (file->bytes - vector->position) / item_bytes) {
		ret = error_set(file->error, -EINVAL,
				"%s: vector of field %u with %u items of %u bytes leaves the file",
				table->what, slot, vector->count, item_bytes);
		vector->count = 0;
	}
	return ret;
}

int flatbuffer_tables(const struct flatbuffer_table *table, unsigned int slot,
		      struct flatbuffer_vector *vector)
{
	return flatbuffer_vector(table, slot, 4, vector);
}

int flatbuffer_item(const struct flatbuffer_vector *vector, uint32_t index,
		    const char *what, struct flatbuffer_table *table)
{
	size_t position = vector->position + 4 * (size_t)index;

	return table_open(vector->file, position + load_u32(vector->file->data + position),
			  what, table);
}

const uint8_t *flatbuffer_vector_data(const struct flatbuffer_vector *vector)
{
	return vector->file->data + vector->position;
}

int32_t flatbuffer_vector_int32(const struct flatbuffer_vector *vector, uint32_t index)
{
	return (int32_t)load_u32(flatbuffer_vector_data(vector) + 4 * (size_t)index);
}

int64_t flatbuffer_vector_int64(const struct flatbuffer_vector *vector, uint32_t index)
{
	return (int64_t)load_u64(flatbuffer_vector_data(vector) + 8 * (size_t)index);
}

float flatbuffer_vector_float(const struct flatbuffer_vector *vector, uint32_t index)
{
	uint32_t bits = load_u32(flatbuffer_vector_data(vector) + 4 * (size_t)index);
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}
