/* SPDX-License-Identifier: MIT */
/*
 * Memory of one compilation: allocated piece by piece, released at once.
 * Every piece is zeroed and 16-byte aligned.
 */
#ifndef COMPILER_ARENA_H
#define COMPILER_ARENA_H

#include <stddef.h>

struct arena_block;

/* Zero-initialise before use. */
struct arena {
	struct arena_block *blocks;
};

/* `count` items of `size` bytes; NULL when out of memory or on overflow. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);

/* Copy of `bytes` bytes; NULL when out of memory. */
void *arena_copy(struct arena *arena, const void *data, size_t bytes);

/* printf into the arena; NULL when out of memory. */
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Releases everything; the arena can be used again. */
void arena_release(struct arena *arena);

#endif
