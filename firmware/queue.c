// SPDX-License-Identifier: MIT
#include <stddef.h>

#include "host.h"
#include "queue.h"
#include "registers.h"
#include "ring.h"

static struct queue queues[KESTREL_FW_QUEUES_MAX];

struct queue *queue_get(uint32_t index)
{
	return &queues[index];
}

int queue_create(uint32_t index, const struct kestrel_fw_create_queue *create, uint32_t *field)
{
	struct queue *queue = &queues[index];
	bool can_preempt = peripheral_read(KESTREL_MCU_FEATURES) & KESTREL_FEATURE_PREEMPTION;

	if (ring_create_check(create, peripheral_read(KESTREL_MCU_ASID_COUNT),
			      peripheral_read(KESTREL_MCU_SRAM_BYTES), field))
		return 1;
	queue->status = KESTREL_FW_QUEUE_ACTIVE;
	queue->ring = host_address(create->ring_address);
	queue->entries = create->ring_entries;
	queue->asid = create->asid;
	queue->time_slice_cycles = create->time_slice_cycles ? create->time_slice_cycles :
				   KESTREL_FW_TIME_SLICE_DEFAULT_CYCLES;
	queue->job_timeout_cycles = create->job_timeout_cycles ? create->job_timeout_cycles :
				    KESTREL_FW_JOB_TIMEOUT_DEFAULT_CYCLES;
	queue->save_address = create->save_address;
	queue->preemptible = create->save_size && can_preempt;
	queue->preempted = false;
	queue->read_index = 0;
	queue->preemptions = 0;
	queue->completed_seqno = 0;
	queue->total_cycles = 0;
	queue_publish(queue);
	return 0;
}

void queue_destroy(uint32_t index)
{
	struct queue *queue = &queues[index];

	queue->status = KESTREL_FW_QUEUE_NONE;
	queue_publish(queue);
}

void queue_publish(const struct queue *queue)
{
	uint32_t ring = queue->ring;

	host_write(ring + offsetof(struct kestrel_fw_ring, read_index), queue->read_index);
	host_write(ring + offsetof(struct kestrel_fw_ring, status), queue->status);
	host_write_pair(ring + offsetof(struct kestrel_fw_ring, completed_seqno),
			queue->completed_seqno);
	host_write_pair(ring + offsetof(struct kestrel_fw_ring, active_cycles),
			queue->total_cycles);
	host_write(ring + offsetof(struct kestrel_fw_ring, preemptions), queue->preemptions);
}

void queue_publish_running(const struct queue *queue, uint64_t cycles)
{
	host_write_pair(queue->ring + offsetof(struct kestrel_fw_ring, running_cycles), cycles);
	host_publish();
	host_write_pair(queue->ring + offsetof(struct kestrel_fw_ring, running_seqno),
			queue->job.seqno);
}

bool queue_has_jobs(const struct queue *queue)
{
	return host_read(queue->ring + offsetof(struct kestrel_fw_ring, write_index)) !=
	       queue->read_index;
}

/* Whatever the host writes there, it only says whose turn comes first. */
bool queue_hurries(const struct queue *queue)
{
	uint32_t hurry = host_read(queue->ring + offsetof(struct kestrel_fw_ring, hurry_seqno));

	return hurry && (int32_t)(hurry - (uint32_t)queue->completed_seqno) > 0;
}

enum queue_fetch queue_fetch(struct queue *queue, uint32_t *error, uint32_t *detail)
{
	uint32_t write_index =
		host_read(queue->ring + offsetof(struct kestrel_fw_ring, write_index));
	uint32_t fill = ring_fill(write_index, queue->read_index);
	struct kestrel_fw_job *job = &queue->job;
	uint32_t entry;

	if (!fill)
		return QUEUE_FETCH_EMPTY;
	if (fill > queue->entries)
		return QUEUE_FETCH_BROKEN;
	host_acquire();

	entry = queue->ring + sizeof(struct kestrel_fw_ring) +
		ring_position(queue->read_index, queue->entries) * sizeof(*job);
	host_copy_in(job, entry, offsetof(struct kestrel_fw_job, base));
	*detail = 0;
	*error = ring_job_check(job, queue->completed_seqno);
	if (!*error) {
		host_copy_in(job->base, entry + offsetof(struct kestrel_fw_job, base),
			     job->base_count * sizeof(job->base[0]));
		*error = ring_job_check_bases(job, detail);
	}

	queue->read_index++;
	/* Until here the host must leave the entry alone. */
	host_publish();
	host_write(queue->ring + offsetof(struct kestrel_fw_ring, read_index),
		   queue->read_index);

	queue->preempted = false;
	queue->job_preemptions = 0;
	queue->job_cycles = 0;
	queue->job_counters = (struct engine_counters){ 0 };
	return *error ? QUEUE_FETCH_REJECTED : QUEUE_FETCH_JOB;
}
