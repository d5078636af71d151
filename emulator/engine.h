/* SPDX-License-Identifier: MIT */
/*
 * The engine: SRAM, front end and the four units. Implemented by engine_*.c;
 * this is all that the rest of the device knows of it.
 *
 * The engine never looks at a register offset: the MCU's engine registers are
 * decoded by mcu_bus.c, which calls the functions below. It never looks at host
 * memory but through struct engine_host.
 *
 * Time. Every function takes effect at the cycle that the last engine_step()
 * reached. engine_step() works up to and including a given cycle and returns
 * early at the first cycle at which an operation ended (the ENGINE interrupt).
 * Between steps nothing happens. Commands change memory, SRAM, accumulators and
 * semaphores at the cycle at which they retire.
 */

#ifndef KESTREL_EMULATOR_ENGINE_H
#define KESTREL_EMULATOR_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kestrel/simulator.h>

#include "configuration.h"

#define ENGINE_BASES 16
/* Live ranges that a preemption point can list. */
#define ENGINE_LIVE_RANGES 16

struct engine;

/* Of an access to host memory. */
enum engine_access_type {
	ENGINE_ACCESS_READ = 0,
	ENGINE_ACCESS_WRITE = 1,
	/* Command fetch: the page needs X. */
	ENGINE_ACCESS_FETCH = 2,
};

struct engine_access {
	/* Address space number; the job's, or 0 for save and restore. */
	uint32_t asid;
	/* enum kestrel_simulator_unit */
	uint32_t unit;
	/* enum engine_access_type */
	uint32_t type;
	uint64_t address;
	/* Bytes; may cross pages. */
	uint64_t length;
};

/* What the engine asks of the rest of the device. */
struct engine_host {
	void *opaque;
	/*
	 * Cycles that translating all pages of the access costs, in address order,
	 * changing the TLB. To be called when a unit starts on the access. Faults
	 * cost their walk and are reported by access() only.
	 */
	uint64_t (*translation_cost)(void *opaque, const struct engine_access *access);
	/*
	 * Moves the bytes, when the command retires. Returns 0, or a fault cause
	 * (regs.h, MMU fault causes, never 0) with the address in *fault_address;
	 * what lay before it has been moved. The fault is in the MMU's records by
	 * then. No cycles.
	 */
	int (*access)(void *opaque, const struct engine_access *access, void *data,
		      uint64_t *fault_address);
	/* A command retired; NULL when nobody traces. */
	kestrel_trace_fn *trace;
	void *trace_opaque;
};

/* Register values of a job, as the firmware wrote them before START. Unchecked. */
struct engine_job {
	uint32_t asid;
	/* The firmware's number for fault records (queue index). */
	uint32_t tag;
	uint64_t command_address;
	uint32_t command_size;
	/* Stream offset to start at: 0, or where a preemption point stopped. */
	uint32_t resume_offset;
	struct {
		uint64_t address;
		uint64_t size;
	} base[ENGINE_BASES];
};

enum engine_state {
	ENGINE_IDLE = 0,
	/* A job, a save, a restore or a scrub is going on. */
	ENGINE_RUNNING = 1,
	/* The job stopped at a preemption point; live ranges and resume offset are valid. */
	ENGINE_PREEMPTED = 2,
	ENGINE_DONE = 3,
	/* A command was refused or an access faulted; fault_* are valid. */
	ENGINE_FAULTED = 4,
	ENGINE_KILLED = 5,
};

/* What went on most recently, and how it stands. */
struct engine_status {
	enum engine_state state;
	/* Fault code of regs.h (or isa.h, for refused commands); 0 when none. */
	uint32_t fault_code;
	/* enum kestrel_simulator_unit */
	uint32_t fault_unit;
	uint32_t fault_offset;
	uint64_t fault_address;
	/* Cycles that the present or last job has run, over all its resumptions' last one. */
	uint64_t active_cycles;
	/* Valid when preempted. */
	uint32_t resume_offset;
	uint32_t live_range_count;
	struct {
		uint32_t address;
		uint32_t size;
	} live_range[ENGINE_LIVE_RANGES];
};

/*
 * Creates an idle engine with undefined SRAM. `configuration` is copied. NULL
 * with errno EINVAL when it is out of range, or ENOMEM.
 */
struct engine *engine_create(const struct kestrel_configuration *configuration,
			     const struct engine_host *host);
void engine_destroy(struct engine *engine);

/* Stops at once, state IDLE, at cycle `now`; SRAM becomes undefined. */
void engine_reset(struct engine *engine, uint64_t now);

/*
 * Starts a job at cycle `now`. Returns 0, or -EBUSY while one is running (the
 * engine ignores it then). In checked mode a job that does not resume finds
 * its SRAM poisoned.
 */
int engine_start(struct engine *engine, const struct engine_job *job, uint64_t now);

/* Asks the running job to stop at its next preemption point; no effect otherwise. */
void engine_preempt(struct engine *engine);

/*
 * Stops the running job: commands that units have begun retire or are dropped
 * in bounded time, then the state becomes KILLED. No effect when not running.
 */
void engine_kill(struct engine *engine);

/*
 * Save writes the live ranges of the last preemption point one after the other
 * to `address` in address space 0; restore reads the given ranges back.
 * Scrub zeroes SRAM, accumulators, tables, registers and semaphores. Each takes
 * its charged cycles and ends as DONE or FAULTED. -EBUSY while running.
 */
int engine_save(struct engine *engine, uint64_t address, uint64_t now);
int engine_restore(struct engine *engine, uint64_t address, const uint32_t (*range)[2],
		   uint32_t range_count, uint64_t now);
int engine_scrub(struct engine *engine, uint64_t now);

/*
 * Works up to and including cycle `until`. Returns the cycle reached: `until`,
 * or the earlier one at which an operation ended; *ended tells which. An idle
 * engine returns `until` at once.
 */
uint64_t engine_step(struct engine *engine, uint64_t until, bool *ended);

/* True while engine_step() has something to do. */
bool engine_running(const struct engine *engine);

void engine_status(const struct engine *engine, struct engine_status *status);

/*
 * Adds the engine's counters to *statistics (all but jobs' MMU and MCU fields,
 * which the device fills in). Reset starts them from zero.
 */
void engine_statistics(const struct engine *engine, struct kestrel_statistics *statistics);
void engine_statistics_reset(struct engine *engine);

/* While hung nothing retires and no operation ends, though cycles pass. */
void engine_set_hung(struct engine *engine, bool hung);

/* The running job ends in an uncorrectable SRAM error fault. */
void engine_inject_ecc(struct engine *engine);

/* First unordered access that checked mode saw since creation, or NULL. */
const char *engine_check_failure(const struct engine *engine);

#endif
