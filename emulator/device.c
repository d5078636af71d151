// SPDX-License-Identifier: MIT
/* The device as a whole: creation, reset, the passing of time, interrupts. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

/*
 * Cycles that MCU and engine work apart when both are awake. The MCU sees the
 * end of an operation at most this much late.
 */
#define DEVICE_QUANTUM 32
/*
 * Cycles that pass while the engine is busy with a command for some milliseconds
 * of host time. Without them a command of minutes would keep the core from its
 * timer and its doorbells, and an invalidation from its end.
 */
#define DEVICE_LAG_QUANTUM 4096

static void device_translation_reset(void *opaque)
{
	struct kestrel_emulator *emulator = opaque;

	mmu_tlb_reset(&emulator->mmu);
}

static uint64_t device_translation_cost(void *opaque, const struct engine_access *access,
					uint64_t *previous_page)
{
	struct kestrel_emulator *emulator = opaque;

	return mmu_cost(&emulator->mmu, access, previous_page);
}

static void device_fault_notice(struct kestrel_emulator *emulator, uint32_t cause)
{
	if (cause)
		device_interrupt_raise(emulator, KESTREL_INTERRUPT_MMU_FAULT);
}

static uint32_t device_access(void *opaque, const struct engine_access *access, void *data,
			      uint64_t *fault_address)
{
	struct kestrel_emulator *emulator = opaque;
	uint32_t cause = mmu_access(&emulator->mmu, access, data, fault_address);

	device_fault_notice(emulator, cause);
	return cause;
}

static uint32_t device_probe(void *opaque, const struct engine_access *access,
			     uint64_t *fault_address)
{
	return device_access(opaque, access, NULL, fault_address);
}

static uint32_t device_walk_latency(const struct kestrel_configuration *configuration)
{
	return configuration->port[configuration->port_count - 1].read_latency;
}

/* Ends the injected faults that a reset ends: of the core, and above, of all. */
static void device_faults_heal(struct kestrel_emulator *emulator, bool whole_device)
{
	uint32_t *fault = emulator->fault;

	if (fault[KESTREL_EMULATOR_FAULT_HUNG_ENGINE] == 2)
		kestrel_emulator_inject(emulator, KESTREL_EMULATOR_FAULT_HUNG_ENGINE, 0);
	if (fault[KESTREL_EMULATOR_FAULT_DEAD_MCU] == 2 ||
	    (fault[KESTREL_EMULATOR_FAULT_DEAD_MCU] == 3 && whole_device))
		kestrel_emulator_inject(emulator, KESTREL_EMULATOR_FAULT_DEAD_MCU, 0);
	if (fault[KESTREL_EMULATOR_FAULT_HUNG_INVALIDATION] == 2 && whole_device)
		fault[KESTREL_EMULATOR_FAULT_HUNG_INVALIDATION] = 0;
	if (fault[KESTREL_EMULATOR_FAULT_LYING_FIRMWARE] == UINT32_MAX)
		fault[KESTREL_EMULATOR_FAULT_LYING_FIRMWARE] = 0;
}

static void device_power_on(struct kestrel_emulator *emulator)
{
	uint64_t job[KESTREL_COUNTER_COUNT];
	uint64_t misses = emulator->mmu.misses;
	uint64_t walk_cycles = emulator->mmu.walk_cycles;

	mmu_init(&emulator->mmu, &emulator->host, device_walk_latency(&emulator->configuration));
	emulator->mmu.misses = misses;
	emulator->mmu.walk_cycles = walk_cycles;
	engine_reset(emulator->engine, emulator->now);
	emulator->engine_now = emulator->now;
	mcu_reset(&emulator->mcu);
	peripherals_reset(&emulator->peripherals);
	engine_counters(emulator->engine, job, emulator->counter_base);
	emulator->counter_base[KESTREL_COUNTER_TLB_MISSES] = misses;
	emulator->power_on = emulator->now;
	power_reset(emulator);

	emulator->scratch = 0;
	emulator->interrupt_raw = 0;
	emulator->interrupt_enable = 0;
	emulator->image_address = 0;
	emulator->image_size = 0;
	memset(emulator->boot_argument, 0, sizeof(emulator->boot_argument));
	emulator->mcu_status = KESTREL_MCU_STATUS_OFF;
	emulator->boot_code = KESTREL_BOOT_OK;
	emulator->halt_code = 0;
	emulator->invalidate_asid = 0;
	emulator->invalidate_address = 0;
	emulator->invalidate_length = 0;
	memset(emulator->asid_low, 0, sizeof(emulator->asid_low));
	memset(emulator->counter, 0, sizeof(emulator->counter));
	emulator->boot_due = DEVICE_NEVER;
	emulator->invalidate_due = DEVICE_NEVER;
	emulator->invalidate_hung = false;
	emulator->reset_hung = false;
	device_faults_heal(emulator, true);
}

struct kestrel_emulator *
kestrel_emulator_create(const struct kestrel_configuration *configuration,
			const struct kestrel_emulator_host *host)
{
	struct kestrel_emulator *emulator;
	struct engine_host engine_host;
	struct mcu_bus bus = mcu_bus;
	int error;

	if (kestrel_configuration_check(configuration, NULL, 0)) {
		errno = EINVAL;
		return NULL;
	}
	emulator = calloc(1, sizeof(*emulator));
	if (!emulator)
		return NULL;
	emulator->configuration = *configuration;
	emulator->host = *host;
	kestrel_emulator_set_fuses(emulator, configuration->secure,
				   configuration->security_version, configuration->public_key);

	engine_host.opaque = emulator;
	engine_host.translation_reset = device_translation_reset;
	engine_host.translation_cost = device_translation_cost;
	engine_host.access = device_access;
	engine_host.probe = device_probe;
	engine_host.trace = host->trace;
	engine_host.trace_opaque = host->opaque;
	emulator->engine = engine_create(configuration, &engine_host);
	if (!emulator->engine) {
		error = errno;
		free(emulator);
		errno = error;
		return NULL;
	}
	bus.opaque = emulator;
	if (mcu_init(&emulator->mcu, KESTREL_MCU_TCM_BYTES, &bus) < 0) {
		engine_destroy(emulator->engine);
		free(emulator);
		errno = ENOMEM;
		return NULL;
	}
	device_power_on(emulator);
	return emulator;
}

void kestrel_emulator_destroy(struct kestrel_emulator *emulator)
{
	if (!emulator)
		return;
	mcu_free(&emulator->mcu);
	engine_destroy(emulator->engine);
	free(emulator);
}

void kestrel_emulator_reset(struct kestrel_emulator *emulator)
{
	device_power_on(emulator);
	device_interrupt_update(emulator);
}

uint64_t device_time(const struct kestrel_emulator *emulator, uint64_t cycle)
{
	return cycle - emulator->power_on;
}

void device_interrupt_update(struct kestrel_emulator *emulator)
{
	bool level = emulator->interrupt_raw & emulator->interrupt_enable;

	if (!level) {
		emulator->line_lost = false;
	} else if (!emulator->line && !emulator->line_lost &&
		   emulator->fault[KESTREL_EMULATOR_FAULT_LOST_INTERRUPT]) {
		emulator->fault[KESTREL_EMULATOR_FAULT_LOST_INTERRUPT]--;
		emulator->line_lost = true;
	}
	level = level && !emulator->line_lost;
	if (emulator->fault[KESTREL_EMULATOR_FAULT_ALL_ONES] == 2)
		level = true;
	if (level == emulator->line)
		return;
	emulator->line = level;
	emulator->host.interrupt(emulator->host.opaque, level);
}

void device_interrupt_raise(struct kestrel_emulator *emulator, uint32_t causes)
{
	emulator->interrupt_raw |= causes;
	device_interrupt_update(emulator);
}

void device_mcu_halted(struct kestrel_emulator *emulator, uint32_t code)
{
	emulator->mcu.halted = true;
	emulator->mcu_status = KESTREL_MCU_STATUS_HALTED;
	emulator->halt_code = code;
	device_interrupt_raise(emulator, KESTREL_INTERRUPT_MCU_HALT);
}

void device_mcu_reset(struct kestrel_emulator *emulator)
{
	engine_reset(emulator->engine, emulator->now);
	emulator->engine_now = emulator->now;
	mcu_reset(&emulator->mcu);
	peripherals_reset(&emulator->peripherals);
	emulator->mcu_status = KESTREL_MCU_STATUS_OFF;
	emulator->boot_code = KESTREL_BOOT_OK;
	emulator->halt_code = 0;
	emulator->boot_due = DEVICE_NEVER;
	emulator->interrupt_raw &= ~(KESTREL_INTERRUPT_MCU_EVENT | KESTREL_INTERRUPT_MCU_HALT);
	device_interrupt_update(emulator);
	device_faults_heal(emulator, false);
}

void device_reset(struct kestrel_emulator *emulator)
{
	uint32_t *endless = &emulator->fault[KESTREL_EMULATOR_FAULT_ENDLESS_RESET];

	if (*endless == 1) {
		emulator->reset_hung = true;
		return;
	}
	if (*endless)
		--*endless;
	kestrel_emulator_reset(emulator);
}

void device_engine_reset(struct kestrel_emulator *emulator)
{
	struct engine_status status;

	if (emulator->fault[KESTREL_EMULATOR_FAULT_HUNG_ENGINE] == 2)
		kestrel_emulator_inject(emulator, KESTREL_EMULATOR_FAULT_HUNG_ENGINE, 0);

	engine_status(emulator->engine, &status);
	engine_reset(emulator->engine, emulator->now);
	emulator->engine_now = emulator->now;
	if (status.state != KESTREL_ENGINE_STATUS_RUNNING &&
	    status.state != KESTREL_ENGINE_STATUS_HELD &&
	    status.state != KESTREL_ENGINE_STATUS_TRANSFERRING &&
	    status.state != KESTREL_ENGINE_STATUS_SCRUBBING)
		return;
	emulator->peripherals.engine_was_reset = true;
	emulator->peripherals.latched |= KESTREL_MCU_INTERRUPT_ENGINE;
	mcu_bus_update(emulator, emulator->now);
}

void device_counters(const struct kestrel_emulator *emulator,
		     uint64_t counter[KESTREL_COUNTER_COUNT])
{
	uint64_t job[KESTREL_COUNTER_COUNT];
	unsigned int i;

	engine_counters(emulator->engine, job, counter);
	counter[KESTREL_COUNTER_TLB_MISSES] = emulator->mmu.misses;
	for (i = 0; i < KESTREL_COUNTER_COUNT; i++)
		counter[i] -= emulator->counter_base[i];
	counter[KESTREL_COUNTER_CYCLES] = device_time(emulator, emulator->now);
}

void device_engine_catch_up(struct kestrel_emulator *emulator, uint64_t cycle)
{
	while (emulator->engine_now < cycle && !emulator->pause) {
		bool ended = false;

		emulator->engine_now = engine_step(emulator->engine, cycle, &ended);
		if (ended) {
			mcu_engine_ended(emulator);
		} else if (emulator->engine_now < cycle) {
			/* A large command: it lags behind until it has been worked off. */
			emulator->pause = true;
		}
	}
}

static bool device_mcu_awake(const struct kestrel_emulator *emulator)
{
	return emulator->mcu_status == KESTREL_MCU_STATUS_RUNNING && !emulator->mcu.halted &&
	       !emulator->mcu.sleeping && !emulator->fault[KESTREL_EMULATOR_FAULT_DEAD_MCU];
}

/* The cycle to come at which the timer interrupt becomes pending, if that matters. */
static uint64_t device_timer_cycle(const struct kestrel_emulator *emulator)
{
	uint64_t compare = emulator->peripherals.time_compare;

	if (emulator->mcu_status != KESTREL_MCU_STATUS_RUNNING || emulator->mcu.halted ||
	    emulator->fault[KESTREL_EMULATOR_FAULT_DEAD_MCU] ||
	    !(emulator->peripherals.enable & KESTREL_MCU_INTERRUPT_TIMER) ||
	    compare > DEVICE_NEVER - emulator->power_on ||
	    compare + emulator->power_on <= emulator->now)
		return DEVICE_NEVER;
	return compare + emulator->power_on;
}

static void device_boot_finish(struct kestrel_emulator *emulator)
{
	uint32_t entry = 0;

	emulator->boot_due = DEVICE_NEVER;
	emulator->boot_code = boot_image(emulator, &entry);
	if (emulator->boot_code != KESTREL_BOOT_OK) {
		emulator->mcu_status = KESTREL_MCU_STATUS_REFUSED;
		device_interrupt_raise(emulator, KESTREL_INTERRUPT_MCU_HALT);
		return;
	}
	emulator->mcu_status = KESTREL_MCU_STATUS_RUNNING;
	mcu_start(&emulator->mcu, entry, emulator->now);
	mcu_bus_update(emulator, emulator->now);
}

/* What falls due at the present cycle. */
static void device_events(struct kestrel_emulator *emulator)
{
	if (emulator->invalidate_due <= emulator->now) {
		emulator->invalidate_due = DEVICE_NEVER;
		device_interrupt_raise(emulator, KESTREL_INTERRUPT_INVALIDATE_DONE);
	}
	if (emulator->boot_due <= emulator->now)
		device_boot_finish(emulator);
	if (emulator->mcu.halted && emulator->mcu_status == KESTREL_MCU_STATUS_RUNNING)
		device_mcu_halted(emulator, KESTREL_HALT_DOUBLE_TRAP);
	mcu_bus_update(emulator, emulator->now);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The engine works towards `limit` while the MCU sleeps or is dead. */
static void device_engine_alone(struct kestrel_emulator *emulator, uint64_t limit)
{
	bool ended = false;

	if (emulator->engine_now < limit)
		emulator->engine_now = engine_step(emulator->engine, limit, &ended);
	if (!ended && emulator->engine_now < limit) {
		emulator->pause = true;
		limit = smaller(limit, emulator->now + DEVICE_LAG_QUANTUM);
	} else if (ended) {
		limit = smaller(limit, emulator->engine_now);
	}
	if (emulator->now < limit)
		emulator->now = limit;
	if (ended)
		mcu_engine_ended(emulator);
}

/* Works from now to some cycle that is not beyond `until`, which is later than now. */
static void device_slice(struct kestrel_emulator *emulator, uint64_t until)
{
	uint64_t timer = device_timer_cycle(emulator);
	uint64_t limit = until;

	limit = smaller(limit, emulator->boot_due);
	limit = smaller(limit, emulator->invalidate_due);
	limit = smaller(limit, timer);

	if (engine_busy(emulator->engine) && emulator->engine_now < emulator->now)
		limit = smaller(limit, emulator->now + DEVICE_LAG_QUANTUM);
	else if (engine_busy(emulator->engine) && device_mcu_awake(emulator))
		limit = smaller(limit, emulator->now + DEVICE_QUANTUM);

	if (device_mcu_awake(emulator)) {
		mcu_run(&emulator->mcu, limit);
		/* It fell asleep or yielded early: the rest of the slice is another one. */
		if (emulator->mcu.now < limit)
			limit = emulator->mcu.now;
		device_engine_catch_up(emulator, limit);
		emulator->now = limit;
	} else if (engine_busy(emulator->engine)) {
		device_engine_alone(emulator, limit);
	} else {
		emulator->now = limit;
		if (emulator->engine_now < limit)
			emulator->engine_now = limit;
	}
	device_events(emulator);
}

enum kestrel_emulator_activity
kestrel_emulator_activity(const struct kestrel_emulator *emulator)
{
	if (emulator->power.lock_cycles || emulator->invalidate_due != DEVICE_NEVER ||
	    emulator->boot_due != DEVICE_NEVER || engine_busy(emulator->engine) ||
	    device_mcu_awake(emulator))
		return KESTREL_EMULATOR_BUSY;
	return device_timer_cycle(emulator) != DEVICE_NEVER ? KESTREL_EMULATOR_WAITING :
							      KESTREL_EMULATOR_IDLE;
}

enum kestrel_emulator_activity kestrel_emulator_advance(struct kestrel_emulator *emulator,
							uint64_t cycles)
{
	uint64_t until;

	cycles -= power_lock(emulator, cycles);
	until = emulator->now + cycles;
	emulator->pause = false;
	while (emulator->now < until && !emulator->pause)
		device_slice(emulator, until);
	power_sample(emulator);
	return kestrel_emulator_activity(emulator);
}

enum kestrel_emulator_activity kestrel_emulator_run(struct kestrel_emulator *emulator,
						    uint64_t cycles)
{
	uint64_t until;

	cycles -= power_lock(emulator, cycles);
	until = emulator->now + cycles;
	emulator->pause = false;
	while (emulator->now < until && !emulator->pause &&
	       kestrel_emulator_activity(emulator) == KESTREL_EMULATOR_BUSY)
		device_slice(emulator, until);
	power_sample(emulator);
	return kestrel_emulator_activity(emulator);
}

uint64_t kestrel_emulator_now(const struct kestrel_emulator *emulator)
{
	return emulator->now;
}

uint64_t kestrel_emulator_next_event(const struct kestrel_emulator *emulator)
{
	return device_timer_cycle(emulator);
}

uint32_t kestrel_emulator_clock_khz(const struct kestrel_emulator *emulator)
{
	return emulator->power.clock_khz;
}

void kestrel_emulator_statistics(const struct kestrel_emulator *emulator,
				 struct kestrel_simulator_statistics *statistics)
{
	memset(statistics, 0, sizeof(*statistics));
	engine_statistics(emulator->engine, statistics);
	statistics->tlb_misses = emulator->mmu.misses - emulator->statistics_misses;
	statistics->walk_cycles = emulator->mmu.walk_cycles - emulator->statistics_walk_cycles;
	statistics->mcu_instructions =
		emulator->mcu.instructions - emulator->statistics_instructions;
}

void kestrel_emulator_statistics_reset(struct kestrel_emulator *emulator)
{
	engine_statistics_reset(emulator->engine);
	emulator->statistics_misses = emulator->mmu.misses;
	emulator->statistics_walk_cycles = emulator->mmu.walk_cycles;
	emulator->statistics_instructions = emulator->mcu.instructions;
}

const char *kestrel_emulator_fault_name(unsigned int fault)
{
	static const char *const name[KESTREL_EMULATOR_FAULTS] = {
		[KESTREL_EMULATOR_FAULT_HUNG_ENGINE] = "hung-engine",
		[KESTREL_EMULATOR_FAULT_DEAD_MCU] = "dead-mcu",
		[KESTREL_EMULATOR_FAULT_LOST_INTERRUPT] = "lost-interrupt",
		[KESTREL_EMULATOR_FAULT_ECC] = "ecc",
		[KESTREL_EMULATOR_FAULT_ALL_ONES] = "all-ones",
		[KESTREL_EMULATOR_FAULT_LYING_FIRMWARE] = "lying-firmware",
		[KESTREL_EMULATOR_FAULT_MUTATING_FIRMWARE] = "mutating-firmware",
		[KESTREL_EMULATOR_FAULT_ENDLESS_RESET] = "endless-reset",
		[KESTREL_EMULATOR_FAULT_HUNG_INVALIDATION] = "hung-invalidation",
	};

	return fault < KESTREL_EMULATOR_FAULTS ? name[fault] : NULL;
}

int kestrel_emulator_inject(struct kestrel_emulator *emulator, unsigned int fault,
			    uint32_t value)
{
	if (fault >= KESTREL_EMULATOR_FAULTS)
		return -EINVAL;
	emulator->fault[fault] = value;
	if (fault == KESTREL_EMULATOR_FAULT_MUTATING_FIRMWARE)
		emulator->mutation = value * UINT64_C(0x9e3779b97f4a7c15);
	if (fault == KESTREL_EMULATOR_FAULT_HUNG_ENGINE)
		engine_set_hung(emulator->engine, value);
	if (fault == KESTREL_EMULATOR_FAULT_ECC && value) {
		emulator->fault[fault] = 0;
		engine_inject_ecc(emulator->engine);
	}
	if (fault == KESTREL_EMULATOR_FAULT_ALL_ONES)
		device_interrupt_update(emulator);
	if (fault == KESTREL_EMULATOR_FAULT_ENDLESS_RESET && !value)
		emulator->reset_hung = false;
	if (fault == KESTREL_EMULATOR_FAULT_HUNG_INVALIDATION && !value)
		emulator->invalidate_hung = false;
	/* A core that was dead goes on where it stood, at the present cycle. */
	if (fault == KESTREL_EMULATOR_FAULT_DEAD_MCU && emulator->mcu.now < emulator->now)
		emulator->mcu.now = emulator->now;
	return 0;
}

void kestrel_emulator_set_fuses(struct kestrel_emulator *emulator, bool secure,
				uint32_t security_version, const uint8_t *public_key)
{
	emulator->fused_secure = secure;
	emulator->fused_security_version = security_version;
	memcpy(emulator->fused_public_key, public_key, sizeof(emulator->fused_public_key));
}
