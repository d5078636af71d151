// SPDX-License-Identifier: MIT
#include "arena.h"
#include "error.h"
#include "job_memory.h"
#include "state_row.h"

uint64_t job_memory_room(const struct ir_tensor *tensor)
{
	uint64_t bytes = tensor->elements * ir_type_bytes(tensor->type);

	return (bytes + KESTREL_GRAPH_ALIGNMENT - 1) & ~(uint64_t)(KESTREL_GRAPH_ALIGNMENT - 1);
}

/* Which segment writes each tensor, by its number + 1; 0: none. */
static void find_writers(const struct ir_graph *graph, const struct stream *stream,
			 unsigned int *writers)
{
	for (unsigned int s = 0; s < stream->segment_count; s++) {
		const struct stream_segment *segment = &stream->segments[s];

		for (unsigned int o = 0; o < segment->operator_count; o++) {
			const struct ir_operator *op =
				&graph->operators[segment->first_operator + o];

			for (unsigned int i = 0; i < op->output_count && !op->removed_reason; i++)
				if (op->outputs[i] >= 0)
					writers[op->outputs[i]] = s + 1;
		}
	}
}

/* Marks what segments share with each other or the user, if the NPU reads or writes it. */
static void find_shared(const struct ir_graph *graph, const struct stream *stream,
			const unsigned int *writers, bool *shared)
{
	for (unsigned int s = 0; s < stream->segment_count; s++) {
		const struct stream_segment *segment = &stream->segments[s];

		for (unsigned int o = 0; o < segment->operator_count; o++) {
			const struct ir_operator *op =
				&graph->operators[segment->first_operator + o];

			for (unsigned int i = 0; i < op->input_count && !op->removed_reason; i++) {
				int t = op->inputs[i];
				unsigned int writer = t < 0 ? 0 : writers[t];

				/* Positions stay with the processor, which fills the bases. */
				if (op->kind == IR_DYNAMIC_UPDATE_SLICE &&
				    i == UPDATE_POSITION && segment->npu)
					continue;
				if (t < 0 || (!graph->tensors[t].is_state &&
					      (graph->tensors[t].data || writer == s + 1)))
					continue;
				shared[t] |= segment->npu ||
					     (writer && stream->segments[writer - 1].npu);
			}
		}
	}
	for (unsigned int i = 0; i < graph->output_count; i++) {
		unsigned int writer = writers[graph->outputs[i]];

		shared[graph->outputs[i]] |= writer && stream->segments[writer - 1].npu;
	}
}

struct job_memory {
	const struct ir_graph *graph;
	const bool *shared;
	uint64_t *offsets;
	uint64_t bytes;
};

static void place(struct job_memory *memory, const int *tensors, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		int t = tensors[i];

		if (t < 0 || !memory->shared[t] || memory->offsets[t] != STREAM_NOT_SHARED)
			continue;
		memory->offsets[t] = memory->bytes;
		memory->bytes += job_memory_room(&memory->graph->tensors[t]);
	}
}

int job_memory_place(const struct ir_graph *graph, const struct ir_graph *expanded,
		     struct stream *stream)
{
	unsigned int count = expanded->tensor_count;
	unsigned int *writers = arena_alloc(graph->arena, count + 1, sizeof(*writers));
	bool *shared = arena_alloc(graph->arena, count + 1, sizeof(*shared));
	struct job_memory memory = {
		.graph = graph, .shared = shared,
		.offsets = arena_alloc(graph->arena, count + 1, sizeof(*memory.offsets)),
	};

	if (!writers || !shared || !memory.offsets)
		return error_memory(graph->error);
	find_writers(expanded, stream, writers);
	find_shared(expanded, stream, writers, shared);
	for (unsigned int t = 0; t < count; t++)
		memory.offsets[t] = STREAM_NOT_SHARED;
	place(&memory, graph->inputs, graph->input_count);
	for (unsigned int o = 0; o < graph->operator_count; o++) {
		const struct ir_operator *op = &graph->operators[o];

		if (op->removed_reason)
			continue;
		place(&memory, op->inputs, op->input_count);
		place(&memory, op->outputs, op->output_count);
	}
	place(&memory, graph->outputs, graph->output_count);
	for (unsigned int s = 0; s < stream->segment_count; s++) {
		stream->segments[s].tensor_offsets = memory.offsets;
		stream->segments[s].tensor_bytes = memory.bytes;
	}
	return 0;
}
