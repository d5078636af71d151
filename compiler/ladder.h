/* SPDX-License-Identifier: MIT */
/*
 * How each operator of a segment came to run, and why not faster: as a whole; in smaller
 * tiles; with values that go to memory and come back. What is left is the processor's.
 */
#ifndef COMPILER_LADDER_H
#define COMPILER_LADDER_H

#include "search.h"

/* "fastest", "smaller tiles" or "spill". */
const char *ladder_step_name(enum stream_step step);

/*
 * Sets steps and their reasons in the places of the segment's operators; its bases are
 * filled. Returns 0 or -ENOMEM.
 */
int ladder_take(const struct candidate *candidate, const struct stream_segment *place,
		struct stream *stream);

/*
 * Bytes of a transfer that neither bring the model's inputs or constants nor take
 * its outputs away: they are in memory for lack of SRAM, or between two segments.
 */
uint64_t ladder_spilled_bytes(const struct ir_graph *graph, const struct stream_segment *place,
			      const struct command *command);

#endif
