/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_USERPTR_H_
#define _KESTREL_USERPTR_H_

#include <linux/errno.h>
#include <linux/types.h>

struct drm_device;
struct drm_file;
struct drm_gem_object;
struct kestrel_bo;

#ifdef CONFIG_MMU_NOTIFIER
bool kestrel_userptr_revoked(struct drm_gem_object *object);
void kestrel_userptr_free(struct kestrel_bo *bo);

int kestrel_bo_userptr_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);
#else
static inline bool kestrel_userptr_revoked(struct drm_gem_object *object)
{
	return false;
}

static inline void kestrel_userptr_free(struct kestrel_bo *bo)
{
}

static inline int kestrel_bo_userptr_ioctl(struct drm_device *drm, void *data,
					   struct drm_file *drm_file)
{
	return -EOPNOTSUPP;
}
#endif

#endif /* _KESTREL_USERPTR_H_ */
