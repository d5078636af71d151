/* SPDX-License-Identifier: MIT */
/*
 * Where the tensors of a job live. Pure: a function of the graph and of the
 * stream that was chosen.
 */
#ifndef NPU_PLAN_H
#define NPU_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "graph.h"

#define PLAN_ALIGNMENT 64

enum plan_place {
	PLAN_NONE = 0,		/* inside an NPU job, or a constant: no memory */
	PLAN_ARENA = 1,		/* offset in the arena; shared over time */
	PLAN_STATE = 2,		/* offset in the job's state: one that no NPU job touches */
	PLAN_DEVICE = 3,	/* offset in the memory that NPU jobs share with the processor, states too */
};

struct plan_tensor {
	uint32_t place;			/* enum plan_place */
	size_t offset;			/* bytes, multiple of PLAN_ALIGNMENT */
};

struct plan {
	struct plan_tensor *tensors;	/* one for each of the graph */
	uint8_t *on_cpu;		/* one for each operator: 1 the processor runs it */
	size_t arena_size;
	size_t state_size;
	size_t device_size;
};

/*
 * stream NULL: everything on the processor. -ENOMEM; -EINVAL where a tensor
 * that an NPU segment computes is needed outside of it, but no base holds it.
 */
int plan_create(const struct graph *graph, const struct kestrel_graph_stream *stream,
		struct plan *plan, struct message *message);
void plan_free(struct plan *plan);

#endif
