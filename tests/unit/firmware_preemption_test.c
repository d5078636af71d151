// SPDX-License-Identifier: MIT
/*
 * Two clients on the real engine under the real firmware: a job that is
 * preempted, saved, scrubbed away and restored still gives its bytes, and the
 * other client sees none of them.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <kestrel/isa.h>
#include <kestrel/simulator.h>

#include "firmware_test.h"

#define DATA_BYTES 8192u
#define STREAM_BYTES 65536u
/* Where the long job keeps its data in SRAM, and where it fills meanwhile. */
#define LIVE_ADDRESS 0x1000u
#define FILL_ADDRESS 0x8000u
#define FILL_BYTES 65536u
#define POINTS 400

/* A client: address space, one buffer for stream and data, a queue. */
#define STREAM_VA 0x100000u
#define INPUT_VA 0x200000u
#define OUTPUT_VA 0x300000u

struct client {
	struct kestrel_simulator_space *space;
	struct kestrel_simulator_queue *queue;
	uint8_t *stream;
	uint8_t *input;
	uint8_t *output;
	size_t length;
};

static const struct kestrel_simulator_interface *api;
static struct kestrel_simulator *simulator;
static struct client low, high;

static void put(struct client *client, uint8_t byte)
{
	client->stream[client->length++] = byte;
}

static void put_leb(struct client *client, uint32_t value)
{
	for (; value > 0x7f; value >>= 7)
		put(client, (uint8_t)(value | 0x80));
	put(client, (uint8_t)value);
}

static void set(struct client *client, uint8_t number, uint32_t value)
{
	put(client, number);
	put_leb(client, value);
}

/* Copies bytes between base `base` and SRAM on the selected DMA unit. */
static void put_copy(struct client *client, uint32_t base, uint32_t address, uint32_t bytes)
{
	set(client, KESTREL_DMA_MODE, KESTREL_DMA_COPY);
	set(client, KESTREL_DMA_BASE, base);
	set(client, KESTREL_DMA_OFFSET, 0);
	set(client, KESTREL_DMA_SRAM_ADDRESS, address);
	set(client, KESTREL_DMA_COUNT0, bytes);
	put(client, KESTREL_ISA_EXECUTE);
}

static void put_point(struct client *client)
{
	put(client, KESTREL_ISA_PREEMPT);
	put_leb(client, 1);
	put_leb(client, LIVE_ADDRESS);
	put_leb(client, DATA_BYTES);
}

static void *memory(struct client *client, uint64_t va, uint64_t size, uint32_t rights)
{
	struct kestrel_simulator_buffer *buffer;

	if (api->buffer_create(simulator, size, &buffer) ||
	    api->map(client->space, buffer, 0, va, size, rights)) {
		printf("# memory: %s\n", api->last_error(simulator));
		exit(1);
	}
	return api->buffer_data(buffer);
}

static void client_open(struct client *client, uint32_t priority)
{
	memset(client, 0, sizeof(*client));
	CHECK(!api->space_create(simulator, &client->space));
	client->stream = memory(client, STREAM_VA, STREAM_BYTES,
				KESTREL_SIMULATOR_MAP_READ | KESTREL_SIMULATOR_MAP_EXECUTE);
	client->input = memory(client, INPUT_VA, DATA_BYTES, KESTREL_SIMULATOR_MAP_READ);
	client->output = memory(client, OUTPUT_VA, DATA_BYTES,
				KESTREL_SIMULATOR_MAP_READ | KESTREL_SIMULATOR_MAP_WRITE);
	CHECK(!api->queue_create(client->space, priority, 0, &client->queue));
}

static uint64_t client_submit(struct client *client)
{
	const struct kestrel_simulator_job job = {
		.command_address = STREAM_VA,
		.command_size = (uint32_t)client->length,
		.base_count = 2,
		.base = { { INPUT_VA, DATA_BYTES }, { OUTPUT_VA, DATA_BYTES } },
	};
	uint64_t seqno = 0;

	CHECK(!api->submit(client->queue, &job, &seqno));
	return seqno;
}

static void simulator_open(const char *settings)
{
	struct kestrel_simulator_options options = { .target = "kestrel-256",
						     .settings = settings };
	char error[256] = "";

	if (api->open(&options, &simulator, error, sizeof(error))) {
		printf("not ok - simulator: %s\n", error);
		exit(1);
	}
	client_open(&low, 0);
	client_open(&high, 3);
}

/* Input to SRAM, much other work with preemption points, then SRAM to output. */
static void stream_long(struct client *client)
{
	unsigned int i;

	for (i = 0; i < DATA_BYTES; i++)
		client->input[i] = (uint8_t)(i * 7 + (i >> 8) + 1);
	put_copy(client, 0, LIVE_ADDRESS, DATA_BYTES);
	put_point(client);
	for (i = 0; i < POINTS; i++) {
		set(client, KESTREL_DMA_MODE, KESTREL_DMA_FILL_BYTES);
		set(client, KESTREL_DMA_FILL, i & 0xff);
		set(client, KESTREL_DMA_SRAM_ADDRESS, FILL_ADDRESS);
		set(client, KESTREL_DMA_COUNT0, FILL_BYTES);
		put(client, KESTREL_ISA_EXECUTE);
		put_point(client);
	}
	put(client, KESTREL_ISA_SELECT + KESTREL_UNIT_DMA_OUT);
	put_copy(client, 1, LIVE_ADDRESS, DATA_BYTES);
	put(client, KESTREL_ISA_END);
}

/* What lies in the SRAM where the other client keeps its data. */
static void stream_spy(struct client *client)
{
	put(client, KESTREL_ISA_SELECT + KESTREL_UNIT_DMA_OUT);
	put_copy(client, 1, LIVE_ADDRESS, DATA_BYTES);
	put(client, KESTREL_ISA_END);
}

/* Overwrites all of it. */
static void stream_vandal(struct client *client)
{
	set(client, KESTREL_DMA_MODE, KESTREL_DMA_FILL_BYTES);
	set(client, KESTREL_DMA_FILL, 0xaa);
	set(client, KESTREL_DMA_SRAM_ADDRESS, 0);
	set(client, KESTREL_DMA_COUNT0, 384 * 1024);
	put(client, KESTREL_ISA_EXECUTE);
	put(client, KESTREL_ISA_SIGNAL + 0);
	put(client, KESTREL_ISA_SELECT + KESTREL_UNIT_DMA_OUT);
	put(client, KESTREL_ISA_WAIT + 0);
	put_copy(client, 1, LIVE_ADDRESS, DATA_BYTES);
	put(client, KESTREL_ISA_END);
}

static bool all_bytes(const uint8_t *bytes, uint8_t value)
{
	unsigned int i;

	for (i = 0; i < DATA_BYTES; i++)
		if (bytes[i] != value)
			return false;
	return true;
}

/* Runs the long job with `interruptions` jobs of the other client in between. */
static void interrupted(unsigned int interruptions, uint8_t expected)
{
	struct kestrel_simulator_result long_result, result;
	uint64_t long_seqno, seqno;
	unsigned int i;

	long_seqno = client_submit(&low);
	for (i = 0; i < interruptions; i++) {
		CHECK(api->wait(low.queue, long_seqno, 60000 + i * 1111, &long_result) == -ETIME);
		memset(high.output, 0x55, DATA_BYTES);
		seqno = client_submit(&high);
		CHECK(!api->wait(high.queue, seqno, 0, &result));
		CHECK(result.status == KESTREL_SIMULATOR_JOB_DONE);
		CHECK(all_bytes(high.output, expected));
	}
	CHECK(!api->wait(low.queue, long_seqno, 0, &long_result));
	CHECK(long_result.status == KESTREL_SIMULATOR_JOB_DONE);
	CHECK(!memcmp(low.output, low.input, DATA_BYTES));
	/* The long job's own time, whatever came between: 400 fills of 64 KiB. */
	CHECK(long_result.cycles > POINTS * (FILL_BYTES / 512ull));
	printf("# %u interruptions: %llu cycles\n", interruptions,
	       (unsigned long long)long_result.cycles);
}

static void spy(void)
{
	simulator_open(NULL);
	stream_long(&low);
	stream_spy(&high);
	interrupted(5, 0);
	api->close(simulator);
}

static void vandal(void)
{
	simulator_open(NULL);
	stream_long(&low);
	stream_vandal(&high);
	interrupted(20, 0xaa);
	api->close(simulator);
}

static void vandal_random(void)
{
	simulator_open("checked=on,schedule=random:11");
	stream_long(&low);
	stream_vandal(&high);
	interrupted(8, 0xaa);
	api->close(simulator);
}

static void undisturbed(void)
{
	simulator_open(NULL);
	stream_long(&low);
	interrupted(0, 0);
	api->close(simulator);
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	kestrel_simulator_interface_fn *interface;
	char path[4096];
	void *library;

	(void)argc;
	snprintf(path, sizeof(path), "%.*s/../../bin/" KESTREL_SIMULATOR_LIBRARY,
		 slash ? (int)(slash - argv[0]) : 1, slash ? argv[0] : ".");
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		printf("not ok - %s\n", dlerror());
		return 1;
	}
	*(void **)&interface = dlsym(library, KESTREL_SIMULATOR_SYMBOL);
	api = interface ? interface(KESTREL_SIMULATOR_VERSION) : NULL;
	if (!api) {
		printf("not ok - simulator version\n");
		return 1;
	}
	test_group("a long job alone", undisturbed);
	test_group("preempted by a client that overwrites all SRAM", vandal);
	test_group("the same with checks and a random schedule", vandal_random);
	test_group("a client finds nothing of another in SRAM", spy);
	dlclose(library);
	return test_failures != 0;
}
