/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_MMU_H_
#define _KESTREL_MMU_H_

#include <linux/idr.h>
#include <linux/mutex.h>

#include <kestrel/regs.h>

#include "kestrel_pagetable.h"

struct kestrel_device;
struct sg_table;

/**
 * struct kestrel_mmu - the device's memory management unit
 */
struct kestrel_mmu {
	/** @asids: ASIDs in use; has its own lock. */
	struct ida asids;
	/**
	 * @lock: guards the address space table, invalidation, the fault FIFO, @roots
	 * and @stopped.
	 */
	struct mutex lock;
	/** @stopped: the hardware is at rest and must not be touched. Guarded by @lock. */
	bool stopped;
	/**
	 * @roots: bus address of each ASID's page table, 0 when it has none;
	 * what a reset of the device restores. Guarded by @lock.
	 */
	dma_addr_t roots[KESTREL_ASID_MAX];
};

/**
 * struct kestrel_mmu_fault - one record of the fault FIFO
 */
struct kestrel_mmu_fault {
	/** @va: address that could not be accessed. */
	u64 va;
	/** @asid: address space. */
	u32 asid;
	/** @access: KESTREL_ACCESS_*. */
	u32 access;
	/** @unit: enum kestrel_unit. */
	u32 unit;
	/** @cause: KESTREL_MMU_CAUSE_*. */
	u32 cause;
	/** @tag: KESTREL_FW_TAG() of the job. */
	u32 tag;
};

int kestrel_mmu_init(struct kestrel_device *kdev);
void kestrel_mmu_stop(struct kestrel_device *kdev);
void kestrel_mmu_revoke(struct kestrel_device *kdev);
void kestrel_mmu_restore(struct kestrel_device *kdev);
int kestrel_mmu_asid_alloc(struct kestrel_device *kdev);
void kestrel_mmu_asid_free(struct kestrel_device *kdev, unsigned int asid);
int kestrel_mmu_table_init(struct kestrel_device *kdev, struct kestrel_pagetable *pt);
void kestrel_mmu_attach(struct kestrel_device *kdev, unsigned int asid,
			const struct kestrel_pagetable *pt);
void kestrel_mmu_detach(struct kestrel_device *kdev, unsigned int asid);
void kestrel_mmu_invalidate(struct kestrel_device *kdev, unsigned int asid, u64 va, u64 size);
int kestrel_mmu_sgt_reserve(struct kestrel_pagetable *pt, u64 va, struct sg_table *sgt,
			    u64 offset, u64 size);
void kestrel_mmu_sgt_map(struct kestrel_pagetable *pt, u64 va, struct sg_table *sgt, u64 offset,
			 u64 size, u64 permissions);
void kestrel_mmu_faults_process(struct kestrel_device *kdev);

#endif /* _KESTREL_MMU_H_ */
