/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_BO_H_
#define _KESTREL_BO_H_

#include <linux/atomic.h>
#include <linux/container_of.h>
#include <linux/dma-direction.h>
#include <linux/list.h>
#include <linux/types.h>

#include <drm/drm_gem_shmem_helper.h>

struct drm_device;
struct drm_file;
struct kestrel_device;
struct kestrel_user;
struct kestrel_userptr;
struct kestrel_vm;
struct kestrel_vm_resv;
struct sg_table;

/**
 * struct kestrel_bo - buffer object
 */
struct kestrel_bo {
	/** @base: GEM object. */
	struct drm_gem_shmem_object base;
	/** @link: in &kestrel_device.bos. Guarded by &kestrel_device.bo_lock. */
	struct list_head link;
	/** @flags: DRM_KESTREL_BO_*, without IMPORTED; constant. */
	u32 flags;
	/**
	 * @pins: mappings in VMs, and operations on their way to one. While there
	 * is any the pages stay; it leaves 0 before the reservation lock is taken
	 * to get them.
	 */
	atomic_t pins;
	/**
	 * @import_kept: imported, and stays attached and mapped for good, because the
	 * device may access it still. Guarded by the reservation lock.
	 */
	bool import_kept;
	/** @userptr: memory of a process, or NULL; constant. */
	struct kestrel_userptr *userptr;
	/** @resv: that of the only VM that may map it, or NULL; constant. */
	struct kestrel_vm_resv *resv;
	/** @user: who is charged for it, or NULL; constant. */
	struct kestrel_user *user;
	/** @charged: bytes that @user is charged. */
	u64 charged;
	/**
	 * @usage_round: last look at a VM with jobs that maps it. Guarded by
	 * &kestrel_device.usage_lock.
	 */
	u64 usage_round;
};

static inline struct kestrel_bo *to_kestrel_bo(struct drm_gem_object *object)
{
	return container_of(to_drm_gem_shmem_obj(object), struct kestrel_bo, base);
}

struct sg_table *kestrel_bo_pin(struct drm_gem_object *object);
void kestrel_bo_mapping_ref(struct drm_gem_object *object);
void kestrel_bo_mapping_put(struct drm_gem_object *object);
int kestrel_bo_bindable(struct drm_gem_object *object, const struct kestrel_vm *vm, bool write);
enum dma_data_direction kestrel_bo_direction(const struct kestrel_bo *bo);
void kestrel_bo_dma_unmap(struct kestrel_bo *bo);
bool kestrel_bo_resident(const struct drm_gem_object *object);
void kestrel_bo_list_add(struct drm_gem_object *object);
size_t kestrel_bo_read(struct drm_gem_object *object, u64 offset, void *to, size_t size);
struct drm_gem_object *kestrel_bo_create_object(struct drm_device *drm, size_t size);
void kestrel_bos_shutdown(struct kestrel_device *kdev);

int kestrel_bo_create_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);
int kestrel_bo_info_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);
int kestrel_bo_prep_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);
int kestrel_bo_fini_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);

#endif /* _KESTREL_BO_H_ */
