// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

#include <linux/dma-mapping.h>
#include <linux/iopoll.h>
#include <linux/moduleparam.h>
#include <linux/scatterlist.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "kestrel_device.h"
#include "kestrel_fault.h"
#include "kestrel_mmu.h"

static unsigned int invalidate_timeout_ms = 1000;
module_param(invalidate_timeout_ms, uint, 0644);
MODULE_PARM_DESC(invalidate_timeout_ms,
		 "Time in which the MMU has to answer an invalidation, in ms (default 1000)");

/*
 * Charged to the client, and given back one by one: a pool would keep what one
 * client's mappings have cost until the device goes.
 */
static __le64 *kestrel_mmu_table_alloc(void *context, dma_addr_t *address)
{
	struct kestrel_device *kdev = context;

	return dma_alloc_coherent(kdev->drm.dev, KESTREL_PAGE_SIZE, address, GFP_KERNEL_ACCOUNT);
}

static void kestrel_mmu_table_free(void *context, __le64 *entries, dma_addr_t address)
{
	struct kestrel_device *kdev = context;

	if (!kestrel_reset_keeps(kdev, KESTREL_PAGE_SIZE))
		dma_free_coherent(kdev->drm.dev, KESTREL_PAGE_SIZE, entries, address);
}

static const struct kestrel_pagetable_ops kestrel_mmu_table_ops = {
	.alloc = kestrel_mmu_table_alloc,
	.free = kestrel_mmu_table_free,
};

/* VMs, and so their ASIDs, may live longer than the hardware. */
static void kestrel_mmu_asids_destroy(struct drm_device *drm, void *asids)
{
	ida_destroy(asids);
}

/**
 * kestrel_mmu_init - prepare the MMU
 * @kdev: device, identified
 *
 * Return: 0 or a negative error code.
 */
int kestrel_mmu_init(struct kestrel_device *kdev)
{
	struct kestrel_mmu *mmu = &kdev->mmu;
	int ret;

	ret = drmm_mutex_init(&kdev->drm, &mmu->lock);
	if (ret)
		return ret;

	ida_init(&mmu->asids);
	return drmm_add_action_or_reset(&kdev->drm, kestrel_mmu_asids_destroy, &mmu->asids);
}

/**
 * kestrel_mmu_asid_alloc - get a free address space identifier
 * @kdev: device
 *
 * Return: the ASID, -ENOSPC or -ENOMEM.
 */
int kestrel_mmu_asid_alloc(struct kestrel_device *kdev)
{
	return ida_alloc_range(&kdev->mmu.asids, KESTREL_ASID_FIRMWARE + 1,
			       kdev->hardware.asid_count - 1, GFP_KERNEL);
}

/**
 * kestrel_mmu_asid_free - give an identifier back
 * @kdev: device
 * @asid: detached ASID
 */
void kestrel_mmu_asid_free(struct kestrel_device *kdev, unsigned int asid)
{
	ida_free(&kdev->mmu.asids, asid);
}

/**
 * kestrel_mmu_table_init - make an empty page table for this device
 * @kdev: device
 * @pt: page table
 *
 * Return: 0 or -ENOMEM.
 */
int kestrel_mmu_table_init(struct kestrel_device *kdev, struct kestrel_pagetable *pt)
{
	return kestrel_pagetable_init(pt, &kestrel_mmu_table_ops, kdev);
}

static void kestrel_mmu_write_entry(struct kestrel_device *kdev, unsigned int asid)
{
	u64 ppn = kdev->mmu.roots[asid] >> KESTREL_PAGE_SHIFT;

	kestrel_write(kdev, KESTREL_REG_ASID_TABLE_LO(asid), lower_32_bits(ppn));
	kestrel_write(kdev, KESTREL_REG_ASID_TABLE_HI(asid),
		      ppn ? upper_32_bits(ppn) | KESTREL_ASID_TABLE_HI_VALID : 0);
}

/* Returns whether the device did it in time. */
static bool kestrel_mmu_invalidate_run(struct kestrel_device *kdev, u32 type)
{
	u32 status;
	int ret;

	kestrel_write(kdev, KESTREL_REG_INVALIDATE_START, type);
	ret = readl_poll_timeout(kdev->registers + KESTREL_REG_INVALIDATE_STATUS, status,
				 status == ~0u || !(status & KESTREL_INVALIDATE_BUSY), 1,
				 invalidate_timeout_ms * 1000ul);
	return !ret && status != ~0u;
}

/**
 * kestrel_mmu_invalidate - make the device forget translations
 * @kdev: device
 * @asid: address space
 * @va: first address
 * @size: bytes; 0 stands for the whole address space
 *
 * When this returns the device uses nothing of the old translations any more:
 * it said so, was reset, or is gone; or else it keeps the memory, which
 * kestrel_reset_keeps() says.
 *
 * Goes by kestrel_mmu.stopped and not by drm_dev_enter(): a device that is
 * unplugged still reads and writes memory until it has been reset. May be called
 * by who has entered the device, so nothing here waits for its removal.
 */
void kestrel_mmu_invalidate(struct kestrel_device *kdev, unsigned int asid, u64 va, u64 size)
{
	bool done;

	mutex_lock(&kdev->mmu.lock);
	/* What is off remembers nothing, and what is given up is not asked. */
	if (kdev->mmu.stopped || !kdev->power.on) {
		mutex_unlock(&kdev->mmu.lock);
		return;
	}
	kestrel_write(kdev, KESTREL_REG_INVALIDATE_ASID, asid);
	kestrel_write64(kdev, KESTREL_REG_INVALIDATE_VA_LO, va);
	kestrel_write64(kdev, KESTREL_REG_INVALIDATE_LENGTH_LO, size);
	done = kestrel_mmu_invalidate_run(kdev, size ? KESTREL_INVALIDATE_RANGE :
						       KESTREL_INVALIDATE_ASID);
	if (!done)
		kestrel_reset_doubt(kdev);
	mutex_unlock(&kdev->mmu.lock);

	if (!done) {
		drm_err(&kdev->drm, "the MMU does not answer an invalidation\n");
		kestrel_reset_run(kdev, KESTREL_RESET_FULL);
	}
}

/**
 * kestrel_mmu_attach - let an ASID use a page table
 * @kdev: device
 * @asid: ASID without a page table
 * @pt: page table
 */
void kestrel_mmu_attach(struct kestrel_device *kdev, unsigned int asid,
			const struct kestrel_pagetable *pt)
{
	mutex_lock(&kdev->mmu.lock);
	kdev->mmu.roots[asid] = pt->root->address;
	/* A device that is off gets its table when it is switched on. */
	if (kdev->power.on && !kdev->mmu.stopped)
		kestrel_mmu_write_entry(kdev, asid);
	mutex_unlock(&kdev->mmu.lock);
}

/**
 * kestrel_mmu_detach - take the page table of an ASID away
 * @kdev: device
 * @asid: ASID
 *
 * Every access by this ASID faults from here on, and the device walks nothing
 * of its tables any more.
 */
void kestrel_mmu_detach(struct kestrel_device *kdev, unsigned int asid)
{
	mutex_lock(&kdev->mmu.lock);
	kdev->mmu.roots[asid] = 0;
	if (kdev->power.on && !kdev->mmu.stopped)
		kestrel_mmu_write_entry(kdev, asid);
	mutex_unlock(&kdev->mmu.lock);

	kestrel_mmu_invalidate(kdev, asid, 0, 0);
}

/**
 * kestrel_mmu_restore - write the address space table after a device reset
 * @kdev: device, entered
 */
void kestrel_mmu_restore(struct kestrel_device *kdev)
{
	unsigned int asid;

	mutex_lock(&kdev->mmu.lock);
	for (asid = 0; asid < kdev->hardware.asid_count; asid++) {
		if (kdev->mmu.roots[asid])
			kestrel_mmu_write_entry(kdev, asid);
	}
	mutex_unlock(&kdev->mmu.lock);
}

/**
 * kestrel_mmu_stop - touch the hardware no more
 * @kdev: device that has been reset, or is gone
 *
 * The registers go with the driver; page tables may be taken apart later.
 */
void kestrel_mmu_stop(struct kestrel_device *kdev)
{
	mutex_lock(&kdev->mmu.lock);
	kdev->mmu.stopped = true;
	mutex_unlock(&kdev->mmu.lock);
}

/**
 * kestrel_mmu_revoke - take every address space from a device that does not stop
 * @kdev: device that does not finish its reset
 *
 * It may still be at work; without tables, every access that it begins faults.
 */
void kestrel_mmu_revoke(struct kestrel_device *kdev)
{
	unsigned int asid;

	mutex_lock(&kdev->mmu.lock);
	for (asid = 0; kdev->power.on && asid < kdev->hardware.asid_count; asid++) {
		kestrel_write(kdev, KESTREL_REG_ASID_TABLE_HI(asid), 0);
		kestrel_write(kdev, KESTREL_REG_ASID_TABLE_LO(asid), 0);
	}
	/*
	 * Tried, not waited for: nothing that this device says counts. All at once,
	 * because a second one would be ignored while the first is being done.
	 */
	if (kdev->power.on)
		kestrel_write(kdev, KESTREL_REG_INVALIDATE_START, KESTREL_INVALIDATE_ALL);
	mutex_unlock(&kdev->mmu.lock);
}

/*
 * Calls the page table for every contiguous piece of bytes [offset, offset +
 * size) of a scatter list: to map them, or to reserve what that takes.
 */
static int kestrel_mmu_sgt_walk(struct kestrel_pagetable *pt, u64 va, struct sg_table *sgt,
				u64 offset, u64 size, bool map, u64 permissions)
{
	struct scatterlist *sg;
	unsigned int i;
	int ret;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		u64 length = sg_dma_len(sg);
		dma_addr_t address;
		u64 piece;

		if (offset >= length) {
			offset -= length;
			continue;
		}

		address = sg_dma_address(sg) + offset;
		piece = min(length - offset, size);
		if (!IS_ALIGNED(address | piece, KESTREL_PAGE_SIZE))
			return -EINVAL;

		if (map) {
			kestrel_pagetable_map(pt, va, address, piece, permissions);
		} else {
			ret = kestrel_pagetable_reserve_map(pt, va, address, piece);
			if (ret)
				return ret;
		}

		va += piece;
		size -= piece;
		offset = 0;
		if (!size)
			return 0;
	}

	/* Whoever made the list promised more memory than it has. */
	return -EINVAL;
}

/**
 * kestrel_mmu_sgt_reserve - kestrel_pagetable_reserve_map() for a scatter list
 * @pt: page table
 * @va: first address
 * @sgt: memory, mapped for DMA
 * @offset: first byte of it
 * @size: bytes
 *
 * Return: 0, -ENOMEM, or -EINVAL when the list is too short, or a part of it is
 * not made of whole pages.
 */
int kestrel_mmu_sgt_reserve(struct kestrel_pagetable *pt, u64 va, struct sg_table *sgt,
			    u64 offset, u64 size)
{
	return kestrel_mmu_sgt_walk(pt, va, sgt, offset, size, false, 0);
}

/**
 * kestrel_mmu_sgt_map - kestrel_pagetable_map() for a scatter list
 * @pt: page table
 * @va: first address
 * @sgt: memory, mapped for DMA
 * @offset: first byte of it
 * @size: bytes
 * @permissions: KESTREL_PTE_READ, _WRITE and _EXECUTE
 *
 * kestrel_mmu_sgt_reserve() must have been called with the same arguments.
 */
void kestrel_mmu_sgt_map(struct kestrel_pagetable *pt, u64 va, struct sg_table *sgt, u64 offset,
			 u64 size, u64 permissions)
{
	WARN_ON(kestrel_mmu_sgt_walk(pt, va, sgt, offset, size, true, permissions));
}

/**
 * kestrel_mmu_faults_process - take all records out of the fault FIFO
 * @kdev: device, entered
 *
 * Each goes to the VM that it belongs to, where the firmware's event about the
 * job finds it. The interrupt thread, the watchdog and whoever closes a queue come
 * here at the same time, and one that reads while another pops would join halves of
 * two clients' records. Whoever is late finds a device that is off, maybe.
 */
void kestrel_mmu_faults_process(struct kestrel_device *kdev)
{
	unsigned int i;

	mutex_lock(&kdev->mmu.lock);
	/* A broken device that always shows a record must not hold us here. */
	for (i = 0; kdev->power.on && i < 2 * KESTREL_MMU_FAULT_FIFO_RECORDS; i++) {
		u32 status = kestrel_read(kdev, KESTREL_REG_MMU_FAULT_STATUS);
		struct kestrel_mmu_fault fault;
		u32 info;

		if (status == ~0u || !(status & KESTREL_MMU_FAULT_STATUS_VALID))
			break;

		info = kestrel_read(kdev, KESTREL_REG_MMU_FAULT_INFO);
		fault.asid = kestrel_read(kdev, KESTREL_REG_MMU_FAULT_ASID);
		fault.va = kestrel_read64(kdev, KESTREL_REG_MMU_FAULT_VA_LO);
		fault.access = KESTREL_MMU_FAULT_INFO_ACCESS(info);
		fault.unit = KESTREL_MMU_FAULT_INFO_UNIT(info);
		fault.cause = KESTREL_MMU_FAULT_INFO_CAUSE(info);
		fault.tag = kestrel_read(kdev, KESTREL_REG_MMU_FAULT_TAG);
		kestrel_write(kdev, KESTREL_REG_MMU_FAULT_POP, 1);

		kestrel_fault_mmu(kdev, &fault);
	}
	mutex_unlock(&kdev->mmu.lock);
}
