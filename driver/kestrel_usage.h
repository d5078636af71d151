/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_USAGE_H_
#define _KESTREL_USAGE_H_

struct drm_file;
struct drm_printer;

void kestrel_usage_show(struct drm_printer *p, struct drm_file *drm_file);

#endif /* _KESTREL_USAGE_H_ */
