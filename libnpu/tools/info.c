// SPDX-License-Identifier: MIT
/* npu-info: what a device is, what is in a model, and where its operators go. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

static const char help[] =
"Usage: npu-info [MODEL] [OPTION...]\n"
"Tells what the device is, and of a compiled graph (.npu) or .tflite or .onnx model its\n"
"inputs and outputs and where each of its operators runs, and why.\n"
"\n"
"  --device DEVICE      auto (default), cpu, sim, npu, or a device node\n"
"  --target TARGET      configuration to simulate or compile for\n"
"  --set KEY=VALUE,...  settings of simulator and compiler\n"
"  --json               as JSON\n"
"  --help, --version\n"
"\n"
"Exits 0, 1 after an error, 2 where the command line makes no sense.\n";

static const char *const kinds[] = { "?", "cpu", "simulator", "kernel" };
static const char *const places[] = { "?", "npu", "cpu", "removed" };

static int options_parse(struct tool_common *options, int argc, char **argv)
{
	struct tool_arguments arguments = { .count = argc, .values = argv, .position = 1 };
	int ret = tool_common_next(options, &arguments);

	if (ret > 0)
		return tool_usage_error("unknown option %s", arguments.option);
	return ret ? TOOL_USAGE : 0;
}

static void json_field(const char *name, const char *text)
{
	printf("\"%s\": ", name);
	tool_json_string(stdout, text);
}

static void device_print(const struct npu_capabilities *device, int json)
{
	if (json) {
		printf("{\"device\": {");
		json_field("name", device->name);
		printf(", ");
		json_field("kind", kinds[device->kind]);
		printf(", ");
		json_field("driver", device->driver);
		printf(", ");
		json_field("reason", device->reason);
		printf(", \"isa\": \"%u.%u\", \"macs_per_cycle\": %u, \"sram_bytes\": %llu, \"clock_khz\": %llu, \"features\": %llu}",
		       device->isa_major, device->isa_minor, device->macs_per_cycle,
		       (unsigned long long)device->sram_bytes,
		       (unsigned long long)device->clock_khz,
		       (unsigned long long)device->features);
		return;
	}
	printf("device     %s (%s; %s)\n", device->name, device->driver, device->reason);
	if (device->kind != NPU_DEVICE_CPU)
		printf("hardware   ISA %u.%u, %u MACs a cycle, %llu bytes of SRAM, %llu kHz\n",
		       device->isa_major, device->isa_minor, device->macs_per_cycle,
		       (unsigned long long)device->sram_bytes,
		       (unsigned long long)device->clock_khz);
}

static void tensor_print(struct npu_model *model, enum npu_direction direction, uint32_t i,
			 int json)
{
	struct npu_tensor tensor = { .size = sizeof(tensor) };

	npu_tensor(model, direction, i, &tensor);
	if (json)
		printf("%s{\"dtype\": \"%s\", \"shape\": [", i ? ", " : "",
		       npu_type_name(tensor.type));
	else
		printf("%s %-4u%s[", direction == NPU_INPUT ? "input " : "output", i,
		       npu_type_name(tensor.type));
	for (uint32_t d = 0; d < tensor.rank; d++)
		printf("%s%u", d ? (json ? ", " : "x") : "", tensor.dims[d]);
	if (json) {
		printf("], \"scale\": %.9g, \"zero_point\": %d, ", (double)tensor.scale,
		       tensor.zero_point);
		json_field("name", tensor.name);
		printf("}");
	} else {
		printf("] \"%s\"", tensor.name);
		if (tensor.scale != 0)
			printf(", scale %.9g, zero point %d", (double)tensor.scale,
			       tensor.zero_point);
		printf("\n");
	}
}

static void placement_print(const struct npu_placement *placement, uint32_t i, int json)
{
	if (!json) {
		printf("%4u %-24s %-8s%10llu%12llu  %s%s%s\n", i, placement->name,
		       places[placement->place], (unsigned long long)placement->predicted_cycles,
		       (unsigned long long)placement->macs, placement->location,
		       *placement->reason ? ": " : "", placement->reason);
		return;
	}
	printf("%s{\"operator\": %u, ", i ? ", " : "", i);
	json_field("name", placement->name);
	printf(", ");
	json_field("place", places[placement->place]);
	printf(", ");
	json_field("location", placement->location);
	printf(", ");
	json_field("reason", placement->reason);
	printf(", \"predicted_cycles\": %llu, \"macs\": %llu}",
	       (unsigned long long)placement->predicted_cycles,
	       (unsigned long long)placement->macs);
}

/* Where the operators run, or would run with stream number `stream`; -1: as they do now. */
static void placements_print(struct npu_model *model, int stream, int json)
{
	struct npu_placement placement = { .size = sizeof(placement) };

	if (!json)
		printf("%4s %-24s %-8s%10s%12s\n", "no.", "operator", "place", "cycles", "MACs");
	for (uint32_t i = 0;
	     !(stream < 0 ? npu_placement(model, i, &placement) :
	       npu_stream_placement(model, (uint32_t)stream, i, &placement)); i++)
		placement_print(&placement, i, json);
}

static void streams_text(struct npu_model *model)
{
	struct npu_stream stream = { .size = sizeof(stream) };

	for (uint32_t i = 0; !npu_stream(model, i, &stream); i++)
		printf("stream %-4u%s: %u MACs a cycle, %u bytes of SRAM (%llu used); %llu MACs in %u jobs, predicted %llu cycles, %llu bytes spilled%s\n",
		       i, stream.target, stream.macs_per_cycle, stream.sram_bytes,
		       (unsigned long long)stream.sram_peak_bytes,
		       (unsigned long long)stream.macs, stream.segment_count,
		       (unsigned long long)stream.predicted_cycles,
		       (unsigned long long)stream.spill_bytes, stream.in_use ? "; in use" : "");
}

static void streams_json(struct npu_model *model)
{
	struct npu_stream stream = { .size = sizeof(stream) };

	for (uint32_t i = 0; !npu_stream(model, i, &stream); i++) {
		printf("%s{", i ? ", " : "");
		json_field("target", stream.target);
		printf(", \"in_use\": %s, \"macs_per_cycle\": %u, \"sram_bytes\": %u, \"npu_jobs\": %u",
		       stream.in_use ? "true" : "false", stream.macs_per_cycle,
		       stream.sram_bytes, stream.segment_count);
		printf(", \"macs_npu\": %llu, \"predicted_cycles\": %llu, \"preemption_interval\": %llu, \"sram_peak_bytes\": %llu, \"spill_bytes\": %llu, \"operators\": [",
		       (unsigned long long)stream.macs,
		       (unsigned long long)stream.predicted_cycles,
		       (unsigned long long)stream.preemption_interval,
		       (unsigned long long)stream.sram_peak_bytes,
		       (unsigned long long)stream.spill_bytes);
		placements_print(model, (int)i, 1);
		printf("]}");
	}
}

static void model_text(struct npu_model *model, const struct npu_model_info *info)
{
	struct npu_stream stream = { .size = sizeof(stream) };

	printf("model      %s, compiled by %s, numerics %s\n", info->source, info->producer,
	       info->numerics);
	printf("stream     %s (%s)\n", *info->target ? info->target : "none", info->reason);
	printf("operators  %u: %u on the NPU in %u jobs, %u on the processor, %u removed\n",
	       info->operator_count, info->operators_npu, info->segment_count,
	       info->operators_cpu, info->operators_removed);
	printf("cost       %llu MACs, %llu on the NPU; predicted %llu NPU cycles, at most %llu between preemption points\n",
	       (unsigned long long)info->macs, (unsigned long long)info->macs_npu,
	       (unsigned long long)info->predicted_cycles,
	       (unsigned long long)info->preemption_interval);
	printf("memory     %llu bytes for the processor, %llu for the device%s\n",
	       (unsigned long long)info->arena_bytes, (unsigned long long)info->device_bytes,
	       info->has_state ? "; keeps state from run to run" : "");
	for (uint32_t i = 0; i < info->input_count; i++)
		tensor_print(model, NPU_INPUT, i, 0);
	for (uint32_t i = 0; i < info->output_count; i++)
		tensor_print(model, NPU_OUTPUT, i, 0);
	streams_text(model);
	placements_print(model, -1, 0);
	for (uint32_t i = 0; !npu_stream(model, i, &stream); i++) {
		if (stream.in_use)
			continue;
		printf("\nwith stream %u, for %s\n", i, stream.target);
		placements_print(model, (int)i, 0);
	}
}

static void model_json(struct npu_model *model, const struct npu_model_info *info)
{
	printf(", \"model\": {");
	json_field("source", info->source);
	printf(", ");
	json_field("producer", info->producer);
	printf(", ");
	json_field("numerics", info->numerics);
	printf(", ");
	json_field("target", info->target);
	printf(", ");
	json_field("reason", info->reason);
	printf(", \"ops_total\": %u, \"ops_npu\": %u, \"ops_cpu\": %u, \"ops_removed\": %u, \"npu_jobs\": %u",
	       info->operator_count, info->operators_npu, info->operators_cpu,
	       info->operators_removed, info->segment_count);
	printf(", \"macs\": %llu, \"macs_npu\": %llu, \"predicted_cycles\": %llu, \"preemption_interval\": %llu",
	       (unsigned long long)info->macs, (unsigned long long)info->macs_npu,
	       (unsigned long long)info->predicted_cycles,
	       (unsigned long long)info->preemption_interval);
	printf(", \"arena_bytes\": %llu, \"device_bytes\": %llu, \"has_state\": %s, \"inputs\": [",
	       (unsigned long long)info->arena_bytes, (unsigned long long)info->device_bytes,
	       info->has_state ? "true" : "false");
	for (uint32_t i = 0; i < info->input_count; i++)
		tensor_print(model, NPU_INPUT, i, 1);
	printf("], \"outputs\": [");
	for (uint32_t i = 0; i < info->output_count; i++)
		tensor_print(model, NPU_OUTPUT, i, 1);
	printf("], \"operators\": [");
	placements_print(model, -1, 1);
	printf("], \"streams\": [");
	streams_json(model);
	printf("]}");
}

/* A graph for the NPU only is told of where there is none too: by the simulated one. */
static int model_load(const struct tool_common *options, const struct npu_open_options *open,
		      struct npu_device **device, struct npu_model **model)
{
	int ret = npu_model_load_file(*device, options->model, model);

	if (ret != -ENODATA || options->device)
		return ret;
	npu_close(*device);
	ret = npu_open_with("sim", open, device);
	return ret ? ret : npu_model_load_file(*device, options->model, model);
}

static int tell(const struct tool_common *options, struct npu_device **device,
		struct npu_model **model)
{
	struct npu_open_options open = options->options;
	struct npu_capabilities capabilities = { .size = sizeof(capabilities) };
	struct npu_model_info info = { .size = sizeof(info) };

	/* Without a model the simulator has nothing else to go by. */
	if (!options->model && !open.target && options->device &&
	    !strcmp(options->device, "sim"))
		open.target = "kestrel-256";
	if (npu_open_with(options->device, &open, device) ||
	    (options->model && model_load(options, &open, device, model)) ||
	    npu_capabilities(*device, &capabilities))
		return tool_error("%s", npu_errmsg(*device));
	device_print(&capabilities, options->json);
	if (*model) {
		npu_model_info(*model, &info);
		if (options->json)
			model_json(*model, &info);
		else
			model_text(*model, &info);
	}
	if (options->json)
		printf("}\n");
	return 0;
}

int main(int argc, char **argv)
{
	struct tool_common options = { .model = NULL };
	struct npu_device *device = NULL;
	struct npu_model *model = NULL;
	int ret = options_parse(&options, argc, argv);

	if (!ret && !tool_common_answer(&options, help))
		ret = tell(&options, &device, &model);
	npu_model_free(model);
	npu_close(device);
	return tool_finish(ret);
}
