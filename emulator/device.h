/* SPDX-License-Identifier: MIT */
/*
 * The device inside: what the parts of the emulator share. emulator.h is what a
 * user sees of it.
 *
 * Three clocks that are one: device.now is the cycle up to which everything has
 * been worked, mcu.now and engine_now run ahead of it inside device_slice() and
 * meet it at its end. What the MCU does to the engine first lets the engine
 * catch up to the MCU's cycle.
 */

#ifndef KESTREL_EMULATOR_DEVICE_H
#define KESTREL_EMULATOR_DEVICE_H

#include <kestrel/firmware.h>
#include <kestrel/regs.h>

#include "emulator.h"
#include "engine.h"
#include "mcu.h"
#include "mmu.h"

#define DEVICE_NEVER UINT64_MAX
/* Tag of fault records of the MCU and the boot ROM. */
#define DEVICE_TAG_MCU UINT32_MAX
#define DEVICE_QUEUES 128
#define DEVICE_DOORBELL_WORDS (DEVICE_QUEUES / 32)

/* The MCU's peripherals (regs.h, "MCU"). */
struct device_peripherals {
	/* Latched causes: CONTROL_DOORBELL and ENGINE. */
	uint32_t latched;
	uint32_t enable;
	uint32_t doorbell[DEVICE_DOORBELL_WORDS];
	/* On the scale of KESTREL_MCU_TIME; the low half waits for the high one. */
	uint64_t time_compare;
	uint32_t time_compare_low;
	uint32_t time_high;
	uint32_t active_high;
	struct engine_operands operands;
	/* RESET_ENGINE hit a job: STATUS shows KILLED until the next operation. */
	bool engine_was_reset;
	/* TLB misses at START, and those of the job once it has ended. */
	uint64_t misses_at_start;
	uint64_t job_misses;
};

/* Clock, supply and sensors (regs.h, page 0x4000). */
struct device_power {
	uint32_t clock_request;
	uint32_t clock_khz;
	bool rejected;
	/* Cycles of the new clock until the PLL has locked; MCU and engine wait. */
	uint64_t lock_cycles;
	uint32_t voltage;
	int32_t temperature;
	int32_t temperature_limit;
	uint32_t power_microwatts;
	/* Picojoules since power-on at the last sample, and its cycle. */
	uint64_t sample_energy;
	uint64_t sample_cycle;
	uint32_t energy_high;
};

struct kestrel_emulator {
	struct kestrel_configuration configuration;
	struct kestrel_emulator_host host;

	uint64_t now;
	/* The engine has worked for long in this call: give the caller a chance. */
	bool pause;
	/* Cycle of the last power-on: KESTREL_COUNTER_CYCLES counts from here. */
	uint64_t power_on;
	uint64_t engine_now;

	struct mmu mmu;
	struct mcu mcu;
	struct engine *engine;
	struct device_peripherals peripherals;
	struct device_power power;

	/* Host registers. */
	uint32_t scratch;
	uint32_t interrupt_raw;
	uint32_t interrupt_enable;
	uint64_t image_address;
	uint32_t image_size;
	uint32_t boot_argument[KESTREL_BOOT_ARGUMENT_COUNT];
	uint32_t mcu_status;
	uint32_t boot_code;
	uint32_t halt_code;
	uint32_t invalidate_asid;
	uint64_t invalidate_address;
	uint64_t invalidate_length;
	uint32_t asid_low[KESTREL_ASID_MAX];
	uint64_t counter[KESTREL_COUNTER_COUNT];
	/* Totals at the last power-on. */
	uint64_t counter_base[KESTREL_COUNTER_COUNT];
	uint32_t fused_security_version;
	uint8_t fused_public_key[KESTREL_FW_PUBLIC_KEY_BYTES];
	bool fused_secure;

	/* Cycles at which something that was started ends, or DEVICE_NEVER. */
	uint64_t boot_due;
	uint64_t invalidate_due;
	/* One that was started and, by an injected fault, never ends. */
	bool invalidate_hung;
	bool reset_hung;

	/* The line as the machine knows it, and a rise that a test has swallowed. */
	bool line;
	bool line_lost;
	uint32_t fault[KESTREL_EMULATOR_FAULTS];
	/* State of MUTATING_FIRMWARE's random numbers. */
	uint64_t mutation;

	/* Totals at the last statistics reset. */
	uint64_t statistics_misses;
	uint64_t statistics_walk_cycles;
	uint64_t statistics_instructions;
};

/* device.c */

/* Raises causes (KESTREL_INTERRUPT_*) towards the host. */
void device_interrupt_raise(struct kestrel_emulator *emulator, uint32_t causes);
/* Brings the line in step with RAW and ENABLE. */
void device_interrupt_update(struct kestrel_emulator *emulator);
/* Lets the engine work up to `cycle`, taking note of what ends. */
void device_engine_catch_up(struct kestrel_emulator *emulator, uint64_t cycle);
/* Cycles since power-on at `cycle`: the time base of counters and MCU. */
uint64_t device_time(const struct kestrel_emulator *emulator, uint64_t cycle);
/* All counters of regs.h since power-on. */
void device_counters(const struct kestrel_emulator *emulator,
		     uint64_t counter[KESTREL_COUNTER_COUNT]);
/* The MCU stopped for good with this KESTREL_REG_MCU_HALT_CODE. */
void device_mcu_halted(struct kestrel_emulator *emulator, uint32_t code);
/* KESTREL_RESET_DEVICE, KESTREL_REG_MCU_RESET, KESTREL_RESET_ENGINE. */
void device_reset(struct kestrel_emulator *emulator);
void device_mcu_reset(struct kestrel_emulator *emulator);
void device_engine_reset(struct kestrel_emulator *emulator);

/* boot.c: checks and loads the image; returns a KESTREL_BOOT_* code. */
uint32_t boot_image(struct kestrel_emulator *emulator, uint32_t *entry);

/* mcu_bus.c */

/* The bus callbacks of the interpreter; opaque is the emulator. */
extern const struct mcu_bus mcu_bus;
/* Recomputes the MCU's interrupt level at `cycle`, and wakes it. */
void mcu_bus_update(struct kestrel_emulator *emulator, uint64_t cycle);
void peripherals_reset(struct device_peripherals *peripherals);

/* mcu_engine.c: the engine page. */
uint32_t mcu_engine_read(struct kestrel_emulator *emulator, uint32_t offset);
void mcu_engine_write(struct kestrel_emulator *emulator, uint32_t offset, uint32_t value);
/* An operation ended at device.engine_now. */
void mcu_engine_ended(struct kestrel_emulator *emulator);

/* power.c */
#define POWER_PLL_LOCK_MICROSECONDS 20u
void power_reset(struct kestrel_emulator *emulator);
void power_clock_request(struct kestrel_emulator *emulator, uint32_t khz);
/* Lets a locking PLL have up to `cycles`; returns those it used. */
uint64_t power_lock(struct kestrel_emulator *emulator, uint64_t cycles);
/* To be called now and then: averages power, follows the temperature. */
void power_sample(struct kestrel_emulator *emulator);
/* Microjoules since power-on. */
uint64_t power_energy(const struct kestrel_emulator *emulator);

#endif
