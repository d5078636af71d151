// SPDX-License-Identifier: MIT
/* npu-run: input files through a model to output files. */
#include <stdlib.h>
#include <string.h>

#include "tool.h"

static const char help[] =
"Usage: npu-run MODEL --input FILE... --output FILE... [OPTION...]\n"
"Runs a compiled graph (.npu), or a .tflite or .onnx model, and writes its outputs.\n"
"\n"
"  --input FILE...      one file for each input of the model, in model order;\n"
"                       a file may hold several tensors one after the other:\n"
"                       that many runs, the same number in every file\n"
"  --output FILE...     one file for each output; the outputs of all runs\n"
"                       one after the other\n"
"  --device DEVICE      auto (default), cpu, sim, npu, or a device node\n"
"  --target TARGET      configuration to simulate or compile for\n"
"  --set KEY=VALUE,...  settings of simulator and compiler\n"
"  --threads N          threads of the processor path (default 1)\n"
"  --reset-state        clear the model's state before every run\n"
"  --dump-layers FILE   write the CRC-32 of what each operator on the processor\n"
"                       gives, as JSON\n"
"  --json               tell what was run, on what, in what time, as JSON\n"
"  --help, --version\n"
"\n"
"Exits 0, 1 after an error, 2 where the command line makes no sense.\n";

struct options {
	struct tool_common common;
	const char *model;
	struct tool_list inputs;
	struct tool_list outputs;
	const char *dump;
	int reset_state;
	int json;
};

/* The bytes of one input or output for all runs. */
struct stream {
	uint8_t *data;
	size_t bytes;		/* of one run */
};

struct session {
	struct npu_device *device;
	struct npu_model *model;
	struct npu_job *job;
	struct npu_model_info info;
	struct stream *inputs;
	struct stream *outputs;
	size_t runs;
	FILE *dump;
	size_t run;
	int dumped;
};

static int options_parse(struct options *options, int argc, char **argv)
{
	struct tool_arguments arguments = { .count = argc, .values = argv, .position = 1 };

	options->common.options.size = sizeof(options->common.options);
	while (tool_next(&arguments)) {
		const char *option = arguments.option;
		int ret = tool_common_option(&options->common, &arguments);

		if (ret < 0)
			return TOOL_USAGE;
		if (ret)
			continue;
		if (!*option) {
			if (options->model)
				return tool_usage_error("what is \"%s\"?", arguments.value);
			options->model = arguments.value;
		} else if (!strcmp(option, "--input")) {
			ret = tool_values(&arguments, &options->inputs);
		} else if (!strcmp(option, "--output")) {
			ret = tool_values(&arguments, &options->outputs);
		} else if (!strcmp(option, "--dump-layers")) {
			options->dump = tool_value(&arguments);
			ret = options->dump ? 0 : TOOL_USAGE;
		} else if (!strcmp(option, "--reset-state")) {
			options->reset_state = 1;
		} else if (!strcmp(option, "--json")) {
			options->json = 1;
		} else {
			return tool_usage_error("unknown option %s", option);
		}
		if (ret)
			return ret;
	}
	if (options->common.help || options->common.version)
		return 0;
	if (!options->model)
		return tool_usage_error("no model");
	return 0;
}

/* CRC-32 as of zlib. */
static uint32_t crc32(const uint8_t *data, size_t size)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static void layer_dump(void *opaque, const struct npu_observation *observation)
{
	struct session *session = opaque;

	fprintf(session->dump, "%s\n {\"vector\": %zu, \"operator\": ",
		session->dumped++ ? "," : "", session->run);
	if (observation->source_operator == UINT32_MAX)
		fputs("null", session->dump);
	else
		fprintf(session->dump, "%u", observation->source_operator);
	fprintf(session->dump, ", \"output\": %u, \"op\": \"%s\", \"name\": ",
		observation->output, observation->name);
	tool_json_string(session->dump, observation->tensor.name);
	fprintf(session->dump, ", \"dtype\": \"%s\", \"bytes\": %llu, \"crc32\": \"%08x\"}",
		npu_type_name(observation->tensor.type),
		(unsigned long long)observation->tensor.bytes,
		crc32(observation->data, observation->tensor.bytes));
}

static int streams_open(struct session *session, enum npu_direction direction,
			const struct tool_list *files, uint32_t count, struct stream **streams)
{
	const char *what = direction == NPU_INPUT ? "input" : "output";

	if (files->count != count)
		return tool_usage_error("%zu --%s files, the model has %u %ss", files->count, what,
					count, what);
	*streams = calloc(count + 1, sizeof(**streams));
	if (!*streams)
		return tool_error("out of memory");
	for (uint32_t i = 0; i < count; i++) {
		struct npu_tensor tensor = { .size = sizeof(tensor) };
		struct stream *stream = &(*streams)[i];
		size_t size;

		npu_tensor(session->model, direction, i, &tensor);
		stream->bytes = tensor.bytes;
		if (direction == NPU_OUTPUT) {
			stream->data = calloc(session->runs + 1, stream->bytes);
			if (!stream->data)
				return tool_error("out of memory");
			continue;
		}
		stream->data = tool_file_read(files->items[i], &size);
		if (!stream->data)
			return TOOL_FAILED;
		if (!size || size % stream->bytes)
			return tool_error("%s: %zu bytes are not whole tensors of %zu (input %u, \"%s\")",
					  files->items[i], size, stream->bytes, i, tensor.name);
		if (i && size / stream->bytes != session->runs)
			return tool_error("%s: %zu tensors, %s has %zu", files->items[i],
					  size / stream->bytes, files->items[0], session->runs);
		session->runs = size / stream->bytes;
	}
	return 0;
}

static int run_all(struct session *session, const struct options *options)
{
	for (session->run = 0; session->run < session->runs; session->run++) {
		int ret = 0;

		for (uint32_t i = 0; i < session->info.input_count; i++)
			ret |= npu_job_bind_memory(session->job, NPU_INPUT, i,
						   session->inputs[i].data +
						   session->run * session->inputs[i].bytes);
		for (uint32_t i = 0; i < session->info.output_count; i++)
			ret |= npu_job_bind_memory(session->job, NPU_OUTPUT, i,
						   session->outputs[i].data +
						   session->run * session->outputs[i].bytes);
		if (options->reset_state)
			ret |= npu_job_reset(session->job);
		if (!ret)
			ret = npu_job_run(session->job);
		if (ret)
			return tool_error("run %zu: %s", session->run,
					  npu_job_errmsg(session->job));
	}
	return 0;
}

static void report(struct session *session, const struct options *options)
{
	struct npu_capabilities capabilities = { .size = sizeof(capabilities) };
	struct npu_job_stats stats = { .size = sizeof(stats) };

	npu_capabilities(session->device, &capabilities);
	npu_job_stats(session->job, &stats);
	printf("{\"model\": ");
	tool_json_string(stdout, options->model);
	printf(", \"device\": ");
	tool_json_string(stdout, capabilities.name);
	printf(", \"target\": ");
	tool_json_string(stdout, session->info.target);
	printf(", \"reason\": ");
	tool_json_string(stdout, session->info.reason);
	printf(", \"runs\": %zu, \"ops_total\": %u, \"ops_npu\": %u, \"ops_cpu\": %u, \"ops_removed\": %u, \"last_run_us\": %.3f, \"npu_jobs\": %u, \"npu_cycles\": %llu}\n",
	       session->runs, session->info.operator_count, session->info.operators_npu,
	       session->info.operators_cpu, session->info.operators_removed,
	       (double)stats.duration_ns / 1000, stats.npu_jobs,
	       (unsigned long long)stats.npu_cycles);
}

static int session_run(struct session *session, const struct options *options)
{
	int ret;

	if (npu_open_with(options->common.device, &options->common.options, &session->device) ||
	    npu_model_load_file(session->device, options->model, &session->model))
		return tool_error("%s", npu_errmsg(session->device));
	session->info.size = sizeof(session->info);
	npu_model_info(session->model, &session->info);
	session->runs = 1;
	ret = streams_open(session, NPU_INPUT, &options->inputs, session->info.input_count,
			   &session->inputs);
	if (!ret)
		ret = streams_open(session, NPU_OUTPUT, &options->outputs,
				   session->info.output_count, &session->outputs);
	if (ret)
		return ret;
	if (npu_job_new(session->model, &session->job))
		return tool_error("%s", npu_errmsg(session->device));
	if (options->dump) {
		session->dump = fopen(options->dump, "w");
		if (!session->dump)
			return tool_error("%s cannot be written", options->dump);
		fputs("[", session->dump);
		npu_job_observe(session->job, layer_dump, session);
	}
	ret = run_all(session, options);
	if (session->dump) {
		fputs("\n]\n", session->dump);
		if (fclose(session->dump) && !ret)
			ret = tool_error("%s cannot be written", options->dump);
	}
	for (uint32_t i = 0; !ret && i < session->info.output_count; i++)
		ret = tool_file_write(options->outputs.items[i], session->outputs[i].data,
				      session->runs * session->outputs[i].bytes);
	if (!ret && options->json)
		report(session, options);
	return ret;
}

static void streams_free(struct stream *streams, uint32_t count)
{
	for (uint32_t i = 0; streams && i < count; i++)
		free(streams[i].data);
	free(streams);
}

int main(int argc, char **argv)
{
	struct options options = { .model = NULL };
	struct session session = { .device = NULL };
	int ret = options_parse(&options, argc, argv);

	if (!ret && options.common.help)
		fputs(help, stdout);
	else if (!ret && options.common.version)
		printf("npu-run (libnpu %s)\n", npu_version());
	else if (!ret)
		ret = session_run(&session, &options);
	npu_job_free(session.job);
	streams_free(session.inputs, session.info.input_count);
	streams_free(session.outputs, session.info.output_count);
	npu_model_free(session.model);
	npu_close(session.device);
	free(options.inputs.items);
	free(options.outputs.items);
	return ret;
}
