/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_ARRAY_H_
#define _KESTREL_ARRAY_H_

#include <linux/types.h>

struct drm_kestrel_array;

void *kestrel_array_fetch(const struct drm_kestrel_array *array, size_t element_size,
			  u32 *failed);

#endif /* _KESTREL_ARRAY_H_ */
