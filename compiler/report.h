/* SPDX-License-Identifier: MIT */
/* What became of a model, for people and for scripts. */
#ifndef COMPILER_REPORT_H
#define COMPILER_REPORT_H

#include "graph_write.h"

/* One operator: where it runs, and what its commands do as predicted. */
struct report_operator {
	struct stream_place place;
	uint64_t macs;
	/* The segment it is in; -1 when it has no place in a stream. */
	int segment;
	/* By unit, with DMA_IN's and DMA_OUT's bytes, and cycles that each is busy with it. */
	unsigned int commands[KESTREL_UNIT_COUNT];
	uint64_t bytes[KESTREL_UNIT_COUNT];
	uint64_t busy[KESTREL_UNIT_COUNT];
	/* Cycles of the job from its first command to the end of its last. */
	uint64_t start, finish;
};

struct report {
	const struct ir_graph *graph;
	const struct graph_source *source;
	/* The streams, the first of which the report tells most of; NULL: compiled without any. */
	const struct stream *stream;
	unsigned int stream_count;
	size_t graph_bytes;
	/*
	 * By stream, or as if there were one where there is none: one for each operator of
	 * the graph, in its arena: report_operators().
	 */
	const struct report_operator *operators;
};

/* Of operator `o` in a stream. */
const struct report_operator *report_operator(const struct report *report, unsigned int stream,
					      unsigned int o);

/* "fastest", "smaller tiles", "spill", "processor" or "" for what is removed. */
const char *report_step_name(const struct stream_place *place);

/* Why not the step before; "". */
const char *report_step_reason(const struct stream_place *place);

/* "npu", "cpu" or "removed". */
const char *report_place_name(enum kestrel_graph_place place);

/* Adds up `operators`, which the texts below are made of. Returns 0 or -ENOMEM. */
int report_operators(struct report *report);

/* JSON, and the same for a terminal. Each ends the text with a zero byte; 0 or -ENOMEM. */
int report_json(const struct report *report, struct buffer *text);
int report_text(const struct report *report, struct buffer *text);

/* One self-contained page around the text of report_json(). */
int report_html(const struct buffer *json, struct error *error, struct buffer *page);

/*
 * Everything about one operator: `which` is its index in the model, the name of an
 * output tensor or, where only one operator has it, its type. -ENOENT with a
 * message when there is no such operator, or several.
 */
int report_explain(const struct report *report, const char *which, struct buffer *text);

#endif
