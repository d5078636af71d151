// SPDX-License-Identifier: MIT
/* The engine as a whole: its operations, their ends, its counters. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"

/* Elementary operations (about a MAC each) of one call of engine_step(). */
#define STEP_BUDGET (INT64_C(1) << 25)
/* Cycles that KILL and SCRUB take besides accesses and lines. */
#define KILL_CYCLES 64
#define SCRUB_CYCLES 64
#define SAVE_CHUNK 4096u

struct engine *engine_create(const struct kestrel_configuration *configuration,
			     const struct engine_host *host)
{
	struct engine *engine;

	if (kestrel_configuration_check(configuration, NULL, 0)) {
		errno = EINVAL;
		return NULL;
	}
	engine = calloc(1, sizeof(*engine));
	if (!engine)
		return NULL;
	engine->configuration = *configuration;
	engine->host = *host;
	engine_kernels_get(0, &engine->kernels);
	engine->state = KESTREL_ENGINE_STATUS_IDLE;
	engine->random = configuration->schedule_seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	engine->sram = calloc(1, configuration->sram_bytes);
	engine->accumulator = calloc(configuration_accumulator_pixels(configuration),
				     sizeof(*engine->accumulator));
	if (!engine->sram || !engine->accumulator ||
	    (configuration->checked && engine_check_create(engine))) {
		engine_destroy(engine);
		errno = ENOMEM;
		return NULL;
	}
	engine_front_end_reset(engine, 0);
	return engine;
}

void engine_destroy(struct engine *engine)
{
	if (!engine)
		return;
	engine_check_destroy(engine);
	for (uint32_t u = 0; u < KESTREL_UNIT_COUNT; u++) {
		free(engine->work[u].ifm.data);
		free(engine->work[u].weights.data);
		free(engine->work[u].segments.data);
	}
	free(engine->accumulator);
	free(engine->sram);
	free(engine);
}

/* What a preemption point and START leave of the machine besides SRAM: nothing. */
void engine_state_clear(struct engine *engine)
{
	for (uint32_t s = 0; s < KESTREL_ISA_SEMAPHORES; s++)
		engine->semaphore[s].count = 0;
	for (uint32_t t = 0; t < KESTREL_CODEC_TABLES; t++) {
		engine->table[t].valid = false;
		engine->table_ready[t] = 0;
	}
	engine->accumulators = (struct engine_accumulators){ 0 };
}

static void queues_clear(struct engine *engine)
{
	for (uint32_t u = 0; u < KESTREL_UNIT_COUNT; u++) {
		struct engine_unit *unit = &engine->unit[u];

		unit->count = 0;
		unit->issued = 0;
		unit->issue_time = 0;
		unit->last_retire = 0;
		unit->executing = false;
		engine->work[u].begun = false;
	}
	engine->port[0].free_time = 0;
	engine->port[1].free_time = 0;
}

static void memory_scrub(struct engine *engine)
{
	memset(engine->sram, 0, engine->configuration.sram_bytes);
	memset(engine->accumulator, 0,
	       configuration_accumulator_pixels(&engine->configuration) *
		       sizeof(*engine->accumulator));
	memset(engine->table, 0, sizeof(engine->table));
	engine_state_clear(engine);
	engine_front_end_reset(engine, 0);
	if (engine->configuration.checked)
		engine_check_forget(engine);
}

void engine_counter_add(struct engine *engine, uint32_t counter, uint64_t value)
{
	engine->job.counter[counter] += value;
	engine->total.counter[counter] += value;
	engine->since_reset.counter[counter] += value;
}

void engine_peak_raise(struct engine *engine, uint64_t end)
{
	if (end > engine->since_reset.sram_peak)
		engine->since_reset.sram_peak = end;
}

static bool is_busy(uint32_t state)
{
	return state == KESTREL_ENGINE_STATUS_RUNNING || state == KESTREL_ENGINE_STATUS_HELD ||
	       state == KESTREL_ENGINE_STATUS_TRANSFERRING ||
	       state == KESTREL_ENGINE_STATUS_SCRUBBING;
}

/* Active cycles up to now go to the counters. */
static void active_stop(struct engine *engine)
{
	uint64_t cycles = engine->now - engine->active_since;

	engine->active_cycles += cycles;
	engine_counter_add(engine, KESTREL_COUNTER_ACTIVE, cycles);
}

/* The present operation ends at this cycle in `state`. */
void engine_operation_end(struct engine *engine, uint32_t state)
{
	bool job = engine->operation == KESTREL_ENGINE_START;

	if (job && engine->state == KESTREL_ENGINE_STATUS_RUNNING)
		active_stop(engine);
	if (job && state == KESTREL_ENGINE_STATUS_DONE)
		engine_counter_add(engine, KESTREL_COUNTER_JOBS, 1);
	if (job && state != KESTREL_ENGINE_STATUS_PREEMPTED)
		engine->since_reset.jobs_ended++;
	engine->state = state;
	engine->killing = false;
	engine->hold = false;
	engine->preempt = false;
	engine->ecc = false;
	queues_clear(engine);
}

/* The first fault ends the job; nothing more has an effect. */
void engine_fault_raise(struct engine *engine, const struct engine_fault *fault)
{
	if (engine->fault.code)
		return;
	engine->fault = *fault;
	engine_operation_end(engine, KESTREL_ENGINE_STATUS_FAULTED);
}

void engine_reset(struct engine *engine, uint64_t now)
{
	engine->now = now;
	if (engine->state == KESTREL_ENGINE_STATUS_RUNNING &&
	    engine->operation == KESTREL_ENGINE_START)
		active_stop(engine);
	engine->state = KESTREL_ENGINE_STATUS_IDLE;
	engine->killing = false;
	engine->hold = false;
	engine->preempt = false;
	engine->ecc = false;
	engine->fault = (struct engine_fault){ 0 };
	engine->active_cycles = 0;
	engine->range_count = 0;
	engine->resume_offset = 0;
	memset(&engine->job, 0, sizeof(engine->job));
	queues_clear(engine);
	memory_scrub(engine);
}

static void job_start(struct engine *engine)
{
	engine->active_cycles = 0;
	engine->active_since = engine->now;
	memset(&engine->job, 0, sizeof(engine->job));
	queues_clear(engine);
	engine_state_clear(engine);
	engine_front_end_reset(engine, engine->operands.resume_offset);
	engine->host.translation_reset(engine->host.opaque);
	if (engine->configuration.checked) {
		engine_check_barrier(engine);
		if (!engine->operands.resume_offset)
			engine_check_poison(engine, NULL, 0);
	}
	engine->state = KESTREL_ENGINE_STATUS_RUNNING;
	if (engine->operands.command_size > KESTREL_ISA_STREAM_BYTES_MAX ||
	    engine->operands.resume_offset >= engine->operands.command_size) {
		/* Too long, or nothing there: no byte of it is fetched. */
		engine->operands.command_size = engine->operands.resume_offset;
		engine->front_end.arrived = engine->front_end.offset;
	}
}

/* SAVE and RESTORE: checked at once, moved at the end. */
static void transfer_start(struct engine *engine)
{
	const struct engine_operands *operands = &engine->operands;
	bool write = engine->operation == KESTREL_ENGINE_SAVE;
	uint32_t port = engine_port_select(engine, 1);
	const struct configuration_port *rates = &engine->configuration.port[port];
	struct engine_access access = {
		.tag = operands->tag,
		.unit = write ? KESTREL_UNIT_DMA_OUT : KESTREL_UNIT_DMA_IN,
		.type = write ? KESTREL_ACCESS_WRITE : KESTREL_ACCESS_READ,
		.address = operands->context_address,
	};
	uint64_t previous = UINT64_MAX, walk_cycles = 0;

	engine->state = KESTREL_ENGINE_STATUS_TRANSFERRING;
	engine->fault.unit = access.unit;
	engine->operation_end = engine->now;
	if (operands->range_count > KESTREL_ENGINE_RANGE_MAX || operands->context_address % 64) {
		engine->fault.code = KESTREL_FAULT_ILLEGAL_VALUE;
		return;
	}
	for (uint32_t i = 0; i < operands->range_count; i++) {
		uint64_t end = (uint64_t)operands->range[i].offset + operands->range[i].size;

		if (operands->range[i].offset % 16 || operands->range[i].size % 16 ||
		    end > engine->configuration.sram_bytes) {
			engine->fault.code = KESTREL_FAULT_ILLEGAL_VALUE;
			return;
		}
		access.length += operands->range[i].size;
	}
	if (access.length)
		walk_cycles = engine->host.translation_cost(engine->host.opaque, &access,
							    &previous);
	engine->operation_end += walk_cycles +
				 (write ? rates->write_latency : rates->read_latency) +
				 engine_port_cycles(engine, port, write, access.length);
}

static void transfer_finish(struct engine *engine)
{
	const struct engine_operands *operands = &engine->operands;
	bool write = engine->operation == KESTREL_ENGINE_SAVE;
	struct engine_access access = {
		.tag = operands->tag,
		.unit = write ? KESTREL_UNIT_DMA_OUT : KESTREL_UNIT_DMA_IN,
		.type = write ? KESTREL_ACCESS_WRITE : KESTREL_ACCESS_READ,
		.address = operands->context_address,
	};

	for (uint32_t i = 0; i < operands->range_count && !engine->fault.code; i++) {
		uint32_t offset = operands->range[i].offset, left = operands->range[i].size;

		if (!write && engine->configuration.checked)
			engine_check_define(engine, offset, left);
		while (left && !engine->fault.code) {
			uint64_t failed = 0;
			uint32_t cause;

			access.length = left < SAVE_CHUNK ? left : SAVE_CHUNK;
			cause = engine->host.access(engine->host.opaque, &access,
						    engine->sram + offset, &failed);
			if (cause) {
				engine->fault.code = KESTREL_FAULT_MMU;
				engine->fault.detail = cause;
				engine->fault.address = failed;
			}
			access.address += access.length;
			offset += (uint32_t)access.length;
			left -= (uint32_t)access.length;
		}
	}
}

static void kill_start(struct engine *engine)
{
	uint32_t latency = 0;

	for (uint32_t port = 0; port < 2; port++) {
		const struct configuration_port *rates = &engine->configuration.port[port];

		latency = rates->read_latency > latency ? rates->read_latency : latency;
		latency = rates->write_latency > latency ? rates->write_latency : latency;
	}
	if (engine->state == KESTREL_ENGINE_STATUS_HELD) {
		engine->state = KESTREL_ENGINE_STATUS_RUNNING;
		engine->active_since = engine->now;
	}
	if (engine->killing)
		return;
	engine->killing = true;
	queues_clear(engine);
	if (latency > 9000)
		latency = 9000;
	engine->operation_end = engine->now + latency + KILL_CYCLES;
}

static void begin(struct engine *engine, uint32_t operation, const struct engine_operands *operands)
{
	engine->operation = operation;
	engine->operands = *operands;
	engine->fault = (struct engine_fault){ 0 };
	if (operation == KESTREL_ENGINE_START) {
		job_start(engine);
	} else if (operation == KESTREL_ENGINE_SCRUB) {
		engine->state = KESTREL_ENGINE_STATUS_SCRUBBING;
		engine->operation_end = engine->now + SCRUB_CYCLES +
					engine->configuration.sram_bytes / ENGINE_LINE_BYTES /
						engine->configuration.sram_banks;
	} else {
		transfer_start(engine);
	}
}

void engine_operate(struct engine *engine, uint32_t operation,
		    const struct engine_operands *operands, uint64_t now)
{
	bool runs = engine->operation == KESTREL_ENGINE_START && !engine->killing &&
		    (engine->state == KESTREL_ENGINE_STATUS_RUNNING ||
		     engine->state == KESTREL_ENGINE_STATUS_HELD);

	engine->now = now > engine->now ? now : engine->now;
	switch (operation) {
	case KESTREL_ENGINE_START:
	case KESTREL_ENGINE_SAVE:
	case KESTREL_ENGINE_RESTORE:
	case KESTREL_ENGINE_SCRUB:
		if (!is_busy(engine->state))
			begin(engine, operation, operands);
		break;
	case KESTREL_ENGINE_PREEMPT:
		if (runs)
			engine->preempt = true;
		break;
	case KESTREL_ENGINE_KILL:
		if (is_busy(engine->state) && engine->state != KESTREL_ENGINE_STATUS_SCRUBBING)
			kill_start(engine);
		break;
	case KESTREL_ENGINE_HOLD:
		if (runs)
			engine->hold = true;
		break;
	case KESTREL_ENGINE_CONTINUE:
		if (!runs)
			break;
		engine->hold = false;
		if (engine->state == KESTREL_ENGINE_STATUS_HELD) {
			engine->state = KESTREL_ENGINE_STATUS_RUNNING;
			engine->active_since = engine->now;
		}
		break;
	}
}

/* SAVE, RESTORE, SCRUB or KILL has come to its end. */
static void timed_operation_end(struct engine *engine)
{
	if (engine->killing) {
		engine_operation_end(engine, KESTREL_ENGINE_STATUS_KILLED);
		return;
	}
	if (engine->operation == KESTREL_ENGINE_SCRUB)
		memory_scrub(engine);
	else if (!engine->fault.code)
		transfer_finish(engine);
	engine_operation_end(engine, engine->fault.code ? KESTREL_ENGINE_STATUS_FAULTED
							: KESTREL_ENGINE_STATUS_IDLE);
}

static bool timed(const struct engine *engine)
{
	return engine->killing || engine->state == KESTREL_ENGINE_STATUS_TRANSFERRING ||
	       engine->state == KESTREL_ENGINE_STATUS_SCRUBBING;
}

static bool units_at_boundary(const struct engine *engine)
{
	for (uint32_t u = 0; u < KESTREL_UNIT_COUNT; u++) {
		if (engine->unit[u].issued)
			return false;
	}
	return true;
}

/*
 * One call retires commands of at most STEP_BUDGET operations and a little more;
 * it then returns early, at a cycle before `until`, and wants to be called again.
 */
uint64_t engine_step(struct engine *engine, uint64_t until, bool *ended)
{
	*ended = false;
	engine->budget = STEP_BUDGET;
	while (engine_busy(engine)) {
		uint64_t next = engine->operation_end;

		if (!timed(engine)) {
			uint64_t front;

			if (engine->hung)
				break;
			if (engine->ecc) {
				struct engine_fault fault = {
					.code = KESTREL_FAULT_ECC,
					.unit = KESTREL_UNIT_MAC,
					.offset = engine->front_end.offset,
				};

				engine_fault_raise(engine, &fault);
			} else if (!engine_units_run(engine)) {
				return engine->now;
			} else if (engine->state == KESTREL_ENGINE_STATUS_RUNNING &&
				   engine->hold && units_at_boundary(engine)) {
				active_stop(engine);
				engine->state = KESTREL_ENGINE_STATUS_HELD;
				*ended = true;
				return engine->now;
			}
			if (engine->state != KESTREL_ENGINE_STATUS_RUNNING) {
				*ended = true;
				return engine->now;
			}
			next = engine_units_next(engine);
			front = engine->hold ? ENGINE_NEVER : engine_front_end_next(engine);
			next = front < next ? front : next;
		} else if (engine->hung && !engine->killing) {
			break;
		} else if (next <= engine->now) {
			timed_operation_end(engine);
			*ended = true;
			return engine->now;
		}
		if (next > until)
			break;
		engine->now = next > engine->now ? next : engine->now;
	}
	engine->now = until > engine->now ? until : engine->now;
	return engine->now;
}

bool engine_busy(const struct engine *engine)
{
	return is_busy(engine->state) && engine->state != KESTREL_ENGINE_STATUS_HELD;
}

bool engine_stopped(const struct engine *engine)
{
	return !engine_busy(engine);
}

void engine_status(const struct engine *engine, struct engine_status *status)
{
	*status = (struct engine_status){
		.state = engine->state,
		.fault_code = engine->fault.code,
		.fault_unit = engine->fault.unit,
		.fault_offset = engine->fault.offset,
		.fault_detail = engine->fault.detail,
		.fault_address = engine->fault.address,
		.active_cycles = engine->active_cycles,
		.resume_offset = engine->resume_offset,
		.range_count = engine->range_count,
	};
	if (engine->operation == KESTREL_ENGINE_START &&
	    engine->state == KESTREL_ENGINE_STATUS_RUNNING)
		status->active_cycles += engine->now - engine->active_since;
	for (uint32_t i = 0; i < engine->range_count; i++) {
		status->range[i].offset = engine->range[i][0];
		status->range[i].size = engine->range[i][1];
	}
}

void engine_counters(const struct engine *engine, uint64_t job[KESTREL_COUNTER_COUNT],
		     uint64_t total[KESTREL_COUNTER_COUNT])
{
	memcpy(job, engine->job.counter, sizeof(engine->job.counter));
	memcpy(total, engine->total.counter, sizeof(engine->total.counter));
	if (engine->operation == KESTREL_ENGINE_START &&
	    engine->state == KESTREL_ENGINE_STATUS_RUNNING) {
		job[KESTREL_COUNTER_ACTIVE] += engine->now - engine->active_since;
		total[KESTREL_COUNTER_ACTIVE] += engine->now - engine->active_since;
	}
}

void engine_statistics(const struct engine *engine,
		       struct kestrel_simulator_statistics *statistics)
{
	const struct engine_totals *totals = &engine->since_reset;

	statistics->cycles_total = totals->counter[KESTREL_COUNTER_ACTIVE];
	for (uint32_t u = 0; u < KESTREL_UNIT_COUNT; u++)
		statistics->unit_busy_cycles[u] =
			totals->counter[KESTREL_COUNTER_BUSY_DMA_IN + u];
	statistics->unit_busy_cycles[KESTREL_UNIT_FRONT_END] = totals->front_end_cycles;
	statistics->macs = totals->counter[KESTREL_COUNTER_MACS];
	for (uint32_t port = 0; port < KESTREL_SIMULATOR_PORTS; port++) {
		statistics->dma_bytes_in[port] =
			totals->counter[KESTREL_COUNTER_PORT0_READ_BYTES + 2 * port];
		statistics->dma_bytes_out[port] =
			totals->counter[KESTREL_COUNTER_PORT0_WRITE_BYTES + 2 * port];
	}
	statistics->command_bytes = totals->command_bytes;
	statistics->spill_bytes = 0;
	statistics->sram_peak_bytes = totals->sram_peak;
	statistics->bank_conflict_cycles = totals->conflict_cycles;
	statistics->commands = totals->counter[KESTREL_COUNTER_COMMANDS];
	statistics->jobs = totals->jobs_ended;
}

void engine_statistics_reset(struct engine *engine)
{
	memset(&engine->since_reset, 0, sizeof(engine->since_reset));
}

void engine_set_hung(struct engine *engine, bool hung)
{
	engine->hung = hung;
}

void engine_inject_ecc(struct engine *engine)
{
	engine->ecc = engine->operation == KESTREL_ENGINE_START &&
		      (engine->state == KESTREL_ENGINE_STATUS_RUNNING ||
		       engine->state == KESTREL_ENGINE_STATUS_HELD);
}
