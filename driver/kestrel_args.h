/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_ARGS_H_
#define _KESTREL_ARGS_H_

#include <linux/bits.h>
#include <linux/types.h>

#include <drm/kestrel_accel.h>

/*
 * Limits of ioctl arguments, and the checks that need nothing but the argument
 * itself. All checks return 0 or -EINVAL (-E2BIG where it says so) and have no
 * side effects.
 */

#define KESTREL_MAX_VMS			16
#define KESTREL_MAX_QUEUES		32
#define KESTREL_MAX_BIND_OPS		1024
#define KESTREL_MAX_SUBMIT_JOBS		64
#define KESTREL_MAX_SYNCS		64
#define KESTREL_MAX_STRIDE		4096

/*
 * Elements of lists as version 1.0 of the interface had them: what every later
 * driver takes, however much it appends to them.
 */
#define KESTREL_BIND_OP_BYTES_MIN	offsetofend(struct drm_kestrel_bind_op, size)
#define KESTREL_JOB_BYTES_MIN		offsetofend(struct drm_kestrel_job, syncs)
#define KESTREL_BASE_BYTES_MIN		offsetofend(struct drm_kestrel_base, size)
#define KESTREL_SYNC_BYTES_MIN		offsetofend(struct drm_kestrel_sync, point)
#define KESTREL_FAULT_BYTES_MIN		offsetofend(struct drm_kestrel_fault, code)
#define KESTREL_PERF_JOB_BYTES_MIN	offsetofend(struct drm_kestrel_perf_job, preemptions)
#define KESTREL_MAX_QUERY_SIZE		4096
/* A BO can be no larger than a VM. */
#define KESTREL_MAX_BO_SIZE		BIT_ULL(38)

int kestrel_args_array(const struct drm_kestrel_array *array, u32 min_stride, u32 min_count,
		       u32 max_count);
int kestrel_args_bind_op(const struct drm_kestrel_bind_op *op);
int kestrel_args_bo_create(const struct drm_kestrel_bo_create *args);
int kestrel_args_bo_userptr(const struct drm_kestrel_bo_userptr *args);
int kestrel_args_bo_range(u64 offset, u64 size, u64 bo_size);
int kestrel_args_bo_prep(const struct drm_kestrel_bo_prep *args);
int kestrel_args_queue_create(const struct drm_kestrel_queue_create *args, u32 max_jobs,
			      u32 max_timeout_ms, u32 max_timeslice_us);
int kestrel_args_job(const struct drm_kestrel_job *job);
int kestrel_args_base(const struct drm_kestrel_base *base);
int kestrel_args_sync(const struct drm_kestrel_sync *sync);

#endif /* _KESTREL_ARGS_H_ */
