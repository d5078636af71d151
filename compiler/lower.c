// SPDX-License-Identifier: MIT
#include "error.h"
#include "lower.h"

int lower_graph(struct ir_graph *graph, const struct target *target, struct stream *stream)
{
	struct stream_segment *segment = arena_alloc(graph->arena, 1, sizeof(*segment));

	stream->target = target;
	stream->places = arena_alloc(graph->arena, graph->operator_count, sizeof(*stream->places));
	if (!segment || !stream->places)
		return error_memory(graph->error);
	for (unsigned int o = 0; o < graph->operator_count; o++) {
		stream->places[o].place = KESTREL_GRAPH_PLACE_CPU;
		stream->places[o].reason = "no lowering yet";
	}
	segment->operator_count = graph->operator_count;
	stream->segments = segment;
	stream->segment_count = 1;
	return 0;
}
