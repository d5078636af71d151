// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "error.h"
#include "report.h"
#include "target.h"

static void put(struct buffer *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct buffer *text, const char *format, ...)
{
	char line[1024];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (length > 0)
		buffer_append(text, line, (size_t)length < sizeof(line) ? (size_t)length :
									  sizeof(line) - 1);
}

/* A JSON string; names come out of a hostile file. */
static void put_string(struct buffer *text, const char *string)
{
	buffer_byte(text, '"');
	for (; *string; string++) {
		unsigned char c = (unsigned char)*string;

		if (c == '"' || c == '\\')
			put(text, "\\%c", c);
		else if (c < 32 || c >= 127)
			put(text, "\\u%04x", c);
		else
			buffer_byte(text, c);
	}
	buffer_byte(text, '"');
}

static void put_stream(const struct stream *stream, struct buffer *text)
{
	uint64_t commands = 0;
	unsigned int npu = 0;

	for (unsigned int s = 0; s < stream->segment_count; s++) {
		npu += stream->segments[s].npu;
		commands += stream->segments[s].commands.bytes;
	}
	put(text, "  \"target\": \"%s\",\n", stream->target->name);
	put(text, "  \"macs_per_cycle\": %u,\n", stream->target->macs_per_cycle);
	put(text, "  \"predicted_cycles\": %" PRIu64 ",\n", stream->predicted_cycles);
	put(text, "  \"mac_utilisation\": %.4f,\n",
	    stream->predicted_cycles ? (double)stream->macs /
	    ((double)stream->predicted_cycles * stream->target->macs_per_cycle) : 0.0);
	put(text, "  \"npu_macs\": %" PRIu64 ",\n", stream->macs);
	put(text, "  \"dead_channels\": %" PRIu64 ",\n", stream->dead_channels);
	put(text, "  \"sram_bytes\": %u,\n", stream->target->sram_bytes);
	put(text, "  \"sram_peak_bytes\": %" PRIu64 ",\n", stream->sram_peak_bytes);
	put(text, "  \"arena_bytes\": %" PRIu64 ",\n", stream->scratch_size);
	put(text, "  \"spill_bytes\": %" PRIu64 ",\n", stream->spill_bytes);
	put(text, "  \"constant_bytes\": %zu,\n", stream->constants.bytes);
	put(text, "  \"command_bytes\": %" PRIu64 ",\n", commands);
	put(text, "  \"preemption_interval\": %" PRIu64 ",\n", stream->preemption_interval);
	put(text, "  \"segments\": %u,\n  \"npu_segments\": %u,\n", stream->segment_count, npu);
}

static const char *place_name(enum kestrel_graph_place place)
{
	switch (place) {
	case KESTREL_GRAPH_PLACE_NPU:
		return "npu";
	case KESTREL_GRAPH_PLACE_CPU:
		return "cpu";
	case KESTREL_GRAPH_PLACE_REMOVED:
		break;
	}
	return "removed";
}

int report_write(const struct ir_graph *graph, const struct graph_source *source,
		 const struct stream *stream, size_t graph_bytes, struct buffer *text)
{
	unsigned int counts[KESTREL_GRAPH_PLACE_REMOVED + 1] = { 0 };
	uint64_t macs = 0;

	put(text, "{\n  \"model\": ");
	put_string(text, source->name);
	put(text, ",\n  \"numerics\": \"%s\",\n  \"graph_bytes\": %zu,\n", graph->numerics,
	    graph_bytes);
	if (stream)
		put_stream(stream, text);
	put(text, "  \"operators\": [\n");
	for (unsigned int o = 0; o < graph->operator_count; o++) {
		const struct ir_operator *op = &graph->operators[o];
		struct stream_place place = { KESTREL_GRAPH_PLACE_CPU,
					      "compiled without a command stream", 0 };

		if (op->removed_reason)
			place = (struct stream_place){ KESTREL_GRAPH_PLACE_REMOVED,
						       op->removed_reason, 0 };
		else if (stream)
			place = stream->places[o];
		counts[place.place]++;
		macs += graph_macs(graph, op);
		put(text, "    {\"index\": %u, \"type\": ", op->source);
		put_string(text, op->type_name);
		put(text, ", \"output\": ");
		put_string(text, op->output_count ? graph->tensors[op->outputs[0]].name : "");
		put(text, ", \"place\": \"%s\", \"reason\": ", place_name(place.place));
		put_string(text, place.reason);
		put(text, ", \"predicted_cycles\": %" PRIu64 ", \"macs\": %" PRIu64 "}%s\n",
		    place.predicted_cycles, graph_macs(graph, op),
		    o + 1 < graph->operator_count ? "," : "");
	}
	put(text, "  ],\n  \"macs\": %" PRIu64 ",\n  \"ops_total\": %u,\n", macs,
	    graph->operator_count);
	put(text, "  \"ops_npu\": %u,\n  \"ops_cpu\": %u,\n  \"ops_removed\": %u\n}\n",
	    counts[KESTREL_GRAPH_PLACE_NPU], counts[KESTREL_GRAPH_PLACE_CPU],
	    counts[KESTREL_GRAPH_PLACE_REMOVED]);
	buffer_byte(text, 0);
	return text->failed ? error_memory(graph->error) : 0;
}
