// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * SUBMIT: a list of jobs, all or none. In three steps:
 *
 * 1. fetch and check what user space gave; make jobs. Nothing is visible yet.
 * 2. with submit_lock held and room in the queue: give each job its number,
 *    look up what it waits for and allocate what it signals. May still fail.
 * 3. push the jobs to the scheduler and put their fences into the syncobjs.
 *    Cannot fail: an armed job must be pushed.
 */

#include <linux/dma-fence-chain.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_syncobj.h>

#include "kestrel_args.h"
#include "kestrel_array.h"
#include "kestrel_device.h"
#include "kestrel_drv.h"
#include "kestrel_job.h"
#include "kestrel_queue.h"
#include "kestrel_submit.h"
#include "kestrel_trace.h"

/**
 * struct kestrel_submit_sync - a syncobj of a job
 */
struct kestrel_submit_sync {
	/** @syncobj: syncobj, referenced. */
	struct drm_syncobj *syncobj;
	/** @handle: its handle. */
	u32 handle;
	/** @flags: DRM_KESTREL_SYNC_*. */
	u32 flags;
	/** @chain: link for a point to be signalled; NULL for others. */
	struct dma_fence_chain *chain;
	/** @point: point of a timeline. */
	u64 point;
};

/**
 * struct kestrel_submit_job - a job on its way
 */
struct kestrel_submit_job {
	/** @job: the job, until it is pushed. */
	struct kestrel_job *job;
	/** @syncs: its syncobjs. */
	struct kestrel_submit_sync *syncs;
	/** @sync_count: their number. */
	u32 sync_count;
};

/**
 * struct kestrel_submit - one SUBMIT on its way
 */
struct kestrel_submit {
	/** @drm_file: file. */
	struct drm_file *drm_file;
	/** @queue: queue. */
	struct kestrel_queue *queue;
	/** @jobs: jobs. */
	struct kestrel_submit_job *jobs;
	/** @count: their number. */
	u32 count;
	/** @first_seqno: seqno of the first job, once they are submitted. */
	u64 first_seqno;
	/** @failed: job that was refused, or DRM_KESTREL_NO_INDEX. */
	u32 failed;
};

static int kestrel_submit_fetch_bases(struct kestrel_job *job,
				      const struct drm_kestrel_job *args)
{
	struct drm_kestrel_base *bases;
	u32 i, failed;
	int ret = 0;

	bases = kestrel_array_fetch(&args->bases, sizeof(*bases), &failed);
	if (IS_ERR(bases))
		return PTR_ERR(bases);

	job->command.base_count = args->bases.count;
	for (i = 0; !ret && i < args->bases.count; i++) {
		ret = kestrel_args_base(&bases[i]);
		job->command.base[i].address = bases[i].va;
		job->command.base[i].size = bases[i].size;
	}

	kvfree(bases);
	return ret;
}

static int kestrel_submit_fetch_syncs(struct kestrel_submit *submit,
				      struct kestrel_submit_job *sjob,
				      const struct drm_kestrel_job *args)
{
	struct drm_kestrel_sync *syncs;
	u32 i, failed;
	int ret = 0;

	syncs = kestrel_array_fetch(&args->syncs, sizeof(*syncs), &failed);
	if (IS_ERR_OR_NULL(syncs))
		return PTR_ERR_OR_ZERO(syncs);

	sjob->syncs = kcalloc(args->syncs.count, sizeof(*sjob->syncs), GFP_KERNEL_ACCOUNT);
	if (!sjob->syncs)
		ret = -ENOMEM;
	else
		sjob->sync_count = args->syncs.count;

	for (i = 0; !ret && i < args->syncs.count; i++) {
		struct kestrel_submit_sync *sync = &sjob->syncs[i];

		ret = kestrel_args_sync(&syncs[i]);
		if (ret)
			break;

		sync->handle = syncs[i].handle;
		sync->flags = syncs[i].flags;
		sync->point = syncs[i].point;
		sync->syncobj = drm_syncobj_find(submit->drm_file, syncs[i].handle);
		if (!sync->syncobj) {
			ret = -ENOENT;
		} else if (sync->point && sync->flags & DRM_KESTREL_SYNC_SIGNAL) {
			sync->chain = dma_fence_chain_alloc();
			if (!sync->chain)
				ret = -ENOMEM;
		}
	}

	kvfree(syncs);
	return ret;
}

static int kestrel_submit_fetch_job(struct kestrel_submit *submit,
				    struct kestrel_submit_job *sjob,
				    const struct drm_kestrel_job *args)
{
	struct kestrel_job *job;
	int ret;

	ret = kestrel_args_job(args);
	if (ret)
		return ret;

	job = kestrel_job_create(submit->queue, submit->drm_file, submit->drm_file->client_id);
	if (IS_ERR(job))
		return PTR_ERR(job);

	sjob->job = job;
	job->user_tag = args->user_tag;
	job->command.command_address = args->command_va;
	job->command.command_size = args->command_size;

	ret = kestrel_submit_fetch_bases(job, args);
	return ret ?: kestrel_submit_fetch_syncs(submit, sjob, args);
}

static int kestrel_submit_fetch(struct kestrel_submit *submit,
				const struct drm_kestrel_submit *args)
{
	struct drm_kestrel_job *jobs;
	int ret = 0;
	u32 i;

	jobs = kestrel_array_fetch(&args->jobs, sizeof(*jobs), &submit->failed);
	if (IS_ERR(jobs))
		return PTR_ERR(jobs);

	submit->jobs = kcalloc(args->jobs.count, sizeof(*submit->jobs), GFP_KERNEL_ACCOUNT);
	if (!submit->jobs)
		ret = -ENOMEM;
	else
		submit->count = args->jobs.count;

	for (i = 0; !ret && i < submit->count; i++) {
		ret = kestrel_submit_fetch_job(submit, &submit->jobs[i], &jobs[i]);
		if (ret)
			submit->failed = i;
	}

	kvfree(jobs);
	return ret;
}

/*
 * The fence that a job earlier in the same call will signal a syncobj with, or
 * NULL. Of several the last one counts for a binary syncobj, the lowest point
 * that is high enough for a timeline.
 */
static struct dma_fence *kestrel_submit_find_earlier(struct kestrel_submit *submit, u32 before,
						     const struct kestrel_submit_sync *wait)
{
	struct dma_fence *found = NULL;
	u64 found_point = U64_MAX;
	u32 i, k;

	for (i = 0; i < before; i++) {
		const struct kestrel_submit_job *sjob = &submit->jobs[i];

		for (k = 0; k < sjob->sync_count; k++) {
			const struct kestrel_submit_sync *signal = &sjob->syncs[k];

			if (signal->syncobj != wait->syncobj ||
			    !(signal->flags & DRM_KESTREL_SYNC_SIGNAL) ||
			    !signal->point != !wait->point)
				continue;
			if (wait->point &&
			    (signal->point < wait->point || signal->point >= found_point))
				continue;
			found = sjob->job->fence;
			found_point = signal->point;
		}
	}

	return dma_fence_get(found);
}

static int kestrel_submit_add_wait(struct kestrel_submit *submit, u32 index,
				   const struct kestrel_submit_sync *wait)
{
	struct dma_fence *fence;
	int ret;

	fence = kestrel_submit_find_earlier(submit, index, wait);
	if (!fence) {
		ret = drm_syncobj_find_fence(submit->drm_file, wait->handle, wait->point, 0,
					     &fence);
		if (ret)
			return ret;
	}

	return drm_sched_job_add_dependency(&submit->jobs[index].job->base, fence);
}

static int kestrel_submit_prepare(struct kestrel_submit *submit)
{
	struct kestrel_queue *queue = submit->queue;
	int ret = 0;
	u32 i, k;

	for (i = 0; i < submit->count; i++) {
		struct kestrel_submit_job *sjob = &submit->jobs[i];

		kestrel_job_publish(sjob->job, queue->submitted + 1 + i);
		for (k = 0; !ret && k < sjob->sync_count; k++) {
			if (sjob->syncs[k].flags & DRM_KESTREL_SYNC_WAIT)
				ret = kestrel_submit_add_wait(submit, i, &sjob->syncs[k]);
		}
		if (ret) {
			submit->failed = i;
			return ret;
		}
	}

	return 0;
}

static void kestrel_submit_signal(struct kestrel_submit_sync *sync, struct dma_fence *fence)
{
	if (!(sync->flags & DRM_KESTREL_SYNC_SIGNAL))
		return;

	if (sync->chain) {
		drm_syncobj_add_point(sync->syncobj, sync->chain, fence, sync->point);
		sync->chain = NULL;
	} else {
		drm_syncobj_replace_fence(sync->syncobj, fence);
	}
}

static void kestrel_submit_push(struct kestrel_submit *submit)
{
	struct kestrel_queue *queue = submit->queue;
	bool cookie;
	u32 i, k;

	/* From the first fence that is seen to the last job: nothing is allocated. */
	cookie = dma_fence_begin_signalling();
	for (i = 0; i < submit->count; i++) {
		struct kestrel_submit_job *sjob = &submit->jobs[i];
		struct dma_fence *fence = dma_fence_get(sjob->job->fence);
		struct kestrel_job *job = sjob->job;

		kestrel_power_get_again(queue->kdev);
		job->powered = true;
		/* From its push on the job belongs to the scheduler. */
		sjob->job = NULL;
		drm_sched_job_arm(&job->base);
		trace_kestrel_job_submit(job);
		drm_sched_entity_push_job(&job->base);

		for (k = 0; k < sjob->sync_count; k++)
			kestrel_submit_signal(&sjob->syncs[k], fence);

		dma_fence_put(queue->last_fence);
		queue->last_fence = fence;
	}

	dma_fence_end_signalling(cookie);

	submit->first_seqno = queue->submitted + 1;
	queue->submitted += submit->count;
}

/* Takes room for the jobs; -EAGAIN when there is not enough. */
static int kestrel_submit_take_room(struct kestrel_submit *submit)
{
	struct kestrel_queue *queue = submit->queue;
	int ret = 0;

	spin_lock(&queue->lock);
	if (queue->status == DRM_KESTREL_QUEUE_WEDGED)
		ret = queue->error;
	else if (queue->status != DRM_KESTREL_QUEUE_OK)
		ret = -ECANCELED;
	else if (queue->pending + submit->count > queue->max_jobs)
		ret = -EAGAIN;
	else
		queue->pending += submit->count;
	spin_unlock(&queue->lock);
	return ret;
}

static void kestrel_submit_give_room(struct kestrel_submit *submit)
{
	struct kestrel_queue *queue = submit->queue;

	spin_lock(&queue->lock);
	queue->pending -= submit->count;
	spin_unlock(&queue->lock);
	wake_up_all(&queue->room);
}

static bool kestrel_submit_has_room(struct kestrel_submit *submit)
{
	struct kestrel_queue *queue = submit->queue;
	bool room;

	spin_lock(&queue->lock);
	room = queue->status != DRM_KESTREL_QUEUE_OK ||
	       queue->pending + submit->count <= queue->max_jobs;
	spin_unlock(&queue->lock);
	return room || READ_ONCE(queue->closed);
}

static int kestrel_submit_try(struct kestrel_submit *submit)
{
	struct kestrel_queue *queue = submit->queue;
	int ret;

	mutex_lock(&queue->submit_lock);
	ret = queue->closed ? -ENOENT : kestrel_submit_take_room(submit);
	if (!ret) {
		ret = kestrel_submit_prepare(submit);
		if (ret)
			kestrel_submit_give_room(submit);
		else
			kestrel_submit_push(submit);
	}
	mutex_unlock(&queue->submit_lock);
	return ret;
}

static int kestrel_submit_run(struct kestrel_submit *submit, bool nonblock)
{
	int ret;

	do {
		ret = kestrel_submit_try(submit);
		if (ret != -EAGAIN || nonblock)
			return ret;
		ret = wait_event_interruptible(submit->queue->room,
					       kestrel_submit_has_room(submit));
	} while (!ret);

	return ret;
}

static void kestrel_submit_release(struct kestrel_submit *submit)
{
	u32 i, k;

	for (i = 0; i < submit->count; i++) {
		struct kestrel_submit_job *sjob = &submit->jobs[i];

		for (k = 0; k < sjob->sync_count; k++) {
			dma_fence_chain_free(sjob->syncs[k].chain);
			if (sjob->syncs[k].syncobj)
				drm_syncobj_put(sjob->syncs[k].syncobj);
		}
		kfree(sjob->syncs);
		if (sjob->job)
			kestrel_job_discard(sjob->job);
	}
	kfree(submit->jobs);
}

/**
 * kestrel_submit_ioctl - DRM_IOCTL_KESTREL_SUBMIT
 * @drm: device
 * @data: struct drm_kestrel_submit
 * @drm_file: file
 *
 * Return: 0 or a negative error code.
 */
int kestrel_submit_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct drm_kestrel_submit *args = data;
	struct kestrel_submit submit = {
		.drm_file = drm_file,
		.failed = DRM_KESTREL_NO_INDEX,
	};
	int ret;

	args->error_index = DRM_KESTREL_NO_INDEX;
	if (args->flags & ~DRM_KESTREL_SUBMIT_NONBLOCK || args->pad)
		return -EINVAL;
	ret = kestrel_args_array(&args->jobs, KESTREL_JOB_BYTES_MIN, 1,
				 KESTREL_MAX_SUBMIT_JOBS);
	if (ret)
		return ret;
	if (drm_dev_is_unplugged(drm))
		return -ENODEV;
	if (kestrel_reset_wedged(to_kestrel_device(drm)))
		return -EIO;

	submit.queue = kestrel_queue_get(drm_file->driver_priv, args->queue_id);
	if (!submit.queue)
		return -ENOENT;

	if (args->jobs.count > submit.queue->max_jobs) {
		ret = -EINVAL;
		goto out_put;
	}

	ret = kestrel_submit_fetch(&submit, args);
	if (!ret)
		ret = kestrel_power_get(submit.queue->kdev);
	if (!ret) {
		ret = kestrel_submit_run(&submit, args->flags & DRM_KESTREL_SUBMIT_NONBLOCK);
		kestrel_power_put(submit.queue->kdev);
	}
	if (!ret)
		args->first_seqno = submit.first_seqno;

	args->error_index = submit.failed;
	kestrel_submit_release(&submit);
out_put:
	kestrel_queue_put(submit.queue);
	return ret;
}
