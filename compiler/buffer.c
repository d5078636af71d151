// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "buffer.h"

size_t buffer_append(struct buffer *buffer, const void *data, size_t bytes)
{
	size_t offset = buffer->bytes;

	if (buffer->failed)
		return offset;
	if (bytes > buffer->capacity - buffer->bytes) {
		size_t capacity = (buffer->bytes + bytes) * 2 + 256;
		uint8_t *grown = realloc(buffer->data, capacity);

		if (!grown) {
			buffer->failed = true;
			return offset;
		}
		buffer->data = grown;
		buffer->capacity = capacity;
	}
	if (bytes && data)
		memcpy(buffer->data + offset, data, bytes);
	else if (bytes)
		memset(buffer->data + offset, 0, bytes);
	buffer->bytes += bytes;
	return offset;
}

size_t buffer_align(struct buffer *buffer, size_t alignment)
{
	size_t rest = buffer->bytes % alignment;

	if (rest)
		buffer_append(buffer, NULL, alignment - rest);
	return buffer->bytes;
}

void buffer_byte(struct buffer *buffer, uint8_t byte)
{
	buffer_append(buffer, &byte, 1);
}

void buffer_release(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){ 0 };
}
