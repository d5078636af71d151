// SPDX-License-Identifier: MIT
/* QUERY, VMs, BOs: what exists, and every field that can be wrong. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <kestrel/regs.h>

#include "kestrel.h"

#include "kselftest_harness.h"

FIXTURE(device)
{
	int fd;
	uint32_t vm;
	uint32_t bo;
};

FIXTURE_SETUP(device)
{
	self->fd = device_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(vm_create(self->fd, &self->vm), 0);
	ASSERT_EQ(bo_create(self->fd, 8 * PAGE, &self->bo), 0);
}

FIXTURE_TEARDOWN(device)
{
	close(self->fd);
}

TEST_F(device, version)
{
	struct drm_version version = { 0 };

	ASSERT_EQ(device_ioctl(self->fd, DRM_IOCTL_VERSION, &version), 0);
	EXPECT_EQ(version.version_major, DRM_KESTREL_VERSION_MAJOR);
	EXPECT_EQ(version.version_minor, DRM_KESTREL_VERSION_MINOR);
}

TEST_F(device, query_hardware)
{
	struct drm_kestrel_query_hardware hardware;

	ASSERT_EQ(query(self->fd, DRM_KESTREL_QUERY_HARDWARE, &hardware, sizeof(hardware)), 0);
	EXPECT_EQ(hardware.architecture >> 16, KESTREL_ARCHITECTURE_MAJOR);
	EXPECT_EQ(hardware.va_bits, 39);
	EXPECT_EQ(hardware.page_size_mask, 0x201000);
	EXPECT_GE(hardware.macs_per_cycle, 64);
	EXPECT_GE(hardware.sram_bytes, 65536);
	EXPECT_GE(hardware.engine_count, 1);
	EXPECT_NE(hardware.clock_max_khz, 0);
	EXPECT_EQ(hardware.pad, 0);
}

TEST_F(device, query_firmware)
{
	struct drm_kestrel_query_firmware firmware;

	ASSERT_EQ(query(self->fd, DRM_KESTREL_QUERY_FIRMWARE, &firmware, sizeof(firmware)), 0);
	EXPECT_NE(firmware.version, 0);
	EXPECT_LT(strnlen(firmware.build, sizeof(firmware.build)), sizeof(firmware.build));
	EXPECT_NE(firmware.build[0], '\0');
}

TEST_F(device, query_limits)
{
	struct drm_kestrel_query_limits limits;

	ASSERT_EQ(query(self->fd, DRM_KESTREL_QUERY_LIMITS, &limits, sizeof(limits)), 0);
	EXPECT_GE(limits.max_vms, 2);
	EXPECT_GE(limits.max_queues, 2);
	EXPECT_GE(limits.max_queue_jobs, 2);
	EXPECT_EQ(limits.max_bases, DRM_KESTREL_MAX_BASES);
	EXPECT_GE(limits.max_job_timeout_ms, limits.default_job_timeout_ms);
	EXPECT_GE(limits.max_timeslice_us, limits.default_timeslice_us);
	/* The tests run as root. */
	EXPECT_EQ(limits.priority_mask, 0xf);
}

TEST_F(device, query_sizes)
{
	struct {
		struct drm_kestrel_query_resets resets;
		uint8_t tail[16];
	} answer;
	struct drm_kestrel_query args = { .type = DRM_KESTREL_QUERY_RESETS };

	/* Without a buffer only the size. */
	ASSERT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_QUERY, &args), 0);
	EXPECT_EQ(args.size, sizeof(answer.resets));

	/* A longer buffer is filled up with zeroes, a shorter one cut off. */
	memset(&answer, 0xee, sizeof(answer));
	args.ptr = (uintptr_t)&answer;
	args.size = sizeof(answer);
	ASSERT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_QUERY, &args), 0);
	EXPECT_EQ(args.size, sizeof(answer.resets));
	EXPECT_EQ(answer.tail[0], 0);
	EXPECT_EQ(answer.tail[15], 0);

	memset(&answer, 0xee, sizeof(answer));
	args.size = 4;
	ASSERT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_QUERY, &args), 0);
	EXPECT_EQ(answer.resets.device, 0xeeeeeeee);
}

TEST_F(device, query_refuses)
{
	struct drm_kestrel_query_resets resets;

	EXPECT_EQ(query(self->fd, 4, &resets, sizeof(resets)), -EINVAL);
	EXPECT_EQ(query(self->fd, ~0u, &resets, sizeof(resets)), -EINVAL);
	EXPECT_EQ(query(self->fd, DRM_KESTREL_QUERY_RESETS, &resets, 0), -EINVAL);
	EXPECT_EQ(query(self->fd, DRM_KESTREL_QUERY_RESETS, &resets, 4097), -EINVAL);
	EXPECT_EQ(query(self->fd, DRM_KESTREL_QUERY_RESETS, (void *)8, sizeof(resets)), -EFAULT);
}

TEST_F(device, vm_create_destroy)
{
	struct drm_kestrel_vm_create create = { 0 };

	ASSERT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_VM_CREATE, &create), 0);
	EXPECT_NE(create.vm_id, 0);
	EXPECT_NE(create.vm_id, self->vm);
	EXPECT_EQ(create.va_start + create.va_size, 1ull << 38);
	EXPECT_EQ(vm_destroy(self->fd, create.vm_id), 0);
	EXPECT_EQ(vm_destroy(self->fd, create.vm_id), -ENOENT);
}

TEST_F(device, vm_create_refuses_flags)
{
	struct drm_kestrel_vm_create create = { .flags = 1 };

	EXPECT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_VM_CREATE, &create), -EINVAL);
}

TEST_F(device, vm_create_ends_at_limit)
{
	struct drm_kestrel_query_limits limits;
	uint32_t vm, i;

	ASSERT_EQ(query(self->fd, DRM_KESTREL_QUERY_LIMITS, &limits, sizeof(limits)), 0);
	for (i = 1; i < limits.max_vms; i++)
		ASSERT_EQ(vm_create(self->fd, &vm), 0);
	EXPECT_EQ(vm_create(self->fd, &vm), -ENOSPC);
	EXPECT_EQ(vm_destroy(self->fd, self->vm), 0);
	EXPECT_EQ(vm_create(self->fd, &vm), 0);
}

TEST_F(device, vm_destroy_refuses)
{
	struct drm_kestrel_vm_destroy destroy = { .vm_id = self->vm, .flags = 1 };

	EXPECT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_VM_DESTROY, &destroy), -EINVAL);
	EXPECT_EQ(vm_destroy(self->fd, 0), -ENOENT);
	EXPECT_EQ(vm_destroy(self->fd, ~0u), -ENOENT);
}

TEST_F(device, vm_is_of_its_file)
{
	int other = device_open();

	ASSERT_GE(other, 0);
	EXPECT_EQ(vm_destroy(other, self->vm), -ENOENT);
	EXPECT_EQ(vm_unmap(other, self->vm, TEST_VA, PAGE), -ENOENT);
	close(other);
}

static struct drm_kestrel_bind_op good_map(uint32_t handle)
{
	return (struct drm_kestrel_bind_op) {
		.op = DRM_KESTREL_BIND_MAP, .flags = DRM_KESTREL_BIND_READ, .handle = handle,
		.va = TEST_VA, .size = PAGE,
	};
}

static struct drm_kestrel_bind_op good_unmap(void)
{
	return (struct drm_kestrel_bind_op) {
		.op = DRM_KESTREL_BIND_UNMAP, .va = TEST_VA, .size = PAGE,
	};
}

static int bind(int fd, uint32_t vm, const struct drm_kestrel_bind_op *ops, uint32_t count,
		uint32_t *error_index)
{
	struct drm_kestrel_vm_bind args = {
		.vm_id = vm,
		.ops = { .stride = sizeof(*ops), .count = count, .ptr = (uintptr_t)ops },
	};
	int ret = device_ioctl(fd, DRM_IOCTL_KESTREL_VM_BIND, &args);

	*error_index = args.error_index;
	return ret;
}

TEST_F(device, vm_bind_map_unmap)
{
	struct drm_kestrel_bind_op ops[3];
	uint32_t index;

	ops[0] = good_map(self->bo);
	ops[0].size = 8 * PAGE;
	ops[1] = good_unmap();
	ops[1].va += PAGE;
	ops[2] = good_map(self->bo);
	ops[2].va += 2 * PAGE;
	ops[2].bo_offset = 5 * PAGE;
	EXPECT_EQ(bind(self->fd, self->vm, ops, 3, &index), 0);
	EXPECT_EQ(index, DRM_KESTREL_NO_INDEX);

	/* All at once, with what is not mapped between. */
	ops[0] = good_unmap();
	ops[0].va = TEST_VA - 16 * PAGE;
	ops[0].size = 1024 * PAGE;
	EXPECT_EQ(bind(self->fd, self->vm, ops, 1, &index), 0);
}

TEST_F(device, vm_bind_keeps_memory_of_closed_bo)
{
	EXPECT_EQ(vm_map(self->fd, self->vm, self->bo, TEST_VA, 8 * PAGE, DRM_KESTREL_BIND_READ),
		  0);
	EXPECT_EQ(bo_close(self->fd, self->bo), 0);
	EXPECT_EQ(vm_unmap(self->fd, self->vm, TEST_VA, 8 * PAGE), 0);
}

TEST_F(device, vm_bind_splits_large_pages)
{
	const uint64_t block = 512 * PAGE;
	uint32_t bo, i;

	ASSERT_EQ(bo_create(self->fd, 4 * block, &bo), 0);
	ASSERT_EQ(vm_map(self->fd, self->vm, bo, block, 4 * block, DRM_KESTREL_BIND_READ), 0);
	for (i = 0; i < 64; i++)
		EXPECT_EQ(vm_unmap(self->fd, self->vm, block + i * 31 * PAGE, 3 * PAGE), 0);
	EXPECT_EQ(vm_map(self->fd, self->vm, bo, block, 4 * block, DRM_KESTREL_BIND_READ), 0);
}

TEST_F(device, vm_bind_is_all_or_nothing)
{
	struct drm_kestrel_bind_op ops[2];
	uint32_t index;

	ops[0] = good_map(self->bo);
	ops[1] = good_map(self->bo);
	ops[1].handle = 12345;
	EXPECT_EQ(bind(self->fd, self->vm, ops, 2, &index), -ENOENT);
	EXPECT_EQ(index, 1);
}

/* One test per field of an operation: operation 1 is the bad one. */
#define BAD_OP(name, base, change, error)					\
	TEST_F(device, vm_bind_refuses_##name)					\
	{									\
		struct drm_kestrel_bind_op ops[2] = { good_map(self->bo) };	\
		uint32_t index;							\
										\
		ops[1] = base;							\
		ops[1].change;							\
		EXPECT_EQ(bind(self->fd, self->vm, ops, 2, &index), error);	\
		EXPECT_EQ(index, 1);						\
	}

BAD_OP(op, good_unmap(), op = 2, -EINVAL)
BAD_OP(map_flags, good_map(self->bo), flags |= 8, -EINVAL)
BAD_OP(map_no_flags, good_map(self->bo), flags = 0, -EINVAL)
BAD_OP(map_write_only, good_map(self->bo), flags = DRM_KESTREL_BIND_WRITE, -EINVAL)
BAD_OP(unmap_flags, good_unmap(), flags = 1, -EINVAL)
BAD_OP(no_handle, good_map(self->bo), handle = 0, -EINVAL)
BAD_OP(stale_handle, good_map(self->bo), handle += 1000, -ENOENT)
BAD_OP(unmap_handle, good_unmap(), handle = 1, -EINVAL)
BAD_OP(pad, good_map(self->bo), pad = 1, -EINVAL)
BAD_OP(offset_alignment, good_map(self->bo), bo_offset = 1, -EINVAL)
BAD_OP(offset_beyond, good_map(self->bo), bo_offset = 8 * PAGE, -EINVAL)
BAD_OP(offset_overflow, good_map(self->bo), bo_offset = -PAGE, -EINVAL)
BAD_OP(unmap_offset, good_unmap(), bo_offset = PAGE, -EINVAL)
BAD_OP(va_alignment, good_map(self->bo), va += 16, -EINVAL)
BAD_OP(va_low, good_map(self->bo), va = 0, -EINVAL)
BAD_OP(va_high, good_map(self->bo), va = 1ull << 38, -EINVAL)
BAD_OP(va_overflow, good_map(self->bo), va = -PAGE, -EINVAL)
BAD_OP(size_zero, good_map(self->bo), size = 0, -EINVAL)
BAD_OP(size_alignment, good_map(self->bo), size = PAGE + 1, -EINVAL)
BAD_OP(size_beyond, good_map(self->bo), size = 9 * PAGE, -EINVAL)
BAD_OP(size_overflow, good_unmap(), size = -PAGE, -EINVAL)

TEST_F(device, vm_bind_refuses_arguments)
{
	struct drm_kestrel_bind_op op = good_map(self->bo);
	const struct drm_kestrel_vm_bind good = {
		.vm_id = self->vm,
		.ops = { .stride = sizeof(op), .count = 1, .ptr = (uintptr_t)&op },
	};
	struct drm_kestrel_vm_bind bad;

#define EXPECT_BAD(change, error)						\
	do {									\
		bad = good;							\
		bad.change;							\
		EXPECT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_VM_BIND, &bad), error) \
			TH_LOG(#change);					\
		EXPECT_EQ(bad.error_index, DRM_KESTREL_NO_INDEX);		\
	} while (0)

	EXPECT_BAD(vm_id = 0, -ENOENT);
	EXPECT_BAD(vm_id += 1000, -ENOENT);
	EXPECT_BAD(flags = 1, -EINVAL);
	EXPECT_BAD(pad = 1, -EINVAL);
	EXPECT_BAD(ops.count = 0, -EINVAL);
	EXPECT_BAD(ops.count = 1u << 20, -EINVAL);
	EXPECT_BAD(ops.stride = sizeof(op) - 8, -EINVAL);
	EXPECT_BAD(ops.stride = 1u << 20, -EINVAL);
	EXPECT_BAD(ops.ptr = 0, -EINVAL);
#undef EXPECT_BAD

	bad = good;
	bad.ops.ptr = 8;
	EXPECT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_VM_BIND, &bad), -EFAULT);
	EXPECT_EQ(bad.error_index, 0);
}

TEST_F(device, vm_bind_accepts_longer_elements)
{
	struct {
		struct drm_kestrel_bind_op op;
		uint64_t future;
	} op = { good_map(self->bo), 0 };
	struct drm_kestrel_vm_bind args = {
		.vm_id = self->vm,
		.ops = { .stride = sizeof(op), .count = 1, .ptr = (uintptr_t)&op },
	};

	EXPECT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_VM_BIND, &args), 0);
	op.future = 1;
	EXPECT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_VM_BIND, &args), -E2BIG);
	EXPECT_EQ(args.error_index, 0);
}

TEST_F(device, bo_create_rounds_and_clears)
{
	struct drm_kestrel_bo_create create = { .size = 1 };
	uint8_t *map;
	uint64_t i;

	ASSERT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_BO_CREATE, &create), 0);
	EXPECT_EQ(create.size % PAGE, 0);
	EXPECT_NE(create.handle, 0);
	map = bo_map(self->fd, create.handle, create.size);
	ASSERT_NE(map, NULL);
	for (i = 0; i < create.size; i++)
		ASSERT_EQ(map[i], 0);
	munmap(map, create.size);
}

TEST_F(device, bo_create_refuses)
{
	struct drm_kestrel_bo_create create = { .size = 0 };

	EXPECT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_BO_CREATE, &create), -EINVAL);
	create.size = ~0ull;
	EXPECT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_BO_CREATE, &create), -EINVAL);
	create.size = (1ull << 38) + 1;
	EXPECT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_BO_CREATE, &create), -EINVAL);
	create.size = PAGE;
	create.flags = 1;
	EXPECT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_BO_CREATE, &create), -EINVAL);
}

TEST_F(device, bo_info)
{
	struct drm_kestrel_bo_info info = { .handle = self->bo };

	ASSERT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_BO_INFO, &info), 0);
	EXPECT_EQ(info.size, 8 * PAGE);
	EXPECT_EQ(info.flags, 0);
	/* More than 32 bits, also for 32-bit programs, whose long has no more. */
	EXPECT_GE(info.mmap_offset, 1ull << 32);

	info = (struct drm_kestrel_bo_info) { .handle = self->bo, .flags = 1 };
	EXPECT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_BO_INFO, &info), -EINVAL);
	info = (struct drm_kestrel_bo_info) { .handle = self->bo + 1000 };
	EXPECT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_BO_INFO, &info), -ENOENT);
	info = (struct drm_kestrel_bo_info) { .handle = 0 };
	EXPECT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_BO_INFO, &info), -ENOENT);
}

TEST_F(device, bo_of_another_file_cannot_be_mapped)
{
	struct drm_kestrel_bo_info info = { .handle = self->bo };
	int other = device_open();

	ASSERT_GE(other, 0);
	ASSERT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_BO_INFO, &info), 0);
	EXPECT_EQ(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, other, info.mmap_offset), MAP_FAILED);
	EXPECT_EQ(errno, EACCES);
	close(other);
}

TEST_F(device, bo_prep_fini)
{
	EXPECT_EQ(bo_prep(self->fd, self->bo, DRM_KESTREL_PREP_READ, 8 * PAGE, 0), 0);
	EXPECT_EQ(bo_prep(self->fd, self->bo, DRM_KESTREL_PREP_WRITE, PAGE, 0), 0);
	EXPECT_EQ(bo_prep(self->fd, self->bo,
			  DRM_KESTREL_PREP_WRITE | DRM_KESTREL_PREP_WAIT_ONLY, PAGE, 0), 0);
	EXPECT_EQ(bo_fini(self->fd, self->bo, 8 * PAGE), 0);
	/* With pages that the device knows. */
	EXPECT_EQ(vm_map(self->fd, self->vm, self->bo, TEST_VA, 8 * PAGE, DRM_KESTREL_BIND_READ),
		  0);
	EXPECT_EQ(bo_prep(self->fd, self->bo, DRM_KESTREL_PREP_READ, 8 * PAGE, 0), 0);
	EXPECT_EQ(bo_fini(self->fd, self->bo, 8 * PAGE), 0);
}

TEST_F(device, bo_prep_refuses)
{
	const struct drm_kestrel_bo_prep good = {
		.handle = self->bo, .flags = DRM_KESTREL_PREP_READ, .size = PAGE,
	};
	struct drm_kestrel_bo_prep bad;

#define EXPECT_BAD(change, error)						\
	do {									\
		bad = good;							\
		bad.change;							\
		EXPECT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_BO_PREP, &bad), error) \
			TH_LOG(#change);					\
	} while (0)

	EXPECT_BAD(handle = 0, -ENOENT);
	EXPECT_BAD(handle += 1000, -ENOENT);
	EXPECT_BAD(flags = 0, -EINVAL);
	EXPECT_BAD(flags = DRM_KESTREL_PREP_WAIT_ONLY, -EINVAL);
	EXPECT_BAD(flags |= 8, -EINVAL);
	EXPECT_BAD(offset = 8 * PAGE, -EINVAL);
	EXPECT_BAD(offset = -PAGE, -EINVAL);
	EXPECT_BAD(size = 8 * PAGE + 1, -EINVAL);
	EXPECT_BAD(size = ~0ull, -EINVAL);
#undef EXPECT_BAD
}

TEST_F(device, bo_fini_refuses)
{
	const struct drm_kestrel_bo_fini good = { .handle = self->bo, .size = PAGE };
	struct drm_kestrel_bo_fini bad;

#define EXPECT_BAD(change, error)						\
	do {									\
		bad = good;							\
		bad.change;							\
		EXPECT_EQ(device_ioctl(self->fd, DRM_IOCTL_KESTREL_BO_FINI, &bad), error) \
			TH_LOG(#change);					\
	} while (0)

	EXPECT_BAD(handle = 0, -ENOENT);
	EXPECT_BAD(handle += 1000, -ENOENT);
	EXPECT_BAD(flags = 1, -EINVAL);
	EXPECT_BAD(offset = 8 * PAGE, -EINVAL);
	EXPECT_BAD(offset = -PAGE, -EINVAL);
	EXPECT_BAD(size = ~0ull, -EINVAL);
#undef EXPECT_BAD
}

TEST_F(device, prime_export_import)
{
	struct drm_prime_handle prime = { .handle = self->bo, .flags = DRM_CLOEXEC | DRM_RDWR };
	int other = device_open();
	uint8_t *here, *there;

	ASSERT_GE(other, 0);
	ASSERT_EQ(device_ioctl(self->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), 0);
	ASSERT_EQ(device_ioctl(other, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime), 0);
	close(prime.fd);

	here = bo_map(self->fd, self->bo, PAGE);
	there = bo_map(other, prime.handle, PAGE);
	ASSERT_NE(here, NULL);
	ASSERT_NE(there, NULL);
	here[5] = 0x5a;
	EXPECT_EQ(there[5], 0x5a);
	munmap(here, PAGE);
	munmap(there, PAGE);
	close(other);
}

TEST_F(device, unknown_ioctl)
{
	struct drm_kestrel_query args = { 0 };

	EXPECT_EQ(device_ioctl(self->fd, DRM_IOWR(DRM_COMMAND_BASE + 0x5f, args), &args), -EINVAL);
}

TEST_HARNESS_MAIN
