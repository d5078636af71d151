/* SPDX-License-Identifier: MIT */
/* Ways to lower a segment, and the search for the fastest. */
#ifndef COMPILER_SEARCH_H
#define COMPILER_SEARCH_H

#include "arena.h"
#include "coding.h"
#include "command.h"
#include "pool.h"
#include "program.h"

/* One way to lower a segment, with what came of it. */
struct candidate {
	/* Where segment and program lie, beside what the graph has. */
	struct arena arena;
	struct program program;
	struct segment segment;
	struct command_list list;
	struct buffer commands;
	/* Of the graph's streams; the candidate's own are in it only while it is made. */
	struct pool *constants;
	struct coding_cache *cache;
	/* As in struct segment. */
	const unsigned int *order;
	/* As predicted: the whole, and the longest stretch between preemption points. */
	uint64_t cycles, interval;
	/* The cycles, and what constants count for that no other stream has. */
	double cost;
	/* Commands and bytes of constants made on the way: how long that took. */
	uint64_t made_commands, made_bytes;
	/* The fewest cycles that were predicted without tiles of some columns; 0: none fits. */
	uint64_t untiled_cycles;
	/* The operator that does not fit, or takes too many commands. */
	unsigned int failed_operator;
};

/*
 * Lowers a segment with the given settings; `place` says which operators,
 * `out` gets its bases. Returns 0, -ENOMEM, -E2BIG, or -ENOSPC or -EFBIG with
 * `failed_operator`. Release the candidate in any case.
 */
int candidate_build(struct candidate *candidate, struct ir_graph *graph,
		    const struct target *target, const struct stream_segment *place,
		    struct stream_segment *out, const struct program_settings *settings);
void candidate_release(struct candidate *candidate);

/* Makes a candidate's commands again, and leaves its constants in the pool. 0 or -ENOMEM. */
int candidate_keep(struct candidate *candidate);

/*
 * Lowers one segment the fastest way found, its constants in `constants` with those
 * of others. -ENOSPC or -EFBIG with the operator
 * that does not fit or takes too many commands; -E2BIG when it has too many
 * inputs and outputs.
 */
int search_segment(struct ir_graph *graph, const struct target *target,
		   struct stream_segment *out, struct pool *constants,
		   struct candidate *best, unsigned int *failed_operator);

#endif
