/* SPDX-License-Identifier: MIT */
/*
 * How the weights of a segment's nodes are stored: raw, as int4, by decode tables in one
 * of the codec's forms, or without the zeros of groups.
 */
#ifndef COMPILER_CODING_H
#define COMPILER_CODING_H

#include "codec.h"
#include "segment.h"
#include "spread.h"

/* What the DMA unit makes of weights on their way. */
enum coding {
	CODING_NONE,
	/* Two weights a byte. */
	CODING_INT4,
	/* By a decode table. */
	CODING_TABLE,
	/* Those of each group put between zeros. */
	CODING_SPREAD,
};

/* Weights of output channels [first, first + count) as they lie in memory. */
struct coded {
	struct coded *next;
	struct weights_part part;
	uint8_t *data;
	size_t bytes;
	/* As its node says; CODING_NONE where the node's table lacks a symbol. */
	enum coding coding;
	/* Of a form other than CODEC_BYTES: how many. */
	size_t symbols;
	struct spread spread;
};

/* How a node's weights are stored. */
struct coding_choice {
	enum coding coding;
	enum codec_form form;
	/* The value that runs in the forms that have one. */
	uint8_t run_value;
	/* Which of the tables, in the order of their first use. */
	unsigned int table;
	struct coded *encoded;
};

/*
 * What has been decided and encoded of a segment, kept from one way of cutting it to the
 * next. Zero-initialise but for the arena, in which everything in it lies.
 */
struct coding_cache {
	struct arena *arena;
	/* By node. */
	struct coding_choice *codings;
	struct codec_table *tables;
	unsigned int table_count;
	/* By node: its operator in the graph. */
	unsigned int *operators, node_count;
	/* What the same nodes are stored as in another order, to be taken over; NULL: nothing. */
	const struct coding_cache *like;
};

/* Decides for each node in turn, unless that has been done. Returns 0 or -ENOMEM. */
int coding_decide(const struct segment *segment, struct coding_cache *cache);

/* Weights of a node as they are stored; NULL when out of memory. */
const struct coded *coding_encode(const struct segment *segment, struct coding_cache *cache,
				  unsigned int node_index, const struct weights_part *part);

#endif
