// SPDX-License-Identifier: MIT
/* Memory of the user's that a device addresses. */
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Before the simulator's first model there is nothing to put memory into. */
static int buffer_new(struct npu_device *device, struct npu_buffer **buffer)
{
	*buffer = calloc(1, sizeof(**buffer));
	if (!*buffer)
		return message_set(&device->message, -ENOMEM, "out of memory");
	(*buffer)->device = device;
	return 0;
}

int npu_buffer_alloc(struct npu_device *device, size_t bytes, struct npu_buffer **buffer)
{
	struct npu_buffer *b;
	int ret;

	*buffer = NULL;
	if (!bytes || bytes > INT32_MAX)
		return message_set(&device->message, -EINVAL, "a buffer of %zu bytes", bytes);
	ret = buffer_new(device, &b);
	if (ret)
		return ret;
	ret = device_memory_create(device, bytes, DEVICE_READ | DEVICE_WRITE, &b->memory,
				   &device->message);
	if (ret) {
		free(b);
		return ret;
	}
	*buffer = b;
	return 0;
}

int npu_buffer_import(struct npu_device *device, int dmabuf, struct npu_buffer **buffer)
{
	struct npu_buffer *b;
	int ret;

	*buffer = NULL;
	ret = buffer_new(device, &b);
	if (ret)
		return ret;
	ret = device->operations->memory_import(device, dmabuf, &b->memory, &device->message);
	if (ret) {
		free(b);
		return ret;
	}
	b->memory.device = device;
	*buffer = b;
	return 0;
}

int npu_buffer_export(struct npu_buffer *buffer, int *dmabuf)
{
	return buffer->device->operations->memory_export(&buffer->memory, dmabuf,
							 &buffer->device->message);
}

void *npu_buffer_data(struct npu_buffer *buffer)
{
	return buffer->memory.data;
}

size_t npu_buffer_size(const struct npu_buffer *buffer)
{
	return buffer->memory.size;
}

static int access_check(struct npu_buffer *buffer, uint32_t access)
{
	if (access && !(access & ~(uint32_t)(NPU_READ | NPU_WRITE)))
		return 0;
	return message_set(&buffer->device->message, -EINVAL, "access %u is not NPU_READ or NPU_WRITE",
			   access);
}

int npu_buffer_begin(struct npu_buffer *buffer, uint32_t access, int64_t timeout_ns)
{
	struct npu_device *device = buffer->device;
	int ret = access_check(buffer, access);

	return ret ? ret : device->operations->memory_begin(&buffer->memory, access, timeout_ns,
							    &device->message);
}

int npu_buffer_end(struct npu_buffer *buffer, uint32_t access)
{
	struct npu_device *device = buffer->device;
	int ret = access_check(buffer, access);

	return ret ? ret : device->operations->memory_end(&buffer->memory, access,
							  &device->message);
}

void npu_buffer_free(struct npu_buffer *buffer)
{
	if (!buffer)
		return;
	device_memory_destroy(&buffer->memory);
	free(buffer);
}
