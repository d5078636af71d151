// SPDX-License-Identifier: MIT
/* Memory of the user's that a device addresses. */
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int access_check(struct npu_device *device, uint32_t access)
{
	if (access && !(access & ~(uint32_t)(NPU_READ | NPU_WRITE)))
		return 0;
	return message_set(&device->message, -EINVAL, "access %u is not NPU_READ or NPU_WRITE",
			   access);
}

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

int npu_buffer_wrap(struct npu_device *device, void *memory, size_t bytes, uint32_t access,
		    struct npu_buffer **buffer)
{
	const struct device_operations *operations = device->operations;
	uint32_t rights = DEVICE_READ | (access & NPU_WRITE ? DEVICE_WRITE : 0);
	struct message ignored;
	struct npu_buffer *b;
	int ret;

	*buffer = NULL;
	if (!memory || !bytes || bytes > INT32_MAX)
		return message_set(&device->message, -EINVAL, "a buffer of %zu bytes at %p", bytes,
				   memory);
	ret = access_check(device, access);
	if (!ret)
		ret = buffer_new(device, &b);
	if (ret)
		return ret;
	b->read_only = !(access & NPU_WRITE);
	b->memory.data = memory;
	b->memory.size = bytes;
	b->memory.wrapped = 1;
	b->memory.device = device;
	if (!operations->memory_wrap ||
	    operations->memory_wrap(device, rights, &b->memory, &ignored))
		b->memory.device = NULL;
	*buffer = b;
	return 0;
}

int npu_buffer_in_place(const struct npu_buffer *buffer)
{
	return buffer->memory.device && buffer->device->capabilities.kind != NPU_DEVICE_CPU;
}

int npu_buffer_export(struct npu_buffer *buffer, int *dmabuf)
{
	if (buffer->memory.wrapped)
		return message_set(&buffer->device->message, -ENOTSUP,
				   "memory of the caller's cannot be exported");
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

int npu_buffer_begin(struct npu_buffer *buffer, uint32_t access, int64_t timeout_ns)
{
	struct npu_device *device = buffer->device;
	int ret = access_check(device, access);

	if (ret || !buffer->memory.device)
		return ret;
	return device->operations->memory_begin(&buffer->memory, access, timeout_ns,
						&device->message);
}

int npu_buffer_end(struct npu_buffer *buffer, uint32_t access)
{
	struct npu_device *device = buffer->device;
	int ret = access_check(device, access);

	if (ret || !buffer->memory.device)
		return ret;
	return device->operations->memory_end(&buffer->memory, access, &device->message);
}

void npu_buffer_free(struct npu_buffer *buffer)
{
	if (!buffer)
		return;
	device_memory_destroy(&buffer->memory);
	free(buffer);
}
