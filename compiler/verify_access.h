/* SPDX-License-Identifier: MIT */
/* What a command touches, worked out from its registers alone. */
#ifndef COMPILER_VERIFY_ACCESS_H
#define COMPILER_VERIFY_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#define VERIFY_ACCESSES 8
#define VERIFY_REGISTERS 52

/* Bytes [from, to) of the SRAM (space 0) or of base space - 1. */
struct verify_access {
	unsigned int space;
	bool write;
	uint64_t from, to;
};

/* Reset values of a unit's registers. */
void verify_reset(unsigned int unit, uint32_t registers[VERIFY_REGISTERS]);

unsigned int verify_register_count(unsigned int unit);

/* Fills in the accesses of the command that the registers describe; returns how many. */
unsigned int verify_accesses(unsigned int unit, const uint32_t registers[VERIFY_REGISTERS],
			     struct verify_access access[VERIFY_ACCESSES]);

#endif
