/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_BO_H_
#define _KESTREL_BO_H_

#include <linux/types.h>

struct dma_buf_attachment;
struct drm_device;
struct drm_file;
struct drm_gem_object;
struct kestrel_device;
struct sg_table;

struct sg_table *kestrel_bo_pages(struct drm_gem_object *object);
struct drm_gem_object *kestrel_bo_create_object(struct drm_device *drm, size_t size);
struct drm_gem_object *kestrel_bo_import(struct drm_device *drm,
					 struct dma_buf_attachment *attachment,
					 struct sg_table *sgt);
void kestrel_bos_shutdown(struct kestrel_device *kdev);

int kestrel_bo_create_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);
int kestrel_bo_info_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);
int kestrel_bo_prep_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);
int kestrel_bo_fini_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);

#endif /* _KESTREL_BO_H_ */
