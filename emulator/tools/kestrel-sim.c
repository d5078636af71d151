// SPDX-License-Identifier: MIT
/*
 * kestrel-sim: input files through a model on the simulated NPU, with what the
 * hardware did meanwhile. npu-run --device sim computes the same bytes; this
 * program refuses where that one would fall back to the processor.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <kestrel/isa.h>
#include <kestrel/simulator.h>

#include "lane.h"
#include "session.h"

static const char help[] =
"Usage: kestrel-sim MODEL --input FILE... --output FILE... [OPTION...]\n"
"Runs a compiled graph (.npu), or a .tflite or .onnx model, on the simulated NPU\n"
"with its real firmware, writes the outputs and tells cycles and traffic.\n"
"\n"
"  --input FILE...      one file for each input of the model, in model order;\n"
"                       a file may hold several tensors one after the other:\n"
"                       that many runs, the same number in every file\n"
"  --output FILE...     one file for each output; the outputs of all runs\n"
"                       one after the other\n"
"  --target TARGET      configuration to simulate (default: that of the graph's\n"
"                       first stream, else kestrel-256)\n"
"  --set KEY=VALUE,...  settings of simulator and compiler: sram=65536,\n"
"                       checked=on, schedule=random:SEED and so on\n"
"  --firmware FILE      firmware image to boot\n"
"  --trace FILE.json    timeline of the units, for chrome://tracing or Perfetto\n"
"  --reset-state        clear the model's state before every run\n"
"  --json               statistics of the last run, and the cycles of all, as JSON\n"
"  --help, --version\n"
"\n"
"Exits 0, 1 after an error or where an operator would have to leave the NPU,\n"
"2 where the command line makes no sense.\n";

struct options {
	struct tool_common common;
	struct kestrel_simulator_options simulator;
	struct tool_list inputs;
	struct tool_list outputs;
	const char *trace;
	int reset_state;
};

struct session {
	struct tool_session tool;
	const struct kestrel_simulator_interface *interface;
	struct kestrel_simulator *simulator;
	struct kestrel_simulator_information information;
	struct kestrel_simulator_statistics statistics;
	/* cycles_total of each run. */
	uint64_t *cycles;
	FILE *trace;
	int traced;
	int trace_error;
	/* Commands of a unit overlap: one is taken while others have not retired. */
	struct lanes lanes[KESTREL_SIMULATOR_UNITS];
};

static const char *const unit_name[KESTREL_SIMULATOR_UNITS] = {
	[KESTREL_SIMULATOR_UNIT_DMA_IN] = "dma_in",
	[KESTREL_SIMULATOR_UNIT_DMA_OUT] = "dma_out",
	[KESTREL_SIMULATOR_UNIT_MAC] = "mac",
	[KESTREL_SIMULATOR_UNIT_VECTOR] = "vector",
	[KESTREL_SIMULATOR_UNIT_FRONT_END] = "front_end",
};

static int option_parse(struct options *options, struct tool_arguments *arguments)
{
	const char *option = arguments->option;
	const char **text = NULL;

	if (!strcmp(option, "--input"))
		return tool_values(arguments, &options->inputs);
	if (!strcmp(option, "--output"))
		return tool_values(arguments, &options->outputs);
	if (!strcmp(option, "--reset-state")) {
		options->reset_state = 1;
		return 0;
	}
	if (!strcmp(option, "--firmware"))
		text = &options->simulator.firmware_path;
	else if (!strcmp(option, "--trace"))
		text = &options->trace;
	else
		return tool_usage_error("unknown option %s", option);
	*text = tool_value(arguments);
	return *text ? 0 : TOOL_USAGE;
}

static int options_parse(struct options *options, int argc, char **argv)
{
	struct tool_arguments arguments = { .count = argc, .values = argv, .position = 1 };
	int more, ret;

	while ((more = tool_common_next(&options->common, &arguments)) > 0) {
		ret = option_parse(options, &arguments);
		if (ret)
			return ret;
	}
	if (more < 0)
		return TOOL_USAGE;
	if (options->common.help || options->common.version)
		return 0;
	if (options->common.device && strcmp(options->common.device, "sim"))
		return tool_usage_error("--device %s: this program is the simulator",
					options->common.device);
	return options->common.model ? 0 : tool_usage_error("no model");
}

/* Where a row begins that viewers name and order: "mac", "mac 2" and so on. */
static void trace_lane(struct session *session, unsigned int thread, unsigned int unit,
		       size_t lane)
{
	char number[24] = "";

	if (lane)
		snprintf(number, sizeof(number), " %zu", lane + 1);
	fprintf(session->trace,
		"%s\n {\"name\": \"thread_name\", \"ph\": \"M\", \"pid\": 1, \"tid\": %u, "
		"\"args\": {\"name\": \"%s%s\"}},\n {\"name\": \"thread_sort_index\", \"ph\": \"M\", "
		"\"pid\": 1, \"tid\": %u, \"args\": {\"sort_index\": %u}}",
		session->traced++ ? "," : "", thread, unit_name[unit], number, thread, thread);
}

/* In tenths of a nanosecond, rounded once: a slice ends where the next can begin. */
static unsigned long long trace_time(const struct session *session, uint64_t cycle)
{
	/* Before the first model the clock is not known here: 1 us a cycle then. */
	double khz = session->information.clock_khz ? session->information.clock_khz : 1000;

	return (unsigned long long)((double)cycle * 1e7 / khz + 0.5);
}

static void trace_event(void *opaque, const struct kestrel_simulator_trace_event *event)
{
	struct session *session = opaque;
	struct lanes *lanes = &session->lanes[event->unit];
	unsigned long long start = trace_time(session, event->start_cycle);
	unsigned long long taken = trace_time(session, event->end_cycle) - start;
	size_t known = lanes->count, lane = 0;
	unsigned int thread;

	if (lane_take(lanes, event->start_cycle, event->end_cycle, &lane))
		session->trace_error = ENOMEM;
	/* A unit has no more commands at a time than it queues. */
	thread = 1 + event->unit * KESTREL_ISA_QUEUE_ENTRIES + (unsigned int)lane;
	if (lane >= known)
		trace_lane(session, thread, event->unit, lane);
	fprintf(session->trace,
		"%s\n {\"name\": \"%s\", \"ph\": \"X\", \"pid\": 1, \"tid\": %u, "
		"\"ts\": %llu.%04llu, \"dur\": %llu.%04llu, \"args\": {\"unit\": \"%s\", "
		"\"stream_offset\": %u, \"start_cycle\": %llu, \"end_cycle\": %llu}}",
		session->traced++ ? "," : "", event->name, thread, start / 10000, start % 10000,
		taken / 10000, taken % 10000, unit_name[event->unit], event->stream_offset,
		(unsigned long long)event->start_cycle, (unsigned long long)event->end_cycle);
}

static int trace_open(struct session *session, struct options *options)
{
	if (!options->trace)
		return 0;
	session->trace = fopen(options->trace, "w");
	if (!session->trace)
		return tool_error("%s: %s", options->trace, strerror(errno));
	fputs("{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n {\"name\": \"process_name\", "
	      "\"ph\": \"M\", \"pid\": 1, \"args\": {\"name\": \"Kestrel NPU\"}}", session->trace);
	session->traced = 1;
	options->simulator.trace = trace_event;
	options->simulator.trace_opaque = session;
	return 0;
}

/* `ret` is what the run came to: the timeline of one that failed is removed. */
static int trace_close(struct session *session, const struct options *options, int ret)
{
	FILE *file = session->trace;

	for (unsigned int unit = 0; unit < KESTREL_SIMULATOR_UNITS; unit++)
		lanes_release(&session->lanes[unit]);
	if (!file)
		return ret;
	session->trace = NULL;
	fputs("\n]}\n", file);
	if (!ret && session->trace_error)
		ret = tool_error("%s: %s", options->trace, strerror(session->trace_error));
	if (!ret)
		return tool_file_close(file, options->trace);
	tool_file_drop(file, options->trace);
	return ret;
}

static int run_all(struct session *session, const struct options *options)
{
	session->cycles = calloc(session->tool.runs, sizeof(*session->cycles));
	if (!session->cycles)
		return tool_error("out of memory");
	for (size_t run = 0; run < session->tool.runs; run++) {
		int ret;

		/* What is told is one run, so the last one. */
		session->interface->statistics_reset(session->simulator);
		ret = tool_session_run(&session->tool, run, options->reset_state);
		if (ret)
			return ret;
		session->interface->statistics(session->simulator, &session->statistics);
		session->cycles[run] = session->statistics.cycles_total;
	}
	return 0;
}

static uint64_t dma_bytes(const struct kestrel_simulator_statistics *statistics)
{
	uint64_t bytes = 0;

	for (unsigned int port = 0; port < KESTREL_SIMULATOR_PORTS; port++)
		bytes += statistics->dma_bytes_in[port] + statistics->dma_bytes_out[port];
	return bytes;
}

static double mac_utilisation(const struct session *session)
{
	const struct kestrel_simulator_statistics *statistics = &session->statistics;
	double possible = (double)statistics->cycles_total *
			  session->information.macs_per_cycle;

	return possible > 0 ? (double)statistics->macs / possible : 0;
}

static void report_json(const struct session *session, const struct options *options)
{
	const struct kestrel_simulator_statistics *s = &session->statistics;

	printf("{\"model\": ");
	tool_json_string(stdout, options->common.model);
	printf(", \"target\": ");
	tool_json_string(stdout, session->information.target);
	printf(", \"settings\": ");
	tool_json_string(stdout, options->common.options.settings ?
				 options->common.options.settings : "");
	printf(", \"firmware\": ");
	tool_json_string(stdout, session->information.firmware_version);
	printf(",\n \"runs\": %zu, \"cycles_total\": %llu, \"predicted_cycles\": %llu, ",
	       session->tool.runs, (unsigned long long)s->cycles_total,
	       (unsigned long long)session->tool.info.predicted_cycles);
	printf("\"clock_khz\": %u, \"macs_per_cycle\": %u,\n \"cycles\": {",
	       session->information.clock_khz, session->information.macs_per_cycle);
	for (unsigned int unit = 0; unit < KESTREL_SIMULATOR_UNITS; unit++)
		printf("%s\"%s\": %llu", unit ? ", " : "", unit_name[unit],
		       (unsigned long long)s->unit_busy_cycles[unit]);
	printf("},\n \"macs\": %llu, \"mac_utilisation\": %.6f, \"dma_bytes\": %llu, ",
	       (unsigned long long)s->macs, mac_utilisation(session),
	       (unsigned long long)dma_bytes(s));
	printf("\"sram_peak_bytes\": %llu, \"spill_bytes\": %llu,\n \"ports\": [",
	       (unsigned long long)s->sram_peak_bytes,
	       (unsigned long long)session->tool.info.spill_bytes);
	for (unsigned int port = 0; port < KESTREL_SIMULATOR_PORTS; port++)
		printf("%s{\"read_bytes\": %llu, \"write_bytes\": %llu}", port ? ", " : "",
		       (unsigned long long)s->dma_bytes_in[port],
		       (unsigned long long)s->dma_bytes_out[port]);
	printf("],\n \"command_bytes\": %llu, \"commands\": %llu, \"jobs\": %llu, ",
	       (unsigned long long)s->command_bytes, (unsigned long long)s->commands,
	       (unsigned long long)s->jobs);
	printf("\"tlb_misses\": %llu, \"walk_cycles\": %llu, \"bank_conflict_cycles\": %llu, ",
	       (unsigned long long)s->tlb_misses, (unsigned long long)s->walk_cycles,
	       (unsigned long long)s->bank_conflict_cycles);
	printf("\"mcu_instructions\": %llu,\n \"cycles_per_run\": [",
	       (unsigned long long)s->mcu_instructions);
	for (size_t run = 0; run < session->tool.runs; run++)
		printf("%s%llu", run ? ", " : "", (unsigned long long)session->cycles[run]);
	printf("],\n ");
	printf("\"ops_total\": %u, \"ops_npu\": %u, \"ops_cpu\": %u, \"ops_removed\": %u}\n",
	       session->tool.info.operator_count, session->tool.info.operators_npu,
	       session->tool.info.operators_cpu, session->tool.info.operators_removed);
}

static void report_text(const struct session *session)
{
	const struct kestrel_simulator_statistics *s = &session->statistics;
	double milliseconds = (double)s->cycles_total / session->information.clock_khz;

	printf("%s, firmware %s: %zu runs\n", session->information.target,
	       session->information.firmware_version, session->tool.runs);
	printf("  cycles        %12llu  (%.3f ms; predicted %llu)\n",
	       (unsigned long long)s->cycles_total, milliseconds,
	       (unsigned long long)session->tool.info.predicted_cycles);
	for (unsigned int unit = 0; unit < KESTREL_SIMULATOR_UNITS; unit++)
		printf("  busy %-9s%12llu\n", unit_name[unit],
		       (unsigned long long)s->unit_busy_cycles[unit]);
	printf("  macs          %12llu  (%.1f %% of the array)\n",
	       (unsigned long long)s->macs, 100 * mac_utilisation(session));
	printf("  dma bytes     %12llu  (%llu of commands, %llu spilled)\n",
	       (unsigned long long)dma_bytes(s), (unsigned long long)s->command_bytes,
	       (unsigned long long)session->tool.info.spill_bytes);
	printf("  sram peak     %12llu  of %u bytes\n", (unsigned long long)s->sram_peak_bytes,
	       session->information.sram_bytes);
	printf("  operators: %u on the NPU, %u on the processor, %u removed\n",
	       session->tool.info.operators_npu, session->tool.info.operators_cpu,
	       session->tool.info.operators_removed);
}

static int session_open(struct session *session, struct options *options)
{
	int ret;

	ret = trace_open(session, options);
	if (ret)
		return ret;
	options->common.options.simulator = &options->simulator;
	ret = tool_session_open(&session->tool, "sim", &options->common.options, options->common.model);
	if (ret)
		return ret;
	if (!*session->tool.info.target)
		return tool_error("nothing of the model would run on the NPU: %s",
				  session->tool.info.reason);
	ret = npu_simulator(session->tool.device, &session->interface, &session->simulator);
	if (ret)
		return tool_error("%s", npu_errmsg(session->tool.device));
	session->interface->information(session->simulator, &session->information);
	return 0;
}

static int session_run(struct session *session, struct options *options)
{
	int ret;

	ret = session_open(session, options);
	if (!ret)
		ret = tool_session_read(&session->tool, &options->inputs, &options->outputs);
	if (!ret && npu_job_new(session->tool.model, &session->tool.job))
		ret = tool_error("%s", npu_errmsg(session->tool.device));
	if (!ret)
		ret = run_all(session, options);
	ret = trace_close(session, options, ret);
	if (!ret)
		ret = tool_session_write(&session->tool, &options->outputs);
	if (!ret && options->common.json)
		report_json(session, options);
	else if (!ret)
		report_text(session);
	return ret;
}

int main(int argc, char **argv)
{
	struct options options = { .common.model = NULL };
	struct session session = { .cycles = NULL };
	int ret = options_parse(&options, argc, argv);

	if (!ret && !tool_common_answer(&options.common, help))
		ret = session_run(&session, &options);
	tool_session_close(&session.tool);
	free(session.cycles);
	free(options.inputs.items);
	free(options.outputs.items);
	return tool_finish(ret);
}
