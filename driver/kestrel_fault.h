/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_FAULT_H_
#define _KESTREL_FAULT_H_

#include <linux/types.h>

#include <drm/kestrel_accel.h>

#define KESTREL_FAULT_RECORDS	64

struct drm_device;
struct drm_file;
struct kestrel_device;
struct kestrel_job;
struct kestrel_fw_event;
struct kestrel_mmu_fault;
struct kestrel_vm;

/**
 * struct kestrel_fault_ring - the last faults of a VM
 *
 * All members are guarded by &kestrel_vm.fault_lock.
 */
struct kestrel_fault_ring {
	/** @written: records ever written. */
	u64 written;
	/** @records: record n is at n % KESTREL_FAULT_RECORDS. */
	struct drm_kestrel_fault records[KESTREL_FAULT_RECORDS];
	/** @mmu_va: address of the last record of the MMU. */
	u64 mmu_va;
	/** @mmu_tag: its tag. */
	u32 mmu_tag;
	/** @mmu_access: its access, enum drm_kestrel_access; NONE when used up. */
	u32 mmu_access;
};

void kestrel_fault_push(struct kestrel_fault_ring *ring, const struct drm_kestrel_fault *fault);
int kestrel_fault_range(const struct kestrel_fault_ring *ring, u64 cursor, u32 capacity,
			u64 *first, u32 *count, u32 *lost);
void kestrel_fault_mmu(struct kestrel_device *kdev, const struct kestrel_mmu_fault *fault);
void kestrel_fault_job(const struct kestrel_job *job, const struct kestrel_fw_event *event,
		       u32 type);
int kestrel_fault_read_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);

#endif /* _KESTREL_FAULT_H_ */
