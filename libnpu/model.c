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
	char *settings;			/* malloc()ed, or NULL where there are none */
};

/* Returns 0 or -ENOMEM; target_put() releases it in either case. */
static int target_get(const struct npu_device *device, struct target *target,
		      struct message *message)
{
	const struct npu_capabilities *capabilities = &device->capabilities;
	const char *settings = device->settings ? device->settings : "";
	int length = 0;

	target->settings = NULL;
	if (device->target)
		length = snprintf(target->name, sizeof(target->name), "%s", device->target);
	else if (device->kind == NPU_DEVICE_SIMULATOR)
		length = snprintf(target->name, sizeof(target->name), "%s", capabilities->name);
	else
		snprintf(target->name, sizeof(target->name), "kestrel-%" PRIu32,
			 capabilities->macs_per_cycle);
	if (length >= (int)sizeof(target->name))
		return message_set(message, -EINVAL, "target \"%.128s\" is unknown",
				   device->target ? device->target : capabilities->name);
	/* A kernel device's SRAM may differ from that of the named configuration. */
	if (device->kind == NPU_DEVICE_KERNEL)
		length = asprintf(&target->settings, "%s%ssram=%" PRIu64, settings,
				  *settings ? "," : "", capabilities->sram_bytes);
	else if (*settings)
		length = asprintf(&target->settings, "%s", settings);
	if (length >= 0)
		return 0;
	target->settings = NULL;
	return message_set(message, -ENOMEM, "out of memory");
}

static void target_put(struct target *target)
{
	free(target->settings);
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

	ret = target_get(device, &target, message);
	if (!ret)
		ret = compile_graph(model->data, model->size, target.name, target.settings, 0,
				    &data, &size, message);
	target_put(&target);
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

/*
 * The commands from the stream's first to its last, and the constants that its bases
 * name; what other streams alone have lies before and behind.
 */
static void program_find(struct npu_model *model)
{
	const struct graph *graph = &model->graph;
	const struct kestrel_graph_stream *stream = model->stream;
	uint64_t first = graph->commands_size, end = 0;
	uint64_t constants_first = graph->stream_constants_size, constants_end = 0;

	for (uint32_t i = 0; i < stream->segment_count; i++) {
		const struct kestrel_graph_segment *segment =
			&graph->segments[stream->first_segment + i];

		if (segment->kind != KESTREL_GRAPH_SEGMENT_NPU)
			continue;
		if (segment->command_offset < first)
			first = segment->command_offset;
		if (segment->command_offset + segment->command_size > end)
			end = segment->command_offset + segment->command_size;
		for (uint32_t b = 0; b < segment->base_count; b++) {
			const struct kestrel_graph_base *base =
				&graph->bases[segment->first_base + b].base;

			if (base->kind != KESTREL_GRAPH_BASE_CONSTANTS)
				continue;
			if (base->offset < constants_first)
				constants_first = base->offset;
			if (base->offset + base->size > constants_end)
				constants_end = base->offset + base->size;
		}
	}
	model->commands_first = first;
	model->commands_size = end > first ? end - first : 0;
	model->constants_first = constants_first;
	model->constants_size = constants_end > constants_first ? constants_end - constants_first :
								  0;
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

	program_find(model);
	if (!model->commands_size)
		return 0;
	offset = (model->commands_size + KESTREL_GRAPH_ALIGNMENT - 1) &
		 ~(uint64_t)(KESTREL_GRAPH_ALIGNMENT - 1);
	ret = device_memory_create(model->device, offset + model->constants_size,
				   DEVICE_READ | DEVICE_EXECUTE | DEVICE_PRIVATE,
				   &model->stream_memory, message);
	if (ret)
		return ret;
	memcpy(model->stream_memory.data, graph->commands + model->commands_first,
	       model->commands_size);
	if (model->constants_size)
		memcpy((uint8_t *)model->stream_memory.data + offset,
		       graph->stream_constants + model->constants_first, model->constants_size);
	model->constants_offset = offset;
	return model->device->operations->memory_end(&model->stream_memory, NPU_WRITE, message);
}

/* Which source operators have a portable one. */
static int portable_find(struct npu_model *model, struct message *message)
{
	const struct graph *graph = &model->graph;
	uint32_t count = graph->info->source_operator_count;

	model->is_portable = calloc((size_t)count + 1, 1);
	if (!model->is_portable)
		return message_set(message, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < graph->operator_count; i++)
		if (graph->operators[i].source_operator < count)
			model->is_portable[graph->operators[i].source_operator] = 1;
	return 0;
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
		ret = portable_find(model, message);
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
	model->data = NULL;
	if (!flags)
		ret = target_get(device, &target, message);
	if (!ret)
		ret = compile_model(source, model->size, target.name[0] ? target.name : NULL,
				    target.settings, flags, &model->data, &model->size, message);
	target_put(&target);
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
	free(model->is_portable);
	free(model->data);
	free(model);
}

static int size_check(struct npu_model *model, const char *name, size_t size, size_t known)
{
	if (size >= sizeof(size) && size <= known)
		return 0;
	return message_set(&model->device->message, -EINVAL,
			   "%s: size %zu, this library knows %zu", name, size, known);
}

/*
 * What the file says of operator i in a stream; where it has no stream, that of stream 0
 * says why.
 */
static int placement_get(struct npu_model *model, const char *name, size_t stream, uint32_t i,
			 struct npu_placement *placement)
{
	const struct graph *graph = &model->graph;
	const struct kestrel_graph_placement *record;
	uint32_t count = graph->info->source_operator_count;
	int ret;

	ret = size_check(model, name, placement->size, sizeof(*placement));
	if (ret)
		return ret;
	if (i >= count)
		return message_set(&model->device->message, -ERANGE,
				   "operator %" PRIu32 " of %" PRIu32, i, count);
	record = &graph->placements[stream * count + i];
	*placement = (struct npu_placement){
		.size = placement->size,
		.place = record->place,
		.predicted_cycles = record->predicted_cycles,
		.macs = record->macs,
		.name = graph_string(graph, record->name),
		.location = graph_string(graph, record->location),
		.reason = graph_string(graph, record->reason),
	};
	return 0;
}

int npu_placement(struct npu_model *model, uint32_t i, struct npu_placement *placement)
{
	size_t stream = model->stream ? (size_t)(model->stream - model->graph.streams) : 0;
	struct npu_placement result = { .size = placement->size };
	int ret = placement_get(model, "npu_placement", stream, i, &result);

	if (ret)
		return ret;
	if (!model->stream) {
		result.predicted_cycles = 0;
		if (model->is_portable[i]) {
			result.place = NPU_PLACE_CPU;
			result.reason = model->reason.text;
		} else {
			result.place = NPU_PLACE_REMOVED;
		}
	}
	memcpy(placement, &result, placement->size);
	return 0;
}

static int stream_exists(struct npu_model *model, uint32_t i)
{
	if (i < model->graph.stream_count)
		return 0;
	return message_set(&model->device->message, -ERANGE, "stream %" PRIu32 " of %" PRIu32, i,
			   model->graph.stream_count);
}

int npu_stream_placement(struct npu_model *model, uint32_t stream, uint32_t i,
			 struct npu_placement *placement)
{
	struct npu_placement result = { .size = placement->size };
	int ret = stream_exists(model, stream);

	if (!ret)
		ret = placement_get(model, "npu_stream_placement", stream, i, &result);
	if (!ret)
		memcpy(placement, &result, placement->size);
	return ret;
}

/* NPU jobs of one run. */
static uint32_t jobs_count(const struct graph *graph, const struct kestrel_graph_stream *stream)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < stream->segment_count; i++)
		count += graph->segments[stream->first_segment + i].kind ==
			 KESTREL_GRAPH_SEGMENT_NPU;
	return count;
}

int npu_stream(struct npu_model *model, uint32_t i, struct npu_stream *stream)
{
	const struct graph *graph = &model->graph;
	const struct kestrel_graph_stream *record;
	struct npu_stream result = { .size = stream->size };
	int ret = size_check(model, "npu_stream", stream->size, sizeof(*stream));

	if (!ret)
		ret = stream_exists(model, i);
	if (ret)
		return ret;
	record = &graph->streams[i];
	result.target = graph_string(graph, record->target);
	result.in_use = record == model->stream;
	result.macs_per_cycle = record->macs_per_cycle;
	result.sram_bytes = record->sram_bytes;
	result.segment_count = jobs_count(graph, record);
	result.macs = record->macs;
	result.predicted_cycles = record->predicted_cycles;
	result.preemption_interval = record->preemption_interval;
	result.sram_peak_bytes = record->sram_peak_bytes;
	result.spill_bytes = record->spill_bytes;
	memcpy(stream, &result, stream->size);
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
	info->segment_count = jobs_count(&model->graph, stream);
	info->device_bytes = model->plan.device_size + stream->scratch_size +
			     model->commands_size + model->constants_size;
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
