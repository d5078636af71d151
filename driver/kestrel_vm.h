/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_VM_H_
#define _KESTREL_VM_H_

#include <linux/dma-resv.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

#include "kestrel_fault.h"
#include "kestrel_interval.h"
#include "kestrel_pagetable.h"

struct drm_device;
struct drm_file;
struct drm_gem_object;
struct kestrel_device;
struct kestrel_file;
struct kestrel_user;

/**
 * struct kestrel_vm_resv - what the exclusive BOs of a VM share
 *
 * Referenced by the VM and by each of these BOs, which may outlive it.
 */
struct kestrel_vm_resv {
	/** @refcount: references. */
	struct kref refcount;
	/** @base: reservation object. */
	struct dma_resv base;
};

/**
 * struct kestrel_vm - one address space of a client
 *
 * Referenced by its file and by each of its queues.
 */
struct kestrel_vm {
	/** @refcount: references. */
	struct kref refcount;
	/** @kdev: device; the VM keeps it. */
	struct kestrel_device *kdev;
	/** @user: who is charged for it; constant. */
	struct kestrel_user *user;
	/** @resv: of the BOs that no other VM can map; constant. */
	struct kestrel_vm_resv *resv;
	/** @asid: address space identifier; constant. */
	u32 asid;
	/** @lock: guards the members down to @dead. */
	struct mutex lock;
	/**
	 * @mappings: what is mapped; objects are &struct drm_gem_object, referenced.
	 * Changed with &kestrel_pagetable.lock held, too: either lock will do to look.
	 */
	struct kestrel_interval_tree mappings;
	/** @pagetable: the same for the device. */
	struct kestrel_pagetable pagetable;
	/** @dead: nothing is mapped any more, and nothing can be. */
	bool dead;
	/**
	 * @usage_round: last look at it for fdinfo. Guarded by
	 * &kestrel_device.usage_lock.
	 */
	u64 usage_round;
	/** @fault_lock: guards @faults. */
	spinlock_t fault_lock;
	/** @faults: the last faults. */
	struct kestrel_fault_ring faults;
};

struct kestrel_vm *kestrel_vm_get(struct kestrel_file *file, u32 id);
struct kestrel_vm *kestrel_vm_ref(struct kestrel_vm *vm);
void kestrel_vm_put(struct kestrel_vm *vm);
void kestrel_vm_clear(struct kestrel_vm *vm);
void kestrel_vm_drop_removed(struct list_head *removed);
bool kestrel_vm_maps(struct kestrel_vm *vm, const struct drm_gem_object *object);
void kestrel_vm_revoke(struct kestrel_vm *vm, const struct drm_gem_object *object, bool *revoked);
struct kestrel_vm_resv *kestrel_vm_resv_ref(struct kestrel_vm_resv *resv);
void kestrel_vm_resv_put(struct kestrel_vm_resv *resv);
void kestrel_vms_shutdown(struct kestrel_device *kdev);

int kestrel_vm_create_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);
int kestrel_vm_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);
int kestrel_vm_bind_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);

#endif /* _KESTREL_VM_H_ */
