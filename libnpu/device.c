// SPDX-License-Identifier: MIT
/* Choosing and opening a device. */
#include "device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kestrel/simulator.h>

#define TEXT(number) #number
#define VERSION(major, minor) TEXT(major) "." TEXT(minor)

const char *npu_version(void)
{
	return VERSION(NPU_VERSION_MAJOR, NPU_VERSION_MINOR);
}

static int auto_open(struct npu_device *device, struct message *message)
{
	struct message why;
	int ret = device_kernel_open(device, NULL, &why);

	if (ret == -ENOENT) {
		ret = device_cpu_open(device, message);
		snprintf(device->capabilities.reason, sizeof(device->capabilities.reason),
			 "%.180s", why.text);
	} else if (ret) {
		*message = why;
	}
	return ret;
}

static int name_open(struct npu_device *device, const char *name,
		     const struct kestrel_simulator_options *simulator)
{
	const char *environment = getenv("NPU_DEVICE");
	const char *reason = "asked for by name";
	struct message *message = &device->message;
	int ret;

	if ((!name || !strcmp(name, "auto")) && environment && *environment) {
		name = environment;
		reason = "the environment variable NPU_DEVICE names it";
	}
	if (!name || !strcmp(name, "auto")) {
		reason = "the first NPU of this machine";
		ret = auto_open(device, message);
	} else if (!strcmp(name, "cpu")) {
		ret = device_cpu_open(device, message);
	} else if (!strcmp(name, "sim")) {
		ret = device_simulator_open(device, simulator, message);
	} else if (!strcmp(name, "npu")) {
		ret = device_kernel_open(device, NULL, message);
	} else if (strchr(name, '/')) {
		ret = device_kernel_open(device, name, message);
	} else {
		return message_set(message, -ENOENT,
				   "device \"%.64s\": not auto, cpu, sim, npu or a path", name);
	}
	if (!ret && !device->capabilities.reason[0])
		snprintf(device->capabilities.reason, sizeof(device->capabilities.reason), "%s",
			 reason);
	return ret;
}

static int options_copy(struct npu_device *device, const struct npu_open_options *options)
{
	if (!options)
		return 0;
	if (options->size != sizeof(*options))
		return message_set(&device->message, -EINVAL,
				   "npu_open_options: size %zu, this library knows %zu",
				   options->size, sizeof(*options));
	device->threads = options->threads;
	if (options->target) {
		device->target = strdup(options->target);
		if (!device->target)
			return message_set(&device->message, -ENOMEM, "out of memory");
	}
	if (options->settings) {
		device->settings = strdup(options->settings);
		if (!device->settings)
			return message_set(&device->message, -ENOMEM, "out of memory");
	}
	return 0;
}

int npu_open_with(const char *name, const struct npu_open_options *options,
		  struct npu_device **device)
{
	struct npu_device *d = calloc(1, sizeof(*d));
	int ret;

	*device = d;
	if (!d)
		return -ENOMEM;
	pthread_mutex_init(&d->lock, NULL);
	ret = options_copy(d, options);
	if (!ret)
		ret = name_open(d, name, options ? options->simulator : NULL);
	return ret;
}

int npu_open(const char *name, struct npu_device **device)
{
	return npu_open_with(name, NULL, device);
}

void npu_close(struct npu_device *device)
{
	if (!device)
		return;
	if (device->operations && device->operations->close)
		device->operations->close(device);
	pthread_mutex_destroy(&device->lock);
	free(device->target);
	free(device->settings);
	free(device);
}

const char *npu_errmsg(const struct npu_device *device)
{
	return device ? device->message.text : "out of memory";
}

int npu_capabilities(struct npu_device *device, struct npu_capabilities *capabilities)
{
	size_t size = capabilities->size;
	int ret = 0;

	if (size < sizeof(size) || size > sizeof(*capabilities))
		return message_set(&device->message, -EINVAL,
				   "npu_capabilities: size %zu, this library knows %zu", size,
				   sizeof(*capabilities));
	pthread_mutex_lock(&device->lock);
	if (!device->configured && device->operations->configure && device->target)
		ret = device->operations->configure(device, NULL, &device->message);
	else if (!device->configured)
		ret = message_set(&device->message, -EAGAIN,
				  "the simulator has no configuration before its first model");
	if (!ret) {
		memcpy(capabilities, &device->capabilities, size);
		capabilities->size = size;
	}
	pthread_mutex_unlock(&device->lock);
	return ret;
}

int device_memory_create(struct npu_device *device, size_t size, uint32_t rights,
			 struct device_memory *memory, struct message *message)
{
	int ret;

	memset(memory, 0, sizeof(*memory));
	memory->size = size;
	memory->mapped = (size + DEVICE_PAGE_SIZE - 1) / DEVICE_PAGE_SIZE * DEVICE_PAGE_SIZE;
	ret = device->operations->memory_create(device, memory->mapped, rights, memory, message);
	memory->device = ret ? NULL : device;
	return ret;
}

void device_memory_destroy(struct device_memory *memory)
{
	if (memory->device)
		memory->device->operations->memory_destroy(memory);
	memory->device = NULL;
}
