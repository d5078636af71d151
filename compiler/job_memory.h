/* SPDX-License-Identifier: MIT */
/* The memory of a job: feature maps that go between jobs, the processor and the user. */
#ifndef COMPILER_JOB_MEMORY_H
#define COMPILER_JOB_MEMORY_H

#include "ir.h"
#include "stream.h"

/*
 * Tells a stream's segments, as they are cut, where the tensors will lie: those that an
 * NPU segment shares with others or the user, in the order of the graph file. `expanded`
 * has the segments' operators, `graph` those of the file; tensors have the same indices.
 * Returns 0 or -ENOMEM.
 */
int job_memory_place(const struct ir_graph *graph, const struct ir_graph *expanded,
		     struct stream *stream);

/* What a tensor takes there. */
uint64_t job_memory_room(const struct ir_tensor *tensor);

#endif
