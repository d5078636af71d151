/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_JOB_H_
#define _KESTREL_JOB_H_

#include <linux/list.h>

#include <drm/gpu_scheduler.h>

#include <kestrel/firmware.h>

struct dma_fence;
struct kestrel_queue;

/**
 * struct kestrel_job - one job
 *
 * Belongs to the submission until it is pushed, then to the DRM scheduler, which
 * frees it some time after its fence has signalled. All members but @link are
 * constant from then on.
 */
struct kestrel_job {
	/** @base: job of the DRM scheduler. */
	struct drm_sched_job base;
	/** @initialised: @base has been initialised. */
	bool initialised;
	/** @powered: the job keeps the device on. */
	bool powered;
	/** @queue: queue; the job has a reference. */
	struct kestrel_queue *queue;
	/** @fence: fence that user space gets; the job has a reference. */
	struct dma_fence *fence;
	/** @seqno: sequence number; 0 until @fence is initialised. */
	u64 seqno;
	/** @user_tag: of user space, for fault records. */
	u64 user_tag;
	/** @link: in &kestrel_queue.running. Guarded by &kestrel_queue.lock. */
	struct list_head link;
	/** @command: what goes into the ring. */
	struct kestrel_fw_job command;
};

extern const struct drm_sched_backend_ops kestrel_job_sched_ops;

struct kestrel_job *kestrel_job_create(struct kestrel_queue *queue, void *owner, u64 client_id);
void kestrel_job_discard(struct kestrel_job *job);
void kestrel_job_publish(struct kestrel_job *job, u64 seqno);
void kestrel_job_finish(struct kestrel_job *job, const struct kestrel_fw_event *event, int error);

#endif /* _KESTREL_JOB_H_ */
