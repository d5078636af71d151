// SPDX-License-Identifier: MIT
/* Queues, jobs and how they end. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

/* Rings and save areas in address space 0, by queue. */
#define RING_ADDRESS(index) (UINT64_C(0x01000000) + (uint64_t)(index) * 0x10000)
#define SAVE_ADDRESS(index) (UINT64_C(0x100000000) + (uint64_t)(index) * 0x4000000)

/* Status of a result that is not one yet. */
#define NOT_ENDED UINT32_MAX

/* Timer beats of a firmware that waits for nothing that we know of, at most. */
#define SLEEP_CYCLES UINT64_C(200000000000)

_Static_assert(KESTREL_SIMULATOR_BASES == KESTREL_FW_BASES_MAX, "bases of a job");
_Static_assert(KESTREL_FW_RING_BYTES(HOST_RING_ENTRIES) <= 0x10000, "rings do not overlap");

static struct kestrel_simulator_result *result_find(struct kestrel_simulator_queue *queue,
						    uint64_t sequence_number)
{
	uint32_t i;

	for (i = 0; i < queue->results; i++)
		if (queue->result[i].sequence_number == sequence_number)
			return &queue->result[i];
	return NULL;
}

static int result_room(struct kestrel_simulator_queue *queue)
{
	uint32_t room = queue->result_room ? queue->result_room * 2 : HOST_RING_ENTRIES;
	struct kestrel_simulator_result *grown;

	if (queue->results < queue->result_room)
		return 0;
	grown = realloc(queue->result, room * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	queue->result = grown;
	queue->result_room = room;
	return 0;
}

static uint32_t status_of_event(uint32_t type)
{
	switch (type) {
	case KESTREL_FW_EVENT_JOB_DONE:
		return KESTREL_SIMULATOR_JOB_DONE;
	case KESTREL_FW_EVENT_JOB_FAULT:
		return KESTREL_SIMULATOR_JOB_FAULT;
	case KESTREL_FW_EVENT_JOB_TIMEOUT:
	case KESTREL_FW_EVENT_JOB_PREEMPT_TIMEOUT:
		return KESTREL_SIMULATOR_JOB_TIMEOUT;
	case KESTREL_FW_EVENT_JOB_REJECTED:
		return KESTREL_SIMULATOR_JOB_REJECTED;
	default:
		return KESTREL_SIMULATOR_JOB_CANCELLED;
	}
}

/* A queue that failed takes nothing more: what was submitted behind is over. */
static void queue_stop(struct kestrel_simulator_queue *queue)
{
	uint32_t i;

	queue->stopped = true;
	for (i = 0; i < queue->results; i++)
		if (queue->result[i].status == NOT_ENDED)
			queue->result[i].status = KESTREL_SIMULATOR_JOB_CANCELLED;
}

static int event_take(struct kestrel_simulator *simulator, const struct kestrel_fw_event *event)
{
	struct kestrel_simulator_queue *queue;
	struct kestrel_simulator_result *result;

	if (event->queue >= KESTREL_FW_QUEUES_MAX || !simulator->queue[event->queue])
		return host_fail(simulator, -EIO, "the firmware named queue %u in an event",
				 event->queue);
	queue = simulator->queue[event->queue];
	result = result_find(queue, event->seqno);
	if (!result && event->type != KESTREL_FW_EVENT_QUEUE_BROKEN)
		return host_fail(simulator, -EIO, "the firmware ended job %" PRIu64
				 " of queue %u, which does not wait", (uint64_t)event->seqno,
				 event->queue);
	if (result) {
		result->status = status_of_event(event->type);
		result->fault_code = event->fault_code;
		result->fault_unit = event->fault_unit;
		result->fault_offset = event->fault_offset;
		result->fault_detail = event->fault_detail;
		result->fault_address = event->fault_address;
		result->cycles = event->active_cycles;
	}
	if (event->type != KESTREL_FW_EVENT_JOB_DONE)
		queue_stop(queue);
	return 0;
}

int host_events_take(struct kestrel_simulator *simulator)
{
	struct kestrel_fw_control *control = simulator->control;
	uint32_t written = control->firmware.event_write_index;
	int error = 0;

	if (written - simulator->event_read_index > HOST_EVENT_ENTRIES)
		return host_fail(simulator, -EIO, "the firmware wrote event index %u after %u",
				 written, simulator->event_read_index);
	while (simulator->event_read_index != written && !error) {
		error = event_take(simulator, &simulator->event[simulator->event_read_index %
								HOST_EVENT_ENTRIES]);
		simulator->event_read_index++;
		control->host.event_read_index = simulator->event_read_index;
	}
	return error;
}

/* Memory of the queue in address space 0. */
static int queue_share(struct kestrel_simulator_queue *queue)
{
	struct kestrel_simulator *simulator = queue->simulator;
	void *save;
	int error;

	error = host_firmware_share(simulator, RING_ADDRESS(queue->index),
				    KESTREL_FW_RING_BYTES(HOST_RING_ENTRIES),
				    (void **)&queue->ring, &queue->ring_physical);
	if (error)
		return error;
	queue->save_bytes = simulator->configuration.sram_bytes;
	error = host_firmware_share(simulator, SAVE_ADDRESS(queue->index), queue->save_bytes, &save,
				    &queue->save_physical);
	if (error)
		host_firmware_unshare(simulator, RING_ADDRESS(queue->index),
				      KESTREL_FW_RING_BYTES(HOST_RING_ENTRIES),
				      queue->ring_physical);
	return error;
}

static void queue_unshare(struct kestrel_simulator_queue *queue)
{
	struct kestrel_simulator *simulator = queue->simulator;

	host_firmware_unshare(simulator, SAVE_ADDRESS(queue->index), queue->save_bytes,
			      queue->save_physical);
	host_firmware_unshare(simulator, RING_ADDRESS(queue->index),
			      KESTREL_FW_RING_BYTES(HOST_RING_ENTRIES), queue->ring_physical);
}

static int queue_request_create(struct kestrel_simulator_queue *queue, uint32_t priority,
				uint64_t job_timeout_cycles)
{
	struct kestrel_fw_request request = {
		.type = KESTREL_FW_REQUEST_CREATE_QUEUE,
		.queue = queue->index,
		.create = {
			.ring_address = RING_ADDRESS(queue->index),
			.ring_entries = HOST_RING_ENTRIES,
			.asid = queue->space->asid,
			.priority = priority,
			.job_timeout_cycles = job_timeout_cycles,
			.save_address = SAVE_ADDRESS(queue->index),
			.save_size = queue->save_bytes,
		},
	};

	return host_firmware_request(queue->simulator, &request);
}

int host_queue_create(struct kestrel_simulator_space *space, uint32_t priority,
		      uint64_t job_timeout_cycles, struct kestrel_simulator_queue **queue)
{
	struct kestrel_simulator *simulator = space->simulator;
	struct kestrel_simulator_queue *created;
	uint32_t limit = simulator->control->firmware.queues_max;
	uint32_t index;
	int error;

	*queue = NULL;
	if (priority >= KESTREL_FW_PRIORITY_COUNT)
		return host_fail(simulator, -EINVAL, "queue priority %u", priority);
	if (limit > KESTREL_FW_QUEUES_MAX)
		limit = KESTREL_FW_QUEUES_MAX;
	for (index = 0; index < limit && simulator->queue[index]; index++)
		;
	if (index == limit)
		return host_fail(simulator, -ENOSPC, "all %u queues are in use", limit);
	created = calloc(1, sizeof(*created));
	if (!created)
		return host_fail(simulator, -ENOMEM, "no memory for a queue");
	created->simulator = simulator;
	created->space = space;
	created->index = index;
	error = queue_share(created);
	if (error) {
		free(created);
		return error;
	}
	error = queue_request_create(created, priority, job_timeout_cycles);
	if (error) {
		queue_unshare(created);
		free(created);
		return error;
	}
	created->next = simulator->queues;
	simulator->queues = created;
	simulator->queue[index] = created;
	space->queues++;
	*queue = created;
	return 0;
}

void host_queue_free(struct kestrel_simulator_queue *queue)
{
	struct kestrel_simulator *simulator = queue->simulator;
	struct kestrel_simulator_queue **link;

	for (link = &simulator->queues; *link != queue; link = &(*link)->next)
		;
	*link = queue->next;
	simulator->queue[queue->index] = NULL;
	queue->space->queues--;
	free(queue->result);
	free(queue);
}

int host_queue_destroy(struct kestrel_simulator_queue *queue)
{
	struct kestrel_fw_request request = {
		.type = KESTREL_FW_REQUEST_DESTROY_QUEUE,
		.queue = queue->index,
	};
	int error;

	error = host_firmware_request(queue->simulator, &request);
	if (error)
		return error;
	queue_unshare(queue);
	host_queue_free(queue);
	return 0;
}

int host_submit(struct kestrel_simulator_queue *queue, const struct kestrel_simulator_job *job,
		uint64_t *sequence_number)
{
	struct kestrel_simulator *simulator = queue->simulator;
	struct kestrel_simulator_result *result;
	struct kestrel_fw_job *entry;
	uint32_t i;

	if (job->base_count > KESTREL_SIMULATOR_BASES)
		return host_fail(simulator, -EINVAL, "job: %u bases", job->base_count);
	if (queue->stopped)
		return host_fail(simulator, -EIO, "an earlier job has stopped the queue");
	if (queue->write_index - queue->ring->read_index >= HOST_RING_ENTRIES)
		return host_fail(simulator, -EAGAIN, "the ring of %u jobs is full",
				 HOST_RING_ENTRIES);
	if (result_room(queue))
		return host_fail(simulator, -ENOMEM, "no memory for a job's result");

	entry = (struct kestrel_fw_job *)(queue->ring + 1) + queue->write_index % HOST_RING_ENTRIES;
	memset(entry, 0, sizeof(*entry));
	entry->seqno = ++queue->submitted;
	entry->command_address = job->command_address;
	entry->command_size = job->command_size;
	entry->base_count = job->base_count;
	for (i = 0; i < job->base_count; i++) {
		entry->base[i].address = job->base[i].address;
		entry->base[i].size = job->base[i].size;
	}
	result = &queue->result[queue->results++];
	memset(result, 0, sizeof(*result));
	result->sequence_number = queue->submitted;
	result->user_tag = job->user_tag;
	result->status = NOT_ENDED;
	*sequence_number = queue->submitted;

	queue->ring->write_index = ++queue->write_index;
	host_register_write(simulator, KESTREL_REG_DOORBELL, queue->index);
	return 0;
}

int host_wait(struct kestrel_simulator_queue *queue, uint64_t sequence_number,
	      uint64_t max_cycles, struct kestrel_simulator_result *result)
{
	struct kestrel_simulator *simulator = queue->simulator;
	struct kestrel_simulator_result *found = result_find(queue, sequence_number);
	uint64_t cycles = 0;

	if (!found)
		return host_fail(simulator, -EINVAL,
				 "job %" PRIu64 " was not submitted or was waited for",
				 sequence_number);
	while (found->status == NOT_ENDED) {
		uint64_t left = max_cycles ? max_cycles - cycles : UINT64_MAX;
		int64_t passed;

		if (!left)
			return host_fail(simulator, -ETIME, "job %" PRIu64 " still runs after %"
					 PRIu64 " cycles", sequence_number, max_cycles);
		passed = host_firmware_run(simulator, left);
		if (passed < 0)
			return (int)passed;
		cycles += (uint64_t)passed;
		if (max_cycles && cycles > max_cycles)
			cycles = max_cycles;
		if (found->status == NOT_ENDED && (!passed || cycles > SLEEP_CYCLES))
			return host_fail(simulator, -EIO,
					 "the firmware sleeps though job %" PRIu64 " has not ended",
					 sequence_number);
	}
	*result = *found;
	*found = queue->result[--queue->results];
	return 0;
}
