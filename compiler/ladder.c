// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>

#include "arena.h"
#include "error.h"
#include "ladder.h"

#define REASON_BYTES 420
/* Of which the comparison with another way takes at most. */
#define GAIN_BYTES 100

const char *ladder_step_name(enum stream_step step)
{
	static const char *const names[] = {
		[STREAM_FASTEST] = "fastest", [STREAM_TILES] = "smaller tiles",
		[STREAM_SPILL] = "spill",
	};

	return names[step];
}

static bool is_input(const struct ir_graph *graph, int tensor)
{
	return graph->tensors[tensor].producer < 0;
}

uint64_t ladder_spilled_bytes(const struct ir_graph *graph, const struct stream_segment *place,
			      const struct command *command)
{
	unsigned int base = (unsigned int)command_get(command, KESTREL_DMA_BASE);
	int tensor = place->bases[base].tensor;
	uint64_t bytes = 1;

	if (base == SEGMENT_BASE_CONSTANTS)
		return 0;
	if (base >= SEGMENT_BASE_TENSORS && graph->tensors[tensor].is_state)
		return 0;
	if (base >= SEGMENT_BASE_TENSORS && (command->unit == KESTREL_UNIT_DMA_IN ?
					     is_input(graph, tensor) : ir_is_output(graph, tensor)))
		return 0;
	for (unsigned int d = 0; d < 4; d++)
		bytes *= (uint64_t)command_get(command, KESTREL_DMA_COUNT0 + d);
	return bytes;
}

static uint64_t value_bytes(const struct segment_value *value)
{
	return layout_bytes(&value->layout, value->height);
}

/* The largest pieces of its output that a node makes, and whether its sums come in parts. */
struct pieces {
	int32_t rows, columns;
	bool sums;
};

static struct pieces pieces_of(const struct program *program, unsigned int n)
{
	struct pieces pieces = { 0 };

	for (unsigned int s = 0; s < program->step_count; s++) {
		const struct program_step *step = &program->steps[s];

		if (step->node != n)
			continue;
		if (step->row_end - step->row_first > pieces.rows)
			pieces.rows = step->row_end - step->row_first;
		if (step->column_end - step->column_first > pieces.columns)
			pieces.columns = step->column_end - step->column_first;
		pieces.sums |= step->accumulate_from != KESTREL_ACCUMULATE_FRESH;
	}
	return pieces;
}

/* What tiles of some columns, or without rings, are better than. */
static void tell_gain(const struct candidate *candidate, char *text, size_t bytes)
{
	if (candidate->segment.graph->search_seed)
		snprintf(text, bytes, "; drawn, not chosen");
	else if (candidate->untiled_cycles)
		snprintf(text, bytes, "; %" PRIu64 " cycles predicted for the job, %" PRIu64
			 " with whole rows and rings", candidate->cycles,
			 candidate->untiled_cycles);
	else
		snprintf(text, bytes, "; no way with whole rows and rings fits");
}

static void tell_cascade(const struct candidate *candidate, unsigned int n, char *text)
{
	const struct program *program = &candidate->program;
	const struct segment *segment = program->segment;
	unsigned int first = program->nodes[n].cascade - 1, end = program->cascade_ends[first];
	const struct cascade_tiling *tiling = &program->cascade_tilings[first];
	uint32_t sram = segment->target->sram_bytes;
	uint64_t need = 0;
	char columns[40] = "", gain[GAIN_BYTES] = "";

	for (unsigned int m = first; m < end; m++)
		if (cascade_need(segment, m) > need)
			need = cascade_need(segment, m);
	if (tiling->columns)
		snprintf(columns, sizeof(columns), " and %d columns", tiling->columns);
	if (tiling->columns || tiling->recompute)
		tell_gain(candidate, gain, sizeof(gain));
	snprintf(text, REASON_BYTES,
		 "%d row%s%s at a time together with operators %u to %u%s: one after the other they need %"
		 PRIu64 " of %u bytes of SRAM%s%s", program->cascade_rows[first],
		 program->cascade_rows[first] == 1 ? "" : "s", columns,
		 segment->nodes[first].op->source, segment->nodes[end - 1].op->source,
		 !tiling->recompute ? "" : tiling->refetch ?
		 ", what tiles share computed and weights fetched again" :
		 ", what tiles share computed again", need, sram,
		 need > sram ? "" : ", which leaves less for what is fetched ahead", gain);
}

/* Why a node is computed in pieces, or "". */
static void tell_tiles(const struct candidate *candidate, unsigned int n, char *text)
{
	const struct program *program = &candidate->program;
	const struct segment *segment = program->segment;
	const struct segment_node *node = &segment->nodes[n];
	const struct segment_value *output = &segment->values[node->output];
	const struct segment_value *away = output->resident ? NULL : output;
	struct pieces pieces = pieces_of(program, n);
	char gain[GAIN_BYTES] = "";

	text[0] = 0;
	if (node->store)
		return;
	if (program->nodes[n].cascade) {
		tell_cascade(candidate, n, text);
		return;
	}
	for (unsigned int i = 0; i < node->input_count && !away; i++)
		if (!segment->values[node->inputs[i]].resident)
			away = &segment->values[node->inputs[i]];
	if (away && pieces.columns < output->width)
		tell_gain(candidate, gain, sizeof(gain));
	if (away && (pieces.rows < output->height || pieces.columns < output->width))
		snprintf(text, REASON_BYTES,
			 "%d of %d rows and %d of %d columns at a time: the %" PRIu64
			 " bytes of its %s do not stay in %u bytes of SRAM%s", pieces.rows,
			 output->height, pieces.columns, output->width, value_bytes(away),
			 away == output ? "output" : "input", segment->target->sram_bytes, gain);
	else if (pieces.sums)
		snprintf(text, REASON_BYTES,
			 "its sums in parts: the weights of 16 output channels leave too little of %u bytes of SRAM",
			 segment->target->sram_bytes);
}

/* Where an operator of the segment's graph is not one of the segment. */
static bool is_outside(const struct stream_segment *place, int operator_index)
{
	return operator_index < (int)place->first_operator ||
	       operator_index >= (int)(place->first_operator + place->operator_count);
}

static bool is_read_outside(const struct ir_graph *graph, const struct stream_segment *place,
			    int tensor)
{
	for (unsigned int o = 0; o < graph->operator_count; o++)
		for (unsigned int i = 0; i < graph->operators[o].input_count; i++)
			if (graph->operators[o].inputs[i] == tensor && is_outside(place, (int)o))
				return true;
	return false;
}

/* Why a value is in memory, as the end of a sentence. */
static const char *memory_reason(const struct segment *segment, const struct stream_segment *place,
				 const struct segment_value *value)
{
	int producer = segment->graph->tensors[value->tensor].producer;

	if (producer >= 0 && is_outside(place, producer))
		return "comes from another job or the processor";
	if (value->no_room)
		return "finds no room in the SRAM beside what lives at the same time";
	if (value->split)
		return "is needed behind its cascade, which keeps a few rows of it";
	if (is_read_outside(segment->graph, place, value->tensor))
		return "is read by another job or the processor";
	return "is put together or into another order in memory";
}

/* Why bytes of an operator go through memory: `transfers` has those out and in of it. */
static void tell_spill(const struct segment *segment, const struct stream_segment *place,
		       unsigned int o, const uint64_t transfers[2], char *text)
{
	const struct segment_value *found = NULL;
	bool is_output = false;

	for (unsigned int n = 0; n < segment->node_count; n++) {
		const struct segment_node *node = &segment->nodes[n];
		const struct segment_value *output = &segment->values[node->output];

		if (node->operator_index != o)
			continue;
		if (transfers[0] && (!found || output->no_room || output->split)) {
			found = output;
			is_output = true;
		}
		for (unsigned int i = 0; i < node->input_count && transfers[1]; i++) {
			const struct segment_value *input = &segment->values[node->inputs[i]];

			if (!input->constant && (!input->resident || input->producer < 0) &&
			    (!found || (!found->no_room && !found->split)))
				found = input;
			is_output &= found == output;
		}
	}
	snprintf(text, REASON_BYTES, "%" PRIu64 " bytes to memory and %" PRIu64 " from there: %s %s",
		 transfers[0], transfers[1], is_output ? "its output" : "its input",
		 found ? memory_reason(segment, place, found) :
			 "is put together or into another order in memory");
}

int ladder_take(const struct candidate *candidate, const struct stream_segment *place,
		struct stream *stream)
{
	const struct segment *segment = &candidate->segment;
	struct ir_graph *graph = segment->graph;
	uint64_t (*transfers)[2] = arena_alloc(graph->arena, graph->operator_count + 1,
					       sizeof(*transfers));
	char text[REASON_BYTES];

	if (!transfers)
		return error_memory(graph->error);
	for (unsigned int i = 0; i < candidate->list.count; i++) {
		const struct command *command = &candidate->list.commands[i];

		if (command->unit == KESTREL_UNIT_DMA_IN || command->unit == KESTREL_UNIT_DMA_OUT)
			transfers[command->operator_index][command->unit == KESTREL_UNIT_DMA_IN] +=
				ladder_spilled_bytes(graph, place, command);
	}
	for (unsigned int n = 0; n < segment->node_count; n++) {
		unsigned int o = segment->nodes[n].operator_index;
		struct stream_place *at = &stream->places[o];

		tell_tiles(candidate, n, text);
		if (!text[0] || at->step >= STREAM_TILES)
			continue;
		at->step = STREAM_TILES;
		at->step_reason = arena_printf(graph->arena, "%s", text);
		if (!at->step_reason)
			return error_memory(graph->error);
	}
	for (unsigned int i = 0; i < place->operator_count; i++) {
		unsigned int o = place->first_operator + i;
		struct stream_place *at = &stream->places[o];

		if (!transfers[o][0] && !transfers[o][1])
			continue;
		tell_spill(segment, place, o, transfers[o], text);
		at->step_reason = arena_printf(graph->arena, "%s%s%s", text,
					       at->step_reason ? "; " : "",
					       at->step_reason ? at->step_reason : "");
		at->step = STREAM_SPILL;
		if (!at->step_reason)
			return error_memory(graph->error);
	}
	return 0;
}
