// SPDX-License-Identifier: MIT
/*
 * The four units' queues: entries are issued in order when their time has come,
 * and take effect in order when they retire. Between the two they are under way.
 */

#include <string.h>

#include "engine_internal.h"

/* Behind the end of a MAC or VECTOR command: its output stage drains. */
#define RETIRE_CYCLES 8
/* Behind a SIGNAL: when a waiting unit sees it. */
#define SIGNAL_CYCLES 2

struct engine_entry *engine_unit_entry(struct engine_unit *unit, uint32_t index)
{
	return &unit->entry[(unit->head + index) % KESTREL_ISA_QUEUE_ENTRIES];
}

bool engine_units_drained(const struct engine *engine)
{
	for (uint32_t u = 0; u < KESTREL_UNIT_COUNT; u++) {
		if (engine->unit[u].count)
			return false;
	}
	return true;
}

/* Only when the queue has room; a command takes the unit's registers along. */
void engine_unit_push(struct engine *engine, uint32_t u, enum engine_entry_kind kind,
		      uint32_t semaphore, uint32_t offset)
{
	struct engine_unit *unit = &engine->unit[u];
	struct engine_entry *entry = engine_unit_entry(unit, unit->count++);

	entry->kind = kind;
	entry->semaphore = semaphore;
	entry->offset = offset;
	if (kind == ENGINE_ENTRY_COMMAND)
		memcpy(entry->reg, engine->front_end.reg[u], sizeof(entry->reg));
}

/* schedule=random: an arbitrary delay, mostly short; otherwise none. */
uint64_t engine_random_delay(struct engine *engine)
{
	uint64_t random = engine->random;

	if (engine->configuration.schedule != CONFIGURATION_SCHEDULE_RANDOM)
		return 0;
	random ^= random << 13;
	random ^= random >> 7;
	random ^= random << 17;
	engine->random = random;
	return (random >> 32) & ((UINT64_C(1) << (random % 14)) - 1);
}

static void clock_join(uint32_t clock[KESTREL_UNIT_COUNT], const uint32_t from[KESTREL_UNIT_COUNT])
{
	for (uint32_t u = 0; u < KESTREL_UNIT_COUNT; u++)
		clock[u] = clock[u] > from[u] ? clock[u] : from[u];
}

static bool command_decode(struct engine *engine, uint32_t u, struct engine_entry *entry,
			   struct engine_fault *fault)
{
	switch (u) {
	case KESTREL_UNIT_MAC:
		return engine_mac_decode(engine, entry, fault);
	case KESTREL_UNIT_VECTOR:
		return engine_vector_decode(engine, entry, fault);
	default:
		return engine_dma_decode(engine, u, entry, fault);
	}
}

static void command_issue(struct engine *engine, uint32_t u, struct engine_entry *entry)
{
	struct engine_unit *unit = &engine->unit[u];
	struct engine_fault fault = { .unit = u, .offset = entry->offset };

	engine->checked_end = 0;
	if (!command_decode(engine, u, entry, &fault)) {
		engine_fault_raise(engine, &fault);
		return;
	}
	entry->sram_end = engine->checked_end;
	unit->clock[u]++;
	entry->start = engine->now;
	entry->conflict_cycles = 0;
	if (u == KESTREL_UNIT_DMA_IN || u == KESTREL_UNIT_DMA_OUT) {
		engine_port_issue(engine, u, entry);
		return;
	}
	entry->busy = u == KESTREL_UNIT_MAC
			      ? engine_timing_mac(&engine->configuration, &entry->command.mac,
						  &entry->conflict_cycles)
			      : engine_timing_vector(&engine->configuration,
						     &entry->command.vector);
	unit->issue_time = engine->now + entry->busy;
	entry->retire = unit->issue_time + RETIRE_CYCLES;
}

/* Issues the next entry if it can be; true when it was. */
static bool unit_issue(struct engine *engine, uint32_t u)
{
	struct engine_unit *unit = &engine->unit[u];
	struct engine_entry *entry;
	struct engine_semaphore *semaphore;

	if (unit->issued == unit->count || unit->issue_time > engine->now || engine->hold)
		return false;
	entry = engine_unit_entry(unit, unit->issued);
	semaphore = &engine->semaphore[entry->semaphore];
	switch (entry->kind) {
	case ENGINE_ENTRY_WAIT:
		if (!semaphore->count || semaphore->visible[semaphore->head] > engine->now)
			return false;
		clock_join(unit->clock, semaphore->clock[semaphore->head]);
		semaphore->head = (semaphore->head + 1) % KESTREL_ISA_SEMAPHORE_MAX;
		semaphore->count--;
		unit->issue_time = engine->now + 1;
		entry->retire = unit->issue_time;
		break;
	case ENGINE_ENTRY_SIGNAL:
		unit->issue_time = engine->now + 1;
		entry->retire = unit->issue_time;
		break;
	case ENGINE_ENTRY_COMMAND:
		command_issue(engine, u, entry);
		if (engine->fault.code)
			return false;
		break;
	}
	memcpy(entry->clock, unit->clock, sizeof(entry->clock));
	unit->issue_time += engine_random_delay(engine);
	entry->retire += engine_random_delay(engine);
	if (entry->retire < unit->last_retire)
		entry->retire = unit->last_retire;
	unit->last_retire = entry->retire;
	unit->issued++;
	return true;
}

static const char *command_name(uint32_t u, const struct engine_entry *entry)
{
	static const char *const dma[] = { "copy", "fill", "brick", "decode", "load table",
					   "expand int4" };
	static const char *const mac[] = { "convolution", "packed convolution", "depthwise" };
	static const char *const vector[] = { "add", "sub", "mul", "min", "max", "rescale",
					      "table", "copy", "max pool", "average pool",
					      "sum pool", "softmax", "min pool", "layer norm",
					      "resize bilinear", "resize nearest", "transpose" };

	_Static_assert(sizeof(dma) / sizeof(dma[0]) == KESTREL_DMA_MODE_COUNT, "DMA modes");
	_Static_assert(sizeof(mac) / sizeof(mac[0]) == KESTREL_MAC_MODE_COUNT, "MAC modes");
	_Static_assert(sizeof(vector) / sizeof(vector[0]) == KESTREL_VECTOR_OPERATION_COUNT,
		       "VECTOR operations");

	switch (u) {
	case KESTREL_UNIT_MAC:
		return mac[entry->command.mac.mode];
	case KESTREL_UNIT_VECTOR:
		return vector[entry->command.vector.operation];
	default:
		return dma[entry->command.dma.mode];
	}
}

/* What a retired command adds to the statistics. */
static void command_count(struct engine *engine, uint32_t u, const struct engine_entry *entry)
{
	struct kestrel_simulator_trace_event event = {
		.unit = u,
		.stream_offset = entry->offset,
		.start_cycle = entry->start,
		.end_cycle = engine->now,
		.name = command_name(u, entry),
	};

	engine_counter_add(engine, KESTREL_COUNTER_COMMANDS, 1);
	engine_counter_add(engine, KESTREL_COUNTER_BUSY_DMA_IN + u, entry->busy);
	engine->since_reset.conflict_cycles += entry->conflict_cycles;
	if (u == KESTREL_UNIT_MAC)
		engine_counter_add(engine, KESTREL_COUNTER_MACS, entry->command.mac.macs);
	if (u == KESTREL_UNIT_DMA_IN || u == KESTREL_UNIT_DMA_OUT)
		engine_counter_add(engine,
				   KESTREL_COUNTER_PORT0_READ_BYTES + 2 * entry->command.dma.port +
					   (u == KESTREL_UNIT_DMA_OUT),
				   entry->command.dma.port_bytes);
	engine_peak_raise(engine, entry->sram_end);
	if (engine->host.trace)
		engine->host.trace(engine->host.trace_opaque, &event);
}

static enum engine_progress command_execute(struct engine *engine, uint32_t u,
					    struct engine_entry *entry, struct engine_fault *fault)
{
	if (!engine->unit[u].executing && engine->configuration.checked &&
	    !engine_check_command(engine, u, entry, fault))
		return ENGINE_PROGRESS_FAULT;
	switch (u) {
	case KESTREL_UNIT_MAC:
		return engine_mac_execute(engine, &entry->command.mac, fault);
	case KESTREL_UNIT_VECTOR:
		return engine_vector_execute(engine, &entry->command.vector);
	default:
		return engine_dma_execute(engine, u, entry, fault);
	}
}

static bool semaphore_signal(struct engine *engine, const struct engine_entry *entry,
			     struct engine_fault *fault)
{
	struct engine_semaphore *semaphore = &engine->semaphore[entry->semaphore];
	uint32_t slot = (semaphore->head + semaphore->count) % KESTREL_ISA_SEMAPHORE_MAX;

	if (semaphore->count == KESTREL_ISA_SEMAPHORE_MAX)
		return engine_value_refuse(fault, KESTREL_FAULT_SEMAPHORE_OVERFLOW,
					   entry->semaphore);
	semaphore->visible[slot] = engine->now + SIGNAL_CYCLES;
	memcpy(semaphore->clock[slot], entry->clock, sizeof(entry->clock));
	semaphore->count++;
	return true;
}

/* Retires the oldest entry if its time has come; true when it did or is at it. */
static bool unit_retire(struct engine *engine, uint32_t u)
{
	struct engine_unit *unit = &engine->unit[u];
	struct engine_entry *entry = engine_unit_entry(unit, 0);
	struct engine_fault fault = { .unit = u, .offset = entry->offset };
	enum engine_progress progress = ENGINE_PROGRESS_DONE;

	if (!unit->issued || entry->retire > engine->now)
		return false;
	if (entry->kind == ENGINE_ENTRY_SIGNAL && !semaphore_signal(engine, entry, &fault))
		progress = ENGINE_PROGRESS_FAULT;
	if (entry->kind == ENGINE_ENTRY_COMMAND) {
		progress = command_execute(engine, u, entry, &fault);
		unit->executing = progress == ENGINE_PROGRESS_MORE;
	}
	if (progress == ENGINE_PROGRESS_FAULT) {
		engine_fault_raise(engine, &fault);
		return true;
	}
	if (progress == ENGINE_PROGRESS_MORE)
		return true;
	if (entry->kind == ENGINE_ENTRY_COMMAND)
		command_count(engine, u, entry);
	unit->head = (unit->head + 1) % KESTREL_ISA_QUEUE_ENTRIES;
	unit->count--;
	unit->issued--;
	return true;
}

/* Everything that happens at the present cycle; false: the budget is used up. */
bool engine_units_run(struct engine *engine)
{
	bool moved = true;

	while (moved && engine->state == KESTREL_ENGINE_STATUS_RUNNING) {
		moved = false;
		for (uint32_t u = 0; u < KESTREL_UNIT_COUNT; u++) {
			while (engine->state == KESTREL_ENGINE_STATUS_RUNNING &&
			       unit_retire(engine, u)) {
				if (engine->unit[u].executing)
					return false;
				moved = true;
			}
		}
		if (engine->state == KESTREL_ENGINE_STATUS_RUNNING && !engine->hold)
			moved |= engine_front_end_run(engine);
		for (uint32_t u = 0; u < KESTREL_UNIT_COUNT; u++) {
			while (engine->state == KESTREL_ENGINE_STATUS_RUNNING &&
			       unit_issue(engine, u))
				moved = true;
		}
	}
	return true;
}

/* The next cycle at which a unit does something, ENGINE_NEVER when none will. */
uint64_t engine_units_next(struct engine *engine)
{
	uint64_t next = ENGINE_NEVER;

	for (uint32_t u = 0; u < KESTREL_UNIT_COUNT; u++) {
		struct engine_unit *unit = &engine->unit[u];
		struct engine_entry *entry;
		uint64_t time;

		if (unit->issued && engine_unit_entry(unit, 0)->retire < next)
			next = engine_unit_entry(unit, 0)->retire;
		if (unit->issued == unit->count || engine->hold)
			continue;
		entry = engine_unit_entry(unit, unit->issued);
		time = unit->issue_time;
		if (entry->kind == ENGINE_ENTRY_WAIT) {
			struct engine_semaphore *semaphore = &engine->semaphore[entry->semaphore];

			if (!semaphore->count)
				continue;
			if (semaphore->visible[semaphore->head] > time)
				time = semaphore->visible[semaphore->head];
		}
		if (time < next)
			next = time;
	}
	return next;
}
