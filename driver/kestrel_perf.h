/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_PERF_H_
#define _KESTREL_PERF_H_

#include <linux/mutex.h>
#include <linux/types.h>

#include <drm/kestrel_accel.h>

#include <kestrel/regs.h>

/* Records that a queue keeps. */
#define KESTREL_PERF_RECORDS	64

struct drm_device;
struct drm_file;
struct kestrel_device;
struct kestrel_fw_event;
struct kestrel_job;

/**
 * struct kestrel_perf_ring - what the last jobs of a queue did
 */
struct kestrel_perf_ring {
	/** @written: records ever written. */
	u64 written;
	/** @records: record n at n % KESTREL_PERF_RECORDS. */
	struct drm_kestrel_perf_job records[KESTREL_PERF_RECORDS];
};

/**
 * struct kestrel_perf - the device's counters, over resets and times without power
 */
struct kestrel_perf {
	/** @lock: mutex: guards the members below; nothing is allocated under it. */
	struct mutex lock;
	/** @last: the registers as they were read last. Guarded by @lock. */
	u64 last[KESTREL_COUNTER_COUNT];
	/** @total: what they counted since probe. Guarded by @lock. */
	u64 total[KESTREL_COUNTER_COUNT];
};

int kestrel_perf_init(struct kestrel_device *kdev);
void kestrel_perf_update(struct kestrel_device *kdev);
void kestrel_perf_job(struct kestrel_job *job, const struct kestrel_fw_event *event, int error);

int kestrel_perf_jobs_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);
int kestrel_perf_device_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);

#endif /* _KESTREL_PERF_H_ */
