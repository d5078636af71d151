// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/*
 * DOC: dumps
 *
 * What a dump holds is in uapi/kestrel/coredump.h. It is made in two steps:
 *
 * 1. Where the failure is seen, fences wait to be signalled, so nothing may be
 *    allocated: registers and the job are copied into struct kestrel_coredump,
 *    and before a reset the firmware's memory, which it would wipe.
 * 2. A work allocates the dump, copies the rest and gives it to devcoredump.
 *
 * Until the second step is done the job's queue is kept, and its VM is not
 * cleared, so that the mappings are still those of the failure.
 */

#include <linux/devcoredump.h>
#include <linux/dma-fence.h>
#include <linux/moduleparam.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>

#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_managed.h>

#include "kestrel_bo.h"
#include "kestrel_compat.h"
#include "kestrel_coredump.h"
#include "kestrel_device.h"
#include "kestrel_job.h"
#include "kestrel_protocol.h"
#include "kestrel_queue.h"
#include "kestrel_vm.h"

static unsigned int coredump_interval_ms = 10000;
module_param(coredump_interval_ms, uint, 0644);
MODULE_PARM_DESC(coredump_interval_ms,
		 "Least time between two device coredumps, in ms (default 10000)");

/* None of these changes anything by being read, as a fault record's would. */
static const u32 kestrel_coredump_offsets[] = {
	KESTREL_REG_ID,
	KESTREL_REG_ARCHITECTURE,
	KESTREL_REG_ISA,
	KESTREL_REG_FEATURES,
	KESTREL_REG_FUSES,
	KESTREL_REG_FUSED_SECURITY_VERSION,
	KESTREL_REG_RESET,
	KESTREL_REG_SCRATCH,
	KESTREL_REG_INTERRUPT_RAW,
	KESTREL_REG_INTERRUPT_STATUS,
	KESTREL_REG_INTERRUPT_ENABLE,
	KESTREL_REG_IMAGE_ADDRESS_LO,
	KESTREL_REG_IMAGE_ADDRESS_HI,
	KESTREL_REG_IMAGE_SIZE,
	KESTREL_REG_MCU_RESET,
	KESTREL_REG_MCU_STATUS,
	KESTREL_REG_BOOT_CODE,
	KESTREL_REG_MCU_HALT_CODE,
	KESTREL_REG_BOOT_ARGUMENT(KESTREL_FW_BOOT_CONTROL_ADDRESS),
	KESTREL_REG_BOOT_ARGUMENT(KESTREL_FW_BOOT_CONTROL_SIZE),
	KESTREL_REG_BOOT_ARGUMENT(KESTREL_FW_BOOT_LOG_LEVEL),
	KESTREL_REG_MCU_PC,
	KESTREL_REG_MCU_CAUSE,
	KESTREL_REG_MCU_EPC,
	KESTREL_REG_MCU_TVAL,
	KESTREL_REG_CLOCK_REQUEST,
	KESTREL_REG_CLOCK_PRESENT,
	KESTREL_REG_CLOCK_STATUS,
	KESTREL_REG_VOLTAGE,
	KESTREL_REG_TEMPERATURE,
	KESTREL_REG_TEMPERATURE_LIMIT,
	KESTREL_REG_POWER,
	KESTREL_REG_INVALIDATE_ASID,
	KESTREL_REG_INVALIDATE_VA_LO,
	KESTREL_REG_INVALIDATE_VA_HI,
	KESTREL_REG_INVALIDATE_LENGTH_LO,
	KESTREL_REG_INVALIDATE_LENGTH_HI,
	KESTREL_REG_INVALIDATE_STATUS,
	KESTREL_REG_MMU_FAULT_STATUS,
};

static_assert(ARRAY_SIZE(kestrel_coredump_offsets) == KESTREL_COREDUMP_REGISTERS);

/* Whether the caller is to fill in a new dump. */
static bool kestrel_coredump_begin(struct kestrel_device *kdev)
{
	struct kestrel_coredump *dump = &kdev->coredump;
	bool mine;

	spin_lock(&dump->lock);
	mine = dump->state == KESTREL_COREDUMP_IDLE &&
	       (!dump->taken || time_is_before_eq_jiffies(dump->time +
						msecs_to_jiffies(coredump_interval_ms)));
	if (mine) {
		dump->state = KESTREL_COREDUMP_TAKEN;
		dump->time = jiffies;
		dump->taken = true;
	}
	spin_unlock(&dump->lock);

	if (mine) {
		dump->time_ns = ktime_get_real_ns();
		dump->monotonic_ns = ktime_get_ns();
		dump->queue = NULL;
		dump->fence = NULL;
		dump->memory_valid = false;
	}
	return mine;
}

static void kestrel_coredump_ready(struct kestrel_device *kdev, u32 reason)
{
	struct kestrel_coredump *dump = &kdev->coredump;

	dump->reason = reason;
	spin_lock(&dump->lock);
	dump->state = KESTREL_COREDUMP_READY;
	spin_unlock(&dump->lock);
	queue_work(kestrel_compat_unbound_wq, &dump->work);
}

/* The caller has entered the device, and holds what keeps it on. */
static void kestrel_coredump_take_registers(struct kestrel_device *kdev)
{
	const struct kestrel_fw_control *control = kdev->firmware.control.cpu;
	const struct kestrel_fw_control_firmware *firmware = &control->firmware;
	struct kestrel_coredump *dump = &kdev->coredump;
	unsigned int i;

	for (i = 0; i < KESTREL_COREDUMP_REGISTERS; i++) {
		dump->registers[i].offset = kestrel_coredump_offsets[i];
		dump->registers[i].value = kestrel_read(kdev, kestrel_coredump_offsets[i]);
	}

	dump->mcu = (struct kestrel_coredump_mcu) {
		.status = kestrel_read(kdev, KESTREL_REG_MCU_STATUS),
		.boot_code = kestrel_read(kdev, KESTREL_REG_BOOT_CODE),
		.halt_code = kestrel_read(kdev, KESTREL_REG_MCU_HALT_CODE),
		.pc = kestrel_read(kdev, KESTREL_REG_MCU_PC),
		.cause = kestrel_read(kdev, KESTREL_REG_MCU_CAUSE),
		.epc = kestrel_read(kdev, KESTREL_REG_MCU_EPC),
		.tval = kestrel_read(kdev, KESTREL_REG_MCU_TVAL),
		.state = READ_ONCE(firmware->state),
		.heartbeat = READ_ONCE(firmware->heartbeat),
		.running_queue = READ_ONCE(firmware->running_queue),
		.running_seqno = READ_ONCE(firmware->running_seqno),
		.running_since = READ_ONCE(firmware->running_since),
		.jobs_ended = READ_ONCE(firmware->jobs_ended),
		.preemptions = READ_ONCE(firmware->preemptions),
	};
}

/* Log and crash record, unless they have been copied already. */
static void kestrel_coredump_take_memory(struct kestrel_device *kdev)
{
	struct kestrel_coredump *dump = &kdev->coredump;
	struct kestrel_firmware *fw = &kdev->firmware;
	const struct kestrel_fw_control *control;

	mutex_lock(&fw->event_lock);
	if (!dump->memory_valid && fw->control.cpu) {
		control = fw->control.cpu;
		dump->log_write = READ_ONCE(control->firmware.log_write_index);
		memcpy(dump->log, fw->log.cpu, KESTREL_LOG_ENTRIES * sizeof(*dump->log));
		memcpy(&dump->crash, fw->crash.cpu, sizeof(dump->crash));
	} else if (!dump->memory_valid) {
		dump->log_write = 0;
		dump->crash.magic = 0;
	}
	dump->memory_valid = true;
	mutex_unlock(&fw->event_lock);
}

static void kestrel_coredump_take_job(struct kestrel_coredump *dump, const struct kestrel_job *job)
{
	kref_get(&job->queue->refcount);
	dump->queue = job->queue;
	dump->fence = dma_fence_get(job->fence);
	dump->job = (struct kestrel_coredump_job) {
		.seqno = job->seqno,
		.user_tag = job->user_tag,
		.queue = job->queue->slot,
		.asid = job->queue->create.asid,
		.command_address = job->command.command_address,
		.command_size = job->command.command_size,
		.base_count = job->command.base_count,
	};
	memcpy(dump->job.base, job->command.base, sizeof(dump->job.base));
}

/**
 * kestrel_coredump_job - dump what is known of a job that the firmware ended
 * @job: the job, whose fence has not signalled yet
 * @event: what the firmware said
 * @error: negative error of its fence
 *
 * The caller holds &kestrel_queue.lock.
 */
void kestrel_coredump_job(const struct kestrel_job *job, const struct kestrel_fw_event *event,
			  int error)
{
	struct kestrel_device *kdev = job->queue->kdev;
	struct kestrel_coredump *dump = &kdev->coredump;

	if (!kestrel_coredump_begin(kdev))
		return;

	kestrel_coredump_take_registers(kdev);
	kestrel_coredump_take_job(dump, job);
	dump->job.error = -error;
	dump->job.event = event->type;
	dump->job.fault_code = event->fault_code;
	dump->job.fault_unit = event->fault_unit;
	dump->job.fault_offset = event->fault_offset;
	dump->job.fault_detail = event->fault_detail;
	dump->job.fault_address = event->fault_address;
	dump->job.active_cycles = event->active_cycles;
	dump->job.preemptions = event->preemptions;
	kestrel_coredump_ready(kdev, KESTREL_COREDUMP_JOB);
}

/* The job that the firmware says is on the engine, if that can be. */
static void kestrel_coredump_take_running(struct kestrel_device *kdev)
{
	struct kestrel_coredump *dump = &kdev->coredump;
	struct kestrel_queue *queue = NULL;
	struct kestrel_job *job;

	if (dump->mcu.running_queue < kdev->hardware.queue_count)
		queue = kestrel_queue_at(kdev, dump->mcu.running_queue);
	if (!queue)
		return;

	spin_lock(&queue->lock);
	list_for_each_entry(job, &queue->running, link) {
		if (job->seqno == dump->mcu.running_seqno) {
			kestrel_coredump_take_job(dump, job);
			break;
		}
	}
	spin_unlock(&queue->lock);
	kestrel_queue_put(queue);
}

/**
 * kestrel_coredump_reset_begin - save what a reset will wipe
 * @kdev: device, entered, before anything of it is reset
 *
 * The caller holds &kestrel_firmware.request_lock, and calls
 * kestrel_coredump_reset_end() afterwards.
 */
void kestrel_coredump_reset_begin(struct kestrel_device *kdev)
{
	struct kestrel_coredump *dump = &kdev->coredump;

	dump->reset_is_mine = kestrel_coredump_begin(kdev);
	if (dump->reset_is_mine) {
		kestrel_coredump_take_registers(kdev);
		kestrel_coredump_take_running(kdev);
	}
	/* Or it is needed for the dump that waits to be made. */
	kestrel_coredump_take_memory(kdev);
}

/**
 * kestrel_coredump_reset_end - make the dump of a reset
 * @kdev: device
 * @reason: how far it went, enum kestrel_coredump_reason
 */
void kestrel_coredump_reset_end(struct kestrel_device *kdev, u32 reason)
{
	if (kdev->coredump.reset_is_mine)
		kestrel_coredump_ready(kdev, reason);
}

/**
 * struct kestrel_coredump_writer - a dump that is being written
 */
struct kestrel_coredump_writer {
	/** @data: the dump. */
	u8 *data;
	/** @size: bytes that there is room for. */
	size_t size;
	/** @used: bytes written so far, a multiple of 8. */
	size_t used;
};

/* Sections that there can be, one of each type. */
#define KESTREL_COREDUMP_SECTIONS	KESTREL_COREDUMP_SECTION_QUEUES

static struct kestrel_coredump_header *
kestrel_coredump_header(struct kestrel_coredump_writer *writer)
{
	return (struct kestrel_coredump_header *)writer->data;
}

/* Where the next section's contents go. */
static void *kestrel_coredump_at(struct kestrel_coredump_writer *writer)
{
	return writer->data + writer->used;
}

/* Ends a section of @count elements that are where kestrel_coredump_at() said. */
static void kestrel_coredump_add(struct kestrel_coredump_writer *writer, u32 type, u32 count,
				 size_t element_size, bool cut)
{
	struct kestrel_coredump_header *header = kestrel_coredump_header(writer);
	struct kestrel_coredump_section *section =
		(struct kestrel_coredump_section *)(header + 1) + header->section_count++;

	*section = (struct kestrel_coredump_section) {
		.type = type,
		.flags = cut ? KESTREL_COREDUMP_SECTION_CUT : 0,
		.offset = writer->used,
		.count = count,
		.element_size = element_size,
	};
	writer->used = ALIGN(writer->used + count * element_size, 8);
}

static void kestrel_coredump_copy(struct kestrel_coredump_writer *writer, u32 type,
				  const void *elements, u32 count, size_t element_size)
{
	memcpy(kestrel_coredump_at(writer), elements, count * element_size);
	kestrel_coredump_add(writer, type, count, element_size, false);
}

static void kestrel_coredump_write_device(struct kestrel_coredump_writer *writer,
					  struct kestrel_device *kdev)
{
	const struct kestrel_fw_control_firmware *hello = &kdev->firmware.hello;
	struct kestrel_coredump_device *device = kestrel_coredump_at(writer);

	*device = (struct kestrel_coredump_device) {
		.driver_major = DRM_KESTREL_VERSION_MAJOR,
		.driver_minor = DRM_KESTREL_VERSION_MINOR,
		.architecture = KESTREL_VERSION(KESTREL_ARCHITECTURE_MAJOR,
						KESTREL_ARCHITECTURE_MINOR),
		.isa = kdev->hardware.isa,
		.firmware_version = hello->firmware_version,
		.interface_major = hello->interface_major,
		.interface_minor = hello->interface_minor,
		.macs_per_cycle = kdev->hardware.macs_per_cycle,
		.sram_bytes = kdev->hardware.sram_bytes,
		.queue_kills = atomic_read(&kdev->reset.kill_count),
		.mcu_resets = atomic_read(&kdev->reset.mcu_count),
		.device_resets = atomic_read(&kdev->reset.full_count),
		.wedged = kestrel_reset_wedged(kdev),
	};
	strscpy(device->kernel, init_utsname()->release, sizeof(device->kernel));
	strscpy(device->device, dev_name(kdev->drm.dev), sizeof(device->device));
	strscpy(device->firmware_build, hello->build, sizeof(device->firmware_build));
	kestrel_coredump_add(writer, KESTREL_COREDUMP_SECTION_DEVICE, 1, sizeof(*device), false);
}

/* What the copy of the ring still holds, in order. */
static void kestrel_coredump_write_log(struct kestrel_coredump_writer *writer,
				       const struct kestrel_coredump *dump)
{
	struct kestrel_fw_log_record *to = kestrel_coredump_at(writer);
	u32 i, count = 0;

	for (i = dump->log_write - KESTREL_LOG_ENTRIES; i != dump->log_write; i++) {
		const struct kestrel_fw_log_record *from = &dump->log[i % KESTREL_LOG_ENTRIES];

		/* A record that was never written is all zero, and so is number 0. */
		if (from->sequence != i || !from->text[0])
			continue;
		to[count] = *from;
		kestrel_protocol_text_clean(to[count].text, sizeof(to[count].text));
		count++;
	}
	kestrel_coredump_add(writer, KESTREL_COREDUMP_SECTION_LOG, count, sizeof(*to), false);
}

static void kestrel_coredump_write_queues(struct kestrel_coredump_writer *writer,
					  struct kestrel_device *kdev)
{
	struct kestrel_coredump_queue *to = kestrel_coredump_at(writer);
	u32 slot, count = 0;

	for (slot = 0; slot < kdev->hardware.queue_count; slot++) {
		struct kestrel_queue *queue = kestrel_queue_at(kdev, slot);
		const struct kestrel_fw_ring *ring;

		if (!queue)
			continue;

		mutex_lock(&queue->memory_lock);
		ring = queue->ring.cpu;
		spin_lock(&queue->lock);
		to[count++] = (struct kestrel_coredump_queue) {
			.queue = slot,
			.asid = queue->create.asid,
			.priority = queue->create.priority,
			.status = queue->status,
			.firmware_status = ring ? READ_ONCE(ring->status) : KESTREL_FW_QUEUE_NONE,
			.write_index = queue->write_index,
			.read_index = ring ? READ_ONCE(ring->read_index) : 0,
			.pending = queue->pending,
			.fault_count = queue->fault_count,
			.completed = queue->completed,
			.active_cycles = queue->active_cycles,
		};
		spin_unlock(&queue->lock);
		mutex_unlock(&queue->memory_lock);
		kestrel_queue_put(queue);
	}
	kestrel_coredump_add(writer, KESTREL_COREDUMP_SECTION_QUEUES, count, sizeof(*to), false);
}

/* Copies the stream up to the first byte that no buffer object shows. */
static void kestrel_coredump_write_commands(struct kestrel_coredump_writer *writer,
					    const struct kestrel_vm *vm,
					    const struct kestrel_coredump_job *job)
{
	u32 wanted = min_t(u32, job->command_size, KESTREL_COREDUMP_COMMANDS_MAX), got = 0;
	u8 *to = kestrel_coredump_at(writer);

	while (got < wanted) {
		u64 va = job->command_address + got, skip;
		const struct kestrel_interval *interval =
			kestrel_interval_first(&vm->mappings, va, 1);
		size_t piece;

		if (!interval)
			break;
		skip = va - interval->start;
		piece = kestrel_bo_read(interval->object, interval->offset + skip, to + got,
					min_t(u64, wanted - got, interval->size - skip));
		if (!piece)
			break;
		got += piece;
	}
	kestrel_coredump_add(writer, KESTREL_COREDUMP_SECTION_COMMANDS, got, 1,
			     got < job->command_size);
}

/*
 * The number of the object among those of the @count mappings before, which are in
 * the order of their addresses.
 */
static u32 kestrel_coredump_object(const struct kestrel_vm *vm,
				   const struct kestrel_interval *interval, u32 *objects,
				   const struct kestrel_coredump_mapping *mappings, u32 count)
{
	const struct kestrel_interval *lowest =
		kestrel_interval_of_object(&vm->mappings, interval->object);
	u32 first = 0;

	if (lowest == interval)
		return ++*objects;

	while (mappings[first].address != lowest->start) {
		u32 middle = (first + count) / 2;

		if (mappings[middle].address <= lowest->start)
			first = middle;
		else
			count = middle;
	}
	return mappings[first].object;
}

static void kestrel_coredump_write_mappings(struct kestrel_coredump_writer *writer,
					    const struct kestrel_vm *vm)
{
	struct kestrel_coredump_mapping *to = kestrel_coredump_at(writer);
	const struct kestrel_interval *interval;
	u32 count = 0, objects = 0;

	for (interval = kestrel_interval_first(&vm->mappings, 0, KESTREL_VA_END);
	     interval && count < KESTREL_COREDUMP_MAPPINGS_MAX;
	     interval = kestrel_interval_next(interval), count++) {
		const struct drm_gem_object *object = interval->object;
		u64 entry = kestrel_pagetable_lookup(&vm->pagetable, interval->start, NULL);

		to[count] = (struct kestrel_coredump_mapping) {
			.address = interval->start,
			.size = interval->size,
			.object_offset = interval->offset,
			.object_size = object->size,
			.object = kestrel_coredump_object(vm, interval, &objects, to, count),
		};
		if (entry & KESTREL_PTE_READ)
			to[count].permissions |= KESTREL_COREDUMP_MAPPING_READ;
		if (entry & KESTREL_PTE_WRITE)
			to[count].permissions |= KESTREL_COREDUMP_MAPPING_WRITE;
		if (entry & KESTREL_PTE_EXECUTE)
			to[count].permissions |= KESTREL_COREDUMP_MAPPING_EXECUTE;
	}
	kestrel_coredump_add(writer, KESTREL_COREDUMP_SECTION_MAPPINGS, count, sizeof(*to),
			     interval);
}

/* Room for every section at its largest. */
static size_t kestrel_coredump_room(const struct kestrel_coredump *dump)
{
	size_t room = sizeof(struct kestrel_coredump_header) +
		      KESTREL_COREDUMP_SECTIONS * (sizeof(struct kestrel_coredump_section) + 8) +
		      sizeof(struct kestrel_coredump_device) + sizeof(dump->registers) +
		      sizeof(dump->mcu) + sizeof(dump->crash) +
		      KESTREL_LOG_ENTRIES * sizeof(*dump->log) +
		      KESTREL_FW_QUEUES_MAX * sizeof(struct kestrel_coredump_queue);

	if (dump->queue)
		room += sizeof(dump->job) +
			KESTREL_COREDUMP_MAPPINGS_MAX * sizeof(struct kestrel_coredump_mapping) +
			min_t(u32, dump->job.command_size, KESTREL_COREDUMP_COMMANDS_MAX);
	return room;
}

static void kestrel_coredump_write(struct kestrel_coredump_writer *writer,
				   struct kestrel_device *kdev)
{
	struct kestrel_coredump_header *header = kestrel_coredump_header(writer);
	struct kestrel_coredump *dump = &kdev->coredump;

	*header = (struct kestrel_coredump_header) {
		.magic = KESTREL_COREDUMP_MAGIC,
		.version_major = KESTREL_COREDUMP_VERSION_MAJOR,
		.version_minor = KESTREL_COREDUMP_VERSION_MINOR,
		.section_table_offset = sizeof(*header),
		.section_entry_size = sizeof(struct kestrel_coredump_section),
		.reason = dump->reason,
		.time_ns = dump->time_ns,
		.monotonic_ns = dump->monotonic_ns,
	};
	writer->used = sizeof(*header) +
		       KESTREL_COREDUMP_SECTIONS * sizeof(struct kestrel_coredump_section);

	kestrel_coredump_write_device(writer, kdev);
	kestrel_coredump_copy(writer, KESTREL_COREDUMP_SECTION_REGISTERS, dump->registers,
			      KESTREL_COREDUMP_REGISTERS, sizeof(dump->registers[0]));
	kestrel_coredump_copy(writer, KESTREL_COREDUMP_SECTION_MCU, &dump->mcu, 1,
			      sizeof(dump->mcu));
	kestrel_coredump_write_log(writer, dump);
	if (dump->crash.magic == KESTREL_FW_CRASH_MAGIC)
		kestrel_coredump_copy(writer, KESTREL_COREDUMP_SECTION_CRASH, &dump->crash, 1,
				      sizeof(dump->crash));
	if (dump->queue) {
		struct kestrel_vm *vm = dump->queue->vm;

		if (!dump->job.error)
			dump->job.error = -dump->fence->error;
		kestrel_coredump_copy(writer, KESTREL_COREDUMP_SECTION_JOB, &dump->job, 1,
				      sizeof(dump->job));
		mutex_lock(&vm->lock);
		kestrel_coredump_write_commands(writer, vm, &dump->job);
		kestrel_coredump_write_mappings(writer, vm);
		mutex_unlock(&vm->lock);
	}
	kestrel_coredump_write_queues(writer, kdev);
	header->size = writer->used;
}

static void kestrel_coredump_work(struct work_struct *work)
{
	struct kestrel_device *kdev = container_of(work, struct kestrel_device, coredump.work);
	struct kestrel_coredump *dump = &kdev->coredump;
	struct kestrel_coredump_writer writer = { .size = kestrel_coredump_room(dump) };

	kestrel_coredump_take_memory(kdev);
	writer.data = __vmalloc(writer.size, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
	if (writer.data) {
		kestrel_coredump_write(&writer, kdev);
		WARN_ON(writer.used > writer.size);
		/* Takes the memory, also where it makes no use of it. */
		dev_coredumpv(kdev->drm.dev, writer.data, writer.used, GFP_KERNEL);
	}

	dma_fence_put(dump->fence);
	if (dump->queue)
		kestrel_queue_put(dump->queue);
	spin_lock(&dump->lock);
	dump->state = KESTREL_COREDUMP_IDLE;
	spin_unlock(&dump->lock);
}

/**
 * kestrel_coredump_flush - wait for the dump that is being made, if there is one
 * @kdev: device
 *
 * For whoever is about to take away what a dump shows.
 */
void kestrel_coredump_flush(struct kestrel_device *kdev)
{
	flush_work(&kdev->coredump.work);
}

static void kestrel_coredump_free(struct drm_device *drm, void *log)
{
	vfree(log);
}

/**
 * kestrel_coredump_init - prepare for dumps
 * @kdev: device
 *
 * Return: 0 or -ENOMEM.
 */
int kestrel_coredump_init(struct kestrel_device *kdev)
{
	struct kestrel_coredump *dump = &kdev->coredump;

	spin_lock_init(&dump->lock);
	INIT_WORK(&dump->work, kestrel_coredump_work);
	dump->log = __vmalloc(array_size(KESTREL_LOG_ENTRIES, sizeof(*dump->log)),
			      GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
	if (!dump->log)
		return -ENOMEM;
	return drmm_add_action_or_reset(&kdev->drm, kestrel_coredump_free, dump->log);
}
