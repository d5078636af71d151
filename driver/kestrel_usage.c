// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * DOC: usage
 *
 * What a file uses, for fdinfo: the keys of drm-usage-stats, and kestrel-jobs, the
 * number of jobs that have ended, with all those of closed queues: what these have not
 * begun ends unheard, when the fences that it waits for have signalled. The engine's
 * time counts while a job runs, as of the firmware's last heartbeat: who looks every
 * second at a job of ten sees each of them.
 *
 * DRM's own sums of memory take a BO for active when its reservation object has
 * fences. Jobs put none there, so active is what BO_PREP would wait for: a BO that
 * is mapped in a VM which has jobs that have not ended, or that has fences of others.
 */

#include <linux/dma-resv.h>
#include <linux/sched.h>

#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_print.h>

#include "kestrel_args.h"
#include "kestrel_bo.h"
#include "kestrel_device.h"
#include "kestrel_drv.h"
#include "kestrel_protocol.h"
#include "kestrel_queue.h"
#include "kestrel_usage.h"
#include "kestrel_vm.h"

/**
 * struct kestrel_usage - what is summed up; memory in bytes
 */
struct kestrel_usage {
	/** @cycles: engine cycles of jobs, also of one that runs. */
	u64 cycles;
	/** @jobs: how many have ended, and all those of closed queues. */
	u64 jobs;
	/** @total: of all objects that the file has handles of. */
	u64 total;
	/** @shared: of those that somebody else has, too. */
	u64 shared;
	/** @resident: of those with memory. */
	u64 resident;
	/** @active: of those that jobs may be using. */
	u64 active;
};

/*
 * Marks the objects that a VM maps as looked at in this round. Each is visited once,
 * however often it is mapped: BOs are counted and charged, mappings of one page of one
 * BO only by the memory cgroup.
 */
static void kestrel_usage_mark(struct kestrel_vm *vm, u64 round)
{
	struct kestrel_interval *interval;

	lockdep_assert_held(&vm->kdev->usage_lock);

	if (vm->usage_round == round)
		return;
	vm->usage_round = round;
	mutex_lock(&vm->lock);
	for (interval = kestrel_interval_next_object(&vm->mappings, NULL); interval;
	     interval = kestrel_interval_next_object(&vm->mappings, interval->object)) {
		to_kestrel_bo(interval->object)->usage_round = round;
		cond_resched();
	}
	mutex_unlock(&vm->lock);
}

static void kestrel_usage_queues(struct kestrel_file *file, u64 round,
				 struct kestrel_usage *usage)
{
	u32 id;

	usage->cycles = atomic64_read(&file->closed_cycles);
	usage->jobs = atomic64_read(&file->closed_jobs);

	for (id = 1; id <= KESTREL_MAX_QUEUES; id++) {
		struct kestrel_queue *queue = kestrel_queue_get(file, id);
		bool busy;

		if (!queue)
			continue;
		mutex_lock(&queue->memory_lock);
		spin_lock(&queue->lock);
		usage->cycles += kestrel_queue_used_cycles(queue);
		/* Numbered from 1, and they end in order. */
		usage->jobs += queue->completed;
		busy = queue->pending;
		spin_unlock(&queue->lock);
		mutex_unlock(&queue->memory_lock);
		if (busy)
			kestrel_usage_mark(queue->vm, round);
		kestrel_queue_put(queue);
	}
}

static void kestrel_usage_memory(struct drm_file *drm_file, u64 round,
				 struct kestrel_usage *usage)
{
	struct drm_gem_object *object;
	int handle;

	spin_lock(&drm_file->table_lock);
	idr_for_each_entry(&drm_file->object_idr, object, handle) {
		usage->total += object->size;
		if (drm_gem_object_is_shared_for_memory_stats(object))
			usage->shared += object->size;
		if (!kestrel_bo_resident(object))
			continue;
		usage->resident += object->size;
		if (to_kestrel_bo(object)->usage_round == round ||
		    !dma_resv_test_signaled(object->resv, dma_resv_usage_rw(true)))
			usage->active += object->size;
	}
	spin_unlock(&drm_file->table_lock);
}

static void kestrel_usage_print(struct drm_printer *p, const char *key, u64 bytes)
{
	drm_printf(p, "drm-%s-memory:\t%llu KiB\n", key, bytes / SZ_1K);
}

/**
 * kestrel_usage_show - print what a file uses
 * @p: where to
 * @drm_file: file
 */
void kestrel_usage_show(struct drm_printer *p, struct drm_file *drm_file)
{
	struct kestrel_file *file = drm_file->driver_priv;
	struct kestrel_device *kdev = file->kdev;
	u32 khz = kdev->hardware.clock_max_khz;
	struct kestrel_usage usage = {};
	u64 round;

	mutex_lock(&kdev->usage_lock);
	round = ++kdev->usage_round;
	kestrel_usage_queues(file, round, &usage);
	kestrel_usage_memory(drm_file, round, &usage);
	mutex_unlock(&kdev->usage_lock);

	drm_printf(p, "drm-engine-npu:\t%llu ns\n",
		   kestrel_protocol_cycles_ns(usage.cycles, khz));
	drm_printf(p, "drm-cycles-npu:\t%llu\n", usage.cycles);
	if (kestrel_clock_variable(kdev))
		drm_printf(p, "drm-curfreq-npu:\t%llu Hz\n", READ_ONCE(kdev->clock.khz) * 1000ull);
	drm_printf(p, "drm-maxfreq-npu:\t%llu Hz\n", khz * 1000ull);
	kestrel_usage_print(p, "total", usage.total);
	kestrel_usage_print(p, "shared", usage.shared);
	kestrel_usage_print(p, "resident", usage.resident);
	kestrel_usage_print(p, "active", usage.active);
	/* Keys of a driver's own begin with its name. */
	drm_printf(p, "kestrel-jobs:\t%llu\n", usage.jobs);
}
