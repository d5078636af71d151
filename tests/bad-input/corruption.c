// SPDX-License-Identifier: MIT
/*
 * Changes single bits in the commands and in the constants of a compiled stream
 * (hashes made good again) and runs it on the simulated NPU: the output must
 * change or the job must fail, since no byte of it comes from anywhere else.
 * The processor, which does not read the stream, must go on giving the right
 * bytes.
 *
 * usage: corruption GRAPH.npu INPUT
 */
#include <errno.h>

#include <npu.h>

#include "graph_file.h"
#include "result.h"

/* Bits tried of commands and of constants, spread evenly. */
#define COMMAND_SAMPLES 96
#define CONSTANT_SAMPLES 96
/* Some bits have no effect: padding, a port, a weight that meets only zeroes. */
#define COMMANDS_NOTICED_PERCENT 80
#define CONSTANTS_NOTICED_PERCENT 60

static struct results results = { .subject = "corruption" };

struct run {
	const uint8_t *input;
	size_t input_bytes;	/* of all vectors */
	uint8_t *output;
	size_t output_bytes;	/* of all vectors */
	char message[512];
};

/* Runs all vectors; the first error ends it. 0 or a negative errno. */
static int graph_run(const char *device_name, const uint8_t *graph, size_t size, struct run *run)
{
	struct npu_tensor input = { .size = sizeof(input) }, output = { .size = sizeof(output) };
	struct npu_device *device;
	struct npu_model *model;
	int ret = npu_open(device_name, &device), failed;

	if (ret) {
		fprintf(stderr, "corruption: %s: %s\n", device_name,
			device ? npu_errmsg(device) : strerror(-ret));
		exit(2);
	}
	failed = npu_model_load(device, graph, size, &model);
	ret = failed;
	if (!failed) {
		npu_tensor(model, NPU_INPUT, 0, &input);
		npu_tensor(model, NPU_OUTPUT, 0, &output);
		run->output_bytes = run->input_bytes / input.bytes * output.bytes;
		if (!run->output)
			run->output = calloc(1, run->output_bytes);
		for (size_t i = 0; !ret && i < run->input_bytes / input.bytes; i++)
			ret = npu_run(model,
				      (const void *const []){ run->input + i * input.bytes },
				      (void *const []){ run->output + i * output.bytes });
	}
	snprintf(run->message, sizeof(run->message), "%s", npu_errmsg(device));
	if (!failed)
		npu_model_free(model);
	npu_close(device);
	return ret;
}

/* Where the NPU's part of the first stream is in the file. */
struct part {
	const char *name;
	size_t offset;
	size_t size;
	unsigned int samples;
	unsigned int percent;
	uint8_t bit;
};

static void part_check(const uint8_t *good, size_t size, const struct part *part,
		       const struct run *expected)
{
	unsigned int changed = 0, refused = 0, same = 0, processor_differs = 0;
	char name[128], explanation[256];
	uint8_t *file = malloc(size);
	struct run run = *expected;

	run.output = malloc(expected->output_bytes);
	if (!file || !run.output)
		exit(2);
	for (unsigned int i = 0; i < part->samples; i++) {
		memcpy(file, good, size);
		file[part->offset + part->size * i / part->samples] ^= part->bit;
		graph_file_rehash(file, size);
		if (graph_run("sim", file, size, &run))
			refused++;
		else if (memcmp(run.output, expected->output, expected->output_bytes))
			changed++;
		else
			same++;
		if (i % 16)
			continue;
		if (graph_run("cpu", file, size, &run) ||
		    memcmp(run.output, expected->output, expected->output_bytes))
			processor_differs++;
	}
	snprintf(explanation, sizeof(explanation),
		 "%s: %u changed the output, %u were refused, %u had no effect", part->name,
		 changed, refused, same);
	printf("# %s\n", explanation);
	snprintf(name, sizeof(name), "a bit of the stream's %s changes the NPU's output or fails",
		 part->name);
	result_add(&results, changed && (changed + refused) * 100 >= part->samples * part->percent,
		   name, explanation);
	snprintf(name, sizeof(name), "a bit of the stream's %s means nothing to the processor",
		 part->name);
	result_add(&results, !processor_differs, name, "the processor's output changed");
	free(run.output);
	free(file);
}

static bool part_find(uint8_t *graph, size_t size, uint32_t section_type, uint64_t used,
		      struct part *part)
{
	const struct kestrel_graph_section *section = graph_file_section(graph, size, section_type);

	if (!section || !section->size)
		return false;
	part->offset = section->offset;
	part->size = used && used < section->size ? used : section->size;
	return true;
}

int main(int argc, char **argv)
{
	struct part commands = { "commands", 0, 0, COMMAND_SAMPLES, COMMANDS_NOTICED_PERCENT, 0x04 };
	struct part constants = { "constants", 0, 0, CONSTANT_SAMPLES, CONSTANTS_NOTICED_PERCENT,
				  0x40 };
	const struct kestrel_graph_segment *segment;
	struct run expected = { 0 }, processor = { 0 };
	uint8_t *graph, *input;
	size_t size;
	int ret;

	if (argc != 3) {
		fprintf(stderr, "usage: corruption GRAPH.npu INPUT\n");
		return 2;
	}
	graph = file_load(argv[1], &size);
	input = file_load(argv[2], &expected.input_bytes);
	if (!graph || !input)
		return 2;
	expected.input = input;
	processor = expected;
	segment = graph_file_record(graph, size, KESTREL_GRAPH_SECTION_SEGMENTS, 0);
	if (!segment || segment->kind != KESTREL_GRAPH_SEGMENT_NPU ||
	    !part_find(graph, size, KESTREL_GRAPH_SECTION_STREAM_COMMANDS, segment->command_size,
		       &commands) ||
	    !part_find(graph, size, KESTREL_GRAPH_SECTION_STREAM_CONSTANTS, 0, &constants)) {
		result_add(&results, false, "the graph has a stream that begins on the NPU", NULL);
		return 1;
	}
	ret = graph_run("sim", graph, size, &expected);
	result_add(&results, !ret, "the undamaged one runs on the NPU", expected.message);
	ret = ret ? ret : graph_run("cpu", graph, size, &processor);
	result_add(&results, !ret && !memcmp(expected.output, processor.output,
					     expected.output_bytes),
		   "the undamaged one gives the processor's bytes", processor.message);
	if (!ret) {
		part_check(graph, size, &commands, &expected);
		part_check(graph, size, &constants, &expected);
	}
	free(expected.output);
	free(processor.output);
	free(graph);
	free(input);
	return result_code(&results);
}
