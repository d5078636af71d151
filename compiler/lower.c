// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emit.h"
#include "error.h"
#include "generate.h"
#include "lower.h"
#include "partition.h"
#include "predict.h"
#include "program.h"
#include "schedule.h"
#include "verify.h"

/* Longest time between preemption points that firmware can count on. */
#define PREEMPTION_CYCLES 100000
#define PREEMPTION_TRIES 4
/* What draining the units and filling them again may add. */
#define PREEMPTION_MARGIN 1000

/* One way to lower a segment, with what came of it. */
struct candidate {
	struct program program;
	struct segment segment;
	struct command_list list;
	struct buffer commands, constants;
	struct generate_cache *cache;
	uint64_t cycles, interval;
	unsigned int failed_node;
};

static void candidate_release(struct candidate *candidate)
{
	command_release(&candidate->list);
	buffer_release(&candidate->commands);
	buffer_release(&candidate->constants);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct plan_buffer *x = *(const struct plan_buffer *const *)a;
	const struct plan_buffer *y = *(const struct plan_buffer *const *)b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/*
 * The SRAM that is live before a step. Neighbours are joined; where there are
 * more ranges than a record holds, the smallest gaps are saved with them.
 */
static int live_ranges(const struct program *program, unsigned int step,
		       struct emit_ranges *ranges)
{
	const struct plan_buffer **live = calloc(program->buffer_count + 1, sizeof(*live));
	unsigned int count = 0;
	uint64_t join = 0;

	if (!live)
		return -ENOMEM;
	for (unsigned int b = 0; b < program->buffer_count; b++)
		if (program->plan[b].start < step && program->plan[b].last >= step)
			live[count++] = &program->plan[b];
	qsort(live, count, sizeof(*live), compare_ranges);
	do {
		ranges->count = 0;
		for (unsigned int i = 0; i < count; i++) {
			uint64_t from = live[i]->address;
			uint64_t to = (from + live[i]->bytes + 15) & ~15ull;
			unsigned int last = ranges->count;

			if (last && from <= ranges->range[last - 1].address +
					    (uint64_t)ranges->range[last - 1].bytes + join) {
				ranges->range[last - 1].bytes =
					(uint32_t)(to - ranges->range[last - 1].address);
				continue;
			}
			if (last == KESTREL_ISA_PREEMPT_RANGES) {
				ranges->count = 0;
				join = 2 * join + 64;
				break;
			}
			ranges->range[last].address = (uint32_t)from;
			ranges->range[last].bytes = (uint32_t)(to - from);
			ranges->count++;
		}
	} while (count && !ranges->count);
	free(live);
	return 0;
}

/* Cycles between the preemption points as predicted, the longest stretch. */
static uint64_t longest_interval(const struct candidate *candidate)
{
	uint64_t last = 0, longest = 0;

	for (unsigned int i = 0; i < candidate->list.count; i++) {
		const struct command *command = &candidate->list.commands[i];

		if (!command->preempt_before)
			continue;
		if (command->start - last > longest)
			longest = command->start - last;
		last = command->start;
	}
	return candidate->cycles - last > longest ? candidate->cycles - last : longest;
}

/* Commands, order, bytes and predicted cycles of a placed program. */
static int produce(struct candidate *candidate)
{
	const struct program *program = &candidate->program;
	const struct target *target = candidate->segment.target;
	struct predict_records *records = NULL;
	struct emit_ranges *ranges;
	unsigned int points = 0;
	int ret;

	candidate->list.count = 0;
	candidate->commands.bytes = candidate->constants.bytes = 0;
	ranges = calloc(program->step_count + 1, sizeof(*ranges));
	ret = ranges ? 0 : -ENOMEM;
	for (unsigned int s = 0; s < program->step_count && !ret; s++)
		if (program->preempt && program->preempt[s])
			ret = live_ranges(program, s, &ranges[points++]);
	if (!ret)
		ret = generate(program, candidate->cache, &candidate->list, &candidate->constants);
	if (!ret)
		ret = schedule(target, &candidate->list);
	if (!ret) {
		records = calloc(candidate->list.count + 1, sizeof(*records));
		ret = records ? 0 : -ENOMEM;
	}
	if (!ret) {
		emit_stream(&candidate->list, ranges, &candidate->commands, records);
		ret = candidate->commands.failed ? -ENOMEM :
		      predict_run(target, &candidate->list, records, &candidate->cycles);
	}
	if (!ret)
		candidate->interval = longest_interval(candidate);
	free(records);
	free(ranges);
	return ret == -ENOMEM ? error_memory(candidate->segment.graph->error) : ret;
}

/* When each step's compute command starts, as just predicted. */
static void step_times(const struct candidate *candidate, uint64_t *times)
{
	unsigned int step = 0;

	for (unsigned int i = 0; i < candidate->list.count; i++) {
		const struct command *command = &candidate->list.commands[i];

		if ((command->unit == KESTREL_UNIT_MAC || command->unit == KESTREL_UNIT_VECTOR) &&
		    step < candidate->program.step_count)
			times[step++] = command->start;
	}
}

/*
 * Preemption points at about equal distances, each before the last step that
 * keeps within `distance` of the point before.
 */
static bool *choose_points(const struct candidate *candidate, uint64_t distance)
{
	struct arena *arena = candidate->segment.graph->arena;
	unsigned int steps = candidate->program.step_count;
	bool *preempt = arena_alloc(arena, steps + 1, sizeof(*preempt));
	uint64_t *times = arena_alloc(arena, steps + 1, sizeof(*times));
	uint64_t last = 0;

	if (!preempt || !times)
		return NULL;
	step_times(candidate, times);
	times[steps] = candidate->cycles;
	for (unsigned int s = 1; s < steps; s++)
		if (times[s] > last && times[s + 1] - last > distance) {
			preempt[s] = true;
			last = times[s];
		}
	return preempt;
}

static int build(struct candidate *candidate, const struct stream_segment *place,
		 const struct program_settings *settings, const bool *preempt)
{
	int ret = segment_build(&candidate->segment, place->first_operator, place->operator_count);

	if (ret)
		return ret;
	candidate->program = (struct program){
		.segment = &candidate->segment, .settings = *settings, .preempt = preempt,
	};
	ret = program_build(&candidate->program, &candidate->failed_node);
	if (ret == -ENOSPC || ret == -EFBIG)
		candidate->failed_node =
			candidate->segment.nodes[candidate->failed_node].operator_index;
	return ret ? ret : produce(candidate);
}

/* Builds without preemption points and then, if they are needed, with them. */
static int try_candidate(struct candidate *candidate, struct ir_graph *graph,
			 const struct target *target, const struct stream_segment *place,
			 struct stream_segment *out, const struct program_settings *settings)
{
	uint64_t distance, cycles;
	int ret;

	out->first_operator = place->first_operator;
	out->operator_count = place->operator_count;
	out->npu = true;
	candidate->segment = (struct segment){ .graph = graph, .target = target, .out = out };
	candidate->failed_node = ~0u;
	ret = build(candidate, place, settings, NULL);
	if (ret)
		return ret;
	cycles = candidate->cycles;
	for (unsigned int try = 1; try <= PREEMPTION_TRIES; try++) {
		const bool *preempt;

		if (candidate->interval <= PREEMPTION_CYCLES)
			break;
		/* The distance that shares the cycles out equally, closer in each try. */
		distance = cycles / (cycles / PREEMPTION_CYCLES + 1);
		distance = distance * (34 - 4 * try) / 32;
		if (distance > PREEMPTION_CYCLES - PREEMPTION_MARGIN)
			distance = PREEMPTION_CYCLES - PREEMPTION_MARGIN;
		if (try > 1)
			ret = build(candidate, place, settings, NULL);
		preempt = ret ? NULL : choose_points(candidate, distance);
		if (!preempt)
			return ret ? ret : error_memory(graph->error);
		ret = build(candidate, place, settings, preempt);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * Stripes and chunks to try, each with the first input whole and then in pieces;
 * all of them smaller in each round.
 */
static unsigned int list_settings(const struct target *target, unsigned int round,
				  struct program_settings *settings)
{
	static const uint64_t chunks[] = { 2048, 4096, 8192, 16384 };
	static const int32_t pieces[] = { 1, 4 };
	unsigned int count = 0;

	for (size_t c = 0; c < sizeof(chunks) / sizeof(chunks[0]); c++)
		for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
			if (c && chunks[c] > target->sram_bytes / 8 >> round)
				continue;
			settings[count++] = (struct program_settings){
				.chunk_bytes = chunks[c] >> round,
				.stripe_bytes = target->sram_bytes / 4 >> round,
				.first_pieces = pieces[p],
			};
		}
	return count;
}

#define SETTINGS_MAX 8
#define ROUNDS 5

/*
 * Lowers one segment the fastest way found. -ENOSPC or -EFBIG with the operator
 * that does not fit or takes too many commands; -E2BIG when it has too many inputs and outputs.
 */
static int lower_segment(struct ir_graph *graph, const struct target *target,
			 struct stream_segment *out, struct candidate *best,
			 unsigned int *failed_operator)
{
	struct program_settings settings[SETTINGS_MAX];
	struct generate_cache cache = { 0 };
	struct stream_segment best_out = *out;
	bool found = false;
	int ret = -ENOSPC;

	for (unsigned int round = 0; round < ROUNDS && !found; round++) {
		unsigned int count = list_settings(target, round, settings);

		for (unsigned int i = 0; i < count; i++) {
			struct candidate candidate = { .cache = &cache };
			struct stream_segment place = *out;

			ret = try_candidate(&candidate, graph, target, out, &place, &settings[i]);
			if (ret == -ENOSPC || ret == -EFBIG)
				*failed_operator = candidate.failed_node;
			if (!ret && (!found || candidate.cycles < best->cycles)) {
				struct candidate worse = *best;

				*best = candidate;
				candidate = worse;
				best_out = place;
				found = true;
			}
			candidate_release(&candidate);
			if (ret && ret != -ENOSPC && ret != -EFBIG) {
				candidate_release(best);
				return ret;
			}
			/* Pieces need no less room than the whole. */
			if (ret && settings[i].first_pieces == 1)
				i++;
		}
	}
	if (!found)
		return ret;
	/* The values and nodes refer to the segment they were tried with. */
	best->segment.out = out;
	best->program.segment = &best->segment;
	*out = best_out;
	return 0;
}

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

	if (graph->tensors[op->outputs[0]].type != IR_INT8)
		return "the NPU form takes int8 values only";
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

static void place_operators(const struct ir_graph *graph, struct stream *stream,
			    const char *const *forced)
{
	for (unsigned int o = 0; o < graph->operator_count; o++) {
		const struct ir_operator *op = &graph->operators[o];
		struct stream_place *place = &stream->places[o];
		const char *reason = forced[o];

		*place = (struct stream_place){ .place = KESTREL_GRAPH_PLACE_NPU, .reason = "" };
		if (op->removed_reason) {
			place->place = KESTREL_GRAPH_PLACE_REMOVED;
			place->reason = op->removed_reason;
			continue;
		}
		if (!reason && op->kind == IR_RESHAPE)
			reason = reshape_reason(graph, stream, o);
		else if (!reason)
			reason = partition_reason(graph, op);
		if (reason) {
			place->place = KESTREL_GRAPH_PLACE_CPU;
			place->reason = reason;
		} else if (op->kind == IR_RESHAPE) {
			place->place = KESTREL_GRAPH_PLACE_REMOVED;
			place->reason = "the same bytes under another shape";
		}
	}
}

/* Runs of operators with one place; removed ones go with what stands before them. */
static int make_segments(struct ir_graph *graph, struct stream *stream)
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

		if (segment && (segment->npu == npu || graph->operators[o].removed_reason)) {
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

/* Multiply-accumulates that the node's commands make. */
static uint64_t node_macs(const struct segment *segment, const struct segment_node *node)
{
	const struct segment_value *output = &segment->values[node->output];

	if (!node->is_mac)
		return 0;
	return (uint64_t)output->height * (uint64_t)output->width *
	       weights_bytes(&node->weights, node->weights.output_channels);
}

/* Puts what a segment became into the stream. */
static int take_segment(struct ir_graph *graph, struct stream *stream,
			struct stream_segment *segment, struct candidate *candidate)
{
	uint64_t constants = buffer_align(&stream->constants, KESTREL_GRAPH_ALIGNMENT);
	struct stream_base *bases = segment->bases;
	int ret;

	buffer_append(&stream->constants, candidate->constants.data, candidate->constants.bytes);
	if (stream->constants.failed)
		return error_memory(graph->error);
	bases[SEGMENT_BASE_CONSTANTS].kind = KESTREL_GRAPH_BASE_CONSTANTS;
	bases[SEGMENT_BASE_CONSTANTS].flags = KESTREL_GRAPH_BASE_READ;
	bases[SEGMENT_BASE_CONSTANTS].offset = constants;
	bases[SEGMENT_BASE_CONSTANTS].size = candidate->constants.bytes;
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
	for (unsigned int v = 0; v < candidate->segment.value_count; v++) {
		const struct segment_value *value = &candidate->segment.values[v];

		if (value->spilled)
			stream->spill_bytes += (uint64_t)value->height * (uint64_t)value->width *
					       (uint64_t)value->channels;
	}
	for (unsigned int i = 0; i < candidate->list.count; i++) {
		const struct command *command = &candidate->list.commands[i];
		struct stream_place *place = &stream->places[command->operator_index];

		if (command->unit == KESTREL_UNIT_MAC || command->unit == KESTREL_UNIT_VECTOR)
			place->predicted_cycles += command->finish - command->start;
	}
	stream->dead_channels += candidate->segment.dead_channels;
	for (unsigned int n = 0; n < candidate->segment.node_count; n++)
		stream->macs += node_macs(&candidate->segment, &candidate->segment.nodes[n]);
	return 0;
}

static int lower_segments(struct ir_graph *graph, const struct target *target,
			  struct stream *stream, const char **forced)
{
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
		ret = lower_segment(graph, target, segment, &candidate, &failed);
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
		if (ret == -E2BIG) {
			for (unsigned int o = 0; o < segment->operator_count; o++)
				forced[segment->first_operator + o] =
					"the segment has more than 14 inputs and outputs";
			return -EAGAIN;
		}
		if (!ret)
			ret = take_segment(graph, stream, segment, &candidate);
		candidate_release(&candidate);
		if (ret)
			return ret;
	}
	return 0;
}

int lower_graph(struct ir_graph *graph, const struct target *target, struct stream *stream)
{
	const char **forced = arena_alloc(graph->arena, graph->operator_count + 1,
					  sizeof(*forced));
	struct stream_place *places = arena_alloc(graph->arena, graph->operator_count + 1,
						  sizeof(*places));
	int ret;

	if (!forced || !places)
		return error_memory(graph->error);
	/* Each round sends at least one more operator to the processor, so it ends. */
	do {
		stream_release(stream);
		*stream = (struct stream){ .target = target, .places = places };
		place_operators(graph, stream, forced);
		ret = make_segments(graph, stream);
		if (!ret)
			ret = lower_segments(graph, target, stream, forced);
	} while (ret == -EAGAIN);
	return ret;
}
