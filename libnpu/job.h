/* SPDX-License-Identifier: MIT */
/* A job: memory, bindings, and the thread of runs in the background. */
#ifndef NPU_JOB_H
#define NPU_JOB_H

#include <pthread.h>

#include "model.h"

/* What an input or output of the graph is bound to: a buffer, or memory. */
struct binding {
	struct npu_buffer *buffer;
	uint8_t *memory;	/* where the tensor's bytes are, NULL: not bound */
	size_t offset;		/* in the buffer */
};

enum job_state {
	JOB_IDLE = 0,
	JOB_SUBMITTED = 1,
	JOB_DONE = 2,		/* not waited for yet */
};

struct npu_job {
	struct npu_model *model;
	struct message message;
	uint8_t *arena;
	uint8_t *state;
	void *scratch;			/* of each thread, one after the other */
	struct team *team;		/* NULL: one thread */
	uint8_t **addresses;		/* of every tensor, as the processor sees them */
	uint64_t *device_addresses;	/* of tensors with a place on the device */
	struct device_memory memory;	/* those tensors */
	struct device_memory device_scratch;
	struct device_queue queue;
	int has_queue;
	struct binding *inputs;
	struct binding *outputs;
	npu_observe_fn *observe;
	void *observe_opaque;
	struct npu_job_stats stats;

	/* Background runs; the lock protects what follows. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	int has_thread;
	int stop;
	enum job_state job_state;
	int result;
	int wait_fd;
	int event_fd;			/* -1 before the first submit */
};

/* run.c: one run, with everything bound. */
int job_execute(struct npu_job *job);

#endif
