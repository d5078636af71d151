// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * DOC: memory of processes
 *
 * A BO of a process's own anonymous memory. The NPU cannot wait for a page to
 * come back, so the pages are pinned, as for RDMA, and count as pinned memory of
 * the process. That keeps them from being freed under a job, whatever happens.
 *
 * An interval notifier makes the NPU follow when the process unmaps the range:
 * before munmap() returns the device has forgotten it. Page tables of the CPU
 * change for many other reasons; none of these moves a pinned anonymous page,
 * but for the process giving it up by madvise(), which is left to its user.
 */

#include <linux/capability.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>

#include "kestrel_args.h"
#include "kestrel_bo.h"
#include "kestrel_device.h"
#include "kestrel_drv.h"
#include "kestrel_userptr.h"
#include "kestrel_vm.h"

/* Pinning breaks sharing, which disturbs it; more than a few times is bad luck. */
#define KESTREL_USERPTR_TRIES	16

/**
 * struct kestrel_userptr - what a BO has that is memory of a process
 */
struct kestrel_userptr {
	/** @notifier: tells of changes in the range. */
	struct mmu_interval_notifier notifier;
	/** @object: the BO's GEM object; constant. */
	struct drm_gem_object *object;
	/** @vm: the only VM that may map it; the BO has a reference. */
	struct kestrel_vm *vm;
	/** @mm: whose memory it is and who is charged; the BO keeps it. */
	struct mm_struct *mm;
	/** @pages: pinned pages. */
	struct page **pages;
	/** @count: their number; constant. */
	unsigned long count;
	/** @revoked: the process has unmapped some. Guarded by &kestrel_pagetable.lock. */
	bool revoked;
};

static bool kestrel_userptr_invalidate(struct mmu_interval_notifier *notifier,
				       const struct mmu_notifier_range *range,
				       unsigned long sequence)
{
	struct kestrel_userptr *userptr = container_of(notifier, struct kestrel_userptr, notifier);
	bool gone = range->event == MMU_NOTIFY_UNMAP || range->event == MMU_NOTIFY_RELEASE;
	struct mutex *lock = &userptr->vm->pagetable.lock;

	if (!mmu_notifier_range_blockable(range)) {
		/*
		 * The OOM reaper cannot wait for the device, and gains nothing from
		 * pinned pages: it may take the others.
		 */
		if (gone || !mutex_trylock(lock))
			return false;
	} else {
		mutex_lock(lock);
	}
	mmu_interval_set_seq(notifier, sequence);
	mutex_unlock(lock);

	if (gone)
		kestrel_vm_revoke(userptr->vm, userptr->object, &userptr->revoked);
	return true;
}

static const struct mmu_interval_notifier_ops kestrel_userptr_notifier_ops = {
	.invalidate = kestrel_userptr_invalidate,
};

/**
 * kestrel_userptr_revoked - whether a process has unmapped the memory of a BO
 * @object: BO of any kind
 *
 * Return: true when it has; it may become so at any time, unless the caller holds
 * &kestrel_pagetable.lock of the BO's VM.
 */
bool kestrel_userptr_revoked(struct drm_gem_object *object)
{
	struct kestrel_userptr *userptr = to_kestrel_bo(object)->userptr;

	return userptr && READ_ONCE(userptr->revoked);
}

static int kestrel_userptr_charge(struct kestrel_userptr *userptr)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	unsigned long pinned = atomic64_add_return(userptr->count, &userptr->mm->pinned_vm);

	if (pinned <= limit || capable(CAP_IPC_LOCK))
		return 0;

	atomic64_sub(userptr->count, &userptr->mm->pinned_vm);
	return -ENOMEM;
}

/* Whether all of a range is anonymous memory. The caller holds mmap_lock. */
static bool kestrel_userptr_is_anonymous(struct mm_struct *mm, unsigned long start,
					 unsigned long end)
{
	while (start < end) {
		struct vm_area_struct *vma = vma_lookup(mm, start);

		if (!vma || !vma_is_anonymous(vma))
			return false;
		start = vma->vm_end;
	}
	return true;
}

/* Returns 0 with all pages pinned, or an error with none. */
static int kestrel_userptr_pin(struct kestrel_userptr *userptr, u64 address, bool write)
{
	unsigned int flags = FOLL_LONGTERM | (write ? FOLL_WRITE : 0);
	unsigned long pinned = 0;
	long ret = -EFAULT;

	mmap_read_lock(userptr->mm);
	if (kestrel_userptr_is_anonymous(userptr->mm, address,
					 address + (userptr->count << PAGE_SHIFT))) {
		do {
			ret = pin_user_pages(address + (pinned << PAGE_SHIFT),
					     userptr->count - pinned, flags,
					     userptr->pages + pinned);
			if (ret > 0)
				pinned += ret;
		} while (ret > 0 && pinned < userptr->count);
	}
	mmap_read_unlock(userptr->mm);
	if (pinned == userptr->count)
		return 0;

	unpin_user_pages(userptr->pages, pinned);
	return ret < 0 ? ret : -EFAULT;
}

/* Pins the pages so that it is certain that these are the process's own. */
static int kestrel_userptr_get(struct kestrel_userptr *userptr, u64 address, bool write)
{
	unsigned int tries;
	int ret;

	for (tries = 0; tries < KESTREL_USERPTR_TRIES; tries++) {
		unsigned long sequence = mmu_interval_read_begin(&userptr->notifier);
		bool revoked, stale;

		ret = kestrel_userptr_pin(userptr, address, write);
		if (ret)
			return ret;

		mutex_lock(&userptr->vm->pagetable.lock);
		stale = mmu_interval_read_retry(&userptr->notifier, sequence);
		revoked = userptr->revoked;
		mutex_unlock(&userptr->vm->pagetable.lock);
		if (!stale && !revoked)
			return 0;

		unpin_user_pages(userptr->pages, userptr->count);
		if (revoked)
			return -EFAULT;
		if (signal_pending(current))
			return -ERESTARTSYS;
	}

	return -EFAULT;
}

static int kestrel_userptr_map(struct kestrel_userptr *userptr, struct kestrel_bo *bo)
{
	struct device *dev = bo->base.base.dev->dev;
	/*
	 * It goes to the device by BO_FINI, and not without it; but zeroes of the
	 * kernel must not stay in caches that a device does not see.
	 */
	unsigned long attributes = userptr->vm->kdev->hardware.coherent ?
				   DMA_ATTR_SKIP_CPU_SYNC : 0;
	struct sg_table *sgt = kzalloc(sizeof(*sgt), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!sgt)
		return -ENOMEM;

	ret = sg_alloc_table_from_pages_segment(sgt, userptr->pages, userptr->count, 0,
						userptr->count << PAGE_SHIFT,
						dma_get_max_seg_size(dev), GFP_KERNEL);
	if (ret)
		goto err_free;

	ret = dma_map_sgtable(dev, sgt, kestrel_bo_direction(bo), attributes);
	if (ret)
		goto err_free_table;

	bo->base.sgt = sgt;
	return 0;

err_free_table:
	sg_free_table(sgt);
err_free:
	kfree(sgt);
	return ret;
}

static void kestrel_userptr_destroy(struct kestrel_userptr *userptr)
{
	atomic64_sub(userptr->count, &userptr->mm->pinned_vm);
	mmdrop(userptr->mm);
	kestrel_vm_put(userptr->vm);
	kvfree(userptr->pages);
	kfree(userptr);
}

/**
 * kestrel_userptr_free - free a BO that is memory of a process
 * @bo: the BO, which nobody maps and which has left &kestrel_device.bos
 */
void kestrel_userptr_free(struct kestrel_bo *bo)
{
	struct kestrel_userptr *userptr = bo->userptr;

	mmu_interval_notifier_remove(&userptr->notifier);
	/* Otherwise it went with the device. */
	if (bo->base.sgt)
		kestrel_bo_dma_unmap(bo);
	unpin_user_pages_dirty_lock(userptr->pages, userptr->count,
				    kestrel_bo_direction(bo) != DMA_TO_DEVICE);
	kestrel_userptr_destroy(userptr);
	drm_gem_object_release(&bo->base.base);
	kfree(bo);
}

static struct kestrel_userptr *kestrel_userptr_create(struct kestrel_vm *vm, u64 size)
{
	struct kestrel_userptr *userptr = kzalloc(sizeof(*userptr), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!userptr)
		return ERR_PTR(-ENOMEM);

	userptr->mm = current->mm;
	userptr->count = size >> PAGE_SHIFT;
	ret = kestrel_userptr_charge(userptr);
	if (ret) {
		kfree(userptr);
		return ERR_PTR(ret);
	}
	mmgrab(userptr->mm);
	userptr->vm = kestrel_vm_ref(vm);

	userptr->pages = kvmalloc_array(userptr->count, sizeof(*userptr->pages),
					GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!userptr->pages) {
		kestrel_userptr_destroy(userptr);
		return ERR_PTR(-ENOMEM);
	}
	return userptr;
}

/* The caller has entered the device. */
static struct drm_gem_object *kestrel_bo_create_user(struct kestrel_vm *vm, u64 address,
						     u64 size, u32 flags)
{
	struct drm_gem_object *object = kestrel_bo_create_object(&vm->kdev->drm, size);
	struct kestrel_userptr *userptr;
	struct kestrel_bo *bo;
	int ret;

	if (IS_ERR(object))
		return object;

	bo = to_kestrel_bo(object);
	bo->flags = flags;
	drm_gem_private_object_init(&vm->kdev->drm, object, size);
	INIT_LIST_HEAD(&bo->base.madv_list);

	userptr = kestrel_userptr_create(vm, size);
	if (IS_ERR(userptr)) {
		ret = PTR_ERR(userptr);
		goto err_release;
	}
	userptr->object = object;

	ret = mmu_interval_notifier_insert(&userptr->notifier, userptr->mm, address, size,
					   &kestrel_userptr_notifier_ops);
	if (ret)
		goto err_destroy;

	ret = kestrel_userptr_get(userptr, address, !(flags & DRM_KESTREL_BO_READ_ONLY));
	if (ret)
		goto err_remove;

	ret = kestrel_userptr_map(userptr, bo);
	if (ret)
		goto err_unpin;

	bo->userptr = userptr;
	bo->resv = kestrel_vm_resv_ref(vm->resv);
	object->resv = &vm->resv->base;
	kestrel_bo_list_add(object);
	return object;

err_unpin:
	unpin_user_pages(userptr->pages, userptr->count);
err_remove:
	mmu_interval_notifier_remove(&userptr->notifier);
err_destroy:
	kestrel_userptr_destroy(userptr);
err_release:
	drm_gem_object_release(object);
	kfree(bo);
	return ERR_PTR(ret);
}

/**
 * kestrel_bo_userptr_ioctl - DRM_IOCTL_KESTREL_BO_USERPTR
 * @drm: device
 * @data: struct drm_kestrel_bo_userptr
 * @drm_file: file
 *
 * Return: 0 or a negative error code.
 */
int kestrel_bo_userptr_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct kestrel_device *kdev = to_kestrel_device(drm);
	struct drm_kestrel_bo_userptr *args = data;
	struct drm_gem_object *object;
	struct kestrel_vm *vm;
	int idx, ret;

	ret = kestrel_args_bo_userptr(args);
	if (ret)
		return ret;
	if (kestrel_reset_wedged(kdev))
		return -EIO;
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;

	vm = kestrel_vm_get(drm_file->driver_priv, args->vm_id);
	if (!vm) {
		ret = -ENOENT;
		goto out_exit;
	}

	object = kestrel_bo_create_user(vm, untagged_addr(args->address), args->size,
					args->flags | DRM_KESTREL_BO_USER |
					DRM_KESTREL_BO_NO_MMAP);
	kestrel_vm_put(vm);
	if (IS_ERR(object)) {
		ret = PTR_ERR(object);
		goto out_exit;
	}

	ret = drm_gem_handle_create(drm_file, object, &args->handle);
	drm_gem_object_put(object);

out_exit:
	drm_dev_exit(idx);
	return ret;
}
