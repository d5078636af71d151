// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "error.h"
#include "program_spill.h"

/* Whether node n reads a value that its own cascade makes. */
static bool read_in_own_cascade(const struct program *program, unsigned int n, int value)
{
	const struct segment_node *node = &program->segment->nodes[n];
	int producer = program->segment->values[value].producer;

	for (unsigned int i = 0; i < node->input_count; i++)
		if (node->inputs[i] == value && producer >= 0 && program->nodes[n].cascade &&
		    program->nodes[n].cascade == program->nodes[producer].cascade)
			return true;
	return false;
}

/* Whether a value can be in memory instead of SRAM as a whole. */
static bool can_spill(const struct program *program, unsigned int v)
{
	const struct segment *segment = program->segment;
	const struct segment_value *value = &segment->values[v];

	if (!value->resident || value->ring_rows || value->tiled || value->whole >= 0 ||
	    value->has_parts)
		return false;
	/* There are no stripes of one row. */
	if (value->height < 2 && (value->width < 2 || !program->settings.tiles))
		return false;
	/* A cascade does not read what it stores. */
	for (unsigned int n = 0; n < segment->node_count; n++) {
		const struct segment_node *node = &segment->nodes[n];

		if ((segment_takes_whole(node) &&
		     (node->output == (int)v || node->inputs[0] == (int)v)) ||
		    read_in_own_cascade(program, n, (int)v))
			return false;
	}
	return true;
}

/* What a value takes of the SRAM, where it lives there within these steps; else NULL. */
static const struct plan_buffer *buffer_within(const struct program *program,
					       const struct segment_value *value,
					       unsigned int first, unsigned int last)
{
	const struct plan_buffer *buffer;

	if (value->buffer == PROGRAM_NO_BUFFER)
		return NULL;
	buffer = &program->plan[value->buffer];
	return buffer->first <= last && buffer->last >= first ? buffer : NULL;
}

int program_spill_victim(const struct program *program, unsigned int failed)
{
	const struct segment *segment = program->segment;
	uint64_t best_bytes = 0;
	int best = -1;

	for (unsigned int v = 0; v < segment->value_count; v++) {
		const struct segment_value *value = &segment->values[v];
		const struct plan_buffer *buffer =
			buffer_within(program, value, program->plan[failed].first,
				      program->plan[failed].last);
		uint64_t bytes;

		if (!buffer)
			continue;
		/* What is in memory anyway costs nothing more. */
		bytes = buffer->bytes * (value->producer < 0 || value->stores ? 2 : 1);
		if (bytes > best_bytes && can_spill(program, v)) {
			best_bytes = bytes;
			best = (int)v;
		}
	}
	return best;
}

/* The largest value that lies in the SRAM at a step and can leave it; -1: none. */
static int largest_at(const struct program *program, unsigned int step)
{
	const struct segment *segment = program->segment;
	uint64_t best_bytes = 0;
	int best = -1;

	for (unsigned int v = 0; v < segment->value_count; v++) {
		const struct segment_value *value = &segment->values[v];
		const struct plan_buffer *buffer = buffer_within(program, value, step, step);

		if (buffer && value->resident && buffer->bytes > best_bytes &&
		    program_may_spill(program, v) && can_spill(program, v)) {
			best_bytes = buffer->bytes;
			best = (int)v;
		}
	}
	return best;
}

static int64_t room_of(const struct plan_buffer *buffer)
{
	return (int64_t)((buffer->bytes + PLAN_ALIGNMENT - 1) / PLAN_ALIGNMENT * PLAN_ALIGNMENT);
}

int program_spill_crowded(struct program *program)
{
	struct segment *segment = program->segment;
	/* By step: how much more lives there than at the one before. */
	int64_t *more = calloc(program->step_count + 1, sizeof(*more)), live = 0;
	int count = 0, ret = more ? 0 : error_memory(segment->graph->error);

	for (unsigned int b = 0; b < program->buffer_count && !ret; b++) {
		more[program->plan[b].first] += room_of(&program->plan[b]);
		more[program->plan[b].last + 1] -= room_of(&program->plan[b]);
	}
	for (unsigned int s = 0; s < program->step_count && !ret; s++) {
		live += more[s];
		while (live > (int64_t)segment->target->sram_bytes && !ret) {
			int v = largest_at(program, s);
			const struct plan_buffer *buffer;

			if (v < 0)
				break;
			buffer = &program->plan[segment->values[v].buffer];
			live -= room_of(buffer);
			more[buffer->last + 1] += room_of(buffer);
			ret = segment_spill(segment, (unsigned int)v);
			count++;
		}
	}
	free(more);
	return ret ? ret : count;
}

bool program_may_spill(const struct program *program, unsigned int v)
{
	const struct segment *segment = program->segment;

	return segment->target->spill || segment->values[v].producer < 0 ||
	       segment->values[v].stores;
}

int program_spill_all(struct program *program)
{
	struct segment *segment = program->segment;
	int ret = 0;

	for (unsigned int n = 0; n < segment->node_count; n++)
		for (unsigned int m = n; m < program->cascade_ends[n]; m++)
			program->nodes[m].cascade = n + 1;
	for (unsigned int v = 0; v < segment->value_count && !ret; v++)
		if (can_spill(program, v) && program_may_spill(program, v))
			ret = segment_spill(segment, v);
	return ret;
}
