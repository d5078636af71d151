/* SPDX-License-Identifier: MIT */
/*
 * A segment cut into steps: one compute command each, with the buffers it
 * needs in SRAM and the transfers that fill and empty them.
 */
#ifndef COMPILER_PROGRAM_H
#define COMPILER_PROGRAM_H

#include "cascade.h"
#include "plan.h"
#include "segment.h"

#define PROGRAM_NO_BUFFER (~0u)

/* Steps of one node; bounds the work that a model can cause. */
#define PROGRAM_NODE_STEPS 2048

/* How to cut; lower.c tries several and keeps the fastest. */
struct program_settings {
	/* Weights of one command, at most about this. */
	uint64_t chunk_bytes;
	/* Rows of a value that does not stay in SRAM, at most about this. */
	uint64_t stripe_bytes;
	/*
	 * What does not stay in SRAM comes and goes in tiles, of fewer columns too where
	 * that moves less; otherwise in stripes of whole rows.
	 */
	bool tiles;
	/* Nothing stays in SRAM between operators but in cascades: for tests. */
	bool spill_all;
	/* Pieces in which the first operator's input comes, so that it can begin early. */
	int32_t first_pieces;
	/* Fetch the first operator's constants before its input. */
	bool constants_first;
	/* Leave out waits that others bring about. */
	bool thin_waits;
	/*
	 * Elementwise operators write over an input that nothing else needs: less room in
	 * all, but one place for a longer time.
	 */
	bool in_place;
	/* Put the parts of concatenations together in SRAM. */
	bool placement;
	/* Put views of values in SRAM into their order there. */
	bool rearrange;
	/* Which of the segment's orders: order.h. */
	unsigned int order;
	/* Of limit_bytes 0: none. */
	struct cascade_settings cascade;
};

enum program_content {
	PROGRAM_VALUE, PROGRAM_WEIGHTS, PROGRAM_RECORDS, PROGRAM_TABLE, PROGRAM_EXPONENTIALS,
	PROGRAM_GAINS,
	/* Written by a compute command, not loaded. */
	PROGRAM_RESULT,
	/* Sums of which more are to come. */
	PROGRAM_ACCUMULATORS,
};

/* What a buffer of the plan holds. */
struct program_buffer {
	enum program_content content;
	/* VALUE, RESULT: the value, its rows and columns, how they lie; others: the node. */
	unsigned int index;
	int32_t row_first, row_end;
	int32_t column_first, column_end;
	struct layout layout;
	/* WEIGHTS; RECORDS: the output channels. */
	struct weights_part part;
};

struct program_step {
	unsigned int node;
	/* Output rows and channels. */
	int32_t row_first, row_end;
	int32_t channel_first, channel_count;
	/* Output columns, and those that are staged together with them. */
	int32_t column_first, column_end;
	int32_t tile_first, tile_end;
	/* MAC nodes: kernel rows and input channels that are summed up. */
	int32_t kernel_first, kernel_end;
	int32_t input_first, input_end;
	/* MAC nodes: where sums come from and go to when these are not all of them. */
	enum kestrel_accumulators accumulate_from, accumulate_to;
	/* Of a node with phases: which. */
	int32_t phase;
	/* The last one that writes these rows and channels of the output. */
	bool output_done;
	/* Buffers; inputs and output also when resident. */
	unsigned int inputs[2], output, weights, records, table, accumulators;
};

/* What the steps of a node share. */
struct program_node {
	/* The step behind its last one. */
	unsigned int end_step;
	unsigned int weights, records, table;
	/* Of the rows and channels at hand, where these are staged. */
	unsigned int inputs[2], output, accumulators;
	/* The first node of the cascade that it is in, and one more; 0: none. */
	unsigned int cascade;
};

struct program {
	struct segment *segment;
	struct program_settings settings;
	unsigned int step_count, step_capacity;
	/* Steps of the cuts for which there was no room. */
	uint64_t cut_steps;
	struct program_step *steps;
	unsigned int buffer_count, buffer_capacity;
	struct plan_buffer *plan;
	struct program_buffer *buffers;
	/* Steps with a preemption point before them; NULL: none. */
	const bool *preempt;
	/* For each of those: loads, in their order, that may be made before the point. */
	const unsigned int *preempt_loads;
	/* Elements of both. */
	unsigned int preempt_steps;
	struct program_node *nodes;
	/* End of the cascade that begins with a node; 0: none does. */
	unsigned int *cascade_ends;
	/* Rows that its last node makes at a time. */
	int32_t *cascade_rows;
	/* And how it goes over its maps. */
	struct cascade_tiling *cascade_tilings;
	/* Of the SRAM: how far it is used, and what lies there at once at least. */
	uint64_t peak, bound;
	/* SRAM that the maps of one operator, by itself, need at most. */
	uint64_t largest_need;
};

/* The weights that a step of a MAC node takes, all phases of them. */
struct weights_part program_part(const struct program_step *step);

/* Whether any map is made some columns at a time, or what tiles share computed again. */
bool program_is_tiled(const struct program *program);

/* Whether a preemption point stands before the step. */
bool program_preempts(const struct program *program, unsigned int step);

/*
 * Cuts and places; spills values where the SRAM is too small. Returns 0,
 * -ENOMEM, -ENOSPC with the node that cannot be placed, or -EFBIG with the node
 * at which there are too many steps. Everything lies in the graph's arena.
 */
int program_build(struct program *program, unsigned int *failed_node);

#endif
