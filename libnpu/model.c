// SPDX-License-Identifier: MIT
/* Loading a model, and what it says about itself. */
#include "model.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kestrel/compiler.h>

#include "compile.h"
#include "stream.h"

#define FILE_BYTES_MAX (1ll << 31)

/* A configuration that fits a device, as npuc takes it. */
struct target {
	char name[64];
	char settings[192];
};

static void target_get(const struct npu_device *device, struct target *target)
{
	const struct npu_capabilities *capabilities = &device->capabilities;
	const char *settings = device->settings ? device->settings : "";

	snprintf(target->settings, sizeof(target->settings), "%.160s", settings);
	if (device->target)
		snprintf(target->name, sizeof(target->name), "%.63s", device->target);
	else if (device->kind == NPU_DEVICE_SIMULATOR)
		snprintf(target->name, sizeof(target->name), "%.63s", capabilities->name);
	else
		snprintf(target->name, sizeof(target->name), "kestrel-%" PRIu32,
			 capabilities->macs_per_cycle);
	/* A kernel device's SRAM may differ from that of the named configuration. */
	if (device->kind == NPU_DEVICE_KERNEL)
		snprintf(target->settings, sizeof(target->settings), "%.150s%ssram=%" PRIu64,
			 settings, *settings ? "," : "", capabilities->sram_bytes);
}

/* Replaces the model's file by the one that the compiler makes of its operators. */
static int recompile(struct npu_model *model, struct message *message)
{
	struct npu_device *device = model->device;
	struct message missed = model->reason;
	struct target target;
	struct graph graph;
	size_t size;
	void *data;
	int ret;

	target_get(device, &target);
	ret = compile_graph(model->data, model->size, target.name,
			    target.settings[0] ? target.settings : NULL, 0, &data, &size, message);
	if (ret)
		return ret;
	ret = graph_open(&graph, data, size, message);
	if (!ret && !stream_choose(&graph, &device->capabilities, message)) {
		graph_close(&graph);
		ret = -ENODATA;
	}
	if (ret) {
		free(data);
		return ret;
	}
	graph_close(&model->graph);
	free(model->data);
	model->graph = graph;
	model->data = data;
	model->size = size;
	model->stream = stream_choose(&model->graph, &device->capabilities, &model->reason);
	message_set(&model->reason, 0, "compiled for %.32s when it was loaded: %.400s",
		    target.name, missed.text);
	return 0;
}

/* The stream to run, compiled now if need be; else the processor, if that is possible. */
static int stream_select(struct npu_model *model, struct message *message)
{
	struct npu_device *device = model->device;
	int npu_only = model->graph.header->flags & KESTREL_GRAPH_FLAG_NPU_ONLY;
	struct message why;

	if (device->kind == NPU_DEVICE_CPU) {
		message_set(&model->reason, 0, "the device is the processor");
		if (npu_only)
			return message_set(message, -ENODATA,
					   "the file was made for the NPU only, the device is the processor");
		return 0;
	}
	model->stream = stream_choose(&model->graph, &device->capabilities, &model->reason);
	if (model->stream)
		return 0;
	if (npu_only)
		return message_set(message, -ENODATA,
				   "the file was made for the NPU only: %.400s", model->reason.text);
	if (recompile(model, &why)) {
		struct message missed = model->reason;

		message_set(&model->reason, 0, "%.280s; not compiled anew: %.180s", missed.text,
			    why.text);
	}
	return 0;
}

/* The commands from the stream's first to its last; other streams' lie before and behind. */
static void commands_find(struct npu_model *model)
{
	const struct kestrel_graph_stream *stream = model->stream;
	uint64_t first = model->graph.commands_size, end = 0;

	for (uint32_t i = 0; i < stream->segment_count; i++) {
		const struct kestrel_graph_segment *segment =
			&model->graph.segments[stream->first_segment + i];

		if (segment->kind != KESTREL_GRAPH_SEGMENT_NPU)
			continue;
		if (segment->command_offset < first)
			first = segment->command_offset;
		if (segment->command_offset + segment->command_size > end)
			end = segment->command_offset + segment->command_size;
	}
	model->commands_first = first;
	model->commands_size = end > first ? end - first : 0;
}

/*
 * Commands and constants in one buffer: the first constants are then on a page
 * that the device has translated for the commands.
 */
static int program_upload(struct npu_model *model, struct message *message)
{
	const struct graph *graph = &model->graph;
	uint64_t offset;
	int ret;

	commands_find(model);
	if (!model->commands_size)
		return 0;
	offset = (model->commands_size + KESTREL_GRAPH_ALIGNMENT - 1) &
		 ~(uint64_t)(KESTREL_GRAPH_ALIGNMENT - 1);
	ret = device_memory_create(model->device, offset + graph->stream_constants_size,
				   DEVICE_READ | DEVICE_EXECUTE | DEVICE_PRIVATE,
				   &model->stream_memory, message);
	if (ret)
		return ret;
	memcpy(model->stream_memory.data, graph->commands + model->commands_first,
	       model->commands_size);
	if (graph->stream_constants_size)
		memcpy((uint8_t *)model->stream_memory.data + offset, graph->stream_constants,
		       graph->stream_constants_size);
	model->constants_offset = offset;
	return model->device->operations->memory_end(&model->stream_memory, NPU_WRITE, message);
}

static int model_prepare(struct npu_model *model, struct message *message)
{
	struct npu_device *device = model->device;
	int ret;

	if (device->operations->configure) {
		pthread_mutex_lock(&device->lock);
		ret = device->operations->configure(device, &model->graph, message);
		pthread_mutex_unlock(&device->lock);
		if (ret)
			return ret;
	}
	ret = stream_select(model, message);
	if (!ret)
		ret = plan_create(&model->graph, model->stream, &model->plan, message);
	if (!ret)
		ret = cpu_program_create(&model->graph, model->plan.on_cpu, &model->program,
					 message);
	if (!ret && model->stream)
		ret = program_upload(model, message);
	return ret;
}

/*
 * A .tflite file says "TFL3" at byte 4. An .onnx file has no mark; it begins with
 * its first field, a version below 128. A graph begins with neither.
 */
static int is_source(const void *data, size_t size)
{
	const uint8_t *bytes = data;

	return (size >= 8 && !memcmp(bytes + 4, "TFL3", 4)) ||
	       (size >= 2 && bytes[0] == 0x08 && bytes[1] && bytes[1] < 0x80);
}

static int source_compile(struct npu_model *model, struct message *message)
{
	struct npu_device *device = model->device;
	uint32_t flags = device->kind == NPU_DEVICE_CPU ? KESTREL_COMPILER_NO_STREAM : 0;
	struct target target = { .name = "" };
	void *source = model->data;
	int ret = 0;

	if (device->operations->configure) {
		pthread_mutex_lock(&device->lock);
		ret = device->operations->configure(device, NULL, message);
		pthread_mutex_unlock(&device->lock);
		if (ret)
			return ret;
	}
	if (!flags)
		target_get(device, &target);
	ret = compile_model(source, model->size, target.name[0] ? target.name : NULL,
			    target.settings[0] ? target.settings : NULL, flags, &model->data,
			    &model->size, message);
	free(source);
	return ret;
}

/* Takes `data`, which is malloc()ed. */
static int model_create(struct npu_device *device, void *data, size_t size,
			struct npu_model **result)
{
	struct message message = { "" };
	struct npu_model *model = calloc(1, sizeof(*model));
	int ret = 0;

	*result = NULL;
	if (!model) {
		free(data);
		return message_set(&device->message, -ENOMEM, "out of memory");
	}
	pthread_mutex_init(&model->run_lock, NULL);
	model->device = device;
	model->data = data;
	model->size = size;
	if (is_source(data, size))
		ret = source_compile(model, &message);
	if (!ret)
		ret = graph_open(&model->graph, model->data, model->size, &message);
	if (!ret)
		ret = model_prepare(model, &message);
	if (ret) {
		npu_model_free(model);
		device->message = message;
		return ret;
	}
	*result = model;
	return 0;
}

static void *file_memory(size_t size)
{
	return aligned_alloc(KESTREL_GRAPH_ALIGNMENT, (size + KESTREL_GRAPH_ALIGNMENT) /
			     KESTREL_GRAPH_ALIGNMENT * KESTREL_GRAPH_ALIGNMENT);
}

int npu_model_load(struct npu_device *device, const void *data, size_t size,
		   struct npu_model **model)
{
	void *copy = file_memory(size);

	*model = NULL;
	if (!copy)
		return message_set(&device->message, -ENOMEM, "out of memory for %zu bytes", size);
	memcpy(copy, data, size);
	return model_create(device, copy, size, model);
}

static int file_read(int fd, uint8_t *data, size_t size)
{
	while (size) {
		ssize_t got = read(fd, data, size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		data += got;
		size -= (size_t)got;
	}
	return 0;
}

int npu_model_load_file(struct npu_device *device, const char *path, struct npu_model **model)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *data = NULL;
	int ret = 0;

	*model = NULL;
	if (fd < 0)
		return message_set(&device->message, -errno, "%s: %s", path, strerror(errno));
	if (fstat(fd, &status))
		ret = -errno;
	else if (!S_ISREG(status.st_mode) || status.st_size > FILE_BYTES_MAX)
		ret = -EINVAL;
	if (!ret) {
		data = file_memory((size_t)status.st_size);
		ret = data ? file_read(fd, data, (size_t)status.st_size) : -ENOMEM;
	}
	close(fd);
	if (ret) {
		free(data);
		return message_set(&device->message, ret, "%s: %s", path,
				   ret == -EINVAL ? "not a regular file of at most 2 GiB" :
				   strerror(-ret));
	}
	ret = model_create(device, data, (size_t)status.st_size, model);
	if (ret) {
		struct message why = device->message;

		message_set(&device->message, ret, "%.128s: %.380s", path, why.text);
	}
	return ret;
}

void npu_model_free(struct npu_model *model)
{
	if (!model)
		return;
	npu_job_free(model->run_job);
	device_memory_destroy(&model->stream_memory);
	cpu_program_free(model->program);
	plan_free(&model->plan);
	graph_close(&model->graph);
	pthread_mutex_destroy(&model->run_lock);
	free(model->data);
	free(model);
}

/* Placement record of a source operator, or NULL where the file has none. */
static const struct kestrel_graph_placement *placement_find(const struct npu_model *model,
							    uint32_t i)
{
	const struct graph *graph = &model->graph;
	size_t stream = model->stream ? (size_t)(model->stream - graph->streams) : 0;

	return &graph->placements[stream * graph->info->source_operator_count + i];
}

/* Without a stream everything that has a portable operator runs on the processor. */
static int operator_exists(const struct graph *graph, uint32_t source_operator)
{
	for (uint32_t i = 0; i < graph->operator_count; i++)
		if (graph->operators[i].source_operator == source_operator)
			return 1;
	return 0;
}

static int size_check(struct npu_model *model, const char *name, size_t size, size_t known)
{
	if (size >= sizeof(size) && size <= known)
		return 0;
	return message_set(&model->device->message, -EINVAL,
			   "%s: size %zu, this library knows %zu", name, size, known);
}

int npu_placement(struct npu_model *model, uint32_t i, struct npu_placement *placement)
{
	const struct kestrel_graph_placement *record;
	struct npu_placement result = { .size = placement->size };
	int ret;

	ret = size_check(model, "npu_placement", placement->size, sizeof(*placement));
	if (ret)
		return ret;
	if (i >= model->graph.info->source_operator_count)
		return message_set(&model->device->message, -ERANGE,
				   "operator %" PRIu32 " of %" PRIu32, i,
				   model->graph.info->source_operator_count);
	record = placement_find(model, i);
	result.place = record->place;
	result.predicted_cycles = record->predicted_cycles;
	result.macs = record->macs;
	result.name = graph_string(&model->graph, record->name);
	result.location = graph_string(&model->graph, record->location);
	result.reason = graph_string(&model->graph, record->reason);
	if (!model->stream) {
		result.predicted_cycles = 0;
		if (operator_exists(&model->graph, i)) {
			result.place = NPU_PLACE_CPU;
			result.reason = model->reason.text;
		} else {
			result.place = NPU_PLACE_REMOVED;
		}
	}
	memcpy(placement, &result, placement->size);
	return 0;
}

static const char *numerics_name(uint32_t numerics)
{
	switch (numerics) {
	case KESTREL_GRAPH_NUMERICS_TFLITE_REFERENCE:
		return "tflite-ref";
	case KESTREL_GRAPH_NUMERICS_TFLITE:
		return "tflite";
	case KESTREL_GRAPH_NUMERICS_TFLM:
		return "tflm";
	case KESTREL_GRAPH_NUMERICS_ONNX:
		return "onnx";
	}
	return "unknown";
}

static void info_stream(const struct npu_model *model, struct npu_model_info *info)
{
	const struct kestrel_graph_stream *stream = model->stream;

	info->target = "";
	if (!stream)
		return;
	info->target = graph_string(&model->graph, stream->target);
	info->macs_npu = stream->macs;
	info->predicted_cycles = stream->predicted_cycles;
	info->preemption_interval = stream->preemption_interval;
	info->spill_bytes = stream->spill_bytes;
	for (uint32_t i = 0; i < stream->segment_count; i++)
		info->segment_count += model->graph.segments[stream->first_segment + i].kind ==
				       KESTREL_GRAPH_SEGMENT_NPU;
	info->device_bytes = model->plan.device_size + stream->scratch_size +
			     model->commands_size + model->graph.stream_constants_size;
}

int npu_model_info(struct npu_model *model, struct npu_model_info *info)
{
	const struct graph *graph = &model->graph;
	struct npu_model_info result = { .size = info->size };
	int ret;

	ret = size_check(model, "npu_model_info", info->size, sizeof(*info));
	if (ret)
		return ret;
	result.input_count = graph->input_count;
	result.output_count = graph->output_count;
	result.operator_count = graph->info->source_operator_count;
	for (uint32_t i = 0; i < result.operator_count; i++) {
		struct npu_placement placement = { .size = sizeof(placement) };

		npu_placement(model, i, &placement);
		result.operators_npu += placement.place == NPU_PLACE_NPU;
		result.operators_cpu += placement.place == NPU_PLACE_CPU;
		result.operators_removed += placement.place == NPU_PLACE_REMOVED;
	}
	result.has_state = model->plan.state_size != 0;
	result.macs = graph->info->macs;
	result.arena_bytes = model->plan.arena_size + model->plan.state_size +
			     cpu_program_scratch(model->program);
	info_stream(model, &result);
	result.reason = model->reason.text;
	result.producer = graph_string(graph, graph->info->producer);
	result.source = graph_string(graph, graph->info->source_name);
	result.numerics = numerics_name(graph->info->numerics);
	memcpy(info, &result, info->size);
	return 0;
}

void model_tensor(const struct npu_model *model, uint32_t index, struct npu_tensor *tensor)
{
	const struct kestrel_graph_tensor *record = &model->graph.tensors[index];
	struct npu_tensor result = {
		.size = tensor->size,
		.name = graph_string(&model->graph, record->name),
		.type = record->type,
		.rank = record->rank,
		.bytes = record->size,
		.scale = arithmetic_float(record->scale),
		.zero_point = record->zero_point,
	};

	memcpy(result.dims, record->dims, sizeof(result.dims));
	memcpy(tensor, &result, tensor->size);
}

int npu_tensor(struct npu_model *model, enum npu_direction direction, uint32_t i,
	       struct npu_tensor *tensor)
{
	const struct graph *graph = &model->graph;
	uint32_t count = direction == NPU_INPUT ? graph->input_count : graph->output_count;
	int ret = size_check(model, "npu_tensor", tensor->size, sizeof(*tensor));

	if (ret)
		return ret;
	if (i >= count)
		return message_set(&model->device->message, -ERANGE, "%s %" PRIu32 " of %" PRIu32,
				   direction == NPU_INPUT ? "input" : "output", i, count);
	model_tensor(model, direction == NPU_INPUT ? graph->inputs[i] : graph->outputs[i], tensor);
	return 0;
}

int npu_tensor_find(struct npu_model *model, enum npu_direction direction, const char *name)
{
	struct npu_tensor tensor = { .size = sizeof(tensor) };

	for (uint32_t i = 0; !npu_tensor(model, direction, i, &tensor); i++)
		if (!strcmp(tensor.name, name))
			return (int)i;
	return message_set(&model->device->message, -ENOENT, "no %s has the name \"%.128s\"",
			   direction == NPU_INPUT ? "input" : "output", name);
}

const char *npu_type_name(uint32_t type)
{
	return graph_type_name(type);
}
