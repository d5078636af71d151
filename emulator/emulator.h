/* SPDX-License-Identifier: MIT */
/*
 * The emulated Kestrel NPU: what a machine sees of it.
 *
 * A user (the QEMU device, the simulator) creates a device, connects host
 * memory and one interrupt line, passes on register accesses, and lets modelled
 * time advance:
 *
 *	while (...) {
 *		lock();
 *		activity = kestrel_emulator_advance(emulator, 20000);
 *		unlock();
 *		if (activity != KESTREL_EMULATOR_BUSY)
 *			wait for a register write, or until next_event();
 *	}
 *
 * Threads: an emulator has no lock and no thread. All calls on one emulator
 * must be serialised by the caller, from any thread; the callbacks run inside
 * those calls. advance() in slices of some 10,000 cycles (about a millisecond
 * of host time) keeps a register access from waiting long; large commands end a
 * slice early.
 *
 * Time: the device counts cycles of its own clock and advances only inside
 * advance(). The same calls with the same memory contents give the same bytes
 * and the same cycles; host time is never looked at. A register write takes
 * effect at the present cycle; what follows from it (the MCU's work, the end of
 * an INVALIDATE) needs advance().
 *
 * Memory: addresses in the memory callbacks are physical (bus) addresses.
 */

#ifndef KESTREL_EMULATOR_H
#define KESTREL_EMULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kestrel/simulator.h>

#include "configuration.h"

struct kestrel_emulator;

/* Size in bytes of the register block. */
#define KESTREL_EMULATOR_REGISTER_BYTES 0x10000u

/* What the device asks of the machine around it. */
struct kestrel_emulator_host {
	void *opaque;
	/*
	 * Copy `length` bytes (at most 4096, never across a 4 KiB page) from or to
	 * physical memory. 0, or negative when nothing is there: the device then
	 * reports a bus fault.
	 */
	int (*memory_read)(void *opaque, uint64_t address, void *data, size_t length);
	int (*memory_write)(void *opaque, uint64_t address, const void *data, size_t length);
	/* The level of the interrupt line has changed. */
	void (*interrupt)(void *opaque, bool level);
	/* Called with opaque for every command that retires; may be NULL. */
	kestrel_simulator_trace_fn *trace;
};

/* NULL with errno set: EINVAL for a configuration out of range, or ENOMEM. */
struct kestrel_emulator *
kestrel_emulator_create(const struct kestrel_configuration *configuration,
			const struct kestrel_emulator_host *host);

/* NULL is allowed. Lowers no interrupt line; the user resets it. */
void kestrel_emulator_destroy(struct kestrel_emulator *emulator);

/* Power-on reset. The cycle count goes on; statistics and injected faults stay. */
void kestrel_emulator_reset(struct kestrel_emulator *emulator);

/*
 * Registers, 32 bits, offset a multiple of 4 below KESTREL_EMULATOR_REGISTER_BYTES.
 * Undefined offsets read 0 and ignore writes.
 */
uint32_t kestrel_emulator_register_read(struct kestrel_emulator *emulator, uint32_t offset);
void kestrel_emulator_register_write(struct kestrel_emulator *emulator, uint32_t offset,
				     uint32_t value);

enum kestrel_emulator_activity {
	/* Nothing happens any more without a register write. */
	KESTREL_EMULATOR_IDLE = 0,
	/* Only the MCU's timer runs: next_event() tells the cycle. */
	KESTREL_EMULATOR_WAITING = 1,
	/* The MCU, the engine, the PLL or the MMU has work now. */
	KESTREL_EMULATOR_BUSY = 2,
};

/* What the device would do if time advanced now. */
enum kestrel_emulator_activity
kestrel_emulator_activity(const struct kestrel_emulator *emulator);

/*
 * Advances by `cycles`, working on whatever there is to do, and returns what is
 * left to do. An idle device advances too. The call ends earlier when commands
 * of the engine have taken some milliseconds of host time: now() tells how far it
 * came.
 */
enum kestrel_emulator_activity kestrel_emulator_advance(struct kestrel_emulator *emulator,
							uint64_t cycles);

/*
 * Advances until the device is not BUSY, at most by `cycles`, and returns early
 * as advance() does; a WAITING device does not advance. For users without a clock of their own.
 */
enum kestrel_emulator_activity kestrel_emulator_run(struct kestrel_emulator *emulator,
						    uint64_t cycles);

/* Cycles since creation. */
uint64_t kestrel_emulator_now(const struct kestrel_emulator *emulator);

/* The cycle at which the MCU's timer fires next, UINT64_MAX when none is set. */
uint64_t kestrel_emulator_next_event(const struct kestrel_emulator *emulator);

/* The present clock: cycles per millisecond. */
uint32_t kestrel_emulator_clock_khz(const struct kestrel_emulator *emulator);

void kestrel_emulator_statistics(const struct kestrel_emulator *emulator,
				 struct kestrel_simulator_statistics *statistics);
void kestrel_emulator_statistics_reset(struct kestrel_emulator *emulator);

/*
 * Fuses: at first those of the configuration; no reset changes them. secure:
 * the boot ROM demands a signature by the Ed25519 public key (32 bytes, copied;
 * all zero: none fits). An image with a lower security version is refused in
 * any case.
 */
void kestrel_emulator_set_fuses(struct kestrel_emulator *emulator, bool secure,
				uint32_t security_version, const uint8_t *public_key);

/*
 * Faults that a test injects. Each stays until it is injected again with value 0,
 * or, with the values that say so, until a reset ends it.
 */
enum kestrel_emulator_fault {
	/*
	 * Units retire nothing while value is non-zero; KILL and resets end the job
	 * all the same. 2: the next reset of the engine makes it whole.
	 */
	KESTREL_EMULATOR_FAULT_HUNG_ENGINE = 0,
	/*
	 * The MCU executes nothing while value is non-zero. 2: its next reset
	 * brings it back; 3: that of the whole device does.
	 */
	KESTREL_EMULATOR_FAULT_DEAD_MCU = 1,
	/* The next `value` rises of the interrupt line are lost. */
	KESTREL_EMULATOR_FAULT_LOST_INTERRUPT = 2,
	/* Each write of 1 raises one uncorrectable SRAM error during the running job. */
	KESTREL_EMULATOR_FAULT_ECC = 3,
	/*
	 * Every register reads all ones and ignores writes: the device is gone.
	 * 2: and its interrupt line is up.
	 */
	KESTREL_EMULATOR_FAULT_ALL_ONES = 4,
	/*
	 * The next `value` writes of the MCU to host memory carry inverted bits;
	 * all of them up to its next reset when value is UINT32_MAX.
	 */
	KESTREL_EMULATOR_FAULT_LYING_FIRMWARE = 5,
	/*
	 * While value is non-zero one write of the MCU to host memory in 32 is
	 * changed: a bit, a byte, all of it. Which and how follows from value.
	 */
	KESTREL_EMULATOR_FAULT_MUTATING_FIRMWARE = 6,
	/*
	 * A reset of the whole device that the host asks for never ends: the device
	 * goes on as it was, and RESET says that it is at it. 2: the next one ends, those
	 * after it do not; and so on.
	 */
	KESTREL_EMULATOR_FAULT_ENDLESS_RESET = 7,
	/*
	 * An invalidation never ends, and nothing is forgotten. 2: the next reset of
	 * the whole device makes the MMU whole.
	 */
	KESTREL_EMULATOR_FAULT_HUNG_INVALIDATION = 8,
	KESTREL_EMULATOR_FAULTS = 9,
};

/* Name as properties and monitor commands spell it, e.g. "hung-engine"; NULL: no such. */
const char *kestrel_emulator_fault_name(unsigned int fault);

/* -EINVAL: no such fault. */
int kestrel_emulator_inject(struct kestrel_emulator *emulator, unsigned int fault,
			    uint32_t value);

#endif
