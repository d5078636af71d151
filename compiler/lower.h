/* SPDX-License-Identifier: MIT */
/* From the resolved graph to the command streams of one configuration. */
#ifndef COMPILER_LOWER_H
#define COMPILER_LOWER_H

#include "ir.h"
#include "stream.h"
#include "target.h"

/*
 * Partitions the graph, plans the SRAM, chooses tiles and writes commands; constants
 * go to `constants`, where other streams' may lie already. Returns 0 or a negative errno with a message. What has no NPU
 * form goes to a processor segment with its reason in `stream->places`.
 */
int lower_graph(struct ir_graph *graph, const struct target *target,
		struct pool *constants, struct stream *stream);

#endif
