// SPDX-License-Identifier: MIT

#include "error.h"
#include "timeline.h"

/* By step: when its first command starts and its last one has retired. */
struct step_times {
	uint64_t *starts, *ends;
};

static int take_times(const struct candidate *candidate, struct step_times *times)
{
	struct arena *arena = candidate->segment.graph->arena;
	unsigned int steps = candidate->program.step_count;

	times->starts = arena_alloc(arena, steps + 1, sizeof(uint64_t));
	times->ends = arena_alloc(arena, steps + 1, sizeof(uint64_t));
	if (!times->starts || !times->ends)
		return error_memory(candidate->segment.graph->error);
	for (unsigned int i = 0; i < candidate->list.count; i++) {
		const struct command *command = &candidate->list.commands[i];
		unsigned int s = command->step - 1;

		if (!command->step)
			continue;
		if (!times->ends[s] || command->start < times->starts[s])
			times->starts[s] = command->start;
		if (command->finish > times->ends[s])
			times->ends[s] = command->finish;
	}
	return 0;
}

/* A transfer's bytes; 0 of the other units. */
static uint64_t command_bytes(const struct command *command)
{
	uint64_t bytes = 1;

	if (command->unit != KESTREL_UNIT_DMA_IN && command->unit != KESTREL_UNIT_DMA_OUT)
		return 0;
	if (command_get(command, KESTREL_DMA_MODE) == KESTREL_DMA_DECODE ||
	    command_get(command, KESTREL_DMA_MODE) == KESTREL_DMA_LOAD_TABLE)
		return (uint64_t)command_get(command, KESTREL_DMA_SOURCE_BYTES);
	if (command_get(command, KESTREL_DMA_MODE) == KESTREL_DMA_EXPAND_INT4)
		return ((uint64_t)command_get(command, KESTREL_DMA_COUNT0) + 1) / 2;
	for (unsigned int d = 0; d < 4; d++)
		bytes *= (uint64_t)command_get(command, KESTREL_DMA_COUNT0 + d);
	if (command_get(command, KESTREL_DMA_MODE) == KESTREL_DMA_BRICK)
		bytes *= (uint64_t)command_get(command, KESTREL_DMA_ELEMENT_BYTES);
	return bytes;
}

static int take_commands(const struct candidate *candidate, struct stream_segment *segment)
{
	struct ir_graph *graph = candidate->segment.graph;

	segment->events = arena_alloc(graph->arena, candidate->list.count + 1,
				      sizeof(*segment->events));
	if (!segment->events)
		return error_memory(graph->error);
	segment->event_count = candidate->list.count;
	for (unsigned int i = 0; i < candidate->list.count; i++) {
		const struct command *command = &candidate->list.commands[i];

		segment->events[i] = (struct stream_event){
			.unit = command->unit, .operator_index = command->operator_index,
			.preempt_before = command->preempt_before, .start = command->start,
			.finish = command->finish, .bytes = command_bytes(command),
		};
	}
	return 0;
}

static struct stream_room make_room(const struct candidate *candidate, unsigned int b,
				    const struct step_times *times)
{
	static const char *const contents[] = {
		[PROGRAM_VALUE] = "feature map", [PROGRAM_RESULT] = "feature map",
		[PROGRAM_WEIGHTS] = "weights", [PROGRAM_RECORDS] = "channel records",
		[PROGRAM_TABLE] = "table", [PROGRAM_EXPONENTIALS] = "exponentials",
		[PROGRAM_GAINS] = "gains and biases",
		[PROGRAM_ACCUMULATORS] = "accumulators",
	};
	const struct program_buffer *buffer = &candidate->program.buffers[b];
	const struct plan_buffer *plan = &candidate->program.plan[b];
	const struct segment *segment = &candidate->segment;
	struct stream_room room = {
		.address = plan->address, .bytes = plan->bytes,
		.content = contents[buffer->content], .finish = times->ends[plan->last],
	};

	if (buffer->content == PROGRAM_VALUE || buffer->content == PROGRAM_RESULT)
		room.name = segment->graph->tensors[segment->values[buffer->index].tensor].name;
	else
		room.name = segment->nodes[buffer->index].op->type_name;
	/* What is fetched needs its room from where the step before it ends. */
	if (!plan->is_load)
		room.start = times->starts[plan->first];
	else if (plan->start)
		room.start = times->ends[plan->start - 1];
	if (room.finish < room.start)
		room.finish = room.start;
	return room;
}

int timeline_take(const struct candidate *candidate, struct stream_segment *segment)
{
	struct ir_graph *graph = candidate->segment.graph;
	unsigned int count = candidate->program.buffer_count;
	struct step_times times;
	int ret = take_times(candidate, &times);

	if (!ret)
		ret = take_commands(candidate, segment);
	if (ret)
		return ret;
	segment->rooms = arena_alloc(graph->arena, count + 1, sizeof(*segment->rooms));
	if (!segment->rooms)
		return error_memory(graph->error);
	segment->room_count = count;
	for (unsigned int b = 0; b < count; b++)
		segment->rooms[b] = make_room(candidate, b, &times);
	return 0;
}
