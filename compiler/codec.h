/* SPDX-License-Identifier: MIT */
/*
 * Encoder of the weight codec (uapi/kestrel/isa.h, "Codec"): tANS with 1024
 * states, or with a pair of tables of 512, and eight interleaved lanes.
 */
#ifndef COMPILER_CODEC_H
#define COMPILER_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

/* What a symbol stands for; see isa.h. */
enum codec_form {
	/* A byte. */
	CODEC_BYTES,
	/* A byte, or behind the value that runs how many more of it follow. */
	CODEC_RUNS,
	/* In turn how often the value that runs comes, and the byte behind it. */
	CODEC_PAIRS,
};

/* How often each symbol occurs; of pairs, counts of runs in [0] and bytes in [1]. */
struct codec_counts {
	bool pair;
	uint32_t count[2][256];
};

void codec_count(const uint8_t *symbols, size_t count, bool pair, struct codec_counts *counts);

/* Slots of each symbol; they sum to the number of states. [1] is used by a pair alone. */
struct codec_table {
	bool pair;
	uint16_t slots[2][256];
};

/*
 * The table that gives symbols with these counts about the shortest code.
 * Symbols that occur get at least one slot. At least one count is not 0, in
 * each of a pair's tables.
 */
void codec_table_build(struct codec_table *table, const struct codec_counts *counts);

/* Appends the table's description; returns its bytes. */
size_t codec_table_write(const struct codec_table *table, struct buffer *out);

/* Bits of the decoder's initial states, in front of the code of each piece. */
unsigned int codec_state_bits(bool pair);

/*
 * Bits that symbols with these counts take with this table (without the initial
 * states), or -1 when a symbol has no slot or the forms differ.
 */
double codec_cost(const struct codec_table *table, const struct codec_counts *counts);

/*
 * Appends the symbols for `bytes` bytes in which `value` runs; returns how many.
 * Any bytes can be written in any form; the other two pay where a value is
 * common. CODEC_PAIRS: counts without a slot in `table` are cut into others;
 * NULL: every count is allowed.
 */
size_t codec_symbols(const uint8_t *data, size_t bytes, enum codec_form form, uint8_t value,
		     const struct codec_table *table, struct buffer *out);

/*
 * Appends the code of `count` symbols (at least 1), every one of which has a
 * slot; returns the bytes appended. `out->failed` tells when out of memory.
 */
size_t codec_encode(const struct codec_table *table, const uint8_t *symbols, size_t count,
		    struct buffer *out);

/* Whether all bytes are int4 numbers, -8..7, which need no table. */
bool codec_is_int4(const uint8_t *data, size_t bytes);

/* Appends such bytes in pairs, as KESTREL_DMA_EXPAND_INT4 takes them. */
void codec_pack_int4(const uint8_t *data, size_t bytes, struct buffer *out);

#endif
