/* SPDX-License-Identifier: MIT */
/* A bench for the engine alone: memory, a stream writer, a run to the end. */

#ifndef EMULATOR_ENGINE_TEST_H
#define EMULATOR_ENGINE_TEST_H

#include <stdlib.h>

#include "emulator_test.h"
#include "engine.h"

#define BENCH_MEMORY (4u << 20)
/* Where the stream lies; bases 0 and 1 lie below it. */
#define BENCH_STREAM (3u << 20)
/* Of kestrel-256. */
#define BENCH_SRAM 393216u

struct bench {
	struct engine *engine;
	uint8_t memory[BENCH_MEMORY];
	/* Addresses that are not mapped. */
	uint64_t hole;
	uint64_t hole_end;
	uint64_t walk_cycles;
	uint32_t stream_bytes;
	struct engine_operands operands;
	struct engine_status status;
	unsigned int traced;
};

static inline uint64_t bench_translation_cost(void *opaque, const struct engine_access *access,
					      uint64_t *previous_page)
{
	struct bench *bench = opaque;

	*previous_page = access->address >> 12;
	return bench->walk_cycles;
}

static inline void bench_translation_reset(void *opaque)
{
	(void)opaque;
}

static inline uint32_t bench_probe(void *opaque, const struct engine_access *access,
				   uint64_t *fault_address)
{
	struct bench *bench = opaque;

	*fault_address = access->address > bench->hole ? access->address : bench->hole;
	if (access->address < bench->hole_end &&
	    access->address + access->length > bench->hole)
		return KESTREL_MMU_CAUSE_NOT_PRESENT;
	*fault_address = access->address;
	return access->address + access->length > BENCH_MEMORY ? KESTREL_MMU_CAUSE_BUS : 0;
}

static inline uint32_t bench_access(void *opaque, const struct engine_access *access, void *data,
				    uint64_t *fault_address)
{
	struct bench *bench = opaque;
	uint32_t cause = bench_probe(opaque, access, fault_address);

	if (cause)
		return cause;
	if (access->type == KESTREL_ACCESS_WRITE)
		memcpy(bench->memory + access->address, data, access->length);
	else
		memcpy(data, bench->memory + access->address, access->length);
	return 0;
}

static inline void bench_trace(void *opaque, const struct kestrel_simulator_trace_event *event)
{
	struct bench *bench = opaque;

	bench->traced += event->name && event->end_cycle >= event->start_cycle;
}

/* Exits when there is no memory: a test cannot go on. */
static inline struct bench *bench_create(const char *target, const char *settings)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct kestrel_configuration configuration;
	struct engine_host host = {
		.opaque = bench,
		.translation_reset = bench_translation_reset,
		.translation_cost = bench_translation_cost,
		.access = bench_access,
		.probe = bench_probe,
		.trace = bench_trace,
		.trace_opaque = bench,
	};

	if (!bench || kestrel_configuration_get(target, &configuration) ||
	    kestrel_configuration_set(&configuration, settings, NULL, 0))
		exit(99);
	bench->engine = engine_create(&configuration, &host);
	if (!bench->engine)
		exit(99);
	bench->operands.asid = 1;
	bench->operands.command_address = BENCH_STREAM;
	bench->operands.base_count = 2;
	bench->operands.base[0].size = 1u << 20;
	bench->operands.base[1].address = 1u << 20;
	bench->operands.base[1].size = 1u << 20;
	return bench;
}

static inline void bench_destroy(struct bench *bench)
{
	engine_destroy(bench->engine);
	free(bench);
}

static inline void stream_byte(struct bench *bench, uint32_t byte)
{
	bench->memory[BENCH_STREAM + bench->stream_bytes++] = (uint8_t)byte;
}

static inline void stream_number(struct bench *bench, uint32_t value)
{
	for (; value >= 0x80; value >>= 7)
		stream_byte(bench, (value & 0x7f) | 0x80);
	stream_byte(bench, value);
}

static inline void stream_set(struct bench *bench, uint32_t reg, uint32_t value)
{
	stream_byte(bench, reg);
	stream_number(bench, value);
}

static inline void stream_set_signed(struct bench *bench, uint32_t reg, int32_t value)
{
	stream_set(bench, reg, ((uint32_t)value << 1) ^ (value < 0 ? UINT32_MAX : 0));
}

static inline void stream_select(struct bench *bench, uint32_t unit)
{
	stream_byte(bench, KESTREL_ISA_SELECT + unit);
}

static inline void stream_signal(struct bench *bench, uint32_t semaphore)
{
	stream_byte(bench, KESTREL_ISA_SIGNAL + semaphore);
}

static inline void stream_wait(struct bench *bench, uint32_t semaphore)
{
	stream_byte(bench, KESTREL_ISA_WAIT + semaphore);
}

static inline void stream_execute(struct bench *bench)
{
	stream_byte(bench, KESTREL_ISA_EXECUTE);
}

/* Copies `bytes` between base 0 offset and SRAM address; selects the unit. */
static inline void stream_copy(struct bench *bench, uint32_t unit, uint32_t offset,
			       uint32_t sram, uint32_t bytes)
{
	stream_select(bench, unit);
	stream_set(bench, KESTREL_DMA_MODE, KESTREL_DMA_COPY);
	stream_set(bench, KESTREL_DMA_PORT, 1);
	stream_set(bench, KESTREL_DMA_OFFSET, offset);
	stream_set(bench, KESTREL_DMA_SRAM_ADDRESS, sram);
	stream_set(bench, KESTREL_DMA_COUNT0, bytes);
	stream_execute(bench);
}

static inline void bench_operate(struct bench *bench, uint32_t operation, uint64_t now)
{
	engine_operate(bench->engine, operation, &bench->operands, now);
}

/* Starts the stream and steps until it ends or `cycles` have passed. */
static inline uint32_t bench_run(struct bench *bench, uint64_t cycles)
{
	uint64_t now = engine_step(bench->engine, 0, &(bool){ false });
	uint64_t until = now + cycles;

	bench->operands.command_size = bench->stream_bytes;
	bench_operate(bench, KESTREL_ENGINE_START, now);
	while (engine_busy(bench->engine) && now < until) {
		bool ended;

		now = engine_step(bench->engine, until, &ended);
	}
	engine_status(bench->engine, &bench->status);
	return bench->status.state;
}

/* Waits for whatever operation is under way. */
static inline uint32_t bench_finish(struct bench *bench)
{
	uint64_t now = engine_step(bench->engine, 0, &(bool){ false });

	for (int turn = 0; turn < 1000 && engine_busy(bench->engine); turn++) {
		bool ended;

		now = engine_step(bench->engine, now + 100000, &ended);
	}
	engine_status(bench->engine, &bench->status);
	return bench->status.state;
}

static inline void stream_clear(struct bench *bench)
{
	bench->stream_bytes = 0;
}

/* Ends the stream and runs it. */
static inline uint32_t bench_end(struct bench *bench)
{
	stream_byte(bench, KESTREL_ISA_END);
	return bench_run(bench, UINT64_C(1) << 40);
}

static inline uint32_t bench_random(uint64_t *state, uint32_t low, uint32_t high)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return low + (uint32_t)((*state >> 33) % (high - low + 1));
}

#endif
