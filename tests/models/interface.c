// SPDX-License-Identifier: MIT
/*
 * libnpu's interface on a real or simulated NPU: buffers used in place, runs in
 * the background, several jobs and devices at once, dma-bufs, damaged command
 * streams, and nothing left behind.
 *
 * usage: interface_test GRAPH INPUT EXPECTED DEVICE
 *
 * GRAPH has one input and one output and a stream for DEVICE; INPUT and
 * EXPECTED hold its first vectors. Prints a line for each check.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kestrel/graph.h>
#include <npu.h>

#include "sha256.h"

static int failures;

static void result(const char *name, int good, const char *message)
{
	printf("%s - %s\n", good ? "ok" : "not ok", name);
	if (!good && message && *message)
		printf("# %s\n", message);
	failures += !good;
}

struct file {
	uint8_t *data;
	size_t size;
};

static struct file file_read(const char *path)
{
	struct file file = { NULL, 0 };
	FILE *stream = fopen(path, "rb");
	long size;

	if (!stream || fseek(stream, 0, SEEK_END) || (size = ftell(stream)) < 0 ||
	    fseek(stream, 0, SEEK_SET)) {
		fprintf(stderr, "interface_test: %s cannot be read\n", path);
		exit(2);
	}
	file.size = (size_t)size;
	file.data = aligned_alloc(64, (file.size + 64) / 64 * 64);
	if (!file.data || fread(file.data, 1, file.size, stream) != file.size)
		exit(2);
	fclose(stream);
	return file;
}

struct bench {
	struct npu_device *device;
	struct npu_model *model;
	const char *device_name;
	struct file graph;
	struct file input;
	struct file expected;
	size_t input_bytes;
	size_t output_bytes;
	size_t vectors;
};

static const uint8_t *input_vector(const struct bench *bench, size_t i)
{
	return bench->input.data + i % bench->vectors * bench->input_bytes;
}

static int output_is(const struct bench *bench, size_t i, const void *data)
{
	return !memcmp(bench->expected.data + i % bench->vectors * bench->output_bytes, data,
		       bench->output_bytes);
}

/* Input and output in one buffer, `shift` bytes off where the device likes them. */
static int buffer_run(const struct bench *bench, struct npu_job *job, struct npu_buffer *buffer,
		      size_t shift, size_t i)
{
	size_t output = 4096 + shift;
	uint8_t *data = npu_buffer_data(buffer);

	return !npu_job_bind(job, NPU_INPUT, 0, buffer, output + bench->output_bytes + 4096) &&
	       !npu_job_bind(job, NPU_OUTPUT, 0, buffer, output) &&
	       !npu_buffer_begin(buffer, NPU_WRITE, -1) &&
	       memset(data + output, 0x5a, bench->output_bytes) &&
	       memcpy(data + output + bench->output_bytes + 4096, input_vector(bench, i),
		      bench->input_bytes) &&
	       !npu_buffer_end(buffer, NPU_WRITE) && !npu_job_run(job) &&
	       !npu_buffer_begin(buffer, NPU_READ, -1) &&
	       output_is(bench, i, data + output) && !npu_buffer_end(buffer, NPU_READ);
}

static size_t buffer_bytes(const struct bench *bench)
{
	return 3 * 4096 + bench->input_bytes + bench->output_bytes;
}

/* With output_bytes a multiple of 64 or not, one of the shifts is direct, others copy. */
static void test_buffers(const struct bench *bench)
{
	static const size_t shifts[] = { 0, 64, 16, 1, 63 };
	struct npu_buffer *buffer;
	struct npu_job *job;
	int good = 1;

	if (npu_buffer_alloc(bench->device, buffer_bytes(bench), &buffer) ||
	    npu_job_new(bench->model, &job)) {
		result("buffers", 0, npu_errmsg(bench->device));
		return;
	}
	for (size_t i = 0; i < 5 * bench->vectors && i < 100; i++)
		good &= buffer_run(bench, job, buffer, shifts[i % 5], i);
	result("a job works in buffers at any offset", good, npu_job_errmsg(job));
	npu_job_free(job);
	npu_buffer_free(buffer);
}

/* Tensors page by page, so that the NPU reads and writes the buffers themselves. */
static void test_direct(const struct bench *bench)
{
	struct npu_buffer *input, *output;
	struct npu_job *job;
	int good = 1;

	if (npu_buffer_alloc(bench->device, bench->input_bytes, &input) ||
	    npu_buffer_alloc(bench->device, bench->output_bytes, &output) ||
	    npu_job_new(bench->model, &job)) {
		result("buffers in place", 0, npu_errmsg(bench->device));
		return;
	}
	good &= !npu_job_bind(job, NPU_INPUT, 0, input, 0) &&
		!npu_job_bind(job, NPU_OUTPUT, 0, output, 0);
	for (size_t i = 0; i < 20; i++) {
		good &= !npu_buffer_begin(input, NPU_WRITE, -1);
		memcpy(npu_buffer_data(input), input_vector(bench, i), bench->input_bytes);
		good &= !npu_buffer_end(input, NPU_WRITE) && !npu_job_run(job) &&
			!npu_buffer_begin(output, NPU_READ, -1) &&
			output_is(bench, i, npu_buffer_data(output)) &&
			!npu_buffer_end(output, NPU_READ);
	}
	result("a job reads and writes buffers in place", good, npu_job_errmsg(job));
	npu_job_free(job);
	npu_buffer_free(input);
	npu_buffer_free(output);
}

/* Runs on memory of this program's, which is handed over `shift` bytes off a page. */
static int wrapped_run(const struct bench *bench, struct npu_job *job, size_t shift, int *in_place)
{
	size_t input_bytes = (bench->input_bytes + 63) / 64 * 64;
	size_t output_bytes = (bench->output_bytes + 63) / 64 * 64;
	size_t bytes = (shift + input_bytes + output_bytes + 64 + 4095) / 4096 * 4096;
	uint8_t *memory = aligned_alloc(4096, bytes);
	uint8_t *output = memory + shift + input_bytes;
	struct npu_buffer *in = NULL, *out = NULL;
	int good;

	if (!memory)
		return 0;
	memset(memory, 0xc7, bytes);
	good = !npu_buffer_wrap(bench->device, memory + shift, input_bytes, NPU_READ, &in) &&
	       !npu_buffer_wrap(bench->device, output, output_bytes, NPU_READ | NPU_WRITE, &out) &&
	       npu_buffer_data(in) == memory + shift && npu_buffer_size(out) == output_bytes &&
	       npu_job_bind(job, NPU_OUTPUT, 0, in, 0) == -EACCES &&
	       npu_buffer_export(out, &(int){ -1 }) == -ENOTSUP &&
	       !npu_job_bind(job, NPU_INPUT, 0, in, 0) && !npu_job_bind(job, NPU_OUTPUT, 0, out, 0);
	*in_place = good && npu_buffer_in_place(in) && npu_buffer_in_place(out);
	for (size_t i = 0; good && i < 20; i++) {
		good = !npu_buffer_begin(in, NPU_WRITE, -1);
		memcpy(memory + shift, input_vector(bench, i), bench->input_bytes);
		good = good && !npu_buffer_end(in, NPU_WRITE) && !npu_job_run(job) &&
		       !npu_buffer_begin(out, NPU_READ, -1) && output_is(bench, i, output) &&
		       !npu_buffer_end(out, NPU_READ);
	}
	/* Not a byte beside it. */
	for (size_t i = 0; good && i < shift; i++)
		good = memory[i] == 0xc7;
	for (size_t i = shift + input_bytes + output_bytes; good && i < bytes; i++)
		good = memory[i] == 0xc7;
	npu_buffer_free(in);
	npu_buffer_free(out);
	free(memory);
	return good;
}

static void test_wrapped(const struct bench *bench)
{
	static const size_t shifts[] = { 0, 64, 16, 1 };
	struct npu_capabilities capabilities = { .size = sizeof(capabilities) };
	struct npu_buffer *buffer;
	struct npu_job *job;
	int good = 1, in_place = 0, all_in_place = 1;

	npu_capabilities(bench->device, &capabilities);
	if (npu_job_new(bench->model, &job)) {
		result("memory of the program's", 0, npu_errmsg(bench->device));
		return;
	}
	for (size_t i = 0; i < sizeof(shifts) / sizeof(shifts[0]); i++) {
		good &= wrapped_run(bench, job, shifts[i], &in_place);
		all_in_place &= in_place;
	}
	result("a job works on memory of the program's", good, npu_job_errmsg(job));
	result("the kernel's device takes it in place, others copy",
	       all_in_place == (capabilities.kind == NPU_DEVICE_KERNEL), NULL);
	result("wrapping nothing is refused",
	       npu_buffer_wrap(bench->device, NULL, 64, NPU_READ, &buffer) == -EINVAL &&
	       npu_buffer_wrap(bench->device, &good, 0, NPU_READ, &buffer) == -EINVAL &&
	       npu_buffer_wrap(bench->device, &good, 4, 0, &buffer) == -EINVAL, NULL);
	npu_job_free(job);
}

/* What one device writes into a dma-buf another one sees. */
static void test_dmabuf(const struct bench *bench)
{
	struct npu_device *other;
	struct npu_buffer *output, *imported;
	struct npu_job *job;
	int fd = -1, ret, good;

	if (npu_buffer_alloc(bench->device, bench->output_bytes, &output) ||
	    npu_job_new(bench->model, &job)) {
		result("dma-buf", 0, npu_errmsg(bench->device));
		return;
	}
	ret = npu_buffer_export(output, &fd);
	if (ret == -ENOTSUP) {
		struct npu_capabilities capabilities = { .size = sizeof(capabilities) };

		npu_capabilities(bench->device, &capabilities);
		result("only a kernel device must export",
		       capabilities.kind != NPU_DEVICE_KERNEL, npu_errmsg(bench->device));
	} else {
		good = !ret && !npu_open(bench->device_name, &other) &&
		       !npu_buffer_import(other, fd, &imported);
		good = good && !npu_job_bind_memory(job, NPU_INPUT, 0, bench->input.data) &&
		       !npu_job_bind(job, NPU_OUTPUT, 0, output, 0) && !npu_job_run(job) &&
		       !npu_buffer_begin(imported, NPU_READ, -1) &&
		       output_is(bench, 0, npu_buffer_data(imported));
		result("another client sees the output through a dma-buf", good,
		       npu_errmsg(bench->device));
		npu_buffer_free(imported);
		npu_close(other);
		close(fd);
	}
	npu_job_free(job);
	npu_buffer_free(output);
}

static void test_submit(const struct bench *bench)
{
	uint8_t *output = malloc(bench->output_bytes);
	struct npu_job *job;
	int event = -1, good = 1;

	if (!output || npu_job_new(bench->model, &job)) {
		result("submit", 0, npu_errmsg(bench->device));
		return;
	}
	for (size_t i = 0; i < 20; i++) {
		struct pollfd descriptor = { .events = POLLIN };

		good &= !npu_job_bind_memory(job, NPU_INPUT, 0,
					     (void *)(uintptr_t)input_vector(bench, i)) &&
			!npu_job_bind_memory(job, NPU_OUTPUT, 0, output) &&
			!npu_job_submit(job, -1, &event);
		descriptor.fd = event;
		good &= poll(&descriptor, 1, 60000) == 1 && !npu_job_wait(job, 0) &&
			output_is(bench, i, output);
	}
	result("jobs run in the background", good, npu_job_errmsg(job));
	npu_job_free(job);
	free(output);
}

static void *thread_run(void *opaque)
{
	const struct bench *bench = opaque;
	uint8_t *output = malloc(bench->output_bytes);
	uintptr_t wrong = 0;
	struct npu_job *job;

	if (!output || npu_job_new(bench->model, &job))
		return (void *)1;
	for (size_t i = 0; i < 20; i++)
		wrong += npu_job_bind_memory(job, NPU_INPUT, 0,
					     (void *)(uintptr_t)input_vector(bench, i)) ||
			 npu_job_bind_memory(job, NPU_OUTPUT, 0, output) || npu_job_run(job) ||
			 !output_is(bench, i, output);
	npu_job_free(job);
	free(output);
	return (void *)wrong;
}

static void test_threads(struct bench *bench)
{
	struct bench other = *bench;
	pthread_t threads[4];
	int good = 1;

	good &= !npu_open(bench->device_name, &other.device) &&
		!npu_model_load(other.device, bench->graph.data, bench->graph.size, &other.model);
	if (good) {
		for (int i = 0; i < 4; i++)
			pthread_create(&threads[i], NULL, thread_run, i % 2 ? &other : bench);
		for (int i = 0; i < 4; i++) {
			void *wrong;

			pthread_join(threads[i], &wrong);
			good &= !wrong;
		}
	}
	result("four threads on two clients", good, npu_errmsg(other.device));
	npu_model_free(other.model);
	npu_close(other.device);
}

/* Gives a section and the table new hashes after a change. */
static void rehash(uint8_t *file, uint32_t type, size_t offset, uint8_t value)
{
	struct kestrel_graph_header *header = (void *)file;
	struct kestrel_graph_section *sections = (void *)(file + header->header_size);

	for (uint32_t i = 0; i < header->section_count; i++) {
		if (sections[i].type != type)
			continue;
		file[sections[i].offset + offset % sections[i].size] = value;
		sha256(file + sections[i].offset, sections[i].size, sections[i].hash);
	}
	sha256(sections, header->section_count * sizeof(*sections), header->table_hash);
}

/*
 * Command streams with one byte changed: whatever the engine makes of them,
 * the library says what went wrong or gives an output, and the next good job
 * is right.
 */
static void test_damage(const struct bench *bench)
{
	uint8_t *copy = aligned_alloc(64, (bench->graph.size + 64) / 64 * 64);
	uint8_t *output = malloc(bench->output_bytes);
	const void *inputs[] = { bench->input.data };
	void *outputs[] = { output };
	int refused = 0, told = 1, recovered = 1;

	for (size_t i = 0; i < 24; i++) {
		struct npu_model *model;

		memcpy(copy, bench->graph.data, bench->graph.size);
		rehash(copy, KESTREL_GRAPH_SECTION_STREAM_COMMANDS, i * 13, 0xee);
		if (npu_model_load(bench->device, copy, bench->graph.size, &model)) {
			told = 0;
			continue;
		}
		if (npu_run(model, inputs, outputs)) {
			refused++;
			told &= strstr(npu_errmsg(bench->device), "segment 0") != NULL;
		}
		npu_model_free(model);
		recovered &= !npu_run(bench->model, inputs, outputs) &&
			     output_is(bench, 0, output);
	}
	result("damaged command streams are refused with the place", refused > 8 && told,
	       npu_errmsg(bench->device));
	result("the next good job is right", recovered, npu_errmsg(bench->device));
	free(copy);
	free(output);
}

static int descriptor_count(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	while (directory && readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static void test_leaks(const struct bench *bench)
{
	uint8_t *output = malloc(bench->output_bytes);
	const void *inputs[] = { bench->input.data };
	void *outputs[] = { output };
	int before = descriptor_count();
	int good = 1;

	for (int i = 0; i < 20; i++) {
		struct npu_device *device;
		struct npu_model *model = NULL;

		good &= !npu_open(bench->device_name, &device) &&
			!npu_model_load(device, bench->graph.data, bench->graph.size, &model) &&
			!npu_run(model, inputs, outputs) && output_is(bench, 0, output);
		npu_model_free(model);
		npu_close(device);
	}
	result("twenty clients come and go", good, NULL);
	result("no descriptor is left open", descriptor_count() == before, NULL);
	free(output);
}

static void test_all(struct bench *bench, const struct npu_model_info *info)
{
	struct npu_tensor tensor = { .size = sizeof(tensor) };

	result("the graph runs on the NPU", info->segment_count > 0, info->reason);
	npu_tensor(bench->model, NPU_INPUT, 0, &tensor);
	bench->input_bytes = tensor.bytes;
	npu_tensor(bench->model, NPU_OUTPUT, 0, &tensor);
	bench->output_bytes = tensor.bytes;
	bench->vectors = bench->input.size / bench->input_bytes;
	if (!bench->vectors || bench->expected.size / bench->output_bytes < bench->vectors) {
		result("the files hold vectors of the model", 0, NULL);
		return;
	}
	test_buffers(bench);
	test_direct(bench);
	test_wrapped(bench);
	test_dmabuf(bench);
	test_submit(bench);
	test_threads(bench);
	test_damage(bench);
	test_leaks(bench);
}

int main(int argc, char **argv)
{
	struct npu_model_info info = { .size = sizeof(info) };
	struct bench bench = { .device = NULL };

	if (argc != 5) {
		fprintf(stderr, "usage: interface_test GRAPH INPUT EXPECTED DEVICE\n");
		return 2;
	}
	bench.graph = file_read(argv[1]);
	bench.input = file_read(argv[2]);
	bench.expected = file_read(argv[3]);
	bench.device_name = argv[4];
	if (npu_open(bench.device_name, &bench.device) ||
	    npu_model_load(bench.device, bench.graph.data, bench.graph.size, &bench.model) ||
	    npu_model_info(bench.model, &info)) {
		result("open", 0, npu_errmsg(bench.device));
	} else {
		test_all(&bench, &info);
	}
	npu_model_free(bench.model);
	npu_close(bench.device);
	free(bench.graph.data);
	free(bench.input.data);
	free(bench.expected.data);
	return failures != 0;
}
