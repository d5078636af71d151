// SPDX-License-Identifier: MIT
/* The host's register block (regs.h). */

#include "device.h"

/* Bits of a physical address that the device can send. */
#define PHYSICAL_BITS 48
/* Cycles that an invalidation takes; the contract allows 4096. */
#define INVALIDATE_CYCLES 64
/* Cycles that the boot ROM needs for each byte it copies and hashes. */
#define BOOT_CYCLES_PER_BYTE 2

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

static uint32_t port_read(const struct kestrel_configuration *configuration, uint32_t offset)
{
	uint32_t index = (offset - KESTREL_REG_PORT(0)) / 0x20;
	const struct configuration_port *port = &configuration->port[index];

	if (index >= configuration->port_count)
		return 0;
	switch ((offset - KESTREL_REG_PORT(0)) % 0x20) {
	case KESTREL_PORT_RATE:
		return port->rate;
	case KESTREL_PORT_READ_LATENCY:
		return port->read_latency;
	case KESTREL_PORT_WRITE_LATENCY:
		return port->write_latency;
	case KESTREL_PORT_BURST:
		return port->burst_bytes;
	case KESTREL_PORT_OUTSTANDING:
		return port->outstanding;
	default:
		return 0;
	}
}

static uint32_t identity_read(const struct kestrel_emulator *emulator, uint32_t offset)
{
	const struct kestrel_configuration *configuration = &emulator->configuration;

	if (in_array(offset, KESTREL_REG_PORT(0), KESTREL_PORT_MAX, 0x20))
		return port_read(configuration, offset);

	switch (offset) {
	case KESTREL_REG_ID:
		return KESTREL_ID_MAGIC;
	case KESTREL_REG_ARCHITECTURE:
		return KESTREL_VERSION(KESTREL_ARCHITECTURE_MAJOR, KESTREL_ARCHITECTURE_MINOR);
	case KESTREL_REG_ISA:
		return KESTREL_VERSION(KESTREL_ISA_MAJOR, KESTREL_ISA_MINOR);
	case KESTREL_REG_ENGINE_COUNT:
		return 1;
	case KESTREL_REG_MACS_PER_CYCLE:
		return configuration->macs;
	case KESTREL_REG_OUTPUTS_PER_CYCLE:
		return configuration->output_limit ? configuration->output_limit :
						     configuration_vector_lanes(configuration);
	case KESTREL_REG_SRAM_BYTES:
		return configuration->sram_bytes;
	case KESTREL_REG_SRAM_BANKS:
		return configuration->sram_banks;
	case KESTREL_REG_ACCUMULATOR_PIXELS:
		return configuration_accumulator_pixels(configuration);
	case KESTREL_REG_ASID_COUNT:
		return KESTREL_ASID_MAX;
	case KESTREL_REG_VA_BITS:
		return 39;
	case KESTREL_REG_PA_BITS:
		return PHYSICAL_BITS;
	case KESTREL_REG_TLB_ENTRIES:
		return MMU_TLB_ENTRIES;
	case KESTREL_REG_QUEUE_COUNT:
		return DEVICE_QUEUES;
	case KESTREL_REG_CLOCK_MIN:
		return configuration->clock_khz / 5;
	case KESTREL_REG_CLOCK_MAX:
		return configuration->clock_khz;
	case KESTREL_REG_TCM_BYTES:
		return KESTREL_MCU_TCM_BYTES;
	case KESTREL_REG_FEATURES:
		return KESTREL_FEATURE_PLL | KESTREL_FEATURE_SENSORS |
		       KESTREL_FEATURE_PREEMPTION | KESTREL_FEATURE_ECC |
		       KESTREL_FEATURE_VOLTAGE;
	case KESTREL_REG_FUSES:
		return emulator->fused_secure ? KESTREL_FUSE_SECURE : 0;
	case KESTREL_REG_FUSED_SECURITY_VERSION:
		return emulator->fused_security_version;
	case KESTREL_REG_PORT_COUNT:
		return configuration->port_count;
	case KESTREL_REG_RESET:
		return emulator->reset_hung ? KESTREL_RESET_DEVICE : 0;
	case KESTREL_REG_SCRATCH:
		return emulator->scratch;
	default:
		return 0;
	}
}

static uint32_t interrupt_read(const struct kestrel_emulator *emulator, uint32_t offset)
{
	switch (offset) {
	case KESTREL_REG_INTERRUPT_RAW:
		return emulator->interrupt_raw;
	case KESTREL_REG_INTERRUPT_STATUS:
		return emulator->interrupt_raw & emulator->interrupt_enable;
	case KESTREL_REG_INTERRUPT_ENABLE:
		return emulator->interrupt_enable;
	default:
		return 0;
	}
}

static uint32_t mcu_read(const struct kestrel_emulator *emulator, uint32_t offset)
{
	if (in_array(offset, KESTREL_REG_BOOT_ARGUMENT(0), KESTREL_BOOT_ARGUMENT_COUNT, 4))
		return emulator->boot_argument[(offset - KESTREL_REG_BOOT_ARGUMENT(0)) / 4];

	switch (offset) {
	case KESTREL_REG_IMAGE_ADDRESS_LO:
	case KESTREL_REG_IMAGE_ADDRESS_HI:
		return half(emulator->image_address, offset & 4);
	case KESTREL_REG_IMAGE_SIZE:
		return emulator->image_size;
	case KESTREL_REG_MCU_STATUS:
		return emulator->mcu_status;
	case KESTREL_REG_BOOT_CODE:
		return emulator->boot_code;
	case KESTREL_REG_MCU_HALT_CODE:
		return emulator->halt_code;
	case KESTREL_REG_MCU_PC:
		return emulator->mcu.pc;
	case KESTREL_REG_MCU_CAUSE:
		return emulator->mcu.mcause;
	case KESTREL_REG_MCU_EPC:
		return emulator->mcu.mepc;
	case KESTREL_REG_MCU_TVAL:
		return emulator->mcu.mtval;
	default:
		return 0;
	}
}

static uint32_t power_read(struct kestrel_emulator *emulator, uint32_t offset)
{
	struct device_power *power = &emulator->power;
	uint64_t energy;

	switch (offset) {
	case KESTREL_REG_CLOCK_REQUEST:
		return power->clock_request;
	case KESTREL_REG_CLOCK_PRESENT:
		return power->clock_khz;
	case KESTREL_REG_CLOCK_STATUS:
		return (power->lock_cycles ? 0 : KESTREL_CLOCK_LOCKED) |
		       (power->rejected ? KESTREL_CLOCK_REJECTED : 0);
	case KESTREL_REG_PLL_LOCK_TIME:
		return POWER_PLL_LOCK_MICROSECONDS;
	case KESTREL_REG_VOLTAGE:
		return power->voltage;
	case KESTREL_REG_TEMPERATURE:
		return (uint32_t)power->temperature;
	case KESTREL_REG_TEMPERATURE_LIMIT:
		return (uint32_t)power->temperature_limit;
	case KESTREL_REG_POWER:
		return power->power_microwatts;
	case KESTREL_REG_ENERGY_LO:
		energy = power_energy(emulator);
		power->energy_high = half(energy, true);
		return half(energy, false);
	case KESTREL_REG_ENERGY_HI:
		return power->energy_high;
	default:
		return 0;
	}
}

static uint32_t mmu_read(const struct kestrel_emulator *emulator, uint32_t offset)
{
	const struct mmu *mmu = &emulator->mmu;
	const struct mmu_fault *fault = &mmu->fault[0];
	bool valid = mmu->fault_count;

	switch (offset) {
	case KESTREL_REG_INVALIDATE_ASID:
		return emulator->invalidate_asid;
	case KESTREL_REG_INVALIDATE_VA_LO:
	case KESTREL_REG_INVALIDATE_VA_HI:
		return half(emulator->invalidate_address, offset & 4);
	case KESTREL_REG_INVALIDATE_LENGTH_LO:
	case KESTREL_REG_INVALIDATE_LENGTH_HI:
		return half(emulator->invalidate_length, offset & 4);
	case KESTREL_REG_INVALIDATE_STATUS:
		return emulator->invalidate_due != DEVICE_NEVER || emulator->invalidate_hung ?
			       KESTREL_INVALIDATE_BUSY : 0;
	case KESTREL_REG_MMU_FAULT_STATUS:
		return (valid ? KESTREL_MMU_FAULT_STATUS_VALID : 0) |
		       (mmu->fault_overflow ? KESTREL_MMU_FAULT_STATUS_OVERFLOW : 0) |
		       mmu->fault_count << 8;
	case KESTREL_REG_MMU_FAULT_ASID:
		return valid ? fault->asid : 0;
	case KESTREL_REG_MMU_FAULT_VA_LO:
	case KESTREL_REG_MMU_FAULT_VA_HI:
		return valid ? half(fault->address, offset & 4) : 0;
	case KESTREL_REG_MMU_FAULT_INFO:
		return valid ? fault->info : 0;
	case KESTREL_REG_MMU_FAULT_TAG:
		return valid ? fault->tag : 0;
	default:
		return 0;
	}
}

static uint32_t asid_read(const struct kestrel_emulator *emulator, uint32_t offset)
{
	uint32_t asid = (offset - KESTREL_REG_ASID_TABLE_LO(0)) / 8;

	return offset & 4 ? half(emulator->mmu.space[asid], true) : emulator->asid_low[asid];
}

uint32_t kestrel_emulator_register_read(struct kestrel_emulator *emulator, uint32_t offset)
{
	if (emulator->fault[KESTREL_EMULATOR_FAULT_ALL_ONES])
		return UINT32_MAX;
	if (offset & 3)
		return 0;
	if (in_array(offset, KESTREL_REG_COUNTER_LO(0), KESTREL_COUNTER_COUNT, 8))
		return half(emulator->counter[(offset - KESTREL_REG_COUNTER_LO(0)) / 8],
			    offset & 4);
	if (in_array(offset, KESTREL_REG_ASID_TABLE_LO(0), KESTREL_ASID_MAX, 8))
		return asid_read(emulator, offset);

	switch (offset >> 12) {
	case 0:
		return identity_read(emulator, offset);
	case 1:
		return interrupt_read(emulator, offset);
	case 2:
		return mcu_read(emulator, offset);
	case 4:
		return power_read(emulator, offset);
	case 6:
		return mmu_read(emulator, offset);
	default:
		return 0;
	}
}

static void identity_write(struct kestrel_emulator *emulator, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case KESTREL_REG_RESET:
		if (value & KESTREL_RESET_DEVICE)
			device_reset(emulator);
		else if (value & KESTREL_RESET_ENGINE)
			device_engine_reset(emulator);
		break;
	case KESTREL_REG_SCRATCH:
		emulator->scratch = value;
		break;
	}
}

static void interrupt_write(struct kestrel_emulator *emulator, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case KESTREL_REG_INTERRUPT_ENABLE:
		emulator->interrupt_enable = value & KESTREL_INTERRUPT_ALL;
		break;
	case KESTREL_REG_INTERRUPT_CLEAR:
		emulator->interrupt_raw &= ~value;
		if (emulator->mmu.fault_count)
			emulator->interrupt_raw |= KESTREL_INTERRUPT_MMU_FAULT;
		break;
	}
	device_interrupt_update(emulator);
}

/* The ROM never reads more than the largest image. */
static uint64_t boot_cycles(uint32_t image_size)
{
	if (image_size > KESTREL_FW_IMAGE_MAX_BYTES)
		image_size = KESTREL_FW_IMAGE_MAX_BYTES;
	return 1 + (uint64_t)image_size * BOOT_CYCLES_PER_BYTE;
}

static void mcu_write(struct kestrel_emulator *emulator, uint32_t offset, uint32_t value)
{
	if (in_array(offset, KESTREL_REG_BOOT_ARGUMENT(0), KESTREL_BOOT_ARGUMENT_COUNT, 4)) {
		emulator->boot_argument[(offset - KESTREL_REG_BOOT_ARGUMENT(0)) / 4] = value;
		return;
	}
	switch (offset) {
	case KESTREL_REG_IMAGE_ADDRESS_LO:
	case KESTREL_REG_IMAGE_ADDRESS_HI:
		set_half(&emulator->image_address, offset & 4, value);
		break;
	case KESTREL_REG_IMAGE_SIZE:
		emulator->image_size = value;
		break;
	case KESTREL_REG_MCU_START:
		if (emulator->mcu_status != KESTREL_MCU_STATUS_OFF || !(value & 1))
			break;
		emulator->mcu_status = KESTREL_MCU_STATUS_BOOTING;
		emulator->boot_due = emulator->now + boot_cycles(emulator->image_size);
		break;
	case KESTREL_REG_MCU_RESET:
		if (value & 1)
			device_mcu_reset(emulator);
		break;
	}
}

static void doorbell_write(struct kestrel_emulator *emulator, uint32_t offset, uint32_t value)
{
	struct device_peripherals *peripherals = &emulator->peripherals;

	if (offset == KESTREL_REG_DOORBELL && value < DEVICE_QUEUES)
		peripherals->doorbell[value / 32] |= 1u << value % 32;
	if (offset == KESTREL_REG_CONTROL_DOORBELL)
		peripherals->latched |= KESTREL_MCU_INTERRUPT_CONTROL_DOORBELL;
	mcu_bus_update(emulator, emulator->now);
}

static void power_write(struct kestrel_emulator *emulator, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case KESTREL_REG_CLOCK_REQUEST:
		power_clock_request(emulator, value);
		break;
	case KESTREL_REG_VOLTAGE:
		emulator->power.voltage = value;
		break;
	case KESTREL_REG_TEMPERATURE_LIMIT:
		emulator->power.temperature_limit = (int32_t)value;
		break;
	}
}

static void mmu_write(struct kestrel_emulator *emulator, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case KESTREL_REG_INVALIDATE_ASID:
		emulator->invalidate_asid = value;
		break;
	case KESTREL_REG_INVALIDATE_VA_LO:
	case KESTREL_REG_INVALIDATE_VA_HI:
		set_half(&emulator->invalidate_address, offset & 4, value);
		break;
	case KESTREL_REG_INVALIDATE_LENGTH_LO:
	case KESTREL_REG_INVALIDATE_LENGTH_HI:
		set_half(&emulator->invalidate_length, offset & 4, value);
		break;
	case KESTREL_REG_INVALIDATE_START:
		if (emulator->invalidate_due != DEVICE_NEVER || emulator->invalidate_hung)
			break;
		if (emulator->fault[KESTREL_EMULATOR_FAULT_HUNG_INVALIDATION]) {
			emulator->invalidate_hung = true;
			break;
		}
		/* Accesses happen as a whole, so there is nothing to drain. */
		mmu_invalidate(&emulator->mmu, value, emulator->invalidate_asid,
			       emulator->invalidate_address, emulator->invalidate_length);
		emulator->invalidate_due = emulator->now + INVALIDATE_CYCLES;
		break;
	case KESTREL_REG_MMU_FAULT_POP:
		mmu_fault_pop(&emulator->mmu);
		break;
	}
}

static void asid_write(struct kestrel_emulator *emulator, uint32_t offset, uint32_t value)
{
	uint32_t asid = (offset - KESTREL_REG_ASID_TABLE_LO(0)) / 8;

	if (!(offset & 4)) {
		emulator->asid_low[asid] = value;
		return;
	}
	value &= KESTREL_ASID_TABLE_HI_VALID | KESTREL_ASID_TABLE_HI_PPN_MASK;
	emulator->mmu.space[asid] = (uint64_t)value << 32 | emulator->asid_low[asid];
}

void kestrel_emulator_register_write(struct kestrel_emulator *emulator, uint32_t offset,
				     uint32_t value)
{
	if (emulator->fault[KESTREL_EMULATOR_FAULT_ALL_ONES] || (offset & 3))
		return;
	if (in_array(offset, KESTREL_REG_ASID_TABLE_LO(0), KESTREL_ASID_MAX, 8)) {
		asid_write(emulator, offset, value);
		return;
	}

	switch (offset >> 12) {
	case 0:
		identity_write(emulator, offset, value);
		break;
	case 1:
		interrupt_write(emulator, offset, value);
		break;
	case 2:
		mcu_write(emulator, offset, value);
		break;
	case 3:
		doorbell_write(emulator, offset, value);
		break;
	case 4:
		power_write(emulator, offset, value);
		break;
	case 5:
		if (offset == KESTREL_REG_COUNTER_LATCH)
			device_counters(emulator, emulator->counter);
		break;
	case 6:
		mmu_write(emulator, offset, value);
		break;
	}
}
