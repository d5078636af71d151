// SPDX-License-Identifier: MIT
#include <string.h>

#include "flexbuffer.h"

/* Types of values, in the upper six bits of a type byte; the lower two are log2 of the width. */
enum { FLEX_INT = 1, FLEX_UINT = 2, FLEX_FLOAT = 3, FLEX_INDIRECT_INT = 6,
       FLEX_INDIRECT_UINT = 7, FLEX_INDIRECT_FLOAT = 8, FLEX_MAP = 9, FLEX_BOOL = 26 };

struct buffer_view {
	const uint8_t *data;
	size_t bytes;
};

/* An unsigned number of 1, 2, 4 or 8 bytes. */
static bool read_unsigned(const struct buffer_view *view, size_t at, unsigned int width,
			  uint64_t *value)
{
	if (at > view->bytes || width > view->bytes - at)
		return false;
	*value = 0;
	for (unsigned int i = width; i-- > 0;)
		*value = *value << 8 | view->data[at + i];
	return true;
}

/* The position that the offset at `at` refers back to. */
static bool follow(const struct buffer_view *view, size_t at, unsigned int width, size_t *to)
{
	uint64_t offset;

	if (!read_unsigned(view, at, width, &offset) || offset > at)
		return false;
	*to = at - (size_t)offset;
	return true;
}

static bool read_float(const struct buffer_view *view, size_t at, unsigned int width,
		       double *value)
{
	uint64_t bits;
	uint32_t narrow;
	float single;

	if (width < 4 || !read_unsigned(view, at, width, &bits))
		return false;
	if (width == 8) {
		memcpy(value, &bits, sizeof(*value));
		return true;
	}
	narrow = (uint32_t)bits;
	memcpy(&single, &narrow, sizeof(single));
	*value = (double)single;
	return true;
}

static bool read_value(const struct buffer_view *view, size_t at, unsigned int width,
		       uint8_t type, double *value)
{
	unsigned int kind = type >> 2;
	uint64_t bits;

	if (kind == FLEX_INDIRECT_INT || kind == FLEX_INDIRECT_UINT ||
	    kind == FLEX_INDIRECT_FLOAT) {
		if (!follow(view, at, width, &at))
			return false;
		width = 1u << (type & 3);
		kind = kind - FLEX_INDIRECT_INT + FLEX_INT;
	}
	if (kind == FLEX_FLOAT)
		return read_float(view, at, width, value);
	if ((kind != FLEX_INT && kind != FLEX_UINT && kind != FLEX_BOOL) ||
	    !read_unsigned(view, at, width, &bits))
		return false;
	if (kind == FLEX_INT && width < 8 && bits >> (8 * width - 1))
		bits |= UINT64_MAX << (8 * width);
	*value = kind == FLEX_INT ? (double)(int64_t)bits : (double)bits;
	return true;
}

bool flexbuffer_number(const uint8_t *data, size_t bytes, const char *key, double *value)
{
	const struct buffer_view view = { data, bytes };
	size_t map, keys, key_bytes = strlen(key) + 1;
	uint64_t count, key_width;
	unsigned int width;

	if (bytes < 3 || data[bytes - 2] >> 2 != FLEX_MAP || data[bytes - 1] > 8)
		return false;
	width = 1u << (data[bytes - 2] & 3);
	if (!follow(&view, bytes - 2 - data[bytes - 1], data[bytes - 1], &map) ||
	    map < 3 * (size_t)width || !read_unsigned(&view, map - width, width, &count) ||
	    !follow(&view, map - 3 * (size_t)width, width, &keys) ||
	    !read_unsigned(&view, map - 2 * (size_t)width, width, &key_width) ||
	    (key_width != 1 && key_width != 2 && key_width != 4 && key_width != 8) ||
	    count > bytes)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		size_t name, type = map + (size_t)count * width + (size_t)i;

		if (!follow(&view, keys + (size_t)(i * key_width), (unsigned int)key_width,
			    &name) || type >= bytes || bytes - name < key_bytes ||
		    memcmp(data + name, key, key_bytes))
			continue;
		return read_value(&view, map + (size_t)i * width, width, data[type], value);
	}
	return false;
}
