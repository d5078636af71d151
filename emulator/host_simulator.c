// SPDX-License-Identifier: MIT
/* The simulator as a library: opening, closing and the exported table. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kestrel/isa.h>

#include "host.h"

int host_fail(struct kestrel_simulator *simulator, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(simulator->error, sizeof(simulator->error), format, arguments);
	va_end(arguments);
	return error;
}

uint32_t host_register_read(struct kestrel_simulator *simulator, uint32_t offset)
{
	return kestrel_emulator_register_read(simulator->emulator, offset);
}

void host_register_write(struct kestrel_simulator *simulator, uint32_t offset, uint32_t value)
{
	kestrel_emulator_register_write(simulator->emulator, offset, value);
}

static int host_memory_read(void *opaque, uint64_t address, void *data, size_t length)
{
	struct kestrel_simulator *simulator = opaque;
	const void *bytes = host_memory_bytes(&simulator->memory, address, length);

	if (!bytes)
		return -EFAULT;
	memcpy(data, bytes, length);
	return 0;
}

static int host_memory_write(void *opaque, uint64_t address, const void *data, size_t length)
{
	struct kestrel_simulator *simulator = opaque;
	void *bytes = host_memory_bytes(&simulator->memory, address, length);

	if (!bytes)
		return -EFAULT;
	memcpy(bytes, data, length);
	return 0;
}

/* host_firmware_run() looks at the causes after each slice. */
static void host_interrupt(void *opaque, bool level)
{
	(void)opaque;
	(void)level;
}

static void host_trace(void *opaque, const struct kestrel_simulator_trace_event *event)
{
	struct kestrel_simulator *simulator = opaque;

	simulator->trace(simulator->trace_opaque, event);
}

static void simulator_close(struct kestrel_simulator *simulator)
{
	if (!simulator)
		return;
	while (simulator->queues)
		host_queue_free(simulator->queues);
	while (simulator->spaces) {
		struct kestrel_simulator_space *space = simulator->spaces;

		simulator->spaces = space->next;
		free(space->mapping);
		free(space);
	}
	while (simulator->buffers) {
		struct kestrel_simulator_buffer *buffer = simulator->buffers;

		simulator->buffers = buffer->next;
		free(buffer);
	}
	kestrel_emulator_destroy(simulator->emulator);
	host_memory_free(&simulator->memory);
	free(simulator->firmware_path);
	free(simulator);
}

static int simulator_start(struct kestrel_simulator *simulator,
			   const struct kestrel_simulator_options *options)
{
	const char *target = options->target ? options->target : "kestrel-256";
	struct kestrel_emulator_host host = {
		.opaque = simulator,
		.memory_read = host_memory_read,
		.memory_write = host_memory_write,
		.interrupt = host_interrupt,
		.trace = options->trace ? host_trace : NULL,
	};
	int error;

	if (kestrel_configuration_get(target, &simulator->configuration))
		return host_fail(simulator, -EINVAL, "unknown target %s", target);
	error = kestrel_configuration_set(&simulator->configuration, options->settings,
					  simulator->error, sizeof(simulator->error));
	if (error)
		return error;
	simulator->trace = options->trace;
	simulator->trace_opaque = options->trace_opaque;
	simulator->emulator = kestrel_emulator_create(&simulator->configuration, &host);
	if (!simulator->emulator)
		return host_fail(simulator, -errno, "cannot create the device: %s",
				 strerror(errno));
	return host_firmware_start(simulator, options->firmware_path);
}

static int simulator_open(const struct kestrel_simulator_options *options,
			  struct kestrel_simulator **simulator, char *error, size_t error_size)
{
	struct kestrel_simulator *opened = calloc(1, sizeof(*opened));
	int result;

	*simulator = NULL;
	if (!opened) {
		if (error && error_size)
			snprintf(error, error_size, "no memory for a simulator");
		return -ENOMEM;
	}
	result = simulator_start(opened, options);
	if (result) {
		if (error && error_size)
			snprintf(error, error_size, "%s", opened->error);
		simulator_close(opened);
		return result;
	}
	kestrel_emulator_statistics_reset(opened->emulator);
	*simulator = opened;
	return 0;
}

static const char *simulator_last_error(const struct kestrel_simulator *simulator)
{
	return simulator->error;
}

static void simulator_information(const struct kestrel_simulator *simulator,
				  struct kestrel_simulator_information *information)
{
	const struct kestrel_configuration *configuration = &simulator->configuration;

	memset(information, 0, sizeof(*information));
	information->target = configuration->name;
	information->firmware_path = simulator->firmware_path;
	information->firmware_version = simulator->firmware_version;
	information->isa_major = KESTREL_ISA_MAJOR;
	information->isa_minor = KESTREL_ISA_MINOR;
	information->macs_per_cycle = configuration->macs;
	information->sram_bytes = configuration->sram_bytes;
	information->clock_khz = configuration->clock_khz;
}

static void simulator_statistics(const struct kestrel_simulator *simulator,
				 struct kestrel_simulator_statistics *statistics)
{
	kestrel_emulator_statistics(simulator->emulator, statistics);
}

static void simulator_statistics_reset(struct kestrel_simulator *simulator)
{
	kestrel_emulator_statistics_reset(simulator->emulator);
}

static const struct kestrel_simulator_interface interface = {
	.version = KESTREL_SIMULATOR_VERSION,
	.size = sizeof(interface),
	.open = simulator_open,
	.close = simulator_close,
	.last_error = simulator_last_error,
	.information = simulator_information,
	.space_create = host_space_create,
	.space_destroy = host_space_destroy,
	.buffer_create = host_buffer_create,
	.buffer_import = host_buffer_import,
	.buffer_data = host_buffer_data,
	.buffer_destroy = host_buffer_destroy,
	.map = host_map,
	.unmap = host_unmap,
	.queue_create = host_queue_create,
	.queue_destroy = host_queue_destroy,
	.submit = host_submit,
	.wait = host_wait,
	.statistics = simulator_statistics,
	.statistics_reset = simulator_statistics_reset,
};

__attribute__((visibility("default")))
const struct kestrel_simulator_interface *kestrel_simulator_interface(uint32_t version)
{
	return version == KESTREL_SIMULATOR_VERSION ? &interface : NULL;
}
