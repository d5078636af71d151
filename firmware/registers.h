/* SPDX-License-Identifier: MIT */
/* Access to the MCU's peripherals and to host memory through the window. */
#ifndef KESTREL_FIRMWARE_REGISTERS_H
#define KESTREL_FIRMWARE_REGISTERS_H

#include <stdint.h>

#include <kestrel/regs.h>

static inline uint32_t register_read(uint32_t address)
{
	return *(const volatile uint32_t *)(uintptr_t)address;
}

static inline void register_write(uint32_t address, uint32_t value)
{
	*(volatile uint32_t *)(uintptr_t)address = value;
}

/* A _LO/_HI pair: reading _LO latches _HI, so the order matters. */
static inline uint64_t register_read_pair(uint32_t address)
{
	uint32_t low = register_read(address);

	return (uint64_t)register_read(address + 4) << 32 | low;
}

static inline void register_write_pair(uint32_t address, uint64_t value)
{
	register_write(address, (uint32_t)value);
	register_write(address + 4, (uint32_t)(value >> 32));
}

static inline uint32_t peripheral_read(uint32_t offset)
{
	return register_read(KESTREL_MCU_PERIPHERAL_BASE + offset);
}

static inline void peripheral_write(uint32_t offset, uint32_t value)
{
	register_write(KESTREL_MCU_PERIPHERAL_BASE + offset, value);
}

/* NPU cycles since power-on. */
static inline uint64_t time_now(void)
{
	return register_read_pair(KESTREL_MCU_PERIPHERAL_BASE + KESTREL_MCU_TIME_LO);
}

/* Raises the timer interrupt at a time, or never (UINT64_MAX). */
static inline void timer_set(uint64_t time)
{
	register_write_pair(KESTREL_MCU_PERIPHERAL_BASE + KESTREL_MCU_TIME_COMPARE_LO, time);
}

static inline void host_interrupt_raise(void)
{
	/* The host must find in memory what it is told of. */
	__asm__ volatile("fence w, ow" ::: "memory");
	peripheral_write(KESTREL_MCU_HOST_INTERRUPT, 1);
}

static inline void wait_for_interrupt(void)
{
	__asm__ volatile("wfi" ::: "memory");
}

#endif
