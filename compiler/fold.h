/* SPDX-License-Identifier: MIT */
#ifndef COMPILER_FOLD_H
#define COMPILER_FOLD_H

#include "ir.h"

/*
 * Computes what depends on constants and shapes alone: the arithmetic that exporters do
 * with shapes, weights that are stored in another type or order. The operators are removed,
 * their outputs become constants of at most `budget` bytes together; what would need more
 * stays. The graph's operators must be in order. 0, or -ENOMEM.
 */
int fold_constants(struct ir_graph *graph, uint64_t budget);

#endif
