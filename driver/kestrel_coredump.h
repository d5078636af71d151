/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_COREDUMP_H_
#define _KESTREL_COREDUMP_H_

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <kestrel/coredump.h>

struct dma_fence;
struct kestrel_device;
struct kestrel_job;
struct kestrel_queue;

/* Registers in a dump; kestrel_coredump.c lists them. */
#define KESTREL_COREDUMP_REGISTERS	39

/**
 * enum kestrel_coredump_state - how far a dump is
 */
enum kestrel_coredump_state {
	/** @KESTREL_COREDUMP_IDLE: there is none. */
	KESTREL_COREDUMP_IDLE,
	/** @KESTREL_COREDUMP_TAKEN: registers and job are copied. */
	KESTREL_COREDUMP_TAKEN,
	/** @KESTREL_COREDUMP_READY: the work may make a dump of it. */
	KESTREL_COREDUMP_READY,
};

/**
 * struct kestrel_coredump - the failure that a dump is being made of
 *
 * Failures are seen where nothing can be allocated and little be waited for: what
 * would be gone soon is copied to here, and a work makes the dump.
 */
struct kestrel_coredump {
	/** @lock: guards @state and @time; while it is IDLE, also who fills the rest. */
	spinlock_t lock;
	/** @state: how far it is. Guarded by @lock. */
	enum kestrel_coredump_state state;
	/** @time: when the last one was taken, in jiffies. Guarded by @lock. */
	unsigned long time;
	/** @taken: one has been taken before. Guarded by @lock. */
	bool taken;
	/** @work: makes the dump. */
	struct work_struct work;

	/* The rest belongs to who made @state TAKEN, then to the work. */

	/** @reason: enum kestrel_coredump_reason. */
	u32 reason;
	/** @time_ns: wall-clock time. */
	u64 time_ns;
	/** @monotonic_ns: monotonic time. */
	u64 monotonic_ns;
	/** @queue: of the job to blame, with a reference; NULL: there is none. */
	struct kestrel_queue *queue;
	/** @fence: its fence, with a reference. */
	struct dma_fence *fence;
	/** @job: the job, if @queue. */
	struct kestrel_coredump_job job;
	/** @mcu: management core. */
	struct kestrel_coredump_mcu mcu;
	/** @registers: registers. */
	struct kestrel_coredump_register registers[KESTREL_COREDUMP_REGISTERS];
	/** @reset_is_mine: the reset under way fills it in; reset work only. */
	bool reset_is_mine;
	/** @memory_valid: the members below are copied. Guarded by the firmware's event_lock. */
	bool memory_valid;
	/** @crash: crash record. */
	struct kestrel_fw_crash crash;
	/** @log: copy of the log ring; allocated for the life of the device. */
	struct kestrel_fw_log_record *log;
	/** @log_write: log records ever written. */
	u32 log_write;
};

int kestrel_coredump_init(struct kestrel_device *kdev);
void kestrel_coredump_job(const struct kestrel_job *job, const struct kestrel_fw_event *event,
			  int error);
void kestrel_coredump_reset_begin(struct kestrel_device *kdev);
void kestrel_coredump_reset_end(struct kestrel_device *kdev, u32 reason);
void kestrel_coredump_flush(struct kestrel_device *kdev);

#endif /* _KESTREL_COREDUMP_H_ */
