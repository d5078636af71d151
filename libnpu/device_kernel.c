// SPDX-License-Identifier: MIT
/* The kernel's driver as a device: uapi/drm/kestrel_accel.h through libdrm. */
#include "device.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <xf86drm.h>

#include <drm/kestrel_accel.h>

#define QUEUE_JOBS 16
#define LARGE_PAGE (UINT64_C(2) << 20)

struct kernel {
	int fd;
	uint32_t vm;
};

static int fd_get(const struct npu_device *device)
{
	return ((const struct kernel *)device->private)->fd;
}

/* drmIoctl() restarts after signals; the result here is 0 or -errno. */
static int call(const struct npu_device *device, unsigned long request, void *argument)
{
	return drmIoctl(fd_get(device), request, argument) ? -errno : 0;
}

static void kernel_close(struct npu_device *device)
{
	struct kernel *k = device->private;

	if (!k)
		return;
	if (k->fd >= 0)
		close(k->fd);
	free(k);
}

static int bind(struct npu_device *device, const struct device_memory *memory, uint32_t op,
		uint32_t rights, struct message *message)
{
	struct kernel *k = device->private;
	struct drm_kestrel_bind_op operation = {
		.op = op,
		.va = memory->range.address,
		.size = memory->mapped,
	};
	struct drm_kestrel_vm_bind argument = {
		.vm_id = k->vm,
		.ops = { .stride = sizeof(operation), .count = 1, .ptr = (uintptr_t)&operation },
	};
	int ret;

	if (op == DRM_KESTREL_BIND_MAP) {
		operation.handle = memory->gem;
		operation.flags = (rights & DEVICE_READ ? DRM_KESTREL_BIND_READ : 0) |
				  (rights & DEVICE_WRITE ? DRM_KESTREL_BIND_WRITE : 0) |
				  (rights & DEVICE_EXECUTE ? DRM_KESTREL_BIND_EXECUTE : 0);
	}
	ret = call(device, DRM_IOCTL_KESTREL_VM_BIND, &argument);
	if (ret)
		return message_set(message, ret, "VM_BIND of %zu bytes at 0x%" PRIx64 ": %s",
				   memory->mapped, memory->range.address, strerror(-ret));
	return 0;
}

static void gem_close(struct npu_device *device, uint32_t handle)
{
	drmCloseBufferHandle(fd_get(device), handle);
}

/* A device address, and the mapping there; of large pages where there are any. */
static int memory_bind(struct npu_device *device, uint32_t rights, struct device_memory *memory,
		       struct message *message)
{
	int ret;

	pthread_mutex_lock(&device->lock);
	ret = address_space_take(&device->space, &memory->range, memory->mapped,
				 memory->mapped < LARGE_PAGE ? DEVICE_PAGE_SIZE : LARGE_PAGE);
	pthread_mutex_unlock(&device->lock);
	if (ret)
		return message_set(message, ret, "no device address left for %zu bytes",
				   memory->mapped);
	ret = bind(device, memory, DRM_KESTREL_BIND_MAP, rights, message);
	if (ret) {
		pthread_mutex_lock(&device->lock);
		address_space_release(&device->space, &memory->range);
		pthread_mutex_unlock(&device->lock);
	}
	return ret;
}

/* The processor's view, and that of the device. */
static int memory_map(struct npu_device *device, uint32_t rights, struct device_memory *memory,
		      struct message *message)
{
	struct drm_kestrel_bo_info info = { .handle = memory->gem };
	int ret;

	ret = call(device, DRM_IOCTL_KESTREL_BO_INFO, &info);
	if (ret)
		return message_set(message, ret, "BO_INFO: %s", strerror(-ret));
	memory->mapped = info.size;
	if (!memory->size)
		memory->size = info.size;
	memory->data = mmap(NULL, memory->mapped, PROT_READ | PROT_WRITE, MAP_SHARED,
			    fd_get(device), (off_t)info.mmap_offset);
	if (memory->data == MAP_FAILED)
		return message_set(message, -errno, "mmap of %zu bytes of device memory: %s",
				   memory->mapped, strerror(errno));
	ret = memory_bind(device, rights, memory, message);
	if (ret)
		munmap(memory->data, memory->mapped);
	return ret;
}

static int memory_create(struct npu_device *device, size_t size, uint32_t rights,
			 struct device_memory *memory, struct message *message)
{
	const struct kernel *k = device->private;
	struct drm_kestrel_bo_create create = {
		.size = size,
		.vm_id = rights & DEVICE_PRIVATE ? k->vm : 0,
	};
	int ret;

	ret = call(device, DRM_IOCTL_KESTREL_BO_CREATE, &create);
	if (ret)
		return message_set(message, ret, "BO_CREATE of %zu bytes: %s", size,
				   strerror(-ret));
	memory->gem = create.handle;
	ret = memory_map(device, rights, memory, message);
	if (ret)
		gem_close(device, create.handle);
	return ret;
}

static int memory_import(struct npu_device *device, int dmabuf, struct device_memory *memory,
			 struct message *message)
{
	int ret;

	if (drmPrimeFDToHandle(fd_get(device), dmabuf, &memory->gem))
		return message_set(message, -errno, "import of dma-buf %d: %s", dmabuf,
				   strerror(errno));
	ret = memory_map(device, DEVICE_READ | DEVICE_WRITE, memory, message);
	if (ret)
		gem_close(device, memory->gem);
	return ret;
}

/* All pages that the memory touches: the first and the last may be in use for more. */
static int memory_wrap(struct npu_device *device, uint32_t rights, struct device_memory *memory,
		       struct message *message)
{
	const struct kernel *k = device->private;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t first = (uintptr_t)memory->data & ~(page - 1);
	uintptr_t last = ((uintptr_t)memory->data + memory->size + page - 1) & ~(page - 1);
	struct drm_kestrel_bo_userptr user = {
		.address = first,
		.size = last - first,
		.flags = rights & DEVICE_WRITE ? 0 : DRM_KESTREL_BO_READ_ONLY,
		.vm_id = k->vm,
	};
	int ret;

	ret = call(device, DRM_IOCTL_KESTREL_BO_USERPTR, &user);
	if (ret)
		return message_set(message, ret, "BO_USERPTR of %zu bytes: %s", memory->size,
				   strerror(-ret));
	memory->gem = user.handle;
	memory->mapped = user.size;
	memory->first = (uintptr_t)memory->data - first;
	ret = memory_bind(device, rights, memory, message);
	if (ret)
		gem_close(device, user.handle);
	return ret;
}

static int memory_export(struct device_memory *memory, int *dmabuf, struct message *message)
{
	if (drmPrimeHandleToFD(fd_get(memory->device), memory->gem, DRM_CLOEXEC | DRM_RDWR, dmabuf))
		return message_set(message, -errno, "export of a buffer: %s", strerror(errno));
	return 0;
}

static void memory_destroy(struct device_memory *memory)
{
	struct npu_device *device = memory->device;
	struct message ignored;

	/* Fails only when the device is gone, and its mappings with it. */
	(void)bind(device, memory, DRM_KESTREL_BIND_UNMAP, 0, &ignored);
	pthread_mutex_lock(&device->lock);
	address_space_release(&device->space, &memory->range);
	pthread_mutex_unlock(&device->lock);
	if (!memory->wrapped)
		munmap(memory->data, memory->mapped);
	gem_close(device, memory->gem);
}

static int64_t deadline_get(int64_t timeout_ns)
{
	struct timespec now;
	int64_t nanoseconds;

	clock_gettime(CLOCK_MONOTONIC, &now);
	nanoseconds = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	if (timeout_ns < 0 || timeout_ns > INT64_MAX - nanoseconds)
		return INT64_MAX;
	return nanoseconds + timeout_ns;
}

/* Of pages that are the caller's only those bytes that are the buffer's. */
static size_t memory_extent(const struct device_memory *memory)
{
	return memory->wrapped ? memory->size : memory->mapped;
}

static int memory_begin(struct device_memory *memory, uint32_t access, int64_t timeout_ns,
			struct message *message)
{
	struct drm_kestrel_bo_prep prep = {
		.handle = memory->gem,
		.flags = (access & NPU_READ ? DRM_KESTREL_PREP_READ : 0) |
			 (access & NPU_WRITE ? DRM_KESTREL_PREP_WRITE : 0),
		.offset = memory->first,
		.size = memory_extent(memory),
		.timeout_ns = deadline_get(timeout_ns),
	};
	int ret = call(memory->device, DRM_IOCTL_KESTREL_BO_PREP, &prep);

	if (ret)
		return message_set(message, ret == -ETIMEDOUT ? -ETIME : ret, "BO_PREP: %s",
				   strerror(-ret));
	return 0;
}

static int memory_end(struct device_memory *memory, uint32_t access, struct message *message)
{
	struct drm_kestrel_bo_fini fini = {
		.handle = memory->gem,
		.offset = memory->first,
		.size = memory_extent(memory),
	};
	int ret;

	(void)access;
	ret = call(memory->device, DRM_IOCTL_KESTREL_BO_FINI, &fini);
	if (ret)
		return message_set(message, ret, "BO_FINI: %s", strerror(-ret));
	return 0;
}

static int queue_open(struct npu_device *device, struct device_queue *queue,
		      struct message *message)
{
	struct kernel *k = device->private;
	struct drm_kestrel_queue_create create = {
		.vm_id = k->vm,
		.priority = DRM_KESTREL_PRIORITY_NORMAL,
		.max_jobs = QUEUE_JOBS,
	};
	int ret = call(device, DRM_IOCTL_KESTREL_QUEUE_CREATE, &create);

	if (ret)
		return message_set(message, ret, "QUEUE_CREATE: %s", strerror(-ret));
	queue->id = create.queue_id;
	return 0;
}

static void queue_close(struct device_queue *queue)
{
	struct drm_kestrel_queue_destroy destroy = { .queue_id = queue->id };

	if (queue->id)
		call(queue->device, DRM_IOCTL_KESTREL_QUEUE_DESTROY, &destroy);
	queue->id = 0;
}

static int queue_create(struct npu_device *device, struct device_queue *queue,
			struct message *message)
{
	int ret;

	queue->device = device;
	ret = queue_open(device, queue, message);
	if (ret)
		return ret;
	if (drmSyncobjCreate(fd_get(device), 0, &queue->syncobj)) {
		ret = message_set(message, -errno, "syncobj: %s", strerror(errno));
		queue_close(queue);
	}
	return ret;
}

static void queue_destroy(struct device_queue *queue)
{
	queue_close(queue);
	drmSyncobjDestroy(fd_get(queue->device), queue->syncobj);
}

/* The newest fault record of the VM that is this job's, as a sentence. */
static void fault_explain(struct device_queue *queue, uint64_t seqno, struct message *message,
			  int code)
{
	struct kernel *k = queue->device->private;
	struct drm_kestrel_fault faults[64];
	struct drm_kestrel_fault_read argument = {
		.vm_id = k->vm,
		.faults = { .stride = sizeof(faults[0]), .count = 64,
			    .ptr = (uintptr_t)faults },
	};

	message_set(message, code, "NPU job failed: %s", strerror(-code));
	if (call(queue->device, DRM_IOCTL_KESTREL_FAULT_READ, &argument))
		return;
	for (uint32_t i = argument.faults.count; i-- > 0;) {
		const struct drm_kestrel_fault *fault = &faults[i];

		if (fault->queue_id != queue->id || fault->seqno != seqno)
			continue;
		message_set(message, code,
			    "NPU job failed: %s; fault type %" PRIu32 " code %" PRIu32 " in unit %" PRIu32 " at stream offset %" PRIu32 ", address 0x%" PRIx64 " access %" PRIu32,
			    strerror(-code), fault->type, fault->code, fault->unit,
			    fault->stream_offset, (uint64_t)fault->va, fault->access);
		return;
	}
}

/* 0, or why the last job did not run to its end. */
static int queue_result(const struct device_queue *queue,
			const struct drm_kestrel_queue_state *state)
{
	(void)queue;
	switch (state->status) {
	case DRM_KESTREL_QUEUE_OK:
		return 0;
	case DRM_KESTREL_QUEUE_TIMEDOUT:
		return -ETIMEDOUT;
	case DRM_KESTREL_QUEUE_FAULT:
		return -EFAULT;
	case DRM_KESTREL_QUEUE_INNOCENT:
		return -ECANCELED;
	}
	return -EIO;
}

/*
 * Waits for the job's fence, then asks the queue how it ended. A dead queue is
 * replaced, so that the next run can succeed.
 */
static int run(struct device_queue *queue, const struct device_job *job, uint64_t *cycles,
	       struct message *message)
{
	struct npu_device *device = queue->device;
	struct drm_kestrel_queue_state before = { .queue_id = queue->id };
	struct drm_kestrel_queue_state after = { .queue_id = queue->id };
	struct drm_kestrel_base bases[DEVICE_BASES];
	struct drm_kestrel_sync sync = {
		.handle = queue->syncobj,
		.flags = DRM_KESTREL_SYNC_SIGNAL,
	};
	struct drm_kestrel_job sent = {
		.command_va = job->command_address,
		.command_size = job->command_size,
		.bases = { .stride = sizeof(bases[0]), .count = job->base_count,
			   .ptr = job->base_count ? (uintptr_t)bases : 0 },
		.syncs = { .stride = sizeof(sync), .count = 1, .ptr = (uintptr_t)&sync },
	};
	struct drm_kestrel_submit submit = {
		.queue_id = queue->id,
		.jobs = { .stride = sizeof(sent), .count = 1, .ptr = (uintptr_t)&sent },
	};
	int ret;

	*cycles = 0;
	for (uint32_t i = 0; i < job->base_count; i++) {
		bases[i].va = job->bases[i].address;
		bases[i].size = job->bases[i].size;
	}
	ret = call(device, DRM_IOCTL_KESTREL_QUEUE_STATE, &before);
	if (!ret)
		ret = call(device, DRM_IOCTL_KESTREL_SUBMIT, &submit);
	if (ret)
		return message_set(message, ret, "SUBMIT: %s", strerror(-ret));
	if (drmSyncobjWait(fd_get(device), &queue->syncobj, 1, INT64_MAX, 0, NULL))
		return message_set(message, -errno, "wait for an NPU job: %s", strerror(errno));
	ret = call(device, DRM_IOCTL_KESTREL_QUEUE_STATE, &after);
	if (ret)
		return message_set(message, ret, "QUEUE_STATE: %s", strerror(-ret));
	*cycles = after.active_cycles - before.active_cycles;
	ret = queue_result(queue, &after);
	if (ret) {
		struct message ignored;

		fault_explain(queue, submit.first_seqno, message, ret);
		queue_close(queue);
		queue_open(device, queue, &ignored);
	}
	return ret;
}

static const struct device_operations kernel_operations = {
	.close = kernel_close,
	.memory_create = memory_create,
	.memory_import = memory_import,
	.memory_wrap = memory_wrap,
	.memory_export = memory_export,
	.memory_destroy = memory_destroy,
	.memory_begin = memory_begin,
	.memory_end = memory_end,
	.queue_create = queue_create,
	.queue_destroy = queue_destroy,
	.run = run,
};

/* An open descriptor of our driver, or -errno (-ENODEV: another driver's). */
static int node_open(const char *path, struct message *message)
{
	drmVersionPtr version;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return message_set(message, -errno, "%s: %s", path, strerror(errno));
	version = drmGetVersion(fd);
	if (!version)
		ret = message_set(message, -ENODEV, "%s is not a DRM device node", path);
	else if (strcmp(version->name, DRM_KESTREL_DRIVER_NAME))
		ret = message_set(message, -ENODEV, "%s belongs to driver \"%s\"", path,
				  version->name);
	else if (version->version_major != DRM_KESTREL_VERSION_MAJOR)
		ret = message_set(message, -ENOTSUP,
				  "%s: driver interface %d.%d, this library speaks %d.%d", path,
				  version->version_major, version->version_minor,
				  DRM_KESTREL_VERSION_MAJOR, DRM_KESTREL_VERSION_MINOR);
	drmFreeVersion(version);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

/*
 * The first node of the directory, in the order of their numbers, that is ours.
 * Nodes of other drivers are passed by; one that cannot be opened may be
 * anybody's, so it is only told of when none is found.
 */
static int directory_search(const char *directory, char *found, size_t size,
			    struct message *refused, struct message *message)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, NULL, versionsort);
	int fd = -ENOENT;

	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (fd == -ENOENT && (!strncmp(name, "accel", 5) || !strncmp(name, "renderD", 7))) {
			snprintf(found, size, "%s/%.60s", directory, name);
			fd = node_open(found, message);
			if (fd < 0 && fd != -ENOTSUP) {
				if (fd != -ENODEV && !refused->text[0])
					*refused = *message;
				fd = -ENOENT;
			}
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return fd;
}

static int search(char *found, size_t size, struct message *message)
{
	struct message refused = { "" };
	int fd = directory_search("/dev/accel", found, size, &refused, message);

	if (fd == -ENOENT)
		fd = directory_search("/dev/dri", found, size, &refused, message);
	if (fd == -ENOENT)
		message_set(message, fd,
			    "no node of driver \"kestrel\" in /dev/accel and /dev/dri%s%.128s",
			    refused.text[0] ? "; " : "", refused.text);
	return fd;
}

static int query(struct npu_device *device, uint32_t type, void *data, uint32_t size,
		 struct message *message)
{
	struct drm_kestrel_query argument = {
		.type = type,
		.size = size,
		.ptr = (uintptr_t)data,
	};
	int ret = call(device, DRM_IOCTL_KESTREL_QUERY, &argument);

	if (ret)
		return message_set(message, ret, "QUERY %" PRIu32 ": %s", type, strerror(-ret));
	return 0;
}

static int capabilities_get(struct npu_device *device, const char *path,
			    struct message *message)
{
	struct npu_capabilities *capabilities = &device->capabilities;
	struct drm_kestrel_query_hardware hardware = { 0 };
	struct drm_kestrel_query_firmware firmware = { 0 };
	int ret;

	ret = query(device, DRM_KESTREL_QUERY_HARDWARE, &hardware, sizeof(hardware), message);
	if (!ret)
		ret = query(device, DRM_KESTREL_QUERY_FIRMWARE, &firmware, sizeof(firmware),
			    message);
	if (ret)
		return ret;
	capabilities->kind = NPU_DEVICE_KERNEL;
	capabilities->isa_major = hardware.isa_major;
	capabilities->isa_minor = hardware.isa_minor;
	capabilities->macs_per_cycle = hardware.macs_per_cycle;
	capabilities->sram_bytes = hardware.sram_bytes;
	capabilities->clock_khz = hardware.clock_max_khz;
	capabilities->features = hardware.features;
	snprintf(capabilities->name, sizeof(capabilities->name), "%.63s", path);
	snprintf(capabilities->driver, sizeof(capabilities->driver),
		 "kestrel %d.%d, firmware %u.%u.%u (%.20s)", DRM_KESTREL_VERSION_MAJOR,
		 DRM_KESTREL_VERSION_MINOR, firmware.version >> 24,
		 firmware.version >> 16 & 0xff, firmware.version & 0xffff, firmware.build);
	return 0;
}

int device_kernel_open(struct npu_device *device, const char *path, struct message *message)
{
	struct drm_kestrel_vm_create create = { 0 };
	struct kernel *k;
	char found[96];
	int fd = path ? node_open(path, message) : search(found, sizeof(found), message);
	int ret;

	if (fd < 0)
		return fd;
	k = calloc(1, sizeof(*k));
	if (!k) {
		close(fd);
		return message_set(message, -ENOMEM, "out of memory");
	}
	k->fd = fd;
	device->private = k;
	device->operations = &kernel_operations;
	device->kind = NPU_DEVICE_KERNEL;
	ret = capabilities_get(device, path ? path : found, message);
	if (ret)
		return ret;
	ret = call(device, DRM_IOCTL_KESTREL_VM_CREATE, &create);
	if (ret)
		return message_set(message, ret, "VM_CREATE: %s", strerror(-ret));
	k->vm = create.vm_id;
	device->space.start = create.va_start;
	device->space.size = create.va_size;
	device->configured = 1;
	return 0;
}
