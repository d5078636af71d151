// SPDX-License-Identifier: MIT
/*
 * Runs a golden graph with inputs that follow from nothing but this file, and
 * compares the outputs with those of the day when the graph was made, or writes them.
 *
 * usage: golden --write|--check OUTPUT GRAPH cpu|sim
 *
 * On the simulator the graph's own stream must run, as it is. Exit code 0: done, or the
 * same; 1: an error or other bytes, told on the standard error.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <npu.h>

/* State carries over, so that a second run tells whether it is kept. */
#define RUNS 2
#define TENSORS_MAX 128

struct session {
	struct npu_device *device;
	struct npu_model *model;
	struct npu_job *job;
	struct npu_model_info info;
	uint8_t *inputs[TENSORS_MAX], *outputs[TENSORS_MAX];
	size_t output_bytes[TENSORS_MAX];
};

static int fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return 1;
}

/* xorshift64; the numbers must never change. */
static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/*
 * Any bytes for quantised values, 0 and 1 for integers and bools, some of which are
 * indices, and sixteenths within -8..8 for floats.
 */
static void input_fill(const struct npu_tensor *tensor, uint8_t *bytes, uint64_t *state)
{
	bool quantised = tensor->type == NPU_INT8 || tensor->type == NPU_UINT8 ||
			 tensor->type == NPU_INT16;
	size_t size = quantised || tensor->type == NPU_BOOL ? 1 :
		      tensor->type == NPU_INT64 ? 8 : 4;

	memset(bytes, 0, tensor->bytes);
	for (uint64_t i = 0; i < tensor->bytes; i += size) {
		uint8_t byte = (uint8_t)(random_next(state) >> 32);
		float value = (float)(byte - 128) / 16;

		if (tensor->type == NPU_FLOAT32)
			memcpy(bytes + i, &value, sizeof(value));
		else
			bytes[i] = quantised ? byte : byte & 1;
	}
}

static int session_open(struct session *session, const char *graph, const char *device)
{
	bool simulated = !strcmp(device, "sim");

	if (npu_open(device, &session->device) ||
	    npu_model_load_file(session->device, graph, &session->model) ||
	    npu_job_new(session->model, &session->job))
		return fail("%s", session->device ? npu_errmsg(session->device) : "out of memory");
	session->info.size = sizeof(session->info);
	npu_model_info(session->model, &session->info);
	if (simulated && strncmp(session->info.reason, "stream ", 7))
		return fail("%s: its own stream does not run: %s", graph, session->info.reason);
	if (simulated && !session->info.operators_npu)
		return fail("%s: no operator runs on the NPU", graph);
	if (session->info.input_count > TENSORS_MAX || session->info.output_count > TENSORS_MAX)
		return fail("%s: too many inputs or outputs", graph);
	return 0;
}

static int tensors_bind(struct session *session)
{
	struct npu_tensor tensor = { .size = sizeof(tensor) };
	int ret = 0;

	for (uint32_t i = 0; i < session->info.input_count; i++) {
		npu_tensor(session->model, NPU_INPUT, i, &tensor);
		session->inputs[i] = malloc(tensor.bytes);
		if (!session->inputs[i])
			return fail("out of memory");
		ret |= npu_job_bind_memory(session->job, NPU_INPUT, i, session->inputs[i]);
	}
	for (uint32_t i = 0; i < session->info.output_count; i++) {
		npu_tensor(session->model, NPU_OUTPUT, i, &tensor);
		session->output_bytes[i] = tensor.bytes;
		session->outputs[i] = malloc(tensor.bytes);
		if (!session->outputs[i])
			return fail("out of memory");
		ret |= npu_job_bind_memory(session->job, NPU_OUTPUT, i, session->outputs[i]);
	}
	return ret ? fail("%s", npu_job_errmsg(session->job)) : 0;
}

/* Writes or compares output `i` of a run, at the file's present place. */
static int output_take(const struct session *session, uint32_t i, unsigned int run, FILE *file,
		       bool check)
{
	struct npu_tensor tensor = { .size = sizeof(tensor) };
	const uint8_t *ours = session->outputs[i];
	size_t bytes = session->output_bytes[i];
	uint8_t *golden;
	size_t at = 0;

	if (!check)
		return fwrite(ours, 1, bytes, file) == bytes ? 0 : fail("cannot write");
	golden = malloc(bytes);
	if (!golden || fread(golden, 1, bytes, file) != bytes) {
		free(golden);
		return fail("the golden outputs are too short");
	}
	while (at < bytes && golden[at] == ours[at])
		at++;
	free(golden);
	if (at == bytes)
		return 0;
	npu_tensor(session->model, NPU_OUTPUT, i, &tensor);
	return fail("run %u, output %u \"%s\": byte %zu differs", run, i, tensor.name, at);
}

static int session_run(struct session *session, FILE *file, bool check)
{
	uint64_t state = UINT64_C(0x4b65737472656c31);

	for (unsigned int run = 0; run < RUNS; run++) {
		for (uint32_t i = 0; i < session->info.input_count; i++) {
			struct npu_tensor tensor = { .size = sizeof(tensor) };

			npu_tensor(session->model, NPU_INPUT, i, &tensor);
			input_fill(&tensor, session->inputs[i], &state);
		}
		if (npu_job_run(session->job))
			return fail("%s", npu_job_errmsg(session->job));
		for (uint32_t i = 0; i < session->info.output_count; i++)
			if (output_take(session, i, run, file, check))
				return 1;
	}
	if (check && fgetc(file) != EOF)
		return fail("the golden outputs are too long");
	return 0;
}

int main(int argc, char **argv)
{
	bool check = argc > 1 && !strcmp(argv[1], "--check");
	struct session session = { .device = NULL };
	FILE *file;
	int ret;

	if (argc != 5 || (!check && strcmp(argv[1], "--write"))) {
		fprintf(stderr, "usage: golden --write|--check OUTPUT GRAPH cpu|sim\n");
		return 2;
	}
	file = fopen(argv[2], check ? "rb" : "wb");
	if (!file)
		return fail("%s cannot be opened", argv[2]);
	ret = session_open(&session, argv[3], argv[4]);
	if (!ret)
		ret = tensors_bind(&session);
	if (!ret)
		ret = session_run(&session, file, check);
	if (fclose(file) && !ret)
		ret = fail("%s cannot be written", argv[2]);
	npu_job_free(session.job);
	npu_model_free(session.model);
	npu_close(session.device);
	for (uint32_t i = 0; i < TENSORS_MAX; i++) {
		free(session.inputs[i]);
		free(session.outputs[i]);
	}
	return ret;
}
