/* SPDX-License-Identifier: MIT */
#ifndef COMPILER_REPORT_H
#define COMPILER_REPORT_H

#include "graph_write.h"

/* npuc --report: JSON text, ended by a zero byte. `stream` may be NULL. */
int report_write(const struct ir_graph *graph, const struct graph_source *source,
		 const struct stream *stream, size_t graph_bytes, struct buffer *text);

#endif
