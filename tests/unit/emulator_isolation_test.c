// SPDX-License-Identifier: MIT
/*
 * One client looks for another's bytes in the local memory: the first fills all
 * of it with a pattern, ends in each possible way, and the second copies all of
 * it out. Through the real firmware.
 */

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <kestrel/isa.h>
#include <kestrel/simulator.h>

#include "emulator_test.h"

#define SRAM_BYTES 65536u
#define COMMAND_VA UINT64_C(0x100000)
#define DATA_VA UINT64_C(0x200000)
#define PATTERN 0x5a
#define UNTOUCHED 0x33
#define TIMEOUT_CYCLES 200000u

static const struct kestrel_simulator_interface *simulator;

struct client {
	struct kestrel_simulator_space *space;
	struct kestrel_simulator_queue *queue;
	struct kestrel_simulator_job job;
	uint8_t *commands;
	uint8_t *data;
};

static bool client_open(struct kestrel_simulator *owner, struct client *client)
{
	struct kestrel_simulator_buffer *commands, *data;

	memset(client, 0, sizeof(*client));
	if (simulator->space_create(owner, &client->space) ||
	    simulator->buffer_create(owner, 4096, &commands) ||
	    simulator->buffer_create(owner, SRAM_BYTES, &data) ||
	    simulator->map(client->space, commands, 0, COMMAND_VA, 4096,
			   KESTREL_SIMULATOR_MAP_EXECUTE) ||
	    simulator->map(client->space, data, 0, DATA_VA, SRAM_BYTES,
			   KESTREL_SIMULATOR_MAP_READ | KESTREL_SIMULATOR_MAP_WRITE) ||
	    simulator->queue_create(client->space, 1, TIMEOUT_CYCLES, &client->queue))
		return false;
	client->commands = simulator->buffer_data(commands);
	client->data = simulator->buffer_data(data);
	client->job = (struct kestrel_simulator_job){
		.command_address = COMMAND_VA,
		.base_count = 1,
		.base = { { DATA_VA, SRAM_BYTES } },
	};
	return true;
}

/* A copy of all SRAM from or to base 0, then `last`. */
static void stream_write(struct client *client, uint32_t unit, uint8_t last)
{
	const uint8_t stream[] = {
		(uint8_t)(KESTREL_ISA_SELECT + unit),
		KESTREL_DMA_MODE, KESTREL_DMA_COPY,
		KESTREL_DMA_PORT, 1,
		/* 65536 in 7-bit groups. */
		KESTREL_DMA_COUNT0, 0x80, 0x80, 0x04,
		KESTREL_ISA_EXECUTE,
		last,
		KESTREL_ISA_END,
	};

	memcpy(client->commands, stream, sizeof(stream));
	client->job.command_size = sizeof(stream);
}

static uint32_t client_run(struct client *client)
{
	struct kestrel_simulator_result result = { .status = UINT32_MAX };
	uint64_t number;

	if (!simulator->submit(client->queue, &client->job, &number))
		simulator->wait(client->queue, number, 0, &result);
	return result.status;
}

/* Bytes of the memory that hold the value. */
static uint32_t count_bytes(const uint8_t *data, uint8_t value)
{
	uint32_t count = 0, i;

	for (i = 0; i < SRAM_BYTES; i++)
		count += data[i] == value;
	return count;
}

/* The first client's stream ends with `last`, and so in `status`. */
static void look(struct test *test, struct kestrel_simulator *owner, uint8_t last, uint32_t status,
		 const char *name)
{
	struct client first, second;

	if (!client_open(owner, &first) || !client_open(owner, &second)) {
		CHECK(test, !"no client");
		return;
	}
	memset(first.data, PATTERN, SRAM_BYTES);
	memset(second.data, UNTOUCHED, SRAM_BYTES);
	stream_write(&first, KESTREL_UNIT_DMA_IN, last);
	EQUAL(test, client_run(&first), status);
	if (status != KESTREL_SIMULATOR_JOB_DONE) {
		EQUAL(test, simulator->queue_destroy(first.queue), 0);
		first.queue = NULL;
	}
	stream_write(&second, KESTREL_UNIT_DMA_OUT, KESTREL_ISA_END);
	EQUAL(test, client_run(&second), KESTREL_SIMULATOR_JOB_DONE);
	EQUAL(test, count_bytes(second.data, PATTERN), 0);
	EQUAL(test, count_bytes(second.data, 0), SRAM_BYTES);
	/* The test would see them: the first client does, when it may. */
	if (first.queue) {
		memset(first.data, PATTERN, SRAM_BYTES);
		stream_write(&first, KESTREL_UNIT_DMA_IN, KESTREL_ISA_END);
		EQUAL(test, client_run(&first), KESTREL_SIMULATOR_JOB_DONE);
		memset(first.data, UNTOUCHED, SRAM_BYTES);
		stream_write(&first, KESTREL_UNIT_DMA_OUT, KESTREL_ISA_END);
		EQUAL(test, client_run(&first), KESTREL_SIMULATOR_JOB_DONE);
		EQUAL(test, count_bytes(first.data, PATTERN), SRAM_BYTES);
		simulator->queue_destroy(first.queue);
	}
	simulator->queue_destroy(second.queue);
	test_group(test, name);
}

int main(void)
{
	struct kestrel_simulator_options options = { .target = "kestrel-64",
						     .settings = "sram=65536" };
	char own[PATH_MAX / 2], path[PATH_MAX], error[256];
	ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);
	struct kestrel_simulator *owner;
	struct test test = { 0 };

	if (length < 0)
		return 1;
	own[length] = '\0';
	*strrchr(own, '/') = '\0';
	snprintf(path, sizeof(path), "%s/../../firmware/kestrel_fw.bin", own);
	options.firmware_path = path;
	simulator = kestrel_simulator_interface(KESTREL_SIMULATOR_VERSION);
	if (simulator->open(&options, &owner, error, sizeof(error))) {
		printf("not ok - %s\n", error);
		return 1;
	}
	look(&test, owner, KESTREL_ISA_END, KESTREL_SIMULATOR_JOB_DONE,
	     "nothing is left of a job that is done");
	look(&test, owner, 0xff, KESTREL_SIMULATOR_JOB_FAULT,
	     "nothing is left of a job that faulted");
	look(&test, owner, KESTREL_ISA_WAIT, KESTREL_SIMULATOR_JOB_TIMEOUT,
	     "nothing is left of a job that was killed");
	simulator->close(owner);
	return test.failures != 0;
}
