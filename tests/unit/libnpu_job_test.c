// SPDX-License-Identifier: MIT
/* The library's interface on the processor: load, bind, run, submit, observe, state. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <npu.h>

#include "libnpu_test.h"

#define BYTES 64

/*
 * output 0 = table(input), output 1 = the state's value before this run; the
 * state then becomes the input. The table adds 1.
 */
static uint8_t *sample(size_t *size)
{
	struct test_graph graph;
	struct kestrel_graph_operator *operator;
	uint8_t initial[BYTES];
	uint8_t table[256];
	uint32_t input, looked_up, state, before;
	uint8_t *file;

	test_graph_begin(&graph);
	input = test_tensor(&graph, "input", 1, BYTES, 0, 0);
	looked_up = test_tensor(&graph, "plus one", 1, BYTES, 0, 0);
	state = test_tensor(&graph, "state", 1, BYTES, 0, 0);
	before = test_tensor(&graph, "state before", 1, BYTES, 0, 0);
	for (int i = 0; i < 256; i++)
		table[i] = (uint8_t)(i + 1);
	memset(initial, 7, sizeof(initial));
	test_constant(&graph, state, initial, sizeof(initial));
	graph.tensors[state].storage = KESTREL_GRAPH_STORAGE_STATE;
	operator = test_operator(&graph, KESTREL_GRAPH_TABLE, input, KESTREL_GRAPH_NONE,
				 KESTREL_GRAPH_NONE, looked_up);
	operator->attributes.table.table = test_parameters(&graph, table, sizeof(table));
	test_operator(&graph, KESTREL_GRAPH_COPY, state, KESTREL_GRAPH_NONE,
		      KESTREL_GRAPH_NONE, before);
	test_operator(&graph, KESTREL_GRAPH_COPY, input, KESTREL_GRAPH_NONE,
		      KESTREL_GRAPH_NONE, state);
	graph.inputs[graph.input_count++] = input;
	graph.outputs[graph.output_count++] = looked_up;
	graph.outputs[graph.output_count++] = before;
	file = test_graph_write(&graph, size);
	return file;
}

static int all_are(const uint8_t *data, uint8_t value)
{
	for (size_t i = 0; i < BYTES; i++)
		if (data[i] != value)
			return 0;
	return 1;
}

static void test_run(struct npu_model *model)
{
	uint8_t input[BYTES], plus[BYTES], before[BYTES];
	const void *inputs[] = { input };
	void *outputs[] = { plus, before };
	int good = 1;

	memset(input, 255, sizeof(input));
	good &= !npu_run(model, inputs, outputs) && all_are(plus, 0) && all_are(before, 7);
	memset(input, 41, sizeof(input));
	good &= !npu_run(model, inputs, outputs) && all_are(plus, 42) && all_are(before, 255);
	test_result("npu_run gives outputs and keeps state", good);
}

static void observe(void *opaque, const struct npu_observation *observation)
{
	int *sum = opaque;

	*sum += (int)observation->source_operator + 1;
	*sum += observation->tensor.bytes == BYTES && observation->data ? 100 : 0;
}

static void test_job(struct npu_model *model)
{
	/* One byte off: nothing may depend on the caller's alignment. */
	uint8_t memory[3 * BYTES + 1];
	uint8_t *input = memory + 1, *plus = input + BYTES, *before = plus + BYTES;
	struct npu_job_stats stats = { .size = sizeof(stats) };
	struct npu_job *job;
	int seen = 0, good;

	test_result("a job can be made", !npu_job_new(model, &job));
	test_result("an unbound tensor is named", npu_job_run(job) == -EINVAL &&
		    strstr(npu_job_errmsg(job), "input 0"));
	test_result("a tensor that is not there cannot be bound",
		    npu_job_bind_memory(job, NPU_OUTPUT, 2, plus) == -ERANGE &&
		    npu_job_bind_memory(job, NPU_INPUT, 0, NULL) == -EINVAL);
	good = !npu_job_bind_memory(job, NPU_INPUT, 0, input) &&
	       !npu_job_bind_memory(job, NPU_OUTPUT, 0, plus) &&
	       !npu_job_bind_memory(job, NPU_OUTPUT, 1, before);
	memset(input, 9, BYTES);
	good &= !npu_job_run(job) && all_are(plus, 10) && all_are(before, 7);
	test_result("two jobs of a model have states of their own", good);
	npu_job_observe(job, observe, &seen);
	good = !npu_job_reset(job) && !npu_job_run(job) && all_are(before, 7);
	test_result("reset brings the first state back", good);
	test_result("each operator's output can be observed", seen == 1 + 2 + 3 + 300);
	npu_job_observe(job, NULL, NULL);
	good = !npu_job_stats(job, &stats) && stats.runs == 2 && !stats.npu_jobs;
	test_result("statistics count the runs", good);
	npu_job_free(job);
}

static void test_submit(struct npu_model *model)
{
	uint8_t input[BYTES], plus[BYTES], before[BYTES];
	int gate = eventfd(0, EFD_CLOEXEC);
	uint64_t one = 1;
	struct npu_job *job;
	int event = -1, good;

	npu_job_new(model, &job);
	npu_job_bind_memory(job, NPU_INPUT, 0, input);
	npu_job_bind_memory(job, NPU_OUTPUT, 0, plus);
	npu_job_bind_memory(job, NPU_OUTPUT, 1, before);
	memset(input, 1, sizeof(input));
	test_result("nothing submitted, nothing to wait for", npu_job_wait(job, 0) == -EINVAL);
	good = !npu_job_submit(job, gate, &event) && event >= 0;
	test_result("a job can be submitted", good);
	test_result("it waits for the descriptor it was given",
		    npu_job_wait(job, 20000000) == -ETIME);
	test_result("a job under way takes no second one",
		    npu_job_submit(job, -1, NULL) == -EBUSY && npu_job_run(job) == -EBUSY &&
		    npu_job_reset(job) == -EBUSY &&
		    npu_job_bind_memory(job, NPU_INPUT, 0, input) == -EBUSY);
	good = write(gate, &one, sizeof(one)) == sizeof(one);
	good &= poll(&(struct pollfd){ .fd = event, .events = POLLIN }, 1, 10000) == 1;
	test_result("the eventfd tells the end", good);
	test_result("wait gives the result", !npu_job_wait(job, -1) && all_are(plus, 2));
	good = 1;
	for (int i = 0; i < 200; i++) {
		memset(input, i, sizeof(input));
		good &= !npu_job_submit(job, -1, NULL) && !npu_job_wait(job, -1) &&
			all_are(plus, (uint8_t)(i + 1));
	}
	test_result("200 jobs in the background", good);
	memset(input, 99, sizeof(input));
	npu_job_submit(job, -1, NULL);
	npu_job_free(job);
	test_result("freeing a submitted job waits for it", all_are(plus, 100));
	close(gate);
}

static void test_buffers(struct npu_device *device, struct npu_model *model)
{
	struct npu_buffer *buffer, *imported;
	struct npu_job *job;
	int fd = memfd_create("buffer", MFD_CLOEXEC);
	int dmabuf, good;
	uint8_t *data;

	test_result("a buffer of no bytes is refused",
		    npu_buffer_alloc(device, 0, &buffer) == -EINVAL && !buffer);
	good = !npu_buffer_alloc(device, 3 * BYTES, &buffer) &&
	       npu_buffer_size(buffer) == 3 * BYTES;
	data = npu_buffer_data(buffer);
	test_result("a buffer is zeroed", good && all_are(data, 0));
	npu_job_new(model, &job);
	test_result("a binding must fit the buffer",
		    npu_job_bind(job, NPU_OUTPUT, 0, buffer, 2 * BYTES + 1) == -ERANGE);
	npu_job_bind(job, NPU_INPUT, 0, buffer, 0);
	npu_job_bind(job, NPU_OUTPUT, 0, buffer, BYTES);
	npu_job_bind(job, NPU_OUTPUT, 1, buffer, 2 * BYTES);
	good = !npu_buffer_begin(buffer, NPU_WRITE, -1);
	memset(data, 3, BYTES);
	good &= !npu_buffer_end(buffer, NPU_WRITE) && !npu_job_run(job) &&
		!npu_buffer_begin(buffer, NPU_READ, -1) && all_are(data + BYTES, 4) &&
		all_are(data + 2 * BYTES, 7);
	test_result("a job runs in buffers", good);
	test_result("access must be read or write", npu_buffer_begin(buffer, 4, -1) == -EINVAL);
	test_result("the processor has no dma-bufs",
		    npu_buffer_export(buffer, &dmabuf) == -ENOTSUP);
	npu_job_free(job);
	npu_buffer_free(buffer);
	test_result("an empty descriptor cannot be imported",
		    npu_buffer_import(device, fd, &imported) == -EINVAL);
	good = !ftruncate(fd, 4096) && !npu_buffer_import(device, fd, &imported);
	test_result("memory of a descriptor can be imported",
		    good && npu_buffer_size(imported) == 4096);
	npu_buffer_free(imported);
	close(fd);
}

static void test_description(struct npu_model *model)
{
	struct npu_model_info info = { .size = sizeof(info) };
	struct npu_tensor tensor = { .size = sizeof(tensor) };
	struct npu_placement placement = { .size = sizeof(placement) };

	test_result("the model describes itself", !npu_model_info(model, &info) &&
		    info.input_count == 1 && info.output_count == 2 && info.has_state &&
		    info.operator_count == 3 && info.operators_cpu == 3 && *info.reason);
	test_result("tensors are described", !npu_tensor(model, NPU_OUTPUT, 1, &tensor) &&
		    tensor.bytes == BYTES && tensor.rank == 2 && tensor.dims[1] == BYTES &&
		    !strcmp(tensor.name, "state before") &&
		    npu_tensor(model, NPU_OUTPUT, 2, &tensor) == -ERANGE);
	test_result("tensors are found by name",
		    npu_tensor_find(model, NPU_OUTPUT, "state before") == 1 &&
		    npu_tensor_find(model, NPU_INPUT, "state before") == -ENOENT);
	test_result("placement says why", !npu_placement(model, 2, &placement) &&
		    placement.place == NPU_PLACE_CPU && *placement.reason &&
		    npu_placement(model, 3, &placement) == -ERANGE);
	info.size = sizeof(info) + 8;
	test_result("a structure of unknown size is refused",
		    npu_model_info(model, &info) == -EINVAL);
}

static void *run_often(void *opaque)
{
	struct npu_model *model = opaque;
	uint8_t input[BYTES], plus[BYTES], before[BYTES];
	const void *inputs[] = { input };
	void *outputs[] = { plus, before };
	uintptr_t wrong = 0;

	memset(input, 77, sizeof(input));
	for (int i = 0; i < 500; i++)
		wrong += npu_run(model, inputs, outputs) || !all_are(plus, 78);
	return (void *)wrong;
}

static void test_threads(struct npu_model *model)
{
	pthread_t threads[4];
	int good = 1;

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, run_often, model);
	for (int i = 0; i < 4; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		good &= !wrong;
	}
	test_result("four threads share a model", good);
}

static void test_errors(struct npu_device *device)
{
	struct npu_device *other;
	struct npu_model *model;
	uint8_t garbage[100];
	int good;

	memset(garbage, 0x55, sizeof(garbage));
	test_result("garbage is no model", npu_model_load(device, garbage, 100, &model) == -EINVAL &&
		    !model && *npu_errmsg(device));
	test_result("an empty file is no model",
		    npu_model_load(device, garbage, 0, &model) == -EINVAL);
	test_result("a file that is not there", npu_model_load_file(device, "/no/such", &model) ==
		    -ENOENT && strstr(npu_errmsg(device), "/no/such"));
	good = npu_open("gpu", &other) == -ENOENT && strstr(npu_errmsg(other), "gpu");
	npu_close(other);
	test_result("a device that is not there", good);
	good = npu_open("/dev/null", &other) == -ENODEV && strstr(npu_errmsg(other), "/dev/null");
	npu_close(other);
	test_result("a node of another driver", good);
	setenv("NPU_DEVICE", "cpu", 1);
	good = !npu_open(NULL, &other);
	unsetenv("NPU_DEVICE");
	if (good) {
		struct npu_capabilities capabilities = { .size = sizeof(capabilities) };

		good = !npu_capabilities(other, &capabilities) &&
		       capabilities.kind == NPU_DEVICE_CPU &&
		       strstr(capabilities.reason, "NPU_DEVICE");
	}
	npu_close(other);
	test_result("the environment names a device", good);
}

int main(void)
{
	struct npu_device *device;
	struct npu_model *model;
	size_t size;
	uint8_t *file = sample(&size);
	int ret = npu_open("cpu", &device);

	if (!ret)
		ret = npu_model_load(device, file, size, &model);
	free(file);
	test_result("a model loads from memory", !ret);
	if (ret) {
		printf("# %s\n", npu_errmsg(device));
		return 1;
	}
	test_run(model);
	test_job(model);
	test_submit(model);
	test_buffers(device, model);
	test_description(model);
	test_threads(model);
	npu_model_free(model);
	test_errors(device);
	npu_close(device);
	return test_failures != 0;
}
