/* SPDX-License-Identifier: MIT */
/*
 * The engine: operands in, operation, result out. START goes on in the
 * background; the other operations are waited for here, they take a bounded
 * time. An engine that does not keep its bounds is a dead device: that is a
 * crash (crash.h).
 */
#ifndef KESTREL_FIRMWARE_ENGINE_H
#define KESTREL_FIRMWARE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include <kestrel/firmware.h>
#include <kestrel/regs.h>

/* A job's own counters, of one time slice or of several added up. */
struct engine_counters {
	uint64_t busy_cycles[4];
	uint64_t macs;
	uint64_t read_bytes;
	uint64_t write_bytes;
};

struct engine_fault {
	uint32_t code;
	uint32_t unit;
	uint32_t offset;
	uint32_t detail;
	uint64_t address;
};

/* What a preempted job needs to go on, beside its SRAM in the save area. */
struct engine_context {
	uint32_t resume_offset;
	uint32_t range_count;
	struct {
		uint32_t offset;
		uint32_t size;
	} range[KESTREL_ENGINE_RANGE_MAX];
};

/* KESTREL_ENGINE_STATUS_*. */
uint32_t engine_status(void);

/* Starts a checked job in address space asid from a byte offset of its stream. */
void engine_start(const struct kestrel_fw_job *job, uint32_t asid, uint32_t tag,
		  uint32_t resume_offset);

/* NPU cycles since START. */
uint64_t engine_active_cycles(void);

/* Asks the running job to stop at its next preemption point; returns at once. */
void engine_preempt(void);

/* Stops at a command boundary; the ENGINE interrupt tells when. And goes on. */
void engine_hold(void);
void engine_continue(void);

/* Stops the job; returns the status it ended with (it may have ended before). */
uint32_t engine_kill(void);

/* Zeroes all that a job could have left behind. */
void engine_scrub(void);

/* Where a job that was preempted goes on. */
uint32_t engine_resume_offset(void);

/*
 * Moves the live SRAM of a preempted job to the save area and fills in context;
 * and back. False: the transfer faulted (engine_read_fault()).
 */
bool engine_save(uint64_t save_address, struct engine_context *context);
bool engine_restore(uint64_t save_address, const struct engine_context *context);

void engine_read_fault(struct engine_fault *fault);

/* Adds the counters of the present or last START. */
void engine_add_counters(struct engine_counters *counters);

#endif
