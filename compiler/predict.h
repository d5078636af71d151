/* SPDX-License-Identifier: MIT */
/*
 * Cycles by the rules of docs/hardware.md, section 6: of single commands, and
 * of a whole program with its queues, semaphores and memory ports.
 */
#ifndef COMPILER_PREDICT_H
#define COMPILER_PREDICT_H

#include <stdint.h>

#include "command.h"
#include "ir.h"
#include "layout.h"
#include "target.h"

/* What one command costs by itself. */
struct predict_cost {
	/* MAC, VECTOR: until the next may start; DMA: its data time. */
	uint64_t busy;
	/* From the end of `busy` until it has retired. */
	uint64_t drain;
	/* DMA: time on the port alone, and which port; -1: none. */
	uint64_t port_time;
	int port;
	/* DMA: from the request to the first data. */
	uint64_t latency;
};

struct predict_cost predict_command(const struct target *target, const struct command *command);

/* SRAM cycles of the steps of all passes of a window over a map, for comparing layouts. */
uint32_t predict_window_cycles(const struct target *target, const struct layout *layout,
			       const struct ir_window *window, bool depthwise);

/* Records of one command, in their order in the stream; its waits and signals have a byte each. */
struct predict_records {
	/* All bytes; those of PREEMPT and of SELECT, 0: none. */
	uint32_t bytes, preempt_bytes, select_bytes;
	/* Registers that are set and EXECUTE, behind the waits: bytes, cycles of decoding. */
	uint32_t set_bytes, set_cycles;
	/*
	 * If they lie in several bursts of the stream: cycles of those records that end in the
	 * last one, and of the one among these that begins before it, 0: none.
	 */
	uint32_t late_cycles, straddle_cycles;
};

/*
 * Runs the list in its order: units side by side, each command once those in
 * `after` have retired, transfers at the rate of their ports. With `records`
 * (one a command) also the front end: fetch, decode, queues of 16 entries.
 * Fills start and finish of each command and `total` with the cycles of the
 * job. Returns 0 or -ENOMEM.
 */
int predict_run(const struct target *target, struct command_list *list,
		const struct predict_records *records, uint64_t *total);

#endif
