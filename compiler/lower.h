/* SPDX-License-Identifier: MIT */
/* From the resolved graph to the command streams of one configuration. */
#ifndef COMPILER_LOWER_H
#define COMPILER_LOWER_H

#include "ir.h"
#include "stream.h"
#include "target.h"

/*
 * Puts the operators into an order in which the NPU works in few jobs, if that is not
 * so: gather.h. Before the graph is lowered for any configuration. Returns 0 or -ENOMEM.
 */
int lower_order(struct ir_graph *graph);

/*
 * Partitions the graph, plans the SRAM, chooses tiles and writes commands; constants
 * go to `constants`, where other streams' may lie already. Returns 0 or a negative errno with a message. What has no NPU
 * form goes to a processor segment with its reason in `stream->places`.
 */
int lower_graph(struct ir_graph *graph, const struct target *target,
		struct pool *constants, struct stream *stream);

#endif
