/* SPDX-License-Identifier: MIT */
/* Where the attributes of an operator point into PARAMETERS. */
#ifndef COMPILER_PORTABLE_H
#define COMPILER_PORTABLE_H

#include "ir.h"

/* Adds `base` to every offset in PARAMETERS that the attributes hold. */
void portable_relocate(uint32_t opcode, union kestrel_graph_attributes *attributes,
		       uint32_t base);

/* Whether the parameters that the attributes name lie within so many bytes. */
bool portable_fits(uint32_t opcode, const union kestrel_graph_attributes *attributes,
		   uint64_t parameters_bytes);

/*
 * A portable form of a checked graph operator, with its own copy of its
 * parameters from the file's PARAMETERS. NULL without memory.
 */
struct ir_portable *portable_copy(struct arena *arena, uint32_t opcode,
				  const union kestrel_graph_attributes *attributes,
				  const uint8_t *parameters);

/* The opcode of a kind, 0 where graphs have none; and the other way round, IR_UNKNOWN. */
uint32_t portable_opcode(enum ir_kind kind);
enum ir_kind portable_kind(uint32_t opcode);

#endif
