/* SPDX-License-Identifier: MIT */
/*
 * Pieces of bytes, each of which is kept once, however often it is put: what the
 * DMA units read in all segments and streams, and the strings of a file.
 */
#ifndef COMPILER_POOL_H
#define COMPILER_POOL_H

#include "buffer.h"

struct pool_piece;

/* Zero-initialise before use. bytes.failed tells when out of memory. */
struct pool {
	struct buffer bytes;
	struct pool_piece *pieces;
	unsigned int count, capacity;
	/* By hash: the last piece's number + 1, 0: none. */
	unsigned int *buckets;
	unsigned int bucket_count;
	/* Who puts pieces now, 0: nobody; and how many have. */
	unsigned int user, users;
	/* Bytes put since pool_try(), equal ones each time. */
	uint64_t put_bytes;
	/* The user's different pieces: their bytes, and those before compression. */
	uint64_t used_bytes, used_raw_bytes;
	/* Those of them that are weights and what decodes them: who puts them counts. */
	uint64_t used_weight_bytes;
};

/* The pieces that follow are another user's, who may share those that are there. */
void pool_begin(struct pool *pool);

/*
 * The offset of these bytes; appended unless a piece has the same. `raw_bytes`: how
 * many they become, 0 for what only serves to decode others.
 */
size_t pool_put(struct pool *pool, const void *data, size_t bytes, size_t raw_bytes);

/* The pieces that follow are put to see what they take: nobody uses them. */
void pool_try(struct pool *pool);

/* What pool_return() goes back to. */
struct pool_mark {
	unsigned int count, user;
	size_t bytes;
	uint64_t used_bytes, used_raw_bytes;
};

struct pool_mark pool_mark(const struct pool *pool);

/* Takes away all pieces since the mark; the user is the one of then. */
void pool_return(struct pool *pool, const struct pool_mark *mark);

void pool_release(struct pool *pool);

#endif
