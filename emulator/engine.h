/* SPDX-License-Identifier: MIT */
/*
 * The engine: SRAM, front end and the four units. Implemented by engine_*.c;
 * this is all that the rest of the device knows of it.
 *
 * The engine never looks at a register offset: the MCU's engine page (regs.h) is
 * decoded by mcu_engine.c, which keeps the operand registers and calls
 * engine_operate(). It never looks at host memory but through struct
 * engine_host. Numbers of operations, states, accesses, counters, faults and
 * units are those of regs.h and isa.h.
 *
 * Time. Cycles are the device's, which the engine learns from engine_operate()
 * and engine_step(). engine_step() works up to and including a given cycle and
 * returns early at the first cycle at which an operation ended (the ENGINE
 * interrupt). Between steps nothing happens. Commands change memory, SRAM,
 * accumulators and semaphores at the cycle at which they retire.
 */

#ifndef KESTREL_EMULATOR_ENGINE_H
#define KESTREL_EMULATOR_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kestrel/isa.h>
#include <kestrel/regs.h>
#include <kestrel/simulator.h>

#include "configuration.h"

struct engine;

/* One access to host memory. */
struct engine_access {
	/* Address space: the job's; 0 for SAVE and RESTORE. */
	uint32_t asid;
	/* KESTREL_ENGINE_TAG of the job. */
	uint32_t tag;
	/* enum kestrel_unit */
	uint32_t unit;
	/* KESTREL_ACCESS_* */
	uint32_t type;
	uint64_t address;
	/* Bytes, at least 1; may cross pages. */
	uint64_t length;
};

/* What the engine asks of the rest of the device. */
struct engine_host {
	void *opaque;
	/*
	 * Empties the TLB, at START.
	 */
	void (*translation_reset)(void *opaque);
	/*
	 * Cycles that looking up all pages of the access costs, in address order,
	 * changing the TLB. To be called at the command's request, run by run.
	 * *previous_page is the page that the same command touched before, for the
	 * free prefetch; set it to UINT64_MAX before a command's first call. Pages
	 * that will fault cost their walk and are reported by access() only.
	 */
	uint64_t (*translation_cost)(void *opaque, const struct engine_access *access,
				     uint64_t *previous_page);
	/*
	 * Moves the bytes between memory and data, when the command retires; no
	 * cycles. Returns 0, or the KESTREL_MMU_CAUSE_* with the faulting address in
	 * *fault_address; what lay before it has been moved then, and the fault is
	 * in the MMU's records.
	 */
	uint32_t (*access)(void *opaque, const struct engine_access *access, void *data,
			   uint64_t *fault_address);
	/*
	 * As access() without moving anything, so that a command can be found
	 * faulty before it has any effect. Records the fault as well.
	 */
	uint32_t (*probe)(void *opaque, const struct engine_access *access,
			  uint64_t *fault_address);
	/* A command retired; NULL when nobody traces. */
	kestrel_simulator_trace_fn *trace;
	void *trace_opaque;
};

/* The operand registers of the engine page, as the firmware wrote them: unchecked. */
struct engine_operands {
	uint32_t asid;
	uint32_t tag;
	uint64_t command_address;
	uint32_t command_size;
	uint32_t resume_offset;
	uint64_t context_address;
	uint32_t base_count;
	uint32_t range_count;
	struct {
		uint32_t offset;
		uint32_t size;
	} range[KESTREL_ENGINE_RANGE_MAX];
	struct {
		uint64_t address;
		uint64_t size;
	} base[KESTREL_ENGINE_BASE_MAX];
};

/* What went on most recently, and how it stands. */
struct engine_status {
	/* KESTREL_ENGINE_STATUS_* */
	uint32_t state;
	/* Valid while FAULTED: enum kestrel_fault_code, enum kestrel_unit. */
	uint32_t fault_code;
	uint32_t fault_unit;
	uint32_t fault_offset;
	uint32_t fault_detail;
	uint64_t fault_address;
	/* Cycles since START while RUNNING; keeps its value after. */
	uint64_t active_cycles;
	/* Valid while PREEMPTED: what the engine sets of the operand registers. */
	uint32_t resume_offset;
	uint32_t range_count;
	struct {
		uint32_t offset;
		uint32_t size;
	} range[KESTREL_ENGINE_RANGE_MAX];
};

/*
 * Creates an idle engine with undefined SRAM. Configuration and host are copied.
 * NULL with errno ENOMEM, or EINVAL for a configuration out of range.
 */
struct engine *engine_create(const struct kestrel_configuration *configuration,
			     const struct engine_host *host);
void engine_destroy(struct engine *engine);

/*
 * At cycle `now`: stops at once, scrubs everything, state IDLE, job counters 0.
 * No end is reported. Totals stay.
 */
void engine_reset(struct engine *engine, uint64_t now);

/*
 * A write of KESTREL_ENGINE_OPERATION at cycle `now`. Operands are copied. An
 * operation that is not legal in the present state is ignored, as regs.h says.
 * START of a job with resume_offset 0 finds SRAM poisoned in checked mode.
 */
void engine_operate(struct engine *engine, uint32_t operation,
		    const struct engine_operands *operands, uint64_t now);

/*
 * Works up to and including cycle `until`. Returns the cycle reached: `until`,
 * or the earlier one at which an operation ended or HELD was reached (*ended is
 * set), or up to which the work of some milliseconds of host time has come. An
 * engine that is not busy returns `until` at once.
 */
uint64_t engine_step(struct engine *engine, uint64_t until, bool *ended);

/* True while engine_step() has something to do: a busy state, and HELD not reached. */
bool engine_busy(const struct engine *engine);

/* Legal moment for a change of the clock: not busy, or HELD. */
bool engine_stopped(const struct engine *engine);

void engine_status(const struct engine *engine, struct engine_status *status);

/*
 * The counters that regs.h numbers: `job` those since START, `total` those since
 * creation. CYCLES and TLB_MISSES are the device's and stay 0 here.
 */
void engine_counters(const struct engine *engine, uint64_t job[KESTREL_COUNTER_COUNT],
		     uint64_t total[KESTREL_COUNTER_COUNT]);

/*
 * Fills in what the engine knows of *statistics since the last reset: all but
 * tlb_misses, walk_cycles and mcu_instructions.
 */
void engine_statistics(const struct engine *engine,
		       struct kestrel_simulator_statistics *statistics);
void engine_statistics_reset(struct engine *engine);

/* While hung nothing retires and no operation but KILL ends, though cycles pass. */
void engine_set_hung(struct engine *engine, bool hung);

/* The running job ends in KESTREL_FAULT_ECC; no effect when none runs. */
void engine_inject_ecc(struct engine *engine);

#endif
