// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

#include <linux/dma-fence.h>
#include <linux/dma-mapping.h>
#include <linux/firmware.h>
#include <linux/iopoll.h>
#include <linux/moduleparam.h>

#include <drm/drm_drv.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "kestrel_device.h"
#include "kestrel_image.h"
#include "kestrel_protocol.h"
#include "kestrel_queue.h"

/* The structures that are shared with the firmware are little-endian. */
static_assert(!IS_ENABLED(CONFIG_CPU_BIG_ENDIAN));

#define KESTREL_EVENT_ENTRIES	512

/* How often a wait looks by itself, should an interrupt be lost. */
#define KESTREL_REPLY_POLL_MS	5

static unsigned int boot_timeout_ms = 2000;
module_param(boot_timeout_ms, uint, 0644);
MODULE_PARM_DESC(boot_timeout_ms,
		 "Time in which the firmware has to boot, in ms (default 2000)");

static unsigned int request_timeout_ms = 100;
module_param(request_timeout_ms, uint, 0644);
MODULE_PARM_DESC(request_timeout_ms,
		 "Time in which the firmware has to answer a request, in ms (default 100)");

static unsigned int firmware_log_level = KESTREL_FW_LOG_WARNING;
module_param(firmware_log_level, uint, 0444);
MODULE_PARM_DESC(firmware_log_level,
		 "Log level of the firmware: 0 error, 1 warning (default), 2 info, 3 debug");

MODULE_FIRMWARE(KESTREL_FW_IMAGE_NAME);

static struct kestrel_fw_control *kestrel_firmware_control(struct kestrel_device *kdev)
{
	return kdev->firmware.control.cpu;
}

/**
 * kestrel_firmware_map - map memory in address space 0
 * @kdev: device
 * @va: first address; nothing may be mapped there
 * @sgt: memory, mapped for DMA
 * @size: bytes
 *
 * Firmware and engine may read and write it.
 *
 * Return: 0 or -ENOMEM.
 */
int kestrel_firmware_map(struct kestrel_device *kdev, u64 va, struct sg_table *sgt, u64 size)
{
	struct kestrel_firmware *fw = &kdev->firmware;
	int ret;

	mutex_lock(&fw->table_lock);
	ret = kestrel_mmu_sgt_reserve(&fw->pagetable, va, sgt, 0, size);
	if (!ret) {
		mutex_lock(&fw->pagetable.lock);
		kestrel_mmu_sgt_map(&fw->pagetable, va, sgt, 0, size,
				    KESTREL_PTE_READ | KESTREL_PTE_WRITE);
		mutex_unlock(&fw->pagetable.lock);
	}
	mutex_unlock(&fw->table_lock);
	return ret;
}

/**
 * kestrel_firmware_unmap - undo kestrel_firmware_map()
 * @kdev: device
 * @va: first address
 * @size: bytes
 *
 * The memory may be freed when this returns.
 */
void kestrel_firmware_unmap(struct kestrel_device *kdev, u64 va, u64 size)
{
	struct kestrel_firmware *fw = &kdev->firmware;

	mutex_lock(&fw->table_lock);
	mutex_lock(&fw->pagetable.lock);
	kestrel_pagetable_unmap(&fw->pagetable, va, size);
	kestrel_pagetable_prune(&fw->pagetable, va, size);
	mutex_unlock(&fw->pagetable.lock);
	kestrel_mmu_invalidate(kdev, KESTREL_ASID_FIRMWARE, 0, 0);
	kestrel_pagetable_release(&fw->pagetable);
	mutex_unlock(&fw->table_lock);
}

/**
 * kestrel_firmware_share - allocate memory and map it in address space 0
 * @kdev: device
 * @shared: filled in
 * @va: address in address space 0
 * @size: bytes; rounded up to pages
 * @permissions: KESTREL_PTE_READ and _WRITE
 * @gfp: GFP_KERNEL_ACCOUNT for what a client asks for, else GFP_KERNEL
 *
 * Return: 0 or -ENOMEM.
 */
int kestrel_firmware_share(struct kestrel_device *kdev, struct kestrel_shared *shared, u64 va,
			   size_t size, u64 permissions, gfp_t gfp)
{
	struct kestrel_firmware *fw = &kdev->firmware;
	int ret;

	shared->va = va;
	shared->size = PAGE_ALIGN(size);
	shared->cpu = dma_alloc_coherent(kdev->drm.dev, shared->size, &shared->dma, gfp);
	if (!shared->cpu)
		return -ENOMEM;

	mutex_lock(&fw->table_lock);
	ret = kestrel_pagetable_reserve_map(&fw->pagetable, va, shared->dma, shared->size);
	if (!ret) {
		mutex_lock(&fw->pagetable.lock);
		kestrel_pagetable_map(&fw->pagetable, va, shared->dma, shared->size, permissions);
		mutex_unlock(&fw->pagetable.lock);
	}
	mutex_unlock(&fw->table_lock);

	if (ret) {
		dma_free_coherent(kdev->drm.dev, shared->size, shared->cpu, shared->dma);
		shared->cpu = NULL;
	}
	return ret;
}

/**
 * kestrel_firmware_unshare - undo kestrel_firmware_share()
 * @kdev: device
 * @shared: what it filled in, or zero
 */
void kestrel_firmware_unshare(struct kestrel_device *kdev, struct kestrel_shared *shared)
{
	if (!shared->cpu)
		return;

	kestrel_firmware_unmap(kdev, shared->va, shared->size);
	if (!kestrel_reset_keeps(kdev, shared->size))
		dma_free_coherent(kdev->drm.dev, shared->size, shared->cpu, shared->dma);
	shared->cpu = NULL;
}

static int kestrel_firmware_load(struct kestrel_device *kdev)
{
	struct kestrel_firmware *fw = &kdev->firmware;
	struct kestrel_fw_image_header header;
	const struct firmware *file;
	const char *reason;
	int ret;

	ret = request_firmware(&file, KESTREL_FW_IMAGE_NAME, kdev->drm.dev);
	if (ret) {
		drm_err(&kdev->drm, "cannot load the firmware %s (%d)\n", KESTREL_FW_IMAGE_NAME,
			ret);
		return ret;
	}

	ret = kestrel_image_check(file->data, file->size, kdev->hardware.tcm_bytes, &reason,
				  &header);
	if (ret) {
		drm_err(&kdev->drm, "the firmware %s is refused: %s\n", KESTREL_FW_IMAGE_NAME,
			reason);
		goto out_release;
	}

	ret = kestrel_firmware_share(kdev, &fw->image, KESTREL_SHARED_IMAGE_VA, file->size,
				     KESTREL_PTE_READ, GFP_KERNEL);
	if (ret)
		goto out_release;

	memcpy(fw->image.cpu, file->data, file->size);
	fw->image_size = file->size;

out_release:
	release_firmware(file);
	return ret;
}

static int kestrel_firmware_share_all(struct kestrel_device *kdev)
{
	const u64 permissions = KESTREL_PTE_READ | KESTREL_PTE_WRITE;
	struct kestrel_firmware *fw = &kdev->firmware;
	int ret;

	ret = kestrel_firmware_share(kdev, &fw->control, KESTREL_SHARED_CONTROL_VA,
				     sizeof(struct kestrel_fw_control), permissions, GFP_KERNEL);
	if (ret)
		return ret;
	ret = kestrel_firmware_share(kdev, &fw->events, KESTREL_SHARED_EVENTS_VA,
				     KESTREL_EVENT_ENTRIES * sizeof(struct kestrel_fw_event),
				     permissions, GFP_KERNEL);
	if (ret)
		return ret;
	ret = kestrel_firmware_share(kdev, &fw->log, KESTREL_SHARED_LOG_VA,
				     KESTREL_LOG_ENTRIES * sizeof(struct kestrel_fw_log_record),
				     permissions, GFP_KERNEL);
	if (ret)
		return ret;
	return kestrel_firmware_share(kdev, &fw->crash, KESTREL_SHARED_CRASH_VA,
				      sizeof(struct kestrel_fw_crash), permissions, GFP_KERNEL);
}

/**
 * kestrel_firmware_init - load the firmware and prepare what it needs
 * @kdev: device with its MMU prepared
 *
 * Return: 0 or a negative error code; kestrel_firmware_fini() cleans up in both
 * cases.
 */
int kestrel_firmware_init(struct kestrel_device *kdev)
{
	struct kestrel_firmware *fw = &kdev->firmware;
	int ret;

	init_waitqueue_head(&fw->reply);
	ret = drmm_mutex_init(&kdev->drm, &fw->table_lock);
	if (ret)
		return ret;
	ret = drmm_mutex_init(&kdev->drm, &fw->request_lock);
	if (ret)
		return ret;
	ret = drmm_mutex_init(&kdev->drm, &fw->event_lock);
	if (ret)
		return ret;

	if (firmware_log_level >= KESTREL_FW_LOG_LEVEL_COUNT) {
		drm_err(&kdev->drm, "firmware_log_level is %u, but must be below %u\n",
			firmware_log_level, KESTREL_FW_LOG_LEVEL_COUNT);
		return -EINVAL;
	}

	fw->log_level = firmware_log_level;

	ret = kestrel_mmu_table_init(kdev, &fw->pagetable);
	if (ret)
		return ret;

	ret = kestrel_firmware_load(kdev);
	if (ret)
		return ret;

	ret = kestrel_firmware_share_all(kdev);
	if (ret)
		return ret;

	kestrel_mmu_attach(kdev, KESTREL_ASID_FIRMWARE, &fw->pagetable);
	return 0;
}

/**
 * kestrel_firmware_fini - free what the firmware used
 * @kdev: device with its management core stopped and no queues
 */
void kestrel_firmware_fini(struct kestrel_device *kdev)
{
	struct kestrel_firmware *fw = &kdev->firmware;

	if (!fw->pagetable.root)
		return;

	kestrel_firmware_unshare(kdev, &fw->crash);
	kestrel_firmware_unshare(kdev, &fw->log);
	kestrel_firmware_unshare(kdev, &fw->events);
	kestrel_firmware_unshare(kdev, &fw->control);
	kestrel_firmware_unshare(kdev, &fw->image);
	kestrel_mmu_detach(kdev, KESTREL_ASID_FIRMWARE);
	kestrel_pagetable_fini(&fw->pagetable);
}

static const char *kestrel_firmware_boot_code_text(u32 code)
{
	static const char * const texts[] = {
		[KESTREL_BOOT_OK] = "no reason given",
		[KESTREL_BOOT_MAGIC] = "not a Kestrel image",
		[KESTREL_BOOT_HEADER_VERSION] = "unknown header version",
		[KESTREL_BOOT_ARCHITECTURE] = "made for another architecture",
		[KESTREL_BOOT_SIZE] = "sizes disagree",
		[KESTREL_BOOT_SECTION] = "section table or entry out of range",
		[KESTREL_BOOT_HASH] = "wrong hash",
		[KESTREL_BOOT_SIGNATURE] = "signature missing or wrong",
		[KESTREL_BOOT_ROLLBACK] = "older than the fuse allows",
		[KESTREL_BOOT_MEMORY_FAULT] = "memory fault while reading it",
	};

	return code < ARRAY_SIZE(texts) ? texts[code] : "unknown reason";
}

static bool kestrel_firmware_boot_ended(struct kestrel_device *kdev)
{
	u32 status = kestrel_read(kdev, KESTREL_REG_MCU_STATUS);

	if (status != KESTREL_MCU_STATUS_BOOTING && status != KESTREL_MCU_STATUS_RUNNING)
		return true;
	return READ_ONCE(kestrel_firmware_control(kdev)->firmware.state) != KESTREL_FW_STATE_NONE;
}

static int kestrel_firmware_hello(struct kestrel_device *kdev)
{
	struct kestrel_fw_control *control = kestrel_firmware_control(kdev);
	u32 status = kestrel_read(kdev, KESTREL_REG_MCU_STATUS);
	struct kestrel_fw_control_firmware hello;
	const char *reason;
	u32 code;
	int ret;

	if (status == KESTREL_MCU_STATUS_REFUSED) {
		code = kestrel_read(kdev, KESTREL_REG_BOOT_CODE);
		drm_err(&kdev->drm, "the boot ROM refuses the firmware: %s (code %u)\n",
			kestrel_firmware_boot_code_text(code), code);
		return -ENOEXEC;
	}

	dma_rmb();
	memcpy(&hello, &control->firmware, sizeof(hello));

	if (hello.state != KESTREL_FW_STATE_READY || status != KESTREL_MCU_STATUS_RUNNING) {
		drm_err(&kdev->drm,
			"the firmware does not start: state %u, boot error %u, MCU status %u, halt code %#x\n",
			hello.state, hello.boot_error, status,
			kestrel_read(kdev, KESTREL_REG_MCU_HALT_CODE));
		return -EIO;
	}

	ret = kestrel_protocol_hello_check(&hello, kdev->hardware.queue_count, &reason);
	if (ret) {
		drm_err(&kdev->drm, "the firmware cannot be used: %s\n", reason);
		return ret;
	}

	kestrel_protocol_text_clean(hello.build, sizeof(hello.build));
	if (!kdev->firmware.hello.state) {
		drm_info(&kdev->drm, "firmware %u.%u.%u (%s), interface %u.%u\n",
			 hello.firmware_version >> 24, hello.firmware_version >> 16 & 0xff,
			 hello.firmware_version & 0xffff, hello.build, hello.interface_major,
			 hello.interface_minor);
		kdev->firmware.hello = hello;
	} else if (hello.queues_max != kdev->firmware.hello.queues_max ||
		   hello.ring_entries_max != kdev->firmware.hello.ring_entries_max) {
		drm_err(&kdev->drm, "the firmware's limits are not those of its last boot\n");
		return -EPROTO;
	}

	return 0;
}

/**
 * kestrel_firmware_boot - start the firmware and wait until it is ready
 * @kdev: device, entered, with its management core off
 *
 * Return: 0 or a negative error code; the log says why.
 */
int kestrel_firmware_boot(struct kestrel_device *kdev)
{
	struct kestrel_fw_control *control = kestrel_firmware_control(kdev);
	struct kestrel_firmware *fw = &kdev->firmware;
	bool ended;
	int ret;

	mutex_lock(&fw->event_lock);
	memset(control, 0, sizeof(*control));
	memset(fw->events.cpu, 0, fw->events.size);
	memset(fw->log.cpu, 0, fw->log.size);
	memset(fw->crash.cpu, 0, fw->crash.size);
	fw->event_read = 0;
	fw->log_read = 0;
	mutex_unlock(&fw->event_lock);

	control->host.magic = KESTREL_FW_CONTROL_MAGIC;
	control->host.interface_major = KESTREL_FW_INTERFACE_MAJOR;
	control->host.interface_minor = KESTREL_FW_INTERFACE_MINOR;
	control->host.event_address = fw->events.va;
	control->host.event_entries = KESTREL_EVENT_ENTRIES;
	control->host.log_address = fw->log.va;
	control->host.log_entries = KESTREL_LOG_ENTRIES;
	control->host.crash_address = fw->crash.va;

	kestrel_write64(kdev, KESTREL_REG_IMAGE_ADDRESS_LO, fw->image.va);
	kestrel_write(kdev, KESTREL_REG_IMAGE_SIZE, fw->image_size);
	kestrel_write(kdev, KESTREL_REG_BOOT_ARGUMENT(KESTREL_FW_BOOT_CONTROL_ADDRESS),
		      fw->control.va);
	kestrel_write(kdev, KESTREL_REG_BOOT_ARGUMENT(KESTREL_FW_BOOT_CONTROL_SIZE),
		      sizeof(struct kestrel_fw_control));
	kestrel_write(kdev, KESTREL_REG_BOOT_ARGUMENT(KESTREL_FW_BOOT_LOG_LEVEL),
		      fw->log_level);
	kestrel_write(kdev, KESTREL_REG_MCU_START, 1);

	ret = read_poll_timeout(kestrel_firmware_boot_ended, ended, ended, 200,
				boot_timeout_ms * 1000ul, false, kdev);
	if (ret) {
		drm_err(&kdev->drm, "the firmware is not ready after %u ms\n", boot_timeout_ms);
		return ret;
	}

	return kestrel_firmware_hello(kdev);
}

/**
 * kestrel_firmware_stop - stop management core and engines
 * @kdev: device, entered
 *
 * Return: 0, or -ETIMEDOUT when the device does not answer.
 */
int kestrel_firmware_stop(struct kestrel_device *kdev)
{
	u32 value;

	kestrel_write(kdev, KESTREL_REG_MCU_RESET, 1);
	return readl_poll_timeout(kdev->registers + KESTREL_REG_MCU_RESET, value, !value, 10,
				  request_timeout_ms * 1000ul);
}

static bool kestrel_firmware_replied(const struct kestrel_fw_request *slot, u32 seqno)
{
	return READ_ONCE(slot->reply_seqno) == seqno;
}

/**
 * kestrel_firmware_request_wait - send a request and wait so long for the reply
 * @kdev: device, entered
 * @request: type, queue, argument and create are used
 * @timeout_ms: how long; request_timeout_ms if that is more
 *
 * The caller holds request_lock, and asks for a reset of firmware that does not
 * answer before it lets go of it.
 *
 * Return: 0; -EIO when the device is wedged or off; -ETIMEDOUT when there is no reply in
 * time; -EPROTO when the firmware refuses. The log says which.
 */
int kestrel_firmware_request_wait(struct kestrel_device *kdev,
				  const struct kestrel_fw_request *request,
				  unsigned int timeout_ms)
{
	struct kestrel_fw_request *slot = &kestrel_firmware_control(kdev)->request[0];
	unsigned int wait_ms = max(timeout_ms, request_timeout_ms);
	unsigned long deadline = jiffies + msecs_to_jiffies(wait_ms) + 1;
	struct kestrel_firmware *fw = &kdev->firmware;
	u32 seqno, result;
	bool late;

	lockdep_assert_held(&fw->request_lock);
	if (!kdev->power.on)
		return -EIO;

	seqno = ++fw->request_seqno ?: ++fw->request_seqno;
	slot->type = request->type;
	slot->queue = request->queue;
	slot->argument = request->argument;
	slot->create = request->create;
	dma_wmb();
	WRITE_ONCE(slot->seqno, seqno);
	kestrel_write(kdev, KESTREL_REG_CONTROL_DOORBELL, 1);

	do {
		/* Look once more after the last wait: it may have been long. */
		late = time_after(jiffies, deadline);
		wait_event_timeout(fw->reply, kestrel_firmware_replied(slot, seqno),
				   msecs_to_jiffies(KESTREL_REPLY_POLL_MS) + 1);
	} while (!kestrel_firmware_replied(slot, seqno) && !late);

	if (!kestrel_firmware_replied(slot, seqno)) {
		dev_err_ratelimited(kdev->drm.dev,
				    "the firmware does not answer request %u in %u ms\n",
				    request->type, wait_ms);
		return -ETIMEDOUT;
	}

	dma_rmb();
	result = READ_ONCE(slot->result);
	if (result != KESTREL_FW_RESULT_OK) {
		dev_err_ratelimited(kdev->drm.dev,
				    "the firmware refuses request %u: result %u, value %llu\n",
				    request->type, result, READ_ONCE(slot->value));
		return -EPROTO;
	}

	return 0;
}

/**
 * kestrel_firmware_request - send a request and wait for the reply
 * @kdev: device, entered
 * @request: type, queue, argument and create are used
 *
 * As kestrel_firmware_request_wait() for request_timeout_ms.
 *
 * Return: as kestrel_firmware_request_wait().
 */
int kestrel_firmware_request(struct kestrel_device *kdev,
			     const struct kestrel_fw_request *request)
{
	return kestrel_firmware_request_wait(kdev, request, 0);
}

static void kestrel_firmware_log_print(struct kestrel_device *kdev,
				       struct kestrel_fw_log_record *record)
{
	kestrel_protocol_text_clean(record->text, sizeof(record->text));

	/* What is below an error may be about a client's mistake: not for the log. */
	if (record->level == KESTREL_FW_LOG_ERROR)
		dev_err_ratelimited(kdev->drm.dev, "firmware [%llu]: %s\n", record->time,
				    record->text);
	else
		drm_dbg_driver(&kdev->drm, "firmware [%llu]: %s\n", record->time, record->text);
}

/* Returns whether the record is still there, and whole. */
static bool kestrel_firmware_log_take(struct kestrel_device *kdev, u32 sequence,
				      struct kestrel_fw_log_record *record)
{
	const struct kestrel_fw_log_record *ring = kdev->firmware.log.cpu;
	const struct kestrel_fw_log_record *shared = &ring[sequence % KESTREL_LOG_ENTRIES];

	if (READ_ONCE(shared->sequence) != sequence)
		return false;
	dma_rmb();
	memcpy(record, shared, sizeof(*record));
	dma_rmb();
	return READ_ONCE(shared->sequence) == sequence;
}

static void kestrel_firmware_log_process(struct kestrel_device *kdev)
{
	struct kestrel_firmware *fw = &kdev->firmware;
	u32 write = READ_ONCE(kestrel_firmware_control(kdev)->firmware.log_write_index);
	u32 pending = write - fw->log_read;

	/* Behind by more than the ring: what is lost is lost. */
	if (pending > KESTREL_LOG_ENTRIES) {
		pending = KESTREL_LOG_ENTRIES;
		fw->log_read = write - pending;
	}

	for (; pending; pending--, fw->log_read++) {
		struct kestrel_fw_log_record record;

		if (kestrel_firmware_log_take(kdev, fw->log_read, &record))
			kestrel_firmware_log_print(kdev, &record);
	}
}

/**
 * kestrel_firmware_log_read - copy what the log ring holds
 * @kdev: device
 * @records: room for KESTREL_LOG_ENTRIES records
 *
 * Return: how many there were, the oldest first; their text is printable.
 */
u32 kestrel_firmware_log_read(struct kestrel_device *kdev, struct kestrel_fw_log_record *records)
{
	struct kestrel_firmware *fw = &kdev->firmware;
	u32 sequence, count = 0;
	int idx;

	if (!drm_dev_enter(&kdev->drm, &idx))
		return 0;

	mutex_lock(&fw->event_lock);
	for (sequence = fw->log_read - KESTREL_LOG_ENTRIES; sequence != fw->log_read; sequence++) {
		struct kestrel_fw_log_record *record = &records[count];

		/* Nothing stands before the first one. */
		if ((s32)sequence < 0 && fw->log_read < KESTREL_LOG_ENTRIES)
			continue;
		if (!kestrel_firmware_log_take(kdev, sequence, record))
			continue;
		kestrel_protocol_text_clean(record->text, sizeof(record->text));
		count++;
	}
	mutex_unlock(&fw->event_lock);

	drm_dev_exit(idx);
	return count;
}

/**
 * kestrel_firmware_log_level_set - say what the firmware shall write to its log
 * @kdev: device
 * @level: enum kestrel_fw_log_level
 *
 * The level stays over resets and times without power.
 *
 * Return: 0 or a negative error code.
 */
int kestrel_firmware_log_level_set(struct kestrel_device *kdev, u32 level)
{
	const struct kestrel_fw_request request = {
		.type = KESTREL_FW_REQUEST_SET_LOG_LEVEL,
		.argument = level,
	};
	int idx, ret = -ENODEV;

	if (!drm_dev_enter(&kdev->drm, &idx))
		return ret;

	ret = kestrel_power_get(kdev);
	if (!ret) {
		mutex_lock(&kdev->firmware.request_lock);
		ret = kestrel_firmware_request(kdev, &request);
		if (!ret)
			WRITE_ONCE(kdev->firmware.log_level, level);
		else if (ret == -ETIMEDOUT)
			kestrel_reset_schedule(kdev, KESTREL_RESET_MCU);
		mutex_unlock(&kdev->firmware.request_lock);
		kestrel_power_put(kdev);
	}
	drm_dev_exit(idx);
	return ret;
}

/* Returns -EPROTO when the firmware says what cannot be. */
static int kestrel_firmware_event_next(struct kestrel_device *kdev, u32 *pending)
{
	struct kestrel_fw_control *control = kestrel_firmware_control(kdev);
	const struct kestrel_fw_event *ring = kdev->firmware.events.cpu;
	struct kestrel_firmware *fw = &kdev->firmware;
	struct kestrel_fw_event event;
	int ret;

	ret = kestrel_protocol_pending(READ_ONCE(control->firmware.event_write_index),
				       fw->event_read, KESTREL_EVENT_ENTRIES, pending);
	if (ret || !*pending)
		return ret;

	dma_rmb();
	memcpy(&event, &ring[fw->event_read % KESTREL_EVENT_ENTRIES], sizeof(event));
	fw->event_read++;
	/* The entry has been read before the firmware may reuse it. */
	mb();
	WRITE_ONCE(control->host.event_read_index, fw->event_read);

	ret = kestrel_protocol_event_check(&event, kdev->hardware.queue_count);
	if (ret)
		return ret;

	/* What the MMU says of it is there by now, but may not have been before. */
	if (event.type == KESTREL_FW_EVENT_JOB_FAULT)
		kestrel_mmu_faults_process(kdev);
	return kestrel_queue_event(kdev, &event);
}

/**
 * kestrel_firmware_events_process - read all that the firmware has to say
 * @kdev: device, entered
 *
 * Signals fences. Firmware that breaks the protocol is reset.
 */
void kestrel_firmware_events_process(struct kestrel_device *kdev)
{
	struct kestrel_firmware *fw = &kdev->firmware;
	bool cookie = dma_fence_begin_signalling();
	u32 pending, taken = 0;
	int ret;

	mutex_lock(&fw->event_lock);
	/* More than a ring full comes with another interrupt. */
	do {
		ret = kestrel_firmware_event_next(kdev, &pending);
	} while (!ret && pending && ++taken < KESTREL_EVENT_ENTRIES);
	kestrel_firmware_log_process(kdev);
	mutex_unlock(&fw->event_lock);

	if (ret) {
		dev_err_ratelimited(kdev->drm.dev, "the firmware's event ring holds nonsense\n");
		kestrel_reset_schedule(kdev, KESTREL_RESET_MCU);
	}

	dma_fence_end_signalling(cookie);
}

/**
 * kestrel_firmware_halted - look whether the management core has stopped
 * @kdev: device, entered
 *
 * Return: true when it has; the log says why.
 */
bool kestrel_firmware_halted(struct kestrel_device *kdev)
{
	const struct kestrel_fw_crash *crash = kdev->firmware.crash.cpu;

	if (kestrel_read(kdev, KESTREL_REG_MCU_STATUS) == KESTREL_MCU_STATUS_RUNNING)
		return false;

	drm_err(&kdev->drm, "the management core has halted: code %#x, pc %#x\n",
		kestrel_read(kdev, KESTREL_REG_MCU_HALT_CODE),
		kestrel_read(kdev, KESTREL_REG_MCU_PC));
	if (READ_ONCE(crash->magic) == KESTREL_FW_CRASH_MAGIC)
		drm_err(&kdev->drm, "crash: cause %#x, epc %#x, tval %#x, queue %#x, seqno %llu\n",
			READ_ONCE(crash->cause), READ_ONCE(crash->epc), READ_ONCE(crash->tval),
			READ_ONCE(crash->queue), READ_ONCE(crash->seqno));
	return true;
}

/**
 * kestrel_firmware_heartbeat - a number that grows while the firmware works
 * @kdev: device
 *
 * Return: the number.
 */
u32 kestrel_firmware_heartbeat(struct kestrel_device *kdev)
{
	return READ_ONCE(kestrel_firmware_control(kdev)->firmware.heartbeat);
}
