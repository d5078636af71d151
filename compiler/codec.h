/* SPDX-License-Identifier: MIT */
/*
 * Encoder of the weight codec (uapi/kestrel/isa.h, "Codec"): tANS with 1024
 * states and eight interleaved lanes.
 */
#ifndef COMPILER_CODEC_H
#define COMPILER_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

/* Slots of each symbol; they sum to KESTREL_CODEC_STATES. */
struct codec_table {
	uint16_t slots[256];
};

/*
 * The table that gives bytes with these counts about the shortest code.
 * Symbols that occur get at least one slot. At least one count is not 0.
 */
void codec_table_build(struct codec_table *table, const uint32_t counts[256]);

/* Appends the table's description; returns its bytes. */
size_t codec_table_write(const struct codec_table *table, struct buffer *out);

/*
 * Bits that data with these counts take with this table (without the 80 bits
 * of initial states), or -1 when a symbol has no slot.
 */
double codec_cost(const struct codec_table *table, const uint32_t counts[256]);

/*
 * Run mode (isa.h): appends the symbols for `bytes` bytes in which `value` runs;
 * returns how many. Any bytes can be written so; it pays where value is common.
 */
size_t codec_runs(const uint8_t *data, size_t bytes, uint8_t value, struct buffer *out);

/*
 * Appends the code of `bytes` bytes (at least 1), every one of which has a
 * slot; returns the bytes appended. `out->failed` tells when out of memory.
 */
size_t codec_encode(const struct codec_table *table, const uint8_t *data, size_t bytes,
		    struct buffer *out);

#endif
