/* SPDX-License-Identifier: MIT */
/*
 * The end: a trap, or a promise of the hardware that was broken. Writes the
 * crash record, tells the host, halts. If host memory itself is out of reach,
 * the second trap halts the MCU with KESTREL_HALT_DOUBLE_TRAP.
 */
#ifndef KESTREL_FIRMWARE_CRASH_H
#define KESTREL_FIRMWARE_CRASH_H

#include <stdint.h>
#include <stdnoreturn.h>

/* cause of a failed CRASH_UNLESS in the crash record. */
#define CRASH_CAUSE_ASSERTION 0xffffffffu

/* Where start.S keeps the registers of what trapped; [0] is 0. */
extern uint32_t crash_registers[32];

/* Called by start.S on the crash stack. */
noreturn void crash_trap(void);

/* Fills crash_registers and goes on as a trap with CRASH_CAUSE_ASSERTION. */
noreturn void crash_assertion(uint32_t line);

/* Stops the MCU for good with a KESTREL_FW_HALT_*. */
noreturn void crash_halt(uint32_t code);

/* Where the crash record is (address in the window), once it is known; else 0. */
void crash_set_record(uint32_t address);

#define CRASH_UNLESS(condition)				\
	do {						\
		if (!(condition))			\
			crash_assertion(__LINE__);	\
	} while (0)

#endif
