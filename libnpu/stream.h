/* SPDX-License-Identifier: MIT */
/* Which of a graph's streams a device runs. Pure. */
#ifndef NPU_STREAM_H
#define NPU_STREAM_H

#include <npu.h>

#include "graph.h"
#include "message.h"

/*
 * The stream to use, or NULL with the reason why each of them does not suit.
 * Of several that do, the one of the device's own name, else the one with the
 * fewest predicted cycles.
 */
const struct kestrel_graph_stream *stream_choose(const struct graph *graph,
						 const struct npu_capabilities *device,
						 struct message *reason);

#endif
