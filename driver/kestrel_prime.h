/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_PRIME_H_
#define _KESTREL_PRIME_H_

struct dma_buf;
struct dma_buf_attachment;
struct drm_device;
struct drm_gem_object;
struct sg_table;

struct dma_buf *kestrel_prime_export(struct drm_gem_object *object, int flags);
struct drm_gem_object *kestrel_prime_import(struct drm_device *drm, struct dma_buf *dma_buf);
struct drm_gem_object *kestrel_prime_import_sgt(struct drm_device *drm,
						struct dma_buf_attachment *attachment,
						struct sg_table *sgt);

#endif /* _KESTREL_PRIME_H_ */
