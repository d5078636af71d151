// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "pool.h"

struct pool_piece {
	uint64_t hash;
	size_t offset, bytes, raw_bytes;
	/* Number + 1 of the piece before it in its bucket. */
	unsigned int before;
	/* The last who put it. */
	unsigned int user;
};

static uint64_t hash_of(const uint8_t *data, size_t bytes)
{
	uint64_t hash = bytes, word;

	for (; bytes; data += sizeof(word), bytes -= bytes < sizeof(word) ? bytes : sizeof(word)) {
		word = 0;
		memcpy(&word, data, bytes < sizeof(word) ? bytes : sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29;
	}
	return hash;
}

static void bucket_enter(struct pool *pool, unsigned int number)
{
	struct pool_piece *piece = &pool->pieces[number];
	unsigned int *bucket = &pool->buckets[piece->hash & (pool->bucket_count - 1)];

	piece->before = *bucket;
	*bucket = number + 1;
}

static void buckets_fill(struct pool *pool)
{
	memset(pool->buckets, 0, pool->bucket_count * sizeof(*pool->buckets));
	for (unsigned int i = 0; i < pool->count; i++)
		bucket_enter(pool, i);
}

/* Room for one more piece; twice as many buckets as pieces. */
static bool grow(struct pool *pool)
{
	unsigned int capacity = pool->capacity ? 2 * pool->capacity : 64;
	struct pool_piece *pieces;
	unsigned int *buckets;

	if (pool->count < pool->capacity)
		return true;
	pieces = realloc(pool->pieces, capacity * sizeof(*pieces));
	if (!pieces)
		return false;
	pool->pieces = pieces;
	buckets = realloc(pool->buckets, 2 * capacity * sizeof(*buckets));
	if (!buckets)
		return false;
	pool->buckets = buckets;
	pool->bucket_count = 2 * capacity;
	pool->capacity = capacity;
	buckets_fill(pool);
	return true;
}

void pool_begin(struct pool *pool)
{
	pool->user = ++pool->users;
	pool->used_bytes = pool->used_raw_bytes = pool->used_weight_bytes = 0;
}

void pool_try(struct pool *pool)
{
	pool->user = 0;
	pool->put_bytes = 0;
}

static void piece_use(struct pool *pool, struct pool_piece *piece)
{
	if (!pool->user || piece->user == pool->user)
		return;
	piece->user = pool->user;
	pool->used_bytes += piece->bytes;
	pool->used_raw_bytes += piece->raw_bytes;
}

size_t pool_put(struct pool *pool, const void *data, size_t bytes, size_t raw_bytes)
{
	uint64_t hash = hash_of(data, bytes);
	struct pool_piece *piece;
	unsigned int at = 0;

	pool->put_bytes += bytes;
	if (pool->count)
		at = pool->buckets[hash & (pool->bucket_count - 1)];
	for (; at; at = piece->before) {
		piece = &pool->pieces[at - 1];
		if (piece->hash != hash || piece->bytes != bytes ||
		    memcmp(pool->bytes.data + piece->offset, data, bytes))
			continue;
		piece_use(pool, piece);
		return piece->offset;
	}
	if (pool->bytes.failed || !grow(pool)) {
		pool->bytes.failed = true;
		return 0;
	}
	piece = &pool->pieces[pool->count];
	*piece = (struct pool_piece){
		.hash = hash, .bytes = bytes, .raw_bytes = raw_bytes,
		.offset = buffer_append(&pool->bytes, data, bytes),
		.user = 0,
	};
	piece_use(pool, piece);
	bucket_enter(pool, pool->count++);
	return piece->offset;
}

struct pool_mark pool_mark(const struct pool *pool)
{
	return (struct pool_mark){
		.count = pool->count, .user = pool->user, .bytes = pool->bytes.bytes,
		.used_bytes = pool->used_bytes, .used_raw_bytes = pool->used_raw_bytes,
	};
}

void pool_return(struct pool *pool, const struct pool_mark *mark)
{
	pool->count = mark->count;
	pool->user = mark->user;
	pool->bytes.bytes = mark->bytes;
	pool->used_bytes = mark->used_bytes;
	pool->used_raw_bytes = mark->used_raw_bytes;
	if (pool->buckets)
		buckets_fill(pool);
}

void pool_release(struct pool *pool)
{
	buffer_release(&pool->bytes);
	free(pool->pieces);
	free(pool->buckets);
	*pool = (struct pool){ 0 };
}
