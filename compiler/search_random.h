/* SPDX-License-Identifier: MIT */
/* Any way to lower a segment rather than the fastest: for tests of all of them. */
#ifndef COMPILER_SEARCH_RANDOM_H
#define COMPILER_SEARCH_RANDOM_H

#include "program.h"

/* Settings from a seed that goes on to the next, as they may be for so much SRAM. */
struct program_settings search_random(uint64_t *seed, uint64_t sram_bytes);

#endif
