// SPDX-License-Identifier: MIT
/* npu-bench: how long a model takes, and on what. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "session.h"

#define RUNS_DEFAULT 100
#define RUNS_MAX 1000000
#define WARM_UP_RUNS 3

static const char help[] =
"Usage: npu-bench MODEL [OPTION...]\n"
"Runs a compiled graph (.npu), or a .tflite or .onnx model, with random inputs and tells\n"
"the latency of a run.\n"
"\n"
"  --device DEVICE      auto (default), cpu, sim, npu, or a device node\n"
"  --target TARGET      configuration to simulate or compile for\n"
"  --set KEY=VALUE,...  settings of simulator and compiler\n"
"  --threads N          threads of the processor path (default 1)\n"
"  --runs N             timed runs (default 100), after 3 that do not count\n"
"  --json               as JSON\n"
"  --help, --version\n"
"\n"
"Exits 0, 1 after an error, 2 where the command line makes no sense.\n";

struct options {
	struct tool_common common;
	uint32_t runs;
};

struct session {
	struct tool_session tool;
	void **tensors;			/* of inputs, then of outputs */
	size_t tensor_count;
	double *latency_us;		/* of each run, sorted in the end */
	uint64_t npu_cycles;		/* of the last run */
};

static int options_parse(struct options *options, int argc, char **argv)
{
	struct tool_arguments arguments = { .count = argc, .values = argv, .position = 1 };

	int more;

	options->runs = RUNS_DEFAULT;
	while ((more = tool_common_next(&options->common, &arguments)) > 0) {
		if (strcmp(arguments.option, "--runs"))
			return tool_usage_error("unknown option %s", arguments.option);
		if (tool_number(&arguments, 1, RUNS_MAX, &options->runs))
			return TOOL_USAGE;
	}
	if (more < 0)
		return TOOL_USAGE;
	if (!options->common.model && !options->common.help && !options->common.version)
		return tool_usage_error("no model");
	return 0;
}

/* The same bytes in every run of the program: xorshift from a fixed seed. */
static void random_fill(uint8_t *data, size_t size, uint32_t seed)
{
	uint32_t state = 2463534242u + seed;

	for (size_t i = 0; i < size; i++) {
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		data[i] = (uint8_t)(state >> 24);
	}
}

static void random_tensor(const struct npu_tensor *tensor, void *data, uint32_t seed)
{
	float *values = data;

	random_fill(data, tensor->bytes, seed);
	if (tensor->type != NPU_FLOAT32)
		return;
	/* Random bytes would be NaNs and infinities; these are in -1..1. */
	for (size_t i = 0; i < tensor->bytes / sizeof(*values); i++) {
		uint32_t bits;

		memcpy(&bits, &values[i], sizeof(bits));
		values[i] = (float)(bits >> 8) / 8388608.0f - 1.0f;
	}
}

static int tensors_bind(struct session *session)
{
	uint32_t inputs = session->tool.info.input_count;

	session->tensor_count = inputs + session->tool.info.output_count;
	session->tensors = calloc(session->tensor_count + 1, sizeof(*session->tensors));
	if (!session->tensors)
		return tool_error("out of memory");
	for (uint32_t i = 0; i < session->tensor_count; i++) {
		enum npu_direction direction = i < inputs ? NPU_INPUT : NPU_OUTPUT;
		uint32_t index = i < inputs ? i : i - inputs;
		struct npu_tensor tensor = { .size = sizeof(tensor) };

		npu_tensor(session->tool.model, direction, index, &tensor);
		session->tensors[i] = malloc(tensor.bytes);
		if (!session->tensors[i])
			return tool_error("out of memory");
		if (direction == NPU_INPUT)
			random_tensor(&tensor, session->tensors[i], i);
		if (npu_job_bind_memory(session->tool.job, direction, index, session->tensors[i]))
			return tool_error("%s", npu_job_errmsg(session->tool.job));
	}
	return 0;
}

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

static int runs_time(struct session *session, uint32_t runs)
{
	struct npu_job_stats stats = { .size = sizeof(stats) };

	session->latency_us = calloc(runs, sizeof(*session->latency_us));
	if (!session->latency_us)
		return tool_error("out of memory");
	for (uint32_t i = 0; i < runs + WARM_UP_RUNS; i++) {
		double start = now_us();

		if (npu_job_run(session->tool.job))
			return tool_error("%s", npu_job_errmsg(session->tool.job));
		if (i >= WARM_UP_RUNS)
			session->latency_us[i - WARM_UP_RUNS] = now_us() - start;
	}
	qsort(session->latency_us, runs, sizeof(*session->latency_us), compare);
	npu_job_stats(session->tool.job, &stats);
	session->npu_cycles = stats.npu_cycles;
	return 0;
}

/* Smallest latency that a share of percent/100 of the runs does not exceed. */
static double percentile(const struct session *session, uint32_t runs, uint32_t percent)
{
	uint64_t rank = ((uint64_t)runs * percent + 99) / 100;

	return session->latency_us[rank ? rank - 1 : 0];
}

static void report(const struct session *session, const struct options *options)
{
	struct npu_capabilities capabilities = { .size = sizeof(capabilities) };
	const struct npu_model_info *info = &session->tool.info;
	uint32_t threads = options->common.options.threads ? options->common.options.threads : 1;
	struct rusage usage;
	double least = session->latency_us[0];
	double median = percentile(session, options->runs, 50);
	double p90 = percentile(session, options->runs, 90);
	double p99 = percentile(session, options->runs, 99);

	getrusage(RUSAGE_SELF, &usage);
	npu_capabilities(session->tool.device, &capabilities);
	if (!options->common.json) {
		printf("%s on %s, %u thread%s: %.1f us median, %.1f least, %.1f p90, %.1f p99 of %u runs\n",
		       options->common.model, capabilities.name, threads, threads == 1 ? "" : "s",
		       median, least, p90, p99, options->runs);
		printf("operators: %u, %u on the NPU, %u on the processor, %u removed (%s)\n",
		       info->operator_count, info->operators_npu, info->operators_cpu,
		       info->operators_removed, info->reason);
		if (session->npu_cycles)
			printf("NPU cycles: %llu, predicted %llu\n",
			       (unsigned long long)session->npu_cycles,
			       (unsigned long long)info->predicted_cycles);
		return;
	}
	tool_session_json(&session->tool, options->common.model);
	printf(", \"threads\": %u, \"runs\": %u, \"latency_us\": {\"min\": %.3f, \"median\": %.3f, \"p90\": %.3f, \"p99\": %.3f}",
	       threads, options->runs, least, median, p90, p99);
	printf(", \"peak_rss_bytes\": %llu", (unsigned long long)usage.ru_maxrss * 1024);
	printf(", \"ops_total\": %u, \"ops_npu\": %u, \"ops_cpu\": %u, \"ops_removed\": %u",
	       info->operator_count, info->operators_npu, info->operators_cpu,
	       info->operators_removed);
	printf(", \"macs\": %llu, \"npu_cycles\": %llu, \"predicted_cycles\": %llu}\n",
	       (unsigned long long)info->macs, (unsigned long long)session->npu_cycles,
	       (unsigned long long)info->predicted_cycles);
}

static int session_run(struct session *session, const struct options *options)
{
	struct tool_session *tool = &session->tool;
	int ret = tool_session_open(tool, options->common.device, &options->common.options,
				    options->common.model);

	if (ret)
		return ret;
	tool_session_tell(tool, options->common.model);
	if (npu_job_new(tool->model, &tool->job))
		return tool_error("%s", npu_errmsg(tool->device));
	ret = tensors_bind(session);
	if (!ret)
		ret = runs_time(session, options->runs);
	if (!ret)
		report(session, options);
	return ret;
}

int main(int argc, char **argv)
{
	struct options options = { .common.model = NULL };
	struct session session = { .tensors = NULL };
	int ret = options_parse(&options, argc, argv);

	if (!ret && !tool_common_answer(&options.common, help))
		ret = session_run(&session, &options);
	tool_session_close(&session.tool);
	for (size_t i = 0; session.tensors && i < session.tensor_count; i++)
		free(session.tensors[i]);
	free(session.tensors);
	free(session.latency_us);
	return tool_finish(ret);
}
