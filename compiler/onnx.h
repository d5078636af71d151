/* SPDX-License-Identifier: MIT */
/* Reader of ONNX files: quantised models in the QDQ and QLinear forms. */
#ifndef COMPILER_ONNX_H
#define COMPILER_ONNX_H

#include <stdbool.h>
#include <stddef.h>

#include "ir.h"

/* Operator sets that are read. */
#define ONNX_OPSET_LEAST 10
#define ONNX_OPSET_MOST 21
/* Kinds of operators that one of ONNX can become. */
#define ONNX_KINDS_MAX 3

/*
 * What an ONNX operator becomes where it works on integers, beside conversions between
 * layouts; of floats it runs on the processor.
 */
struct onnx_form {
	const char *type;
	/* From the first on; IR_UNKNOWN: no more. None: no operator is left of it. */
	enum ir_kind kinds[ONNX_KINDS_MAX];
	/* When which, and under what condition; "" where there is nothing to say. */
	const char *note;
};

/* Form number `index` of those that are known, or false behind the last. */
bool onnx_form(unsigned int index, struct onnx_form *form);

/*
 * Whether the bytes look like an ONNX file: the format has no mark, but every
 * writer begins with the field ir_version, a small number.
 */
bool onnx_is_model(const void *data, size_t bytes);

/*
 * Reads a model into `graph`, whose arena and error the caller has set, with
 * every number made explicit as resolve_graph() leaves it, rounding as profile
 * `onnx`. Returns 0 or a negative errno with a message that names node and
 * tensor. Memory is bounded by the size of the file.
 */
int onnx_read(struct ir_graph *graph, const void *data, size_t bytes);

#endif
