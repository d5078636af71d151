// SPDX-License-Identifier: MIT
/*
 * The simulator as a device. The library is loaded when the device is opened;
 * the simulated hardware comes up with the first model, whose stream says which
 * configuration it wants. The simulator has no lock: device->lock is held
 * around every call.
 */
#include "device.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <kestrel/simulator.h>

#define TARGET_DEFAULT "kestrel-256"

struct simulator {
	void *library;
	const struct kestrel_simulator_interface *interface;
	struct kestrel_simulator *simulator;	/* NULL before configure */
	struct kestrel_simulator_space *space;
	struct kestrel_simulator_options options;
	char *firmware_path;
};

static void simulator_close(struct npu_device *device)
{
	struct simulator *s = device->private;

	if (!s)
		return;
	if (s->simulator)
		s->interface->close(s->simulator);
	if (s->library)
		dlclose(s->library);
	free(s->firmware_path);
	free(s);
}

static int configure(struct npu_device *device, const struct graph *graph,
		     struct message *message)
{
	struct simulator *s = device->private;
	struct kestrel_simulator_information information;
	struct npu_capabilities *capabilities = &device->capabilities;
	char error[MESSAGE_BYTES - 64] = "";
	int ret;

	if (s->simulator)
		return 0;
	s->options.target = device->target;
	if (!s->options.target && graph && graph->stream_count)
		s->options.target = graph_string(graph, graph->streams[0].target);
	if (!s->options.target)
		s->options.target = TARGET_DEFAULT;
	s->options.settings = device->settings;
	s->options.firmware_path = s->firmware_path;
	ret = s->interface->open(&s->options, &s->simulator, error, sizeof(error));
	if (ret) {
		s->simulator = NULL;
		return message_set(message, ret, "simulator %.40s: %s", s->options.target, error);
	}
	ret = s->interface->space_create(s->simulator, &s->space);
	if (ret) {
		ret = message_set(message, ret, "simulator: %s",
				  s->interface->last_error(s->simulator));
		s->interface->close(s->simulator);
		s->simulator = NULL;
		return ret;
	}
	memset(&information, 0, sizeof(information));
	s->interface->information(s->simulator, &information);
	capabilities->isa_major = information.isa_major;
	capabilities->isa_minor = information.isa_minor;
	capabilities->macs_per_cycle = information.macs_per_cycle;
	capabilities->sram_bytes = information.sram_bytes;
	capabilities->clock_khz = information.clock_khz;
	snprintf(capabilities->name, sizeof(capabilities->name), "%s", information.target);
	snprintf(capabilities->driver, sizeof(capabilities->driver), "simulator, firmware %s",
		 information.firmware_version);
	device->configured = 1;
	return 0;
}

/* Mapping into the one address space; the lock is held. */
static int memory_map(struct npu_device *device, uint32_t rights, struct device_memory *memory,
		      struct message *message)
{
	struct simulator *s = device->private;
	struct kestrel_simulator_buffer *buffer = memory->handle;
	uint32_t flags = (rights & DEVICE_READ ? KESTREL_SIMULATOR_MAP_READ : 0) |
			 (rights & DEVICE_WRITE ? KESTREL_SIMULATOR_MAP_WRITE : 0) |
			 (rights & DEVICE_EXECUTE ? KESTREL_SIMULATOR_MAP_EXECUTE : 0);
	int ret;

	ret = address_space_take(&device->space, &memory->range, memory->mapped,
				 DEVICE_PAGE_SIZE);
	if (ret)
		return message_set(message, ret, "no device address left for %zu bytes",
				   memory->mapped);
	ret = s->interface->map(s->space, buffer, 0, memory->range.address, memory->mapped,
				flags);
	if (ret) {
		address_space_release(&device->space, &memory->range);
		return message_set(message, ret, "simulator: %s",
				   s->interface->last_error(s->simulator));
	}
	memory->data = s->interface->buffer_data(buffer);
	return 0;
}

static int memory_create(struct npu_device *device, size_t size, uint32_t rights,
			 struct device_memory *memory, struct message *message)
{
	struct simulator *s = device->private;
	struct kestrel_simulator_buffer *buffer = NULL;
	int ret;

	pthread_mutex_lock(&device->lock);
	ret = configure(device, NULL, message);
	if (!ret) {
		ret = s->interface->buffer_create(s->simulator, size, &buffer);
		if (ret)
			message_set(message, ret, "simulator: %s",
				    s->interface->last_error(s->simulator));
	}
	if (!ret) {
		memory->handle = buffer;
		ret = memory_map(device, rights, memory, message);
		if (ret)
			s->interface->buffer_destroy(buffer);
	}
	pthread_mutex_unlock(&device->lock);
	return ret;
}

static int memory_import(struct npu_device *device, int dmabuf, struct device_memory *memory,
			 struct message *message)
{
	struct simulator *s = device->private;
	struct kestrel_simulator_buffer *buffer = NULL;
	struct stat status;
	void *data;
	int ret;

	if (fstat(dmabuf, &status))
		return message_set(message, -errno, "descriptor %d: %s", dmabuf, strerror(errno));
	if (status.st_size <= 0 || status.st_size % DEVICE_PAGE_SIZE)
		return message_set(message, -EINVAL, "descriptor %d: size %lld is not whole pages",
				   dmabuf, (long long)status.st_size);
	data = mmap(NULL, status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	if (data == MAP_FAILED)
		return message_set(message, -EINVAL, "descriptor %d cannot be mapped: %s", dmabuf,
				   strerror(errno));
	memory->size = memory->mapped = (size_t)status.st_size;
	memory->gem = 1;
	pthread_mutex_lock(&device->lock);
	ret = configure(device, NULL, message);
	if (!ret) {
		ret = s->interface->buffer_import(s->simulator, data, memory->mapped, &buffer);
		if (ret)
			message_set(message, ret, "simulator: %s",
				    s->interface->last_error(s->simulator));
	}
	if (!ret) {
		memory->handle = buffer;
		ret = memory_map(device, DEVICE_READ | DEVICE_WRITE, memory, message);
		if (ret)
			s->interface->buffer_destroy(buffer);
	}
	pthread_mutex_unlock(&device->lock);
	if (ret)
		munmap(data, memory->mapped);
	return ret;
}

static int memory_export(struct device_memory *memory, int *dmabuf, struct message *message)
{
	(void)memory;
	*dmabuf = -1;
	return message_set(message, -ENOTSUP, "the simulator's memory is no dma-buf");
}

static void memory_destroy(struct device_memory *memory)
{
	struct npu_device *device = memory->device;
	struct simulator *s = device->private;

	pthread_mutex_lock(&device->lock);
	s->interface->unmap(s->space, memory->range.address, memory->mapped);
	s->interface->buffer_destroy(memory->handle);
	address_space_release(&device->space, &memory->range);
	pthread_mutex_unlock(&device->lock);
	if (memory->gem)
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

static int queue_create(struct npu_device *device, struct device_queue *queue,
			struct message *message)
{
	struct simulator *s = device->private;
	struct kestrel_simulator_queue *handle = NULL;
	int ret;

	pthread_mutex_lock(&device->lock);
	ret = s->interface->queue_create(s->space, 1, 0, &handle);
	if (ret)
		message_set(message, ret, "simulator: %s", s->interface->last_error(s->simulator));
	pthread_mutex_unlock(&device->lock);
	queue->device = device;
	queue->handle = handle;
	return ret;
}

static void queue_destroy(struct device_queue *queue)
{
	struct npu_device *device = queue->device;
	struct simulator *s = device->private;

	pthread_mutex_lock(&device->lock);
	s->interface->queue_destroy(queue->handle);
	pthread_mutex_unlock(&device->lock);
}

static int result_check(const struct kestrel_simulator_result *result, struct message *message)
{
	switch (result->status) {
	case KESTREL_SIMULATOR_JOB_DONE:
		return 0;
	case KESTREL_SIMULATOR_JOB_FAULT:
		return message_set(message, -EFAULT,
				   "NPU job faulted: code %" PRIu32 " in unit %" PRIu32 " at stream offset %" PRIu32 ", address 0x%" PRIx64,
				   result->fault_code, result->fault_unit, result->fault_offset,
				   result->fault_address);
	case KESTREL_SIMULATOR_JOB_TIMEOUT:
		return message_set(message, -ETIMEDOUT,
				   "NPU job killed by the firmware after %" PRIu64 " cycles",
				   result->cycles);
	}
	return message_set(message, -ECANCELED, "NPU job cancelled");
}

static int run(struct device_queue *queue, const struct device_job *job, uint64_t *cycles,
	       struct message *message)
{
	struct npu_device *device = queue->device;
	struct simulator *s = device->private;
	struct kestrel_simulator_job sent = {
		.command_address = job->command_address,
		.command_size = job->command_size,
		.base_count = job->base_count,
	};
	struct kestrel_simulator_result result;
	uint64_t number;
	int ret;

	for (uint32_t i = 0; i < job->base_count; i++) {
		sent.base[i].address = job->bases[i].address;
		sent.base[i].size = job->bases[i].size;
	}
	memset(&result, 0, sizeof(result));
	pthread_mutex_lock(&device->lock);
	ret = s->interface->submit(queue->handle, &sent, &number);
	if (!ret)
		ret = s->interface->wait(queue->handle, number, 0, &result);
	if (ret)
		message_set(message, ret, "simulator: %s", s->interface->last_error(s->simulator));
	pthread_mutex_unlock(&device->lock);
	*cycles = result.cycles;
	return ret ? ret : result_check(&result, message);
}

static const struct device_operations simulator_operations = {
	.close = simulator_close,
	.configure = configure,
	.memory_create = memory_create,
	.memory_import = memory_import,
	.memory_export = memory_export,
	.memory_destroy = memory_destroy,
	.memory_begin = memory_begin,
	.memory_end = memory_end,
	.queue_create = queue_create,
	.queue_destroy = queue_destroy,
	.run = run,
};

int device_simulator_open(struct npu_device *device,
			  const struct kestrel_simulator_options *options,
			  struct message *message)
{
	kestrel_simulator_interface_fn *get;
	struct simulator *s = calloc(1, sizeof(*s));

	if (!s)
		return message_set(message, -ENOMEM, "out of memory");
	device->private = s;
	device->operations = &simulator_operations;
	device->kind = NPU_DEVICE_SIMULATOR;
	device->capabilities.kind = NPU_DEVICE_SIMULATOR;
	device->space.start = DEVICE_PAGE_SIZE * 16;
	device->space.size = (UINT64_C(1) << 38) - device->space.start;
	if (options) {
		s->options = *options;
		if (options->target && !device->target)
			device->target = strdup(options->target);
		if (options->settings && !device->settings)
			device->settings = strdup(options->settings);
		if (options->firmware_path)
			s->firmware_path = strdup(options->firmware_path);
		if ((options->target && !device->target) ||
		    (options->settings && !device->settings) ||
		    (options->firmware_path && !s->firmware_path))
			return message_set(message, -ENOMEM, "out of memory");
	}
	s->library = dlopen(KESTREL_SIMULATOR_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!s->library)
		return message_set(message, -ENOENT, "no simulator: %s", dlerror());
	get = (kestrel_simulator_interface_fn *)(uintptr_t)dlsym(s->library,
								 KESTREL_SIMULATOR_SYMBOL);
	if (get)
		s->interface = get(KESTREL_SIMULATOR_VERSION);
	if (!s->interface)
		return message_set(message, -ENOTSUP,
				   "%s does not speak version %d of its interface",
				   KESTREL_SIMULATOR_LIBRARY, KESTREL_SIMULATOR_VERSION);
	return 0;
}

int npu_simulator(struct npu_device *device,
		  const struct kestrel_simulator_interface **interface,
		  struct kestrel_simulator **simulator)
{
	struct simulator *s = device->private;

	if (device->kind != NPU_DEVICE_SIMULATOR)
		return message_set(&device->message, -ENODEV, "the device is not the simulator");
	if (!s->simulator)
		return message_set(&device->message, -EAGAIN,
				   "the simulator is not up before its first model");
	*interface = s->interface;
	*simulator = s->simulator;
	return 0;
}
