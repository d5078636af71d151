/* SPDX-License-Identifier: MIT */
/* The whole way from a model, or an operator graph, to a graph file. */
#ifndef COMPILER_COMPILE_H
#define COMPILER_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "error.h"
#include "progress.h"

/* Configurations in one graph. */
#define COMPILE_TARGETS 16

struct compile_request {
	/* Bytes of a .tflite or .onnx file, or of a validated graph file. */
	const void *data;
	size_t bytes;
	bool is_graph;
	/* File name of the model without directory; NULL when unknown. */
	const char *name;
	/*
	 * As --target (one or more, with commas between), --set and --numerics of npuc;
	 * NULL: their defaults.
	 */
	const char *target;
	const char *settings;
	const char *numerics;
	/*
	 * Not 0: any way of computing the operators that this number stands for, however
	 * slow, and not the fastest that is found; to test them all.
	 */
	uint64_t search_seed;
	/* The operator graph alone. */
	bool no_stream;
	/* Without the constants that no stream leaves to the processor. */
	bool npu_only;
	/* Make `report`, `report_text`, `report_html`. */
	bool wants_report, wants_text, wants_html;
	/* The operator to make `explanation` of, as report_explain() takes it, or NULL. */
	const char *explain;
	/* Called now and then; NULL: nobody asks. */
	progress_fn *progress;
	void *opaque;
};

/* Figures of the first stream, as in the report. */
struct compile_summary {
	uint64_t predicted_cycles, sram_peak_bytes, spill_bytes, constant_bytes, npu_macs;
	uint32_t macs_per_cycle, clock_khz;
};

struct compile_result {
	struct buffer graph;
	/* Texts ended by a zero byte; those not asked for are empty. */
	struct buffer report, report_text, report_html, explanation;
	struct compile_summary summary;
};

/*
 * Returns 0 and fills `result`, to be released with compile_release(), or a
 * negative errno with a message; `result` is then empty.
 */
int compile(const struct compile_request *request, struct compile_result *result,
	    struct error *error);

void compile_release(struct compile_result *result);

#endif
