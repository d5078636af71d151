/* SPDX-License-Identifier: MIT */
#ifndef COMPILER_GRAPH_READ_H
#define COMPILER_GRAPH_READ_H

#include "graph_write.h"

/* Whether the bytes have the mark of a graph file. */
bool graph_is_file(const void *data, size_t bytes);

/*
 * Takes the operator graph of a graph file back into the IR, so that it can be
 * compiled again. The file has been validated by its reader and is trusted
 * here; what the compiler has no IR form of gives -ENOTSUP with a message.
 * Constants point into `data`, which must outlive the graph.
 */
int graph_read(struct ir_graph *graph, const void *data, size_t bytes,
	       struct graph_source *source);

#endif
