/* SPDX-License-Identifier: MIT */
/*
 * The queues: the firmware's own copy of all that it was told of them, and the
 * job that each is at. The host's side of a queue is its ring.
 */
#ifndef KESTREL_FIRMWARE_QUEUE_H
#define KESTREL_FIRMWARE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include <kestrel/firmware.h>

#include "engine.h"

struct queue {
	/* enum kestrel_fw_queue_status; NONE: all else is meaningless. */
	uint32_t status;
	/* Address of the ring in the window. */
	uint32_t ring;
	uint32_t entries;
	uint32_t asid;
	uint32_t time_slice_cycles;
	uint64_t job_timeout_cycles;
	uint64_t save_address;
	/* Has a save area, on a device that can preempt. */
	bool preemptible;
	/* job was started, preempted, and waits to go on from context. */
	bool preempted;
	uint32_t read_index;
	uint32_t preemptions;
	uint64_t completed_seqno;
	/* Of all jobs that ended. */
	uint64_t total_cycles;

	/* The job that was taken from the ring last, and how far it is. */
	struct kestrel_fw_job job;
	uint32_t job_preemptions;
	/* Of the time slices that are over. */
	uint64_t job_cycles;
	uint64_t job_start_time;
	struct engine_counters job_counters;
	struct engine_context context;
};

/* index < KESTREL_FW_QUEUES_MAX. */
struct queue *queue_get(uint32_t index);

/*
 * CREATE_QUEUE and DESTROY_QUEUE; the caller has checked that the queue does
 * not exist, or exists and is not on the engine. queue_create() returns 0, or 1
 * with the offset of the wrong field.
 */
int queue_create(uint32_t index, const struct kestrel_fw_create_queue *create, uint32_t *field);
void queue_destroy(uint32_t index);

/* Tells the host: everything that the firmware writes into the ring's header. */
void queue_publish(const struct queue *queue);

/* Tells the host how long its job has been on the engine until now. */
void queue_publish_running(const struct queue *queue, uint64_t cycles);

enum queue_fetch {
	/* Nothing waits. */
	QUEUE_FETCH_EMPTY,
	/* queue->job is a good job. */
	QUEUE_FETCH_JOB,
	/* queue->job has a seqno only; *error and *detail tell what is wrong. */
	QUEUE_FETCH_REJECTED,
	/* The host's index is impossible. */
	QUEUE_FETCH_BROKEN,
};

/* Does the ring hold jobs, as far as the host says? */
bool queue_has_jobs(const struct queue *queue);

/* Are jobs that have not ended needed soon, as far as the host says? */
bool queue_hurries(const struct queue *queue);

/* Takes the next job out of the ring: one copy, then checks on the copy. */
enum queue_fetch queue_fetch(struct queue *queue, uint32_t *error, uint32_t *detail);

#endif
