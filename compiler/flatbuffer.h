/* SPDX-License-Identifier: MIT */
/*
 * Bounds-checked reading of a FlatBuffers file.
 *
 * A table is a position in the file whose vtable has been checked; each field
 * read checks its own bytes. Nothing is ever dereferenced outside `bytes`,
 * and no alignment is assumed. Absent fields give their default and are no
 * error; functions that can find damage return 0 or -EINVAL with a message.
 */
#ifndef COMPILER_FLATBUFFER_H
#define COMPILER_FLATBUFFER_H

#include <stddef.h>
#include <stdint.h>

struct error;

struct flatbuffer {
	const uint8_t *data;
	size_t bytes;
	struct error *error;
};

struct flatbuffer_table {
	const struct flatbuffer *file;
	/* What the table is, for messages: "subgraph 0, operator 3". */
	const char *what;
	size_t position;
	size_t table_bytes;
	size_t vtable;
	size_t vtable_bytes;
};

/* A vector of `count` items of `item_bytes` each; all of it is in the file. */
struct flatbuffer_vector {
	const struct flatbuffer *file;
	size_t position;
	uint32_t count;
	uint32_t item_bytes;
};

/* The root table; checks the four-byte identifier at offset 4. */
int flatbuffer_root(const struct flatbuffer *file, const char *identifier,
		    const char *what, struct flatbuffer_table *table);

/* Scalars. An absent field gives `missing`. */
int flatbuffer_int8(const struct flatbuffer_table *table, unsigned int slot,
		    int8_t missing, int8_t *value);
int flatbuffer_int32(const struct flatbuffer_table *table, unsigned int slot,
		     int32_t missing, int32_t *value);
int flatbuffer_uint32(const struct flatbuffer_table *table, unsigned int slot,
		      uint32_t missing, uint32_t *value);
int flatbuffer_uint64(const struct flatbuffer_table *table, unsigned int slot,
		      uint64_t missing, uint64_t *value);
int flatbuffer_float(const struct flatbuffer_table *table, unsigned int slot,
		     float missing, float *value);

/* A sub-table; `found` says whether the field is there. */
int flatbuffer_subtable(const struct flatbuffer_table *table, unsigned int slot,
			const char *what, struct flatbuffer_table *subtable, int *found);

/* A vector of scalars; an absent field gives an empty one. */
int flatbuffer_vector(const struct flatbuffer_table *table, unsigned int slot,
		      uint32_t item_bytes, struct flatbuffer_vector *vector);

/* A vector of tables, read with flatbuffer_item(). */
int flatbuffer_tables(const struct flatbuffer_table *table, unsigned int slot,
		      struct flatbuffer_vector *vector);
int flatbuffer_item(const struct flatbuffer_vector *vector, uint32_t index,
		    const char *what, struct flatbuffer_table *table);

/* Items of a vector of scalars; `index` is below `count`. */
int32_t flatbuffer_vector_int32(const struct flatbuffer_vector *vector, uint32_t index);
int64_t flatbuffer_vector_int64(const struct flatbuffer_vector *vector, uint32_t index);
float flatbuffer_vector_float(const struct flatbuffer_vector *vector, uint32_t index);
const uint8_t *flatbuffer_vector_data(const struct flatbuffer_vector *vector);

#endif
