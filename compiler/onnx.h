/* SPDX-License-Identifier: MIT */
/* Reader of ONNX files: quantised models in the QDQ and QLinear forms. */
#ifndef COMPILER_ONNX_H
#define COMPILER_ONNX_H

#include <stdbool.h>
#include <stddef.h>

struct ir_graph;

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
