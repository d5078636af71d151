/* SPDX-License-Identifier: MIT */
#ifndef COMPILER_GRAPH_WRITE_H
#define COMPILER_GRAPH_WRITE_H

#include "buffer.h"
#include "ir.h"
#include "stream.h"

/* What the file says about its source. */
struct graph_source {
	/* File name without directory; "" when unknown. */
	const char *name;
	const char *format;
	uint8_t hash[32];
};

/*
 * Writes a graph file (uapi/kestrel/graph.h) of the resolved graph into
 * `file`, with `stream_count` streams, which share their constants, or, when
 * that is 0, the operator graph alone. `npu_only`: without the constants that
 * no stream leaves to the processor. Returns 0 or -ENOMEM with a message.
 */
int graph_write(const struct ir_graph *graph, const struct graph_source *source,
		const struct stream *streams, unsigned int stream_count, bool npu_only,
		struct buffer *file);

/* Multiply-accumulates of one operator, by the models' convention. */
uint64_t graph_macs(const struct ir_graph *graph, const struct ir_operator *op);

#endif
