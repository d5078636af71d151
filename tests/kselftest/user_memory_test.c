// SPDX-License-Identifier: MIT
/* BO_USERPTR: jobs that use the process's own memory. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include "kestrel.h"

#include "kselftest_harness.h"

#define USER_VA		0x8000000ull
#define READ		DRM_KESTREL_BIND_READ
#define READ_WRITE	(DRM_KESTREL_BIND_READ | DRM_KESTREL_BIND_WRITE)

FIXTURE(user_memory)
{
	struct client client;
	uint8_t *memory;
};

static uint8_t *memory_new(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

FIXTURE_SETUP(user_memory)
{
	ASSERT_EQ(client_open(&self->client, 0), 0);
	self->memory = memory_new(DATA_SIZE);
	ASSERT_NE(self->memory, MAP_FAILED);
}

FIXTURE_TEARDOWN(user_memory)
{
	client_close(&self->client);
}

static int userptr(struct client *client, const void *memory, uint64_t size, uint32_t flags,
		   uint32_t *handle)
{
	struct drm_kestrel_bo_userptr args = {
		.address = (uintptr_t)memory, .size = size, .flags = flags, .vm_id = client->vm,
	};
	int ret = device_ioctl(client->fd, DRM_IOCTL_KESTREL_BO_USERPTR, &args);

	*handle = args.handle;
	return ret;
}

/* A number of /proc/self/status, in KiB. */
static long status_kib(const char *key)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	long value = -1;

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)))
			value = atol(line + strlen(key) + 1);
	if (file)
		fclose(file);
	return value;
}

TEST_F(user_memory, jobs_read_and_write_it)
{
	struct client *client = &self->client;
	struct drm_kestrel_bo_info info = { 0 };
	uint32_t bo;

	memset(self->memory, 0x31, DATA_SIZE);
	ASSERT_EQ(userptr(client, self->memory, DATA_SIZE, 0, &bo), 0);
	info.handle = bo;
	ASSERT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_BO_INFO, &info), 0);
	EXPECT_EQ(info.flags, DRM_KESTREL_BO_USER | DRM_KESTREL_BO_NO_MMAP);
	EXPECT_EQ(info.size, DATA_SIZE);
	EXPECT_EQ(client_copies_through(client, bo, self->memory), 0);
	EXPECT_EQ(self->memory[DATA_SIZE - 1], 0x31);
	EXPECT_EQ(bo_close(client->fd, bo), 0);
	self->memory[0] = 1;
}

/* Never touched before, and shared with a child that has both pages still. */
TEST_F(user_memory, copies_are_made_before)
{
	struct client *client = &self->client;
	int status, to_child[2];
	uint32_t bo;
	pid_t pid;
	char byte = 0;

	memset(self->memory, 0x55, DATA_SIZE / 2);
	ASSERT_EQ(pipe(to_child), 0);
	pid = fork();
	if (!pid) {
		close(to_child[1]);
		if (read(to_child[0], &byte, 1) < 0)
			_exit(2);
		/* What jobs wrote is the parent's. */
		_exit(self->memory[0] != 0x55 || self->memory[DATA_SIZE - 1]);
	}
	ASSERT_GT(pid, 0);
	ASSERT_EQ(userptr(client, self->memory, DATA_SIZE, 0, &bo), 0);
	EXPECT_EQ(client_copies_through(client, bo, self->memory), 0);
	close(to_child[1]);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
}

TEST_F(user_memory, fork_leaves_it_to_the_parent)
{
	struct client *client = &self->client;
	int status;
	uint32_t bo;
	pid_t pid;

	memset(self->memory, 0x42, DATA_SIZE);
	ASSERT_EQ(userptr(client, self->memory, DATA_SIZE, 0, &bo), 0);
	pid = fork();
	if (!pid) {
		memset(self->memory, 0, DATA_SIZE);
		munmap(self->memory, DATA_SIZE);
		_exit(0);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(self->memory[0], 0x42);
	EXPECT_EQ(client_copies_through(client, bo, self->memory), 0);
}

TEST_F(user_memory, read_only)
{
	struct client *client = &self->client;
	uint8_t *constant = memory_new(DATA_SIZE);
	struct drm_kestrel_fault fault;
	uint64_t cursor = 0;
	uint32_t bo;

	ASSERT_NE(constant, MAP_FAILED);
	memset(constant, 0x19, DATA_SIZE);
	ASSERT_EQ(mprotect(constant, DATA_SIZE, PROT_READ), 0);
	EXPECT_EQ(userptr(client, constant, DATA_SIZE, 0, &bo), -EFAULT);
	ASSERT_EQ(userptr(client, constant, DATA_SIZE, DRM_KESTREL_BO_READ_ONLY, &bo), 0);
	EXPECT_EQ(vm_map(client->fd, client->vm, bo, USER_VA, DATA_SIZE, READ_WRITE), -EPERM);
	ASSERT_EQ(vm_map(client->fd, client->vm, bo, USER_VA, DATA_SIZE, READ), 0);
	ASSERT_EQ(bo_fini(client->fd, bo, DATA_SIZE), 0);
	ASSERT_EQ(client_copy_at(client, USER_VA, DATA_VA, 4096), 0);
	EXPECT_EQ(client->data[4095], 0x19);

	EXPECT_EQ(client_copy_at(client, DATA_VA, USER_VA, 4096), -EFAULT);
	ASSERT_EQ(faults_read(client->fd, client->vm, &fault, 1, &cursor, NULL), 1);
	EXPECT_EQ(fault.access, DRM_KESTREL_ACCESS_WRITE);
	EXPECT_EQ(fault.va, USER_VA);
	EXPECT_EQ(constant[0], 0x19);
}

TEST_F(user_memory, refuses)
{
	const struct drm_kestrel_bo_userptr good = {
		.address = (uintptr_t)self->memory, .size = DATA_SIZE,
		.vm_id = self->client.vm,
	};
	struct drm_kestrel_bo_userptr bad;
	uint8_t *file;
	int fd;

#define EXPECT_BAD(change, error)						\
	do {									\
		bad = good;							\
		bad.change;							\
		EXPECT_EQ(device_ioctl(self->client.fd, DRM_IOCTL_KESTREL_BO_USERPTR, &bad), \
			  error) TH_LOG(#change);				\
	} while (0)

	EXPECT_BAD(address += 16, -EINVAL);
	EXPECT_BAD(address = 0, -EFAULT);
	EXPECT_BAD(address = -DATA_SIZE, -EINVAL);
	EXPECT_BAD(address = 1ull << 60, -EFAULT);
	EXPECT_BAD(size = 0, -EINVAL);
	EXPECT_BAD(size = 16, -EINVAL);
	EXPECT_BAD(size = 1ull << 40, -EINVAL);
	EXPECT_BAD(flags = DRM_KESTREL_BO_NO_MMAP, -EINVAL);
	EXPECT_BAD(vm_id = 0, -ENOENT);
	EXPECT_BAD(vm_id += 1000, -ENOENT);
	EXPECT_BAD(pad = 1, -EINVAL);

	/* A hole, memory of a file, and memory of the device. */
	ASSERT_EQ(munmap(self->memory + DATA_SIZE / 2, DATA_SIZE / 4), 0);
	EXPECT_BAD(flags = 0, -EFAULT);
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ASSERT_GE(fd, 0);
	file = mmap(NULL, DATA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_NE(file, MAP_FAILED);
	close(fd);
	EXPECT_BAD(address = (uintptr_t)file, -EFAULT);
	EXPECT_BAD(address = (uintptr_t)self->client.data, -EFAULT);
#undef EXPECT_BAD
}

TEST_F(user_memory, is_its_vms_alone)
{
	struct client *client = &self->client;
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	uint32_t bo, other;

	ASSERT_EQ(userptr(client, self->memory, DATA_SIZE, 0, &bo), 0);
	ASSERT_EQ(vm_create(client->fd, &other), 0);
	EXPECT_EQ(vm_map(client->fd, other, bo, USER_VA, PAGE, READ), -EPERM);
	prime.handle = bo;
	EXPECT_EQ(device_ioctl(client->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), -EPERM);
}

/* Runs in a process without privilege; 0, or the number of the check that failed. */
static int memlock_child(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	struct rlimit limit = { .rlim_cur = 64 * 1024, .rlim_max = 64 * 1024 };
	struct client client;
	uint8_t *memory = memory_new(128 * 1024);
	uint32_t first, second;
	long before;

	if (client_open(&client, 0) || memory == MAP_FAILED)
		return 1;
	if (syscall(SYS_capget, &header, data))
		return 2;
	data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective &= ~CAP_TO_MASK(CAP_IPC_LOCK);
	if (syscall(SYS_capset, &header, data) || setrlimit(RLIMIT_MEMLOCK, &limit))
		return 3;
	before = status_kib("VmPin:");
	if (userptr(&client, memory, 128 * 1024, 0, &first) != -ENOMEM)
		return 4;
	if (status_kib("VmPin:") != before)
		return 5;
	if (userptr(&client, memory, 64 * 1024, 0, &first))
		return 6;
	if (status_kib("VmPin:") != before + 64)
		return 7;
	if (userptr(&client, memory + 64 * 1024, 64 * 1024, 0, &second) != -ENOMEM)
		return 8;
	/* Unmapping is not giving back: pages stay pinned as long as the BO. */
	if (munmap(memory, 64 * 1024) || status_kib("VmPin:") != before + 64)
		return 9;
	if (bo_close(client.fd, first) || status_kib("VmPin:") != before)
		return 10;
	if (userptr(&client, memory + 64 * 1024, 64 * 1024, 0, &second))
		return 11;
	client_close(&client);
	return status_kib("VmPin:") == before ? 0 : 12;
}

TEST_F(user_memory, counts_against_memlock)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(memlock_child());
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(user_memory, unmapped_memory_is_not_reached)
{
	struct client *client = &self->client;
	const size_t page = sysconf(_SC_PAGESIZE);
	struct drm_kestrel_fault fault;
	uint64_t cursor = 0;
	uint32_t bo, again;

	ASSERT_EQ(userptr(client, self->memory, DATA_SIZE, 0, &bo), 0);
	ASSERT_EQ(vm_map(client->fd, client->vm, bo, USER_VA, DATA_SIZE, READ_WRITE), 0);
	ASSERT_EQ(client_copy_at(client, USER_VA, DATA_VA, 4096), 0);

	/* One page of it is all of it. */
	ASSERT_EQ(munmap(self->memory + DATA_SIZE - page, page), 0);
	EXPECT_EQ(client_copy_at(client, USER_VA, DATA_VA, 4096), -EFAULT);
	ASSERT_EQ(faults_read(client->fd, client->vm, &fault, 1, &cursor, NULL), 1);
	EXPECT_EQ(fault.type, DRM_KESTREL_FAULT_MMU);
	EXPECT_EQ(fault.va, USER_VA);

	EXPECT_EQ(vm_map(client->fd, client->vm, bo, USER_VA, DATA_SIZE, READ), -EFAULT);
	EXPECT_EQ(vm_unmap(client->fd, client->vm, USER_VA, DATA_SIZE), 0);
	EXPECT_EQ(bo_close(client->fd, bo), 0);
	/* What is still there can be used again. */
	EXPECT_EQ(userptr(client, self->memory, DATA_SIZE / 2, 0, &again), 0);
}

TEST_F(user_memory, moved_memory_is_not_reached)
{
	struct client *client = &self->client;
	uint8_t *moved;
	uint32_t bo;

	ASSERT_EQ(userptr(client, self->memory, DATA_SIZE, 0, &bo), 0);
	ASSERT_EQ(vm_map(client->fd, client->vm, bo, USER_VA, DATA_SIZE, READ_WRITE), 0);
	moved = mmap(NULL, DATA_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(moved, MAP_FAILED);
	ASSERT_EQ(mremap(self->memory, DATA_SIZE, DATA_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, moved),
		  moved);
	EXPECT_EQ(client_copy_at(client, USER_VA, DATA_VA, 4096), -EFAULT);
}

/*
 * Jobs write into memory of this process for as long as they may, and it is
 * unmapped meanwhile. From then on they reach nothing: whatever the process maps
 * there, or gets from the same pages, keeps its bytes.
 */
TEST_F_TIMEOUT(user_memory, unmapped_under_a_running_job, PATIENCE_S)
{
	struct client *client = &self->client;
	struct drm_kestrel_base bases[] = { { DATA_VA, DATA_SIZE }, { USER_VA, DATA_SIZE } };
	unsigned int round, faulted = 0;

	memset(client->data, 0xda, DATA_SIZE);
	bo_fini(client->fd, client->data_handle, DATA_SIZE);
	for (round = 0; round < 12; round++) {
		size_t size = stream_copy_often(client, 0, 0, 0, 1, 0, 8192, 1500);
		struct drm_kestrel_queue_state state;
		struct drm_kestrel_job jobs[8];
		struct drm_kestrel_submit args = {
			.queue_id = client->queue,
			.jobs = { .stride = sizeof(jobs[0]), .count = 8, .ptr = (uintptr_t)jobs },
		};
		uint8_t *memory = memory_new(DATA_SIZE);
		unsigned int i;
		uint32_t bo;

		ASSERT_NE(memory, MAP_FAILED);
		ASSERT_EQ(userptr(client, memory, DATA_SIZE, 0, &bo), 0);
		ASSERT_EQ(vm_map(client->fd, client->vm, bo, USER_VA, DATA_SIZE, READ_WRITE), 0);
		for (i = 0; i < 8; i++) {
			jobs[i] = client_job(client, 0, size);
			jobs[i].bases = (struct drm_kestrel_array) {
				.stride = sizeof(bases[0]), .count = 2, .ptr = (uintptr_t)bases,
			};
		}
		ASSERT_EQ(device_ioctl(client->fd, DRM_IOCTL_KESTREL_SUBMIT, &args), 0);
		usleep(1000 * (round % 10));
		ASSERT_EQ(mmap(memory, DATA_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), memory);
		memset(memory, 0x11, DATA_SIZE);
		/* The pages go back while jobs may be under way. */
		if (round % 2) {
			ASSERT_EQ(vm_unmap(client->fd, client->vm, USER_VA, DATA_SIZE), 0);
			ASSERT_EQ(bo_close(client->fd, bo), 0);
		}

		ASSERT_EQ(bo_prep(client->fd, client->data_handle, READ, DATA_SIZE,
				  deadline(LONG_TIMEOUT_S)), 0);
		for (i = 0; i < DATA_SIZE; i++)
			ASSERT_EQ(memory[i], 0x11);
		ASSERT_EQ(queue_state(client->fd, client->queue, &state), 0);
		if (state.status == DRM_KESTREL_QUEUE_FAULT)
			faulted++;
		else
			EXPECT_EQ(state.status, DRM_KESTREL_QUEUE_OK);
		if (!(round % 2)) {
			ASSERT_EQ(vm_unmap(client->fd, client->vm, USER_VA, DATA_SIZE), 0);
			ASSERT_EQ(bo_close(client->fd, bo), 0);
		}
		munmap(memory, DATA_SIZE);
		ASSERT_EQ(queue_destroy(client->fd, client->queue), 0);
		ASSERT_EQ(queue_create(client->fd, client->vm, 16, 0, &client->queue), 0);
	}
	EXPECT_GT(faulted, 0);
}

/* The process goes, the file stays with another one. */
TEST_F(user_memory, process_exits_under_its_jobs)
{
	struct client *client = &self->client;
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct drm_kestrel_base bases[] = { { DATA_VA, DATA_SIZE }, { USER_VA, DATA_SIZE } };
		size_t size = stream_copy_often(client, 0, 0, 0, 1, 0, 8192, 1500);
		struct drm_kestrel_job job = client_job(client, 0, size);
		struct drm_kestrel_submit args = {
			.queue_id = client->queue,
			.jobs = { .stride = sizeof(job), .count = 1, .ptr = (uintptr_t)&job },
		};
		uint8_t *memory = memory_new(DATA_SIZE);
		uint32_t bo;

		job.bases = (struct drm_kestrel_array) {
			.stride = sizeof(bases[0]), .count = 2, .ptr = (uintptr_t)bases,
		};
		if (userptr(client, memory, DATA_SIZE, 0, &bo) ||
		    vm_map(client->fd, client->vm, bo, USER_VA, DATA_SIZE, READ_WRITE) ||
		    device_ioctl(client->fd, DRM_IOCTL_KESTREL_SUBMIT, &args))
			_exit(1);
		_exit(0);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
	ASSERT_EQ(queue_destroy(client->fd, client->queue), 0);
	ASSERT_EQ(queue_create(client->fd, client->vm, 16, 0, &client->queue), 0);
	EXPECT_EQ(client_copy_at(client, DATA_VA, DATA_VA + 4096, 16), 0);
	EXPECT_EQ(client_copy_at(client, USER_VA, DATA_VA, 16), -EFAULT);
}

/* Maps and unmaps while another thread does the same to the memory. */
struct race {
	struct client *client;
	uint8_t *memory;
	volatile bool stop;
};

static void *race_unmap(void *opaque)
{
	struct race *race = opaque;
	unsigned int round;

	for (round = 0; !race->stop; round++) {
		usleep(round % 7 * 50);
		mmap(race->memory, DATA_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	}
	return NULL;
}

TEST_F_TIMEOUT(user_memory, races_with_unmap, PATIENCE_S)
{
	struct client *client = &self->client;
	struct race race = { .client = client, .memory = self->memory };
	unsigned int round, mapped = 0;
	pthread_t thread;

	ASSERT_EQ(pthread_create(&thread, NULL, race_unmap, &race), 0);
	for (round = 0; round < 150; round++) {
		uint32_t bo;
		int ret = userptr(client, self->memory, DATA_SIZE, 0, &bo);

		if (ret) {
			EXPECT_EQ(ret, -EFAULT);
			continue;
		}
		ret = vm_map(client->fd, client->vm, bo, USER_VA, DATA_SIZE, READ_WRITE);
		if (ret)
			EXPECT_EQ(ret, -EFAULT);
		mapped += !ret;
		bo_close(client->fd, bo);
	}
	race.stop = true;
	pthread_join(thread, NULL);
	EXPECT_GT(mapped, 0);
	EXPECT_EQ(vm_unmap(client->fd, client->vm, USER_VA, DATA_SIZE), 0);
}

TEST_HARNESS_MAIN
