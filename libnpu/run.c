// SPDX-License-Identifier: MIT
/* One run of a job: tensors to their places, segment after segment, results out. */
#include "job.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

static uint64_t now_get(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Can NPU jobs use the bound buffer itself instead of the job's own memory? */
static int binding_is_direct(const struct npu_job *job, const struct binding *binding,
			     uint32_t tensor)
{
	uint64_t size = (job->model->graph.tensors[tensor].size + PLAN_ALIGNMENT - 1) /
			PLAN_ALIGNMENT * PLAN_ALIGNMENT;

	const struct device_memory *memory;
	size_t room;

	if (!binding->buffer || binding->buffer->memory.device != job->model->device ||
	    job->model->plan.tensors[tensor].place != PLAN_DEVICE)
		return 0;
	memory = &binding->buffer->memory;
	/* Of the caller's memory no byte more than was given. */
	room = memory->wrapped ? memory->size : memory->mapped;
	return (memory->first + binding->offset) % PLAN_ALIGNMENT == 0 &&
	       size <= room - binding->offset;
}

static void places_reset(struct npu_job *job)
{
	const struct npu_model *model = job->model;

	for (uint32_t i = 0; i < model->graph.tensor_count; i++) {
		const struct plan_tensor *tensor = &model->plan.tensors[i];

		switch (tensor->place) {
		case PLAN_ARENA:
			job->addresses[i] = job->arena + tensor->offset;
			break;
		case PLAN_STATE:
			job->addresses[i] = job->state + tensor->offset;
			break;
		case PLAN_DEVICE:
			job->addresses[i] = (uint8_t *)job->memory.data + tensor->offset;
			job->device_addresses[i] = job->memory.range.address + tensor->offset;
			break;
		}
	}
}

/* Use the bound memory in place where that is possible. Returns whether it is. */
static int binding_place(struct npu_job *job, const struct binding *binding, uint32_t tensor)
{
	const struct kestrel_graph_tensor *record = &job->model->graph.tensors[tensor];

	if (binding_is_direct(job, binding, tensor)) {
		job->addresses[tensor] = binding->memory;
		job->device_addresses[tensor] = binding->buffer->memory.range.address +
						binding->buffer->memory.first + binding->offset;
		return 1;
	}
	if (job->model->plan.tensors[tensor].place != PLAN_ARENA ||
	    (uintptr_t)binding->memory % graph_type_size(record->type))
		return 0;
	job->addresses[tensor] = binding->memory;
	return 1;
}

static int is_input(const struct graph *graph, uint32_t tensor)
{
	for (uint32_t i = 0; i < graph->input_count; i++)
		if (graph->inputs[i] == tensor)
			return 1;
	return 0;
}

static void inputs_place(struct npu_job *job)
{
	const struct graph *graph = &job->model->graph;

	for (uint32_t i = 0; i < graph->input_count; i++) {
		uint32_t tensor = graph->inputs[i];
		const struct binding *binding = &job->inputs[i];

		if (!binding_place(job, binding, tensor) && job->addresses[tensor])
			memcpy(job->addresses[tensor], binding->memory,
			       graph->tensors[tensor].size);
	}
	for (uint32_t i = 0; i < graph->output_count; i++) {
		uint32_t tensor = graph->outputs[i];

		if (graph->tensors[tensor].storage == KESTREL_GRAPH_STORAGE_VARIABLE &&
		    !is_input(graph, tensor))
			binding_place(job, &job->outputs[i], tensor);
	}
}

/* Outputs that were not computed in place. */
static void outputs_copy(struct npu_job *job)
{
	const struct graph *graph = &job->model->graph;

	for (uint32_t i = 0; i < graph->output_count; i++) {
		uint32_t tensor = graph->outputs[i];
		const struct kestrel_graph_tensor *record = &graph->tensors[tensor];
		const uint8_t *from = record->storage == KESTREL_GRAPH_STORAGE_CONSTANT ?
				      graph->constants + record->data_offset :
				      job->addresses[tensor];

		if (from != job->outputs[i].memory)
			memmove(job->outputs[i].memory, from, record->size);
	}
}

/* All bound buffers to the processor (begin) or back to the device. */
static int buffers_sync(struct npu_job *job, int begin)
{
	const struct device_operations *operations = job->model->device->operations;
	const struct graph *graph = &job->model->graph;
	uint32_t total = graph->input_count + graph->output_count;

	for (uint32_t i = 0; i < total; i++) {
		struct npu_buffer *buffer = i < graph->input_count ? job->inputs[i].buffer :
					    job->outputs[i - graph->input_count].buffer;
		int ret;

		if (!buffer || !buffer->memory.device)
			continue;
		ret = begin ? operations->memory_begin(&buffer->memory, NPU_READ | NPU_WRITE, -1,
						       &job->message) :
		      operations->memory_end(&buffer->memory, NPU_READ | NPU_WRITE, &job->message);
		if (ret)
			return ret;
	}
	return 0;
}

static int memory_sync(struct npu_job *job, int begin)
{
	const struct device_operations *operations = job->model->device->operations;
	int ret = buffers_sync(job, begin);

	if (ret || !job->memory.device)
		return ret;
	return begin ? operations->memory_begin(&job->memory, NPU_READ | NPU_WRITE, -1,
						&job->message) :
	       operations->memory_end(&job->memory, NPU_READ | NPU_WRITE, &job->message);
}

/* Where a base begins in its tensor: at the position that this run has, made to fit. */
static uint64_t row_offset(const struct npu_job *job, const struct kestrel_graph_row_base *base)
{
	const int32_t *positions = (const void *)job->addresses[base->position_tensor];
	int32_t position = positions[base->position_element];

	if (position < 0)
		position = 0;
	if ((uint32_t)position >= base->position_count)
		position = (int32_t)(base->position_count - 1);
	return (uint64_t)position * base->row_bytes;
}

static void bases_fill(const struct npu_job *job, const struct kestrel_graph_segment *segment,
		       struct device_job *sent)
{
	const struct npu_model *model = job->model;

	for (uint32_t i = 0; i < segment->base_count; i++) {
		const struct kestrel_graph_row_base *record =
			&model->graph.bases[segment->first_base + i];
		const struct kestrel_graph_base *base = &record->base;
		uint64_t address = base->offset;

		switch (base->kind) {
		case KESTREL_GRAPH_BASE_CONSTANTS:
			address += model->stream_memory.range.address +
				   model->constants_offset - model->constants_first;
			break;
		case KESTREL_GRAPH_BASE_SCRATCH:
			address += job->device_scratch.range.address;
			break;
		case KESTREL_GRAPH_BASE_TENSOR:
			address = job->device_addresses[base->tensor];
			break;
		case KESTREL_GRAPH_BASE_ROW:
			address = job->device_addresses[base->tensor] + row_offset(job, record);
			break;
		}
		sent->bases[base->index].address = address;
		sent->bases[base->index].size = base->size;
		sent->base_count = base->index + 1;
	}
}

static int segment_submit(struct npu_job *job, uint32_t number,
			  const struct kestrel_graph_segment *segment)
{
	struct npu_model *model = job->model;
	struct device_job sent = {
		.command_address = model->stream_memory.range.address + segment->command_offset -
				   model->commands_first,
		.command_size = (uint32_t)segment->command_size,
	};
	struct message message = { "" };
	uint64_t cycles = 0;
	uint64_t start;
	int ret;

	bases_fill(job, segment, &sent);
	ret = memory_sync(job, 0);
	if (ret)
		return ret;
	start = now_get();
	ret = model->device->operations->run(&job->queue, &sent, &cycles, &message);
	job->stats.npu_ns += now_get() - start;
	job->stats.npu_cycles += cycles;
	job->stats.npu_jobs++;
	if (ret) {
		memory_sync(job, 1);
		return message_set(&job->message, ret,
				   "segment %" PRIu32 " (operators %" PRIu32 "..%" PRIu32 "): %.400s",
				   number, segment->first_operator,
				   segment->first_operator + segment->operator_count - 1,
				   message.text);
	}
	return memory_sync(job, 1);
}

static void observe(void *opaque, uint32_t index)
{
	struct npu_job *job = opaque;
	const struct graph *graph = &job->model->graph;
	const struct kestrel_graph_operator *operator = &graph->operators[index];

	for (uint32_t i = 0; i < operator->output_count; i++) {
		uint32_t tensor = graph_operator_output(graph, operator, i);
		struct npu_observation observation = {
			.size = sizeof(observation),
			.source_operator = operator->source_operator,
			.output = i,
			.name = graph_opcode_name(operator->opcode),
			.tensor = { .size = sizeof(observation.tensor) },
			.data = job->addresses[tensor],
		};

		model_tensor(job->model, tensor, &observation.tensor);
		job->observe(job->observe_opaque, &observation);
	}
}

static void processor_run(struct npu_job *job, uint32_t first, uint32_t count)
{
	cpu_program_run(job->model->program, job->addresses, job->scratch, job->team, first,
			count, job->observe ? observe : NULL, job);
}

static int segments_run(struct npu_job *job)
{
	const struct npu_model *model = job->model;

	if (!model->stream) {
		processor_run(job, 0, model->graph.operator_count);
		return 0;
	}
	for (uint32_t i = 0; i < model->stream->segment_count; i++) {
		const struct kestrel_graph_segment *segment =
			&model->graph.segments[model->stream->first_segment + i];
		int ret;

		if (segment->kind == KESTREL_GRAPH_SEGMENT_CPU) {
			processor_run(job, segment->first_operator, segment->operator_count);
			continue;
		}
		ret = segment_submit(job, i, segment);
		if (ret)
			return ret;
	}
	return 0;
}

static int bindings_check(struct npu_job *job)
{
	const struct graph *graph = &job->model->graph;

	for (uint32_t i = 0; i < graph->input_count; i++)
		if (!job->inputs[i].memory)
			return message_set(&job->message, -EINVAL, "input %" PRIu32 " is not bound", i);
	for (uint32_t i = 0; i < graph->output_count; i++)
		if (!job->outputs[i].memory)
			return message_set(&job->message, -EINVAL, "output %" PRIu32 " is not bound",
					   i);
	return 0;
}

int job_execute(struct npu_job *job)
{
	uint64_t start = now_get();
	int ret;

	job->stats.npu_ns = 0;
	job->stats.npu_cycles = 0;
	job->stats.npu_jobs = 0;
	ret = bindings_check(job);
	if (ret)
		return ret;
	ret = buffers_sync(job, 1);
	if (ret)
		return ret;
	places_reset(job);
	inputs_place(job);
	ret = segments_run(job);
	if (!ret) {
		outputs_copy(job);
		ret = buffers_sync(job, 0);
	}
	job->stats.runs++;
	job->stats.duration_ns = now_get() - start;
	return ret;
}
