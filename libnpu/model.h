/* SPDX-License-Identifier: MIT */
/* A loaded graph, the stream chosen for the device, and what all jobs share. */
#ifndef NPU_MODEL_H
#define NPU_MODEL_H

#include <pthread.h>

#include <npu.h>

#include "cpu.h"
#include "device.h"
#include "graph.h"
#include "plan.h"

struct npu_model {
	struct npu_device *device;
	void *data;			/* the graph file, 64-byte aligned */
	size_t size;
	struct graph graph;
	const struct kestrel_graph_stream *stream;	/* NULL: all on the processor */
	struct message reason;		/* why this stream, or none */
	uint8_t *is_portable;		/* by source operator: without a stream the processor runs it */
	struct plan plan;
	struct cpu_program *program;
	struct device_memory stream_memory;	/* commands, then constants; if there is a stream */
	uint64_t commands_first, commands_size;	/* the part of STREAM_COMMANDS that is in it */
	uint64_t constants_first, constants_size;	/* that of STREAM_CONSTANTS */
	uint64_t constants_offset;	/* of the constants in stream_memory */
	pthread_mutex_t run_lock;	/* npu_run(): one after the other */
	struct npu_job *run_job;
};

struct npu_buffer {
	struct npu_device *device;
	struct device_memory memory;	/* without a device: memory that is copied */
	int read_only;
};

/* Fills the public description of tensor `index`. */
void model_tensor(const struct npu_model *model, uint32_t index, struct npu_tensor *tensor);

#endif
