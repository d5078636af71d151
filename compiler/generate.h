/* SPDX-License-Identifier: MIT */
/* From the steps of a placed program to commands and the constants they read. */
#ifndef COMPILER_GENERATE_H
#define COMPILER_GENERATE_H

#include "buffer.h"
#include "command.h"
#include "program.h"

/*
 * Encoded constants of a segment, kept from one way of cutting it to the next.
 * Zero-initialise; everything in it lies in the graph's arena.
 */
struct generate_cache {
	struct generate_coding *codings;
	struct codec_table *tables;
	unsigned int table_count;
};

/*
 * Appends the program's commands in program order to `list` and the bytes
 * they fetch to `constants`, whose offset 0 is the base's. Returns 0 or
 * -ENOMEM.
 */
int generate(const struct program *program, struct generate_cache *cache,
	     struct command_list *list, struct buffer *constants);

/* The compute command of a step. */
void generate_mac(const struct program *program, const struct program_step *step,
		  struct command *command);
void generate_vector(const struct program *program, const struct program_step *step,
		     struct command *command);

/* Where and how a step's operand lies in SRAM. */
struct generate_operand {
	const struct segment_value *value;
	struct layout layout;
	uint64_t address;
	/* Rows of the value that the address and what follows hold. */
	int32_t row_first, row_end;
	/* Rows of the ring that it is; 0: none. */
	int32_t ring_rows;
};

struct generate_operand generate_operand(const struct program *program, unsigned int buffer);

#endif
