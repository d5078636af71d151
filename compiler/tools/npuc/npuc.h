/* SPDX-License-Identifier: MIT */
/* What the files of npuc share. Each function complains itself and returns an exit status. */
#ifndef NPUC_H
#define NPUC_H

#include <time.h>

#include "compile.h"
#include "tool.h"

enum npuc_exit {
	NPUC_DONE = TOOL_OK,
	NPUC_FAILED = TOOL_FAILED,	/* the model cannot be compiled, or a file fails */
	NPUC_USAGE = TOOL_USAGE,	/* the command line makes no sense */
	NPUC_DIFFERS = 3,		/* --verify found a byte that differs */
};

/*
 * A line on standard error for somebody who waits at a terminal; each replaces the one
 * before. Nothing is written where standard error is no terminal.
 */
struct waiting {
	bool is_terminal, is_shown;
	struct timespec told;
	/* Part of what it is for, in place of the configuration's name; NULL: it is all. */
	const char *what;
};

void waiting_begin(struct waiting *waiting);
/* Tells at once. */
void waiting_tell(struct waiting *waiting, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* For struct compile_request: tells of each search, and some ten times a second how far. */
void waiting_progress(void *waiting, const struct progress *now);
/* Takes the line away; anything else on the terminal comes after this. */
void waiting_end(struct waiting *waiting);

/*
 * Compiles the request's model for every combination of the values in `keys`,
 * "macs=64..2048,sram=131072:393216,bandwidth=1:4" with any of the three keys (the
 * others as the request has them), and prints a table, or JSON. A key without values
 * has those below.
 */
#define SWEEP_MACS "64..2048"
#define SWEEP_SRAM "131072..524288"
#define SWEEP_BANDWIDTH "1..8"
enum npuc_exit sweep(const struct compile_request *request, const char *keys, bool json);

/*
 * Runs a compiled graph with random inputs on the simulated NPU and, operator by
 * operator, on the processor, and compares every byte of the outputs.
 */
enum npuc_exit compare(const void *graph, size_t bytes, const struct compile_request *request);

#endif
