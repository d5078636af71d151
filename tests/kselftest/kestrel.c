// SPDX-License-Identifier: MIT
#include "kestrel.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/sync_file.h>

#include <kestrel/isa.h>

/* This task and all that it makes; a kernel without fault injection has no such file. */
static void allocations_fail(void)
{
	int fd = open("/proc/self/make-it-fail", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1", 1) != 1)
		_exit(1);
	close(fd);
}

/*
 * With KESTREL_FAIL_ALLOCATIONS in the environment the kernel may refuse memory to the
 * tests, as its fault injection is set up, but not to the harness around them: each
 * test runs in a child of its own, and the harness is to live to tell how that ended.
 */
__attribute__((constructor)) static void allocations_fail_in_tests(void)
{
	if (getenv("KESTREL_FAIL_ALLOCATIONS"))
		pthread_atfork(NULL, NULL, allocations_fail);
}

int device_ioctl(int fd, unsigned long request, void *argument)
{
	int ret;

	do {
		ret = ioctl(fd, request, argument);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

static bool device_is_kestrel(int fd)
{
	char name[32] = "";
	struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };

	return !device_ioctl(fd, DRM_IOCTL_VERSION, &version) &&
	       !strcmp(name, DRM_KESTREL_DRIVER_NAME);
}

static int device_open_in(const char *directory, const char *prefix)
{
	DIR *nodes = opendir(directory);
	struct dirent *entry;
	char path[320];
	int fd = -ENOENT;

	if (!nodes)
		return -ENOENT;

	while (fd < 0 && (entry = readdir(nodes))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)))
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && !device_is_kestrel(fd)) {
			close(fd);
			fd = -ENOENT;
		}
	}
	closedir(nodes);
	return fd < 0 ? -ENOENT : fd;
}

int device_open(void)
{
	int fd = device_open_in("/dev/accel", "accel");

	return fd < 0 ? device_open_in("/dev/dri", "renderD") : fd;
}

int64_t deadline(double seconds)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec + (int64_t)(seconds * 1e9);
}

int vm_create(int fd, uint32_t *vm)
{
	struct drm_kestrel_vm_create create = { 0 };
	int ret = device_ioctl(fd, DRM_IOCTL_KESTREL_VM_CREATE, &create);

	*vm = create.vm_id;
	return ret;
}

int vm_destroy(int fd, uint32_t vm)
{
	struct drm_kestrel_vm_destroy destroy = { .vm_id = vm };

	return device_ioctl(fd, DRM_IOCTL_KESTREL_VM_DESTROY, &destroy);
}

static int vm_bind_one(int fd, uint32_t vm, const struct drm_kestrel_bind_op *op)
{
	struct drm_kestrel_vm_bind bind = {
		.vm_id = vm,
		.ops = { .stride = sizeof(*op), .count = 1, .ptr = (uintptr_t)op },
	};

	return device_ioctl(fd, DRM_IOCTL_KESTREL_VM_BIND, &bind);
}

int vm_map(int fd, uint32_t vm, uint32_t handle, uint64_t va, uint64_t size, uint32_t flags)
{
	struct drm_kestrel_bind_op op = {
		.op = DRM_KESTREL_BIND_MAP, .flags = flags, .handle = handle, .va = va,
		.size = size,
	};

	return vm_bind_one(fd, vm, &op);
}

int vm_unmap(int fd, uint32_t vm, uint64_t va, uint64_t size)
{
	struct drm_kestrel_bind_op op = { .op = DRM_KESTREL_BIND_UNMAP, .va = va, .size = size };

	return vm_bind_one(fd, vm, &op);
}

int bo_create(int fd, uint64_t size, uint32_t *handle)
{
	struct drm_kestrel_bo_create create = { .size = size };
	int ret = device_ioctl(fd, DRM_IOCTL_KESTREL_BO_CREATE, &create);

	*handle = create.handle;
	return ret;
}

void *bo_map(int fd, uint32_t handle, uint64_t size)
{
	struct drm_kestrel_bo_info info = { .handle = handle };
	void *map;

	if (device_ioctl(fd, DRM_IOCTL_KESTREL_BO_INFO, &info))
		return NULL;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, info.mmap_offset);
	return map == MAP_FAILED ? NULL : map;
}

int bo_prep(int fd, uint32_t handle, uint32_t flags, uint64_t size, int64_t timeout_ns)
{
	struct drm_kestrel_bo_prep prep = {
		.handle = handle, .flags = flags, .size = size, .timeout_ns = timeout_ns,
	};

	return device_ioctl(fd, DRM_IOCTL_KESTREL_BO_PREP, &prep);
}

int bo_fini(int fd, uint32_t handle, uint64_t size)
{
	struct drm_kestrel_bo_fini fini = { .handle = handle, .size = size };

	return device_ioctl(fd, DRM_IOCTL_KESTREL_BO_FINI, &fini);
}

int bo_close(int fd, uint32_t handle)
{
	struct drm_gem_close close = { .handle = handle };

	return device_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &close);
}

int handle_import(int fd, int dmabuf, uint32_t *handle)
{
	struct drm_prime_handle prime = { .fd = dmabuf };
	int ret = device_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);

	*handle = prime.handle;
	return ret;
}

int queue_create(int fd, uint32_t vm, uint32_t max_jobs, uint32_t timeout_ms, uint32_t *queue)
{
	struct drm_kestrel_queue_create create = {
		.vm_id = vm, .priority = DRM_KESTREL_PRIORITY_NORMAL, .max_jobs = max_jobs,
		.job_timeout_ms = timeout_ms,
	};
	int ret = device_ioctl(fd, DRM_IOCTL_KESTREL_QUEUE_CREATE, &create);

	*queue = create.queue_id;
	return ret;
}

int queue_create_patient(int fd, uint32_t vm, uint32_t max_jobs, uint32_t *queue)
{
	struct drm_kestrel_query_limits limits;
	int ret = query(fd, DRM_KESTREL_QUERY_LIMITS, &limits, sizeof(limits));

	return ret ? ret : queue_create(fd, vm, max_jobs, limits.max_job_timeout_ms, queue);
}

int queue_destroy(int fd, uint32_t queue)
{
	struct drm_kestrel_queue_destroy destroy = { .queue_id = queue };

	return device_ioctl(fd, DRM_IOCTL_KESTREL_QUEUE_DESTROY, &destroy);
}

int queue_state(int fd, uint32_t queue, struct drm_kestrel_queue_state *state)
{
	*state = (struct drm_kestrel_queue_state) { .queue_id = queue };
	return device_ioctl(fd, DRM_IOCTL_KESTREL_QUEUE_STATE, state);
}

int query(int fd, uint32_t type, void *answer, uint32_t size)
{
	struct drm_kestrel_query query = { .type = type, .size = size, .ptr = (uintptr_t)answer };

	return device_ioctl(fd, DRM_IOCTL_KESTREL_QUERY, &query);
}

int syncobj_create(int fd, uint32_t *handle)
{
	struct drm_syncobj_create create = { 0 };
	int ret = device_ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &create);

	*handle = create.handle;
	return ret;
}

int syncobj_destroy(int fd, uint32_t handle)
{
	struct drm_syncobj_destroy destroy = { .handle = handle };

	return device_ioctl(fd, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy);
}

int syncobj_signal(int fd, uint32_t handle)
{
	struct drm_syncobj_array array = { .handles = (uintptr_t)&handle, .count_handles = 1 };

	return device_ioctl(fd, DRM_IOCTL_SYNCOBJ_SIGNAL, &array);
}

int syncobj_wait(int fd, uint32_t handle, uint64_t point, int64_t timeout_ns)
{
	struct drm_syncobj_timeline_wait wait = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)&point, .count_handles = 1,
		.timeout_nsec = timeout_ns,
	};

	return device_ioctl(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &wait);
}

int deadline_set(int fd, uint32_t syncobj, int64_t time_ns)
{
	struct drm_syncobj_wait wait = {
		.handles = (uintptr_t)&syncobj, .count_handles = 1,
		.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE, .deadline_nsec = time_ns,
	};

	return device_ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &wait);
}

int syncobj_status(int fd, uint32_t handle)
{
	struct drm_syncobj_handle export = {
		.handle = handle, .flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1,
	};
	struct sync_file_info info = { 0 };
	int ret = device_ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export);

	if (ret)
		return ret;
	ret = device_ioctl(export.fd, SYNC_IOC_FILE_INFO, &info);
	close(export.fd);
	if (ret)
		return ret;
	/* 1 is signalled, 0 is not yet, negative is an error. */
	return info.status == 1 ? 0 : info.status == 0 ? -EBUSY : info.status;
}

int faults_read(int fd, uint32_t vm, struct drm_kestrel_fault *faults, uint32_t capacity,
		uint64_t *cursor, uint32_t *lost)
{
	struct drm_kestrel_fault_read args = {
		.vm_id = vm,
		.faults = { .stride = sizeof(*faults), .count = capacity,
			    .ptr = (uintptr_t)faults },
		.cursor = *cursor,
	};
	int ret = device_ioctl(fd, DRM_IOCTL_KESTREL_FAULT_READ, &args);

	if (ret)
		return ret;
	*cursor = args.cursor;
	if (lost)
		*lost = args.lost;
	return args.faults.count;
}

int client_open(struct client *client, uint32_t timeout_ms)
{
	const uint32_t data_flags = DRM_KESTREL_BIND_READ | DRM_KESTREL_BIND_WRITE;
	int ret;

	memset(client, 0, sizeof(*client));
	client->fd = device_open();
	if (client->fd < 0)
		return client->fd;

	ret = vm_create(client->fd, &client->vm);
	if (!ret)
		ret = bo_create(client->fd, STREAM_SIZE, &client->stream_handle);
	if (!ret)
		ret = bo_create(client->fd, DATA_SIZE, &client->data_handle);
	if (!ret)
		ret = vm_map(client->fd, client->vm, client->stream_handle, STREAM_VA, STREAM_SIZE,
			     DRM_KESTREL_BIND_EXECUTE);
	if (!ret)
		ret = vm_map(client->fd, client->vm, client->data_handle, DATA_VA, DATA_SIZE,
			     data_flags);
	if (!ret)
		ret = queue_create(client->fd, client->vm, 16, timeout_ms, &client->queue);
	if (ret)
		return ret;

	client->stream = bo_map(client->fd, client->stream_handle, STREAM_SIZE);
	client->data = bo_map(client->fd, client->data_handle, DATA_SIZE);
	return client->stream && client->data ? 0 : -ENOMEM;
}

void client_close(struct client *client)
{
	if (client->stream)
		munmap(client->stream, STREAM_SIZE);
	if (client->data)
		munmap(client->data, DATA_SIZE);
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

static const struct drm_kestrel_base client_base = { .va = DATA_VA, .size = DATA_SIZE };

struct drm_kestrel_job client_job(const struct client *client, size_t offset, size_t size)
{
	(void)client;
	return (struct drm_kestrel_job) {
		.command_va = STREAM_VA + offset,
		.command_size = size,
		.user_tag = 0x7a6 + offset,
		.bases = { .stride = sizeof(client_base), .count = 1,
			   .ptr = (uintptr_t)&client_base },
	};
}

int client_submit(struct client *client, size_t offset, size_t size, uint32_t signal)
{
	struct drm_kestrel_sync sync = { .handle = signal, .flags = DRM_KESTREL_SYNC_SIGNAL };
	struct drm_kestrel_job job = client_job(client, offset, size);
	struct drm_kestrel_submit submit = {
		.queue_id = client->queue,
		.jobs = { .stride = sizeof(job), .count = 1, .ptr = (uintptr_t)&job },
	};

	if (signal)
		job.syncs = (struct drm_kestrel_array) {
			.stride = sizeof(sync), .count = 1, .ptr = (uintptr_t)&sync,
		};
	return device_ioctl(client->fd, DRM_IOCTL_KESTREL_SUBMIT, &submit);
}

int client_run(struct client *client, size_t offset, size_t size)
{
	uint32_t done;
	int ret;

	ret = syncobj_create(client->fd, &done);
	if (ret)
		return ret;
	ret = client_submit(client, offset, size, done);
	if (!ret)
		ret = syncobj_wait(client->fd, done, 0, deadline(LONG_TIMEOUT_S));
	if (!ret)
		ret = syncobj_status(client->fd, done);
	syncobj_destroy(client->fd, done);
	return ret;
}

int jobs_read(const struct client *client, struct drm_kestrel_perf_job *jobs, uint32_t *count,
	      uint64_t *cursor, uint32_t *lost)
{
	struct drm_kestrel_perf_jobs args = {
		.queue_id = client->queue, .cursor = *cursor,
		.jobs = {
			.stride = sizeof(*jobs), .count = *count,
			.ptr = *count ? (uintptr_t)jobs : 0,
		},
	};
	int ret = device_ioctl(client->fd, DRM_IOCTL_KESTREL_PERF_JOBS, &args);

	*count = args.jobs.count;
	*cursor = args.cursor;
	*lost = args.lost;
	return ret;
}

int client_copy_at(struct client *client, uint64_t from_va, uint64_t to_va, uint32_t bytes)
{
	struct drm_kestrel_base bases[] = { { from_va, bytes }, { to_va, bytes } };
	size_t offset = STREAM_SIZE - PAGE;
	struct drm_kestrel_job job =
		client_job(client, offset, stream_copy_bases(client, offset, 0, 0, 1, 0, bytes));
	struct drm_kestrel_sync sync = { .flags = DRM_KESTREL_SYNC_SIGNAL };
	struct drm_kestrel_submit submit = {
		.queue_id = client->queue,
		.jobs = { .stride = sizeof(job), .count = 1, .ptr = (uintptr_t)&job },
	};
	int ret;

	ret = syncobj_create(client->fd, &sync.handle);
	if (ret)
		return ret;
	job.bases = (struct drm_kestrel_array) {
		.stride = sizeof(bases[0]), .count = 2, .ptr = (uintptr_t)bases,
	};
	job.syncs = (struct drm_kestrel_array) {
		.stride = sizeof(sync), .count = 1, .ptr = (uintptr_t)&sync,
	};
	ret = device_ioctl(client->fd, DRM_IOCTL_KESTREL_SUBMIT, &submit);
	if (!ret)
		ret = syncobj_wait(client->fd, sync.handle, 0, deadline(LONG_TIMEOUT_S));
	if (!ret)
		ret = syncobj_status(client->fd, sync.handle);
	syncobj_destroy(client->fd, sync.handle);
	return ret;
}

/* Between the data and what lies at va, whose CPU view is map. */
static int copies_between(struct client *client, uint64_t va, uint32_t handle, uint8_t *map)
{
	const uint32_t both = DRM_KESTREL_PREP_READ | DRM_KESTREL_PREP_WRITE;
	unsigned int i;
	int ret;

	for (i = 0; i < 8192; i++)
		client->data[i] = i * 13 + i / 256;
	memset(client->data + 8192, 0, 16384);
	bo_fini(client->fd, client->data_handle, DATA_SIZE);
	ret = client_copy_at(client, DATA_VA, va, 8192);
	if (!ret)
		ret = client_copy_at(client, va, DATA_VA + 8192, 8192);
	if (!ret)
		ret = bo_prep(client->fd, client->data_handle, both, DATA_SIZE, 0);
	if (ret)
		return ret;
	if (memcmp(client->data, client->data + 8192, 8192))
		return -EILSEQ;
	if (!map)
		return 0;

	ret = bo_prep(client->fd, handle, both, DATA_SIZE, 0);
	if (ret)
		return ret;
	if (memcmp(client->data, map, 8192))
		return -EILSEQ;
	for (i = 0; i < 8192; i++)
		map[i] ^= 0xff;
	ret = bo_fini(client->fd, handle, DATA_SIZE);
	if (!ret)
		ret = client_copy_at(client, va, DATA_VA + 16384, 8192);
	if (!ret)
		ret = bo_prep(client->fd, client->data_handle, both, DATA_SIZE, 0);
	for (i = 0; !ret && i < 8192; i++)
		ret = client->data[16384 + i] + client->data[i] == 0xff ? 0 : -EILSEQ;
	return ret;
}

int client_copies_through(struct client *client, uint32_t handle, uint8_t *map)
{
	const uint64_t va = DATA_VA + 16 * DATA_SIZE;
	int ret = vm_map(client->fd, client->vm, handle, va, DATA_SIZE,
			 DRM_KESTREL_BIND_READ | DRM_KESTREL_BIND_WRITE);

	if (ret)
		return ret;
	ret = copies_between(client, va, handle, map);
	return vm_unmap(client->fd, client->vm, va, DATA_SIZE) ? -EIO : ret;
}

void write_byte(struct writer *writer, uint8_t byte)
{
	*writer->at++ = byte;
}

void write_number(struct writer *writer, uint32_t value)
{
	do {
		write_byte(writer, (value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
	} while (value);
}

void write_register(struct writer *writer, uint8_t number, uint32_t value)
{
	write_byte(writer, number);
	write_number(writer, value);
}

size_t writer_finish(struct client *client, size_t offset, struct writer *writer)
{
	size_t size = writer->at - (client->stream + offset);

	bo_fini(client->fd, client->stream_handle, STREAM_SIZE);
	return size;
}

size_t stream_end(struct client *client, size_t offset)
{
	struct writer writer = { client->stream + offset };

	write_byte(&writer, KESTREL_ISA_END);
	return writer_finish(client, offset, &writer);
}

/* Needs all registers at their reset values. */
static void write_copy(struct writer *writer, uint32_t from_base, uint32_t from, uint32_t to_base,
		       uint32_t to, uint32_t bytes)
{
	write_register(writer, KESTREL_DMA_BASE, from_base);
	write_register(writer, KESTREL_DMA_OFFSET, from);
	write_register(writer, KESTREL_DMA_COUNT0, bytes);
	write_byte(writer, KESTREL_ISA_EXECUTE);
	write_byte(writer, KESTREL_ISA_SIGNAL);
	write_byte(writer, KESTREL_ISA_SELECT + KESTREL_UNIT_DMA_OUT);
	write_byte(writer, KESTREL_ISA_WAIT);
	write_register(writer, KESTREL_DMA_BASE, to_base);
	write_register(writer, KESTREL_DMA_OFFSET, to);
	write_register(writer, KESTREL_DMA_COUNT0, bytes);
	write_byte(writer, KESTREL_ISA_EXECUTE);
}

size_t stream_copy_bases(struct client *client, size_t offset, uint32_t from_base,
			 uint32_t from, uint32_t to_base, uint32_t to, uint32_t bytes)
{
	struct writer writer = { client->stream + offset };

	write_copy(&writer, from_base, from, to_base, to, bytes);
	write_byte(&writer, KESTREL_ISA_END);
	return writer_finish(client, offset, &writer);
}

size_t stream_copies(struct client *client, size_t offset, uint32_t from, uint32_t to,
		     uint32_t bytes, uint32_t count)
{
	struct writer writer = { client->stream + offset };

	while (count--) {
		write_copy(&writer, 0, from, 0, to, bytes);
		/* No live ranges. */
		write_byte(&writer, KESTREL_ISA_PREEMPT);
		write_byte(&writer, 0);
	}
	write_byte(&writer, KESTREL_ISA_END);
	return writer_finish(client, offset, &writer);
}

size_t stream_copy_often(struct client *client, size_t offset, uint32_t from_base,
			 uint32_t from, uint32_t to_base, uint32_t to, uint32_t bytes,
			 uint32_t times)
{
	struct writer writer = { client->stream + offset };

	write_copy(&writer, from_base, from, to_base, to, bytes);
	while (--times)
		write_byte(&writer, KESTREL_ISA_EXECUTE);
	write_byte(&writer, KESTREL_ISA_END);
	return writer_finish(client, offset, &writer);
}

size_t stream_copy(struct client *client, size_t offset, uint32_t from, uint32_t to,
		   uint32_t bytes)
{
	return stream_copy_bases(client, offset, 0, from, 0, to, bytes);
}

size_t stream_endless(struct client *client, size_t offset)
{
	struct writer writer = { client->stream + offset };

	write_byte(&writer, KESTREL_ISA_WAIT);
	write_byte(&writer, KESTREL_ISA_END);
	return writer_finish(client, offset, &writer);
}

size_t stream_illegal(struct client *client, size_t offset)
{
	struct writer writer = { client->stream + offset };

	write_register(&writer, KESTREL_DMA_BASE, 0);
	write_byte(&writer, 0xff);
	write_byte(&writer, KESTREL_ISA_END);
	return writer_finish(client, offset, &writer);
}
