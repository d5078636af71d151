// SPDX-License-Identifier: MIT
/* Memory: kinds of BOs, whose they are, who may have how much of it. */
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include "kestrel.h"

#include "kselftest_harness.h"

#define OTHER_VA	0x8000000ull
#define READ_WRITE	(DRM_KESTREL_BIND_READ | DRM_KESTREL_BIND_WRITE)
#define UNPRIVILEGED	1000

FIXTURE(memory)
{
	struct client client;
};

FIXTURE_SETUP(memory)
{
	ASSERT_EQ(client_open(&self->client, 0), 0);
}

FIXTURE_TEARDOWN(memory)
{
	client_close(&self->client);
}

static int bo_create_as(int fd, uint64_t size, uint32_t flags, uint32_t vm, uint32_t *handle)
{
	struct drm_kestrel_bo_create create = { .size = size, .flags = flags, .vm_id = vm };
	int ret = device_ioctl(fd, DRM_IOCTL_KESTREL_BO_CREATE, &create);

	*handle = create.handle;
	return ret;
}

TEST_F(memory, write_combined)
{
	struct client *client = &self->client;
	struct drm_kestrel_bo_info info = { 0 };
	uint32_t bo;
	uint8_t *map;

	ASSERT_EQ(bo_create_as(client->fd, DATA_SIZE, DRM_KESTREL_BO_WRITE_COMBINED, 0, &bo), 0);
	info.handle = bo;
	ASSERT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_BO_INFO, &info), 0);
	EXPECT_EQ(info.flags, DRM_KESTREL_BO_WRITE_COMBINED);
	map = bo_map(client->fd, bo, DATA_SIZE);
	ASSERT_NE(map, NULL);
	for (unsigned int i = 0; i < DATA_SIZE; i++)
		ASSERT_EQ(map[i], 0);
	EXPECT_EQ(client_copies_through(client, bo, map), 0);
	munmap(map, DATA_SIZE);
}

TEST_F(memory, no_mmap)
{
	struct client *client = &self->client;
	struct drm_kestrel_bo_info info = { 0 };
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	uint32_t bo;

	ASSERT_EQ(bo_create_as(client->fd, DATA_SIZE, DRM_KESTREL_BO_NO_MMAP, 0, &bo), 0);
	info.handle = bo;
	ASSERT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_BO_INFO, &info), 0);
	EXPECT_EQ(info.flags, DRM_KESTREL_BO_NO_MMAP);
	EXPECT_EQ(info.mmap_offset, 0);

	/* Nor in a roundabout way. */
	prime.handle = bo;
	ASSERT_EQ(device_ioctl(client->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), 0);
	EXPECT_EQ(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, prime.fd, 0), MAP_FAILED);
	EXPECT_EQ(errno, EPERM);
	close(prime.fd);

	/* Jobs do not mind. */
	EXPECT_EQ(client_copies_through(client, bo, NULL), 0);
}

TEST_F(memory, bo_create_refuses)
{
	const struct drm_kestrel_bo_create good = { .size = PAGE };
	struct drm_kestrel_bo_create bad;

#define EXPECT_BAD(change, error)						\
	do {									\
		bad = good;							\
		bad.change;							\
		EXPECT_EQ(device_ioctl(self->client.fd, DRM_IOCTL_KESTREL_BO_CREATE, &bad), \
			  error) TH_LOG(#change);				\
	} while (0)

	EXPECT_BAD(size = 0, -EINVAL);
	EXPECT_BAD(flags = DRM_KESTREL_BO_IMPORTED, -EINVAL);
	EXPECT_BAD(flags = 0x80000000, -EINVAL);
	EXPECT_BAD(vm_id = self->client.vm + 1000, -ENOENT);
	EXPECT_BAD(pad = 1, -EINVAL);
#undef EXPECT_BAD
}

TEST_F(memory, exclusive_is_its_vms)
{
	struct client *client = &self->client;
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	uint32_t bo, other;
	uint8_t *map;

	ASSERT_EQ(bo_create_as(client->fd, DATA_SIZE, 0, client->vm, &bo), 0);
	map = bo_map(client->fd, bo, DATA_SIZE);
	ASSERT_NE(map, NULL);
	EXPECT_EQ(client_copies_through(client, bo, map), 0);

	ASSERT_EQ(vm_create(client->fd, &other), 0);
	EXPECT_EQ(vm_map(client->fd, other, bo, OTHER_VA, PAGE, READ_WRITE), -EPERM);
	prime.handle = bo;
	EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), -EPERM);
	munmap(map, DATA_SIZE);
}

TEST_F(memory, exclusive_outlives_its_vm)
{
	struct client *client = &self->client;
	uint32_t vm, other, bo;
	uint8_t *map;

	ASSERT_EQ(vm_create(client->fd, &vm), 0);
	ASSERT_EQ(bo_create_as(client->fd, PAGE, 0, vm, &bo), 0);
	ASSERT_EQ(vm_map(client->fd, vm, bo, OTHER_VA, PAGE, READ_WRITE), 0);
	ASSERT_EQ(vm_destroy(client->fd, vm), 0);

	map = bo_map(client->fd, bo, PAGE);
	ASSERT_NE(map, NULL);
	map[0] = 1;
	EXPECT_EQ(bo_fini(client->fd, bo, PAGE), 0);
	ASSERT_EQ(vm_create(client->fd, &other), 0);
	EXPECT_EQ(vm_map(client->fd, other, bo, OTHER_VA, PAGE, READ_WRITE), -EPERM);
	munmap(map, PAGE);
}

/* Two VMs of one file show two BOs at one address. */
TEST_F(memory, vms_of_one_file_are_apart)
{
	struct client *client = &self->client;
	size_t size = stream_copy(client, 0, 0, 4096, 16);
	uint32_t vm, queue, bo;
	struct drm_kestrel_job job = client_job(client, 0, size);
	struct drm_kestrel_submit args = {
		.jobs = { .stride = sizeof(job), .count = 1, .ptr = (uintptr_t)&job },
	};
	uint8_t *map;

	ASSERT_EQ(vm_create(client->fd, &vm), 0);
	ASSERT_EQ(bo_create(client->fd, DATA_SIZE, &bo), 0);
	ASSERT_EQ(vm_map(client->fd, vm, bo, DATA_VA, DATA_SIZE, READ_WRITE), 0);
	ASSERT_EQ(vm_map(client->fd, vm, client->stream_handle, STREAM_VA, STREAM_SIZE,
			 DRM_KESTREL_BIND_EXECUTE), 0);
	ASSERT_EQ(queue_create(client->fd, vm, 4, 0, &queue), 0);
	map = bo_map(client->fd, bo, DATA_SIZE);
	ASSERT_NE(map, NULL);
	memset(map, 0x22, 16);
	memset(client->data, 0x11, 16);
	bo_fini(client->fd, bo, DATA_SIZE);
	bo_fini(client->fd, client->data_handle, DATA_SIZE);

	args.queue_id = queue;
	ASSERT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_SUBMIT, &args), 0);
	ASSERT_EQ(client_run(client, 0, size), 0);
	ASSERT_EQ(bo_prep(client->fd, bo, DRM_KESTREL_PREP_READ, DATA_SIZE,
			  deadline(LONG_TIMEOUT_S)), 0);
	EXPECT_EQ(map[4096], 0x22);
	EXPECT_EQ(client->data[4096], 0x11);
	munmap(map, DATA_SIZE);
}

/* When the last operation is refused, jobs find what they found before. */
TEST_F(memory, bind_is_all_or_nothing)
{
	struct client *client = &self->client;
	const struct drm_kestrel_bind_op unmap = {
		.op = DRM_KESTREL_BIND_UNMAP, .va = OTHER_VA, .size = PAGE,
	};
	struct drm_kestrel_bind_op map = {
		.op = DRM_KESTREL_BIND_MAP, .flags = DRM_KESTREL_BIND_READ,
		.va = OTHER_VA + PAGE, .size = PAGE,
	};
	struct drm_kestrel_bind_op ops[3];
	struct drm_kestrel_vm_bind bind = {
		.vm_id = client->vm,
		.ops = { .stride = sizeof(ops[0]), .count = 3, .ptr = (uintptr_t)ops },
	};
	uint32_t bo;

	ASSERT_EQ(bo_create(client->fd, 2 * PAGE, &bo), 0);
	ASSERT_EQ(vm_map(client->fd, client->vm, bo, OTHER_VA, PAGE, READ_WRITE), 0);
	map.handle = bo;
	ops[0] = unmap;
	ops[1] = map;
	ops[2] = map;
	ops[2].bo_offset = 64 * PAGE;
	EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_VM_BIND, &bind), -EINVAL);
	EXPECT_EQ(bind.error_index, 2);

	EXPECT_EQ(client_copy_at(client, OTHER_VA, DATA_VA, 16), 0);
	EXPECT_EQ(client_copy_at(client, OTHER_VA + PAGE, DATA_VA, 16), -EFAULT);

	/* The same without the bad one does both. */
	bind.ops.count = 2;
	ASSERT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_VM_BIND, &bind), 0);
	ASSERT_EQ(queue_destroy(client->fd, client->queue), 0);
	ASSERT_EQ(queue_create(client->fd, client->vm, 16, 0, &client->queue), 0);
	EXPECT_EQ(client_copy_at(client, OTHER_VA + PAGE, DATA_VA, 16), 0);
	EXPECT_EQ(client_copy_at(client, OTHER_VA, DATA_VA, 16), -EFAULT);
}

/*
 * Jobs copy from one BO into another for as long as they may; the second one is
 * unmapped meanwhile. From the moment that VM_BIND has returned nothing of it
 * changes any more.
 */
TEST_F_TIMEOUT(memory, unmap_under_a_running_job, PATIENCE_S)
{
	struct client *client = &self->client;
	struct drm_kestrel_base bases[] = { { DATA_VA, DATA_SIZE }, { OTHER_VA, DATA_SIZE } };
	struct drm_kestrel_fault fault;
	unsigned int round, faulted = 0;
	uint8_t *map;
	uint32_t bo;

	ASSERT_EQ(bo_create(client->fd, DATA_SIZE, &bo), 0);
	map = bo_map(client->fd, bo, DATA_SIZE);
	ASSERT_NE(map, NULL);
	memset(client->data, 0xda, DATA_SIZE);
	bo_fini(client->fd, client->data_handle, DATA_SIZE);

	for (round = 0; round < 12; round++) {
		size_t size = stream_copy_often(client, 0, 0, 0, 1, 0, 8192, 1500);
		struct drm_kestrel_job jobs[8];
		struct drm_kestrel_submit args = {
			.jobs = { .stride = sizeof(jobs[0]), .count = 8, .ptr = (uintptr_t)jobs },
		};
		uint64_t cursor = 0;
		unsigned int i;

		ASSERT_EQ(vm_map(client->fd, client->vm, bo, OTHER_VA, DATA_SIZE, READ_WRITE), 0);
		for (i = 0; i < 8; i++) {
			jobs[i] = client_job(client, 0, size);
			jobs[i].bases = (struct drm_kestrel_array) {
				.stride = sizeof(bases[0]), .count = 2, .ptr = (uintptr_t)bases,
			};
		}
		args.queue_id = client->queue;
		ASSERT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_SUBMIT, &args), 0);
		usleep(1000 * (round % 10));
		ASSERT_EQ(vm_unmap(client->fd, client->vm, OTHER_VA, DATA_SIZE), 0);

		memset(map, 0x11, 8192);
		ASSERT_EQ(bo_prep(client->fd, client->data_handle, DRM_KESTREL_PREP_READ,
				  DATA_SIZE, deadline(LONG_TIMEOUT_S)), 0);
		for (i = 0; i < 8192; i++)
			ASSERT_EQ(map[i], 0x11);

		if (faults_read(client->fd, client->vm, &fault, 1, &cursor, NULL) == 1) {
			EXPECT_EQ(fault.type, DRM_KESTREL_FAULT_MMU);
			EXPECT_EQ(fault.access, DRM_KESTREL_ACCESS_WRITE);
			EXPECT_EQ(fault.va & ~0x1fffull, OTHER_VA);
			faulted++;
		}
		ASSERT_EQ(queue_destroy(client->fd, client->queue), 0);
		ASSERT_EQ(queue_create(client->fd, client->vm, 16, 0, &client->queue), 0);
	}
	EXPECT_GT(faulted, 0);
	munmap(map, DATA_SIZE);
}

/*
 * A line "key: number KiB" of the file's fdinfo, in bytes. Newer kernels leave out
 * what no object has.
 */
static int64_t fdinfo_bytes(int fd, const char *key)
{
	char path[64], line[256];
	int64_t bytes = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		long long number;
		char unit[8] = "";

		if (strncmp(line, key, strlen(key)) || line[strlen(key)] != ':')
			continue;
		if (sscanf(line + strlen(key) + 1, "%lld %7s", &number, unit) < 1)
			continue;
		bytes = !strcmp(unit, "KiB") ? number << 10 :
			!strcmp(unit, "MiB") ? number << 20 : number;
	}
	if (file)
		fclose(file);
	return bytes;
}

TEST_F(memory, fdinfo)
{
	const uint64_t size = 1 << 20;
	int fd = device_open();
	int other = device_open();
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	uint32_t bo, vm;

	ASSERT_GE(fd, 0);
	ASSERT_GE(other, 0);
	EXPECT_EQ(fdinfo_bytes(fd, "drm-total-memory"), 0);
	ASSERT_EQ(bo_create(fd, size, &bo), 0);
	EXPECT_EQ(fdinfo_bytes(fd, "drm-total-memory"), size);
	EXPECT_EQ(fdinfo_bytes(fd, "drm-resident-memory"), 0);
	EXPECT_EQ(fdinfo_bytes(fd, "drm-shared-memory"), 0);
	EXPECT_EQ(fdinfo_bytes(fd, "drm-active-memory"), 0);

	ASSERT_EQ(vm_create(fd, &vm), 0);
	ASSERT_EQ(vm_map(fd, vm, bo, TEST_VA, size, DRM_KESTREL_BIND_READ), 0);
	EXPECT_EQ(fdinfo_bytes(fd, "drm-resident-memory"), size);

	prime.handle = bo;
	ASSERT_EQ(device_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), 0);
	ASSERT_EQ(device_ioctl(other, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime), 0);
	close(prime.fd);
	EXPECT_EQ(fdinfo_bytes(fd, "drm-shared-memory"), size);
	EXPECT_EQ(fdinfo_bytes(other, "drm-shared-memory"), size);
	EXPECT_EQ(fdinfo_bytes(other, "drm-total-memory"), size);
	close(other);
	ASSERT_EQ(bo_close(fd, bo), 0);
	EXPECT_EQ(fdinfo_bytes(fd, "drm-total-memory"), 0);
	close(fd);
}

/* What a VM maps which has jobs that have not ended; each object once. */
TEST_F(memory, fdinfo_active)
{
	struct client *client = &self->client;
	const uint64_t size = 1 << 20;
	uint32_t mapped, idle, other_vm, queue, done;

	ASSERT_EQ(bo_create(client->fd, size, &mapped), 0);
	ASSERT_EQ(bo_create(client->fd, 4 * size, &idle), 0);
	ASSERT_EQ(vm_create(client->fd, &other_vm), 0);
	/* Twice where the job runs, and in a VM without jobs, where the other is, too. */
	ASSERT_EQ(vm_map(client->fd, client->vm, mapped, TEST_VA, size, DRM_KESTREL_BIND_READ), 0);
	ASSERT_EQ(vm_map(client->fd, client->vm, mapped, TEST_VA + size, size,
			 DRM_KESTREL_BIND_READ), 0);
	ASSERT_EQ(vm_map(client->fd, other_vm, mapped, TEST_VA, size, DRM_KESTREL_BIND_READ), 0);
	ASSERT_EQ(vm_map(client->fd, other_vm, idle, TEST_VA + size, 4 * size,
			 DRM_KESTREL_BIND_READ), 0);
	EXPECT_EQ(fdinfo_bytes(client->fd, "drm-active-memory"), 0);

	ASSERT_EQ(queue_create_patient(client->fd, client->vm, 4, &queue), 0);
	ASSERT_EQ(queue_destroy(client->fd, client->queue), 0);
	client->queue = queue;
	ASSERT_EQ(syncobj_create(client->fd, &done), 0);
	ASSERT_EQ(client_submit(client, 0, stream_endless(client, 0), done), 0);
	EXPECT_EQ(fdinfo_bytes(client->fd, "drm-active-memory"), size + STREAM_SIZE + DATA_SIZE);
	EXPECT_LE(fdinfo_bytes(client->fd, "drm-active-memory"),
		  fdinfo_bytes(client->fd, "drm-resident-memory"));
	EXPECT_EQ(fdinfo_bytes(client->fd, "drm-resident-memory"),
		  5 * size + STREAM_SIZE + DATA_SIZE);
	ASSERT_EQ(vm_unmap(client->fd, client->vm, TEST_VA, 2 * size), 0);
	EXPECT_EQ(fdinfo_bytes(client->fd, "drm-active-memory"), STREAM_SIZE + DATA_SIZE);

	EXPECT_EQ(fdinfo_bytes(client->fd, "kestrel-jobs"), 0);
	ASSERT_EQ(queue_destroy(client->fd, queue), 0);
	/* On a slow CPU the scheduler may not have come to the job before. */
	EXPECT_EQ(syncobj_wait(client->fd, done, 0, deadline(LONG_TIMEOUT_S)), 0);
	EXPECT_EQ(syncobj_status(client->fd, done), -ECANCELED);
	EXPECT_EQ(fdinfo_bytes(client->fd, "drm-active-memory"), 0);
	/* Ended as it did, and its queue gone. */
	EXPECT_EQ(fdinfo_bytes(client->fd, "kestrel-jobs"), 1);
}

static bool caches_drop(void)
{
	FILE *file = fopen("/proc/sys/vm/drop_caches", "w");

	return file && fputs("2", file) >= 0 && !fclose(file);
}

/*
 * What no VM maps is let go when memory is short, and keeps its bytes; but not where
 * nobody but its owner knows whether the device or the caches have newer ones.
 */
TEST_F(memory, idle_memory_is_let_go)
{
	struct client *client = &self->client;
	int64_t before = fdinfo_bytes(client->fd, "drm-resident-memory");
	struct drm_kestrel_query_hardware hardware;
	int64_t stays;
	uint32_t idle, busy;
	uint8_t *map;

	ASSERT_EQ(bo_create(client->fd, DATA_SIZE, &idle), 0);
	ASSERT_EQ(bo_create(client->fd, DATA_SIZE, &busy), 0);
	map = bo_map(client->fd, idle, DATA_SIZE);
	ASSERT_NE(map, NULL);
	EXPECT_EQ(client_copies_through(client, idle, map), 0);
	memset(map, 0x6b, DATA_SIZE);
	ASSERT_EQ(bo_fini(client->fd, idle, DATA_SIZE), 0);
	ASSERT_EQ(vm_map(client->fd, client->vm, busy, OTHER_VA, DATA_SIZE, READ_WRITE), 0);
	ASSERT_EQ(client_copy_at(client, DATA_VA, OTHER_VA, 4096), 0);

	/* The CPU has it. */
	ASSERT_TRUE(caches_drop());
	EXPECT_EQ(fdinfo_bytes(client->fd, "drm-resident-memory"), before + 2 * DATA_SIZE);
	munmap(map, DATA_SIZE);
	ASSERT_EQ(vm_map(client->fd, client->vm, idle, OTHER_VA + DATA_SIZE, DATA_SIZE, READ_WRITE),
		  0);
	ASSERT_TRUE(caches_drop());
	EXPECT_EQ(fdinfo_bytes(client->fd, "drm-resident-memory"), before + 2 * DATA_SIZE);
	ASSERT_EQ(vm_unmap(client->fd, client->vm, OTHER_VA + DATA_SIZE, DATA_SIZE), 0);
	EXPECT_EQ(fdinfo_bytes(client->fd, "drm-resident-memory"), before + 2 * DATA_SIZE);
	ASSERT_TRUE(caches_drop());
	ASSERT_EQ(query(client->fd, DRM_KESTREL_QUERY_HARDWARE, &hardware, sizeof(hardware)), 0);
	stays = hardware.flags & DRM_KESTREL_HARDWARE_COHERENT ? DATA_SIZE : 2 * DATA_SIZE;
	EXPECT_EQ(fdinfo_bytes(client->fd, "drm-resident-memory"), before + stays);

	ASSERT_EQ(vm_map(client->fd, client->vm, idle, OTHER_VA + DATA_SIZE, DATA_SIZE, READ_WRITE),
		  0);
	ASSERT_EQ(client_copy_at(client, OTHER_VA + DATA_SIZE, DATA_VA, 8192), 0);
	EXPECT_EQ(client->data[0], 0x6b);
	EXPECT_EQ(client->data[8191], 0x6b);
}

static void *caches_drop_often(void *stop)
{
	while (!*(volatile bool *)stop)
		caches_drop();
	return NULL;
}

TEST_F_TIMEOUT(memory, letting_go_races_with_mapping, PATIENCE_S)
{
	struct client *client = &self->client;
	pthread_t thread;
	bool stop = false;
	uint32_t bo, i;
	int ret = 0;

	ASSERT_EQ(bo_create(client->fd, DATA_SIZE, &bo), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, caches_drop_often, &stop), 0);
	for (i = 0; !ret && i < 30; i++)
		ret = client_copies_through(client, bo, NULL);
	stop = true;
	pthread_join(thread, NULL);
	EXPECT_EQ(ret, 0);
}

/* A line "key: number kB" of /proc/meminfo, in bytes. */
static int64_t meminfo_bytes(const char *key)
{
	FILE *file = fopen("/proc/meminfo", "r");
	int64_t bytes = -1;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			bytes = atoll(line + strlen(key) + 1) << 10;
	if (file)
		fclose(file);
	return bytes;
}

struct pages {
	unsigned long long small, large;
};

/* The page table's leaves in mappings that begin in a range, from debugfs; 0 or -1. */
static int leaves_read(uint64_t start, uint64_t size, struct pages *pages)
{
	glob_t found = { 0 };
	FILE *file = NULL;
	char line[160];

	*pages = (struct pages) { 0 };
	if (!glob("/sys/kernel/debug/accel/*/firmware_log", 0, NULL, &found) ||
	    !glob("/sys/kernel/debug/dri/*/firmware_log", 0, NULL, &found)) {
		snprintf(line, sizeof(line), "%.128s", found.gl_pathv[0]);
		strcpy(strrchr(line, '/'), "/maps");
		file = fopen(line, "r");
	}
	globfree(&found);
	while (file && fgets(line, sizeof(line), file)) {
		unsigned long long at, small, large;

		if (sscanf(line, "%*u %llx %*x %*x %llu %llu", &at, &small, &large) == 3 &&
		    at >= start && at < start + size) {
			pages->small += small;
			pages->large += large;
		}
	}
	return file ? fclose(file) : -1;
}

/* Large BOs have large pages; jobs reach all of them, also when some are unmapped. */
TEST_F(memory, large_pages)
{
	const uint64_t block = 2 << 20, size = 4 * block, va = 64 * block;
	struct client *client = &self->client;
	int64_t before = meminfo_bytes("ShmemHugePages");
	struct pages whole, cut;
	uint32_t bo, i;
	uint8_t *map;

	if (before < 0)
		SKIP(return, "this kernel has no transparent huge pages");
	ASSERT_EQ(bo_create(client->fd, size, &bo), 0);
	ASSERT_EQ(vm_map(client->fd, client->vm, bo, va, size, READ_WRITE), 0);
	/* Pages of 32 MiB are too large for it. */
	if (sysconf(_SC_PAGESIZE) == 4096)
		EXPECT_GT(meminfo_bytes("ShmemHugePages"), before);
	ASSERT_EQ(leaves_read(va, size, &whole), 0);
	EXPECT_EQ(whole.small * 4096 + whole.large * block, size);
	if (sysconf(_SC_PAGESIZE) == 4096)
		EXPECT_GE(whole.large, 1);
	map = bo_map(client->fd, bo, size);
	ASSERT_NE(map, NULL);
	for (i = 0; i < size; i += 4096)
		memset(map + i, i >> 12, 4096);
	ASSERT_EQ(bo_fini(client->fd, bo, size), 0);

	/* Over the edge of one. */
	ASSERT_EQ(client_copy_at(client, va + block - 4096, DATA_VA, 8192), 0);
	EXPECT_EQ(memcmp(client->data, map + block - 4096, 8192), 0);
	ASSERT_EQ(vm_unmap(client->fd, client->vm, va + block, 4096), 0);
	/* Of the block that it was in, nothing else has changed. */
	ASSERT_EQ(leaves_read(va, size, &cut), 0);
	EXPECT_EQ(cut.small * 4096 + cut.large * block, size - 4096);
	EXPECT_LE(cut.large, whole.large);
	EXPECT_GE(cut.large + 1, whole.large);
	ASSERT_EQ(client_copy_at(client, va + block - 8192, DATA_VA, 8192), 0);
	EXPECT_EQ(memcmp(client->data, map + block - 8192, 8192), 0);
	ASSERT_EQ(client_copy_at(client, va + block + 4096, DATA_VA, 8192), 0);
	EXPECT_EQ(memcmp(client->data, map + block + 4096, 8192), 0);
	EXPECT_EQ(client_copy_at(client, va + block, DATA_VA, 8192), -EFAULT);
	munmap(map, size);
}

/* A parameter of the module; returns the old value, or -1. */
static long parameter_set(const char *name, long value)
{
	char path[96], text[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/module/kestrel/parameters/%s", name);
	file = fopen(path, "r+");
	if (!file)
		return -1;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	rewind(file);
	fprintf(file, "%ld", value);
	return fclose(file) ? -1 : atol(text);
}

/* From here on this process is charged as another user, without privilege. */
static int become_user(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	data[CAP_TO_INDEX(CAP_SYS_RESOURCE)].effective &= ~CAP_TO_MASK(CAP_SYS_RESOURCE);
	data[CAP_TO_INDEX(CAP_SYS_RESOURCE)].permitted &= ~CAP_TO_MASK(CAP_SYS_RESOURCE);
	if (syscall(SYS_capset, &header, data))
		return -errno;
	/* Its effective user may still open the node. */
	return setresuid(UNPRIVILEGED, 0, 0) ? -errno : 0;
}

/* Runs it in a process of another user; 0, or the line of the check that failed. */
static int as_user(int (*function)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(become_user() ? 255 : function());
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

#define CHECK(condition)		\
	do {				\
		if (!(condition))	\
			return number;	\
		number++;		\
	} while (0)

static int user_takes_vms(void)
{
	int first = device_open(), second = device_open();
	uint32_t vm[4];
	int number = 1;

	CHECK(first >= 0 && second >= 0);
	CHECK(!vm_create(first, &vm[0]));
	CHECK(!vm_create(first, &vm[1]));
	CHECK(!vm_create(second, &vm[2]));
	CHECK(vm_create(second, &vm[3]) == -EDQUOT);
	CHECK(vm_create(first, &vm[3]) == -EDQUOT);
	CHECK(!vm_destroy(first, vm[0]));
	CHECK(!vm_create(second, &vm[3]));
	close(first);
	CHECK(!vm_create(second, &vm[0]));
	close(second);
	return 0;
}

static int user_takes_queues(void)
{
	int fd = device_open();
	uint32_t vm, queue[3];
	int number = 1;

	CHECK(fd >= 0);
	CHECK(!vm_create(fd, &vm));
	CHECK(!queue_create(fd, vm, 2, 0, &queue[0]));
	CHECK(!queue_create(fd, vm, 2, 0, &queue[1]));
	CHECK(queue_create(fd, vm, 2, 0, &queue[2]) == -EDQUOT);
	CHECK(!queue_destroy(fd, queue[0]));
	CHECK(!queue_create(fd, vm, 2, 0, &queue[2]));
	close(fd);
	return 0;
}

static int user_takes_memory(void)
{
	int fd = device_open();
	uint32_t bo[2];
	int number = 1;

	CHECK(fd >= 0);
	CHECK(bo_create(fd, 3 << 20, &bo[0]) == -EDQUOT);
	CHECK(!bo_create(fd, 2 << 20, &bo[0]));
	CHECK(bo_create(fd, 1, &bo[1]) == -EDQUOT);
	CHECK(!bo_close(fd, bo[0]));
	CHECK(!bo_create(fd, 1, &bo[1]));
	close(fd);
	return 0;
}

/* Of a queue: its ring, and a save area as large as the SRAM of at least 64 KiB. */
static int user_takes_memory_with_queues(void)
{
	int fd = device_open();
	uint32_t vm, queue, bo[2];
	int number = 1;

	CHECK(fd >= 0);
	CHECK(!vm_create(fd, &vm));
	CHECK(!bo_create(fd, (2 << 20) - (64 << 10), &bo[0]));
	CHECK(queue_create(fd, vm, 2, 0, &queue) == -EDQUOT);
	CHECK(!bo_close(fd, bo[0]));
	CHECK(!queue_create(fd, vm, 2, 0, &queue));
	CHECK(bo_create(fd, (2 << 20) - (64 << 10), &bo[1]) == -EDQUOT);
	CHECK(!queue_destroy(fd, queue));
	CHECK(!bo_create(fd, 2 << 20, &bo[1]));
	close(fd);
	return 0;
}

#undef CHECK

TEST_F(memory, user_has_a_share_of_vms)
{
	long before = parameter_set("user_max_vms", 3);
	uint32_t vm, i;

	ASSERT_GT(before, 0);
	EXPECT_EQ(as_user(user_takes_vms), 0);
	/* Privilege goes beyond. */
	for (i = 0; i < 6; i++)
		EXPECT_EQ(vm_create(self->client.fd, &vm), 0);
	EXPECT_EQ(parameter_set("user_max_vms", before), 3);
}

TEST_F(memory, user_has_a_share_of_queues)
{
	long before = parameter_set("user_max_queues", 2);
	uint32_t queue, i;

	ASSERT_GT(before, 0);
	EXPECT_EQ(as_user(user_takes_queues), 0);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(queue_create(self->client.fd, self->client.vm, 2, 0, &queue), 0);
	EXPECT_EQ(parameter_set("user_max_queues", before), 2);
}

TEST_F(memory, user_has_a_share_of_memory)
{
	long before = parameter_set("user_max_memory_mib", 2);
	uint32_t bo;

	ASSERT_GE(before, 0);
	EXPECT_EQ(as_user(user_takes_memory), 0);
	EXPECT_EQ(as_user(user_takes_memory_with_queues), 0);
	EXPECT_EQ(bo_create(self->client.fd, 8 << 20, &bo), 0);
	EXPECT_EQ(parameter_set("user_max_memory_mib", before), 2);
}

TEST_HARNESS_MAIN
