// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * DOC: performance counters
 *
 * What a client's own jobs did is the client's to read, when it asked for it as it
 * made the queue. What the device did as a whole tells about other clients, too,
 * and takes CAP_PERFMON.
 */

#include <linux/capability.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_managed.h>

#include "kestrel_args.h"
#include "kestrel_array.h"
#include "kestrel_device.h"
#include "kestrel_drv.h"
#include "kestrel_job.h"
#include "kestrel_perf.h"
#include "kestrel_queue.h"

static_assert(KESTREL_COUNTER_COUNT <= DRM_KESTREL_PERF_COUNTERS);

/**
 * kestrel_perf_init - prepare the device's counters
 * @kdev: device
 *
 * Return: 0 or -ENOMEM.
 */
int kestrel_perf_init(struct kestrel_device *kdev)
{
	return drmm_mutex_init(&kdev->drm, &kdev->perf.lock);
}

/**
 * kestrel_perf_update - take the counters over from the registers
 * @kdev: device, entered and with power
 *
 * Called before they are lost, in a reset or with the power.
 */
void kestrel_perf_update(struct kestrel_device *kdev)
{
	struct kestrel_perf *perf = &kdev->perf;
	u64 now[KESTREL_COUNTER_COUNT];
	bool restarted;
	u32 i;

	if (kestrel_device_gone(kdev))
		return;

	mutex_lock(&perf->lock);
	kestrel_write(kdev, KESTREL_REG_COUNTER_LATCH, 1);
	for (i = 0; i < KESTREL_COUNTER_COUNT; i++)
		now[i] = kestrel_read64(kdev, KESTREL_REG_COUNTER_LO(i));

	/* The clock never stands still: less than before means that it began anew. */
	restarted = now[KESTREL_COUNTER_CYCLES] < perf->last[KESTREL_COUNTER_CYCLES];
	for (i = 0; i < KESTREL_COUNTER_COUNT; i++) {
		perf->total[i] += restarted ? now[i] : now[i] - perf->last[i];
		perf->last[i] = now[i];
	}
	mutex_unlock(&perf->lock);
}

/**
 * kestrel_perf_job - note what a job did
 * @job: job that ends
 * @event: what the firmware said of it
 * @error: error of its fence, or 0
 *
 * The caller holds &kestrel_queue.lock.
 */
void kestrel_perf_job(struct kestrel_job *job, const struct kestrel_fw_event *event, int error)
{
	struct kestrel_perf_ring *ring = job->queue->perf;
	struct drm_kestrel_perf_job *record;

	lockdep_assert_held(&job->queue->lock);

	if (!ring)
		return;

	record = &ring->records[ring->written++ % KESTREL_PERF_RECORDS];
	*record = (struct drm_kestrel_perf_job) {
		.seqno = job->seqno,
		.user_tag = job->user_tag,
		.end_time_ns = ktime_get_ns(),
		.start_cycle = event->start_time,
		.end_cycle = event->end_time,
		.active_cycles = event->active_cycles,
		.macs = event->macs,
		.read_bytes = event->read_bytes,
		.write_bytes = event->write_bytes,
		.error = error,
		.preemptions = event->preemptions,
	};
	memcpy(record->busy_cycles, event->busy_cycles, sizeof(record->busy_cycles));
}

/**
 * kestrel_perf_jobs_ioctl - DRM_IOCTL_KESTREL_PERF_JOBS
 * @drm: device
 * @data: struct drm_kestrel_perf_jobs
 * @drm_file: file
 *
 * Return: 0 or a negative error code.
 */
int kestrel_perf_jobs_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct drm_kestrel_perf_jobs *args = data;
	struct drm_kestrel_perf_job *records;
	struct kestrel_queue *queue;
	u64 first = 0, i;
	u32 count = 0;
	int ret;

	if (args->flags || args->pad)
		return -EINVAL;
	ret = kestrel_args_array(&args->jobs, KESTREL_PERF_JOB_BYTES_MIN, 0, U32_MAX);
	if (ret)
		return ret;

	queue = kestrel_queue_get(drm_file->driver_priv, args->queue_id);
	if (!queue)
		return -ENOENT;
	if (!queue->perf) {
		ret = -EPERM;
		goto out_put;
	}

	records = kcalloc(KESTREL_PERF_RECORDS, sizeof(*records), GFP_KERNEL);
	if (!records) {
		ret = -ENOMEM;
		goto out_put;
	}

	spin_lock(&queue->lock);
	ret = kestrel_array_range(queue->perf->written, KESTREL_PERF_RECORDS, args->cursor,
				  args->jobs.count, &first, &count, &args->lost);
	for (i = 0; !ret && i < count; i++)
		records[i] = queue->perf->records[(first + i) % KESTREL_PERF_RECORDS];
	spin_unlock(&queue->lock);

	if (!ret)
		ret = kestrel_array_return(&args->jobs, records, sizeof(*records), count);
	if (!ret) {
		args->jobs.count = count;
		args->cursor = first + count;
	}

	kfree(records);
out_put:
	kestrel_queue_put(queue);
	return ret;
}

/**
 * kestrel_perf_device_ioctl - DRM_IOCTL_KESTREL_PERF_DEVICE
 * @drm: device
 * @data: struct drm_kestrel_perf_device
 * @drm_file: file
 *
 * Return: 0 or a negative error code.
 */
int kestrel_perf_device_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct kestrel_device *kdev = to_kestrel_device(drm);
	struct drm_kestrel_perf_device *args = data;
	struct kestrel_perf *perf = &kdev->perf;
	bool on;
	int idx;

	if (args->flags)
		return -EINVAL;
	if (!perfmon_capable())
		return -EACCES;
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;

	/* Somebody who looks keeps nothing awake. */
	on = pm_runtime_get_if_active(drm->dev) != 0;
	if (on) {
		mutex_lock(&kdev->firmware.request_lock);
		if (kdev->power.on)
			kestrel_perf_update(kdev);
		else
			on = false;
		mutex_unlock(&kdev->firmware.request_lock);
		pm_runtime_put_autosuspend(drm->dev);
	}

	mutex_lock(&perf->lock);
	memset(args->counters, 0, sizeof(args->counters));
	memcpy(args->counters, perf->total, sizeof(perf->total));
	mutex_unlock(&perf->lock);

	args->time_ns = ktime_get_ns();
	args->clock_khz = on ? READ_ONCE(kdev->clock.khz) ?: kdev->hardware.clock_max_khz : 0;
	drm_dev_exit(idx);
	return 0;
}
