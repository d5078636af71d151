// SPDX-License-Identifier: MIT
/*
 * What the management core reaches besides its own memory: peripherals, the
 * engine page and the window to host memory (regs.h, "MCU").
 */

#include <string.h>

#include "device.h"

#define PAGE 0x1000u
/* Cycles of a posted write to host memory. */
#define HOST_WRITE_CYCLES 4

void peripherals_reset(struct device_peripherals *peripherals)
{
	memset(peripherals, 0, sizeof(*peripherals));
	peripherals->time_compare = UINT64_MAX;
	peripherals->time_compare_low = UINT32_MAX;
}

static uint32_t peripherals_pending(const struct kestrel_emulator *emulator, uint64_t cycle)
{
	const struct device_peripherals *peripherals = &emulator->peripherals;
	uint32_t pending = peripherals->latched;
	unsigned int i;

	for (i = 0; i < DEVICE_DOORBELL_WORDS; i++)
		if (peripherals->doorbell[i])
			pending |= KESTREL_MCU_INTERRUPT_DOORBELL;
	if (device_time(emulator, cycle) >= peripherals->time_compare)
		pending |= KESTREL_MCU_INTERRUPT_TIMER;
	return pending;
}

void mcu_bus_update(struct kestrel_emulator *emulator, uint64_t cycle)
{
	struct mcu *mcu = &emulator->mcu;

	if (peripherals_pending(emulator, cycle) & emulator->peripherals.enable)
		mcu->mip |= MCU_INTERRUPT_EXTERNAL;
	else
		mcu->mip &= ~MCU_INTERRUPT_EXTERNAL;
	if (mcu->sleeping && mcu_wakes(mcu)) {
		mcu->sleeping = false;
		if (mcu->now < cycle)
			mcu->now = cycle;
	}
}

static uint32_t peripheral_read(struct kestrel_emulator *emulator, uint32_t offset)
{
	struct device_peripherals *peripherals = &emulator->peripherals;
	uint64_t time = device_time(emulator, emulator->mcu.now);

	if (offset >= KESTREL_MCU_DOORBELL_PENDING(0) &&
	    offset < KESTREL_MCU_DOORBELL_PENDING(DEVICE_DOORBELL_WORDS))
		return peripherals->doorbell[(offset - KESTREL_MCU_DOORBELL_PENDING(0)) / 4];
	if (offset >= KESTREL_MCU_BOOT_ARGUMENT(0) &&
	    offset < KESTREL_MCU_BOOT_ARGUMENT(KESTREL_BOOT_ARGUMENT_COUNT))
		return emulator->boot_argument[(offset - KESTREL_MCU_BOOT_ARGUMENT(0)) / 4];

	switch (offset) {
	case KESTREL_MCU_INTERRUPT_PENDING:
		device_engine_catch_up(emulator, emulator->mcu.now);
		return peripherals_pending(emulator, emulator->mcu.now);
	case KESTREL_MCU_INTERRUPT_ENABLE:
		return peripherals->enable;
	case KESTREL_MCU_CLOCK:
		return emulator->power.clock_khz;
	case KESTREL_MCU_TIME_LO:
		peripherals->time_high = (uint32_t)(time >> 32);
		return (uint32_t)time;
	case KESTREL_MCU_TIME_HI:
		return peripherals->time_high;
	case KESTREL_MCU_TIME_COMPARE_LO:
		return (uint32_t)peripherals->time_compare;
	case KESTREL_MCU_TIME_COMPARE_HI:
		return (uint32_t)(peripherals->time_compare >> 32);
	case KESTREL_MCU_SRAM_BYTES:
		return kestrel_emulator_register_read(emulator, KESTREL_REG_SRAM_BYTES);
	case KESTREL_MCU_ASID_COUNT:
		return kestrel_emulator_register_read(emulator, KESTREL_REG_ASID_COUNT);
	case KESTREL_MCU_QUEUE_COUNT:
		return kestrel_emulator_register_read(emulator, KESTREL_REG_QUEUE_COUNT);
	case KESTREL_MCU_FEATURES:
		return kestrel_emulator_register_read(emulator, KESTREL_REG_FEATURES);
	default:
		return 0;
	}
}

static void peripheral_write(struct kestrel_emulator *emulator, uint32_t offset,
			     uint32_t value)
{
	struct device_peripherals *peripherals = &emulator->peripherals;

	if (offset >= KESTREL_MCU_DOORBELL_PENDING(0) &&
	    offset < KESTREL_MCU_DOORBELL_PENDING(DEVICE_DOORBELL_WORDS)) {
		peripherals->doorbell[(offset - KESTREL_MCU_DOORBELL_PENDING(0)) / 4] &= ~value;
		mcu_bus_update(emulator, emulator->mcu.now);
		return;
	}

	switch (offset) {
	case KESTREL_MCU_INTERRUPT_PENDING:
		peripherals->latched &= ~value;
		break;
	case KESTREL_MCU_INTERRUPT_ENABLE:
		peripherals->enable = value & (KESTREL_MCU_INTERRUPT_DOORBELL |
					       KESTREL_MCU_INTERRUPT_CONTROL_DOORBELL |
					       KESTREL_MCU_INTERRUPT_ENGINE |
					       KESTREL_MCU_INTERRUPT_TIMER);
		/* The timer may be due within the present slice. */
		emulator->mcu.yield = true;
		break;
	case KESTREL_MCU_HOST_INTERRUPT:
		device_interrupt_raise(emulator, KESTREL_INTERRUPT_MCU_EVENT);
		break;
	case KESTREL_MCU_HALT:
		device_mcu_halted(emulator, value);
		break;
	case KESTREL_MCU_TIME_COMPARE_LO:
		peripherals->time_compare_low = value;
		break;
	case KESTREL_MCU_TIME_COMPARE_HI:
		peripherals->time_compare = (uint64_t)value << 32 | peripherals->time_compare_low;
		emulator->mcu.yield = true;
		break;
	}
	mcu_bus_update(emulator, emulator->mcu.now);
}

/* One access through the window; negative when the MMU refuses it. */
static int window_access(struct kestrel_emulator *emulator, uint32_t address,
			 unsigned int size, uint8_t *bytes, uint32_t type)
{
	struct engine_access access = {
		.asid = KESTREL_ASID_FIRMWARE,
		.tag = DEVICE_TAG_MCU,
		.unit = KESTREL_UNIT_MCU,
		.type = type,
		.address = address - KESTREL_MCU_WINDOW_BASE,
		.length = size,
	};
	const struct kestrel_configuration *configuration = &emulator->configuration;
	uint64_t cycles = type == KESTREL_ACCESS_WRITE ? HOST_WRITE_CYCLES :
			  configuration->port[configuration->port_count - 1].read_latency;

	cycles += mmu_mcu_cost(&emulator->mmu, access.address);
	if (mmu_access(&emulator->mmu, &access, bytes, NULL)) {
		device_interrupt_raise(emulator, KESTREL_INTERRUPT_MMU_FAULT);
		return -1;
	}
	return (int)cycles;
}

static int bus_load(void *opaque, uint32_t address, unsigned int size, uint32_t *value)
{
	struct kestrel_emulator *emulator = opaque;
	uint8_t bytes[4] = { 0 };
	int cycles;

	if (address >= KESTREL_MCU_WINDOW_BASE) {
		cycles = window_access(emulator, address, size, bytes, KESTREL_ACCESS_READ);
		*value = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
			 (uint32_t)bytes[3] << 24;
		return cycles;
	}
	if (size != 4)
		return -1;
	if (address - KESTREL_MCU_PERIPHERAL_BASE < PAGE) {
		*value = peripheral_read(emulator, address - KESTREL_MCU_PERIPHERAL_BASE);
		return 0;
	}
	if (address - KESTREL_MCU_ENGINE_BASE(0) < PAGE) {
		*value = mcu_engine_read(emulator, address - KESTREL_MCU_ENGINE_BASE(0));
		return 0;
	}
	return -1;
}

/* What a fault that is injected makes of a word for the host. */
static uint32_t window_value(struct kestrel_emulator *emulator, uint32_t value)
{
	uint32_t *lies = &emulator->fault[KESTREL_EMULATOR_FAULT_LYING_FIRMWARE];
	uint32_t random;

	if (*lies) {
		*lies -= *lies != UINT32_MAX;
		return ~value;
	}
	if (!emulator->fault[KESTREL_EMULATOR_FAULT_MUTATING_FIRMWARE])
		return value;
	emulator->mutation ^= emulator->mutation << 13;
	emulator->mutation ^= emulator->mutation >> 7;
	emulator->mutation ^= emulator->mutation << 17;
	random = (uint32_t)(emulator->mutation >> 16);
	if (random % 32)
		return value;
	random /= 32;
	switch (random % 4) {
	case 0:
		return value ^ 1u << random / 4 % 32;
	case 1:
		return (value & ~UINT32_C(0xff)) | (random / 4 & 0xff);
	case 2:
		return random / 4 % 2 ? 0 : UINT32_MAX;
	default:
		return value + random / 4 % 64 - 32;
	}
}

static int bus_store(void *opaque, uint32_t address, unsigned int size, uint32_t value)
{
	struct kestrel_emulator *emulator = opaque;
	uint8_t bytes[4];
	unsigned int i;

	if (address >= KESTREL_MCU_WINDOW_BASE) {
		value = window_value(emulator, value);
		for (i = 0; i < 4; i++)
			bytes[i] = (uint8_t)(value >> i * 8);
		return window_access(emulator, address, size, bytes, KESTREL_ACCESS_WRITE);
	}
	if (size != 4)
		return -1;
	if (address - KESTREL_MCU_PERIPHERAL_BASE < PAGE) {
		peripheral_write(emulator, address - KESTREL_MCU_PERIPHERAL_BASE, value);
		return 0;
	}
	if (address - KESTREL_MCU_ENGINE_BASE(0) < PAGE) {
		mcu_engine_write(emulator, address - KESTREL_MCU_ENGINE_BASE(0), value);
		return 0;
	}
	return -1;
}

const struct mcu_bus mcu_bus = {
	.load = bus_load,
	.store = bus_store,
};
