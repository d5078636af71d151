// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

#include <kunit/test.h>
#include <linux/module.h>

#include <kestrel/isa.h>

#include "kestrel_args.h"
#include "kestrel_pagetable.h"

#define PAGE	((u64)KESTREL_PAGE_SIZE)

static void args_array(struct kunit *test)
{
	struct drm_kestrel_array array = { .stride = 16, .count = 3, .ptr = 0x1000 };
	struct drm_kestrel_array empty = {};

	KUNIT_EXPECT_EQ(test, kestrel_args_array(&array, 16, 1, 3), 0);
	KUNIT_EXPECT_EQ(test, kestrel_args_array(&array, 16, 1, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, kestrel_args_array(&array, 16, 4, 8), -EINVAL);
	KUNIT_EXPECT_EQ(test, kestrel_args_array(&array, 17, 1, 3), -EINVAL);
	array.stride = KESTREL_MAX_STRIDE + 1;
	KUNIT_EXPECT_EQ(test, kestrel_args_array(&array, 16, 1, 3), -EINVAL);
	array.stride = 24;
	KUNIT_EXPECT_EQ(test, kestrel_args_array(&array, 16, 1, 3), 0);
	array.ptr = 0;
	KUNIT_EXPECT_EQ(test, kestrel_args_array(&array, 16, 1, 3), -EINVAL);

	KUNIT_EXPECT_EQ(test, kestrel_args_array(&empty, 16, 0, 3), 0);
	KUNIT_EXPECT_EQ(test, kestrel_args_array(&empty, 16, 1, 3), -EINVAL);
	empty.ptr = 1;
	KUNIT_EXPECT_EQ(test, kestrel_args_array(&empty, 16, 0, 3), -EINVAL);
}

struct bind_case {
	const char *what;
	u32 op;
	u32 flags;
	u32 handle;
	u32 pad;
	u64 bo_offset;
	u64 va;
	u64 size;
	int result;
};

#define MAP	DRM_KESTREL_BIND_MAP
#define UNMAP	DRM_KESTREL_BIND_UNMAP
#define R	DRM_KESTREL_BIND_READ
#define W	DRM_KESTREL_BIND_WRITE
#define X	DRM_KESTREL_BIND_EXECUTE
#define START	KESTREL_VA_START
#define END	KESTREL_VA_END

static const struct bind_case bind_cases[] = {
	{ "map", MAP, R, 1, 0, 0, START, PAGE, 0 },
	{ "unmap", UNMAP, 0, 0, 0, 0, START, PAGE, 0 },
	{ "unknown operation", 2, 0, 0, 0, 0, START, PAGE, -EINVAL },
	{ "padding", MAP, R, 1, 1, 0, START, PAGE, -EINVAL },
	{ "map without permission", MAP, 0, 1, 0, 0, START, PAGE, -EINVAL },
	{ "map with an unknown flag", MAP, R | 8, 1, 0, 0, START, PAGE, -EINVAL },
	{ "write without read", MAP, W, 1, 0, 0, START, PAGE, -EINVAL },
	{ "execute only", MAP, X, 1, 0, 0, START, PAGE, 0 },
	{ "read and write", MAP, R | W, 1, 0, 0, START, PAGE, 0 },
	{ "map without handle", MAP, R, 0, 0, 0, START, PAGE, -EINVAL },
	{ "unmap with handle", UNMAP, 0, 1, 0, 0, START, PAGE, -EINVAL },
	{ "unmap with flags", UNMAP, R, 0, 0, 0, START, PAGE, -EINVAL },
	{ "unmap with offset", UNMAP, 0, 0, 0, PAGE, START, PAGE, -EINVAL },
	{ "size 0", MAP, R, 1, 0, 0, START, 0, -EINVAL },
	{ "odd size", MAP, R, 1, 0, 0, START, PAGE + 1, -EINVAL },
	{ "odd address", MAP, R, 1, 0, 0, START + 8, PAGE, -EINVAL },
	{ "odd offset", MAP, R, 1, 0, 512, START, PAGE, -EINVAL },
	{ "below the VM", MAP, R, 1, 0, 0, START - PAGE, PAGE, -EINVAL },
	{ "last page", MAP, R, 1, 0, 0, END - PAGE, PAGE, 0 },
	{ "behind the VM", MAP, R, 1, 0, 0, END, PAGE, -EINVAL },
	{ "over the end", MAP, R, 1, 0, 0, END - PAGE, 2 * PAGE, -EINVAL },
	{ "overflow", MAP, R, 1, 0, 0, -PAGE, 2 * PAGE, -EINVAL },
	{ "everything", UNMAP, 0, 0, 0, 0, START, END - START, 0 },
	{ "more than everything", UNMAP, 0, 0, 0, 0, START, END, -EINVAL },
};

static void bind_case_describe(const struct bind_case *bind, char *text)
{
	strscpy(text, bind->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(args_bind, bind_cases, bind_case_describe);

static void args_bind_op(struct kunit *test)
{
	const struct bind_case *bind = test->param_value;
	const struct drm_kestrel_bind_op op = {
		.op = bind->op,
		.flags = bind->flags,
		.handle = bind->handle,
		.pad = bind->pad,
		.bo_offset = bind->bo_offset,
		.va = bind->va,
		.size = bind->size,
	};

	KUNIT_EXPECT_EQ(test, kestrel_args_bind_op(&op), bind->result);
}

static void args_bo_create(struct kunit *test)
{
	const struct drm_kestrel_bo_create good = {
		.size = 1, .flags = DRM_KESTREL_BO_WRITE_COMBINED | DRM_KESTREL_BO_NO_MMAP,
		.vm_id = 7,
	};
	struct drm_kestrel_bo_create create = good;

	KUNIT_EXPECT_EQ(test, kestrel_args_bo_create(&create), 0);
	create.size = KESTREL_MAX_BO_SIZE;
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_create(&create), 0);
	create.size++;
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_create(&create), -EINVAL);
	create.size = 0;
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_create(&create), -EINVAL);
	create = good;
	create.flags |= DRM_KESTREL_BO_IMPORTED;
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_create(&create), -EINVAL);
	create.flags = 1u << 31;
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_create(&create), -EINVAL);
	create = good;
	create.pad = 1;
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_create(&create), -EINVAL);
}

static void args_bo_userptr(struct kunit *test)
{
	const struct drm_kestrel_bo_userptr good = {
		.address = PAGE_SIZE, .size = 3 * PAGE_SIZE, .flags = DRM_KESTREL_BO_READ_ONLY,
	};
	struct drm_kestrel_bo_userptr args = good;

	KUNIT_EXPECT_EQ(test, kestrel_args_bo_userptr(&args), 0);
	args.flags = 0;
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_userptr(&args), 0);
	args.flags = DRM_KESTREL_BO_NO_MMAP;
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_userptr(&args), -EINVAL);
	args = good;
	args.pad = 1;
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_userptr(&args), -EINVAL);
	args = good;
	args.size = 0;
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_userptr(&args), -EINVAL);
	args.size = PAGE_SIZE / 2;
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_userptr(&args), -EINVAL);
	args.size = 2 * KESTREL_MAX_BO_SIZE;
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_userptr(&args), -EINVAL);
	args = good;
	args.address += PAGE_SIZE / 2;
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_userptr(&args), -EINVAL);
	args.address = -2 * PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_userptr(&args), -EINVAL);
}

static void args_bo_range(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_range(0, 100, 100), 0);
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_range(100, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_range(1, 100, 100), -EINVAL);
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_range(101, 0, 100), -EINVAL);
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_range(50, U64_MAX - 10, 100), -EINVAL);
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_range(U64_MAX, 2, 100), -EINVAL);
}

static void args_bo_prep(struct kunit *test)
{
	struct drm_kestrel_bo_prep prep = { .flags = DRM_KESTREL_PREP_READ };

	KUNIT_EXPECT_EQ(test, kestrel_args_bo_prep(&prep), 0);
	prep.flags |= DRM_KESTREL_PREP_WRITE | DRM_KESTREL_PREP_WAIT_ONLY;
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_prep(&prep), 0);
	prep.flags = DRM_KESTREL_PREP_WAIT_ONLY;
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_prep(&prep), -EINVAL);
	prep.flags = DRM_KESTREL_PREP_READ | 8;
	KUNIT_EXPECT_EQ(test, kestrel_args_bo_prep(&prep), -EINVAL);
}

static int queue_check(const struct drm_kestrel_queue_create *create)
{
	return kestrel_args_queue_create(create, 64, 1000, 2000);
}

static void args_queue_create(struct kunit *test)
{
	const struct drm_kestrel_queue_create good = {
		.vm_id = 1, .priority = DRM_KESTREL_PRIORITY_NORMAL, .max_jobs = 64,
		.job_timeout_ms = 1000, .timeslice_us = 2000,
	};
	struct drm_kestrel_queue_create create = good;

	KUNIT_EXPECT_EQ(test, queue_check(&create), 0);
	create.priority = DRM_KESTREL_PRIORITY_REALTIME + 1;
	KUNIT_EXPECT_EQ(test, queue_check(&create), -EINVAL);
	create = good;
	create.flags = DRM_KESTREL_QUEUE_PERF;
	KUNIT_EXPECT_EQ(test, queue_check(&create), 0);
	create.flags = DRM_KESTREL_QUEUE_PERF << 1;
	KUNIT_EXPECT_EQ(test, queue_check(&create), -EINVAL);
	create = good;
	create.pad = 1;
	KUNIT_EXPECT_EQ(test, queue_check(&create), -EINVAL);
	create = good;
	create.max_jobs = 0;
	KUNIT_EXPECT_EQ(test, queue_check(&create), -EINVAL);
	create.max_jobs = 3;
	KUNIT_EXPECT_EQ(test, queue_check(&create), -EINVAL);
	create.max_jobs = 128;
	KUNIT_EXPECT_EQ(test, queue_check(&create), -EINVAL);
	create = good;
	create.job_timeout_ms = 1001;
	KUNIT_EXPECT_EQ(test, queue_check(&create), -EINVAL);
	create = good;
	create.timeslice_us = 2001;
	KUNIT_EXPECT_EQ(test, queue_check(&create), -EINVAL);
}

static void args_job(struct kunit *test)
{
	const struct drm_kestrel_job good = { .command_va = 0x10000, .command_size = 1 };
	struct drm_kestrel_job job = good;

	KUNIT_EXPECT_EQ(test, kestrel_args_job(&job), 0);
	job.flags = 1;
	KUNIT_EXPECT_EQ(test, kestrel_args_job(&job), -EINVAL);
	job = good;
	job.command_va = 0x10008;
	KUNIT_EXPECT_EQ(test, kestrel_args_job(&job), -EINVAL);
	job = good;
	job.command_va = -16ull;
	job.command_size = 17;
	KUNIT_EXPECT_EQ(test, kestrel_args_job(&job), -EINVAL);
	job = good;
	job.command_size = KESTREL_ISA_STREAM_BYTES_MAX + 1;
	KUNIT_EXPECT_EQ(test, kestrel_args_job(&job), -EINVAL);
	job = good;
	job.bases.count = DRM_KESTREL_MAX_BASES + 1;
	job.bases.stride = sizeof(struct drm_kestrel_base);
	job.bases.ptr = 0x1000;
	KUNIT_EXPECT_EQ(test, kestrel_args_job(&job), -EINVAL);
	job.bases.count = DRM_KESTREL_MAX_BASES;
	KUNIT_EXPECT_EQ(test, kestrel_args_job(&job), 0);
	job = good;
	job.syncs.count = KESTREL_MAX_SYNCS + 1;
	job.syncs.stride = sizeof(struct drm_kestrel_sync);
	job.syncs.ptr = 0x1000;
	KUNIT_EXPECT_EQ(test, kestrel_args_job(&job), -EINVAL);

	/* A job that only synchronises names no stream and no bases. */
	job = (struct drm_kestrel_job) {};
	KUNIT_EXPECT_EQ(test, kestrel_args_job(&job), 0);
	job.command_va = 0x10000;
	KUNIT_EXPECT_EQ(test, kestrel_args_job(&job), -EINVAL);
	job = (struct drm_kestrel_job) {};
	job.bases.count = 1;
	job.bases.stride = sizeof(struct drm_kestrel_base);
	job.bases.ptr = 0x1000;
	KUNIT_EXPECT_EQ(test, kestrel_args_job(&job), -EINVAL);
}

static void args_base(struct kunit *test)
{
	struct drm_kestrel_base base = { .va = U64_MAX - 10, .size = 10 };

	KUNIT_EXPECT_EQ(test, kestrel_args_base(&base), 0);
	base.size = 11;
	KUNIT_EXPECT_EQ(test, kestrel_args_base(&base), -EINVAL);
}

static void args_sync(struct kunit *test)
{
	const u32 wait = DRM_KESTREL_SYNC_WAIT;
	const u32 signal = DRM_KESTREL_SYNC_SIGNAL;
	const u32 timeline = DRM_KESTREL_SYNC_TIMELINE;
	const struct {
		u32 flags;
		u64 point;
		int result;
	} cases[] = {
		{ wait, 0, 0 },
		{ signal, 0, 0 },
		{ wait | timeline, 5, 0 },
		{ signal | timeline, 5, 0 },
		{ 0, 0, -EINVAL },
		{ wait | signal, 0, -EINVAL },
		{ timeline, 5, -EINVAL },
		{ wait, 5, -EINVAL },
		{ wait | timeline, 0, -EINVAL },
		{ wait | 8, 0, -EINVAL },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct drm_kestrel_sync sync = {
			.handle = 1, .flags = cases[i].flags, .point = cases[i].point,
		};

		KUNIT_EXPECT_EQ_MSG(test, kestrel_args_sync(&sync), cases[i].result, "case %u", i);
	}
}

static struct kunit_case args_cases[] = {
	KUNIT_CASE(args_array),
	KUNIT_CASE_PARAM(args_bind_op, args_bind_gen_params),
	KUNIT_CASE(args_bo_create),
	KUNIT_CASE(args_bo_userptr),
	KUNIT_CASE(args_bo_range),
	KUNIT_CASE(args_bo_prep),
	KUNIT_CASE(args_queue_create),
	KUNIT_CASE(args_job),
	KUNIT_CASE(args_base),
	KUNIT_CASE(args_sync),
	{}
};

static struct kunit_suite args_suite = {
	.name = "kestrel_args",
	.test_cases = args_cases,
};

kunit_test_suite(args_suite);
