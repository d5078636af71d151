/* SPDX-License-Identifier: MIT */
/* What the files of npuc share. Each function complains itself and returns an exit status. */
#ifndef NPUC_H
#define NPUC_H

#include "compile.h"

enum npuc_exit {
	NPUC_DONE = 0,
	NPUC_FAILED = 1,	/* the model cannot be compiled, or a file fails */
	NPUC_USAGE = 2,		/* the command line makes no sense */
	NPUC_DIFFERS = 3,	/* --verify found a byte that differs */
};

/* Reads a whole file into `contents`. */
enum npuc_exit file_read(const char *path, struct buffer *contents);

/*
 * Writes a file; "-" is standard output. What was half written is removed, where
 * `path` names an ordinary file.
 */
enum npuc_exit file_write(const char *path, const void *data, size_t bytes);

/*
 * The last thing that the program does: `status`, or NPUC_FAILED after a message
 * where that is NPUC_DONE but not all of standard output could be written.
 */
enum npuc_exit output_finish(enum npuc_exit status);

/*
 * Compiles the request's model for every combination of the values in `keys`,
 * "macs=64..2048,sram=131072:393216,bandwidth=1:4" with any of the three keys (the
 * others as the request has them), and prints a table, or JSON.
 */
enum npuc_exit sweep(const struct compile_request *request, const char *keys, bool json);

/*
 * Runs a compiled graph with random inputs on the simulated NPU and, operator by
 * operator, on the processor, and compares every byte of the outputs.
 */
enum npuc_exit compare(const void *graph, size_t bytes, const struct compile_request *request);

#endif
