/* SPDX-License-Identifier: MIT */
/* Reader of TensorFlow Lite files (schema version 3). */
#ifndef COMPILER_TFLITE_H
#define COMPILER_TFLITE_H

#include <stdbool.h>
#include <stddef.h>

struct ir_graph;

/* Whether the bytes have the mark of a TensorFlow Lite file. */
bool tflite_is_model(const void *data, size_t bytes);

/*
 * Reads subgraph 0 into `graph`, whose arena and error the caller has set.
 * Constants point into `data`, which must outlive the graph. Returns 0 or a
 * negative errno with a message that names operator and tensor.
 */
int tflite_read(struct ir_graph *graph, const void *data, size_t bytes);

#endif
