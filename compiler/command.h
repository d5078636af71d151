/* SPDX-License-Identifier: MIT */
/*
 * Commands of the four units before they become bytes, in the order of the
 * program: what each does to the SRAM and memory, which others it must wait
 * for, and when it is expected to run.
 */
#ifndef COMPILER_COMMAND_H
#define COMPILER_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include <kestrel/isa.h>

#define COMMAND_REGISTERS 52
#define COMMAND_ACCESSES 8

_Static_assert((int)KESTREL_VECTOR_REGISTER_COUNT <= COMMAND_REGISTERS, "VECTOR registers");
_Static_assert((int)KESTREL_MAC_REGISTER_COUNT <= COMMAND_REGISTERS, "MAC registers");
_Static_assert((int)KESTREL_DMA_REGISTER_COUNT <= COMMAND_REGISTERS, "DMA registers");

/* Spaces of an access: SRAM, memory base b as COMMAND_SPACE_BASE + b, decode tables. */
enum { COMMAND_SPACE_SRAM = 0, COMMAND_SPACE_BASE = 1 };

/* Bytes [from, to) that a command reads or writes. */
struct command_access {
	uint8_t space;
	bool write;
	uint64_t from, to;
};

struct command {
	enum kestrel_unit unit;
	/* Values by register number, and a bit for each that this command uses. */
	int64_t registers[COMMAND_REGISTERS];
	uint64_t used;
	struct command_access accesses[COMMAND_ACCESSES];
	unsigned int access_count;
	/* Index of the operator it works for. */
	unsigned int operator_index;
	/* Semaphores to take before and to give after, a bit each. */
	uint16_t waits, signals;
	/*
	 * For each unit: 1 + index among that unit's commands of the last one
	 * that must have retired; 0: none.
	 */
	unsigned int after[KESTREL_UNIT_COUNT];
	/* Index among the commands of its unit. */
	unsigned int unit_index;
	/* Predicted cycles, from the start of the job. */
	uint64_t start, finish;
	/* 1 + the step that it computes, or 1 + the number of the load it is part of; 0: none. */
	unsigned int step, load;
	/* A preemption point stands before it in the stream. */
	bool preempt_before;
};

struct command_list {
	struct command *commands;
	unsigned int count;
	unsigned int capacity;
	bool failed;
	/* Where the bases that are tensors begin in the memory that has them all, and its size. */
	uint64_t tensor_offsets[KESTREL_ISA_BASES], tensor_bytes;
	/* Where its bytes begin in the memory that has commands and, behind them, constants. */
	uint64_t commands_offset;
};

/* Appends a command without any register; NULL and `failed` when out of memory. */
struct command *command_append(struct command_list *list, enum kestrel_unit unit,
			       unsigned int operator_index);

/* Sets a register. A NULL command is ignored, so that failures are checked once. */
void command_set(struct command *command, unsigned int reg, int64_t value);

/* Records an access; empty ones are ignored. */
void command_access(struct command *command, uint8_t space, bool write, uint64_t from,
		    uint64_t to);

/* The value a register has when the command executes: its own or the reset value. */
int64_t command_get(const struct command *command, unsigned int reg);

/* Reset value of a register, and whether its encoding is signed. */
int64_t command_reset_value(enum kestrel_unit unit, unsigned int reg);
bool command_is_signed(enum kestrel_unit unit, unsigned int reg);

void command_release(struct command_list *list);

#endif
