/* SPDX-License-Identifier: MIT */
/* Which values leave the SRAM. */
#ifndef COMPILER_PROGRAM_SPILL_H
#define COMPILER_PROGRAM_SPILL_H

#include "program.h"

/* The largest resident value that lives together with the buffer without room; -1: none. */
int program_spill_victim(const struct program *program, unsigned int failed);

/* Whether the target lets a value be put in memory, or it is there anyway. */
bool program_may_spill(const struct program *program, unsigned int value);

/*
 * Puts the largest values in memory at each step at which more lives than the SRAM
 * holds, until no more does or none can leave. Returns how many, or -ENOMEM.
 */
int program_spill_crowded(struct program *program);

/* Puts all values in memory that can be there. Returns 0 or -ENOMEM. */
int program_spill_all(struct program *program);

#endif
