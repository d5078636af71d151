// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * VM_BIND: a list of operations, done all or not at all. First everything that
 * can fail: arguments, objects and their pages, page tables, intervals. Then the
 * operations themselves, which cannot.
 */

#include <linux/sched.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>

#include "kestrel_args.h"
#include "kestrel_array.h"
#include "kestrel_bo.h"
#include "kestrel_device.h"
#include "kestrel_drv.h"
#include "kestrel_userptr.h"
#include "kestrel_vm.h"

/* An operation may need an interval for itself and one for a split. */
#define KESTREL_BIND_INTERVALS	2

/**
 * struct kestrel_bind - one VM_BIND on its way
 */
struct kestrel_bind {
	/** @vm: VM. */
	struct kestrel_vm *vm;
	/** @ops: operations. */
	struct drm_kestrel_bind_op *ops;
	/** @objects: object of each MAP, referenced and pinned; NULL for UNMAP. */
	struct drm_gem_object **objects;
	/** @tables: pages of each MAP, mapped for DMA. */
	struct sg_table **tables;
	/** @count: operations. */
	u32 count;
	/** @failed: operation that failed, or DRM_KESTREL_NO_INDEX. */
	u32 failed;
	/** @spares: unused intervals. */
	struct list_head spares;
	/** @removed: intervals that are no longer mapped. */
	struct list_head removed;
	/** @unmapped_start: lowest address that was unmapped. */
	u64 unmapped_start;
	/** @unmapped_end: end of the highest one; 0 when there was none. */
	u64 unmapped_end;
};

static int kestrel_bind_object_get(struct kestrel_bind *bind, u32 index,
				   struct drm_file *drm_file)
{
	const struct drm_kestrel_bind_op *op = &bind->ops[index];
	struct drm_gem_object *object;
	int ret;

	object = drm_gem_object_lookup(drm_file, op->handle);
	if (!object)
		return -ENOENT;

	ret = kestrel_args_bo_range(op->bo_offset, op->size, object->size);
	if (!ret)
		ret = kestrel_bo_bindable(object, bind->vm, op->flags & DRM_KESTREL_BIND_WRITE);
	if (ret)
		goto err_put;

	bind->tables[index] = kestrel_bo_pin(object);
	if (IS_ERR(bind->tables[index])) {
		ret = PTR_ERR(bind->tables[index]);
		goto err_put;
	}

	bind->objects[index] = object;
	return 0;

err_put:
	drm_gem_object_put(object);
	return ret;
}

static int kestrel_bind_objects_get(struct kestrel_bind *bind, struct drm_file *drm_file)
{
	u32 i;
	int ret;

	for (i = 0; i < bind->count; i++) {
		bind->failed = i;
		ret = kestrel_args_bind_op(&bind->ops[i]);
		if (!ret && bind->ops[i].op == DRM_KESTREL_BIND_MAP)
			ret = kestrel_bind_object_get(bind, i, drm_file);
		if (ret)
			return ret;
	}

	bind->failed = DRM_KESTREL_NO_INDEX;
	return 0;
}

static int kestrel_bind_intervals_alloc(struct kestrel_bind *bind)
{
	u32 i;

	for (i = 0; i < KESTREL_BIND_INTERVALS * bind->count; i++) {
		struct kestrel_interval *spare = kzalloc(sizeof(*spare), GFP_KERNEL_ACCOUNT);

		if (!spare)
			return -ENOMEM;
		list_add(&spare->link, &bind->spares);
	}

	return 0;
}

static int kestrel_bind_reserve(struct kestrel_bind *bind)
{
	struct kestrel_pagetable *pt = &bind->vm->pagetable;
	u32 i;
	int ret;

	for (i = 0; i < bind->count; i++) {
		const struct drm_kestrel_bind_op *op = &bind->ops[i];

		bind->failed = i;
		ret = kestrel_pagetable_reserve_unmap(pt, op->va, op->size);
		if (!ret && op->op == DRM_KESTREL_BIND_MAP)
			ret = kestrel_mmu_sgt_reserve(pt, op->va, bind->tables[i], op->bo_offset,
						      op->size);
		if (ret)
			return ret;
		/* Lists are as long as user space makes them. */
		cond_resched();
	}

	bind->failed = DRM_KESTREL_NO_INDEX;
	return 0;
}

static void kestrel_bind_unmap(struct kestrel_bind *bind, u64 va, u64 size)
{
	struct kestrel_vm *vm = bind->vm;
	struct kestrel_interval *upper;

	if (!kestrel_interval_first(&vm->mappings, va, size))
		return;

	upper = kestrel_interval_cut(&vm->mappings, va, size, &bind->spares, &bind->removed);
	if (upper)
		kestrel_bo_mapping_ref(upper->object);
	kestrel_pagetable_unmap(&vm->pagetable, va, size);

	bind->unmapped_start = bind->unmapped_end ? min(bind->unmapped_start, va) : va;
	bind->unmapped_end = max(bind->unmapped_end, va + size);
}

static void kestrel_bind_map(struct kestrel_bind *bind, u32 index)
{
	const struct drm_kestrel_bind_op *op = &bind->ops[index];
	struct kestrel_vm *vm = bind->vm;
	struct kestrel_interval *interval = list_first_entry(&bind->spares,
							     struct kestrel_interval, link);
	u64 permissions = 0;

	if (op->flags & DRM_KESTREL_BIND_READ)
		permissions |= KESTREL_PTE_READ;
	if (op->flags & DRM_KESTREL_BIND_WRITE)
		permissions |= KESTREL_PTE_WRITE;
	if (op->flags & DRM_KESTREL_BIND_EXECUTE)
		permissions |= KESTREL_PTE_EXECUTE;

	list_del_init(&interval->link);
	interval->start = op->va;
	interval->size = op->size;
	interval->offset = op->bo_offset;
	interval->object = bind->objects[index];
	/* The reference and the pin of this call become those of the mapping. */
	bind->objects[index] = NULL;

	kestrel_interval_insert(&vm->mappings, interval);
	/* What its process has unmapped stays a mapping, but one of nothing. */
	if (kestrel_userptr_revoked(interval->object))
		return;
	kestrel_mmu_sgt_map(&vm->pagetable, op->va, bind->tables[index], op->bo_offset, op->size,
			    permissions);
}

static void kestrel_bind_apply(struct kestrel_bind *bind)
{
	u32 i;

	for (i = 0; i < bind->count; i++) {
		kestrel_bind_unmap(bind, bind->ops[i].va, bind->ops[i].size);
		if (bind->ops[i].op == DRM_KESTREL_BIND_MAP)
			kestrel_bind_map(bind, i);
		cond_resched();
	}
}

static int kestrel_bind_run(struct kestrel_bind *bind)
{
	struct kestrel_vm *vm = bind->vm;
	u32 i;
	int ret;

	mutex_lock(&vm->lock);
	if (vm->dead) {
		ret = -ENOENT;
		goto out_unlock;
	}

	ret = kestrel_bind_reserve(bind);

	mutex_lock(&vm->pagetable.lock);
	if (!ret)
		kestrel_bind_apply(bind);
	for (i = 0; i < bind->count; i++) {
		kestrel_pagetable_prune(&vm->pagetable, bind->ops[i].va, bind->ops[i].size);
		cond_resched();
	}
	mutex_unlock(&vm->pagetable.lock);

	/*
	 * A table that is about to be freed may be remembered for more than the
	 * range that was unmapped.
	 */
	if (!list_empty(&vm->pagetable.retired))
		kestrel_mmu_invalidate(vm->kdev, vm->asid, 0, 0);
	else if (bind->unmapped_end)
		kestrel_mmu_invalidate(vm->kdev, vm->asid, bind->unmapped_start,
				       bind->unmapped_end - bind->unmapped_start);
	kestrel_pagetable_release(&vm->pagetable);

out_unlock:
	mutex_unlock(&vm->lock);
	return ret;
}

static void kestrel_bind_release(struct kestrel_bind *bind)
{
	struct kestrel_interval *interval, *next;
	u32 i;

	kestrel_vm_drop_removed(&bind->removed);
	list_for_each_entry_safe(interval, next, &bind->spares, link)
		kfree(interval);

	for (i = 0; bind->objects && i < bind->count; i++) {
		if (bind->objects[i])
			kestrel_bo_mapping_put(bind->objects[i]);
	}
	kvfree(bind->tables);
	kvfree(bind->objects);
	kvfree(bind->ops);
}

/*
 * User memory may be someone's who never answers, such as a file system of a client:
 * whoever has entered the device must not wait for it, for its removal waits for them.
 */
static int kestrel_bind_fetch(struct kestrel_bind *bind, const struct drm_kestrel_vm_bind *args)
{
	bind->ops = kestrel_array_fetch(&args->ops, sizeof(*bind->ops), &bind->failed);
	if (IS_ERR(bind->ops)) {
		int ret = PTR_ERR(bind->ops);

		bind->ops = NULL;
		return ret;
	}

	bind->count = args->ops.count;
	bind->objects = kvcalloc(bind->count, sizeof(*bind->objects),
				 GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	bind->tables = kvcalloc(bind->count, sizeof(*bind->tables),
				GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	return bind->objects && bind->tables ? 0 : -ENOMEM;
}

/**
 * kestrel_vm_bind_ioctl - DRM_IOCTL_KESTREL_VM_BIND
 * @drm: device
 * @data: struct drm_kestrel_vm_bind
 * @drm_file: file
 *
 * Return: 0 or a negative error code.
 */
int kestrel_vm_bind_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct kestrel_device *kdev = to_kestrel_device(drm);
	struct drm_kestrel_vm_bind *args = data;
	struct kestrel_bind bind = {
		.failed = DRM_KESTREL_NO_INDEX,
		.spares = LIST_HEAD_INIT(bind.spares),
		.removed = LIST_HEAD_INIT(bind.removed),
	};
	int idx, ret;

	args->error_index = DRM_KESTREL_NO_INDEX;
	if (args->flags || args->pad)
		return -EINVAL;
	ret = kestrel_args_array(&args->ops, KESTREL_BIND_OP_BYTES_MIN, 1, KESTREL_MAX_BIND_OPS);
	if (ret)
		return ret;
	if (kestrel_reset_wedged(kdev))
		return -EIO;
	if (drm_dev_is_unplugged(drm))
		return -ENODEV;

	bind.vm = kestrel_vm_get(drm_file->driver_priv, args->vm_id);
	if (!bind.vm)
		return -ENOENT;

	ret = kestrel_bind_fetch(&bind, args);
	if (!ret && !drm_dev_enter(drm, &idx))
		ret = -ENODEV;
	if (ret)
		goto out_release;

	ret = kestrel_bind_objects_get(&bind, drm_file);
	if (!ret)
		ret = kestrel_bind_intervals_alloc(&bind);
	if (!ret)
		ret = kestrel_bind_run(&bind);
	drm_dev_exit(idx);

out_release:
	args->error_index = bind.failed;
	kestrel_bind_release(&bind);
	kestrel_vm_put(bind.vm);
	return ret;
}
