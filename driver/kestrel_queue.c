// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * DOC: queues
 *
 * What a queue goes through:
 *
 *	made -> OK -> dead -> closed -> released
 *
 * OK becomes dead when a job fails, when its jobs are lost in a reset, or when
 * the device is given up. A dead queue ends its jobs without running them, and
 * waits for its owner to destroy it. Closing takes it away from firmware and
 * owner; its memory goes with the last job, because jobs may still wait for
 * fences of others.
 */

#include <linux/dma-fence.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_print.h>

#include "kestrel_args.h"
#include "kestrel_bo.h"
#include "kestrel_compat.h"
#include "kestrel_device.h"
#include "kestrel_drv.h"
#include "kestrel_fault.h"
#include "kestrel_job.h"
#include "kestrel_perf.h"
#include "kestrel_protocol.h"
#include "kestrel_queue.h"
#include "kestrel_trace.h"
#include "kestrel_user.h"
#include "kestrel_vm.h"

static_assert((int)DRM_KESTREL_PRIORITY_LOW == (int)KESTREL_FW_PRIORITY_LOW);
static_assert((int)DRM_KESTREL_PRIORITY_NORMAL == (int)KESTREL_FW_PRIORITY_NORMAL);
static_assert((int)DRM_KESTREL_PRIORITY_HIGH == (int)KESTREL_FW_PRIORITY_HIGH);
static_assert((int)DRM_KESTREL_PRIORITY_REALTIME == (int)KESTREL_FW_PRIORITY_REALTIME);
static_assert(KESTREL_FW_RING_BYTES(KESTREL_FW_RING_ENTRIES_MAX) <= SZ_64K);

/* Of all queues of the device, that part may be REALTIME. */
#define KESTREL_QUEUE_REALTIME_PART	4

/* The last act of queues; flushed before the module goes. */
static struct workqueue_struct *kestrel_queue_release_wq;

/**
 * kestrel_queue_module_init - prepare for queues
 *
 * Return: 0 or -ENOMEM.
 */
int kestrel_queue_module_init(void)
{
	kestrel_queue_release_wq = alloc_workqueue("kestrel-release", WQ_UNBOUND, 0);
	return kestrel_queue_release_wq ? 0 : -ENOMEM;
}

/**
 * kestrel_queue_module_exit - wait until all queues are released
 */
void kestrel_queue_module_exit(void)
{
	destroy_workqueue(kestrel_queue_release_wq);
}

/* Ends all jobs with the firmware, and all to come. The caller holds the lock. */
static void kestrel_queue_die(struct kestrel_queue *queue, u32 status, int error)
{
	struct kestrel_job *job, *next;

	lockdep_assert_held(&queue->lock);

	if (queue->status == DRM_KESTREL_QUEUE_OK) {
		queue->status = status;
		queue->error = error;
	}
	list_for_each_entry_safe(job, next, &queue->running, link) {
		list_del_init(&job->link);
		kestrel_reset_job_ended(queue->kdev);
		kestrel_job_finish(job, NULL, error);
	}
	wake_up_all(&queue->room);
}

static void kestrel_queue_release_work(struct work_struct *work)
{
	struct kestrel_queue *queue = container_of(work, struct kestrel_queue, release_work);
	struct drm_device *drm = &queue->kdev->drm;

	drm_sched_entity_fini(&queue->entity);
	drm_sched_fini(&queue->sched);
	dma_fence_put(queue->last_fence);
	mutex_destroy(&queue->memory_lock);
	mutex_destroy(&queue->submit_lock);
	kestrel_vm_put(queue->vm);
	kfree(queue->perf);
	kfree(queue);
	drm_dev_put(drm);
}

static void kestrel_queue_release(struct kref *refcount)
{
	struct kestrel_queue *queue = container_of(refcount, struct kestrel_queue, refcount);

	queue_work(kestrel_queue_release_wq, &queue->release_work);
}

/**
 * kestrel_queue_put - drop a reference
 * @queue: queue
 *
 * Never sleeps.
 */
void kestrel_queue_put(struct kestrel_queue *queue)
{
	kref_put(&queue->refcount, kestrel_queue_release);
}

/**
 * kestrel_queue_get - find a queue of a file
 * @file: file
 * @id: identifier
 *
 * Return: the queue with a reference, or NULL.
 */
struct kestrel_queue *kestrel_queue_get(struct kestrel_file *file, u32 id)
{
	struct kestrel_queue *queue;

	xa_lock(&file->queues);
	queue = xa_load(&file->queues, id);
	if (queue)
		kref_get(&queue->refcount);
	xa_unlock(&file->queues);
	return queue;
}

/**
 * kestrel_queue_at - find a queue of the device
 * @kdev: device
 * @slot: index, below queue_count
 *
 * Return: the queue with a reference, or NULL.
 */
struct kestrel_queue *kestrel_queue_at(struct kestrel_device *kdev, u32 slot)
{
	struct kestrel_queue *queue;

	spin_lock(&kdev->slot_lock);
	queue = kdev->queue_slots[slot];
	if (queue && !kref_get_unless_zero(&queue->refcount))
		queue = NULL;
	spin_unlock(&kdev->slot_lock);
	return queue;
}

/**
 * kestrel_queue_last_fence - fence of the last job submitted
 * @queue: queue
 *
 * Return: the fence with a reference, or NULL when there was no job.
 */
struct dma_fence *kestrel_queue_last_fence(struct kestrel_queue *queue)
{
	struct dma_fence *fence;

	mutex_lock(&queue->submit_lock);
	fence = dma_fence_get(queue->last_fence);
	mutex_unlock(&queue->submit_lock);
	return fence;
}

/**
 * kestrel_queue_used_cycles - engine cycles of the jobs of a queue
 * @queue: queue; the caller holds &kestrel_queue.memory_lock and &kestrel_queue.lock
 *
 * With those of a job that has not ended yet, as the firmware told last.
 *
 * Return: cycles; never less than before.
 */
u64 kestrel_queue_used_cycles(struct kestrel_queue *queue)
{
	const struct kestrel_job *job = list_first_entry_or_null(&queue->running,
								 struct kestrel_job, link);
	const struct kestrel_fw_ring *ring = queue->ring.cpu;
	u64 cycles = queue->active_cycles;

	/* A half that is missing makes too little of it, and the next look puts it right. */
	if (job && ring && READ_ONCE(ring->running_seqno) == job->seqno) {
		dma_rmb();
		cycles += READ_ONCE(ring->running_cycles);
	}
	queue->used_cycles = max(queue->used_cycles, cycles);
	return queue->used_cycles;
}

static int kestrel_queue_job_ended(struct kestrel_queue *queue,
				   const struct kestrel_fw_event *event)
{
	struct kestrel_job *job = list_first_entry_or_null(&queue->running, struct kestrel_job,
							   link);
	int error = kestrel_protocol_fence_error(event);
	u32 type;

	if (!job || job->seqno != event->seqno)
		return -EPROTO;

	queue->active_cycles += event->active_cycles;
	kestrel_perf_job(job, event, error);
	if (event->preemptions)
		trace_kestrel_job_preempt(job, event->preemptions);
	if (error) {
		type = kestrel_protocol_fault_type(event);
		kestrel_fault_job(job, event, type);
		kestrel_coredump_job(job, event, error);
		atomic_inc(&queue->kdev->reset.kill_count);
		if (type != DRM_KESTREL_FAULT_RESET && type != DRM_KESTREL_FAULT_HARDWARE)
			queue->fault_count++;
	}

	list_del_init(&job->link);
	kestrel_reset_job_ended(queue->kdev);
	kestrel_job_finish(job, event, error);

	if (error == -ETIMEDOUT)
		kestrel_queue_die(queue, DRM_KESTREL_QUEUE_TIMEDOUT, -ECANCELED);
	else if (error == -ECANCELED || error == -EIO)
		kestrel_queue_die(queue, DRM_KESTREL_QUEUE_INNOCENT, -ECANCELED);
	else if (error)
		kestrel_queue_die(queue, DRM_KESTREL_QUEUE_FAULT, -ECANCELED);
	return 0;
}

/* The firmware gives the queue up, and no job of it is to blame. */
static void kestrel_queue_break(struct kestrel_queue *queue)
{
	atomic_inc(&queue->kdev->reset.kill_count);
	kestrel_queue_die(queue, DRM_KESTREL_QUEUE_INNOCENT, -ECANCELED);
}

/**
 * kestrel_queue_event - act on an event of the firmware
 * @kdev: device
 * @event: checked copy of the event
 *
 * Return: 0, or -EPROTO when the event does not fit what the driver knows.
 */
int kestrel_queue_event(struct kestrel_device *kdev, const struct kestrel_fw_event *event)
{
	struct kestrel_queue *queue = kestrel_queue_at(kdev, event->queue);
	int ret = 0;

	if (!queue)
		return -EPROTO;

	spin_lock(&queue->lock);
	/* Said twice it is nonsense: who says it for ever is not listened to. */
	if (event->type == KESTREL_FW_EVENT_QUEUE_BROKEN &&
	    queue->status != DRM_KESTREL_QUEUE_OK)
		ret = -EPROTO;
	else if (event->type == KESTREL_FW_EVENT_QUEUE_BROKEN)
		kestrel_queue_break(queue);
	else
		ret = kestrel_queue_job_ended(queue, event);
	spin_unlock(&queue->lock);

	kestrel_queue_put(queue);
	return ret;
}

/**
 * kestrel_queues_pause - keep jobs from being started, before a reset
 * @kdev: device
 */
void kestrel_queues_pause(struct kestrel_device *kdev)
{
	u32 slot;

	for (slot = 0; slot < kdev->hardware.queue_count; slot++) {
		struct kestrel_queue *queue = kestrel_queue_at(kdev, slot);

		kdev->reset.paused[slot] = queue;
		if (queue)
			drm_sched_wqueue_stop(&queue->sched);
	}
}

/**
 * kestrel_queues_resume - undo kestrel_queues_pause()
 * @kdev: device
 */
void kestrel_queues_resume(struct kestrel_device *kdev)
{
	u32 slot;

	for (slot = 0; slot < kdev->hardware.queue_count; slot++) {
		struct kestrel_queue *queue = kdev->reset.paused[slot];

		kdev->reset.paused[slot] = NULL;
		if (!queue)
			continue;
		drm_sched_wqueue_start(&queue->sched);
		kestrel_queue_put(queue);
	}
}

/**
 * kestrel_queues_lose - end the jobs that the firmware had
 * @kdev: device whose engines have stopped
 * @status: what the queues become, enum drm_kestrel_queue_status
 * @error: error of the fences
 * @all: queues without such jobs become so, too
 */
void kestrel_queues_lose(struct kestrel_device *kdev, u32 status, int error, bool all)
{
	u32 slot;

	for (slot = 0; slot < kdev->hardware.queue_count; slot++) {
		struct kestrel_queue *queue = kestrel_queue_at(kdev, slot);
		struct kestrel_job *job;

		if (!queue)
			continue;

		spin_lock(&queue->lock);
		list_for_each_entry(job, &queue->running, link)
			kestrel_fault_job(job, NULL, DRM_KESTREL_FAULT_RESET);
		if (all || !list_empty(&queue->running))
			kestrel_queue_die(queue, status, error);
		spin_unlock(&queue->lock);
		kestrel_queue_put(queue);
	}
}

/* A new ring holds what the firmware had not started when the system slept. */
static void kestrel_queue_ring_fill(struct kestrel_queue *queue)
{
	struct kestrel_fw_ring *ring = queue->ring.cpu;
	struct kestrel_fw_job *entries = (struct kestrel_fw_job *)(ring + 1);
	struct kestrel_job *job;

	spin_lock(&queue->lock);
	queue->write_index = 0;
	memset(ring, 0, sizeof(*ring));
	ring->hurry_seqno = lower_32_bits(queue->hurry_seqno);
	list_for_each_entry(job, &queue->running, link)
		entries[queue->write_index++ % queue->create.ring_entries] = job->command;
	dma_wmb();
	WRITE_ONCE(ring->write_index, queue->write_index);
	spin_unlock(&queue->lock);
}

static int kestrel_queue_attach(struct kestrel_queue *queue)
{
	struct kestrel_fw_request request = {
		.type = KESTREL_FW_REQUEST_CREATE_QUEUE,
		.queue = queue->slot,
		.create = queue->create,
	};
	int ret;

	kestrel_queue_ring_fill(queue);
	ret = kestrel_firmware_request(queue->kdev, &request);
	queue->in_firmware = !ret;
	if (!ret && queue->write_index)
		kestrel_write(queue->kdev, KESTREL_REG_DOORBELL, queue->slot);
	return ret;
}

/**
 * kestrel_queues_restore - make the living queues anew after a reset
 * @kdev: device with new firmware; the caller holds request_lock
 *
 * Return: 0 or a negative error code.
 */
int kestrel_queues_restore(struct kestrel_device *kdev)
{
	int ret = 0;
	u32 slot;

	for (slot = 0; !ret && slot < kdev->hardware.queue_count; slot++) {
		struct kestrel_queue *queue = kestrel_queue_at(kdev, slot);

		if (!queue)
			continue;
		if (queue->in_firmware && READ_ONCE(queue->status) == DRM_KESTREL_QUEUE_OK)
			ret = kestrel_queue_attach(queue);
		else
			queue->in_firmware = false;
		kestrel_queue_put(queue);
	}

	return ret;
}

/* Jobs that are left when the firmware has let go of a queue were killed with it. */
static void kestrel_queue_count_kill(struct kestrel_queue *queue)
{
	spin_lock(&queue->lock);
	if (!list_empty(&queue->running))
		atomic_inc(&queue->kdev->reset.kill_count);
	spin_unlock(&queue->lock);
}

static void kestrel_queue_detach(struct kestrel_queue *queue)
{
	struct kestrel_device *kdev = queue->kdev;
	struct kestrel_fw_request request = {
		.type = KESTREL_FW_REQUEST_DESTROY_QUEUE,
		.queue = queue->slot,
	};
	bool cookie, taken;
	int idx, ret = 0;

	if (drm_dev_enter(&kdev->drm, &idx)) {
		/* Jobs may end here, so this is in order with request_lock as in a reset. */
		cookie = dma_fence_begin_signalling();
		mutex_lock(&kdev->firmware.request_lock);
		/* Firmware that is off has forgotten it. */
		taken = queue->in_firmware;
		if (taken && kdev->power.on)
			ret = kestrel_firmware_request(kdev, &request);
		queue->in_firmware = false;
		if (ret && ret != -EIO)
			kestrel_reset_schedule(kdev, KESTREL_RESET_MCU);
		else if (kdev->power.on)
			/* Events about it must not be left for the next queue here. */
			kestrel_firmware_events_process(kdev);
		mutex_unlock(&kdev->firmware.request_lock);
		dma_fence_end_signalling(cookie);

		if (ret && ret != -EIO)
			kestrel_reset_wait(kdev);
		if (taken && !ret)
			kestrel_queue_count_kill(queue);
		drm_dev_exit(idx);
	}
}

/**
 * kestrel_queue_kill - take a queue away from the firmware, as if it were broken
 * @kdev: device
 * @slot: the queue's
 *
 * It dies as innocent, and its owner keeps it. That counts as a kill where the firmware
 * had jobs of it. Must not be called with request_lock or one below it held.
 *
 * Return: 0, -ENOENT when there is no such queue, -ENODEV when the device is going.
 */
int kestrel_queue_kill(struct kestrel_device *kdev, u32 slot)
{
	struct kestrel_queue *queue = NULL;
	int ret = 0;

	if (slot < kdev->hardware.queue_count)
		queue = kestrel_queue_at(kdev, slot);
	if (!queue)
		return -ENOENT;

	kestrel_queue_detach(queue);
	if (drm_dev_is_unplugged(&kdev->drm)) {
		/* It may be at work still, until its removal ends the jobs. */
		ret = -ENODEV;
	} else {
		spin_lock(&queue->lock);
		kestrel_queue_die(queue, DRM_KESTREL_QUEUE_INNOCENT, -ECANCELED);
		spin_unlock(&queue->lock);
	}
	kestrel_queue_put(queue);
	return ret;
}

/* Does nothing the second time: the device may go before its clients do. */
static void kestrel_queue_slot_free(struct kestrel_queue *queue)
{
	struct kestrel_device *kdev = queue->kdev;

	mutex_lock(&queue->memory_lock);
	if (queue->slot_freed)
		goto out_unlock;

	kestrel_firmware_unshare(kdev, &queue->ring);
	if (queue->save_area) {
		kestrel_firmware_unmap(kdev, queue->create.save_address, queue->create.save_size);
		drm_gem_object_put(&queue->save_area->base);
		queue->save_area = NULL;
	}

	spin_lock(&kdev->slot_lock);
	kdev->queue_slots[queue->slot] = NULL;
	spin_unlock(&kdev->slot_lock);
	kestrel_user_uncharge(queue->vm->user, KESTREL_USER_BYTES, queue->charged);
	kestrel_user_uncharge(queue->vm->user, KESTREL_USER_QUEUES, 1);
	queue->slot_freed = true;

out_unlock:
	mutex_unlock(&queue->memory_lock);
}

/**
 * kestrel_queue_close - take a queue away from firmware and owner
 * @queue: queue that its file does not find any more
 *
 * Returns when the device touches nothing of the queue and its jobs any more.
 */
void kestrel_queue_close(struct kestrel_queue *queue)
{
	mutex_lock(&queue->submit_lock);
	queue->closed = true;
	mutex_unlock(&queue->submit_lock);
	wake_up_all(&queue->room);

	kestrel_queue_detach(queue);
	/*
	 * Nobody asked the firmware, or a reset came too late: the device is at work
	 * until its removal has stopped it.
	 */
	if (drm_dev_is_unplugged(&queue->kdev->drm))
		wait_for_completion(&queue->kdev->silent);

	spin_lock(&queue->lock);
	kestrel_queue_die(queue, DRM_KESTREL_QUEUE_INNOCENT, -ECANCELED);
	spin_unlock(&queue->lock);

	kestrel_queue_slot_free(queue);
}

/**
 * kestrel_queues_shutdown - take all queues away from a device that goes
 * @kdev: unplugged device whose engines have stopped
 */
void kestrel_queues_shutdown(struct kestrel_device *kdev)
{
	u32 slot;

	for (slot = 0; slot < kdev->hardware.queue_count; slot++) {
		struct kestrel_queue *queue = kestrel_queue_at(kdev, slot);

		if (!queue)
			continue;
		spin_lock(&queue->lock);
		kestrel_queue_die(queue, DRM_KESTREL_QUEUE_WEDGED, -ENODEV);
		spin_unlock(&queue->lock);
		kestrel_queue_slot_free(queue);
		kestrel_queue_put(queue);
	}
}

/* Whether one more may be REALTIME, with so many slots. The caller holds slot_lock. */
static bool kestrel_queue_realtime_left(const struct kestrel_device *kdev, u32 slots)
{
	u32 slot, realtime = 0;

	lockdep_assert_held(&kdev->slot_lock);
	for (slot = 0; slot < slots; slot++) {
		const struct kestrel_queue *queue = kdev->queue_slots[slot];

		if (queue && queue->create.priority == KESTREL_FW_PRIORITY_REALTIME)
			realtime++;
	}
	return realtime < max(slots / KESTREL_QUEUE_REALTIME_PART, 1u);
}

static int kestrel_queue_slot_alloc(struct kestrel_queue *queue)
{
	struct kestrel_device *kdev = queue->kdev;
	u32 slots = min(kdev->hardware.queue_count, kdev->firmware.hello.queues_max);
	u32 slot = 0;
	int ret;

	ret = kestrel_user_charge(queue->vm->user, KESTREL_USER_QUEUES, 1);
	if (ret)
		return ret;

	spin_lock(&kdev->slot_lock);
	if (queue->create.priority == KESTREL_FW_PRIORITY_REALTIME &&
	    !kestrel_queue_realtime_left(kdev, slots))
		slot = slots;
	for (; slot < slots; slot++) {
		if (!kdev->queue_slots[slot]) {
			kdev->queue_slots[slot] = queue;
			queue->slot = slot;
			break;
		}
	}
	spin_unlock(&kdev->slot_lock);
	if (slot < slots)
		return 0;

	kestrel_user_uncharge(queue->vm->user, KESTREL_USER_QUEUES, 1);
	return -ENOSPC;
}

/* Engine cycles of a time at the highest clock, in what the firmware accepts. */
static u64 kestrel_queue_cycles(const struct kestrel_device *kdev, u64 time_us, u64 min_cycles,
				u64 max_cycles)
{
	if (!time_us)
		return 0;
	return clamp(div_u64(time_us * kdev->hardware.clock_max_khz, 1000), min_cycles, max_cycles);
}

static int kestrel_queue_memory_init(struct kestrel_queue *queue)
{
	struct kestrel_device *kdev = queue->kdev;
	struct kestrel_fw_create_queue *create = &queue->create;
	size_t ring_bytes = PAGE_ALIGN(KESTREL_FW_RING_BYTES(create->ring_entries));
	size_t save_bytes = PAGE_ALIGN(kdev->hardware.sram_bytes);
	struct drm_gem_shmem_object *save_area;
	struct sg_table *sgt;
	int ret;

	/* A ring of several pages may come from CMA, which no memory cgroup is charged for. */
	ret = kestrel_user_charge(queue->vm->user, KESTREL_USER_BYTES, ring_bytes + save_bytes);
	if (ret)
		return ret;
	queue->charged = ring_bytes + save_bytes;

	ret = kestrel_firmware_share(kdev, &queue->ring, KESTREL_SHARED_RING_VA(queue->slot),
				     ring_bytes,
				     KESTREL_PTE_READ | KESTREL_PTE_WRITE, GFP_KERNEL_ACCOUNT);
	if (ret)
		return ret;
	create->ring_address = queue->ring.va;

	save_area = drm_gem_shmem_create(&kdev->drm, save_bytes);
	if (IS_ERR(save_area))
		return PTR_ERR(save_area);
	sgt = kestrel_bo_pin(&save_area->base);
	if (IS_ERR(sgt)) {
		drm_gem_object_put(&save_area->base);
		return PTR_ERR(sgt);
	}
	create->save_address = KESTREL_SHARED_SAVE_VA(queue->slot);
	create->save_size = save_area->base.size;
	ret = kestrel_firmware_map(kdev, create->save_address, sgt, create->save_size);
	if (ret) {
		drm_gem_object_put(&save_area->base);
		return ret;
	}
	queue->save_area = save_area;
	return 0;
}

static int kestrel_queue_sched_init(struct kestrel_queue *queue)
{
	struct drm_gpu_scheduler *sched = &queue->sched;
	int ret;

	ret = kestrel_compat_sched_init(sched, &kestrel_job_sched_ops, queue->kdev->sched_wq,
					queue->create.ring_entries, "kestrel",
					queue->kdev->drm.dev);
	if (ret)
		return ret;

	ret = drm_sched_entity_init(&queue->entity, DRM_SCHED_PRIORITY_KERNEL, &sched, 1, NULL);
	if (ret)
		drm_sched_fini(sched);
	return ret;
}

static struct kestrel_queue *kestrel_queue_create(struct kestrel_vm *vm,
						  const struct drm_kestrel_queue_create *args)
{
	const struct kestrel_fw_control_firmware *hello = &vm->kdev->firmware.hello;
	struct kestrel_queue *queue;
	int idx, ret;

	queue = kzalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT);
	if (!queue)
		return ERR_PTR(-ENOMEM);
	if (args->flags & DRM_KESTREL_QUEUE_PERF) {
		queue->perf = kzalloc(sizeof(*queue->perf), GFP_KERNEL_ACCOUNT);
		if (!queue->perf) {
			kfree(queue);
			return ERR_PTR(-ENOMEM);
		}
	}

	kref_init(&queue->refcount);
	queue->kdev = vm->kdev;
	queue->max_jobs = args->max_jobs;
	queue->create.ring_entries = max(args->max_jobs, 2u);
	queue->create.asid = vm->asid;
	queue->create.priority = args->priority;
	queue->create.time_slice_cycles =
		kestrel_queue_cycles(vm->kdev, args->timeslice_us, hello->time_slice_min_cycles,
				     KESTREL_FW_TIME_SLICE_MAX_CYCLES);
	queue->create.job_timeout_cycles =
		kestrel_queue_cycles(vm->kdev, args->job_timeout_ms * 1000ull,
				     KESTREL_FW_JOB_TIMEOUT_MIN_CYCLES,
				     hello->job_timeout_max_cycles);
	queue->fence_context = dma_fence_context_alloc(1);
	INIT_WORK(&queue->release_work, kestrel_queue_release_work);
	init_waitqueue_head(&queue->room);
	mutex_init(&queue->submit_lock);
	mutex_init(&queue->memory_lock);
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->running);

	ret = kestrel_queue_sched_init(queue);
	if (ret) {
		mutex_destroy(&queue->memory_lock);
		mutex_destroy(&queue->submit_lock);
		kfree(queue->perf);
		kfree(queue);
		return ERR_PTR(ret);
	}
	/* From here on the queue's release undoes everything. */
	drm_dev_get(&vm->kdev->drm);
	queue->vm = kestrel_vm_ref(vm);

	ret = kestrel_queue_slot_alloc(queue);
	if (ret)
		goto err_put;

	if (!drm_dev_enter(&vm->kdev->drm, &idx)) {
		ret = -ENODEV;
		goto err_close;
	}
	ret = kestrel_queue_memory_init(queue);
	if (!ret)
		ret = kestrel_power_get(vm->kdev);
	if (!ret) {
		/*
		 * Not between the two halves of a reset: it would not be paused, and ring
		 * the doorbell of a device that may be given up by then.
		 */
		mutex_lock(&vm->kdev->power.lock);
		mutex_lock(&vm->kdev->firmware.request_lock);
		ret = kestrel_queue_attach(queue);
		if (ret == -ETIMEDOUT)
			kestrel_reset_schedule(vm->kdev, KESTREL_RESET_MCU);
		mutex_unlock(&vm->kdev->firmware.request_lock);
		mutex_unlock(&vm->kdev->power.lock);
		if (ret == -ETIMEDOUT)
			kestrel_reset_wait(vm->kdev);
		if (ret == -ETIMEDOUT || ret == -EPROTO)
			ret = -EIO;
		kestrel_power_put(vm->kdev);
	}
	drm_dev_exit(idx);
	if (ret)
		goto err_close;

	return queue;

err_close:
	kestrel_queue_close(queue);
err_put:
	kestrel_queue_put(queue);
	return ERR_PTR(ret);
}

/**
 * kestrel_queue_create_ioctl - DRM_IOCTL_KESTREL_QUEUE_CREATE
 * @drm: device
 * @data: struct drm_kestrel_queue_create
 * @drm_file: file
 *
 * Return: 0 or a negative error code.
 */
int kestrel_queue_create_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct kestrel_device *kdev = to_kestrel_device(drm);
	struct kestrel_file *file = drm_file->driver_priv;
	struct drm_kestrel_queue_create *args = data;
	struct drm_kestrel_query_limits limits;
	struct kestrel_queue *queue;
	struct kestrel_vm *vm;
	int ret;

	kestrel_drv_limits(kdev, &limits);
	ret = kestrel_args_queue_create(args, limits.max_queue_jobs, limits.max_job_timeout_ms,
					limits.max_timeslice_us);
	if (ret)
		return ret;
	if (args->priority > DRM_KESTREL_PRIORITY_NORMAL && !capable(CAP_SYS_NICE))
		return -EACCES;
	if (kestrel_reset_wedged(kdev))
		return -EIO;

	vm = kestrel_vm_get(file, args->vm_id);
	if (!vm)
		return -ENOENT;

	queue = kestrel_queue_create(vm, args);
	if (IS_ERR(queue)) {
		ret = PTR_ERR(queue);
		goto out_put_vm;
	}

	/*
	 * A VM that was destroyed meanwhile gets no queue any more. Once the file
	 * has the queue somebody may destroy it.
	 */
	kref_get(&queue->refcount);
	mutex_lock(&file->lock);
	if (xa_load(&file->vms, args->vm_id) == vm)
		ret = xa_alloc(&file->queues, &queue->id, queue,
			       XA_LIMIT(1, KESTREL_MAX_QUEUES), GFP_KERNEL);
	else
		ret = -ENOENT;
	mutex_unlock(&file->lock);

	if (ret) {
		kestrel_queue_close(queue);
		kestrel_queue_put(queue);
		ret = ret == -EBUSY ? -ENOSPC : ret;
	} else {
		args->queue_id = queue->id;
	}
	kestrel_queue_put(queue);

out_put_vm:
	kestrel_vm_put(vm);
	return ret;
}

/**
 * kestrel_queue_destroy_ioctl - DRM_IOCTL_KESTREL_QUEUE_DESTROY
 * @drm: device
 * @data: struct drm_kestrel_queue_destroy
 * @drm_file: file
 *
 * Return: 0 or a negative error code.
 */
int kestrel_queue_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct kestrel_file *file = drm_file->driver_priv;
	struct drm_kestrel_queue_destroy *args = data;
	struct kestrel_queue *queue;

	if (args->flags)
		return -EINVAL;

	queue = xa_erase(&file->queues, args->queue_id);
	if (!queue)
		return -ENOENT;

	kestrel_file_queue_close(file, queue);
	return 0;
}

/**
 * kestrel_queue_state_ioctl - DRM_IOCTL_KESTREL_QUEUE_STATE
 * @drm: device
 * @data: struct drm_kestrel_queue_state
 * @drm_file: file
 *
 * Return: 0 or a negative error code.
 */
int kestrel_queue_state_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct drm_kestrel_queue_state *args = data;
	struct kestrel_queue *queue;

	if (args->pad)
		return -EINVAL;

	queue = kestrel_queue_get(drm_file->driver_priv, args->queue_id);
	if (!queue)
		return -ENOENT;

	mutex_lock(&queue->submit_lock);
	args->submitted = queue->submitted;
	mutex_unlock(&queue->submit_lock);

	spin_lock(&queue->lock);
	args->status = queue->status;
	args->completed = queue->completed;
	args->active_cycles = queue->active_cycles;
	args->fault_count = queue->fault_count;
	spin_unlock(&queue->lock);

	kestrel_queue_put(queue);
	return 0;
}
