// SPDX-License-Identifier: MIT
/*
 * Memory of a job. Tensors of the arena live from the operator that writes
 * them to the last one that reads them; larger ones are placed first, each at
 * the lowest offset that is free during its whole life.
 */
#include "plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

struct life {
	uint32_t tensor;
	uint32_t first;		/* operator number + 1; 0: before the first */
	uint32_t last;
	size_t size;
	size_t offset;
};

static size_t round_up(size_t size)
{
	return (size + PLAN_ALIGNMENT - 1) / PLAN_ALIGNMENT * PLAN_ALIGNMENT;
}

static int life_compare(const void *left, const void *right)
{
	const struct life *a = left;
	const struct life *b = right;

	if (a->size != b->size)
		return a->size < b->size ? 1 : -1;
	return a->tensor < b->tensor ? -1 : 1;
}

static int offset_compare(const void *left, const void *right)
{
	const struct life *a = *(const struct life *const *)left;
	const struct life *b = *(const struct life *const *)right;

	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* Gives every life an offset and returns the size of the whole. */
static size_t lives_place(struct life *lives, size_t count, const struct life **live)
{
	size_t total = 0;

	qsort(lives, count, sizeof(*lives), life_compare);
	for (size_t i = 0; i < count; i++) {
		size_t others = 0;
		size_t offset = 0;

		for (size_t j = 0; j < i; j++)
			if (lives[j].first <= lives[i].last && lives[i].first <= lives[j].last)
				live[others++] = &lives[j];
		qsort(live, others, sizeof(*live), offset_compare);
		for (size_t j = 0; j < others; j++) {
			size_t end = live[j]->offset + live[j]->size;

			if (live[j]->offset >= offset + lives[i].size)
				break;
			if (end > offset)
				offset = end;
		}
		lives[i].offset = offset;
		if (offset + lives[i].size > total)
			total = offset + lives[i].size;
	}
	return total;
}

/* Operators on the processor, and tensors that bases of the stream name. */
static void stream_mark(const struct graph *graph, const struct kestrel_graph_stream *stream,
			struct plan *plan)
{
	for (uint32_t i = 0; i < graph->operator_count; i++)
		plan->on_cpu[i] = 1;
	for (uint32_t i = 0; stream && i < stream->segment_count; i++) {
		const struct kestrel_graph_segment *segment =
			&graph->segments[stream->first_segment + i];

		if (segment->kind != KESTREL_GRAPH_SEGMENT_NPU)
			continue;
		for (uint32_t j = 0; j < segment->operator_count; j++)
			plan->on_cpu[segment->first_operator + j] = 0;
		for (uint32_t j = 0; j < segment->base_count; j++) {
			const struct kestrel_graph_row_base *base =
				&graph->bases[segment->first_base + j];

			if (graph_base_has_tensor(base))
				plan->tensors[base->base.tensor].place = PLAN_DEVICE;
		}
	}
}

static int segment_writes(const struct graph *graph, const struct kestrel_graph_stream *stream,
			  uint32_t operator, uint32_t tensor)
{
	for (uint32_t i = 0; i < stream->segment_count; i++) {
		const struct kestrel_graph_segment *segment =
			&graph->segments[stream->first_segment + i];

		if (operator - segment->first_operator >= segment->operator_count)
			continue;
		for (uint32_t j = 0; j < segment->base_count; j++) {
			const struct kestrel_graph_row_base *base =
				&graph->bases[segment->first_base + j];

			if (graph_base_has_tensor(base) && base->base.tensor == tensor &&
			    base->base.flags & KESTREL_GRAPH_BASE_WRITE)
				return 1;
		}
	}
	return 0;
}

/* What the NPU computes and others need must have been given a base. */
static int stream_check(const struct graph *graph, const struct kestrel_graph_stream *stream,
			const struct plan *plan, const uint8_t *needed,
			struct message *message)
{
	for (uint32_t i = 0; stream && i < graph->operator_count; i++) {
		const struct kestrel_graph_operator *operator = &graph->operators[i];

		if (plan->on_cpu[i])
			continue;
		for (uint32_t j = 0; j < operator->output_count; j++) {
			uint32_t tensor = graph_operator_output(graph, operator, j);

			if (needed[tensor] && !segment_writes(graph, stream, i, tensor))
				return message_set(message, -EINVAL,
						   "stream \"%.40s\": tensor %" PRIu32 " (\"%.64s\") leaves an NPU segment, but no base of it holds the tensor",
						   graph_string(graph, stream->target), tensor,
						   graph_string(graph, graph->tensors[tensor].name));
		}
	}
	return 0;
}

/* Positions live until the bases of the segments that they are for are filled. */
static void positions_need(const struct graph *graph, const struct kestrel_graph_stream *stream,
			   struct life *lives, uint8_t *needed)
{
	for (uint32_t i = 0; stream && i < stream->segment_count; i++) {
		const struct kestrel_graph_segment *segment =
			&graph->segments[stream->first_segment + i];

		for (uint32_t j = 0; j < segment->base_count; j++) {
			const struct kestrel_graph_row_base *base =
				&graph->bases[segment->first_base + j];

			if (base->base.kind != KESTREL_GRAPH_BASE_ROW)
				continue;
			needed[base->position_tensor] = 1;
			if (lives[base->position_tensor].last < segment->first_operator + 1)
				lives[base->position_tensor].last = segment->first_operator + 1;
		}
	}
}

/*
 * Lives of all tensors, in tensor order. needed: the processor reads it, or it
 * is an output of the graph.
 */
static void lives_find(const struct graph *graph, const struct plan *plan, struct life *lives,
		       uint8_t *needed)
{
	for (uint32_t i = 0; i < graph->tensor_count; i++) {
		lives[i].tensor = i;
		lives[i].first = UINT32_MAX;
		lives[i].size = round_up(graph->tensors[i].size);
	}
	for (uint32_t i = 0; i < graph->input_count; i++)
		lives[graph->inputs[i]].first = 0;
	for (uint32_t i = 0; i < graph->operator_count; i++) {
		const struct kestrel_graph_operator *operator = &graph->operators[i];

		if (!plan->on_cpu[i])
			continue;
		for (uint32_t j = 0; j < operator->input_count; j++) {
			uint32_t tensor = graph_operator_input(graph, operator, j);

			if (tensor == KESTREL_GRAPH_NONE)
				continue;
			lives[tensor].last = i + 1;
			needed[tensor] = 1;
		}
		for (uint32_t j = 0; j < operator->output_count; j++) {
			uint32_t tensor = graph_operator_output(graph, operator, j);

			if (lives[tensor].first == UINT32_MAX)
				lives[tensor].first = i + 1;
			if (lives[tensor].last < i + 1)
				lives[tensor].last = i + 1;
		}
	}
	for (uint32_t i = 0; i < graph->output_count; i++) {
		lives[graph->outputs[i]].last = graph->operator_count + 1;
		needed[graph->outputs[i]] = 1;
	}
}

static int tensors_place(const struct graph *graph, const struct kestrel_graph_stream *stream,
			 struct plan *plan, struct life *lives, const struct life **live,
			 uint8_t *needed, struct message *message)
{
	size_t count = 0;
	int ret;

	stream_mark(graph, stream, plan);
	lives_find(graph, plan, lives, needed);
	positions_need(graph, stream, lives, needed);
	ret = stream_check(graph, stream, plan, needed, message);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < graph->tensor_count; i++) {
		struct plan_tensor *tensor = &plan->tensors[i];
		struct life life = lives[i];

		uint32_t storage = graph->tensors[i].storage;

		if (tensor->place == PLAN_DEVICE) {
			tensor->offset = plan->device_size;
			plan->device_size += life.size;
		} else if (storage == KESTREL_GRAPH_STORAGE_STATE) {
			tensor->place = PLAN_STATE;
			tensor->offset = plan->state_size;
			plan->state_size += life.size;
		} else if (storage == KESTREL_GRAPH_STORAGE_VARIABLE && life.first != UINT32_MAX) {
			tensor->place = PLAN_ARENA;
			lives[count++] = life;
		}
	}
	plan->arena_size = lives_place(lives, count, live);
	for (size_t i = 0; i < count; i++)
		plan->tensors[lives[i].tensor].offset = lives[i].offset;
	return 0;
}

int plan_create(const struct graph *graph, const struct kestrel_graph_stream *stream,
		struct plan *plan, struct message *message)
{
	size_t count = (size_t)graph->tensor_count + 1;
	struct life *lives = calloc(count, sizeof(*lives));
	const struct life **live = calloc(count, sizeof(*live));
	uint8_t *needed = calloc(count, 1);
	int ret;

	*plan = (struct plan){ 0 };
	plan->tensors = calloc(count, sizeof(*plan->tensors));
	plan->on_cpu = calloc((size_t)graph->operator_count + 1, 1);
	if (lives && live && needed && plan->tensors && plan->on_cpu)
		ret = tensors_place(graph, stream, plan, lives, live, needed, message);
	else
		ret = message_set(message, -ENOMEM, "out of memory");
	free(lives);
	free(live);
	free(needed);
	if (ret)
		plan_free(plan);
	return ret;
}

void plan_free(struct plan *plan)
{
	free(plan->tensors);
	free(plan->on_cpu);
	*plan = (struct plan){ 0 };
}
