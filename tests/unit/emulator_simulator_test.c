// SPDX-License-Identifier: MIT
/*
 * Jobs through the simulator's table and the real firmware image: copies, faults,
 * time limits, containment, reproducibility; and that nothing runs without a
 * firmware that works.
 */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <kestrel/isa.h>
#include <kestrel/simulator.h>

#include "emulator_test.h"
#include "host.h"

#define COMMAND_ADDRESS UINT64_C(0x100000)
#define DATA_ADDRESS UINT64_C(0x200000)
#define DATA_BYTES 65536u
#define HALF (DATA_BYTES / 2)

static const struct kestrel_simulator_interface *simulator_table;

/* A command stream under construction. */
struct stream {
	uint8_t *bytes;
	uint32_t size;
};

static void emit(struct stream *stream, uint32_t byte)
{
	stream->bytes[stream->size++] = (uint8_t)byte;
}

static void emit_set(struct stream *stream, uint32_t number, uint32_t value)
{
	emit(stream, number);
	for (; value > 0x7f; value >>= 7)
		emit(stream, value | 0x80);
	emit(stream, value);
}

/* DMA_IN `bytes` from base 0 at `offset`, then DMA_OUT to HALF + offset. */
static void emit_copy(struct stream *stream, uint32_t offset, uint32_t bytes)
{
	emit(stream, KESTREL_ISA_SELECT + KESTREL_UNIT_DMA_IN);
	emit_set(stream, KESTREL_DMA_PORT, 1);
	emit_set(stream, KESTREL_DMA_OFFSET, offset);
	emit_set(stream, KESTREL_DMA_SRAM_ADDRESS, offset);
	emit_set(stream, KESTREL_DMA_COUNT0, bytes);
	emit(stream, KESTREL_ISA_EXECUTE);
	emit(stream, KESTREL_ISA_SIGNAL + 3);
	emit(stream, KESTREL_ISA_SELECT + KESTREL_UNIT_DMA_OUT);
	emit(stream, KESTREL_ISA_WAIT + 3);
	emit_set(stream, KESTREL_DMA_PORT, 1);
	emit_set(stream, KESTREL_DMA_OFFSET, HALF + offset);
	emit_set(stream, KESTREL_DMA_SRAM_ADDRESS, offset);
	emit_set(stream, KESTREL_DMA_COUNT0, bytes);
	emit(stream, KESTREL_ISA_EXECUTE);
}

struct client {
	struct kestrel_simulator_space *space;
	struct kestrel_simulator_buffer *commands;
	struct kestrel_simulator_buffer *data;
	struct kestrel_simulator_queue *queue;
	struct stream stream;
	uint8_t *bytes;
};

/* The path of an image beside this program's build. */
static const char *image_path(char *path, size_t size, const char *name)
{
	char own[PATH_MAX / 2];
	ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash;

	if (length < 0)
		return NULL;
	own[length] = '\0';
	slash = strrchr(own, '/');
	*slash = '\0';
	snprintf(path, size, "%s/../../firmware/%s", own, name);
	return path;
}

static struct kestrel_simulator *open_simulator(struct test *test, const char *target,
						const char *settings, const char *image,
						kestrel_simulator_trace_fn *trace, void *opaque)
{
	struct kestrel_simulator_options options = {
		.target = target, .settings = settings,
		.trace = trace, .trace_opaque = opaque,
	};
	struct kestrel_simulator *simulator = NULL;
	char path[PATH_MAX], error[256] = "";
	int result;

	options.firmware_path = image_path(path, sizeof(path), image);
	result = simulator_table->open(&options, &simulator, error, sizeof(error));
	EQUAL(test, result, 0);
	if (result)
		printf("# %s\n", error);
	return simulator;
}

static int client_open(struct kestrel_simulator *simulator, struct client *client,
		       uint64_t timeout)
{
	const struct kestrel_simulator_interface *s = simulator_table;
	uint32_t i;

	memset(client, 0, sizeof(*client));
	if (s->space_create(simulator, &client->space) ||
	    s->buffer_create(simulator, 4096, &client->commands) ||
	    s->buffer_create(simulator, DATA_BYTES, &client->data) ||
	    s->map(client->space, client->commands, 0, COMMAND_ADDRESS, 4096,
		   KESTREL_SIMULATOR_MAP_READ | KESTREL_SIMULATOR_MAP_EXECUTE) ||
	    s->map(client->space, client->data, 0, DATA_ADDRESS, DATA_BYTES,
		   KESTREL_SIMULATOR_MAP_READ | KESTREL_SIMULATOR_MAP_WRITE) ||
	    s->queue_create(client->space, 1, timeout, &client->queue)) {
		printf("# %s\n", s->last_error(simulator));
		return -1;
	}
	client->stream.bytes = s->buffer_data(client->commands);
	client->bytes = s->buffer_data(client->data);
	for (i = 0; i < HALF; i++)
		client->bytes[i] = (uint8_t)(i * 37 + (i >> 8));
	return 0;
}

static struct kestrel_simulator_job client_job(const struct client *client)
{
	struct kestrel_simulator_job job = {
		.command_address = COMMAND_ADDRESS,
		.command_size = client->stream.size,
		.base_count = 1,
		.base = { { DATA_ADDRESS, DATA_BYTES } },
		.user_tag = 99,
	};

	return job;
}

static struct kestrel_simulator_result client_run(struct test *test, struct client *client,
						  struct kestrel_simulator *simulator)
{
	const struct kestrel_simulator_interface *s = simulator_table;
	struct kestrel_simulator_job job = client_job(client);
	struct kestrel_simulator_result result = { 0 };
	uint64_t number = 0;
	int error;

	error = s->submit(client->queue, &job, &number);
	if (!error)
		error = s->wait(client->queue, number, 0, &result);
	EQUAL(test, error, 0);
	if (error)
		printf("# %s\n", s->last_error(simulator));
	return result;
}

static void test_copy(struct test *test, const char *target, const char *settings)
{
	struct kestrel_simulator *simulator =
		open_simulator(test, target, settings, "kestrel_fw.bin", NULL, NULL);
	struct kestrel_simulator_result result;
	struct kestrel_simulator_statistics statistics;
	struct client client;

	if (!simulator || client_open(simulator, &client, 0)) {
		test->failures++;
		simulator_table->close(simulator);
		return;
	}
	simulator_table->statistics_reset(simulator);
	emit_copy(&client.stream, 0, 5000);
	emit_copy(&client.stream, 8192, 100);
	emit(&client.stream, KESTREL_ISA_END);
	result = client_run(test, &client, simulator);
	EQUAL(test, result.status, KESTREL_SIMULATOR_JOB_DONE);
	EQUAL(test, result.user_tag, 99);
	CHECK(test, !memcmp(client.bytes, client.bytes + HALF, 5000));
	CHECK(test, client.bytes[HALF + 5000] == 0);
	CHECK(test, !memcmp(client.bytes + 8192, client.bytes + HALF + 8192, 100));
	simulator_table->statistics(simulator, &statistics);
	EQUAL(test, statistics.jobs, 1);
	EQUAL(test, statistics.cycles_total, result.cycles);
	EQUAL(test, statistics.sram_peak_bytes, 8292);
	CHECK(test, statistics.commands >= 4);
	CHECK(test, result.cycles > 0);
	simulator_table->close(simulator);
}

static void test_faults(struct test *test)
{
	const struct kestrel_simulator_interface *s = simulator_table;
	struct kestrel_simulator *simulator =
		open_simulator(test, NULL, NULL, "kestrel_fw.bin", NULL, NULL);
	struct kestrel_simulator_result result;
	struct client client, other;
	struct kestrel_simulator_job job;
	uint64_t number;

	if (!simulator || client_open(simulator, &client, 1000000) ||
	    client_open(simulator, &other, 0)) {
		test->failures++;
		s->close(simulator);
		return;
	}
	/* A wait that nobody ends; one job behind it, one of another client. */
	emit(&client.stream, KESTREL_ISA_WAIT + 1);
	emit(&client.stream, KESTREL_ISA_END);
	emit_copy(&other.stream, 0, 64);
	emit(&other.stream, KESTREL_ISA_END);
	job = client_job(&client);
	EQUAL(test, s->submit(client.queue, &job, &number), 0);
	EQUAL(test, s->submit(client.queue, &job, &number), 0);
	result = client_run(test, &other, simulator);
	EQUAL(test, result.status, KESTREL_SIMULATOR_JOB_DONE);
	CHECK(test, !memcmp(other.bytes, other.bytes + HALF, 64));
	EQUAL(test, s->wait(client.queue, 1, 0, &result), 0);
	EQUAL(test, result.status, KESTREL_SIMULATOR_JOB_TIMEOUT);
	CHECK(test, result.cycles >= 1000000 && result.cycles < 1100000);
	EQUAL(test, s->wait(client.queue, 2, 0, &result), 0);
	EQUAL(test, result.status, KESTREL_SIMULATOR_JOB_CANCELLED);
	EQUAL(test, s->wait(client.queue, 2, 0, &result), -EINVAL);
	EQUAL(test, s->submit(client.queue, &job, &number), -EIO);
	test_group(test, "an endless job ends by its time limit and hurts no other");

	EQUAL(test, s->queue_destroy(client.queue), 0);
	EQUAL(test, s->queue_create(client.space, 0, 0, &client.queue), 0);
	/* An address that only the other client has mapped. */
	EQUAL(test, s->unmap(client.space, DATA_ADDRESS, DATA_BYTES), 0);
	client.stream.size = 0;
	emit_copy(&client.stream, 0x1000, 16);
	emit(&client.stream, KESTREL_ISA_END);
	result = client_run(test, &client, simulator);
	EQUAL(test, result.status, KESTREL_SIMULATOR_JOB_FAULT);
	EQUAL(test, result.fault_code, KESTREL_FAULT_MMU);
	EQUAL(test, result.fault_unit, KESTREL_UNIT_DMA_IN);
	EQUAL(test, result.fault_address, DATA_ADDRESS + 0x1000);
	result = client_run(test, &other, simulator);
	EQUAL(test, result.status, KESTREL_SIMULATOR_JOB_DONE);
	test_group(test, "a foreign address faults with address and unit");

	EQUAL(test, s->queue_destroy(client.queue), 0);
	EQUAL(test, s->queue_create(client.space, 3, 0, &client.queue), 0);
	client.stream.size = 0;
	emit(&client.stream, 0xff);
	result = client_run(test, &client, simulator);
	EQUAL(test, result.status, KESTREL_SIMULATOR_JOB_FAULT);
	EQUAL(test, result.fault_code, KESTREL_FAULT_ILLEGAL_OPCODE);
	other.stream.size = 0;
	emit_copy(&other.stream, DATA_BYTES, 16);
	emit(&other.stream, KESTREL_ISA_END);
	result = client_run(test, &other, simulator);
	EQUAL(test, result.status, KESTREL_SIMULATOR_JOB_FAULT);
	EQUAL(test, result.fault_code, KESTREL_FAULT_BASE_RANGE);
	test_group(test, "wrong opcode, access outside the base");

	EQUAL(test, s->space_destroy(other.space), -EBUSY);
	EQUAL(test, s->queue_destroy(other.queue), 0);
	EQUAL(test, s->buffer_destroy(other.data), -EBUSY);
	EQUAL(test, s->map(other.space, other.data, 0, DATA_ADDRESS + 4096, 4096, 1), -EEXIST);
	EQUAL(test, s->map(other.space, other.data, 4096, 0, DATA_BYTES, 1), -EINVAL);
	EQUAL(test, s->map(other.space, other.data, 1, 0, 4096, 1), -EINVAL);
	EQUAL(test, s->map(other.space, other.data, 0, UINT64_MAX - 4095, 4096, 1), -EINVAL);
	EQUAL(test, s->map(other.space, other.data, 0, 0, 4096, 8), -EINVAL);
	EQUAL(test, s->unmap(other.space, 0, 4096), -ENOENT);
	EQUAL(test, s->space_destroy(other.space), 0);
	EQUAL(test, s->buffer_destroy(other.data), 0);
	EQUAL(test, s->buffer_destroy(other.commands), 0);
	EQUAL(test, s->queue_create(client.space, 4, 0, &other.queue), -EINVAL);
	test_group(test, "wrong calls are refused");
	s->close(simulator);
}

/* A long job that keeps one pattern in SRAM over many preemption points. */
static void emit_long_job(struct stream *stream, unsigned int rounds)
{
	unsigned int i;

	emit_set(stream, KESTREL_DMA_PORT, 1);
	emit_set(stream, KESTREL_DMA_COUNT0, 4096);
	emit(stream, KESTREL_ISA_EXECUTE);
	for (i = 0; i < rounds; i++) {
		emit(stream, KESTREL_ISA_PREEMPT);
		emit(stream, 1);
		emit(stream, 0);
		emit(stream, 0x80); /* 4096 */
		emit(stream, 0x20);
		emit_set(stream, KESTREL_DMA_MODE, KESTREL_DMA_FILL_BYTES);
		emit_set(stream, KESTREL_DMA_SRAM_ADDRESS, 4096);
		emit_set(stream, KESTREL_DMA_COUNT0, 320 * 1024);
		emit(stream, KESTREL_ISA_EXECUTE);
	}
	emit(stream, KESTREL_ISA_SIGNAL);
	emit(stream, KESTREL_ISA_SELECT + KESTREL_UNIT_DMA_OUT);
	emit(stream, KESTREL_ISA_WAIT);
	emit_set(stream, KESTREL_DMA_PORT, 1);
	emit_set(stream, KESTREL_DMA_OFFSET, HALF);
	emit_set(stream, KESTREL_DMA_COUNT0, 4096);
	emit(stream, KESTREL_ISA_EXECUTE);
	emit(stream, KESTREL_ISA_END);
}

static void test_preemption(struct test *test)
{
	const struct kestrel_simulator_interface *s = simulator_table;
	struct kestrel_simulator *simulator =
		open_simulator(test, NULL, NULL, "kestrel_fw.bin", NULL, NULL);
	struct kestrel_simulator_result result;
	struct kestrel_simulator_job job;
	struct client low, high;
	uint64_t first, second;
	unsigned int i;

	if (!simulator || client_open(simulator, &low, 0) || client_open(simulator, &high, 0) ||
	    s->queue_destroy(high.queue) || s->queue_create(high.space, 3, 0, &high.queue)) {
		test->failures++;
		s->close(simulator);
		return;
	}
	emit_long_job(&low.stream, 200);
	/* The other client's job writes over all that the first one has in SRAM. */
	emit_copy(&high.stream, 0, HALF);
	emit(&high.stream, KESTREL_ISA_END);
	for (i = 0; i < HALF; i++)
		high.bytes[i] = 0xee;

	job = client_job(&low);
	EQUAL(test, s->submit(low.queue, &job, &first), 0);
	EQUAL(test, s->wait(low.queue, first, 500000, &result), -ETIME);
	job = client_job(&high);
	EQUAL(test, s->submit(high.queue, &job, &second), 0);
	EQUAL(test, s->wait(high.queue, second, 0, &result), 0);
	EQUAL(test, result.status, KESTREL_SIMULATOR_JOB_DONE);
	CHECK(test, !memcmp(high.bytes, high.bytes + HALF, HALF));
	EQUAL(test, s->wait(low.queue, first, 1, &result), -ETIME);
	EQUAL(test, s->wait(low.queue, first, 0, &result), 0);
	EQUAL(test, result.status, KESTREL_SIMULATOR_JOB_DONE);
	CHECK(test, !memcmp(low.bytes, low.bytes + HALF, 4096));
	test_group(test, "a job of higher priority preempts, and what was live comes back");
	s->close(simulator);
}

/* A command with little memory and much work, of a shape that no kernel is made for. */
static void emit_large_command(struct stream *stream)
{
	emit(stream, KESTREL_ISA_SELECT + KESTREL_UNIT_MAC);
	emit_set(stream, KESTREL_MAC_FLAGS, KESTREL_MAC_FLAG_SCALE_PER_TENSOR);
	emit_set(stream, KESTREL_MAC_IFM_CHANNELS, 1024);
	emit_set(stream, KESTREL_MAC_IFM_WIDTH, 65536);
	emit_set(stream, KESTREL_MAC_STRIDE_X, 64);
	emit_set(stream, KESTREL_MAC_IFM_PIXEL_STRIDE, 0);
	emit_set(stream, KESTREL_MAC_OFM_CHANNELS, 16);
	emit_set(stream, KESTREL_MAC_OFM_WIDTH, 1024);
	emit_set(stream, KESTREL_MAC_OFM_ADDRESS, 131072);
	emit_set(stream, KESTREL_MAC_CLAMP_MIN, 255);
	emit_set(stream, KESTREL_MAC_CLAMP_MAX, 254);
	emit(stream, KESTREL_ISA_EXECUTE);
}

static void test_large_command(struct test *test)
{
	const struct kestrel_simulator_interface *s = simulator_table;
	struct kestrel_simulator *simulator =
		open_simulator(test, "kestrel-2048", NULL, "kestrel_fw.bin", NULL, NULL);
	unsigned int calls = 0, early = 0, invalidations = 0;
	struct kestrel_simulator_result result;
	struct kestrel_simulator_job job;
	struct client client;
	uint64_t number;

	if (!simulator || client_open(simulator, &client, 0)) {
		test->failures++;
		s->close(simulator);
		return;
	}
	emit_large_command(&client.stream);
	emit(&client.stream, KESTREL_ISA_END);
	job = client_job(&client);
	EQUAL(test, s->submit(client.queue, &job, &number), 0);
	while (kestrel_emulator_activity(simulator->emulator) == KESTREL_EMULATOR_BUSY &&
	       calls < 100000) {
		uint64_t before = kestrel_emulator_now(simulator->emulator);

		kestrel_emulator_advance(simulator->emulator, 20000);
		calls++;
		if (kestrel_emulator_now(simulator->emulator) - before == 20000)
			continue;
		/* The engine is in the middle of it: the rest of the device lives. */
		if (!early++)
			host_register_write(simulator, KESTREL_REG_INVALIDATE_START,
					    KESTREL_INVALIDATE_ALL);
		else if (early == 2)
			invalidations += !host_register_read(simulator,
							     KESTREL_REG_INVALIDATE_STATUS);
	}
	CHECK(test, early > 4);
	EQUAL(test, invalidations, 1);
	EQUAL(test, s->wait(client.queue, number, 0, &result), 0);
	EQUAL(test, result.status, KESTREL_SIMULATOR_JOB_DONE);
	test_group(test, "a command of much host time gives way to the rest of the device");
	s->close(simulator);
}

static void trace_count(void *opaque, const struct kestrel_simulator_trace_event *event)
{
	uint64_t *sum = opaque;

	*sum = *sum * 31 + event->start_cycle + event->end_cycle * 3 + event->unit +
	       (event->name ? (uint64_t)event->name[0] : 1000) + 1;
}

/* All that a run shows, folded into a number. */
static uint64_t fingerprint(struct test *test, const char *settings)
{
	struct kestrel_simulator_statistics statistics = { 0 };
	uint64_t sum = 0;
	struct kestrel_simulator *simulator =
		open_simulator(test, "kestrel-512", settings, "kestrel_fw.bin", trace_count, &sum);
	struct kestrel_simulator_result result;
	const uint8_t *bytes = (const uint8_t *)&statistics;
	struct client client;
	size_t i;

	if (simulator && !client_open(simulator, &client, 0)) {
		emit_copy(&client.stream, 0, 20000);
		emit_copy(&client.stream, 20480, 3000);
		emit(&client.stream, KESTREL_ISA_END);
		result = client_run(test, &client, simulator);
		EQUAL(test, result.status, KESTREL_SIMULATOR_JOB_DONE);
		CHECK(test, !memcmp(client.bytes, client.bytes + HALF, 20000));
		simulator_table->statistics(simulator, &statistics);
	}
	CHECK(test, sum != 0);
	for (i = 0; i < sizeof(statistics); i++)
		sum = sum * 31 + bytes[i];
	simulator_table->close(simulator);
	return sum;
}

static void test_images(struct test *test)
{
	const struct kestrel_simulator_interface *s = simulator_table;
	struct kestrel_simulator_options options = { .target = "kestrel-256" };
	struct kestrel_simulator_result result;
	struct kestrel_simulator *simulator;
	char path[PATH_MAX], copy[] = "/tmp/kestrel-image-XXXXXX", error[256];
	struct kestrel_simulator_job job;
	struct client client;
	uint8_t image[0x40000];
	uint64_t number = 0;
	size_t size;
	FILE *file;
	int descriptor;

	options.firmware_path = image_path(path, sizeof(path), "no-such-image.bin");
	EQUAL(test, s->open(&options, &simulator, error, sizeof(error)), -ENOENT);
	CHECK(test, !simulator && strstr(error, "no-such-image"));
	options.target = "kestrel-3";
	EQUAL(test, s->open(&options, &simulator, error, sizeof(error)), -EINVAL);
	options.target = NULL;
	options.settings = "sram=1";
	EQUAL(test, s->open(&options, &simulator, error, sizeof(error)), -EINVAL);
	CHECK(test, strstr(error, "sram=1"));
	options.settings = NULL;
	CHECK(test, !kestrel_simulator_interface(KESTREL_SIMULATOR_VERSION + 1));

	/* One bit of the code is wrong. */
	file = fopen(image_path(path, sizeof(path), "kestrel_fw.bin"), "rb");
	size = file ? fread(image, 1, sizeof(image), file) : 0;
	if (file)
		fclose(file);
	CHECK(test, size > 4096);
	image[size / 2] ^= 4;
	descriptor = mkstemp(copy);
	CHECK(test, descriptor >= 0 && write(descriptor, image, size) == (ssize_t)size);
	options.firmware_path = copy;
	EQUAL(test, s->open(&options, &simulator, error, sizeof(error)), -EINVAL);
	CHECK(test, strstr(error, "SHA-256"));
	CHECK(test, !truncate(copy, 100));
	EQUAL(test, s->open(&options, &simulator, error, sizeof(error)), -EINVAL);
	close(descriptor);
	unlink(copy);
	test_group(test, "missing, damaged and truncated images are named");

	/* The same image but for one function, which returns at once. */
	simulator = open_simulator(test, NULL, NULL, "kestrel_fw_without_engine_start.bin", NULL,
				   NULL);
	if (!simulator || client_open(simulator, &client, 0)) {
		test->failures++;
		s->close(simulator);
		return;
	}
	emit_copy(&client.stream, 0, 64);
	emit(&client.stream, KESTREL_ISA_END);
	job = client_job(&client);
	EQUAL(test, s->submit(client.queue, &job, &number), 0);
	CHECK(test, s->wait(client.queue, number, 100000000, &result) < 0 ||
		    result.status != KESTREL_SIMULATOR_JOB_DONE);
	CHECK(test, memcmp(client.bytes, client.bytes + HALF, 64));
	test_group(test, "nothing runs when one firmware function does nothing");
	s->close(simulator);
}

int main(void)
{
	struct test test = { 0 };
	uint64_t first;
	unsigned int i;

	simulator_table = kestrel_simulator_interface(KESTREL_SIMULATOR_VERSION);
	for (i = 0; kestrel_configuration_name(i); i++)
		test_copy(&test, kestrel_configuration_name(i), "checked=on");
	test_group(&test, "copies through firmware, MMU and SRAM on every configuration");
	test_copy(&test, "kestrel-256", "page=2097152,sram=65536");
	test_group(&test, "2 MiB pages, small SRAM");
	test_faults(&test);
	test_preemption(&test);
	test_large_command(&test);

	first = fingerprint(&test, NULL);
	EQUAL(&test, fingerprint(&test, NULL), first);
	EQUAL(&test, fingerprint(&test, "schedule=random:5"),
	      fingerprint(&test, "schedule=random:5"));
	CHECK(&test, fingerprint(&test, "schedule=random:5") != first);
	test_group(&test, "same call, same cycles, same statistics");
	test_images(&test);
	return test.failures != 0;
}
