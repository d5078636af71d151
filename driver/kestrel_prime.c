// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * PRIME, both ways. The operations of an exported buffer are those of GEM, and
 * with them what GEM leaves out: who reads or writes it by the CPU, through
 * DMA_BUF_IOCTL_SYNC or in another driver, gets the caches right.
 */

#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/scatterlist.h>

#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_prime.h>

#include "kestrel_bo.h"
#include "kestrel_compat.h"
#include "kestrel_device.h"
#include "kestrel_prime.h"

static struct sg_table *kestrel_prime_map(struct dma_buf_attachment *attachment,
					  enum dma_data_direction direction)
{
	struct sg_table *sgt = drm_gem_map_dma_buf(attachment, direction);

	if (!IS_ERR(sgt))
		attachment->priv = sgt;
	return sgt;
}

static void kestrel_prime_unmap(struct dma_buf_attachment *attachment, struct sg_table *sgt,
				enum dma_data_direction direction)
{
	attachment->priv = NULL;
	drm_gem_unmap_dma_buf(attachment, sgt, direction);
}

/* Hands the buffer between the CPU and every device that has it mapped. */
static int kestrel_prime_sync(struct dma_buf *dma_buf, enum dma_data_direction direction,
			      bool for_cpu)
{
	struct drm_gem_object *object = dma_buf->priv;
	struct drm_gem_shmem_object *shmem = to_drm_gem_shmem_obj(object);
	struct device *dev = object->dev->dev;
	struct dma_buf_attachment *attachment;
	int ret;

	ret = dma_resv_lock_interruptible(dma_buf->resv, NULL);
	if (ret)
		return ret;

	if (shmem->sgt && for_cpu)
		dma_sync_sgtable_for_cpu(dev, shmem->sgt, direction);
	list_for_each_entry(attachment, &dma_buf->attachments, node) {
		struct sg_table *sgt = attachment->priv;

		if (!sgt)
			continue;
		if (for_cpu)
			dma_sync_sgtable_for_cpu(attachment->dev, sgt, direction);
		else
			dma_sync_sgtable_for_device(attachment->dev, sgt, direction);
	}
	if (shmem->sgt && !for_cpu)
		dma_sync_sgtable_for_device(dev, shmem->sgt, direction);

	dma_resv_unlock(dma_buf->resv);
	return 0;
}

static int kestrel_prime_begin_cpu_access(struct dma_buf *dma_buf,
					  enum dma_data_direction direction)
{
	return kestrel_prime_sync(dma_buf, direction, true);
}

static int kestrel_prime_end_cpu_access(struct dma_buf *dma_buf,
					enum dma_data_direction direction)
{
	return kestrel_prime_sync(dma_buf, direction, false);
}

static const struct dma_buf_ops kestrel_prime_ops = {
	.attach = drm_gem_map_attach,
	.detach = drm_gem_map_detach,
	.map_dma_buf = kestrel_prime_map,
	.unmap_dma_buf = kestrel_prime_unmap,
	.release = drm_gem_dmabuf_release,
	.mmap = drm_gem_dmabuf_mmap,
	.vmap = drm_gem_dmabuf_vmap,
	.vunmap = drm_gem_dmabuf_vunmap,
	.begin_cpu_access = kestrel_prime_begin_cpu_access,
	.end_cpu_access = kestrel_prime_end_cpu_access,
};

/**
 * kestrel_prime_export - &drm_gem_object_funcs.export
 * @object: BO
 * @flags: of the file
 *
 * Return: the dma-buf, or an ERR_PTR(): -EPERM when the BO is exclusive to a VM.
 */
struct dma_buf *kestrel_prime_export(struct drm_gem_object *object, int flags)
{
	struct dma_buf_export_info info = {
		.exp_name = KBUILD_MODNAME,
		.owner = THIS_MODULE,
		.ops = &kestrel_prime_ops,
		.size = object->size,
		.flags = flags,
		.priv = object,
		.resv = object->resv,
	};

	if (to_kestrel_bo(object)->resv)
		return ERR_PTR(-EPERM);

	return drm_gem_dmabuf_export(object->dev, &info);
}

/**
 * kestrel_prime_import - &drm_driver.gem_prime_import
 * @drm: device
 * @dma_buf: buffer
 *
 * Return: the object, which is the exported one when it is this device's, or an
 * ERR_PTR().
 */
struct drm_gem_object *kestrel_prime_import(struct drm_device *drm, struct dma_buf *dma_buf)
{
	struct drm_gem_object *object;

	if (dma_buf->ops == &kestrel_prime_ops) {
		object = dma_buf->priv;
		if (object->dev == drm) {
			drm_gem_object_get(object);
			return object;
		}
	}

	return drm_gem_prime_import(drm, dma_buf);
}

/**
 * kestrel_prime_import_sgt - &drm_driver.gem_prime_import_sg_table
 * @drm: device
 * @attachment: the device's attachment to the dma-buf
 * @sgt: its memory, mapped for DMA
 *
 * Return: the object or an ERR_PTR().
 */
struct drm_gem_object *kestrel_prime_import_sgt(struct drm_device *drm,
						struct dma_buf_attachment *attachment,
						struct sg_table *sgt)
{
	struct drm_gem_object *object;
	int idx;

	if (!drm_dev_enter(drm, &idx))
		return ERR_PTR(-ENODEV);

	object = drm_gem_shmem_prime_import_sg_table(drm, attachment, sgt);
	if (!IS_ERR(object)) {
		/* As the caller does next: who finds it in the list must know whose it is. */
		object->import_attach = attachment;
		object->resv = attachment->dmabuf->resv;
		kestrel_bo_list_add(object);
	}
	drm_dev_exit(idx);
	return object;
}
