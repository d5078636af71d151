// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

#include <linux/export.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include <kunit/visibility.h>

#include "kestrel_args.h"
#include "kestrel_array.h"
#include "kestrel_device.h"
#include "kestrel_drv.h"
#include "kestrel_fault.h"
#include "kestrel_job.h"
#include "kestrel_queue.h"
#include "kestrel_trace.h"
#include "kestrel_vm.h"

/**
 * kestrel_fault_push - add a record to a ring
 * @ring: ring; overwrites its oldest record when it is full
 * @fault: record
 */
void kestrel_fault_push(struct kestrel_fault_ring *ring, const struct drm_kestrel_fault *fault)
{
	ring->records[ring->written++ % KESTREL_FAULT_RECORDS] = *fault;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_fault_push);

/**
 * kestrel_fault_range - which records a reader gets
 * @ring: ring
 * @cursor: record that the reader wants first
 * @capacity: how many it has room for
 * @first: set to the first record that it gets
 * @count: set to how many it gets
 * @lost: set to how many between @cursor and @first are overwritten
 *
 * Return: as kestrel_array_range().
 */
int kestrel_fault_range(const struct kestrel_fault_ring *ring, u64 cursor, u32 capacity,
			u64 *first, u32 *count, u32 *lost)
{
	return kestrel_array_range(ring->written, KESTREL_FAULT_RECORDS, cursor, capacity, first,
				   count, lost);
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_fault_range);

static u32 kestrel_fault_access(u32 access)
{
	switch (access) {
	case KESTREL_ACCESS_READ:
		return DRM_KESTREL_ACCESS_READ;
	case KESTREL_ACCESS_WRITE:
		return DRM_KESTREL_ACCESS_WRITE;
	case KESTREL_ACCESS_FETCH:
		return DRM_KESTREL_ACCESS_FETCH;
	default:
		return DRM_KESTREL_ACCESS_NONE;
	}
}

/**
 * kestrel_fault_mmu - note a record of the MMU
 * @kdev: device
 * @fault: the record
 *
 * The MMU knows the access, the firmware the job: kestrel_fault_job() joins the
 * two. A record of the firmware's own address space goes to the kernel log.
 */
void kestrel_fault_mmu(struct kestrel_device *kdev, const struct kestrel_mmu_fault *fault)
{
	struct kestrel_vm *vm = NULL;

	trace_kestrel_fault(fault);
	if (fault->asid == KESTREL_ASID_FIRMWARE || fault->asid >= KESTREL_ASID_MAX) {
		dev_err_ratelimited(kdev->drm.dev,
				    "MMU fault in address space %u at %#llx: access %u, unit %u, cause %u\n",
				    fault->asid, fault->va, fault->access, fault->unit,
				    fault->cause);
		return;
	}

	spin_lock(&kdev->slot_lock);
	vm = kdev->vm_slots[fault->asid];
	if (vm) {
		spin_lock(&vm->fault_lock);
		vm->faults.mmu_va = fault->va;
		vm->faults.mmu_tag = fault->tag;
		vm->faults.mmu_access = kestrel_fault_access(fault->access);
		spin_unlock(&vm->fault_lock);
	}
	spin_unlock(&kdev->slot_lock);
}

/**
 * kestrel_fault_job - report a failed job to the owner of its VM
 * @job: the job
 * @event: what the firmware said; NULL when it was lost in a reset
 * @type: enum drm_kestrel_fault_type
 */
void kestrel_fault_job(const struct kestrel_job *job, const struct kestrel_fw_event *event,
		       u32 type)
{
	struct kestrel_vm *vm = job->queue->vm;
	struct drm_kestrel_fault fault = {
		.time_ns = ktime_get_ns(),
		.seqno = job->seqno,
		.user_tag = job->user_tag,
		.queue_id = job->queue->id,
		.type = type,
		.access = DRM_KESTREL_ACCESS_NONE,
	};

	if (event && event->type == KESTREL_FW_EVENT_JOB_FAULT) {
		fault.unit = event->fault_unit;
		fault.stream_offset = event->fault_offset;
		fault.code = event->fault_code;
	}

	spin_lock(&vm->fault_lock);
	if (type == DRM_KESTREL_FAULT_MMU) {
		fault.va = event->fault_address;
		if (vm->faults.mmu_tag == KESTREL_FW_TAG(job->queue->slot, job->seqno)) {
			fault.access = vm->faults.mmu_access;
			vm->faults.mmu_access = DRM_KESTREL_ACCESS_NONE;
		}
	}
	kestrel_fault_push(&vm->faults, &fault);
	spin_unlock(&vm->fault_lock);
}

/**
 * kestrel_fault_read_ioctl - DRM_IOCTL_KESTREL_FAULT_READ
 * @drm: device
 * @data: struct drm_kestrel_fault_read
 * @drm_file: file
 *
 * Return: 0 or a negative error code.
 */
int kestrel_fault_read_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct drm_kestrel_fault_read *args = data;
	struct drm_kestrel_fault *records;
	u64 first = 0, i;
	u32 count = 0;
	struct kestrel_vm *vm;
	int ret;

	if (args->flags || args->pad)
		return -EINVAL;
	ret = kestrel_args_array(&args->faults, KESTREL_FAULT_BYTES_MIN, 0, U32_MAX);
	if (ret)
		return ret;

	vm = kestrel_vm_get(drm_file->driver_priv, args->vm_id);
	if (!vm)
		return -ENOENT;

	records = kcalloc(KESTREL_FAULT_RECORDS, sizeof(*records), GFP_KERNEL);
	if (!records) {
		ret = -ENOMEM;
		goto out_put;
	}

	spin_lock(&vm->fault_lock);
	ret = kestrel_fault_range(&vm->faults, args->cursor, args->faults.count, &first, &count,
				  &args->lost);
	for (i = 0; !ret && i < count; i++)
		records[i] = vm->faults.records[(first + i) % KESTREL_FAULT_RECORDS];
	spin_unlock(&vm->fault_lock);

	if (!ret)
		ret = kestrel_array_return(&args->faults, records, sizeof(*records), count);
	if (!ret) {
		args->faults.count = count;
		args->cursor = first + count;
	}

	kfree(records);
out_put:
	kestrel_vm_put(vm);
	return ret;
}
