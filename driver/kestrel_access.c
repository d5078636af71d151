// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/* BO_PREP and BO_FINI: a BO goes from device to CPU and back. */

#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/scatterlist.h>

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

static void kestrel_bo_sync_piece(struct device *dev, dma_addr_t address, size_t size,
				  enum dma_data_direction direction, bool for_cpu)
{
	/* Memory that a process gave twice cannot be told apart by who checks this. */
	if (!dma_need_sync(dev, address))
		return;

	if (for_cpu)
		dma_sync_single_for_cpu(dev, address, size, direction);
	else
		dma_sync_single_for_device(dev, address, size, direction);
}

/* Gives a range of a BO of ours to the CPU or to the device. */
static int kestrel_bo_sync(struct drm_gem_object *object, u64 offset, u64 size, bool for_cpu)
{
	struct drm_gem_shmem_object *shmem = to_drm_gem_shmem_obj(object);
	enum dma_data_direction direction = kestrel_bo_direction(to_kestrel_bo(object));
	struct device *dev = object->dev->dev;
	struct scatterlist *sg;
	unsigned int i;
	int ret;

	if (!size)
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
		kestrel_bo_sync_piece(dev, address, piece, direction, for_cpu);
		offset = 0;
		size -= piece;
		if (!size)
			break;
	}

out_unlock:
	dma_resv_unlock(object->resv);
	return 0;
}

/* What the device has done, or is going to do, with what the CPU accesses. */
static enum dma_data_direction kestrel_access_direction(bool read, bool write)
{
	if (!write)
		return DMA_FROM_DEVICE;
	return read ? DMA_BIDIRECTIONAL : DMA_TO_DEVICE;
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
	bool read, write;
	int ret;

	ret = kestrel_args_bo_prep(args);
	if (ret)
		return ret;

	object = drm_gem_object_lookup(drm_file, args->handle);
	if (!object)
		return -ENOENT;

	read = args->flags & DRM_KESTREL_PREP_READ;
	write = args->flags & DRM_KESTREL_PREP_WRITE;
	ret = kestrel_args_bo_range(args->offset, args->size, object->size);
	if (!ret)
		ret = kestrel_bo_wait_jobs(drm_file->driver_priv, object, args->timeout_ns);
	if (!ret)
		ret = kestrel_bo_wait_others(object, write, args->timeout_ns);
	if (ret || args->flags & DRM_KESTREL_PREP_WAIT_ONLY)
		goto out_put;

	/* The exporter of a dma-buf sees to its caches. */
	if (object->import_attach)
		ret = dma_buf_begin_cpu_access(object->import_attach->dmabuf,
					       kestrel_access_direction(read, write));
	else
		ret = kestrel_bo_sync(object, args->offset, args->size, true);

out_put:

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
	if (!ret && object->import_attach)
		ret = dma_buf_end_cpu_access(object->import_attach->dmabuf, DMA_BIDIRECTIONAL);
	else if (!ret)
		ret = kestrel_bo_sync(object, args->offset, args->size, false);

	drm_gem_object_put(object);
	return ret;
}
