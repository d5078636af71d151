// SPDX-License-Identifier: MIT
/* Figures of operators, and the report as JSON. */
#include <inttypes.h>

#include "error.h"
#include "ladder.h"
#include "report.h"
#include "target.h"
#include "text.h"

const char *report_place_name(enum kestrel_graph_place place)
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

static void add_command(const struct stream_event *event, struct report_operator *operator)
{
	if (!operator->finish || event->start < operator->start)
		operator->start = event->start;
	if (event->finish > operator->finish)
		operator->finish = event->finish;
	operator->commands[event->unit]++;
	operator->bytes[event->unit] += event->bytes;
	operator->busy[event->unit] += event->finish - event->start;
}

const struct report_operator *report_operator(const struct report *report, unsigned int stream,
					      unsigned int o)
{
	return &report->operators[(size_t)stream * report->graph->operator_count + o];
}

const char *report_step_name(const struct stream_place *place)
{
	if (place->place == KESTREL_GRAPH_PLACE_REMOVED)
		return "";
	return place->place == KESTREL_GRAPH_PLACE_CPU ? "processor" :
							  ladder_step_name(place->step);
}

const char *report_step_reason(const struct stream_place *place)
{
	if (place->place != KESTREL_GRAPH_PLACE_NPU)
		return place->place == KESTREL_GRAPH_PLACE_CPU ? place->reason : "";
	return place->step_reason ? place->step_reason : "";
}

/* Those of one stream, or of none. */
static void add_operators(const struct ir_graph *graph, const struct stream *stream,
			  struct report_operator *operators)
{
	for (unsigned int o = 0; o < graph->operator_count; o++) {
		const struct ir_operator *op = &graph->operators[o];

		operators[o] = (struct report_operator){
			.place = {
				.place = KESTREL_GRAPH_PLACE_CPU,
				.reason = "compiled without a command stream",
			},
			.macs = graph_macs(graph, op), .segment = -1,
		};
		if (op->removed_reason)
			operators[o].place = (struct stream_place){
				.place = KESTREL_GRAPH_PLACE_REMOVED,
				.reason = op->removed_reason,
			};
		else if (stream)
			operators[o].place = stream->places[o];
	}
	for (unsigned int s = 0; stream && s < stream->segment_count; s++) {
		const struct stream_segment *segment = &stream->segments[s];

		for (unsigned int o = 0; o < segment->operator_count; o++)
			operators[segment->first_operator + o].segment = (int)s;
		for (unsigned int i = 0; i < segment->event_count; i++)
			add_command(&segment->events[i],
				    &operators[segment->events[i].operator_index]);
	}
}

int report_operators(struct report *report)
{
	const struct ir_graph *graph = report->graph;
	unsigned int streams = report->stream_count ? report->stream_count : 1;
	size_t count = (size_t)streams * graph->operator_count;
	struct report_operator *operators = arena_alloc(graph->arena, count + 1,
							sizeof(*operators));

	if (!operators)
		return error_memory(graph->error);
	report->operators = operators;
	for (unsigned int s = 0; s < streams; s++)
		add_operators(graph, report->stream_count ? &report->stream[s] : NULL,
			      &operators[(size_t)s * graph->operator_count]);
	return 0;
}

static void put_stream(const struct ir_graph *graph, const struct stream *stream,
		       struct buffer *text)
{
	uint64_t commands = 0;
	unsigned int npu = 0;

	for (unsigned int s = 0; s < stream->segment_count; s++) {
		npu += stream->segments[s].npu;
		commands += stream->segments[s].commands.bytes;
	}
	text_put(text, "  \"target\": \"%s\",\n", stream->target->name);
	text_put(text, "  \"macs_per_cycle\": %u,\n", stream->target->macs_per_cycle);
	text_put(text, "  \"clock_khz\": %u,\n", stream->target->clock);
	text_put(text, "  \"constant_bytes_per_cycle\": %.4f,\n",
		 (double)target_port_rate(stream->target, 0, false) / TARGET_RATE_ONE);
	text_put(text, "  \"memory_bytes_per_cycle\": %.4f,\n",
		 (double)target_port_rate(stream->target, 1, false) / TARGET_RATE_ONE);
	text_put(text, "  \"predicted_cycles\": %" PRIu64 ",\n", stream->predicted_cycles);
	text_put(text, "  \"mac_utilisation\": %.4f,\n",
		 stream->predicted_cycles ? (double)stream->macs /
		 ((double)stream->predicted_cycles * stream->target->macs_per_cycle) : 0.0);
	text_put(text, "  \"npu_macs\": %" PRIu64 ",\n", stream->macs);
	text_put(text, "  \"dead_channels\": %" PRIu64 ",\n", stream->dead_channels);
	text_put(text, "  \"sram_bytes\": %u,\n", stream->target->sram_bytes);
	text_put(text, "  \"sram_peak_bytes\": %" PRIu64 ",\n", stream->sram_peak_bytes);
	text_put(text, "  \"sram_bound_bytes\": %" PRIu64 ",\n", stream->sram_bound_bytes);
	text_put(text, "  \"arena_bytes\": %" PRIu64 ",\n", stream->scratch_size);
	text_put(text, "  \"spill_bytes\": %" PRIu64 ",\n", stream->spill_bytes);
	text_put(text, "  \"constant_bytes\": %" PRIu64 ",\n", stream->constant_bytes);
	text_put(text, "  \"raw_constant_bytes\": %" PRIu64 ",\n", stream->raw_constant_bytes);
	text_put(text, "  \"weight_bytes\": %" PRIu64 ",\n", stream->weight_bytes);
	text_put(text, "  \"command_bytes\": %" PRIu64 ",\n", commands);
	text_put(text, "  \"preemption_interval\": %" PRIu64 ",\n", stream->preemption_interval);
	text_put(text, "  \"merged_jobs\": %u,\n", graph->merged_jobs);
	text_put(text, "  \"orders\": [");
	for (unsigned int s = 0, jobs = 0; s < stream->segment_count; s++)
		if (stream->segments[s].npu)
			text_put(text, "%s{\"segment\": %u, \"order\": \"%s\", \"tried\": %u}",
				 jobs++ ? ", " : "", s, stream->segments[s].order,
				 stream->segments[s].order_count);
	text_put(text, "],\n");
	text_put(text, "  \"segments\": %u,\n  \"npu_segments\": %u,\n", stream->segment_count, npu);
}

/* What a stream makes of an operator: members of an object. */
static void put_placement(const struct report_operator *operator, struct buffer *text)
{
	const struct stream_place *place = &operator->place;

	text_put(text, "\"place\": \"%s\", \"reason\": ", report_place_name(place->place));
	text_put_json(text, place->reason);
	text_put(text, ", \"step\": \"%s\", \"step_reason\": ", report_step_name(place));
	text_put_json(text, report_step_reason(place));
	text_put(text, ", \"predicted_cycles\": %" PRIu64 ", \"memory_read_bytes\": %" PRIu64
		 ", \"memory_write_bytes\": %" PRIu64, place->predicted_cycles,
		 operator->bytes[KESTREL_UNIT_DMA_IN], operator->bytes[KESTREL_UNIT_DMA_OUT]);
}

/* What each stream of a graph needs, and makes of each operator. */
static void put_streams(const struct report *report, struct buffer *text)
{
	text_put(text, "  \"streams\": [");
	for (unsigned int s = 0; s < report->stream_count; s++) {
		const struct stream *stream = &report->stream[s];

		text_put(text, "%s\n    {\"target\": \"%s\", \"predicted_cycles\": %" PRIu64
			 ", \"npu_macs\": %" PRIu64 ", \"sram_peak_bytes\": %" PRIu64
			 ", \"spill_bytes\": %" PRIu64 ", \"constant_bytes\": %" PRIu64
			 ",\n     \"operators\": [",
			 s ? "," : "", stream->target->name, stream->predicted_cycles,
			 stream->macs, stream->sram_peak_bytes, stream->spill_bytes,
			 stream->constant_bytes);
		for (unsigned int o = 0; o < report->graph->operator_count; o++) {
			text_put(text, "%s\n      {\"index\": %u, ", o ? "," : "",
				 report->graph->operators[o].source);
			put_placement(report_operator(report, s, o), text);
			buffer_byte(text, '}');
		}
		text_put(text, "]}");
	}
	text_put(text, "\n  ],\n");
}

static void put_operator(const struct report *report, unsigned int o, struct buffer *text)
{
	const struct ir_operator *op = &report->graph->operators[o];
	const struct report_operator *operator = report_operator(report, 0, o);

	text_put(text, "    {\"index\": %u, \"type\": ", op->source);
	text_put_json(text, op->type_name);
	text_put(text, ", \"output\": ");
	text_put_json(text, op->output_count ? report->graph->tensors[op->outputs[0]].name : "");
	text_put(text, ", \"macs\": %" PRIu64 ", ", operator->macs);
	put_placement(operator, text);
	buffer_byte(text, '}');
}

/* Arrays instead of objects: there can be many thousand. */
static void put_job(const struct report *report, unsigned int s, struct buffer *text)
{
	const struct stream_segment *segment = &report->stream->segments[s];

	text_put(text, "{\"segment\": %u, \"cycles\": %" PRIu64 ",\n", s, segment->predicted_cycles);
	text_put(text, "     \"command_fields\": "
		 "[\"unit\", \"operator\", \"start\", \"finish\", \"bytes\"],\n     \"commands\": [");
	for (unsigned int i = 0; i < segment->event_count; i++) {
		const struct stream_event *event = &segment->events[i];

		text_put(text, "%s[%u,%u,%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", i ? "," : "",
			 event->unit, event->operator_index, event->start, event->finish,
			 event->bytes);
	}
	text_put(text, "],\n     \"sram_fields\": [\"address\", \"bytes\", \"start\", \"finish\", "
		 "\"content\", \"name\"],\n     \"sram\": [");
	for (unsigned int i = 0; i < segment->room_count; i++) {
		const struct stream_room *room = &segment->rooms[i];

		text_put(text, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",\"%s\",",
			 i ? ",\n      " : "", room->address, room->bytes, room->start,
			 room->finish, room->content);
		text_put_json(text, room->name ? room->name : "");
		buffer_byte(text, ']');
	}
	text_put(text, "]}");
}

static void put_jobs(const struct report *report, struct buffer *text)
{
	bool first = true;

	text_put(text, "  \"jobs\": [");
	for (unsigned int s = 0; report->stream && s < report->stream->segment_count; s++) {
		if (!report->stream->segments[s].npu)
			continue;
		text_put(text, first ? "\n    " : ",\n    ");
		put_job(report, s, text);
		first = false;
	}
	text_put(text, "\n  ],\n");
}

int report_json(const struct report *report, struct buffer *text)
{
	const struct ir_graph *graph = report->graph;
	unsigned int counts[KESTREL_GRAPH_PLACE_REMOVED + 1] = { 0 };
	uint64_t macs = 0;

	text_put(text, "{\n  \"model\": ");
	text_put_json(text, report->source->name);
	text_put(text, ",\n  \"numerics\": \"%s\",\n  \"graph_bytes\": %zu,\n", graph->numerics,
		 report->graph_bytes);
	if (report->stream)
		put_stream(report->graph, report->stream, text);
	put_streams(report, text);
	text_put(text, "  \"operators\": [\n");
	for (unsigned int o = 0; o < graph->operator_count; o++) {
		counts[report_operator(report, 0, o)->place.place]++;
		macs += report_operator(report, 0, o)->macs;
		put_operator(report, o, text);
		text_put(text, "%s\n", o + 1 < graph->operator_count ? "," : "");
	}
	text_put(text, "  ],\n");
	put_jobs(report, text);
	text_put(text, "  \"macs\": %" PRIu64 ",\n  \"ops_total\": %u,\n", macs,
		 graph->operator_count);
	text_put(text, "  \"ops_npu\": %u,\n  \"ops_cpu\": %u,\n  \"ops_removed\": %u\n}\n",
		 counts[KESTREL_GRAPH_PLACE_NPU], counts[KESTREL_GRAPH_PLACE_CPU],
		 counts[KESTREL_GRAPH_PLACE_REMOVED]);
	buffer_byte(text, 0);
	return text->failed ? error_memory(graph->error) : 0;
}
