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

#include "kestrel_fence.h"

/**
 * struct kestrel_fence - fence of a job
 */
struct kestrel_fence {
	/** @base: fence; must come first, for its memory is freed by it. */
	struct dma_fence base;
	/** @lock: lock of @base. */
	spinlock_t lock;
};

static const char *kestrel_fence_driver_name(struct dma_fence *fence)
{
	return "kestrel";
}

static const char *kestrel_fence_timeline_name(struct dma_fence *fence)
{
	return "kestrel-queue";
}

static void kestrel_fence_release(struct dma_fence *fence)
{
	dma_fence_free(fence);
	/* Unloading waits for a grace period before this code goes away. */
	module_put(THIS_MODULE);
}

static const struct dma_fence_ops kestrel_fence_ops = {
	.get_driver_name = kestrel_fence_driver_name,
	.get_timeline_name = kestrel_fence_timeline_name,
	.release = kestrel_fence_release,
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
 * @context: fence context of the queue
 * @seqno: sequence number of the job
 *
 * The caller has the one reference.
 */
void kestrel_fence_init(struct dma_fence *fence, u64 context, u64 seqno)
{
	struct kestrel_fence *kfence = container_of(fence, struct kestrel_fence, base);

	__module_get(THIS_MODULE);
	spin_lock_init(&kfence->lock);
	dma_fence_init(fence, &kestrel_fence_ops, &kfence->lock, context, seqno);
}

/**
 * kestrel_fence_discard - free a fence that was never initialised
 * @fence: from kestrel_fence_alloc(), or NULL
 */
void kestrel_fence_discard(struct dma_fence *fence)
{
	if (fence)
		kfree(container_of(fence, struct kestrel_fence, base));
}
