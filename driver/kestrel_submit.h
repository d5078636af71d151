/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_SUBMIT_H_
#define _KESTREL_SUBMIT_H_

struct drm_device;
struct drm_file;

int kestrel_submit_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file);

#endif /* _KESTREL_SUBMIT_H_ */
