// SPDX-License-Identifier: MIT
/*
 * What the firmware costs: modelled cycles and instructions of the management
 * core from doorbell to event, of jobs that do nothing, alone, one behind the other
 * and preempting another job. Prints JSON for driver.py.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <kestrel/isa.h>
#include <kestrel/simulator.h>

#define JOBS 60u
#define STREAM_VA 0x10000u
#define STREAM_BYTES (16 * KESTREL_SIMULATOR_PAGE_SIZE)
/* Resolution of the measured times. */
#define STEP_CYCLES 8u

struct bench {
	const struct kestrel_simulator_interface *call;
	struct kestrel_simulator *simulator;
	struct kestrel_simulator_queue *queue[2];
	/* Of a third address space, below the others in priority. */
	struct kestrel_simulator_queue *low;
	uint8_t *low_stream;
};

/* Cycles until `count` jobs, submitted at once in turn to the queues, have ended. */
static int jobs_run(struct bench *b, uint32_t count, uint32_t queues, uint64_t *cycles,
		    uint64_t *engine_cycles)
{
	const struct kestrel_simulator_job job = { .command_address = STREAM_VA,
						   .command_size = 1 };
	struct kestrel_simulator_result result;
	uint64_t number[JOBS];
	uint32_t i;
	int ret;

	*cycles = *engine_cycles = 0;
	for (i = 0; i < count; i++) {
		ret = b->call->submit(b->queue[i % queues], &job, &number[i]);
		if (ret)
			return ret;
	}
	for (i = 0; i < count; i++) {
		while ((ret = b->call->wait(b->queue[i % queues], number[i], STEP_CYCLES,
					    &result)) == -ETIME)
			*cycles += STEP_CYCLES;
		if (ret)
			return ret;
		if (result.status != KESTREL_SIMULATOR_JOB_DONE)
			return -EIO;
		*engine_cycles += result.cycles;
	}
	return 0;
}

/* A queue of `priority` in an address space with one page of commands. */
static int queue_open(struct bench *b, uint32_t priority, struct kestrel_simulator_queue **queue,
		      uint8_t **stream)
{
	struct kestrel_simulator_space *space;
	struct kestrel_simulator_buffer *buffer;
	int ret;

	ret = b->call->space_create(b->simulator, &space);
	if (!ret)
		ret = b->call->buffer_create(b->simulator, STREAM_BYTES, &buffer);
	if (!ret)
		ret = b->call->map(space, buffer, 0, STREAM_VA, STREAM_BYTES,
				   KESTREL_SIMULATOR_MAP_READ | KESTREL_SIMULATOR_MAP_EXECUTE);
	if (!ret)
		ret = b->call->queue_create(space, priority, 0, queue);
	if (!ret)
		*stream = b->call->buffer_data(buffer);
	return ret;
}

/*
 * Cycles that a no-op job takes when it comes upon a long job of a lower priority,
 * which has preemption points all the time and `live_bytes` of SRAM to be saved.
 */
static int preempt_run(struct bench *b, uint32_t live_bytes, uint64_t *cycles)
{
	/* One byte in by each copy. */
	const uint8_t copy[] = { KESTREL_ISA_EXECUTE, KESTREL_ISA_PREEMPT };
	struct kestrel_simulator_job job = { .command_address = STREAM_VA, .base_count = 1,
					     .base = { { STREAM_VA, STREAM_BYTES } } };
	struct kestrel_simulator_result result;
	uint64_t number, engine_cycles;
	uint8_t *at = b->low_stream;
	int ret;

	while (at < b->low_stream + STREAM_BYTES - 16) {
		memcpy(at, copy, sizeof(copy));
		at += sizeof(copy);
		*at++ = live_bytes ? 1 : 0;
		if (!live_bytes)
			continue;
		*at++ = 0;
		*at++ = 0x80 | (live_bytes & 0x7f);
		*at++ = 0x80 | (live_bytes >> 7 & 0x7f);
		*at++ = live_bytes >> 14;
	}
	*at++ = KESTREL_ISA_END;
	job.command_size = at - b->low_stream;
	ret = b->call->submit(b->low, &job, &number);
	/* Well inside it. */
	if (!ret && b->call->wait(b->low, number, job.command_size, &result) != -ETIME)
		ret = -EIO;
	if (!ret)
		ret = jobs_run(b, 1, 1, cycles, &engine_cycles);
	if (!ret && b->call->wait(b->low, number, STEP_CYCLES, &result) != -ETIME)
		ret = -EIO;
	if (!ret)
		ret = b->call->wait(b->low, number, 0, &result);
	return ret ? ret : result.status == KESTREL_SIMULATOR_JOB_DONE ? 0 : -EIO;
}

static int bench_open(struct bench *b)
{
	const struct kestrel_simulator_options options = { 0 };
	uint8_t *stream;
	uint32_t i;
	int ret;

	b->call = kestrel_simulator_interface(KESTREL_SIMULATOR_VERSION);
	if (!b->call)
		return -EINVAL;
	ret = b->call->open(&options, &b->simulator, NULL, 0);
	if (ret)
		return ret;
	/* Two address spaces: a job of another one has the engine scrubbed. */
	for (i = 0; !ret && i < 2; i++) {
		ret = queue_open(b, 1, &b->queue[i], &stream);
		if (!ret)
			*stream = KESTREL_ISA_END;
	}
	return ret ? ret : queue_open(b, 0, &b->low, &b->low_stream);
}

int main(void)
{
	struct kestrel_simulator_statistics before, after;
	uint64_t single, single_engine, batch, batch_engine, turns, turns_engine;
	uint64_t preempt = 0, preempt_all = 0;
	struct kestrel_simulator_information information = { 0 };
	struct bench b = { 0 };
	int ret = bench_open(&b);

	/* The first job finds everything cold. */
	if (!ret)
		ret = jobs_run(&b, 1, 1, &single, &single_engine);
	if (!ret)
		ret = jobs_run(&b, 1, 1, &single, &single_engine);
	if (!ret) {
		b.call->statistics(b.simulator, &before);
		ret = jobs_run(&b, JOBS, 1, &batch, &batch_engine);
		b.call->statistics(b.simulator, &after);
	}
	if (!ret)
		ret = jobs_run(&b, JOBS, 2, &turns, &turns_engine);
	if (!ret)
		b.call->information(b.simulator, &information);
	if (!ret)
		ret = preempt_run(&b, 0, &preempt);
	if (!ret)
		ret = preempt_run(&b, information.sram_bytes, &preempt_all);
	if (ret) {
		fprintf(stderr, "firmware-bench: %d: %s\n", ret,
			b.simulator ? b.call->last_error(b.simulator) : "no simulator");
		return 1;
	}
	printf("{\"single_cycles\": %" PRIu64 ", \"single_engine_cycles\": %" PRIu64
	       ", \"dispatch_cycles\": %" PRIu64 ", \"dispatch_instructions\": %" PRIu64
	       ", \"dispatch_other_client_cycles\": %" PRIu64
	       ", \"preempting_cycles\": %" PRIu64
	       ", \"preempting_all_sram_cycles\": %" PRIu64 "}\n",
	       single, single_engine, (batch - batch_engine) / JOBS,
	       (after.mcu_instructions - before.mcu_instructions) / JOBS,
	       (turns - turns_engine) / JOBS, preempt, preempt_all);
	b.call->close(b.simulator);
	return 0;
}
