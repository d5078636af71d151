// SPDX-License-Identifier: MIT
#include "crash.h"
#include "engine.h"
#include "registers.h"

/*
 * Longest time of an operation that is waited for: 10,000 cycles for KILL, one
 * for each 16 bytes of SRAM for SCRUB, a copy of all SRAM at less than 1 byte a
 * cycle for SAVE and RESTORE.
 */
#define STOP_CYCLES	20000u
#define TRANSFER_CYCLES	8000000u

static inline uint32_t engine_read(uint32_t offset)
{
	return register_read(KESTREL_MCU_ENGINE_BASE(0) + offset);
}

static inline void engine_write(uint32_t offset, uint32_t value)
{
	register_write(KESTREL_MCU_ENGINE_BASE(0) + offset, value);
}

static inline void engine_write_pair(uint32_t offset, uint64_t value)
{
	register_write_pair(KESTREL_MCU_ENGINE_BASE(0) + offset, value);
}

static bool status_busy(uint32_t status)
{
	return status >= KESTREL_ENGINE_STATUS_RUNNING &&
	       status <= KESTREL_ENGINE_STATUS_SCRUBBING;
}

/*
 * Sleeps until the engine is not busy or a time has passed; returns the status.
 * Doorbells wait meanwhile, else each would end the sleep.
 */
static uint32_t engine_wait(uint32_t cycles)
{
	uint64_t limit = time_now() + cycles;
	uint32_t enabled = peripheral_read(KESTREL_MCU_INTERRUPT_ENABLE);
	uint32_t status;

	timer_set(limit);
	peripheral_write(KESTREL_MCU_INTERRUPT_ENABLE,
			 KESTREL_MCU_INTERRUPT_ENGINE | KESTREL_MCU_INTERRUPT_TIMER);
	for (;;) {
		/* Clear before looking, so that an end in between is not lost. */
		peripheral_write(KESTREL_MCU_INTERRUPT_PENDING, KESTREL_MCU_INTERRUPT_ENGINE);
		status = engine_read(KESTREL_ENGINE_STATUS);
		if (!status_busy(status) || time_now() >= limit)
			break;
		wait_for_interrupt();
	}
	timer_set(UINT64_MAX);
	peripheral_write(KESTREL_MCU_INTERRUPT_ENABLE, enabled);
	return status;
}

uint32_t engine_status(void)
{
	return engine_read(KESTREL_ENGINE_STATUS);
}

void engine_start(const struct kestrel_fw_job *job, uint32_t asid, uint32_t tag,
		  uint32_t resume_offset)
{
	uint32_t i;

	engine_write(KESTREL_ENGINE_ASID, asid);
	engine_write(KESTREL_ENGINE_TAG, tag);
	engine_write_pair(KESTREL_ENGINE_COMMAND_VA_LO, job->command_address);
	engine_write(KESTREL_ENGINE_COMMAND_SIZE, job->command_size);
	engine_write(KESTREL_ENGINE_RESUME_OFFSET, resume_offset);
	engine_write(KESTREL_ENGINE_BASE_COUNT, job->base_count);
	for (i = 0; i < job->base_count; i++) {
		engine_write_pair(KESTREL_ENGINE_BASE_VA_LO(i), job->base[i].address);
		engine_write_pair(KESTREL_ENGINE_BASE_SIZE_LO(i), job->base[i].size);
	}
	engine_write(KESTREL_ENGINE_OPERATION, KESTREL_ENGINE_START);
}

uint64_t engine_active_cycles(void)
{
	return register_read_pair(KESTREL_MCU_ENGINE_BASE(0) + KESTREL_ENGINE_ACTIVE_CYCLES_LO);
}

void engine_preempt(void)
{
	engine_write(KESTREL_ENGINE_OPERATION, KESTREL_ENGINE_PREEMPT);
}

void engine_hold(void)
{
	engine_write(KESTREL_ENGINE_OPERATION, KESTREL_ENGINE_HOLD);
}

void engine_continue(void)
{
	engine_write(KESTREL_ENGINE_OPERATION, KESTREL_ENGINE_CONTINUE);
}

uint32_t engine_kill(void)
{
	uint32_t status;

	engine_write(KESTREL_ENGINE_OPERATION, KESTREL_ENGINE_KILL);
	status = engine_wait(STOP_CYCLES);
	CRASH_UNLESS(!status_busy(status));
	return status;
}

void engine_scrub(void)
{
	engine_write(KESTREL_ENGINE_OPERATION, KESTREL_ENGINE_SCRUB);
	CRASH_UNLESS(engine_wait(peripheral_read(KESTREL_MCU_SRAM_BYTES) + STOP_CYCLES) ==
		     KESTREL_ENGINE_STATUS_IDLE);
}

/* SAVE or RESTORE with RANGE set up. */
static bool engine_transfer(uint32_t operation, uint64_t save_address)
{
	uint32_t status;

	engine_write_pair(KESTREL_ENGINE_CONTEXT_ADDRESS_LO, save_address);
	engine_write(KESTREL_ENGINE_OPERATION, operation);
	status = engine_wait(TRANSFER_CYCLES);
	if (status_busy(status))
		status = engine_kill();
	return status == KESTREL_ENGINE_STATUS_IDLE;
}

uint32_t engine_resume_offset(void)
{
	return engine_read(KESTREL_ENGINE_RESUME_OFFSET);
}

bool engine_save(uint64_t save_address, struct engine_context *context)
{
	uint32_t i;

	context->resume_offset = engine_resume_offset();
	context->range_count = engine_read(KESTREL_ENGINE_RANGE_COUNT);
	CRASH_UNLESS(context->range_count <= KESTREL_ENGINE_RANGE_MAX);
	for (i = 0; i < context->range_count; i++) {
		context->range[i].offset = engine_read(KESTREL_ENGINE_RANGE_OFFSET(i));
		context->range[i].size = engine_read(KESTREL_ENGINE_RANGE_SIZE(i));
	}
	return engine_transfer(KESTREL_ENGINE_SAVE, save_address);
}

bool engine_restore(uint64_t save_address, const struct engine_context *context)
{
	uint32_t i;

	engine_write(KESTREL_ENGINE_RANGE_COUNT, context->range_count);
	for (i = 0; i < context->range_count; i++) {
		engine_write(KESTREL_ENGINE_RANGE_OFFSET(i), context->range[i].offset);
		engine_write(KESTREL_ENGINE_RANGE_SIZE(i), context->range[i].size);
	}
	return engine_transfer(KESTREL_ENGINE_RESTORE, save_address);
}

void engine_read_fault(struct engine_fault *fault)
{
	fault->code = engine_read(KESTREL_ENGINE_FAULT_CODE);
	fault->unit = engine_read(KESTREL_ENGINE_FAULT_UNIT);
	fault->offset = engine_read(KESTREL_ENGINE_FAULT_OFFSET);
	fault->detail = engine_read(KESTREL_ENGINE_FAULT_DETAIL);
	fault->address = register_read_pair(KESTREL_MCU_ENGINE_BASE(0) +
					    KESTREL_ENGINE_FAULT_ADDRESS_LO);
}

static uint64_t counter_read(uint32_t counter)
{
	return register_read_pair(KESTREL_MCU_ENGINE_BASE(0) + KESTREL_ENGINE_COUNTER_LO(counter));
}

void engine_add_counters(struct engine_counters *counters)
{
	uint32_t i;

	for (i = 0; i < 4; i++)
		counters->busy_cycles[i] += counter_read(KESTREL_COUNTER_BUSY_DMA_IN + i);
	counters->macs += counter_read(KESTREL_COUNTER_MACS);
	counters->read_bytes += counter_read(KESTREL_COUNTER_PORT0_READ_BYTES) +
				counter_read(KESTREL_COUNTER_PORT1_READ_BYTES);
	counters->write_bytes += counter_read(KESTREL_COUNTER_PORT0_WRITE_BYTES) +
				 counter_read(KESTREL_COUNTER_PORT1_WRITE_BYTES);
}
