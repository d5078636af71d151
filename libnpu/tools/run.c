// SPDX-License-Identifier: MIT
/* npu-run: input files through a model to output files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

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
	struct tool_list inputs;
	struct tool_list outputs;
	const char *dump;
	int reset_state;
};

struct session {
	struct tool_session tool;
	FILE *dump;
	size_t run;
	int dumped;
};

static int options_parse(struct options *options, int argc, char **argv)
{
	struct tool_arguments arguments = { .count = argc, .values = argv, .position = 1 };
	int more;

	while ((more = tool_common_next(&options->common, &arguments)) > 0) {
		const char *option = arguments.option;
		int ret = 0;

		if (!strcmp(option, "--input")) {
			ret = tool_values(&arguments, &options->inputs);
		} else if (!strcmp(option, "--output")) {
			ret = tool_values(&arguments, &options->outputs);
		} else if (!strcmp(option, "--dump-layers")) {
			options->dump = tool_value(&arguments);
			ret = options->dump ? 0 : TOOL_USAGE;
		} else if (!strcmp(option, "--reset-state")) {
			options->reset_state = 1;
		} else {
			return tool_usage_error("unknown option %s", option);
		}
		if (ret)
			return ret;
	}
	if (more < 0)
		return TOOL_USAGE;
	if (options->common.help || options->common.version)
		return 0;
	if (!options->common.model)
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

static int run_all(struct session *session, int reset_state)
{
	int ret = 0;

	for (session->run = 0; !ret && session->run < session->tool.runs; session->run++)
		ret = tool_session_run(&session->tool, session->run, reset_state);
	return ret;
}

static void report(const struct tool_session *session, const struct options *options)
{
	struct npu_job_stats stats = { .size = sizeof(stats) };

	npu_job_stats(session->job, &stats);
	tool_session_json(session, options->common.model);
	printf(", \"runs\": %zu, \"ops_total\": %u, \"ops_npu\": %u, \"ops_cpu\": %u, \"ops_removed\": %u, \"last_run_us\": %.3f, \"npu_jobs\": %u, \"npu_cycles\": %llu}\n",
	       session->runs, session->info.operator_count, session->info.operators_npu,
	       session->info.operators_cpu, session->info.operators_removed,
	       (double)stats.duration_ns / 1000, stats.npu_jobs,
	       (unsigned long long)stats.npu_cycles);
}

static int session_run(struct session *session, const struct options *options)
{
	struct tool_session *tool = &session->tool;
	int ret = tool_session_open(tool, options->common.device, &options->common.options,
				    options->common.model);

	if (ret)
		return ret;
	tool_session_tell(tool, options->common.model);
	ret = tool_session_read(tool, &options->inputs, &options->outputs);
	if (ret)
		return ret;
	if (npu_job_new(tool->model, &tool->job))
		return tool_error("%s", npu_errmsg(tool->device));
	if (options->dump) {
		session->dump = fopen(options->dump, "w");
		if (!session->dump)
			return tool_error("%s: %s", options->dump, strerror(errno));
		fputs("[", session->dump);
		npu_job_observe(tool->job, layer_dump, session);
	}
	ret = run_all(session, options->reset_state);
	if (session->dump) {
		fputs("\n]\n", session->dump);
		if (tool_file_close(session->dump, options->dump))
			ret = ret ? ret : TOOL_FAILED;
	}
	if (!ret)
		ret = tool_session_write(tool, &options->outputs);
	if (!ret && options->common.json)
		report(tool, options);
	return ret;
}

int main(int argc, char **argv)
{
	struct options options = { .common.model = NULL };
	struct session session = { .dump = NULL };
	int ret = options_parse(&options, argc, argv);

	if (!ret && !tool_common_answer(&options.common, help))
		ret = session_run(&session, &options);
	tool_session_close(&session.tool);
	free(options.inputs.items);
	free(options.outputs.items);
	return tool_finish(ret);
}
