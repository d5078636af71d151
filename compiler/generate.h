/* SPDX-License-Identifier: MIT */
/* From the steps of a placed program to commands and the constants they read. */
#ifndef COMPILER_GENERATE_H
#define COMPILER_GENERATE_H

#include "buffer.h"
#include "coding.h"
#include "command.h"
#include "pool.h"
#include "program.h"

/*
 * Appends the program's commands in program order to `list` and puts the bytes
 * they fetch into `constants`, whose offset 0 is the base's. Returns 0 or
 * -ENOMEM.
 */
int generate(const struct program *program, struct coding_cache *cache,
	     struct command_list *list, struct pool *constants);

/* The compute command of a step. */
void generate_mac(const struct program *program, const struct program_step *step,
		  struct command *command);
void generate_product(const struct program *program, const struct program_step *step,
		      struct command *command);
void generate_vector(const struct program *program, const struct program_step *step,
		     struct command *command);

/* Rows [row_first, row_end) of a map, between memory and SRAM. */
struct generate_transfer {
	/* The whole map in memory. */
	const struct segment_place *place;
	int32_t height, width, channels;
	/*
	 * What lies in SRAM at `address`: columns and channels from the first on, as many as
	 * it has.
	 */
	struct layout layout;
	uint64_t address;
	int32_t column_first, channel_first;
	int32_t row_first, row_end;
};

/* Appends the commands of one DMA unit. The place's view must group as the map's shape. */
void generate_transfer(struct command_list *list, enum kestrel_unit unit,
		       unsigned int operator_index, const struct generate_transfer *what);

/* Where and how a step's operand lies in SRAM. */
struct generate_operand {
	const struct segment_value *value;
	struct layout layout;
	uint64_t address;
	/* Rows and columns of the value that the address and what follows hold. */
	int32_t row_first, row_end;
	int32_t column_first, column_end;
	/* Rows of the ring that it is; 0: none. */
	int32_t ring_rows;
};

/* Operand `value` of a step, which lies in `buffer`. */
struct generate_operand generate_operand(const struct program *program, int value,
					 unsigned int buffer);

/* The output operand: the step's channels alone when it is staged for them. */
struct generate_operand generate_output_operand(const struct program *program,
						const struct program_step *step);

/* ADDRESS of the output's first row, column and channel of a step. */
uint64_t generate_output_address(const struct generate_operand *output,
				 const struct program_step *step);

/* What FIRST_ROW says of a row when ADDRESS is that of the ring. */
int32_t generate_ring_row(const struct generate_operand *operand, int32_t row);

/* ADDRESS of a command whose rows begin with `row`: a ring's does not change. */
uint64_t generate_row_address(const struct generate_operand *operand, int32_t row);

/* Records that a command reads or writes rows [first, end) of an operand. */
void generate_access_rows(struct command *command, const struct generate_operand *operand,
			  bool write, int32_t first, int32_t end);

/*
 * A window command's valid rows: those it needs of a ring or of an image of many, else
 * all that are there. Staged rows begin at row_first of the map.
 */
void generate_window_rows(const struct segment_node *node,
			  const struct generate_operand *operand, int32_t *first, int32_t *end);

/* The flags, of the two given, that the type of a value calls for. */
int64_t generate_type_flags(const struct segment_value *value, uint32_t is_unsigned,
			    uint32_t wide);

/* enum kestrel_requantise of a rounding. */
int64_t generate_requantise_mode(enum ir_rounding rounding);

#endif
