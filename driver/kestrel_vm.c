// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>

#include "kestrel_args.h"
#include "kestrel_bo.h"
#include "kestrel_device.h"
#include "kestrel_drv.h"
#include "kestrel_queue.h"
#include "kestrel_user.h"
#include "kestrel_vm.h"

static struct kestrel_vm_resv *kestrel_vm_resv_create(void)
{
	struct kestrel_vm_resv *resv = kzalloc(sizeof(*resv), GFP_KERNEL_ACCOUNT);

	if (resv) {
		kref_init(&resv->refcount);
		dma_resv_init(&resv->base);
	}
	return resv;
}

/**
 * kestrel_vm_resv_ref - take one more reference
 * @resv: what exclusive BOs share
 *
 * Return: @resv.
 */
struct kestrel_vm_resv *kestrel_vm_resv_ref(struct kestrel_vm_resv *resv)
{
	kref_get(&resv->refcount);
	return resv;
}

static void kestrel_vm_resv_release(struct kref *refcount)
{
	struct kestrel_vm_resv *resv = container_of(refcount, struct kestrel_vm_resv, refcount);

	dma_resv_fini(&resv->base);
	kfree(resv);
}

/**
 * kestrel_vm_resv_put - drop a reference
 * @resv: what exclusive BOs share
 */
void kestrel_vm_resv_put(struct kestrel_vm_resv *resv)
{
	kref_put(&resv->refcount, kestrel_vm_resv_release);
}

/**
 * kestrel_vm_drop_removed - let go of what intervals have mapped
 * @removed: intervals of no VM any more, which are freed
 */
void kestrel_vm_drop_removed(struct list_head *removed)
{
	struct kestrel_interval *interval, *next;

	list_for_each_entry_safe(interval, next, removed, link) {
		kestrel_bo_mapping_put(interval->object);
		kfree(interval);
	}
}

/**
 * kestrel_vm_clear - unmap everything, for good
 * @vm: VM
 *
 * Its page table is gone when this returns, and the device does not use it.
 */
void kestrel_vm_clear(struct kestrel_vm *vm)
{
	struct kestrel_interval *interval;
	LIST_HEAD(removed);

	kestrel_coredump_flush(vm->kdev);
	mutex_lock(&vm->lock);
	if (!vm->dead) {
		vm->dead = true;
		kestrel_mmu_detach(vm->kdev, vm->asid);
		mutex_lock(&vm->pagetable.lock);
		while ((interval = kestrel_interval_first(&vm->mappings, 0, KESTREL_VA_END))) {
			kestrel_interval_remove(&vm->mappings, interval);
			list_add(&interval->link, &removed);
		}
		mutex_unlock(&vm->pagetable.lock);
		kestrel_pagetable_fini(&vm->pagetable);
	}
	mutex_unlock(&vm->lock);

	kestrel_vm_drop_removed(&removed);
}

static void kestrel_vm_release(struct kref *refcount)
{
	struct kestrel_vm *vm = container_of(refcount, struct kestrel_vm, refcount);
	struct kestrel_device *kdev = vm->kdev;

	kestrel_vm_clear(vm);

	spin_lock(&kdev->slot_lock);
	kdev->vm_slots[vm->asid] = NULL;
	spin_unlock(&kdev->slot_lock);
	kestrel_mmu_asid_free(kdev, vm->asid);
	kestrel_user_uncharge(vm->user, KESTREL_USER_VMS, 1);

	kestrel_user_put(vm->user);
	kestrel_vm_resv_put(vm->resv);
	mutex_destroy(&vm->lock);
	kfree(vm);
	drm_dev_put(&kdev->drm);
}

/**
 * kestrel_vm_put - drop a reference
 * @vm: VM
 *
 * The last one may sleep.
 */
void kestrel_vm_put(struct kestrel_vm *vm)
{
	kref_put(&vm->refcount, kestrel_vm_release);
}

/**
 * kestrel_vm_ref - take one more reference
 * @vm: VM
 *
 * Return: @vm.
 */
struct kestrel_vm *kestrel_vm_ref(struct kestrel_vm *vm)
{
	kref_get(&vm->refcount);
	return vm;
}

/**
 * kestrel_vm_get - find a VM of a file
 * @file: file
 * @id: identifier
 *
 * Return: the VM with a reference, or NULL.
 */
struct kestrel_vm *kestrel_vm_get(struct kestrel_file *file, u32 id)
{
	struct kestrel_vm *vm;

	xa_lock(&file->vms);
	vm = xa_load(&file->vms, id);
	if (vm)
		kref_get(&vm->refcount);
	xa_unlock(&file->vms);
	return vm;
}

/**
 * kestrel_vm_maps - whether a VM maps some of an object
 * @vm: VM
 * @object: object
 *
 * Return: true when it does.
 */
bool kestrel_vm_maps(struct kestrel_vm *vm, const struct drm_gem_object *object)
{
	bool found;

	mutex_lock(&vm->lock);
	found = kestrel_interval_of_object(&vm->mappings, object);
	mutex_unlock(&vm->lock);
	return found;
}

/**
 * kestrel_vm_revoke - take memory away that its process has unmapped
 * @vm: VM
 * @object: what @revoked belongs to
 * @revoked: set to true under &kestrel_pagetable.lock
 *
 * Its mappings stay, but nothing is found there. Takes no lock under which memory
 * is allocated. When this returns the device does not use the object any more.
 */
void kestrel_vm_revoke(struct kestrel_vm *vm, const struct drm_gem_object *object, bool *revoked)
{
	struct kestrel_interval *interval;
	u64 start = 0, end = 0;

	mutex_lock(&vm->pagetable.lock);
	*revoked = true;
	for (interval = kestrel_interval_of_object(&vm->mappings, object); interval;
	     interval = kestrel_interval_next_of_object(interval)) {
		kestrel_pagetable_unmap(&vm->pagetable, interval->start, interval->size);
		start = end ? start : interval->start;
		end = interval->start + interval->size;
	}
	mutex_unlock(&vm->pagetable.lock);

	if (end)
		kestrel_mmu_invalidate(vm->kdev, vm->asid, start, end - start);
}

/**
 * kestrel_vms_shutdown - clear all VMs of a device that goes
 * @kdev: unplugged device
 */
void kestrel_vms_shutdown(struct kestrel_device *kdev)
{
	u32 asid;

	for (asid = 0; asid < KESTREL_ASID_MAX; asid++) {
		struct kestrel_vm *vm;

		spin_lock(&kdev->slot_lock);
		vm = kdev->vm_slots[asid];
		if (vm && !kref_get_unless_zero(&vm->refcount))
			vm = NULL;
		spin_unlock(&kdev->slot_lock);

		if (vm) {
			kestrel_vm_clear(vm);
			kestrel_vm_put(vm);
		}
	}
}

static struct kestrel_vm *kestrel_vm_create(struct kestrel_user *user)
{
	struct kestrel_device *kdev = user->kdev;
	struct kestrel_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	int idx, ret;

	if (!vm)
		return ERR_PTR(-ENOMEM);

	kref_init(&vm->refcount);
	vm->kdev = kdev;
	vm->mappings = (struct kestrel_interval_tree){ RB_ROOT, RB_ROOT };
	mutex_init(&vm->lock);
	spin_lock_init(&vm->fault_lock);

	vm->resv = kestrel_vm_resv_create();
	if (!vm->resv) {
		ret = -ENOMEM;
		goto err_free;
	}

	ret = kestrel_user_charge(user, KESTREL_USER_VMS, 1);
	if (ret)
		goto err_put_resv;

	if (!drm_dev_enter(&kdev->drm, &idx)) {
		ret = -ENODEV;
		goto err_uncharge;
	}

	ret = kestrel_mmu_asid_alloc(kdev);
	if (ret < 0)
		goto err_exit;
	vm->asid = ret;

	ret = kestrel_mmu_table_init(kdev, &vm->pagetable);
	if (ret)
		goto err_free_asid;

	vm->user = kestrel_user_ref(user);
	drm_dev_get(&kdev->drm);
	kestrel_mmu_attach(kdev, vm->asid, &vm->pagetable);
	spin_lock(&kdev->slot_lock);
	kdev->vm_slots[vm->asid] = vm;
	spin_unlock(&kdev->slot_lock);
	drm_dev_exit(idx);
	return vm;

err_free_asid:
	kestrel_mmu_asid_free(kdev, vm->asid);
err_exit:
	drm_dev_exit(idx);
err_uncharge:
	kestrel_user_uncharge(user, KESTREL_USER_VMS, 1);
err_put_resv:
	kestrel_vm_resv_put(vm->resv);
err_free:
	mutex_destroy(&vm->lock);
	kfree(vm);
	return ERR_PTR(ret);
}

/**
 * kestrel_vm_create_ioctl - DRM_IOCTL_KESTREL_VM_CREATE
 * @drm: device
 * @data: struct drm_kestrel_vm_create
 * @drm_file: file
 *
 * Return: 0 or a negative error code.
 */
int kestrel_vm_create_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct kestrel_device *kdev = to_kestrel_device(drm);
	struct kestrel_file *file = drm_file->driver_priv;
	struct drm_kestrel_vm_create *args = data;
	struct kestrel_vm *vm;
	int idx, ret;

	if (args->flags)
		return -EINVAL;
	if (kestrel_reset_wedged(kdev))
		return -EIO;
	/* A VM that is dropped again is dropped before the device can go. */
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;

	vm = kestrel_vm_create(file->user);
	if (IS_ERR(vm)) {
		ret = PTR_ERR(vm);
		goto out_exit;
	}

	ret = xa_alloc(&file->vms, &args->vm_id, vm, XA_LIMIT(1, KESTREL_MAX_VMS), GFP_KERNEL);
	if (ret) {
		kestrel_vm_put(vm);
		ret = ret == -EBUSY ? -ENOSPC : ret;
		goto out_exit;
	}

	args->va_start = KESTREL_VA_START;
	args->va_size = KESTREL_VA_END - KESTREL_VA_START;

out_exit:
	drm_dev_exit(idx);
	return ret;
}

/**
 * kestrel_vm_destroy_ioctl - DRM_IOCTL_KESTREL_VM_DESTROY
 * @drm: device
 * @data: struct drm_kestrel_vm_destroy
 * @drm_file: file
 *
 * Return: 0 or a negative error code.
 */
int kestrel_vm_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct kestrel_file *file = drm_file->driver_priv;
	struct drm_kestrel_vm_destroy *args = data;
	struct kestrel_queue *queue;
	struct kestrel_vm *vm;
	unsigned long id;

	if (args->flags)
		return -EINVAL;

	mutex_lock(&file->lock);
	vm = xa_erase(&file->vms, args->vm_id);
	mutex_unlock(&file->lock);
	if (!vm)
		return -ENOENT;

	for (id = 1; id <= KESTREL_MAX_QUEUES; id++) {
		queue = kestrel_queue_get(file, id);
		if (queue && queue->vm == vm && xa_cmpxchg(&file->queues, id, queue, NULL,
							   GFP_KERNEL) == queue)
			kestrel_file_queue_close(file, queue);
		if (queue)
			kestrel_queue_put(queue);
	}

	kestrel_vm_clear(vm);
	kestrel_vm_put(vm);
	return 0;
}
