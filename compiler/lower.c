// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "expand.h"
#include "gather.h"
#include "graph_write.h"
#include "job_memory.h"
#include "ladder.h"
#include "lower.h"
#include "partition.h"
#include "search.h"
#include "segment.h"
#include "timeline.h"
#include "verify.h"

static bool is_npu(const struct stream *stream, unsigned int o)
{
	return stream->places[o].place != KESTREL_GRAPH_PLACE_CPU;
}

/*
 * A reshape is nothing where its input comes from the NPU, or all its readers
 * are there; elsewhere the processor does it.
 */
static const char *reshape_reason(const struct ir_graph *graph, const struct stream *stream,
				  unsigned int index)
{
	const struct ir_operator *op = &graph->operators[index];
	int producer = graph->tensors[op->inputs[0]].producer;
	unsigned int readers = 0;

	if (ir_type_bytes(graph->tensors[op->outputs[0]].type) > 2)
		return "the NPU computes with int8, uint8 and int16 values";
	if (producer >= 0 && is_npu(stream, (unsigned int)producer))
		return NULL;
	if (ir_is_output(graph, op->outputs[0]))
		return "a reshape of an input that is an output";
	for (unsigned int o = 0; o < graph->operator_count; o++) {
		const struct ir_operator *reader = &graph->operators[o];

		for (unsigned int i = 0; i < reader->input_count && !reader->removed_reason; i++) {
			if (reader->inputs[i] != op->outputs[0])
				continue;
			readers++;
			if (reader->kind == IR_RESHAPE || partition_reason(graph, reader))
				return "a reshape that the processor's operators read";
		}
	}
	return readers ? NULL : "a reshape that nothing reads";
}

/* Why an operator that is part of another one's expansion, or all of it, is not for the NPU. */
static const char *expansion_reason(const struct ir_graph *graph, const unsigned int *origin,
				    const char *const *forced, unsigned int index)
{
	const char *reason = NULL;
	unsigned int o = index;

	while (o && origin[o - 1] == origin[index])
		o--;
	for (; o < graph->operator_count && origin[o] == origin[index] && !reason; o++)
		reason = forced[o] || graph->operators[o].kind == IR_RESHAPE ? forced[o] :
			 partition_reason(graph, &graph->operators[o]);
	return reason;
}

/* Whether an operator's expansion has more parts than it. */
static bool is_part(const struct ir_graph *graph, const unsigned int *origin, unsigned int index)
{
	return (index && origin[index - 1] == origin[index]) ||
	       (index + 1 < graph->operator_count && origin[index + 1] == origin[index]);
}

static void place_operators(const struct ir_graph *graph, const unsigned int *origin,
			    struct stream *stream, const char *const *forced)
{
	for (unsigned int o = 0; o < graph->operator_count; o++) {
		const struct ir_operator *op = &graph->operators[o];
		struct stream_place *place = &stream->places[o];
		const char *reason;

		*place = (struct stream_place){ .place = KESTREL_GRAPH_PLACE_NPU, .reason = "" };
		if (op->removed_reason) {
			place->place = KESTREL_GRAPH_PLACE_REMOVED;
			place->reason = op->removed_reason;
			continue;
		}
		reason = expansion_reason(graph, origin, forced, o);
		if (!reason && op->kind == IR_RESHAPE && !is_part(graph, origin, o))
			reason = reshape_reason(graph, stream, o);
		if (reason) {
			place->place = KESTREL_GRAPH_PLACE_CPU;
			place->reason = reason;
		} else if (op->kind == IR_RESHAPE) {
			place->place = KESTREL_GRAPH_PLACE_REMOVED;
			place->reason = "the same bytes under another shape";
		}
	}
}

/*
 * Runs of operators with one place; removed ones go with what stands before them.
 * Where `cuts` says so, one ends before an operator.
 */
static int make_segments(struct ir_graph *graph, const bool *cuts, struct stream *stream)
{
	struct stream_segment *segment = NULL;

	stream_release(stream);
	stream->segments = arena_alloc(graph->arena, graph->operator_count + 1,
				       sizeof(*stream->segments));
	if (!stream->segments)
		return error_memory(graph->error);
	for (unsigned int o = 0; o < graph->operator_count; o++) {
		/* Removed ones at the very beginning are no reason for an NPU job. */
		bool npu = is_npu(stream, o) && !graph->operators[o].removed_reason;

		if (segment && !cuts[o] &&
		    (segment->npu == npu || graph->operators[o].removed_reason)) {
			segment->operator_count++;
			continue;
		}
		segment = &stream->segments[stream->segment_count++];
		segment->npu = npu;
		segment->first_operator = o;
		segment->operator_count = 1;
	}
	return 0;
}

/* A segment of nothing but removed operators and reshapes has no command. */
static bool segment_computes(const struct ir_graph *graph, const struct stream_segment *segment)
{
	for (unsigned int o = segment->first_operator;
	     o < segment->first_operator + segment->operator_count; o++)
		if (!graph->operators[o].removed_reason && graph->operators[o].kind != IR_RESHAPE)
			return true;
	return false;
}

/* Operators that moved nothing: those behind them read where they would have read. */
static void mark_views(const struct ir_graph *graph, struct stream *stream,
		       const struct stream_segment *place, const struct segment *segment)
{
	for (unsigned int o = place->first_operator;
	     o < place->first_operator + place->operator_count; o++) {
		const struct ir_operator *op = &graph->operators[o];
		bool moves = false;

		if (op->removed_reason ||
		    op->kind == IR_CONCATENATION || op->kind == IR_PACK ||
		    op->kind == IR_PAD || op->kind == IR_MIRROR_PAD ||
		    op->kind == IR_DYNAMIC_UPDATE_SLICE ||
		    !ir_is_move(graph, op))
			continue;
		for (unsigned int n = 0; n < segment->node_count; n++)
			moves |= segment->nodes[n].operator_index == o;
		stream->places[o].place = moves ? KESTREL_GRAPH_PLACE_NPU :
						  KESTREL_GRAPH_PLACE_REMOVED;
		stream->places[o].reason = moves ? "" : op->kind == IR_RESHAPE ?
			"the same bytes under another shape" :
			"its readers take the elements from where they are";
	}
}

/* Puts what a segment became into the stream. */
static int take_segment(struct ir_graph *graph, struct stream *stream,
			struct stream_segment *segment, struct candidate *candidate)
{
	struct stream_base *bases = segment->bases;
	int ret;

	bases[SEGMENT_BASE_CONSTANTS].kind = KESTREL_GRAPH_BASE_CONSTANTS;
	bases[SEGMENT_BASE_CONSTANTS].flags = KESTREL_GRAPH_BASE_READ;
	bases[SEGMENT_BASE_CONSTANTS].size = stream->constants->bytes.bytes;
	bases[SEGMENT_BASE_SCRATCH].kind = KESTREL_GRAPH_BASE_SCRATCH;
	bases[SEGMENT_BASE_SCRATCH].flags = KESTREL_GRAPH_BASE_READ | KESTREL_GRAPH_BASE_WRITE;
	bases[SEGMENT_BASE_SCRATCH].size = candidate->segment.scratch_bytes;
	ret = verify_stream(stream->target, segment, &candidate->commands, graph->error);
	if (ret)
		return ret;
	if (candidate->segment.scratch_bytes > stream->scratch_size)
		stream->scratch_size = candidate->segment.scratch_bytes;
	segment->commands = candidate->commands;
	candidate->commands = (struct buffer){ 0 };
	segment->predicted_cycles = candidate->cycles;
	stream->predicted_cycles += candidate->cycles;
	if (candidate->interval > stream->preemption_interval)
		stream->preemption_interval = candidate->interval;
	if (candidate->program.peak > stream->sram_peak_bytes)
		stream->sram_peak_bytes = candidate->program.peak;
	if (candidate->program.bound > stream->sram_bound_bytes)
		stream->sram_bound_bytes = candidate->program.bound;
	for (unsigned int i = 0; i < candidate->list.count; i++) {
		const struct command *command = &candidate->list.commands[i];
		struct stream_place *place = &stream->places[command->operator_index];

		if (command->unit == KESTREL_UNIT_MAC || command->unit == KESTREL_UNIT_VECTOR)
			place->predicted_cycles += command->finish - command->start;
		else
			stream->spill_bytes += ladder_spilled_bytes(graph, segment, command);
	}
	ret = timeline_take(candidate, segment);
	if (!ret)
		ret = ladder_take(candidate, segment, stream);
	if (ret)
		return ret;
	mark_views(graph, stream, segment, &candidate->segment);
	stream->dead_channels += candidate->segment.dead_channels;
	return 0;
}

/*
 * Cuts a segment that has more inputs and outputs than bases in two, between
 * operators of the portable graph; what is one operator goes to the processor.
 */
static void cut_segment(const unsigned int *origin, const struct stream_segment *segment,
			bool *cuts, const char **forced)
{
	unsigned int first = segment->first_operator, end = first + segment->operator_count;
	unsigned int middle = first + segment->operator_count / 2;

	while (middle > first && origin[middle - 1] == origin[middle])
		middle--;
	if (middle == first)
		for (middle = first + 1; middle < end && origin[middle - 1] == origin[middle];)
			middle++;
	if (middle < end) {
		cuts[middle] = true;
		return;
	}
	for (unsigned int o = first; o < end; o++)
		forced[o] = "it has more than 14 inputs and outputs";
}

static int lower_segments(struct ir_graph *graph, const unsigned int *origin,
			  const struct target *target, struct stream *stream, bool *cuts,
			  const char **forced)
{
	uint64_t commands = 0;

	for (unsigned int s = 0; s < stream->segment_count; s++) {
		struct stream_segment *segment = &stream->segments[s];
		struct candidate candidate = { 0 };
		unsigned int failed = segment->first_operator;
		int ret;

		if (!segment->npu)
			continue;
		if (!segment_computes(graph, segment)) {
			for (unsigned int o = 0; o < segment->operator_count; o++)
				forced[segment->first_operator + o] = "a reshape on its own";
			return -EAGAIN;
		}
		segment->commands_offset = commands;
		ret = search_segment(graph, target, segment, stream->constants, &candidate,
				     &failed);
		if (ret == -ENOSPC) {
			forced[failed] = arena_printf(graph->arena,
						      "its smallest tile does not fit %u bytes of SRAM",
						      target->sram_bytes);
			return forced[failed] ? -EAGAIN : error_memory(graph->error);
		}
		if (ret == -EFBIG) {
			forced[failed] = "it takes too many commands";
			return -EAGAIN;
		}
		if (ret == -ENODATA) {
			for (unsigned int o = 0; o < segment->operator_count; o++)
				forced[segment->first_operator + o] = "nothing of it is needed";
			return -EAGAIN;
		}
		if (ret == -E2BIG) {
			cut_segment(origin, segment, cuts, forced);
			return -EAGAIN;
		}
		if (!ret)
			ret = take_segment(graph, stream, segment, &candidate);
		candidate_release(&candidate);
		if (ret)
			return ret;
		commands += (segment->commands.bytes + KESTREL_GRAPH_ALIGNMENT - 1) &
			    ~(uint64_t)(KESTREL_GRAPH_ALIGNMENT - 1);
	}
	return 0;
}

/* From operators of the expanded graph to those that they stand for. */
static void map_back(const struct ir_graph *expanded, const unsigned int *origin,
		     struct stream *stream, struct stream_place *places)
{
	for (unsigned int s = 0; s < stream->segment_count; s++) {
		struct stream_segment *segment = &stream->segments[s];
		unsigned int last = segment->first_operator + segment->operator_count - 1;

		segment->first_operator = origin[segment->first_operator];
		segment->operator_count = origin[last] + 1 - segment->first_operator;
		for (unsigned int e = 0; e < segment->event_count; e++)
			segment->events[e].operator_index =
				origin[segment->events[e].operator_index];
	}
	for (unsigned int o = 0; o < expanded->operator_count; o++) {
		struct stream_place *place = &places[origin[o]], before = *place;

		/* Of many parts, some are on the NPU if any is. */
		if (!is_part(expanded, origin, o) || !place->reason ||
		    stream->places[o].place != KESTREL_GRAPH_PLACE_REMOVED)
			*place = stream->places[o];
		place->predicted_cycles = before.predicted_cycles +
					  stream->places[o].predicted_cycles;
		if (before.step > place->step) {
			place->step = before.step;
			place->step_reason = before.step_reason;
		} else if (stream->places[o].step > place->step) {
			place->step = stream->places[o].step;
			place->step_reason = stream->places[o].step_reason;
		}
	}
	stream->places = places;
}

/* Of the operators of the model that the NPU computes. */
static uint64_t placed_macs(const struct ir_graph *graph, const struct stream *stream)
{
	uint64_t macs = 0;

	for (unsigned int o = 0; o < graph->operator_count; o++)
		if (stream->places[o].place == KESTREL_GRAPH_PLACE_NPU)
			macs += graph_macs(graph, &graph->operators[o]);
	return macs;
}

int lower_order(struct ir_graph *graph)
{
	struct stream stream = { 0 };
	struct ir_graph expanded;
	unsigned int *origin;
	const char **forced;
	bool *npu;
	int ret = expand_graph(graph, &expanded, &origin);

	if (ret)
		return ret;
	forced = arena_alloc(graph->arena, expanded.operator_count + 1, sizeof(*forced));
	npu = arena_alloc(graph->arena, graph->operator_count + 1, sizeof(*npu));
	stream.places = arena_alloc(graph->arena, expanded.operator_count + 1,
				    sizeof(*stream.places));
	if (!forced || !npu || !stream.places)
		return error_memory(graph->error);
	place_operators(&expanded, origin, &stream, forced);
	for (unsigned int o = 0; o < expanded.operator_count; o++)
		npu[origin[o]] = is_npu(&stream, o);
	return gather_jobs(graph, npu);
}

int lower_graph(struct ir_graph *graph, const struct target *target,
		struct pool *constants, struct stream *stream)
{
	const struct pool_mark shared = pool_mark(constants);
	struct stream_place *places = arena_alloc(graph->arena, graph->operator_count + 1,
						  sizeof(*places));
	struct stream_place *part_places;
	struct ir_graph expanded;
	unsigned int *origin;
	const char **forced;
	bool *cuts;
	int ret = expand_graph(graph, &expanded, &origin);

	if (ret)
		return ret;
	forced = arena_alloc(graph->arena, expanded.operator_count + 1, sizeof(*forced));
	part_places = arena_alloc(graph->arena, expanded.operator_count + 1,
				  sizeof(*part_places));
	cuts = arena_alloc(graph->arena, expanded.operator_count + 1, sizeof(*cuts));
	if (!forced || !places || !part_places || !cuts)
		return error_memory(graph->error);
	/* Each round sends an operator to the processor or cuts a segment, so it ends. */
	do {
		expanded.progress.attempt++;
		stream_release(stream);
		*stream = (struct stream){
			.target = target, .places = part_places, .constants = constants,
		};
		pool_return(constants, &shared);
		pool_begin(constants);
		place_operators(&expanded, origin, stream, forced);
		ret = make_segments(&expanded, cuts, stream);
		if (!ret)
			ret = job_memory_place(graph, &expanded, stream);
		if (!ret)
			ret = lower_segments(&expanded, origin, target, stream, cuts, forced);
	} while (ret == -EAGAIN);
	if (ret)
		return ret;
	stream->constant_bytes = constants->used_bytes;
	stream->raw_constant_bytes = constants->used_raw_bytes;
	stream->weight_bytes = constants->used_weight_bytes;
	map_back(&expanded, origin, stream, places);
	stream->macs = placed_macs(graph, stream);
	return 0;
}
