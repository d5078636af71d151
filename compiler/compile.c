// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "compile.h"
#include "graph_read.h"
#include "graph_write.h"
#include "ir.h"
#include "loadable.h"
#include "lower.h"
#include "onnx.h"
#include "report.h"
#include "resolve.h"
#include "sha256.h"
#include "target.h"
#include "tflite.h"

static int read_source(const struct compile_request *request, struct ir_graph *graph,
		       struct graph_source *source)
{
	int ret;

	if (request->is_graph) {
		if (request->numerics)
			return error_set(graph->error, -EINVAL,
					 "numerics profile \"%s\": a graph already has its rounding",
					 request->numerics);
		return graph_read(graph, request->data, request->bytes, source);
	}
	source->name = request->name ? request->name : "";
	sha256(request->data, request->bytes, source->hash);
	if (onnx_is_model(request->data, request->bytes)) {
		source->format = "onnx";
		if (request->numerics && strcmp(request->numerics, "onnx"))
			return error_set(graph->error, -EINVAL,
					 "numerics profile \"%s\": an ONNX model takes onnx",
					 request->numerics);
		ret = onnx_read(graph, request->data, request->bytes);
	} else if (!tflite_is_model(request->data, request->bytes)) {
		ret = error_set(graph->error, -EINVAL,
				graph_is_file(request->data, request->bytes) ?
				"%zu bytes of a compiled graph, not of a model" :
				"%zu bytes that are neither an ONNX model nor a TensorFlow Lite "
				"model, which has the identifier \"TFL3\" at byte 4",
				request->bytes);
	} else {
		source->format = "tflite";
		ret = tflite_read(graph, request->data, request->bytes);
		if (!ret)
			ret = resolve_graph(graph, request->numerics);
	}
	if (!ret)
		ret = ir_check_operands(graph);
	if (!ret)
		resolve_fold_pad(graph);
	return ret;
}

static int write_reports(const struct compile_request *request, struct report *report,
			 struct compile_result *result)
{
	int ret;

	if (!request->wants_report && !request->wants_text && !request->wants_html &&
	    !request->explain)
		return 0;
	ret = report_operators(report);
	/* The page is made around it. */
	if (!ret && (request->wants_report || request->wants_html))
		ret = report_json(report, &result->report);
	if (!ret && request->wants_text)
		ret = report_text(report, &result->report_text);
	if (!ret && request->wants_html)
		ret = report_html(&result->report, report->graph->error, &result->report_html);
	if (!ret && request->explain)
		ret = report_explain(report, request->explain, &result->explanation);
	return ret;
}

static struct compile_summary summarise(const struct stream *stream)
{
	return (struct compile_summary){
		.predicted_cycles = stream->predicted_cycles,
		.sram_peak_bytes = stream->sram_peak_bytes, .spill_bytes = stream->spill_bytes,
		.constant_bytes = stream->constant_bytes, .npu_macs = stream->macs,
		.macs_per_cycle = stream->target->macs_per_cycle,
		.clock_khz = stream->target->clock,
	};
}

/* Configurations asked for, each once. */
static int targets_read(const struct compile_request *request,
			struct target targets[COMPILE_TARGETS], unsigned int *count,
			struct error *error)
{
	const char *names = request->target;
	char name[64];
	int ret;

	*count = 0;
	if (request->npu_only && request->no_stream)
		return error_set(error, -EINVAL,
				 "a graph for the NPU only and without a stream could not run");
	do {
		size_t bytes = names ? strcspn(names, ",") : 0;

		if (bytes >= sizeof(name))
			return error_set(error, -EINVAL, "target \"%.80s\" is unknown", names);
		if (names)
			memcpy(name, names, bytes);
		name[bytes] = 0;
		if (*count == COMPILE_TARGETS)
			return error_set(error, -EINVAL, "more than %d targets", COMPILE_TARGETS);
		ret = target_set(&targets[*count], names ? name : NULL, request->settings, error);
		if (ret)
			return ret;
		for (unsigned int i = 0; i < *count; i++)
			if (!strcmp(targets[i].name, targets[*count].name))
				return error_set(error, -EINVAL, "target \"%s\" twice", name);
		++*count;
		names = names && names[bytes] ? names + bytes + 1 : NULL;
	} while (names);
	return 0;
}

int compile(const struct compile_request *request, struct compile_result *result,
	    struct error *error)
{
	struct arena arena = { 0 };
	struct ir_graph graph = { .arena = &arena, .error = error };
	struct graph_source source = { 0 };
	struct pool constants = { 0 };
	struct stream streams[COMPILE_TARGETS] = { { 0 } };
	struct report report = {
		.graph = &graph, .source = &source,
		.stream = request->no_stream ? NULL : streams,
	};
	struct target targets[COMPILE_TARGETS];
	unsigned int target_count;
	int ret;

	memset(result, 0, sizeof(*result));
	ret = targets_read(request, targets, &target_count, error);
	if (!ret)
		ret = read_source(request, &graph, &source);
	/* What libnpu refuses is refused before anything builds on it. */
	if (!ret)
		ret = graph_write(&graph, &source, NULL, 0, false, &result->graph);
	if (!ret)
		ret = loadable_check(&result->graph, error);
	if (!ret && !request->no_stream)
		ret = lower_order(&graph);
	graph.search_seed = request->search_seed;
	graph.tell_progress = request->progress;
	graph.progress_opaque = request->opaque;
	for (unsigned int t = 0; !ret && !request->no_stream && t < target_count; t++) {
		graph.progress = (struct progress){
			.target = targets[t].name, .target_number = t + 1,
			.target_count = target_count,
		};
		ret = lower_graph(&graph, &targets[t], &constants, &streams[t]);
		report.stream_count = t + 1;
	}
	if (!ret && !request->no_stream)
		result->summary = summarise(streams);
	if (!ret && !request->no_stream) {
		buffer_release(&result->graph);
		ret = graph_write(&graph, &source, streams, report.stream_count,
				  request->npu_only, &result->graph);
	}
	report.graph_bytes = result->graph.bytes;
	if (!ret)
		ret = write_reports(request, &report, result);
	for (unsigned int t = 0; t < COMPILE_TARGETS; t++)
		stream_release(&streams[t]);
	pool_release(&constants);
	arena_release(&arena);
	if (ret)
		compile_release(result);
	return ret;
}

void compile_release(struct compile_result *result)
{
	buffer_release(&result->graph);
	buffer_release(&result->report);
	buffer_release(&result->report_text);
	buffer_release(&result->report_html);
	buffer_release(&result->explanation);
}
