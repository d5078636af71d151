/* SPDX-License-Identifier: MIT */
/* The compiler library, loaded when it is needed: uapi/kestrel/compiler.h. */
#ifndef NPU_COMPILE_H
#define NPU_COMPILE_H

#include <stddef.h>
#include <stdint.h>

#include "message.h"

/*
 * Compiles a .tflite model (compile_model) or, where `data` is a graph that
 * was validated, its operator graph for another configuration. target and
 * settings as of npuc, or NULL; flags of kestrel_compiler_options. The result
 * is malloc()ed, 64-byte aligned, and the caller's. -ENOENT: no compiler here.
 */
int compile_model(const void *data, size_t size, const char *target, const char *settings,
		  uint32_t flags, void **graph, size_t *graph_size, struct message *message);
int compile_graph(const void *data, size_t size, const char *target, const char *settings,
		  uint32_t flags, void **graph, size_t *graph_size, struct message *message);

#endif
