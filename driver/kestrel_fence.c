// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * DOC: fences
 *
 * Each job has one fence, allocated before the job is submitted, and it is this
 * fence that user space gets, not one of the DRM scheduler: those keep pointers
 * into the scheduler, which dies with the queue, while a fence may live in a
 * sync file for as long as somebody likes.
 *
 * For the same reason a fence holds a reference to the module: its operations
 * are there.
 */

#include <linux/module.h>
#include <linux/slab.h>

#include "kestrel_deadline.h"
#include "kestrel_device.h"
#include "kestrel_fence.h"
#include "kestrel_queue.h"

/**
 * struct kestrel_fence - fence of a job
 */
struct kestrel_fence {
	/** @base: fence; must come first, for its memory is freed by it. */
	struct dma_fence base;
	/** @lock: lock of @base. */
	spinlock_t lock;
	/** @deadline: of the device; NULL once it has signalled. Guarded by @lock. */
	struct kestrel_deadline *deadline;
	/** @entry: when it is needed. */
	struct kestrel_deadline_entry entry;
};

static struct kestrel_fence *to_kestrel_fence(struct dma_fence *fence)
{
	return container_of(fence, struct kestrel_fence, base);
}

static const char *kestrel_fence_driver_name(struct dma_fence *fence)
{
	return "kestrel";
}

static const char *kestrel_fence_timeline_name(struct dma_fence *fence)
{
	return "kestrel-queue";
}

/* The fence may outlive the device, but not before it has signalled. */
static void kestrel_fence_set_deadline(struct dma_fence *fence, ktime_t time)
{
	struct kestrel_fence *kfence = to_kestrel_fence(fence);
	unsigned long flags;

	spin_lock_irqsave(&kfence->lock, flags);
	if (kfence->deadline)
		kestrel_deadline_set(kfence->deadline, &kfence->entry, time);
	spin_unlock_irqrestore(&kfence->lock, flags);
}

static void kestrel_fence_release(struct dma_fence *fence)
{
	dma_fence_free(fence);
	/*
	 * Unloading waits for a grace period before this code goes away, which is long
	 * enough to return in; docs/driver.md says where that is no proof.
	 */
	module_put(THIS_MODULE);
}

static const struct dma_fence_ops kestrel_fence_ops = {
	.get_driver_name = kestrel_fence_driver_name,
	.get_timeline_name = kestrel_fence_timeline_name,
	.release = kestrel_fence_release,
	.set_deadline = kestrel_fence_set_deadline,
};

/**
 * kestrel_fence_alloc - allocate the fence of a job
 *
 * Either kestrel_fence_init() or kestrel_fence_discard() comes next.
 *
 * Return: the fence, or NULL when there is no memory.
 */
struct dma_fence *kestrel_fence_alloc(void)
{
	struct kestrel_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL_ACCOUNT);

	return fence ? &fence->base : NULL;
}

/**
 * kestrel_fence_init - make a fence that can be given away
 * @fence: from kestrel_fence_alloc()
 * @queue: queue of the job, which the job keeps until the fence has signalled
 * @seqno: sequence number of the job
 *
 * The caller has the one reference.
 */
void kestrel_fence_init(struct dma_fence *fence, struct kestrel_queue *queue, u64 seqno)
{
	struct kestrel_fence *kfence = to_kestrel_fence(fence);

	__module_get(THIS_MODULE);
	spin_lock_init(&kfence->lock);
	kestrel_deadline_entry_init(&kfence->entry, queue, seqno);
	kfence->deadline = &queue->kdev->deadline;
	dma_fence_init(fence, &kestrel_fence_ops, &kfence->lock, queue->fence_context, seqno);
}

/**
 * kestrel_fence_signal - the job has ended
 * @fence: from kestrel_fence_init(), not yet signalled
 * @error: 0, or why it did not run to its end
 */
void kestrel_fence_signal(struct dma_fence *fence, int error)
{
	struct kestrel_fence *kfence = to_kestrel_fence(fence);
	unsigned long flags;

	spin_lock_irqsave(&kfence->lock, flags);
	kestrel_deadline_forget(kfence->deadline, &kfence->entry);
	kfence->deadline = NULL;
	if (error)
		dma_fence_set_error(fence, error);
	dma_fence_signal_locked(fence);
	spin_unlock_irqrestore(&kfence->lock, flags);
}

/**
 * kestrel_fence_discard - free a fence that was never initialised
 * @fence: from kestrel_fence_alloc(), or NULL
 */
void kestrel_fence_discard(struct dma_fence *fence)
{
	if (fence)
		kfree(to_kestrel_fence(fence));
}
