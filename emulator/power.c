// SPDX-License-Identifier: MIT
/*
 * Clock, PLL and sensors. The power model is a plausible one for a small NPU in
 * a 12 nm process; tests rely on its direction, never on its figures.
 */

#include "device.h"

#define VOLTAGE_RESET 800000u
#define TEMPERATURE_LIMIT_RESET 95000
/* Millidegrees per 20 microwatts: 50 K at one watt. */
#define MICROWATTS_PER_MILLIDEGREE 20
/* The die follows its power within some milliseconds. */
#define THERMAL_MILLISECONDS 16u

/* Picojoules. */
#define ENERGY_CYCLE 40u
#define ENERGY_ACTIVE_CYCLE 100u
#define ENERGY_BYTE 8u
#define ENERGY_MAC_DIVISOR 2u

void power_reset(struct kestrel_emulator *emulator)
{
	struct device_power *power = &emulator->power;

	power->clock_request = emulator->configuration.clock_khz;
	power->clock_khz = emulator->configuration.clock_khz;
	power->rejected = false;
	power->lock_cycles = 0;
	power->voltage = VOLTAGE_RESET;
	power->temperature = (int32_t)emulator->configuration.ambient;
	power->temperature_limit = TEMPERATURE_LIMIT_RESET;
	power->power_microwatts = 0;
	power->sample_energy = 0;
	power->sample_cycle = emulator->now;
	power->energy_high = 0;
}

void power_clock_request(struct kestrel_emulator *emulator, uint32_t khz)
{
	struct device_power *power = &emulator->power;
	uint32_t maximum = emulator->configuration.clock_khz;

	if (khz < maximum / 5 || khz > maximum || !engine_stopped(emulator->engine) ||
	    power->lock_cycles) {
		power->rejected = true;
		return;
	}
	power_sample(emulator);
	power->rejected = false;
	power->clock_request = khz;
	power->lock_cycles = (uint64_t)POWER_PLL_LOCK_MICROSECONDS * khz / 1000;
}

uint64_t power_lock(struct kestrel_emulator *emulator, uint64_t cycles)
{
	struct device_power *power = &emulator->power;

	if (!power->lock_cycles)
		return 0;
	if (cycles < power->lock_cycles) {
		power->lock_cycles -= cycles;
		return cycles;
	}
	cycles = power->lock_cycles;
	power->lock_cycles = 0;
	power->clock_khz = power->clock_request;
	device_interrupt_raise(emulator, KESTREL_INTERRUPT_PLL_LOCKED);
	return cycles;
}

static uint64_t power_picojoules(const struct kestrel_emulator *emulator)
{
	uint64_t counter[KESTREL_COUNTER_COUNT];

	device_counters(emulator, counter);
	return counter[KESTREL_COUNTER_CYCLES] * ENERGY_CYCLE +
	       counter[KESTREL_COUNTER_ACTIVE] * ENERGY_ACTIVE_CYCLE +
	       counter[KESTREL_COUNTER_MACS] / ENERGY_MAC_DIVISOR +
	       (counter[KESTREL_COUNTER_PORT0_READ_BYTES] +
		counter[KESTREL_COUNTER_PORT0_WRITE_BYTES] +
		counter[KESTREL_COUNTER_PORT1_READ_BYTES] +
		counter[KESTREL_COUNTER_PORT1_WRITE_BYTES]) * ENERGY_BYTE;
}

uint64_t power_energy(const struct kestrel_emulator *emulator)
{
	return power_picojoules(emulator) / 1000000;
}

void power_sample(struct kestrel_emulator *emulator)
{
	struct device_power *power = &emulator->power;
	uint64_t cycles = emulator->now - power->sample_cycle;
	uint64_t milliseconds = cycles / power->clock_khz;
	int32_t target, before;
	uint64_t energy;

	if (!milliseconds)
		return;
	energy = power_picojoules(emulator);
	/* Picojoules per millisecond are nanowatts. */
	power->power_microwatts =
		(uint32_t)((energy - power->sample_energy) / 1000 * power->clock_khz / cycles);
	power->sample_energy = energy;
	power->sample_cycle = emulator->now;

	if (milliseconds > THERMAL_MILLISECONDS)
		milliseconds = THERMAL_MILLISECONDS;
	before = power->temperature;
	target = (int32_t)emulator->configuration.ambient +
		 (int32_t)(power->power_microwatts / MICROWATTS_PER_MILLIDEGREE);
	power->temperature += (target - before) * (int32_t)milliseconds /
			      (int32_t)THERMAL_MILLISECONDS;
	if (before < power->temperature_limit && power->temperature >= power->temperature_limit)
		device_interrupt_raise(emulator, KESTREL_INTERRUPT_THERMAL);
}
