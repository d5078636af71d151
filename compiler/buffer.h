/* SPDX-License-Identifier: MIT */
/* Bytes that grow. An allocation that fails is remembered; check `failed` at the end. */
#ifndef COMPILER_BUFFER_H
#define COMPILER_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise before use. */
struct buffer {
	uint8_t *data;
	size_t bytes;
	size_t capacity;
	bool failed;
};

/* Appends `bytes` bytes (zeros when `data` is NULL); returns their offset. */
size_t buffer_append(struct buffer *buffer, const void *data, size_t bytes);

/* Appends zeros up to a multiple of `alignment`; returns the offset. */
size_t buffer_align(struct buffer *buffer, size_t alignment);

void buffer_byte(struct buffer *buffer, uint8_t byte);

void buffer_release(struct buffer *buffer);

#endif
