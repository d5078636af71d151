/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_QUEUE_H_
#define _KESTREL_QUEUE_H_

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <drm/gpu_scheduler.h>
#include <drm/kestrel_accel.h>

#include "kestrel_firmware.h"

struct drm_device;
struct drm_gem_shmem_object;
struct drm_file;
struct kestrel_device;
struct kestrel_file;
struct kestrel_job;
struct kestrel_perf_ring;
struct kestrel_vm;

/**
 * struct kestrel_queue - one queue of jobs
 *
 * Referenced by the file that it belongs to and by each of its jobs. A DRM
 * scheduler of its own does nothing but wait for what jobs depend on.
 */
struct kestrel_queue {
	/** @refcount: references. */
	struct kref refcount;
	/** @kdev: device; the queue keeps it. */
	struct kestrel_device *kdev;
	/** @vm: where its jobs run; the queue has a reference. */
	struct kestrel_vm *vm;
	/** @id: identifier in its file; set before the file can find it. */
	u32 id;
	/** @slot: index of doorbell and firmware queue; constant. */
	u32 slot;
	/** @max_jobs: jobs that may be pending; constant. */
	u32 max_jobs;
	/** @create: what the firmware is told to make it; constant. */
	struct kestrel_fw_create_queue create;
	/** @memory_lock: mutex: guards the end of @ring and @save_area. */
	struct mutex memory_lock;
	/** @slot_freed: @slot, @ring and @save_area are gone. Guarded by @memory_lock. */
	bool slot_freed;
	/** @ring: struct kestrel_fw_ring; not used once the queue is dead. */
	struct kestrel_shared ring;
	/** @save_area: memory for preempted jobs. Freed under @memory_lock. */
	struct drm_gem_shmem_object *save_area;
	/** @charged: bytes of both that its user is charged for. Guarded by @memory_lock. */
	u64 charged;
	/** @sched: dependency tracker. */
	struct drm_gpu_scheduler sched;
	/** @entity: the only entity of @sched. */
	struct drm_sched_entity entity;
	/** @fence_context: context of its fences; constant. */
	u64 fence_context;
	/** @release_work: ends the queue where it may sleep. */
	struct work_struct release_work;
	/** @room: woken when jobs end, or the queue dies. */
	wait_queue_head_t room;

	/** @submit_lock: guards the members down to @last_fence; orders jobs. */
	struct mutex submit_lock;
	/** @closed: destroyed: takes no jobs. Guarded by @submit_lock. */
	bool closed;
	/** @submitted: seqno of the last job. Guarded by @submit_lock. */
	u64 submitted;
	/** @last_fence: its fence, or NULL. Guarded by @submit_lock. */
	struct dma_fence *last_fence;

	/**
	 * @in_firmware: the firmware has it. Guarded by
	 * &kestrel_firmware.request_lock.
	 */
	bool in_firmware;

	/** @lock: guards the members below. */
	spinlock_t lock;
	/** @status: enum drm_kestrel_queue_status. Guarded by @lock. */
	u32 status;
	/** @error: error of the fences of jobs that it does not run. Guarded by @lock. */
	int error;
	/** @running: jobs that the firmware has, in order. Guarded by @lock. */
	struct list_head running;
	/** @hurry_seqno: last job with a near deadline; 0: none. Guarded by @lock. */
	u64 hurry_seqno;
	/** @write_index: jobs ever put into @ring. Guarded by @lock. */
	u32 write_index;
	/** @pending: jobs submitted and not ended. Guarded by @lock. */
	u32 pending;
	/** @completed: seqno of the last job that ended. Guarded by @lock. */
	u64 completed;
	/** @active_cycles: engine cycles of all ended jobs. Guarded by @lock. */
	u64 active_cycles;
	/**
	 * @used_cycles: the most that kestrel_queue_used_cycles() has told. Guarded
	 * by @lock.
	 */
	u64 used_cycles;
	/** @fault_count: jobs that failed by their own fault. Guarded by @lock. */
	u32 fault_count;
	/** @perf: what its last jobs did; NULL: nobody asked. Its content guarded by @lock. */
	struct kestrel_perf_ring *perf;
};

int kestrel_queue_module_init(void);
void kestrel_queue_module_exit(void);

struct kestrel_queue *kestrel_queue_get(struct kestrel_file *file, u32 id);
struct kestrel_queue *kestrel_queue_at(struct kestrel_device *kdev, u32 slot);
void kestrel_queue_put(struct kestrel_queue *queue);
void kestrel_queue_close(struct kestrel_queue *queue);
u64 kestrel_queue_used_cycles(struct kestrel_queue *queue);
struct dma_fence *kestrel_queue_last_fence(struct kestrel_queue *queue);
int kestrel_queue_kill(struct kestrel_device *kdev, u32 slot);
int kestrel_queue_event(struct kestrel_device *kdev, const struct kestrel_fw_event *event);

void kestrel_queues_shutdown(struct kestrel_device *kdev);
void kestrel_queues_pause(struct kestrel_device *kdev);
void kestrel_queues_resume(struct kestrel_device *kdev);
void kestrel_queues_lose(struct kestrel_device *kdev, u32 status, int error, bool all);
int kestrel_queues_restore(struct kestrel_device *kdev);

int kestrel_queue_create_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);
int kestrel_queue_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);
int kestrel_queue_state_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);

#endif /* _KESTREL_QUEUE_H_ */
