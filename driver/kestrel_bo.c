// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * DOC: buffer objects
 *
 * A BO is shmem memory, or a dma-buf of somebody else. Its pages are pinned and
 * mapped for DMA when it is first mapped into a VM and stay so until it is
 * freed; each mapping holds a reference. Before that the device cannot know the
 * memory, so nothing needs to be done about caches either.
 *
 * Clients may keep BOs longer than the device stays. The DMA mappings of all of
 * them are undone when the driver lets go of the device; the memory stays.
 */

#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_utils.h>

#include "kestrel_args.h"
#include "kestrel_bo.h"
#include "kestrel_compat.h"
#include "kestrel_device.h"
#include "kestrel_drv.h"
#include "kestrel_queue.h"
#include "kestrel_vm.h"

/**
 * struct kestrel_bo - buffer object
 */
struct kestrel_bo {
	/** @base: GEM object. */
	struct drm_gem_shmem_object base;
	/** @link: in &kestrel_device.bos. Guarded by &kestrel_device.bo_lock. */
	struct list_head link;
};

static struct kestrel_bo *to_kestrel_bo(struct drm_gem_object *object)
{
	return container_of(to_drm_gem_shmem_obj(object), struct kestrel_bo, base);
}

static void kestrel_bo_list_add(struct drm_gem_object *object)
{
	struct kestrel_device *kdev = to_kestrel_device(object->dev);
	struct kestrel_bo *bo = to_kestrel_bo(object);

	mutex_lock(&kdev->bo_lock);
	if (list_empty(&bo->link))
		list_add(&bo->link, &kdev->bos);
	mutex_unlock(&kdev->bo_lock);
}

static void kestrel_bo_free(struct drm_gem_object *object)
{
	struct kestrel_device *kdev = to_kestrel_device(object->dev);
	struct kestrel_bo *bo = to_kestrel_bo(object);

	mutex_lock(&kdev->bo_lock);
	list_del_init(&bo->link);
	mutex_unlock(&kdev->bo_lock);

	drm_gem_shmem_free(&bo->base);
}

static const struct drm_gem_object_funcs kestrel_bo_funcs = {
	.free = kestrel_bo_free,
	.print_info = drm_gem_shmem_object_print_info,
	.pin = drm_gem_shmem_object_pin,
	.unpin = drm_gem_shmem_object_unpin,
	.get_sg_table = drm_gem_shmem_object_get_sg_table,
	.vmap = drm_gem_shmem_object_vmap,
	.vunmap = drm_gem_shmem_object_vunmap,
	.mmap = drm_gem_shmem_object_mmap,
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
	bo->base.base.funcs = &kestrel_bo_funcs;
	return &bo->base.base;
}

/**
 * kestrel_bo_import - &drm_driver.gem_prime_import_sg_table
 * @drm: device
 * @attachment: the device's attachment to the dma-buf
 * @sgt: its memory, mapped for DMA
 *
 * Return: the object or an ERR_PTR().
 */
struct drm_gem_object *kestrel_bo_import(struct drm_device *drm,
					 struct dma_buf_attachment *attachment,
					 struct sg_table *sgt)
{
	struct drm_gem_object *object;
	int idx;

	if (!drm_dev_enter(drm, &idx))
		return ERR_PTR(-ENODEV);

	object = drm_gem_shmem_prime_import_sg_table(drm, attachment, sgt);
	if (!IS_ERR(object))
		kestrel_bo_list_add(object);
	drm_dev_exit(idx);
	return object;
}

/**
 * kestrel_bos_shutdown - undo the DMA mappings of all BOs
 * @kdev: unplugged device that uses none of them any more
 */
void kestrel_bos_shutdown(struct kestrel_device *kdev)
{
	struct kestrel_bo *bo, *next;

	mutex_lock(&kdev->bo_lock);
	list_for_each_entry_safe(bo, next, &kdev->bos, link) {
		struct drm_gem_shmem_object *shmem = &bo->base;
		struct drm_gem_object *object = &shmem->base;

		list_del_init(&bo->link);
		dma_resv_lock(object->resv, NULL);
		if (object->import_attach) {
			dma_buf_unmap_attachment(object->import_attach, shmem->sgt,
						 DMA_BIDIRECTIONAL);
		} else {
			dma_unmap_sgtable(kdev->drm.dev, shmem->sgt, DMA_BIDIRECTIONAL, 0);
			sg_free_table(shmem->sgt);
			kfree(shmem->sgt);
			kestrel_compat_shmem_put_pages(shmem);
		}
		/* Without it the helpers find nothing to undo. */
		shmem->sgt = NULL;
		dma_resv_unlock(object->resv);
	}
	mutex_unlock(&kdev->bo_lock);
}

/**
 * kestrel_bo_pages - pin the pages of a BO and map them for DMA
 * @object: BO
 *
 * The caller has entered the device.
 *
 * Return: the pages, valid as long as BO and device, or an ERR_PTR().
 */
struct sg_table *kestrel_bo_pages(struct drm_gem_object *object)
{
	struct sg_table *sgt = drm_gem_shmem_get_pages_sgt(to_drm_gem_shmem_obj(object));

	if (!IS_ERR(sgt))
		kestrel_bo_list_add(object);
	return sgt;
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
	struct drm_kestrel_bo_create *args = data;
	struct drm_gem_shmem_object *shmem;
	int ret;

	if (args->flags || !args->size || args->size > KESTREL_MAX_BO_SIZE)
		return -EINVAL;

	shmem = drm_gem_shmem_create(drm, args->size);
	if (IS_ERR(shmem))
		return PTR_ERR(shmem);

	args->size = shmem->base.size;
	ret = drm_gem_handle_create(drm_file, &shmem->base, &args->handle);
	drm_gem_object_put(&shmem->base);
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
	int ret;

	if (args->flags)
		return -EINVAL;

	object = drm_gem_object_lookup(drm_file, args->handle);
	if (!object)
		return -ENOENT;

	ret = drm_gem_create_mmap_offset(object);
	if (!ret) {
		args->flags = object->import_attach ? DRM_KESTREL_BO_IMPORTED : 0;
		args->size = object->size;
		args->mmap_offset = drm_vma_node_offset_addr(&object->vma_node);
	}

	drm_gem_object_put(object);
	return ret;
}

/* Waits for a fence; returns 0, or a negative error code with -ETIME for late. */
static int kestrel_bo_wait_fence(struct dma_fence *fence, s64 timeout_ns)
{
	signed long left;

	if (dma_fence_is_signaled(fence))
		return 0;

	left = dma_fence_wait_timeout(fence, true, drm_timeout_abs_to_jiffies(timeout_ns));
	if (left < 0)
		return left;
	return left ? 0 : -ETIMEDOUT;
}

static int kestrel_bo_wait_jobs(struct kestrel_file *file, struct drm_gem_object *object,
				s64 timeout_ns)
{
	int ret = 0;
	u32 id;

	for (id = 1; !ret && id <= KESTREL_MAX_QUEUES; id++) {
		struct kestrel_queue *queue = kestrel_queue_get(file, id);
		struct dma_fence *fence;

		if (!queue)
			continue;
		fence = kestrel_queue_last_fence(queue);
		if (fence && !dma_fence_is_signaled(fence) && kestrel_vm_maps(queue->vm, object))
			ret = kestrel_bo_wait_fence(fence, timeout_ns);
		dma_fence_put(fence);
		kestrel_queue_put(queue);
	}

	return ret;
}

static int kestrel_bo_wait_others(struct drm_gem_object *object, bool write, s64 timeout_ns)
{
	enum dma_resv_usage usage = dma_resv_usage_rw(write);
	signed long left;

	if (dma_resv_test_signaled(object->resv, usage))
		return 0;

	left = dma_resv_wait_timeout(object->resv, usage, true,
				     drm_timeout_abs_to_jiffies(timeout_ns));
	if (left < 0)
		return left;
	return left ? 0 : -ETIMEDOUT;
}

/* Gives a range of a BO to the CPU or to the device. */
static int kestrel_bo_sync(struct drm_gem_object *object, u64 offset, u64 size, bool for_cpu)
{
	struct drm_gem_shmem_object *shmem = to_drm_gem_shmem_obj(object);
	struct device *dev = object->dev->dev;
	struct scatterlist *sg;
	unsigned int i;
	int ret;

	/* The exporter of a dma-buf sees to its caches, by DMA_BUF_IOCTL_SYNC. */
	if (object->import_attach || !size)
		return 0;

	ret = dma_resv_lock_interruptible(object->resv, NULL);
	if (ret)
		return ret;

	/* Without pages the device has never seen it. */
	if (!shmem->sgt)
		goto out_unlock;

	for_each_sgtable_dma_sg(shmem->sgt, sg, i) {
		u64 length = sg_dma_len(sg);
		dma_addr_t address = sg_dma_address(sg) + offset;
		u64 piece;

		if (offset >= length) {
			offset -= length;
			continue;
		}
		piece = min(length - offset, size);
		if (for_cpu)
			dma_sync_single_for_cpu(dev, address, piece, DMA_BIDIRECTIONAL);
		else
			dma_sync_single_for_device(dev, address, piece, DMA_BIDIRECTIONAL);
		offset = 0;
		size -= piece;
		if (!size)
			break;
	}

out_unlock:
	dma_resv_unlock(object->resv);
	return 0;
}

/**
 * kestrel_bo_prep_ioctl - DRM_IOCTL_KESTREL_BO_PREP
 * @drm: device
 * @data: struct drm_kestrel_bo_prep
 * @drm_file: file
 *
 * Return: 0 or a negative error code.
 */
int kestrel_bo_prep_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct drm_kestrel_bo_prep *args = data;
	struct drm_gem_object *object;
	int ret;

	ret = kestrel_args_bo_prep(args);
	if (ret)
		return ret;

	object = drm_gem_object_lookup(drm_file, args->handle);
	if (!object)
		return -ENOENT;

	ret = kestrel_args_bo_range(args->offset, args->size, object->size);
	if (!ret)
		ret = kestrel_bo_wait_jobs(drm_file->driver_priv, object, args->timeout_ns);
	if (!ret)
		ret = kestrel_bo_wait_others(object, args->flags & DRM_KESTREL_PREP_WRITE,
					     args->timeout_ns);
	if (!ret && !(args->flags & DRM_KESTREL_PREP_WAIT_ONLY))
		ret = kestrel_bo_sync(object, args->offset, args->size, true);

	drm_gem_object_put(object);
	return ret;
}

/**
 * kestrel_bo_fini_ioctl - DRM_IOCTL_KESTREL_BO_FINI
 * @drm: device
 * @data: struct drm_kestrel_bo_fini
 * @drm_file: file
 *
 * Return: 0 or a negative error code.
 */
int kestrel_bo_fini_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct drm_kestrel_bo_fini *args = data;
	struct drm_gem_object *object;
	int ret;

	if (args->flags)
		return -EINVAL;

	object = drm_gem_object_lookup(drm_file, args->handle);
	if (!object)
		return -ENOENT;

	ret = kestrel_args_bo_range(args->offset, args->size, object->size);
	if (!ret)
		ret = kestrel_bo_sync(object, args->offset, args->size, false);

	drm_gem_object_put(object);
	return ret;
}
