/* SPDX-License-Identifier: MIT */
/*
 * An engine that runs scripts instead of command streams: the firmware's tests
 * decide how long a job takes, where its preemption points are and how it ends.
 * It takes the place of the emulator's engine behind emulator/engine.h, watches
 * that the firmware keeps the rules, and remembers what was started.
 */
#ifndef KESTREL_FIRMWARE_FAKE_ENGINE_H
#define KESTREL_FIRMWARE_FAKE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"

/* A job's command address is FAKE_ADDRESS of its script. */
#define FAKE_ADDRESS(script) (((uint64_t)(script) + 1) << 12)
#define FAKE_SCRIPTS 16
#define FAKE_STARTS 4096
#define FAKE_SPACES 64

struct fake_script {
	/* Engine cycles; UINT64_MAX: never ends. */
	uint64_t cycles;
	/* Distance of preemption points, 0: none. */
	uint32_t points;
	/* Ends in this fault instead of DONE, unless 0. */
	uint32_t fault_code;
	/* One command all along: HOLD finds no boundary. */
	bool one_command;
};

struct fake_start {
	uint32_t asid;
	uint32_t tag;
	uint32_t resume_offset;
	uint64_t cycle;
};

struct fake_record {
	struct fake_script script[FAKE_SCRIPTS];
	struct fake_start start[FAKE_STARTS];
	uint32_t starts;
	uint32_t scrubs;
	/* When the first one began, with which the firmware begins. */
	uint64_t first_scrub;
	/* Cycles for which jobs of each address space have been running until now. */
	uint64_t used[FAKE_SPACES];
	uint32_t saves;
	uint32_t restores;
	uint32_t kills;
	/* The first rule that was broken, or NULL. */
	const char *violation;
	/* Operands of the last START. */
	struct engine_operands operands;
	/* The next SAVE or RESTORE faults. */
	bool transfer_faults;
};

/* One engine at a time. */
extern struct fake_record fake;

#endif
