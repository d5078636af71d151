// SPDX-License-Identifier: MIT
/* The processor as a device: memory is memory, and there are no queues. */
#include "device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int memory_create(struct npu_device *device, size_t size, uint32_t rights,
			 struct device_memory *memory, struct message *message)
{
	(void)device;
	(void)rights;
	memory->data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	if (memory->data == MAP_FAILED)
		return message_set(message, -ENOMEM, "out of memory for %zu bytes", size);
	return 0;
}

static int memory_import(struct npu_device *device, int dmabuf, struct device_memory *memory,
			 struct message *message)
{
	struct stat status;

	(void)device;
	if (fstat(dmabuf, &status))
		return message_set(message, -errno, "descriptor %d: %s", dmabuf, strerror(errno));
	if (status.st_size <= 0)
		return message_set(message, -EINVAL, "descriptor %d has no size", dmabuf);
	memory->size = (size_t)status.st_size;
	memory->mapped = memory->size;
	memory->data = mmap(NULL, memory->mapped, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	if (memory->data == MAP_FAILED)
		return message_set(message, -EINVAL, "descriptor %d cannot be mapped: %s", dmabuf,
				   strerror(errno));
	return 0;
}

static int memory_export(struct device_memory *memory, int *dmabuf, struct message *message)
{
	(void)memory;
	*dmabuf = -1;
	return message_set(message, -ENOTSUP, "only an NPU's memory is a dma-buf");
}

static void memory_destroy(struct device_memory *memory)
{
	munmap(memory->data, memory->mapped);
}

static int memory_begin(struct device_memory *memory, uint32_t access, int64_t timeout_ns,
			struct message *message)
{
	(void)memory;
	(void)access;
	(void)timeout_ns;
	(void)message;
	return 0;
}

static int memory_end(struct device_memory *memory, uint32_t access, struct message *message)
{
	(void)memory;
	(void)access;
	(void)message;
	return 0;
}

static const struct device_operations cpu_operations = {
	.memory_create = memory_create,
	.memory_import = memory_import,
	.memory_export = memory_export,
	.memory_destroy = memory_destroy,
	.memory_begin = memory_begin,
	.memory_end = memory_end,
};

int device_cpu_open(struct npu_device *device, struct message *message)
{
	(void)message;
	device->operations = &cpu_operations;
	device->kind = NPU_DEVICE_CPU;
	device->configured = 1;
	device->capabilities.kind = NPU_DEVICE_CPU;
	snprintf(device->capabilities.name, sizeof(device->capabilities.name), "cpu");
	snprintf(device->capabilities.driver, sizeof(device->capabilities.driver),
		 "libnpu %s, portable C", npu_version());
	return 0;
}
