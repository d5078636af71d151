/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_COMPAT_H_
#define _KESTREL_COMPAT_H_

/*
 * All differences between kernels. What a kernel has is found out at build time
 * by probe.sh, never by its version: stable releases change interfaces, too.
 * In a kernel tree this file has no place, nor has the render node.
 */

#include <linux/fs.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/workqueue.h>

#include <drm/drm_accel.h>
#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>
#include <drm/gpu_scheduler.h>

#include "kestrel_compat_config.h"

#if IS_ENABLED(CONFIG_DRM_ACCEL)
#define KESTREL_COMPAT_NODE_FEATURE	DRIVER_COMPUTE_ACCEL
#define KESTREL_COMPAT_NODE_FOPS	DRM_ACCEL_FOPS
#else
/* Debian's arm64 kernels have no accel nodes: a render node stands in. */
#define KESTREL_COMPAT_NODE_FEATURE	DRIVER_RENDER
#define KESTREL_COMPAT_NODE_FOPS \
	.open		= drm_open, \
	.release	= drm_release, \
	.unlocked_ioctl	= drm_ioctl, \
	.compat_ioctl	= drm_compat_ioctl, \
	.poll		= drm_poll, \
	.read		= drm_read, \
	.llseek		= noop_llseek, \
	.mmap		= drm_gem_mmap, \
	.fop_flags	= FOP_UNSIGNED_OFFSET
#endif

static inline int kestrel_compat_sched_job_init(struct drm_sched_job *job,
						struct drm_sched_entity *entity, void *owner,
						u64 client_id)
{
#ifdef KESTREL_HAVE_SCHED_JOB_CLIENT_ID
	return drm_sched_job_init(job, entity, 1, owner, client_id);
#else
	return drm_sched_job_init(job, entity, 1, owner);
#endif
}

static inline int kestrel_compat_sched_init(struct drm_gpu_scheduler *sched,
					    const struct drm_sched_backend_ops *ops,
					    struct workqueue_struct *wq, u32 credits,
					    const char *name, struct device *dev)
{
#ifdef KESTREL_HAVE_SCHED_INIT_ARGS
	const struct drm_sched_init_args args = {
		.ops = ops,
		.submit_wq = wq,
		.num_rqs = 1,
		.credit_limit = credits,
		.timeout = MAX_SCHEDULE_TIMEOUT,
		.name = name,
		.dev = dev,
	};

	return drm_sched_init(sched, &args);
#else
	return drm_sched_init(sched, ops, wq, 1, credits, 0, MAX_SCHEDULE_TIMEOUT, NULL, NULL,
			      name, dev);
#endif
}

/*
 * Memory of BOs comes from a tmpfs that has huge pages where they fit, so that the
 * device's 2 MiB pages have something to show. Later kernels make one for a DRM
 * device, and then use it; before that it is made here, and an object's file is
 * replaced while nobody knows it yet. Without one all pages are small.
 */
#ifdef KESTREL_HAVE_HUGE_MOUNT
static inline struct vfsmount *kestrel_compat_huge_mount(struct drm_device *drm)
{
	if (drm_gem_huge_mnt_create(drm, "within_size"))
		drm_dbg(drm, "no memory of huge pages\n");
	return NULL;
}

static inline struct drm_gem_shmem_object *
kestrel_compat_shmem_create(struct drm_device *drm, size_t size, struct vfsmount *mount)
{
	return drm_gem_shmem_create(drm, size);
}
#else
static inline void kestrel_compat_huge_unmount(struct drm_device *drm, void *mount)
{
	kern_unmount(mount);
}

static inline struct vfsmount *kestrel_compat_huge_mount(struct drm_device *drm)
{
	char options[] = "huge=within_size";
	struct file_system_type *type = get_fs_type("tmpfs");
	struct vfsmount *mount;

	if (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) || !type)
		return NULL;

	mount = vfs_kern_mount(type, SB_KERNMOUNT, type->name, options);
	if (IS_ERR(mount) ||
	    drmm_add_action_or_reset(drm, kestrel_compat_huge_unmount, mount)) {
		drm_dbg(drm, "no memory of huge pages\n");
		return NULL;
	}
	return mount;
}

static inline struct drm_gem_shmem_object *
kestrel_compat_shmem_create(struct drm_device *drm, size_t size, struct vfsmount *mount)
{
	struct drm_gem_shmem_object *shmem = drm_gem_shmem_create(drm, size);
	struct file *file;

	if (IS_ERR(shmem) || !mount || size < SZ_2M)
		return shmem;

	file = shmem_file_setup_with_mnt(mount, "drm mm object", size, VM_NORESERVE);
	if (IS_ERR(file))
		return shmem;

	mapping_set_gfp_mask(file->f_mapping, mapping_gfp_mask(shmem->base.filp->f_mapping));
	fput(shmem->base.filp);
	shmem->base.filp = file;
	return shmem;
}
#endif

/* The caller holds the object's reservation lock. */
static inline void kestrel_compat_shmem_put_pages(struct drm_gem_shmem_object *shmem)
{
#ifdef KESTREL_HAVE_SHMEM_PUT_PAGES_LOCKED
	drm_gem_shmem_put_pages_locked(shmem);
#else
	drm_gem_shmem_put_pages(shmem);
#endif
}

/*
 * Kernels that have drm_dev_wedged_event() send it from the primary node, and an
 * accel device has none: then, and where there is no such function, the same
 * event comes from the device's own node.
 */
static inline void kestrel_compat_wedged_event(struct drm_device *drm)
{
	char wedged[] = "WEDGED=rebind";
	char *environment[2] = { wedged };
	struct drm_minor *node = drm->accel ?: drm->primary;

#ifdef KESTREL_HAVE_WEDGED_EVENT
	if (drm->primary) {
		drm_dev_wedged_event(drm, DRM_WEDGE_RECOVERY_REBIND, NULL);
		return;
	}
#endif
	kobject_uevent_env(&node->kdev->kobj, KOBJ_CHANGE, environment);
}

/* For work that takes long. */
#ifdef KESTREL_HAVE_SYSTEM_DFL_WQ
#define kestrel_compat_unbound_wq	system_dfl_wq
#else
#define kestrel_compat_unbound_wq	system_unbound_wq
#endif

#ifdef KESTREL_HAVE_STRING_NAMESPACES
#define KESTREL_COMPAT_IMPORT_NS(ns)	MODULE_IMPORT_NS(#ns)
#else
#define KESTREL_COMPAT_IMPORT_NS(ns)	MODULE_IMPORT_NS(ns)
#endif

#endif /* _KESTREL_COMPAT_H_ */
