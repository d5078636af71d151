/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_FIRMWARE_H_
#define _KESTREL_FIRMWARE_H_

#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/wait.h>

#include <kestrel/firmware.h>

#include "kestrel_pagetable.h"

struct kestrel_device;
struct sg_table;

/*
 * Address space 0, which firmware and driver share. Every queue has its own
 * places, so that nothing has to be searched for. The management core reaches
 * the lowest 2 GiB; save areas are for the engine only and lie above.
 */
#define KESTREL_SHARED_IMAGE_VA		0x01000000ull
#define KESTREL_SHARED_CONTROL_VA	0x02000000ull
#define KESTREL_SHARED_EVENTS_VA	0x02100000ull
#define KESTREL_SHARED_LOG_VA		0x02200000ull
#define KESTREL_SHARED_CRASH_VA		0x02300000ull
#define KESTREL_SHARED_RING_VA(slot)	(0x10000000ull + (slot) * (u64)SZ_64K)
#define KESTREL_SHARED_SAVE_VA(slot)	(0x100000000ull + (slot) * (u64)SZ_64M)
#define KESTREL_SHARED_SAVE_MAX		SZ_64M

/* Records of the log ring. */
#define KESTREL_LOG_ENTRIES		256

/**
 * struct kestrel_shared - memory that driver and firmware share
 */
struct kestrel_shared {
	/** @cpu: the driver's view. */
	void *cpu;
	/** @dma: bus address. */
	dma_addr_t dma;
	/** @size: bytes, whole pages. */
	size_t size;
	/** @va: address in address space 0. */
	u64 va;
};

/**
 * struct kestrel_firmware - the management core and what runs on it
 */
struct kestrel_firmware {
	/** @table_lock: guards @pagetable. */
	struct mutex table_lock;
	/** @pagetable: address space 0. Guarded by @table_lock. */
	struct kestrel_pagetable pagetable;
	/** @image: the image that the boot ROM reads; kept for resets. */
	struct kestrel_shared image;
	/** @image_size: bytes of it. */
	u32 image_size;
	/** @control: struct kestrel_fw_control. */
	struct kestrel_shared control;
	/** @events: event ring. */
	struct kestrel_shared events;
	/** @log: log ring. */
	struct kestrel_shared log;
	/** @crash: struct kestrel_fw_crash. */
	struct kestrel_shared crash;
	/** @request_lock: held for a request, or for a whole reset. */
	struct mutex request_lock;
	/** @request_seqno: of the last request. Guarded by @request_lock. */
	u32 request_seqno;
	/** @reply: woken when the firmware rings. */
	wait_queue_head_t reply;
	/** @event_lock: guards @event_read, @log_read and both rings. */
	struct mutex event_lock;
	/** @event_read: events ever read. Guarded by @event_lock. */
	u32 event_read;
	/** @log_read: log records ever read. Guarded by @event_lock. */
	u32 log_read;
	/** @log_level: enum kestrel_fw_log_level. Written with @request_lock held. */
	u32 log_level;
	/** @hello: what the firmware said at boot, checked; constant after probe. */
	struct kestrel_fw_control_firmware hello;
};

int kestrel_firmware_init(struct kestrel_device *kdev);
void kestrel_firmware_fini(struct kestrel_device *kdev);
int kestrel_firmware_boot(struct kestrel_device *kdev);
int kestrel_firmware_stop(struct kestrel_device *kdev);
int kestrel_firmware_share(struct kestrel_device *kdev, struct kestrel_shared *shared, u64 va,
			   size_t size, u64 permissions, gfp_t gfp);
void kestrel_firmware_unshare(struct kestrel_device *kdev, struct kestrel_shared *shared);
int kestrel_firmware_map(struct kestrel_device *kdev, u64 va, struct sg_table *sgt, u64 size);
void kestrel_firmware_unmap(struct kestrel_device *kdev, u64 va, u64 size);
int kestrel_firmware_request(struct kestrel_device *kdev,
			     const struct kestrel_fw_request *request);
int kestrel_firmware_request_wait(struct kestrel_device *kdev,
				  const struct kestrel_fw_request *request,
				  unsigned int timeout_ms);
void kestrel_firmware_events_process(struct kestrel_device *kdev);
u32 kestrel_firmware_log_read(struct kestrel_device *kdev, struct kestrel_fw_log_record *records);
int kestrel_firmware_log_level_set(struct kestrel_device *kdev, u32 level);
bool kestrel_firmware_halted(struct kestrel_device *kdev);
u32 kestrel_firmware_heartbeat(struct kestrel_device *kdev);

#endif /* _KESTREL_FIRMWARE_H_ */
