// SPDX-License-Identifier: MIT
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <npu.h>

#include "compile.h"
#include "error.h"
#include "reader.h"

/* A run that needs more memory, or more work, is sound but not worth its time: a pool may
 * read all of its input for each output. */
#define ARENA_BYTES_MAX (1u << 13)
#define MACS_MAX (1u << 20)
#define TENSORS_MAX 16
/* One model of so many that are little work gets a stream, which takes as long as hundreds. */
#define STREAM_SHARE 64

static void finding(const char *what, const char *why)
{
	fprintf(stderr, "finding: %s %s\n", what, why);
	abort();
}

static struct npu_device *device_get(void)
{
	static struct npu_device *device;

	if (!device && npu_open("cpu", &device))
		finding("no processor:", device ? npu_errmsg(device) : "out of memory");
	return device;
}

/* Memory for all tensors of one direction, zeroed; false where they are many or large. */
static bool tensors_make(struct npu_model *model, enum npu_direction direction, uint32_t count,
			 void **memory)
{
	uint64_t total = 0;

	if (count > TENSORS_MAX)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		struct npu_tensor tensor = { .size = sizeof(tensor) };

		if (npu_tensor(model, direction, i, &tensor))
			finding("a tensor is missing:", npu_errmsg(device_get()));
		if (tensor.bytes > ARENA_BYTES_MAX)
			return false;
		total += tensor.bytes;
		/* Of exactly its size, so that every byte beyond counts. */
		memory[i] = calloc(1, tensor.bytes ? tensor.bytes : 1);
		if (!memory[i] || total > ARENA_BYTES_MAX)
			return false;
	}
	return true;
}

/* Runs a model that is little work; whether it is. */
static bool model_run(struct npu_model *model)
{
	struct npu_model_info info = { .size = sizeof(info) };
	void *inputs[TENSORS_MAX] = { NULL }, *outputs[TENSORS_MAX] = { NULL };
	bool small;

	if (npu_model_info(model, &info))
		finding("no information:", npu_errmsg(device_get()));
	small = info.arena_bytes <= ARENA_BYTES_MAX && info.macs <= MACS_MAX &&
		tensors_make(model, NPU_INPUT, info.input_count, inputs) &&
		tensors_make(model, NPU_OUTPUT, info.output_count, outputs);
	if (small && npu_run(model, (const void *const *)inputs, outputs))
		finding("a run fails:", npu_errmsg(device_get()));
	for (uint32_t i = 0; i < TENSORS_MAX; i++) {
		free(inputs[i]);
		free(outputs[i]);
	}
	return small;
}

/*
 * Whether libnpu takes the graph; its message is then nothing, else why not. `small`
 * becomes whether it is little work.
 */
static bool graph_try(const uint8_t *data, size_t size, bool *small)
{
	struct npu_model *model;

	if (npu_model_load(device_get(), data, size, &model)) {
		if (!npu_errmsg(device_get())[0])
			finding("a graph is refused", "without a message");
		return false;
	}
	*small = model_run(model);
	npu_model_free(model);
	return true;
}

/* FNV-1a: the same bytes are the same case, wherever they come from. */
static uint32_t bytes_hash(const uint8_t *data, size_t size)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ data[i]) * 16777619u;
	return hash;
}

/*
 * What the compiler makes of a file, of a model or, without numerics, of another graph,
 * libnpu takes. Returns whether there is something, and that is little work.
 */
static bool file_compile(const uint8_t *data, size_t size, const char *numerics, bool no_stream)
{
	struct compile_request request = {
		.data = data, .bytes = size, .name = "fuzzed", .is_graph = !numerics,
		.numerics = numerics, .no_stream = no_stream,
	};
	struct compile_result result = { 0 };
	struct error error = { "" };
	bool small = false;

	if (compile(&request, &result, &error)) {
		if (!error.text[0])
			finding("a file is refused", "without a message");
	} else if (!graph_try(result.graph.data, result.graph.bytes, &small)) {
		finding("libnpu refuses what the compiler wrote:", npu_errmsg(device_get()));
	}
	compile_release(&result);
	return small;
}

static void file_try(const uint8_t *data, size_t size, const char *numerics)
{
	if (file_compile(data, size, numerics, true) && !(bytes_hash(data, size) % STREAM_SHARE))
		file_compile(data, size, numerics, false);
}

void reader_model(const uint8_t *data, size_t size, const char *const *profiles, size_t count)
{
	file_try(data, size, profiles[bytes_hash(data, size) / STREAM_SHARE % count]);
}

void reader_graph(const uint8_t *data, size_t size)
{
	bool small;

	/* The compiler is only given what libnpu has checked. */
	if (graph_try(data, size, &small))
		file_try(data, size, NULL);
}
