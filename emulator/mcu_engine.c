// SPDX-License-Identifier: MIT
/* The engine page of the management core (regs.h, "Engine, as the MCU sees it"). */

#include "device.h"

static uint32_t half(uint64_t value, bool high)
{
	return (uint32_t)(high ? value >> 32 : value);
}

static void set_half(uint64_t *value, bool high, uint32_t half_value)
{
	if (high)
		*value = (uint64_t)half_value << 32 | (uint32_t)*value;
	else
		*value = (*value & ~UINT64_C(0xffffffff)) | half_value;
}

static bool in_array(uint32_t offset, uint32_t first, uint32_t count, uint32_t stride)
{
	return offset >= first && offset - first < count * stride;
}

static bool state_is_busy(uint32_t state)
{
	return state == KESTREL_ENGINE_STATUS_RUNNING || state == KESTREL_ENGINE_STATUS_HELD ||
	       state == KESTREL_ENGINE_STATUS_TRANSFERRING ||
	       state == KESTREL_ENGINE_STATUS_SCRUBBING;
}

static uint64_t job_misses(const struct kestrel_emulator *emulator, uint32_t state)
{
	const struct device_peripherals *peripherals = &emulator->peripherals;

	if (state == KESTREL_ENGINE_STATUS_RUNNING || state == KESTREL_ENGINE_STATUS_HELD)
		return emulator->mmu.misses - peripherals->misses_at_start;
	return peripherals->job_misses;
}

static uint32_t job_counter(const struct kestrel_emulator *emulator, uint32_t offset,
			    const struct engine_status *status)
{
	uint64_t job[KESTREL_COUNTER_COUNT], total[KESTREL_COUNTER_COUNT];
	uint32_t index = (offset - KESTREL_ENGINE_COUNTER_LO(0)) / 8;

	engine_counters(emulator->engine, job, total);
	job[KESTREL_COUNTER_CYCLES] = status->active_cycles;
	job[KESTREL_COUNTER_TLB_MISSES] = job_misses(emulator, status->state);
	return half(job[index], offset & 4);
}

static uint32_t range_read(const struct engine_operands *operands, uint32_t offset)
{
	uint32_t index = (offset - KESTREL_ENGINE_RANGE_OFFSET(0)) / 8;

	return offset & 4 ? operands->range[index].size : operands->range[index].offset;
}

static uint32_t base_read(const struct engine_operands *operands, uint32_t offset)
{
	uint32_t index = (offset - KESTREL_ENGINE_BASE_VA_LO(0)) / 16;

	return half(offset & 8 ? operands->base[index].size : operands->base[index].address,
		    offset & 4);
}

uint32_t mcu_engine_read(struct kestrel_emulator *emulator, uint32_t offset)
{
	struct device_peripherals *peripherals = &emulator->peripherals;
	const struct engine_operands *operands = &peripherals->operands;
	struct engine_status status;

	device_engine_catch_up(emulator, emulator->mcu.now);
	engine_status(emulator->engine, &status);
	if (in_array(offset, KESTREL_ENGINE_RANGE_OFFSET(0), KESTREL_ENGINE_RANGE_MAX, 8))
		return range_read(operands, offset);
	if (in_array(offset, KESTREL_ENGINE_BASE_VA_LO(0), KESTREL_ENGINE_BASE_MAX, 16))
		return base_read(operands, offset);
	if (in_array(offset, KESTREL_ENGINE_COUNTER_LO(0), KESTREL_COUNTER_COUNT, 8))
		return job_counter(emulator, offset, &status);

	switch (offset) {
	case KESTREL_ENGINE_STATUS:
		return peripherals->engine_was_reset ? KESTREL_ENGINE_STATUS_KILLED :
						       status.state;
	case KESTREL_ENGINE_ASID:
		return operands->asid;
	case KESTREL_ENGINE_TAG:
		return operands->tag;
	case KESTREL_ENGINE_COMMAND_VA_LO:
	case KESTREL_ENGINE_COMMAND_VA_HI:
		return half(operands->command_address, offset & 4);
	case KESTREL_ENGINE_COMMAND_SIZE:
		return operands->command_size;
	case KESTREL_ENGINE_RESUME_OFFSET:
		return operands->resume_offset;
	case KESTREL_ENGINE_CONTEXT_ADDRESS_LO:
	case KESTREL_ENGINE_CONTEXT_ADDRESS_HI:
		return half(operands->context_address, offset & 4);
	case KESTREL_ENGINE_BASE_COUNT:
		return operands->base_count;
	case KESTREL_ENGINE_RANGE_COUNT:
		return operands->range_count;
	case KESTREL_ENGINE_ACTIVE_CYCLES_LO:
		peripherals->active_high = half(status.active_cycles, true);
		return half(status.active_cycles, false);
	case KESTREL_ENGINE_ACTIVE_CYCLES_HI:
		return peripherals->active_high;
	case KESTREL_ENGINE_FAULT_CODE:
		return status.fault_code;
	case KESTREL_ENGINE_FAULT_UNIT:
		return status.fault_unit;
	case KESTREL_ENGINE_FAULT_OFFSET:
		return status.fault_offset;
	case KESTREL_ENGINE_FAULT_DETAIL:
		return status.fault_detail;
	case KESTREL_ENGINE_FAULT_ADDRESS_LO:
	case KESTREL_ENGINE_FAULT_ADDRESS_HI:
		return half(status.fault_address, offset & 4);
	default:
		return 0;
	}
}

static void mcu_engine_operation(struct kestrel_emulator *emulator, uint32_t operation,
				 bool busy)
{
	struct device_peripherals *peripherals = &emulator->peripherals;

	if (operation >= KESTREL_ENGINE_START && operation <= KESTREL_ENGINE_SCRUB && !busy) {
		peripherals->engine_was_reset = false;
		if (operation == KESTREL_ENGINE_START)
			peripherals->misses_at_start = emulator->mmu.misses;
	}
	engine_operate(emulator->engine, operation, &peripherals->operands, emulator->mcu.now);
	/* The engine may be busy from now on: shorter slices. */
	emulator->mcu.yield = true;
}

static void operand_write(struct engine_operands *operands, uint32_t offset, uint32_t value)
{
	uint32_t index;

	if (in_array(offset, KESTREL_ENGINE_RANGE_OFFSET(0), KESTREL_ENGINE_RANGE_MAX, 8)) {
		index = (offset - KESTREL_ENGINE_RANGE_OFFSET(0)) / 8;
		if (offset & 4)
			operands->range[index].size = value;
		else
			operands->range[index].offset = value;
		return;
	}
	if (in_array(offset, KESTREL_ENGINE_BASE_VA_LO(0), KESTREL_ENGINE_BASE_MAX, 16)) {
		index = (offset - KESTREL_ENGINE_BASE_VA_LO(0)) / 16;
		set_half(offset & 8 ? &operands->base[index].size :
				      &operands->base[index].address, offset & 4, value);
		return;
	}

	switch (offset) {
	case KESTREL_ENGINE_ASID:
		operands->asid = value;
		break;
	case KESTREL_ENGINE_TAG:
		operands->tag = value;
		break;
	case KESTREL_ENGINE_COMMAND_VA_LO:
	case KESTREL_ENGINE_COMMAND_VA_HI:
		set_half(&operands->command_address, offset & 4, value);
		break;
	case KESTREL_ENGINE_COMMAND_SIZE:
		operands->command_size = value;
		break;
	case KESTREL_ENGINE_RESUME_OFFSET:
		operands->resume_offset = value;
		break;
	case KESTREL_ENGINE_CONTEXT_ADDRESS_LO:
	case KESTREL_ENGINE_CONTEXT_ADDRESS_HI:
		set_half(&operands->context_address, offset & 4, value);
		break;
	case KESTREL_ENGINE_BASE_COUNT:
		operands->base_count = value;
		break;
	case KESTREL_ENGINE_RANGE_COUNT:
		operands->range_count = value;
		break;
	}
}

void mcu_engine_write(struct kestrel_emulator *emulator, uint32_t offset, uint32_t value)
{
	struct engine_status status;
	bool busy;

	device_engine_catch_up(emulator, emulator->mcu.now);
	engine_status(emulator->engine, &status);
	busy = state_is_busy(status.state);
	if (offset == KESTREL_ENGINE_OPERATION)
		mcu_engine_operation(emulator, value, busy);
	else if (!busy)
		operand_write(&emulator->peripherals.operands, offset, value);
}

void mcu_engine_ended(struct kestrel_emulator *emulator)
{
	struct device_peripherals *peripherals = &emulator->peripherals;
	struct engine_status status;
	unsigned int i;

	engine_status(emulator->engine, &status);
	if (status.state != KESTREL_ENGINE_STATUS_IDLE)
		peripherals->job_misses = emulator->mmu.misses - peripherals->misses_at_start;
	if (status.state == KESTREL_ENGINE_STATUS_PREEMPTED) {
		peripherals->operands.resume_offset = status.resume_offset;
		peripherals->operands.range_count = status.range_count;
		for (i = 0; i < KESTREL_ENGINE_RANGE_MAX; i++) {
			peripherals->operands.range[i].offset = status.range[i].offset;
			peripherals->operands.range[i].size = status.range[i].size;
		}
	}
	if (status.state == KESTREL_ENGINE_STATUS_FAULTED &&
	    status.fault_code == KESTREL_FAULT_ECC)
		device_interrupt_raise(emulator, KESTREL_INTERRUPT_ECC);
	peripherals->latched |= KESTREL_MCU_INTERRUPT_ENGINE;
	mcu_bus_update(emulator, emulator->engine_now > emulator->now ? emulator->engine_now :
									emulator->now);
}
