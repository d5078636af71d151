/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_DRV_H_
#define _KESTREL_DRV_H_

#include <linux/mutex.h>
#include <linux/xarray.h>

#include <drm/kestrel_accel.h>

struct kestrel_device;
struct kestrel_queue;
struct kestrel_user;

/**
 * struct kestrel_file - what one open file owns
 */
struct kestrel_file {
	/** @kdev: device. */
	struct kestrel_device *kdev;
	/** @user: who opened it and is charged; constant. */
	struct kestrel_user *user;
	/** @lock: mutex: no queue appears in a VM that is being destroyed. */
	struct mutex lock;
	/** @vms: identifier to VM, with a reference; has its own lock. */
	struct xarray vms;
	/** @queues: identifier to queue, with a reference; has its own lock. */
	struct xarray queues;
	/** @closed_cycles: engine cycles of queues that are closed. */
	atomic64_t closed_cycles;
	/** @closed_jobs: jobs that ended in queues that are closed. */
	atomic64_t closed_jobs;
};

void kestrel_file_queue_close(struct kestrel_file *file, struct kestrel_queue *queue);
void kestrel_drv_limits(const struct kestrel_device *kdev,
			struct drm_kestrel_query_limits *limits);

extern const struct attribute_group *kestrel_drv_groups[];

struct kestrel_device *kestrel_drv_alloc(struct device *dev);
int kestrel_drv_attach(struct kestrel_device *kdev);
void kestrel_drv_detach(struct kestrel_device *kdev);

#endif /* _KESTREL_DRV_H_ */
