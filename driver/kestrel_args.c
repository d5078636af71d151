// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

#include <linux/align.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include <kunit/visibility.h>

#include <kestrel/isa.h>

#include "kestrel_args.h"
#include "kestrel_pagetable.h"

#define KESTREL_BIND_FLAGS \
	(DRM_KESTREL_BIND_READ | DRM_KESTREL_BIND_WRITE | DRM_KESTREL_BIND_EXECUTE)
#define KESTREL_BO_CREATE_FLAGS	(DRM_KESTREL_BO_WRITE_COMBINED | DRM_KESTREL_BO_NO_MMAP)
#define KESTREL_PREP_DIRECTIONS	(DRM_KESTREL_PREP_READ | DRM_KESTREL_PREP_WRITE)
#define KESTREL_PREP_FLAGS	(KESTREL_PREP_DIRECTIONS | DRM_KESTREL_PREP_WAIT_ONLY)
#define KESTREL_SYNC_FLAGS \
	(DRM_KESTREL_SYNC_WAIT | DRM_KESTREL_SYNC_SIGNAL | DRM_KESTREL_SYNC_TIMELINE)
/* Streams are fetched in lines of the SRAM's width. */
#define KESTREL_STREAM_ALIGN	16

/**
 * kestrel_args_array - check the description of a list
 * @array: the description
 * @min_stride: bytes that an element has at least
 * @min_count: elements that there must be at least
 * @max_count: elements that there may be at most
 *
 * Return: 0 or -EINVAL.
 */
int kestrel_args_array(const struct drm_kestrel_array *array, u32 min_stride, u32 min_count,
		       u32 max_count)
{
	if (array->count < min_count || array->count > max_count)
		return -EINVAL;
	if (!array->count)
		return array->ptr ? -EINVAL : 0;
	if (array->stride < min_stride || array->stride > KESTREL_MAX_STRIDE || !array->ptr)
		return -EINVAL;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_args_array);

/**
 * kestrel_args_bind_op - check an operation of VM_BIND
 * @op: the operation
 *
 * The range of the BO is checked later, when it is known.
 *
 * Return: 0 or -EINVAL.
 */
int kestrel_args_bind_op(const struct drm_kestrel_bind_op *op)
{
	u64 end;

	if (op->pad)
		return -EINVAL;
	if (!op->size || !IS_ALIGNED(op->va | op->size | op->bo_offset, KESTREL_PAGE_SIZE))
		return -EINVAL;
	if (check_add_overflow(op->va, op->size, &end) || op->va < KESTREL_VA_START ||
	    end > KESTREL_VA_END)
		return -EINVAL;

	switch (op->op) {
	case DRM_KESTREL_BIND_MAP:
		if (!op->flags || op->flags & ~KESTREL_BIND_FLAGS)
			return -EINVAL;
		if (op->flags & DRM_KESTREL_BIND_WRITE && !(op->flags & DRM_KESTREL_BIND_READ))
			return -EINVAL;
		return op->handle ? 0 : -EINVAL;
	case DRM_KESTREL_BIND_UNMAP:
		return op->flags || op->handle || op->bo_offset ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_args_bind_op);

/**
 * kestrel_args_bo_create - check the argument of BO_CREATE
 * @args: the argument
 *
 * Return: 0 or -EINVAL.
 */
int kestrel_args_bo_create(const struct drm_kestrel_bo_create *args)
{
	if (args->flags & ~KESTREL_BO_CREATE_FLAGS || args->pad)
		return -EINVAL;
	return args->size && args->size <= KESTREL_MAX_BO_SIZE ? 0 : -EINVAL;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_args_bo_create);

/**
 * kestrel_args_bo_userptr - check the argument of BO_USERPTR
 * @args: the argument
 *
 * Return: 0 or -EINVAL.
 */
int kestrel_args_bo_userptr(const struct drm_kestrel_bo_userptr *args)
{
	u64 end;

	if (args->flags & ~DRM_KESTREL_BO_READ_ONLY || args->pad)
		return -EINVAL;
	if (!args->size || args->size > KESTREL_MAX_BO_SIZE ||
	    !IS_ALIGNED(args->address | args->size, PAGE_SIZE))
		return -EINVAL;
	if (check_add_overflow(args->address, args->size, &end) || end > ULONG_MAX)
		return -EINVAL;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_args_bo_userptr);

/**
 * kestrel_args_bo_range - check that a range lies inside a BO
 * @offset: first byte
 * @size: bytes
 * @bo_size: bytes of the BO
 *
 * Return: 0 or -EINVAL.
 */
int kestrel_args_bo_range(u64 offset, u64 size, u64 bo_size)
{
	return offset > bo_size || size > bo_size - offset ? -EINVAL : 0;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_args_bo_range);

/**
 * kestrel_args_bo_prep - check the flags of BO_PREP
 * @args: the argument
 *
 * Return: 0 or -EINVAL.
 */
int kestrel_args_bo_prep(const struct drm_kestrel_bo_prep *args)
{
	if (args->flags & ~KESTREL_PREP_FLAGS || !(args->flags & KESTREL_PREP_DIRECTIONS))
		return -EINVAL;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_args_bo_prep);

/**
 * kestrel_args_queue_create - check the argument of QUEUE_CREATE
 * @args: the argument
 * @max_jobs: largest max_jobs
 * @max_timeout_ms: largest job_timeout_ms
 * @max_timeslice_us: largest timeslice_us
 *
 * Return: 0 or -EINVAL.
 */
int kestrel_args_queue_create(const struct drm_kestrel_queue_create *args, u32 max_jobs,
			      u32 max_timeout_ms, u32 max_timeslice_us)
{
	if (args->flags & ~DRM_KESTREL_QUEUE_PERF || args->pad)
		return -EINVAL;
	if (args->priority > DRM_KESTREL_PRIORITY_REALTIME)
		return -EINVAL;
	if (!is_power_of_2(args->max_jobs) || args->max_jobs > max_jobs)
		return -EINVAL;
	if (args->job_timeout_ms > max_timeout_ms || args->timeslice_us > max_timeslice_us)
		return -EINVAL;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_args_queue_create);

/**
 * kestrel_args_job - check a job of SUBMIT
 * @job: the job; its lists are checked one by one
 *
 * Return: 0 or -EINVAL.
 */
int kestrel_args_job(const struct drm_kestrel_job *job)
{
	u64 end;
	int ret;

	if (job->flags || !IS_ALIGNED(job->command_va, KESTREL_STREAM_ALIGN))
		return -EINVAL;
	if (job->command_size > KESTREL_ISA_STREAM_BYTES_MAX)
		return -EINVAL;
	if (check_add_overflow(job->command_va, (u64)job->command_size, &end))
		return -EINVAL;
	if (!job->command_size && (job->command_va || job->bases.count))
		return -EINVAL;

	ret = kestrel_args_array(&job->bases, KESTREL_BASE_BYTES_MIN, 0,
				 DRM_KESTREL_MAX_BASES);
	if (ret)
		return ret;

	return kestrel_args_array(&job->syncs, KESTREL_SYNC_BYTES_MIN, 0,
				  KESTREL_MAX_SYNCS);
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_args_job);

/**
 * kestrel_args_base - check a base entry of a job
 * @base: the entry
 *
 * Return: 0 or -EINVAL.
 */
int kestrel_args_base(const struct drm_kestrel_base *base)
{
	u64 end;

	return check_add_overflow(base->va, base->size, &end) ? -EINVAL : 0;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_args_base);

/**
 * kestrel_args_sync - check a sync entry of a job
 * @sync: the entry
 *
 * Return: 0 or -EINVAL.
 */
int kestrel_args_sync(const struct drm_kestrel_sync *sync)
{
	bool timeline = sync->flags & DRM_KESTREL_SYNC_TIMELINE;
	bool wait = sync->flags & DRM_KESTREL_SYNC_WAIT;
	bool signal = sync->flags & DRM_KESTREL_SYNC_SIGNAL;

	if (sync->flags & ~KESTREL_SYNC_FLAGS || wait == signal)
		return -EINVAL;
	return timeline == !!sync->point ? 0 : -EINVAL;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_args_sync);
