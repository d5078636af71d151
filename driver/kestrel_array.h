/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_ARRAY_H_
#define _KESTREL_ARRAY_H_

#include <linux/types.h>

struct drm_kestrel_array;

int kestrel_array_range(u64 written, u32 kept, u64 cursor, u32 capacity, u64 *first, u32 *count,
			u32 *lost);
int kestrel_array_return(const struct drm_kestrel_array *array, const void *elements,
			 size_t element_size, u32 count);
void *kestrel_array_fetch(const struct drm_kestrel_array *array, size_t element_size,
			  u32 *failed);

#endif /* _KESTREL_ARRAY_H_ */
