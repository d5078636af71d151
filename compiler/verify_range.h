/* SPDX-License-Identifier: MIT */
/* Which values the registers of the units take, whatever the mode: kestrel/isa.h. */
#ifndef COMPILER_VERIFY_RANGE_H
#define COMPILER_VERIFY_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include <kestrel/isa.h>

/* Whether a register of a unit may be given the value that the record states. */
bool verify_range(enum kestrel_unit unit, unsigned int number, uint32_t value);

#endif
