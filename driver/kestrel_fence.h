/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_FENCE_H_
#define _KESTREL_FENCE_H_

#include <linux/dma-fence.h>

struct kestrel_queue;

struct dma_fence *kestrel_fence_alloc(void);
void kestrel_fence_init(struct dma_fence *fence, struct kestrel_queue *queue, u64 seqno);
void kestrel_fence_signal(struct dma_fence *fence, int error);
void kestrel_fence_discard(struct dma_fence *fence);

#endif /* _KESTREL_FENCE_H_ */
