/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * The compiler as a library.
 *
 * libkestrel-compiler.so exports one symbol, kestrel_compiler_functions(),
 * which returns a table of functions. libnpu opens the library at run time
 * when it is handed a model file, or a graph without a stream that fits the
 * device; it needs nothing of the compiler at link time.
 *
 * Every function is thread-safe: nothing is shared between two calls, and
 * the library has no state of its own.
 */
#ifndef KESTREL_COMPILER_H
#define KESTREL_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Name to give to dlopen() and the symbol to look up. */
#define KESTREL_COMPILER_LIBRARY "libkestrel-compiler.so"
#define KESTREL_COMPILER_SYMBOL "kestrel_compiler_functions"

/*
 * Changes when a member changes its meaning. Within a version the table and the
 * options may grow at their ends, which their `size` tells: the library takes
 * options that are shorter than its own (what is missing is 0), and longer ones
 * whose tail is 0 (-EINVAL otherwise). The result never grows.
 */
#define KESTREL_COMPILER_VERSION 1

/* What to compile for. Zero-initialise, set `size`, then the members wanted. */
struct kestrel_compiler_options {
	/* sizeof(struct kestrel_compiler_options) as the caller knows it. */
	uint32_t size;
	/* KESTREL_COMPILER_* flags below; others give -EINVAL. */
	uint32_t flags;
	/*
	 * Configuration, "kestrel-64" to "kestrel-2048", or several with commas
	 * between, for a stream each; NULL: "kestrel-256".
	 */
	const char *target;
	/* "key=value,...", as --set of npuc takes it ("sram=65536"); NULL: none. */
	const char *settings;
	/*
	 * Numerics profile: "tflite-ref", "tflite", "tflm" or "onnx"; NULL: the
	 * default of the model's format. Must be NULL for compile_graph, whose
	 * graph already carries the rounding of each operator.
	 */
	const char *numerics;
	/*
	 * 0: the fastest commands that the search finds. Another number: some way of
	 * computing the operators, the same for the same number, however slow; for tests
	 * that all of them give the same bytes.
	 */
	uint32_t search_seed;
	/* Must be 0. */
	uint32_t reserved;
};

/* Write the portable operator graph alone, without any command stream. */
#define KESTREL_COMPILER_NO_STREAM (1u << 0)
/* Nobody reads the report: `report` of the result is NULL. */
#define KESTREL_COMPILER_NO_REPORT (1u << 1)

/* What came out. Everything belongs to the caller until result_free(). */
struct kestrel_compiler_result {
	/* A graph file as uapi/kestrel/graph.h describes it, 64-byte aligned. */
	void *graph;
	size_t graph_bytes;
	/* The report of npuc --report: JSON text, zero-terminated; NULL with NO_REPORT. */
	char *report;
};

/*
 * Both compile functions return 0 and fill `result`, or return a negative
 * errno, leave `result` zeroed and write a message that names what is wrong
 * and where (operator, tensor) to `error`, cut to `error_bytes` and always
 * zero-terminated when `error_bytes` is not 0.
 *
 *   -EINVAL      the file is damaged, or an option makes no sense
 *   -ENOTSUP     an operator has neither an NPU nor a CPU form, or the format
 *                is unknown
 *   -ENOMEM      out of memory
 */
struct kestrel_compiler_functions {
	/* sizeof(struct kestrel_compiler_functions) as the library knows it. */
	uint32_t size;
	/* KESTREL_COMPILER_VERSION of the library. */
	uint32_t version;

	/* Compile the bytes of a .tflite or .onnx file, read during the call only. */
	int (*compile_model)(const void *model, size_t model_bytes,
			     const struct kestrel_compiler_options *options,
			     struct kestrel_compiler_result *result,
			     char *error, size_t error_bytes);

	/*
	 * Compile the operator graph of a graph file again, for another
	 * configuration. `graph` is 64-byte aligned and the caller has validated
	 * the whole file (libnpu is its one reader); the compiler trusts offsets
	 * and counts in it. Read during the call only.
	 */
	int (*compile_graph)(const void *graph, size_t graph_bytes,
			     const struct kestrel_compiler_options *options,
			     struct kestrel_compiler_result *result,
			     char *error, size_t error_bytes);

	/* Release what a compile function returned; a zeroed result is fine. */
	void (*result_free)(struct kestrel_compiler_result *result);
};

/* The table; never NULL, valid while the library is loaded. */
const struct kestrel_compiler_functions *kestrel_compiler_functions(void);

#ifdef __cplusplus
}
#endif

#endif /* KESTREL_COMPILER_H */
