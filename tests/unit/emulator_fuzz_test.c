// SPDX-License-Identifier: MIT
/*
 * Streams that make no sense, from fixed seeds: whatever they hold, each job
 * ends, the device and its firmware live on, and memory outside the client's
 * buffers stays as it was. Run under sanitizers this looks for the engine's own
 * mistakes.
 *
 * Arguments: number of streams (default 600) and first seed (default 1).
 */

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <kestrel/isa.h>
#include <kestrel/simulator.h>

#include "emulator_test.h"

#define COMMAND_ADDRESS UINT64_C(0x100000)
#define DATA_ADDRESS UINT64_C(0x200000)
#define COMMAND_BYTES 8192u
#define DATA_BYTES 65536u
#define TIMEOUT_CYCLES 200000u

static const struct kestrel_simulator_interface *simulator_table;

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint32_t random_below(uint64_t *state, uint32_t limit)
{
	return (uint32_t)(random_next(state) >> 16) % limit;
}

/* Mostly small or round values, now and then an extreme. */
static uint32_t random_value(uint64_t *state)
{
	switch (random_below(state, 8)) {
	case 0:
		return random_below(state, 4);
	case 1:
		return random_below(state, 24);
	case 2:
		return 16 * random_below(state, 64);
	case 3:
		return 16 * random_below(state, 24576);
	case 4:
		return 1u << random_below(state, 32);
	case 5:
		return (uint32_t)random_next(state);
	case 6:
		return random_below(state, 512);
	default:
		return UINT32_MAX - random_below(state, 4);
	}
}

static uint32_t emit_value(uint8_t *bytes, uint32_t size, uint32_t value)
{
	for (; value > 0x7f; value >>= 7)
		bytes[size++] = (uint8_t)(value | 0x80);
	bytes[size++] = (uint8_t)value;
	return size;
}

/* Values of a register that make sense more often than not: multiples, from `first` on. */
struct range {
	uint32_t first;
	uint32_t count;
	uint32_t step;
};

static const struct range dma_range[KESTREL_DMA_REGISTER_COUNT] = {
	[KESTREL_DMA_MODE] = { 0, KESTREL_DMA_MODE_COUNT, 1 },
	[KESTREL_DMA_PORT] = { 0, 2, 1 },
	[KESTREL_DMA_BASE] = { 0, 1, 1 },
	[KESTREL_DMA_OFFSET] = { 20000, 20000, 1 },
	[KESTREL_DMA_SRAM_ADDRESS] = { 0, 3000, 16 },
	[KESTREL_DMA_COUNT0] = { 1, 300, 1 },
	[KESTREL_DMA_COUNT1] = { 1, 6, 1 },
	[KESTREL_DMA_COUNT2] = { 1, 6, 1 },
	[KESTREL_DMA_COUNT3] = { 1, 1, 1 },
	[KESTREL_DMA_MEMORY_STRIDE1] = { 0, 400, 1 },
	[KESTREL_DMA_MEMORY_STRIDE2] = { 0, 2000, 1 },
	[KESTREL_DMA_MEMORY_STRIDE3] = { 0, 2000, 1 },
	[KESTREL_DMA_SRAM_STRIDE1] = { 0, 40, 16 },
	[KESTREL_DMA_SRAM_STRIDE2] = { 0, 40, 16 },
	[KESTREL_DMA_SRAM_STRIDE3] = { 0, 40, 16 },
	[KESTREL_DMA_RING_ROWS] = { 0, 8, 1 },
	[KESTREL_DMA_FIRST_ROW] = { 0, 8, 1 },
	[KESTREL_DMA_BRICK_STRIDE] = { 0, 20, 16 },
	[KESTREL_DMA_ELEMENT_BYTES] = { 1, 2, 1 },
	[KESTREL_DMA_FILL] = { 0, 256, 1 },
	[KESTREL_DMA_SOURCE_BYTES] = { 1, 500, 1 },
	[KESTREL_DMA_TABLE] = { 0, 4, 1 },
};

/* The registers of MAC and VECTOR that are not addresses, strides and small sizes. */
static struct range compute_range(uint32_t unit, uint32_t number)
{
	static const struct range address = { 0, 3000, 16 };
	static const struct range stride = { 0, 20, 16 };
	static const struct range small = { 1, 9, 1 };
	static const struct range any = { 0, 16, 1 };
	static const struct range flags = { 0, 8, 1 };
	static const struct range pixel = { 16, 2, 16 };
	bool mac = unit == KESTREL_UNIT_MAC;
	uint32_t k = number;

	if (mac ? k == KESTREL_MAC_IFM_ADDRESS || k == KESTREL_MAC_OFM_ADDRESS ||
		  k == KESTREL_MAC_WEIGHT_ADDRESS || k == KESTREL_MAC_RECORD_ADDRESS ||
		  k == KESTREL_MAC_SPILL_ADDRESS :
		  k == KESTREL_VECTOR_IFM_ADDRESS || k == KESTREL_VECTOR_IFM2_ADDRESS ||
		  k == KESTREL_VECTOR_OFM_ADDRESS || k == KESTREL_VECTOR_TABLE_ADDRESS)
		return address;
	if (mac ? k == KESTREL_MAC_IFM_PIXEL_STRIDE || k == KESTREL_MAC_OFM_PIXEL_STRIDE :
		  k == KESTREL_VECTOR_IFM_PIXEL_STRIDE || k == KESTREL_VECTOR_IFM2_PIXEL_STRIDE ||
		  k == KESTREL_VECTOR_OFM_PIXEL_STRIDE)
		return pixel;
	if (mac ? (k >= KESTREL_MAC_IFM_ROW_STRIDE && k <= KESTREL_MAC_IFM_PIXEL_STRIDE) ||
		  (k >= KESTREL_MAC_OFM_ROW_STRIDE && k <= KESTREL_MAC_OFM_PIXEL_STRIDE) ||
		  k == KESTREL_MAC_WEIGHT_BRICK_STRIDE :
		  (k >= KESTREL_VECTOR_IFM_ROW_STRIDE && k <= KESTREL_VECTOR_IFM_PIXEL_STRIDE) ||
		  (k >= KESTREL_VECTOR_IFM2_ROW_STRIDE && k <= KESTREL_VECTOR_IFM2_PIXEL_STRIDE) ||
		  (k >= KESTREL_VECTOR_OFM_ROW_STRIDE && k <= KESTREL_VECTOR_OFM_PIXEL_STRIDE))
		return stride;
	if (k == 1)
		return flags;
	/* Zigzag: a negative least value and a positive greatest one. */
	if (k == (mac ? KESTREL_MAC_CLAMP_MIN : KESTREL_VECTOR_CLAMP_MIN))
		return (struct range){ 1, 128, 2 };
	if (k == (mac ? KESTREL_MAC_CLAMP_MAX : KESTREL_VECTOR_CLAMP_MAX))
		return (struct range){ 0, 128, 2 };
	if (mac ? k == KESTREL_MAC_MODE || k == KESTREL_MAC_REQUANTISE :
		  k == KESTREL_VECTOR_REQUANTISE)
		return (struct range){ 0, 3, 1 };
	if (mac && (k == KESTREL_MAC_ACCUMULATE_FROM || k == KESTREL_MAC_ACCUMULATE_TO))
		return (struct range){ 0, 2, KESTREL_ACCUMULATE_SRAM };
	if (mac ? (k >= KESTREL_MAC_IFM_WIDTH && k <= KESTREL_MAC_IFM_CHANNELS) ||
		  (k >= KESTREL_MAC_KERNEL_WIDTH && k <= KESTREL_MAC_DILATION_Y) ||
		  (k >= KESTREL_MAC_OFM_WIDTH && k <= KESTREL_MAC_OFM_CHANNELS) :
		  k == KESTREL_VECTOR_IFM_WIDTH || k == KESTREL_VECTOR_IFM_HEIGHT ||
		  (k >= KESTREL_VECTOR_OFM_WIDTH && k <= KESTREL_VECTOR_OFM_CHANNELS) ||
		  (k >= KESTREL_VECTOR_KERNEL_WIDTH && k <= KESTREL_VECTOR_STRIDE_Y))
		return small;
	if (k == (mac ? KESTREL_MAC_DEPTH_MULTIPLIER : KESTREL_VECTOR_TABLE_ENTRIES))
		return (struct range){ 1, 1, 1 };
	if (!mac && k == KESTREL_VECTOR_OPERATION)
		return (struct range){ 0, KESTREL_VECTOR_MIN_POOL + 1, 1 };
	return any;
}

static uint32_t registers_of(uint32_t unit)
{
	return unit == KESTREL_UNIT_MAC ? KESTREL_MAC_REGISTER_COUNT :
	       unit == KESTREL_UNIT_VECTOR ? KESTREL_VECTOR_REGISTER_COUNT :
					     KESTREL_DMA_REGISTER_COUNT;
}

static uint32_t emit_set(uint64_t *state, uint8_t *bytes, uint32_t size, uint32_t unit)
{
	uint32_t number = random_below(state, registers_of(unit));
	struct range range = unit <= KESTREL_UNIT_DMA_OUT ? dma_range[number] :
							    compute_range(unit, number);
	/* A register that no range is known of takes small numbers. */
	uint32_t value = range.first +
			 (range.step ? range.step : 1) *
			 random_below(state, range.count ? range.count : 16);

	/* DMA_OUT has no decoder; most commands of DMA_IN need none either. */
	if (unit <= KESTREL_UNIT_DMA_OUT && number == KESTREL_DMA_MODE &&
	    (unit == KESTREL_UNIT_DMA_OUT || random_below(state, 4)))
		value %= KESTREL_DMA_BRICK + 1;
	if (!random_below(state, 200))
		value = random_value(state);
	bytes[size++] = (uint8_t)number;
	return emit_value(bytes, size, value);
}

/* Defines all of SRAM before any other unit may begin. */
static uint32_t emit_fill(uint8_t *bytes, uint32_t size)
{
	uint32_t unit;

	bytes[size++] = KESTREL_DMA_MODE;
	bytes[size++] = KESTREL_DMA_FILL_BYTES;
	bytes[size++] = KESTREL_DMA_FILL;
	bytes[size++] = 3;
	bytes[size++] = KESTREL_DMA_COUNT0;
	size = emit_value(bytes, size, 65536);
	bytes[size++] = KESTREL_ISA_EXECUTE;
	bytes[size++] = KESTREL_DMA_COUNT0;
	bytes[size++] = 64;
	for (unit = KESTREL_UNIT_DMA_OUT; unit < KESTREL_UNIT_COUNT; unit++)
		bytes[size++] = KESTREL_ISA_SIGNAL + 15;
	for (unit = KESTREL_UNIT_DMA_OUT; unit < KESTREL_UNIT_COUNT; unit++) {
		bytes[size++] = (uint8_t)(KESTREL_ISA_SELECT + unit);
		bytes[size++] = KESTREL_ISA_WAIT + 15;
	}
	return size;
}

/* A stream with sense in its records and some in its values. */
static uint32_t stream_random(uint64_t *state, uint8_t *bytes)
{
	uint32_t commands = 1 + random_below(state, 16);
	uint32_t size = emit_fill(bytes, 0);
	uint32_t i;

	while (commands--) {
		uint32_t unit = random_below(state, KESTREL_UNIT_COUNT);
		uint32_t sets = random_below(state, 30);

		bytes[size++] = (uint8_t)(KESTREL_ISA_SELECT + unit);
		for (i = 0; i < sets; i++)
			size = emit_set(state, bytes, size, unit);
		if (!random_below(state, 3))
			bytes[size++] = (uint8_t)(KESTREL_ISA_SIGNAL + random_below(state, 4));
		if (!random_below(state, 30))
			bytes[size++] = (uint8_t)(KESTREL_ISA_WAIT + random_below(state, 4));
		if (!random_below(state, 30)) {
			bytes[size++] = KESTREL_ISA_PREEMPT;
			bytes[size++] = !random_below(state, 20);
		} else {
			bytes[size++] = KESTREL_ISA_EXECUTE;
		}
	}
	/* Some damage, in a tenth of them. */
	if (!random_below(state, 10))
		bytes[random_below(state, size)] = (uint8_t)random_next(state);
	bytes[size++] = KESTREL_ISA_END;
	return size;
}

struct client {
	struct kestrel_simulator *simulator;
	struct kestrel_simulator_space *space;
	struct kestrel_simulator_queue *queue;
	uint8_t *commands;
	uint8_t *data;
	/* Mapped read-only, and not at all. */
	uint8_t *constant;
	uint8_t *foreign;
};

static int client_open(struct client *client, const char *settings)
{
	const struct kestrel_simulator_interface *s = simulator_table;
	struct kestrel_simulator_options options = { .target = "kestrel-64", .settings = settings };
	struct kestrel_simulator_buffer *buffer[4];
	char own[PATH_MAX / 2], path[PATH_MAX], error[256];
	ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);
	uint32_t i;

	if (length < 0)
		return -1;
	own[length] = '\0';
	*strrchr(own, '/') = '\0';
	snprintf(path, sizeof(path), "%s/../../firmware/kestrel_fw.bin", own);
	options.firmware_path = path;
	if (s->open(&options, &client->simulator, error, sizeof(error))) {
		printf("# %s\n", error);
		return -1;
	}
	for (i = 0; i < 4; i++)
		if (s->buffer_create(client->simulator, i ? DATA_BYTES : COMMAND_BYTES, &buffer[i]))
			return -1;
	if (s->space_create(client->simulator, &client->space) ||
	    s->map(client->space, buffer[0], 0, COMMAND_ADDRESS, COMMAND_BYTES,
		   KESTREL_SIMULATOR_MAP_EXECUTE) ||
	    s->map(client->space, buffer[1], 0, DATA_ADDRESS, DATA_BYTES,
		   KESTREL_SIMULATOR_MAP_READ | KESTREL_SIMULATOR_MAP_WRITE) ||
	    s->map(client->space, buffer[2], 0, DATA_ADDRESS + DATA_BYTES, DATA_BYTES,
		   KESTREL_SIMULATOR_MAP_READ) ||
	    s->queue_create(client->space, 1, TIMEOUT_CYCLES, &client->queue))
		return -1;
	client->commands = s->buffer_data(buffer[0]);
	client->data = s->buffer_data(buffer[1]);
	client->constant = s->buffer_data(buffer[2]);
	client->foreign = s->buffer_data(buffer[3]);
	memset(client->constant, 0x5a, DATA_BYTES);
	memset(client->foreign, 0xa5, DATA_BYTES);
	return 0;
}

static bool untouched(const uint8_t *bytes, uint8_t value)
{
	uint32_t i;

	for (i = 0; i < DATA_BYTES; i++)
		if (bytes[i] != value)
			return false;
	return true;
}

/* One stream; false when the simulator is of no more use. */
static bool fuzz_one(struct test *test, struct client *client, uint64_t seed, unsigned int *ended)
{
	const struct kestrel_simulator_interface *s = simulator_table;
	struct kestrel_simulator_job job = {
		.command_address = COMMAND_ADDRESS,
		.base_count = 3,
		/* The last base has nothing behind it. */
		.base = { { DATA_ADDRESS, DATA_BYTES }, { DATA_ADDRESS + DATA_BYTES, DATA_BYTES },
			  { DATA_ADDRESS + 16 * DATA_BYTES, UINT64_C(1) << 30 } },
	};
	struct kestrel_simulator_result result = { 0 };
	uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	uint64_t number;
	int error;

	job.command_size = stream_random(&state, client->commands);
	error = s->submit(client->queue, &job, &number);
	if (!error)
		error = s->wait(client->queue, number, 0, &result);
	if (error) {
		printf("# seed %llu: %s\n", (unsigned long long)seed,
		       s->last_error(client->simulator));
		test->failures++;
		return false;
	}
	CHECK(test, result.status <= KESTREL_SIMULATOR_JOB_TIMEOUT);
	if (result.status == KESTREL_SIMULATOR_JOB_FAULT)
		CHECK(test, result.fault_code && result.fault_unit <= KESTREL_UNIT_FRONT_END &&
			    result.fault_offset <= job.command_size);
	ended[result.status]++;
	if (result.status != KESTREL_SIMULATOR_JOB_DONE) {
		error = s->queue_destroy(client->queue);
		if (!error)
			error = s->queue_create(client->space, 1, TIMEOUT_CYCLES, &client->queue);
		EQUAL(test, error, 0);
	}
	return !error;
}

int main(int argc, char **argv)
{
	unsigned long streams = argc > 1 ? strtoul(argv[1], NULL, 0) : 600;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	static const char *const settings[] = { "sram=65536", "sram=65536,checked=on", "sram=69632,schedule=random:3" };
	struct test test = { 0 };
	unsigned int i;

	simulator_table = kestrel_simulator_interface(KESTREL_SIMULATOR_VERSION);
	for (i = 0; i < 3; i++) {
		unsigned int ended[3] = { 0 };
		struct client client = { 0 };
		unsigned long done = 0;

		if (client_open(&client, settings[i])) {
			printf("not ok - the simulator does not open\n");
			return 1;
		}
		while (done < streams / 3 && fuzz_one(&test, &client, seed++, ended))
			done++;
		CHECK(&test, untouched(client.constant, 0x5a));
		CHECK(&test, untouched(client.foreign, 0xa5));
		printf("# %s: %u done, %u faulted, %u timed out\n", settings[i], ended[0], ended[1],
		       ended[2]);
		simulator_table->close(client.simulator);
		test_group(&test, settings[i]);
	}
	return test.failures != 0;
}
