// SPDX-License-Identifier: MIT
/* One way to lower a segment, from its steps to bytes and predicted cycles. */
#include <errno.h>
#include <stdlib.h>

#include "emit.h"
#include "error.h"
#include "generate.h"
#include "job_memory.h"
#include "predict.h"
#include "schedule.h"
#include "search.h"

/* Longest time between preemption points that firmware can count on. */
#define PREEMPTION_CYCLES 100000
#define PREEMPTION_TRIES 4
/* What draining the units and filling them again may add. */
#define PREEMPTION_MARGIN 1000
/* The share of its cycles that a stream may lose to read other streams' constants. */
#define NEW_CONSTANTS_SHARE 0.05

void candidate_release(struct candidate *candidate)
{
	command_release(&candidate->list);
	buffer_release(&candidate->commands);
	arena_release(&candidate->arena);
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

/*
 * Where the memory of a job has its tensors, of those not known behind the others; and
 * where the one of the stream has its commands.
 */
static void place_tensors(struct candidate *candidate)
{
	const struct ir_graph *graph = candidate->segment.graph;
	const struct stream_segment *out = candidate->segment.out;
	struct command_list *list = &candidate->list;

	list->tensor_bytes = out->tensor_bytes;
	list->commands_offset = out->commands_offset;
	for (unsigned int b = SEGMENT_BASE_TENSORS; b < out->base_count; b++) {
		int tensor = out->bases[b].tensor;

		list->tensor_offsets[b] = out->tensor_offsets ? out->tensor_offsets[tensor] :
								STREAM_NOT_SHARED;
		if (list->tensor_offsets[b] != STREAM_NOT_SHARED)
			continue;
		list->tensor_offsets[b] = list->tensor_bytes;
		list->tensor_bytes += job_memory_room(&graph->tensors[tensor]);
	}
}

/* Bases that are rows of another's tensor: their accesses become accesses of the other. */
static void join_bases(struct candidate *candidate)
{
	for (unsigned int i = 0; i < candidate->list.count; i++) {
		struct command *command = &candidate->list.commands[i];

		for (unsigned int a = 0; a < command->access_count; a++) {
			struct command_access *access = &command->accesses[a];
			uint64_t reach;

			if (access->space < COMMAND_SPACE_BASE)
				continue;
			access->space = (uint8_t)(COMMAND_SPACE_BASE +
				stream_base_memory(candidate->segment.out,
						   access->space - COMMAND_SPACE_BASE, &reach));
			access->to += reach;
		}
	}
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
	place_tensors(candidate);
	candidate->commands.bytes = 0;
	ranges = calloc(program->step_count + 1, sizeof(*ranges));
	ret = ranges ? 0 : -ENOMEM;
	for (unsigned int s = 0; s < program->step_count && !ret; s++)
		if (program_preempts(program, s))
			ret = live_ranges(program, s, &ranges[points++]);
	if (!ret)
		ret = generate(program, candidate->cache, &candidate->list,
			       candidate->constants);
	if (!ret)
		join_bases(candidate);
	if (!ret)
		ret = schedule(target, &candidate->list, program->settings.thin_waits);
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

/* Where preemption points are, and which loads come before each: see struct program. */
struct preemption {
	bool *points;
	unsigned int *loads;
	unsigned int step_count;
};

/* What a program does when, as just predicted. */
struct timeline {
	/* By step: when all steps before it have retired. */
	uint64_t *idle;
	/* By load: when it retires. */
	uint64_t *loaded;
	unsigned int step_count, load_count;
};

static int make_timeline(const struct candidate *candidate, struct timeline *timeline)
{
	struct arena *arena = candidate->segment.graph->arena;
	const struct program *program = &candidate->program;

	timeline->step_count = program->step_count;
	timeline->idle = arena_alloc(arena, program->step_count + 1, sizeof(uint64_t));
	timeline->loaded = arena_alloc(arena, program->buffer_count + 1, sizeof(uint64_t));
	if (!timeline->idle || !timeline->loaded)
		return error_memory(candidate->segment.graph->error);
	timeline->load_count = 0;
	for (unsigned int i = 0; i < candidate->list.count; i++) {
		const struct command *command = &candidate->list.commands[i];

		if (command->step)
			timeline->idle[command->step] = command->finish;
		if (command->load)
			timeline->loaded[command->load - 1] = command->finish;
		if (command->load > timeline->load_count)
			timeline->load_count = command->load;
	}
	for (unsigned int s = 1; s <= program->step_count; s++)
		if (timeline->idle[s] < timeline->idle[s - 1])
			timeline->idle[s] = timeline->idle[s - 1];
	return 0;
}

/*
 * What a point before a step costs: the units wait for a load that is under way,
 * or the load waits for them. `loads` becomes how many come before the point.
 */
static uint64_t point_cost(const struct timeline *timeline, unsigned int step,
			   unsigned int *loads)
{
	uint64_t idle = timeline->idle[step], before = 0, wait;

	while (*loads < timeline->load_count && timeline->loaded[*loads] <= idle)
		++*loads;
	if (*loads == timeline->load_count)
		return 0;
	if (*loads)
		before = idle - timeline->loaded[*loads - 1];
	wait = timeline->loaded[*loads] - idle;
	if (wait > before)
		return before;
	++*loads;
	return wait;
}

/*
 * Preemption points at most `distance` apart, where they cost the least for the
 * distance they make.
 */
static int choose_points(const struct candidate *candidate, uint64_t distance,
			 struct preemption *preemption)
{
	struct arena *arena = candidate->segment.graph->arena;
	unsigned int steps = candidate->program.step_count, step = 0, loads = 0;
	struct timeline timeline = { 0 };
	uint64_t last = 0;
	int ret = make_timeline(candidate, &timeline);

	preemption->points = arena_alloc(arena, steps + 1, sizeof(bool));
	preemption->loads = arena_alloc(arena, steps + 1, sizeof(unsigned int));
	if (ret || !preemption->points || !preemption->loads)
		return error_memory(candidate->segment.graph->error);
	preemption->step_count = steps;
	while (candidate->cycles - last > distance) {
		unsigned int best = 0, best_loads = 0;
		double best_cost = 0;

		for (unsigned int s = step + 1; s < steps; s++) {
			unsigned int before = loads;
			double cost;

			/* Accumulators do not live across a point. */
			if (timeline.idle[s] <= last ||
			    candidate->program.steps[s].accumulate_from == KESTREL_ACCUMULATE_RAM)
				continue;
			if (best && timeline.idle[s] - last > distance)
				break;
			cost = (double)(point_cost(&timeline, s, &before) + PREEMPTION_MARGIN) /
			       (double)(timeline.idle[s] - last);
			if (best && cost > best_cost)
				continue;
			best = s;
			best_loads = before;
			best_cost = cost;
		}
		if (!best)
			break;
		preemption->points[best] = true;
		preemption->loads[best] = best_loads;
		loads = best_loads;
		last = timeline.idle[best];
		step = best;
	}
	return 0;
}

/* Leaves the pool of constants as it is. */
static int produce_and_forget(struct candidate *candidate)
{
	struct pool *constants = candidate->constants;
	struct pool_mark mark = pool_mark(constants);
	uint64_t added;
	int ret;

	pool_try(constants);
	ret = produce(candidate);
	added = constants->bytes.bytes - mark.bytes;
	candidate->made_commands += candidate->list.count;
	candidate->made_bytes += constants->put_bytes;
	candidate->cost = (double)candidate->cycles;
	/* The first stream shares with none, and all of its constants are new. */
	if (mark.bytes && constants->put_bytes)
		candidate->cost *= 1 + NEW_CONSTANTS_SHARE * (double)added /
				       (double)constants->put_bytes;
	pool_return(constants, &mark);
	return ret;
}

static int build(struct candidate *candidate, const struct stream_segment *place,
		 const struct program_settings *settings, const struct preemption *preemption)
{
	int ret = segment_build(&candidate->segment, place->first_operator, place->operator_count);

	if (ret) {
		candidate->failed_operator = candidate->segment.failed_operator;
		return ret;
	}
	candidate->program = (struct program){
		.segment = &candidate->segment, .settings = *settings,
	};
	if (preemption) {
		candidate->program.preempt = preemption->points;
		candidate->program.preempt_loads = preemption->loads;
		candidate->program.preempt_steps = preemption->step_count;
	}
	ret = program_build(&candidate->program, &candidate->failed_operator);
	if (ret == -ENOSPC || ret == -EFBIG)
		candidate->failed_operator =
			candidate->segment.nodes[candidate->failed_operator].operator_index;
	return ret ? ret : produce_and_forget(candidate);
}

/* Builds without preemption points and then, if they are needed, with them. */
static int build_all(struct candidate *candidate, const struct stream_segment *place,
		     const struct program_settings *settings)
{
	uint64_t distance, cycles;
	int ret = build(candidate, place, settings, NULL);

	if (ret)
		return ret;
	cycles = candidate->cycles;
	for (unsigned int try = 1; try <= PREEMPTION_TRIES; try++) {
		struct preemption preemption;

		if (candidate->interval <= PREEMPTION_CYCLES)
			break;
		/* The distance that shares the cycles out equally, closer in each try. */
		distance = cycles / (cycles / PREEMPTION_CYCLES + 1);
		distance = distance * (34 - 4 * try) / 32;
		if (distance > PREEMPTION_CYCLES - PREEMPTION_MARGIN)
			distance = PREEMPTION_CYCLES - PREEMPTION_MARGIN;
		if (try > 1)
			ret = build(candidate, place, settings, NULL);
		if (!ret)
			ret = choose_points(candidate, distance, &preemption);
		if (!ret)
			ret = build(candidate, place, settings, &preemption);
		if (ret)
			return ret;
	}
	return 0;
}

int candidate_build(struct candidate *candidate, struct ir_graph *graph,
		    const struct target *target, const struct stream_segment *place,
		    struct stream_segment *out, const struct program_settings *settings)
{
	struct arena *arena = graph->arena;
	int ret;

	out->first_operator = place->first_operator;
	out->operator_count = place->operator_count;
	out->npu = true;
	candidate->segment = (struct segment){
		.graph = graph, .target = target, .out = out, .placement = settings->placement,
		.rearrange = settings->rearrange, .order = candidate->order,
	};
	candidate->failed_operator = ~0u;
	/* A search makes many candidates: what one is made of goes with it. */
	candidate->cache->arena = arena;
	graph->arena = &candidate->arena;
	ret = build_all(candidate, place, settings);
	graph->arena = arena;
	return ret;
}

int candidate_keep(struct candidate *candidate)
{
	return produce(candidate);
}
