/* SPDX-License-Identifier: MIT */
/*
 * Operators that the NPU computes as several others. The graph that is lowered has
 * those in their place; the portable graph keeps what the model has.
 */
#ifndef COMPILER_EXPAND_H
#define COMPILER_EXPAND_H

#include "ir.h"

/*
 * Makes `expanded` a copy of the graph with such operators expanded, in its arena;
 * tensors of the graph keep their numbers. origin[o] is the graph's operator that
 * operator o of `expanded` stands for: parts of one are neighbours. Returns 0 or
 * -ENOMEM with a message.
 */
int expand_graph(const struct ir_graph *graph, struct ir_graph *expanded,
		 unsigned int **origin);

#endif
