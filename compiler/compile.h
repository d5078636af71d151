/* SPDX-License-Identifier: MIT */
/* The whole way from a model, or an operator graph, to a graph file. */
#ifndef COMPILER_COMPILE_H
#define COMPILER_COMPILE_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"
#include "error.h"

struct compile_request {
	/* Bytes of a .tflite or .onnx file, or of a validated graph file. */
	const void *data;
	size_t bytes;
	bool is_graph;
	/* File name of the model without directory; NULL when unknown. */
	const char *name;
	/* As --target, --set and --numerics of npuc; NULL: their defaults. */
	const char *target;
	const char *settings;
	const char *numerics;
	/* The operator graph alone. */
	bool no_stream;
};

struct compile_result {
	struct buffer graph;
	/* JSON text, ended by a zero byte. */
	struct buffer report;
};

/*
 * Returns 0 and fills `result`, to be released with compile_release(), or a
 * negative errno with a message; `result` is then empty.
 */
int compile(const struct compile_request *request, struct compile_result *result,
	    struct error *error);

void compile_release(struct compile_result *result);

#endif
