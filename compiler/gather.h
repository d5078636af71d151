/* SPDX-License-Identifier: MIT */
/*
 * Operators of the processor out of the way of the NPU's: an order in which the NPU
 * works in as few jobs as the graph allows.
 */
#ifndef COMPILER_GATHER_H
#define COMPILER_GATHER_H

#include "ir.h"

/*
 * Puts a graph's operators into such an order, where that makes jobs fewer;
 * `graph->merged_jobs` becomes by how many. `is_npu` tells of each operator where it
 * goes. Whatever depends on another one comes behind it, and what reads or writes a
 * state keeps its order. Returns 0 or -ENOMEM with a message.
 */
int gather_jobs(struct ir_graph *graph, const bool *is_npu);

#endif
