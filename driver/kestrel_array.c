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

	elements = kvcalloc(array->count, element_size,
			    GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
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

/**
 * kestrel_array_range - which records of a ring a reader gets
 * @written: records ever written
 * @kept: how many of them, the last ones, the ring has
 * @cursor: record that the reader wants first
 * @capacity: how many it has room for
 * @first: set to the first record that it gets
 * @count: set to how many it gets
 * @lost: set to how many between @cursor and @first are overwritten
 *
 * Return: 0, or -EINVAL when @cursor is a record that is not written yet and not
 * the next one either.
 */
int kestrel_array_range(u64 written, u32 kept, u64 cursor, u32 capacity, u64 *first, u32 *count,
			u32 *lost)
{
	u64 oldest = written - min_t(u64, written, kept);

	if (cursor > written)
		return -EINVAL;

	*first = max(cursor, oldest);
	*lost = min_t(u64, *first - cursor, U32_MAX);
	*count = min_t(u64, written - *first, capacity);
	return 0;
}

/**
 * kestrel_array_return - copy a list to user memory
 * @array: list that has passed kestrel_args_array()
 * @elements: what to copy
 * @element_size: bytes of an element as the kernel knows it
 * @count: how many, no more than @array has room for
 *
 * Return: 0 or -EFAULT.
 */
int kestrel_array_return(const struct drm_kestrel_array *array, const void *elements,
			 size_t element_size, u32 count)
{
	size_t known = min_t(size_t, array->stride, element_size);
	u32 i;

	for (i = 0; i < count; i++) {
		void __user *to = u64_to_user_ptr(array->ptr + (u64)i * array->stride);

		if (copy_to_user(to, elements + i * element_size, known) ||
		    clear_user(to + known, array->stride - known))
			return -EFAULT;
	}

	return 0;
}
