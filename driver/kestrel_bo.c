// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * DOC: buffer objects
 *
 * A BO is shmem memory, or a dma-buf of somebody else. Its pages are pinned and
 * mapped for DMA when it is first mapped into a VM and stay so until it is
 * freed, or mapped nowhere while memory is short; each mapping holds a reference.
 * Before that the device cannot know the memory, so nothing needs to be done
 * about caches either.
 *
 * A BO that is exclusive to a VM shares the reservation object of that VM, which
 * is also what it is recognised by.
 *
 * Clients may keep BOs longer than the device stays. The DMA mappings of all of
 * them are undone when the driver lets go of the device; the memory stays.
 */

#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/highmem.h>
#include <linux/kmemleak.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_shmem_helper.h>

#include "kestrel_args.h"
#include "kestrel_bo.h"
#include "kestrel_compat.h"
#include "kestrel_device.h"
#include "kestrel_drv.h"
#include "kestrel_prime.h"
#include "kestrel_user.h"
#include "kestrel_userptr.h"
#include "kestrel_vm.h"

/**
 * kestrel_bo_list_add - note that a BO is mapped for DMA
 * @object: BO
 */
void kestrel_bo_list_add(struct drm_gem_object *object)
{
	struct kestrel_device *kdev = to_kestrel_device(object->dev);
	struct kestrel_bo *bo = to_kestrel_bo(object);

	mutex_lock(&kdev->bo_lock);
	/* The end of the list goes first when memory is short. */
	list_move(&bo->link, &kdev->bos);
	mutex_unlock(&kdev->bo_lock);
}

/*
 * Keeps memory that the device could reach from whoever allocates some next. It stays
 * mapped for DMA: where it is reached through a bounce buffer that must not become
 * somebody else's either.
 */
static void kestrel_bo_keep(struct kestrel_bo *bo)
{
	struct sg_page_iter iterator;

	for_each_sgtable_page(bo->base.sgt, &iterator, 0)
		get_page(sg_page_iter_page(&iterator));
	kmemleak_not_leak(bo->base.sgt);
}

/*
 * Whether an imported BO stays attached and mapped for good: only as long as it is do
 * all exporters leave its pages where they are.
 */
static bool kestrel_bo_import_kept(struct kestrel_bo *bo)
{
	struct drm_gem_object *object = &bo->base.base;

	if (bo->base.sgt && !bo->import_kept)
		bo->import_kept = kestrel_reset_keeps(to_kestrel_device(object->dev),
						      object->size);
	return bo->import_kept;
}

/* Leaves an imported BO, which nobody has any more, as it is, with what it refers to. */
static void kestrel_bo_import_leave(struct kestrel_bo *bo)
{
	struct drm_gem_object *object = &bo->base.base;

	/* Of the DRM device, which ends; the attachment is to the other one. */
	drm_gem_free_mmap_offset(object);
	get_device(object->import_attach->dev);
	kmemleak_not_leak(bo);
}

/**
 * kestrel_bo_dma_unmap - undo the DMA mapping of a BO that is not imported
 * @bo: mapped BO that the device does not use; its reservation lock is held, or
 * nobody else has it
 *
 * Of a device that could not be stopped the mapping, and the pages, are left for good.
 */
void kestrel_bo_dma_unmap(struct kestrel_bo *bo)
{
	struct sg_table *sgt = bo->base.sgt;
	/*
	 * Pages of a process hold other bytes of it, too, which may be in caches
	 * only. It gets its own by BO_PREP.
	 */
	unsigned long attributes = bo->userptr ? DMA_ATTR_SKIP_CPU_SYNC : 0;

	if (kestrel_reset_keeps(to_kestrel_device(bo->base.base.dev), bo->base.base.size)) {
		kestrel_bo_keep(bo);
	} else {
		dma_unmap_sgtable(bo->base.base.dev->dev, sgt, kestrel_bo_direction(bo),
				  attributes);
		sg_free_table(sgt);
		kfree(sgt);
	}
	/* Without it the helpers find nothing to undo. */
	bo->base.sgt = NULL;
}

/* Undo the DMA mapping of a BO that has one, unless it is kept. */
static void kestrel_bo_unmap(struct kestrel_bo *bo)
{
	struct drm_gem_shmem_object *shmem = &bo->base;
	struct drm_gem_object *object = &shmem->base;

	dma_resv_lock(object->resv, NULL);
	if (!object->import_attach) {
		kestrel_bo_dma_unmap(bo);
		if (!bo->userptr)
			kestrel_compat_shmem_put_pages(shmem);
	} else if (!kestrel_bo_import_kept(bo)) {
		dma_buf_unmap_attachment(object->import_attach, shmem->sgt, DMA_BIDIRECTIONAL);
		shmem->sgt = NULL;
	}
	dma_resv_unlock(object->resv);
}

/* For a BO in &kestrel_device.bos; bo_lock is held. */
static void kestrel_bo_shutdown(struct kestrel_bo *bo)
{
	list_del_init(&bo->link);
	kestrel_bo_unmap(bo);
}

static void kestrel_bo_free(struct drm_gem_object *object)
{
	struct kestrel_device *kdev = to_kestrel_device(object->dev);
	struct kestrel_bo *bo = to_kestrel_bo(object);
	struct kestrel_vm_resv *resv;
	struct kestrel_user *user;
	u64 charged;
	bool bound;
	int idx;

	/*
	 * Its DMA mapping must be gone when the device is: unbinding waits for who
	 * has entered, and after that for the lock.
	 */
	bound = drm_dev_enter(object->dev, &idx);
	mutex_lock(&kdev->bo_lock);
	if (bound)
		list_del_init(&bo->link);
	else if (!list_empty(&bo->link))
		kestrel_bo_shutdown(bo);
	mutex_unlock(&kdev->bo_lock);

	/* What it shares and who pays for it outlive it. */
	resv = bo->resv;
	user = bo->user;
	charged = bo->charged;
	if (bo->base.sgt && !bo->userptr)
		kestrel_bo_unmap(bo);
	if (bo->userptr)
		kestrel_userptr_free(bo);
	else if (bo->import_kept)
		kestrel_bo_import_leave(bo);
	else
		drm_gem_shmem_free(&bo->base);
	if (bound)
		drm_dev_exit(idx);

	if (resv)
		kestrel_vm_resv_put(resv);
	if (user) {
		kestrel_user_uncharge(user, KESTREL_USER_BYTES, charged);
		kestrel_user_put(user);
	}
}

static int kestrel_bo_mmap(struct drm_gem_object *object, struct vm_area_struct *vma)
{
	if (to_kestrel_bo(object)->flags & DRM_KESTREL_BO_NO_MMAP)
		return -EPERM;

	return drm_gem_shmem_object_mmap(object, vma);
}

/**
 * kestrel_bo_resident - whether an object has memory
 * @object: object
 *
 * May be called anywhere.
 *
 * Return: true when it does, at this moment.
 */
bool kestrel_bo_resident(const struct drm_gem_object *object)
{
	const struct drm_gem_shmem_object *shmem = to_drm_gem_shmem_obj(object);

	return READ_ONCE(shmem->sgt) || READ_ONCE(shmem->pages);
}

static const struct drm_gem_object_funcs kestrel_bo_funcs = {
	.free = kestrel_bo_free,
	.print_info = drm_gem_shmem_object_print_info,
	.pin = drm_gem_shmem_object_pin,
	.unpin = drm_gem_shmem_object_unpin,
	.get_sg_table = drm_gem_shmem_object_get_sg_table,
	.vmap = drm_gem_shmem_object_vmap,
	.vunmap = drm_gem_shmem_object_vunmap,
	.export = kestrel_prime_export,
	.mmap = kestrel_bo_mmap,
	.vm_ops = &drm_gem_shmem_vm_ops,
};

/**
 * kestrel_bo_create_object - &drm_driver.gem_create_object
 * @drm: device
 * @size: bytes
 *
 * Return: the object or an ERR_PTR().
 */
struct drm_gem_object *kestrel_bo_create_object(struct drm_device *drm, size_t size)
{
	struct kestrel_bo *bo = kzalloc(sizeof(*bo), GFP_KERNEL_ACCOUNT);

	if (!bo)
		return ERR_PTR(-ENOMEM);

	INIT_LIST_HEAD(&bo->link);
	atomic_set(&bo->pins, 0);
	bo->base.base.funcs = &kestrel_bo_funcs;
	return &bo->base.base;
}

/**
 * kestrel_bos_shutdown - undo the DMA mappings of all BOs
 * @kdev: unplugged device that uses none of them any more
 */
void kestrel_bos_shutdown(struct kestrel_device *kdev)
{
	struct kestrel_bo *bo, *next;

	mutex_lock(&kdev->bo_lock);
	list_for_each_entry_safe(bo, next, &kdev->bos, link)
		kestrel_bo_shutdown(bo);
	mutex_unlock(&kdev->bo_lock);
}

/**
 * kestrel_bo_read - copy what is in an object
 * @object: object that a VM maps, so that its pages stay
 * @offset: first byte
 * @to: where to
 * @size: bytes; @offset + @size is inside the object
 *
 * Return: bytes copied: @size, or 0 where the memory is somebody else's.
 */
size_t kestrel_bo_read(struct drm_gem_object *object, u64 offset, void *to, size_t size)
{
	struct page **pages = to_drm_gem_shmem_obj(object)->pages;
	size_t done, piece;

	if (!pages)
		return 0;
	for (done = 0; done < size; done += piece) {
		size_t start = offset_in_page(offset + done);

		piece = min(size - done, PAGE_SIZE - start);
		memcpy_from_page(to + done, pages[(offset + done) >> PAGE_SHIFT], start, piece);
	}
	return size;
}

/**
 * kestrel_bo_pin - get the pages of a BO, mapped for DMA, for a mapping in a VM
 * @object: BO
 *
 * The caller has entered the device.
 *
 * Return: the pages, valid until kestrel_bo_mapping_put() or the device is gone, or an
 * ERR_PTR().
 */
struct sg_table *kestrel_bo_pin(struct drm_gem_object *object)
{
	struct kestrel_bo *bo = to_kestrel_bo(object);
	struct sg_table *sgt;

	atomic_inc(&bo->pins);
	sgt = drm_gem_shmem_get_pages_sgt(&bo->base);
	if (IS_ERR(sgt))
		atomic_dec(&bo->pins);
	else
		kestrel_bo_list_add(object);
	return sgt;
}

/**
 * kestrel_bo_mapping_ref - take what one more mapping of a BO needs
 * @object: BO that is mapped already
 *
 * A reference, and the pin of kestrel_bo_pin().
 */
void kestrel_bo_mapping_ref(struct drm_gem_object *object)
{
	drm_gem_object_get(object);
	atomic_inc(&to_kestrel_bo(object)->pins);
}

/**
 * kestrel_bo_mapping_put - give back what a mapping of a BO needed
 * @object: BO that the device does not use through this mapping any more
 */
void kestrel_bo_mapping_put(struct drm_gem_object *object)
{
	/* Who finds none sees, too, whether the device was stopped. */
	atomic_fetch_dec_release(&to_kestrel_bo(object)->pins);
	drm_gem_object_put(object);
}

/**
 * kestrel_bo_bindable - whether a VM may map a BO
 * @object: BO
 * @vm: VM
 * @write: so that jobs can write it
 *
 * Return: 0, -EPERM when the BO is another VM's or read-only, or -EFAULT when its
 * process has unmapped it.
 */
int kestrel_bo_bindable(struct drm_gem_object *object, const struct kestrel_vm *vm, bool write)
{
	struct kestrel_bo *bo = to_kestrel_bo(object);

	if (bo->resv && bo->resv != vm->resv)
		return -EPERM;
	if (write && bo->flags & DRM_KESTREL_BO_READ_ONLY)
		return -EPERM;
	return kestrel_userptr_revoked(object) ? -EFAULT : 0;
}

/**
 * kestrel_bo_direction - how a BO is mapped for DMA
 * @bo: BO
 *
 * Return: the direction.
 */
enum dma_data_direction kestrel_bo_direction(const struct kestrel_bo *bo)
{
	return bo->flags & DRM_KESTREL_BO_READ_ONLY ? DMA_TO_DEVICE : DMA_BIDIRECTIONAL;
}

static struct drm_gem_object *kestrel_bo_create(struct kestrel_file *file, u64 size, u32 flags,
						struct kestrel_vm *vm)
{
	struct kestrel_device *kdev = file->kdev;
	struct drm_gem_shmem_object *shmem;
	struct kestrel_bo *bo;
	struct sg_table *sgt;
	int idx, ret;

	size = PAGE_ALIGN(size);
	ret = kestrel_user_charge(file->user, KESTREL_USER_BYTES, size);
	if (ret)
		return ERR_PTR(ret);

	shmem = kestrel_compat_shmem_create(&kdev->drm, size, kdev->huge_mount);
	if (IS_ERR(shmem)) {
		kestrel_user_uncharge(file->user, KESTREL_USER_BYTES, size);
		return ERR_CAST(shmem);
	}

	bo = to_kestrel_bo(&shmem->base);
	bo->flags = flags;
	bo->user = kestrel_user_ref(file->user);
	bo->charged = size;
	if (vm) {
		bo->resv = kestrel_vm_resv_ref(vm->resv);
		shmem->base.resv = &vm->resv->base;
	}
	/* The device writes without the CPU's page tables knowing. */
	shmem->pages_mark_dirty_on_put = true;
	shmem->map_wc = flags & DRM_KESTREL_BO_WRITE_COMBINED && !kdev->hardware.coherent;
	if (!shmem->map_wc)
		return &shmem->base;

	/* The zeroes must have left the caches before the CPU goes past these. */
	ret = -ENODEV;
	if (drm_dev_enter(&kdev->drm, &idx)) {
		sgt = kestrel_bo_pin(&shmem->base);
		ret = PTR_ERR_OR_ZERO(sgt);
		drm_dev_exit(idx);
	}
	if (ret) {
		drm_gem_object_put(&shmem->base);
		return ERR_PTR(ret);
	}
	return &shmem->base;
}

/**
 * kestrel_bo_create_ioctl - DRM_IOCTL_KESTREL_BO_CREATE
 * @drm: device
 * @data: struct drm_kestrel_bo_create
 * @drm_file: file
 *
 * Return: 0 or a negative error code.
 */
int kestrel_bo_create_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct kestrel_file *file = drm_file->driver_priv;
	struct drm_kestrel_bo_create *args = data;
	struct drm_gem_object *object;
	struct kestrel_vm *vm = NULL;
	int ret;

	ret = kestrel_args_bo_create(args);
	if (ret)
		return ret;

	if (args->vm_id) {
		vm = kestrel_vm_get(file, args->vm_id);
		if (!vm)
			return -ENOENT;
	}
	object = kestrel_bo_create(file, args->size, args->flags, vm);
	if (vm)
		kestrel_vm_put(vm);
	if (IS_ERR(object))
		return PTR_ERR(object);

	args->size = object->size;
	ret = drm_gem_handle_create(drm_file, object, &args->handle);
	drm_gem_object_put(object);
	return ret;
}

/**
 * kestrel_bo_info_ioctl - DRM_IOCTL_KESTREL_BO_INFO
 * @drm: device
 * @data: struct drm_kestrel_bo_info
 * @drm_file: file
 *
 * Return: 0 or a negative error code.
 */
int kestrel_bo_info_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct drm_kestrel_bo_info *args = data;
	struct drm_gem_object *object;
	int ret = 0;

	if (args->flags)
		return -EINVAL;

	object = drm_gem_object_lookup(drm_file, args->handle);
	if (!object)
		return -ENOENT;

	args->flags = to_kestrel_bo(object)->flags;
	if (object->import_attach)
		args->flags |= DRM_KESTREL_BO_IMPORTED;
	args->size = object->size;
	args->mmap_offset = 0;
	if (!(args->flags & DRM_KESTREL_BO_NO_MMAP)) {
		ret = drm_gem_create_mmap_offset(object);
		args->mmap_offset = drm_vma_node_offset_addr(&object->vma_node);
	}

	drm_gem_object_put(object);
	return ret;
}
