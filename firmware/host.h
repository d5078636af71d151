/* SPDX-License-Identifier: MIT */
/*
 * Memory that host and firmware share, seen through the MCU's window.
 *
 * The host may change it at any time: read a field once, into memory of our own,
 * and use only that copy. Accesses are whole 32-bit words, so a field of 64 bits
 * is written in two steps, low word first. An address that the host has not
 * mapped traps (crash.c).
 */
#ifndef KESTREL_FIRMWARE_HOST_H
#define KESTREL_FIRMWARE_HOST_H

#include <stdint.h>

#include <kestrel/regs.h>

/* An address inside the window, from a VA that was checked to lie in it. */
static inline uint32_t host_address(uint64_t va)
{
	return KESTREL_MCU_WINDOW_BASE + (uint32_t)va;
}

static inline uint32_t host_read(uint32_t address)
{
	return *(const volatile uint32_t *)(uintptr_t)address;
}

static inline void host_write(uint32_t address, uint32_t value)
{
	*(volatile uint32_t *)(uintptr_t)address = value;
}

static inline void host_write_pair(uint32_t address, uint64_t value)
{
	host_write(address, (uint32_t)value);
	host_write(address + 4, (uint32_t)(value >> 32));
}

/* Whatever was written before is visible before whatever is written after. */
static inline void host_publish(void)
{
	__asm__ volatile("fence w, w" ::: "memory");
}

/* What was read before was read before whatever is read after. */
static inline void host_acquire(void)
{
	__asm__ volatile("fence r, r" ::: "memory");
}

/* bytes is a multiple of 4, both sides are aligned to 4. */
void host_copy_in(void *destination, uint32_t address, uint32_t bytes);
void host_copy_out(uint32_t address, const void *source, uint32_t bytes);

#endif
