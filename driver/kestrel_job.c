// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

#include <linux/slab.h>

#include <drm/drm_drv.h>

#include "kestrel_compat.h"
#include "kestrel_device.h"
#include "kestrel_fence.h"
#include "kestrel_job.h"
#include "kestrel_queue.h"
#include "kestrel_trace.h"

/**
 * kestrel_job_create - make a job that is not yet submitted
 * @queue: queue
 * @owner: who submits it, for tracing
 * @client_id: DRM client, for tracing
 *
 * Return: the job or an ERR_PTR().
 */
struct kestrel_job *kestrel_job_create(struct kestrel_queue *queue, void *owner, u64 client_id)
{
	struct kestrel_job *job = kzalloc(sizeof(*job), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!job)
		return ERR_PTR(-ENOMEM);

	kref_get(&queue->refcount);
	job->queue = queue;
	INIT_LIST_HEAD(&job->link);

	job->fence = kestrel_fence_alloc();
	if (!job->fence) {
		kestrel_job_discard(job);
		return ERR_PTR(-ENOMEM);
	}

	ret = kestrel_compat_sched_job_init(&job->base, &queue->entity, owner, client_id);
	if (ret) {
		kestrel_job_discard(job);
		return ERR_PTR(ret);
	}

	job->initialised = true;
	return job;
}

/**
 * kestrel_job_publish - give a job its place in the queue and a live fence
 * @job: job
 * @seqno: sequence number
 *
 * The caller holds &kestrel_queue.submit_lock, and submits the job or discards
 * it before it lets go.
 */
void kestrel_job_publish(struct kestrel_job *job, u64 seqno)
{
	lockdep_assert_held(&job->queue->submit_lock);

	job->seqno = seqno;
	job->command.seqno = seqno;
	kestrel_fence_init(job->fence, job->queue, seqno);
}

/**
 * kestrel_job_discard - free a job
 * @job: job that the DRM scheduler does not have, or not any more
 */
void kestrel_job_discard(struct kestrel_job *job)
{
	struct dma_fence *fence = job->fence;

	if (job->initialised)
		drm_sched_job_cleanup(&job->base);
	if (job->powered)
		kestrel_power_put(job->queue->kdev);
	kestrel_queue_put(job->queue);

	/* The fence's module reference is the last thing to go. */
	if (!job->seqno) {
		kestrel_fence_discard(fence);
		fence = NULL;
	}
	kfree(job);
	dma_fence_put(fence);
}

/**
 * kestrel_job_finish - note the end of a job and signal its fence
 * @job: submitted job, in no list any more
 * @event: what the firmware said; NULL when it did not end the job
 * @error: 0, or the error of its fence
 *
 * The caller holds &kestrel_queue.lock, which keeps the fences of a queue in
 * order.
 */
void kestrel_job_finish(struct kestrel_job *job, const struct kestrel_fw_event *event, int error)
{
	struct kestrel_queue *queue = job->queue;

	lockdep_assert_held(&queue->lock);

	trace_kestrel_job_end(job, event, error);
	queue->completed = job->seqno;
	queue->pending--;
	kestrel_fence_signal(job->fence, error);
	wake_up_all(&queue->room);
}

static bool kestrel_job_start(struct kestrel_job *job)
{
	struct kestrel_queue *queue = job->queue;
	struct kestrel_fw_ring *ring = queue->ring.cpu;
	struct kestrel_fw_job *entries = (struct kestrel_fw_job *)(ring + 1);

	lockdep_assert_held(&queue->lock);

	if (queue->status != DRM_KESTREL_QUEUE_OK) {
		kestrel_job_finish(job, NULL, queue->error);
		return false;
	}

	/* The scheduler's credits keep the ring from overflowing. */
	entries[queue->write_index % queue->create.ring_entries] = job->command;
	queue->write_index++;
	list_add_tail(&job->link, &queue->running);
	kestrel_reset_job_started(queue->kdev);
	trace_kestrel_job_start(job);

	/* The entry before the index, the index before the doorbell. */
	dma_wmb();
	WRITE_ONCE(ring->write_index, queue->write_index);
	kestrel_write(queue->kdev, KESTREL_REG_DOORBELL, queue->slot);
	return true;
}

static struct dma_fence *kestrel_job_run(struct drm_sched_job *base)
{
	struct kestrel_job *job = container_of(base, struct kestrel_job, base);
	struct kestrel_queue *queue = job->queue;
	struct dma_fence *fence = NULL;
	bool cookie;
	int idx;

	/*
	 * The scheduler already works inside a signalling section of its own
	 * making; this tells lockdep so.
	 */
	cookie = dma_fence_begin_signalling();
	if (drm_dev_enter(&queue->kdev->drm, &idx)) {
		spin_lock(&queue->lock);
		if (kestrel_job_start(job))
			fence = dma_fence_get(job->fence);
		spin_unlock(&queue->lock);
		drm_dev_exit(idx);
	} else {
		spin_lock(&queue->lock);
		kestrel_job_finish(job, NULL, -ENODEV);
		spin_unlock(&queue->lock);
	}
	dma_fence_end_signalling(cookie);

	return fence;
}

/* Its fence has signalled: a job always goes through kestrel_job_run(). */
static void kestrel_job_free(struct drm_sched_job *base)
{
	kestrel_job_discard(container_of(base, struct kestrel_job, base));
}

/* No timedout_job: the scheduler's timeout is infinite. */
const struct drm_sched_backend_ops kestrel_job_sched_ops = {
	.run_job = kestrel_job_run,
	.free_job = kestrel_job_free,
};
