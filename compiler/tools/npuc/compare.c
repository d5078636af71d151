// SPDX-License-Identifier: MIT
/* npuc --verify: the commands against the operators. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <npu.h>

#include "npuc.h"

/* Runs; a model with state carries it from one to the next. */
#define RUNS 4

/* One of the two ways to run the graph. */
struct side {
	const char *name;
	struct npu_device *device;
	struct npu_model *model;
	struct npu_job *job;
	void **outputs;
};

static enum npuc_exit complain(const struct side *side, const char *what)
{
	fprintf(stderr, "npuc: --verify on %s: %s\n", side->name, what);
	return NPUC_FAILED;
}

static enum npuc_exit side_open(struct side *side, const void *graph, size_t bytes,
				const char *target, const struct compile_request *request)
{
	struct npu_open_options options = {
		.size = sizeof(options), .target = target,
		.settings = request->settings, .threads = 1,
	};

	if (npu_open_with(side->name, &options, &side->device) ||
	    npu_model_load(side->device, graph, bytes, &side->model) ||
	    npu_job_new(side->model, &side->job))
		return complain(side, npu_errmsg(side->device));
	return NPUC_DONE;
}

static void side_close(struct side *side, uint32_t outputs)
{
	npu_job_free(side->job);
	for (uint32_t i = 0; side->outputs && i < outputs; i++)
		free(side->outputs[i]);
	free(side->outputs);
	npu_model_free(side->model);
	npu_close(side->device);
}

static enum npuc_exit outputs_bind(struct side *side, uint32_t outputs)
{
	side->outputs = calloc(outputs + 1, sizeof(*side->outputs));
	if (!side->outputs)
		return complain(side, "out of memory");
	for (uint32_t i = 0; i < outputs; i++) {
		struct npu_tensor tensor = { .size = sizeof(tensor) };

		npu_tensor(side->model, NPU_OUTPUT, i, &tensor);
		side->outputs[i] = calloc(1, tensor.bytes);
		if (!side->outputs[i])
			return complain(side, "out of memory");
		if (npu_job_bind_memory(side->job, NPU_OUTPUT, i, side->outputs[i]))
			return complain(side, npu_job_errmsg(side->job));
	}
	return NPUC_DONE;
}

/* xorshift64: the same inputs every time. */
static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void input_fill(const struct npu_tensor *tensor, uint8_t *data, uint64_t *state)
{
	for (uint64_t i = 0; i < tensor->bytes; i++)
		data[i] = (uint8_t)random_next(state);
	/* Not every byte is a number there, nor every number an index. */
	for (uint64_t i = 0; i < tensor->bytes / 4 && tensor->type == NPU_FLOAT32; i++)
		((float *)(void *)data)[i] = (float)(int32_t)random_next(state) / 1e9f;
	for (uint64_t i = 0; i < tensor->bytes / 4 && tensor->type == NPU_INT32; i++)
		((int32_t *)(void *)data)[i] = 0;
	for (uint64_t i = 0; i < tensor->bytes && tensor->type == NPU_BOOL; i++)
		data[i] &= 1;
}

/* Both sides read the same memory. */
static enum npuc_exit inputs_bind(struct side sides[2], void **inputs, uint32_t count,
				  uint64_t *state)
{
	for (uint32_t i = 0; i < count; i++) {
		struct npu_tensor tensor = { .size = sizeof(tensor) };

		npu_tensor(sides[0].model, NPU_INPUT, i, &tensor);
		if (!inputs[i])
			inputs[i] = calloc(1, tensor.bytes);
		if (!inputs[i])
			return complain(&sides[0], "out of memory");
		input_fill(&tensor, inputs[i], state);
		for (unsigned int s = 0; s < 2; s++)
			if (npu_job_bind_memory(sides[s].job, NPU_INPUT, i, inputs[i]))
				return complain(&sides[s], npu_job_errmsg(sides[s].job));
	}
	return NPUC_DONE;
}

static enum npuc_exit outputs_compare(const struct side sides[2], uint32_t outputs,
				      unsigned int run)
{
	for (uint32_t i = 0; i < outputs; i++) {
		const uint8_t *a = sides[0].outputs[i], *b = sides[1].outputs[i];
		struct npu_tensor tensor = { .size = sizeof(tensor) };
		uint64_t first = 0, count = 0;

		npu_tensor(sides[0].model, NPU_OUTPUT, i, &tensor);
		for (uint64_t at = tensor.bytes; at-- > 0;)
			if (a[at] != b[at]) {
				first = at;
				count++;
			}
		if (!count)
			continue;
		fprintf(stderr, "npuc: --verify: run %u, output %u \"%s\": %llu of %llu bytes differ, "
			"the first at %llu: %s has %u, %s has %u\n", run, i, tensor.name,
			(unsigned long long)count, (unsigned long long)tensor.bytes,
			(unsigned long long)first, sides[0].name, a[first], sides[1].name, b[first]);
		return NPUC_DIFFERS;
	}
	return NPUC_DONE;
}

static enum npuc_exit sides_run(struct side sides[2], unsigned int run, const char *target)
{
	const struct side *failed = NULL;
	struct waiting waiting;

	waiting_begin(&waiting);
	waiting_tell(&waiting, "npuc: --verify: %s%srun %u of %u", target ? target : "",
		     target ? ", " : "", run + 1, RUNS);
	for (unsigned int s = 0; s < 2 && !failed; s++)
		if (npu_job_run(sides[s].job))
			failed = &sides[s];
	waiting_end(&waiting);
	return failed ? complain(failed, npu_job_errmsg(failed->job)) : NPUC_DONE;
}

static enum npuc_exit runs_compare(struct side sides[2], const struct npu_model_info *info,
				   const char *target)
{
	void **inputs = calloc(info->input_count + 1, sizeof(*inputs));
	uint64_t state = 88172645463325252ull;
	enum npuc_exit status = inputs ? NPUC_DONE : complain(&sides[0], "out of memory");

	for (unsigned int run = 0; run < RUNS && status == NPUC_DONE; run++) {
		status = inputs_bind(sides, inputs, info->input_count, &state);
		if (status == NPUC_DONE)
			status = sides_run(sides, run, target);
		if (status == NPUC_DONE)
			status = outputs_compare(sides, info->output_count, run);
	}
	for (uint32_t i = 0; inputs && i < info->input_count; i++)
		free(inputs[i]);
	free(inputs);
	return status;
}

static enum npuc_exit compare_target(const void *graph, size_t bytes, const char *target,
				     const struct compile_request *request)
{
	struct side sides[2] = { { .name = "sim" }, { .name = "cpu" } };
	struct npu_model_info info = { .size = sizeof(info) };
	enum npuc_exit status = NPUC_DONE;

	for (unsigned int s = 0; s < 2 && status == NPUC_DONE; s++) {
		status = side_open(&sides[s], graph, bytes, target, request);
		if (status != NPUC_DONE)
			break;
		/* What is told at the end is of the first side. */
		if (!s)
			npu_model_info(sides[s].model, &info);
		status = outputs_bind(&sides[s], info.output_count);
	}
	if (status == NPUC_DONE)
		status = runs_compare(sides, &info, target);
	if (status == NPUC_DONE)
		printf("%s%s%u runs with random inputs: NPU and processor agree in every byte "
		       "(%u operators on the NPU, %u on the processor, %u removed)\n",
		       target ? target : "", target ? ": " : "", RUNS,
		       info.operators_npu, info.operators_cpu, info.operators_removed);
	for (unsigned int s = 0; s < 2; s++)
		side_close(&sides[s], info.output_count);
	return status;
}

enum npuc_exit compare(const void *graph, size_t bytes, const struct compile_request *request)
{
	const char *names = request->target;
	enum npuc_exit status = NPUC_DONE;
	char *name;

	if (!names)
		return compare_target(graph, bytes, NULL, request);
	for (; *names && status == NPUC_DONE; names += strcspn(names, ","), names += *names == ',') {
		name = strndup(names, strcspn(names, ","));
		status = name ? compare_target(graph, bytes, name, request) : NPUC_FAILED;
		if (!name)
			fprintf(stderr, "npuc: out of memory\n");
		free(name);
	}
	return status;
}
