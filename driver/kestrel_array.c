// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/kestrel_accel.h>

#include "kestrel_array.h"

/**
 * kestrel_array_fetch - copy a list from user memory
 * @array: list that has passed kestrel_args_array() with a bounded count
 * @element_size: bytes of an element as the kernel knows it
 * @failed: set to the element that cannot be copied
 *
 * Return: the elements, to be freed with kvfree(); NULL when the count is 0; or
 * ERR_PTR() of -ENOMEM, -EFAULT or -E2BIG.
 */
void *kestrel_array_fetch(const struct drm_kestrel_array *array, size_t element_size,
			  u32 *failed)
{
	void *elements;
	u32 i;
	int ret;

	if (!array->count)
		return NULL;

	elements = kvcalloc(array->count, element_size, GFP_KERNEL_ACCOUNT);
	if (!elements)
		return ERR_PTR(-ENOMEM);

	for (i = 0; i < array->count; i++) {
		ret = copy_struct_from_user(elements + i * element_size, element_size,
					    u64_to_user_ptr(array->ptr + (u64)i * array->stride),
					    array->stride);
		if (ret) {
			*failed = i;
			kvfree(elements);
			return ERR_PTR(ret);
		}
	}

	return elements;
}
