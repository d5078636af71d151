/* SPDX-License-Identifier: MIT */
/* How far a compilation is, for people who wait for it. */
#ifndef COMPILER_PROGRESS_H
#define COMPILER_PROGRESS_H

#include <stdint.h>

struct progress {
	/* The configuration compiled for, which of how many it is, from 1. */
	const char *target;
	unsigned int target_number, target_count;
	/* 1; one more each time that what runs where had to be chosen anew. */
	unsigned int attempt;
	/* What is searched: `operator_count` of `operators_total` from `first_operator` on. */
	unsigned int first_operator, operator_count, operators_total;
	/* Ways of computing them that were tried, cycles of the best; 0: none works yet. */
	unsigned int ways;
	uint64_t cycles;
};

/* From the thread that compiles, whenever something above is about to change. */
typedef void progress_fn(void *opaque, const struct progress *progress);

#endif
